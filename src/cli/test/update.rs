//! How does what failing tests saw get into the rule files?

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::super::exit::{Exit, OrExit as _, Outcome};
use super::super::output::{self, Out};
use super::Ran;
use crate::error::Failure;
use crate::suite::{self, Suite, Update};

/// Rewrites the expectations of every test that failed, and shows what changes.
pub(super) fn run(suite: &Suite, ran: &[Ran]) -> Outcome {
    let outcomes: Vec<suite::Outcome> = ran.iter().map(|ran| ran.outcome.clone()).collect();
    let failed = outcomes.iter().filter(|outcome| !outcome.passed());
    let files: BTreeSet<&Path> = failed.map(|outcome| outcome.file.as_path()).collect();
    let mut out = Out::new();
    let mut updated = 0;
    // Every file is ready before the first is written.
    let updates = files.into_iter().map(|file| suite.update(file, &outcomes));
    let updates: Vec<Option<Update>> = updates.collect::<Result<_, _>>().or_usage()?;
    for update in updates.iter().flatten() {
        write(update).or_usage()?;
        updated += update.tests.len();
        out.line(&shown(update)).or_runtime()?;
    }
    out.flush().or_runtime()?;
    output::note(&format!("{} updated", super::number_of(updated, "test")));
    Ok(Exit::Good)
}

fn shown(update: &Update) -> String {
    let tests = update.tests.iter().map(|test| {
        let head = format!("{}:{}: {}", update.file.display(), test.line, test.name);
        let removed = test.removed.iter().map(|line| format!("-{line}"));
        let added = test.added.iter().map(|line| format!("+{line}"));
        std::iter::once(head).chain(removed).chain(added).collect::<Vec<_>>().join("\n")
    });
    tests.collect::<Vec<_>>().join("\n")
}

/// Puts the new text in the place of the old, at once, unless the file is no longer what was tested.
fn write(update: &Update) -> Result<(), Failure> {
    let cannot =
        |error: std::io::Error| Failure::new(format!("cannot write {}", update.file.display())).detail(error);
    // Behind a symbolic link, the file itself is replaced.
    let path = fs::canonicalize(&update.file).map_err(cannot)?;
    if fs::read_to_string(&path).map_err(cannot)? != update.before {
        return Err(Failure::new(format!("{} was changed meanwhile", update.file.display()))
            .hint("Nothing was written to it; run the command again."));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = draft_of(&draft, &path, &update.after).and_then(|()| fs::rename(&draft, &path));
    written.map_err(|error| {
        // What failed is told; that the draft may be left over is not worth a second failure.
        drop(fs::remove_file(&draft));
        cannot(error)
    })
}

fn draft_of(draft: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(draft)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(file: &Path) -> Update {
        let (before, after) = ("old\n".to_owned(), "new\n".to_owned());
        Update { file: file.to_owned(), before, after, tests: Vec::new() }
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.yml"), folder.path().join("link.yml"));
        fs::write(&file, "old\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&update(&link)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new\n");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_file_that_was_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yml");
        fs::write(&file, "other\n").unwrap();
        assert!(write(&update(&file)).unwrap_err().primary.contains("changed meanwhile"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "other\n");
    }
}
