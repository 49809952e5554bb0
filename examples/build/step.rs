//! One command: is it up to date, and what it says when it fails.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ledger::{Digest, Ledger, Record};

/// A command that makes one output.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it runs; all paths are below.
    pub folder: PathBuf,
    pub words: Vec<String>,
    pub output: PathBuf,
    /// Where the compiler writes which headers it read.
    pub headers: Option<PathBuf>,
    /// Whether the output is what the command prints, and its being printed is its success.
    pub is_test: bool,
}

/// A command that did not succeed, with what it said.
#[derive(Debug)]
pub struct StepFailed {
    command: String,
    output: String,
}

impl fmt::Display for StepFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  $ {}", self.command)?;
        self.output.lines().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Error for StepFailed {}

impl Step {
    /// Runs the command unless it was run with the same inputs; the digest of its output.
    pub fn make(
        &self,
        ledger: &Ledger,
        ran: &AtomicUsize,
        inputs: &[Digest],
        headers: &[Digest],
    ) -> Result<Digest, Box<dyn Error + Send + Sync>> {
        let command = self.words.join(" ");
        let key = Digest::of_step(&command, inputs.iter().chain(headers).copied());
        let made = self.folder.join(&self.output);
        if let Some(record) = ledger.get(&self.output)
            && record.key == key
            && Digest::of_file(&made).is_ok_and(|digest| digest == record.output)
        {
            return Ok(record.output);
        }
        ran.fetch_add(1, Ordering::Relaxed);
        self.run(&command, &made)?;
        let headers = self.read_headers()?;
        let digests = headers.iter().map(|header| Digest::of_file(&self.folder.join(header)));
        let digests: Vec<_> = digests.collect::<io::Result<_>>()?;
        let key = Digest::of_step(&command, inputs.iter().copied().chain(digests));
        let output = Digest::of_file(&made)?;
        ledger.set(&self.output, Record { key, output, headers });
        Ok(output)
    }

    fn run(&self, command: &str, made: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(parent) = made.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut child = Command::new(&self.words[0]);
        child.args(&self.words[1..]).current_dir(&self.folder).stdin(Stdio::null());
        let failed = |output: String| StepFailed { command: command.to_owned(), output };
        let output = child.output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
            return Err(failed(format!("{said}{}", output.status)).into());
        }
        if self.is_test {
            fs::write(made, output.stdout)?;
        }
        Ok(())
    }

    /// The headers of the project that the compiler read; those of the system are taken as given.
    fn read_headers(&self) -> io::Result<Vec<PathBuf>> {
        let Some(file) = &self.headers else { return Ok(Vec::new()) };
        // The rule of a makefile: `output: source header \` and so on.
        let rule = fs::read_to_string(self.folder.join(file))?.replace("\\\n", " ");
        let words = rule.split_once(": ").map_or("", |(_, words)| words).split_whitespace().map(PathBuf::from);
        Ok(words.filter(|path| path.is_relative() && path.extension().is_some_and(|kind| kind != "c")).collect())
    }
}
