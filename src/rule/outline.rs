//! Which documents do the rule files hold, and which of them name which?
//!
//! What tools that look at a rule as it is written start from: the trees with their places, before
//! anything of them is understood.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use super::diagnostic::Findings;
use super::expression::{self, Kind as TokenKind};
use super::sources::Sources;
use super::yaml::{self, Entry, Kind, Node};

/// The documents of all rule files.
#[derive(Debug)]
pub struct Outline {
    pub(super) sources: Sources,
    pub(super) documents: Vec<Written>,
    pub(super) by_word: BTreeMap<String, usize>,
}

/// One document as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub file: u32,
    /// Empty for a filter that has none.
    pub name: String,
    pub entries: Vec<Entry>,
    pub span: Range<usize>,
    /// The documents it takes matches of, or changes.
    pub takes: BTreeSet<usize>,
    /// The documents it names anywhere, as its tests do.
    names: BTreeSet<usize>,
    /// It takes every rule there is.
    pub takes_all: bool,
}

impl Written {
    /// Its name; of a filter that has none, the title.
    pub(super) fn shown_name(&self) -> String {
        let title = || self.get("title").and_then(Node::scalar).map(|title| title.text.clone());
        if self.name.is_empty() { title().unwrap_or_default() } else { self.name.clone() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }
}

impl Outline {
    /// Reads the files. What is no document of a rule is left out: the loader tells of it.
    pub fn new(sources: &Sources) -> Self {
        let mut findings = Findings::default();
        let trees = (0..).zip(sources.iter()).flat_map(|(file, source)| {
            let documents = yaml::parse(file, &source.text, &mut findings);
            documents.into_iter().map(move |node| (file, node))
        });
        let documents: Vec<Written> = trees.filter_map(|(file, node)| written(file, node)).collect();
        let mut by_word = BTreeMap::new();
        for (place, document) in documents.iter().enumerate() {
            let id = document.get("id").and_then(|node| node.scalar()).map(|id| id.text.to_lowercase());
            by_word.extend((!document.name.is_empty()).then(|| (document.name.clone(), place)));
            by_word.extend(id.map(|id| (id, place)));
        }
        let mut outline = Self { sources: sources.clone(), documents, by_word };
        outline.link();
        outline
    }

    fn link(&mut self) {
        let links: Vec<_> = self.documents.iter().map(|document| self.links(document)).collect();
        for (document, (takes, names, takes_all)) in self.documents.iter_mut().zip(links) {
            (document.takes, document.names, document.takes_all) = (takes, names, takes_all);
        }
    }

    fn links(&self, document: &Written) -> (BTreeSet<usize>, BTreeSet<usize>, bool) {
        let (mut taken, mut named) = (Vec::new(), Vec::new());
        for key in ["correlation", "filter"] {
            document.get(key).into_iter().for_each(|node| words(node, &mut taken));
        }
        document.get("tests").into_iter().for_each(|node| words(node, &mut named));
        let find = |words: &[String]| -> BTreeSet<usize> {
            words.iter().filter_map(|word| self.by_word.get(word)).copied().collect()
        };
        let takes_all = ["correlation", "filter"].iter().any(|key| document.get(key).is_some_and(names_any));
        (find(&taken), find(&named), takes_all)
    }

    /// The files.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The names of the rules of a file, in their order.
    pub fn rules(&self, file: &Path) -> Vec<&str> {
        let rules = self.of_file(file).filter(|document| !is_filter(document));
        rules.map(|document| document.name.as_str()).collect()
    }

    /// The names of the rules whose matches a rule takes.
    pub fn takes(&self, rule: &str) -> Vec<&str> {
        let taken = self.document(rule).into_iter().flat_map(|document| &document.takes);
        taken.filter_map(|place| self.documents.get(*place)).map(|taken| taken.name.as_str()).collect()
    }

    /// The names of the rules that must not match for a rule to come true.
    pub fn avoids(&self, rule: &str) -> Vec<&str> {
        let correlation = self.document(rule).and_then(|document| document.get("correlation"));
        let Some(Node { kind: Kind::Map(entries), .. }) = correlation else { return Vec::new() };
        let mut found = Vec::new();
        for entry in entries {
            match entry.key.as_str() {
                "absent" | "until" => words(&entry.value, &mut found),
                "condition" => negated(&entry.value, &mut found),
                _ => {}
            }
        }
        let places = found.iter().filter_map(|word| self.by_word.get(word));
        places.filter_map(|place| self.documents.get(*place)).map(|document| document.name.as_str()).collect()
    }

    /// The file that a rule stands in.
    pub fn file(&self, rule: &str) -> Option<&Path> {
        let source = self.sources.get(self.document(rule)?.file)?;
        Some(source.path.as_path())
    }

    /// Whether a rule is a correlation.
    pub fn is_correlation(&self, rule: &str) -> bool {
        self.document(rule).is_some_and(|document| document.get("correlation").is_some())
    }

    pub(super) fn document(&self, rule: &str) -> Option<&Written> {
        self.by_word.get(rule).and_then(|place| self.documents.get(*place))
    }

    pub(super) fn of_file(&self, file: &Path) -> impl Iterator<Item = &Written> {
        let number = (0..).zip(self.sources.iter()).find(|(_, source)| source.path == file);
        let number = number.map(|(number, _)| number);
        self.documents.iter().filter(move |document| Some(document.file) == number)
    }

    pub(super) fn text(&self, file: u32) -> &str {
        self.sources.get(file).map_or("", |source| source.text.as_str())
    }

    /// Where a key and its value stand, of the map of a file's tests that begins at a byte.
    pub fn entry(&self, file: &Path, at: usize, key: &str) -> Option<(Range<usize>, Range<usize>)> {
        let tests = self.of_file(file).filter_map(|document| document.get("tests"));
        let entries = tests.into_iter().find_map(|node| map_at(node, at))?;
        let entry = entries.iter().find(|entry| entry.key == key)?;
        Some((entry.key_span.range(), entry.value.span.range()))
    }

    /// The files without which the rules of this one would mean something else, with itself: those
    /// its rules are made of, and those that make something of its rules, which decides whether
    /// they raise alerts of their own.
    pub fn around(&self, file: &Path) -> Sources {
        let mut files: BTreeSet<u32> = self.of_file(file).map(|document| document.file).collect();
        loop {
            let before = files.len();
            let inside = |place: &usize| {
                self.documents.get(*place).is_some_and(|document| files.contains(&document.file))
            };
            let mut more = BTreeSet::new();
            for document in &self.documents {
                if document.takes.iter().any(inside) || (document.takes_all && is_filter(document)) {
                    more.insert(document.file);
                }
                if files.contains(&document.file) {
                    let named = document.takes.union(&document.names);
                    let named = named.filter_map(|place| self.documents.get(*place));
                    more.extend(named.map(|named| named.file));
                    let all = document.takes_all.then_some(&self.documents).into_iter().flatten();
                    more.extend(all.map(|document| document.file));
                }
            }
            files.extend(more);
            if files.len() == before {
                return self.sources.only(|file| files.contains(&file));
            }
        }
    }
}

/// Key and value of an entry.
pub(super) fn of_entry(entry: &Entry) -> Range<usize> {
    entry.key_span.range().start..entry.value.span.range().end.max(entry.key_span.range().end)
}

fn written(file: u32, node: Node) -> Option<Written> {
    let span = node.span.range();
    let Kind::Map(entries) = node.kind else { return None };
    let text = |key: &str| entries.iter().find(|entry| entry.key == key)?.value.scalar();
    let is_filter = entries.iter().any(|entry| entry.key == "filter");
    let name = text("name").map(|name| name.text.clone());
    let name = name.or_else(|| is_filter.then(String::new))?;
    let (takes, names, takes_all) = (BTreeSet::new(), BTreeSet::new(), false);
    Some(Written { file, name, entries, span, takes, names, takes_all })
}

pub(super) fn is_filter(document: &Written) -> bool {
    document.get("filter").is_some()
}

/// The map that begins at a byte.
fn map_at(node: &Node, at: usize) -> Option<&[Entry]> {
    match &node.kind {
        Kind::Map(entries) if node.span.range().start == at => Some(entries),
        Kind::Map(entries) => entries.iter().find_map(|entry| map_at(&entry.value, at)),
        Kind::List(items) => items.iter().find_map(|item| map_at(item, at)),
        Kind::Scalar(_) => None,
    }
}

/// Whether it says `rules: any`.
fn names_any(node: &Node) -> bool {
    let Kind::Map(entries) = &node.kind else { return false };
    let rules = entries.iter().find(|entry| entry.key == "rules").map(|entry| &entry.value.kind);
    let is_any = |node: &Node| node.scalar().is_some_and(|scalar| scalar.text == "any");
    match rules {
        Some(Kind::Scalar(scalar)) => scalar.text.eq_ignore_ascii_case("any"),
        Some(Kind::List(items)) => items.iter().any(is_any),
        _ => false,
    }
}

/// Every word behind a `not`, up to the next word that joins.
fn negated(node: &Node, found: &mut Vec<String>) {
    let Some(scalar) = node.scalar() else { return };
    let text = &scalar.text;
    let mut below = false;
    for token in expression::tokens(text) {
        match token.kind {
            TokenKind::Not => below = true,
            TokenKind::And | TokenKind::Or => below = false,
            TokenKind::Word if below => found.extend(text.get(token.range).map(str::to_lowercase)),
            _ => {}
        }
    }
}

/// Every word that could name a rule.
fn words(node: &Node, found: &mut Vec<String>) {
    let of_text = |text: &str| -> Vec<String> {
        let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '-' | '_')));
        words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    match &node.kind {
        Kind::Scalar(scalar) => found.extend(of_text(&scalar.text)),
        Kind::List(items) => items.iter().for_each(|item| words(item, found)),
        Kind::Map(entries) => {
            for entry in entries {
                found.extend(of_text(&entry.key));
                words(&entry.value, found);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{correlation, document};
    use super::*;

    pub(in super::super) fn detection(name: &str) -> String {
        document(name, "sel: {eventType: a}\ncondition: sel", "")
    }

    pub(in super::super) fn taking(name: &str, rules: &str) -> String {
        correlation(name, &format!("type: temporal\nrules: {rules}\ntimespan: 1m"))
    }

    pub(in super::super) fn outline(files: &[(&str, Vec<String>)]) -> Outline {
        let texts: Vec<_> = files.iter().map(|(name, documents)| (*name, documents.join("---\n"))).collect();
        Outline::new(&Sources::of(texts.iter().map(|(name, text)| (*name, text.as_str()))))
    }

    fn around(outline: &Outline, file: &str) -> Vec<String> {
        let sources = outline.around(Path::new(file));
        sources.iter().map(|source| source.path.display().to_string()).collect()
    }

    #[test]
    fn files_belong_together_that_name_one_another_s_rules() {
        let tested = detection("d") + "tests: [{name: x, events: [{at: 0s}], expect: [{rule: a}]}]\n";
        let outline = outline(&[
            ("a.yml", vec![detection("a")]),
            ("b.yml", vec![detection("b"), taking("above-a", "[a, b]")]),
            ("c.yml", vec![taking("top", "above-a")]),
            ("d.yml", vec![tested]),
            ("e.yml", vec![detection("e")]),
        ]);
        assert_eq!(around(&outline, "a.yml"), ["a.yml", "b.yml", "c.yml"]);
        assert_eq!(around(&outline, "d.yml"), ["a.yml", "b.yml", "c.yml", "d.yml"]);
        assert_eq!(around(&outline, "e.yml"), ["e.yml"]);
        assert_eq!(outline.rules(Path::new("b.yml")), ["b", "above-a"]);
        assert_eq!(outline.takes("above-a"), ["a", "b"]);
    }

    #[test]
    fn what_takes_every_rule_needs_every_file_and_no_file_needs_it() {
        let score = correlation("score", "type: risk_score\nrules: any\ntimespan: 1h\nthreshold: 50");
        let outline = outline(&[("a.yml", vec![detection("a")]), ("score.yml", vec![score])]);
        assert_eq!(around(&outline, "a.yml"), ["a.yml"]);
        assert_eq!(around(&outline, "score.yml"), ["a.yml", "score.yml"]);
    }

    #[test]
    fn a_filter_belongs_to_the_rules_it_goes_on() {
        let filter = |rules: &str| {
            format!("title: F\nfilter: {{rules: {rules}, sel: {{severity: x}}, condition: sel}}\n")
        };
        let files = |rules: &str| {
            outline(&[
                ("a.yml", vec![detection("a")]),
                ("b.yml", vec![detection("b")]),
                ("filter.yml", vec![filter(rules)]),
            ])
        };
        assert_eq!(around(&files("[a]"), "a.yml"), ["a.yml", "filter.yml"]);
        assert_eq!(around(&files("[a]"), "b.yml"), ["b.yml"]);
        assert_eq!(around(&files("any"), "b.yml"), ["a.yml", "b.yml", "filter.yml"]);
        assert_eq!(files("[a]").rules(Path::new("filter.yml")), [""; 0]);
    }

    #[test]
    fn rules_that_must_not_match_are_known() {
        let absence = "type: absence\ntrigger: a\nabsent: [b]\nwithin: 1h\nuntil: c";
        let outline = outline(&[(
            "a.yml",
            vec![
                detection("a"),
                detection("b"),
                detection("c"),
                correlation("lonely", absence),
                correlation("some", "type: temporal\nrules: [a, b, c]\ncondition: a and (not b or c)"),
            ],
        )]);
        assert_eq!(outline.avoids("lonely"), ["b", "c"]);
        assert_eq!(outline.avoids("some"), ["b"]);
        assert_eq!(outline.avoids("a"), [""; 0]);
    }
}
