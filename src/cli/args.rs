//! What can be asked on the command line?

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::rule::scaffold_kinds;

/// Correlates and enriches Okta System Log events between two Kafka topics, exactly once.
#[derive(Debug, Parser)]
#[command(name = "oktawatch", version, about, max_term_width = 100, after_help = EXITS)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXITS: &str = "First steps:\n  oktawatch demo                          see it work, with nothing to configure\n  oktawatch replay --rules detections FILE   judge events from a file\n  oktawatch run                           the service, against localhost:9092\n\nExit codes: 0 good, 1 findings (a failed rule test, an error in a rule), 2 bad usage or configuration, 3 runtime failure.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service: events from Kafka, alerts to Kafka.
    #[command(
        after_help = "Example:\n  oktawatch run --config /etc/oktawatch/oktawatch.toml\n\nWithout a file it reads okta-events on localhost:9092 and writes okta-alerts, with the rules in ./detections. SIGTERM finishes the batch, commits and leaves the group."
    )]
    Run(RunArgs),
    /// Show the whole pipeline at work: an embedded broker, a small company's traffic, three incidents.
    #[command(
        after_help = "Examples:\n  oktawatch demo\n  oktawatch demo --seed 7 --rules detections\n  oktawatch demo --week --employees 50\n\nNeeds no network, no Kafka and no configuration; the day takes well under a minute, the week of 200 some minutes."
    )]
    Demo(DemoArgs),
    /// Judge events from files or stdin with the same engine, without a broker.
    #[command(
        after_help = "Examples:\n  oktawatch replay --rules detections events.ndjson.gz\n  zcat *.gz | oktawatch replay --rules detections - | jq .message\n  oktawatch replay --rules detections --profile --enriched enriched.ndjson events.ndjson\n\nFiles hold any envelope a forwarder makes, one record a line or one JSON document, plain, gzip or zstd. Events are judged in the order of `published`; alerts go to stdout as JSON lines, a summary to stderr."
    )]
    Replay(ReplayArgs),
    /// Check the configuration and the rules: every mistake at once, with its place and a suggestion.
    #[command(
        after_help = "Examples:\n  oktawatch check detections\n  oktawatch check --explain unknown-field\n  oktawatch check --config oktawatch.toml --connect\n  oktawatch check --event-types okta-event-types.csv --format json detections | jq -r .code\n  oktawatch check --format sarif detections > oktawatch.sarif\n\nThe word in brackets behind `error` or `warning` is a code; --explain says what it stands for. Errors end with exit code 1, warnings do not. SARIF is what code scanning in GitHub, GitLab and editors reads."
    )]
    Check(CheckArgs),
    /// Run the tests that rules carry, through the whole engine.
    #[command(
        after_help = "Examples:\n  oktawatch test detections\n  oktawatch test --filter push-bombing detections/sigma\n  oktawatch test --coverage --min-coverage 80 --junit results.xml detections\n  oktawatch test --mutate --filter push-bombing\n  oktawatch test --update detections/sigma/push-bombing.yml\n\nA failed test, a rule below --min-coverage and a change that no test notices are findings: exit code 1."
    )]
    Test(TestArgs),
    /// List the fields a rule may use, with type, example and meaning.
    #[command(
        after_help = "Examples:\n  oktawatch fields enriched.session\n  oktawatch fields --format json | jq -r .path"
    )]
    Fields(FieldsArgs),
    /// Write a new rule file to start from: with fresh ids, tests that pass, and a runbook to fill in.
    #[command(
        after_help = "Examples:\n  oktawatch new token-made --event-type system.api_token.create\n  oktawatch new push-bombing --type event_count --event-type user.mfa.okta_verify.deny_push --author 'Ana Example'\n  oktawatch new late-logout --type absence --dir detections/local\n\nThe file is named after the rule and never overwritten. It passes `oktawatch check` and `oktawatch test` as it is; change one thing at a time, and run both again."
    )]
    New(NewArgs),
    /// Print a JSON Schema for editors and tests: of rules, of the configuration, of alerts.
    #[command(
        after_help = "Examples:\n  oktawatch schema rule > .vscode/oktawatch-rule.json\n  oktawatch schema config > oktawatch-config.json\n  oktawatch schema alert > alert.json\n\nAll are JSON Schema of draft 7, which the YAML language server follows best. In VS Code with the YAML extension: \"yaml.schemas\": {\".vscode/oktawatch-rule.json\": \"detections/**/*.yml\"}. In any editor with the server: a first line `# yaml-language-server: $schema=…` in the file."
    )]
    Schema(SchemaArgs),
    /// Draw how the rules hang together: events, correlations, alerts, with keys and windows.
    #[command(
        after_help = "Examples:\n  oktawatch graph detections > rules.mmd\n  oktawatch graph --rule push-bombing-success detections\n  oktawatch graph --format json detections | jq -r 'select(.alerts) | .name'\n\nMermaid is drawn by GitHub, GitLab and many editors: put the output between ```mermaid and ``` in a Markdown file. Rules that are off are dashed, those in shadow mode dotted."
    )]
    Graph(GraphArgs),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// What can be asked of the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key with its value and who set it.
    #[command(
        after_help = "Example:\n  OKTAWATCH_TIME__ALLOWED_LATENESS=10m oktawatch config show --config oktawatch.toml"
    )]
    Show(ShowArgs),
}

/// The layers of the configuration.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// TOML file; may be given several times, later over earlier.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// One key, over files and environment: `--set time.allowed_lateness=10m`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

/// `oktawatch run`
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened group documents itself")]
    pub layers: ConfigArgs,
}

/// `oktawatch demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Another seed is another day at the same company.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Rule file or folder; by default `detections`.
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Print the alerts as the JSON that stands on the topic.
    #[arg(long)]
    pub json: bool,
    /// One key of the configuration: `--set output.format=ecs`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// A week at a company of two hundred instead, in which nobody means any harm: what is found there is what an
    /// analyst would look at in vain.
    #[arg(long)]
    pub week: bool,
    /// How many work there.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(10..=400), requires = "week")]
    pub employees: u16,
    /// Write the sample traffic to a file instead of running it, one record a line.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// `oktawatch replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened group documents itself")]
    pub layers: ConfigArgs,
    /// Rule file or folder; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// City database in MaxMind format.
    #[arg(long, value_name = "MMDB")]
    pub geoip_city: Option<PathBuf>,
    /// ASN database in MaxMind format.
    #[arg(long, value_name = "MMDB")]
    pub geoip_asn: Option<PathBuf>,
    /// Also write every event with what was added to it, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub enriched: Option<PathBuf>,
    /// Print what each rule cost.
    #[arg(long)]
    pub profile: bool,
    /// Print alerts for people instead of JSON lines.
    #[arg(long)]
    pub readable: bool,
    /// Files of events; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `oktawatch check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened group documents itself")]
    pub layers: ConfigArgs,
    /// Okta's published catalogue (their CSV, or a TSV whose first column is the type): reject
    /// event types it does not hold.
    #[arg(long, value_name = "FILE")]
    pub event_types: Option<PathBuf>,
    /// Also reach the brokers and look at the topics.
    #[arg(long)]
    pub connect: bool,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Only say what a code stands for and what to do about it.
    #[arg(long, value_name = "CODE", exclusive = true)]
    pub explain: Option<String>,
    /// Rule files and folders; by default `rules.paths` of the configuration.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `oktawatch test`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Only tests whose rule file or name holds this text; with --coverage and --mutate, files that
    /// have such a test.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Stop at the first test that fails.
    #[arg(long, conflicts_with = "update")]
    pub fail_fast: bool,
    /// Write into the rule files what failing tests saw, in place of what they expected.
    #[arg(long)]
    pub update: bool,
    /// Also write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Also tell which parts of each rule no test reaches.
    #[arg(long)]
    pub coverage: bool,
    /// Fail if less of any rule is reached; percent.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub min_coverage: Option<f64>,
    /// Change each rule a little, many times, and tell which changes no test notices.
    #[arg(long, conflicts_with_all = ["update", "junit", "coverage", "min_coverage", "fail_fast"])]
    pub mutate: bool,
    /// How to print the results.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Rule files and folders.
    #[arg(value_name = "PATH", default_value = "detections")]
    pub paths: Vec<PathBuf>,
}

/// `oktawatch fields`
#[derive(Debug, Args)]
pub struct FieldsArgs {
    /// Tab-separated for people and scripts, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Only fields whose path or meaning holds this text.
    #[arg(value_name = "TEXT")]
    pub filter: Option<String>,
}

/// `oktawatch new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Name of the rule: a letter, then letters, digits and hyphens, all in lower case.
    #[arg(value_name = "NAME", value_parser = rule_name)]
    pub name: String,
    /// One event, or which correlation of events.
    #[arg(long = "type", value_name = "TYPE", default_value = "detection",
        value_parser = PossibleValuesParser::new(scaffold_kinds()))]
    pub kind: String,
    /// The event type to begin with.
    #[arg(long, value_name = "TYPE", value_parser = event_type)]
    pub event_type: Option<String>,
    /// Folder to write into.
    #[arg(long, value_name = "DIR", default_value = "detections")]
    pub dir: PathBuf,
    /// Who writes the rule.
    #[arg(long)]
    pub author: Option<String>,
}

/// `oktawatch schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub of: SchemaOf,
}

/// `oktawatch graph`
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// A Mermaid flowchart, or one JSON object a rule.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
    /// Only what leads to this rule and from it.
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,
    /// Rule files and folders.
    #[arg(value_name = "PATH", default_value = "detections")]
    pub paths: Vec<PathBuf>,
}

/// `oktawatch config show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "the flattened group documents itself")]
    pub layers: ConfigArgs,
    /// Tab-separated for people and scripts, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, and tab-separated where scripts read it.
    Text,
    /// One JSON object a line.
    Json,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "write a number from 0 to 100".to_owned())
}

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people: the line, a mark under the place, and what to do.
    Text,
    /// One JSON object a line.
    Json,
    /// One SARIF 2.1.0 document.
    Sarif,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// One rule document, with every field, modifier, type of correlation and option.
    Rule,
    /// A configuration file, with defaults and meanings.
    Config,
    /// An alert in the flat format (`output.format = "flat"`).
    Alert,
}

/// How a diagram is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A Mermaid flowchart.
    Mermaid,
    /// One JSON object a line, one line a rule.
    Json,
}

fn rule_name(text: &str) -> Result<String, String> {
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '-' | '_');
    let good = text.starts_with(|first: char| first.is_ascii_lowercase()) && text.chars().all(fits);
    good.then(|| text.to_owned())
        .ok_or_else(|| "a name is a letter, then letters, digits and hyphens, all in lower case".to_owned())
}

fn event_type(text: &str) -> Result<String, String> {
    let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    (text.contains('.') && text.chars().all(fits))
        .then(|| text.to_owned())
        .ok_or_else(|| "write it as Okta does, such as user.session.start".to_owned())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, as in engine.workers=2")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
