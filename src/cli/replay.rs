//! What would have been found in these files?

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::args::ReplayArgs;
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::{self, Out};
use super::rules;
use crate::alert::{self, Provenance, Renderer};
use crate::config::{self, Config};
use crate::engine::{self, Shard};
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::model::{Effects, Enriched, Shared, Tally};
use crate::replay::{self, Recording};
use crate::rule::RuleSet;
use crate::source::Reader;

/// Dead letters that are told one by one.
const DEAD_LETTERS_SHOWN: usize = 10;

/// Judges files and prints the alerts.
pub(super) fn run(arguments: &ReplayArgs) -> Outcome {
    let config = configuration(arguments).or_usage()?;
    let rules = Arc::new(rules::load(&config.rules.paths)?);
    let geoip = Arc::new(GeoIp::open(&config.geoip).or_usage()?);
    let reader = Reader::new(Arc::clone(&rules.table), engine::reading(&config));
    let recording = replay::read(&arguments.files, &reader).or_runtime()?;
    let mut report = Report::new(arguments, &config, Arc::clone(&rules), &geoip, &recording).or_runtime()?;
    let mut shard = Shard::new(&config, Arc::clone(&rules), geoip);
    replay::judge(recording.events, &mut shard, |effects| report.take(&effects)).or_runtime()?;
    report.finish().or_runtime()?;
    Ok(Exit::Good)
}

fn configuration(arguments: &ReplayArgs) -> Result<Config, Failure> {
    let mut config = config::load(&arguments.layers.config, &arguments.layers.set)?;
    if !arguments.rules.is_empty() {
        config.rules.paths.clone_from(&arguments.rules);
    }
    config.geoip.city = arguments.geoip_city.clone().or(config.geoip.city);
    config.geoip.asn = arguments.geoip_asn.clone().or(config.geoip.asn);
    // The engine hands out enriched events when there is a topic for them; here a file stands for it.
    let wanted = arguments.enriched.is_some() || arguments.profile;
    config.output.enriched = if wanted { "enriched".to_owned() } else { String::new() };
    Ok(config)
}

/// Prints alerts as they come, and the summary at the end.
struct Report {
    rules: Arc<RuleSet>,
    renderer: Renderer,
    readable: bool,
    out: Out,
    enriched: Option<(PathBuf, BufWriter<File>)>,
    sample: Option<Vec<Shared<Enriched>>>,
    tally: Tally,
    alerts: BTreeMap<String, u64>,
    span: Option<(i64, i64)>,
    head: String,
}

impl Report {
    fn new(
        arguments: &ReplayArgs,
        config: &Config,
        rules: Arc<RuleSet>,
        geoip: &GeoIp,
        recording: &Recording,
    ) -> Result<Self, Failure> {
        let enriched = match &arguments.enriched {
            Some(path) => Some((path.clone(), BufWriter::new(create(path)?))),
            None => None,
        };
        let first = recording.events.first().map(|event| event.published_ms);
        let last = recording.events.last().map(|event| event.published_ms);
        Ok(Self {
            renderer: Renderer::new(&config.output).with(Provenance::of(geoip, &rules)),
            rules,
            readable: arguments.readable,
            out: Out::new(),
            enriched,
            sample: arguments.profile.then(Vec::new),
            tally: Tally::default(),
            alerts: BTreeMap::new(),
            span: first.zip(last),
            head: head(recording),
        })
    }

    fn take(&mut self, effects: &Effects) -> Result<(), Failure> {
        for alert in &effects.alerts {
            *self.alerts.entry(alert.rule.name.to_string()).or_default() += 1;
            if self.readable {
                self.out.line(&alert::readable(alert))?;
            } else {
                self.out.bytes(&self.renderer.alert(alert).payload)?;
                self.out.bytes(b"\n")?;
            }
        }
        for event in &effects.enriched {
            self.keep(event)?;
        }
        self.tally.duplicates += effects.tally.duplicates;
        self.tally.geoip_found += effects.tally.geoip_found;
        self.tally.geoip_missed += effects.tally.geoip_missed;
        for (rule, n) in &effects.tally.evicted {
            Tally::add(&mut self.tally.evicted, *rule, *n);
        }
        Ok(())
    }

    fn keep(&mut self, event: &Shared<Enriched>) -> Result<(), Failure> {
        if let Some((path, file)) = &mut self.enriched {
            let record = self.renderer.enriched(event, &self.rules.table);
            let written = file.write_all(&record.payload).and_then(|()| file.write_all(b"\n"));
            written.map_err(|error| cannot_write(path, &error))?;
        }
        if let Some(sample) = self.sample.as_mut().filter(|sample| sample.len() < replay::SAMPLE) {
            sample.push(event.clone());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.out.flush()?;
        if let Some((path, file)) = &mut self.enriched {
            file.flush().map_err(|error| cannot_write(path, &error))?;
        }
        output::note(&self.head);
        if let Some((first, last)) = self.span {
            output::note(&format!("from {} to {}", crate::text::instant(first), crate::text::instant(last)));
        }
        let (found, missed) = (self.tally.geoip_found, self.tally.geoip_missed);
        output::note(&format!(
            "{} duplicates, {found} addresses found in the database, {missed} not",
            self.tally.duplicates
        ));
        output::note(&format!("{} alerts by {} rules", self.alerts.values().sum::<u64>(), self.alerts.len()));
        for (rule, count) in &self.alerts {
            output::note(&format!("  {count:>7}  {rule}"));
        }
        for (rule, count) in &self.tally.evicted {
            let name = self.rules.get(*rule).map_or("?", |rule| &*rule.info.name);
            output::note(&format!(
                "warning: {name} dropped {count} events at a bound: its counts may be low"
            ));
        }
        if let Some(sample) = &self.sample {
            costs(&self.rules, sample);
        }
        Ok(())
    }
}

fn head(recording: &Recording) -> String {
    let mut text = format!(
        "{} records, {} events, {} dead letters, {} skipped",
        recording.records,
        recording.events.len(),
        recording.dead_letters.len(),
        recording.skipped
    );
    for letter in recording.dead_letters.iter().take(DEAD_LETTERS_SHOWN) {
        let place = &letter.position;
        let number = place.offset + 1;
        text.push_str(&format!(
            "\n  {} record {number}: {}: {}",
            place.topic,
            letter.reason.as_str(),
            letter.detail
        ));
    }
    if recording.dead_letters.len() > DEAD_LETTERS_SHOWN {
        text.push_str(&format!("\n  … and {} more", recording.dead_letters.len() - DEAD_LETTERS_SHOWN));
    }
    text
}

fn costs(rules: &RuleSet, sample: &[Shared<Enriched>]) {
    output::note(&format!("cost of each detection over {} events, dearest first", sample.len()));
    output::note("  RULE\tTESTED\tMATCHED\tNS/EVENT");
    for cost in replay::profile(rules, sample) {
        output::note(&format!(
            "  {}\t{}\t{}\t{:.0}",
            cost.rule, cost.tested, cost.matched, cost.ns_per_event
        ));
    }
}

fn create(path: &PathBuf) -> Result<File, Failure> {
    File::create(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}", path.display())).detail(error)
}
