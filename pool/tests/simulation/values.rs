//! Graphs of values over many seeds: the values of a plain loop, each task called once, none before what it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Faults, Simulation};
use millpond_pool::values::{CancelToken, Graph, Limit, RunError, RunOptions, Task};

use crate::seeds;

/// Numbers drawn from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn happens(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// How a task ends, and what it does before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    /// It sleeps by the simulation's clock, while others go on.
    Slow(u64),
    /// It adds a graph of this many tasks.
    Flow(usize),
    Fails,
    Panics,
}

#[derive(Debug)]
struct Planned {
    inputs: Vec<usize>,
    waits: Vec<usize>,
    way: Way,
    priority: i32,
    /// Of each limit.
    units: [u32; 2],
}

/// How many units the limits have.
const UNITS: [u32; 2] = [2, 3];

/// What a graph is to be like, and what is to go wrong.
#[derive(Debug)]
struct Plan {
    tasks: Vec<Planned>,
    keeps_going: bool,
    /// Which task cancels the run.
    cancels: Option<usize>,
}

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let count = 1 + random.below(30);
        let (has_failures, is_slow, is_limited) = (random.happens(3), random.happens(2), random.happens(3));
        let (has_priorities, has_flows) = (random.happens(4), random.happens(4));
        let width = 1 + random.below(12);
        let tasks = (0..count).map(|number| {
            let before = |random: &mut Random, most: usize| {
                let near = number.min(width);
                let some = if near == 0 { 0 } else { random.below(most + 1) };
                let mut drawn: Vec<usize> = (0..some).map(|_| number - 1 - random.below(near)).collect();
                drawn.dedup();
                drawn
            };
            let way = match random.below(12) {
                0 if has_failures => Way::Fails,
                1 if has_failures => Way::Panics,
                2..5 if is_slow => Way::Slow(1 << random.below(16)),
                5 if has_flows => Way::Flow(1 + random.below(5)),
                _ => Way::Plain,
            };
            Planned {
                inputs: before(random, 3),
                waits: before(random, 1),
                way,
                priority: if has_priorities { random.below(3) as i32 } else { 0 },
                units: UNITS.map(|units| {
                    if is_limited && random.happens(2) { 1 + random.below(units as usize) as u32 } else { 0 }
                }),
            }
        });
        let tasks: Vec<_> = tasks.collect();
        let cancels = random.happens(12).then(|| random.below(tasks.len()));
        Self { tasks, keeps_going: random.happens(2), cancels }
    }

    /// What the tasks give; `None` for those that fail or need one that does.
    fn values(&self) -> Vec<Option<u64>> {
        let mut values: Vec<Option<u64>> = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            let has_all = task.inputs.iter().chain(&task.waits).all(|before| values[*before].is_some());
            let is_given = has_all && !matches!(task.way, Way::Fails | Way::Panics);
            let inputs: Vec<u64> = task.inputs.iter().filter_map(|input| values[*input]).collect();
            values.push(is_given.then(|| result(number, task.way, &inputs)));
        }
        values
    }

    /// Which tasks these need, themselves included.
    fn needed(&self, targets: &[usize]) -> Vec<bool> {
        let mut is_needed = vec![false; self.tasks.len()];
        targets.iter().for_each(|target| is_needed[*target] = true);
        for number in (0..self.tasks.len()).rev().filter(|number| targets.iter().max() >= Some(number)) {
            if is_needed[number] {
                let task = &self.tasks[number];
                task.inputs.iter().chain(&task.waits).for_each(|before| is_needed[*before] = true);
            }
        }
        is_needed
    }
}

fn result(number: usize, way: Way, inputs: &[u64]) -> u64 {
    let own = inputs.iter().fold(number as u64 + 1, |sum, input| sum.wrapping_mul(31).wrapping_add(*input));
    match way {
        Way::Flow(count) => own.wrapping_add((0..count as u64).sum()),
        _ => own,
    }
}

/// What is noted of the tasks of a graph.
struct Noted {
    calls: Vec<AtomicU32>,
    has_ended: Vec<AtomicBool>,
    /// A task began before one that it waits for had ended.
    is_early: AtomicBool,
    /// How many units are in use, and whether they were more than there are.
    used: [AtomicU32; 2],
    is_over: AtomicBool,
    /// Whether a task has failed in this run, and how many began after that.
    has_failed: AtomicBool,
    late: AtomicU32,
    token: CancelToken,
}

impl Noted {
    fn calls(&self) -> Vec<u32> {
        self.calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect()
    }
}

fn build(plan: &Plan) -> (Graph<'static>, Vec<Task<u64>>, Arc<Noted>) {
    let count = plan.tasks.len();
    let noted = Arc::new(Noted {
        calls: (0..count).map(|_| AtomicU32::new(0)).collect(),
        has_ended: (0..count).map(|_| AtomicBool::new(false)).collect(),
        is_early: AtomicBool::new(false),
        used: Default::default(),
        is_over: AtomicBool::new(false),
        has_failed: AtomicBool::new(false),
        late: AtomicU32::new(0),
        token: CancelToken::new(),
    });
    let limits = UNITS.map(|units| Limit::new("some at once", units).expect("there are some"));
    let mut graph = Graph::new();
    let mut tasks: Vec<Task<u64>> = Vec::new();
    for (number, planned) in plan.tasks.iter().enumerate() {
        let inputs: Vec<_> = planned.inputs.iter().map(|input| tasks[*input]).collect();
        let before: Vec<usize> = planned.inputs.iter().chain(&planned.waits).copied().collect();
        let (own, way, cancels) = (Arc::clone(&noted), planned.way, plan.cancels == Some(number));
        let units = if matches!(way, Way::Flow(_)) { [0; 2] } else { planned.units };
        let enter = move |inputs: &[u64]| -> Result<u64, String> {
            own.calls[number].fetch_add(1, Ordering::Relaxed);
            own.late.fetch_add(u32::from(own.has_failed.load(Ordering::Relaxed)), Ordering::Relaxed);
            for ((used, units), most) in own.used.iter().zip(units).zip(UNITS) {
                if used.fetch_add(units, Ordering::Relaxed) + units > most {
                    own.is_over.store(true, Ordering::Relaxed);
                }
            }
            if !before.iter().all(|before| own.has_ended[*before].load(Ordering::Relaxed)) {
                own.is_early.store(true, Ordering::Relaxed);
            }
            if cancels {
                own.token.cancel();
            }
            match way {
                Way::Slow(micros) => simulation::sleep(Duration::from_micros(micros)),
                // Others are in a call meanwhile.
                Way::Fails | Way::Panics => simulation::yield_now(),
                Way::Plain | Way::Flow(_) => {}
            }
            for (used, units) in own.used.iter().zip(units) {
                used.fetch_sub(units, Ordering::Relaxed);
            }
            if matches!(way, Way::Fails | Way::Panics) {
                own.has_failed.store(true, Ordering::Relaxed);
            }
            match way {
                Way::Fails => return Err("it is to fail".to_owned()),
                Way::Panics => std::panic::resume_unwind(Box::new("it is to panic")),
                _ => {}
            }
            own.has_ended[number].store(true, Ordering::Relaxed);
            Ok(result(number, Way::Plain, inputs))
        };
        let name = format!("task {number}");
        let task = match way {
            Way::Flow(count) => {
                let all = graph.attempt(&name, &inputs[..], move |inputs| {
                    let inputs: Vec<u64> = inputs.iter().copied().collect();
                    enter(&inputs)
                });
                planned.waits.iter().for_each(|earlier| graph.before(tasks[*earlier], all));
                graph.subflow(format!("{name} and more"), all, move |inner, own| {
                    let parts: Vec<_> = (0..count as u64).map(|part| inner.value("part", part)).collect();
                    let own = *own;
                    inner.task("sum", &parts[..], move |parts| own.wrapping_add(parts.iter().sum::<u64>()))
                })
            }
            _ => graph.attempt(&name, &inputs[..], move |inputs| {
                let inputs: Vec<u64> = inputs.iter().copied().collect();
                enter(&inputs)
            }),
        };
        planned.waits.iter().for_each(|earlier| graph.before(tasks[*earlier], task));
        // Of a graph that is added the limit would be the adding task's.
        if !matches!(way, Way::Flow(_)) {
            for (limit, units) in limits.iter().zip(planned.units) {
                graph.limit(task, limit, units).expect("as many as there are at most");
            }
        }
        if planned.priority > 0 {
            graph.priority(task, planned.priority).expect("it is there");
        }
        tasks.push(task);
    }
    (graph, tasks, noted)
}

/// What one seed had.
#[derive(Default)]
struct Had {
    shared: u64,
    helpers: usize,
    failed: u64,
    cancelled: u64,
}

/// Builds a graph and gets values from it, or runs it as a whole, several times.
fn run(seed: u64, had: &mut Had) {
    let mut random = Random(seed);
    let plan = Plan::draw(&mut random);
    let values = plan.values();
    let count = plan.tasks.len();
    let pool = Pool::simulated_with(Simulation::new(seed).faults(Faults::none().cancel(20)));
    let (mut graph, tasks, noted) = build(&plan);
    let mut options = RunOptions::new();
    if plan.keeps_going {
        options = options.keep_going();
    }
    if plan.cancels.is_some() {
        options = options.cancel(&noted.token);
    }
    let is_whole = random.happens(4);
    let mut wanted: Vec<usize> = if is_whole { (0..count).collect() } else { Vec::new() };
    let times = 1 + random.below(3);
    let mut completed = 0;
    for _ in 0..times {
        let targets: Vec<usize> = match is_whole {
            true => (0..count).collect(),
            false => (0..1 + random.below(3)).map(|_| random.below(count)).collect(),
        };
        wanted.extend(&targets);
        let is_right = |number: usize, value: Option<&u64>| value == values[number].as_ref();
        noted.has_failed.store(false, Ordering::Relaxed);
        noted.late.store(0, Ordering::Relaxed);
        let outcome = if is_whole {
            pool.run_with(&mut graph, &options)
        } else {
            let all: Vec<_> = targets.iter().map(|target| tasks[*target]).collect();
            pool.get_many_with(&mut graph, &all[..], &options).map(|_| ())
        };
        had.shared += u64::from(graph.last_run().is_shared);
        had.helpers += graph.last_run().helpers_asked;
        // Each other worker may have been on its way into one call.
        let late = noted.late.load(Ordering::Relaxed);
        assert!(plan.keeps_going || late as usize <= pool.size(), "{late} tasks began after a failure");
        let needed = plan.needed(&targets);
        let can_all = (0..count).all(|number| !needed[number] || values[number].is_some());
        match outcome {
            Ok(()) => {
                assert!(can_all, "a task that fails was needed, and nobody was told");
                for target in targets {
                    let value = graph.peek(tasks[target]).expect("of this graph");
                    assert!(is_right(target, value), "task {target} gave {value:?}, not {:?}", values[target]);
                }
                completed += 1;
            }
            Err(RunError::Failed(failures)) => {
                assert!(!can_all && !failures.is_empty(), "nothing can fail, but {failures:?}");
                had.failed += 1;
            }
            Err(RunError::Cancelled { .. }) => {
                assert!(noted.token.is_cancelled(), "nobody has cancelled");
                had.cancelled += 1;
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!noted.is_early.load(Ordering::Relaxed), "a task began before one that it waits for had ended");
    assert!(!noted.is_over.load(Ordering::Relaxed), "more units were in use than there are");
    let is_wanted = plan.needed(&wanted);
    let fails = |number: usize| matches!(plan.tasks[number].way, Way::Fails | Way::Panics);
    for (number, calls) in noted.calls().into_iter().enumerate() {
        let most = if is_whole || fails(number) { times as u32 } else { u32::from(is_wanted[number]) };
        assert!(calls <= most, "task {number} was called {calls} times");
        if completed == times && is_wanted[number] {
            let right = if is_whole { times as u32 } else { 1 };
            assert_eq!(calls, right, "calls of task {number}");
        }
    }
    drop((graph, pool));
}

/// As many seeds as `MILLPOND_SEEDS` says, from `MILLPOND_SEED` on.
#[test]
fn random_graphs_of_values_give_the_values_of_a_plain_loop() {
    let seeds = seeds(2_000, 100_000);
    let count = seeds.end - seeds.start;
    let mut had = Had::default();
    for seed in seeds {
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut had)));
        if let Err(payload) = ran {
            eprintln!("a graph of values fails at seed {seed}: {:?}", Plan::draw(&mut Random(seed)));
            std::panic::resume_unwind(payload);
        }
    }
    let Had { shared, helpers, failed, cancelled } = had;
    println!(
        "{count} seeds of graphs of values: {shared} runs shared with {helpers} helpers, {failed} failed, {cancelled} cancelled"
    );
    assert!(count < 100 || (shared > count / 4 && helpers as u64 > count / 8), "hardly any run has helpers");
    assert!(count < 1_000 || (failed > count / 50 && cancelled > count / 500), "hardly anything goes wrong");
}
