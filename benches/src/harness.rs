//! Groups of cases, each ours beside its rivals, measured in alternation.
//!
//! ```no_run
//! use millpond_benches::harness::{Case, Group, Measured, Unit};
//!
//! let mut group = Group::new("stream");
//! Case::new("serial-4-maps-10m", Unit::nanoseconds_per("item", 10_000_000))
//!     .ours(|| (0..10_000_000_u64).sum::<u64>())
//!     .rival("iterator", || (0..10_000_000_u64).fold(0, |sum, item| sum + item))
//!     .run(&mut group);
//! // A closure that measures by itself, and a row without a rival:
//! Case::new("memory-10m", Unit::cost("bytes"))
//!     .ours_measured(|| Measured { value: 4096.0, result: () })
//!     .run(&mut group);
//! group.finish();
//! ```
//!
//! * One warm-up round, then `BENCH_RUNS` counted rounds (default 7, at least 5); a round runs ours
//!   and then each rival once (A B C A B C …). What is reported is the median of each.
//! * The closures of a case return something comparable: every result of every round must equal the
//!   first of ours, or the program ends with a panic that names the case and the rival. Its drop is
//!   not timed.
//! * Words on the command line select cases whose name contains one of them; the table is printed,
//!   the file then left as it is.
//! * `ratio` says how many times better ours is: theirs / ours for costs, ours / theirs for rates.
//!
//! It does not judge: a slow row is a row, not a failure.

use std::fmt::{self, Write as _};
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a case's figures mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    name: String,
    /// By how much the measured wall time in nanoseconds is divided.
    divisor: f64,
    is_rate: bool,
}

impl Unit {
    /// Nanoseconds per one of `count` operations in a run, written for instance `ns/item`.
    #[must_use]
    pub fn nanoseconds_per(operation: &str, count: u64) -> Self {
        Self { name: format!("ns/{operation}"), divisor: count as f64, is_rate: false }
    }

    /// Microseconds per one of `count` operations in a run, written for instance `µs/call`.
    #[must_use]
    pub fn microseconds_per(operation: &str, count: u64) -> Self {
        Self { name: format!("µs/{operation}"), divisor: count as f64 * 1e3, is_rate: false }
    }

    /// Milliseconds per run.
    #[must_use]
    pub fn milliseconds() -> Self {
        Self { name: "ms".to_owned(), divisor: 1e6, is_rate: false }
    }

    /// A cost that the closures measure by themselves, such as `bytes`: less is better.
    #[must_use]
    pub fn cost(name: &str) -> Self {
        Self { name: name.to_owned(), divisor: 1.0, is_rate: false }
    }

    /// A rate that the closures measure by themselves, such as `times serial`: more is better.
    #[must_use]
    pub fn rate(name: &str) -> Self {
        Self { name: name.to_owned(), divisor: 1.0, is_rate: true }
    }

    /// How many times better `ours` is than `theirs`.
    #[must_use]
    pub fn ratio(&self, ours: f64, theirs: f64) -> f64 {
        if self.is_rate { ours / theirs } else { theirs / ours }
    }
}

/// What a closure that measures by itself returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured<T> {
    /// The figure, in the case's unit.
    pub value: f64,
    /// What is compared with the other sides' results.
    pub result: T,
}

/// One line of a group's table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The group's name.
    pub group: String,
    /// The case's name.
    pub case: String,
    /// The median of our runs.
    pub ours: f64,
    /// The rival's name and the median of its runs and how many times better ours is; absent for a
    /// row of ours alone.
    pub rival: Option<(String, f64, f64)>,
    /// The name of the unit.
    pub unit: String,
    /// How many runs were counted.
    pub runs: usize,
}

impl Row {
    /// The row as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (rival, theirs) = match &self.rival {
            Some((rival, theirs, ratio)) => (
                rival.as_str(),
                format!("\"theirs\": {}, ", Figure(*theirs)) + &format!("\"ratio\": {}, ", Figure(*ratio)),
            ),
            None => ("none", String::new()),
        };
        format!(
            "{{\"group\": {}, \"case\": {}, \"ours\": {}, \"rival\": {}, {theirs}\"unit\": {}, \"runs\": {}}}",
            quoted(&self.group),
            quoted(&self.case),
            Figure(self.ours),
            quoted(rival),
            quoted(&self.unit),
            self.runs,
        )
    }
}

/// A number with four significant digits, without an exponent.
struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = if self.0 == 0.0 { 0.0 } else { self.0.abs().log10().floor() };
        let decimals = (3.0 - magnitude).clamp(0.0, 9.0) as usize;
        let text = format!("{:.*}", decimals, self.0);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        formatter.pad(text)
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => write!(quoted, "\\u{:04x}", u32::from(letter)).expect("a string takes all"),
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// The middle value; of an even number the mean of the two in the middle.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "taking the median of nothing; give at least one value");
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Runs cases and collects their rows.
#[derive(Debug)]
#[must_use = "a group writes its table in `finish`"]
pub struct Group {
    name: String,
    runs: usize,
    /// Parts of names; empty for all cases.
    selection: Vec<String>,
    rows: Vec<Row>,
}

impl Group {
    /// A group with the number of runs from `BENCH_RUNS` and the selection from the command line.
    ///
    /// # Panics
    /// If `BENCH_RUNS` is no number, or less than 5.
    pub fn new(name: &str) -> Self {
        let runs = std::env::var("BENCH_RUNS").map_or(7, |runs| match runs.parse() {
            Ok(runs) if runs >= 5 => runs,
            _ => panic!("reading BENCH_RUNS: `{runs}` is not a number of at least 5; leave it unset for 7"),
        });
        Self::with(name, runs, std::env::args().skip(1).collect())
    }

    /// A group with everything said.
    pub fn with(name: &str, runs: usize, selection: Vec<String>) -> Self {
        Self { name: name.to_owned(), runs, selection, rows: Vec::new() }
    }

    /// The rows so far.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds a row that was measured in another way, for instance by a program of another language.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// How many counted rounds each case has.
    #[must_use]
    pub const fn runs(&self) -> usize {
        self.runs
    }

    /// Whether the case is wanted.
    #[must_use]
    pub fn selects(&self, case: &str) -> bool {
        self.selection.is_empty() || self.selection.iter().any(|part| case.contains(part.as_str()))
    }

    /// The rows as a Markdown table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::from("| case | ours | rival | theirs | unit | ratio |\n|---|---:|---|---:|---|---:|\n");
        for row in &self.rows {
            let (rival, theirs, ratio) = match &row.rival {
                Some((rival, theirs, ratio)) => {
                    (rival.as_str(), Figure(*theirs).to_string(), Figure(*ratio).to_string())
                }
                None => ("none", String::new(), String::new()),
            };
            let (case, ours, unit) = (&row.case, Figure(row.ours), &row.unit);
            writeln!(table, "| {case} | {ours} | {rival} | {theirs} | {unit} | {ratio} |").expect("a string takes all");
        }
        table
    }

    /// The rows as a JSON array, one object per line.
    #[must_use]
    pub fn json(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(Row::to_json).collect();
        format!("[\n{}\n]\n", rows.join(",\n"))
    }

    /// Prints the table and, if all cases ran, writes `target/bench/GROUP.json` in the workspace.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn finish(self) {
        println!("\n{}: medians of {} runs\n\n{}", self.name, self.runs, self.table());
        if !self.selection.is_empty() {
            println!("only {:?} ran, so no file is written", self.selection);
            return;
        }
        let path = self.path();
        match self.write(&path) {
            Ok(()) => println!("written to target/bench/{}.json", self.name),
            Err(error) => panic!("writing the results to `{}`: {error}; make the folder writable", path.display()),
        }
    }

    fn path(&self) -> PathBuf {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace");
        workspace.join("target").join("bench").join(format!("{}.json", self.name))
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path.parent().expect("the file is in a folder"))?;
        fs::write(path, self.json())
    }
}

/// One side of a case: runs once and tells its figure and its result.
struct Side<'a, T> {
    name: String,
    run: Box<dyn FnMut() -> Measured<T> + 'a>,
    values: Vec<f64>,
}

/// Ours and its rivals doing the same work.
#[must_use = "a case does nothing unless it is run"]
pub struct Case<'a, T> {
    name: String,
    unit: Unit,
    sides: Vec<Side<'a, T>>,
}

impl<'a, T: PartialEq + fmt::Debug> Case<'a, T> {
    /// A case without sides.
    pub fn new(name: &str, unit: Unit) -> Self {
        Self { name: name.to_owned(), unit, sides: Vec::new() }
    }

    /// Our side; the harness takes the wall time of `run`. Comes before the rivals.
    pub fn ours(self, run: impl FnMut() -> T + 'a) -> Self {
        self.timed("ours", run)
    }

    /// Our side; `run` measures by itself.
    pub fn ours_measured(self, run: impl FnMut() -> Measured<T> + 'a) -> Self {
        self.side("ours", run)
    }

    /// A rival; the harness takes the wall time of `run`.
    ///
    /// # Panics
    /// If our side has not been given yet.
    #[track_caller]
    pub fn rival(self, name: &str, run: impl FnMut() -> T + 'a) -> Self {
        assert!(!self.sides.is_empty(), "adding the rival `{name}`: give our side first");
        self.timed(name, run)
    }

    /// A rival; `run` measures by itself.
    ///
    /// # Panics
    /// If our side has not been given yet.
    #[track_caller]
    pub fn rival_measured(self, name: &str, run: impl FnMut() -> Measured<T> + 'a) -> Self {
        assert!(!self.sides.is_empty(), "adding the rival `{name}`: give our side first");
        self.side(name, run)
    }

    fn timed(self, name: &str, mut run: impl FnMut() -> T + 'a) -> Self {
        let divisor = self.unit.divisor;
        self.side(name, move || {
            let begin = Instant::now();
            let result = black_box(run());
            Measured { value: begin.elapsed().as_secs_f64() * 1e9 / divisor, result }
        })
    }

    fn side(mut self, name: &str, run: impl FnMut() -> Measured<T> + 'a) -> Self {
        self.sides.push(Side { name: name.to_owned(), run: Box::new(run), values: Vec::new() });
        self
    }

    /// Runs all sides in alternation and adds a row per rival to `group`; prints each row as it
    /// comes.
    ///
    /// # Panics
    /// If two sides give different results, or no side was given.
    #[track_caller]
    pub fn run(mut self, group: &mut Group) {
        assert!(!self.sides.is_empty(), "running the case `{}`: it has no sides; give ours and its rivals", self.name);
        if !group.selects(&self.name) {
            return;
        }
        let mut expected = None;
        for round in 0..=group.runs {
            for side in &mut self.sides {
                let Measured { value, result } = (side.run)();
                if let Some(expected) = &expected {
                    assert!(
                        *expected == result,
                        "comparing the results of `{}`: ours gave `{expected:?}`, `{}` gave `{result:?}` in round {round}",
                        self.name,
                        side.name,
                    );
                } else {
                    expected = Some(result);
                }
                // The first round warms up.
                if round > 0 {
                    side.values.push(value);
                }
            }
        }
        let medians: Vec<f64> = self.sides.iter().map(|side| median(&side.values)).collect();
        let ours = medians[0];
        let row = |rival| Row {
            group: group.name.clone(),
            case: self.name.clone(),
            ours,
            rival,
            unit: self.unit.name.clone(),
            runs: group.runs,
        };
        let rivals = self.sides.iter().zip(&medians).skip(1);
        let mut rows: Vec<Row> = rivals
            .map(|(side, &theirs)| row(Some((side.name.clone(), theirs, self.unit.ratio(ours, theirs)))))
            .collect();
        if rows.is_empty() {
            rows.push(row(None));
        }
        for row in &rows {
            println!("{}", row.to_json());
        }
        group.rows.extend(rows);
    }
}

impl<T> fmt::Debug for Case<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<_> = self.sides.iter().map(|side| &side.name).collect();
        formatter.debug_struct("Case").field("name", &self.name).field("sides", &sides).finish_non_exhaustive()
    }
}
