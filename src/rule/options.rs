//! Which options does a rule set that do not change what it matches?
//!
//! Without `suppress`, a correlation's alert takes further events for one timespan, and every
//! event that a detection matches is an alert of its own.

use super::diagnostic::Findings;
use super::exception::{self, ExceptionDocument};
use super::reader::{Map, Spanned};
use super::timespan;
use super::yaml::Node;
use crate::limits;
use crate::model::{Confidence, EntityKind, Mode};

/// The top-level map of options.
pub(super) const KEY: &str = "oktawatch";

pub(super) const KEYS: &[&str] = &[
    "mode",
    "suppress",
    "update_every",
    "entity",
    "risk",
    "confidence",
    "runbook",
    "evidence",
    "message",
    "exceptions",
];
pub(super) const MODES: &[(&str, Mode)] =
    &[("active", Mode::Active), ("shadow", Mode::Shadow), ("off", Mode::Off)];
pub(super) const ENTITIES: &[EntityKind] = &[
    EntityKind::Actor,
    EntityKind::TargetUser,
    EntityKind::Ip,
    EntityKind::Token,
    EntityKind::App,
    EntityKind::Org,
];
pub(super) const EVIDENCE_KEYS: &[&str] = &["max"];
pub(super) const CONFIDENCES: &[(&str, Confidence)] =
    &[("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];

/// An alert is updated at most this often unless its rule says otherwise; ms.
pub(super) const UPDATE_EVERY_MS: i64 = 60_000;

/// What the map says; `None` where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Options<'n> {
    pub mode: Mode,
    pub suppress_ms: Option<i64>,
    pub update_every_ms: Option<i64>,
    pub entity: Option<EntityKind>,
    pub risk: Option<u8>,
    pub confidence: Confidence,
    pub runbook: Option<String>,
    pub message: Option<Spanned>,
    pub evidence_max: Option<usize>,
    pub exceptions: Vec<ExceptionDocument<'n>>,
}

impl<'n> Options<'n> {
    /// Reads the map; what is wrong in it is left at its default and told.
    pub(super) fn read(node: Option<&'n Node>, findings: &mut Findings) -> Self {
        let map = node.and_then(|node| Map::of(node, "`oktawatch`", findings));
        let Some(map) = map else { return Self::default() };
        map.only(KEYS, findings);
        let span = |written: Option<Spanned>, findings: &mut Findings| timespan::parse(&written?, findings);
        let suppress = map.text("suppress", findings);
        let update_every = map.text("update_every", findings);
        Self {
            mode: word(&map, "mode", MODES, findings).unwrap_or_default(),
            suppress_ms: span(suppress, findings),
            update_every_ms: span(update_every, findings),
            entity: entity(&map, findings),
            risk: map.integer("risk", 100, findings).and_then(|risk| u8::try_from(risk).ok()),
            confidence: word(&map, "confidence", CONFIDENCES, findings).unwrap_or_default(),
            runbook: map.text("runbook", findings).map(|text| text.text),
            message: map.text("message", findings),
            evidence_max: evidence_max(&map, findings),
            exceptions: map.get("exceptions").map(|node| exception::read(node, findings)).unwrap_or_default(),
        }
    }
}

fn word<T: Copy>(map: &Map<'_>, key: &str, known: &[(&str, T)], findings: &mut Findings) -> Option<T> {
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let place = map.word(key, &words, findings)?;
    known.get(place).map(|(_, meaning)| *meaning)
}

fn entity(map: &Map<'_>, findings: &mut Findings) -> Option<EntityKind> {
    let words: Vec<&str> = ENTITIES.iter().map(|entity| entity.as_str()).collect();
    let place = map.word("entity", &words, findings)?;
    ENTITIES.get(place).copied()
}

fn evidence_max(map: &Map<'_>, findings: &mut Findings) -> Option<usize> {
    let map = Map::of(map.get("evidence")?, "`evidence`", findings)?;
    map.only(EVIDENCE_KEYS, findings);
    let most = i64::try_from(limits::EVIDENCE_PER_KEY).unwrap_or(i64::MAX);
    map.integer("max", most, findings).and_then(|max| usize::try_from(max).ok())
}
