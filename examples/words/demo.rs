//! What the program shows: the lazy graph, the whole run, the ways to run it beside each other, and
//! where the time went.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::arguments::Arguments;
use crate::document::is_document;
use crate::measurement::{Comparison, Measurement};
use crate::pipeline::Pipeline;
use crate::plain;
use crate::progress::{Progress, grouped};
use crate::report::Findings;
use crate::walk::Walk;

/// How many results the lazy graph is asked for.
const FIRST: usize = 10;

/// Shows everything, one after the other.
///
/// # Errors
/// When a task panicked, when two ways to run found different things, or when the drawing cannot be
/// written.
pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let workers = arguments.workers.unwrap_or_else(|| available_parallelism().map_or(2, |cores| cores.get().max(2)));
    println!("Counting the words of all sources and documents below");
    for folder in &arguments.folders {
        println!("  {}", folder.display());
    }

    println!("\n1. The graph is lazy: a read runs what it needs");
    let files = first_results(arguments, workers)?;

    println!("\n2. All of it, with {workers} workers, in order, in bounded memory");
    let mut pipeline = Pipeline::new(&arguments.folders, workers);
    let expected = pipeline.run(Progress::on_stderr("files", Some(files)))?;
    print!("{}{}", expected.corpus, expected.rejected);
    drop(pipeline);

    println!("\n3. The same in three ways, now that the system has the files in memory");
    let drawing = arguments.drawing();
    let parallel = three_ways(arguments, workers, files, expected)?;

    println!("\n4. Where the workers' time went");
    let title = format!("{} files with {workers} workers in {:.2} s", grouped(files), parallel.elapsed.as_secs_f64());
    let picture = parallel.pipeline.drawing();
    print!("{}", picture.text());
    write(&drawing, &picture.title(title).svg().to_string())?;
    println!("The same as a picture: {}", drawing.display());
    Ok(())
}

/// Reads the first few results of the graph and says what that took. Gives the number of files that
/// there are.
fn first_results(arguments: &Arguments, workers: usize) -> Result<u64, Box<dyn Error>> {
    let began = Instant::now();
    let mut pipeline = Pipeline::new(&arguments.folders, workers);
    let declared = began.elapsed();
    println!("{} tasks declared in {}; files opened: {}", pipeline.tasks(), short(declared), pipeline.opened());
    let began = Instant::now();
    let reports = pipeline.reports.read(FIRST)?;
    let read = began.elapsed();
    let opened = pipeline.opened();
    for report in &reports {
        let name = report.path.file_name().unwrap_or_default().to_string_lossy();
        let most = report.words.top(1).first().map_or_else(String::new, |(word, _)| format!(", most often `{word}`"));
        println!("  {name:<24} {:>8} words{most}", grouped(report.words.total()));
    }
    let files = Walk::new(&arguments.folders).flatten().filter(|path| is_document(path)).count() as u64;
    let rejected = match opened.saturating_sub(reports.len() as u64) {
        0 => String::new(),
        rejected => format!(", {rejected} of them rejected"),
    };
    let (first, read, all) = (reports.len(), short(read), grouped(files));
    println!("the first {first} results after {read}; files opened: {opened} of {all}{rejected}");
    Ok(files)
}

/// A parallel run that is over, with its graph.
struct Parallel {
    pipeline: Pipeline,
    elapsed: Duration,
}

/// Runs the plain loop, the graph in serial mode and the graph with workers, and sets them beside
/// each other.
fn three_ways(
    arguments: &Arguments,
    workers: usize,
    files: u64,
    expected: Findings,
) -> Result<Parallel, Box<dyn Error>> {
    // Only a digest is kept, so that no run's peak memory holds what another found.
    let expected = expected.into_digest();
    let progress = |name: &str| {
        println!("{name}:");
        Progress::on_stderr("files", Some(files))
    };
    let check = |name: &str, findings: Findings| match findings.into_digest() {
        digest if digest == expected => Ok(()),
        digest => Err(format!("{name} found {digest:?}, and the first run {expected:?}")),
    };

    let line = progress("a plain loop");
    let (findings, plain) = Measurement::of("a plain loop", || plain::run(&arguments.folders, line));
    check(&plain.name, findings)?;

    let mut pipeline = Pipeline::new(&arguments.folders, 0);
    let line = progress("the graph in serial mode");
    let (findings, serial) = Measurement::of("the graph, serial", || pipeline.run(line));
    check(&serial.name, findings?)?;

    let mut pipeline = Pipeline::new(&arguments.folders, workers);
    let name = format!("the graph, {workers} workers");
    let line = progress(&format!("the graph with {workers} workers"));
    let (findings, parallel) = Measurement::of(name, || pipeline.run(line));
    check(&parallel.name, findings?)?;

    let elapsed = parallel.elapsed;
    let speed_up = serial.elapsed.as_secs_f64() / elapsed.as_secs_f64();
    print!("\n{}", Comparison(&[plain, serial, parallel]));
    println!("{workers} workers are {speed_up:.2} × as quick as serial mode; all three found the same");
    Ok(Parallel { pipeline, elapsed })
}

/// Writes a file, with the folders that it is in.
fn write(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    let fail = |error| format!("writing the drawing to `{}` failed: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    Ok(fs::write(path, text).map_err(fail)?)
}

/// A short time in the unit that suits it.
fn short(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_have_the_unit_that_suits_them() {
        let times = [20, 1_500, 2_500_000].map(|micros| short(Duration::from_micros(micros)));
        assert_eq!(times, ["20 µs", "1.5 ms", "2.5 s"]);
    }

    #[test]
    fn the_demonstration_runs_over_any_folder_and_writes_the_drawing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("a.txt"), "the mill").expect("a file");
        let drawing = folder.path().join("drawings").join("words.svg");
        let arguments = Arguments {
            folders: vec![folder.path().to_owned()],
            drawing: Some(drawing.clone()),
            ..Arguments::parse([]).expect("no option")
        };
        run(&arguments).expect("all is well");
        let svg = fs::read_to_string(drawing).expect("a drawing");
        assert!(svg.contains("tokenise and count"), "{svg}");
    }
}
