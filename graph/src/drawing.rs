//! Pictures of a graph: what is drawn, apart from how.
//!
//! A [`Drawing`] is a copy of the nodes' labels and of the edges, made in one pass over the graph.
//! It borrows nothing, so a graph under a lock is copied under the lock and drawn after it. Each
//! way to draw is in a file of its own and returns a value that is written with `Display`.

mod dot;
mod heat;
mod layout;
mod mermaid;
mod svg;
mod text;

use std::collections::HashMap;
use std::fmt;

use petgraph::Direction::Incoming;
use petgraph::stable_graph::NodeIndex;

use crate::{Dag, NodeId, UnknownNode};

/// What is written in a node of a [`Drawing`], and how it stands out.
///
/// A string is a label too.
///
/// # Examples
///
/// ```
/// use millpond_graph::Label;
///
/// let label = Label::new("parse").note("12.5 ms").heat(0.8).highlighted(true);
/// assert_eq!(Label::from("parse"), Label::new("parse"));
/// # assert_ne!(label, Label::new("parse"));
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
#[must_use = "a label does nothing until a drawing gets it"]
pub struct Label {
    text: String,
    note: String,
    heat: Option<f32>,
    is_highlighted: bool,
}

impl Label {
    /// A label with this text, of one line or several.
    pub fn new(text: impl Into<String>) -> Label {
        Label { text: text.into(), ..Label::default() }
    }

    /// Adds something beside the text, such as a time: below it, or in a column of its own where
    /// nodes are lines.
    pub fn note(mut self, note: impl Into<String>) -> Label {
        self.note = note.into();
        self
    }

    /// Colours the node from white (0) over yellow to red (1). Numbers outside are taken to the
    /// nearer end; NaN leaves the node without colour.
    pub fn heat(mut self, heat: f32) -> Label {
        self.heat = (!heat.is_nan()).then(|| heat.clamp(0.0, 1.0));
        self
    }

    /// Whether the node is drawn with a bold frame.
    pub fn highlighted(mut self, is_highlighted: bool) -> Label {
        self.is_highlighted = is_highlighted;
        self
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().chain(self.note.lines())
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Label {
        Label::new(text)
    }
}

impl From<String> for Label {
    fn from(text: String) -> Label {
        Label::new(text)
    }
}

/// Where the edges of a [`Drawing`] lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    /// From inputs above to outputs below.
    #[default]
    Down,
    /// From inputs on the left to outputs on the right.
    Right,
}

/// A picture of a graph or of a part, to be written as DOT, Mermaid, SVG or plain text.
///
/// # Examples
///
/// ```
/// use millpond_graph::{Dag, Direction, Label};
///
/// let mut dag = Dag::new();
/// let [read, parse, write] = [("read", 3), ("parse", 40), ("write", 1)].map(|task| dag.add_node(task));
/// dag.add_edge(read, parse)?;
/// dag.add_edge(parse, write)?;
///
/// let drawing = dag.draw(|_, &(name, time)| Label::new(name).note(format!("{time} ms")).heat(time as f32 / 40.0));
/// assert_eq!(drawing.text().to_string(), "○ read    3 ms\n○ parse  40 ms\n○ write   1 ms\n");
///
/// let drawing = dag.draw(|_, &(name, _)| name).direction(Direction::Right).title("to the mill");
/// assert!(drawing.dot().to_string().contains("n1 -> n2"));
/// # Ok::<(), millpond_graph::AddEdgeError>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a drawing is only seen when it is written"]
pub struct Drawing {
    title: String,
    direction: Direction,
    /// In topological order.
    figures: Vec<Figure>,
}

/// A node as it is drawn.
#[derive(Clone, PartialEq, Debug)]
struct Figure {
    /// The number of the node's id, by which it is named where names are needed.
    number: u64,
    label: Label,
    /// The positions of its inputs among the figures, all smaller than its own, in the order of
    /// adding.
    inputs: Vec<usize>,
}

impl<N> Dag<N> {
    /// A drawing of the whole graph, with a label for each node, inputs first.
    pub fn draw<L: Into<Label>>(&self, label: impl FnMut(NodeId, &N) -> L) -> Drawing {
        self.draw_nodes(self.order.iter(), label)
    }

    /// A drawing of some nodes and the edges between them, such as
    /// [`inputs_first`](Dag::inputs_first) of a target.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when one of the nodes was removed or belongs to another graph.
    pub fn draw_part<L: Into<Label>>(
        &self,
        ids: impl IntoIterator<Item = NodeId>,
        label: impl FnMut(NodeId, &N) -> L,
    ) -> Result<Drawing, UnknownNode> {
        let mut nodes = ids.into_iter().map(|id| self.index(id)).collect::<Result<Vec<NodeIndex>, UnknownNode>>()?;
        nodes.sort_unstable_by_key(|&node| self.order.tag(node));
        nodes.dedup();
        Ok(self.draw_nodes(nodes, label))
    }

    fn draw_nodes<L: Into<Label>>(
        &self,
        nodes: impl IntoIterator<Item = NodeIndex>,
        mut label: impl FnMut(NodeId, &N) -> L,
    ) -> Drawing {
        let mut positions = HashMap::new();
        let mut figures = Vec::new();
        for (position, node) in nodes.into_iter().enumerate() {
            positions.insert(node, position);
            let inputs = self.graph.neighbors_directed(node, Incoming);
            let mut inputs: Vec<usize> = inputs.filter_map(|input| positions.get(&input).copied()).collect();
            inputs.reverse();
            let id = self.id(node);
            figures.push(Figure { number: id.number(), label: label(id, self.value(node)).into(), inputs });
        }
        Drawing { title: String::new(), direction: Direction::default(), figures }
    }
}

impl Drawing {
    /// Gives the drawing a title.
    pub fn title(mut self, title: impl Into<String>) -> Drawing {
        self.title = title.into();
        self
    }

    /// Sets where edges lead. Plain text always leads down.
    pub fn direction(mut self, direction: Direction) -> Drawing {
        self.direction = direction;
        self
    }

    /// The graph in the language of Graphviz.
    pub fn dot(&self) -> impl fmt::Display {
        dot::Dot(self)
    }

    /// The graph as a Mermaid flowchart, which Markdown shows in many places.
    pub fn mermaid(&self) -> impl fmt::Display {
        mermaid::Mermaid(self)
    }

    /// The graph as an SVG image, laid out in layers.
    pub fn svg(&self) -> impl fmt::Display {
        svg::Svg(self)
    }

    /// The graph as lines of text, a node on each, inputs above outputs, notes in a column on the
    /// right.
    ///
    /// A node (`○`, highlighted `●`) flows into the next node below it on its rail. One that flows
    /// into several nodes stands above one of them; for each of the others a mention (`◌`) stands
    /// in its place.
    pub fn text(&self) -> impl fmt::Display {
        text::Text(self)
    }

    /// The layer of each figure: 0 without inputs, otherwise one more than that of the last input.
    fn layers(&self) -> Vec<usize> {
        let mut layers: Vec<usize> = Vec::with_capacity(self.figures.len());
        for figure in &self.figures {
            layers.push(figure.inputs.iter().map(|&input| layers[input] + 1).max().unwrap_or(0));
        }
        layers
    }

    /// All edges, as positions among the figures.
    fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        let targets = self.figures.iter().enumerate();
        targets.flat_map(|(target, figure)| figure.inputs.iter().map(move |&source| (source, target)))
    }
}

impl fmt::Debug for Drawing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Drawing")
            .field("title", &self.title)
            .field("direction", &self.direction)
            .field("nodes", &self.figures.len())
            .finish_non_exhaustive()
    }
}
