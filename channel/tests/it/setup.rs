//! The flavours and the ways to wait, so that one body serves all of them.

use millpond_channel::{ReadError, Reader, WriteError, Writer, bounded, serial, unbounded};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Flavour {
    Unbounded,
    Bounded(usize),
    Serial,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Block,
    Deadline,
    Await,
}

/// What a scenario runs with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) flavour: Flavour,
    pub(crate) way: Way,
}

/// A deadline that a passing test never reaches.
pub(crate) fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

impl Setup {
    pub(crate) fn channel<T>(self) -> (Writer<T>, Reader<T>) {
        match self.flavour {
            Flavour::Unbounded => unbounded(),
            Flavour::Bounded(capacity) => bounded(capacity),
            Flavour::Serial => serial(),
        }
    }

    pub(crate) fn write<T>(self, writer: &Writer<T>, item: T) -> Result<(), WriteError<T>> {
        match self.way {
            Way::Block => writer.write(item),
            Way::Deadline => writer.write_deadline(item, far()).map_err(|error| WriteError(error.into_inner())),
            Way::Await => block_on(writer.write_async(item)),
        }
    }

    pub(crate) fn write_all<T>(self, writer: &Writer<T>, items: Vec<T>) -> Result<(), WriteError<Vec<T>>> {
        match self.way {
            Way::Block => writer.write_all(items),
            Way::Deadline => writer.write_all_deadline(items, far()).map_err(|error| WriteError(error.into_inner())),
            Way::Await => block_on(writer.write_all_async(items)),
        }
    }

    pub(crate) fn read_one<T>(self, reader: &Reader<T>) -> Result<T, ReadError> {
        match self.way {
            Way::Block => reader.read_one(),
            Way::Deadline => reader.read_one_deadline(far()).map_err(|_| ReadError::Closed),
            Way::Await => block_on(reader.read_one_async()),
        }
    }

    pub(crate) fn read<T>(self, reader: &Reader<T>, count: usize) -> Vec<T> {
        match self.way {
            Way::Block => reader.read(count).unwrap(),
            Way::Deadline => reader.read_deadline(count, far()).unwrap(),
            Way::Await => block_on(reader.read_async(count)),
        }
    }
}

/// Counts its wake-ups and unparks a thread.
pub(crate) struct Wakes {
    thread: Thread,
    count: AtomicUsize,
}

impl Wakes {
    pub(crate) fn waker() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self { thread: thread::current(), count: AtomicUsize::new(0) });
        (Arc::clone(&wakes), wakes.into())
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// The smallest executor: one future, one thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let (wakes, waker) = Wakes::waker();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        let seen = wakes.count();
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while wakes.count() == seen {
            thread::park();
        }
    }
}

/// Waits until `count` readers wait.
pub(crate) fn wait_for_readers<T>(reader: &Reader<T>, count: usize) {
    while reader.waiting_readers() < count {
        thread::yield_now();
    }
}

/// Waits until `count` writers wait.
pub(crate) fn wait_for_writers<T>(writer: &Writer<T>, count: usize) {
    while writer.waiting_writers() < count {
        thread::yield_now();
    }
}

/// Makes a module per flavour and way, with a test per scenario.
macro_rules! in_every_way {
    ($body:ident, $($flavour:ident = $make:expr),+ => $scenarios:tt) => {
        $(mod $flavour {
            $crate::setup::in_every_way!(@ways $body, $make, $scenarios);
        })+
    };
    (@ways $body:ident, $make:expr, $scenarios:tt) => {
        mod block { $crate::setup::in_every_way!(@tests $body, $make, Block, $scenarios); }
        mod deadline { $crate::setup::in_every_way!(@tests $body, $make, Deadline, $scenarios); }
        mod awaiting { $crate::setup::in_every_way!(@tests $body, $make, Await, $scenarios); }
    };
    (@tests $body:ident, $make:expr, $way:ident, [$($scenario:ident,)+]) => {
        #[allow(unused_imports, reason = "not every flavour needs all names")]
        use $crate::setup::{Flavour, Setup, Way};
        $(#[test]
        fn $scenario() {
            $crate::$body::$scenario(Setup { flavour: $make, way: Way::$way });
        })+
    };
}
pub(crate) use in_every_way;
