//! Which event types does Okta's own catalogue hold?

use std::collections::BTreeSet;

/// Reads a catalogue: Okta's CSV, or lines with tabs, whose first column is the event type. A
/// first line with headings is told by its first cell having no dot.
pub fn event_types(catalogue: &str) -> BTreeSet<String> {
    let catalogue = catalogue.strip_prefix('\u{feff}').unwrap_or(catalogue);
    let first_line = catalogue.lines().next().unwrap_or_default();
    let cells: Vec<String> = if first_line.contains('\t') || !first_line.contains(',') {
        let cell = |line: &str| line.split('\t').next().unwrap_or_default().trim().to_owned();
        catalogue.lines().map(cell).collect()
    } else {
        first_cells(catalogue)
    };
    let is_type = |cell: &String| cell.contains('.') && !cell.contains(char::is_whitespace);
    cells.into_iter().filter(is_type).map(|cell| cell.to_lowercase()).collect()
}

/// The first cell of each record of a CSV, whose quoted cells may span lines.
fn first_cells(text: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let (mut cell, mut first, mut quoted) = (String::new(), true, false);
    for char in text.chars().chain(['\n']) {
        match char {
            '"' => quoted = !quoted,
            ',' if !quoted => first = false,
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell).trim().to_owned());
                first = true;
            }
            other if first => cell.push(other),
            _ => {}
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_with_quoted_descriptions_is_read() {
        let csv = "Event Type,Description\r\n\
            user.session.start,\"Begins, \"\"really\"\"\nnot.a.type, no\"\r\n\
            \"zone.update\",x\n";
        let types: Vec<_> = event_types(csv).into_iter().collect();
        assert_eq!(types, ["user.session.start", "zone.update"]);
    }

    #[test]
    fn lines_with_tabs_and_bare_lists_are_read() {
        assert_eq!(event_types("event_type\trelease\nuser.session.start\t2018 \"x\n").len(), 1);
        assert_eq!(event_types("user.session.start\nzone.update\n").len(), 2);
    }
}
