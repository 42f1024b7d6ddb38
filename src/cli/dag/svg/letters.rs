//! How wide a text will be in a font we do not know.
//!
//! Shares of the font size as in the semi-bold sans serif fonts that systems bring (Segoe UI, San Francisco, Roboto,
//! Noto Sans, DejaVu Sans), on the generous side: a box a little too wide looks better than a name that leaves it.

use unicode_width::UnicodeWidthChar;

/// Pixels a text takes at a font size in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(share).sum::<f64>() * size
}

fn share(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
        'f' | 'r' | 't' | '-' | '/' | '(' | ')' | '[' | ']' | 'I' => 0.43,
        'm' | 'w' | 'M' | 'W' => 0.94,
        '@' | '%' => 1.0,
        '_' => 0.54,
        'A'..='Z' => 0.74,
        c if c.is_ascii() => 0.63,
        c => c.width().unwrap_or(0) as f64 * 0.65,
    }
}
