//! What is wrong with the configuration and the rules?

use std::path::Path;

use serde_json::json;

use super::args::{CheckArgs, CheckFormat};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::{self, Out};
use super::rules;
use crate::config::{self, Config};
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::kafka;
use crate::rule::{self, CheckReport, LintOptions, Severity};

/// Checks everything there is, and tells all of it.
pub(super) fn run(arguments: &CheckArgs) -> Outcome {
    if let Some(word) = &arguments.explain {
        return explain(word);
    }
    let config = config::load(&arguments.layers.config, &arguments.layers.set).or_usage()?;
    GeoIp::open(&config.geoip).or_usage()?;
    kafka::properties(&config, kafka::Role::Admin).or_usage()?;
    let report = check_rules(arguments, &config)?;
    print(&report, arguments.format)?;
    if arguments.connect {
        connect(&config)?;
    }
    Ok(if report.failed() { Exit::Findings } else { Exit::Good })
}

fn explain(word: &str) -> Outcome {
    let Some(code) = rule::code(word) else {
        let near = crate::text::nearest(word, rule::CODES.iter().map(|code| code.name));
        let names: Vec<&str> = rule::CODES.iter().map(|code| code.name).collect();
        let hint = match near {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("The codes are {}.", names.join(", ")),
        };
        return Err((Failure::new(format!("no code `{word}`")).hint(hint), Exit::Usage));
    };
    let mut out = Out::new();
    out.line(&format!("{}: {}\n{}", code.name, code.about, code.help)).or_runtime()?;
    out.flush().or_runtime()?;
    Ok(Exit::Good)
}

fn check_rules(arguments: &CheckArgs, config: &Config) -> Result<CheckReport, (Failure, Exit)> {
    let paths = if arguments.paths.is_empty() { &config.rules.paths } else { &arguments.paths };
    rules::exist(paths)?;
    let event_types = match &arguments.event_types {
        Some(file) => Some(rule::event_types(&read(file).or_usage()?)),
        None => None,
    };
    Ok(rule::check(paths, &LintOptions { event_types, today: today(), ..LintOptions::default() }))
}

/// The day in UTC, by which exceptions expire.
fn today() -> Option<jiff::civil::Date> {
    let now = jiff::Timestamp::from_millisecond(kafka::wall_ms()).ok()?;
    Some(now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date())
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read {}", file.display())).detail(error))
}

fn print(report: &CheckReport, format: CheckFormat) -> Result<(), (Failure, Exit)> {
    let mut out = Out::new();
    match format {
        CheckFormat::Text => {
            out.bytes(rule::render(&report.diagnostics, &report.sources).as_bytes()).or_runtime()?
        }
        CheckFormat::Json => {
            for diagnostic in &report.diagnostics {
                out.line(&json!(diagnostic).to_string()).or_runtime()?;
            }
        }
        CheckFormat::Sarif => {
            let log = rule::sarif(&report.diagnostics, env!("CARGO_PKG_VERSION"));
            out.line(&format!("{log:#}")).or_runtime()?;
        }
    }
    out.flush().or_runtime()?;
    let errors = report.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    let warnings = report.diagnostics.len() - errors;
    let files = report.sources.iter().count();
    let rules = report.rules.as_ref().map_or(0, |rules| rules.rules.len());
    output::note(&format!("{files} files, {rules} rules, {errors} errors, {warnings} warnings"));
    Ok(())
}

fn connect(config: &Config) -> Result<(), (Failure, Exit)> {
    for line in kafka::survey(config).or_runtime()? {
        output::note(&line);
    }
    Ok(())
}
