//! How is it told what came of the runs?

use std::fs::File;
use std::io::Write as _;

use crate::settings::Settings;
use crate::trial::Outcome;

const COLUMNS: [(&str, usize); 9] = [
    ("scenario", 10),
    ("seed", 6),
    ("events", 7),
    ("alerts", 7),
    ("lost", 5),
    ("extra", 6),
    ("twice", 6),
    ("seconds", 8),
    ("result", 0),
];

/// A row for each run, written when that is over.
pub struct Table {
    out: File,
    tsv: bool,
}

impl Table {
    /// With the names of its columns.
    pub fn new(settings: &Settings) -> Self {
        let mut table = Self::open(settings);
        table.write(COLUMNS.map(|(name, _)| name.to_owned()));
        table
    }

    /// What came of one run; seconds are those from the last fault until all was read.
    pub fn add(&mut self, outcome: &Outcome) {
        let verdict = &outcome.verdict;
        self.write([
            outcome.scenario.to_owned(),
            outcome.seed.to_string(),
            outcome.events.to_string(),
            verdict.expected.to_string(),
            verdict.lost.len().to_string(),
            verdict.extra.len().to_string(),
            verdict.twice.len().to_string(),
            format!("{:.1}", outcome.caught_up.as_secs_f64()),
            result(outcome),
        ]);
    }

    /// The scenarios in place of what came of them.
    pub fn list(settings: &Settings) {
        let mut out = Self::open(settings).out;
        for scenario in &settings.scenarios {
            writeln!(out, "{:<10} {}", scenario.name, scenario.about).unwrap();
        }
    }

    fn open(settings: &Settings) -> Self {
        let out = File::options().append(true).open(&settings.table).unwrap();
        Self { out, tsv: settings.tsv }
    }

    fn write(&mut self, cells: [String; COLUMNS.len()]) {
        writeln!(self.out, "{}", line(cells, self.tsv)).unwrap();
    }
}

fn result(outcome: &Outcome) -> String {
    let mut result = if outcome.is_good() { "passed" } else { "FAILED" }.to_owned();
    for trouble in outcome.trouble.iter().chain(&outcome.remarks) {
        result = format!("{result}; {trouble}");
    }
    if let Some(folder) = &outcome.kept {
        result = format!("{result} ({})", folder.display());
    }
    result
}

fn line(cells: [String; COLUMNS.len()], tsv: bool) -> String {
    if tsv {
        return cells.join("\t");
    }
    let padded: Vec<String> =
        cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}")).collect();
    padded.concat()
}
