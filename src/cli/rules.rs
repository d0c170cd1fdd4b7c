//! How do commands load rules, and show what is wrong with them?

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output;
use crate::error::Failure;
use crate::rule::{self, RuleSet};

/// Loads the rules, or prints every mistake.
pub(super) fn load(paths: &[PathBuf]) -> Result<RuleSet, (Failure, Exit)> {
    exist(paths)?;
    rule::load(paths).map_err(|diagnostics| {
        output::note(&rule::render(&diagnostics));
        let failure = Failure::new(format!("{} mistakes in the rules", diagnostics.len()))
            .hint("`oktawatch check PATH` shows them together with its advice.");
        (failure, Exit::Usage)
    })
}

/// A path that is not there is a mistake of its own, not an empty set of rules.
pub(super) fn exist(paths: &[PathBuf]) -> Result<(), (Failure, Exit)> {
    match paths.iter().find(|path| !path.exists()) {
        Some(path) => Err((missing(path), Exit::Usage)),
        None => Ok(()),
    }
}

fn missing(path: &Path) -> Failure {
    Failure::new(format!("cannot find the rules in {}", path.display()))
        .detail("No such file or folder.")
        .hint("Name them with --rules or rules.paths; the repository keeps them in detections/.")
}
