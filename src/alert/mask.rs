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

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::config;
use crate::model::{Evidence, Place, TokenOrigin};

/// A redacted value that is shorter (`true`, `1`) is masked at its own path only.
const SHORTEST_ANYWHERE: usize = 4;

/// What to mask, for a whole deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Masker {
    pub(super) paths: Vec<String>,
    pub(super) secret: Option<Uuid>,
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

    /// Whether a path, or an object it lies in, is redacted.
    pub(super) fn redacts(&self, path: &str) -> bool {
        let within = |redacted: &String| {
            path.strip_prefix(redacted.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.paths.iter().any(|redacted| redacted == path || within(redacted))
    }

    /// Whether anything of an object is redacted, or the object itself.
    fn redacts_any_of(&self, object: &str) -> bool {
        let inside = |path: &String| path.strip_prefix(object).is_some_and(|rest| rest.starts_with('.'));
        self.redacts(object) || self.paths.iter().any(inside)
    }

    /// A place without what is redacted of it: one that has half a location tells the other half.
    pub(super) fn place(&self, place: Option<Arc<Place>>) -> Option<Arc<Place>> {
        let address = self.redacts("client.ipAddress");
        let geo =
            ["enriched.geo", "client.geographicalContext"].iter().any(|object| self.redacts_any_of(object));
        let asn = self.redacts_any_of("enriched.asn");
        if !(address || geo || asn) {
            return place;
        }
        let mut place = (*place?).clone();
        place.ip.address = place.ip.address.filter(|_| !address);
        place.geo = place.geo.filter(|_| !geo);
        place.asn = place.asn.filter(|_| !asn);
        Some(Arc::new(place))
    }

    /// Where a token was made, without what is redacted of it.
    pub(super) fn origin(&self, created: &mut TokenOrigin) {
        let geo =
            ["enriched.geo", "client.geographicalContext"].iter().any(|object| self.redacts_any_of(object));
        created.ip = created.ip.filter(|_| !self.redacts("client.ipAddress"));
        created.asn = created.asn.filter(|_| !self.redacts_any_of("enriched.asn"));
        created.country = created.country.take().filter(|_| !geo);
    }

    /// The values of one event to mask; `path` says what stands at a path of the rule's reading.
    pub(super) fn secrets(&self, evidence: &Evidence, secrets: &mut BTreeSet<String>) {
        let mut add = |value: &str| {
            if value.len() >= SHORTEST_ANYWHERE && !matches!(value, "true" | "false") {
                secrets.insert(value.to_owned());
            }
        };
        located(evidence).filter(|(path, _)| self.redacts(path)).for_each(|(_, value)| add(value));
        let from = evidence.travel.as_ref().and_then(|travel| travel.from.as_deref()?.ip.address);
        let created = evidence.token.as_ref().and_then(|token| token.created.as_ref()?.ip);
        for address in from.into_iter().chain(created).filter(|_| self.redacts("client.ipAddress")) {
            add(&address.to_string());
        }
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
        ("enriched.session.id", evidence.session_id.as_str()),
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
    let token = evidence.token.iter().flat_map(|token| {
        let by = token.created.as_ref().map_or("", |created| created.by.as_str());
        [
            ("transaction.detail.requestApiTokenId", token.id.as_str()),
            ("enriched.token.id", token.id.as_str()),
            ("actor.alternateId", by),
            ("enriched.token.created_by", by),
        ]
    });
    own.into_iter().chain(targets).chain(token).filter(|(_, value)| !value.is_empty())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::alert) fn masker(redact: &[&str], secret: &str) -> Masker {
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
}
