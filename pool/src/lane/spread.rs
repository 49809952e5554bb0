//! How a chunk is spread over a lane's outlets.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use smallvec::SmallVec;

use millpond_workers::discard::{Held, Remaining, discard_all};

/// What a chunk becomes at the end of a lane: a chunk per outlet.
pub(super) type Parcel<T> = SmallVec<[Vec<T>; 1]>;

/// Adds clones of items to the end of a list.
type CopyItems<'env, T> = Box<dyn Fn(&[T], &mut Vec<T>) + Send + Sync + 'env>;

/// Names the outlet of an item.
type RouteItem<'env, T> = Box<dyn Fn(&T) -> usize + Send + Sync + 'env>;

/// Which outlets an item goes to.
pub(crate) enum Spread<'env, T> {
    /// The one outlet.
    Whole,
    /// Every outlet gets a clone of every item (the last one gets the item itself).
    Copies(CopyItems<'env, T>),
    /// Each item goes to the outlet that this names.
    Routes(RouteItem<'env, T>),
}

/// A panic while spreading: after how many items, and its payload.
pub(super) type Interrupted = (usize, Box<dyn Any + Send>);

impl<T> Spread<'_, T> {
    /// Spreads a chunk; `is_open` says which outlets anybody can still read from.
    ///
    /// Where cloning or routing an item panics, or an item is routed to an outlet that is not there, the parcel holds the items before
    /// that one.
    pub(super) fn apply(
        &self,
        chunk: Vec<T>,
        outlets: usize,
        is_open: impl Fn(usize) -> bool,
    ) -> (Parcel<T>, Option<Interrupted>) {
        let mut parcel = Parcel::new();
        let interrupted = match self {
            Self::Whole => {
                parcel.push(chunk);
                None
            }
            Self::Copies(copy) => {
                let last = (0..outlets).rfind(|&outlet| is_open(outlet)).unwrap_or(0);
                parcel.resize_with(last, Vec::new);
                let interrupted = copies(copy, &chunk, &mut parcel, is_open);
                parcel.push(chunk);
                if let Some((before, _)) = interrupted {
                    parcel.iter_mut().for_each(|items| discard_all(items.drain(before.min(items.len())..)));
                }
                interrupted
            }
            Self::Routes(route) => {
                parcel.resize_with(outlets, Vec::new);
                routes(route, chunk, &mut parcel)
            }
        };
        (parcel, interrupted)
    }
}

/// Copies a chunk to each open outlet of the parcel.
fn copies<T>(
    copy: &CopyItems<'_, T>,
    chunk: &[T],
    parcel: &mut Parcel<T>,
    is_open: impl Fn(usize) -> bool,
) -> Option<Interrupted> {
    let mut interrupted = None;
    let mut count = chunk.len();
    for (_, items) in parcel.iter_mut().enumerate().filter(|(outlet, _)| is_open(*outlet)) {
        items.reserve_exact(count);
        let copying = catch_unwind(AssertUnwindSafe(|| copy(&chunk[..count], items)));
        if let Err(payload) = copying {
            count = items.len();
            interrupted = Some((count, payload));
        }
    }
    interrupted
}

/// Moves each item of a chunk to its outlet of the parcel.
fn routes<T>(route: &RouteItem<'_, T>, chunk: Vec<T>, parcel: &mut Parcel<T>) -> Option<Interrupted> {
    let mut before = 0;
    let routing = catch_unwind(AssertUnwindSafe(|| {
        for item in Remaining::new(chunk) {
            let item = Held::new(item);
            let (outlet, outlets) = (route(item.get()), parcel.len());
            assert!(
                outlet < outlets,
                "an item was sent to part `{outlet}` of `{outlets}`; the key must be less than the number of parts"
            );
            parcel[outlet].push(item.into_inner());
            before += 1;
        }
    }));
    routing.err().map(|payload| (before, payload))
}
