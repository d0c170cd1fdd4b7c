//! How is it told what came of the runs?

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

/// The names of the columns.
pub fn head(tsv: bool) -> String {
    line(COLUMNS.map(|(name, _)| name.to_owned()), tsv)
}

/// What came of one run; seconds are those from the last fault until all was read.
pub fn row(outcome: &Outcome, tsv: bool) -> String {
    let verdict = &outcome.verdict;
    let mut result = if outcome.is_good() { "passed" } else { "FAILED" }.to_owned();
    if let Some(trouble) = &outcome.trouble {
        result = format!("{result}: {trouble}");
    }
    if let Some(folder) = &outcome.kept {
        result = format!("{result} ({})", folder.display());
    }
    let cells = [
        outcome.scenario.to_owned(),
        outcome.seed.to_string(),
        outcome.events.to_string(),
        verdict.expected.to_string(),
        verdict.lost.len().to_string(),
        verdict.extra.len().to_string(),
        verdict.twice.len().to_string(),
        format!("{:.1}", outcome.caught_up.as_secs_f64()),
        result,
    ];
    line(cells, tsv)
}

fn line(cells: [String; COLUMNS.len()], tsv: bool) -> String {
    if tsv {
        return cells.join("\t");
    }
    let padded: Vec<String> =
        cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}")).collect();
    padded.concat()
}
