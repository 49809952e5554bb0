//! A Mermaid flowchart. Inside the quotes of a label Mermaid reads Markdown, HTML and entities of
//! its own, so all but letters, digits, spaces and a few harmless marks are written as entities by
//! number.

use std::fmt::{self, Write};

use super::heat::HeatColour;
use super::{Direction, Drawing};

pub(super) struct Mermaid<'a>(pub(super) &'a Drawing);

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = self.0;
        if !drawing.title.is_empty() {
            formatter.write_str("---\ntitle: \"")?;
            for character in drawing.title.chars() {
                match character {
                    '"' | '\\' => write!(formatter, "\\{character}")?,
                    control if control.is_control() => formatter.write_char(' ')?,
                    other => formatter.write_char(other)?,
                }
            }
            formatter.write_str("\"\n---\n")?;
        }
        formatter.write_str(match drawing.direction {
            Direction::Down => "flowchart TD\n",
            Direction::Right => "flowchart LR\n",
        })?;
        for figure in &drawing.figures {
            write!(formatter, "  n{}[\"", figure.number)?;
            for (rank, line) in figure.label.lines().enumerate() {
                if rank > 0 {
                    formatter.write_str("<br/>")?;
                }
                line.chars().try_for_each(|character| write_escaped(formatter, character))?;
            }
            formatter.write_str("\"]\n")?;
        }
        for (source, target) in drawing.edges() {
            writeln!(formatter, "  n{} --> n{}", drawing.figures[source].number, drawing.figures[target].number)?;
        }
        for figure in &drawing.figures {
            let fill = figure.label.heat.map(|heat| format!("fill:{},color:#000", HeatColour(heat)));
            let frame = figure.label.is_highlighted.then(|| "stroke-width:4px".to_owned());
            let styles: Vec<String> = fill.into_iter().chain(frame).collect();
            if !styles.is_empty() {
                writeln!(formatter, "  style n{} {}", figure.number, styles.join(","))?;
            }
        }
        Ok(())
    }
}

fn write_escaped(formatter: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        ' ' | '.' | ',' | ':' | '-' | '/' | '(' | ')' | '%' | '=' | '+' => formatter.write_char(character),
        letter if letter.is_alphanumeric() || !letter.is_ascii() => formatter.write_char(letter),
        control if control.is_control() => formatter.write_char(' '),
        other => write!(formatter, "#{};", u32::from(other)),
    }
}
