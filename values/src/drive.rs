//! The loop that runs tasks: a task, its successors, the first that became ready next, in place.
//!
//! No recursion and no allocation: what else became ready is pushed, and popped newest first when
//! the line of direct successors ends. Once shared, surplus is pushed before a body is entered, so
//! that it can be stolen meanwhile.

use std::sync::Arc;

use crossbeam_deque::Worker;

use super::body::Signal;
use super::crew::Crew;
use super::plan::ONLY;
use super::session::{Local, Pause, Session};
use millpond_sync::host::{self, Call, Site};

impl<'env> Session<'_, 'env> {
    /// Runs everything in the calling thread, until it is done or worth sharing.
    pub(super) fn drive_alone(&self, local: &mut Local<'env>) -> Pause {
        let plan = self.plan;
        loop {
            let mut next = match local.stack.pop() {
                Some(item) => item as u32,
                None => match plan.sources.get(local.started) {
                    Some(source) => {
                        local.started += 1;
                        *source
                    }
                    None => return Pause::Dry,
                },
            };
            loop {
                let task = next;
                if !self.enter(local, task) {
                    return Pause::Stopped;
                }
                let mut following = None;
                for to in self.edges(task) {
                    let target = to & !ONLY;
                    if to & ONLY != 0 || plan.arrive::<false>(target) {
                        match following {
                            None => following = Some(target),
                            Some(_) => local.stack.push(u64::from(target)),
                        }
                    }
                }
                if local.beat.count() && self.is_worth_sharing(local, following.is_some()) {
                    local.stack.extend(following.map(u64::from));
                    return Pause::Share;
                }
                match following {
                    Some(task) => next = task,
                    None => break,
                }
            }
        }
    }

    /// Runs `task`, what follows from it, and the rest of the own queue.
    pub(super) fn drive_shared(
        &self,
        crew: &Arc<Crew>,
        queue: &Worker<u64>,
        local: &mut Local<'env>,
        task: u32,
    ) -> Pause {
        let plan = self.plan;
        let mut next = task;
        loop {
            let task = next;
            if !self.enter(local, task) {
                return Pause::Stopped;
            }
            host::step(Site::new("ran a task"));
            local.done += 1;
            if local.is_caller {
                self.report_progress(local.done);
            }
            let mut following = None;
            let mut has_pushed = false;
            for to in self.edges(task) {
                let target = to & !ONLY;
                host::step(Site::new("tells a successor"));
                if to & ONLY != 0 || plan.arrive::<true>(target) {
                    match following {
                        None => following = Some(target),
                        Some(_) => {
                            queue.push(u64::from(target));
                            has_pushed = true;
                        }
                    }
                }
            }
            if has_pushed {
                host::step(Site::new("shares"));
                self.pushed(crew);
            }
            if self.is_stopped() {
                return Pause::Stopped;
            }
            next = match following {
                Some(task) => task,
                None => match queue.pop() {
                    Some(item) => item as u32,
                    None => return Pause::Dry,
                },
            };
        }
    }

    /// Runs one body; false when it failed.
    #[inline]
    fn enter(&self, local: &mut Local<'env>, task: u32) -> bool {
        local.current = task;
        host::call(|| Some(Call { name: None, number: task.into(), items: 0, timed: 1 }));
        let signal = self.bodies[task as usize].get().run(&mut local.context);
        if signal == Signal::Done {
            return true;
        }
        self.stop_at(local, task);
        false
    }

    #[cold]
    fn stop_at(&self, local: &mut Local<'env>, task: u32) {
        if let Some(cause) = local.context.failure.take() {
            self.fail(task, cause);
        }
    }

    #[inline]
    fn edges(&self, task: u32) -> &[u32] {
        let (start, end) = (self.plan.offsets[task as usize], self.plan.offsets[task as usize + 1]);
        &self.plan.to[start as usize..end as usize]
    }
}
