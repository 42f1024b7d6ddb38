//! A figure: title, legend, panels, caption.
//!
//! The height of the panels is what the caller decides; header and legend are as high as their words need. The legend
//! is always above the panels, so that it never covers a mark.

use crate::canvas::{Anchor, Canvas, Rect};
use crate::chart::Chart;
use crate::draw::Notes;
use crate::font::Weight;
use crate::layout::paragraph;
use crate::legend::{Legend, legend_of};
use crate::parallel::Parallel;
use crate::picture::Picture;
use crate::theme::{SMALL, TEXT, TITLE};

/// Pixels around everything.
const MARGIN: f64 = 16.0;
/// Pixels between panels.
const GUTTER: f64 = 20.0;

/// Title, legend, panels and caption: what becomes one [`Picture`].
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    title: String,
    subtitle: String,
    caption: String,
    description: String,
    width: f64,
    panel_height: f64,
    columns: usize,
    panels: Panels,
}

#[derive(Debug, Clone, PartialEq)]
enum Panels {
    Charts(Vec<Chart>),
    Parallel(Parallel),
}

impl Figure {
    /// A figure of one chart, 600 pixels wide, its panel 380 pixels high.
    pub fn new(title: impl Into<String>, chart: Chart) -> Self {
        Self::of_panels(title, vec![chart], 1)
    }

    /// A figure of several charts, in rows of `columns` (at least one).
    pub fn of_panels(title: impl Into<String>, charts: Vec<Chart>, columns: usize) -> Self {
        Self::with(title.into(), Panels::Charts(charts), columns.max(1))
    }

    /// A figure of parallel coordinates.
    pub(crate) fn of_parallel(title: impl Into<String>, parallel: Parallel) -> Self {
        Self::with(title.into(), Panels::Parallel(parallel), 1)
    }

    const fn with(title: String, panels: Panels, columns: usize) -> Self {
        Self {
            title,
            subtitle: String::new(),
            caption: String::new(),
            description: String::new(),
            width: 600.0,
            panel_height: 380.0,
            columns,
            panels,
        }
    }

    /// A line below the title.
    #[must_use]
    pub fn subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = subtitle.into();
        self
    }

    /// Words below the panels; what could not be shown is added to them.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// What the figure says, for those who do not see it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The width of the figure in CSS pixels, at least 160.
    #[must_use]
    pub const fn width(mut self, width: f64) -> Self {
        self.width = width.clamp(160.0, 4000.0);
        self
    }

    /// The height of each row of panels in CSS pixels, at least 80.
    #[must_use]
    pub const fn panel_height(mut self, height: f64) -> Self {
        self.panel_height = height.clamp(80.0, 8000.0);
        self
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Draws it.
    pub fn draw(&self) -> Picture {
        let inner = self.width - 2.0 * MARGIN;
        // the panels come first: they know what the colour bar and the caption must say
        let (mut panels, mut notes) = (Canvas::default(), Notes::default());
        let header = self.header_height(inner);
        let legend = self.legend(None);
        let top = MARGIN + header + legend.height(inner);
        let bottom = self.draw_panels(&mut panels, top, &mut notes);
        let mut canvas = Canvas::default();
        self.draw_header(&mut canvas, inner);
        self.legend(notes.density)
            .draw(&mut canvas, (MARGIN, MARGIN + header), inner);
        let mut body = canvas.finish() + &panels.finish();
        let (caption, height) = self.draw_caption(bottom, inner, &notes);
        body.push_str(&caption);
        Picture {
            width: self.width,
            height: height + MARGIN,
            title: self.title.clone(),
            description: self.spoken(&notes),
            body,
        }
    }

    fn legend(&self, density: Option<(f64, f64)>) -> Legend {
        match &self.panels {
            Panels::Charts(charts) => legend_of(charts, density),
            Panels::Parallel(parallel) => parallel.legend(),
        }
    }

    fn header_height(&self, width: f64) -> f64 {
        let title = paragraph(&self.title, TITLE, Weight::Bold, width).1;
        let subtitle = paragraph(&self.subtitle, TEXT, Weight::Regular, width).1;
        title + subtitle + 6.0
    }

    fn draw_header(&self, canvas: &mut Canvas, width: f64) {
        let mut top = MARGIN;
        let parts = [
            (&self.title, TITLE, Weight::Bold, "p-title p-ink"),
            (&self.subtitle, TEXT, Weight::Regular, "p-mute"),
        ];
        for (text, size, weight, class) in parts {
            let (lines, height) = paragraph(text, size, weight, width);
            for (place, line) in lines.iter().enumerate() {
                let baseline = top + size * 0.95 + place as f64 * height / lines.len() as f64;
                canvas.text(class, (MARGIN, baseline), Anchor::Start, line);
            }
            top += height;
        }
    }

    /// Draws the panels from `top` on; where they end.
    fn draw_panels(&self, canvas: &mut Canvas, top: f64, notes: &mut Notes) -> f64 {
        let charts = match &self.panels {
            Panels::Charts(charts) => charts,
            Panels::Parallel(parallel) => {
                let outer = Rect {
                    left: MARGIN,
                    top,
                    right: self.width - MARGIN,
                    bottom: top + self.panel_height,
                };
                parallel.draw(canvas, outer, notes);
                return outer.bottom;
            }
        };
        let columns = self.columns.min(charts.len().max(1));
        let width = (self.width - 2.0 * MARGIN - (columns - 1) as f64 * GUTTER) / columns as f64;
        for (place, chart) in charts.iter().enumerate() {
            let (row, column) = (place / columns, place % columns);
            let left = MARGIN + column as f64 * (width + GUTTER);
            let top = top + row as f64 * (self.panel_height + GUTTER);
            let outer = Rect {
                left,
                top,
                right: left + width,
                bottom: top + self.panel_height,
            };
            chart.draw(canvas, outer, notes);
        }
        let rows = charts.len().div_ceil(columns).max(1) as f64;
        top + rows * self.panel_height + (rows - 1.0) * GUTTER
    }

    /// The caption below `top`, and where it ends.
    fn draw_caption(&self, top: f64, width: f64, notes: &Notes) -> (String, f64) {
        let mut canvas = Canvas::default();
        let text = self.full_caption(notes);
        let (lines, height) = paragraph(&text, SMALL, Weight::Regular, width);
        for (place, line) in lines.iter().enumerate() {
            let baseline = top + 16.0 + place as f64 * height / lines.len() as f64;
            canvas.text("p-mute p-small", (MARGIN, baseline), Anchor::Start, line);
        }
        let bottom = if lines.is_empty() {
            top
        } else {
            top + 6.0 + height
        };
        (canvas.finish(), bottom)
    }

    fn full_caption(&self, notes: &Notes) -> String {
        let mut sentences = vec![self.caption.clone()];
        sentences.extend(notes.sentences());
        sentences.retain(|sentence| !sentence.is_empty());
        sentences.join(" ")
    }

    fn spoken(&self, notes: &Notes) -> String {
        let parts = [
            self.subtitle.clone(),
            self.description.clone(),
            self.full_caption(notes),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}
