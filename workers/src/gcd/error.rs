//! What goes wrong with a library that is found at run time.

use std::fmt;

/// The environment variable that names the library; nothing else is tried then.
pub(super) const PATH_VARIABLE: &str = "MILLPOND_LIBDISPATCH";

/// libdispatch could not be loaded: it is not installed, or what was found is not it.
///
/// The text says what was tried, why each attempt failed, and what to install or set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "there are no workers"]
pub struct LibdispatchMissing {
    /// Whether the environment named the library, so that nothing else was tried.
    pub(super) named: bool,
    /// In the order in which they were made; at least one.
    pub(super) attempts: Vec<Attempt>,
}

/// One name under which the library was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// A path, or a name for the system's loader to look up.
    pub(super) path: String,
    /// What the system's loader said.
    pub(super) reason: String,
}

impl LibdispatchMissing {
    /// The paths and names under which the library was looked for, in that order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.attempts.iter().map(|attempt| attempt.path.as_str())
    }
}

impl fmt::Display for LibdispatchMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("loading libdispatch failed: tried ")?;
        for (number, Attempt { path, reason }) in self.attempts.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(f, "{separator}`{path}` ({reason})")?;
        }
        if self.named {
            write!(f, "; let `{PATH_VARIABLE}` name the library, or unset it to search the usual places")
        } else {
            write!(
                f,
                "; install it (Debian 13: `libswiftlang`, Fedora: `libdispatch`, elsewhere a Swift toolchain), \
                 let `{PATH_VARIABLE}` name it, or use rayon workers"
            )
        }
    }
}

impl std::error::Error for LibdispatchMissing {}

#[cfg(test)]
mod tests {
    use super::{Attempt, LibdispatchMissing};

    fn attempt(path: &str, reason: &str) -> Attempt {
        Attempt { path: path.into(), reason: reason.into() }
    }

    #[test]
    fn a_search_in_vain_names_every_place_and_what_to_install() {
        let error = LibdispatchMissing {
            named: false,
            attempts: vec![attempt("libdispatch.so", "no such file"), attempt("/opt/libdispatch.so", "wrong class")],
        };
        assert_eq!(
            error.to_string(),
            "loading libdispatch failed: tried `libdispatch.so` (no such file), `/opt/libdispatch.so` (wrong class); \
             install it (Debian 13: `libswiftlang`, Fedora: `libdispatch`, elsewhere a Swift toolchain), \
             let `MILLPOND_LIBDISPATCH` name it, or use rayon workers"
        );
        assert_eq!(error.paths().collect::<Vec<_>>(), ["libdispatch.so", "/opt/libdispatch.so"]);
    }

    #[test]
    fn a_named_library_that_does_not_load_points_at_the_name() {
        let error = LibdispatchMissing { named: true, attempts: vec![attempt("/nowhere", "no such file")] };
        assert_eq!(
            error.to_string(),
            "loading libdispatch failed: tried `/nowhere` (no such file); \
             let `MILLPOND_LIBDISPATCH` name the library, or unset it to search the usual places"
        );
    }
}
