//! What is in a folder: sources, which of them are programs, which of those are tests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where everything that is made lies, inside the project's folder.
pub const BUILD_FOLDER: &str = ".build";

/// One `.c` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path in the project's folder.
    pub path: PathBuf,
    /// Whether it has a `main`.
    pub is_program: bool,
    /// Whether it is in a folder `tests`.
    pub is_test: bool,
}

/// A folder with C sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub folder: PathBuf,
    /// By path.
    pub sources: Vec<Source>,
}

impl Project {
    /// Looks for sources in `folder` and below.
    pub fn find(folder: &Path) -> io::Result<Self> {
        let mut sources = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            for entry in fs::read_dir(folder.join(&below)).map_err(|error| about(&folder.join(&below), &error))? {
                let entry = entry?;
                let path = below.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    if !entry.file_name().to_string_lossy().starts_with('.') {
                        folders.push(path);
                    }
                } else if path.extension().is_some_and(|extension| extension == "c") {
                    let text = fs::read(entry.path()).map_err(|error| about(&entry.path(), &error))?;
                    let is_program = String::from_utf8_lossy(&text).lines().any(|line| line.starts_with("int main("));
                    let is_test = path.parent().is_some_and(|parent| parent.ends_with("tests"));
                    sources.push(Source { path, is_program, is_test });
                }
            }
        }
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { folder: folder.to_owned(), sources })
    }
}

impl Source {
    /// The path of what is made of it, in the project's folder.
    pub fn made(&self, extension: &str) -> PathBuf {
        Path::new(BUILD_FOLDER).join(self.path.with_extension(extension))
    }
}

/// The same error, naming the path.
pub fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("reading `{}`: {error}", path.display()))
}
