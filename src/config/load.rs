//! Which layer set which value?

use std::path::{Path, PathBuf};

use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::{Figment, Metadata, Source};
use serde_json::Value;

use super::{Config, check};
use crate::error::Failure;

/// Environment variables that are ours.
const PREFIX: &str = "OKTAWATCH_";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Nobody set it.
    Default,
    /// A file.
    File(PathBuf),
    /// The environment.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Environment => out.write_str("environment"),
            Self::Flag => out.write_str("flag"),
        }
    }
}

/// One key with its value and who set it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// `time.allowed_lateness`
    pub key: String,
    /// The value, secrets masked.
    pub value: Value,
    /// Who set it.
    pub layer: Layer,
}

/// Reads all layers. `flags` are pairs of key and value, as given on the command line.
///
/// # Errors
/// A file that cannot be read, a key that does not exist, a value that does not fit; all with key
/// and layer.
pub fn load(files: &[PathBuf], flags: &[(String, String)]) -> Result<Config, Failure> {
    let figment = layers(files, flags)?;
    let config: Config = figment.extract().map_err(|error| explain(&error))?;
    check::check(&config, |key| layer(figment.find_metadata(key)))?;
    Ok(config)
}

/// Every key with its value and layer, in the order of the file.
///
/// # Errors
/// As [`load`].
pub fn settings(files: &[PathBuf], flags: &[(String, String)]) -> Result<Vec<Setting>, Failure> {
    let config = load(files, flags)?;
    let figment = layers(files, flags)?;
    let tree = serde_json::to_value(&config)
        .map_err(|error| Failure::new("cannot print the configuration").detail(error))?;
    let mut leaves = Vec::new();
    flatten("", &tree, &mut leaves);
    Ok(leaves
        .into_iter()
        .map(|(key, value)| {
            let layer = layer(figment.find_metadata(&key));
            let value = if is_secret(&key) { Value::String("********".to_owned()) } else { value };
            Setting { key, value, layer }
        })
        .collect())
}

fn layers(files: &[PathBuf], flags: &[(String, String)]) -> Result<Figment, Failure> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    for file in files {
        if !file.is_file() {
            return Err(Failure::new(format!("cannot read the configuration file {}", file.display()))
                .detail("No such file.")
                .hint("Run `oktawatch config show` to see the defaults; a file is optional."));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    figment = figment.merge(Env::prefixed(PREFIX).split("__"));
    for (key, value) in flags {
        let value: figment::value::Value = value.parse().unwrap_or_else(|never| match never {});
        figment = figment.merge(Flag(key.clone(), value));
    }
    Ok(figment)
}

/// One `--set key=value`.
struct Flag(String, figment::value::Value);

impl figment::Provider for Flag {
    fn metadata(&self) -> Metadata {
        Metadata::named("flag")
    }

    fn data(&self) -> figment::error::Result<figment::value::Map<figment::Profile, figment::value::Dict>> {
        let nested = figment::util::nest(&self.0, self.1.clone());
        let dict = nested.into_dict().unwrap_or_default();
        Ok(figment::Profile::Default.collect(dict))
    }
}

fn layer(metadata: Option<&Metadata>) -> Layer {
    let Some(metadata) = metadata else { return Layer::Default };
    match &metadata.source {
        Some(Source::File(path)) => Layer::File(relative(path)),
        _ if metadata.name == "flag" => Layer::Flag,
        _ if metadata.name.contains("environment") => Layer::Environment,
        _ => Layer::Default,
    }
}

fn relative(path: &Path) -> PathBuf {
    std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_path_buf()
}

fn explain(errors: &figment::Error) -> Failure {
    let lines: Vec<String> = errors.clone().into_iter().map(|error| one(&error)).collect();
    Failure::new("the configuration is not valid")
        .detail(lines.join("\n          "))
        .hint("`oktawatch config show` prints every key with its value and who set it.")
}

fn one(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let layer = layer(error.metadata.as_ref());
    let mut text = error.kind.to_string();
    if let figment::error::Kind::UnknownField(field, known) = &error.kind {
        text = format!("unknown key `{field}`");
        if let Some(near) = nearest(field, known) {
            text.push_str(&format!(", did you mean `{near}`?"));
        }
    }
    if key.is_empty() { format!("{text} ({layer})") } else { format!("{key}: {text} ({layer})") }
}

fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    crate::text::nearest(word, known.iter().copied())
}

fn flatten(prefix: &str, value: &Value, leaves: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, leaves);
            }
        }
        leaf => leaves.push((prefix.to_owned(), leaf.clone())),
    }
}

/// librdkafka's names of what must not be shown.
fn is_secret(key: &str) -> bool {
    let secret = ["password", "secret", "sasl.oauthbearer.config", "key.pem", "token"];
    secret.iter().any(|word| key.contains(word)) && !key.ends_with("_file")
}
