//! A value that many read or one writes.

use crate::deadline::Deadline;
use crate::guard::sealed::{Acquire, Parts, Wishes};
use crate::guard::{Acquiring, Guard, Guarded, Lock};
use crate::held::{Reading, Upgradable, Writing};
use crate::raw_rw_lock::{Mode, RawRwLock};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A value that many read or one writes.
///
/// Threads and tasks stand in one list and are served in the order in which they came: readers that
/// stand together go in together, and neither side starves. A third way to hold it is *upgradable*:
/// beside readers, and the only one that may become the writer without releasing.
///
/// **A thread that reads must not ask to read again**: behind a writer that waits it would wait for ever. Clone the guard,
/// which never waits.
///
/// # Examples
///
/// ```
/// use millpond_sync::{Guard, RwLock};
///
/// let names = RwLock::new(vec!["a"]);
/// {
///     let (one, other) = (names.read(), names.read());
///     assert_eq!(one.len() + other.len(), 2);
/// }
/// let found = names.upgradable();
/// if !found.contains(&"b") {
///     let mut names = Guard::upgrade(found);
///     names.push("b");
///     assert_eq!(*Guard::downgrade(names), ["a", "b"]);
/// }
/// ```
#[derive(Default)]
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    /// Readers share the value, so the lock is shared only if the value may be.
    shares: PhantomData<T>,
    value: Guarded<T>,
}

/// Holds a borrowed [`RwLock`] for reading.
pub type RwLockReadGuard<'a, T> = Guard<&'a RwLock<T>, Reading>;
/// Holds a borrowed [`RwLock`] for writing.
pub type RwLockWriteGuard<'a, T> = Guard<&'a RwLock<T>, Writing>;
/// Holds a borrowed [`RwLock`] for reading, and may become the writer.
pub type RwLockUpgradableGuard<'a, T> = Guard<&'a RwLock<T>, Upgradable>;
/// Holds a [`RwLock`] in an `Arc` for reading.
pub type ArcRwLockReadGuard<T> = Guard<Arc<RwLock<T>>, Reading>;
/// Holds a [`RwLock`] in an `Arc` for writing.
pub type ArcRwLockWriteGuard<T> = Guard<Arc<RwLock<T>>, Writing>;
/// Holds a [`RwLock`] in an `Arc` for reading, and may become the writer.
pub type ArcRwLockUpgradableGuard<T> = Guard<Arc<RwLock<T>>, Upgradable>;

/// Says for a way of holding a lock in which mode that is.
macro_rules! held_as {
    ($way:ident, $mode:ident) => {
        impl Acquire for $way {
            type Raw = RawRwLock;

            #[inline]
            fn try_acquire(raw: &RawRwLock) -> bool {
                raw.try_lock(Mode::$mode)
            }

            #[inline]
            fn acquire(raw: &RawRwLock, deadline: Deadline) -> bool {
                raw.lock_deadline(Mode::$mode, deadline)
            }

            #[inline]
            fn release(raw: &RawRwLock) {
                raw.unlock(Mode::$mode);
            }
        }

        impl Wishes for $way {
            fn wish() -> Mode {
                Mode::$mode
            }
        }
    };
}

held_as!(Reading, Read);
held_as!(Writing, Write);
held_as!(Upgradable, Upgradable);

impl<T: ?Sized> Parts for RwLock<T> {
    type Raw = RawRwLock;
    type Value = T;

    #[inline]
    #[expect(private_interfaces, reason = "sealed")]
    fn parts(&self) -> (&RawRwLock, &Guarded<T>) {
        (&self.raw, &self.value)
    }
}

impl<T: ?Sized> Lock for RwLock<T> {}

impl<T> RwLock<T> {
    crate::shim::const_fn! {
        /// A free lock.
        #[must_use]
        pub const fn new(value: T) -> Self {
            Self { raw: RawRwLock::new(), shares: PhantomData, value: Guarded::new(value) }
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

/// The functions that take the lock in one way, for each way to wait.
macro_rules! ways {
    ($way:ident, $what:literal: $try:ident, $block:ident, $timeout:ident, $deadline:ident, $async:ident,
     $try_arc:ident, $block_arc:ident, $async_arc:ident) => {
        #[doc = concat!("Takes the lock for ", $what, " if it can be had now and nobody waits. Never waits.")]
        #[inline]
        pub fn $try(&self) -> Option<Guard<&Self, $way>> {
            Guard::try_acquire(self)
        }

        #[doc = concat!("Takes the lock for ", $what, ".\n\n# Blocking\nUntil it can be had and whoever waited before has been served.")]
        #[inline]
        pub fn $block(&self) -> Guard<&Self, $way> {
            Guard::acquire(self, Deadline::NEVER).expect("a wait without a deadline ends with the lock")
        }

        #[doc = concat!("Takes the lock for ", $what, ", or gives up when `timeout` has passed.\n\n# Blocking\nUntil it can be had, or that long.")]
        pub fn $timeout(&self, timeout: Duration) -> Option<Guard<&Self, $way>> {
            Guard::acquire(self, Deadline::after(timeout))
        }

        #[doc = concat!("Takes the lock for ", $what, ", or gives up at `deadline`. Tries once if that has passed.\n\n# Blocking\nUntil it can be had, or until then.")]
        pub fn $deadline(&self, deadline: impl Into<Deadline>) -> Option<Guard<&Self, $way>> {
            Guard::acquire(self, deadline.into())
        }

        #[doc = concat!("Takes the lock for ", $what, ", awaiting it.\n\nDropping the future gives up its place in the list; what it was granted goes to the next.")]
        pub const fn $async(&self) -> Acquiring<&Self, $way> {
            Acquiring::new(self)
        }

        #[doc = concat!("Takes the lock for ", $what, " if it can be had now, with a guard that keeps the `Arc`.")]
        pub fn $try_arc(self: &Arc<Self>) -> Option<Guard<Arc<Self>, $way>> {
            Guard::try_acquire(Arc::clone(self))
        }

        #[doc = concat!("Takes the lock for ", $what, ", with a guard that keeps the `Arc`.\n\n# Blocking\nUntil it can be had.")]
        pub fn $block_arc(self: &Arc<Self>) -> Guard<Arc<Self>, $way> {
            Guard::acquire(Arc::clone(self), Deadline::NEVER).expect("a wait without a deadline ends with the lock")
        }

        #[doc = concat!("Takes the lock for ", $what, ", awaiting it, with a guard that keeps the `Arc`.\n\nDropping the future gives up its place in the list.")]
        pub fn $async_arc(self: &Arc<Self>) -> Acquiring<Arc<Self>, $way> {
            Acquiring::new(Arc::clone(self))
        }
    };
}

impl<T: ?Sized> RwLock<T> {
    ways!(Reading, "reading": try_read, read, read_timeout, read_deadline, read_async, try_read_arc, read_arc,
        read_arc_async);
    ways!(Writing, "writing": try_write, write, write_timeout, write_deadline, write_async, try_write_arc, write_arc,
        write_arc_async);
    ways!(Upgradable, "reading, and perhaps writing": try_upgradable, upgradable, upgradable_timeout,
        upgradable_deadline, upgradable_async, try_upgradable_arc, upgradable_arc, upgradable_arc_async);

    /// The value, by exclusive access: nobody holds the lock.
    pub const fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Whether somebody holds it. A moment's view.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// How many wait for it. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.raw.waiting()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RwLock");
        match self.try_read() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}
