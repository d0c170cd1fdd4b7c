//! What is a YAML document, once it is read?

use super::sources::Span;

/// One node of a document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar as written.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub text: String,
    /// Neither quoted nor tagged a string, so that `1`, `true` and `null` are not text.
    pub plain: bool,
    /// Where the text starts in the file, if it stands there as it is.
    pub base: Option<u32>,
}

/// One key of a map with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// What a scalar means in YAML's core schema.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Scalar {
    pub(super) fn literal(&self) -> Literal {
        if !self.plain {
            return Literal::Text(self.text.clone());
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Literal::Null,
            "true" | "True" | "TRUE" => Literal::Boolean(true),
            "false" | "False" | "FALSE" => Literal::Boolean(false),
            text => number(text).unwrap_or_else(|| Literal::Text(text.to_owned())),
        }
    }
}

fn number(text: &str) -> Option<Literal> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return i64::from_str_radix(hexadecimal, 16).ok().map(Literal::Integer);
    }
    let integer = text.parse().ok().map(Literal::Integer);
    integer.or_else(|| text.parse().ok().filter(|float: &f64| float.is_finite()).map(Literal::Float))
}

impl Node {
    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.literal() == Literal::Null)
    }

    /// `a list`, for messages.
    pub(super) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) => match scalar.literal() {
                Literal::Null => "nothing",
                Literal::Boolean(_) => "a boolean",
                Literal::Integer(_) | Literal::Float(_) => "a number",
                Literal::Text(_) => "text",
            },
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Bytes of all texts in it.
    pub(super) fn bytes(&self) -> usize {
        self.size().bytes
    }

    /// How much it holds.
    pub(super) fn size(&self) -> Size {
        match &self.kind {
            Kind::Scalar(scalar) => Size::of(&scalar.text),
            Kind::List(items) => items.iter().fold(Size::NODE, |sum, item| sum + item.size()),
            Kind::Map(entries) => {
                entries.iter().fold(Size::NODE, |sum, entry| sum + Size::of(&entry.key) + entry.value.size())
            }
        }
    }
}

/// How much a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub nodes: usize,
    /// Bytes of texts.
    pub bytes: usize,
}

impl Size {
    pub(super) const NODE: Self = Self { nodes: 1, bytes: 0 };

    pub(super) fn of(text: &str) -> Self {
        Self { nodes: 1, bytes: text.len() }
    }
}

impl std::ops::Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, bytes: self.bytes + other.bytes }
    }
}
