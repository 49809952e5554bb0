//! Lines of text with rails, as in the log of a version control system, but with the first on top.
//!
//! Every node stands on one line, above one of its outputs: the one in the lowest layer, its owner.
//! So the nodes form trees, and each tree is drawn along its heaviest branches: of the inputs that
//! a node owns the one with the most behind it stands on the node's own rail, all others branch
//! off. By that a line is indented at most log2(n) times, whatever the graph. The lines are found
//! outputs first, with a stack, and written in reverse.

use std::fmt::{self, Write};

use super::{Drawing, Figure};

pub(super) struct Text<'a>(pub(super) &'a Drawing);

/// How a line meets the rail on its left.
#[derive(Clone, Copy, PartialEq)]
enum Joint {
    /// It is on the rail.
    Rail,
    /// It branches off a rail that goes on above.
    Branch,
    /// It branches off where the rail begins.
    Corner,
}

struct Line {
    figure: usize,
    /// How many rails pass on the left.
    rails: usize,
    joint: Joint,
    is_mention: bool,
}

impl Line {
    /// In columns, up to the text.
    fn indent(&self) -> usize {
        2 * self.rails + if self.joint == Joint::Rail { 2 } else { 4 }
    }
}

/// Which figures stand above which.
struct Trees {
    owner: Vec<Option<usize>>,
    heaviest_input: Vec<Option<usize>>,
}

impl Trees {
    fn new(drawing: &Drawing) -> Trees {
        let layers = drawing.layers();
        let count = drawing.figures.len();
        let (mut owner, mut weight, mut heaviest_input) = (vec![None; count], vec![1; count], vec![None; count]);
        for (source, target) in drawing.edges() {
            if owner[source].is_none_or(|other: usize| layers[target] < layers[other]) {
                owner[source] = Some(target);
            }
        }
        // Inputs stand before their outputs, so a weight is complete when it is added to the
        // owner's.
        for figure in 0..count {
            if let Some(owner) = owner[figure] {
                weight[owner] += weight[figure];
                if heaviest_input[owner].is_none_or(|other: usize| weight[figure] > weight[other]) {
                    heaviest_input[owner] = Some(figure);
                }
            }
        }
        Trees { owner, heaviest_input }
    }

    /// The lines of the tree above an output that nothing owns, last first.
    fn lines(&self, drawing: &Drawing, root: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut stack = vec![Line { figure: root, rails: 0, joint: Joint::Rail, is_mention: false }];
        while let Some(line) = stack.pop() {
            let Line { figure, is_mention, .. } = line;
            let rails = line.rails + usize::from(line.joint != Joint::Rail);
            lines.push(line);
            if is_mention {
                continue;
            }
            let heaviest = self.heaviest_input[figure];
            stack.extend(heaviest.map(|input| Line { figure: input, rails, joint: Joint::Rail, is_mention: false }));
            let others = drawing.figures[figure].inputs.iter().filter(|&&input| Some(input) != heaviest);
            for (rank, &input) in others.enumerate() {
                // Without an input on the rail, the first of the others, which is the highest line,
                // begins it.
                let joint = if heaviest.is_none() && rank == 0 { Joint::Corner } else { Joint::Branch };
                stack.push(Line { figure: input, rails, joint, is_mention: self.owner[input] != Some(figure) });
            }
        }
        lines
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = self.0;
        let trees = Trees::new(drawing);
        let roots = (0..drawing.figures.len()).filter(|&figure| trees.owner[figure].is_none());
        let blocks: Vec<Vec<Line>> = roots.map(|root| trees.lines(drawing, root)).collect();

        let lines = || blocks.iter().flatten().map(|line| (line, &drawing.figures[line.figure]));
        let notes = lines().filter(|(line, figure)| !line.is_mention && !figure.label.note.is_empty());
        let text_end = notes.clone().map(|(line, figure)| line.indent() + width(&figure.label.text)).max().unwrap_or(0);
        let note_width = notes.map(|(_, figure)| width(&figure.label.note)).max().unwrap_or(0);

        if !drawing.title.is_empty() {
            write_flat(formatter, &drawing.title)?;
            formatter.write_str("\n\n")?;
        }
        for (rank, block) in blocks.iter().enumerate() {
            if rank > 0 {
                formatter.write_char('\n')?;
            }
            for line in block.iter().rev() {
                write_line(formatter, line, &drawing.figures[line.figure], text_end + 2 + note_width)?;
            }
        }
        Ok(())
    }
}

fn write_line(formatter: &mut fmt::Formatter<'_>, line: &Line, figure: &Figure, end: usize) -> fmt::Result {
    for _ in 0..line.rails {
        formatter.write_str("│ ")?;
    }
    formatter.write_str(match line.joint {
        Joint::Rail => "",
        Joint::Branch => "├─",
        Joint::Corner => "╭─",
    })?;
    formatter.write_str(match (line.is_mention, figure.label.is_highlighted) {
        (true, _) => "◌ ",
        (false, false) => "○ ",
        (false, true) => "● ",
    })?;
    write_flat(formatter, &figure.label.text)?;
    if !line.is_mention && !figure.label.note.is_empty() {
        let used = line.indent() + width(&figure.label.text) + width(&figure.label.note);
        write!(formatter, "{:1$}", "", end.saturating_sub(used))?;
        write_flat(formatter, &figure.label.note)?;
    }
    formatter.write_char('\n')
}

/// How many columns a text takes, if all its characters are narrow.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// Writes a text on one line.
fn write_flat(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|character| formatter.write_char(if character.is_control() { ' ' } else { character }))
}
