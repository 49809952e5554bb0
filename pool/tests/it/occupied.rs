//! Reads beside another thread's use of a pool in serial mode: what they had asked for is asked for no more once they are given up, and
//! those that await are told of what the other one finds.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use millpond_channel::unbounded;
use millpond_pool::{BoxError, Demand, PollSupply, Pool, ReadError, Task};

use crate::calls::Calls;

/// Another thread that uses a pool in serial mode until this is dropped.
struct Occupied {
    ends: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.ends.take();
        self.thread.take().expect("joined once").join().unwrap();
    }
}

/// Makes the pool serial and has another thread use it. The pool becomes serial when its helpers have left, so tries until it is.
fn occupy(pool: &Pool) -> Occupied {
    pool.set_size(0);
    let mut probe = pool.source(0..1);
    loop {
        let (begins, has_begun) = mpsc::channel();
        let (ends, may_end) = mpsc::channel::<()>();
        let mut reader = pool.source(0..1).sequential(move |_| {
            begins.send(()).unwrap();
            let _ = may_end.recv();
        });
        let thread = thread::spawn(move || drop(reader.read(1).unwrap()));
        has_begun.recv().unwrap();
        let occupied = Occupied { ends: Some(ends), thread: Some(thread) };
        if matches!(probe.try_read(1), Err(ReadError::SerialBusy { .. })) {
            return occupied;
        }
    }
}

/// A source that ends when another thread asks, which takes back what it has promised to tell: as a channel does that is closed
/// between that and the look into it.
#[derive(Default)]
struct EndsForAnother {
    promised: Option<(thread::ThreadId, Waker)>,
}

impl PollSupply<u32> for EndsForAnother {
    fn poll_supply(&mut self, _: Demand, _: &mut Vec<u32>, waker: &Waker) -> Poll<Result<bool, BoxError>> {
        let asks = thread::current().id();
        if self.promised.take().is_some_and(|(promised, _)| promised != asks) {
            return Poll::Ready(Ok(false));
        }
        self.promised = Some((asks, waker.clone()));
        Poll::Pending
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}

watched_tests! {
    fn a_future_is_told_of_the_end_that_another_thread_finds() {
        let pool = Pool::serial();
        let mut reader = pool.add_task(Task::poll_supply([], EndsForAnother::default()));
        let mut other = reader.clone();
        let wakes = Arc::new(Calls::new());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let mut future = reader.read_async(1);
        assert!(Pin::new(&mut future).poll(&mut context).is_pending());
        assert_eq!(wakes.count(), 0);
        thread::scope(|scope| scope.spawn(|| assert_eq!(other.read(1).unwrap(), [])).join().unwrap());
        assert_eq!(wakes.count(), 1);
        assert!(matches!(Pin::new(&mut future).poll(&mut context), Poll::Ready(Ok(items)) if items.is_empty()));
    }

    fn a_future_that_is_dropped_while_the_pool_is_in_use_has_nothing_made() {
        let pool = Pool::rayon(2);
        let calls = Calls::new();
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).map(calls.counting());
        let mut future = reader.read_async(100_000);
        assert!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let occupied = occupy(&pool);
        drop(future);
        drop(occupied);
        writer.write_all((0..200_000).collect()).unwrap();
        for read in 1..=50 {
            assert_eq!(reader.read(100).unwrap().len(), 100);
            assert_eq!(calls.count(), 100 * read);
        }
    }

    fn a_read_of_all_that_is_refused_while_the_pool_is_in_use_has_nothing_made() {
        let pool = Pool::rayon(2);
        let calls = Calls::new();
        let mut reader = pool.source(0..).map(calls.counting()).max_chunksize(64);
        let mut taken = 0;
        let mut occupied = None;
        let refused = reader.read_chunks(None, |items: Vec<u64>| {
            taken += items.len();
            occupied.get_or_insert_with(|| occupy(&pool));
        });
        assert!(matches!(refused, Err(ReadError::SerialBusy { .. })));
        drop(occupied);
        taken += reader.read(calls.count() - taken + 1).unwrap().len();
        for _ in 0..50 {
            taken += reader.read(100).unwrap().len();
            assert_eq!(calls.count(), taken);
        }
    }
}
