//! An SVG image: boxes with lines of text in layers, curves between them. [`super::layout`] says
//! where.

use std::fmt::{self, Write};

use super::heat::HeatColour;
use super::layout::{Extents, lay_out};
use super::{Direction, Drawing, Figure};

/// In pixels, for sans-serif text of 13 pixels.
const CHARACTER_WIDTH: f64 = 7.6;
const LINE_HEIGHT: f64 = 17.0;
const PADDING: f64 = 10.0;
const MARGIN: f64 = 16.0;
/// Between the boxes of a layer, and between layers.
const BOX_GAP: f64 = 22.0;
const LAYER_GAP: f64 = 42.0;

pub(super) struct Svg<'a>(pub(super) &'a Drawing);

/// A point in the picture.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

/// Everything that is drawn, in its place.
struct Picture {
    width: f64,
    height: f64,
    /// The upper left corner and the size of each box.
    boxes: Vec<(Point, Point)>,
    /// For each edge where it touches the layers that it passes, entering and leaving in turn.
    paths: Vec<Vec<Point>>,
}

impl Picture {
    fn new(drawing: &Drawing) -> Picture {
        let is_down = drawing.direction == Direction::Down;
        let point = |across: f64, along: f64| match is_down {
            true => Point { x: across, y: along },
            false => Point { x: along, y: across },
        };
        let sizes: Vec<Point> = drawing.figures.iter().map(box_size).collect();
        let across: Vec<f64> = sizes.iter().map(|size| if is_down { size.x } else { size.y }).collect();
        let along: Vec<f64> = sizes.iter().map(|size| if is_down { size.y } else { size.x }).collect();
        let edges: Vec<(usize, usize)> = drawing.edges().collect();
        let layout = lay_out(&Extents { across: across.clone(), gap: BOX_GAP }, drawing.layers(), &edges);

        // How thick each layer is, and where it begins.
        let mut thickness = vec![0.0_f64; layout.layer.iter().max().map_or(0, |last| last + 1)];
        layout.layer.iter().zip(&along).for_each(|(&layer, &size)| thickness[layer] = thickness[layer].max(size));
        let head =
            if drawing.title.is_empty() { 0.0 } else { LINE_HEIGHT * drawing.title.lines().count() as f64 + 8.0 };
        let (across_start, along_start) = if is_down { (MARGIN, MARGIN + head) } else { (MARGIN + head, MARGIN) };
        let mut begins = Vec::with_capacity(thickness.len());
        let mut end = along_start;
        for &size in &thickness {
            begins.push(end);
            end += size + LAYER_GAP;
        }
        let along_end = (end - LAYER_GAP).max(along_start) + MARGIN;

        let middle = |item: usize| layout.across[item] + across_start;
        // Boxes stand in the middle of their layer.
        let begin = |item: usize| begins[layout.layer[item]] + (thickness[layout.layer[item]] - along[item]) / 2.0;
        let boxes = (0..sizes.len()).map(|item| (point(middle(item) - across[item] / 2.0, begin(item)), sizes[item]));
        let paths = edges.iter().zip(&layout.bends).map(|(&(source, target), bends)| {
            let mut path = vec![point(middle(source), begin(source) + along[source])];
            for (layer, bend) in (layout.layer[source] + 1..).zip(bends) {
                path.push(point(bend + across_start, begins[layer]));
                path.push(point(bend + across_start, begins[layer] + thickness[layer]));
            }
            path.push(point(middle(target), begin(target)));
            path
        });
        let (boxes, paths) = (boxes.collect(), paths.collect());
        let title_width = drawing.title.lines().map(text_width).fold(0.0, f64::max);
        let across_end = layout.width + across_start + MARGIN;
        let (width, height) = if is_down { (across_end, along_end) } else { (along_end, across_end) };
        Picture { width: width.max(title_width + 2.0 * MARGIN), height, boxes, paths }
    }
}

fn box_size(figure: &Figure) -> Point {
    let widest = figure.label.lines().map(text_width).fold(CHARACTER_WIDTH, f64::max);
    let lines = figure.label.lines().count().max(1);
    Point { x: (widest + 2.0 * PADDING).round(), y: LINE_HEIGHT * lines as f64 + PADDING }
}

/// About how wide a text is: letters of East Asian scripts and pictures are twice as wide as
/// others.
fn text_width(text: &str) -> f64 {
    text.chars().map(|character| if u32::from(character) >= 0x1100 { 2.0 } else { 1.0 }).sum::<f64>() * CHARACTER_WIDTH
}

impl fmt::Display for Svg<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drawing = self.0;
        let picture = Picture::new(drawing);
        let (width, height) = (picture.width.ceil(), picture.height.ceil());
        writeln!(
            formatter,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">"
        )?;
        formatter.write_str(
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
             orient=\"auto\"><path d=\"M0 0.5 8 4 0 7.5Z\" fill=\"#667\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        )?;
        if !drawing.title.is_empty() {
            write!(formatter, "<title>{}</title>\n<g font-weight=\"bold\">", Escaped(&drawing.title))?;
            for (rank, line) in drawing.title.lines().enumerate() {
                let y = MARGIN + LINE_HEIGHT * rank as f64 + 10.0;
                write!(formatter, "<text x=\"{}\" y=\"{y}\">{}</text>", width / 2.0, Escaped(line))?;
            }
            formatter.write_str("</g>\n")?;
        }
        formatter.write_str("<g fill=\"none\" stroke=\"#667\" stroke-width=\"1.2\" marker-end=\"url(#arrow)\">\n")?;
        for path in &picture.paths {
            write_path(formatter, path, drawing.direction)?;
        }
        formatter.write_str("</g>\n")?;
        for (figure, &(corner, size)) in drawing.figures.iter().zip(&picture.boxes) {
            write_box(formatter, figure, corner, size)?;
        }
        formatter.write_str("</svg>\n")
    }
}

/// Curves from layer to layer that begin and end in the direction of the drawing; straight through
/// each layer.
fn write_path(formatter: &mut fmt::Formatter<'_>, path: &[Point], direction: Direction) -> fmt::Result {
    write!(formatter, "<path d=\"M{:.1} {:.1}", path[0].x, path[0].y)?;
    for (rank, ends) in path.windows(2).enumerate() {
        let (from, to) = (ends[0], ends[1]);
        if rank % 2 == 1 {
            write!(formatter, "L{:.1} {:.1}", to.x, to.y)?;
            continue;
        }
        let (first, second) = match direction {
            Direction::Down => {
                let y = f64::midpoint(from.y, to.y);
                (Point { x: from.x, y }, Point { x: to.x, y })
            }
            Direction::Right => {
                let x = f64::midpoint(from.x, to.x);
                (Point { x, y: from.y }, Point { x, y: to.y })
            }
        };
        let [a, b, c] = [first, second, to];
        write!(formatter, "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", a.x, a.y, b.x, b.y, c.x, c.y)?;
    }
    formatter.write_str("\"/>\n")
}

fn write_box(formatter: &mut fmt::Formatter<'_>, figure: &Figure, corner: Point, size: Point) -> fmt::Result {
    let label = &figure.label;
    let (stroke, stroke_width) = if label.is_highlighted { ("#000", 2.5) } else { ("#667", 1.0) };
    write!(
        formatter,
        "<g><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{}\" rx=\"6\" \
         fill=\"{}\" stroke=\"{stroke}\" stroke-width=\"{stroke_width}\"/>",
        corner.x,
        corner.y,
        size.x,
        size.y,
        HeatColour(label.heat.unwrap_or(0.0)),
    )?;
    let x = corner.x + size.x / 2.0;
    let texts = label.text.lines().map(|line| (line, "#000"));
    let notes = label.note.lines().map(|line| (line, "#445"));
    for (rank, (line, colour)) in texts.chain(notes).enumerate() {
        let y = corner.y + PADDING / 2.0 + LINE_HEIGHT * rank as f64 + 13.0;
        write!(formatter, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", Escaped(line))?;
    }
    formatter.write_str("</g>\n")
}

/// Text in XML, where control characters are not allowed at all.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '<' => formatter.write_str("&lt;"),
            '>' => formatter.write_str("&gt;"),
            '&' => formatter.write_str("&amp;"),
            '"' => formatter.write_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => formatter.write_char('\u{fffd}'),
            control if control.is_control() => formatter.write_char(' '),
            other => formatter.write_char(other),
        })
    }
}
