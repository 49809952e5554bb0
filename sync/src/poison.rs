//! Remembering that a change of a value was cut off by a panic.

use std::error::Error;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::thread;

/// A value that is refused after a panic in the middle of a change of it, until somebody has looked
/// at it.
///
/// Locks do not poison by themselves; put this into one whose value may be left half changed.
///
/// # Examples
///
/// ```
/// use millpond_sync::{Mutex, Poison};
///
/// let pair = Mutex::new(Poison::new((1, 1)));
/// std::thread::scope(|scope| {
///     let thread = scope.spawn(|| {
///         let mut guard = pair.lock();
///         let mut pair = guard.change().unwrap();
///         pair.0 += 1;
///         panic!("between the two");
///     });
///     assert!(thread.join().is_err());
/// });
/// assert!(pair.lock().change().is_err());
/// *pair.lock().clear() = (2, 2);
/// assert_eq!(*pair.lock().change().unwrap(), (2, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Poison<T> {
    value: T,
    is_poisoned: bool,
}

/// Using a value that a panic has left half changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Poisoned;

impl fmt::Display for Poisoned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("using a value that a panic has left half changed; mend it with `clear`")
    }
}

impl Error for Poisoned {}

impl<T> Poison<T> {
    /// A value that is whole.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { value, is_poisoned: false }
    }

    /// The value.
    ///
    /// # Errors
    /// [`Poisoned`] after a panic in a change.
    pub const fn get(&self) -> Result<&T, Poisoned> {
        if self.is_poisoned { Err(Poisoned) } else { Ok(&self.value) }
    }

    /// The value, to be changed: a panic while this lives poisons it.
    ///
    /// # Errors
    /// [`Poisoned`] after a panic in a change before.
    pub fn change(&mut self) -> Result<Changing<'_, T>, Poisoned> {
        match self.is_poisoned {
            true => Err(Poisoned),
            false => Ok(Changing { was_panicking: thread::panicking(), poison: self }),
        }
    }

    /// The value, poisoned or not, which is whole from now on.
    pub const fn clear(&mut self) -> &mut T {
        self.is_poisoned = false;
        &mut self.value
    }

    /// Says that the value is not whole.
    pub const fn poison(&mut self) {
        self.is_poisoned = true;
    }

    /// Whether it is refused.
    #[must_use]
    pub const fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }

    /// The value, poisoned or not.
    pub fn into_inner(self) -> T {
        self.value
    }
}

/// A change of a value under way. Made by [`Poison::change`].
#[must_use = "the value is changed through it"]
#[derive(Debug)]
pub struct Changing<'a, T> {
    poison: &'a mut Poison<T>,
    was_panicking: bool,
}

impl<T> Deref for Changing<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.poison.value
    }
}

impl<T> DerefMut for Changing<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.poison.value
    }
}

impl<T> Drop for Changing<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.poison.poison();
        }
    }
}
