//! When helpers are lent to a reader.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use millpond_pool::workers::{Help, Workers};
use millpond_pool::{Hold, Pool};

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

/// What is to be held, for as long as somebody has it, and how often a helper has asked for it.
struct Owned(Mutex<Weak<()>>, Calls);

impl Hold for Owned {
    fn within(&self, work: &mut dyn FnMut()) {
        self.1.add();
        let owner = self.0.lock().unwrap().upgrade();
        if owner.is_some() {
            work();
        }
    }
}

watched_tests! {
    fn helpers_hold_what_a_reader_asks_for_while_they_work_for_it() {
        let pool = Pool::with_workers(2, Arc::new(Present::default()));
        let owner = Arc::new(());
        let reading = thread::current().id();
        let helped = Calls::new();
        let watched = Arc::downgrade(&owner);
        let mut reader = pool
            .source(0..9_u32)
            .max_chunksize(1)
            .map(move |n| {
                if n == 0 {
                    // What is worth a helper.
                    thread::sleep(Duration::from_millis(1));
                } else if thread::current().id() == reading {
                    helped.wait_for(1);
                } else {
                    assert_eq!(watched.strong_count(), 2, "its owner's and the helper's");
                    helped.add();
                }
                n
            })
            .helped_within(Arc::new(Owned(Mutex::new(Arc::downgrade(&owner)), Calls::new())));
        assert_eq!(reader.read(9).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    fn a_reader_is_not_helped_while_there_is_nothing_to_hold_and_is_again_when_there_is() {
        let pool = Pool::with_workers(2, Arc::new(Present::default()));
        let owner = Arc::new(());
        let hold = Arc::new(Owned(Mutex::default(), Calls::new()));
        let reading = thread::current().id();
        let helped = Calls::new();
        let helps = helped.clone();
        let mut reader = pool
            .source(0_u32..)
            .max_chunksize(1)
            .map(move |n| {
                if thread::current().id() == reading {
                    // What is worth a helper.
                    thread::sleep(Duration::from_millis(1));
                } else {
                    helps.add();
                }
                n
            })
            .helped_within(Arc::clone(&hold) as Arc<dyn Hold>);
        while hold.1.count() < 2 {
            assert_eq!(reader.read(5).unwrap().len(), 5);
        }
        assert_eq!(helped.count(), 0);
        *hold.0.lock().unwrap() = Arc::downgrade(&owner);
        while helped.count() == 0 {
            assert_eq!(reader.read(5).unwrap().len(), 5);
        }
    }

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
