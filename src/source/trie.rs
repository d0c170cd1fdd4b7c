//! Which parts of an event does this run want, key by key?
//!
//! The paths of the [`FieldTable`] as a tree, so that an event is walked once, along the tree, and
//! whatever is not on it is skipped unread.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::model::{FieldId, FieldTable, core};

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// The whole event.
    pub(crate) const ROOT: Self = Self(0);
    /// A part of the event that no path leads to.
    pub(crate) const NOWHERE: Self = Self(u32::MAX);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is wanted at one path.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The field whose path ends here.
    pub(crate) field: Option<FieldId>,
    /// The keys that lead on.
    keys: Keys,
    /// Every field whose path begins here, this one's first.
    pub(crate) subtree: Vec<FieldId>,
    /// A zero here says "none" (`asNumber`).
    pub(crate) zero_is_absent: bool,
    /// Okta writes text here; where a collector has parsed it, it is written back.
    pub(crate) wire: Wire,
}

/// How Okta writes a value that collectors like to parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wire {
    /// As it is.
    #[default]
    Plain,
    /// A Java map: `{level=LOW}`.
    JavaMap,
    /// JSON in a string.
    Json,
}

impl Node {
    /// Whether any path goes on below.
    pub(crate) fn leads_on(&self) -> bool {
        !self.keys.slots.is_empty()
    }

    /// Every field whose path goes on below.
    pub(crate) fn below(&self) -> &[FieldId] {
        self.subtree.get(usize::from(self.field.is_some())..).unwrap_or_default()
    }
}

/// The tree.
#[derive(Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    nothing: Node,
}

impl Trie {
    /// The tree of all fields that an event itself holds; computed ones are filled elsewhere.
    pub(crate) fn new(table: &FieldTable) -> Self {
        let mut drafts = vec![Draft::default()];
        let wanted = table.iter().filter(|(id, _)| table.is_wanted(*id));
        for (id, path) in wanted.filter(|(_, path)| !path.starts_with("enriched.")) {
            let place = path.split('.').fold(0, |place, key| Draft::child(&mut drafts, place, key));
            if let Some(draft) = drafts.get_mut(place) {
                draft.field = Some(id);
            }
        }
        share_ip_chain(&mut drafts);
        let nodes = (0..drafts.len()).map(|place| freeze(&drafts, place)).collect();
        Self { nodes, nothing: Node::default() }
    }

    /// How many places the tree has.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What is wanted at a place.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).unwrap_or(&self.nothing)
    }

    /// Where a key leads.
    #[inline]
    pub(crate) fn child(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.node(id).keys.get(key)
    }
}

#[derive(Clone, Debug, Default)]
struct Draft {
    field: Option<FieldId>,
    children: BTreeMap<String, usize>,
    key: String,
}

impl Draft {
    fn child(drafts: &mut Vec<Draft>, parent: usize, key: &str) -> usize {
        let next = drafts.len();
        let Some(draft) = drafts.get_mut(parent) else { return parent };
        let place = *draft.children.entry(key.to_owned()).or_insert(next);
        if place == next {
            drafts.push(Self { key: key.to_owned(), ..Self::default() });
        }
        place
    }
}

/// Event hooks carry the chain of addresses under `client`: unless a rule reads it there by name,
/// it is read as `request.ipChain`.
fn share_ip_chain(drafts: &mut [Draft]) {
    let root = |drafts: &[Draft], key: &str| drafts.first().and_then(|root| root.children.get(key)).copied();
    let (Some(request), Some(client)) = (root(drafts, "request"), root(drafts, "client")) else { return };
    let Some(chain) = drafts.get(request).and_then(|draft| draft.children.get("ipChain")).copied() else {
        return;
    };
    if let Some(client) = drafts.get_mut(client) {
        client.children.entry("ipChain".to_owned()).or_insert(chain);
    }
}

fn freeze(drafts: &[Draft], place: usize) -> Node {
    let Some(draft) = drafts.get(place) else { return Node::default() };
    let mut subtree = Vec::new();
    collect(drafts, place, &mut subtree);
    Node {
        field: draft.field,
        keys: Keys::new(&draft.children),
        subtree,
        zero_is_absent: draft.key == "asNumber",
        wire: wire(draft.field),
    }
}

fn collect(drafts: &[Draft], place: usize, into: &mut Vec<FieldId>) {
    let Some(draft) = drafts.get(place) else { return };
    into.extend(draft.field);
    for child in draft.children.values() {
        collect(drafts, *child, into);
    }
}

fn wire(field: Option<FieldId>) -> Wire {
    match field {
        Some(core::BEHAVIORS | core::RISK) => Wire::JavaMap,
        Some(core::LOG_ONLY_SECURITY_DATA | core::TUNNELS) => Wire::Json,
        _ => Wire::Plain,
    }
}

/// A fixed table of keys: open addressing, at most half full, a hash of four bytes of the key. Keys
/// of up to 24 bytes, nearly all, stand in the table itself.
#[derive(Debug, Default)]
struct Keys {
    slots: Vec<Option<(CompactString, NodeId)>>,
}

impl Keys {
    fn new(children: &BTreeMap<String, usize>) -> Self {
        if children.is_empty() {
            return Self::default();
        }
        let mut slots = vec![None; (children.len() * 2).next_power_of_two()];
        let mask = slots.len() - 1;
        for (key, place) in children {
            let id = NodeId(u32::try_from(*place).unwrap_or(u32::MAX));
            let free =
                (hash(key)..).map(|at| at & mask).find(|at| slots.get(*at).is_some_and(Option::is_none));
            if let Some(slot) = free.and_then(|at| slots.get_mut(at)) {
                *slot = Some((CompactString::new(key), id));
            }
        }
        Self { slots }
    }

    #[inline]
    fn get(&self, key: &str) -> Option<NodeId> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash(key) & mask;
        loop {
            match self.slots.get(at) {
                Some(Some((known, id))) if known == key => return Some(*id),
                Some(Some(_)) => at = (at + 1) & mask,
                Some(None) | None => return None,
            }
        }
    }
}

fn hash(key: &str) -> usize {
    let bytes = key.as_bytes();
    let at = |index: usize| bytes.get(index).copied().map_or(0, usize::from);
    let len = bytes.len();
    let sum = at(0) * 31 + at(len / 2) * 131 + at(len.wrapping_sub(1)) * 17 + at(len / 3) * 257 + len * 7;
    sum ^ (sum >> 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(trie: &Trie, path: &str) -> Option<NodeId> {
        path.split('.').try_fold(NodeId::ROOT, |node, key| trie.child(node, key))
    }

    #[test]
    fn every_field_of_the_event_stands_at_the_end_of_its_path() {
        let mut table = FieldTable::default();
        for n in 0..500 {
            table.read(&format!("debugContext.debugData.key{n}"));
        }
        let trie = Trie::new(&table);
        for (id, path) in table.iter().filter(|(_, path)| !path.starts_with("enriched.")) {
            let node = walk(&trie, path).unwrap();
            assert_eq!(trie.node(node).field, Some(id), "{path}");
        }
        assert_eq!(walk(&trie, "enriched.org"), None);
        assert_eq!(walk(&trie, "actor.nothing"), None);
        assert_eq!(walk(&trie, "actor.id.nothing"), None);
    }

    #[test]
    fn a_subtree_lists_every_field_below() {
        let trie = Trie::new(&FieldTable::default());
        let target = walk(&trie, "target").unwrap();
        let mut below = trie.node(target).subtree.clone();
        below.sort_unstable();
        assert_eq!(
            below,
            [core::TARGET_ID, core::TARGET_TYPE, core::TARGET_ALTERNATE_ID, core::TARGET_DISPLAY_NAME]
        );
    }

    #[test]
    fn the_chain_of_an_event_hook_is_the_request_s_unless_a_rule_reads_it_by_name() {
        let mut table = FieldTable::default();
        let trie = Trie::new(&table);
        assert_eq!(walk(&trie, "client.ipChain"), walk(&trie, "request.ipChain"));
        table.read("client.ipChain.ip");
        let trie = Trie::new(&table);
        assert_ne!(walk(&trie, "client.ipChain"), walk(&trie, "request.ipChain"));
    }
}
