//! The four ways to draw, on a small graph whole, on large and random ones by their laws.

use millpond_graph::{Dag, Direction, Drawing, Label, NodeId};
use proptest::prelude::*;

use crate::model::{Model, changes};

/// `read` flows into `parse` and `log "all"`, and `parse` into that too.
fn small() -> Drawing {
    let mut dag = Dag::new();
    let [read, parse, log] = ["read", "parse\n<&>", "log \"all\" \\ #1"].map(|name| dag.add_node(name));
    dag.add_edge(read, parse).unwrap();
    dag.add_edge(read, log).unwrap();
    dag.add_edge(parse, log).unwrap();
    let labels = dag.draw(|id, &name| match id {
        id if id == read => Label::new(name).note("1.5 ms").heat(0.25),
        id if id == parse => Label::new(name).note("12.0 ms").heat(1.0).highlighted(true),
        _ => Label::new(name),
    });
    labels.title("to \"the\" <mill>")
}

#[test]
fn dot() {
    let expected = r##"digraph {
  labelloc=t;
  label="to \"the\" <mill>";
  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];
  n1 [label="read\n1.5 ms", fillcolor="#ffefbe"];
  n2 [label="parse\n<&>\n12.0 ms", fillcolor="#f27458", penwidth=3];
  n3 [label="log \"all\" \\ #1"];
  n1 -> n2;
  n1 -> n3;
  n2 -> n3;
}
"##;
    assert_eq!(small().dot().to_string(), expected);
    let right = expected.replace("digraph {\n", "digraph {\n  rankdir=LR;\n");
    assert_eq!(small().direction(Direction::Right).dot().to_string(), right);
}

#[test]
fn mermaid() {
    let expected = r#"---
title: "to \"the\" <mill>"
---
flowchart TD
  n1["read<br/>1.5 ms"]
  n2["parse<br/>#60;#38;#62;<br/>12.0 ms"]
  n3["log #34;all#34; #92; #35;1"]
  n1 --> n2
  n1 --> n3
  n2 --> n3
  style n1 fill:#ffefbe,color:#000
  style n2 fill:#f27458,color:#000,stroke-width:4px
"#;
    assert_eq!(small().mermaid().to_string(), expected);
    let right = expected.replace("flowchart TD", "flowchart LR");
    assert_eq!(small().direction(Direction::Right).mermaid().to_string(), right);
}

#[test]
fn text() {
    let expected = "\
to \"the\" <mill>

○ read        1.5 ms
● parse <&>  12.0 ms
├─◌ read
○ log \"all\" \\ #1
";
    assert_eq!(small().text().to_string(), expected);
}

#[test]
fn text_of_branches_and_of_several_outputs() {
    let mut dag = Dag::new();
    let names = ["source", "left", "leaf", "deep", "right", "join", "other", "lonely"];
    let [source, left, leaf, deep, right, join, other, _] = names.map(|name| dag.add_node(name));
    for (from, to) in [(source, right), (right, join), (leaf, left), (deep, leaf), (left, join), (source, other)] {
        dag.add_edge(from, to).unwrap();
    }
    let expected = "\
○ deep
○ leaf
○ left
│ ○ source
├─○ right
○ join

╭─◌ source
○ other

○ lonely
";
    assert_eq!(dag.draw(|_, &name| name).text().to_string(), expected);
}

#[test]
fn svg() {
    let svg = small().svg().to_string();
    let expected = include_str!("snapshots/small.svg");
    assert_eq!(svg, expected, "look at the picture, then replace the snapshot");
}

#[test]
fn an_empty_graph_can_be_drawn() {
    let drawing = Dag::<String>::new().draw(|_, name| name.clone());
    assert_eq!(drawing.text().to_string(), "");
    assert_eq!(drawing.mermaid().to_string(), "flowchart TD\n");
    assert!(drawing.dot().to_string().starts_with("digraph {\n"));
    assert!(drawing.svg().to_string().ends_with("</svg>\n"));
}

#[test]
fn a_part_has_the_edges_between_its_nodes_only() {
    let mut dag = Dag::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| dag.add_node(name));
    dag.add_edge(a, b).unwrap();
    dag.add_edge(b, c).unwrap();
    let drawing = dag.draw_part([b, a, b], |_, &name| name).unwrap();
    assert_eq!(drawing.mermaid().to_string(), "flowchart TD\n  n1[\"a\"]\n  n2[\"b\"]\n  n1 --> n2\n");
    dag.remove_node(b).unwrap();
    assert_eq!(dag.draw_part([a, b], |_, &name| name).unwrap_err().node(), b);
}

#[test]
fn what_cannot_be_shown_is_shown_as_space_and_no_label_breaks_a_line() {
    let mut dag = Dag::new();
    dag.add_node("a\u{0}b\u{1b}\nc");
    let drawing = dag.draw(|_, &name| Label::new(name).note("n\ro").heat(f32::NAN)).title("t\nu\u{7}");
    assert_eq!(drawing.text().to_string(), "t u \n\n○ a b  c  n o\n");
    assert!(drawing.dot().to_string().contains("n1 [label=\"a b \\nc\\nn o\"];\n"));
    assert!(drawing.mermaid().to_string().contains("title: \"t u \"\n"));
    assert!(!drawing.svg().to_string().contains(|letter: char| letter.is_control() && letter != '\n'));
}

#[test]
fn debug_shows_the_size() {
    let shown = "Drawing { title: \"to \\\"the\\\" <mill>\", direction: Down, nodes: 3, .. }";
    assert_eq!(format!("{:?}", small()), shown);
}

/// A box of an SVG image: left, top, right, bottom.
fn boxes(svg: &str) -> Vec<[f64; 4]> {
    let number = |line: &str, name: &str| -> f64 {
        let start = line.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        line[start..].split('"').next().unwrap().parse().unwrap()
    };
    let lines = svg.lines().filter(|line| line.starts_with("<g><rect"));
    let corners = lines.map(|line| ["x", "y", "width", "height"].map(|name| number(line, name)));
    corners.map(|[x, y, width, height]| [x, y, x + width, y + height]).collect()
}

proptest! {
    #[test]
    fn in_an_svg_every_node_has_a_box_inside_the_picture_and_none_overlap(changes in changes(), is_down in any::<bool>()) {
        let model = Model::after(&changes);
        let direction = if is_down { Direction::Down } else { Direction::Right };
        let svg = model.dag.draw(|id, _| id.to_string()).direction(direction).svg().to_string();
        let boxes = boxes(&svg);
        prop_assert_eq!(boxes.len(), model.nodes.len());
        prop_assert_eq!(svg.matches("<path d=\"M").count(), model.edges.len() + 1, "and the arrow's");
        let view: Vec<f64> = svg.split("viewBox=\"").nth(1).unwrap().split(['"', ' ']).take(4).map(|number| number.parse().unwrap()).collect();
        for (rank, one) in boxes.iter().enumerate() {
            prop_assert!(one[0] >= 0.0 && one[1] >= 0.0 && one[2] <= view[2] && one[3] <= view[3], "{one:?} in {view:?}");
            for other in &boxes[..rank] {
                let is_apart = one[2] <= other[0] || other[2] <= one[0] || one[3] <= other[1] || other[3] <= one[1];
                prop_assert!(is_apart, "{:?} overlaps {:?}", one, other);
            }
        }
    }

    #[test]
    fn in_an_svg_edges_lead_in_the_direction_of_the_drawing(changes in changes()) {
        let model = Model::after(&changes);
        let svg = model.dag.draw(|id, _| id.to_string()).svg().to_string();
        for path in svg.lines().filter(|line| line.starts_with("<path d=\"M")) {
            let numbers: Vec<f64> = path.split(|letter: char| !letter.is_ascii_digit() && letter != '.').filter_map(|word| word.parse().ok()).collect();
            let heights: Vec<f64> = numbers.chunks(2).map(|point| point[1]).collect();
            prop_assert!(heights.is_sorted(), "{}", path);
        }
    }

    #[test]
    fn in_a_text_every_node_has_one_line_and_every_edge_is_a_rail_or_a_mention(changes in changes()) {
        let model = Model::after(&changes);
        let text = model.dag.draw(|id, _| id.to_string()).text().to_string();
        prop_assert_eq!(text_edges(&text), model.edges.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect());
        prop_assert_eq!(text.matches('○').count(), model.nodes.len());
    }
}

/// Reads a text back: on each rail a node flows into the next line with a node on that rail.
fn text_edges(text: &str) -> std::collections::BTreeSet<(String, String)> {
    let mut edges = std::collections::BTreeSet::new();
    // What waits on each rail for its output.
    let mut waiting: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        let Some(at) = line.find(['○', '◌']) else {
            waiting.clear();
            continue;
        };
        let name = line[at..].split(' ').nth(1).unwrap().to_owned();
        let rail = line[..at].chars().count() / 2;
        waiting.resize(waiting.len().max(rail + 1), Vec::new());
        if line[at..].starts_with('○') {
            edges.extend(std::mem::take(&mut waiting[rail]).into_iter().map(|input| (input, name.clone())));
        }
        let joins = if line[..at].ends_with('─') { rail - 1 } else { rail };
        waiting[joins].push(name);
    }
    edges
}

fn drawn_in_every_way(dag: &Dag<usize>) -> String {
    let drawing = dag.draw(|id, _| Label::new(id.to_string()).note("1 ms").heat(0.5));
    let all = [drawing.dot().to_string(), drawing.mermaid().to_string(), drawing.svg().to_string()];
    assert!(all.iter().all(|drawn| drawn.lines().count() > dag.node_count()));
    drawing.text().to_string()
}

fn nodes(count: usize) -> (Dag<usize>, Vec<NodeId>) {
    let mut dag = Dag::new();
    let ids = (0..count).map(|value| dag.add_node(value)).collect();
    (dag, ids)
}

#[test]
fn ten_thousand_nodes_in_a_chain_can_be_drawn() {
    let (mut dag, ids) = nodes(10_000);
    ids.windows(2).for_each(|pair| dag.add_edge(pair[0], pair[1]).unwrap());
    assert!(drawn_in_every_way(&dag).lines().all(|line| line.starts_with('○')));
}

#[test]
fn ten_thousand_nodes_with_edges_of_all_lengths_can_be_drawn_and_the_text_stays_narrow() {
    let (mut dag, ids) = nodes(10_000);
    for (at, &id) in ids.iter().enumerate().skip(1) {
        for input in [at - 1, at / 2, at * 7919 % at] {
            dag.add_edge(ids[input], id).unwrap();
        }
    }
    let text = drawn_in_every_way(&dag);
    assert!(text.lines().all(|line| line.chars().count() < 80), "indented by the logarithm at most");
}
