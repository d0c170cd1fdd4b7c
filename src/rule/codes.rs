//! What does the code of a diagnostic stand for, and what is to be done about it?
//!
//! The one table of all codes: `check --explain`, SARIF and the README speak from it. A code stays
//! what it is once it was told, since people suppress findings by it.

/// One kind of mistake.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The word in brackets behind `error` or `warning`.
    pub name: &'static str,
    /// What is wrong, in one line.
    pub about: &'static str,
    /// What to do, in a sentence or two.
    pub help: &'static str,
}

/// The code of this name.
pub fn code(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

macro_rules! codes {
    ($($name:literal $about:literal $help:literal;)*) => {
        /// Every code, by name.
        pub const CODES: &[Code] = &[$(Code { name: $name, about: $about, help: $help },)*];
    };
}

codes! {
    "absent-key" "A key of `debugData` that Okta documents for other event types than the rule takes."
        "Look at an event of these types: group by, count or compare a field that it has.";
    "alias" "An alias does not fit the rules that the correlation takes."
        "Give the alias a field for every rule under `rules`, and for no other.";
    "always-true" "A condition that every event satisfies."
        "Join the selections with `and` where both are meant.";
    "ambiguous" "A name that is a rule and a field at once, so that a share could be of either."
        "Rename the rule, or give the field an alias.";
    "ambiguous-yaml" "A plain word or number that YAML 1.1 reads as something else."
        "Put the value in quotes: other Sigma tools read `no`, `on` or `010` as a boolean or an octal number.";
    "base64offset" "A field that is to equal a part of encoded data, which it seldom does."
        "Look for it inside: `base64offset|contains`.";
    "blank-edge" "A value that begins or ends with a blank, which the field must have, too."
        "Take the blank away, or say with `|contains` that it is meant.";
    "cidr" "Not an IPv4 or IPv6 network."
        "Write an address with the length of its prefix, such as `10.0.0.0/8` or `2001:db8::/32`.";
    "computed-field" "A test sets a field that the product computes."
        "Set what it is computed from, such as `client.ipAddress` for `enriched.geo.*`.";
    "condition" "A condition that cannot be read, or that no event or window can decide."
        "Combine names of selections with `and`, `or`, `not`, brackets, `1 of name*` and `all of name*`.";
    "container-field" "A comparison with an object or a list, which has no value of its own."
        "Name a field inside it, or ask for its presence with `|exists: true`, `|exists: false` or `null`.";
    "cycle" "Correlations that take one another's matches in a circle."
        "Let every chain of correlations begin with detections.";
    "date" "Not a date."
        "Write it as `2026-08-31`.";
    "duplicate-field" "A field that is named twice."
        "Name it once.";
    "duplicate-id" "Two rules have the same id."
        "Give every document a UUID of its own: alerts are told apart by it.";
    "duplicate-key" "A key stands twice in one map."
        "Keep one of them, or put both values into a list: YAML would silently drop the first.";
    "duplicate-list" "Two lists of one rule path have the same name."
        "Rename one of the files: a list is named after its file, without the extension.";
    "duplicate-name" "Two rules have the same name."
        "Rename one: correlations, tests and metrics find rules by name.";
    "duplicate-rule" "A correlation names the same rule twice."
        "Name it once; by its name or by its id, it is the same rule.";
    "empty" "A list, map or text that holds nothing, where something is due."
        "Fill it or remove its key; a field without a value is matched by `null`.";
    "empty-list" "A list without any value, which matches nothing."
        "Put a value into it, or do without it.";
    "expired-exception" "An exception whose last day is over."
        "Take it out, or give it a new day if its owner still needs it.";
    "figure" "Not a figure of a window."
        "Write one such as `count`, `distinct(client.ipAddress)` or `share(2..6)`.";
    "filter-correlation" "A filter that goes on a correlation."
        "Name the detections whose matches the correlation takes.";
    "group-by" "A correlation groups by what the correlation below it does not."
        "Group by the fields that the lower correlation groups by: only those are known of its matches.";
    "id" "Not a UUID."
        "Make one with `uuidgen` or `oktawatch new`, once, and never change it: alert ids are derived from it.";
    "idle-selection" "A selection without a part in what the condition matches."
        "Look at what must hold beside it: the two contradict each other.";
    "idle-wildcard" "A star that changes nothing."
        "Take it away: the modifier, or the star beside it, already lets anything stand there.";
    "impossible-value" "A value or pattern that the field never holds."
        "Write what Okta writes; `oktawatch fields` shows the type of every field with an example.";
    "keywords" "A modifier that asks for a field where none is named."
        "Name the field; keywords go with contains, startswith, endswith, re, all, cased and encodings.";
    "list-csv" "A list of the kind CSV that cannot be read."
        "Look at its quotes and at the name of its key column.";
    "list-name" "A list whose file's name is no name of a list."
        "Rename the file: letters, digits and `_`.";
    "list-text" "A list that is not UTF-8 text."
        "Save the file as UTF-8.";
    "logsource" "A log source other than Okta's."
        "Write `logsource: {product: okta, service: okta}`.";
    "message" "A message whose placeholders cannot be read."
        "Close every brace; write `{{` and `}}` for braces that are meant.";
    "metric" "Not a metric of a baseline."
        "Write `count` or `distinct(field)`.";
    "missing-attack-tag" "A rule that alerts but names no ATT&CK tactic or technique."
        "Add tags such as `attack.credential-access` and `attack.t1621`.";
    "missing-key" "A key that must be there is not."
        "Add it; `oktawatch new` writes a rule that has all of them.";
    "missing-runbook" "A rule that alerts but does not say what to do."
        "Say under `oktawatch: {runbook: …}` what an alert means, how to check it and how to answer it.";
    "modifier-conflict" "Modifiers that do not go together."
        "Use one way to compare a field; `all`, `cased` and `neq` go with most of them.";
    "name" "Not the name of a rule."
        "A name is a lower-case letter, then lower-case letters, digits and hyphens.";
    "never-true" "A condition that no event can satisfy."
        "Look for two tests of one field that contradict each other, or a selection that is asked for and excluded.";
    "no-list" "The modifier `expand` without the name of a list."
        "Write the list's name between percent signs, as in `%vips%`.";
    "no-rules" "A risk score that takes any rule, where none raises alerts."
        "Load it together with rules that do, or name rules under `rules`.";
    "no-tests" "A rule that alerts without a test that shows it, or without a near miss."
        "Write both under `tests:`; `oktawatch test` runs them.";
    "one-value" "A new value that cannot be new, as it is also what the matches are grouped by."
        "Group by something else than the field whose values are to be new.";
    "plain-regex" "A regular expression without any operator."
        "Write the text with `|contains`, `|startswith` or `|endswith`: it is judged faster and read more easily.";
    "regex" "Not a regular expression, or one that cannot run in linear time."
        "Leave out look-around and back-references, and keep repetitions small.";
    "repeated-value" "A value that stands twice in one list."
        "Keep one; upper and lower case are the same unless the field is `|cased`.";
    "rule-kind" "A document that is a detection and a correlation at once."
        "Split it into two documents with `---` between them.";
    "rule-off" "A correlation takes a rule that is off, so that it can never come true by it."
        "Set the rule's mode to `active` or `shadow`, or take it out of the correlation.";
    "rule-shadow" "A risk score that is active takes a rule in shadow mode, which does not count."
        "Make the rule active, or put the risk score into the shadow too.";
    "sentinel" "A value that Okta writes where there is none; no event holds it."
        "Write `null`, which matches a field without a value.";
    "steps" "Steps of a sequence that cannot be as they are written."
        "Give each step a rule, `min` of 1 or more, and a `max` that is not below it; what must not happen is an `until`.";
    "timespan" "Not a length of time, or one that cannot be."
        "Write a whole number and s, m, h, d or w, as in `10m`.";
    "too-deep" "Nested deeper than is followed."
        "Take a level out: brackets, maps within maps, or correlations of correlations.";
    "too-large" "Larger than a bound that keeps a load or an event cheap."
        "Split the file, shorten the list or the pattern, or read fewer fields.";
    "too-many" "So many mistakes that the rest is only counted."
        "Repair those that are told and check again.";
    "too-many-fields" "All rules together read more fields than one run keeps."
        "Read fewer fields, or split the rules between two groups of consumers.";
    "unknown-attack-tag" "A tag that is no ATT&CK tactic or technique."
        "Write a tactic's name, such as `attack.credential-access`, or a number, such as `attack.t1556.006`.";
    "unknown-correlation" "Not a type of correlation."
        "Write one of the types that the message lists.";
    "unknown-event-type" "An event type that Okta's catalogue does not hold."
        "Correct it, or fetch a newer catalogue for `--event-types`.";
    "unknown-field" "A field that no event of Okta has and that is not computed either."
        "`oktawatch fields TEXT` finds the fields there are by path and by meaning.";
    "unknown-key" "A key that means nothing where it stands."
        "Correct or remove it: a key that is ignored would be a rule that matches something else than it says.";
    "unknown-list" "No list has this name."
        "Put a `.txt` or `.csv` file of this name into a folder `lists` beside or under the rules.";
    "unknown-modifier" "Not a modifier of a field."
        "Write one of the modifiers that the message lists.";
    "unknown-placeholder" "A placeholder in a message that nothing fills in."
        "Name a field that the rule reads, adding it to `fields:` if need be, or one of the fixed placeholders.";
    "unknown-rule" "No rule has this name or id."
        "Name a rule by its `name` or its `id`; it may stand in another file of the same check.";
    "unknown-word" "Not one of the words that are possible here."
        "Write one of those that the message lists.";
    "unreadable" "A file or folder that cannot be read."
        "Look at its path, its rights and its size; a rule file is UTF-8 text.";
    "until" "A test whose time ends before its last event."
        "Leave `until` out: a test goes on to its last event.";
    "unused-filter" "A filter that goes on no rule."
        "Look at its log source and at the rules it names.";
    "unused-per" "Inner groups that no figure asks for."
        "Ask for groups, most, least, mean or a share such as `share(2..6)`, or leave `per` out.";
    "unused-rule" "A rule that the condition of a correlation does not ask for."
        "Ask for it or take it out of `rules`.";
    "unused-selection" "A selection that no condition uses."
        "Use it or remove it; a name that begins with `_` is not meant to be used by `1 of them`.";
    "unused-value" "A figure that neither the condition nor the message speaks of."
        "Ask for it in the condition, show it in the message, or leave it out.";
    "wrong-type" "A value of another type than is due."
        "Write text, a number, a list or a map, as the message says.";
    "yaml" "Not YAML, or a part of YAML that means nothing in a rule."
        "Mend the text at the place that is shown: mostly an indentation, a quote or a bracket.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn product(text: &str) -> &str {
        text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    /// The texts in quotes of a source file, without its tests.
    fn literals(file: &Path) -> BTreeSet<String> {
        let text = std::fs::read_to_string(file).unwrap();
        let product = product(&text);
        let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect()
    }

    fn sources(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.file_name().is_some_and(|name| name != "codes.rs") {
                found.extend(literals(&path));
            }
        }
    }

    #[test]
    fn codes_stand_in_order_and_each_is_explained() {
        let names: Vec<_> = CODES.iter().map(|code| code.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for code in CODES {
            assert!(code.about.ends_with('.') && code.about.len() <= 110, "{}", code.name);
            assert!(code.help.ends_with('.'), "{}", code.name);
        }
        assert!(code("unknown-field").is_some() && code("unknown").is_none());
    }

    /// A code that is told and not listed fails at the place that tells it, in every test.
    #[test]
    fn every_code_is_one_that_the_source_tells() {
        let mut found = BTreeSet::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule"), &mut found);
        let idle: Vec<_> = CODES.iter().filter(|code| !found.contains(code.name)).collect();
        assert!(idle.is_empty(), "{idle:?}");
    }

    /// The arguments of a call that tells a mistake, up to its closing bracket.
    fn calls(product: &str) -> Vec<&str> {
        let starts = [".error(", ".warning("].into_iter().flat_map(|call| product.match_indices(call));
        let ends = |at: usize| {
            let mut depth = 0_usize;
            let rest = product.get(at..)?;
            let end = rest.char_indices().find(|(_, char)| {
                depth = if *char == '(' { depth + 1 } else { depth - usize::from(*char == ')') };
                depth == 0 && *char == ')'
            });
            rest.get(..end?.0)
        };
        starts.filter_map(|(at, call)| ends(at + call.len() - 1)).collect()
    }

    /// The first argument of a call, itself no call, that is a text in quotes.
    fn code_of(call: &str) -> Option<&str> {
        let (mut depth, mut quoted) = (0, None);
        for (at, char) in call.char_indices() {
            match (char, quoted) {
                ('"', Some(start)) if depth == 1 => return call.get(start + 1..at),
                ('"', Some(_)) => quoted = None,
                ('"', None) => quoted = Some(at),
                ('(', None) => depth += 1,
                (')', None) => depth -= 1,
                _ => {}
            }
        }
        None
    }

    #[test]
    fn every_code_that_the_source_tells_is_listed() {
        let mut problems = Vec::new();
        let mut told = 0;
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for call in calls(product(&text)) {
                    let Some(word) = code_of(call) else { continue };
                    told += 1;
                    problems.extend(code(word).is_none().then(|| format!("{}: {word}", path.display())));
                }
            }
        }
        assert!(problems.is_empty(), "not in codes.rs: {problems:?}");
        assert!(told > 50, "the walk over the source found only {told} codes");
    }
}
