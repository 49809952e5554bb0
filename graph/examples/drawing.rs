//! Draws a small build in each way there is: `cargo run -p millpond-graph --example drawing -- svg > build.svg`,
//! or `dot`, `mermaid`, `text`.

use millpond_graph::{AddEdgeError, Dag, Direction, Label};

/// A step of the build, how long it took in milliseconds, and its inputs.
const STEPS: &[(&str, u32, &[&str])] = &[
    ("fetch", 310, &[]),
    ("configure", 25, &[]),
    ("generate", 60, &["configure"]),
    ("compile core", 900, &["fetch", "generate"]),
    ("compile net", 450, &["fetch", "compile core"]),
    ("compile app", 700, &["compile core", "compile net", "configure"]),
    ("test core", 380, &["compile core"]),
    ("test net", 520, &["compile net"]),
    ("link", 210, &["compile core", "compile net", "compile app"]),
    ("document", 150, &["generate"]),
    ("package", 80, &["link", "document", "test core", "test net"]),
];

fn main() -> Result<(), AddEdgeError> {
    let mut dag = Dag::new();
    let mut ids = std::collections::HashMap::new();
    for &(name, time, inputs) in STEPS {
        let id = dag.add_node((name, time));
        for input in inputs {
            dag.add_edge(ids[input], id)?;
        }
        ids.insert(name, id);
    }

    let critical = dag.critical_path(|_, &(_, time)| time);
    let longest = STEPS.iter().map(|step| step.1).max().unwrap_or(1);
    let drawing = dag
        .draw(|id, &(name, time)| {
            Label::new(name)
                .note(format!("{time} ms"))
                .heat(time as f32 / longest as f32)
                .highlighted(critical.nodes.contains(&id))
        })
        .title(format!("build: {} ms at least", critical.total));

    let way = std::env::args().nth(1).unwrap_or_default();
    match way.as_str() {
        "dot" => print!("{}", drawing.dot()),
        "mermaid" => print!("{}", drawing.mermaid()),
        "svg" => print!("{}", drawing.svg()),
        "svg-right" => print!("{}", drawing.direction(Direction::Right).svg()),
        _ => print!("{}", drawing.text()),
    }
    Ok(())
}
