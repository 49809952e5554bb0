//! Variables that each thread has for itself, a simulated one too.
//!
//! A [`Local`] is a thread-local variable of the system's, unless the thread's host keeps a table
//! for the thread that runs now: a host that runs several threads in one thread of the system, or
//! hands one over to another. Where there is no host it costs what [`std::thread_local!`] does, and
//! with the feature `simulation` a load of a counter beside it.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::shim::LocalKey;

/// A variable that each thread has for itself, a simulated one too; made by
/// [`local!`](crate::local).
pub struct Local<T: 'static> {
    key: &'static LocalKey<T>,
    #[cfg_attr(
        any(not(feature = "simulation"), loom, shuttle),
        expect(dead_code, reason = "only a host makes further ones")
    )]
    first: fn() -> T,
    #[cfg_attr(
        any(not(feature = "simulation"), loom, shuttle),
        expect(dead_code, reason = "only a host tells several apart")
    )]
    name: fn() -> TypeId,
}

impl<T: 'static> Local<T> {
    /// For [`local!`](crate::local): a variable of the system's, what it begins with, and a type
    /// that no other variable has.
    #[doc(hidden)]
    #[must_use]
    pub const fn new<Name: 'static>(key: &'static LocalKey<T>, first: fn() -> T) -> Self {
        Self { key, first, name: TypeId::of::<Name> }
    }

    /// Calls `body` with the calling thread's value.
    #[inline(always)]
    pub fn with<R>(&self, body: impl FnOnce(&T) -> R) -> R {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        if crate::host::is_hosted()
            && let Some(locals) = crate::host::current().and_then(|host| host.locals())
        {
            return body(&locals.get((self.name)(), self.first));
        }
        self.key.with(body)
    }
}

impl<T> fmt::Debug for Local<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Local").finish_non_exhaustive()
    }
}

/// The [`Local`]s of one thread that a host runs.
#[derive(Default)]
pub struct Locals(
    #[cfg_attr(
        any(not(feature = "simulation"), loom, shuttle),
        expect(dead_code, reason = "only where there are hosts is it asked")
    )]
    RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
);

impl Locals {
    /// The value of this name, which is made where there is none yet.
    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    #[cold]
    fn get<T: 'static>(&self, name: TypeId, first: fn() -> T) -> Rc<T> {
        let found = self.0.borrow().iter().find(|(other, _)| *other == name).map(|(_, value)| Rc::clone(value));
        let value = found.unwrap_or_else(|| {
            let value: Rc<dyn Any> = Rc::new(first());
            self.0.borrow_mut().push((name, Rc::clone(&value)));
            value
        });
        value.downcast().unwrap_or_else(|_| unreachable!("a name belongs to one variable"))
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Locals").finish_non_exhaustive()
    }
}

/// Declares a [`Local`], as [`std::thread_local!`] does a `LocalKey`; what it begins with must be a
/// constant.
///
/// ```
/// use std::cell::Cell;
///
/// millpond_sync::local! {
///     /// How many items this thread has seen.
///     const SEEN: Cell<u32> = Cell::new(0);
/// }
///
/// SEEN.with(|seen| seen.set(seen.get() + 1));
/// assert_eq!(SEEN.with(Cell::get), 1);
/// ```
#[cfg(not(loom))]
#[macro_export]
macro_rules! local {
    ($(#[$attribute:meta])* $visibility:vis const $NAME:ident: $Type:ty = $first:expr;) => {
        $(#[$attribute])*
        $visibility const $NAME: $crate::Local<$Type> = {
            struct Name;
            $crate::shim::thread_local!(static KEY: $Type = const { $first });
            $crate::Local::new::<Name>(&KEY, || $first)
        };
    };
}

/// The same under loom, whose variables begin with what a function gives.
#[cfg(loom)]
#[macro_export]
macro_rules! local {
    ($(#[$attribute:meta])* $visibility:vis const $NAME:ident: $Type:ty = $first:expr;) => {
        $(#[$attribute])*
        $visibility const $NAME: $crate::Local<$Type> = {
            struct Name;
            $crate::shim::thread_local!(static KEY: $Type = $first);
            $crate::Local::new::<Name>(&KEY, || $first)
        };
    };
}
