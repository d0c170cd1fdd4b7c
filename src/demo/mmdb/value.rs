//! What can a record hold, and how is that written as bytes?

/// A value of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// UTF-8 text.
    Text(String),
    /// A number in 64-bit floating point.
    Double(f64),
    /// A number in 32-bit floating point.
    Float(f32),
    /// A whole number of 16 bits.
    Short(u16),
    /// A whole number of 32 bits.
    Integer(u32),
    /// A whole number of 64 bits.
    Long(u64),
    /// `true` or `false`.
    Boolean(bool),
    /// Values by name, in their order.
    Map(Vec<(String, Value)>),
    /// Values in their order.
    List(Vec<Value>),
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map from pairs of name and value.
    pub fn map<N: Into<String>>(pairs: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Map(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

/// Appends a value: a control byte with type and size, then the value.
pub(super) fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            control(2, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Double(number) => {
            control(3, 8, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Float(number) => {
            control(15, 4, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Short(number) => encode_whole(5, &number.to_be_bytes(), out),
        Value::Integer(number) => encode_whole(6, &number.to_be_bytes(), out),
        Value::Long(number) => encode_whole(9, &number.to_be_bytes(), out),
        Value::Boolean(flag) => control(14, usize::from(*flag), out),
        Value::Map(pairs) => {
            control(7, pairs.len(), out);
            for (name, value) in pairs {
                control(2, name.len(), out);
                out.extend_from_slice(name.as_bytes());
                encode(value, out);
            }
        }
        Value::List(values) => {
            control(11, values.len(), out);
            for value in values {
                encode(value, out);
            }
        }
    }
}

/// Whole numbers are written without leading zero bytes.
fn encode_whole(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    control(kind, bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// The type in three bits, or 0 there and the type less 7 in a byte of its own; the size in five
/// bits, or 29, 30 or 31 there and the rest of it in one, two or three bytes after.
fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    let (short, rest) = match size {
        0..29 => (size, 0),
        29..285 => (29, size - 29),
        285..65_821 => (30, size - 285),
        _ => (31, size - 65_821),
    };
    let short = u8::try_from(short).unwrap_or_default();
    if kind > 7 {
        out.extend_from_slice(&[short, kind - 7]);
    } else {
        out.push(kind << 5 | short);
    }
    let extra = usize::from(short.saturating_sub(28));
    let rest = rest.to_be_bytes();
    out.extend_from_slice(rest.get(rest.len() - extra..).unwrap_or_default());
}
