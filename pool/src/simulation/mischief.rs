//! Faults that do not happen within a task: the pool is resized, tasks come and go.

use std::rc::Rc;
use std::sync::{Arc, Weak};

use super::faults::Planned;
use super::fiber::Job;
use super::scheduler::{Scheduler, Started};
use crate::core::Core;
use crate::reader::ScopedReader;
use crate::registry::TaskId;
use crate::task::Task;
use millpond_workers::Workers;

/// Starts the thread that does all this to a pool, if there is anything to do.
pub(super) fn begin(scheduler: &Rc<Scheduler>, core: &Arc<Core<'static>>, workers: &Arc<dyn Workers>) {
    if !scheduler.has_mischief() {
        return;
    }
    let (core, workers) = (Arc::downgrade(core), Arc::downgrade(workers));
    let job = move || {
        while let Some(planned) = super::scheduler().and_then(|scheduler| scheduler.next_mischief()) {
            perform(planned, &core, &workers);
        }
    };
    scheduler.start(Started::Mischief, Job::Anywhere(Box::new(job)));
}

fn perform(planned: Planned, core: &Weak<Core<'static>>, workers: &Weak<dyn Workers>) {
    let Some(core) = core.upgrade().filter(|core| !core.is_closed()) else { return };
    match planned {
        Planned::Resize(size) => {
            core.resize(size, workers.upgrade().filter(|_| size > 0));
        }
        Planned::Visit(items) if core.size() > 0 => {
            // In serial mode this would be a second thread in a pool that is one thread's; so it does not become serial meanwhile.
            let Ok(_shared) = core.gate().enter_shared() else { return };
            let numbers = ScopedReader::of_task(&core, Task::source(0..items * 2).name("visitor"));
            let mut visitor = ScopedReader::of_task(&core, Task::map(numbers, |number| number + 1).name("visitor"));
            if let Ok(read) = visitor.read(items) {
                // Other faults may hit the visitor as well; what it read is right all the same.
                assert!(read.iter().copied().eq(1..=read.len()), "a visitor read {read:?}");
            }
        }
        Planned::Remove(which) => {
            let tasks: Vec<TaskId> = core.registry.lock().dag().iter().map(|(id, _)| TaskId::from(id)).collect();
            if let Some(&task) = tasks.get(which % tasks.len().max(1)) {
                let _ = crate::remove::remove_task(&core, task);
            }
        }
        _ => {}
    }
}
