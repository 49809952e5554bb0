//! How many items a chunk should have.
//!
//! A chunk should take some tens of microseconds: long beside what handing it out costs (a few hundred nanoseconds, a
//! wake-up some tens of microseconds), short beside what a reader waits for. So the grain follows the measured time per item,
//! growing eightfold at most per firing, from one item: the first result comes at once, and a slow function is spread over all
//! workers from the start.

/// What a chunk should take, in nanoseconds.
const CHUNK_NANOS: f32 = 60_000.0;
/// Beyond this a chunk has turned out too large, in nanoseconds: what is left of it is for everyone.
pub(crate) const LATE_NANOS: u128 = 240_000;
/// How long a reader that gives up at some time goes without a look at the clock, in nanoseconds, and for how many items at the most.
const STRIDE_NANOS: f32 = 20_000.0;
const MOST_STRIDE: u32 = 16;
/// How much of the processor's cache a chunk may fill, in bytes.
const CHUNK_BYTES: usize = 32 * 1024;
/// Beyond this, larger chunks gain nothing.
const MOST: usize = 8 * 1024;
/// How many firings are all measured before small, quick chunks are measured by samples.
const MEASURED_FIRINGS: u32 = 16;
/// One in this many quick firings is measured then.
pub(super) const SAMPLE: u32 = 64;
/// One in this many quick items that go without a firing is measured, by a firing of its own, which costs some ten times what the item does.
const SINGLES: u32 = 256;
/// Below this, a firing counts as quick, in nanoseconds.
const QUICK_NANOS: f32 = 1_000.0;

/// The size of a lane's chunks, learned from the time that they take.
#[derive(Debug)]
pub(super) struct Grain {
    /// How many items the next chunk should have.
    chunk: usize,
    /// At most this many, by the size of an item.
    most: usize,
    /// Time per item, smoothed; 0 before the first measurement.
    nanos_per_item: f32,
    firings: u32,
    /// What was known before a chunk took far longer, until it is known why.
    doubted: Option<(usize, f32)>,
    /// How many items may go without a firing before one is measured again, as the last measurement said.
    allowed: u32,
    /// How many of those are left.
    singles_left: u32,
}

impl Grain {
    pub(super) fn new(item_bytes: usize) -> Self {
        let most = (CHUNK_BYTES / item_bytes.max(1)).clamp(16, MOST);
        Self { chunk: 1, most, nanos_per_item: 0.0, firings: 0, doubted: None, allowed: 0, singles_left: 0 }
    }

    /// How many items the next chunk should have.
    pub(super) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Time per item in nanoseconds; 0 before the first measurement.
    pub(super) fn nanos_per_item(&self) -> f32 {
        self.nanos_per_item
    }

    /// Whether a firing of `items` items is known to take hardly any time.
    pub(super) fn is_quick(&self, items: usize) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let nanos = items as f32 * self.nanos_per_item;
        self.nanos_per_item > 0.0 && nanos < QUICK_NANOS
    }

    /// Counts a single item, if it may go without a firing: it is known to be quick, and its turn to be measured has not come.
    #[inline]
    pub(super) fn start_one(&mut self) -> bool {
        let may = self.singles_left > 0;
        self.singles_left -= u32::from(may);
        may
    }

    /// Counts a firing of `items` items and says how many firings the measurement of this one stands for; 0 for none.
    ///
    /// Looking at the clock costs as much as some tens of quick items.
    pub(super) fn start(&mut self, items: usize) -> u32 {
        self.firings = self.firings.wrapping_add(1);
        let singles = self.allowed - self.singles_left;
        if items == 1 && singles > 0 {
            // The turn of a single item to be measured, or one that could not go without a firing.
            (self.allowed, self.singles_left) = (0, 0);
            singles + 1
        } else if self.firings <= MEASURED_FIRINGS || !self.is_quick(items) {
            1
        } else if self.firings.is_multiple_of(SAMPLE) {
            SAMPLE
        } else {
            0
        }
    }

    /// Learns from a firing of `items` items that took `nanos`.
    pub(super) fn learn(&mut self, items: usize, nanos: u64) {
        if items == 0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let per_item = (nanos as f32 / items as f32).max(0.01);
        if let Some((chunk, nanos_per_item)) = self.doubted.take()
            && per_item < QUICK_NANOS.max(nanos_per_item * 10.0)
        {
            // It was the thread.
            (self.chunk, self.nanos_per_item) = (chunk, nanos_per_item);
            return;
        }
        self.nanos_per_item =
            if self.nanos_per_item == 0.0 { per_item } else { self.nanos_per_item * 0.7 + per_item * 0.3 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and clamped next")]
        let ideal = (CHUNK_NANOS / self.nanos_per_item) as usize;
        self.chunk = ideal.clamp(1, self.most).min(self.chunk.saturating_mul(8));
        self.allowed = if self.firings >= MEASURED_FIRINGS && self.is_quick(1) { SINGLES - 1 } else { 0 };
        self.singles_left = self.allowed;
    }

    /// After how many items a reader that gives up at some time looks at the clock: often enough, and not so often that it costs
    /// much beside the items.
    pub(super) fn stride(&self) -> u32 {
        if self.nanos_per_item == 0.0 {
            return 1;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and clamped next")]
        let stride = (STRIDE_NANOS / self.nanos_per_item) as u32;
        stride.clamp(1, MOST_STRIDE)
    }

    /// Whether items are known to be so quick that a look at a word between two of them would be felt.
    pub(super) fn has_quick_items(&self) -> bool {
        self.nanos_per_item > 0.0 && self.nanos_per_item < 20.0
    }

    /// A chunk has taken far longer than was foreseen: the next one is a single item, which shows whether items have become slow
    /// or the thread was just not run for a while.
    pub(super) fn doubt(&mut self) {
        if self.doubted.is_none() {
            self.doubted = Some((self.chunk, self.nanos_per_item));
        }
        (self.chunk, self.nanos_per_item, self.firings) = (1, 0.0, 0);
        (self.allowed, self.singles_left) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_items_grow_the_chunk_eightfold_at_most_up_to_the_cap() {
        let mut grain = Grain::new(8);
        let mut sizes = vec![];
        for _ in 0..6 {
            sizes.push(grain.chunk());
            grain.learn(grain.chunk(), grain.chunk() as u64);
        }
        assert_eq!(sizes, [1, 8, 64, 512, 4096, 4096]);
    }

    #[test]
    fn a_quick_single_item_is_measured_for_those_before_it() {
        let mut grain = Grain::new(8);
        for _ in 0..MEASURED_FIRINGS {
            assert!(!grain.start_one(), "nothing is known of the items yet");
            assert_eq!(grain.start(1), 1);
            grain.learn(1, 50);
        }
        for _ in 0..3 {
            assert_eq!((0..1000).take_while(|_| grain.start_one()).count(), 255);
            assert_eq!(grain.start(1), 256);
            grain.learn(1, 50);
        }
        assert!(grain.start_one());
        assert_eq!(grain.start(1), 2, "one that could not go without a firing");
        grain.learn(1, 5_000_000);
        assert!(!grain.start_one(), "not quick any more");
    }

    #[test]
    fn a_doubt_is_settled_by_one_item() {
        let grown = || {
            let mut grain = Grain::new(8);
            for _ in 0..6 {
                grain.learn(grain.chunk(), grain.chunk() as u64);
            }
            grain
        };
        let mut grain = grown();
        let chunk = grain.chunk();
        grain.doubt();
        assert_eq!(grain.chunk(), 1);
        grain.learn(1, 300);
        assert_eq!(grain.chunk(), chunk, "it was the thread");
        let mut grain = grown();
        grain.doubt();
        grain.doubt();
        grain.learn(1, 5_000_000);
        assert_eq!(grain.chunk(), 1, "they are slow");
    }

    #[test]
    fn slow_items_stay_alone() {
        let mut grain = Grain::new(8);
        grain.learn(1, 5_000_000);
        assert_eq!(grain.chunk(), 1);
    }

    #[test]
    fn large_items_make_small_chunks() {
        let mut grain = Grain::new(4096);
        for _ in 0..9 {
            grain.learn(grain.chunk(), 1);
        }
        assert_eq!(grain.chunk(), 16, "the least that makes a chunk worth while");
    }
}
