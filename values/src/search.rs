//! The marks of a search for what targets need.

const PAGE: usize = 1 << 10;

/// Which tasks the search has found. The marks outlive a search and are told apart by what they
/// start from, and they lie in pages that appear when first written, so that a search costs what it
/// finds and not what the graph has.
#[derive(Default)]
pub(super) struct Search {
    /// For each task `base` plus its number in the plan; less than `base` when this search has not
    /// found it.
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
    pub(super) fn local_of(&self, task: u32) -> Option<u32> {
        let page = self.pages[task as usize / PAGE].as_deref()?;
        page[task as usize % PAGE].checked_sub(self.base)
    }

    #[inline]
    pub(super) fn mark(&mut self, task: u32, local: u32) {
        let page = self.pages[task as usize / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
        page[task as usize % PAGE] = self.base + local;
    }

    pub(super) fn is_known(&self, task: u32) -> bool {
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

    pub(super) fn begin(&mut self, tasks: usize, last_found: usize) {
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
