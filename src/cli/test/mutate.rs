//! Which changes of a rule does no test notice?

use std::time::Instant;

use super::super::args::{Format, TestArgs};
use super::super::exit::{Exit, OrExit as _, Outcome};
use super::super::output::{self, Out};
use super::{files, json, no_tests, number_of, seconds};
use crate::suite::{Suite, Survivor};

/// Runs the mutants of each file, and prints those that survive.
pub(super) fn run(suite: &Suite, arguments: &TestArgs, start: Instant) -> Outcome {
    let files = files(suite, arguments);
    if files.is_empty() {
        return Err(no_tests());
    }
    let mut out = Out::new();
    let (mut tried, mut survived) = (0, 0);
    for (place, file) in files.iter().enumerate() {
        let mut told = |done: usize, all: usize| {
            let place = place + 1;
            output::progress(&format!(
                "file {place} of {}: {}, mutant {done} of {all}",
                files.len(),
                file.display()
            ));
        };
        let mutation = suite.mutate(file, &mut told).map_err(|failure| (failure, Exit::Findings));
        output::progress("");
        let mutation = mutation?;
        tried += mutation.tried;
        survived += mutation.survivors.len();
        for survivor in &mutation.survivors {
            let line = match arguments.format {
                Format::Json => json::survivor(survivor).to_string(),
                Format::Text => line(survivor),
            };
            out.line(&line).or_runtime()?;
        }
        out.flush().or_runtime()?;
    }
    let mutants = number_of(tried, "mutant");
    output::note(&format!(
        "{mutants}, {survived} survived ({}, {})",
        number_of(files.len(), "file"),
        seconds(start.elapsed())
    ));
    Ok(if survived == 0 { Exit::Good } else { Exit::Findings })
}

fn line(survivor: &Survivor) -> String {
    let Survivor { file, line, rule, what, .. } = survivor;
    format!("{}:{line}: {rule}: no test holds it: {what}", file.display())
}
