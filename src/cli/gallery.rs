//! Plots and images of several revisions side by side, before they are drawn.

use hpipe_core::ProjectPath;
use hpipe_plot::ImageKind;
use hpipe_spec::PlotSpec;
use hpipe_track::Line;

use crate::unread::Unread;

/// What there is to draw.
#[derive(Debug, Default)]
pub(crate) struct Gallery {
    /// The revisions, as the user calls them, in his order.
    pub(crate) revisions: Vec<String>,
    /// Plots, in the order of their definitions.
    pub(crate) plots: Vec<GalleryPlot>,
    /// Images that stages made, in the order of their definitions.
    pub(crate) images: Vec<GalleryImage>,
    /// What could not be read or does not fit.
    pub(crate) unread: Vec<Unread>,
}

/// A plot of all revisions.
#[derive(Debug)]
pub(crate) struct GalleryPlot {
    /// How it is drawn: as the workspace says, or else the last revision.
    pub(crate) spec: PlotSpec,
    /// Each line with its revision.
    pub(crate) lines: Vec<(String, Line)>,
}

/// An image of all revisions.
#[derive(Debug)]
pub(crate) struct GalleryImage {
    /// Its file.
    pub(crate) file: ProjectPath,
    /// What its bytes are.
    pub(crate) kind: ImageKind,
    /// Each revision with the file's bytes.
    pub(crate) versions: Vec<(String, Vec<u8>)>,
}

impl Gallery {
    /// Whether there is nothing to draw.
    pub(crate) const fn is_empty(&self) -> bool {
        self.plots.is_empty() && self.images.is_empty()
    }
}

impl GalleryPlot {
    /// What stands above it.
    pub(crate) fn title(&self) -> &str {
        self.spec.title.as_deref().unwrap_or(&self.spec.id)
    }

    /// What stands along x: as DVC has it, the column, or `step` for the number of the row.
    pub(crate) fn x_label(&self) -> &str {
        let columns = self.lines.iter().map(|(_, line)| line.x.as_deref());
        let inferred = || only(columns.map(|column| column.unwrap_or("step"))).unwrap_or("x");
        self.spec.x_label.as_deref().unwrap_or_else(inferred)
    }

    /// What stands along y: the column if there is only one.
    pub(crate) fn y_label(&self) -> &str {
        let inferred = || only(self.columns()).unwrap_or("y");
        self.spec.y_label.as_deref().unwrap_or_else(inferred)
    }

    /// What the legend says of each line: what tells it from the others.
    pub(crate) fn names(&self) -> Vec<String> {
        let revisions = self.lines.iter().map(|(revision, _)| revision.as_str());
        let files = self.lines.iter().map(|(_, line)| line.file.as_str());
        let parts = [
            revisions.collect::<Vec<_>>(),
            files.collect(),
            self.columns().collect(),
        ];
        let telling: Vec<_> = parts
            .iter()
            .filter(|part| only(part.iter().copied()).is_none())
            .collect();
        let of_line = |place: usize| match telling.is_empty() {
            true => parts[2][place].to_owned(),
            false => telling
                .iter()
                .map(|part| part[place])
                .collect::<Vec<_>>()
                .join(" "),
        };
        (0..self.lines.len()).map(of_line).collect()
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(_, line)| line.y.as_str())
    }
}

/// The one text that all are; none where they differ.
fn only<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = texts.next()?;
    texts.all(|text| text == first).then_some(first)
}
