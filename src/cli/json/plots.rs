//! How plots are written as JSON: the points that would be drawn.

use hpipe_core::Value;
use serde::Serialize;

use super::value::JsonValue;
use super::{JsonUnread, VERSION, line};
use crate::gallery::{Gallery, GalleryImage, GalleryPlot};

/// Encodes what `plots show --json` and `plots diff --json` print.
pub(crate) fn plots(gallery: &Gallery) -> String {
    line(&Plots {
        v: VERSION,
        revisions: &gallery.revisions,
        plots: gallery.plots.iter().map(Plot::from).collect(),
        images: gallery.images.iter().flat_map(images).collect(),
        errors: gallery.unread.iter().map(JsonUnread::from).collect(),
    })
}

#[derive(Serialize)]
struct Plots<'a> {
    v: u32,
    revisions: &'a [String],
    plots: Vec<Plot<'a>>,
    images: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<JsonUnread<'a>>,
}

#[derive(Serialize)]
struct Plot<'a> {
    id: &'a str,
    title: &'a str,
    template: &'a str,
    x_label: &'a str,
    y_label: &'a str,
    series: Vec<Series<'a>>,
}

#[derive(Serialize)]
struct Series<'a> {
    revision: &'a str,
    file: &'a str,
    /// Null for the number of the row.
    x: Option<&'a str>,
    y: &'a str,
    points: Vec<[JsonValue<'a>; 2]>,
}

#[derive(Serialize)]
struct Image<'a> {
    revision: &'a str,
    file: &'a str,
    bytes: usize,
}

impl<'a> From<&'a GalleryPlot> for Plot<'a> {
    fn from(plot: &'a GalleryPlot) -> Self {
        let point = |(x, y): &'a (Value, Value)| [JsonValue(x), JsonValue(y)];
        let series = plot.lines.iter().map(|(revision, line)| Series {
            revision,
            file: line.file.as_str(),
            x: line.x.as_deref(),
            y: &line.y,
            points: line.points.iter().map(point).collect(),
        });
        Self {
            id: &plot.spec.id,
            title: plot.title(),
            template: plot.spec.template.as_deref().unwrap_or("linear"),
            x_label: plot.x_label(),
            y_label: plot.y_label(),
            series: series.collect(),
        }
    }
}

fn images(image: &GalleryImage) -> impl Iterator<Item = Image<'_>> {
    image.versions.iter().map(|(revision, bytes)| Image {
        revision,
        file: image.file.as_str(),
        bytes: bytes.len(),
    })
}
