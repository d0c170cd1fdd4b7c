//! What is known of a rule besides what it matches?

use std::sync::Arc;

/// A rule's place in the rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u32);

/// A rule as alerts, logs and metrics show it.
#[derive(Clone, Debug, Default)]
pub struct RuleInfo {
    /// The document's UUID.
    pub id: String,
    /// Its slug: short, stable, unique.
    pub name: Arc<str>,
    /// Title for people.
    pub title: String,
    /// What it finds.
    pub description: String,
    /// How bad.
    pub level: Level,
    /// `stable`, `test`, `experimental`, …
    pub status: String,
    /// Who wrote it.
    pub author: String,
    /// Sigma tags, as written.
    pub tags: Vec<String>,
    /// Tactics and techniques, from the tags.
    pub attacks: Vec<Attack>,
    /// Links.
    pub references: Vec<String>,
    /// What looks alike and is harmless.
    pub false_positives: Vec<String>,
    /// Digest of its normalised meaning: equal as long as it matches the same.
    pub digest: String,
    /// Detection or which correlation.
    pub kind: RuleKind,
    /// Where alerts go.
    pub mode: Mode,
    /// Whether it raises alerts of its own, or only feeds correlations.
    pub generates: bool,
    /// Further satisfying events within this time belong to the same alert; ms.
    pub suppress_ms: i64,
    /// An alert is updated at most this often; ms.
    pub update_every_ms: i64,
    /// What the alert is about.
    pub entity: super::EntityKind,
    /// 0–100; by default from the level.
    pub risk: u8,
    /// How sure.
    pub confidence: Confidence,
    /// Markdown: what it means, how to check it, how to answer it.
    pub runbook: String,
    /// The sentence a person reads first, with `{placeholders}`.
    pub message: Option<String>,
    /// How many events an alert shows at most.
    pub evidence_max: usize,
    /// The file it was loaded from.
    pub source: String,
    /// The lists that it reads, or that the rules it takes read, by name.
    pub lists: Vec<Arc<ListInfo>>,
}

/// A list of values that rules read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListInfo {
    /// The name by which rules know it.
    pub name: Arc<str>,
    /// First digits of the digest of its file (XXH3, 128 bits): equal as long as it is the same file.
    pub digest: String,
    /// How many values it has.
    pub entries: usize,
}

/// Sigma's `level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For information.
    Informational,
    /// Low.
    Low,
    /// Medium.
    #[default]
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Level {
    /// Sigma's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The risk score of a rule that names none.
    pub fn risk(self) -> u8 {
        match self {
            Self::Informational => 5,
            Self::Low => 21,
            Self::Medium => 47,
            Self::High => 73,
            Self::Critical => 99,
        }
    }
}

/// Where a rule's alerts go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// To the alerts topic.
    #[default]
    Active,
    /// To the shadow topic: judged like any other, but nobody is called.
    Shadow,
    /// Nowhere; the rule is not evaluated.
    Off,
}

impl Mode {
    /// The word in rules, headers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// How sure a match is to mean what the rule says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confidence {
    /// Often harmless.
    Low,
    /// Needs a look.
    #[default]
    Medium,
    /// Rarely harmless.
    High,
}

/// Which engine judges the rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleKind {
    /// One event.
    #[default]
    Detection,
    /// `event_count`
    EventCount,
    /// `value_count`
    ValueCount,
    /// `temporal`
    Temporal,
    /// `temporal_ordered`
    TemporalOrdered,
    /// `value_sum`
    ValueSum,
    /// `value_avg`
    ValueAvg,
    /// `value_median`
    ValueMedian,
    /// `value_percentile`
    ValuePercentile,
    /// `sequence`
    Sequence,
    /// `absence`
    Absence,
    /// `new_value`
    NewValue,
    /// `aggregate`
    Aggregate,
    /// `baseline`
    Baseline,
    /// `risk_score`
    RiskScore,
}

impl RuleKind {
    /// Every type of correlation: Sigma's, then ours.
    pub const CORRELATIONS: [Self; 14] = [
        Self::EventCount,
        Self::ValueCount,
        Self::Temporal,
        Self::TemporalOrdered,
        Self::ValueSum,
        Self::ValueAvg,
        Self::ValueMedian,
        Self::ValuePercentile,
        Self::Sequence,
        Self::Absence,
        Self::NewValue,
        Self::Aggregate,
        Self::Baseline,
        Self::RiskScore,
    ];

    /// The word of a document's `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::EventCount => "event_count",
            Self::ValueCount => "value_count",
            Self::Temporal => "temporal",
            Self::TemporalOrdered => "temporal_ordered",
            Self::ValueSum => "value_sum",
            Self::ValueAvg => "value_avg",
            Self::ValueMedian => "value_median",
            Self::ValuePercentile => "value_percentile",
            Self::Sequence => "sequence",
            Self::Absence => "absence",
            Self::NewValue => "new_value",
            Self::Aggregate => "aggregate",
            Self::Baseline => "baseline",
            Self::RiskScore => "risk_score",
        }
    }
}

/// One ATT&CK technique with its tactic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attack {
    /// The tactic, where the tags name one.
    pub tactic: Option<Tactic>,
    /// `T1621`, `T1556.006`
    pub technique: Option<String>,
}

/// One ATT&CK tactic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tactic {
    /// `TA0006`
    pub uid: &'static str,
    /// `Credential Access`
    pub name: &'static str,
}
