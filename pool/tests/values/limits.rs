//! Limits: units lie idle for nobody, and nobody is passed for ever.

use std::sync::mpsc;
use std::time::Duration;

use millpond_pool::values::{Graph, Limit};

use crate::{pools, spin, workers};

/// For how long a test waits for what comes at once, unless the engine is broken.
const LONG: Duration = Duration::from_secs(20);

#[test]
fn units_that_the_first_in_line_cannot_use_go_to_the_next() {
    // One task has the one limit for long; when the other limit is free again, the task that needs
    // both is still in its way.
    for pool in [workers::pool(2), workers::pool(3), workers::pool(8)] {
        for _ in 0..20 {
            let (sender, receiver) = mpsc::channel();
            let (one, other) = (Limit::new("one", 1).unwrap(), Limit::new("other", 1).unwrap());
            let mut graph = Graph::new();
            let short = graph.task("short", (), |()| spin(50_000));
            let long = graph.task("long", (), move |()| receiver.recv_timeout(LONG).is_ok());
            let both = graph.task("both", (), |()| ());
            let next = graph.task("next", (), move |()| sender.send(()).is_ok());
            for (task, limits) in
                [(short.id(), &[&one][..]), (long.id(), &[&other]), (both.id(), &[&one, &other]), (next.id(), &[&one])]
            {
                limits.iter().for_each(|limit| graph.limit(task, limit, 1).unwrap());
            }
            let (long, next, ..) = pool.get_many(&mut graph, (long, next, short, both)).unwrap();
            assert!(*long && *next);
        }
    }
}

#[test]
fn a_limit_is_said_anew_and_not_added() {
    for pool in pools() {
        let limit = Limit::new("few", 2).unwrap();
        let mut graph = Graph::new();
        let parts: Vec<_> = (0..40).map(|_| graph.task("part", (), |()| spin(2_000))).collect();
        for part in &parts {
            for units in [2, 2, 1] {
                graph.limit(*part, &limit, units).unwrap();
            }
        }
        graph.limit(parts[0], &limit, 0).unwrap();
        assert_eq!(pool.get_many(&mut graph, &parts).unwrap().len(), 40);
    }
}
