//! How long is a timespan?

use super::diagnostic::Findings;
use super::reader::Spanned;

const UNITS: &[(&str, i64)] =
    &[("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// Sigma's form, in ms: a whole number and `s`, `m`, `h`, `d` or `w`.
pub(super) fn parse(written: &Spanned, findings: &mut Findings) -> Option<i64> {
    let text = written.text.as_str();
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
    let span = number.parse::<i64>().ok().zip(scale).and_then(|(number, scale)| number.checked_mul(scale));
    if span.is_none() {
        let message = format!("`{text}` is no timespan");
        let help = match unit {
            "M" | "y" => "Months and years have no fixed length; write days.",
            _ => "Write a whole number and s, m, h, d or w, as in `10m`.",
        };
        findings.error(written.span, "timespan", message).help(help);
    }
    span
}

/// As [`parse`], but not zero.
pub(super) fn positive(written: &Spanned, findings: &mut Findings) -> Option<i64> {
    let span = parse(written, findings)?;
    if span == 0 {
        findings.error(written.span, "timespan", "the timespan is longer than nothing");
        return None;
    }
    Some(span)
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
        for wrong in
            ["", "5", "5 m", "1M", "-1m", "0s", "1h30m", "99999999999999999999s", "9999999999999999w"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
