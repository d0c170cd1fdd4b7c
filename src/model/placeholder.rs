//! What may stand in braces in a rule's message?
//!
//! A message is text with `{placeholders}`: one of [`PLACEHOLDERS`], or the path of a field the
//! rule reads. After a colon may stand `list` (the values themselves, the first few of them) or a
//! singular and a plural (`{countries:country/countries}` gives `1 country`, `2 countries`).
//! A brace is written twice to mean itself.

/// Every placeholder with what it stands for. Whatever else stands in braces must be a field path.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("count", "how many events contributed"),
    ("key", "the group-by values"),
    ("entity", "what the alert is about"),
    ("title", "the rule's title"),
    ("span", "time from the first to the last event: `4m12s`"),
    ("window", "the rule's timespan: `10m`"),
    ("distinct", "the counted figure of a value_count"),
    ("ips", "distinct client addresses"),
    ("countries", "distinct countries"),
    ("cities", "distinct cities"),
    ("asns", "distinct autonomous systems"),
    ("users", "distinct actors"),
    ("targets", "distinct targets"),
    ("apps", "distinct applications"),
    ("user", "the actor of the decisive event"),
    ("ip", "client address of the decisive event"),
    ("city", "its city"),
    ("country", "its country"),
    ("asn", "its autonomous system: `AS64500 Example Fibre`"),
    ("from_city", "city of the user's place before"),
    ("from_country", "country of the user's place before"),
    ("from_ip", "address of the user's place before"),
    ("from_uuid", "the event at the place before"),
    ("km", "distance from the place before"),
    ("kmh", "the speed that needs"),
    ("target", "the target of the decisive event"),
    ("app", "the application of the decisive event"),
];

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'m> {
    /// Text as it is.
    Text(&'m str),
    /// Something to fill in.
    Slot {
        /// A placeholder, or a field path.
        name: &'m str,
        /// How.
        style: Style<'m>,
    },
}

/// How a placeholder is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style<'m> {
    /// The value; of several, how many.
    Plain,
    /// The distinct values themselves.
    List,
    /// The figure with its noun.
    Noun {
        /// For one.
        one: &'m str,
        /// For any other number.
        many: &'m str,
    },
}

/// Takes a message apart.
///
/// # Errors
/// A sentence that says what is wrong: a brace that is not closed or not opened, nothing in
/// braces, or something after the colon that is neither `list` nor `one/many`.
pub fn pieces(message: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = message;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, tail) = rest.split_at(at);
        push_text(&mut pieces, text);
        if let Some(after) = tail.strip_prefix("{{") {
            pieces.push(Piece::Text("{"));
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            pieces.push(Piece::Text("}"));
            rest = after;
        } else if let Some(after) = tail.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or("A `{` is not closed.")?;
            pieces.push(slot(inside)?);
            rest = after;
        } else {
            return Err("A `}` has no `{` before it.".to_owned());
        }
    }
    push_text(&mut pieces, rest);
    Ok(pieces)
}

fn push_text<'m>(pieces: &mut Vec<Piece<'m>>, text: &'m str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
}

fn slot(inside: &str) -> Result<Piece<'_>, String> {
    let (name, style) = match inside.split_once(':') {
        None => (inside, Style::Plain),
        Some((name, "list")) => (name, Style::List),
        Some((name, nouns)) => {
            let (one, many) = nouns.split_once('/').ok_or_else(|| {
                format!("`{nouns}` is neither `list` nor a singular and a plural `one/many`.")
            })?;
            (name, Style::Noun { one, many })
        }
    };
    if name.is_empty() || name.contains(['{', ' ']) {
        return Err(format!("`{{{inside}}}` names no placeholder."));
    }
    Ok(Piece::Slot { name, style })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(name: &str) -> Piece<'_> {
        Piece::Slot { name, style: Style::Plain }
    }

    #[test]
    fn a_message_is_text_and_slots() {
        let taken = pieces("{count} pushes for {actor.alternateId} from {ips:list}").unwrap();
        let expected = [
            plain("count"),
            Piece::Text(" pushes for "),
            plain("actor.alternateId"),
            Piece::Text(" from "),
            Piece::Slot { name: "ips", style: Style::List },
        ];
        assert_eq!(taken, expected);
    }

    #[test]
    fn a_singular_and_a_plural_may_follow_a_name() {
        let style = Style::Noun { one: "country", many: "countries" };
        assert_eq!(
            pieces("{countries:country/countries}").unwrap(),
            [Piece::Slot { name: "countries", style }]
        );
    }

    #[test]
    fn a_doubled_brace_means_itself() {
        assert_eq!(pieces("{{x}}").unwrap(), [Piece::Text("{"), Piece::Text("x"), Piece::Text("}")]);
    }

    #[test]
    fn what_is_not_whole_is_an_error() {
        for bad in ["{count", "count}", "{}", "{count:x}", "{a b}", "{:list}"] {
            assert!(pieces(bad).is_err(), "{bad}");
        }
    }
}
