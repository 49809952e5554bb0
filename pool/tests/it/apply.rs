//! The pool's parallel-for.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use millpond_pool::Pool;
use millpond_pool::workers::{Help, RayonWorkers, Workers};

/// How often each of `0..count` is called.
fn calls(count: usize, apply: impl FnOnce(&(dyn Fn(usize) + Sync))) -> Vec<usize> {
    let calls: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
    apply(&|number| {
        calls[number].fetch_add(1, Ordering::Relaxed);
    });
    calls.into_iter().map(AtomicUsize::into_inner).collect()
}

/// Work that the compiler does not see through.
fn spin(rounds: usize) {
    (0..rounds).for_each(|round| _ = std::hint::black_box(round));
}

in_every_mode! {
    fn each_number_is_called_once_whatever_the_range(pool) {
        for count in (0..70).chain([128, 1000, 99_991]) {
            assert_eq!(calls(count, |body| pool.apply(0..count, body)), vec![1; count]);
            let from_seven = calls(count, |body| pool.apply(7..count + 7, |number| body(number - 7)));
            assert_eq!(from_seven, vec![1; count]);
        }
        #[expect(clippy::reversed_empty_ranges, reason = "a range that ends before it begins is empty")]
        pool.apply(7..3, |_| panic!("there is no number"));
    }

    fn no_more_bodies_run_at_once_than_the_pool_has_workers(pool) {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        for _ in 0..20 {
            pool.apply(0..500, |_| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                spin(1000);
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        assert!((1..=pool.size().max(1)).contains(&most.into_inner()));
    }

    fn a_panic_reaches_the_caller_after_all_other_numbers_were_called(pool) {
        let called = AtomicUsize::new(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            pool.apply(0..1000, |number| {
                called.fetch_add(1, Ordering::Relaxed);
                if number == 437 {
                    resume_unwind(Box::new(number));
                }
            });
        }));
        assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&437_usize));
        assert_eq!(called.into_inner(), 1000);
        assert_eq!(calls(100, |body| pool.apply(0..100, body)), vec![1; 100]);
    }

    fn applies_nest(pool) {
        let counts = calls(8 * 8 * 100, |body| {
            pool.apply(0..8, |outer| {
                pool.apply(0..8, |middle| pool.apply(0..100, |inner| body((outer * 8 + middle) * 100 + inner)));
            });
        });
        assert_eq!(counts, vec![1; 8 * 8 * 100]);
    }

    fn a_task_may_apply_and_a_body_may_read(pool) {
        let pool = Arc::new(pool);
        let inner = Arc::clone(&pool);
        let sum = move |count: usize| {
            let sum = AtomicUsize::new(0);
            inner.apply(0..count, |number| _ = sum.fetch_add(number, Ordering::Relaxed));
            sum.into_inner()
        };
        let items = pool.source(0..300_usize).map(sum).read_all().unwrap();
        assert!(items.into_iter().eq((0..300_usize).map(|count| count * count.saturating_sub(1) / 2)));
        if pool.size() > 0 {
            // In serial mode bodies run one after the other, and so may read too; but here several read at once.
            let read = AtomicUsize::new(0);
            pool.apply(0..50, |number| {
                read.fetch_add(pool.source(0..number).map(|n| n).count().unwrap(), Ordering::Relaxed);
            });
            assert_eq!(read.into_inner(), 50 * 49 / 2);
        }
    }

    fn several_threads_apply_at_once(pool) {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for count in [3, 100, 3000] {
                        assert_eq!(calls(count, |body| pool.apply(0..count, body)), vec![1; count]);
                    }
                });
            }
        });
    }
}

in_parallel! {
    fn the_caller_takes_part_and_another_thread_too(pool) {
        if thread::available_parallelism().map_or(1, usize::from) < 2 {
            return;
        }
        // Two bodies that wait for each other.
        let barrier = Barrier::new(2);
        let threads = Mutex::new(HashSet::new());
        pool.apply(0..2, |_| {
            threads.lock().unwrap().insert(thread::current().id());
            barrier.wait();
        });
        let threads = threads.into_inner().unwrap();
        assert_eq!(threads.len(), 2);
        assert!(threads.contains(&thread::current().id()));
    }
}

/// Workers that say so when they are asked for.
#[derive(Debug)]
struct Asked(AtomicUsize);

impl Workers for Asked {
    fn lend(&self, _count: usize, _job: Arc<dyn Help>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        self.0.fetch_add(1, Ordering::Relaxed);
        (0..count).for_each(body);
    }

    fn threads(&self) -> usize {
        2
    }
}

/// A job that says when a thread has come and keeps it until told.
struct Kept {
    come: mpsc::Sender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Help for Kept {
    fn help(&self) {
        self.come.send(()).unwrap();
        let _ = self.go.lock().unwrap().recv();
    }
}

watched_tests! {
    fn in_serial_mode_the_caller_does_it_in_order() {
        let order = Mutex::new(Vec::new());
        Pool::serial().apply(3..1003, |number| order.lock().unwrap().push((thread::current().id(), number)));
        let caller = thread::current().id();
        assert_eq!(order.into_inner().unwrap(), (3..1003).map(|number| (caller, number)).collect::<Vec<_>>());
    }

    fn a_long_loop_asks_the_workers_once_and_a_short_one_never() {
        let workers = Arc::new(Asked(AtomicUsize::new(0)));
        let pool = Pool::with_workers(2, Arc::<Asked>::clone(&workers));
        pool.apply(0..1, |_| spin(100_000));
        assert_eq!(workers.0.load(Ordering::Relaxed), 0);
        pool.apply(0..1000, |_| spin(1000));
        assert_eq!(workers.0.load(Ordering::Relaxed), 1);
    }

    fn threads_of_rayon_that_are_all_taken_are_not_waited_for() {
        let workers = RayonWorkers::new(2);
        let (come, has_come) = mpsc::channel();
        let (let_go, go) = mpsc::channel();
        workers.lend(2, Arc::new(Kept { come, go: Mutex::new(go) }));
        has_come.recv().unwrap();
        has_come.recv().unwrap();
        assert_eq!(calls(1000, |body| workers.apply(1000, body)), vec![1; 1000]);
        assert_eq!(calls(3, |body| workers.apply(3, body)), vec![1; 3]);
        drop(let_go);
    }

    fn rayon_applies_on_its_own_threads_and_the_caller_alone() {
        let workers = RayonWorkers::new(2);
        let names = Mutex::new(HashSet::new());
        for _ in 0..50 {
            workers.apply(300, &|_| {
                names.lock().unwrap().insert((thread::current().id(), thread::current().name().map(str::to_owned)));
                spin(2000);
            });
        }
        let caller = thread::current().id();
        for (thread, name) in names.into_inner().unwrap() {
            assert!(thread == caller || name.as_deref().is_some_and(|name| name.starts_with("millpond-")), "{name:?}");
        }
    }
}
