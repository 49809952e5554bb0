//! Who has the next turn: drawn from the seed, or as it was written down.
//!
//! Two ways to draw, which find different bugs:
//!
//! * a **random walk**: at each step the thread that runs goes on, or with a certain chance another one does;
//! * **priorities** (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized Scheduler with Probabilistic Guarantees of
//!   Finding Bugs", 2010): the thread of the highest priority runs, and at a few drawn moments the one that runs falls to the
//!   lowest. A bug that needs few preemptions at the right moments is found with a chance that does not shrink with the length of the
//!   run as that of a walk does.
//!
//! What differs from the **plain order** (whoever runs goes on as long as it can, then the next in turn) is written down as the choices
//! of the [`Schedule`](super::Schedule). A schedule without choices is the plain order, so leaving choices out makes it simpler.

use super::options::{Order, Simulation};
use super::random::Random;
use super::schedule::Choice;

/// What the thread that runs now wants of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// To go on, sooner or later.
    Goes,
    /// To look again at something that another thread may have changed.
    Waits,
    /// To let all others go on first.
    Yields,
    /// Nothing: it cannot go on.
    Parks,
}

enum Kind {
    Walk {
        /// How often another thread gets the turn, in 65536.
        chance: u16,
    },
    Priorities {
        /// By place.
        priorities: Vec<u64>,
        /// The decisions at which the thread that runs falls, the next one last.
        falls: Vec<u64>,
        /// The lowest priority so far.
        lowest: u64,
        /// Who has had the turn, and how often in a row.
        running: (usize, u32),
    },
    Replay {
        /// The next one last.
        ahead: Vec<Choice>,
    },
}

/// See the [module documentation](self).
pub(super) struct Decider {
    kind: Kind,
    random: Random,
    /// For what is not a matter of order.
    others: Random,
    decisions: u64,
    choices: Vec<Choice>,
}

impl Decider {
    pub(super) fn new(options: &Simulation) -> Self {
        let mut random = Random::new(options.seed, 1);
        let order = match (&options.replayed, options.order) {
            (None, Order::Drawn) if random.happens(0x8000) => Order::RandomWalk,
            (None, Order::Drawn) => Order::Priorities { preemptions: 1 + random.below(5) as usize },
            (_, order) => order,
        };
        let kind = match (&options.replayed, order) {
            (Some(schedule), _) => Kind::Replay { ahead: schedule.choices.iter().rev().copied().collect() },
            (None, Order::Priorities { preemptions }) => {
                let horizon = 1 << (3 + random.below(10));
                let mut falls: Vec<u64> = (0..preemptions).map(|_| 1 + random.below(horizon)).collect();
                falls.sort_unstable_by(|left, right| right.cmp(left));
                let caller = random.next() | TOP;
                Kind::Priorities { priorities: vec![caller], falls, lowest: TOP, running: (0, 0) }
            }
            (None, _) => Kind::Walk { chance: [0x8000, 0x4000, 0x1000, 0x400][random.below(4) as usize] },
        };
        Self { kind, random, others: Random::new(options.seed, 2), decisions: 0, choices: Vec::new() }
    }

    /// A thread begins at this place.
    pub(super) fn started(&mut self, place: usize) {
        let drawn = self.random.next() | TOP;
        if let Kind::Priorities { priorities, .. } = &mut self.kind {
            priorities.resize(priorities.len().max(place + 1), 0);
            priorities[place] = drawn;
        }
    }

    /// What it decided otherwise than the plain order, so far.
    pub(super) fn choices(&self) -> &[Choice] {
        &self.choices
    }

    pub(super) fn draw(&mut self, bound: u64) -> u64 {
        self.others.below(bound)
    }

    /// Who of `count` threads runs next; `None` when nobody can.
    pub(super) fn choose(
        &mut self,
        current: usize,
        turn: Turn,
        count: usize,
        is_runnable: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.decisions += 1;
        let at = self.decisions;
        let may_stay = turn != Turn::Parks;
        let next_in_turn = || {
            (1..count)
                .map(|distance| (current + distance) % count)
                .find(|&place| is_runnable(place))
                .or_else(|| (may_stay || is_runnable(current)).then_some(current))
        };
        let plain = || if turn == Turn::Goes { Some(current) } else { next_in_turn() };
        let chosen = match &mut self.kind {
            Kind::Walk { chance } => {
                let chance = match turn {
                    Turn::Goes => *chance,
                    // Who looks again and again mostly lets others go on, which brings what it looks for.
                    Turn::Waits => 0xb000,
                    Turn::Yields | Turn::Parks => u16::MAX,
                };
                let stays = !self.random.happens(chance) && matches!(turn, Turn::Goes | Turn::Waits);
                let others = || (0..count).filter(|&place| place != current && is_runnable(place));
                match if stays { None } else { Some(others().count()) } {
                    None => Some(current),
                    Some(0) => return plain(),
                    Some(runnable) => others().nth(self.random.below(runnable as u64) as usize),
                }
            }
            Kind::Priorities { priorities, falls, lowest, running } => {
                *running = if running.0 == current { (current, running.1 + 1) } else { (current, 0) };
                // A thread that never waits would keep all others from their turns.
                let is_long = running.1 > LONGEST_TURN;
                if is_long {
                    running.1 = 0;
                }
                let falls_now = falls.last().is_some_and(|&fall| fall <= at);
                if falls_now {
                    falls.pop();
                }
                if falls_now || is_long || matches!(turn, Turn::Waits | Turn::Yields) {
                    *lowest -= 1;
                    priorities[current] = *lowest;
                }
                // Looked at in this order because most threads sleep and most priorities are lower, and this is at each step.
                let highest = (0..count).fold(may_stay.then_some(current), |highest, place| {
                    let is_higher = highest.is_none_or(|highest| priorities[place] > priorities[highest]);
                    if is_higher && is_runnable(place) { Some(place) } else { highest }
                });
                // Who yields to all others goes on only when there are none.
                highest.filter(|&place| turn != Turn::Yields || place != current).or_else(next_in_turn)
            }
            Kind::Replay { ahead } => {
                while ahead.last().is_some_and(|choice| choice.at < at) {
                    ahead.pop();
                }
                match ahead.last() {
                    Some(choice) if choice.at == at && choice.place < count && is_runnable(choice.place) => {
                        Some(choice.place)
                    }
                    _ => return plain(),
                }
            }
        };
        if let Some(place) = chosen.filter(|&place| Some(place) != plain()) {
            self.choices.push(Choice { at, place });
        }
        chosen
    }
}

/// After how many decisions in a row a thread of the highest priority falls.
const LONGEST_TURN: u32 = 5_000;

/// Priorities that were drawn have this bit; those that threads fall to count down from it.
const TOP: u64 = 1 << 63;
