//! What was found in one document, and in all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::document::{Document, DocumentError};
use crate::progress::grouped;
use crate::walk::WalkError;
use crate::words::WordCounts;

/// What was found in one document.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentReport {
    /// Where it was read from.
    pub path: PathBuf,
    /// How long its text is.
    pub bytes: u64,
    /// Its words.
    pub words: WordCounts,
}

impl DocumentReport {
    /// Counts the words of a document.
    #[must_use]
    pub fn of(document: Document) -> Self {
        let words = WordCounts::of(&document.text, document.markup());
        Self { bytes: document.text.len() as u64, path: document.path, words }
    }
}

/// What was found in all documents: a sum to which reports are added, in any order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CorpusReport {
    /// How many documents were counted.
    pub documents: u64,
    /// How long their texts are together.
    pub bytes: u64,
    /// Their words.
    pub words: WordCounts,
}

impl CorpusReport {
    /// Adds a document's report.
    pub fn add(&mut self, report: &DocumentReport) {
        self.documents += 1;
        self.bytes += report.bytes;
        self.words.merge(&report.words);
    }

    /// The sum of some reports.
    #[must_use]
    pub fn sum(reports: Vec<DocumentReport>) -> Self {
        let mut sum = Self::default();
        reports.iter().for_each(|report| sum.add(report));
        sum
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.documents += other.documents;
        self.bytes += other.bytes;
        self.words.merge(&other.words);
    }
}

/// The words that occur most often, one per line, with a bar for each.
impl fmt::Display for CorpusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LINES: usize = 12;
        const BAR: u64 = 40;

        writeln!(
            f,
            "{} documents, {} MB of text, {} words, {} of them distinct",
            grouped(self.documents),
            grouped(self.bytes / 1_000_000),
            grouped(self.words.total()),
            grouped(self.words.distinct() as u64)
        )?;
        let top = self.words.top(LINES);
        let most = top.first().map_or(1, |&(_, count)| count);
        for (word, count) in top {
            let bar = "█".repeat(usize::try_from((count * BAR).div_ceil(most)).unwrap_or_default());
            writeln!(f, "  {word:<14} {:>12}  {bar}", grouped(count))?;
        }
        Ok(())
    }
}

/// What a run found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What was found.
    pub corpus: CorpusReport,
    /// What gave nothing.
    pub rejected: RejectedReport,
}

/// All that a run found, in few bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Digest {
    documents: u64,
    bytes: u64,
    words: u64,
    distinct: usize,
    /// Of all words and their counts.
    fingerprint: u64,
    rejected: RejectedReport,
}

impl Findings {
    /// Lets go of the words and keeps enough to tell whether another run found the same.
    #[must_use]
    pub fn into_digest(self) -> Digest {
        let CorpusReport { documents, bytes, words } = self.corpus;
        Digest {
            documents,
            bytes,
            words: words.total(),
            distinct: words.distinct(),
            fingerprint: words.fingerprint(),
            rejected: self.rejected,
        }
    }
}

/// A file or a folder that gave nothing, and why.
#[derive(Debug)]
pub enum Rejected {
    /// A folder that could not be walked.
    Folder(WalkError),
    /// A file that gave no text.
    File(DocumentError),
}

impl Rejected {
    /// What is wrong, in the words of a report that counts such things.
    fn kind(&self) -> &'static str {
        match self {
            Self::Folder(_) => "unreadable folders",
            Self::File(error) => error.kind(),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Folder(error) => &error.path,
            Self::File(error) => error.path(),
        }
    }
}

impl From<WalkError> for Rejected {
    fn from(error: WalkError) -> Self {
        Self::Folder(error)
    }
}

impl From<DocumentError> for Rejected {
    fn from(error: DocumentError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(error) => error.fmt(f),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Rejected {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(error) => error.source(),
            Self::File(error) => error.source(),
        }
    }
}

/// All that was rejected, in whatever order it came: how many of each kind, and the first few by
/// name in full.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RejectedReport {
    counts: BTreeMap<&'static str, u64>,
    first: Vec<String>,
}

impl FromIterator<Rejected> for RejectedReport {
    fn from_iter<I: IntoIterator<Item = Rejected>>(rejected: I) -> Self {
        const SHOWN: usize = 5;

        let mut all: Vec<Rejected> = rejected.into_iter().collect();
        all.sort_by(|one, other| one.path().cmp(other.path()));
        let mut counts = BTreeMap::new();
        for rejected in &all {
            *counts.entry(rejected.kind()).or_default() += 1;
        }
        Self { counts, first: all.iter().take(SHOWN).map(ToString::to_string).collect() }
    }
}

impl RejectedReport {
    /// How many were rejected.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl fmt::Display for RejectedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.counts.is_empty() {
            return writeln!(f, "nothing rejected");
        }
        let counts: Vec<_> = self.counts.iter().map(|(kind, &count)| format!("{} {kind}", grouped(count))).collect();
        writeln!(f, "{} rejected: {}", grouped(self.total()), counts.join(", "))?;
        for line in &self.first {
            writeln!(f, "  {line}")?;
        }
        match self.total() - self.first.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  and {} more", grouped(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str, text: &str) -> Document {
        Document { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn documents_add_up() {
        let mut corpus = CorpusReport::default();
        corpus.add(&DocumentReport::of(document("a.txt", "the mill the pond")));
        corpus.add(&DocumentReport::of(document("b.html", "<b class=x>the</b>")));
        assert_eq!((corpus.documents, corpus.bytes, corpus.words.total()), (2, 35, 5));
        assert_eq!(
            corpus.to_string().lines().take(2).collect::<Vec<_>>(),
            [
                "2 documents, 0 MB of text, 5 words, 3 of them distinct".to_owned(),
                format!("  the                       3  {}", "█".repeat(40)),
            ]
        );
    }

    #[test]
    fn rejected_files_are_counted_by_kind_and_the_first_are_shown() {
        assert_eq!(RejectedReport::default().to_string(), "nothing rejected\n");
        let not_utf8 = |number| DocumentError::NotUtf8 { path: format!("{number}.txt").into(), valid_up_to: number };
        let rejected: RejectedReport = (0..7).rev().map(|number| not_utf8(number).into()).collect();
        assert_eq!(
            rejected.to_string(),
            "7 rejected: 7 not UTF-8\n  \
             reading `0.txt` as text failed: not UTF-8 after 0 bytes\n  \
             reading `1.txt` as text failed: not UTF-8 after 1 bytes\n  \
             reading `2.txt` as text failed: not UTF-8 after 2 bytes\n  \
             reading `3.txt` as text failed: not UTF-8 after 3 bytes\n  \
             reading `4.txt` as text failed: not UTF-8 after 4 bytes\n  \
             and 2 more\n"
        );
    }
}
