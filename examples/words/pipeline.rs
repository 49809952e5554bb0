//! The job as a graph of millpond's tasks.
//!
//! Each step that can fail is a task that gives results, and a split sends what failed another way:
//! the errors of all steps are merged into one reader. Nothing runs until one of the two readers is
//! read from.

use std::path::PathBuf;

use millpond::graph::{Drawing, Label};
use millpond::{Pool, PoolReader, ReadError};

use crate::document::{RawDocument, is_document};
use crate::progress::{Progress, grouped};
use crate::report::{CorpusReport, DocumentReport, Findings, Rejected};
use crate::walk::Walk;

/// The task that opens files.
const OPENING: &str = "read";

/// The graph, and the two readers of what comes out of it.
#[derive(Debug)]
pub struct Pipeline {
    pool: Pool,
    /// What is in each document, in the order of the walk.
    pub reports: PoolReader<DocumentReport>,
    /// The same, added up for every few documents.
    sums: PoolReader<CorpusReport>,
    /// What could not be read, as it comes.
    pub rejected: PoolReader<Rejected>,
}

/// How many documents are added up at once by a worker: enough that one long document in front does
/// not keep the others waiting.
const TOGETHER: usize = 256;

impl Pipeline {
    /// Declares the tasks; runs nothing. Without workers the pool is in serial mode.
    pub fn new(folders: &[PathBuf], workers: usize) -> Self {
        let pool = Pool::new(workers);
        let found = pool.source(Walk::new(folders).map(or_rejected)).named("walk");
        let (files, no_folder) = found.split_results();
        let raw = files.named("files").filter(|path| is_document(path)).named("documents");
        let (raw, unreadable) = raw.map(|path| or_rejected(RawDocument::read(path))).named(OPENING).split_results();
        let plain = raw.named("bytes").map(|raw| or_rejected(raw.decompress())).named("decompress");
        let (plain, not_gzip) = plain.split_results();
        let texts = plain.named("plain bytes").map(|raw| or_rejected(raw.into_text())).named("decode");
        let (texts, not_utf8) = texts.split_results();
        let reports = texts.named("texts").map(DocumentReport::of).named("tokenise and count");
        // Adding up is a third of the work. Workers do most of it, so that little is left for the
        // reader.
        let sums = reports.clone().batch(TOGETHER).named("groups").map(CorpusReport::sum).named("add up");
        let rejected = pool.merge([
            no_folder.named("no folder"),
            unreadable.named("unreadable"),
            not_gzip.named("not gzip"),
            not_utf8.named("not UTF-8"),
        ]);
        Self { pool, reports, sums, rejected: rejected.named("all rejected") }
    }

    /// How many files have been opened so far.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.pool.graph().iter().filter(|(_, task)| &*task.name == OPENING).map(|(_, task)| task.items).sum()
    }

    /// How many tasks there are.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.pool.task_count()
    }

    /// Reads all there is, adding up the reports as they come.
    ///
    /// # Errors
    /// When a task panicked: nothing that can be wrong with a file is an error here.
    pub fn run(&mut self, mut progress: Progress<impl std::io::Write>) -> Result<Findings, ReadError> {
        let mut findings = Findings::default();
        for sum in &mut self.sums {
            let sum = sum?;
            progress.advance(sum.documents);
            findings.corpus.merge(&sum);
        }
        let rejected = self.rejected.read_all()?;
        progress.advance(rejected.len() as u64);
        findings.rejected = rejected.into_iter().collect();
        progress.finish();
        Ok(findings)
    }

    /// The graph with what each task has done: how many items it was given and how long it worked
    /// on them.
    pub fn drawing(&self) -> Drawing {
        let graph = self.pool.graph();
        let longest = graph.iter().map(|(_, task)| task.busy).max().unwrap_or_default().as_secs_f32();
        graph.draw(|_, task| {
            let seconds = task.busy.as_secs_f32();
            let note = format!("{} items, {seconds:6.2} s", grouped(task.items));
            Label::new(&*task.name).note(note).heat(seconds / longest)
        })
    }
}

/// Errors of all steps are of one type, so that one reader gives them.
fn or_rejected<T, E: Into<Rejected>>(result: Result<T, E>) -> Result<T, Rejected> {
    result.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::plain;

    fn samples() -> Vec<PathBuf> {
        vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/words")]
    }

    #[test]
    fn every_way_to_run_finds_the_same() {
        let plain = plain::run(&samples(), Progress::hidden());
        assert!(plain.corpus.documents > 10, "{plain:?}");
        assert_eq!(plain.rejected.total(), 2);
        for workers in [0, 1, 2, 8] {
            let findings = Pipeline::new(&samples(), workers).run(Progress::hidden()).expect("no task panics");
            assert_eq!(findings, plain, "{workers} workers");
        }
    }

    #[test]
    fn declaring_the_graph_opens_nothing_and_a_read_opens_only_what_it_needs() {
        let mut pipeline = Pipeline::new(&samples(), 2);
        assert_eq!(pipeline.opened(), 0);
        assert_eq!(pipeline.reports.read(3).expect("no task panics").len(), 3);
        assert_eq!(pipeline.opened(), 3);
    }

    #[test]
    fn reports_come_in_the_order_of_the_walk() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for number in 0..500 {
            fs::write(folder.path().join(format!("{number:03}.txt")), "word ".repeat(number)).expect("a file");
        }
        let reports = Pipeline::new(&[folder.path().to_owned()], 2).reports.read_all().expect("no task panics");
        let totals: Vec<_> = reports.iter().map(|report| report.words.total()).collect();
        assert_eq!(totals, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn the_drawing_shows_each_task_and_what_it_did() {
        let mut pipeline = Pipeline::new(&samples(), 0);
        let findings = pipeline.run(Progress::hidden()).expect("no task panics");
        let text = pipeline.drawing().text().to_string();
        assert_eq!(text.lines().filter(|line| line.contains(" items, ")).count(), pipeline.tasks());
        let counted = format!("{} items, ", findings.corpus.documents);
        assert!(text.lines().any(|line| line.contains("○ tokenise and count") && line.contains(&counted)), "{text}");
    }
}
