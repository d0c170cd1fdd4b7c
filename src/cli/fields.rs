//! Which fields may a rule use?

use serde_json::json;

use super::args::{FieldsArgs, Format};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::Out;
use crate::model::{FieldDef, OPEN_MAPS};
use crate::rule;

/// A field, or a family of fields whose name has a part in angle brackets.
struct Listed {
    path: String,
    kind: &'static str,
    many: bool,
    example: String,
    about: String,
}

/// Lists the catalogue of fields.
pub(super) fn run(arguments: &FieldsArgs) -> Outcome {
    let wanted = arguments.filter.as_deref().unwrap_or_default().to_lowercase();
    let mut out = Out::new();
    if arguments.format == Format::Text {
        out.line("FIELD\tTYPE\tEXAMPLE\tMEANING").or_runtime()?;
    }
    for field in all().filter(|field| mentions(field, &wanted)) {
        out.line(&render(&field, arguments.format)).or_runtime()?;
    }
    out.flush().or_runtime()?;
    Ok(Exit::Good)
}

fn all() -> impl Iterator<Item = Listed> {
    let targets = rule::target_fields().map(|(attribute, def)| Listed {
        path: format!("enriched.target.<Type>.{attribute}"),
        about: format!("{}: those of one type, such as User or AppInstance", def.about),
        ..listed(def)
    });
    let open = OPEN_MAPS.iter().filter(|map| **map != "enriched.target").map(|map| Listed {
        path: format!("{map}.<key>"),
        kind: "text",
        many: map.starts_with("target."),
        example: String::new(),
        about: "any key: Okta does not fix them".to_owned(),
    });
    rule::catalogue().map(listed).chain(targets).chain(open)
}

fn listed(def: &FieldDef) -> Listed {
    Listed {
        path: def.path.to_owned(),
        kind: def.kind.as_str(),
        many: def.many,
        example: def.example.to_owned(),
        about: def.about.to_owned(),
    }
}

fn mentions(field: &Listed, wanted: &str) -> bool {
    field.path.to_lowercase().contains(wanted) || field.about.to_lowercase().contains(wanted)
}

fn render(field: &Listed, format: Format) -> String {
    let Listed { path, kind, many, example, about } = field;
    let several = if *many { ", several" } else { "" };
    match format {
        Format::Text => format!("{path}\t{kind}{several}\t{example}\t{about}"),
        Format::Json => json!({
            "path": path, "type": kind, "several": many, "example": example, "about": about,
        })
        .to_string(),
    }
}
