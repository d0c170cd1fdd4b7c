//! Which parts of each rule do the tests reach?

use std::path::{Path, PathBuf};

use super::super::args::{Format, TestArgs};
use super::super::exit::{Exit, OrExit as _, Outcome};
use super::super::output::{self, Out};
use super::json;
use crate::suite::{Coverage, Suite};

/// Tells what is not reached, if that was asked for; a rule of which too little is, is a finding.
pub(super) fn run(suite: &Suite, arguments: &TestArgs, files: &[PathBuf]) -> Outcome {
    if !arguments.coverage && arguments.min_coverage.is_none() {
        return Ok(Exit::Good);
    }
    let mut out = Out::new();
    let (mut total, mut reached, mut below) = (0, 0, 0);
    let least = arguments.min_coverage.unwrap_or_default();
    for (place, file) in files.iter().enumerate() {
        output::progress(&format!("coverage: {place} of {} files", files.len()));
        for covered in suite.coverage(file).or_usage()? {
            total += covered.total;
            reached += covered.total - covered.gaps.len();
            below += usize::from(covered.percent() < least);
            match arguments.format {
                Format::Json => out.line(&json::coverage(&covered).to_string()).or_runtime()?,
                Format::Text => out.line(&table(&covered, file, least)).or_runtime()?,
            }
        }
    }
    output::progress("");
    out.flush().or_runtime()?;
    let all = if total == 0 { 100.0 } else { reached as f64 / total as f64 * 100.0 };
    let rules = if least > 0.0 { format!(", {below} rules below {least} %") } else { String::new() };
    output::note(&format!("coverage {all:.1} %: {reached} of {total} reached{rules}"));
    Ok(if below > 0 { Exit::Findings } else { Exit::Good })
}

/// One rule: how much is reached, then a line for each gap.
fn table(covered: &Coverage, file: &Path, least: f64) -> String {
    let Coverage { rule, total, gaps, .. } = covered;
    let percent = covered.percent();
    let mark = if percent < least { "  below the least" } else { "" };
    let reached = total - gaps.len();
    let mut text = format!("{percent:>5.1} %  {rule}  {reached} of {total}{mark}");
    for gap in gaps {
        text.push_str(&format!("\n         {}:{}: {}", file.display(), gap.line, gap.text));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Gap;

    #[test]
    fn a_rule_is_told_with_its_gaps() {
        let gaps = vec![Gap { line: 9, text: "never true: `a: b`".into() }];
        let covered = Coverage { file: "a.yml".into(), rule: "denied".into(), total: 8, gaps };
        let text = table(&covered, Path::new("a.yml"), 80.0);
        assert_eq!(text, " 87.5 %  denied  7 of 8\n         a.yml:9: never true: `a: b`");
        assert!(table(&covered, Path::new("a.yml"), 90.0).contains("below the least"));
    }
}
