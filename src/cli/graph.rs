//! How do the rules hang together?

use serde_json::json;

use super::args::{GraphArgs, GraphFormat};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::Out;
use super::rules;
use crate::error::Failure;
use crate::rule;
use crate::text::nearest;

/// Prints the diagram of the rules.
pub(super) fn run(arguments: &GraphArgs) -> Outcome {
    // Loads them as every command does, so that mistakes are shown as usual.
    rules::load(&arguments.paths)?;
    let all = rule::diagram(&arguments.paths)
        .map_err(|found| (Failure::new(format!("{} errors in the rules", found.len())), Exit::Usage))?;
    let diagram = match &arguments.rule {
        Some(name) => all.around(name).ok_or_else(|| {
            let near = nearest(name, all.rules.iter().map(|rule| rule.name.as_str()));
            let hint = near.map_or_else(
                || "A rule is named by its `name`.".to_owned(),
                |near| format!("Did you mean `{near}`?"),
            );
            (Failure::new(format!("no rule `{name}`")).hint(hint), Exit::Usage)
        })?,
        None => all,
    };
    let mut out = Out::new();
    match arguments.format {
        GraphFormat::Mermaid => out.bytes(diagram.mermaid().as_bytes()).or_runtime()?,
        GraphFormat::Json => {
            for rule in &diagram.rules {
                out.line(&json!(rule).to_string()).or_runtime()?;
            }
        }
    }
    out.flush().or_runtime()?;
    Ok(Exit::Good)
}
