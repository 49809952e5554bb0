//! A gate at which a number of parties wait for each other, again and again.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::state::WaiterState;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A gate at which a number of parties wait for each other, again and again.
///
/// A party that times out or goes away **breaks** it for all: whoever waits and whoever comes is
/// told so, until it is [`reset`](Self::reset).
///
/// # Examples
///
/// ```
/// use millpond_sync::Barrier;
///
/// let barrier = Barrier::new(2);
/// std::thread::scope(|scope| {
///     let other = scope.spawn(|| barrier.wait().unwrap());
///     let indices = [barrier.wait().unwrap().index(), other.join().unwrap().index()];
///     assert!(indices == [0, 1] || indices == [1, 0]);
/// });
/// ```
pub struct Barrier {
    parties: u64,
    grants: Grants<Round, Party>,
}

/// The round that is under way.
#[derive(Debug)]
pub struct Round {
    arrived: u64,
    is_broken: bool,
}

/// What a waiter at a [`Barrier`] carries.
#[derive(Debug)]
pub struct Party {
    /// When it arrived in its round; `None` before it has.
    index: Option<u64>,
    is_leader: bool,
    is_broken: bool,
}

/// How a party passed a [`Barrier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Passed {
    index: u64,
    is_leader: bool,
}

impl Passed {
    /// How many had arrived before this party: each number below the number of parties, once in
    /// each round.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Whether this is the one party of the round that arrived last and let the others go on.
    #[must_use]
    pub const fn is_leader(self) -> bool {
        self.is_leader
    }
}

/// Waiting at a barrier that is broken: a party timed out, went away or aborted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BrokenBarrier;

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .write_str("waiting at a barrier that is broken: a party timed out, went away or aborted it; `reset` it")
    }
}

impl Error for BrokenBarrier {}

impl Barrier {
    crate::shim::const_fn! {
        /// A barrier for so many parties.
        ///
        /// # Panics
        /// With 0 parties.
        #[must_use]
        pub const fn new(parties: u64) -> Self {
            assert!(parties > 0, "a barrier has at least 1 party");
            Self { parties, grants: Grants::new(Round { arrived: 0, is_broken: false }) }
        }
    }

    /// Arrives, and waits for the others of the round.
    ///
    /// # Errors
    /// If it is broken, or gets broken meanwhile.
    ///
    /// # Blocking
    /// Until all have arrived.
    pub fn wait(&self) -> Result<Passed, BrokenBarrier> {
        self.wait_deadline(Deadline::NEVER)
    }

    /// Arrives, and waits for the others of the round; breaks it when `timeout` has passed.
    ///
    /// # Errors
    /// If it is broken, or gets broken meanwhile, by this call too.
    ///
    /// # Blocking
    /// Until all have arrived, or that long.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Passed, BrokenBarrier> {
        self.wait_deadline(Deadline::after(timeout))
    }

    /// Arrives, and waits for the others of the round; breaks it at `deadline`.
    ///
    /// # Errors
    /// If it is broken, or gets broken meanwhile, by this call too.
    ///
    /// # Blocking
    /// Until all have arrived, or until then.
    pub fn wait_deadline(&self, deadline: impl Into<Deadline>) -> Result<Passed, BrokenBarrier> {
        host::step(Site::new("waits at a barrier"));
        let ended = Waiting::new(self, Self::wish()).block(deadline.into());
        ended.map_or(Err(BrokenBarrier), |party| party.passed())
    }

    /// Arrives at the first poll, and waits for the others, awaiting them. Dropping the future
    /// after that breaks the barrier, unless the round was complete.
    pub const fn wait_async(&self) -> PassBarrier<'_> {
        PassBarrier { waiting: Waiting::new(self, Self::wish()) }
    }

    /// What a waiter brings; make a [`Waiting`] of it.
    #[must_use]
    pub const fn wish() -> Party {
        Party { index: None, is_leader: false, is_broken: false }
    }

    /// Breaks it: whoever waits and whoever comes is told so.
    pub fn abort(&self) {
        Self::break_in(&mut self.grants.turn());
    }

    /// Makes it whole and empty again; whoever waits is told that it was broken.
    pub fn reset(&self) {
        let mut turn = self.grants.turn();
        Self::break_in(&mut turn);
        turn.is_broken = false;
    }

    fn break_in(turn: &mut Turn<'_, Round, Party>) {
        turn.is_broken = true;
        turn.arrived = 0;
        while let Some(party) = turn.grant_first() {
            party.is_broken = true;
        }
    }

    /// Whether it is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.grants.turn().is_broken
    }

    /// How many parties there are.
    #[must_use]
    pub const fn parties(&self) -> u64 {
        self.parties
    }

    /// How many have arrived in this round and wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl Party {
    /// How it passed.
    ///
    /// # Errors
    /// If the barrier was broken.
    pub fn passed(&self) -> Result<Passed, BrokenBarrier> {
        let index = self.index.filter(|_| !self.is_broken).ok_or(BrokenBarrier)?;
        Ok(Passed { index, is_leader: self.is_leader })
    }
}

impl Granting for Barrier {
    type State = Round;
    type Entry = Party;

    fn grants(&self) -> &Grants<Round, Party> {
        &self.grants
    }

    fn take(&self, turn: &mut Turn<'_, Round, Party>, party: &mut Party) -> bool {
        if turn.is_broken {
            party.is_broken = true;
            return true;
        }
        party.index = Some(turn.arrived);
        turn.arrived += 1;
        let is_complete = turn.arrived == self.parties;
        if is_complete {
            party.is_leader = true;
            turn.arrived = 0;
            while turn.grant_first().is_some() {}
        }
        is_complete
    }

    fn forsake(&self, turn: &mut Turn<'_, Round, Party>, _party: &mut Party, was: WaiterState) {
        // Of a round that is complete nobody is missing.
        if was != WaiterState::Granted {
            Self::break_in(turn);
        }
    }
}

/// A future of having passed a [`Barrier`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct PassBarrier<'a> {
    waiting: Waiting<&'a Barrier>,
}

impl Future for PassBarrier<'_> {
    type Output = Result<Passed, BrokenBarrier>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.get_mut().waiting).poll(context).map(|party| party.passed())
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Barrier");
        shown.field("parties", &self.parties);
        if let Some(turn) = self.grants.try_turn() {
            shown.field("waiting", &turn.waiting()).field("is_broken", &turn.is_broken);
        }
        shown.finish_non_exhaustive()
    }
}
