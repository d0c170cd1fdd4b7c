//! Where does the message of a syslog line begin, and who sent it?

/// A syslog line taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syslog<'a> {
    /// The sending host, where the header names one.
    pub(crate) host: Option<&'a str>,
    /// What the line carries.
    pub(crate) message: &'a str,
}

/// Reads a line of RFC 5424 or RFC 3164, with or without a length before it (RFC 6587).
pub(crate) fn parse(line: &str) -> Option<Syslog<'_>> {
    let line = without_length(line.trim());
    let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
    if priority.is_empty() || priority.len() > 3 || !priority.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(rfc5424(rest).unwrap_or_else(|| rfc3164(rest)))
}

/// Whether a text begins as a syslog line does.
pub(crate) fn begins_line(text: &str) -> bool {
    let text = without_length(text);
    let digits = text.strip_prefix('<').map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    matches!(digits, Some(digits @ 1..=3) if text.as_bytes().get(digits + 1) == Some(&b'>'))
}

fn without_length(line: &str) -> &str {
    match line.split_once(' ') {
        Some((length, rest)) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            rest
        }
        _ => line,
    }
}

/// `VERSION SP TIMESTAMP SP HOST SP APP SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG]`
fn rfc5424(rest: &str) -> Option<Syslog<'_>> {
    let rest = rest.strip_prefix("1 ")?;
    let mut header = rest.splitn(6, ' ');
    let host = header.nth(1)?;
    let data_and_message = header.nth(3)?;
    let message = after_structured_data(data_and_message)?.trim_start();
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Syslog { host: (host != "-").then_some(host), message })
}

fn after_structured_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest);
    }
    let (mut quoted, mut escaped, mut open) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if open => quoted = !quoted,
            _ if quoted => {}
            b'[' if !open => open = true,
            b']' if open => open = false,
            _ if open => {}
            _ => return (at > 0).then(|| text.get(at..)).flatten(),
        }
    }
    None
}

/// `TIMESTAMP SP HOST SP TAG: MSG`, of which collectors leave out what they like: the message is
/// taken from its first brace or bracket on that begins JSON.
fn rfc3164(rest: &str) -> Syslog<'_> {
    let start = rest.find('{').map(|brace| match rest.get(..brace) {
        Some(before) if before.trim_end().ends_with('[') => before.trim_end().len() - 1,
        _ => brace,
    });
    let Some((head, message)) = start.and_then(|start| rest.split_at_checked(start)) else {
        return Syslog { host: None, message: rest.trim_start() };
    };
    let host = head.split_whitespace().find(|word| word.contains('.') && !word.ends_with(':'));
    Syslog { host, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_stands_behind_the_header_and_its_structured_data() {
        let plain =
            parse("<134>1 2026-08-13T15:58:20.353Z acme.okta.com okta - SystemLog - {\"a\":1}").unwrap();
        assert_eq!(plain, Syslog { host: Some("acme.okta.com"), message: "{\"a\":1}" });
        let data = parse("<134>1 - - - - - [x@1 k=\"{\\\"]}\"][y] \u{feff}{\"a\":1}").unwrap();
        assert_eq!(data, Syslog { host: None, message: "{\"a\":1}" });
    }

    #[test]
    fn an_old_line_is_read_from_its_first_brace() {
        let line = parse("<13>Aug 13 15:58:20 acme.okta.com okta: {\"a\":1}").unwrap();
        assert_eq!(line, Syslog { host: Some("acme.okta.com"), message: "{\"a\":1}" });
        assert_eq!(parse("<13>okta: [{\"a\":1}]").unwrap().message, "[{\"a\":1}]");
        assert_eq!(parse("42 <13>okta: {}").unwrap().message, "{}");
        assert_eq!(parse("<13>no json").unwrap().message, "no json");
    }

    #[test]
    fn what_does_not_begin_with_a_priority_is_no_line() {
        assert_eq!(parse("<html>"), None);
        assert_eq!(parse("<1234>x"), None);
        assert!(begins_line("<134>1 -"));
        assert!(!begins_line("<html>"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*|<[0-9]{1,3}>(1 )?[\\[\\]\"\\\\{} é-]*") {
            let _ = (parse(&text), begins_line(&text));
        }
    }
}
