//! One picture, three ways out: a file of its own, a part of a page, pixels.

use std::fmt::Write;

use crate::escape::escape_into;
use crate::theme::both_sheets;
#[cfg(feature = "png")]
use crate::theme::light_sheet;

/// A drawn figure. The same figure gives the same bytes, in every form.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) body: String,
}

impl Picture {
    /// Its width and height in CSS pixels.
    pub const fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// A file of its own: SVG 1.1 with its style inside, light or dark as the reader prefers.
    pub fn to_svg(&self) -> String {
        self.svg(
            &format!(" width=\"{:.0}\" height=\"{:.0}\"", self.width, self.height),
            &both_sheets(),
        )
    }

    /// An `<svg>` element for a [`Page`](crate::Page), which brings the style; as wide as its column, at most its size.
    pub(crate) fn to_inline_svg(&self) -> String {
        self.svg(&format!(" style=\"max-width:{:.0}px\"", self.width), "")
    }

    /// PNG bytes on light ground, `scale` pixels for each CSS pixel: 2 for sharp pictures on screens.
    ///
    /// # Errors
    /// [`Error::Png`](crate::Error::Png) when the picture would have no pixel or a side above 16,384 pixels.
    #[cfg(feature = "png")]
    pub fn to_png(&self, scale: f64) -> Result<Vec<u8>, crate::Error> {
        let size = format!(" width=\"{:.0}\" height=\"{:.0}\"", self.width, self.height);
        crate::png::draw(&self.svg(&size, &light_sheet()), scale)
    }

    fn svg(&self, attributes: &str, style: &str) -> String {
        let (width, height) = (self.width, self.height);
        let mut out = String::with_capacity(self.body.len() + style.len() + 1024);
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hpipe-chart\" role=\"img\" viewBox=\"0 0 {width:.0} {height:.0}\"{attributes}><title>"
        );
        escape_into(&mut out, &self.title);
        out.push_str("</title>");
        if !self.description.is_empty() {
            out.push_str("<desc>");
            escape_into(&mut out, &self.description);
            out.push_str("</desc>");
        }
        if !style.is_empty() {
            let _ = write!(out, "<style>{style}</style>");
        }
        let _ = write!(
            out,
            "<rect class=\"p-ground\" width=\"{width:.0}\" height=\"{height:.0}\"/>{}</svg>",
            self.body
        );
        out.push('\n');
        out
    }
}
