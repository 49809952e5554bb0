//! Sources that only threads that read may run.

use std::sync::{Arc, Condvar, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use millpond_pool::{BoxError, Demand, PollSupply, Pool, PoolReader, Task};

use crate::executor::run;

/// Numbers that only the thread that made them may ask for.
fn numbers(pool: &Pool, end: u64) -> PoolReader<u64> {
    let owner = thread::current().id();
    let mut numbers = 0..end;
    let items = std::iter::from_fn(move || {
        assert_eq!(thread::current().id(), owner, "asked by another thread");
        numbers.next()
    });
    pool.add_task(Task::source(items).reader_only())
}

/// A source that reads from another reader, as one of another kind would.
struct Relayed(PoolReader<u64>);

impl PollSupply<u64> for Relayed {
    fn needs_reader(&self) -> bool {
        self.0.needs_reader()
    }

    fn poll_supply(&mut self, demand: Demand, into: &mut Vec<u64>, waker: &Waker) -> Poll<Result<bool, BoxError>> {
        match self.0.poll_working(demand.least, demand.most, waker) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(items)) => {
                let goes_on = !items.is_empty();
                into.extend(items);
                Poll::Ready(Ok(goes_on))
            }
        }
    }
}

/// A reader of the numbers with work between, in different shapes.
fn shapes(pool: &Pool, others: &Pool, end: u64) -> Vec<PoolReader<u64>> {
    let relayed = pool.add_task(Task::poll_supply([], Relayed(numbers(others, end))));
    let mut both = numbers(pool, end).tee(2);
    let first = both.swap_remove(0);
    vec![
        numbers(pool, end),
        numbers(pool, end).map(|n| n),
        numbers(pool, end).map(|n| n).sequential(|n| n).filter(|_| true),
        numbers(pool, end).batch(7).flat_map(|batch| batch),
        numbers(pool, end).zip(numbers(pool, end)).map(|(n, _)| n),
        pool.chain([numbers(pool, end / 2), numbers(pool, end - end / 2).map(move |n| n + end / 2)]),
        numbers(pool, end).map(|n| n).named("ahead").read_ahead(50).map(|n| n),
        relayed.map(|n| n),
        numbers(others, end).map(|n| n).into_pool(pool).map(|n| n),
        first.map(|n| n),
    ]
}

in_every_mode! {
    fn only_the_thread_that_reads_runs_the_source(pool) {
        const END: u64 = 3000;
        let expected: Vec<u64> = (0..END).collect();
        let others = crate::workers::pool(2);
        for mut reader in shapes(&pool, &others, END) {
            assert_eq!(reader.read_all().unwrap(), expected);
        }
        for mut reader in shapes(&pool, &others, END) {
            let mut items = Vec::new();
            while let Some(item) = reader.read(1).unwrap().pop() {
                items.push(item);
            }
            assert_eq!(items, expected);
        }
        for mut reader in shapes(&pool, &others, END) {
            assert!(reader.by_ref().map(Result::unwrap).eq(0..END));
        }
    }

    fn only_the_thread_that_polls_a_read_runs_the_source(pool) {
        const END: u64 = 1000;
        let expected: Vec<u64> = (0..END).collect();
        let others = crate::workers::pool(2);
        for mut reader in shapes(&pool, &others, END) {
            assert!(reader.needs_reader());
            assert_eq!(run(reader.read_all_async()).unwrap(), expected);
        }
        for mut reader in shapes(&pool, &others, END) {
            let mut items = Vec::new();
            while let Some(item) = run(reader.read_async(1)).unwrap().pop() {
                items.push(item);
            }
            assert_eq!(items, expected);
        }
        assert!(!pool.source(0..1).map(|n| n).needs_reader());
    }

    fn a_function_that_reads_is_a_thread_that_reads(pool) {
        let pool = Arc::new(pool);
        let inner = Arc::clone(&pool);
        let mut reader = pool.source(1..50_u64).map(move |n| numbers(&inner, n).map(|n| n).read_all().unwrap().len());
        assert_eq!(reader.read_all().unwrap(), (1..50).collect::<Vec<_>>());
    }
}

in_parallel! {
    fn helpers_take_part_in_what_comes_after_the_source(pool) {
        let reads = thread::current().id();
        let helped = Arc::new((Mutex::new(false), Condvar::new()));
        let told = Arc::clone(&helped);
        // Slow from the first item on, so that by the ninth this is known and helpers are asked
        // for.
        let mut reader = numbers(&pool, 40).map(move |n| {
            let (helped, told) = &*told;
            if thread::current().id() != reads {
                *helped.lock().unwrap() = true;
                told.notify_all();
            } else if n == 8 {
                // The source has been asked for more than these.
                drop(told.wait_while(helped.lock().unwrap(), |helped| !*helped).unwrap());
            }
            thread::sleep(Duration::from_millis(1));
            n
        });
        assert_eq!(reader.read_all().unwrap(), (0..40).collect::<Vec<_>>());
    }
}
