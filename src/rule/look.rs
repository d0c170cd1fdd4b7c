//! Have rule files or lists changed since they were last looked at?
//!
//! Files are looked at rather than watched: a mounted ConfigMap changes by a swapped link, and what
//! is told of such changes differs from one file system to the next.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::diagnostic::Findings;
use super::sources::Sources;
use super::walk::Walk;

/// What the files under the rule paths looked like at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Digest of names, sizes, times and places on the disk.
    outside: u128,
    /// Digest of names and contents.
    inside: u128,
}

impl Look {
    /// Looks at everything.
    pub fn at(paths: &[PathBuf]) -> Self {
        // Outside first: a file that changes in between looks changed the next time.
        let outside = outside(paths);
        Self { outside, inside: Sources::read(paths, &mut Findings::default()).digest() }
    }

    /// Looks again, into the files only if something changed outside.
    #[must_use]
    pub fn again(self, paths: &[PathBuf]) -> Self {
        if outside(paths) == self.outside { self } else { Self::at(paths) }
    }

    /// Digest of the files' names and contents, as a rule set that is loaded from them has it.
    pub fn contents(self) -> u128 {
        self.inside
    }
}

fn outside(paths: &[PathBuf]) -> u128 {
    let Walk { rules, lists, troubles } = Walk::over(paths);
    let mut hash = Xxh3::new();
    let unreadable = troubles.iter().map(|(path, _)| path);
    for path in rules.iter().chain(lists.keys()).chain(unreadable) {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(&[0xFF]);
        hash.update(&told(path));
    }
    hash.digest128()
}

/// What the file system says of a file, behind all links.
fn told(path: &Path) -> Vec<u8> {
    let Ok(file) = std::fs::metadata(path) else { return Vec::new() };
    let of = |file: &Metadata| {
        let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
        times.into_iter().chain([file.size(), file.ino(), file.dev()].map(u64::cast_signed))
    };
    of(&file).flat_map(i64::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_link_that_is_swapped_is_a_change_even_to_a_file_of_the_same_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH;
        for (version, text) in [("..1", "a"), ("..2", "b")] {
            let path = folder.path().join(version).join("one.yml");
            write(&path, text);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
        let data = folder.path().join("..data");
        symlink("..1", &data).unwrap();
        symlink("..data/one.yml", folder.path().join("one.yml")).unwrap();
        let paths = [folder.path().to_owned()];
        let first = Look::at(&paths);
        assert_eq!(first.again(&paths), first);
        symlink("..2", folder.path().join("..new")).unwrap();
        std::fs::rename(folder.path().join("..new"), &data).unwrap();
        let second = first.again(&paths);
        assert_ne!((second.outside, second.contents()), (first.outside, first.contents()));
        assert_ne!(second.contents(), first.contents());
    }

    #[test]
    fn a_file_that_was_only_touched_looks_other_outside_and_the_same_inside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.yml");
        write(&path, "a");
        let paths = [folder.path().to_owned()];
        let first = Look::at(&paths);
        let time = std::time::SystemTime::UNIX_EPOCH;
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let second = first.again(&paths);
        assert_ne!(second, first);
        assert_eq!(second.contents(), first.contents());
    }

    #[test]
    fn a_list_a_new_file_and_one_that_goes_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().to_owned()];
        let mut seen = vec![Look::at(&paths)];
        let (rule, list) = (folder.path().join("one.yml"), folder.path().join("lists/vip.txt"));
        write(&rule, "a");
        seen.push(seen[0].again(&paths));
        write(&list, "ana");
        seen.push(seen[1].again(&paths));
        write(&list, "ana\nben");
        seen.push(seen[2].again(&paths));
        std::fs::remove_file(&rule).unwrap();
        seen.push(seen[3].again(&paths));
        let contents: std::collections::BTreeSet<u128> = seen.iter().map(|look| look.contents()).collect();
        assert_eq!(contents.len(), seen.len());
    }
}
