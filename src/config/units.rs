//! How are a time and a size written in the configuration?

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, written as a number with a unit: `30ms`, `5s`, `10m`, `24h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(i64);

/// Number of bytes, written as a number with an optional unit: `4096`, `64KiB`, `4MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(usize);

const TIME_UNITS: &[(&str, i64)] =
    &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
const SIZE_UNITS: &[(&str, usize)] =
    &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1_000), ("MB", 1_000_000), ("B", 1)];

impl Duration {
    /// So many milliseconds.
    pub const fn millis(ms: i64) -> Self {
        Self(ms)
    }

    /// So many seconds.
    pub const fn secs(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// For timers.
    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }

    /// Reads `5m` and the like; the error says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let scale = TIME_UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, scale)| *scale);
        let parsed = number.parse::<i64>().ok().zip(scale).and_then(|(n, scale)| n.checked_mul(scale));
        parsed.map(Self).ok_or_else(|| {
            format!("`{text}` is not a duration; write a whole number and ms, s, m, h, d or w, as in 5m")
        })
    }
}

impl Size {
    /// So many bytes.
    pub const fn bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn as_bytes(self) -> usize {
        self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = if unit.trim().is_empty() { "B" } else { unit.trim() };
        let scale = SIZE_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
        let parsed = number.parse::<usize>().ok().zip(scale).and_then(|(n, scale)| n.checked_mul(scale));
        parsed.map(Self).ok_or_else(|| {
            format!("`{text}` is not a size; write a whole number and B, KiB, MiB or GiB, as in 4MiB")
        })
    }
}

/// Writes the largest unit that leaves no rest.
fn shortest<
    N: Copy + PartialEq + std::ops::Rem<Output = N> + std::ops::Div<Output = N> + Default + fmt::Display,
>(
    value: N,
    units: impl DoubleEndedIterator<Item = (&'static str, N)>,
) -> String {
    let zero = N::default();
    let fitting = units.rev().find(|(_, scale)| value != zero && value % *scale == zero);
    match fitting {
        Some((unit, scale)) => format!("{}{unit}", value / scale),
        None => format!("{value}"),
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return out.write_str("0s");
        }
        out.write_str(&shortest(self.0, TIME_UNITS.iter().copied().take(5)))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&shortest(self.0, SIZE_UNITS.iter().copied().take(3)))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(input)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a size such as 4MiB")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                usize::try_from(bytes).map(Size).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                usize::try_from(bytes).map(Size).map_err(E::custom)
            }
        }
        input.deserialize_any(Visitor)
    }
}

/// Properties as librdkafka takes them: numbers and booleans are written as text.
pub(super) fn properties<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scalar {
        Text(String),
        Integer(i64),
        Number(f64),
        Boolean(bool),
    }
    let given = BTreeMap::<String, Scalar>::deserialize(input)?;
    let text = |scalar| match scalar {
        Scalar::Text(text) => text,
        Scalar::Integer(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Boolean(flag) => flag.to_string(),
    };
    Ok(given.into_iter().map(|(key, value)| (key, text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_as_they_are_written() {
        for text in ["30ms", "5s", "10m", "24h", "1d"] {
            let parsed = Duration::parse(text).unwrap();
            assert_eq!(Duration::parse(&parsed.to_string()), Ok(parsed), "{text}");
        }
        assert_eq!(Duration::parse("24h").unwrap().to_string(), "1d");
        assert_eq!(Size::parse("4MiB").unwrap().to_string(), "4MiB");
        assert_eq!(Size::parse("4097").unwrap().to_string(), "4097");
    }

    #[test]
    fn what_is_not_a_time_says_what_would_be() {
        for text in ["", "5", "m", "5 minutes", "-5m", "99999999999999999999s", "9223372036854775807d"] {
            assert!(Duration::parse(text).unwrap_err().contains("as in 5m"), "{text}");
        }
    }
}
