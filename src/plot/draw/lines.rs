//! Lines and bands.

use crate::canvas::{Canvas, Path};
use crate::draw::Notes;
use crate::layout::Frame;
use crate::mark::{Band, Dash, Line};

/// Places of a line that are all drawn; of longer lines, four a pixel are.
const ALL: usize = 2000;

/// Draws a line.
pub(crate) fn draw_line(line: &Line, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    let places: Vec<_> = line
        .places
        .iter()
        .map(|place| notes.place(frame, *place))
        .collect();
    let places = if places.len() > ALL {
        decimated(&places)
    } else {
        places
    };
    let mut path = Path::default();
    let mut before: Option<(f64, f64)> = None;
    for place in &places {
        match place {
            None => {
                path.lift();
            }
            Some(place) => {
                if let Some((_, y)) = before.filter(|_| line.is_stepped) {
                    path.to((place.0, y));
                }
                path.to(*place);
            }
        }
        before = *place;
    }
    let weight = if line.is_thin { "p-hair" } else { "p-line" };
    canvas.path_with(
        &format!("{weight} {}", line.tone.class()),
        path,
        dash_attribute(line.dash),
        None,
    );
}

/// Of the places on one column of pixels the first, lowest, highest and last, which look like all of them.
fn decimated(places: &[Option<(f64, f64)>]) -> Vec<Option<(f64, f64)>> {
    let column = |place: &Option<(f64, f64)>| place.map(|(x, _)| x.floor() as i64);
    let mut out = Vec::new();
    for run in places.chunk_by(|a, b| column(a) == column(b)) {
        let height = |place: &usize| run[*place].map_or(0.0, |(_, y)| y);
        let lowest = (0..run.len()).min_by(|a, b| height(a).total_cmp(&height(b)));
        let highest = (0..run.len()).max_by(|a, b| height(a).total_cmp(&height(b)));
        let mut kept = [Some(0), lowest, highest, run.len().checked_sub(1)]
            .map(Option::unwrap_or_default)
            .to_vec();
        kept.sort_unstable();
        kept.dedup();
        out.extend(kept.into_iter().map(|place| run[place]));
    }
    out
}

/// The attribute that breaks a line.
pub(crate) const fn dash_attribute(dash: Dash) -> &'static str {
    match dash {
        Dash::Solid => "",
        Dash::Dashed => " stroke-dasharray=\"6 4\"",
        Dash::Dotted => " stroke-dasharray=\"1 4.5\"",
        Dash::DashDot => " stroke-dasharray=\"8 4 1 4\"",
    }
}

/// Draws a band, in pieces where places are not finite.
pub(crate) fn draw_band(band: &Band, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    let place = |x: f64, y: f64| frame.x.place_within(x).zip(frame.y.place_within(y));
    let edges: Vec<_> = band
        .places
        .iter()
        .map(|(x, low, high)| place(*x, *low).zip(place(*x, *high)))
        .collect();
    notes.not_finite += edges.iter().filter(|edge| edge.is_none()).count();
    let mut path = Path::default();
    for piece in edges.split(Option::is_none) {
        let low = piece.iter().flatten().map(|edge| edge.0);
        let high = piece.iter().flatten().rev().map(|edge| edge.1);
        for place in low.chain(high) {
            path.to(place);
        }
        path.close();
    }
    canvas.path(&format!("p-band {}", band.tone.class()), path, None);
}
