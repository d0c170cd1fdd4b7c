//! What is one rule without those that stand around it?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::edit::{self, Edit};
use super::outline::{Outline, Written, is_filter, of_entry};
use super::sources::Sources;

/// Some documents, cut out of their files.
#[derive(Debug)]
pub struct Extract {
    pieces: Vec<Piece>,
    /// No rule file, but the lists that the documents may name.
    lists: Sources,
}

#[derive(Debug)]
struct Piece {
    path: PathBuf,
    /// Where it begins in its file.
    start: usize,
    text: String,
    /// Takes its tests out.
    cut: Option<Edit>,
}

impl Extract {
    /// The documents as files of their own, with a change of a file they were cut from.
    pub fn sources(&self, change: Option<(&Path, &Edit)>) -> Sources {
        let texts = self.pieces.iter().filter_map(|piece| {
            let changed = change.filter(|(file, edit)| piece.holds(file, edit)).map(|(_, edit)| edit);
            let edits = changed.into_iter().chain(&piece.cut).filter_map(|edit| edit.within(piece.start));
            Some((piece.path.as_path(), edit::apply(&piece.text, &edits.collect::<Vec<_>>())?))
        });
        self.lists.made(texts)
    }
}

impl Piece {
    fn holds(&self, file: &Path, edit: &Edit) -> bool {
        self.path == file && self.start <= edit.range.start && edit.range.end <= self.start + self.text.len()
    }
}

impl Outline {
    /// A rule with those it is made of and no other, so that it raises alerts of its own.
    pub fn alone(&self, rule: &str) -> Option<Extract> {
        let start = *self.by_word.get(rule)?;
        let takers = self.reach(start, |from, to| self.is_made_of(to, from));
        let mut wanted = self.reach(start, |from, to| self.is_made_of(from, to) && !takers.contains(&to));
        let filters = (0..self.documents.len()).filter(|place| {
            let filter = self.documents.get(*place).filter(|document| is_filter(document));
            filter.is_some_and(|filter| filter.takes_all || !filter.takes.is_disjoint(&wanted))
        });
        wanted.extend(filters.collect::<Vec<_>>());
        let documents = wanted.iter().filter_map(|place| self.documents.get(*place));
        let pieces = documents.map(|document| self.piece(document)).collect();
        Some(Extract { pieces, lists: self.sources.only(|_| false) })
    }

    fn piece(&self, document: &Written) -> Piece {
        let text = self.text(document.file);
        let entries: Vec<_> = document.entries.iter().map(of_entry).collect();
        let tests = document.entries.iter().position(|entry| entry.key == "tests");
        let cut = tests.and_then(|place| edit::without(text, &entries, place));
        let source = self.sources.get(document.file);
        Piece {
            path: source.map(|source| source.path.clone()).unwrap_or_default(),
            start: document.span.start,
            text: text.get(document.span.clone()).unwrap_or_default().to_owned(),
            cut,
        }
    }

    fn is_made_of(&self, from: usize, to: usize) -> bool {
        self.documents.get(from).is_some_and(|document| {
            document.takes.contains(&to) || (document.takes_all && !is_filter(document) && from != to)
        })
    }

    /// All documents that steps from one to another lead to, with the first.
    fn reach(&self, start: usize, step: impl Fn(usize, usize) -> bool) -> BTreeSet<usize> {
        let mut reached = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(from) = open.pop() {
            let next = (0..self.documents.len()).filter(|to| step(from, *to));
            let next: Vec<usize> = next.filter(|to| !reached.contains(to)).collect();
            reached.extend(&next);
            open.extend(next);
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::super::outline::tests::{detection, outline, taking};
    use super::*;

    #[test]
    fn a_filter_goes_along() {
        let filter = "title: F\nfilter: {rules: [a], sel: {severity: x}, condition: sel}\n".to_owned();
        let outline = outline(&[("a.yml", vec![detection("a"), detection("b")]), ("f.yml", vec![filter])]);
        assert_eq!(outline.alone("a").unwrap().pieces.len(), 2);
        assert_eq!(outline.alone("b").unwrap().pieces.len(), 1);
    }

    #[test]
    fn a_rule_alone_has_what_it_takes_and_nothing_that_takes_it() {
        let tests = "tests: [{name: x, events: [{at: 0s}], expect: [{rule: top}]}]\n";
        let outline = outline(&[
            ("a.yml", vec![detection("é-not-a-name"), detection("a"), detection("b")]),
            ("c.yml", vec![taking("mid", "[a, b]"), taking("top", "mid") + tests]),
        ]);
        let alone = outline.alone("mid").unwrap();
        let set = super::super::compile(&alone.sources(None)).unwrap();
        let rules: Vec<_> = set.rules.iter().map(|rule| (&*rule.info.name, rule.info.generates)).collect();
        assert_eq!(rules, [("a", false), ("b", false), ("mid", true)]);
        let top = super::super::compile(&outline.alone("top").unwrap().sources(None)).unwrap();
        assert_eq!((top.rules.len(), top.tests.len()), (4, 0));
        let text = outline.text(1);
        let span = text.find("1m").unwrap();
        let edit = Edit::new(span..span + 2, "5m");
        let changed = super::super::compile(&alone.sources(Some((Path::new("c.yml"), &edit)))).unwrap();
        assert_ne!(changed.digest, set.digest);
    }
}
