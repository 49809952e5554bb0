//! Random graphs: the same values in every mode, each task once, none before its inputs, none that nobody needs.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use millpond_pool::values::{CancelToken, Graph, Limit, RunError, RunOptions, Task};
use proptest::prelude::*;

use crate::{pools, spin, workers};

/// A task of a random graph: the tasks before it whose values it takes and which it waits for, and how long it runs.
#[derive(Debug, Clone)]
struct Plan {
    inputs: Vec<usize>,
    waits: Vec<usize>,
    rounds: u64,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let task = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        prop::collection::vec(any::<prop::sample::Index>(), 0..2),
        prop_oneof![Just(0_u64), 0..300_u64, 2_000..20_000_u64],
    );
    prop::collection::vec(task, 1..60).prop_map(|tasks| {
        let below = |number: usize, indices: Vec<prop::sample::Index>| match number {
            0 => Vec::new(),
            _ => indices.into_iter().map(|index| index.index(number)).collect(),
        };
        tasks
            .into_iter()
            .enumerate()
            .map(|(number, (inputs, waits, rounds))| Plan {
                inputs: below(number, inputs),
                waits: below(number, waits),
                rounds,
            })
            .collect()
    })
}

/// What a task noted of its runs.
#[derive(Debug, Default)]
struct Note {
    runs: AtomicU32,
    began: AtomicU64,
    ended: AtomicU64,
}

struct World {
    clock: AtomicU64,
    notes: Vec<Note>,
    failing: Vec<bool>,
    /// The task that cancels, and what.
    cancelling: Option<(usize, CancelToken)>,
}

impl World {
    fn new(tasks: usize) -> Self {
        Self {
            clock: AtomicU64::new(1),
            notes: (0..tasks).map(|_| Note::default()).collect(),
            failing: vec![false; tasks],
            cancelling: None,
        }
    }

    fn work(&self, number: usize, rounds: u64, inputs: impl Iterator<Item = u64>) -> Result<u64, String> {
        let note = &self.notes[number];
        note.began.store(self.clock.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        if let Some((cancelling, token)) = &self.cancelling
            && *cancelling == number
        {
            token.cancel();
        }
        spin(rounds);
        let value = inputs.fold(number as u64 + 1, |sum, input| sum.wrapping_mul(31).wrapping_add(input));
        note.runs.fetch_add(1, Ordering::SeqCst);
        note.ended.store(self.clock.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        if self.failing[number] { Err(format!("task {number} is to fail")) } else { Ok(value) }
    }

    fn runs(&self) -> Vec<u32> {
        self.notes.iter().map(|note| note.runs.load(Ordering::SeqCst)).collect()
    }
}

fn build<'env>(world: &'env World, plans: &[Plan]) -> (Graph<'env>, Vec<Task<u64>>) {
    let mut graph = Graph::new();
    let mut tasks: Vec<Task<u64>> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let rounds = plan.rounds;
        let inputs: Vec<_> = plan.inputs.iter().map(|input| tasks[*input]).collect();
        let name = format!("task {number}");
        let task = match *inputs.as_slice() {
            [] => graph.attempt(name, (), move |()| world.work(number, rounds, [].into_iter())),
            [a] => graph.attempt(name, a, move |a| world.work(number, rounds, [*a].into_iter())),
            [a, b] => graph.attempt(name, (a, b), move |(a, b)| world.work(number, rounds, [*a, *b].into_iter())),
            _ => graph.attempt(name, &inputs, move |all| world.work(number, rounds, all.iter().copied())),
        };
        tasks.push(task);
    }
    for (number, plan) in plans.iter().enumerate() {
        for wait in &plan.waits {
            graph.before(tasks[*wait], tasks[number]);
        }
    }
    (graph, tasks)
}

fn expected(plans: &[Plan]) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let start = number as u64 + 1;
        let inputs = plan.inputs.iter().map(|input| values[*input]);
        let value = inputs.fold(start, |sum, input| sum.wrapping_mul(31).wrapping_add(input));
        values.push(value);
    }
    values
}

/// Which tasks the targets need, themselves included.
fn needed(plans: &[Plan], targets: &[usize]) -> Vec<bool> {
    let mut is_needed = vec![false; plans.len()];
    targets.iter().for_each(|target| is_needed[*target] = true);
    for number in (0..plans.len()).rev() {
        if is_needed[number] {
            plans[number].inputs.iter().chain(&plans[number].waits).for_each(|before| is_needed[*before] = true);
        }
    }
    is_needed
}

fn assert_ordered(world: &World, plans: &[Plan]) {
    for (number, plan) in plans.iter().enumerate() {
        let began = world.notes[number].began.load(Ordering::SeqCst);
        if began == 0 {
            continue;
        }
        for before in plan.inputs.iter().chain(&plan.waits) {
            let ended = world.notes[*before].ended.load(Ordering::SeqCst);
            assert!(ended != 0 && ended < began, "task {number} began before {before} ended");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_run_gives_the_same_values_in_every_mode(plans in plans(), runs in 1..4_u32) {
        let expected = expected(&plans);
        for pool in pools() {
            let world = World::new(plans.len());
            let (mut graph, tasks) = build(&world, &plans);
            for _ in 0..runs {
                pool.run(&mut graph).unwrap();
            }
            for (task, value) in tasks.iter().zip(&expected) {
                prop_assert_eq!(graph.peek(*task).unwrap(), Some(value));
            }
            prop_assert_eq!(world.runs(), vec![runs; plans.len()]);
            assert_ordered(&world, &plans);
        }
    }

    #[test]
    fn a_get_runs_each_ancestor_once_and_nothing_else(
        plans in plans(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let expected = expected(&plans);
        for pool in pools() {
            let world = World::new(plans.len());
            let (mut graph, tasks) = build(&world, &plans);
            let mut targets = Vec::new();
            for pick in &picks {
                let target = pick.index(plans.len());
                targets.push(target);
                prop_assert_eq!(*pool.get(&mut graph, tasks[target]).unwrap(), expected[target]);
                let needed = needed(&plans, &targets);
                let runs: Vec<_> = world.runs().into_iter().map(|runs| runs == 1).collect();
                prop_assert_eq!(&runs, &needed);
            }
            assert_ordered(&world, &plans);
        }
    }

    #[test]
    fn a_failing_task_is_named_and_nothing_behind_it_runs(
        plans in plans(),
        failing in any::<prop::sample::Index>(),
        target in any::<prop::sample::Index>(),
    ) {
        let (failing, target) = (failing.index(plans.len()), target.index(plans.len()));
        let expected = expected(&plans);
        for pool in pools() {
            let mut world = World::new(plans.len());
            world.failing[failing] = true;
            let (mut graph, tasks) = build(&world, &plans);
            let result = pool.get(&mut graph, tasks[target]);
            if needed(&plans, &[target])[failing] {
                let error = result.unwrap_err();
                let RunError::Failed(failures) = &error else { panic!("{error}") };
                let path: Vec<usize> =
                    failures[0].path().iter().map(|name| name[5..].parse().unwrap()).collect();
                prop_assert_eq!((path[0], path[path.len() - 1]), (failing, target));
                for pair in path.windows(2) {
                    prop_assert!(plans[pair[1]].inputs.iter().chain(&plans[pair[1]].waits).any(|n| *n == pair[0]));
                }
                for (number, task) in tasks.iter().enumerate() {
                    if needed(&plans, &[number])[failing] {
                        prop_assert_eq!(graph.peek(*task).unwrap(), None);
                    }
                }
            } else {
                prop_assert_eq!(*result.unwrap(), expected[target]);
            }
            assert_ordered(&world, &plans);
            prop_assert!(world.runs().into_iter().all(|runs| runs <= 1));
        }
    }

    #[test]
    fn forgetting_runs_again_what_depends_on_it_and_only_that(
        plans in plans(),
        forgotten in any::<prop::sample::Index>(),
    ) {
        let forgotten = forgotten.index(plans.len());
        let pool = workers::pool(2);
        let world = World::new(plans.len());
        let (mut graph, tasks) = build(&world, &plans);
        pool.get_many(&mut graph, &tasks).unwrap();
        graph.forget(tasks[forgotten]).unwrap();
        pool.get_many(&mut graph, &tasks).unwrap();
        for (number, runs) in world.runs().into_iter().enumerate() {
            prop_assert_eq!(runs == 2, needed(&plans, &[number])[forgotten]);
        }
    }

    #[test]
    fn keeping_going_runs_all_that_does_not_need_a_failure(
        plans in plans(),
        failing in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let failing: Vec<_> = failing.into_iter().map(|index| index.index(plans.len())).collect();
        let expected = expected(&plans);
        let options = RunOptions::new().keep_going();
        for pool in pools() {
            let mut world = World::new(plans.len());
            failing.iter().for_each(|failing| world.failing[*failing] = true);
            let (mut graph, tasks) = build(&world, &plans);
            let error = pool.run_with(&mut graph, &options).unwrap_err();
            let reached = |number: usize| {
                let behind = needed(&plans, &[number]);
                !failing.iter().any(|failing| *failing != number && behind[*failing])
            };
            let mut named: Vec<usize> =
                error.failures().iter().map(|failure| failure.name()[5..].parse().unwrap()).collect();
            named.sort_unstable();
            let must_be_named: Vec<_> =
                (0..plans.len()).filter(|number| world.failing[*number] && reached(*number)).collect();
            prop_assert_eq!(named, must_be_named);
            for number in 0..plans.len() {
                let is_good = reached(number) && !world.failing[number];
                prop_assert_eq!(graph.peek(tasks[number]).unwrap(), is_good.then_some(&expected[number]));
                prop_assert_eq!(world.runs()[number], u32::from(reached(number)));
            }
            assert_ordered(&world, &plans);
        }
    }

    #[test]
    fn a_cancelled_run_can_be_taken_up_and_doubles_nothing(
        plans in plans(),
        cancelling in any::<prop::sample::Index>(),
    ) {
        let expected = expected(&plans);
        for pool in pools() {
            let token = CancelToken::new();
            let mut world = World::new(plans.len());
            world.cancelling = Some((cancelling.index(plans.len()), token.clone()));
            let (mut graph, tasks) = build(&world, &plans);
            match pool.get_many_with(&mut graph, &tasks, &RunOptions::new().cancel(&token)) {
                Ok(_) => {}
                Err(RunError::Cancelled { done, total }) => {
                    prop_assert_eq!(total, plans.len());
                    prop_assert_eq!(done, world.runs().into_iter().sum::<u32>() as usize);
                }
                Err(error) => panic!("{error}"),
            }
            prop_assert_eq!(pool.get_many(&mut graph, &tasks).unwrap(), expected.iter().collect::<Vec<_>>());
            prop_assert_eq!(world.runs(), vec![1; plans.len()]);
            assert_ordered(&world, &plans);
        }
    }

    #[test]
    fn subflows_give_what_plain_tasks_give(
        plans in plans(),
        priorities in prop::collection::vec(-2..3_i32, 60),
        units in prop::collection::vec(0..3_u32, 60),
        is_let_go in prop::collection::vec(any::<bool>(), 60),
    ) {
        let expected = expected(&plans);
        let target = plans.len() - 1;
        for pool in pools() {
            let world = World::new(plans.len());
            let limit = Limit::new("few", 2).unwrap();
            let mut graph = Graph::new();
            let mut tasks: Vec<Task<u64>> = Vec::new();
            for (number, plan) in plans.iter().enumerate() {
                let inputs: Vec<_> = plan.inputs.iter().map(|input| tasks[*input]).collect();
                let (rounds, world) = (plan.rounds, &world);
                let task = graph.subflow("flow", &inputs, move |flow, inputs| {
                    let inputs: Vec<u64> = inputs.iter().copied().collect();
                    let parts: Vec<_> = (0..rounds % 4).map(|_| flow.task("part", (), move |()| spin(rounds / 8))).collect();
                    let end = flow.attempt("end", &parts, move |_| world.work(number, rounds, inputs.iter().copied()));
                    flow.priority(end, 1).unwrap();
                    end
                });
                graph.priority(task, priorities[number]).unwrap();
                if units[number] > 0 {
                    graph.limit(task, &limit, units[number]).unwrap();
                }
                if is_let_go[number] {
                    graph.let_go(task).unwrap();
                }
                tasks.push(task);
            }
            for (number, plan) in plans.iter().enumerate() {
                plan.waits.iter().for_each(|wait| graph.before(tasks[*wait], tasks[number]));
            }
            prop_assert_eq!(*pool.get(&mut graph, tasks[target]).unwrap(), expected[target]);
            let needed = needed(&plans, &[target]);
            let runs: Vec<_> = world.runs().into_iter().map(|runs| runs == 1).collect();
            prop_assert_eq!(&runs, &needed);
            for number in 0..target {
                let is_kept = needed[number] && !is_let_go[number];
                prop_assert_eq!(graph.peek(tasks[number]).unwrap().is_some(), is_kept);
            }
            assert_ordered(&world, &plans);
        }
    }
}
