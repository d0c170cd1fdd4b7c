//! How does an author get a rule file to start from?

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use uuid::Uuid;

use super::args::NewArgs;
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::{self, Out};
use crate::error::Failure;
use crate::rule::{self, Scaffold};

/// Writes the file and says what comes next.
pub(super) fn run(arguments: &NewArgs) -> Outcome {
    let date = today();
    let wanted = Scaffold {
        name: &arguments.name,
        kind: &arguments.kind,
        event_type: arguments.event_type.as_deref(),
        author: arguments.author.as_deref(),
        date: &date,
    };
    let text = rule::scaffold(&wanted, || Uuid::new_v4().to_string())
        .ok_or_else(|| (Failure::new(format!("no type `{}`", arguments.kind)), Exit::Usage))?;
    let file = arguments.dir.join(format!("{}.yml", arguments.name));
    write(&file, &text).or_usage()?;
    let mut out = Out::new();
    out.line(&file.display().to_string()).or_runtime()?;
    out.flush().or_runtime()?;
    let file = file.display();
    output::note(&format!("next: fill it in, then `oktawatch check {file}` and `oktawatch test {file}`"));
    Ok(Exit::Good)
}

#[expect(clippy::disallowed_methods, reason = "the date of a new rule is today's")]
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// Never over another file.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        let failure = Failure::new(format!("cannot write {}", file.display())).detail(&error);
        match error.kind() {
            ErrorKind::AlreadyExists => failure.hint("Choose another name, or another folder with --dir."),
            _ => failure,
        }
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut opened = OpenOptions::new().write(true).create_new(true).open(file).map_err(cannot)?;
    opened.write_all(text.as_bytes()).map_err(cannot)
}
