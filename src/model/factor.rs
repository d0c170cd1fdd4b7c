//! Which factors has somebody passed, and how hard are they to steal?

/// What a factor proves, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// No factor was seen.
    #[default]
    None,
    /// Something that can be told to anybody: a password, an answer.
    Knowledge,
    /// Something that one has, but that can be relayed: a code, a push.
    Possession,
    /// Something that answers only to the right site.
    PhishingResistant,
}

impl Strength {
    /// The word that rules use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Knowledge => "knowledge",
            Self::Possession => "possession",
            Self::PhishingResistant => "phishing_resistant",
        }
    }
}

/// Kinds of factors, by what `debugContext.debugData.factor` contains; the first that fits counts.
const KINDS: &[(&str, &str, Strength)] = &[
    ("WEBAUTHN", "webauthn", Strength::PhishingResistant),
    ("U2F", "webauthn", Strength::PhishingResistant),
    ("SIGNED_NONCE", "fastpass", Strength::PhishingResistant),
    ("SMART_CARD", "smart_card", Strength::PhishingResistant),
    ("PUSH", "push", Strength::Possession),
    ("SOFT_TOKEN", "otp", Strength::Possession),
    ("OTP", "otp", Strength::Possession),
    ("TOKEN", "otp", Strength::Possession),
    ("SMS", "sms", Strength::Possession),
    ("CALL", "call", Strength::Possession),
    ("EMAIL", "email", Strength::Possession),
    ("PASSWORD", "password", Strength::Knowledge),
    ("QUESTION", "question", Strength::Knowledge),
    // Whatever the list does not know proves no more than that something was known.
    ("", "other", Strength::Knowledge),
];

/// A set of factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors(u16);

impl Factors {
    /// A set by its number.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The set's number.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Adds a factor as Okta names it.
    pub fn insert(&mut self, factor: &str) {
        let place = KINDS.iter().position(|(mark, ..)| factor.contains(mark)).unwrap_or_default();
        self.0 |= 1 << place;
    }

    fn kinds(self) -> impl Iterator<Item = &'static (&'static str, &'static str, Strength)> {
        KINDS.iter().enumerate().filter(move |(place, _)| self.0 & (1 << place) != 0).map(|(_, kind)| kind)
    }

    /// The words for those in it, each once.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let mut before = "";
        // Those of one word are neighbours.
        self.kinds()
            .map(|(_, word, _)| *word)
            .filter(move |word| std::mem::replace(&mut before, word) != *word)
    }

    /// What the strongest of them proves.
    pub fn strength(self) -> Strength {
        self.kinds().map(|(.., strength)| *strength).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(factors: &[&str]) -> (String, &'static str) {
        let mut set = Factors::default();
        factors.iter().for_each(|factor| set.insert(factor));
        (set.words().collect::<Vec<_>>().join(" "), set.strength().as_str())
    }

    #[test]
    fn the_strongest_factor_counts() {
        assert_eq!(of(&[]), (String::new(), "none"));
        assert_eq!(of(&["PASSWORD_AS_FACTOR"]), ("password".into(), "knowledge"));
        assert_eq!(of(&["PASSWORD_AS_FACTOR", "OKTA_VERIFY_PUSH"]), ("push password".into(), "possession"));
        assert_eq!(of(&["SMS_FACTOR", "FIDO_WEBAUTHN"]), ("webauthn sms".into(), "phishing_resistant"));
        assert_eq!(of(&["SIGNED_NONCE"]), ("fastpass".into(), "phishing_resistant"));
    }

    #[test]
    fn what_is_not_known_proves_little_and_words_come_once() {
        assert_eq!(of(&["CARRIER_PIGEON"]), ("other".into(), "knowledge"));
        assert_eq!(of(&["OKTA_SOFT_TOKEN", "GOOGLE_OTP", "RSA_TOKEN", "U2F", "WEBAUTHN"]).0, "webauthn otp");
        let mut set = Factors::default();
        set.insert("FIDO_WEBAUTHN");
        assert_eq!(Factors::from_bits(set.bits()), set);
    }
}
