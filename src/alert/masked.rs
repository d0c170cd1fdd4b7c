//! How does an alert look with everything masked that must not be seen?

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::mask::Masker;
use super::mask_json;
use crate::limits::EVIDENCE_VALUE_BYTES;
use crate::model::{Actor, Alert, Evidence, Shared, Target};

/// A shorter value is replaced only where it stands alone, not within a longer text.
const SHORTEST_WITHIN: usize = 6;

/// The values of one alert that are masked, each with its mask.
#[derive(Debug)]
pub(super) struct Masks<'m> {
    masker: Cow<'m, Masker>,
    org: Option<Arc<str>>,
    /// The longest first, as one may stand within another.
    values: BTreeMap<(Reverse<usize>, String), Mask>,
}

/// What stands for one value.
#[derive(Clone, Debug)]
struct Mask {
    text: String,
    /// Only the value's beginning is known: what follows it is masked with it.
    cut: bool,
}

impl Masks<'static> {
    /// Only what may be a mistyped password.
    pub(super) fn unproven(alert: &Alert) -> Self {
        Masks::collect(Cow::Owned(Masker::default()), alert.org.clone(), &alert.evidence, &alert.group)
    }
}

impl<'m> Masks<'m> {
    /// What may be a mistyped password, and the fields of `output.redact`.
    pub(super) fn of(masker: &'m Masker, alert: &Alert) -> Self {
        Self::collect(Cow::Borrowed(masker), alert.org.clone(), &alert.evidence, &alert.group)
    }

    /// The same for one event.
    pub(super) fn of_event(masker: &'m Masker, evidence: &Shared<Evidence>) -> Self {
        let evidence = std::slice::from_ref(evidence);
        Self::collect(Cow::Borrowed(masker), evidence.iter().find_map(|one| one.org.clone()), evidence, &[])
    }

    fn collect(
        masker: Cow<'m, Masker>,
        org: Option<Arc<str>>,
        evidence: &[Shared<Evidence>],
        group: &[(String, String)],
    ) -> Self {
        let mut secrets = typed_by_strangers(evidence);
        for one in evidence {
            masker.secrets(one, &mut secrets);
        }
        secrets.extend(group.iter().filter(|(name, _)| masker.redacts(name)).map(|(_, value)| value.clone()));
        let mut values = BTreeMap::new();
        for secret in &secrets {
            let beginning = secret.strip_suffix('…').filter(|text| text.len() > EVIDENCE_VALUE_BYTES - 4);
            let folded = fold(beginning.unwrap_or(secret)).0;
            let mask = Mask { text: masker.mask(org.as_deref(), secret), cut: beginning.is_some() };
            values.insert((Reverse(folded.len()), folded), mask);
        }
        Self { masker, org, values }
    }

    /// The alert as it may be shown.
    pub(super) fn apply<'a>(&self, alert: &'a Alert) -> Cow<'a, Alert> {
        if self.is_empty() {
            return Cow::Borrowed(alert);
        }
        let mut shown = alert.clone();
        if let Some(secret) = self.masker.secret.filter(|_| !self.masker.paths.is_empty()) {
            shown.id = Uuid::new_v5(&secret, alert.id.as_bytes());
        }
        self.text(&mut shown.entity.value);
        for (name, value) in &mut shown.group {
            self.at(name, value);
        }
        for evidence in &mut shown.evidence {
            *evidence = Shared::new(self.evidence(evidence));
        }
        shown.sentence = super::sentence::sentence_of(&shown);
        Cow::Owned(shown)
    }

    /// Masks all of a text, or what of it must not be seen.
    pub(super) fn text(&self, text: &mut String) {
        if self.values.is_empty() {
            return;
        }
        let (folded, mut places) = fold(text);
        let whole = (Reverse(folded.len()), folded);
        if let Some(mask) = self.values.get(&whole) {
            mask.text.clone_into(text);
            return;
        }
        let (_, mut folded) = whole;
        for ((_, secret), mask) in self.values.iter().filter(|((len, _), _)| len.0 >= SHORTEST_WITHIN) {
            if folded.contains(secret) {
                *text = replaced(text, &folded, &places, secret, mask);
                (folded, places) = fold(text);
            }
        }
    }

    /// Masks what stands at a path.
    pub(super) fn at(&self, path: &str, text: &mut String) {
        if self.masker.redacts(path) {
            *text = self.masker.mask(self.org.as_deref(), text);
        } else {
            self.text(text);
        }
    }

    fn compact(&self, path: &str, text: &mut compact_str::CompactString) {
        if !text.is_empty() {
            self.at_compact(path, text);
        }
    }

    fn at_compact(&self, path: &str, text: &mut compact_str::CompactString) {
        let mut owned = text.to_string();
        self.at(path, &mut owned);
        *text = owned.into();
    }

    fn evidence(&self, evidence: &Evidence) -> Evidence {
        let mut shown = evidence.clone();
        self.actor(&mut shown.actor);
        shown.targets.iter_mut().for_each(|target| self.target(target));
        self.text(&mut shown.display_message);
        self.text(&mut shown.user_agent);
        self.compact("outcome.reason", &mut shown.reason);
        self.compact("authenticationContext.externalSessionId", &mut shown.session_id);
        if let Some(session) = &mut shown.session {
            self.compact("authenticationContext.externalSessionId", &mut session.id);
        }
        self.compact("client.ipAddress", &mut shown.ip);
        shown.place = self.masker.place(shown.place.take());
        if let Some(travel) = &mut shown.travel {
            travel.from = self.masker.place(travel.from.take());
        }
        if let Some(token) = &mut shown.token {
            self.compact("transaction.detail.requestApiTokenId", &mut token.id);
            if let Some(created) = &mut token.created {
                self.compact("actor.alternateId", &mut created.by);
                self.masker.origin(created);
            }
        }
        for (path, value) in &mut shown.read {
            self.at_compact(path, value);
        }
        shown.raw = evidence.raw.as_deref().and_then(|raw| self.json(raw, evidence.actor.unproven));
        shown
    }

    fn actor(&self, actor: &mut Actor) {
        self.compact("actor.id", &mut actor.id);
        self.compact("actor.alternateId", &mut actor.login);
        self.compact("actor.displayName", &mut actor.name);
    }

    fn target(&self, target: &mut Target) {
        self.compact("target.id", &mut target.id);
        self.compact("target.alternateId", &mut target.alternate_id);
        self.compact("target.displayName", &mut target.name);
    }

    /// An event's JSON with the same masks; nothing if it cannot be read, rather than a leak.
    pub(super) fn json(&self, raw: &str, unproven: bool) -> Option<Arc<str>> {
        let mut event = serde_json::from_str(raw).ok()?;
        mask_json::walk(self, &mut event, "", unproven);
        Some(Arc::from(event.to_string()))
    }

    /// The same for what is taken apart already, and stands at this path of an event.
    pub(super) fn value(&self, event: &mut serde_json::Value, path: &str, unproven: bool) {
        if !self.is_empty() {
            mask_json::walk(self, event, path, unproven);
        }
    }

    /// An actor's key, which holds the login with more around it: the mask of the login alone, so
    /// that the record can be joined with alerts.
    pub(super) fn key(&self, key: &mut String, actor: &Actor) {
        if self.hides("actor.alternateId", actor.unproven) && !actor.login.is_empty() {
            *key = self.mask(&actor.login);
        } else {
            self.text(key);
        }
    }

    /// Whether there is nothing to mask.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.masker.paths.is_empty()
    }

    /// Whether a path is masked whatever stands there.
    pub(super) fn hides(&self, path: &str, unproven: bool) -> bool {
        self.masker.redacts(path) || (unproven && matches!(path, "actor.alternateId" | "enriched.user.login"))
    }

    /// What stands for a value.
    pub(super) fn mask(&self, value: &str) -> String {
        self.masker.mask(self.org.as_deref(), value)
    }
}

/// What strangers typed, less what other events of the alert prove to be a real login.
fn typed_by_strangers(evidence: &[Shared<Evidence>]) -> BTreeSet<String> {
    let proven: BTreeSet<String> = evidence
        .iter()
        .filter(|one| !one.actor.unproven && !one.actor.id.is_empty())
        .map(|one| one.actor.login.as_str().to_lowercase())
        .collect();
    evidence
        .iter()
        .filter(|one| one.actor.unproven)
        .flat_map(|one| [one.actor.login.as_str(), one.actor.name.as_str()])
        .filter(|value| !value.is_empty() && !proven.contains(&value.to_lowercase()))
        .map(str::to_owned)
        .collect()
}

/// A text without case, and for each of its bytes where the character that gave it begins; at last
/// where the text ends.
fn fold(text: &str) -> (String, Vec<usize>) {
    let (mut folded, mut places) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
    for (at, character) in text.char_indices() {
        // At the end of a word a lower-case sigma has a form of its own.
        folded.extend(character.to_lowercase().map(|lower| if lower == 'ς' { 'σ' } else { lower }));
        places.resize(folded.len(), at);
    }
    places.push(text.len());
    (folded, places)
}

/// The text with its mask for every occurrence of a folded secret; `places` are those of [`fold`].
fn replaced(text: &str, folded: &str, places: &[usize], secret: &str, mask: &Mask) -> String {
    let place = |at: usize| places.get(at).copied().unwrap_or(text.len());
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in folded.match_indices(secret) {
        // One character may give several when its case is folded: it goes whole.
        let (start, last) = (place(at).max(from), place(at + found.len() - 1));
        let character = text.get(last..).and_then(|rest| rest.chars().next());
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(&mask.text);
        from = if mask.cut { text.len() } else { last + character.map_or(0, char::len_utf8) };
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::mask::tests::masker;
    use crate::alert::samples;
    use crate::model::{TokenFacts, TokenOrigin};

    #[test]
    fn an_alert_without_anything_to_hide_is_not_even_copied() {
        let alert = samples::correlation();
        assert!(matches!(Masks::of(&masker(&[], ""), &alert).apply(&alert), Cow::Borrowed(_)));
    }

    #[test]
    fn a_value_is_masked_within_longer_texts_too() {
        let alert = samples::mistyped_password("Winter2026!");
        let shown = Masks::unproven(&alert).apply(&alert).into_owned();
        let raw = shown.evidence[0].raw.clone().unwrap();
        assert!(raw.contains("/login?u=masked:"), "{raw}");
        let mut text = "user WINTER2026! locked".to_owned();
        Masks::unproven(&alert).text(&mut text);
        assert!(text.starts_with("user masked:") && text.ends_with(" locked"), "{text}");
    }

    #[test]
    fn a_value_is_found_whatever_its_case_and_within_another() {
        let alert = samples::mistyped_password("İSTANBUL1903");
        let masks = Masks::unproven(&alert);
        for text in ["x i̇stanbul1903.", "x İstanbul1903.", "x İSTANBUL1903."] {
            let mut masked = text.to_owned();
            masks.text(&mut masked);
            assert!(masked.starts_with("x masked:") && masked.ends_with('.'), "{masked}");
        }
        let mut alert = samples::mistyped_password("secret");
        alert.evidence.extend(samples::mistyped_password("secret2026").evidence);
        let mut masked = "/login?u=secret2026".to_owned();
        Masks::unproven(&alert).text(&mut masked);
        assert!(!masked.ends_with("2026"), "{masked}");
    }

    #[test]
    fn raw_json_that_cannot_be_masked_is_left_out() {
        let mut alert = samples::mistyped_password("Winter2026!");
        alert.evidence[0].make_mut().raw = Some(Arc::from("Winter2026! {"));
        let shown = Masks::unproven(&alert).apply(&alert).into_owned();
        assert_eq!(shown.evidence[0].raw, None);
    }

    #[test]
    fn with_addresses_that_of_the_place_before_is_hidden_wherever_it_stands() {
        let mut alert = samples::single();
        let read = &mut alert.evidence[0].make_mut().read;
        read.push((Arc::from("enriched.travel.from_ip"), "203.0.113.7".into()));
        let masker = masker(&["client.ipAddress"], "");
        let shown = Masks::of(&masker, &alert).apply(&alert).into_owned();
        let event = &shown.evidence[0];
        assert_eq!(event.travel.as_ref().unwrap().from.as_ref().unwrap().ip.address, None);
        assert!(event.read.iter().all(|(_, value)| !value.contains("203.0.113.7")), "{:?}", event.read);
    }

    #[test]
    fn a_token_hides_its_owner_and_where_it_was_made() {
        let mut alert = samples::single();
        let created = TokenOrigin {
            by: "zoe@example.com".into(),
            ip: Some("192.0.2.99".parse().unwrap()),
            asn: Some(64_500),
            ..TokenOrigin::default()
        };
        let token = TokenFacts { id: "00Tsecret".into(), created: Some(created), ..TokenFacts::default() };
        alert.evidence[0].make_mut().token = Some(Box::new(token));
        let read = &mut alert.evidence[0].make_mut().read;
        read.push((Arc::from("enriched.token.created_ip"), "192.0.2.99".into()));
        read.push((Arc::from("enriched.token.created_by"), "zoe@example.com".into()));
        let paths = ["client.ipAddress", "actor.alternateId", "transaction.detail.requestApiTokenId"];
        let masker = masker(&paths, "");
        let shown = Masks::of(&masker, &alert).apply(&alert).into_owned();
        let text = format!("{:?}", shown.evidence[0]);
        for secret in ["192.0.2.99", "zoe@example.com", "00Tsecret"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let token = shown.evidence[0].token.as_ref().unwrap();
        assert_eq!(token.created.as_ref().unwrap().asn, Some(64_500));
    }

    #[test]
    fn a_redacted_flag_is_masked_at_its_path_only() {
        let mut alert = samples::correlation();
        let read = &mut alert.evidence[0].make_mut().read;
        read.push((Arc::from("securityContext.isProxy"), "true".into()));
        read.push((Arc::from("enriched.ip.anonymous"), "true".into()));
        let masker = masker(&["securityContext.isProxy"], "");
        let shown = Masks::of(&masker, &alert).apply(&alert).into_owned();
        let value = |path: &str| {
            let read = &shown.evidence[0].read;
            read.iter().find(|(name, _)| name.as_ref() == path).map(|(_, value)| value.clone()).unwrap()
        };
        assert!(value("securityContext.isProxy").starts_with("masked:"));
        assert_eq!(value("enriched.ip.anonymous"), "true");
    }

    #[test]
    fn a_redacted_object_hides_all_that_is_in_it() {
        let masker = masker(&["actor", "enriched.geo.city"], "");
        assert!(masker.redacts("actor.alternateId") && !masker.redacts("actors"));
        let alert = samples::single();
        let shown = Masks::of(&masker, &alert).apply(&alert).into_owned();
        let event = &shown.evidence[0];
        assert!(event.actor.id.starts_with("masked:"));
        assert_eq!(event.place.as_ref().unwrap().geo, None);
        assert_eq!(event.travel.as_ref().unwrap().from.as_ref().unwrap().geo, None);
        assert!(event.place.as_ref().unwrap().asn.is_some());
    }

    #[test]
    fn the_id_of_a_redacted_alert_is_keyed() {
        let alert = samples::correlation();
        let keyed = masker(&["actor.alternateId"], "pepper");
        let shown = Masks::of(&keyed, &alert).apply(&alert).into_owned();
        let again = Masks::of(&keyed, &samples::update()).apply(&samples::update()).into_owned();
        assert_ne!(shown.id, alert.id);
        assert_eq!(shown.id, again.id, "an update keeps the id");
    }
}
