//! Which files are there to be read under the rule paths?

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::limits;

/// The name of the folders that hold lists.
const LISTS: &str = "lists";

/// What a walk over the rule paths meets.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Rule files.
    pub rules: BTreeSet<PathBuf>,
    /// List files, each with the place of the last rule path that leads to it.
    pub lists: BTreeMap<PathBuf, usize>,
    /// What could not be looked at, and why.
    pub troubles: Vec<(PathBuf, String)>,
}

impl Walk {
    /// Everything under the paths, and the lists beside them.
    pub(super) fn over(paths: &[PathBuf]) -> Self {
        let mut walk = Self::default();
        for (rank, path) in paths.iter().enumerate() {
            let beside = path.parent().map(|parent| parent.join(LISTS));
            if let Some(beside) = beside.filter(|beside| beside.is_dir()) {
                walk.lists_in(&beside, rank);
            }
            walk.visit(path, rank, 0);
        }
        walk
    }

    fn visit(&mut self, path: &Path, rank: usize, depth: usize) {
        if depth > limits::RULE_FOLDERS {
            self.troubles.push((path.to_owned(), "folders are nested too deep here".to_owned()));
        } else if path.is_dir() {
            if path.file_name().is_some_and(|name| name == LISTS) {
                self.lists_in(path, rank);
            }
            let wanted =
                self.entries(path).into_iter().filter(|path| path.is_dir() || has(path, &["yml", "yaml"]));
            wanted.for_each(|path| self.visit(&path, rank, depth + 1));
        } else {
            self.rules.insert(path.to_owned());
        }
    }

    fn lists_in(&mut self, folder: &Path, rank: usize) {
        let files =
            self.entries(folder).into_iter().filter(|path| path.is_file() && has(path, &["txt", "csv"]));
        self.lists.extend(files.map(|path| (path, rank)).collect::<Vec<_>>());
    }

    /// What stands in a folder and is not hidden, in order.
    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()),
            Err(error) => {
                self.troubles.push((folder.to_owned(), format!("cannot read the folder: {error}")));
                return Vec::new();
            }
        };
        let mut entries: Vec<PathBuf> = entries.filter(|path| !is_hidden(path)).collect();
        entries.sort();
        entries
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn has(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|extension| found == *extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'p>(paths: impl IntoIterator<Item = &'p PathBuf>, folder: &Path) -> Vec<String> {
        let inside = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        paths.into_iter().map(inside).collect()
    }

    #[test]
    fn lists_are_found_under_and_beside_the_paths() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["lists", "own/lists", "own/deep/lists/..data", "other"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for name in [
            "lists/a.txt",
            "lists/.hidden.txt",
            "lists/note.md",
            "own/one.yml",
            "own/no-list.txt",
            "own/lists/b.csv",
            "own/deep/lists/c.txt",
            "own/deep/lists/..data/d.txt",
            "other/two.yml",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let paths = [folder.path().join("own"), folder.path().join("other/two.yml")];
        let walk = Walk::over(&paths);
        assert_eq!(shown(&walk.rules, folder.path()), ["other/two.yml", "own/one.yml"]);
        assert_eq!(
            shown(walk.lists.keys(), folder.path()),
            ["lists/a.txt", "own/deep/lists/c.txt", "own/lists/b.csv"]
        );
        let alone = Walk::over(&[folder.path().join("lists")]);
        assert_eq!(shown(alone.lists.keys(), folder.path()), ["lists/a.txt"]);
        assert!(walk.troubles.is_empty() && alone.rules.is_empty());
    }

    #[test]
    fn a_list_belongs_to_the_last_path_that_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lists")).unwrap();
        std::fs::write(folder.path().join("lists/a.txt"), "").unwrap();
        let walk = Walk::over(&[folder.path().to_owned(), folder.path().join("two.yml")]);
        assert_eq!(walk.lists.into_values().collect::<Vec<_>>(), [1]);
    }
}
