//! In which ways could a rule be a little wrong?
//!
//! A mutant is a rule file with one small change of one rule's meaning. What a change does is not
//! known here: one that does not compile, or that means the same as before, is for the caller to
//! find out. The changes are made to the text, found by form where it can be, so that a new
//! correlation type is covered by what it is written with.

mod amount;
mod correlation;
mod detection;
mod text;

use std::ops::Range;
use std::path::Path;

use super::edit::{self, Edit};
use super::outline::{Outline, Written};
use super::yaml::{Entry, Kind, Node};

/// A rule file with one small change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The rule that is changed.
    pub rule: String,
    /// What kind of change.
    pub operator: &'static str,
    /// The change of the file.
    pub edit: Edit,
    /// The change, for people: `gte: 5 → gte: 4`.
    pub what: String,
    /// Where what is changed begins, in bytes of the file.
    pub at: usize,
    /// Of those with the same number, each is a smaller change of the same thing than the one
    /// before it: when no test sees the larger, none sees the smaller.
    pub ladder: usize,
}

/// One way to change a rule.
struct Operator {
    name: &'static str,
    find: fn(&Ground<'_>, &mut Vec<Change>),
}

/// Every way to change a rule. Those of correlations look at the form of what stands there (a
/// number, a timespan, a list, a key, a condition), so they know of no type.
const OPERATORS: &[Operator] = &[
    Operator { name: "amount", find: amount::nudge },
    Operator { name: "comparison", find: comparison },
    Operator { name: "joint", find: joint },
    Operator { name: "negation", find: negation },
    Operator { name: "operand", find: operand },
    Operator { name: "selection", find: detection::selection },
    Operator { name: "field", find: detection::field },
    Operator { name: "value", find: detection::value },
    Operator { name: "modifier", find: detection::modifier },
    Operator { name: "key", find: correlation::key },
    Operator { name: "item", find: correlation::item },
    Operator { name: "order", find: correlation::order },
    Operator { name: "word", find: correlation::word },
];

/// One rule as it is written.
struct Ground<'g> {
    outline: &'g Outline,
    document: &'g Written,
    text: &'g str,
}

/// One change, before it has its rule and its operator.
struct Change {
    edit: Edit,
    what: String,
    /// Where what is changed begins.
    at: usize,
    /// A smaller change of what the one before changes.
    lesser: bool,
}

impl Change {
    fn new(edit: Edit, what: String) -> Self {
        Self { at: edit.range.start, edit, what, lesser: false }
    }
}

impl Outline {
    /// Every mutant of the rules of a file, in the order of their places.
    pub fn mutants(&self, file: &Path) -> Vec<Mutant> {
        let mut mutants = Vec::new();
        for document in self.of_file(file) {
            let ground = Ground { outline: self, document, text: self.text(document.file) };
            for Operator { name, find } in OPERATORS {
                let mut changes = Vec::new();
                find(&ground, &mut changes);
                for Change { edit, what, at, lesser } in changes {
                    let rule = document.shown_name();
                    let ladder = mutants.len() - usize::from(lesser && !mutants.is_empty());
                    let ladder = mutants.get(ladder).map_or(ladder, |before: &Mutant| before.ladder);
                    mutants.push(Mutant { rule, operator: name, edit, what, at, ladder });
                }
            }
        }
        mutants.sort_by_key(|mutant| (mutant.at, mutant.ladder));
        mutants
    }
}

impl<'g> Ground<'g> {
    fn written(&self, range: Range<usize>) -> &'g str {
        self.text.get(range).unwrap_or_default()
    }

    /// The selections and the condition, of a detection or of a filter.
    fn detection(&self) -> Vec<&'g Entry> {
        let filter = entries(self.document.get("filter")).iter().filter(|entry| entry.key != "rules");
        entries(self.document.get("detection")).iter().chain(filter).collect()
    }

    fn selections(&self) -> impl Iterator<Item = &'g Entry> {
        self.detection().into_iter().filter(|entry| entry.key != "condition")
    }

    fn correlation(&self) -> Option<&'g Node> {
        self.document.get("correlation")
    }

    /// Every text of a condition, with where it starts in the file.
    fn conditions(&self) -> Vec<(&'g str, usize)> {
        let correlation = entries(self.correlation());
        let conditions = self.detection().into_iter().chain(correlation);
        let conditions = conditions.filter(|entry| entry.key == "condition");
        conditions.flat_map(|entry| texts(&entry.value)).collect()
    }

    /// Takes one of several neighbours out.
    fn removal(&self, pieces: &[Range<usize>], place: usize) -> Option<Change> {
        let edit = edit::without(self.text, pieces, place)?;
        let piece = pieces.get(place)?;
        let what = format!("without `{}`", shown(self.written(piece.clone())));
        Some(Change { at: piece.start, ..Change::new(edit, what) })
    }

    fn replacement(&self, range: Range<usize>, text: &str) -> Change {
        let what = format!("`{}` → `{}`", shown(self.written(range.clone())), shown(text));
        Change::new(Edit::new(range, text), what)
    }
}

fn entries(node: Option<&Node>) -> &[Entry] {
    match node.map(|node| &node.kind) {
        Some(Kind::Map(entries)) => entries,
        _ => &[],
    }
}

/// The texts of a node, as far as they stand in the file as they are.
fn texts(node: &Node) -> Vec<(&str, usize)> {
    match &node.kind {
        Kind::Scalar(scalar) => {
            let text = scalar.base.map(|base| (scalar.text.as_str(), base as usize));
            text.into_iter().collect()
        }
        Kind::List(items) => items.iter().flat_map(texts).collect(),
        Kind::Map(_) => Vec::new(),
    }
}

/// Characters of a piece that are shown.
const SHOWN: usize = 60;

/// A piece of the file in one line.
fn shown(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(end);
        line.push('…');
    }
    line
}

fn joint(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for (text, base) in ground.conditions() {
        changes.extend(text::joints(text, base));
    }
}

fn comparison(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for (text, base) in ground.conditions() {
        changes.extend(text::comparisons(text, base));
    }
    detection::comparison(ground, changes);
    correlation::comparison(ground, changes);
}

fn negation(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for (text, base) in ground.conditions() {
        changes.extend(text::negations(text, base));
    }
    detection::negation(ground, changes);
    correlation::boolean(ground, changes);
}

fn operand(ground: &Ground<'_>, changes: &mut Vec<Change>) {
    for (text, base) in ground.conditions() {
        changes.extend(text::operands(text, base));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{correlation, document};
    use super::super::{Sources, edit};
    use super::*;

    /// Operator, words and changed line of each mutant.
    fn mutants(text: &str) -> Vec<(&'static str, String, String)> {
        let outline = Outline::new(&Sources::of([("a.yml", text)]));
        let mutants = outline.mutants(Path::new("a.yml"));
        let line = |mutant: &Mutant| {
            let changed = edit::apply(text, std::slice::from_ref(&mutant.edit)).unwrap();
            let number = crate::text::line(text, mutant.edit.range.start);
            changed.lines().nth(number - 1).unwrap_or_default().trim().to_owned()
        };
        mutants.iter().map(|mutant| (mutant.operator, mutant.what.clone(), line(mutant))).collect()
    }

    fn lines(text: &str, operator: &str) -> Vec<String> {
        let mutants = mutants(text).into_iter().filter(|(name, ..)| *name == operator);
        mutants.map(|(_, _, line)| line).collect()
    }

    #[test]
    fn a_detection_is_changed_in_every_part() {
        let text = document(
            "one",
            "sel:\n  eventType: [a, b]\n  severity|startswith: x\n\
             not_us:\n- actor.id|neq: '1'\n- enriched.ip.site|exists: true\n\
             speed: {enriched.travel.kmh|gte: 900}\ncondition: sel and (not not_us or speed)",
            "",
        );
        let with = |operator: &str| lines(&text, operator);
        assert_eq!(
            with("value"),
            ["eventType: [b]", "eventType: [a]", "- enriched.ip.site|exists: true", "- actor.id|neq: '1'"]
        );
        assert_eq!(with("field"), ["severity|startswith: x", "eventType: [a, b]"]);
        assert_eq!(with("modifier"), ["severity|contains: x"]);
        assert_eq!(
            with("negation"),
            ["- actor.id: '1'", "- enriched.ip.site|exists: false", "condition: sel and (not_us or speed)"]
        );
        assert_eq!(with("comparison"), ["speed: {enriched.travel.kmh|gt: 900}"]);
        assert_eq!(
            with("amount"),
            ["speed: {enriched.travel.kmh|gte: 899}", "speed: {enriched.travel.kmh|gte: 901}"]
        );
        let joints = ["condition: sel or (not not_us or speed)", "condition: sel and (not not_us and speed)"];
        assert_eq!(with("joint"), joints);
        assert_eq!(
            with("operand"),
            [
                "condition: (not not_us or speed)",
                "condition: sel",
                "condition: sel and (speed)",
                "condition: sel and (not not_us)"
            ]
        );
        assert_eq!(with("selection").len(), 3);
    }

    #[test]
    fn a_filter_is_changed_like_a_detection() {
        let text = "title: F\nfilter:\n  rules: [a, b]\n  sel: {severity: [x, y]}\n  condition: not sel\n";
        assert_eq!(lines(text, "value"), ["sel: {severity: [y]}", "sel: {severity: [x]}"]);
        assert_eq!(lines(text, "negation"), ["condition: sel"]);
        let outline = Outline::new(&Sources::of([("a.yml", text)]));
        assert_eq!(outline.mutants(Path::new("a.yml"))[0].rule, "F");
    }

    #[test]
    fn a_count_is_changed_at_its_edges() {
        let text = correlation(
            "c",
            "type: event_count\nrules: [a, b]\ngroup-by:\n- actor.id\ntimespan: 10m\ncondition: {gte: 5}",
        );
        let with = |operator: &str| lines(&text, operator);
        let amounts = [
            "timespan: 12m",
            "timespan: 601s",
            "timespan: 8m",
            "timespan: 599s",
            "condition: {gte: 4}",
            "condition: {gte: 6}",
        ];
        assert_eq!(with("amount"), amounts);
        assert_eq!(with("comparison"), ["condition: {gt: 5}"]);
        assert_eq!(with("item"), ["rules: [b]", "rules: [a]"]);
        assert_eq!(with("order"), ["rules: [b, a]"]);
        assert!(mutants(&text).iter().any(|(_, what, _)| what == "without `group-by: - actor.id`"));
        let outline = Outline::new(&Sources::of([("a.yml", text.as_str())]));
        let ladders: Vec<_> = outline
            .mutants(Path::new("a.yml"))
            .into_iter()
            .filter(|mutant| mutant.operator == "amount")
            .map(|mutant| mutant.ladder)
            .collect();
        assert_eq!((ladders[0] == ladders[1], ladders[2] == ladders[3]), (true, true), "{ladders:?}");
        assert!(ladders[1] != ladders[2] && ladders[4] != ladders[5], "{ladders:?}");
    }

    #[test]
    fn types_of_any_kind_are_changed_by_their_form() {
        let text = correlation(
            "c",
            "type: sequence\nsteps:\n  - {rule: a, min: 3}\n  - rule: [b, d]\n    within: 5m\n\
             until: e\nwithin: 1h\nwhen: after\nhours_of_week: true",
        );
        let with = |operator: &str| lines(&text, operator);
        assert_eq!(with("order"), ["- rule: [b, d]"], "the steps change places");
        assert!(with("item").contains(&"- rule: [b]".to_owned()), "{:?}", with("item"));
        assert_eq!(with("word"), ["when: before"]);
        assert_eq!(with("negation"), ["hours_of_week: false"]);
        let removed: Vec<_> = mutants(&text).into_iter().filter(|(name, ..)| *name == "key").collect();
        for gone in ["until: e", "min: 3", "within: 5m", "within: 1h"] {
            assert!(
                removed.iter().any(|(_, what, _)| *what == format!("without `{gone}`")),
                "{gone} {removed:?}"
            );
        }
        let aggregate =
            correlation("c", "type: aggregate\nrules: a\ncondition: ips >= 5 and (n > 10 or x < 60%)");
        let expected = [
            "condition: ips > 5 and (n > 10 or x < 60%)",
            "condition: ips >= 5 and (n >= 10 or x < 60%)",
            "condition: ips >= 5 and (n > 10 or x <= 60%)",
        ];
        assert_eq!(lines(&aggregate, "comparison"), expected);
    }

    #[test]
    fn a_long_piece_is_shown_in_one_line() {
        assert_eq!(shown("a:\n  - b"), "a: - b");
        assert_eq!(shown(&"é".repeat(100)).chars().count(), SHOWN + 1);
    }
}
