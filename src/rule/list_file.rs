//! Which values does a list file hold, and where does each stand?
//!
//! `.txt`: one value a line. What follows a `#` at the start of a line or after a space is a comment.
//!
//! `.csv`: a header row, then one value a row: the cell of the column named `key`, else the first.
//! Cells are separated by commas; one in double quotes may hold commas, lines and doubled quotes.

use super::diagnostic::Findings;
use super::sources::Span;
use crate::limits;

/// One value of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub text: String,
    pub span: Span,
}

/// What the values of a CSV file stand under.
const KEY_COLUMN: &str = "key";

/// Written at the start of a file by some editors.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The values of a file of lines, blank ones and comments left out.
pub(super) fn lines(text: &str, file: u32, findings: &mut Findings) -> Vec<Value> {
    let mut values = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let written = uncommented(line.trim_start_matches(BYTE_ORDER_MARK));
        let before = line.len() - line.trim_start_matches(BYTE_ORDER_MARK).len();
        let indent = written.len() - written.trim_start().len();
        let value = written.trim();
        if !value.is_empty() {
            let span = span(file, start + before + indent, value.len());
            take(value.to_owned(), span, &mut values, findings);
        }
        start += line.len();
    }
    values
}

fn uncommented(line: &str) -> &str {
    let before = |at: usize| line.get(..at).and_then(|before| before.chars().next_back());
    let mut marks = line.match_indices('#').map(|(at, _)| at);
    let comment = marks.find(|at| before(*at).is_none_or(char::is_whitespace));
    comment.and_then(|at| line.get(..at)).unwrap_or(line)
}

/// The values of the key column. `None`, and an error, if it is no CSV.
pub(super) fn table(text: &str, file: u32, findings: &mut Findings) -> Vec<Value> {
    let body = text.trim_start_matches(BYTE_ORDER_MARK);
    let mut rows = Rows { text, at: text.len() - body.len(), file, findings };
    let Some(header) = rows.next_row() else { return Vec::new() };
    if let [only] = header.as_slice()
        && only.text.contains([';', '\t'])
    {
        let message = "the cells of a row are separated by commas";
        rows.findings.error(only.span, "list-csv", message);
        return Vec::new();
    }
    let column = header.iter().position(|cell| cell.text.trim() == KEY_COLUMN).unwrap_or_default();
    let mut values = Vec::new();
    while let Some(row) = rows.next_row() {
        if row.len() != header.len() {
            let (cells, span) = (row.len(), row.first().map(|cell| cell.span).unwrap_or_default());
            let message = format!("the row has {cells} cells, the header names {}", header.len());
            rows.findings.error(span, "list-csv", message);
            continue;
        }
        let Some(cell) = row.into_iter().nth(column) else { continue };
        let key = cell.text.trim();
        if !key.is_empty() {
            take(key.to_owned(), cell.span, &mut values, rows.findings);
        }
    }
    values
}

/// Adds a value, unless it is one that no list may hold.
fn take(text: String, span: Span, values: &mut Vec<Value>, findings: &mut Findings) {
    if text.len() > limits::VALUE_BYTES {
        let message = format!("a value of a list has at most {} bytes", limits::VALUE_BYTES);
        findings.error(span, "too-large", message);
    } else if values.len() == limits::LIST_VALUES {
        let message = format!("a list has at most {} values", limits::LIST_VALUES);
        findings.error(span, "too-large", message);
    }
    if values.len() <= limits::LIST_VALUES {
        values.push(Value { text, span });
    }
}

fn span(file: u32, start: usize, len: usize) -> Span {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: place(start), end: place(start + len) }
}

/// The rows of a CSV text that are not blank.
struct Rows<'t, 'f> {
    text: &'t str,
    at: usize,
    file: u32,
    findings: &'f mut Findings,
}

impl Rows<'_, '_> {
    /// `None` at the end, and after a mistake that makes the rest unreadable.
    fn next_row(&mut self) -> Option<Vec<Value>> {
        self.skip_blank_lines();
        let mut row = Vec::new();
        while self.at < self.text.len() {
            row.push(self.cell()?);
            let rest = self.rest();
            if rest.starts_with(',') {
                self.at += 1;
                // A row may end with an empty cell.
                if matches!(self.rest().chars().next(), None | Some('\r' | '\n')) {
                    row.push(Value { text: String::new(), span: span(self.file, self.at, 0) });
                    break;
                }
                continue;
            }
            break;
        }
        (!row.is_empty()).then_some(row)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blank_lines(&mut self) {
        while let Some((line, _)) = self.rest().split_once('\n') {
            if !line.trim().is_empty() {
                return;
            }
            self.at += line.len() + 1;
        }
        if self.rest().trim().is_empty() {
            self.at = self.text.len();
        }
    }

    fn cell(&mut self) -> Option<Value> {
        let indent = self.rest().len() - self.rest().trim_start_matches(' ').len();
        if self.rest().get(indent..).is_some_and(|cell| cell.starts_with('"')) {
            self.at += indent;
            return self.quoted();
        }
        let end = self.rest().find([',', '\n']).unwrap_or(self.rest().len());
        let written = self.rest().get(..end).unwrap_or_default().trim_end_matches('\r').to_owned();
        let place = span(self.file, self.at, written.len());
        if let Some(at) = written.find('"') {
            let place = span(self.file, self.at + at, 1);
            let finding =
                self.findings.error(place, "list-csv", "a quote inside a cell that begins without one");
            finding.help("Put the whole cell in quotes, and double the quotes inside it.");
            return None;
        }
        self.at += end;
        Some(Value { text: written, span: place })
    }

    /// A cell from its quote on.
    fn quoted(&mut self) -> Option<Value> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some(end) = self.rest().find('"') else {
                self.findings.error(span(self.file, start, 1), "list-csv", "the quote is not closed");
                return None;
            };
            text.push_str(self.rest().get(..end).unwrap_or_default());
            self.at += end + 1;
            if !self.rest().starts_with('"') {
                break;
            }
            text.push('"');
            self.at += 1;
        }
        let place = span(self.file, start, self.at - start);
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\r']).len();
        if !matches!(self.rest().chars().next(), None | Some(',' | '\n')) {
            let after = span(self.file, self.at, 1);
            self.findings.error(after, "list-csv", "text follows the quote that ends a cell");
            return None;
        }
        Some(Value { text, span: place })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Sources;
    use super::*;

    type Reader = fn(&str, u32, &mut Findings) -> Vec<Value>;

    fn read(reader: Reader, text: &str) -> Result<Vec<String>, (String, usize, usize)> {
        let mut findings = Findings::default();
        let values = reader(text, 0, &mut findings);
        for value in &values {
            let written = text.get(value.span.range()).unwrap();
            assert!(written.replace("\"\"", "\"").contains(&value.text), "{written} {}", value.text);
        }
        let found = findings.finish(&Sources::of([("list", text)])).into_iter().next();
        match found {
            None => Ok(values.into_iter().map(|value| value.text).collect()),
            Some(found) => Err((found.message, found.at.line, found.at.column)),
        }
    }

    #[test]
    fn a_line_is_a_value_and_comments_are_none() {
        let text = "\u{feff}# head\r\n  64500  # Example\r\n\r\n\tab c#d\nlast";
        assert_eq!(read(lines, text).unwrap(), ["64500", "ab c#d", "last"]);
        assert_eq!(read(lines, "").unwrap(), [""; 0]);
        assert_eq!(read(lines, "#é\né # ü\n").unwrap(), ["é"]);
    }

    #[test]
    fn the_key_column_is_the_one_of_that_name_or_the_first() {
        assert_eq!(read(table, "name,key\nExample,64500\n\nOther,64501").unwrap(), ["64500", "64501"]);
        assert_eq!(read(table, "asn,name\r\n64500,Example\r\n64501,\r\n").unwrap(), ["64500", "64501"]);
        assert_eq!(
            read(table, "\u{feff}key\na\n,\n").unwrap_err().0,
            "the row has 2 cells, the header names 1"
        );
        assert_eq!(read(table, "").unwrap(), [""; 0]);
        assert_eq!(read(table, "key,name\n,nobody\na,b").unwrap(), ["a"]);
    }

    #[test]
    fn quoted_cells_hold_commas_lines_and_quotes() {
        let text = "key,note\n\"a, \"\"b\"\"\",x\n \"c\nd\" ,\"y\"\r\n";
        assert_eq!(read(table, text).unwrap(), ["a, \"b\"", "c\nd"]);
    }

    #[test]
    fn what_is_no_csv_is_told_with_its_place() {
        let at = |text| read(table, text).unwrap_err();
        assert_eq!(at("key,b\na,b\n\"c,d\n"), ("the quote is not closed".to_owned(), 3, 1));
        assert_eq!(at("key\nab\"c\"\n"), ("a quote inside a cell that begins without one".to_owned(), 2, 3));
        assert_eq!(at("key\n\"a\"b\n"), ("text follows the quote that ends a cell".to_owned(), 2, 4));
        assert_eq!(at("key,b\na\n"), ("the row has 1 cells, the header names 2".to_owned(), 2, 1));
        assert_eq!(at("key;b\na;b\n").0, "the cells of a row are separated by commas");
    }

    #[test]
    fn a_value_that_no_event_can_hold_is_told() {
        let long = "a".repeat(limits::VALUE_BYTES + 1);
        assert!(read(lines, &format!("b\n{long}\n")).unwrap_err().0.contains("at most"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in "[ab é#,\"\r\n;]{0,40}") {
            let mut findings = Findings::default();
            lines(&text, 0, &mut findings);
            table(&text, 0, &mut findings);
        }

        #[test]
        fn what_is_quoted_well_comes_back(cells in prop::collection::vec("[a-cé,\"\n ]{0,6}", 1..5)) {
            let quote = |cell: &String| format!("\"{}\",x", cell.replace('"', "\"\""));
            let rows: Vec<String> = cells.iter().map(quote).collect();
            let text = format!("key,b\n{}\n", rows.join("\n"));
            let wanted: Vec<String> =
                cells.iter().map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect();
            let mut findings = Findings::default();
            let found: Vec<String> =
                table(&text, 0, &mut findings).into_iter().map(|value| value.text).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
