//! How a chunk is spread over a lane's outlets.

use smallvec::SmallVec;

/// What a chunk becomes at the end of a lane: a chunk per outlet.
pub(super) type Parcel<T> = SmallVec<[Vec<T>; 1]>;

/// Clones a chunk.
type CopyChunk<'env, T> = Box<dyn Fn(&[T]) -> Vec<T> + Send + Sync + 'env>;

/// Which outlets an item goes to.
pub(crate) enum Spread<'env, T> {
    /// The one outlet.
    Whole,
    /// Every outlet gets a clone of every item (the last one gets the item itself).
    Copies(CopyChunk<'env, T>),
    /// Each item goes to the outlet that this names.
    Routes(Box<dyn Fn(&T) -> usize + Send + Sync + 'env>),
}

impl<T> Spread<'_, T> {
    /// Spreads a chunk into `parcel`; `is_open` says which outlets anybody can still read from.
    ///
    /// # Panics
    /// When cloning or routing does, or when an item is routed to an outlet that is not there; items routed before that
    /// are in the parcel.
    pub(super) fn apply(&self, chunk: Vec<T>, parcel: &mut Parcel<T>, outlets: usize, is_open: impl Fn(usize) -> bool) {
        match self {
            Self::Whole => parcel.push(chunk),
            Self::Copies(copy) => {
                let last = (0..outlets).rfind(|&outlet| is_open(outlet)).unwrap_or(0);
                parcel.extend((0..last).map(|outlet| if is_open(outlet) { copy(&chunk) } else { Vec::new() }));
                parcel.push(chunk);
            }
            Self::Routes(route) => {
                parcel.extend((0..outlets).map(|_| Vec::new()));
                for item in chunk {
                    let outlet = route(&item);
                    assert!(
                        outlet < outlets,
                        "an item was sent to part `{outlet}` of `{outlets}`; the key must be less than the number of parts"
                    );
                    parcel[outlet].push(item);
                }
            }
        }
    }
}
