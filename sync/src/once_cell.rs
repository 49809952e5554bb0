//! A value that is made once, by whoever asks first.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::state::WaiterState;
use std::fmt;
use std::future::Future;
use std::sync::OnceLock;

/// A value that is made once, by whoever asks first; whoever asks meanwhile waits.
///
/// A call that fails, panics or is dropped leaves the cell empty, and the next one that waits makes
/// the value. Reading it afterwards is one load.
///
/// # Examples
///
/// ```
/// use millpond_sync::OnceCell;
///
/// static CONFIG: OnceCell<u32> = OnceCell::new();
///
/// assert_eq!(CONFIG.get_or_try_init(|| Err("not yet")), Err("not yet"));
/// assert_eq!(CONFIG.get_or_init(|| 7), &7);
/// assert_eq!(CONFIG.get_or_init(|| unreachable!("it is there")), &7);
/// ```
pub struct OnceCell<T> {
    value: OnceLock<T>,
    grants: Grants<Making, Asks>,
}

/// Whether somebody makes the value.
#[derive(Debug, Default)]
pub struct Making(bool);

/// What a waiter for a [`OnceCell`] carries: whether it is to make the value.
#[derive(Debug, Default)]
pub struct Asks {
    is_maker: bool,
}

/// The right to make the value; dropping it lets the next one try.
struct Maker<'a, T>(&'a OnceCell<T>);

impl<T> Drop for Maker<'_, T> {
    fn drop(&mut self) {
        self.0.end(&mut self.0.grants.turn());
    }
}

impl<T> OnceCell<T> {
    crate::shim::const_fn! {
        /// An empty cell.
        #[must_use]
        pub const fn new() -> Self {
            Self { value: OnceLock::new(), grants: Grants::new(Making(false)) }
        }
    }

    /// The value, if it has been made. Never waits.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, by exclusive access.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Puts a value into an empty cell.
    ///
    /// # Errors
    /// The value, if the cell has one or somebody is making it.
    pub fn set(&self, value: T) -> Result<(), T> {
        host::step(Site::new("sets a value"));
        let mut asks = Asks::default();
        let is_taken = self.take(&mut self.grants.turn(), &mut asks);
        if !is_taken || !asks.is_maker {
            return Err(value);
        }
        let _maker = Maker(self);
        self.value.set(value)
    }

    /// The value; made by `make` if there is none and nobody makes it.
    ///
    /// # Blocking
    /// While somebody else makes it. For ever if `make` asks for the same cell.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let made = self.get_or_try_init(|| Ok::<T, std::convert::Infallible>(make()));
        made.unwrap_or_else(|never| match never {})
    }

    /// The value; made by `make` if there is none and nobody makes it.
    ///
    /// # Errors
    /// What `make` fails with. The cell is empty then, and the next one that waits makes the value.
    ///
    /// # Blocking
    /// While somebody else makes it. For ever if `make` asks for the same cell.
    pub fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        host::step(Site::new("asks for a value"));
        let asks = Waiting::new(self, Asks::default()).block(Deadline::NEVER);
        if asks.is_ok_and(|asks| asks.is_maker) {
            let _maker = Maker(self);
            let value = make()?;
            return Ok(self.value.get_or_init(|| value));
        }
        Ok(self.get().expect("who does not make the value has waited for it"))
    }

    /// The value, awaiting it; made by the future of `make` if there is none and nobody makes it.
    ///
    /// Dropping the future leaves the list; if it was making the value, the next one that waits
    /// does.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::{OnceCell, Parker};
    ///
    /// let cell = OnceCell::new();
    /// let value = Parker::block_on(cell.get_or_init_async(async || 5));
    /// assert_eq!(value, &5);
    /// ```
    pub async fn get_or_init_async<F: Future<Output = T>>(&self, make: impl FnOnce() -> F) -> &T {
        let made = self.get_or_try_init_async(|| async { Ok::<T, std::convert::Infallible>(make().await) }).await;
        made.unwrap_or_else(|never| match never {})
    }

    /// The value, awaiting it; made by the future of `make` if there is none and nobody makes it.
    ///
    /// Dropping the future leaves the list; if it was making the value, the next one that waits
    /// does.
    ///
    /// # Errors
    /// What `make` fails with. The cell is empty then, and the next one that waits makes the value.
    pub async fn get_or_try_init_async<E, F: Future<Output = Result<T, E>>>(
        &self,
        make: impl FnOnce() -> F,
    ) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        if Waiting::new(self, Asks::default()).await.is_maker {
            let _maker = Maker(self);
            let value = make().await?;
            return Ok(self.value.get_or_init(|| value));
        }
        Ok(self.get().expect("who does not make the value has waited for it"))
    }

    /// The value.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Whoever made the value has ended, with it or without: all go on, or the next one makes it.
    fn end(&self, turn: &mut Turn<'_, Making, Asks>) {
        turn.0 = false;
        if self.value.get().is_some() {
            while turn.grant_first().is_some() {}
        } else if let Some(asks) = turn.grant_first() {
            asks.is_maker = true;
            turn.0 = true;
        }
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl<T> Granting for OnceCell<T> {
    type State = Making;
    type Entry = Asks;

    fn grants(&self) -> &Grants<Making, Asks> {
        &self.grants
    }

    fn take(&self, turn: &mut Turn<'_, Making, Asks>, asks: &mut Asks) -> bool {
        if self.value.get().is_some() {
            return true;
        }
        asks.is_maker = !turn.0;
        turn.0 = true;
        asks.is_maker
    }

    fn forsake(&self, turn: &mut Turn<'_, Making, Asks>, asks: &mut Asks, was: WaiterState) {
        if was == WaiterState::Granted && std::mem::take(&mut asks.is_maker) {
            self.end(turn);
        }
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OnceCell").field("value", &self.get()).finish_non_exhaustive()
    }
}
