//! The places in the engine where a simulation steps in.
//!
//! Without the feature `simulation` there is nothing here but the system's clock: all of it is empty and inlined. With it, a load says
//! whether any thread of the process runs a simulation, a few times per chunk and never per item, and only if one does a
//! thread-local flag whether it is this one.
//!
//! A **step** stands where another thread could change something between two things that this one does, and where no lock, no
//! guard and no borrow of the engine's own is held: whoever runs next would wait for it for ever.

#[cfg(feature = "simulation")]
use std::fmt;
use std::time::Duration;

pub(crate) use millpond_sync::host::now;

use crate::lane::Header;

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "simulation"), expect(dead_code, reason = "only a simulation looks at it"))]
pub(crate) enum Site {
    /// A lane has granted a chunk of at most so many items; its head is out.
    Granted(usize),
    /// A chunk of so many items is made and numbered, the head is back; who waits at the lane is about to be told.
    Made(usize),
    /// A chunk has landed; who waits at the lane is about to be told.
    Landed,
    /// A task is removed; who waits at the lane is about to be told.
    Removes,
    /// Items were given back; who waits at the lane is about to be told.
    GivesBack,
    /// A reader or a head has taken so many items.
    Takes(usize),
    /// A walker has entered the waiters of its obstacles.
    Enters,
    /// A walker is about to sleep.
    Sleeps,
    /// A walker looks on whether anything changes.
    Looks,
    /// Others are given their turn.
    Yields,
    /// A helper is about to be asked for.
    Lends,
    /// A helper walked and found something to do, or did not.
    Helped(bool),
    /// A helper counts itself out.
    Goes,
    /// A job is put on the list, or taken off.
    Lists,
    Unlists,
    /// A reader works no more.
    Idles,
    /// A future looks for items and has not found them.
    Awaits,
    /// The pool changes its size.
    Resizes,
    /// The pool is closed.
    Closes,
    /// Cancelled lanes are let go.
    Sweeps,
    /// A source has asked to be told when its channel has something.
    Listens,
    /// A function is called for each of several numbers.
    Calls,
    /// A read returns.
    Returns,
    /// A task of a graph of values has run.
    Ran,
    /// One of its successors is about to be told.
    Tells,
    /// A worker has put tasks into its queue, and is about to look who is there.
    Shares,
    /// A worker looks for work in the queues of others.
    Steals,
    /// A worker counts itself in, or out.
    CountsIn,
    CountsOut,
    /// A run is shown to helpers, one has come in, or it is hidden.
    Opens,
    ComesIn,
    Hides,
}

#[cfg(feature = "simulation")]
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(items) => write!(f, "begins a chunk of at most {items}"),
            Self::Made(items) => write!(f, "made {items}"),
            Self::Landed => f.write_str("landed"),
            Self::Removes => f.write_str("ends the task"),
            Self::GivesBack => f.write_str("gives items back"),
            Self::Takes(items) => write!(f, "took {items}"),
            Self::Enters => f.write_str("enters the waiters"),
            Self::Sleeps => f.write_str("is about to sleep"),
            Self::Looks => f.write_str("looks on"),
            Self::Yields => f.write_str("yields"),
            Self::Lends => f.write_str("asks for a helper"),
            Self::Helped(true) => f.write_str("walked on"),
            Self::Helped(false) => f.write_str("walked in vain"),
            Self::Goes => f.write_str("counts itself out"),
            Self::Lists => f.write_str("lists a job"),
            Self::Unlists => f.write_str("takes a job off"),
            Self::Idles => f.write_str("works no more"),
            Self::Awaits => f.write_str("awaits"),
            Self::Resizes => f.write_str("resizes"),
            Self::Closes => f.write_str("closes the pool"),
            Self::Sweeps => f.write_str("sweeps"),
            Self::Listens => f.write_str("listens to its channel"),
            Self::Calls => f.write_str("calls"),
            Self::Returns => f.write_str("returns"),
            Self::Ran => f.write_str("ran a task"),
            Self::Tells => f.write_str("tells a successor"),
            Self::Shares => f.write_str("shares"),
            Self::Steals => f.write_str("looks into other queues"),
            Self::CountsIn => f.write_str("counts itself in"),
            Self::CountsOut => f.write_str("counts itself out"),
            Self::Opens => f.write_str("opens its run"),
            Self::ComesIn => f.write_str("comes into a run"),
            Self::Hides => f.write_str("hides its run"),
        }
    }
}

#[cfg(not(feature = "simulation"))]
mod system {
    use std::task::Waker;

    use super::*;
    use crate::head::Next;
    use crate::lane::Firing;
    use crate::stage::{Batch, Ran};

    #[inline(always)]
    pub(crate) fn step(_site: Site) {
        #[cfg(shuttle)]
        trace(_site, None);
    }

    #[inline(always)]
    pub(crate) fn step_at(_header: &Header<'_>, _chunk: Option<u64>, _site: Site) {
        #[cfg(shuttle)]
        trace(_site, Some(_header));
    }

    /// Prints what is about to happen, for a schedule that is run again to be read.
    #[cfg(shuttle)]
    fn trace(site: Site, header: Option<&Header<'_>>) {
        use std::sync::LazyLock;
        static IS_TRACED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("SHUTTLE_TRACE").is_some());
        if *IS_TRACED {
            let at = header.map(|header| header.name());
            eprintln!("{:?} {site:?} {}", shuttle::current::me(), at.as_deref().unwrap_or_default());
        }
    }

    /// Not so; but for a model checker a wake-up costs nothing either, and looking on is a single look.
    #[inline(always)]
    pub(crate) fn is_simulated() -> bool {
        cfg!(any(loom, shuttle))
    }

    pub(crate) fn token() -> Option<usize> {
        None
    }

    #[inline(always)]
    pub(crate) fn call<A, O, B>(
        batch: Batch<A, O>,
        firing: &mut Firing<'_, '_>,
        run: impl FnOnce(Batch<A, O>, &mut Firing<'_, '_>) -> Ran<A, O, B>,
    ) -> Ran<A, O, B> {
        run(batch, firing)
    }

    #[inline(always)]
    pub(crate) fn call_head(_firing: &Firing<'_, '_>) -> Option<Next> {
        None
    }

    #[inline(always)]
    pub(crate) fn run_value(_task: u32) {}

    #[inline(always)]
    pub(crate) fn give_way() -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn is_abandoned() -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn pending(_waker: &Waker) {}

    #[inline(always)]
    pub(crate) fn leave() {}
}

#[cfg(feature = "simulation")]
mod simulated {
    use super::*;
    use crate::head::Next;
    use crate::lane::Firing;
    use crate::simulation;

    /// Another thread may have its turn.
    #[inline]
    pub(crate) fn step(site: Site) {
        if is_simulated() {
            simulation::step(None, site);
        }
    }

    /// Another thread may have its turn, while this one is at a lane.
    #[inline]
    pub(crate) fn step_at(header: &Header<'_>, chunk: Option<u64>, site: Site) {
        if is_simulated() {
            simulation::step(Some((header, chunk)), site);
        }
    }

    /// Whether the thread runs a simulation.
    #[inline]
    pub(crate) fn is_simulated() -> bool {
        simulation::is_simulated()
    }

    /// Lets others go on while this thread looks again and again at what they change; false where the system does that.
    pub(crate) fn give_way() -> bool {
        let is_simulated = is_simulated();
        if is_simulated {
            simulation::yield_now();
        }
        is_simulated
    }

    /// An operation of a reader's is over.
    #[inline]
    pub(crate) fn leave() {
        if is_simulated() {
            simulation::leave();
        }
    }

    /// The number of the simulated thread that runs, where it has one of its own.
    #[inline]
    pub(crate) fn token() -> Option<usize> {
        if is_simulated() { simulation::token() } else { None }
    }

    /// What goes wrong instead of a head's making a chunk, where something does.
    #[inline]
    pub(crate) fn call_head(firing: &Firing<'_, '_>) -> Option<Next> {
        if is_simulated() { simulation::call_head(firing) } else { None }
    }

    pub(crate) use simulation::{call, is_abandoned, pending, run_value};
}

#[cfg(feature = "simulation")]
pub(crate) use simulated::*;
#[cfg(not(feature = "simulation"))]
pub(crate) use system::*;

/// Sleeps by the clock of whoever runs the thread.
pub(crate) fn sleep(duration: Duration) {
    #[cfg(feature = "simulation")]
    if let Some(host) = millpond_sync::host::current() {
        return host.sleep(duration);
    }
    millpond_sync::waiting(|| millpond_sync::shim::thread::sleep(duration));
}

/// An operation of a reader's, which is over when this is dropped: then others may have their turn.
pub(crate) struct Operation;

impl Drop for Operation {
    #[inline]
    fn drop(&mut self) {
        leave();
    }
}
