//! Slow calls that note whether others are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a call waits for another one, at the most: there may be no room for one until this one
/// is over.
const PATIENCE: Duration = Duration::from_millis(100);

/// Calls, and how many of them met others.
///
/// Nothing depends on how quick a thread comes: a call that is alone waits a while for company,
/// once the pool knows that calls are slow and until enough of them have met.
#[derive(Clone)]
pub(crate) struct Meetings(Arc<Counts>);

struct Counts {
    /// After how many calls the pool knows that they are slow.
    known: usize,
    /// How many are to meet others.
    company: usize,
    begun: AtomicUsize,
    under_way: AtomicUsize,
    met: AtomicUsize,
}

impl Meetings {
    /// Of calls that are known to be slow after `known` of them, `company` are to meet others.
    pub(crate) fn new(known: usize, company: usize) -> Self {
        Self(Arc::new(Counts {
            known,
            company,
            begun: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            met: AtomicUsize::new(0),
        }))
    }

    pub(crate) fn call(&self, item: u64) -> u64 {
        let Counts { known, company, begun, under_way, met } = &*self.0;
        if under_way.fetch_add(1, Ordering::SeqCst) > 0 {
            met.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::sleep(Duration::from_millis(1));
        if begun.fetch_add(1, Ordering::SeqCst) >= *known {
            let give_up = Instant::now() + PATIENCE;
            while under_way.load(Ordering::SeqCst) == 1 && self.met() < *company && Instant::now() < give_up {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
        under_way.fetch_sub(1, Ordering::SeqCst);
        item
    }

    pub(crate) fn slow(&self) -> impl Fn(u64) -> u64 + Send + Sync + use<> {
        let this = self.clone();
        move |item| this.call(item)
    }

    /// How many calls met others.
    pub(crate) fn met(&self) -> usize {
        self.0.met.load(Ordering::SeqCst)
    }
}
