//! How does a parser's every token find its place in the walk?
//!
//! Serde's visitors over a [`Walk`]: generic over the parser, so that the fast one and the
//! reference run the same code.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::extract::Walk;
use super::parser::Parser;
use super::trie::{NodeId, Trie, Wire};
use crate::limits::ARRAY_ELEMENTS;
use crate::model::Value;

/// Reads the value at one place of the tree.
pub(crate) struct Seed<'w, 't, P, const WORDS: bool> {
    pub(crate) walk: &'w mut Walk<'t, P, WORDS>,
    pub(crate) node: NodeId,
    /// The value was spelled by a string, which the place itself keeps: only what is below counts.
    pub(crate) below: bool,
}

impl<P: Parser, const WORDS: bool> Seed<'_, '_, P, WORDS> {
    fn put(self, value: Value<'static>) {
        let zero = matches!(value, Value::Integer(0)) || value == Value::Number(0.0);
        let absent = zero && self.walk.trie.node(self.node).zero_is_absent;
        if !self.below && !absent {
            self.walk.put(self.node, value);
        }
    }
}

impl<'de, P: Parser, const WORDS: bool> DeserializeSeed<'de> for Seed<'_, '_, P, WORDS> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, P: Parser, const WORDS: bool> Visitor<'de> for Seed<'_, '_, P, WORDS> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.put(Value::Boolean(flag));
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.put(Value::Integer(number));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.put(i64::try_from(number).map_or(Value::Number(number as f64), Value::Integer));
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        // Adding zero makes a negative zero a plain one, which not every parser tells apart.
        self.put(Value::Number(number + 0.0));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if !self.below {
            self.walk.put_text(self.node, text);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { walk, node, below } = self;
        let wanted = walk.trie.node(node);
        if wanted.wire != Wire::Plain && !below {
            let parsed = serde_json::Value::deserialize(SeqAccessDeserializer::new(seq))?;
            walk.put_parsed(node, &parsed);
            return Ok(());
        }
        let outermost = walk.enter_array();
        let mut rows = 0;
        while rows < ARRAY_ELEMENTS {
            walk.enter_element(outermost, rows);
            if seq.next_element_seed(Seed { walk: &mut *walk, node, below })?.is_none() {
                break;
            }
            rows += 1;
        }
        if rows == ARRAY_ELEMENTS && walk.keeps_words() {
            let beyond = NodeId::NOWHERE;
            while seq.next_element_seed(Seed { walk: &mut *walk, node: beyond, below })?.is_some() {}
        } else if rows == ARRAY_ELEMENTS {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        }
        let subtree = if below { wanted.below() } else { &wanted.subtree };
        walk.leave_array(outermost, subtree, rows);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { walk, node, below } = self;
        if walk.trie.node(node).wire != Wire::Plain && !below {
            let parsed = serde_json::Value::deserialize(MapAccessDeserializer::new(map))?;
            walk.put_parsed(node, &parsed);
            return Ok(());
        }
        let container = walk.enter_object();
        let mut empty = true;
        while let Some(child) = map.next_key_seed(Key { trie: walk.trie, node, plain: &mut walk.plain })? {
            empty = false;
            match child {
                Some(node) => {
                    walk.meet(node, container);
                    map.next_value_seed(Seed { walk: &mut *walk, node, below: false })?;
                }
                None if walk.keeps_words() => {
                    map.next_value_seed(Seed { walk: &mut *walk, node: NodeId::NOWHERE, below })?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !empty && !below {
            walk.put(node, Value::Container);
        }
        Ok(())
    }
}

/// Reads a key as the place it leads to.
struct Key<'w, 't> {
    trie: &'t Trie,
    node: NodeId,
    /// Whether the first level has had Okta's keys only.
    plain: &'w mut bool,
}

/// The keys of Okta's event at its first level.
fn is_okta_key(key: &str) -> bool {
    matches!(
        key,
        "actor"
            | "authenticationContext"
            | "client"
            | "debugContext"
            | "device"
            | "displayMessage"
            | "eventType"
            | "insertionTimestamp"
            | "legacyEventType"
            | "outcome"
            | "published"
            | "request"
            | "securityContext"
            | "severity"
            | "target"
            | "transaction"
            | "uuid"
            | "version"
    )
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Option<NodeId>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Option<NodeId>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        if self.node == NodeId::ROOT && !is_okta_key(key) {
            *self.plain = false;
        }
        Ok(self.trie.child(self.node, key))
    }
}
