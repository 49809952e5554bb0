//! Items: Python objects on their way through the engine.

use pyo3::prelude::*;

/// A Python object that flows through a pool.
///
/// Dropped by a thread that is not attached to the interpreter it is let go by the next one that attaches: that is what
/// [`Py`] does.
pub(crate) struct Object(pub(crate) Py<PyAny>);

impl Object {
    /// Puts another object in its place; the one before is let go at once.
    #[inline]
    pub(crate) fn replace(&mut self, py: Python<'_>, object: Py<PyAny>) {
        drop(std::mem::replace(&mut self.0, object).into_bound(py));
    }
}

impl From<Bound<'_, PyAny>> for Object {
    #[inline]
    fn from(object: Bound<'_, PyAny>) -> Self {
        Self(object.unbind())
    }
}

/// For a tee: each branch gets the same object.
impl Clone for Object {
    fn clone(&self) -> Self {
        Self(Python::attach(|py| self.0.clone_ref(py)))
    }
}
