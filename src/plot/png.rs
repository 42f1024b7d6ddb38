//! A picture as PNG bytes, drawn by `resvg` with the font we bring: the same on every machine, with or without fonts.

use resvg::{tiny_skia, usvg};

use crate::error::Error;

/// Inter, regular; see `fonts/README.md`.
pub(crate) const REGULAR: &[u8] = include_bytes!("fonts/Inter-Regular.otf");
/// Inter, semi-bold.
pub(crate) const SEMI_BOLD: &[u8] = include_bytes!("fonts/Inter-SemiBold.otf");

/// The largest side of a picture, in pixels.
const LARGEST: f64 = 16_384.0;

/// Draws `svg` on its ground, `scale` pixels for each of its own.
///
/// # Errors
/// [`Error::Png`] when the picture would have no pixel or a side above 16,384 pixels.
pub(crate) fn draw(svg: &str, scale: f64) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Png(error.to_string());
    let mut options = usvg::Options {
        font_family: "Inter".to_owned(),
        ..usvg::Options::default()
    };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMI_BOLD.to_vec());
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let (width, height) = (
        f64::from(tree.size().width()) * scale,
        f64::from(tree.size().height()) * scale,
    );
    if !(1.0..=LARGEST).contains(&width) || !(1.0..=LARGEST).contains(&height) {
        return Err(Error::Png(format!(
            "a picture of {width:.0} × {height:.0} pixels"
        )));
    }
    let mut pixels = tiny_skia::Pixmap::new(width.round() as u32, height.round() as u32)
        .ok_or_else(|| Error::Png("no memory for the pixels".to_owned()))?;
    let transform = tiny_skia::Transform::from_scale(scale as f32, scale as f32);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(&error))
}
