//! What may stand where, in a form that editors understand?

use super::args::{SchemaArgs, SchemaOf};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::Out;
use crate::{alert, config, rule};

/// Prints a JSON Schema.
pub(super) fn run(arguments: &SchemaArgs) -> Outcome {
    let schema = match arguments.of {
        SchemaOf::Rule => rule::rule_schema(),
        SchemaOf::Config => config::config_schema().or_runtime()?,
        SchemaOf::Alert => alert::alert_schema(),
    };
    let mut out = Out::new();
    out.line(&format!("{schema:#}")).or_runtime()?;
    out.flush().or_runtime()?;
    Ok(Exit::Good)
}
