//! What must a field's value be to match one value of a rule?

use regex::{Regex, RegexBuilder};

use super::detection::Expression;
use super::encoding::{self, Encoding, Unusable};
use super::modifier::{Edge, Modifiers, Operation};
use super::network;
use super::pattern::Pattern;
use super::selection::{Reading, Subject};
use super::sources::Span;
use super::wildcard::{DASHES, Shape, Symbol, open_dashes, symbols};
use super::yaml::Literal;
use crate::limits;
use crate::model::FieldKind;

impl Reading<'_> {
    /// What each value asks for; every one that is wrong is told.
    pub(super) fn each(
        &mut self,
        subject: Subject<'_>,
        modifiers: &Modifiers,
        values: &[(Literal, Span)],
    ) -> Option<Vec<Expression>> {
        let mut encoded = 0;
        let mut parts = Vec::with_capacity(values.len());
        for (literal, span) in values {
            let part = self.value(subject, modifiers, literal, *span);
            if let (Some(Expression::Test(_, patterns)), false) = (&part, modifiers.encodings.is_empty()) {
                encoded += patterns.len();
            }
            // Told before the rest is encoded, which costs far more than reading it.
            if encoded > limits::ENCODED_LIST_TEXTS {
                let most = limits::ENCODED_LIST_TEXTS;
                return self.fail(
                    *span,
                    "too-large",
                    format!("encoded, the values are more than {most} texts"),
                );
            }
            parts.push(part);
        }
        parts.into_iter().collect()
    }

    /// The patterns of which one must match; several where the value is written in several ways.
    pub(super) fn patterns(
        &mut self,
        kind: FieldKind,
        modifiers: &Modifiers,
        literal: &Literal,
        span: Span,
    ) -> Option<Vec<Pattern>> {
        let pattern = match (modifiers.operation, literal) {
            _ if modifiers.part.is_some() => self.part(modifiers, literal, span),
            _ if modifiers.compares() => self.order(kind, modifiers.operation, literal, span),
            (Operation::Equals, Literal::Integer(number)) if modifiers.is_plain() => {
                Some(Pattern::Integer(*number))
            }
            (Operation::Equals, Literal::Float(number)) if modifiers.is_plain() => {
                Some(Pattern::Float(*number))
            }
            (Operation::Cidr, literal) => self.network(&spelled(literal), span),
            (Operation::Regex, literal) => self.regex(&spelled(literal), modifiers, span),
            (_, literal) => return self.texts(&spelled(literal), modifiers, span),
        };
        pattern.map(|pattern| vec![pattern])
    }

    pub(super) fn texts(&mut self, text: &str, modifiers: &Modifiers, span: Span) -> Option<Vec<Pattern>> {
        if text.is_empty() {
            return self.fail(span, "empty", "every text contains, starts and ends with nothing");
        }
        let mut pattern = symbols(text);
        if modifiers.windash {
            open_dashes(&mut pattern);
        }
        if modifiers.encodings.is_empty() {
            // Every way to write it is searched for at once, unless they are many.
            let written =
                if open(&pattern) <= limits::SPELLED_DASHES { every_dash(pattern) } else { vec![pattern] };
            let written = written.into_iter();
            let patterns: Vec<_> =
                written.map(|pattern| self.placed(pattern, text.len(), modifiers, span)).collect();
            return patterns.into_iter().collect();
        }
        if modifiers.operation == Operation::Equals
            && modifiers.encodings.last() == Some(&Encoding::Base64Offset)
        {
            let message = "a field seldom equals a part of encoded data";
            let finding = self.findings.warning(span, "base64offset", message);
            finding.help("Look for it inside: `base64offset|contains`.");
        }
        let encoded = self.encoded(pattern, modifiers, span)?;
        let patterns: Vec<_> = encoded
            .iter()
            .map(|text| self.placed(text.chars().map(Symbol::Char).collect(), text.len(), modifiers, span))
            .collect();
        patterns.into_iter().collect()
    }

    fn placed(
        &mut self,
        mut pattern: Vec<Symbol>,
        size: usize,
        modifiers: &Modifiers,
        span: Span,
    ) -> Option<Pattern> {
        if matches!(modifiers.operation, Operation::Contains | Operation::EndsWith) {
            pattern.insert(0, Symbol::Star);
        }
        if matches!(modifiers.operation, Operation::Contains | Operation::StartsWith) {
            pattern.push(Symbol::Star);
        }
        let shape = Shape::new(pattern, modifiers.cased);
        if size > limits::WILDCARD_BYTES && !matches!(shape, Shape::Exact(_)) {
            let message = format!("a pattern has at most {} bytes", limits::WILDCARD_BYTES);
            return self.fail(span, "too-large", message);
        }
        Some(Pattern::Text { shape, cased: modifiers.cased })
    }

    fn encoded(&mut self, pattern: Vec<Symbol>, modifiers: &Modifiers, span: Span) -> Option<Vec<String>> {
        if open(&pattern) > limits::ENCODED_DASHES {
            let message =
                format!("at most {} dashes of an encoded text are left open", limits::ENCODED_DASHES);
            return self.fail(span, "too-large", message);
        }
        let texts = every_dash(pattern).iter().map(|pattern| plain(pattern)).collect::<Option<Vec<_>>>();
        let Some(texts) = texts else {
            let message = "a text with wildcards cannot be encoded";
            let finding = self.findings.error(span, "modifier-conflict", message);
            finding.help("A star or question mark that is meant is written `\\*` or `\\?`.");
            return None;
        };
        // Encoding costs far more than counting, and what is over the bound will not load.
        if !self.budget.holds_patterns() {
            return None;
        }
        match encoding::encode(texts, &modifiers.encodings) {
            Ok(encoded) => Some(encoded),
            Err(Unusable::TooLarge) => self.fail(
                span,
                "too-large",
                "this text is too long, or written in too many ways, to be encoded",
            ),
            Err(Unusable::TooShort) => {
                self.fail(span, "empty", "so short a text leaves no letter of its own in Base64")
            }
        }
    }

    pub(super) fn network(&mut self, text: &str, span: Span) -> Option<Pattern> {
        let Some(network) = network::parse(text) else {
            return self.fail(span, "cidr", format!("`{text}` is no network such as 10.0.0.0/8"));
        };
        if network::has_host_bits(text) {
            let message = format!("`{text}` has bits behind its prefix; it is read as `{network}`");
            self.findings.warning(span, "cidr", message).help("Other Sigma tools refuse it.");
        }
        Some(Pattern::Cidr(network))
    }

    fn regex(&mut self, text: &str, modifiers: &Modifiers, span: Span) -> Option<Pattern> {
        // Reading an expression costs memory and stack by its length, before its size can be judged.
        if text.len() > limits::REGEX_TEXT_BYTES {
            let message = format!("a regular expression has at most {} bytes", limits::REGEX_TEXT_BYTES);
            return self.fail(span, "too-large", message);
        }
        let flags: String =
            ['i', 'm', 's'].into_iter().filter(|flag| modifiers.flags.contains(flag)).collect();
        let text = match modifiers.edge {
            Edge::Anywhere => text.to_owned(),
            Edge::Start => format!("\\A(?:{text})"),
            Edge::End => format!("(?:{text})\\z"),
        };
        if !self.budget.holds_regexes() {
            return None;
        }
        // Nearly all are small; what is not counts for as much as it may take.
        let (built, size) = match build(&text, &flags, limits::SMALL_REGEX_BYTES) {
            Err(regex::Error::CompiledTooBig(_)) => {
                (build(&text, &flags, limits::REGEX_BYTES), limits::REGEX_BYTES)
            }
            built => (built, limits::SMALL_REGEX_BYTES),
        };
        let regex = match built {
            Ok(regex) => regex,
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().next_back().unwrap_or_default().trim();
                let reason = last.strip_prefix("error: ").unwrap_or(last);
                let message = format!("not a regular expression that runs in linear time: {reason}");
                return self.fail(span, "regex", message);
            }
        };
        self.budget.take_regex(size, span, self.findings)?;
        Some(Pattern::Regex { regex: Box::new(regex), flags })
    }
}

/// Compiles an expression within the bounds of its depth and of the size that is given.
pub(super) fn build(text: &str, flags: &str, size: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(size)
        .nest_limit(limits::REGEX_DEPTH)
        .build()
}

/// A pattern in each way to write its open dashes.
fn every_dash(pattern: Vec<Symbol>) -> Vec<Vec<Symbol>> {
    let places: Vec<usize> =
        (0..pattern.len()).filter(|at| pattern.get(*at) == Some(&Symbol::Dash)).collect();
    let mut written = vec![pattern];
    for place in places {
        let with = |before: &Vec<Symbol>, dash: char| {
            let mut after = before.clone();
            after.iter_mut().skip(place).take(1).for_each(|symbol| *symbol = Symbol::Char(dash));
            after
        };
        let each = |before: &Vec<Symbol>| DASHES.map(|dash| with(before, dash));
        written = written.iter().flat_map(each).collect();
    }
    written
}

/// The text that a pattern is, if it has no wildcards.
fn plain(pattern: &[Symbol]) -> Option<String> {
    let chars = pattern.iter().map(|symbol| match symbol {
        Symbol::Char(char) => Some(*char),
        Symbol::Star | Symbol::Question | Symbol::Dash => None,
    });
    chars.collect()
}

fn open(pattern: &[Symbol]) -> usize {
    pattern.iter().filter(|symbol| **symbol == Symbol::Dash).count()
}

/// A value as text.
pub(super) fn spelled(literal: &Literal) -> String {
    match literal {
        Literal::Null => String::new(),
        Literal::Boolean(flag) => flag.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::super::testing::{holds, mistake};
    use super::*;
    use crate::model::Value::{Boolean, Integer, Number, Text};

    #[test]
    fn encoded_text_is_found_inside_encoded_data() {
        let uri = |text: &str| STANDARD.encode(text);
        let rule = "debugContext.debugData.state|base64offset|contains: 'cmd.exe'";
        for before in ["", "a", "ab", "abc"] {
            let data = uri(&format!("{before}cmd.exe /c"));
            assert!(holds(rule, &[Text(&format!("x {data} y"))]), "{before}");
        }
        assert!(!holds(rule, &[Text(&uri("cmd.com"))]));
        assert!(holds("debugContext.debugData.state|base64: 'a\\*b'", &[Text(&uri("a*b"))]));
        let wide = STANDARD.encode("cmd".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        assert!(holds("debugContext.debugData.state|wide|base64: cmd", &[Text(&wide)]));
        assert!(holds("debugContext.debugData.state|utf16le|base64offset|startswith: cm", &[Text(&wide)]));
        let dashed = "debugContext.debugData.state|windash|base64|contains: ' -e x'";
        assert!(holds(dashed, &[Text(&uri(" –e x"))]) && holds(dashed, &[Text(&uri(" /e x"))]));
        let cased = "debugContext.debugData.state|base64|cased: cmd";
        assert!(holds(cased, &[Text(&uri("cmd"))]) && !holds(cased, &[Text(&uri("cmd").to_lowercase())]));
        let all = "debugContext.debugData.state|base64offset|contains|all: [cmd, '/c']";
        assert!(holds(all, &[Text(&uri("cmd.exe /c"))]) && !holds(all, &[Text(&uri("cmd.exe"))]));
    }

    #[test]
    fn what_cannot_be_encoded_is_refused() {
        assert_eq!(mistake("severity|base64: 'a*'").0, "modifier-conflict");
        assert_eq!(mistake("severity|base64offset|contains: a").0, "empty");
        assert_eq!(mistake("severity|base64: ''").0, "empty");
        assert_eq!(mistake("severity|windash|base64: '-a -b -c -d'").0, "too-large");
        assert_eq!(mistake("severity|base64offset: abc").0, "base64offset");
        assert_eq!(mistake("severity|base64: null").0, "wrong-type");
    }

    #[test]
    fn open_dashes_are_found_however_many_there_are() {
        for (pattern, text) in [
            ("' -a'", "x –A"),
            ("' -a -b'", "/a ―B"),
            ("'-a -b -c'", "x /a —b -c y"),
            ("' -a*-b'", " /ax -b"),
        ] {
            assert!(
                holds(&format!("severity|windash|contains: {pattern}"), &[Text(&format!("x {text}"))]),
                "{pattern}"
            );
            assert!(
                !holds(&format!("severity|contains: {pattern}"), &[Text(&format!("x {text}"))]),
                "{pattern}"
            );
        }
        assert!(
            holds("severity|windash|cased: -A", &[Text("/A")])
                && !holds("severity|windash|cased: -A", &[Text("/a")])
        );
    }

    #[test]
    fn what_is_tried_one_by_one_is_bounded() {
        let list = |word: &str| vec![word; limits::RULE_SLOW_VALUES + 1].join(",");
        let (code, message) = mistake(&format!("severity: [{}]", list("'a*b'")));
        assert_eq!(code, "too-large");
        assert!(message.contains("wildcards inside"), "{message}");
        assert!(holds(&format!("severity|contains: [{}, b]", list("a")), &[Text("xb")]));
    }

    #[test]
    fn a_regular_expression_can_be_bound_to_an_edge() {
        let on = |modifiers: &str, text| holds(&format!("severity|{modifiers}: 'b.|x'"), &[Text(text)]);
        assert!(on("re", "abc") && on("re|contains", "abc"));
        assert!(on("re|startswith", "bcd") && on("re|startswith", "xa") && !on("re|startswith", "abx"));
        assert!(on("re|endswith", "abc") && on("re|endswith", "ax") && !on("re|endswith", "abcd"));
        assert!(on("re|i|startswith", "BCD") && !on("re|startswith|m", "a\nbc"));
    }

    #[test]
    fn networks_are_read_in_every_form() {
        let rule =
            "client.ipAddress|cidr: ['10.0.0.0/8', '::ffff:192.0.2.0/120', 'fe80::/10', '198.51.100.7']";
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.9", "fe80::1%eth0", "198.51.100.7"] {
            assert!(holds(rule, &[Text(inside)]), "{inside}");
        }
        for outside in ["11.1.2.3", "192.0.3.1", "fec0::1", "198.51.100.8", "10.1", "host"] {
            assert!(!holds(rule, &[Text(outside)]), "{outside}");
        }
        assert!(!holds(&rule.replace("cidr", "cidr|neq"), &[Text("10.1.2.3")]));
        assert_eq!(mistake("client.ipAddress|cidr: 10.0.0.1/8").0, "cidr");
        assert_eq!(mistake("client.ipAddress|cidr: 10.0.0/8").0, "cidr");
    }

    #[test]
    fn numbers_are_equal_in_every_form() {
        for (value, same) in
            [("5", Number(5.0)), ("5.0", Integer(5)), ("-3", Text("-3")), ("1e3", Integer(1000))]
        {
            assert!(holds(&format!("severity: {value}"), &[same]), "{value}");
        }
        assert!(holds("severity|neq: -3", &[Integer(3)]) && !holds("severity: -3", &[Integer(3)]));
        assert!(holds("severity|contains: 5", &[Text("a5b")]) && holds("severity|re: 5", &[Integer(15)]));
        assert!(holds("severity: true", &[Boolean(true)]) && !holds("severity: 'false'", &[Boolean(true)]));
    }

    #[test]
    fn the_values_of_one_field_are_bounded() {
        let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        let many = format!("severity: {}", list(limits::RULE_VALUES + 1));
        let message = format!("a field takes at most {} values", limits::RULE_VALUES);
        assert_eq!(mistake(&many), ("too-large", message));
        let all = format!("severity|contains|all: {}", list(limits::RULE_ALL_VALUES + 1));
        let message = format!("a field takes at most {} values under `all`", limits::RULE_ALL_VALUES);
        assert_eq!(mistake(&all), ("too-large", message));
    }

    proptest! {
        #[test]
        fn text_is_found_inside_data_whatever_is_around(
            before in "[ -~]{0,9}", text in "[a-zA-Z/ =.-]{2,10}", after in "[ -~]{0,9}"
        ) {
            let data = STANDARD.encode(format!("{before}{text}{after}"));
            let quoted = serde_json::to_string(&text).unwrap();
            let rule = format!("debugContext.debugData.state|base64offset|contains: {quoted}");
            prop_assert!(holds(&rule, &[Text(&data)]));
        }
    }
}
