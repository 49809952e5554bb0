//! Workers that go away.

use std::sync::Arc;
use std::sync::mpsc::channel;

use millpond_workers::{GcdWorkers, Workers};
use parking_lot::Mutex;

use crate::job::{Job, Turnstile};
use crate::workers;

#[test]
fn a_help_loop_outlives_the_workers() {
    let workers = workers(1);
    let turnstile = Turnstile::new();
    workers.lend(1, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    // Does not wait for the help loop, which can only end after this line.
    drop(workers);
    turnstile.leave.send(()).unwrap();
    turnstile.left.recv().unwrap();
}

#[test]
fn what_was_lent_before_the_drop_is_helped() {
    let workers = workers(1);
    let turnstile = Turnstile::new();
    workers.lend(1, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    let (say, said) = channel();
    for number in 0..3 {
        let say = say.clone();
        workers.lend(1, Job::new(move || say.send(number).unwrap()));
    }
    drop((workers, say));
    turnstile.leave.send(()).unwrap();
    assert_eq!(said.iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_help_loop_may_drop_the_workers_that_run_it() {
    let kept: Arc<Mutex<Option<GcdWorkers>>> = Arc::default();
    let (say, said) = channel();
    let job = Job::new({
        let kept = Arc::clone(&kept);
        move || {
            let workers = kept.lock().take();
            drop(workers);
            say.send(()).unwrap();
        }
    });
    let mut place = kept.lock();
    let workers = place.insert(workers(2));
    workers.lend(1, job);
    drop(place);
    said.recv().unwrap();
}

#[test]
fn workers_come_and_go() {
    for threads in 0..200 {
        let workers = workers(threads % 4);
        workers.lend(threads, Job::new(|| ()));
        workers.apply(threads, &|_| ());
    }
}
