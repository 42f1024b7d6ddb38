//! How wide text is, so that labels need not overlap.
//!
//! The widths are those of the font the PNG is drawn with, Inter; `fonts/subset.py` prints them. Browsers take Inter
//! where it is installed and their system's own font elsewhere: most run narrower, DejaVu Sans wider, hence some slack.

/// Widths of U+0020 to U+007E in thousandths of the font's size, regular weight.
const REGULAR: [u16; 95] = [
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357, 625, 464, 605,
    636, 642, 608, 624, 571, 616, 624, 276, 280, 659, 659, 659, 507, 936, 676, 651, 727, 719, 598,
    587, 743, 740, 264, 543, 652, 562, 889, 753, 761, 635, 761, 639, 638, 642, 741, 676, 949, 642,
    665, 625, 362, 357, 362, 469, 452, 497, 564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544,
    237, 869, 585, 597, 609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541, 362, 327, 362, 659,
];

/// The same in the semi-bold weight.
const BOLD: [u16; 95] = [
    248, 309, 396, 643, 649, 844, 663, 213, 393, 393, 543, 673, 295, 466, 290, 379, 667, 481, 621,
    652, 666, 632, 648, 587, 646, 648, 290, 295, 673, 673, 673, 544, 999, 724, 657, 744, 724, 608,
    586, 755, 744, 275, 561, 677, 566, 906, 741, 775, 643, 776, 651, 649, 660, 734, 724, 1007, 690,
    705, 653, 393, 379, 393, 481, 468, 497, 575, 630, 577, 630, 593, 377, 625, 613, 261, 261, 569,
    261, 898, 610, 608, 625, 625, 397, 549, 380, 608, 576, 837, 562, 576, 562, 393, 358, 393, 673,
];

/// How much wider than Inter we take text to be.
const SLACK: f64 = 1.06;

/// The weights we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// Width of `text` in pixels at this font size in pixels.
///
/// That of Inter with some slack for other fonts; for characters beyond ASCII an estimate on the wide side.
pub(crate) fn text_width(text: &str, size: f64, weight: Weight) -> f64 {
    let thousandths: u32 = text.chars().map(|c| character_width(c, weight)).sum();
    f64::from(thousandths) * size / 1000.0 * SLACK
}

fn character_width(character: char, weight: Weight) -> u32 {
    let table = if weight == Weight::Bold {
        &BOLD
    } else {
        &REGULAR
    };
    let code = character as u32;
    match code {
        0x20..=0x7e => u32::from(table[code as usize - 0x20]),
        0x300..=0x36f => 0,
        0xb2 | 0xb3 | 0xb9 | 0x2070..=0x209f => 440,
        0x2026 | 0x2190..=0x21ff => 960,
        0x1100..=0x11ff | 0x2e80..=0xd7ff | 0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xff60 => {
            1000
        }
        0x10000.. => 1200,
        _ => 680,
    }
}

/// `text` cut at the end until it is at most `width` pixels wide, with an ellipsis where something is missing.
pub(crate) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size, Weight::Regular) <= width {
        return text.to_owned();
    }
    let room = width - text_width("…", size, Weight::Regular);
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if text_width(&kept, size, Weight::Regular) > room {
            kept.pop();
            break;
        }
    }
    kept.truncate(kept.trim_end().len());
    kept + "…"
}

/// `text` in lines of at most `width` pixels, broken between words; a longer word has a line of its own, cut.
pub(crate) fn wrapped(text: &str, size: f64, weight: Weight, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let joined = lines.last().map(|line| format!("{line} {word}"));
        match joined {
            Some(joined) if text_width(&joined, size, weight) <= width => {
                lines.pop();
                lines.push(joined);
            }
            _ => lines.push(shortened(word, size, width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_fits_stays_and_longer_text_is_cut() {
        assert_eq!(shortened("rooms", 12.0, 100.0), "rooms");
        let cut = shortened("population_per_household", 12.0, 80.0);
        assert!(cut.ends_with('…') && cut.starts_with("populatio"), "{cut}");
        assert!(text_width(&cut, 12.0, Weight::Regular) <= 80.0);
        assert_eq!(shortened("wide", 12.0, 0.0), "…");
    }

    #[test]
    fn lines_break_between_words() {
        let lines = wrapped("one two three four five", 12.0, Weight::Regular, 60.0);
        assert_eq!(lines.join(" "), "one two three four five");
        assert!(lines.len() > 1);
        assert!(
            lines
                .iter()
                .all(|line| text_width(line, 12.0, Weight::Regular) <= 60.0)
        );
    }

    #[cfg(feature = "png")]
    #[test]
    fn widths_are_those_of_the_font() {
        use skrifa::MetadataProvider;
        for (weight, bytes) in [
            (Weight::Regular, crate::png::REGULAR),
            (Weight::Bold, crate::png::SEMI_BOLD),
        ] {
            let font = skrifa::FontRef::new(bytes).expect("a font");
            let em = f32::from(
                font.metrics(
                    skrifa::instance::Size::unscaled(),
                    skrifa::instance::LocationRef::default(),
                )
                .units_per_em,
            );
            let metrics = font.glyph_metrics(
                skrifa::instance::Size::unscaled(),
                skrifa::instance::LocationRef::default(),
            );
            for code in ' '..='~' {
                let glyph = font.charmap().map(code).expect("a glyph");
                let width = metrics.advance_width(glyph).expect("a width") * 1000.0 / em;
                assert!(
                    (width - character_width(code, weight) as f32).abs() <= 0.5,
                    "{code}: {width}"
                );
            }
        }
    }
}
