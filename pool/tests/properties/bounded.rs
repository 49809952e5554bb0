//! Items in flight: P4.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use crate::build::Builder;
use crate::plan::{Act, Flavour, Fork, Join, Plan, Step, steps};
use crate::watch::Watch;
use crate::{SIZES, config, workers};

/// How a bounded run reads.
#[derive(Debug, Clone, Copy)]
enum Way {
    Read(usize),
    Iterate,
}

/// Operators that give as many items as they get.
fn even_steps() -> impl Strategy<Value = Vec<Step>> {
    steps(Flavour { has_faults: false, ..Flavour::ALL }).prop_map(|mut steps| {
        for step in &mut steps {
            if !step.act.is_one_to_one() {
                step.act = Act::Map;
            }
            step.min_count = 1;
            step.rounds %= 50;
        }
        steps
    })
}

/// Long chains and diamonds that give an item for each of the source's, with `chunk` for the size of all chunks.
fn even_plans() -> impl Strategy<Value = (Plan, usize)> {
    let source =
        prop_oneof![3 => 300..3_000_usize, 1 => 3_000..20_000_usize].prop_map(|items| Box::new(Plan::Source(items)));
    let plan = prop_oneof![
        (source.clone(), even_steps()).prop_map(|(source, steps)| Plan::Pipe(source, steps)),
        (source, even_steps(), even_steps(), even_steps()).prop_map(|(source, before, left, right)| Plan::Fork {
            input: Box::new(Plan::Pipe(source, before)),
            fork: Fork::Tee,
            branches: vec![left, right],
            join: Join::Zip,
        }),
    ];
    (plan, prop_oneof![1..5_usize, 5..100_usize, Just(8 * 1024)]).prop_map(|(mut plan, chunk)| {
        plan.each_step(&mut |step| step.max_chunksize = Some(chunk));
        (plan, chunk)
    })
}

fn run(plan: &Plan, chunk: usize, capacity: Option<usize>, way: Way, size: usize) -> Result<(), TestCaseError> {
    let _watch = Watch::over(&(plan, chunk, capacity, way, size));
    let pool = workers::pool(size);
    let mut builder = Builder::new(&pool, plan);
    builder.chunk = Some(chunk);
    builder.capacity = capacity;
    let (made, taken, most) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    builder.made = Some(Arc::new({
        let (made, taken, most) = (Arc::clone(&made), Arc::clone(&taken), Arc::clone(&most));
        move || {
            let flying = made.fetch_add(1, Ordering::Relaxed) + 1 - taken.load(Ordering::Relaxed);
            most.fetch_max(flying, Ordering::Relaxed);
        }
    }));
    let mut reader = builder.build(plan);
    let demand = match way {
        Way::Iterate => {
            for item in reader {
                item.expect("nothing fails here");
                taken.fetch_add(1, Ordering::Relaxed);
            }
            1
        }
        Way::Read(count) => loop {
            let got = reader.read(count).expect("nothing fails here").len();
            taken.fetch_add(got, Ordering::Relaxed);
            if got < count {
                break count;
            }
        },
    };
    let window = if size == 0 { 1 } else { 2 * size };
    // Each operator may have a lane of its own. A lane has a window of chunks and one that the next lane's head has taken; a fork has a
    // window for each branch. An iteration holds what it took at once, at most another window.
    let lanes = plan.operators() + 2;
    let bound = demand + plan.read_ahead() + (lanes + 1) * window * chunk + lanes * chunk;
    let most = most.load(Ordering::Relaxed);
    prop_assert!(most <= bound, "{most} items in flight where {bound} are the most");
    Ok(())
}

proptest! {
    #![proptest_config(config(40, "tests/properties/regressions/bounded.txt"))]

    /// P4: items made and not yet read are at most: the demand, plus all read-ahead, plus per
    /// operator a window of chunks (two per worker, one in serial mode) and a chunk in hand;
    /// however long the source. Branches of limited room that are read side by side give all as
    /// well.
    #[test]
    fn items_in_flight_are_bounded(
        (plan, chunk) in even_plans(),
        capacity in prop::option::of(1..300_usize),
        way in prop_oneof![Just(Way::Iterate), (1..400_usize).prop_map(Way::Read)],
    ) {
        for size in SIZES {
            run(&plan, chunk, capacity, way, size).map_err(|error| TestCaseError::fail(format!("size {size}: {error}")))?;
        }
    }
}
