//! What a get has to run: found backwards from the targets, stopping at values that are remembered.

use super::branching::Branching;
use super::cells::Bodies;
use super::error::GraphError;
use super::graph::Graph;
use super::plan::Plan;
use millpond_workers::discard::Drops;

const PAGE: usize = 1 << 10;

/// Which tasks the search has found. The marks outlive a search and are told apart by what they start from, and they lie
/// in pages that appear when first written, so that a search costs what it finds and not what the graph has.
#[derive(Default)]
pub(super) struct Search {
    /// For each task `base` plus its number in the plan; less than `base` when this search has not found it.
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    base: u32,
    /// Tasks that have run: all up to one, and single ones, a bit each.
    pub(super) known_until: usize,
    known: Vec<u64>,
    /// What the last get asked for.
    pub(super) targets: Vec<u32>,
}

impl Search {
    /// The number in the plan of a task of the graph, if it is wanted.
    #[inline]
    fn local_of(&self, task: u32) -> Option<u32> {
        let page = self.pages[task as usize / PAGE].as_deref()?;
        page[task as usize % PAGE].checked_sub(self.base)
    }

    #[inline]
    fn mark(&mut self, task: u32, local: u32) {
        let page = self.pages[task as usize / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
        page[task as usize % PAGE] = self.base + local;
    }

    fn is_known(&self, task: u32) -> bool {
        let task = task as usize;
        task < self.known_until || self.known.get(task / 64).is_some_and(|bits| bits & (1 << (task % 64)) != 0)
    }

    /// Notes that these tasks have run.
    pub(super) fn know(&mut self, tasks: &[u32]) {
        for task in tasks {
            let place = *task as usize / 64;
            if self.known.len() <= place {
                self.known.resize(place + 1, 0);
            }
            self.known[place] |= 1 << (task % 64);
        }
    }

    fn begin(&mut self, tasks: usize, last_found: usize) {
        self.base = self.base.saturating_add(last_found as u32).max(1);
        if self.base as usize + tasks > u32::MAX as usize {
            self.pages.clear();
            self.base = 1;
        }
        if self.pages.len() * PAGE < tasks {
            self.pages.resize_with(tasks.div_ceil(PAGE), || None);
        }
    }
}

impl<'env> Graph<'env> {
    /// Plans what the targets need and do not have.
    pub(super) fn compile_wanted(&mut self, targets: &[u32]) -> Result<(), GraphError> {
        let Self { search, bodies, edges, wanted, choices, extras, .. } = self;
        search.begin(bodies.list().len(), wanted.tasks.len());
        wanted.clear();
        for target in targets {
            find(*target, search, bodies, wanted);
        }
        wanted.targets = wanted.tasks.len();
        let mut reached = 0;
        while let Some(task) = wanted.tasks.get(reached).copied() {
            for input in edges.of(task) {
                find(input, search, bodies, wanted);
            }
            if !choices.is_empty() {
                for choice in extras.get(&task).into_iter().flat_map(|extras| &extras.picked_by) {
                    // What is remembered of a choice is not what it picks next time.
                    add(*choice, search, bodies, wanted);
                }
            }
            reached += 1;
        }
        self.wanted.unknown = self.wanted.tasks.iter().filter(|task| !self.search.is_known(**task)).count();
        if let Some(unset) = self.unset.iter().find(|unset| self.search.local_of(**unset).is_some()) {
            return Err(GraphError::MissingInput { name: self.names.name(*unset).to_owned() });
        }
        let search = &self.search;
        self.wanted.compile_wanted(&self.edges, |task| search.local_of(task));
        let mut cycle = self.find_cycle(&self.wanted);
        if cycle.is_none() && !self.choices.is_empty() {
            match Branching::of(&self.wanted, &self.choices, &self.extras, |task| search.local_of(task)) {
                Ok(branching) => self.wanted.branch(branching),
                Err(found) => cycle = Some(found),
            }
        }
        cycle.map_or(Ok(()), |cycle| Err(self.name_cycle(&cycle, &self.wanted)))
    }

    /// The number in `plan`, which is one of this graph's, of a task of the graph.
    pub(super) fn local_of(&self, plan: &Plan<'_>, task: u32) -> Option<u32> {
        if plan.tasks.is_empty() { Some(task) } else { self.search.local_of(task) }
    }

    /// Notes that all tasks of the plan have run.
    pub(super) fn note_run(&mut self, is_whole: bool) {
        if is_whole {
            self.whole.unknown = 0;
            self.search.known_until = self.len();
        } else if self.wanted.unknown > 0 {
            self.search.know(&self.wanted.tasks);
        }
    }

    /// Forgets `task` and what depends on it. The plan of the whole graph is up to date.
    pub(super) fn forget_from(&mut self, task: u32, drops: &mut Drops) {
        let Self { search, bodies, wanted, whole, extras, .. } = self;
        search.begin(bodies.list().len(), wanted.tasks.len());
        wanted.clear();
        let mut reached = 0;
        let mut next = Some(task);
        while let Some(task) = next {
            drops.attempt(|| bodies.list()[task as usize].get().clear());
            let picks = extras.get(&task).and_then(|extras| extras.branches.as_deref()).unwrap_or(&[]);
            for successor in whole.successors(task).chain(picks.iter().copied()) {
                if search.local_of(successor).is_none() {
                    search.mark(successor, wanted.tasks.len() as u32);
                    wanted.tasks.push(successor);
                }
            }
            next = wanted.tasks.get(reached).copied();
            reached += 1;
        }
    }
}

#[inline]
fn find<'env>(task: u32, search: &mut Search, bodies: &Bodies<'env>, wanted: &mut Plan<'env>) {
    if search.local_of(task).is_none() && !bodies.list()[task as usize].get().has_value() {
        add(task, search, bodies, wanted);
    }
}

fn add<'env>(task: u32, search: &mut Search, bodies: &Bodies<'env>, wanted: &mut Plan<'env>) {
    if search.local_of(task).is_none() {
        let local = wanted.want(task, bodies.list()[task as usize]);
        search.mark(task, local);
    }
}
