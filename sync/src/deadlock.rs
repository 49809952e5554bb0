//! Finding owners that wait for each other in a ring.
//!
//! An owner that is about to wait says for which lock ([`Waits`]), and then the ring is looked for:
//! from the lock to its holder, from the holder to the lock that it waits for, and so on. Quick
//! paths know nothing of it.
//!
//! **The one that closes a ring finds it.** An owner is listed before it looks, both under one lock, and stays listed
//! while it waits. So of the owners in a ring the last one to be listed sees all others.
//!
//! **What is found is one.** Who waits releases nothing, so a ring that was there once stays. What may be out of date is
//! the listing of an owner that was granted its lock and has not run yet; it is the holder then,
//! and waits for nothing. A second walk confirms that all holders are still the same.

use crate::deadline::Deadline;
use crate::granting::Waiting;
use crate::owner::Owner;
use crate::raw_mutex::RawMutex;
use crate::raw_reentrant_mutex::RawReentrantMutex;
use crate::shim::Mutex;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A lock whose holder is known.
pub trait Held: Send + Sync {
    /// Who holds it, if anybody does.
    fn holder(&self) -> Option<Owner>;

    /// What it is called in an error.
    fn name(&self) -> String {
        String::from("a lock")
    }
}

impl Held for RawMutex {
    fn holder(&self) -> Option<Owner> {
        self.owner()
    }
}

impl Held for RawReentrantMutex {
    fn holder(&self) -> Option<Owner> {
        self.mutex().owner()
    }
}

/// Who waits for which lock.
static WAITS: Mutex<BTreeMap<Owner, Wait>> = Mutex::new(BTreeMap::new());

struct Wait {
    lock: Arc<dyn Held>,
    /// Whether the wait ends by its grant only.
    is_endless: bool,
}

/// One step of a walk: an owner, and the lock that it waits for.
#[derive(Clone)]
pub struct Link {
    /// Who waits.
    pub owner: Owner,
    /// For what.
    pub lock: Arc<dyn Held>,
    /// Whether the wait ends by its grant only.
    pub is_endless: bool,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Link");
        shown.field("owner", &self.owner).field("lock", &self.lock.name()).finish_non_exhaustive()
    }
}

/// A wait that could not end: each owner of the ring waits for a lock that the next one holds.
#[derive(Clone, Debug)]
pub struct Deadlock {
    /// The ring, from the owner that closed it.
    pub ring: Vec<Link>,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("waiting for ever: ")?;
        for (number, link) in self.ring.iter().enumerate() {
            let holder = self.ring[(number + 1) % self.ring.len()].owner;
            let separator = if number == 0 { "" } else { ", " };
            let (owner, holder) = (link.owner.get(), holder.get());
            write!(formatter, "{separator}owner {owner} waits for {}, which owner {holder} holds", link.lock.name())?;
        }
        formatter.write_str("; take the locks in one order everywhere")
    }
}

impl Error for Deadlock {}

/// A wait that is listed; dropping it takes it off the list.
#[must_use = "dropping it takes the wait off the list"]
#[derive(Debug)]
pub struct Waits {
    owner: Owner,
}

impl Waits {
    /// Lists that `owner` is about to wait for `lock`, and looks whether that closes a ring of
    /// waits that are all endless.
    ///
    /// Call it when the lock could not be had at once, before the wait, and drop it after it.
    ///
    /// # Errors
    /// [`Deadlock`], with nothing listed, if it does, or if `owner` holds the lock itself.
    pub fn list(owner: Owner, lock: Arc<dyn Held>, is_endless: bool) -> Result<Self, Deadlock> {
        let mut waits = WAITS.lock();
        if is_endless && lock.holder() == Some(owner) {
            return Err(Deadlock { ring: vec![Link { owner, lock, is_endless }] });
        }
        waits.insert(owner, Wait { lock, is_endless });
        let listed = Self { owner };
        let ring = walk(&waits, owner);
        let is_confirmed = is_ring(&ring) && {
            let again = walk(&waits, owner);
            ring.iter().map(|link| link.owner).eq(again.iter().map(|link| link.owner)) && is_ring(&again)
        };
        drop(waits);
        if is_confirmed { Err(Deadlock { ring }) } else { Ok(listed) }
    }

    /// Looks once more whether the wait is one of a ring, for owners that look now and then while
    /// they wait.
    ///
    /// # Errors
    /// [`Deadlock`] if it is.
    pub fn check(&self) -> Result<(), Deadlock> {
        let ring = walk(&WAITS.lock(), self.owner);
        if is_ring(&ring) { Err(Deadlock { ring }) } else { Ok(()) }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        // A lock may be the last of its kind, so it is dropped when the list is free.
        let removed = WAITS.lock().remove(&self.owner);
        drop(removed);
    }
}

/// From `owner` to the lock that it waits for, to its holder, and so on: who waits for what. Ends
/// at a holder that does not wait, or, in a ring, before the owner that comes again.
///
/// For bindings, which know of an owner whether it still exists.
#[must_use]
pub fn chain(owner: Owner) -> Vec<Link> {
    walk(&WAITS.lock(), owner)
}

fn walk(waits: &BTreeMap<Owner, Wait>, begin: Owner) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut owner = begin;
    while let Some(wait) = waits.get(&owner) {
        let lock = Arc::clone(&wait.lock);
        let holder = lock.holder();
        // Who holds what it waited for has been granted it and has not run yet.
        if holder == Some(owner) {
            break;
        }
        links.push(Link { owner, lock, is_endless: wait.is_endless });
        match holder {
            Some(holder) if links.iter().all(|link| link.owner != holder) => owner = holder,
            _ => break,
        }
    }
    links
}

/// Whether a walk came back to where it began, by endless waits only.
fn is_ring(links: &[Link]) -> bool {
    let (Some(first), Some(last)) = (links.first(), links.last()) else { return false };
    last.lock.holder() == Some(first.owner) && links.iter().all(|link| link.is_endless)
}

impl RawMutex {
    /// Takes the lock, unless the deadline passes before; returns whether it did. Looks for a ring
    /// before it blocks.
    ///
    /// # Errors
    /// [`Deadlock`] if the wait has no deadline and could not end.
    ///
    /// # Blocking
    /// As [`lock_deadline`](Self::lock_deadline).
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::{Deadline, Owner, Policy, RawMutex};
    /// use std::sync::Arc;
    ///
    /// let (lock, me) = (Arc::new(RawMutex::new(Policy::Eventual)), Owner::new());
    /// assert!(lock.lock_detecting(me, Deadline::NEVER).unwrap());
    /// assert!(lock.lock_detecting(me, Deadline::NEVER).is_err(), "it would wait for itself");
    /// ```
    pub fn lock_detecting(self: &Arc<Self>, owner: Owner, deadline: impl Into<Deadline>) -> Result<bool, Deadlock> {
        let deadline = deadline.into();
        if self.try_lock(Some(owner)) {
            return Ok(true);
        }
        let _waits = Waits::list(owner, Arc::<Self>::clone(self), deadline == Deadline::NEVER)?;
        Ok(self.lock_deadline(Some(owner), deadline))
    }

    /// Takes the lock, awaiting it. Looks for a ring before it enters the list.
    ///
    /// Dropping the future leaves the list; a lock that it was handed goes to the next.
    ///
    /// # Errors
    /// [`Deadlock`] if the wait could not end.
    pub async fn lock_detecting_async(self: &Arc<Self>, owner: Owner) -> Result<(), Deadlock> {
        if !self.try_lock(Some(owner)) {
            let _waits = Waits::list(owner, Arc::<Self>::clone(self), true)?;
            Waiting::new(&**self, Self::wish(Some(owner))).await;
        }
        Ok(())
    }
}
