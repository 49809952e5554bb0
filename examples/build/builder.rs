//! From a project to a graph of values, and from its run to an outcome.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use millpond::Pool;
use millpond::values::{Graph, Limit, Progress, RunError, RunOptions, Task};

use super::arguments::Arguments;
use super::ledger::{Digest, Ledger};
use super::line::Line;
use super::project::{Project, Source};
use super::step::Step;

/// What a build did.
#[derive(Debug)]
pub struct Outcome {
    /// How many steps the project has, and how many had to run.
    pub steps: usize,
    pub ran: usize,
    pub took: Duration,
    /// What can be made.
    pub programs: Vec<PathBuf>,
    /// What failed, in words.
    pub failed: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failed in &self.failed {
            writeln!(f, "{failed}\n")?;
        }
        let Self { steps, ran, took, .. } = self;
        writeln!(f, "{ran} of {steps} steps ran in {took:.2?}, {} failed", self.failed.len())?;
        let mut made = self.programs.iter().filter(|program| program.exists());
        made.try_for_each(|program| writeln!(f, "  {}", program.display()))
    }
}

/// Adds the project's steps to a graph.
struct Planner<'env> {
    graph: Graph<'env>,
    project: &'env Project,
    arguments: &'env Arguments,
    ledger: &'env Ledger,
    ran: &'env AtomicUsize,
    /// The digests of files, each read once.
    files: HashMap<PathBuf, Task<Digest>>,
    steps: usize,
}

impl<'env> Planner<'env> {
    /// The task whose value is the digest of a file.
    fn file(&mut self, path: &Path) -> Task<Digest> {
        if let Some(task) = self.files.get(path) {
            return *task;
        }
        let full = self.project.folder.join(path);
        let task = self.graph.attempt(format!("read {}", path.display()), (), move |()| Digest::of_file(&full));
        self.files.insert(path.to_owned(), task);
        task
    }

    /// The task that compiles a source.
    fn compile(&mut self, source: &Source) -> Task<Digest> {
        let (object, headers) = (source.made("o"), source.made("d"));
        let known = self.ledger.get(&object).map_or_else(Vec::new, |record| record.headers);
        // A header that is gone is no input: the key differs without it, and the compiler says
        // whether that is right.
        let known: Vec<_> = known.iter().filter(|header| self.project.folder.join(header).exists()).collect();
        let known: Vec<_> = known.into_iter().map(|header| self.file(header)).collect();
        let input = self.file(&source.path);
        let mut words = vec!["cc".to_owned()];
        words.extend(self.arguments.cflags.iter().cloned());
        words.extend(["-c", "-MMD", "-MF"].map(str::to_owned));
        words.extend([text(&headers), "-o".to_owned(), text(&object), text(&source.path)]);
        let step = self.step(words, object, Some(headers), false);
        let (ledger, ran) = (self.ledger, self.ran);
        let name = format!("compile {}", source.path.display());
        self.graph.attempt(name, (input, &known), move |(input, headers)| {
            let headers: Vec<_> = headers.iter().copied().collect();
            step.make(ledger, ran, &[*input], &headers)
        })
    }

    /// The task that links a program.
    fn link(&mut self, program: &Source, objects: &[(PathBuf, Task<Digest>)], linking: &Limit) -> Task<Digest> {
        let made = program.made("program");
        let mut words = vec!["cc".to_owned(), "-o".to_owned(), text(&made)];
        words.extend(objects.iter().map(|(path, _)| text(path)));
        words.extend(self.arguments.libs.iter().cloned());
        let step = self.step(words, made, None, false);
        let (ledger, ran) = (self.ledger, self.ran);
        let inputs: Vec<_> = objects.iter().map(|(_, task)| *task).collect();
        let name = format!("link {}", program.path.with_extension("").display());
        let task = self.graph.attempt(name, &inputs, move |objects| {
            step.make(ledger, ran, &objects.iter().copied().collect::<Vec<_>>(), &[])
        });
        self.graph.limit(task, linking, 1).expect("one unit is there");
        task
    }

    /// The task that runs a test.
    fn test(&mut self, program: &Source, linked: Task<Digest>) -> Task<Digest> {
        let words = vec![text(&Path::new(".").join(program.made("program")))];
        let step = self.step(words, program.made("passed"), None, true);
        let (ledger, ran) = (self.ledger, self.ran);
        let name = format!("test {}", program.path.with_extension("").display());
        let task = self.graph.attempt(name, linked, move |program| step.make(ledger, ran, &[*program], &[]));
        self.graph.priority(task, -1).expect("it was just added");
        task
    }

    fn step(&mut self, words: Vec<String>, output: PathBuf, headers: Option<PathBuf>, is_test: bool) -> Step {
        self.steps += 1;
        Step { folder: self.project.folder.clone(), words, output, headers, is_test }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Builds a project.
pub fn build(project: &Project, arguments: &Arguments) -> Result<Outcome, Box<dyn Error>> {
    let begun = Instant::now();
    let ledger = Ledger::open(&project.folder);
    let ran = AtomicUsize::new(0);
    let mut planner = Planner {
        graph: Graph::new(),
        project,
        arguments,
        ledger: &ledger,
        ran: &ran,
        files: HashMap::new(),
        steps: 0,
    };
    let objects: Vec<_> = project.sources.iter().map(|source| (source, planner.compile(source))).collect();
    // Linking takes memory rather than time.
    let linking = Limit::new("linking", 2)?;
    let (mut targets, mut programs) = (Vec::new(), Vec::new());
    for program in project.sources.iter().filter(|source| source.is_program) {
        let parts = objects.iter().filter(|(source, _)| !source.is_program || *source == program);
        let parts: Vec<_> = parts.map(|(source, task)| (source.made("o"), *task)).collect();
        let linked = planner.link(program, &parts, &linking);
        programs.push(project.folder.join(program.made("program")));
        targets.push(if program.is_test { planner.test(program, linked) } else { linked });
    }
    if targets.is_empty() {
        targets.extend(objects.iter().map(|(_, task)| *task));
    }
    let Planner { mut graph, steps, .. } = planner;
    if let Some(file) = &arguments.graph {
        let drawing = graph.to_dag()?.draw(|_, task| task.to_string());
        std::fs::write(file, drawing.svg().to_string())?;
    }
    let line = Line::new(arguments.is_quiet);
    let show = |progress: &Progress<'_>| line.show(progress);
    let mut options = RunOptions::new().progress(&show);
    if arguments.is_going_on {
        options = options.keep_going();
    }
    let result = Pool::new(arguments.jobs).get_many_with(&mut graph, &targets, &options).map(|_| ());
    line.finish();
    drop(graph);
    ledger.save()?;
    let failed = match result {
        Ok(()) => Vec::new(),
        Err(RunError::Failed(failures)) => failures.iter().map(ToString::to_string).collect(),
        Err(error) => return Err(error.into()),
    };
    Ok(Outcome { steps, ran: ran.load(Ordering::Relaxed), took: begun.elapsed(), programs, failed })
}
