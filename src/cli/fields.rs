//! Which fields may a rule use?

use serde_json::json;

use super::args::{FieldsArgs, Format};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::Out;
use crate::model::{FieldDef, OPEN_MAPS};

/// Lists the catalogue of fields.
pub(super) fn run(arguments: &FieldsArgs) -> Outcome {
    let wanted = arguments.filter.as_deref().unwrap_or_default().to_lowercase();
    let mut out = Out::new();
    if arguments.format == Format::Text {
        out.line("FIELD\tTYPE\tEXAMPLE\tMEANING").or_runtime()?;
    }
    for field in crate::rule::catalogue().filter(|field| mentions(field, &wanted)) {
        out.line(&render(field, arguments.format)).or_runtime()?;
    }
    if arguments.format == Format::Text && arguments.filter.is_none() {
        for map in OPEN_MAPS {
            out.line(&format!("{map}.<key>\ttext\t\tany key: Okta does not fix them")).or_runtime()?;
        }
    }
    out.flush().or_runtime()?;
    Ok(Exit::Good)
}

fn mentions(field: &FieldDef, wanted: &str) -> bool {
    field.path.to_lowercase().contains(wanted) || field.about.to_lowercase().contains(wanted)
}

fn render(field: &FieldDef, format: Format) -> String {
    let several = if field.many { ", several" } else { "" };
    match format {
        Format::Text => {
            format!("{}\t{}{several}\t{}\t{}", field.path, field.kind.as_str(), field.example, field.about)
        }
        Format::Json => json!({
            "path": field.path, "type": field.kind.as_str(), "several": field.many,
            "example": field.example, "about": field.about,
        })
        .to_string(),
    }
}
