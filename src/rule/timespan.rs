//! How long is a timespan?

use super::diagnostic::Findings;
use super::reader::Spanned;
use crate::limits;

const DAY_MS: i64 = 86_400_000;

const UNITS: &[(&str, i64)] =
    &[("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", DAY_MS), ("w", 604_800_000)];

/// Sigma's form, in ms: a whole number and `s`, `m`, `h`, `d` or `w`.
pub(super) fn parse(written: &Spanned, findings: &mut Findings) -> Option<i64> {
    let text = written.text.as_str();
    let span = length(text);
    if span.is_none() {
        let message = format!("`{text}` is no timespan");
        let help = match split(text).1 {
            "M" | "y" => "Months and years have no fixed length; write days.",
            _ => "Write a whole number and s, m, h, d or w, as in `10m`.",
        };
        findings.error(written.span, "timespan", message).help(help);
    }
    span
}

/// The same, if the text is one.
pub(super) fn length(text: &str) -> Option<i64> {
    let (number, unit) = split(text);
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<i64>().ok()?.checked_mul(*scale)
}

/// Number and unit.
fn split(text: &str) -> (&str, &str) {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(digits)
}

/// A timespan in seconds, if the text is one.
pub(super) fn seconds(text: &str) -> Option<i64> {
    length(text).map(|ms| ms / 1_000)
}

/// As [`parse`], but not zero.
pub(super) fn positive(written: &Spanned, findings: &mut Findings) -> Option<i64> {
    let span = parse(written, findings)?;
    if span == 0 {
        findings.error(written.span, "timespan", "the timespan is longer than nothing");
        return None;
    }
    if span > limits::WINDOW_MAX_MS {
        let most = limits::WINDOW_MAX_MS / DAY_MS;
        let message = format!("`{}` is longer than {most} days, the longest window", written.text);
        findings.error(written.span, "timespan", message);
        return None;
    }
    Some(span)
}

/// The shortest way to write a timespan of whole seconds.
pub(super) fn spell(ms: i64) -> String {
    let whole = UNITS.iter().rfind(|(unit, scale)| *unit != "w" && ms % scale == 0);
    whole.map_or_else(|| format!("{ms}ms"), |(unit, scale)| format!("{}{unit}", ms / scale))
}

/// A moment of a test in ms: one or more whole numbers, each with `ms`, `s`, `m`, `h`, `d` or `w`.
pub(super) fn moment(written: &Spanned, findings: &mut Findings) -> Option<i64> {
    let moment = sum(&written.text);
    if moment.is_none() {
        let message = format!("`{}` is no moment of a test", written.text);
        let finding = findings.error(written.span, "timespan", message);
        finding.help("Write the time since the test's start as `0s`, `90s` or `1h30m`.");
    }
    moment
}

fn sum(mut rest: &str) -> Option<i64> {
    let mut total: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|char: char| char.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let units = UNITS.iter().chain(&[("ms", 1)]);
        let scale = units.copied().find(|(name, _)| *name == unit).map(|(_, scale)| scale)?;
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(scale)?)?;
        rest = after;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timespans_are_sigma_s() {
        let read = |text: &str| {
            let written = Spanned { text: text.to_owned(), ..Spanned::default() };
            positive(&written, &mut Findings::default())
        };
        assert_eq!(read("30s"), Some(30_000));
        assert_eq!(read("10m"), Some(600_000));
        assert_eq!(read("2h"), Some(7_200_000));
        assert_eq!(read("1w"), Some(604_800_000));
        assert_eq!(read("90d"), Some(limits::WINDOW_MAX_MS));
        assert_eq!(read("91d"), None);
        for wrong in
            ["", "5", "5 m", "1M", "-1m", "0s", "1h30m", "99999999999999999999s", "9999999999999999w"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_timespan_is_spelled_as_it_is_written() {
        let spelled = [1_000, 90_000, 3_600_000, 86_400_000, 1_209_600_000, 1_500].map(spell);
        assert_eq!(spelled, ["1s", "90s", "1h", "1d", "14d", "1500ms"]);
    }

    #[test]
    fn moments_may_have_several_parts() {
        assert_eq!(sum("26h30m"), Some(95_400_000));
        assert_eq!(sum("1s250ms"), Some(1_250));
        for wrong in ["5", "m", "1h30", "1 h", "-1s", "9223372036854775807s"] {
            assert_eq!(sum(wrong), None, "{wrong}");
        }
    }
}
