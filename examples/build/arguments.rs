//! The command line.

use std::path::PathBuf;
use std::thread;

pub const USAGE: &str = "\
usage: build [OPTIONS] FOLDER

Builds the C project in FOLDER: compiles every `.c` file, makes a program of each that has a `main`, linked with all
files that have none, and runs those programs whose files are in a folder `tests`. What it makes lies in FOLDER/.build.

  --sample        write a small project into FOLDER first, where it has none
  --jobs=N        how many steps run at once (default: as many as there are processors; 0: one after the other)
  --keep-going    after a failure go on with everything that does not need what failed
  --cflags=FLAGS  flags for the compiler, by spaces
  --libs=FLAGS    flags for the linker, by spaces
  --graph=FILE    draw the graph as SVG
  --quiet         no progress line
  --help          this text
";

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    pub folder: PathBuf,
    pub jobs: usize,
    pub is_sample: bool,
    pub is_going_on: bool,
    pub is_quiet: bool,
    pub is_help: bool,
    pub cflags: Vec<String>,
    pub libs: Vec<String>,
    pub graph: Option<PathBuf>,
}

impl Arguments {
    /// Reads the words behind the program's name.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { jobs: thread::available_parallelism().map_or(1, usize::from), ..Self::default() };
        let mut folder = None;
        for word in words {
            let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
            match word.split_once('=').unwrap_or((&word, "")) {
                ("--sample", "") => arguments.is_sample = true,
                ("--keep-going", "") => arguments.is_going_on = true,
                ("--quiet", "") => arguments.is_quiet = true,
                ("--help", "") => arguments.is_help = true,
                ("--jobs", count) => {
                    arguments.jobs = count.parse().map_err(|_| format!("reading `{word}`: `{count}` is no number"))?;
                }
                ("--cflags", flags) => arguments.cflags = list(flags),
                ("--libs", flags) => arguments.libs = list(flags),
                ("--graph", file) if !file.is_empty() => arguments.graph = Some(file.into()),
                (option, _) if option.starts_with('-') => return Err(format!("reading `{word}`: no such option")),
                _ if folder.is_some() => return Err(format!("reading `{word}`: there is a folder already")),
                _ => folder = Some(PathBuf::from(word)),
            }
        }
        match folder {
            Some(folder) => Ok(Self { folder, ..arguments }),
            None if arguments.is_help => Ok(arguments),
            None => Err("reading the arguments: a folder is missing".to_owned()),
        }
    }
}
