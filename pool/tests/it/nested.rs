//! Functions of tasks that read from the pool themselves help instead of blocking.

use std::sync::{Arc, Mutex, OnceLock};

use millpond_pool::{PoolReader, ReadError};

use crate::calls::Calls;

/// A reader that a function finds in its place once it is there, until it is taken away again.
type Own<T> = Arc<OnceLock<Mutex<Option<PoolReader<T>>>>>;

in_every_mode! {
    fn a_function_may_read_another_graph_of_the_pool(pool) {
        let inner = pool.source(0_u64..).map(|n| n).sequential(|n| n);
        let mut outer = pool.source(0_u64..200).map(move |_| inner.clone().read(2).unwrap().iter().sum::<u64>());
        let mut sums = outer.read_all().unwrap();
        assert_eq!(sums.iter().sum::<u64>(), (0..400).sum());
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), 200, "no two reads got the same items");
    }

    fn functions_may_read_several_levels_deep(pool) {
        let mut reader: PoolReader<u64> = pool.source(0..);
        for _ in 0..8 {
            let below = Mutex::new(reader);
            // A sum: which of two calls comes first is not said.
            reader = pool.source(0_u64..).map(move |_| below.lock().unwrap().read(2).unwrap().iter().sum());
        }
        assert_eq!(reader.read(1).unwrap(), [(0..256).sum()]);
        assert_eq!(reader.read(1).unwrap(), [(256..512).sum()]);
    }

    fn a_function_may_read_a_shared_reader_upstream_of_it(pool) {
        let shared = pool.source(0_u64..3000).map(|n| n);
        let extra = shared.clone();
        let mut reader = shared.sequential(|n| n).map(move |n| {
            let more = extra.clone().read(1).unwrap();
            [Some(n), more.first().copied()]
        });
        let mut all: Vec<u64> = reader.read_all().unwrap().into_iter().flatten().flatten().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..3000));
    }

    fn a_sequential_function_may_read_as_well(pool) {
        let mut inner = pool.source(0_u64..).map(|n| n * 10).max_chunksize(3);
        let mut reader = pool.source(0_u64..500).sequential(move |n| inner.read(1).unwrap()[0] + n).map(|n| n);
        assert!(reader.read_all().unwrap().into_iter().eq((0..500).map(|n| n * 11)));
    }

    fn an_iterator_may_read_as_well(pool) {
        let inner = pool.source(0_u64..1000).map(|n| n);
        let mut reader = pool.source(Iterator::map(inner, Result::unwrap).filter(|n| n % 2 == 1)).map(|n| n);
        assert!(reader.read_all().unwrap().into_iter().eq((1..1000).step_by(2)));
    }

    fn reading_the_own_output_is_an_error(pool) {
        let own: Own<Option<String>> = Arc::default();
        let myself = Arc::clone(&own);
        let mut reader = pool
            .source([1, 2, 3])
            .map(move |_| {
                let error = myself.get().and_then(|own| own.lock().unwrap().as_mut()?.read(5).err());
                error.map(|error| error.to_string())
            })
            .named("ouroboros")
            .max_chunksize(1)
            .concurrency(1);
        assert!(own.set(Mutex::new(Some(reader.clone()))).is_ok());
        let said = reader.read(1).unwrap().remove(0).expect("the read within fails");
        assert_eq!(
            said,
            "a task's function reads from task `ouroboros`, which waits for that very function; read from a task \
             upstream of it"
        );
        // A function that holds a reader of its own output holds itself.
        own.get().unwrap().lock().unwrap().take();
    }

    fn reading_what_depends_on_the_own_output_is_an_error(pool) {
        let own: Own<bool> = Arc::default();
        let myself = Arc::clone(&own);
        let mut reader = pool
            .source([1])
            .sequential(move |_| {
                let mut own = myself.get().expect("set below").lock().unwrap();
                matches!(own.as_mut().expect("until the end").read(1), Err(ReadError::OwnOutput { .. }))
            })
            .map(|is_refused| is_refused);
        let after = reader.clone().batch(1).flatten();
        assert!(own.set(Mutex::new(Some(after))).is_ok());
        assert_eq!(reader.read(1).unwrap(), [true]);
        own.get().unwrap().lock().unwrap().take();
    }

    fn a_function_may_build_a_graph_and_read_it(pool) {
        let pool = Arc::new(pool);
        let within = Arc::clone(&pool);
        let mut reader = pool.source(1_u64..50).map(move |n| {
            let [a, b] = within.source(0..n).tee(2).try_into().unwrap();
            a.zip(b.map(|n| n)).map(|(a, b)| a + b).fold(0, |sum, n| sum + n).unwrap()
        });
        assert!(reader.read_all().unwrap().into_iter().eq((1..50).map(|n| n * (n - 1))));
        drop(reader);
        while pool.task_count() > 0 {
            std::thread::yield_now();
        }
    }

    fn a_pool_may_be_dropped_by_its_own_function(pool) {
        let keeper = Arc::new(Mutex::new(None));
        let victim = Arc::clone(&keeper);
        let mut reader = pool.source(0..1000).map(move |n| { drop(victim.lock().unwrap().take()); n });
        *keeper.lock().unwrap() = Some(pool);
        assert!(matches!(reader.read_all(), Err(ReadError::PoolGone { .. })));
    }

    fn a_function_may_resize_its_pool(pool) {
        let pool = Arc::new(pool);
        let (within, calls) = (Arc::clone(&pool), Calls::new());
        let counted = calls.clone();
        let mut reader = pool
            .source(0_u64..5000)
            .map(move |n| {
                counted.add();
                if n.is_multiple_of(500) {
                    within.set_size((n / 500 % 4) as usize);
                }
                n
            })
            .sequential(|n| n);
        assert!(reader.read(2000).unwrap().into_iter().eq(0..2000));
        assert!(reader.read_all().unwrap().into_iter().eq(2000..5000));
        assert_eq!(calls.count(), 5000);
    }
}
