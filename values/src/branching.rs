//! Choices in a plan: which picks lead on and which lead back.
//!
//! A depth-first search from the tasks that wait for nothing tells them apart: a pick of a task
//! that is on the way to the choice closes a **loop**; every other pick leads **on**, and is one
//! more thing that the picked task waits for.
//!
//! A loop's body is what can be reached from the picked task and leads to the choice. When a loop
//! is closed, the round that is running ends first, all of it: so a value is never written anew
//! while something still reads it (README, I1). Then the counters of the body, and of what hangs on
//! it, are set to what this round will bring.

use std::collections::HashMap;

use super::attributes::Attributes;
use super::plan::Plan;

/// One thing that a choice can pick; numbers are the plan's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Branch {
    /// A task that the plan does not have: nobody wants it.
    Unwanted,
    /// A task that then has one thing less to wait for.
    On(u32),
    /// A loop, by its number.
    Back(u32),
}

/// A pick that leads back.
#[derive(Debug)]
struct Loop {
    first: u32,
    /// In ascending order.
    body: Vec<u32>,
}

/// All choices of a plan.
#[derive(Debug, Default)]
pub(super) struct Branching {
    branches: HashMap<u32, Vec<Branch>>,
    loops: Vec<Loop>,
    /// For each task that must be picked: which choices may do it.
    picked_by: HashMap<u32, Vec<u32>>,
    /// What each task waits for, beside choices.
    before: Vec<Vec<u32>>,
}

/// Where a search is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Closed,
}

impl Branching {
    /// Finds the branches of a plan's choices. The error is a cycle that no choice closes.
    pub(super) fn of(
        plan: &Plan<'_>,
        choices: &[u32],
        attributes: &HashMap<u32, Attributes>,
        local_of: impl Fn(u32) -> Option<u32>,
    ) -> Result<Option<Self>, Vec<u32>> {
        let mut targets: HashMap<u32, Vec<Option<u32>>> = HashMap::new();
        for choice in choices {
            if let Some(local) = local_of(*choice) {
                let branches =
                    attributes.get(choice).and_then(|attributes| attributes.branches.as_deref()).unwrap_or(&[]);
                targets.insert(local, branches.iter().map(|branch| local_of(*branch)).collect());
            }
        }
        if targets.is_empty() {
            return Ok(None);
        }
        let mut this = Self { before: vec![Vec::new(); plan.len()], ..Self::default() };
        for task in 0..plan.len() as u32 {
            plan.successors(task).for_each(|next| this.before[next as usize].push(task));
        }
        let leading_back = find_loops(plan, &targets)?;
        for (choice, targets) in targets {
            let mut branches = Vec::with_capacity(targets.len());
            for target in targets {
                branches.push(match target {
                    None => Branch::Unwanted,
                    Some(target) if leading_back.contains(&(choice, target)) => {
                        this.loops.push(Loop { first: target, body: vec![choice] });
                        Branch::Back(this.loops.len() as u32 - 1)
                    }
                    Some(target) => {
                        let picked_by = this.picked_by.entry(target).or_default();
                        if !picked_by.contains(&choice) {
                            picked_by.push(choice);
                        }
                        Branch::On(target)
                    }
                });
            }
            this.branches.insert(choice, branches);
        }
        for number in 0..this.loops.len() {
            this.loops[number].body = this.body_of(plan, this.loops[number].first, this.loops[number].body[0]);
        }
        Ok(Some(this))
    }

    /// The tasks that must be picked.
    pub(super) fn picked(&self) -> impl Iterator<Item = u32> + '_ {
        self.picked_by.keys().copied()
    }

    /// What `choice` picks with `number`, and from how many.
    pub(super) fn branch(&self, choice: u32, number: usize) -> (Option<Branch>, usize) {
        let branches = self.branches.get(&choice).map_or(&[][..], Vec::as_slice);
        (branches.get(number).copied(), branches.len())
    }

    pub(super) fn has_loops(&self) -> bool {
        !self.loops.is_empty()
    }

    /// What runs in rounds, and what can be reached from there.
    pub(super) fn behind_loops(&self, plan: &Plan<'_>) -> Vec<u32> {
        let mut is_reached = vec![false; plan.len()];
        for first in self.loops.iter().map(|round| round.first) {
            let more = reach(plan.len(), first, |task, visit| self.visit_following(plan, task, visit));
            is_reached.iter_mut().zip(more).for_each(|(is_reached, more)| *is_reached |= more);
        }
        (0..plan.len() as u32).filter(|task| is_reached[*task as usize]).collect()
    }

    /// Visits what follows from a task, but for loops.
    fn visit_following(&self, plan: &Plan<'_>, task: u32, visit: &mut dyn FnMut(u32)) {
        plan.successors(task).for_each(&mut *visit);
        for branch in self.branches.get(&task).into_iter().flatten() {
            // Not around a loop: what lies around an outer one is not in this body.
            if let Branch::On(target) = branch {
                visit(*target);
            }
        }
    }

    /// What leads from `first` to `choice`.
    fn body_of(&self, plan: &Plan<'_>, first: u32, choice: u32) -> Vec<u32> {
        let forwards = reach(plan.len(), first, |task, visit| self.visit_following(plan, task, visit));
        let backwards = reach(plan.len(), choice, |task, visit| {
            self.before[task as usize].iter().copied().for_each(&mut *visit);
            self.picked_by.get(&task).into_iter().flatten().copied().for_each(visit);
        });
        (0..plan.len() as u32).filter(|task| forwards[*task as usize] && backwards[*task as usize]).collect()
    }

    /// Sets the counters for a new round of a loop and returns the task that begins it.
    ///
    /// Contract: nothing of the plan is running or ready. `has_run` and `is_picked` tell and change
    /// what happened so far.
    pub(super) fn begin_round(
        &self,
        number: u32,
        plan: &Plan<'_>,
        has_run: &dyn Fn(u32, Option<bool>) -> bool,
        is_picked: &dyn Fn(u32, Option<bool>) -> bool,
    ) -> u32 {
        let Loop { first, body } = &self.loops[number as usize];
        let is_inside = |task: u32| body.binary_search(&task).is_ok();
        for task in body {
            has_run(*task, Some(false));
            if self.picked_by.get(task).is_some_and(|choices| choices.iter().any(|choice| is_inside(*choice))) {
                is_picked(*task, Some(false));
            }
        }
        let behind = body.iter().flat_map(|task| plan.successors(*task)).filter(|task| !is_inside(*task));
        for task in body.iter().copied().chain(behind) {
            let before = &self.before[task as usize];
            let waiting = before.iter().filter(|before| is_inside(**before) || !has_run(**before, None)).count();
            let picks = usize::from(self.picked_by.contains_key(&task) && !is_picked(task, None));
            plan.rearm(task, (waiting + picks).max(1) as u32);
        }
        *first
    }
}

/// The picks that lead back to a task on the way to their choice; the error is a cycle without one.
fn find_loops(plan: &Plan<'_>, targets: &HashMap<u32, Vec<Option<u32>>>) -> Result<Vec<(u32, u32)>, Vec<u32>> {
    let mut is_pickable = vec![false; plan.len()];
    targets.values().flatten().flatten().for_each(|target| is_pickable[*target as usize] = true);
    let waits_for_nothing = |task: &u32| plan.totals[*task as usize] == 0;
    let tasks = 0..plan.len() as u32;
    let certain = tasks.clone().filter(|task| waits_for_nothing(task) && !is_pickable[*task as usize]);
    let possible = tasks.clone().filter(waits_for_nothing);
    let mut marks = vec![Mark::New; plan.len()];
    let mut leading_back = Vec::new();
    for root in certain.chain(possible).chain(tasks) {
        if marks[root as usize] != Mark::New {
            continue;
        }
        marks[root as usize] = Mark::Open;
        let mut way: Vec<(u32, usize)> = vec![(root, 0)];
        while let Some((task, edge)) = way.last_mut() {
            let task = *task;
            let strong = plan.degree(task);
            let picks = targets.get(&task).map_or(&[][..], Vec::as_slice);
            let position = *edge;
            *edge += 1;
            let (next, is_pick) = if position < strong {
                (plan.successors(task).nth(position), false)
            } else if position < strong + picks.len() {
                (picks[position - strong], true)
            } else {
                marks[task as usize] = Mark::Closed;
                way.pop();
                continue;
            };
            let Some(next) = next else { continue };
            match marks[next as usize] {
                Mark::New => {
                    marks[next as usize] = Mark::Open;
                    way.push((next, 0));
                }
                Mark::Open if is_pick => leading_back.push((task, next)),
                Mark::Open => {
                    let from = way.iter().position(|(task, _)| *task == next).unwrap_or(0);
                    return Err(way[from..].iter().map(|(task, _)| *task).collect());
                }
                Mark::Closed => {}
            }
        }
    }
    Ok(leading_back)
}

/// Which tasks can be reached.
fn reach(tasks: usize, from: u32, each: impl Fn(u32, &mut dyn FnMut(u32))) -> Vec<bool> {
    let mut is_reached = vec![false; tasks];
    is_reached[from as usize] = true;
    let mut open = vec![from];
    while let Some(task) = open.pop() {
        each(task, &mut |next| {
            if !std::mem::replace(&mut is_reached[next as usize], true) {
                open.push(next);
            }
        });
    }
    is_reached
}
