//! Which layer set which value?

use std::path::{Path, PathBuf};

use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::{Figment, Metadata, Source};
use serde::de::DeserializeOwned;
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
    extract(&layers(files, flags)?)
}

/// Every key with its value and layer, in the order of their names.
///
/// # Errors
/// As [`load`].
pub fn settings(files: &[PathBuf], flags: &[(String, String)]) -> Result<Vec<Setting>, Failure> {
    let figment = layers(files, flags)?;
    let tree = serde_json::to_value(extract(&figment)?)
        .map_err(|error| Failure::new("cannot print the configuration").detail(error))?;
    let mut settings = Vec::new();
    flatten(&mut Vec::new(), &tree, &mut |path, value| {
        let key = path.join(".");
        let value = if is_secret(&key) { Value::String("********".to_owned()) } else { value.clone() };
        settings.push(Setting { layer: layer(metadata(&figment, path)), key, value });
    });
    Ok(settings)
}

/// Section by section, so that one mistake does not hide another.
fn extract(figment: &Figment) -> Result<Config, Failure> {
    let mut problems = unknown_keys(figment)?;
    if !problems.is_empty() {
        return Err(invalid(&problems));
    }
    let mut config = Config {
        kafka: section(figment, "kafka", &mut problems),
        input: section(figment, "input", &mut problems),
        output: section(figment, "output", &mut problems),
        state: section(figment, "state", &mut problems),
        engine: section(figment, "engine", &mut problems),
        time: section(figment, "time", &mut problems),
        rules: section(figment, "rules", &mut problems),
        geoip: section(figment, "geoip", &mut problems),
        principals: section(figment, "principals", &mut problems),
        keepalive: section(figment, "keepalive", &mut problems),
        http: section(figment, "http", &mut problems),
        log: section(figment, "log", &mut problems),
        limits: section(figment, "limits", &mut problems),
    };
    let layers = |key: &str| layer(metadata(figment, &key.split('.').map(str::to_owned).collect::<Vec<_>>()));
    name_state(&mut config, |key| layers(key) == Layer::Default);
    if problems.is_empty() {
        problems = check::check(&config, layers);
    }
    if problems.is_empty() { Ok(config) } else { Err(invalid(&problems)) }
}

/// Topics of state belong to one group: they are called after it where nobody calls them otherwise.
fn name_state(config: &mut Config, is_default: impl Fn(&str) -> bool) {
    let group = &config.kafka.group;
    if is_default("state.repartition") {
        config.state.repartition = format!("{group}-repartition");
    }
    if is_default("state.changelog") {
        config.state.changelog = format!("{group}-changelog");
    }
}

fn section<T: Default + DeserializeOwned>(figment: &Figment, name: &str, problems: &mut Vec<String>) -> T {
    figment.extract_inner(name).unwrap_or_else(|errors: figment::Error| {
        problems.extend(errors.into_iter().map(|mut error| {
            // `extract_inner` names the section after the key.
            if error.path.last().is_some_and(|last| last == name) {
                error.path.rotate_right(1);
            }
            explain(&error)
        }));
        T::default()
    })
}

/// Every key that no setting has, at any depth, with what was probably meant.
fn unknown_keys(figment: &Figment) -> Result<Vec<String>, Failure> {
    let known = serde_json::to_value(Config::default())
        .map_err(|error| Failure::new("cannot print the configuration").detail(error))?;
    let given: Value = figment.extract().map_err(|error| invalid(&[explain(&error)]))?;
    let mut problems = Vec::new();
    compare(figment, &mut Vec::new(), &known, &given, &mut problems);
    Ok(problems)
}

fn compare(
    figment: &Figment,
    path: &mut Vec<String>,
    known: &Value,
    given: &Value,
    problems: &mut Vec<String>,
) {
    let (Value::Object(known), Value::Object(given)) = (known, given) else { return };
    for (key, value) in given {
        path.push(key.clone());
        match known.get(key) {
            // An empty map is one whose keys are the user's.
            Some(Value::Object(any)) if any.is_empty() => {}
            Some(known) => compare(figment, path, known, value, problems),
            None => {
                let meant = crate::text::nearest(key, known.keys().map(String::as_str));
                let meant = meant.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
                let layer = layer(metadata(figment, path));
                problems.push(format!("{}: unknown key{meant} ({layer})", path.join(".")));
            }
        }
        path.pop();
    }
}

/// Who set the value at a path, whose last key may hold dots itself.
fn metadata<'f>(figment: &'f Figment, path: &[String]) -> Option<&'f Metadata> {
    if let Some(metadata) = figment.find_metadata(&path.join(".")) {
        return Some(metadata);
    }
    let (top, rest) = path.split_at_checked(2)?;
    let value = figment.find_value(&top.join(".")).ok()?;
    match value.as_dict() {
        Some(map) => figment.get_metadata(map.get(&rest.join("."))?.tag()),
        // A list is set as a whole.
        None => figment.get_metadata(value.tag()),
    }
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
    // Kubernetes puts OKTAWATCH_SERVICE_HOST and the like into every pod beside a Service of that
    // name: only names with a section are ours.
    figment = figment.merge(Env::prefixed(PREFIX).filter(|key| key.as_str().contains("__")).split("__"));
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

fn invalid(problems: &[String]) -> Failure {
    Failure::new("the configuration is not valid")
        .detail(problems.join("\n          "))
        .hint("`oktawatch config show` prints every key with its value and who set it.")
}

fn explain(error: &figment::Error) -> String {
    let layer = layer(error.metadata.as_ref());
    format!("{}: {} ({layer})", error.path.join("."), error.kind)
}

fn flatten(path: &mut Vec<String>, value: &Value, each: &mut impl FnMut(&[String], &Value)) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.clone());
                flatten(path, value, each);
                path.pop();
            }
        }
        leaf => each(path, leaf),
    }
}

/// librdkafka's names of what must not be shown.
fn is_secret(key: &str) -> bool {
    let secret = ["password", "secret", "sasl.oauthbearer.config", "key.pem", "token"];
    secret.iter().any(|word| key.contains(word)) && !key.ends_with("_file")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn problem(text: &str) -> String {
        let file = file(text);
        load(&[file.path().to_path_buf()], &[]).unwrap_err().to_string()
    }

    #[test]
    fn a_role_that_is_none_or_nobody_s_is_told_by_its_key_and_layer() {
        let good = "{ cidr = \"192.0.2.1\", role = \"proxy_chain\" }";
        let told = |bad: &str| {
            let file = file(&format!("[geoip]\nroles = [{good}, {bad}]"));
            let text = load(&[file.path().to_path_buf()], &[]).unwrap_err().to_string();
            assert!(text.contains(&file.path().display().to_string()), "{text}");
            text
        };
        assert!(told("{ role = \"api_client\" }").contains("geoip.roles.1.role: a `cidr`"));
        assert!(told("{ cidr = \"192.0.2.1/40\", role = \"none\" }").contains("geoip.roles.1.cidr"));
        let unknown = told("{ cidr = \"192.0.2.1\", role = \"browser\" }");
        assert!(unknown.contains("browser") && unknown.contains("geoip.roles"), "{unknown}");
    }

    #[test]
    fn without_any_layer_the_defaults_are_valid() {
        assert_eq!(load(&[], &[]).unwrap(), Config::default());
    }

    #[test]
    fn a_later_layer_wins_and_is_named() {
        let first = file("[engine]\nworkers = 2\n[time]\nidle_timeout = \"9s\"\n");
        let second = file("[engine]\nworkers = 3\n");
        let files = [first.path().to_path_buf(), second.path().to_path_buf()];
        let flags = [("time.idle_timeout".to_owned(), "11s".to_owned())];
        let settings = settings(&files, &flags).unwrap();
        let find = |key: &str| settings.iter().find(|setting| setting.key == key).unwrap();
        assert_eq!(find("engine.workers").value, 3);
        assert_eq!(find("engine.workers").layer, Layer::File(second.path().to_path_buf()));
        assert_eq!(find("time.idle_timeout").layer, Layer::Flag);
        assert_eq!(find("kafka.group").layer, Layer::Default);
    }

    #[test]
    fn every_mistake_is_told_with_its_key_and_layer() {
        let text = problem("[time]\nallowed_latenes = \"3m\"\n[enginee]\nworkers = 1\n");
        assert!(
            text.contains("time.allowed_latenes: unknown key, did you mean `allowed_lateness`? (file"),
            "{text}"
        );
        assert!(text.contains("enginee: unknown key, did you mean `engine`?"), "{text}");
        let text = problem("[time]\nidle_timeout = \"soon\"\n[engine]\nworkers = \"two\"\n");
        assert!(text.contains("time.idle_timeout: `soon` is not a duration"), "{text}");
        assert!(text.contains("engine.workers: invalid type"), "{text}");
    }

    #[test]
    fn values_that_cannot_work_together_are_refused() {
        let text = problem("[input]\ntopics = [\"okta-alerts\"]\n[engine]\nworkers = 0\n");
        assert!(text.contains("alerts would be read back as events"), "{text}");
        assert!(text.contains("engine.workers: 0 is not between 1 and 256 (file"), "{text}");
    }

    #[test]
    fn secrets_are_not_shown_and_properties_keep_their_dots() {
        let file = file("[kafka.properties]\n\"sasl.password\" = \"pw\"\n\"linger.ms\" = 5\n");
        let settings = settings(&[file.path().to_path_buf()], &[]).unwrap();
        let find = |key: &str| settings.iter().find(|setting| setting.key == key).unwrap();
        assert_eq!(find("kafka.properties.sasl.password").value, "********");
        assert_eq!(find("kafka.properties.linger.ms").value, "5");
        assert!(matches!(find("kafka.properties.linger.ms").layer, Layer::File(_)));
    }
}
