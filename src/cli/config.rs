//! Who set which value of the configuration?

use serde_json::{Value, json};

use super::args::{Format, ShowArgs};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::Out;
use crate::config;

/// Prints every key with its value and layer.
pub(super) fn show(arguments: &ShowArgs) -> Outcome {
    let settings = config::settings(&arguments.layers.config, &arguments.layers.set).or_usage()?;
    let mut out = Out::new();
    for setting in settings {
        let line = match arguments.format {
            Format::Text => format!("{}\t{}\t{}", setting.key, plain(&setting.value), setting.layer),
            Format::Json => {
                json!({"key": setting.key, "value": setting.value, "layer": setting.layer.to_string()})
                    .to_string()
            }
        };
        out.line(&line).or_runtime()?;
    }
    out.flush().or_runtime()?;
    Ok(Exit::Good)
}

/// Text without its quotes, everything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
