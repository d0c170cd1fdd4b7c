//! Which key of a shard's state changed, and what is held of it now?

/// One key of a table that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The table and the key.
    pub key: Vec<u8>,
    /// What is held of it; `None` when it is gone.
    pub value: Option<Vec<u8>>,
}

impl Change {
    /// What a key holds now, or that it is gone.
    pub fn new(key: Vec<u8>, value: Option<Vec<u8>>) -> Self {
        Self { key, value }
    }
}
