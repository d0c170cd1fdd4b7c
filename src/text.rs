//! How are near misses of a word found, long texts cut, lines counted, and instants written?

/// Characters of a word that a candidate is looked for; what was meant by a longer one is not guessed.
const WORD: usize = 96;

/// The candidate nearest to a word, if it is near enough to be what was meant.
pub fn nearest<'k>(word: &str, candidates: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let length = word.chars().take(WORD + 1).count();
    if length > WORD {
        return None;
    }
    let most = (length / 3).max(1);
    let alike = |candidate: &&str| candidate.chars().take(length + most + 1).count().abs_diff(length) <= most;
    candidates
        .filter(alike)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words (insert, delete, replace, swap of neighbours), case aside.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replace = last[j] + usize::from(a != b);
            let mut best = replace.min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && left[i - 1] == *b && right[j - 1] == *a;
            if swapped {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

/// The longest start of a text with at most so many bytes that ends at a character.
pub fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

/// The line, from 1, that a byte of a text stands in.
pub fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// An instant as Okta writes it: RFC 3339 in UTC with milliseconds; none outside the calendar.
pub fn rfc3339(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|instant| format!("{instant:.3}"))
}

/// The same for people, who can make something of a number, too.
pub fn instant(ms: i64) -> String {
    rfc3339(ms).unwrap_or_else(|| format!("{ms} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let words = ["eventType", "outcome.result", "actor.alternateId"];
        assert_eq!(nearest("evntType", words.into_iter()), Some("eventType"));
        assert_eq!(nearest("outcome.reslut", words.into_iter()), Some("outcome.result"));
        assert_eq!(nearest("severity", words.into_iter()), None);
    }

    #[test]
    fn what_a_very_long_word_means_is_not_guessed() {
        let long = "x".repeat(WORD);
        assert_eq!(nearest(&long, ["a", &format!("{long}y")].into_iter()), Some(&*format!("{long}y")));
        assert_eq!(nearest(&format!("{long}y"), [long.as_str()].into_iter()), None);
        assert_eq!(nearest("abc", [long.as_str(), "abd"].into_iter()), Some("abd"));
    }

    #[test]
    fn an_instant_is_written_with_three_digits_behind_the_second() {
        assert_eq!(rfc3339(1_767_607_200_000).as_deref(), Some("2026-01-05T10:00:00.000Z"));
        assert_eq!(rfc3339(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!((rfc3339(i64::MAX), instant(7)), (None, "1970-01-01T00:00:00.007Z".to_owned()));
        assert_eq!(instant(i64::MIN), "-9223372036854775808 ms");
    }

    #[test]
    fn a_line_ends_with_its_line_feed() {
        let lines = [0, 1, 2, 99].map(|at| line("a\nb", at));
        assert_eq!(lines, [1, 1, 2, 2]);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("", 0), "");
    }
}
