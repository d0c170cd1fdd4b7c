//! What do several owners hold that is to be written once for all of them?

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// Something that does not change any more, held by many.
pub struct Shared<T>(Arc<Held<T>>);

/// What is held, and what is known of it where it was written.
pub struct Held<T> {
    what: T,
    note: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl<T> Shared<T> {
    /// The first to hold it.
    pub fn new(what: T) -> Self {
        Self(Arc::new(Held { what, note: OnceLock::new() }))
    }

    /// What is held, if nobody else holds it.
    pub fn into_inner(self) -> Option<T> {
        Arc::into_inner(self.0).map(|held| held.what)
    }

    /// What is held, to be changed here alone.
    pub fn make_mut(&mut self) -> &mut T
    where
        T: Clone,
    {
        let held = Arc::make_mut(&mut self.0);
        held.note = OnceLock::new();
        &mut held.what
    }

    /// Whether what both hold is the same one, not only alike.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where it stands, as long as somebody holds it.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Itself, for one who does not ask what it is.
    pub fn held(&self) -> Arc<Held<T>> {
        Arc::clone(&self.0)
    }
}

impl<T> Held<T> {
    /// What is held.
    pub fn what(&self) -> &T {
        &self.what
    }

    /// What was noted of it.
    pub fn note<N: 'static>(&self) -> Option<&N> {
        self.note.get()?.downcast_ref()
    }

    /// Notes something of it, if nothing is noted yet.
    pub fn take_note<N: Send + Sync + 'static>(&self, note: N) {
        self.note.get_or_init(|| Box::new(note));
    }
}

impl<T: Clone> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { what: self.what.clone(), note: OnceLock::new() }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.what
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> From<T> for Shared<T> {
    fn from(what: T) -> Self {
        Self::new(what)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.what.fmt(out)
    }
}

impl<T: fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(out)
    }
}
