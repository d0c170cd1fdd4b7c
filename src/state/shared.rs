//! What do several owners hold that is to be written once for all of them?

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::apart::Part;

/// Something that does not change any more, held by many.
pub struct Shared<T>(Arc<Held<T>>);

/// What is held, and how it was written.
pub(super) struct Held<T> {
    what: T,
    form: OnceLock<Form>,
}

/// How something was written.
pub(super) enum Form {
    /// Apart, under these digests: its own, then those of what it names.
    Apart(Arc<[u128]>),
    /// In its place, being short: the bytes, and what they name.
    Short(Box<[u8]>, Box<[Part]>),
}

impl<T> Shared<T> {
    /// The first to hold it.
    pub fn new(what: T) -> Self {
        Self(Arc::new(Held { what, form: OnceLock::new() }))
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
        held.form = OnceLock::new();
        &mut held.what
    }

    /// Whether what both hold is the same one, not only alike.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Itself, for one who does not ask what it is.
    pub(super) fn held(&self) -> Arc<Held<T>> {
        Arc::clone(&self.0)
    }
}

impl<T> Held<T> {
    /// What is held.
    pub(super) fn what(&self) -> &T {
        &self.what
    }

    /// How it was written, if it was.
    pub(super) fn form(&self) -> Option<&Form> {
        self.form.get()
    }

    /// Notes how it was written, if nobody did.
    pub(super) fn note(&self, form: Form) {
        self.form.get_or_init(|| form);
    }
}

impl<T: Clone> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { what: self.what.clone(), form: OnceLock::new() }
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
