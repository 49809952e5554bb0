//! Items that wait in the engine, for the garbage collector to see.
//!
//! They wait at a task's output, for a reader or for a task that reads from there; in a channel;
//! with a `zip` for their partners, and with a `batch` for the rest of their group. Not seen are
//! those in the hands of a worker or of a coroutine, and the few of a channel that are less than
//! the `min_count` of its reader; what is not seen is not collected.

use std::any::Any;

use pyo3::gc::{PyTraverseError, PyVisit};

use crate::division::Sided;
use crate::keeper::Held;
use crate::object::Object;

/// What holds one object.
pub(crate) trait Item: Send + 'static {
    fn object(&self) -> &Object;
}

impl Item for Object {
    fn object(&self) -> &Object {
        self
    }
}

impl Item for Sided {
    fn object(&self) -> &Object {
        let (Ok(object) | Err(object)) = self;
        object
    }
}

/// Shows the collector the items that `all` shows.
fn show<T: Item>(visit: &PyVisit<'_>, all: impl FnOnce(&mut dyn FnMut(&T))) -> Result<(), PyTraverseError> {
    let mut outcome = Ok(());
    all(&mut |item| {
        if outcome.is_ok() {
            outcome = visit.call(&item.object().0);
        }
    });
    outcome
}

/// The items at a task's output.
pub(crate) struct AtOutput<T: Item>(pub(crate) millpond::Contents<'static, T>);

impl<T: Item> Held for AtOutput<T> {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        show(visit, |visitor: &mut dyn FnMut(&T)| self.0.visit(visitor))?;
        show(visit, |visitor: &mut dyn FnMut(&Object)| {
            self.0.begun(&mut |begun| {
                if let Some(object) = begun.downcast_ref() {
                    visitor(object);
                }
            });
        })
    }
}

/// The items in a channel, which belong to its reader.
pub(crate) struct InChannel(pub(crate) millpond::channel::Contents<Object>);

impl Held for InChannel {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        show(visit, |visitor: &mut dyn FnMut(&Object)| self.0.visit(visitor))
    }
}

/// Shows items that an operator has not begun.
pub(crate) fn show_items<'a>(items: impl IntoIterator<Item = &'a Object>, see: &mut dyn FnMut(&dyn Any)) {
    items.into_iter().for_each(|item| see(item));
}
