//! Draws a gallery as one page that needs nothing else.

use hpipe_core::Value;
use hpipe_plot::{
    Column, Error as PlotError, Page, PageImage, Picture, Series, Template, TemplateOptions,
    draw_template,
};
use hpipe_track::Line;

use crate::error::Error;
use crate::gallery::{Gallery, GalleryImage, GalleryPlot};

/// Checks the template that the user named.
///
/// # Errors
/// [`Error::Usage`] when there is none of that name.
pub(super) fn check_template(name: Option<&str>) -> Result<(), Error> {
    let Some(Err(error)) = name.map(str::parse::<Template>) else {
        return Ok(());
    };
    Err(Error::Usage {
        message: error.to_string(),
        help: "templates of your own are not supported".to_owned(),
    })
}

/// The page as HTML, and what could not be drawn: lowercase fragments to print as warnings.
pub(super) fn page(gallery: &Gallery) -> (String, Vec<String>) {
    let mut warnings = Vec::new();
    let pictures = gallery.plots.iter();
    let pictures: Vec<_> = pictures
        .filter_map(|plot| picture(plot, &mut warnings))
        .collect();
    let mut page = Page::new("Plots").subtitle(gallery.revisions.join(" · "));
    if !pictures.is_empty() {
        page = page.pictures(pictures);
    }
    for image in &gallery.images {
        page = page.heading(image.file.as_str()).images(versions(image));
    }
    let unread = gallery
        .unread
        .iter()
        .map(|unread| unread.message().to_owned());
    let missing: Vec<_> = unread.chain(warnings.iter().cloned()).collect();
    if !missing.is_empty() {
        page = page.heading("Not shown").list(missing);
    }
    (page.to_html(), warnings)
}

fn picture(plot: &GalleryPlot, warnings: &mut Vec<String>) -> Option<Picture> {
    let id = &plot.spec.id;
    let template = plot
        .spec
        .template
        .as_deref()
        .map_or(Ok(Template::default()), str::parse);
    let template = template.unwrap_or_else(|error: PlotError| {
        warnings.push(format!("{id} is drawn as `linear`: {error}"));
        Template::default()
    });
    let options = TemplateOptions {
        template,
        title: plot.title().to_owned(),
        x_label: plot.x_label().to_owned(),
        y_label: plot.y_label().to_owned(),
    };
    let lines = plot.lines.iter().map(|(_, line)| line);
    let series: Vec<_> = plot
        .names()
        .into_iter()
        .zip(lines)
        .map(|(name, line)| series(name, line))
        .collect();
    match draw_template(&options, &series) {
        Ok(figure) => Some(figure.draw()),
        Err(error) => {
            warnings.push(format!("failed to draw {id}: {error}"));
            None
        }
    }
}

fn series(name: String, line: &Line) -> Series {
    let x = line
        .x
        .as_ref()
        .map(|_| column(line.points.iter().map(|(x, _)| x)));
    let y = column(line.points.iter().map(|(_, y)| y));
    Series { name, x, y }
}

/// Numbers, if all that is there are; else words.
fn column<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> Column {
    let number = |value: &Value| match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        Value::Null => Some(f64::NAN),
        _ => None,
    };
    let word = |value: &Value| match value {
        Value::Null => String::new(),
        value => value.to_string(),
    };
    match values.clone().map(number).collect() {
        Some(numbers) => Column::Numbers(numbers),
        None => Column::Words(values.map(word).collect()),
    }
}

fn versions(image: &GalleryImage) -> Vec<PageImage> {
    let version = |(revision, bytes): &(String, Vec<u8>)| PageImage {
        kind: image.kind,
        bytes: bytes.clone(),
        caption: revision.clone(),
    };
    image.versions.iter().map(version).collect()
}
