//! What a get has to run: found backwards from the targets, stopping at values that are remembered.

use super::branching::Branching;
use super::error::GraphError;
use super::graph::Graph;
use super::plan::Plan;
use super::records::Bodies;
use super::search::Search;
use millpond_workers::discard::Drops;

impl<'env> Graph<'env> {
    /// Plans what the targets need and do not have.
    pub(super) fn compile_wanted(&mut self, targets: &[u32]) -> Result<(), GraphError> {
        let Self { search, bodies, edges, wanted, choices, attributes, .. } = self;
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
                for choice in attributes.get(&task).into_iter().flat_map(|attributes| &attributes.picked_by) {
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
            match Branching::of(&self.wanted, &self.choices, &self.attributes, |task| search.local_of(task)) {
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
        let Self { search, bodies, wanted, whole, attributes, .. } = self;
        search.begin(bodies.list().len(), wanted.tasks.len());
        wanted.clear();
        let mut reached = 0;
        let mut next = Some(task);
        while let Some(task) = next {
            drops.attempt(|| bodies.list()[task as usize].get().clear());
            let picks = attributes.get(&task).and_then(|attributes| attributes.branches.as_deref()).unwrap_or(&[]);
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
