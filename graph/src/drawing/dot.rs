//! Graphviz's language. Text is put in double quotes, in which a quote and a backslash are escaped
//! and `\n` is a line break; nothing else has a meaning there.

use std::fmt::{self, Write};

use super::heat::HeatColour;
use super::{Direction, Drawing};

pub(super) struct Dot<'a>(pub(super) &'a Drawing);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = self.0;
        formatter.write_str("digraph {\n")?;
        if drawing.direction == Direction::Right {
            formatter.write_str("  rankdir=LR;\n")?;
        }
        if !drawing.title.is_empty() {
            formatter.write_str("  labelloc=t;\n  label=")?;
            write_quoted(formatter, drawing.title.lines())?;
            formatter.write_str(";\n")?;
        }
        formatter
            .write_str("  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];\n")?;
        for figure in &drawing.figures {
            write!(formatter, "  n{} [label=", figure.number)?;
            write_quoted(formatter, figure.label.lines())?;
            if let Some(heat) = figure.label.heat {
                write!(formatter, ", fillcolor=\"{}\"", HeatColour(heat))?;
            }
            if figure.label.is_highlighted {
                formatter.write_str(", penwidth=3")?;
            }
            formatter.write_str("];\n")?;
        }
        for (source, target) in drawing.edges() {
            writeln!(formatter, "  n{} -> n{};", drawing.figures[source].number, drawing.figures[target].number)?;
        }
        formatter.write_str("}\n")
    }
}

fn write_quoted<'a>(formatter: &mut fmt::Formatter<'_>, lines: impl Iterator<Item = &'a str>) -> fmt::Result {
    formatter.write_char('"')?;
    for (rank, line) in lines.enumerate() {
        if rank > 0 {
            formatter.write_str("\\n")?;
        }
        for character in line.chars() {
            match character {
                '"' | '\\' => write!(formatter, "\\{character}")?,
                control if control.is_control() => formatter.write_char(' ')?,
                other => formatter.write_char(other)?,
            }
        }
    }
    formatter.write_char('"')
}
