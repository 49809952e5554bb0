//! Random graphs of all tasks and options, read in all ways, beside the model of the pool's property tests.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use millpond_pool::{PoolReader, simulation};
use millpond_proof::program::Wrong;

use crate::build::{Builder, bounded};
use crate::case::{Case, Way};
use crate::counts::Counts;
use crate::mode::Mode;
use crate::model::{End, Node, interpret};
use crate::reading::{Reading, Step};
use crate::seen::is_alone;
use crate::tamper::tamper;

/// What a reader gave.
struct Outcome {
    items: Vec<u64>,
    /// Nothing for one that was left before its end.
    end: Option<End>,
    counts: Counts,
}

/// Reads in these ways, over and over, to the end, or once where it `leaves`.
fn read_on(reader: &mut PoolReader<u64>, ways: &[Reading], leaves: bool) -> Outcome {
    let mut outcome = Outcome { items: Vec::new(), end: None, counts: Counts::default() };
    loop {
        let before = outcome.items.len();
        for (number, &way) in ways.iter().chain([&Reading::Read(1)]).enumerate() {
            // Some ways to read never work, so at the last one that does.
            if number == ways.len() && outcome.items.len() > before {
                break;
            }
            let had = outcome.items.len();
            match way.once(reader, &mut outcome.items) {
                Step::Going if outcome.items.len() > had => {}
                Step::Unread(_) => {}
                Step::Going => match way {
                    Reading::Timeout(..) | Reading::SomeTimeout(..) => outcome.counts.timed_out += 1,
                    Reading::Abandon(_) => outcome.counts.abandoned += 1,
                    _ => {}
                },
                Step::End(end) => {
                    outcome.end = Some(end);
                    return outcome;
                }
                Step::Busy | Step::Full => {
                    outcome.counts.busy += 1;
                    simulation::yield_now();
                    thread::yield_now();
                }
            }
        }
        if leaves {
            outcome.counts.dropped += 1;
            return outcome;
        }
    }
}

/// Compares what came with what had to come, in any order or in this one.
fn compare(mut got: Vec<u64>, model: &Node, is_open: bool, is_whole: bool) -> Result<(), Wrong> {
    tamper(&mut got);
    let is_right = if is_open {
        let (mut got, mut wanted) = (got.clone(), model.items.clone());
        got.sort_unstable();
        wanted.sort_unstable();
        got == wanted
    } else {
        model.items.starts_with(&got) && (!is_whole || got.len() == model.items.len())
    };
    if is_right || (is_open && !is_whole) {
        return Ok(());
    }
    let mut counts: HashMap<u64, i64> = HashMap::new();
    model.items.iter().for_each(|item| *counts.entry(*item).or_default() += 1);
    got.iter().for_each(|item| *counts.entry(*item).or_default() -= 1);
    let lost = counts.values().filter(|count| **count > 0 && is_whole).sum::<i64>();
    let doubled = -counts.values().filter(|count| **count < 0).sum::<i64>();
    let what = format!("{} items where {} had to come, or not in order", got.len(), model.items.len());
    Err(Wrong { lost: lost as usize, doubled: doubled as usize, what })
}

fn must_end(outcome: &Outcome, model: &Node) -> Result<(), Wrong> {
    match &outcome.end {
        Some(end) if *end != model.end => {
            Err(Wrong { what: format!("the end was `{end:?}` and should be `{:?}`", model.end), ..Wrong::default() })
        }
        _ => Ok(()),
    }
}

/// Reads from each reader in a thread of its own, of the simulation or the system; the last leaves if so asked.
fn in_threads(readers: Vec<PoolReader<u64>>, ways: &[Vec<Reading>], last_leaves: bool, mode: Mode) -> Vec<Outcome> {
    let count = readers.len();
    let jobs = readers.into_iter().zip(ways.to_vec()).enumerate().map(move |(number, (mut reader, ways))| {
        let leaves = last_leaves && number + 1 == count;
        move || read_on(&mut reader, &ways, leaves)
    });
    if matches!(mode, Mode::Simulated(_)) {
        let threads: Vec<_> = jobs.map(simulation::spawn).collect();
        return threads.into_iter().map(|thread| thread.join().expect("a reading thread does not panic")).collect();
    }
    let threads: Vec<_> = jobs.map(thread::spawn).collect();
    threads.into_iter().map(|thread| thread.join().expect("a reading thread does not panic")).collect()
}

pub(crate) fn run(Case { plan, way }: &Case, mode: Mode) -> Result<Counts, Wrong> {
    let model = interpret(plan, &mut 0);
    let pool = mode.pool();
    let mut builder = Builder::new(&pool, plan);
    let reader = builder.build(plan);
    let ledger = Arc::clone(&builder.ledger);
    drop(builder);
    let (outcomes, resizes) = mode.beside(&pool, || match way {
        Way::Alone(ways) => {
            let mut reader = reader;
            vec![read_on(&mut reader, ways, false)]
        }
        Way::Shared(ways) => {
            let readers = ways.iter().map(|_| reader.clone()).collect();
            let mut outcomes = in_threads(readers, ways, false, mode);
            let mut last = reader;
            outcomes.push(read_on(&mut last, &[Reading::All], false));
            outcomes
        }
        Way::Branches(ways, capacity) => in_threads(reader.tee(bounded(ways.len(), *capacity)), ways, true, mode),
    });
    let mut counts = Counts { graphs: 1, resizes, ..Counts::default() };
    let mut together = Vec::new();
    for outcome in outcomes {
        must_end(&outcome, &model)?;
        counts.items += outcome.items.len() as u64;
        counts.add(&outcome.counts);
        counts.failures += u64::from(matches!(outcome.end, Some(End::Failed { .. })));
        match way {
            Way::Alone(_) | Way::Branches(..) => {
                compare(outcome.items, &model, model.is_open, outcome.end.is_some())?;
            }
            Way::Shared(_) => together.extend(outcome.items),
        }
    }
    if matches!(way, Way::Shared(_)) {
        compare(together, &model, true, true)?;
    }
    drop(pool);
    if !is_alone(&ledger) {
        return Err(Wrong { what: "functions are left when pool and readers are gone".to_owned(), ..Wrong::default() });
    }
    if matches!(mode, Mode::Simulated(_)) {
        counts.simulated += simulation::last().map_or(0, |report| report.schedule.faults() as u64);
    }
    Ok(counts)
}
