//! A graph built of tasks, each function of which notes its calls.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use millpond_pool::{BoxError, Branches, Capacity, Items, Operator, Outcome, Pool, PoolReader, Task, Wanted};

use crate::ledger::Ledger;
use crate::model::{fold_group, part, source_item};
use crate::plan::{Act, Fault, Fork, Join, Plan, Rare, Step, mix};

/// Builds a graph and counts its operators as the model does.
pub(crate) struct Builder<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) operators: usize,
    /// The tasks that were added, in order.
    pub(crate) tasks: Vec<millpond_pool::TaskId>,
    /// Called with each item that a source makes.
    pub(crate) made: Option<Arc<dyn Fn() + Send + Sync>>,
    /// At most so many items at once from sources and joins.
    pub(crate) chunk: Option<usize>,
    /// How much each branch of a fork may keep.
    pub(crate) capacity: Option<usize>,
}

/// A function of one operator: notes each call, takes its time, and fails where it is to.
#[derive(Clone)]
struct Worker {
    ledger: Arc<Ledger>,
    operator: usize,
    rounds: u32,
    slow: Option<Rare>,
    fault: Option<Fault>,
}

/// A thousand times what the cheapest function takes: by the clock of the simulation, where there is one.
fn take_time() {
    #[cfg(feature = "simulation")]
    if millpond_pool::simulation::current().is_some() {
        return millpond_pool::simulation::sleep(Duration::from_millis(5));
    }
    let until = Instant::now() + Duration::from_micros(300);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// A function of which calls are interrupted.
struct Interrupted {
    worker: Worker,
    at: u64,
    on: Rare,
    /// The items whose calls have been interrupted.
    seen: Mutex<HashSet<u64>>,
}

impl Operator<u64, u64> for Interrupted {
    fn apply(&self, items: &mut Items<u64>, wanted: &Wanted<'_>, outcome: &mut Outcome<u64>) {
        while wanted.goes_on()
            && let Some(item) = items.next()
        {
            let mut back = None;
            match (self.apply_one(item, &mut back), back) {
                (Ok(result), _) => outcome.results.extend(result),
                (Err(cause), Some(item)) => {
                    items.put_back(item);
                    outcome.interrupt = Some(cause);
                    return;
                }
                (Err(cause), None) => {
                    outcome.error = Some(cause);
                    return;
                }
            }
        }
    }

    fn apply_one(&self, item: u64, back: &mut Option<u64>) -> Result<Option<u64>, BoxError> {
        if self.on.is(item) && self.seen.lock().expect("nothing panics under it").insert(item) {
            *back = Some(item);
            return Err("interrupted".into());
        }
        Ok(Some(mix(self.worker.attempt(item)?, self.at)))
    }
}

impl Worker {
    fn note(&self, item: u64) {
        for round in 0..self.rounds {
            std::hint::black_box(round);
        }
        if self.slow.is_some_and(|slow| slow.is(item)) {
            take_time();
        }
        self.ledger.note(self.operator, item);
    }

    /// Notes the call; fails by an error where the operator can.
    fn attempt(&self, item: u64) -> Result<u64, String> {
        self.note(item);
        match self.fault {
            Some(fault) if fault.on.is(item) => {
                if fault.is_panic {
                    resume_unwind(Box::new("planned"));
                }
                Err("planned".to_owned())
            }
            _ => Ok(item),
        }
    }

    /// Notes the call; fails by a panic.
    fn go(&self, item: u64) -> u64 {
        self.attempt(item).unwrap_or_else(|_| resume_unwind(Box::new("planned")))
    }
}

/// How a reader's task is given its options.
fn with_options(reader: PoolReader<u64>, step: &Step, operator: usize) -> PoolReader<u64> {
    let mut reader = reader.named(format!("task {operator}"));
    if step.min_count > 1 {
        reader = reader.min_count(step.min_count);
    }
    if let Some(items) = step.max_chunksize {
        reader = reader.max_chunksize(items);
    }
    if let Some(workers) = step.concurrency {
        reader = reader.concurrency(workers);
    }
    if step.read_ahead > 0 {
        reader = reader.read_ahead(step.read_ahead);
    }
    if step.is_unordered {
        reader = reader.unordered();
    }
    reader
}

/// So many branches, each of which may keep so much.
pub(crate) fn bounded(count: usize, capacity: Option<usize>) -> Branches {
    let branches = Branches::new(count);
    match capacity {
        // However long a thread takes to begin.
        Some(items) => branches.capacity(Capacity::new(items).patience(Duration::from_secs(100_000))),
        None => branches,
    }
}

impl<'a> Builder<'a> {
    pub(crate) fn new(pool: &'a Pool, plan: &Plan) -> Self {
        Self {
            pool,
            ledger: Arc::new(Ledger::new(plan.operators())),
            operators: 0,
            tasks: Vec::new(),
            made: None,
            chunk: None,
            capacity: None,
        }
    }

    fn next(&mut self) -> usize {
        self.operators += 1;
        self.operators - 1
    }

    fn added(&mut self, reader: PoolReader<u64>) -> PoolReader<u64> {
        self.tasks.push(reader.task_id());
        reader
    }

    pub(crate) fn build(&mut self, plan: &Plan) -> PoolReader<u64> {
        match plan {
            Plan::Source(count) => {
                let operator = self.next();
                let (ledger, made) = (Arc::clone(&self.ledger), self.made.clone());
                let items = (0..*count).map(move |number| {
                    let item = source_item(operator, number);
                    ledger.note(operator, item);
                    if let Some(made) = &made {
                        made();
                    }
                    item
                });
                let mut reader = self.pool.source(items).named(format!("task {operator}"));
                if let Some(items) = self.chunk {
                    reader = reader.max_chunksize(items);
                }
                self.added(reader)
            }
            Plan::Pipe(input, steps) => {
                let input = self.build(input);
                self.pipe(input, steps)
            }
            Plan::Join(join, inputs) => {
                let inputs = inputs.iter().map(|input| self.build(input)).collect();
                self.join(*join, inputs)
            }
            Plan::Fork { input, fork, branches, join } => {
                let input = self.build(input);
                self.next();
                let parts = branches.len();
                let options = bounded(parts, self.capacity);
                let readers = match fork {
                    Fork::Tee => input.tee(options),
                    Fork::Partition => input.partition(options, move |&item| part(item, parts)),
                };
                let readers =
                    readers.into_iter().zip(branches).map(|(reader, steps)| self.pipe(reader, steps)).collect();
                self.join(*join, readers)
            }
        }
    }

    fn join(&mut self, join: Join, inputs: Vec<PoolReader<u64>>) -> PoolReader<u64> {
        self.next();
        let joined = match join {
            Join::Zip => inputs
                .into_iter()
                .reduce(|left, right| left.zip(right).map(|(left, right)| mix(left, right)))
                .expect("a join has inputs"),
            Join::Chain => self.pool.chain(inputs),
            Join::Merge => self.pool.merge(inputs),
        };
        let joined = match self.chunk {
            Some(items) => joined.max_chunksize(items),
            None => joined,
        };
        self.added(joined)
    }

    pub(crate) fn pipe(&mut self, input: PoolReader<u64>, steps: &[Step]) -> PoolReader<u64> {
        steps.iter().fold(input, |input, step| {
            let operator = self.next();
            let reader = self.step(input, step, operator);
            self.added(reader)
        })
    }

    fn step(&self, input: PoolReader<u64>, step: &Step, operator: usize) -> PoolReader<u64> {
        let at = operator as u64;
        let worker = Worker {
            ledger: Arc::clone(&self.ledger),
            operator,
            rounds: step.rounds,
            slow: step.slow,
            fault: step.fault,
        };
        let reader = match step.act {
            Act::Map if step.fault.is_some() => {
                input.try_map(move |item| worker.attempt(item).map(|item| mix(item, at)))
            }
            Act::Map => input.map(move |item| mix(worker.go(item), at)),
            Act::Inspect => input.inspect(move |&item| {
                worker.go(item);
            }),
            Act::MapChunks => {
                let (least, most) = (step.min_count, step.max_chunksize.unwrap_or(usize::MAX));
                let has_ended = std::sync::atomic::AtomicBool::new(false);
                input.map_chunks(move |items: Vec<u64>| {
                    assert!(items.len() <= most, "a chunk of {} where {most} are the most", items.len());
                    // Only the last chunk may be smaller than asked.
                    let is_last = items.len() < least.min(most);
                    let was_ended = has_ended.swap(is_last, std::sync::atomic::Ordering::Relaxed);
                    assert!(!(is_last && was_ended), "two chunks of less than {least}");
                    Ok::<_, String>(items.into_iter().map(|item| mix(worker.go(item), at)).collect::<Vec<_>>())
                })
            }
            Act::Filter(rare) => input.filter(move |&item| !rare.is(worker.go(item))),
            Act::FilterMap(rare) => {
                let pool_task = move |item| {
                    let item = worker.go(item);
                    (!rare.is(item)).then(|| mix(item, 1))
                };
                self.pool.add_task(Task::filter_map(input, pool_task))
            }
            Act::FlatMap(most) => input.flat_map(move |item| {
                let item = worker.go(item);
                (0..item % most).map(move |number| mix(item, number))
            }),
            Act::Endless(count) => input
                .flat_map(move |item| {
                    let item = worker.go(item);
                    (0..).map(move |number| mix(item, number))
                })
                .take(count),
            Act::Interrupted(on) => {
                let function = Interrupted { worker, at, on, seen: Mutex::default() };
                self.pool.add_task(Task::operator(input, function))
            }
            Act::Sequential => {
                let mut state = at;
                input.sequential(move |item| {
                    state = mix(state, worker.go(item));
                    state
                })
            }
            Act::Scan(rare) => input.scan(at, move |state, item| {
                let item = worker.attempt(item)?;
                if rare.is(item) {
                    return Ok::<_, String>(None);
                }
                *state = mix(*state, item);
                Ok(Some(*state))
            }),
            Act::Enumerate => input.enumerate().map(move |(index, item)| {
                let item = mix(item, index as u64);
                worker.note(item);
                item
            }),
            Act::Batch(size) => input.batch(size).map(move |group| {
                let item = fold_group(&group);
                worker.note(item);
                item
            }),
            Act::BatchFlatten(size) => input.batch(size).flatten(),
            Act::Take(count) => input.take(count),
            Act::TakeWhile(rare) => input.take_while(move |&item| !rare.is(worker.go(item))),
            Act::Skip(count) => input.skip(count),
            Act::SkipWhile(rare) => input.skip_while(move |&item| !rare.is(worker.go(item))),
            Act::Fold => input.fold_task(at, move |state, item| mix(state, worker.go(item))),
        };
        with_options(reader, step, operator)
    }
}
