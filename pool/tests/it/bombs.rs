//! Items, functions and iterators whose drop panics, several at a time: none unwinds into the caller, and each is dropped once.
//!
//! Two panics in the drop of one list abort the process.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::{Pool, PoolReader, ReadError, Retry, Task, Verdict};

/// Panics whenever it is dropped.
struct Bomb(u64, Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        resume_unwind(Box::new("a bomb"));
    }
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        // Nobody is told of the items that were made twice: the tests count those that went off.
        Self(self.0, Arc::clone(&self.1))
    }
}

/// Takes items out of the way.
fn defuse(items: impl IntoIterator<Item = Bomb>) -> usize {
    items.into_iter().map(mem::forget).count()
}

/// Bombs and how many have gone off.
struct Depot<'a> {
    pool: &'a Pool,
    gone: Arc<AtomicUsize>,
}

impl<'a> Depot<'a> {
    fn new(pool: &'a Pool) -> Self {
        Self { pool, gone: Arc::default() }
    }

    /// `count` bombs, made in chunks of 20 at least, which are not cut.
    fn bombs(&self, count: u64) -> PoolReader<Bomb> {
        let gone = Arc::clone(&self.gone);
        let arm = move |numbers: Vec<u64>| {
            let bombs: Vec<_> = numbers.into_iter().map(|n| Bomb(n, Arc::clone(&gone))).collect();
            Ok::<_, ReadError>(bombs)
        };
        self.pool.source(0..count).map_chunks(arm).min_count(20)
    }

    /// How many have gone off since the last look.
    fn gone(&self) -> usize {
        self.gone.swap(0, Ordering::SeqCst)
    }

    /// Waits until at least so many have gone off: a helper may be the last that holds on to some.
    fn loses(&self, count: usize) {
        while self.gone.load(Ordering::SeqCst) < count {
            std::thread::yield_now();
        }
        self.gone();
    }

    /// Waits until so many have gone off: a helper may be the last that holds on to a task.
    fn waits_for(&self, count: usize) {
        while self.gone.load(Ordering::SeqCst) < count {
            std::thread::yield_now();
        }
        assert_eq!(self.gone(), count);
    }

    /// The pool works as before.
    fn is_fine(&self) {
        assert_eq!(self.pool.source(0..50).map(|n| n + 1).read_all().unwrap(), (1..51).collect::<Vec<_>>());
    }
}

/// The task and the item that a read fails on.
fn failure<T: Send>(reader: &mut PoolReader<T>) -> (String, u64) {
    loop {
        match reader.read(1) {
            Ok(items) if items.is_empty() => panic!("no failure"),
            Ok(items) => items.into_iter().for_each(mem::forget),
            Err(ReadError::Task(error)) => return (error.task().to_owned(), error.index()),
            Err(other) => panic!("{other}"),
        }
    }
}

in_every_mode! {
    fn items_that_nobody_reads(pool) {
        let depot = Depot::new(&pool);
        let mut reader = depot.bombs(40);
        defuse(reader.read(1).unwrap());
        drop(reader);
        depot.loses(19); // what a chunk has left

        let mut reader = depot.bombs(40);
        defuse(reader.next().unwrap());
        drop(reader);
        depot.loses(19); // what an iteration has left

        let mut reader = depot.bombs(40);
        let items = reader.read(20).unwrap();
        reader.unread(items);
        drop(reader);
        depot.loses(20); // what was unread

        // None of those before, which a helper may still have.
        let depot = Depot::new(&pool);
        let mut unread = pool.source(0..0).map(|_: u64| -> Bomb { unreachable!() });
        unread.unread(vec![Bomb(0, Arc::clone(&depot.gone)), Bomb(1, Arc::clone(&depot.gone))]);
        drop(unread);
        assert_eq!(depot.gone(), 2, "what was unread before anything was read");

        for branches in [
            depot.bombs(40).tee(3),
            depot.bombs(40).partition(3, |bomb| (bomb.0 % 3) as usize),
        ] {
            let mut branches = branches.into_iter();
            let mut first = branches.next().unwrap();
            defuse(first.read(4).unwrap());
            drop((first, branches));
            depot.loses(15); // what other branches have left
        }

        // Two bombs in one item would be one panic too many by themselves.
        let mut pairs = pool.source(0..20).zip(depot.bombs(40)).min_count(2);
        pairs.read(1).unwrap().into_iter().for_each(mem::forget);
        drop(pairs);
        depot.loses(18); // what waits for its partner

        let mut taken = depot.bombs(40).take(3);
        defuse(taken.read(1).unwrap());
        drop(taken);
        depot.gone();
        depot.is_fine();
    }

    fn items_that_a_task_drops(pool) {
        let depot = Depot::new(&pool);
        // The first is reported, the others of its chunk are dropped in silence.
        let mut reader = depot.bombs(40).map(|bomb| bomb.0);
        assert_eq!(failure(&mut reader), ("map".to_owned(), 0));
        drop(reader);
        depot.loses(20);
        // As large as their results, so in place.
        let mut reader = depot.bombs(40).map(|bomb| (bomb.0, drop(bomb)).0.to_ne_bytes()).map(|bytes| [bytes; 2]);
        assert_eq!(failure(&mut reader).1, 0);
        assert_eq!(failure(&mut depot.bombs(40).map(|bomb| [bomb.0; 2])).1, 0);
        assert_eq!(failure(&mut depot.bombs(40).filter(|bomb| bomb.0 != 3)), ("filter".to_owned(), 3));
        assert_eq!(failure(&mut depot.bombs(40).take_while(|bomb| bomb.0 != 3)), ("take_while".to_owned(), 3));
        assert_eq!(failure(&mut depot.bombs(40).skip_while(|bomb| bomb.0 < 3)), ("skip_while".to_owned(), 0));
        assert_eq!(failure(&mut depot.bombs(40).skip(3)), ("skip".to_owned(), 0));
        assert_eq!(failure(&mut depot.bombs(40).flat_map(|bomb| [bomb.0])), ("flat_map".to_owned(), 0));
        assert_eq!(failure(&mut depot.bombs(40).sequential(|bomb| bomb.0)), ("sequential".to_owned(), 0));
        assert_eq!(failure(&mut depot.bombs(40).fold_task(0, |sum, bomb| sum + bomb.0)).1, 0);
        let retried = depot.bombs(40).retry_map(Retry::NEVER, |bomb| Ok::<_, ReadError>(bomb.0));
        assert_eq!(failure(&mut { retried }), ("retry_map".to_owned(), 0));
        let decided = pool.add_task(Task::decide(depot.bombs(40), |bomb| {
            if bomb.0 == 5 { Verdict::Stop } else { Verdict::Give(bomb) }
        }));
        assert_eq!(failure(&mut { decided }), ("decide".to_owned(), 5));
        depot.gone();
        depot.is_fine();
    }

    fn items_that_a_task_panics_over(pool) {
        let depot = Depot::new(&pool);
        let at_three = |bomb: &Bomb| if bomb.0 == 3 { resume_unwind(Box::new("told to")) } else { true };
        assert_eq!(failure(&mut depot.bombs(40).filter(at_three)), ("filter".to_owned(), 3));
        assert_eq!(failure(&mut depot.bombs(40).inspect(move |bomb| _ = at_three(bomb))), ("inspect".to_owned(), 3));
        assert_eq!(failure(&mut depot.bombs(40).take_while(at_three)), ("take_while".to_owned(), 3));
        assert_eq!(failure(&mut depot.bombs(40).skip_while(at_three)).1, 0, "it drops the first, which panics");
        let mut parts = depot.bombs(40).partition(1, move |bomb| usize::from(!at_three(bomb))).into_iter();
        assert_eq!(failure(&mut parts.next().unwrap()), ("partition".to_owned(), 3));
        let refused = depot.bombs(40).try_map(|bomb| match bomb.0 {
            3 => { mem::forget(bomb); Err("told to") }
            _ => Ok(bomb),
        });
        assert_eq!(failure(&mut { refused }), ("try_map".to_owned(), 3));
        let mut fragile = depot.bombs(40).map(Fragile).tee(2).into_iter();
        assert_eq!(failure(&mut fragile.next().unwrap()).0, "tee");
        drop(fragile);
        depot.gone();
        depot.is_fine();
    }

    fn items_in_front_of_a_reader_that_panics(pool) {
        let depot = Depot::new(&pool);
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            depot.bombs(40).for_each(|bomb| {
                mem::forget(bomb);
                resume_unwind(Box::new("the reader's"));
            })
        }));
        assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"the reader's"));
        assert_eq!(depot.bombs(40).count().unwrap(), 40);
        depot.loses(40 + 19);
        depot.is_fine();
    }

    fn functions_and_iterators(pool) {
        let depot = Depot::new(&pool);
        let held = |kept: u64| {
            let bomb = Bomb(kept, Arc::clone(&depot.gone));
            move |n: u64| { let _ = &bomb; n }
        };
        let chain = || {
            let many = (0..40_u64).map(held(0));
            let mapped = pool.source(many).map(held(1)).map(held(2)).sequential(held(3)).map(held(4)).map(held(5));
            pool.add_task(Task::scan(mapped, Bomb(6, Arc::clone(&depot.gone)), {
                let function = held(7);
                move |_: &mut Bomb, n| Ok::<_, ReadError>(Some(function(n)))
            }))
        };
        drop(chain());
        assert_eq!(depot.gone(), 8, "of tasks that have not run");
        let mut reader = chain();
        assert_eq!(reader.read(1).unwrap(), [0]);
        drop(reader);
        depot.waits_for(8);
        let mut reader = chain();
        assert_eq!(reader.read_all().unwrap().len(), 40);
        drop(reader);
        depot.waits_for(8);
        depot.is_fine();
    }

    fn what_a_pool_has_left(pool) {
        let depot = Depot::new(&pool);
        let inner = Pool::new(pool.size());
        let gone = Arc::clone(&depot.gone);
        let mut reader = inner.source(0..40).map(move |n| Bomb(n, Arc::clone(&gone))).min_count(20);
        defuse(reader.read(1).unwrap());
        let mut awaited = reader.clone();
        drop(inner);
        assert!(matches!(reader.read(1), Err(ReadError::PoolGone { .. })));
        assert!(awaited.try_read(1).is_err());
        drop((reader, awaited));
        depot.loses(19);
        depot.is_fine();
    }
}

in_parallel! {
    fn items_that_came_after_a_failure(pool) {
        let depot = Depot::new(&pool);
        let gone = Arc::clone(&depot.gone);
        let others = AtomicUsize::new(0);
        // The first chunk fails when others have landed behind it.
        let reader = pool
            .source(0..400_u64)
            .try_map(move |n| {
                if n == 0 {
                    while others.load(Ordering::SeqCst) < 2 {
                        std::thread::yield_now();
                    }
                    return Err("told to");
                }
                others.fetch_add(1, Ordering::SeqCst);
                Ok(Bomb(n, Arc::clone(&gone)))
            })
            .max_chunksize(1)
            .read_ahead(8);
        std::thread::scope(|scope| {
            let mut other = reader.clone();
            let there = scope.spawn(move || failure(&mut other));
            let mut reader = reader;
            assert_eq!(failure(&mut reader), ("try_map".to_owned(), 0));
            assert_eq!(there.join().unwrap(), ("try_map".to_owned(), 0));
        });
        depot.is_fine();
    }
}

/// Panics when the fourth is cloned.
struct Fragile(Bomb);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.0.0 == 3 { resume_unwind(Box::new("told to")) } else { Self(self.0.clone()) }
    }
}
