//! Writes SVG elements. Knows shapes and classes, not what they mean.

use std::fmt::Write;

use crate::escape::escape_into;
use crate::number::coordinate_into;

/// A rectangle in pixels; `y` grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Rect {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Which end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// Its beginning.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

impl Anchor {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => " text-anchor=\"middle\"",
            Self::End => " text-anchor=\"end\"",
        }
    }
}

/// SVG text in the making.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    out: String,
}

impl Canvas {
    /// The elements written so far.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// Begins a group of these classes.
    pub(crate) fn begin(&mut self, classes: &str) {
        let _ = write!(self.out, "<g class=\"{classes}\">");
    }

    /// Ends the group begun last.
    pub(crate) fn end(&mut self) {
        self.out.push_str("</g>");
    }

    /// Writes `text` with its baseline at `y`.
    pub(crate) fn text(&mut self, classes: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        self.text_with_tip(classes, (x, y), anchor, text, None);
    }

    /// As [`Self::text`], with what a pointer resting on it is told.
    pub(crate) fn text_with_tip(
        &mut self,
        classes: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
        tip: Option<&str>,
    ) {
        let _ = write!(
            self.out,
            "<text class=\"{classes}\"{} x=\"",
            anchor.attribute()
        );
        self.number(x);
        self.out.push_str("\" y=\"");
        self.number(y);
        self.out.push_str("\">");
        escape_into(&mut self.out, text);
        self.tip(tip);
        self.out.push_str("</text>");
    }

    /// Writes `text` ending at a place, rising at 40 degrees.
    pub(crate) fn slanted_text(&mut self, classes: &str, (x, y): (f64, f64), text: &str) {
        let _ = write!(
            self.out,
            "<text class=\"{classes}\" text-anchor=\"end\" transform=\"translate("
        );
        self.number(x);
        self.out.push(' ');
        self.number(y);
        self.out.push_str(")rotate(-40)\">");
        escape_into(&mut self.out, text);
        self.out.push_str("</text>");
    }

    /// Draws a straight line.
    pub(crate) fn line(&mut self, classes: &str, from: (f64, f64), to: (f64, f64)) {
        let mut path = Path::default();
        path.to(from).to(to);
        self.path(classes, path, None);
    }

    /// Draws a path, if it has any point.
    pub(crate) fn path(&mut self, classes: &str, path: Path, tip: Option<&str>) {
        self.path_with(classes, path, "", tip);
    }

    /// As [`Self::path`], with attributes of ours such as ` stroke-width="3"`.
    pub(crate) fn path_with(
        &mut self,
        classes: &str,
        path: Path,
        attributes: &str,
        tip: Option<&str>,
    ) {
        if path.out.is_empty() {
            return;
        }
        let _ = write!(
            self.out,
            "<path class=\"{classes}\"{attributes} d=\"{}\"",
            path.out
        );
        self.close("path", tip);
    }

    /// Draws a rectangle.
    pub(crate) fn rect(&mut self, classes: &str, rect: Rect, tip: Option<&str>) {
        let _ = write!(self.out, "<rect class=\"{classes}\"");
        let parts = [
            ("x", rect.left),
            ("y", rect.top),
            ("width", rect.width()),
            ("height", rect.height()),
        ];
        for (name, value) in parts {
            let _ = write!(self.out, " {name}=\"");
            self.number(value);
            self.out.push('"');
        }
        self.close("rect", tip);
    }

    fn close(&mut self, element: &str, tip: Option<&str>) {
        match tip {
            None => self.out.push_str("/>"),
            Some(_) => {
                self.out.push('>');
                self.tip(tip);
                let _ = write!(self.out, "</{element}>");
            }
        }
    }

    fn tip(&mut self, tip: Option<&str>) {
        if let Some(tip) = tip {
            self.out.push_str("<title>");
            escape_into(&mut self.out, tip);
            self.out.push_str("</title>");
        }
    }

    fn number(&mut self, value: f64) {
        coordinate_into(&mut self.out, value);
    }
}

/// The data of a path in the making.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Path {
    out: String,
    has_begun: bool,
}

impl Path {
    /// Goes on to a point, or begins there.
    pub(crate) fn to(&mut self, (x, y): (f64, f64)) -> &mut Self {
        self.out.push(if self.has_begun { 'L' } else { 'M' });
        self.has_begun = true;
        self.pair(x, y)
    }

    /// Lifts the pen: the next point begins a new piece.
    pub(crate) fn lift(&mut self) -> &mut Self {
        self.has_begun = false;
        self
    }

    /// Closes the piece.
    pub(crate) fn close(&mut self) -> &mut Self {
        if self.has_begun {
            self.out.push('Z');
        }
        self.lift()
    }

    /// A piece of no length: with round ends a dot as wide as the stroke. The shortest way to draw very many.
    pub(crate) fn dot(&mut self, (x, y): (f64, f64)) -> &mut Self {
        self.out.push('M');
        self.pair(x, y);
        self.out.push_str("h0");
        self.lift()
    }

    /// A circle.
    pub(crate) fn circle(&mut self, (x, y): (f64, f64), radius: f64) -> &mut Self {
        self.out.push('M');
        self.pair(x - radius, y);
        for across in [2.0 * radius, -2.0 * radius] {
            self.out.push('a');
            self.pair(radius, radius);
            self.out.push_str(" 0 1 0 ");
            self.pair(across, 0.0);
        }
        self.out.push('Z');
        self.lift()
    }

    fn pair(&mut self, x: f64, y: f64) -> &mut Self {
        coordinate_into(&mut self.out, x);
        self.out.push(' ');
        coordinate_into(&mut self.out, y);
        self
    }
}
