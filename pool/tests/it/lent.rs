//! When helpers are lent to a reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::workers::{Help, Workers};

use crate::calls::Calls;

/// Workers that start a thread for each helper, and know how many are there.
#[derive(Debug, Default)]
struct Present(Arc<AtomicUsize>);

impl Workers for Present {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        for _ in 0..count {
            let (job, present) = (Arc::clone(&job), Arc::clone(&self.0));
            present.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || {
                job.help();
                drop(job);
                present.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(body);
    }

    fn threads(&self) -> usize {
        1
    }
}

watched_tests! {
    fn a_helper_comes_to_a_reader_in_a_long_item_however_long_its_source_took() {
        let present = Arc::new(AtomicUsize::new(0));
        let pool = Pool::with_workers(2, Arc::new(Present(Arc::clone(&present))));
        // The second item takes as long as a helper that comes too early looks on.
        let numbers = (0..9_u32).inspect(move |&n| {
            while n == 1 && present.load(Ordering::SeqCst) > 0 {
                thread::yield_now();
            }
        });
        let reading = thread::current().id();
        let helped = Calls::new();
        let mut reader = pool.source(numbers).max_chunksize(1).map(move |n| {
            if n == 0 {
                // What is worth a helper.
                thread::sleep(Duration::from_millis(1));
            } else if thread::current().id() == reading {
                helped.wait_for(1);
            } else {
                helped.add();
            }
            n
        });
        assert_eq!(reader.read(9).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
