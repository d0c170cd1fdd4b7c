//! How are recent answers kept ready without growing?
//!
//! Two generations: when the young one is full it becomes the old one, and what the old one still
//! held is forgotten. An answer that is asked for again moves to the young one. Both steps are a
//! hash lookup, and what is forgotten can always be asked for again, so this only saves time.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A bounded map of answers.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    young: HashMap<K, V, FixedState>,
    old: HashMap<K, V, FixedState>,
    generation: usize,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// For at most so many answers.
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), generation: (capacity / 2).max(1) }
    }

    /// The answer, if it is still there.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// Keeps an answer.
    pub fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_answer_is_the_one_given_or_none_and_the_number_is_bounded(
            keys in proptest::collection::vec(0_u8..40, 0..200),
            capacity in 1_usize..16,
        ) {
            let mut cache = Cache::new(capacity);
            for key in keys {
                if let Some(value) = cache.get(&key) {
                    prop_assert_eq!(*value, u32::from(key) * 7);
                } else {
                    cache.insert(key, u32::from(key) * 7);
                    prop_assert!(cache.get(&key).is_some());
                }
                prop_assert!(cache.young.len() + cache.old.len() <= capacity.max(2));
            }
        }
    }

    #[test]
    fn what_is_asked_for_again_outlives_what_is_not() {
        let mut cache = Cache::new(4);
        for key in 0..100 {
            cache.insert(key, ());
            if key > 0 {
                assert!(cache.get(&0).is_some(), "{key}");
            }
        }
        assert!(cache.get(&1).is_none());
    }
}
