//! What was made from what: one line per output, kept between builds.
//!
//! A key is the digest of everything that went into an output: the command and the contents of its
//! inputs. Headers are only known once a file has been compiled, so they stand in its line for the
//! next time.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::project::{BUILD_FOLDER, about};

/// The content of something, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// Of a file.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Ok(Self(blake3::hash(&fs::read(path).map_err(|error| about(path, &error))?)))
    }

    /// Of a command and what it reads.
    pub fn of_step(command: &str, inputs: impl IntoIterator<Item = Digest>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(command.len() as u64).to_le_bytes());
        hasher.update(command.as_bytes());
        for input in inputs {
            hasher.update(input.0.as_bytes());
        }
        Self(hasher.finalize())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_hex().fmt(f)
    }
}

/// How an output was made last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Digest,
    /// What the output was then.
    pub output: Digest,
    /// What the step read beside its source.
    pub headers: Vec<PathBuf>,
}

/// All records of a project.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    records: Mutex<BTreeMap<PathBuf, Record>>,
}

impl Ledger {
    /// Reads what the last build left; nothing, if there was none.
    pub fn open(folder: &Path) -> Self {
        let file = folder.join(BUILD_FOLDER).join("ledger");
        let text = fs::read_to_string(&file).unwrap_or_default();
        // A line that cannot be read costs one step.
        let records = Mutex::new(text.lines().filter_map(read_line).collect());
        Self { file, records }
    }

    pub fn get(&self, output: &Path) -> Option<Record> {
        self.lock().get(output).cloned()
    }

    pub fn set(&self, output: &Path, record: Record) {
        self.lock().insert(output.to_owned(), record);
    }

    /// Writes the records for the next build.
    pub fn save(&self) -> io::Result<()> {
        let mut text = String::new();
        for (output, record) in &*self.lock() {
            text += &format!("{}\t{}\t{}", record.key, record.output, output.display());
            record.headers.iter().for_each(|header| text += &format!("\t{}", header.display()));
            text.push('\n');
        }
        fs::write(&self.file, text)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Record>> {
        self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn read_line(line: &str) -> Option<(PathBuf, Record)> {
    let mut parts = line.split('\t');
    let mut digest = || blake3::Hash::from_hex(parts.next()?).ok().map(Digest);
    let (key, output) = (digest()?, digest()?);
    let path = parts.next()?.into();
    Some((path, Record { key, output, headers: parts.map(PathBuf::from).collect() }))
}
