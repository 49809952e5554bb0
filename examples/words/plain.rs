//! The same job as one loop in one thread, without millpond: the baseline to compare with.

use std::io::Write;
use std::path::PathBuf;

use crate::document::{Document, is_document};
use crate::progress::Progress;
use crate::report::{CorpusReport, DocumentReport, Findings, Rejected};
use crate::walk::Walk;

/// Reads all documents below the folders, one after the other.
#[must_use]
pub fn run(folders: &[PathBuf], mut progress: Progress<impl Write>) -> Findings {
    let mut corpus = CorpusReport::default();
    let mut rejected: Vec<Rejected> = Vec::new();
    for path in Walk::new(folders) {
        match path {
            Ok(path) if is_document(&path) => {
                match Document::read(path) {
                    Ok(document) => corpus.add(&DocumentReport::of(document)),
                    Err(error) => rejected.push(error.into()),
                }
                progress.advance(1);
            }
            Ok(_) => {}
            Err(error) => rejected.push(error.into()),
        }
    }
    progress.finish();
    Findings { corpus, rejected: rejected.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_samples_hold_what_they_promise() {
        let run = run(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/words/samples")], Progress::hidden());
        assert_eq!(run.corpus.documents, 2);
        assert!(run.rejected.to_string().starts_with("2 rejected: 1 not UTF-8, 1 not gzip\n"), "{}", run.rejected);
        assert!(run.corpus.words.top(1000).contains(&("millpond", 2)), "one in each of the two that are texts");
    }

    #[test]
    fn all_documents_are_counted_and_what_is_none_is_rejected_or_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in [
            ("a.txt", &b"the mill"[..]),
            ("b.md", b"the pond"),
            ("c.txt", b"\xff"),
            ("d.gz", b"no document"),
            ("e.txt.gz", b"no gzip"),
            ("f.png", b"no text"),
        ] {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        let run = run(&[folder.path().to_owned(), folder.path().join("missing")], Progress::hidden());
        assert_eq!(run.corpus.documents, 2);
        assert_eq!(run.corpus.words.top(1), [("the", 2)]);
        assert_eq!(run.rejected.total(), 3);
        assert!(run.rejected.to_string().starts_with("3 rejected: 1 not UTF-8, 1 not gzip, 1 unreadable folders\n"));
    }
}
