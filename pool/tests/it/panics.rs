//! A panic in any function of the user's stops its task, keeps its payload and leaves the pool usable.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond_pool::{Cause, Pool, PoolReader, ReadError, Retry};

/// Panics without a message on standard error, with a payload that is not a text.
fn blow(number: u64) -> ! {
    resume_unwind(Box::new(number))
}

/// Reads to the error, which must be a panic of `task` at `index` with the payload of [`blow`].
fn panics_at<T: Send + 'static>(pool: &Pool, mut reader: PoolReader<T>, items: usize, task: &str, index: u64) {
    assert_eq!(reader.read(items).unwrap().len(), items, "{task}");
    let Err(ReadError::Task(error)) = reader.read(1) else { panic!("`{task}` did not fail") };
    assert_eq!((error.task(), error.index()), (task, index));
    let Cause::Panic(panic) = error.cause() else { panic!("`{task}` failed otherwise: {error}") };
    assert_eq!(panic.message(), "(no message)");
    let payload = panic.take_payload().expect("the payload is kept");
    assert_eq!(payload.downcast_ref(), Some(&7_u64));
    assert!(panic.take_payload().is_none(), "it is given out once");
    assert!(std::error::Error::source(&error).is_none());
    drop(reader);
    assert!(pool.source(0..100).map(|n| n).read_all().unwrap().into_iter().eq(0..100), "after `{task}`");
}

/// Panics at item 7.
fn bomb(n: u64) -> u64 {
    if n == 7 { blow(n) } else { n }
}

in_every_mode! {
    fn a_panic_in_a_task_of_one_input_stops_it(pool) {
        let numbers = || pool.source(0_u64..);
        panics_at(&pool, numbers().map(bomb), 7, "map", 7);
        panics_at(&pool, numbers().try_map(|n| Ok::<_, ReadError>(bomb(n))), 7, "try_map", 7);
        panics_at(&pool, numbers().filter(|n| bomb(*n).is_multiple_of(2)), 4, "filter", 7);
        panics_at(&pool, numbers().filter_map(|n| Some(bomb(n))), 7, "filter_map", 7);
        panics_at(&pool, numbers().flat_map(|n| [bomb(n); 2]), 14, "flat_map", 7);
        panics_at(&pool, numbers().inspect(|n| assert!(bomb(*n) < 99)), 7, "inspect", 7);
        panics_at(&pool, numbers().sequential(bomb), 7, "sequential", 7);
        panics_at(&pool, numbers().scan((), |(), n| Ok::<_, ReadError>(Some(bomb(n)))), 7, "scan", 7);
        panics_at(&pool, numbers().take_while(|n| bomb(*n) < 99), 7, "take_while", 7);
        panics_at(&pool, numbers().skip_while(|n| bomb(*n) < 99), 0, "skip_while", 7);
        panics_at(&pool, numbers().fold_task(0, |sum, n| sum + bomb(n)), 0, "fold", 7);
        panics_at(&pool, numbers().retry_map(Retry::times(1), |n| Ok::<_, ReadError>(bomb(*n))), 7, "retry_map", 7);
        let one_by_one = numbers()
            .map_chunks(|items: Vec<u64>| Ok::<_, ReadError>(items.into_iter().map(bomb).collect::<Vec<_>>()))
            .max_chunksize(1);
        panics_at(&pool, one_by_one, 7, "map_chunks", 7);
    }

    fn a_panic_in_an_iterator_stops_the_task_that_asks_it(pool) {
        panics_at(&pool, pool.source((0_u64..).map(bomb)), 7, "source", 7);
        let mut next = 0;
        let odd_sized = std::iter::from_fn(move || { next += 1; Some(bomb(next - 1)) });
        panics_at(&pool, pool.source(odd_sized).sequential(|n| n), 7, "source", 7);
        // What came of the failing item before it panicked counts as made.
        let inner = |n: u64| (0..3).map(move |k| if n == 2 && k == 1 { blow(7) } else { n });
        panics_at(&pool, pool.source(0_u64..).flat_map(inner), 7, "flat_map", 2);
    }

    fn a_panic_in_a_clone_stops_the_tee(pool) {
        struct Fragile(u64);
        impl Clone for Fragile {
            fn clone(&self) -> Self {
                Self(bomb(self.0))
            }
        }
        let [mut a, mut b] = pool.source(0_u64..).map(Fragile).max_chunksize(1).tee(2).try_into().unwrap();
        assert_eq!(a.read(7).unwrap().len(), 7);
        assert_eq!(b.read(7).unwrap().len(), 7);
        for reader in [&mut a, &mut b] {
            let error = reader.read(1).err().expect("the clone panics");
            assert_eq!(error.as_task_error().map(|error| error.task().to_owned()), Some("tee".to_owned()));
        }
        assert_eq!(pool.source(0..3).read_all().unwrap(), [0, 1, 2]);
    }

    fn a_panic_in_a_key_stops_the_partition(pool) {
        let [even, odd] = pool.source(0_u64..).partition(2, |n| (bomb(*n) % 2) as usize).try_into().unwrap();
        panics_at(&pool, even, 4, "partition", 7);
        drop(odd);
    }

    fn a_key_that_is_too_large_stops_the_partition(pool) {
        let parts = pool.source(0_u64..).partition(2, |n| *n as usize);
        let [mut first, mut second] = parts.try_into().unwrap();
        assert_eq!(first.read(1).unwrap(), [0]);
        assert_eq!(second.read(1).unwrap(), [1]);
        let error = second.read(1).unwrap_err();
        let error = error.as_task_error().unwrap();
        assert_eq!((error.task(), error.index()), ("partition", 2));
        assert_eq!(
            error.cause().to_string(),
            "panicked: an item was sent to part `2` of `2`; the key must be less than the number of parts"
        );
    }

    fn a_panic_that_is_tried_again_may_succeed(pool) {
        let has_failed = std::sync::atomic::AtomicBool::new(false);
        let mut reader = pool.source([7_u64]).retry_map(Retry::times(1), move |n| {
            if !has_failed.swap(true, std::sync::atomic::Ordering::SeqCst) {
                blow(*n);
            }
            Ok::<_, ReadError>(*n)
        });
        assert_eq!(reader.read_all().unwrap(), [7]);
    }

    fn a_panic_is_rejected_like_an_error(pool) {
        let (mut fine, mut rejected) =
            pool.source(5_u64..9).try_map_or_reject(Retry::NEVER, |n| Ok::<_, ReadError>(bomb(*n)));
        assert_eq!(fine.read_all().unwrap(), [5, 6, 8]);
        let rejected = rejected.read_all().unwrap();
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].item, 7);
        assert!(matches!(&rejected[0].cause, Cause::Panic(panic) if panic.take_payload().is_some()));
    }

    fn a_panic_with_a_text_shows_it(pool) {
        for (payload, text) in [
            (Box::new("as it is") as Box<dyn std::any::Any + Send>, "panicked: as it is"),
            (Box::new("made up".to_owned()), "panicked: made up"),
        ] {
            let payload = std::sync::Mutex::new(Some(payload));
            let mut reader = pool.source([1]).map(move |_| -> u32 {
                let payload = payload.lock().unwrap().take();
                resume_unwind(payload.expect("called once"))
            });
            let error = reader.read(1).unwrap_err();
            assert_eq!(error.as_task_error().unwrap().cause().to_string(), text);
        }
    }

    fn items_that_panic_when_dropped_do_no_harm(pool) {
        struct Grenade(u64);
        impl Drop for Grenade {
            fn drop(&mut self) {
                if self.0 == 3 && !std::thread::panicking() {
                    resume_unwind(Box::new("pin out"));
                }
            }
        }
        let [mut kept, dropped] = pool.source(0_u64..6).partition(2, |n| (n % 2) as usize).map_each();
        let mut first = kept.read(1).unwrap();
        assert_eq!(first.remove(0).0, 0);
        drop(dropped);
        assert_eq!(kept.read_all().unwrap().len(), 2);

        trait MapEach {
            fn map_each(self) -> [PoolReader<Grenade>; 2];
        }
        impl MapEach for Vec<PoolReader<u64>> {
            fn map_each(self) -> [PoolReader<Grenade>; 2] {
                let mut readers = self.into_iter().map(|reader| reader.map(Grenade).min_count(3));
                [readers.next().unwrap(), readers.next().unwrap()]
            }
        }
        assert_eq!(pool.source(0..3).read_all().unwrap(), [0, 1, 2]);
    }

    fn payloads_that_panic_when_dropped_do_no_harm_and_are_dropped(pool) {
        /// Panics when it is dropped, with another one that does so one time less.
        struct Chain(u64, Arc<AtomicU64>);
        impl Chain {
            fn len(&self) -> u64 {
                self.0
            }
        }
        impl Drop for Chain {
            fn drop(&mut self) {
                self.1.fetch_add(1, Ordering::SeqCst);
                if self.0 > 0 && !std::thread::panicking() {
                    resume_unwind(Box::new(Self(self.0 - 1, Arc::clone(&self.1))));
                }
            }
        }
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        // Another worker may be letting go of what a dropped reader leaves.
        let all_are_dropped = |count, what: &str| {
            while dropped.load(Ordering::SeqCst) < count {
                std::thread::yield_now();
            }
            assert_eq!(dropped.swap(0, Ordering::SeqCst), count, "{what}");
        };
        let chain = move || Chain(3, Arc::clone(&counter));
        let numbers = |held: Chain| pool.source((0..40).inspect(move |_| assert_eq!(held.len(), 3)));

        assert_eq!(numbers(chain()).read_all().unwrap().len(), 40);
        all_are_dropped(4, "an iterator at its end");

        let mut left = numbers(chain());
        assert_eq!(left.read(1).unwrap(), [0]);
        drop(left);
        all_are_dropped(4, "an iterator that is let go");

        let mut lanes = pool.source(0..40);
        for _ in 0..3 {
            let held = chain();
            lanes = lanes.sequential(move |n| n + held.len());
        }
        assert_eq!(lanes.read(1).unwrap(), [9]);
        drop(lanes);
        all_are_dropped(12, "functions, each in a lane of its own");

        let mut items = pool.source(0..40).map(move |_| chain()).min_count(20);
        items.read(1).unwrap().iter_mut().for_each(|item| item.0 = 0);
        drop(items);
        assert!(dropped.swap(0, Ordering::SeqCst) > 3 * 4, "items that nobody has read");
        assert_eq!(pool.source(0..3).read_all().unwrap(), [0, 1, 2]);
    }
}
