//! Which rule files and lists are there, and what stands in them?
//!
//! A list is a `.txt` or `.csv` file in a folder named `lists`: one that the walk over a rule path
//! meets, at any level, or one beside the path. Its name is the file's name without the extension.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::diagnostic::Findings;
use super::walk::Walk;
use crate::limits;

/// The rule files and lists of a run with their text, in the order of their paths.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    lists: Arc<[ListSource]>,
}

/// One rule file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it was read from; only a name for texts that were never a file.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// One list file.
#[derive(Clone, Debug)]
pub(super) struct ListSource {
    pub source: Source,
    /// From which rule path it was found, by the path's place; a later path's list goes before.
    pub rank: usize,
    /// Digest of its bytes.
    pub digest: String,
    /// Where its bytes stop being text; what follows is shown as far as it can be.
    pub broken_at: Option<u32>,
}

/// A byte range of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this to the end of another.
    pub(super) fn to(self, end: Span) -> Span {
        Span { end: end.end.max(self.start), ..self }
    }

    /// Part of this, when the text inside starts at `base`.
    pub(super) fn part(self, base: Option<u32>, range: Range<usize>) -> Span {
        let Some(base) = base else { return self };
        let place = |at: usize| base.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)).min(self.end);
        Span { start: place(range.start), end: place(range.end), ..self }
    }
}

impl Sources {
    /// Texts that need not be files, each with its name.
    pub fn of<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let texts = texts.into_iter();
        let files = texts.map(|(name, text)| Source { path: name.into(), text: text.to_owned() }).collect();
        Self { files, lists: Arc::default() }
    }

    /// The same with lists, each with the name of its file.
    #[must_use]
    pub fn with_lists<'t>(mut self, texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let texts = texts.into_iter();
        self.lists = texts.map(|(name, text)| ListSource::new(name.into(), 0, text.into())).collect();
        self
    }

    /// Texts cut out of files, each with the file, and the lists of these.
    pub(super) fn made<'p>(&self, texts: impl IntoIterator<Item = (&'p Path, String)>) -> Self {
        let texts = texts.into_iter();
        let files = texts.map(|(path, text)| Source { path: path.to_owned(), text }).collect();
        Self { files, lists: Arc::clone(&self.lists) }
    }

    /// Some of the rule files, and the lists.
    pub(super) fn only(&self, keep: impl Fn(u32) -> bool) -> Self {
        let kept = (0..).zip(&self.files).filter(|(file, _)| keep(*file));
        Self { files: kept.map(|(_, file)| file.clone()).collect(), lists: Arc::clone(&self.lists) }
    }

    /// The same files, one of them with another text.
    #[must_use]
    pub fn with(&self, path: &Path, text: String) -> Self {
        let mut changed = self.clone();
        if let Some(file) = changed.files.iter_mut().find(|file| file.path == path) {
            file.text = text;
        }
        changed
    }

    /// Reads every `.yml` and `.yaml` file under the paths, and the lists; hidden names are skipped,
    /// so that the folders behind a mounted ConfigMap are not read twice.
    pub(super) fn read(paths: &[PathBuf], findings: &mut Findings) -> Self {
        let Walk { rules, lists, troubles } = Walk::over(paths);
        for (path, trouble) in troubles {
            findings.unreadable(&path, trouble);
        }
        let first = paths.first().map_or(Path::new(""), PathBuf::as_path);
        for (what, found, most) in
            [("rule files", rules.len(), limits::RULE_FILES), ("lists", lists.len(), limits::LISTS)]
        {
            if found > most {
                findings.unreadable(first, format!("{found} {what} are more than {most}"));
                return Self::default();
            }
        }
        let files = rules.into_iter().filter_map(|path| read(path, findings)).collect();
        Self { files, lists: read_lists(lists, findings).into() }
    }

    /// Every rule file.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The text of a file, if it was read.
    pub fn text(&self, path: &Path) -> Option<&str> {
        let lists = self.lists.iter().map(|list| &list.source);
        self.files.iter().chain(lists).find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// A file by its number: the rule files, then the lists.
    pub(super) fn get(&self, file: u32) -> Option<&Source> {
        let place = file as usize;
        let list = || self.lists.get(place.checked_sub(self.files.len())?).map(|list| &list.source);
        self.files.get(place).or_else(list)
    }

    /// The lists, with the number of the first one's file.
    pub(super) fn lists(&self) -> (u32, Arc<[ListSource]>) {
        (u32::try_from(self.files.len()).unwrap_or(u32::MAX), Arc::clone(&self.lists))
    }

    /// Digest of everything that was read, names and all.
    pub(super) fn digest(&self) -> u128 {
        let mut hash = Xxh3::new();
        let lists = self.lists.iter().map(|list| (&list.source.path, list.digest.as_str()));
        let files = self.files.iter().map(|file| (&file.path, file.text.as_str()));
        for (path, text) in files.chain(lists) {
            for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
                hash.update(&(part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.digest128()
    }
}

impl ListSource {
    fn new(path: PathBuf, rank: usize, bytes: Vec<u8>) -> Self {
        let digest = format!("{:032x}", xxh3_128(&bytes));
        let (text, broken_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), u32::try_from(at).ok())
            }
        };
        Self { source: Source { path, text }, rank, digest, broken_at }
    }
}

fn read(path: PathBuf, findings: &mut Findings) -> Option<Source> {
    let size = std::fs::metadata(&path).map(|meta| meta.len());
    if size.is_ok_and(|size| size > limits::RULE_FILE_BYTES as u64) {
        findings.unreadable(&path, format!("a rule file has at most {} bytes", limits::RULE_FILE_BYTES));
        return None;
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(Source { path, text }),
        Err(error) => {
            findings.unreadable(&path, format!("cannot read the rule file: {error}"));
            None
        }
    }
}

/// All lists, as long as they are not too large together.
fn read_lists(paths: BTreeMap<PathBuf, usize>, findings: &mut Findings) -> Vec<ListSource> {
    let mut left = limits::LIST_BYTES as u64;
    let mut lists = Vec::new();
    for (path, rank) in paths {
        let size = std::fs::metadata(&path).map_or(0, |meta| meta.len());
        let Some(rest) = left.checked_sub(size) else {
            let message = format!("the lists together have at most {} bytes", limits::LIST_BYTES);
            findings.unreadable(&path, message);
            continue;
        };
        left = rest;
        match std::fs::read(&path) {
            Ok(bytes) => lists.push(ListSource::new(path, rank, bytes)),
            Err(error) => findings.unreadable(&path, format!("cannot read the list: {error}")),
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yaml_files_that_are_not_hidden_are_read_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::create_dir(folder.path().join("..data")).unwrap();
        for name in ["b.yml", "a.yaml", "note.md", ".c.yml", "sub/d.yml", "..data/e.yml"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let mut findings = Findings::default();
        let path = folder.path().to_owned();
        let sources = Sources::read(&[path.clone(), path.join("b.yml")], &mut findings);
        let texts: Vec<_> = sources.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["a.yaml", "b.yml", "sub/d.yml"]);
        assert!(findings.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let big = folder.path().join("big.yml");
        std::fs::write(&big, vec![b'#'; limits::RULE_FILE_BYTES + 1]).unwrap();
        let latin = folder.path().join("latin.yml");
        std::fs::write(&latin, [b't', 0xe9]).unwrap();
        let missing = folder.path().join("missing.yml");
        let mut findings = Findings::default();
        let sources = Sources::read(&[big, latin, missing], &mut findings);
        assert_eq!(sources.iter().count(), 0);
        assert_eq!(findings.finish(&sources).len(), 3);
    }

    #[test]
    fn a_list_that_is_no_text_is_kept_with_the_place_where_it_ends() {
        let list = ListSource::new("a.txt".into(), 0, vec![b'a', b'\n', 0xff, b'b']);
        assert_eq!((list.broken_at, list.source.text.as_str()), (Some(2), "a\n\u{fffd}b"));
        let sources = Sources::of([("a.yml", "x")]).with_lists([("a.txt", "b")]);
        assert_eq!(sources.get(0).unwrap().text, "x");
        assert_eq!(sources.get(1).unwrap().text, "b");
        assert!(sources.get(2).is_none());
    }

    #[test]
    fn the_digest_is_of_names_and_contents_of_rules_and_lists() {
        let of = |rule: (&str, &str), list: (&str, &str)| Sources::of([rule]).with_lists([list]).digest();
        let one = of(("a.yml", "x"), ("b.txt", "y"));
        assert_eq!(one, of(("a.yml", "x"), ("b.txt", "y")));
        for other in [
            of(("a.yml", "z"), ("b.txt", "y")),
            of(("c.yml", "x"), ("b.txt", "y")),
            of(("a.yml", "x"), ("b.txt", "z")),
            of(("a.yml", "x"), ("c.txt", "y")),
        ] {
            assert_ne!(one, other);
        }
    }
}
