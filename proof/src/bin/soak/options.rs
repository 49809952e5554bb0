//! The command line.

use std::time::Duration;

use crate::tamper::Break;

/// What a run is to be like.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) duration: Duration,
    /// The number of the first case.
    pub(crate) seed: u64,
    /// How many cases run at once.
    pub(crate) drivers: usize,
    /// How long a case may take.
    pub(crate) patience: Duration,
    /// How often to say how it goes.
    pub(crate) every: Duration,
    pub(crate) least_items: u64,
    pub(crate) least_faults: u64,
    /// The only case to run.
    pub(crate) only: Option<u64>,
    pub(crate) broken: Option<Break>,
    /// The only kind of case to run.
    pub(crate) kind: Option<Kind>,
}

/// What a case is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Flow,
    Live,
    Program,
    Graph,
}

impl Kind {
    /// Each as often as takes about the same time.
    pub(crate) fn draw(number: u64) -> Self {
        match number % 100 {
            0..3 => Self::Flow,
            3..6 => Self::Live,
            6..50 => Self::Program,
            _ => Self::Graph,
        }
    }
}

impl Options {
    /// Reads the command line.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            duration: Duration::from_secs(60),
            seed: 0,
            drivers: thread_count(),
            patience: Duration::from_secs(120),
            every: Duration::from_secs(10),
            least_items: 0,
            least_faults: 0,
            only: None,
            broken: None,
            kind: None,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` takes a value"))?;
            let number =
                || value.parse::<u64>().map_err(|_| format!("`{name}` takes a number and was given `{value}`"));
            match &*name {
                "--seconds" => options.duration = Duration::from_secs(number()?),
                "--seed" => options.seed = number()?,
                "--drivers" => {
                    options.drivers = usize::try_from(number()?.max(1)).map_err(|error| error.to_string())?
                }
                "--patience" => options.patience = Duration::from_secs(number()?),
                "--every" => options.every = Duration::from_secs(number()?),
                "--least-items" => options.least_items = number()?,
                "--least-faults" => options.least_faults = number()?,
                "--only" => options.only = Some(number()?),
                "--break" => {
                    let broken = Break::parse(&value);
                    options.broken = Some(
                        broken.ok_or_else(|| format!("`--break` takes {} and was given `{value}`", Break::NAMES))?,
                    );
                }
                "--kind" => {
                    options.kind = Some(match &*value {
                        "flow" => Kind::Flow,
                        "live" => Kind::Live,
                        "program" => Kind::Program,
                        "graph" => Kind::Graph,
                        _ => {
                            return Err(format!("`--kind` takes flow, live, program or graph and was given `{value}`"));
                        }
                    });
                }
                _ => {
                    return Err(format!(
                        "there is no option `{name}`; it takes --seconds, --seed, --drivers, --patience, --every, --least-items, \
                         --least-faults, --only, --kind and --break"
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn thread_count() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
