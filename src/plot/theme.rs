//! The one look of all pictures and pages: colours, sizes, style sheets.
//!
//! A picture names classes, never colours, so that the same picture is readable on light and on dark ground: a browser
//! picks by `prefers-color-scheme`, a PNG is light. Series take the colours of Okabe and Ito (2008), told apart with any
//! colour vision, the light ones darkened until they have a contrast of 3 to 1 with their ground; amounts take viridis
//! (van der Walt and Smith, 2015), whose lightness rises with the value. A test checks the contrasts.

use std::fmt::Write;

/// Series that have a colour of their own; the next one starts again from the first.
pub(crate) const SERIES: usize = 7;
/// Steps of a sequence of colours for amounts.
pub(crate) const LEVELS: usize = 16;
/// Steps of a sequence of colours for amounts on both sides of zero; odd, the middle one is zero.
pub(crate) const DIVERGING: usize = 15;

/// Size of a figure's title, in pixels.
pub(crate) const TITLE: f64 = 16.0;
/// Size of a panel's heading.
pub(crate) const HEADING: f64 = 13.0;
/// Size of labels.
pub(crate) const TEXT: f64 = 12.0;
/// Size of notes and of values beside marks.
pub(crate) const SMALL: f64 = 11.0;

/// The colours on one ground.
#[derive(Debug)]
pub(crate) struct Palette {
    pub(crate) ground: &'static str,
    /// A shade of the ground for tables and key figures.
    pub(crate) raised: &'static str,
    pub(crate) ink: &'static str,
    pub(crate) muted: &'static str,
    pub(crate) faint: &'static str,
    pub(crate) axis: &'static str,
    pub(crate) grid: &'static str,
    pub(crate) series: [&'static str; SERIES],
    /// Words that say pass, fail, warning.
    pub(crate) verdicts: [&'static str; 3],
    /// The part of viridis that stands out from this ground.
    viridis: (f64, f64),
    diverging: [[u8; 3]; 5],
}

pub(crate) const LIGHT: Palette = Palette {
    ground: "#ffffff",
    raised: "#f6f7f9",
    ink: "#1f2328",
    muted: "#57606a",
    faint: "#848d97",
    axis: "#aab2bb",
    grid: "#eaedf0",
    series: [
        "#0072b2", "#d55e00", "#00916a", "#b8578f", "#b27d00", "#3391c4", "#57606a",
    ],
    verdicts: ["#00734f", "#b34700", "#835a00"],
    viridis: (0.0, 0.95),
    diverging: [
        [27, 95, 158],
        [124, 176, 214],
        [229, 231, 233],
        [240, 168, 104],
        [184, 80, 12],
    ],
};

pub(crate) const DARK: Palette = Palette {
    ground: "#15181e",
    raised: "#1d2129",
    ink: "#e6e9ee",
    muted: "#a0a9b6",
    faint: "#7b8592",
    axis: "#4d5764",
    grid: "#262b34",
    series: [
        "#56a9e0", "#f08a4b", "#2ec4a0", "#e29cc4", "#e6b04a", "#9ad4f7", "#c3c9d2",
    ],
    verdicts: ["#2ec4a0", "#f08a4b", "#e6b04a"],
    viridis: (0.18, 1.0),
    diverging: [
        [122, 190, 242],
        [64, 122, 168],
        [64, 69, 78],
        [170, 102, 50],
        [246, 168, 92],
    ],
};

/// matplotlib's `viridis` at 16 equal steps.
const VIRIDIS: [[u8; 3]; 16] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x1a, 0x6c],
    [0x47, 0x2f, 0x7d],
    [0x41, 0x44, 0x87],
    [0x39, 0x56, 0x8c],
    [0x31, 0x68, 0x8e],
    [0x2a, 0x78, 0x8e],
    [0x23, 0x88, 0x8e],
    [0x1f, 0x98, 0x8b],
    [0x22, 0xa8, 0x84],
    [0x35, 0xb7, 0x79],
    [0x54, 0xc5, 0x68],
    [0x7a, 0xd1, 0x51],
    [0xa5, 0xdb, 0x36],
    [0xd2, 0xe2, 0x1b],
    [0xfd, 0xe7, 0x25],
];

impl Palette {
    /// The colour of a step of the sequence for amounts.
    pub(crate) fn level(&self, level: usize) -> String {
        let (first, last) = self.viridis;
        let along = first + (last - first) * level as f64 / (LEVELS - 1) as f64;
        between(&VIRIDIS, along)
    }

    /// The colour of a step of the sequence around zero.
    pub(crate) fn diverging(&self, level: usize) -> String {
        between(&self.diverging, level as f64 / (DIVERGING - 1) as f64)
    }
}

/// The colour `along` the way of equally spaced ones.
fn between(colours: &[[u8; 3]], along: f64) -> String {
    let place = along.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
    let first = (place.floor() as usize).min(colours.len() - 2);
    let part = place - first as f64;
    let mut out = "#".to_owned();
    for (a, b) in colours[first].iter().zip(colours[first + 1]) {
        let mixed = f64::from(*a) * (1.0 - part) + f64::from(b) * part;
        let _ = write!(out, "{:02x}", mixed.round() as u8);
    }
    out
}

/// What does not depend on the ground.
const SHAPES: &str = "\
.hpipe-chart{font-family:Inter,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:12px}\
.p-title{font-size:16px;font-weight:600}.p-head{font-size:13px;font-weight:600}.p-small{font-size:11px}.p-strong{font-weight:600}\
.p-grid{fill:none;stroke-width:1px}.p-axis{fill:none;stroke-width:1px}\
.p-line{fill:none;stroke:currentColor;stroke-width:2px;stroke-linejoin:round;stroke-linecap:round}\
.p-thin{fill:none;stroke:currentColor;stroke-width:1.2px;stroke-linejoin:round}\
.p-hair{fill:none;stroke:currentColor;stroke-width:1px;stroke-opacity:.45}\
.p-dots{fill:none;stroke:currentColor;stroke-linecap:round}\
.p-fill{fill:currentColor}.p-band{fill:currentColor;fill-opacity:.16}.p-soft{fill:currentColor;fill-opacity:.3}\
.p-open{stroke:currentColor;stroke-width:1.5px}\
.p-halo{stroke-width:3px;stroke-linejoin:round;paint-order:stroke}";

/// What does.
fn colours(palette: &Palette) -> String {
    let Palette {
        ground,
        ink,
        muted,
        faint,
        axis,
        grid,
        ..
    } = palette;
    let mut css = format!(
        ".p-ground{{fill:{ground}}}.p-open{{fill:{ground}}}.p-halo{{stroke:{ground}}}.p-ink{{fill:{ink}}}.p-white{{fill:#ffffff}}.p-black{{fill:#16181d}}\
         .p-mute{{fill:{muted}}}.p-mute-line{{color:{muted}}}.p-ink-line{{color:{ink}}}.p-faint{{color:{faint}}}.p-axis{{stroke:{axis}}}.p-grid{{stroke:{grid}}}"
    );
    for (place, colour) in palette.series.iter().enumerate() {
        let _ = write!(css, ".p-c{place}{{color:{colour}}}");
    }
    for level in 0..LEVELS {
        let _ = write!(css, ".p-s{level}{{color:{}}}", palette.level(level));
    }
    for level in 0..DIVERGING {
        let _ = write!(css, ".p-d{level}{{color:{}}}", palette.diverging(level));
    }
    css
}

/// The style sheet of charts on light ground alone, for the PNG.
pub(crate) fn light_sheet() -> String {
    format!("{SHAPES}{}", colours(&LIGHT))
}

/// The style sheet of charts that follows the reader's choice of light or dark.
pub(crate) fn both_sheets() -> String {
    let dark = colours(&DARK);
    format!(
        "{}@media (prefers-color-scheme:dark){{{dark}}}",
        light_sheet()
    )
}

/// The colours of a page, as CSS variables for light and dark ground.
pub(crate) fn page_colours() -> String {
    let dark = variables(&DARK);
    format!(
        ":root{{{}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}",
        variables(&LIGHT)
    )
}

fn variables(palette: &Palette) -> String {
    let Palette {
        ground,
        raised,
        ink,
        muted,
        axis,
        grid,
        ..
    } = palette;
    let link = palette.series[0];
    let [pass, fail, warning] = palette.verdicts;
    format!(
        "--ground:{ground};--raised:{raised};--ink:{ink};--muted:{muted};--axis:{axis};--grid:{grid};--link:{link};\
         --pass:{pass};--fail:{fail};--warning:{warning}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(colour: &str) -> [f64; 3] {
        let part = |at: usize| u8::from_str_radix(&colour[at..at + 2], 16).expect("two digits");
        [1, 3, 5].map(|at| f64::from(part(at)) / 255.0)
    }

    /// The contrast of WCAG 2.2: 21 for black on white.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |colour| {
            let linear = channels(colour).map(|c| {
                if c <= 0.04045 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_series_stand_out_from_their_ground() {
        for palette in [&LIGHT, &DARK] {
            for ground in [palette.ground, palette.raised] {
                assert!(contrast(palette.ink, ground) >= 12.0);
                assert!(contrast(palette.muted, ground) >= 5.5);
            }
            for colour in palette.verdicts.iter().chain([&palette.series[0]]) {
                assert!(contrast(colour, palette.ground) >= 4.5, "{colour}");
            }
            for colour in palette.series.iter().chain([&palette.faint]) {
                assert!(
                    contrast(colour, palette.ground) >= 3.0,
                    "{colour}: {}",
                    contrast(colour, palette.ground)
                );
            }
        }
    }

    #[test]
    fn amounts_grow_lighter_and_differ_from_step_to_step() {
        for palette in [&LIGHT, &DARK] {
            let colours: Vec<_> = (0..LEVELS).map(|level| palette.level(level)).collect();
            assert!(
                colours
                    .windows(2)
                    .all(|two| contrast("#000000", &two[1]) > contrast("#000000", &two[0]))
            );
        }
        assert_eq!(LIGHT.level(0), "#440154");
        assert_eq!(DARK.level(LEVELS - 1), "#fde725");
    }
}
