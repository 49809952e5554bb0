//! The records of a graph's tasks: each a task and its value, bump-allocated so that it never moves
//! and a consumer can keep the address of the value.
//!
//! The SAFETY comments name the invariants of [`cells`](super::cells).

use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use super::body::Body;
use super::cells::Source;

/// A task's record, behind a pointer that the graph's owner and its workers share.
#[derive(Clone, Copy)]
pub(super) struct BodyRef<'env>(NonNull<dyn Body<'env> + 'env>);

// SAFETY: records are made of `Send` functions and `Send + Sync` values (the bounds of `Graph`'s
// methods that add tasks), and workers meet in them as I1 and I2 say.
unsafe impl Send for BodyRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for BodyRef<'_> {}

impl<'env> BodyRef<'env> {
    /// The record. Contract: called while the graph is borrowed.
    #[inline]
    pub(super) fn get(&self) -> &(dyn Body<'env> + 'env) {
        // SAFETY: the record lives in the graph's arena, which only grows until the graph is
        // dropped.
        unsafe { self.0.as_ref() }
    }

    /// The place of the task's value, which is a `T`: the task's handle says so.
    ///
    /// Contract: `T` is the type that the record was made with. A handle `Task<T>` comes from the
    /// graph that added the task, and the graph's key in it was compared.
    pub(super) fn source<T>(&self) -> Source<T> {
        Source::new(self.get().slot())
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
        // SAFETY: `fit` returned room for a `B`, aligned for it, inside a chunk and given to nobody
        // else.
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

// SAFETY: the arena's pointer is into chunks that it owns, and what lies there is `Send` by the
// bounds of `push`.
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
            // SAFETY: each record was placed once and is in the list once; I3: no worker is left. A
            // panic in a destructor leaks the records behind it, which is allowed.
            unsafe { ptr::drop_in_place(body.0.as_ptr()) };
        }
    }
}
