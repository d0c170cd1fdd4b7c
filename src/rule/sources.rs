//! Which rule files are there, and what stands in them?

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::diagnostic::Findings;
use crate::limits;

/// The rule files of a run with their text, in the order of their paths.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// One rule file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it was read from; only a name for texts that were never a file.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
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
        Self { files }
    }

    /// Reads every `.yml` and `.yaml` file under the paths; hidden names are skipped, so that the
    /// folders behind a mounted ConfigMap are not read twice.
    pub(super) fn read(paths: &[PathBuf], findings: &mut Findings) -> Self {
        let mut found = BTreeMap::new();
        for path in paths {
            collect(path, 0, &mut found, findings);
        }
        if found.len() > limits::RULE_FILES {
            let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
            let message = format!("{} rule files are more than {}", found.len(), limits::RULE_FILES);
            findings.unreadable(path, message);
            return Self::default();
        }
        let files = found.into_keys().filter_map(|path| read(path, findings)).collect();
        Self { files }
    }

    /// Every file.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The text of a file, if it was read.
    pub fn text(&self, path: &Path) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    pub(super) fn get(&self, file: u32) -> Option<&Source> {
        self.files.get(file as usize)
    }
}

fn collect(path: &Path, depth: usize, found: &mut BTreeMap<PathBuf, ()>, findings: &mut Findings) {
    if depth > limits::RULE_FOLDERS {
        findings.unreadable(path, "folders are nested too deep here");
    } else if path.is_dir() {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()),
            Err(error) => return findings.unreadable(path, format!("cannot read the folder: {error}")),
        };
        let wanted = entries.filter(|path| !is_hidden(path) && (path.is_dir() || is_yaml(path)));
        let mut wanted: Vec<PathBuf> = wanted.collect();
        wanted.sort();
        wanted.iter().for_each(|path| collect(path, depth + 1, found, findings));
    } else {
        found.insert(path.to_owned(), ());
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
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
}
