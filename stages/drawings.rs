//! Charts that a stage draws: each once, for a page and for a folder of files.
//!
//! In the folder a chart is `NAME.svg` and `NAME.png`, the latter with two pixels for each of CSS. Drawing is left to
//! `hpipe_plot`; what is drawn is decided by the stages.

use std::path::Path;

use hpipe_plot::{Figure, Picture};
use rayon::prelude::*;

use crate::artifact;
use crate::error::Error;

/// Pixels of a PNG for each CSS pixel.
const SHARPNESS: f64 = 2.0;

/// Pictures by name, in the order they were added.
#[derive(Debug, Default)]
pub(crate) struct Drawings(Vec<(String, Picture)>);

impl Drawings {
    /// Draws a figure under a name, which is that of its files.
    pub(crate) fn add(&mut self, name: impl Into<String>, figure: &Figure) {
        self.0.push((name.into(), figure.draw()));
    }

    /// As [`add`](Self::add), of a figure that `hpipe_plot` may refuse.
    ///
    /// # Errors
    /// [`Error::Draw`].
    pub(crate) fn try_add(
        &mut self,
        name: &str,
        figure: Result<Figure, hpipe_plot::Error>,
    ) -> Result<(), Error> {
        let figure = figure.map_err(|error| refused(name, &error))?;
        self.add(name, &figure);
        Ok(())
    }

    /// The pictures of these names that there are, in the order asked for.
    pub(crate) fn pictures(&self, names: &[&str]) -> Vec<Picture> {
        let of_name = |name: &&str| self.0.iter().find(|(known, _)| known == name);
        let found = names.iter().filter_map(of_name);
        found.map(|(_, picture)| picture.clone()).collect()
    }

    /// Writes all into `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::WriteFile`], [`Error::Draw`].
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::WriteFile {
            path: folder.to_owned(),
            source,
        })?;
        self.0.par_iter().try_for_each(|(name, picture)| {
            artifact::write_text(&folder.join(format!("{name}.svg")), &picture.to_svg())?;
            let png = picture.to_png(SHARPNESS);
            let png = png.map_err(|error| refused(name, &error))?;
            artifact::write_bytes(&folder.join(format!("{name}.png")), &png)
        })
    }
}

fn refused(chart: &str, error: &hpipe_plot::Error) -> Error {
    Error::Draw {
        chart: chart.to_owned(),
        reason: error.to_string(),
    }
}
