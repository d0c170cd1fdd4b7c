//! Do the fuzz targets for rules hold for the shipped rules, slightly spoiled?
//!
//! The short form of `cargo fuzz run rule` and `evaluate` that needs no nightly compiler: the same
//! functions, the same dictionary, always the same numbers.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

#[path = "../fuzz/entry.rs"]
mod entry;
#[path = "support/random.rs"]
mod random;

use std::fs;
use std::path::{Path, PathBuf};

use random::Random;

/// Spoiled copies of each rule file that are checked as rules.
const CHECKED: u64 = 24;

/// Spoiled copies of each rule file that judge events.
const JUDGED: u64 = 6;

/// What rule files are made of.
fn dictionary() -> Vec<String> {
    let lines = include_str!("../fuzz/rule.dict").lines().filter(|line| line.starts_with('"'));
    lines.map(|line| unescaped(line.trim_matches('"'))).collect()
}

/// `\x0a` is the byte of that number.
fn unescaped(word: &str) -> String {
    let mut parts = word.split("\\x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (byte, rest) = part.split_at(2);
        out.push(char::from(u8::from_str_radix(byte, 16).unwrap()));
        out.push_str(rest);
    }
    out
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn texts(folder: &str, extension: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let texts: Vec<String> =
        files(&root, extension).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(!texts.is_empty(), "nothing in {folder}");
    texts
}

/// Changes a text in a few places as a tired author or a broken tool would.
struct Spoiler<'s> {
    random: Random,
    words: Vec<String>,
    others: &'s [String],
}

impl Spoiler<'_> {
    fn spoil(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..1 + self.random.below(4) {
            let at = self.place(chars.len());
            match self.random.below(7) {
                0 => drop(chars.splice(at..at, self.word())),
                1 => drop(chars.splice(at..self.end(at, 12, &chars), self.word())),
                2 => drop(chars.drain(at..self.end(at, 40, &chars))),
                3 => {
                    let copied: Vec<char> = chars.get(at..self.end(at, 200, &chars)).unwrap().to_vec();
                    let to = self.place(chars.len());
                    chars.splice(to..to, copied);
                }
                4 => chars.truncate(at),
                5 => drop(chars.splice(at..at, self.stranger())),
                _ => drop(chars.splice(
                    at..at,
                    ["\n", " ", ":", "'", "[", "{", "-", "\u{feff}", "\r", "\t"][at % 10].chars(),
                )),
            }
        }
        chars.into_iter().collect()
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.random.below(length as u64 + 1)).unwrap()
    }

    fn end(&mut self, from: usize, most: u64, chars: &[char]) -> usize {
        (from + usize::try_from(self.random.below(most)).unwrap()).min(chars.len())
    }

    fn word(&mut self) -> Vec<char> {
        self.random.pick(&self.words).chars().collect()
    }

    /// A line of another rule.
    fn stranger(&mut self) -> Vec<char> {
        let lines: Vec<&str> = self.random.pick(self.others).lines().collect();
        format!("\n{}\n", self.random.pick(&lines)).chars().collect()
    }
}

#[test]
fn spoiled_rules_are_refused_or_load_but_never_break_the_loader() {
    let rules = texts("detections", "yml");
    let mut spoiler = Spoiler { random: Random::new(0x5eed), words: dictionary(), others: &rules };
    let mut loaded = 0;
    let mut tried = 0;
    for text in &rules {
        // Whether it loads is no matter: some lean on lists or on other files.
        entry::rule(text.as_bytes());
        for _ in 0..CHECKED {
            loaded += u64::from(entry::rule(spoiler.spoil(text).as_bytes()));
            tried += 1;
        }
    }
    assert!(loaded * 20 > tried && loaded * 2 < tried, "{loaded} of {tried} load: both kinds are needed");
}

#[test]
fn spoiled_rules_that_load_judge_events_without_breaking() {
    let rules = texts("detections", "yml");
    let cases = texts("tests/cases", "jsonl");
    let events: Vec<&str> = cases.iter().flat_map(|case| case.lines()).collect();
    let mut spoiler = Spoiler { random: Random::new(0xfeed), words: dictionary(), others: &rules };
    let mut alerts = 0;
    let mut judged = 0;
    for text in &rules {
        let types: Vec<&str> =
            text.split(['[', ']', ' ', ',', '\n', '\'']).filter(|word| word.contains('.')).collect();
        let named = events.iter().filter(|line| types.iter().any(|kind| line.contains(kind)));
        let lines: Vec<&str> = named.copied().take(8).collect();
        for round in 0..=JUDGED {
            let rule = if round == 0 { text.clone() } else { spoiler.spoil(text) };
            let line = lines.join("\n");
            let line = if round < 2 { line } else { spoiler.spoil(&line) };
            let found = entry::evaluate(format!("{rule}{}{line}", entry::SEPARATOR).as_bytes());
            judged += usize::from(found.is_some());
            alerts += found.unwrap_or_default();
        }
    }
    assert!(judged > rules.len() && alerts > 0, "{judged} judged, {alerts} alerts");
}
