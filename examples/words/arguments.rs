//! What the command line asks for.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::corpus;

/// How the program is called.
pub const USAGE: &str = "\
usage: words [--plain] [FOLDER …]

Counts the words of all source and documentation files below the folders: by default the
Rust toolchain, the crates that cargo has fetched, and the system's manual pages.

  --plain   one loop in one thread, the baseline to compare with
  --help    this text
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// Whether to print [`USAGE`] and nothing else.
    pub is_help: bool,
    /// Whether to run one loop in one thread.
    pub is_plain: bool,
    /// Where to look.
    pub folders: Vec<PathBuf>,
}

/// An option that the program does not have.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownOption(String);

impl Arguments {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// [`UnknownOption`] for one that begins with a dash and is none of ours.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UnknownOption> {
        let mut parsed = Self { is_help: false, is_plain: false, folders: Vec::new() };
        for argument in arguments {
            match argument.to_str() {
                Some("--plain") => parsed.is_plain = true,
                Some("--help" | "-h") => parsed.is_help = true,
                Some(option) if option.starts_with('-') => return Err(UnknownOption(option.to_owned())),
                _ => parsed.folders.push(argument.into()),
            }
        }
        if parsed.folders.is_empty() {
            parsed.folders = corpus::default_folders();
        }
        Ok(parsed)
    }
}

impl fmt::Display for UnknownOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown option `{}`\n\n{USAGE}", self.0)
    }
}

impl std::error::Error for UnknownOption {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, UnknownOption> {
        Arguments::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn folders_and_options_come_in_any_order() {
        let expected = Arguments { is_help: false, is_plain: true, folders: vec!["a".into(), "b".into()] };
        assert_eq!(parse(&["a", "--plain", "b"]), Ok(expected));
    }

    #[test]
    fn without_a_folder_the_default_ones_are_read() {
        assert_eq!(parse(&[]).expect("no option").folders, corpus::default_folders());
    }

    #[test]
    fn an_unknown_option_is_refused_by_name() {
        assert_eq!(parse(&["--fast"]), Err(UnknownOption("--fast".to_owned())));
    }
}
