//! Walking a folder: a lazy iterator over the files below some roots.
//!
//! Depth first with an explicit stack, so the depth of the tree costs heap and not call stack, and
//! a folder is read when the walk arrives there and not before: asking for the first ten files
//! opens the few folders on the way to them. The entries of a folder come in the order of their
//! names (bytes), folders and files mixed, which makes the walk the same on every machine with the
//! same files.
//!
//! A folder that cannot be read is an item of the walk, not its end. Symbolic links are neither
//! followed nor listed: they would make files come twice and walks endless.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

/// The files below some roots. See the [module documentation](self).
#[derive(Debug)]
#[must_use = "a walk opens nothing until it is iterated"]
pub struct Walk {
    /// What is left to visit, the next at the end.
    stack: Vec<Visit>,
}

/// Something that the walk has seen and not visited yet.
#[derive(Debug)]
enum Visit {
    /// A root, whose type nobody has asked for yet.
    Root(PathBuf),
    /// A folder that has not been opened.
    Folder(PathBuf),
    /// A file, ready to be given out.
    File(PathBuf),
    /// A folder's entry that could not be looked at.
    Failed(WalkError),
}

impl Walk {
    /// Walks `roots` one after the other. A root that is a file is given out itself; a root that is
    /// a symbolic link is followed, since somebody named it.
    pub fn new<P: Into<PathBuf>>(roots: impl IntoIterator<Item = P>) -> Self {
        let roots: VecDeque<_> = roots.into_iter().map(|root| Visit::Root(root.into())).collect();
        Self { stack: roots.into_iter().rev().collect() }
    }

    /// Puts the entries of `folder` on the stack, the first by name on top.
    fn open(&mut self, folder: PathBuf) -> Result<(), WalkError> {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) => return Err(WalkError { path: folder, cause }),
        };
        let below = self.stack.len();
        for entry in entries {
            let visit = match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
                Ok((kind, path)) => match Visit::of(kind, path) {
                    Some(visit) => visit,
                    None => continue,
                },
                Err(cause) => Visit::Failed(WalkError { path: folder.clone(), cause }),
            };
            self.stack.push(visit);
        }
        self.stack[below..].sort_by(|one, other| other.path().cmp(one.path()));
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let opened = match self.stack.pop()? {
                Visit::File(path) => return Some(Ok(path)),
                Visit::Failed(error) => return Some(Err(error)),
                Visit::Folder(path) => self.open(path),
                Visit::Root(path) => match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_file() => return Some(Ok(path)),
                    Ok(_) => self.open(path),
                    Err(cause) => Err(WalkError { path, cause }),
                },
            };
            if let Err(error) = opened {
                return Some(Err(error));
            }
        }
    }
}

impl Visit {
    /// What to do with the entry of a folder; nothing for links, sockets and the like.
    fn of(kind: FileType, path: PathBuf) -> Option<Self> {
        match () {
            () if kind.is_dir() => Some(Self::Folder(path)),
            () if kind.is_file() => Some(Self::File(path)),
            () => None,
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Root(path) | Self::Folder(path) | Self::File(path) => path,
            Self::Failed(error) => &error.path,
        }
    }
}

/// A folder, or something in it, that could not be looked at.
#[derive(Debug)]
pub struct WalkError {
    /// The folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub cause: io::Error,
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "walking `{}` failed: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for WalkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, file).expect("a file");
        }
        folder
    }

    fn names(root: &Path) -> Vec<String> {
        Walk::new([root])
            .map(|path| path.expect("a readable tree"))
            .map(|path| path.strip_prefix(root).expect("below the root").display().to_string())
            .collect()
    }

    #[test]
    fn walk_lists_files_depth_first_in_the_order_of_their_names() {
        let folder = tree(&["c.txt", "b/z.txt", "b/a/deep.txt", "a.txt", "b/b.txt"]);
        assert_eq!(names(folder.path()), ["a.txt", "b/a/deep.txt", "b/b.txt", "b/z.txt", "c.txt"]);
    }

    #[test]
    fn walk_visits_roots_in_the_order_given_and_takes_files_as_roots() {
        let folder = tree(&["b/1.txt", "a/2.txt", "a/3.txt"]);
        let roots = [folder.path().join("b"), folder.path().join("a/3.txt"), folder.path().join("a")];
        let found: Vec<_> =
            Walk::new(roots).map(|path| path.expect("readable").file_name().expect("a name").to_owned()).collect();
        assert_eq!(found, ["1.txt", "3.txt", "2.txt", "3.txt"]);
    }

    #[test]
    fn walk_opens_a_folder_only_when_it_arrives_there() {
        let folder = tree(&["a/1.txt", "b/2.txt"]);
        let mut walk = Walk::new([folder.path()]);
        assert!(walk.next().expect("a first file").expect("readable").ends_with("a/1.txt"));
        fs::write(folder.path().join("b/1.txt"), "made after the walk began").expect("a file");
        assert!(walk.next().expect("a second file").expect("readable").ends_with("b/1.txt"));
    }

    #[test]
    fn a_root_that_does_not_exist_is_an_item_and_the_walk_goes_on() {
        let folder = tree(&["a.txt"]);
        let missing = folder.path().join("missing");
        let found: Vec<_> = Walk::new([missing.clone(), folder.path().to_owned()]).collect();
        let error = found[0].as_ref().expect_err("no such folder");
        assert_eq!(
            error.to_string(),
            format!("walking `{}` failed: No such file or directory (os error 2)", missing.display())
        );
        assert!(found[1].as_ref().expect("readable").ends_with("a.txt"));
        assert_eq!(found.len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn walk_never_follows_a_symbolic_link() {
        let folder = tree(&["real/file.txt"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("real/loop")).expect("a link to a folder");
        std::os::unix::fs::symlink(folder.path().join("real/file.txt"), folder.path().join("again.txt"))
            .expect("a link to a file");
        assert_eq!(names(folder.path()), ["real/file.txt"]);
    }

    #[test]
    fn a_very_deep_folder_does_not_overflow_the_stack() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let deep: PathBuf = std::iter::repeat_n("d", 1_000).collect();
        fs::create_dir_all(folder.path().join(&deep)).expect("deep folders");
        fs::write(folder.path().join(&deep).join("file.txt"), "").expect("a file");
        assert_eq!(Walk::new([folder.path()]).count(), 1);
    }
}
