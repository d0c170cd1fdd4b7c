//! How is a diagram of rules written for Mermaid, which draws it in Markdown?

use super::diagram::{Diagram, Drawn};

/// The event types a box names; of more, it says how many others there are.
const TYPES_SHOWN: usize = 4;

impl Diagram {
    /// A flowchart: a box for each detection, a hexagon for each correlation, a stadium for each alert.
    pub fn mermaid(&self) -> String {
        let mut lines = vec!["flowchart LR".to_owned()];
        lines.extend(self.rules.iter().enumerate().map(|(place, rule)| node(place, rule)));
        for (place, rule) in self.rules.iter().enumerate() {
            for taken in &rule.takes {
                let Some(from) = self.rules.iter().position(|rule| rule.name == taken.rule) else { continue };
                let role = taken.role.join("; ");
                let label = if role.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&role)) };
                lines.push(format!("    r{from} -->{label} r{place}"));
            }
        }
        lines.extend(self.rules.iter().enumerate().filter_map(|(place, rule)| alert(place, rule)));
        lines.extend(self.classes());
        lines.join("\n") + "\n"
    }

    /// Rules that are off are dashed, those in shadow mode dotted.
    fn classes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (mode, dashes) in [("shadow", "2 3"), ("off", "6 4")] {
            let of_mode = self.rules.iter().enumerate().filter(|(_, rule)| rule.mode == mode);
            let ids: Vec<String> = of_mode.map(|(place, _)| format!("r{place}")).collect();
            if !ids.is_empty() {
                lines.push(format!("    classDef {mode} stroke-dasharray: {dashes},opacity: 0.6"));
                lines.push(format!("    class {} {mode}", ids.join(",")));
            }
        }
        lines
    }
}

fn node(place: usize, rule: &Drawn) -> String {
    let mut lines = vec![rule.name.clone()];
    if rule.mode != "active" {
        lines.push(format!("({})", rule.mode));
    }
    let detection = rule.kind == "detection";
    if detection {
        lines.extend(rule.event_types.iter().take(TYPES_SHOWN).cloned());
        match rule.event_types.len() {
            0 => lines.push("any event type".to_owned()),
            all if all > TYPES_SHOWN => lines.push(format!("and {} more", all - TYPES_SHOWN)),
            _ => {}
        }
    } else {
        let window = rule.window.as_ref().map_or_else(String::new, |window| format!(" in {window}"));
        lines.push(format!("{}{window}", rule.kind));
        lines.extend(rule.asks.iter().cloned());
        if !rule.group_by.is_empty() {
            lines.push(format!("by {}", rule.group_by.join(", ")));
        }
    }
    let label = lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br/>");
    let (open, close) = if detection { ("[", "]") } else { ("{{", "}}") };
    format!("    r{place}{open}\"{label}\"{close}")
}

fn alert(place: usize, rule: &Drawn) -> Option<String> {
    let entity = rule.alerts?;
    let shadow = if rule.mode == "shadow" { "<br/>to the shadow topic" } else { "" };
    let label = format!("{} alert about {entity}<br/>{}{shadow}", rule.level, escaped(&rule.title));
    Some(format!("    r{place} ==> a{place}([\"{label}\"])"))
}

/// Mermaid's own entities for what would end a label, open a tag or begin Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '#' | '`' | '\\' => out.push_str(&format!("#{};", u32::from(char))),
            char if char.is_control() => out.push(' '),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::diagram::Taken;
    use super::*;

    fn drawn(name: &str, kind: &'static str) -> Drawn {
        Drawn {
            name: name.to_owned(),
            title: "A \"title\" <b> #1 `x`\nend".to_owned(),
            kind,
            mode: "active",
            level: "high",
            alerts: None,
            event_types: Vec::new(),
            group_by: Vec::new(),
            window: None,
            asks: Vec::new(),
            takes: Vec::new(),
            file: String::new(),
        }
    }

    #[test]
    fn boxes_arrows_and_alerts_are_written() {
        let types = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).into();
        let deny = Drawn { event_types: types, mode: "off", ..drawn("deny", "detection") };
        let many = Drawn {
            window: Some("10m".to_owned()),
            asks: vec![">= 5".to_owned()],
            group_by: vec!["actor.id".to_owned()],
            takes: vec![Taken { rule: "deny".to_owned(), role: vec!["step 1".to_owned()] }],
            alerts: Some("actor"),
            ..drawn("many", "event_count")
        };
        let text = Diagram { rules: vec![deny, many] }.mermaid();
        let expected = "\
flowchart LR
    r0[\"deny<br/>(off)<br/>a<br/>b<br/>c<br/>d<br/>and 2 more\"]
    r1{{\"many<br/>event_count in 10m<br/>#gt;= 5<br/>by actor.id\"}}
    r0 -->|\"step 1\"| r1
    r1 ==> a1([\"high alert about actor<br/>A #quot;title#quot; #lt;b#gt; #35;1 #96;x#96; end\"])
    classDef off stroke-dasharray: 6 4,opacity: 0.6
    class r0 off
";
        assert_eq!(text, expected);
    }
}
