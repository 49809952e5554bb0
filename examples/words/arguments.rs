//! What the command line asks for.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::corpus;

/// How the program is called.
pub const USAGE: &str = "\
usage: words [--plain] [--workers=N] [--drawing=FILE] [FOLDER …]

Counts the words of all source and documentation files below the folders: by default the
Rust toolchain, the crates that cargo has fetched, and the system's manual pages.

  --plain         one loop in one thread and nothing else
  --workers=N     how many work at once; as many as there are processors, 2 at the least
  --drawing=FILE  where to draw the graph; target/demo/words.svg
  --help          this text
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// Whether to print [`USAGE`] and nothing else.
    pub is_help: bool,
    /// Whether to run one loop in one thread.
    pub is_plain: bool,
    /// How many work at once, where that was said.
    pub workers: Option<usize>,
    /// Where to draw the graph, where that was said.
    pub drawing: Option<PathBuf>,
    /// Where to look.
    pub folders: Vec<PathBuf>,
}

/// An option that the program does not have, or not with this value.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownOption(String);

impl Arguments {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// [`UnknownOption`] for one that begins with a dash and is none of ours, or whose value makes
    /// no sense.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UnknownOption> {
        let mut parsed = Self { is_help: false, is_plain: false, workers: None, drawing: None, folders: Vec::new() };
        for argument in arguments {
            let text = argument.to_str();
            if let Some(number) = text.and_then(|text| text.strip_prefix("--workers=")) {
                let workers = number.parse().ok().filter(|&workers| workers > 0);
                parsed.workers = Some(workers.ok_or_else(|| UnknownOption(format!("--workers={number}")))?);
                continue;
            }
            match text {
                Some("--plain") => parsed.is_plain = true,
                Some("--help" | "-h") => parsed.is_help = true,
                Some(option) if option.starts_with("--drawing=") => {
                    parsed.drawing = option.strip_prefix("--drawing=").map(PathBuf::from);
                }
                Some(option) if option.starts_with('-') => return Err(UnknownOption(option.to_owned())),
                _ => parsed.folders.push(argument.into()),
            }
        }
        if parsed.folders.is_empty() {
            parsed.folders = corpus::default_folders();
        }
        Ok(parsed)
    }

    /// Where to draw the graph.
    #[must_use]
    pub fn drawing(&self) -> PathBuf {
        self.drawing.clone().unwrap_or_else(|| ["target", "demo", "words.svg"].iter().collect())
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
        let expected = Arguments {
            is_help: false,
            is_plain: true,
            workers: Some(3),
            drawing: Some("c.svg".into()),
            folders: vec!["a".into(), "b".into()],
        };
        assert_eq!(parse(&["a", "--plain", "--workers=3", "--drawing=c.svg", "b"]), Ok(expected));
    }

    #[test]
    fn without_a_folder_the_default_ones_are_read() {
        assert_eq!(parse(&[]).expect("no option").folders, corpus::default_folders());
    }

    #[test]
    fn an_unknown_option_is_refused_by_name() {
        for option in ["--fast", "--workers=0", "--workers=many"] {
            assert_eq!(parse(&[option]), Err(UnknownOption(option.to_owned())));
        }
    }
}
