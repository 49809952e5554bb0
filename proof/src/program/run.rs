//! Running a program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Faults, Simulation};
use parking_lot::Mutex;

use super::instruction::{Instruction, MOST_THREADS, Operation};
use super::stream::{Asked, Stream, Wrong};
use super::tally::Tally;
use super::tasks;
use super::world::{Outcome, Started, World, message};
use super::{Finish, Program};

/// On what a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All of it in one thread, in an order drawn from the program's bytes.
    Simulated,
    /// Threads of the system, on rayon's workers.
    Threads,
    /// Threads of the system, on libdispatch's workers.
    #[cfg(feature = "gcd")]
    Gcd,
}

/// How long what a pool has in hand may take after its readers are gone.
const PATIENCE: Duration = Duration::from_secs(20);

impl Program {
    /// Does what the program says and compares it with the model.
    ///
    /// # Errors
    /// What was not as it must be.
    pub fn run(&self, mode: Mode) -> Result<Tally, Wrong> {
        let run = || self.in_mode(mode);
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| Err(Wrong::because(message(&*payload))))
    }

    fn pool(&self, mode: Mode) -> Pool {
        match mode {
            Mode::Threads => Pool::rayon(self.size),
            #[cfg(feature = "gcd")]
            Mode::Gcd => Pool::gcd(self.size).unwrap_or_else(|error| panic!("{error}")),
            Mode::Simulated => {
                let faults = match self.seed % 4 {
                    0 | 1 => Faults::none(),
                    2 => Faults::none().slow(20).cancel(4),
                    _ => Faults::harmless().cancel(8),
                };
                let simulation = Simulation::new(self.seed).workers(self.size).faults(faults);
                Pool::simulated_with(simulation.patience(Duration::ZERO).most_steps(3_000_000).quiet())
            }
        }
    }

    fn in_mode(&self, mode: Mode) -> Result<Tally, Wrong> {
        let alive = Arc::new(());
        let world = Arc::new(World {
            pool: self.pool(mode),
            is_simulated: mode == Mode::Simulated,
            alive: Arc::clone(&alive),
            calls: Arc::default(),
            failures: Arc::default(),
            tasks: AtomicUsize::new(0),
            is_shared: AtomicBool::new(false),
            handed: Mutex::default(),
            tally: Mutex::default(),
        });
        let mut main = Thread { world: Arc::clone(&world), streams: Vec::new(), writers: Vec::new(), has_read: false };
        let of_thread = |number| self.instructions.iter().filter(move |instruction| instruction.thread == number);
        for instruction in of_thread(0) {
            main.step(instruction)?;
        }
        let working: Vec<usize> = (1..MOST_THREADS).filter(|&number| of_thread(number).next().is_some()).collect();
        world.is_shared.store(!working.is_empty(), Ordering::Relaxed);
        let mut dealt: Vec<Vec<Stream>> = working.iter().map(|_| Vec::new()).collect();
        if !working.is_empty() {
            for (number, stream) in main.streams.drain(..).enumerate() {
                dealt[number % working.len()].push(stream);
            }
        }
        let threads: Vec<Started> = working
            .iter()
            .zip(dealt)
            .map(|(&number, streams)| {
                let instructions: Vec<Instruction> = of_thread(number).copied().collect();
                let own = Arc::clone(&world);
                world.start(move || {
                    Thread { world: own, streams, writers: Vec::new(), has_read: true }.go(&instructions)
                })
            })
            .collect();
        let outcomes: Vec<Outcome> = threads.into_iter().map(Started::join).collect();
        world.is_shared.store(false, Ordering::Relaxed);
        outcomes.into_iter().collect::<Outcome>()?;
        let mut streams = std::mem::take(&mut main.streams);
        streams.append(&mut world.handed.lock());
        let writers = std::mem::take(&mut main.writers);
        drop(main);
        self.finish(world, streams, writers, &alive)
    }

    /// Ends a program whose threads are gone.
    fn finish(
        &self,
        world: Arc<World>,
        mut streams: Vec<Stream>,
        writers: Vec<Started>,
        alive: &Arc<()>,
    ) -> Result<Tally, Wrong> {
        let is_pool_first = self.finish == Finish::DropPool && writers.is_empty();
        if self.finish == Finish::Drain {
            while let Some(mut stream) = streams.pop() {
                // What a reader took ahead goes back when it is dropped, so the last of those that share is read from.
                if stream.is_alone() {
                    world.drain(&mut stream)?;
                }
            }
        }
        if !is_pool_first {
            world.note(|tally| tally.dropped += streams.len() as u64);
            streams.clear();
            writers.into_iter().try_for_each(Started::join)?;
            let is_quiet = || world.pool.task_count() == 0 && Arc::strong_count(alive) == 2;
            if !comes_true(is_quiet, || world.yield_now()) {
                let (tasks, held) = (world.pool.task_count(), Arc::strong_count(alive) - 2);
                return Err(Wrong::because(format!("`{tasks}` tasks and `{held}` functions are left at the end")));
            }
            let tally = world.tally();
            drop(world);
            return Ok(tally.with_end_of_simulation(self.seed));
        }
        let Ok(world) = Arc::try_unwrap(world) else {
            return Err(Wrong::because("a thread of the program is left"));
        };
        let asked = world.asked(0, 3);
        let mut tally = world.tally();
        tally.pools_dropped += 1;
        // Dropped with all that the program shares.
        drop(world);
        for stream in &mut streams {
            stream.group.lock().is_cut = true;
            let result = stream.reader().read(3);
            stream.judge(&result, Asked { may_be_gone: true, ..asked }, true)?;
            tally.items += result.map_or(0, |items| items.len() as u64);
        }
        streams.clear();
        if !comes_true(|| Arc::strong_count(alive) == 1, std::thread::yield_now) {
            let held = Arc::strong_count(alive) - 1;
            return Err(Wrong::because(format!("`{held}` functions are left at the end")));
        }
        Ok(tally.with_end_of_simulation(self.seed))
    }
}

/// Whether `test` holds, now or after what other threads have in hand.
fn comes_true(test: impl Fn() -> bool, mut yields: impl FnMut()) -> bool {
    let started = Instant::now();
    while !test() {
        if started.elapsed() > PATIENCE {
            return false;
        }
        yields();
    }
    true
}

impl World {
    /// What was done so far.
    fn tally(&self) -> Tally {
        let mut tally = *self.tally.lock();
        tally.failures = self.failures.load(Ordering::Relaxed);
        tally
    }
}

/// A thread of a program.
struct Thread {
    world: Arc<World>,
    streams: Vec<Stream>,
    /// Who writes into the channels that it has made.
    writers: Vec<Started>,
    /// Whether anything was read; before that nothing may have been called.
    has_read: bool,
}

impl Thread {
    /// Does these instructions and hands over what it has left.
    fn go(mut self, instructions: &[Instruction]) -> Outcome {
        let outcome = instructions.iter().try_for_each(|instruction| self.step(instruction));
        self.world.handed.lock().append(&mut self.streams);
        outcome
    }

    fn step(&mut self, instruction: &Instruction) -> Outcome {
        let done = self.act(instruction);
        if !self.has_read && self.world.calls.load(Ordering::Relaxed) > 0 {
            return Err(Wrong::because("something was called before anything was read"));
        }
        done.map_err(|wrong| Wrong { what: format!("{instruction:?}: {}", wrong.what), ..wrong })
    }

    fn act(&mut self, instruction: &Instruction) -> Outcome {
        let Instruction { thread, stream, operation, options } = *instruction;
        let world = Arc::clone(&self.world);
        match operation {
            Operation::Source(count) => self.add(tasks::source(&world, count, options)),
            Operation::Channel(count, _) if thread > 0 => self.add(tasks::source(&world, count, options)),
            Operation::Channel(count, capacity) => {
                let (stream, writer) = tasks::channel(&world, count, capacity, options);
                self.add(stream);
                self.writers.push(writer);
            }
            Operation::Resize(size) => {
                world.pool.set_size(size);
                world.note(|tally| tally.resizes += 1);
            }
            Operation::PickUp => {
                let handed = world.handed.lock().pop();
                self.streams.extend(handed);
            }
            Operation::Yield => world.yield_now(),
            _ if !self.streams.is_empty() => {
                let at = stream % self.streams.len();
                return self.on_stream(at, operation, options);
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, stream: Stream) {
        if self.streams.len() < MOST_STREAMS {
            self.streams.push(stream);
        }
    }

    fn on_stream(&mut self, at: usize, operation: Operation, options: super::Options) -> Outcome {
        let world = Arc::clone(&self.world);
        match operation {
            Operation::Zip(other) | Operation::Chain(other) | Operation::Merge(other) => {
                let other = other % self.streams.len();
                if other != at && self.streams[at].can_be_input() && self.streams[other].can_be_input() {
                    let right = self.streams.swap_remove(other);
                    let at = if at == self.streams.len() { other } else { at };
                    let left = self.streams.swap_remove(at);
                    self.streams.push(tasks::join(&world, left, right, operation, options));
                }
            }
            Operation::Tee(_) | Operation::Partition(_) | Operation::Reject(_) => {
                if self.streams[at].can_be_input() {
                    let input = self.streams.swap_remove(at);
                    tasks::split(&world, input, operation).into_iter().for_each(|part| self.add(part));
                }
            }
            Operation::Clone => {
                let shared = self.streams[at].share();
                self.add(shared);
            }
            Operation::Drop => {
                self.streams.swap_remove(at);
                world.note(|tally| tally.dropped += 1);
            }
            Operation::Hand => world.handed.lock().push(self.streams.swap_remove(at)),
            Operation::Remove => {
                let stream = &mut self.streams[at];
                if stream.is_removable {
                    stream.group.lock().is_cut = true;
                    let id = stream.reader().task_id();
                    match world.pool.remove_task(id) {
                        Ok(()) => world.note(|tally| tally.removed += 1),
                        Err(millpond_pool::ReadError::SerialBusy { .. }) if world.may_be_busy() => {}
                        Err(error) => return Err(Wrong::because(format!("removing a task failed: {error}"))),
                    }
                }
            }
            _ if operation.is_read() => {
                self.has_read = true;
                world.read(&mut self.streams[at], operation)?;
            }
            _ => {
                if self.streams[at].can_be_input() {
                    let input = self.streams.swap_remove(at);
                    self.streams.push(tasks::one(&world, input, operation, options));
                }
            }
        }
        Ok(())
    }
}

/// A thread has no more streams than this: further ones are dropped.
const MOST_STREAMS: usize = 24;

impl Tally {
    /// With what the simulation has to say that was the last to end in this thread, if it was this one's.
    fn with_end_of_simulation(mut self, seed: u64) -> Self {
        if let Some(report) = simulation::last().filter(|report| report.seed == seed) {
            self.simulated = report.schedule.faults() as u64;
            self.digest = tasks::mix(report.steps, tasks::mix(report.switches, self.items));
        }
        self
    }
}
