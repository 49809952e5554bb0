//! Functions whose cost changes, that fail, or that give without an end, while workers are in the middle of a chunk.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use millpond_pool::{
    BoxError, Cause, Demand, Expander, Interruption, Items, Operator, Outcome, PollSupply, PoolReader, ReadError, Task,
    Verdict, Wanted,
};

use millpond_sync::Parker;

use crate::calls::Calls;
use crate::meetings::Meetings;
use crate::modes::is_serial;

/// More quick items than the first chunks have, so that the slow ones come in the middle of a large one.
const QUICK: u64 = 20_000;
/// Less than this of what there is after these. A thread of the pool's tells when it is time to look
/// at the clock, and may come late itself.
const FEW: usize = 1_000;

/// Takes far longer than a chunk should.
fn be_slow() {
    std::thread::sleep(Duration::from_millis(5));
}

/// A reader that is woken by others, who wait until it has looked.
struct Looks {
    reads: ThreadId,
    /// Whether it was woken, and whether it has looked since.
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        if std::thread::current().id() != self.reads {
            drop(self.changed.wait_while(state, |(_, has_looked)| !*has_looked).unwrap());
        }
    }
}

/// Gives three items with an interrupt behind them, and then numbers without an end.
struct BehindThree(bool);

impl PollSupply<u64> for BehindThree {
    fn poll_supply(&mut self, demand: Demand, into: &mut Vec<u64>, _: &Waker) -> Poll<Result<bool, BoxError>> {
        if std::mem::replace(&mut self.0, false) {
            into.extend([0, 1, 2]);
            return Poll::Ready(Err(Box::new(Interruption("stopped".into()))));
        }
        into.extend((3..).take(demand.most));
        Poll::Ready(Ok(true))
    }
}

in_parallel! {
    fn an_interrupt_is_told_before_others_can_go_on(pool) {
        let mut reader = pool.add_task(Task::poll_supply([], BehindThree(true)).max_chunksize(3)).map(|n| n);
        let looks = Arc::new(Looks {
            reads: std::thread::current().id(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let waker = Waker::from(Arc::clone(&looks));
        let mut context = Context::from_waker(&waker);
        let mut read = pin!(reader.read_async(10));
        assert!(read.as_mut().poll(&mut context).is_pending());
        drop(looks.changed.wait_while(looks.state.lock().unwrap(), |(is_woken, _)| !*is_woken).unwrap());
        let result = read.as_mut().poll(&mut context);
        looks.state.lock().unwrap().1 = true;
        looks.changed.notify_all();
        assert!(matches!(result, Poll::Ready(Err(ReadError::Interrupted { .. }))), "{result:?}");
    }

    fn what_is_left_of_a_chunk_that_turns_slow_is_for_every_worker(pool) {
        // Items that are slow until a second worker has come, all of them in the last chunk.
        const SLOW: u64 = 1000;
        let workers = Arc::new(Mutex::new(HashSet::<ThreadId>::new()));
        let seen = Arc::clone(&workers);
        let reader = pool.source(0..QUICK + SLOW).map(move |n| {
            if n >= QUICK {
                let mut seen = seen.lock().unwrap();
                seen.insert(std::thread::current().id());
                let is_alone = seen.len() == 1;
                drop(seen);
                if is_alone {
                    be_slow();
                }
            }
            n
        });
        assert_eq!(reader.collect::<Vec<_>>().unwrap(), (0..QUICK + SLOW).collect::<Vec<_>>());
        assert!(workers.lock().unwrap().len() > 1, "one worker has made all that were slow");
    }

    fn what_a_group_still_needs_is_made_by_all_workers(pool) {
        // More than a window of chunks wait for the rest of their group when two are done at the same time, or never.
        let meeting = Arc::new(Barrier::new(2));
        let groups = || {
            let meet = Arc::clone(&meeting);
            let slow = pool.source(0..192_u64).map(move |n| {
                std::thread::sleep(Duration::from_micros(300));
                if n % 64 >= 32 {
                    meet.wait();
                }
                n
            });
            slow.batch(64)
        };
        let expected: Vec<Vec<u64>> = (0..3).map(|group| (group * 64..(group + 1) * 64).collect()).collect();
        assert_eq!(groups().read_all().unwrap(), expected);
        assert_eq!(groups().collect::<Vec<_>>().unwrap(), expected);
        assert_eq!(groups().map(|group| group).read(3).unwrap(), expected);
    }

    fn what_is_left_of_a_chunk_is_begun_however_much_of_it_waits_to_be_read(pool) {
        // The chunk is of 64, and is cut where it turns out to be slow. More of it than a window
        // waits to be read.
        let expected: Vec<u64> = (0..64).collect();
        let read = |form: fn(&mut PoolReader<u64>) -> Vec<u64>| {
            let meetings = Meetings::new(8, 8);
            let mut chunk = pool.source(0..64).map(meetings.slow()).map(|n| n).min_count(64);
            assert_eq!(form(&mut chunk), expected);
            assert!(meetings.met() >= 8, "{} of 64 calls had company", meetings.met());
        };
        read(|chunk| chunk.read_all().unwrap());
        read(|chunk| Iterator::map(chunk.by_ref(), Result::unwrap).collect());
        read(|chunk| Parker::block_on(chunk.read_all_async()).unwrap());
    }

    fn a_failure_stops_the_workers_that_are_behind_it(pool) {
        let here = std::thread::current().id();
        // The first item that a helper fails on, and how many were begun behind it after that.
        let failed_at = Arc::new(AtomicU64::new(u64::MAX));
        let begun_behind = Calls::new();
        let (failed, behind) = (Arc::clone(&failed_at), begun_behind.clone());
        let mut reader = pool.source(0_u64..).try_map(move |n| {
            if n < QUICK {
                return Ok(n);
            }
            if std::thread::current().id() != here {
                failed.fetch_min(n, Ordering::SeqCst);
                return Err("failed by a helper");
            }
            if n > failed.load(Ordering::SeqCst) {
                behind.add();
            }
            if n >= failed.load(Ordering::SeqCst) || failed.load(Ordering::SeqCst) == u64::MAX {
                be_slow();
            }
            Ok(n)
        });
        let error = reader.find_map(Result::err).expect("endless but for the failure");
        let error = error.as_task_error().expect("the helper's").index();
        assert_eq!(error, failed_at.load(Ordering::SeqCst));
        // Those between the failure and its landing, where the thread was not run in between.
        assert!(begun_behind.count() < 20, "{} calls after the failure", begun_behind.count());
    }
}

in_every_mode! {
    fn items_in_front_of_one_that_turns_slow_come_out(pool) {
        let given = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&given);
        let early = Calls::new();
        let is_early = early.clone();
        let here = std::thread::current().id();
        // Of quick items a few are begun at once, by the reader and by a helper that has those
        // before them. The thread that has others look at the clock may come late.
        let mut reader = pool.source(0..QUICK + 240).map(move |n| {
            if n >= QUICK {
                be_slow();
                if std::thread::current().id() == here && seen.load(Ordering::SeqCst) < QUICK - 1 {
                    is_early.add();
                }
            }
            n
        });
        for n in 0..QUICK + 240 {
            assert_eq!(reader.next().unwrap().unwrap(), n);
            given.store(n, Ordering::SeqCst);
        }
        assert!(reader.next().is_none());
        let early = early.count();
        assert!(early < 200, "the reader went on with {early} slow items before it gave what was there");
    }

    fn a_time_out_is_looked_at_between_the_readers_own_items(pool) {
        let deadline = Arc::new(Mutex::new(None::<Instant>));
        let late = Calls::new();
        let (until, counted) = (Arc::clone(&deadline), late.clone());
        let here = std::thread::current().id();
        let mut reader = pool.source(0_u64..).map(move |n| {
            if n >= QUICK
                && let Some(deadline) = *until.lock().unwrap()
            {
                if Instant::now() > deadline && std::thread::current().id() == here {
                    counted.add();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            n
        });
        let moment = Instant::now() + Duration::from_millis(200);
        *deadline.lock().unwrap() = Some(moment);
        let count = 4 * QUICK as usize;
        match reader.read_deadline(count, moment) {
            Err(ReadError::TimedOut { asked, ready, .. }) => assert!(asked == count && ready < count),
            other => panic!("nobody can do so much in the time: {:?}", other.map(|items| items.len())),
        }
        assert!(late.count() < FEW, "{} calls of the reader's begun after its time was up", late.count());
        *deadline.lock().unwrap() = None;
        assert_eq!(reader.read(count).unwrap(), (0..count as u64).collect::<Vec<_>>(), "nothing is lost");
    }

    fn reads_whose_time_is_up_before_they_begin_get_there_in_the_end(pool) {
        let mut reader = pool.source(0..100_u64).map(|n| n).filter(|n| n % 3 != 1).map(|n| n * 2);
        let mut items = Vec::new();
        loop {
            match reader.read_timeout(1, Duration::ZERO) {
                Ok(more) if more.is_empty() => break,
                Ok(more) => items.extend(more),
                Err(error) => assert!(error.is_timed_out(), "{error}"),
            }
        }
        assert_eq!(items, (0..100).filter(|n| n % 3 != 1).map(|n| n * 2).collect::<Vec<_>>());
    }

    fn items_that_nothing_is_made_of_before_a_stop_count_all_the_same(pool) {
        let mut is_stopped = false;
        let function = move |item: u64, back: &mut Option<u64>| {
            is_stopped = item % 10 == 9 && !is_stopped;
            if is_stopped {
                *back = Some(item);
                return Verdict::Fail(Cause::Error("stopped".into()));
            }
            match item {
                40 => Verdict::Give(item),
                95 => Verdict::Fail(Cause::Error("no".into())),
                _ => Verdict::Skip,
            }
        };
        let mut reader = pool.add_task(Task::decide_interruptibly(pool.source(0_u64..), function));
        let mut interrupts = 0;
        let error = loop {
            match reader.read(2).unwrap_err() {
                ReadError::Interrupted { .. } => interrupts += 1,
                error => break error,
            }
        };
        let error = error.as_task_error().unwrap();
        assert_eq!((interrupts, error.index(), error.unread()), (9, 95, 1));
        let graph = pool.graph();
        let (_, decided) = graph.iter().find(|(_, task)| &*task.name == "decide").unwrap();
        assert_eq!(decided.items, 96);
    }

    fn a_source_is_left_between_two_items_when_the_time_is_up(pool) {
        let late = Calls::new();
        let counted = late.clone();
        let here = std::thread::current().id();
        let slow = Arc::new(Mutex::new(None::<Instant>));
        let until = Arc::clone(&slow);
        let mut reader = pool.source((0_u64..).inspect(move |n| {
            if *n >= QUICK
                && let Some(deadline) = *until.lock().unwrap()
            {
                if Instant::now() > deadline && std::thread::current().id() == here {
                    counted.add();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }));
        let moment = Instant::now() + Duration::from_millis(200);
        *slow.lock().unwrap() = Some(moment);
        let count = 4 * QUICK as usize;
        assert!(matches!(reader.read_deadline(count, moment), Err(ReadError::TimedOut { .. })));
        assert!(late.count() < FEW, "{} items taken after the time was up", late.count());
        *slow.lock().unwrap() = None;
        assert_eq!(reader.read(count).unwrap(), (0..count as u64).collect::<Vec<_>>());
    }

    fn an_endless_inner_iterator_is_pulled_as_far_as_is_wanted(pool) {
        let pulled = Calls::new();
        let counting = pulled.clone();
        let mut reader = pool.source([10_u64, 20]).flat_map(move |n| (n..).inspect({
            let counting = counting.clone();
            move |_| { counting.add(); }
        }));
        assert_eq!(pulled.count(), 0);
        assert_eq!(reader.read(5).unwrap(), [10, 11, 12, 13, 14]);
        assert_eq!(pulled.count(), 5);
        assert_eq!(reader.read(1).unwrap(), [15]);
        assert_eq!(pulled.count(), 6);
        let ahead: Vec<u64> = Iterator::map(reader.by_ref(), Result::unwrap).skip(1000).step_by(1000).take(3).collect();
        assert_eq!(ahead, [1016, 2016, 3016]);
        if is_serial(&pool) {
            assert_eq!(pulled.count(), 6 + 3001);
        }
    }

    fn inner_iterators_keep_their_order_and_none_of_their_items_is_lost(pool) {
        let lengths = |n: u64| n * 7919 % 23;
        let expected: Vec<(u64, u64)> = (0..3000).flat_map(|n| (0..lengths(n)).map(move |k| (n, k))).collect();
        let reader = || pool.source(0..3000_u64).flat_map(move |n| (0..lengths(n)).map(move |k| (n, k)));
        assert_eq!(reader().read_all().unwrap(), expected);
        assert_eq!(Iterator::map(reader(), Result::unwrap).collect::<Vec<_>>(), expected);
        let mut in_parts = reader();
        let mut all = Vec::new();
        for count in (1..).map(|n| n * 31 % 97 + 1) {
            let items = in_parts.read(count).unwrap();
            if items.is_empty() { break; }
            all.extend(items);
        }
        assert_eq!(all, expected);
    }

    fn what_an_inner_iterator_fails_on_names_the_item_that_it_came_of(pool) {
        let mut reader = pool.source(0..100_u64).flat_map(|n| (0..10_u64).map(move |k| {
            assert!((n, k) != (42, 7), "no good");
            n * 10 + k
        }));
        assert_eq!(reader.read(300).unwrap(), (0..300).collect::<Vec<_>>());
        let items = reader.by_ref().map_while(Result::ok).collect::<Vec<_>>();
        assert_eq!(items, (300..427).collect::<Vec<_>>());
        let error = reader.read(1).unwrap_err();
        assert_eq!(error.as_task_error().unwrap().index(), 42);
    }

    fn an_operator_that_panics_keeps_what_it_has_made(pool) {
        struct Doubles;
        impl Operator<u64, u64> for Doubles {
            fn apply(&self, items: &mut Items<u64>, wanted: &Wanted<'_>, outcome: &mut Outcome<u64>) {
                while wanted.goes_on() && let Some(item) = items.next() {
                    assert!(item != 70, "not this one");
                    outcome.results.push(item * 2);
                }
            }

            fn apply_one(&self, item: u64, _back: &mut Option<u64>) -> Result<Option<u64>, BoxError> {
                assert!(item != 70, "not this one");
                Ok(Some(item * 2))
            }
        }
        let mut reader = pool.add_task(Task::operator(pool.source(0..100_u64), Doubles));
        let items = reader.by_ref().map_while(Result::ok).collect::<Vec<_>>();
        assert_eq!(items, (0..70).map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(reader.read(1).unwrap_err().as_task_error().unwrap().index(), 70);
    }

    fn an_expander_goes_on_where_it_stopped(pool) {
        struct Repeats;
        impl Expander<u64, u64> for Repeats {
            type Open = std::ops::Range<u64>;

            fn expand(
                &self,
                open: &mut Option<Self::Open>,
                items: &mut Items<u64>,
                most: usize,
                wanted: &Wanted<'_>,
                outcome: &mut Outcome<u64>,
            ) {
                while outcome.results.len() < most && outcome.error.is_none() && wanted.goes_on() {
                    match open {
                        Some(range) => match range.next() {
                            Some(next) => outcome.results.push(next),
                            None => *open = None,
                        },
                        None => match items.next() {
                            Some(13) => outcome.error = Some("unlucky".into()),
                            Some(item) => *open = Some(item * 100..item * 100 + 50),
                            None => break,
                        },
                    }
                }
            }
        }
        let mut reader = pool.add_task(Task::expander(pool.source(0_u64..), Repeats));
        let expected = |items: std::ops::Range<u64>| items.flat_map(|n| n * 100..n * 100 + 50).collect::<Vec<_>>();
        assert_eq!(reader.read(120).unwrap(), expected(0..3)[..120]);
        let others = reader.by_ref().map_while(Result::ok).collect::<Vec<_>>();
        assert_eq!(others, expected(0..13)[120..]);
        assert_eq!(reader.read(1).unwrap_err().as_task_error().unwrap().index(), 13);
    }

    fn a_task_that_takes_one_item_after_the_other_may_be_interrupted(pool) {
        let mut seen = Vec::new();
        let function = move |item: u64, back: &mut Option<u64>| {
            if item % 50 == 49 && !seen.contains(&item) {
                seen.push(item);
                *back = Some(item);
                return Verdict::Fail(Cause::Error("stopped".into()));
            }
            if item == 210 { Verdict::Stop } else { Verdict::Give(item) }
        };
        let mut reader = pool.add_task(Task::decide_interruptibly(pool.source(0..220_u64), function)).map(|n| n);
        let mut interrupts = 0;
        let items = loop {
            match reader.read_all() {
                Ok(items) => break items,
                Err(error) => assert!(matches!(error, ReadError::Interrupted { .. }), "{error}"),
            }
            interrupts += 1;
        };
        assert_eq!((items, interrupts), ((0..210).collect(), 4));
    }

    fn a_source_that_was_interrupted_is_asked_on(pool) {
        // Interrupted once before each multiple of 50, which it gives when it is asked again.
        struct Interrupted(std::ops::Range<u64>, bool);
        impl PollSupply<u64> for Interrupted {
            fn poll_supply(
                &mut self,
                demand: Demand,
                into: &mut Vec<u64>,
                _: &Waker,
            ) -> Poll<Result<bool, BoxError>> {
                while into.len() < demand.most && !self.0.is_empty() {
                    self.1 = self.0.start % 50 == 49 && !self.1;
                    if self.1 {
                        return Poll::Ready(Err(Box::new(Interruption("stopped".into()))));
                    }
                    into.extend(self.0.next());
                }
                Poll::Ready(Ok(!self.0.is_empty()))
            }
        }
        let mut reader = pool.add_task(Task::poll_supply([], Interrupted(0..220, false))).map(|n| n);
        let mut interrupts = 0;
        let items = loop {
            match reader.read_all() {
                Ok(items) => break items,
                Err(ReadError::Interrupted { task, cause }) => {
                    assert_eq!((&*task, &*cause.to_string()), ("source", "stopped"));
                }
                Err(error) => panic!("{error}"),
            }
            interrupts += 1;
        };
        assert_eq!((items, interrupts), ((0..220).collect(), 4));
    }

    fn an_interrupted_item_is_put_back_and_the_read_says_so(pool) {
        // Each multiple of 50 is interrupted once.
        struct Interrupted(Mutex<Vec<u64>>);
        impl Operator<u64, u64> for Interrupted {
            fn apply(&self, items: &mut Items<u64>, wanted: &Wanted<'_>, outcome: &mut Outcome<u64>) {
                while wanted.goes_on() && let Some(item) = items.next() {
                    let mut back = None;
                    match self.apply_one(item, &mut back) {
                        Ok(result) => outcome.results.extend(result),
                        Err(cause) => {
                            items.put_back(back.expect("it is interrupted, and does not fail"));
                            outcome.interrupt = Some(cause);
                            return;
                        }
                    }
                }
            }

            fn apply_one(&self, item: u64, back: &mut Option<u64>) -> Result<Option<u64>, BoxError> {
                let mut seen = self.0.lock().unwrap();
                if item % 50 == 49 && !seen.contains(&item) {
                    seen.push(item);
                    *back = Some(item);
                    return Err(format!("stopped at {item}").into());
                }
                Ok(Some(item))
            }
        }
        let reader = || pool.add_task(Task::operator(pool.source(0..220_u64), Interrupted(Mutex::default()))).map(|n| n);
        let expected: Vec<u64> = (0..220).collect();
        let is_interrupt = |error: &ReadError| matches!(error, ReadError::Interrupted { .. });

        let mut all = reader();
        let mut interrupts = 0;
        let items = loop {
            match all.read_all() {
                Ok(items) => break items,
                Err(error) => assert!(is_interrupt(&error), "{error}"),
            }
            interrupts += 1;
        };
        assert_eq!((items, interrupts), (expected.clone(), 4));

        let mut iterated = reader();
        let mut interrupts = 0;
        let items: Vec<u64> = Iterator::filter_map(&mut iterated, |next| match next {
            Ok(item) => Some(item),
            Err(error) => {
                assert!(is_interrupt(&error), "{error}");
                interrupts += 1;
                None
            }
        }).collect();
        assert_eq!((items, interrupts), (expected, 4));

        let mut one_by_one = reader();
        let mut interrupts = 0;
        for n in 0..220 {
            let item = loop {
                match one_by_one.read(1) {
                    Ok(items) => break items,
                    Err(error) => assert!(is_interrupt(&error), "{error}"),
                }
                interrupts += 1;
            };
            assert_eq!(item, [n]);
        }
        assert_eq!(interrupts, 4);
    }

    fn what_is_cut_keeps_the_place_of_a_failure_before_it(pool) {
        // The first task fails at an item of a chunk in which the second turns slow before.
        let mut reader = pool
            .source(0..2 * QUICK)
            .try_map(|n| if n == QUICK + 10 { Err("the eleventh") } else { Ok(n) })
            .map(|n| {
                if n == QUICK + 3 {
                    be_slow();
                }
                n
            });
        let items = reader.by_ref().map_while(Result::ok).collect::<Vec<_>>();
        assert_eq!(items, (0..QUICK + 10).collect::<Vec<_>>());
        let error = reader.read(1).unwrap_err();
        let error = error.as_task_error().unwrap();
        assert_eq!((error.index(), error.task()), (QUICK + 10, "try_map"));
    }
}

/// Opens once, for all.
#[derive(Clone, Default)]
struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}

in_parallel! {
    fn a_lane_that_is_dropped_with_a_rest_left_drops_its_items(pool) {
        struct Counted(Calls);
        impl Drop for Counted {
            fn drop(&mut self) { self.0.add(); }
        }
        let (dropped, latch) = (Calls::new(), Latch::default());
        let (counted, opens) = (dropped.clone(), latch.clone());
        let mut reader = pool.source(0..QUICK + 100).map(move |n| (n, Counted(counted.clone()))).map(move |pair| {
            if pair.0 == QUICK {
                be_slow();
                opens.open();
            }
            pair
        });
        let items = reader.read(QUICK as usize + 1).unwrap().len();
        latch.wait();
        assert_eq!(items, QUICK as usize + 1);
        drop(reader);
        drop(pool);
        dropped.wait_for(QUICK as usize + 1);
    }
}
