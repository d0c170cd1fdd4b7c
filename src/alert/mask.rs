//! What must a reader of alerts not see, and what stands there instead?
//!
//! Two things are masked: what a stranger typed as a user name at a failed sign-in, because people
//! type passwords there, and the fields of `output.redact`. A value is masked wherever it turns up
//! (actor, entity, key, group, read values, targets, raw event), and the same value always has
//! the same mask, so alerts can still be joined.
//!
//! A digest of a password is no secret: who has the mask may try guesses on it. With
//! `output.mask_secret` the mask is 64 bits of a digest keyed with it, which tells nothing to
//! those who do not hold the secret. Without one it is only 16 bits: one guess in 65 536 fits
//! whatever was typed, so no guess can be confirmed, at the price that two different values
//! sometimes share a mask.
//!
//! The alert's id is such a digest as well: of the key, among others. What may be a password goes
//! into it masked; for redacted fields the id is keyed too, where there is a secret. Without one,
//! who knows the rule and the first event can try guesses on a redacted key.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::mask_json;
use crate::config;
use crate::model::{Actor, Alert, Evidence, Target};

/// A shorter value is replaced only where it stands alone, not within a longer text.
const SHORTEST_WITHIN: usize = 6;

/// A redacted value that is shorter (`true`, `1`) is masked at its own path only.
const SHORTEST_ANYWHERE: usize = 4;

/// What to mask, for a whole deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Masker {
    paths: Vec<String>,
    secret: Option<Uuid>,
}

impl Masker {
    pub(super) fn new(output: &config::Output) -> Self {
        let secret = (!output.mask_secret.is_empty())
            .then(|| Uuid::new_v5(&Uuid::nil(), output.mask_secret.as_bytes()));
        Self { paths: output.redact.clone(), secret }
    }

    /// What stands for a value. Case is folded, as it is in keys.
    pub(super) fn mask(&self, org: Option<&str>, value: &str) -> String {
        let text = format!("{}\0{}", org.unwrap_or_default(), value.to_lowercase());
        let digest = Uuid::new_v5(&self.secret.unwrap_or_default(), text.as_bytes()).as_u128();
        match self.secret {
            Some(_) => format!("masked:{:016x}", digest >> 64),
            None => format!("masked:{:04x}", digest >> 112),
        }
    }

    pub(super) fn redacts(&self, path: &str) -> bool {
        self.paths.iter().any(|redacted| redacted == path)
    }

    /// The values of one event to mask; `path` says what stands at a path of the rule's reading.
    fn secrets(&self, evidence: &Evidence, secrets: &mut BTreeSet<String>) {
        let mut add = |value: &str| {
            if value.len() >= SHORTEST_ANYWHERE && !matches!(value, "true" | "false") {
                secrets.insert(value.to_owned());
            }
        };
        located(evidence).filter(|(path, _)| self.redacts(path)).for_each(|(_, value)| add(value));
        for (_, value) in evidence.read.iter().filter(|(path, _)| self.redacts(path)) {
            add(value);
        }
    }
}

/// The values of an event that evidence keeps under names of its own, by Okta's path.
fn located(evidence: &Evidence) -> impl Iterator<Item = (&'static str, &str)> {
    let actor = &evidence.actor;
    let own = [
        ("actor.id", actor.id.as_str()),
        ("actor.alternateId", actor.login.as_str()),
        ("actor.displayName", actor.name.as_str()),
        ("enriched.user.login", actor.login.as_str()),
        ("client.ipAddress", evidence.ip.as_str()),
        ("client.userAgent.rawUserAgent", evidence.user_agent.as_str()),
        ("authenticationContext.externalSessionId", evidence.session_id.as_str()),
        ("displayMessage", evidence.display_message.as_str()),
        ("outcome.reason", evidence.reason.as_str()),
    ];
    let targets = evidence.targets.iter().flat_map(|target| {
        [
            ("target.id", target.id.as_str()),
            ("target.alternateId", target.alternate_id.as_str()),
            ("target.displayName", target.name.as_str()),
        ]
    });
    own.into_iter().chain(targets).filter(|(_, value)| !value.is_empty())
}

/// The values of one alert that are masked, each with its mask.
#[derive(Debug)]
pub(super) struct Masks<'m> {
    masker: Cow<'m, Masker>,
    org: Option<Arc<str>>,
    values: BTreeMap<String, String>,
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
    pub(super) fn of_event(masker: &'m Masker, evidence: &Arc<Evidence>) -> Self {
        let evidence = std::slice::from_ref(evidence);
        Self::collect(Cow::Borrowed(masker), evidence.iter().find_map(|one| one.org.clone()), evidence, &[])
    }

    fn collect(
        masker: Cow<'m, Masker>,
        org: Option<Arc<str>>,
        evidence: &[Arc<Evidence>],
        group: &[(String, String)],
    ) -> Self {
        let mut secrets = typed_by_strangers(evidence);
        for one in evidence {
            masker.secrets(one, &mut secrets);
        }
        secrets.extend(group.iter().filter(|(name, _)| masker.redacts(name)).map(|(_, value)| value.clone()));
        let mut values = BTreeMap::new();
        for secret in &secrets {
            let mask = masker.mask(org.as_deref(), secret);
            values.insert(secret.to_ascii_lowercase(), mask.clone());
            values.insert(secret.to_lowercase(), mask);
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
            *evidence = Arc::new(self.evidence(evidence));
        }
        shown.sentence = super::sentence::sentence_of(&shown);
        Cow::Owned(shown)
    }

    /// Masks all of a text, or what of it must not be seen.
    pub(super) fn text(&self, text: &mut String) {
        let folded = text.to_ascii_lowercase();
        if let Some(mask) = self.values.get(&folded) {
            mask.clone_into(text);
            return;
        }
        for (secret, mask) in self.values.iter().filter(|(secret, _)| secret.len() >= SHORTEST_WITHIN) {
            if text.to_ascii_lowercase().contains(secret.as_str()) {
                *text = replace_folded(text, secret, mask);
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
            let mut owned = text.to_string();
            self.at(path, &mut owned);
            *text = owned.into();
        }
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
        if self.masker.redacts("client.ipAddress") {
            self.compact("client.ipAddress", &mut shown.ip);
            shown.place = shown.place.map(|place| {
                let mut place = (*place).clone();
                place.ip.address = None;
                Arc::new(place)
            });
        }
        for (path, value) in &mut shown.read {
            self.at(path, value);
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
fn typed_by_strangers(evidence: &[Arc<Evidence>]) -> BTreeSet<String> {
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

/// Replaces every occurrence of `secret`, which is in ASCII lower case, whatever the case.
fn replace_folded(text: &str, secret: &str, mask: &str) -> String {
    let folded = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in folded.match_indices(secret) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(mask);
        from = at + found.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;

    fn masker(redact: &[&str], secret: &str) -> Masker {
        let redact = redact.iter().map(|path| (*path).to_owned()).collect();
        Masker::new(&config::Output { redact, mask_secret: secret.to_owned(), ..config::Output::default() })
    }

    #[test]
    fn the_same_value_has_the_same_mask_whatever_its_case() {
        for masker in [masker(&[], ""), masker(&[], "pepper")] {
            let mask = masker.mask(Some("acme"), "Ana@Example.com");
            assert_eq!(mask, masker.mask(Some("acme"), "ana@example.com"));
            assert_ne!(mask, masker.mask(Some("acme"), "ben@example.com"));
            assert_ne!(mask, masker.mask(Some("other"), "ana@example.com"), "tenants cannot be joined");
        }
    }

    #[test]
    fn without_a_secret_many_guesses_fit_one_mask() {
        let masker = masker(&[], "");
        let masks: BTreeSet<String> = (0..5_000).map(|n| masker.mask(None, &format!("guess {n}"))).collect();
        assert!(masks.len() < 5_000, "no mask may single out a value");
        assert_eq!(masker.mask(None, "x").len(), "masked:".len() + 4);
    }

    #[test]
    fn masks_of_two_secrets_have_nothing_in_common() {
        assert_ne!(masker(&[], "one").mask(None, "ana"), masker(&[], "two").mask(None, "ana"));
    }

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
    fn raw_json_that_cannot_be_masked_is_left_out() {
        let mut alert = samples::mistyped_password("Winter2026!");
        Arc::make_mut(&mut alert.evidence[0]).raw = Some(Arc::from("Winter2026! {"));
        let shown = Masks::unproven(&alert).apply(&alert).into_owned();
        assert_eq!(shown.evidence[0].raw, None);
    }

    #[test]
    fn a_redacted_flag_is_masked_at_its_path_only() {
        let mut alert = samples::correlation();
        let read = &mut Arc::make_mut(&mut alert.evidence[0]).read;
        read.push((Arc::from("securityContext.isProxy"), "true".to_owned()));
        read.push((Arc::from("enriched.ip.anonymous"), "true".to_owned()));
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
    fn the_id_of_a_redacted_alert_is_keyed() {
        let alert = samples::correlation();
        let keyed = masker(&["actor.alternateId"], "pepper");
        let shown = Masks::of(&keyed, &alert).apply(&alert).into_owned();
        let again = Masks::of(&keyed, &samples::update()).apply(&samples::update()).into_owned();
        assert_ne!(shown.id, alert.id);
        assert_eq!(shown.id, again.id, "an update keeps the id");
    }
}
