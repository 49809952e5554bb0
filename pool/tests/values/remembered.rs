//! Random graphs, and what is done to them between runs: what a graph remembers is never out of
//! date, whatever panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use millpond_pool::values::{Graph, RunOptions, Task};
use proptest::prelude::*;

use crate::{pools, spin};

/// A value whose drop panics if it is one of a few.
#[derive(Debug)]
struct Touchy(u64);

impl Drop for Touchy {
    fn drop(&mut self) {
        if self.0 % 5 == 2 {
            std::panic::resume_unwind(Box::new("touchy"));
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Get(prop::sample::Index),
    GetAll,
    Run,
    KeepGoing,
    Set(prop::sample::Index, u64),
    Take(prop::sample::Index),
    Forget(prop::sample::Index),
    ForgetAll,
}

/// What a task takes, none for an input; and whether it fails at each third call.
type Plan = Vec<(Vec<usize>, bool)>;

fn plans() -> impl Strategy<Value = Plan> {
    let task = (prop::collection::vec(any::<prop::sample::Index>(), 0..4), prop::bool::weighted(0.1));
    prop::collection::vec(task, 1..25).prop_map(|tasks| {
        let task = |(number, (inputs, fails)): (usize, (Vec<prop::sample::Index>, bool))| {
            let inputs: Vec<_> = inputs.into_iter().filter(|_| number > 0).map(|index| index.index(number)).collect();
            let fails = fails && !inputs.is_empty();
            (inputs, fails)
        };
        tasks.into_iter().enumerate().map(task).collect()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        4 => index().prop_map(Step::Get),
        2 => Just(Step::GetAll),
        2 => Just(Step::Run),
        1 => Just(Step::KeepGoing),
        3 => (index(), 0..50_u64).prop_map(|(index, value)| Step::Set(index, value)),
        1 => index().prop_map(Step::Take),
        2 => index().prop_map(Step::Forget),
        1 => Just(Step::ForgetAll),
    ];
    prop::collection::vec(step, 1..15)
}

fn value_of(number: usize, inputs: impl Iterator<Item = u64>) -> u64 {
    inputs.fold(number as u64 + 1, |sum, input| sum.wrapping_mul(31).wrapping_add(input))
}

fn build<'env>(plan: &Plan, given: &[u64], calls: &'env [AtomicU32]) -> (Graph<'env>, Vec<Task<Touchy>>) {
    let mut graph = Graph::new();
    let mut tasks: Vec<Task<Touchy>> = Vec::new();
    for (number, (inputs, fails)) in plan.iter().enumerate() {
        let (inputs, fails): (Vec<_>, bool) = (inputs.iter().map(|input| tasks[*input]).collect(), *fails);
        tasks.push(if inputs.is_empty() {
            graph.value("given", Touchy(given[number]))
        } else {
            graph.attempt("computed", inputs, move |inputs| {
                spin(300);
                if calls[number].fetch_add(1, Ordering::Relaxed) % 3 == 2 && fails {
                    return Err("the third time");
                }
                Ok(Touchy(value_of(number, inputs.iter().map(|input| input.0))))
            })
        });
    }
    (graph, tasks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_remembered_is_never_out_of_date(plan in plans(), steps in steps()) {
        for pool in pools() {
            let calls: Vec<_> = plan.iter().map(|_| AtomicU32::new(0)).collect();
            let mut given: Vec<u64> = (0..plan.len() as u64).collect();
            let mut is_taken = vec![false; plan.len()];
            let (mut graph, tasks) = build(&plan, &given, &calls);
            for step in &steps {
                // The panic of a drop comes out of what has no other way to tell it.
                let _ = catch_unwind(AssertUnwindSafe(|| match step {
                    Step::Get(index) => _ = pool.get(&mut graph, tasks[index.index(plan.len())]),
                    Step::GetAll => _ = pool.get_many(&mut graph, &tasks),
                    Step::Run => _ = pool.run(&mut graph),
                    Step::KeepGoing => _ = pool.run_with(&mut graph, &RunOptions::new().keep_going()),
                    Step::Set(index, value) => {
                        let index = index.index(plan.len());
                        if plan[index].0.is_empty() {
                            (given[index], is_taken[index]) = (*value, false);
                        }
                        _ = graph.set(tasks[index], Touchy(*value));
                    }
                    Step::Take(index) => {
                        let index = index.index(plan.len());
                        is_taken[index] |= plan[index].0.is_empty();
                        drop(graph.take(tasks[index]));
                    }
                    Step::Forget(index) => graph.forget(tasks[index.index(plan.len())]).unwrap(),
                    Step::ForgetAll => graph.forget_all(),
                }));
                let mut right: Vec<u64> = Vec::new();
                for (number, (inputs, _)) in plan.iter().enumerate() {
                    right.push(match inputs.as_slice() {
                        [] => given[number],
                        inputs => value_of(number, inputs.iter().map(|input| right[*input])),
                    });
                    let remembered = graph.peek(tasks[number]).unwrap().map(|value| value.0);
                    prop_assert!(remembered.is_none_or(|value| value == right[number]), "{number} after {step:?}");
                    prop_assert!(!inputs.is_empty() || remembered.is_none() == is_taken[number]);
                }
            }
            // In the end all can be had that does not need what was taken, or fails.
            let mut needs_taken = is_taken;
            for (number, task) in tasks.iter().enumerate() {
                needs_taken[number] |= plan[number].0.iter().any(|input| needs_taken[*input]);
                // Each task fails every third time at most, and so many are in a line.
                let is_had = (0..2 * plan.len() + 1).any(|_| pool.get(&mut graph, *task).is_ok());
                prop_assert!(is_had || needs_taken[number], "{} cannot be had", number);
            }
            let _ = catch_unwind(AssertUnwindSafe(|| drop(graph)));
        }
    }
}
