//! How is the service started?

use std::sync::Arc;

use super::args::RunArgs;
use super::exit::{Exit, OrExit as _, Outcome};
use super::rules;
use crate::config;

/// Runs until it is asked to stop.
pub(super) fn run(arguments: &RunArgs) -> Outcome {
    let config = config::load(&arguments.layers.config, &arguments.layers.set).or_usage()?;
    let rules = Arc::new(rules::load(&config.rules.paths)?);
    crate::run::run(config, rules).or_runtime()?;
    Ok(Exit::Good)
}
