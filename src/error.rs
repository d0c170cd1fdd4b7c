//! What failed, why, and what to do about it?

use std::fmt;

/// A failure as a person reads it: what failed, the detail, and a hint where one helps.
///
/// The primary is lower case without a full stop, the detail and the hint are whole sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed: `cannot read the city database`
    pub primary: String,
    /// Why: `No such file or directory (os error 2).`
    pub detail: Option<String>,
    /// What to do: `Set geoip.city to a file in MaxMind format, or leave it out.`
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without detail or hint yet.
    pub fn new(primary: impl Into<String>) -> Self {
        Self { primary: primary.into(), detail: None, hint: None }
    }

    /// With the reason.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.primary)?;
        if let Some(detail) = &self.detail {
            write!(out, "\n  detail: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(out, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
