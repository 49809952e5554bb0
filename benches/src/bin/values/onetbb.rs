//! oneTBB's flow graph, in a program of its own that is built here when oneTBB is installed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::shape::Shape;

/// The built program, or none when there is no compiler or no oneTBB.
pub(crate) fn build() -> Option<PathBuf> {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = benches.parent()?.join("target").join("bench");
    std::fs::create_dir_all(&folder).ok()?;
    let program = folder.join("onetbb");
    let mut command = Command::new("g++");
    command.args(["-std=c++17", "-O3", "-march=native", "-DNDEBUG", "-o"]).arg(&program);
    command.arg(benches.join("rivals").join("onetbb.cpp")).arg("-ltbb");
    match command.output() {
        Ok(output) if output.status.success() => Some(program),
        _ => {
            println!("onetbb is left out: g++ or oneTBB is missing (on Debian: apt-get install g++ libtbb-dev)");
            None
        }
    }
}

/// The program with one graph.
pub(crate) struct Flow {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// How many bodies one run calls.
    pub(crate) tasks: u64,
}

impl Flow {
    pub(crate) fn start(program: &Path, shape: &Shape, nanoseconds: u64, repeats: usize, threads: usize) -> Self {
        let numbers = [shape.tasks.to_string(), nanoseconds.to_string(), repeats.to_string(), threads.to_string()];
        let mut child = Command::new(program)
            .arg(shape.name)
            .args(numbers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was just built");
        let input = child.stdin.take().expect("its input is piped");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut flow = Self { child, input, output, tasks: 0 };
        let line = flow.line();
        flow.tasks =
            line.strip_prefix("tasks ").and_then(|tasks| tasks.parse().ok()).expect("it tells its tasks first");
        flow
    }

    /// Asks for a figure: `run`, `build` or `bytes`.
    pub(crate) fn ask(&mut self, what: &str) -> f64 {
        writeln!(self.input, "{what}").expect("the program reads");
        self.line().parse().expect("the program answers with a number")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the program writes");
        line.trim().to_owned()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // It ends by itself when its input does, but its answers are all read: nothing is lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
