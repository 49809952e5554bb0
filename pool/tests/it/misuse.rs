//! Mistakes are loud, and say the way out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use millpond_pool::{Pool, PoolReader, ReadError, Task};

use crate::workers;

/// The message that `body` panics with.
fn panic_of<R>(body: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| drop(body()))).expect_err("it panics");
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| (*payload.downcast_ref::<&str>().unwrap()).to_owned())
}

in_every_mode! {
    fn sizes_of_nothing_are_refused(pool) {
        let reader = || pool.source(0..9);
        assert_eq!(panic_of(|| reader().batch(0)), "batching was given a size of `0`; give 1 or more");
        assert_eq!(panic_of(|| reader().tee(0)), "a tee was given `0` branches; give 1 or more");
        assert_eq!(panic_of(|| reader().partition(0, |_| 0)), "a partition was given `0` parts; give 1 or more");
        assert_eq!(
            panic_of(|| reader().map(|n| n).named("m").min_count(0)),
            "task `m` was given a min_count of `0`; give 1 or more"
        );
        assert_eq!(
            panic_of(|| reader().max_chunksize(0)),
            "task `source` was given a max_chunksize of `0`; give 1 or more"
        );
        assert_eq!(
            panic_of(|| Task::map(reader(), |n| n).concurrency(0)),
            "task `map` was given a concurrency of `0`; give 1 or more"
        );
    }

    fn options_that_come_too_late_are_refused(pool) {
        let read = || {
            let mut reader = pool.source(0..9).map(|n| n).named("late");
            assert_eq!(reader.read(1).unwrap(), [0]);
            reader
        };
        let late = |option: &str| format!("`{option}` of task `late` came too late; give a task its options right after adding it");
        assert_eq!(panic_of(|| read().named("x")), late("named"));
        assert_eq!(panic_of(|| read().min_count(2)), late("min_count"));
        assert_eq!(panic_of(|| read().max_chunksize(2)), late("max_chunksize"));
        assert_eq!(panic_of(|| read().concurrency(2)), late("concurrency"));
        assert_eq!(panic_of(|| read().unordered()), late("unordered"));
        assert_eq!(panic_of(|| read().read_ahead(2)), late("read_ahead"));
        let branch = || pool.source(0..9).tee(2).remove(0);
        assert_eq!(
            panic_of(|| branch().named("x")),
            "`named` of task `tee` came too late; give a task its options right after adding it"
        );
    }

    fn names_are_those_given_last(pool) {
        let mut reader = pool.source(0..9).named("first").named("second");
        assert_eq!(&*reader.task_name(), "second");
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert_eq!(&*reader.task_name(), "second");
    }

    fn debug_shows_state_and_never_waits(pool) {
        let mut reader = pool.source(0..9).named("numbers");
        assert_eq!(format!("{reader:?}"), "PoolReader { task: \"numbers\", .. }");
        reader.read(1).unwrap();
        assert_eq!(format!("{reader:?}"), "PoolReader { task: \"numbers\", outlet: 0, is_cancelled: false, .. }");
        assert!(format!("{pool:?}").starts_with(&format!("Pool {{ size: {}, ", pool.size())), "{pool:?}");
    }
}

watched_tests! {
    fn a_serial_pool_refuses_a_second_thread() {
        let pool = Pool::serial();
        let mut other: PoolReader<u32> = pool.source(0..9).named("other");
        let (inside, is_inside) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let goes_on = std::sync::Mutex::new(goes_on);
        let mut reader = pool.source([1]).map(move |n| {
            inside.send(()).unwrap();
            goes_on.lock().unwrap().recv().unwrap();
            n
        });
        let thread = std::thread::spawn(move || reader.read(1).unwrap());
        is_inside.recv().unwrap();
        let text = "reading from task `other` of a serial pool that another thread is reading from; read from one thread \
                    at a time, or give the pool at least one worker";
        assert_eq!(other.read(1).unwrap_err().to_string(), text);
        assert_eq!(other.try_read(1).unwrap_err().to_string(), text);
        assert_eq!(other.next().unwrap().unwrap_err().to_string(), text);
        assert!(matches!(other.read_all(), Err(ReadError::SerialBusy { .. })));
        assert!(matches!(pool.remove_task(other.task_id()), Err(ReadError::SerialBusy { .. })));
        // Neither adding nor dropping needs the pool to be free.
        drop(pool.source(0..3).map(|n| n));
        drop(other.clone());
        go_on.send(()).unwrap();
        assert_eq!(thread.join().unwrap(), [1]);
        assert_eq!(other.read(2).unwrap(), [0, 1]);
    }

    fn small_reads_ask_for_no_thread() {
        for size in [1, 2, 8] {
            let pool = workers::pool(size);
            let mut reader = pool.source(0_u64..).map(|n| n).sequential(|n| n).map(|n| n * 2);
            for n in 0..1000 {
                assert_eq!(reader.read(1).unwrap(), [n * 2]);
            }
            assert_eq!(pool.wakes(), 0);
        }
    }
}
