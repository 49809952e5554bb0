//! Reads that are given up while another thread uses a pool in serial mode: what they had asked for is asked for no more.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::thread;

use millpond_channel::unbounded;
use millpond_pool::{Pool, ReadError};

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

watched_tests! {
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
