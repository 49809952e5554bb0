//! The memory that a graph's tasks share: the only `unsafe` of this module.
//!
//! A task and its value lie in one record, bump-allocated in the graph's [`Arena`] so that a record never moves and a
//! consumer can keep the address of the value. Nothing here is locked and nothing is counted: **the schedule is the
//! lock**. What the schedule guarantees is argued in `README.md` beside this file; the SAFETY comments name it by number:
//!
//! * **I1 claim**: between two arrivals of all its inputs a task is handed to exactly one worker, which alone runs it.
//! * **I2 publication**: whatever happened in a task's inputs happens before the task runs (arrival counters and queues
//!   release and acquire), so a value is never written while it is read.
//! * **I3 exclusion**: outside a run, and at a frame's end, nobody but the owner of the graph touches its records.
//! * **I4 gate**: a session is visible to helpers only while the gate is open or a helper is inside, and its owner does
//!   not leave before both are over.
//!
//! This file does not know what is ready, or who runs what: it trusts the scheduler with its contracts.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::time::Duration;

use millpond_sync::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};
use millpond_sync::shim::{hint, thread};

use super::body::Body;
use super::session::Session;
use millpond_sync::host::{self, Site};

/// The place of one task's value.
pub(super) struct Slot<T> {
    value: UnsafeCell<Option<T>>,
}

// SAFETY: by I1 and I2 a slot is written by one worker while no other looks, and read by several afterwards, so sharing
// it needs what sharing a `RwLock<T>` needs.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(super) const fn new(value: Option<T>) -> Self {
        Self { value: UnsafeCell::new(value) }
    }

    /// The value. Contract: called by a consumer (I2) or by the graph's owner (I3).
    pub(super) fn get(&self) -> Option<&T> {
        // SAFETY: I2 and I3: nobody writes while a consumer or the owner looks.
        unsafe { &*self.value.get() }.as_ref()
    }

    /// Puts the value in, dropping an earlier one. Contract: called by the worker that has the task (I1), or by the owner (I3).
    pub(super) fn set(&self, value: T) {
        // SAFETY: I1 and I3: this worker alone has the task, and its consumers have not started.
        unsafe { *self.value.get() = Some(value) }
    }

    /// Takes the value out. Contract: called by the last consumer, once all others have finished (I2), or by the owner (I3).
    pub(super) fn take(&self) -> Option<T> {
        // SAFETY: I2 and I3: nobody else looks any more.
        unsafe { (*self.value.get()).take() }
    }
}

/// The address of another task's value: what a consumer keeps of an input.
pub struct Source<T> {
    slot: NonNull<Slot<T>>,
}

impl<T> Clone for Source<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Source<T> {}

// SAFETY: a source is a `&Slot<T>` whose lifetime is the graph's.
unsafe impl<T: Send + Sync> Send for Source<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Source<T> {}

impl<T> Source<T> {
    /// The value. Contract: as [`Slot::get`], and the reference is not kept beyond the task's run or the borrow of the graph.
    ///
    /// # Panics
    /// When the input has no value, which the schedule rules out.
    pub(super) fn get<'value>(self) -> &'value T {
        // SAFETY: the record lives as long as the graph's arena, which holds the task that reads, too; it never moves.
        let slot = unsafe { self.slot.as_ref() };
        slot.get().expect("an input is there before its consumer runs")
    }

    /// Replaces the value. Contract: called by the graph's owner (I3).
    pub(super) fn set(self, value: T) {
        // SAFETY: as in `get`.
        unsafe { self.slot.as_ref() }.set(value);
    }

    /// Takes the value out. Contract: called by the graph's owner (I3).
    pub(super) fn take(self) -> Option<T> {
        // SAFETY: as in `get`.
        unsafe { self.slot.as_ref() }.take()
    }
}

/// A task's function: called by one worker at a time.
pub(super) struct Owned<F> {
    function: UnsafeCell<F>,
    /// Catches a scheduler that gives one task to two workers at once.
    #[cfg(debug_assertions)]
    is_busy: millpond_sync::shim::atomic::AtomicBool,
}

// SAFETY: by I1 one worker at a time enters, and I2 orders the visits: it moves between threads, it is not shared.
unsafe impl<F: Send> Sync for Owned<F> {}

impl<F> Owned<F> {
    pub(super) const fn new(function: F) -> Self {
        Self {
            function: UnsafeCell::new(function),
            #[cfg(debug_assertions)]
            is_busy: millpond_sync::shim::atomic::AtomicBool::new(false),
        }
    }

    /// Lends the function. Contract: called by the worker that has the task (I1), or by the owner (I3), and not from within `visit`.
    #[inline]
    pub(super) fn with<R>(&self, visit: impl FnOnce(&mut F) -> R) -> R {
        #[cfg(debug_assertions)]
        let _visit = self.visit_once();
        // SAFETY: I1 and I3: nobody else is here.
        visit(unsafe { &mut *self.function.get() })
    }

    #[cfg(debug_assertions)]
    fn visit_once(&self) -> impl Drop + '_ {
        struct Visit<'a>(&'a millpond_sync::shim::atomic::AtomicBool);
        impl Drop for Visit<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Relaxed);
            }
        }
        assert!(!self.is_busy.swap(true, Ordering::Relaxed), "a task is given to two workers at once");
        Visit(&self.is_busy)
    }
}

/// A task's record, behind a pointer that the graph's owner and its workers share.
#[derive(Clone, Copy)]
pub(super) struct BodyRef<'env>(NonNull<dyn Body<'env> + 'env>);

// SAFETY: records are made of `Send` functions and `Send + Sync` values (the bounds of `Graph`'s methods that add tasks),
// and workers meet in them as I1 and I2 say.
unsafe impl Send for BodyRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for BodyRef<'_> {}

impl<'env> BodyRef<'env> {
    /// The record. Contract: called while the graph is borrowed.
    #[inline]
    pub(super) fn get(&self) -> &(dyn Body<'env> + 'env) {
        // SAFETY: the record lives in the graph's arena, which only grows until the graph is dropped.
        unsafe { self.0.as_ref() }
    }

    /// The place of the task's value, which is a `T`: the task's handle says so.
    ///
    /// Contract: `T` is the type that the record was made with. A handle `Task<T>` comes from the graph that added the
    /// task, and the graph's key in it was compared.
    pub(super) fn source<T>(&self) -> Source<T> {
        Source { slot: self.get().slot().cast() }
    }
}

/// Room for records, that never move.
#[derive(Default)]
struct Arena {
    chunks: Vec<Vec<MaybeUninit<u128>>>,
    /// Where the next record may begin, and how many bytes follow there.
    free: Option<NonNull<u8>>,
    left: usize,
}

const FIRST_CHUNK_BYTES: usize = 1 << 10;
const LARGEST_CHUNK_BYTES: usize = 1 << 18;

impl Arena {
    #[inline]
    fn place<B>(&mut self, body: B) -> NonNull<B> {
        let room = match self.fit(align_of::<B>(), size_of::<B>()) {
            Some(room) => room,
            None => self.grow_and_fit(align_of::<B>(), size_of::<B>()),
        };
        let record = room.cast::<B>();
        // SAFETY: `fit` returned room for a `B`, aligned for it, inside a chunk and given to nobody else.
        unsafe { record.write(body) };
        record
    }

    #[inline]
    fn fit(&mut self, align: usize, size: usize) -> Option<NonNull<u8>> {
        let free = self.free?;
        let skip = free.as_ptr().align_offset(align);
        let taken = skip.checked_add(size)?;
        if taken > self.left {
            return None;
        }
        // SAFETY: `skip <= taken <= left`, so this stays within the chunk.
        let room = unsafe { free.add(skip) };
        // SAFETY: `skip + size <= left`, so this is at most one past the chunk's end.
        self.free = Some(unsafe { room.add(size) });
        self.left -= taken;
        Some(room)
    }

    #[cold]
    fn grow_and_fit(&mut self, align: usize, size: usize) -> NonNull<u8> {
        let doubled = FIRST_CHUNK_BYTES << self.chunks.len().min(16);
        let bytes = doubled.min(LARGEST_CHUNK_BYTES).max(size + align);
        let mut chunk = Vec::with_capacity(bytes.div_ceil(size_of::<u128>()));
        self.left = chunk.capacity() * size_of::<u128>();
        self.free = NonNull::new(chunk.as_mut_ptr()).map(NonNull::cast);
        self.chunks.push(chunk);
        self.fit(align, size).expect("a fresh chunk holds the record that it was made for")
    }
}

/// All records of a graph, in the order of their tasks.
#[derive(Default)]
pub(super) struct Bodies<'env> {
    list: Vec<BodyRef<'env>>,
    arena: Arena,
}

// SAFETY: the arena's pointer is into chunks that it owns, and what lies there is `Send` by the bounds of `push`.
unsafe impl Send for Bodies<'_> {}
// SAFETY: a shared `Bodies` gives `BodyRef`s only, which are `Sync`.
unsafe impl Sync for Bodies<'_> {}

impl<'env> Bodies<'env> {
    #[inline]
    pub(super) fn push<B: Body<'env> + Send + Sync + 'env>(&mut self, body: B) {
        let record: NonNull<dyn Body<'env> + 'env> = self.arena.place(body);
        self.list.push(BodyRef(record));
    }

    pub(super) fn list(&self) -> &[BodyRef<'env>] {
        &self.list
    }

    pub(super) fn reserve(&mut self, tasks: usize) {
        self.list.reserve(tasks);
    }
}

impl Drop for Bodies<'_> {
    fn drop(&mut self) {
        for body in self.list.drain(..) {
            // SAFETY: each record was placed once and is in the list once; I3: no worker is left. A panic in a
            // destructor leaks the records behind it, which is allowed.
            unsafe { ptr::drop_in_place(body.0.as_ptr()) };
        }
    }
}

/// Where helpers find the session of a running graph, and where its owner waits until they have left.
///
/// `state` holds "open" in its lowest bit and twice the number of helpers inside above it.
#[derive(Default)]
pub(super) struct Gate {
    state: AtomicUsize,
    session: AtomicPtr<Session<'static, 'static>>,
}

/// Helpers share the session, which the erased pointer in the gate does not check.
const _: () = {
    const fn is_shared<T: Sync>() {}
    is_shared::<Session<'static, 'static>>();
};

const OPEN: usize = 1;
const ONE_INSIDE: usize = 2;

impl Gate {
    /// Lets helpers in until the guard is dropped, which waits for those inside.
    pub(super) fn open<'gate>(&'gate self, session: &'gate Session<'_, '_>) -> OpenGate<'gate> {
        self.session.store(ptr::from_ref(session).cast_mut().cast(), Ordering::Relaxed);
        // Release: a helper that finds the gate open finds the session behind it. Whoever is still inside a former
        // opening was waited for, so only the open bit changes.
        self.state.fetch_or(OPEN, Ordering::Release);
        OpenGate { gate: self }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Relaxed) & OPEN != 0
    }

    /// Shows the session to a helper, if the gate is open.
    pub(super) fn enter<R>(&self, visit: impl FnOnce(&Session<'_, '_>) -> R) -> Option<R> {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & OPEN != 0 {
            match self.state.compare_exchange_weak(state, state + ONE_INSIDE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    let _inside = Inside { gate: self };
                    host::step(Site::new("comes into a run"));
                    let session = self.session.load(Ordering::Relaxed);
                    // SAFETY: I4: the gate was open when this helper was counted in, so the session's owner waits until
                    // `_inside` is dropped. `visit` cannot keep the reference: it works for any lifetimes.
                    return Some(visit(unsafe { &*session }));
                }
                Err(now) => state = now,
            }
        }
        None
    }
}

/// Counts one helper out again.
struct Inside<'gate> {
    gate: &'gate Gate,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // Release: all that this helper did happens before the owner leaves.
        self.gate.state.fetch_sub(ONE_INSIDE, Ordering::Release);
    }
}

/// How long an owner sleeps at a time that waits for helpers to leave.
const NAP: Duration = Duration::from_micros(50);

/// An open gate; see [`Gate::open`].
pub(super) struct OpenGate<'gate> {
    gate: &'gate Gate,
}

impl Drop for OpenGate<'_> {
    fn drop(&mut self) {
        self.gate.state.fetch_and(!OPEN, Ordering::Relaxed);
        host::step(Site::new("hides its run"));
        let mut rounds = 0_u32;
        // Acquire: pairs with the release of the last helper that leaves. Those of a simulation that cannot go on never leave, and
        // never run again either.
        while self.gate.state.load(Ordering::Acquire) >= ONE_INSIDE && !host::is_over() {
            if host::give_way() {
                continue;
            }
            rounds = rounds.saturating_add(1);
            if rounds < 1_000 {
                hint::spin_loop();
            } else if rounds < 2_000 {
                thread::yield_now();
            } else {
                // Yielding makes no way for a helper of a lower priority.
                host::sleep(NAP);
            }
        }
    }
}
