//! A number of tokens, of which each borrower has at most one.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::state::WaiterState;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// A number of tokens, of which each borrower has at most one.
///
/// Unlike a [`Semaphore`](crate::Semaphore) it knows who has a token, refuses a second one, and its
/// number may be changed at any time: if it is lower than what is borrowed, nobody gets one until
/// enough have been given back.
///
/// The order of keys is asked for under the limiter's lock, so comparing them must not use the
/// limiter.
///
/// # Examples
///
/// ```
/// use millpond_sync::{BorrowError, Limiter};
///
/// let connections = Limiter::new(1);
/// let token = connections.borrow("a").unwrap();
/// assert_eq!(connections.try_borrow("a").err(), Some(BorrowError::Already));
/// assert_eq!(connections.try_borrow("b").err(), Some(BorrowError::TimedOut));
/// connections.set_total(2);
/// assert!(connections.try_borrow("b").is_ok());
/// # drop(token);
/// ```
pub struct Limiter<K> {
    grants: Grants<Tokens<K>, Borrower<K>>,
}

/// The tokens of a [`Limiter`].
#[derive(Debug)]
pub struct Tokens<K> {
    total: usize,
    borrowers: BTreeSet<K>,
}

/// What a waiter for a [`Limiter`] carries.
#[derive(Debug)]
pub struct Borrower<K> {
    key: K,
    is_refused: bool,
}

impl<K> Borrower<K> {
    /// Whether it has a token already, and got no other.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.is_refused
    }
}

/// Why no token was borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BorrowError {
    /// The borrower has one.
    Already,
    /// There was none in time, or others waited before.
    TimedOut,
}

impl fmt::Display for BorrowError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Already => "borrowing a token by who has one; give it back first",
            Self::TimedOut => "borrowing a token timed out",
        })
    }
}

impl Error for BorrowError {}

/// Giving back a token that was not borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotBorrowed;

impl fmt::Display for NotBorrowed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("giving back a token that was not borrowed")
    }
}

impl Error for NotBorrowed {}

impl<K: Ord + Clone> Limiter<K> {
    crate::shim::const_fn! {
        /// With so many tokens; 0 lets nobody in until there are more.
        #[must_use]
        pub const fn new(total: usize) -> Self {
            Self { grants: Grants::new(Tokens { total, borrowers: BTreeSet::new() }) }
        }
    }

    /// Borrows a token for `key` if one is free and nobody waits.
    ///
    /// # Errors
    /// [`BorrowError`].
    pub fn try_borrow(&self, key: K) -> Result<Token<'_, K>, BorrowError> {
        self.try_take(key.clone()).map(|()| Token { limiter: self, key })
    }

    /// Borrows a token for `key`.
    ///
    /// # Errors
    /// [`BorrowError::Already`] if it has one.
    ///
    /// # Blocking
    /// Until one is free and whoever waited before has been served.
    pub fn borrow(&self, key: K) -> Result<Token<'_, K>, BorrowError> {
        self.borrow_deadline(key, Deadline::NEVER)
    }

    /// Borrows a token for `key`, or gives up when `timeout` has passed.
    ///
    /// # Errors
    /// [`BorrowError`].
    ///
    /// # Blocking
    /// Until one is free and whoever waited before has been served, or that long.
    pub fn borrow_timeout(&self, key: K, timeout: Duration) -> Result<Token<'_, K>, BorrowError> {
        self.borrow_deadline(key, Deadline::after(timeout))
    }

    /// Borrows a token for `key`, or gives up at `deadline`. Tries once if that has passed.
    ///
    /// # Errors
    /// [`BorrowError`].
    ///
    /// # Blocking
    /// Until one is free and whoever waited before has been served, or until then.
    pub fn borrow_deadline(&self, key: K, deadline: impl Into<Deadline>) -> Result<Token<'_, K>, BorrowError> {
        self.take_deadline(key.clone(), deadline).map(|()| Token { limiter: self, key })
    }

    /// Borrows a token for `key`, awaiting it.
    ///
    /// Dropping the future gives up its place in the list; a token that it was granted goes to the
    /// next.
    ///
    /// # Errors
    /// [`BorrowError::Already`] if it has one.
    pub async fn borrow_async(&self, key: K) -> Result<Token<'_, K>, BorrowError> {
        host::step(Site::new("asks to borrow"));
        let borrower = Waiting::new(self, Self::wish(key)).await;
        if borrower.is_refused { Err(BorrowError::Already) } else { Ok(Token { limiter: self, key: borrower.key }) }
    }

    /// Borrows a token without a guard, if one is free and nobody waits; give it back with
    /// [`give_back`](Self::give_back).
    ///
    /// # Errors
    /// [`BorrowError`].
    pub fn try_take(&self, key: K) -> Result<(), BorrowError> {
        host::step(Site::new("tries to borrow"));
        let mut borrower = Self::wish(key);
        let is_taken = self.take(&mut self.grants.turn(), &mut borrower);
        match (is_taken, borrower.is_refused) {
            (_, true) => Err(BorrowError::Already),
            (true, false) => Ok(()),
            (false, false) => Err(BorrowError::TimedOut),
        }
    }

    /// Borrows a token without a guard, or gives up at `deadline`; give it back with
    /// [`give_back`](Self::give_back).
    ///
    /// # Errors
    /// [`BorrowError`].
    ///
    /// # Blocking
    /// As [`borrow_deadline`](Self::borrow_deadline).
    pub fn take_deadline(&self, key: K, deadline: impl Into<Deadline>) -> Result<(), BorrowError> {
        host::step(Site::new("asks to borrow"));
        match Waiting::new(self, Self::wish(key)).block(deadline.into()) {
            Ok(borrower) if borrower.is_refused => Err(BorrowError::Already),
            Ok(_) => Ok(()),
            Err(_) => Err(BorrowError::TimedOut),
        }
    }

    /// What an awaiting waiter asks for; make a [`Waiting`] of it.
    #[must_use]
    pub const fn wish(key: K) -> Borrower<K> {
        Borrower { key, is_refused: false }
    }

    /// Gives a token back that `key` has borrowed. Never waits.
    ///
    /// # Errors
    /// [`NotBorrowed`] if it has none.
    pub fn give_back(&self, key: &K) -> Result<(), NotBorrowed> {
        let key = {
            let mut turn = self.grants.turn();
            let key = turn.borrowers.take(key).ok_or(NotBorrowed)?;
            Self::settle(&mut turn);
            key
        };
        // The key is the user's, so it is dropped when the lock is free.
        drop(key);
        host::step(Site::new("gave a token back"));
        Ok(())
    }

    /// Changes how many tokens there are; if they are more, those who wait get them.
    pub fn set_total(&self, total: usize) {
        let mut turn = self.grants.turn();
        turn.total = total;
        Self::settle(&mut turn);
    }

    fn settle(turn: &mut Turn<'_, Tokens<K>, Borrower<K>>) {
        while let Some(borrower) = turn.first() {
            let key = borrower.key.clone();
            let is_refused = turn.borrowers.contains(&key);
            if !is_refused && turn.borrowers.len() >= turn.total {
                return;
            }
            if let Some(borrower) = turn.try_grant_first() {
                borrower.is_refused = is_refused;
                if !is_refused {
                    turn.borrowers.insert(key);
                }
            }
        }
    }

    /// How many tokens there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.grants.turn().total
    }

    /// How many are borrowed. A moment's view.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        self.grants.turn().borrowers.len()
    }

    /// How many are free; 0 if more are borrowed than there are now. A moment's view.
    #[must_use]
    pub fn available(&self) -> usize {
        let turn = self.grants.turn();
        turn.total.saturating_sub(turn.borrowers.len())
    }

    /// Who has one, in order. A moment's view.
    #[must_use]
    pub fn borrowers(&self) -> Vec<K> {
        self.grants.turn().borrowers.iter().cloned().collect()
    }

    /// Whether `key` has one.
    #[must_use]
    pub fn has_borrowed(&self, key: &K) -> bool {
        self.grants.turn().borrowers.contains(key)
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl<K: Ord + Clone> Granting for Limiter<K> {
    type State = Tokens<K>;
    type Entry = Borrower<K>;

    fn grants(&self) -> &Grants<Tokens<K>, Borrower<K>> {
        &self.grants
    }

    fn take(&self, turn: &mut Turn<'_, Tokens<K>, Borrower<K>>, borrower: &mut Borrower<K>) -> bool {
        borrower.is_refused = turn.borrowers.contains(&borrower.key);
        let is_taken = turn.first().is_none() && turn.borrowers.len() < turn.total;
        if is_taken && !borrower.is_refused {
            turn.borrowers.insert(borrower.key.clone());
        }
        is_taken || borrower.is_refused
    }

    fn forsake(&self, turn: &mut Turn<'_, Tokens<K>, Borrower<K>>, borrower: &mut Borrower<K>, was: WaiterState) {
        if was == WaiterState::Granted && !borrower.is_refused {
            turn.borrowers.remove(&borrower.key);
        }
        Self::settle(turn);
    }
}

/// A token of a [`Limiter`], given back when it is dropped.
#[must_use = "dropping a token gives it back at once"]
pub struct Token<'a, K: Ord + Clone> {
    limiter: &'a Limiter<K>,
    key: K,
}

impl<K: Ord + Clone> Token<'_, K> {
    /// Who has borrowed it.
    pub const fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Ord + Clone> Drop for Token<'_, K> {
    fn drop(&mut self) {
        // It may have been given back by its key meanwhile.
        let _given_back = self.limiter.give_back(&self.key);
    }
}

impl<K: Ord + Clone + fmt::Debug> fmt::Debug for Token<'_, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("key", &self.key).finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for Limiter<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Limiter");
        if let Some(turn) = self.grants.try_turn() {
            shown.field("total", &turn.total).field("borrowed", &turn.borrowers.len());
        }
        shown.finish_non_exhaustive()
    }
}
