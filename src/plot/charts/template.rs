//! Plots as DVC describes them: a table, names of columns, a template.
//!
//! The templates are DVC's: `linear`, `simple`, `smooth`, `scatter`, `scatter_jitter`, `confusion`,
//! `confusion_normalized`, `bar_horizontal`, `bar_horizontal_sorted`. Several series (revisions, files, columns) lie over
//! each other; confusion matrices stand side by side.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::charts::template_marks::{bars, confusion, jittered, smoothed};
use crate::error::{Error, same_length};
use crate::figure::Figure;
use crate::mark::{Line, Mark, Points};

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; NaN where the table has none.
    Numbers(Vec<f64>),
    /// Words; empty where the table has none.
    Words(Vec<String>),
}

impl Column {
    /// Its number of rows.
    pub const fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.len(),
        }
    }

    /// Whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its values as words.
    pub(crate) fn words(&self) -> Vec<String> {
        match self {
            Self::Numbers(numbers) => numbers
                .iter()
                .map(|number| crate::number::format_short(*number, 6))
                .collect(),
            Self::Words(words) => words.clone(),
        }
    }
}

/// Columns of equal length, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// `(name, values)`.
    pub columns: Vec<(String, Column)>,
}

impl Table {
    /// The column of this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when there is none.
    pub fn column(&self, name: &str) -> Result<&Column, Error> {
        let found = self.columns.iter().find(|(known, _)| known == name);
        found
            .map(|(_, column)| column)
            .ok_or_else(|| Error::UnknownColumn {
                name: name.to_owned(),
                known: self
                    .columns
                    .iter()
                    .map(|(known, _)| known.clone())
                    .collect(),
            })
    }
}

/// One of several things drawn over each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the legend says: a revision, a file, a column.
    pub name: String,
    /// Its values along `x`; none: the number of the row, from 0.
    pub x: Option<Column>,
    /// Its values along `y`.
    pub y: Column,
}

impl Series {
    /// The columns `x` and `y` of a table.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when the table lacks one of them.
    pub fn of(
        name: impl Into<String>,
        table: &Table,
        x: Option<&str>,
        y: &str,
    ) -> Result<Self, Error> {
        let x = x.map(|x| table.column(x).cloned()).transpose()?;
        Ok(Self {
            name: name.into(),
            x,
            y: table.column(y)?.clone(),
        })
    }
}

/// How a table is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are DVC's")]
pub enum Template {
    #[default]
    Linear,
    Simple,
    Smooth,
    Scatter,
    ScatterJitter,
    Confusion,
    ConfusionNormalized,
    BarHorizontal,
    BarHorizontalSorted,
}

impl Template {
    /// Every template with its name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("linear", Self::Linear),
        ("simple", Self::Simple),
        ("smooth", Self::Smooth),
        ("scatter", Self::Scatter),
        ("scatter_jitter", Self::ScatterJitter),
        ("confusion", Self::Confusion),
        ("confusion_normalized", Self::ConfusionNormalized),
        ("bar_horizontal", Self::BarHorizontal),
        ("bar_horizontal_sorted", Self::BarHorizontalSorted),
    ];
}

impl std::str::FromStr for Template {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, template)| *template)
            .ok_or_else(|| Error::UnknownTemplate {
                name: name.to_owned(),
                known: Self::ALL
                    .iter()
                    .map(|(known, _)| (*known).to_owned())
                    .collect(),
            })
    }
}

/// What a plot is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateOptions {
    /// How the table is drawn.
    pub template: Template,
    /// Above the plot.
    pub title: String,
    /// The name of `x`.
    pub x_label: String,
    /// The name of `y`.
    pub y_label: String,
}

/// Draws one or more series with a template.
///
/// Words along `x` become categories in the order they first appear. For a confusion matrix `x` is the actual class, `y`
/// the predicted one.
///
/// # Errors
/// [`Error::Length`] when the columns of a series differ in length; [`Error::NotNumeric`] when words are to be drawn as
/// heights.
pub fn draw_template(options: &TemplateOptions, series: &[Series]) -> Result<Figure, Error> {
    for one in series {
        same_length(
            &one.name,
            one.y.len(),
            one.x.as_ref().map_or(one.y.len(), Column::len),
        )?;
    }
    let chart = match options.template {
        Template::Confusion | Template::ConfusionNormalized => {
            return Ok(confusion(options, series));
        }
        Template::BarHorizontal | Template::BarHorizontalSorted => return bars(options, series),
        _ => plane(options, series)?,
    };
    Ok(Figure::new(&options.title, chart))
}

/// A chart of lines or points.
fn plane(options: &TemplateOptions, series: &[Series]) -> Result<Chart, Error> {
    let names = categories(series);
    let x = match &names {
        Some(names) => Axis::category(&options.x_label, names.iter().map(String::as_str)),
        None => Axis::linear(&options.x_label),
    };
    let mut chart = Chart::new(x, Axis::linear(&options.y_label));
    for (place, one) in series.iter().enumerate() {
        let places = places(one, names.as_deref(), &options.y_label)?;
        for mark in marks(options.template, places, place, one) {
            chart = chart.with(mark);
        }
    }
    Ok(chart)
}

/// The words along `x`, in order of appearance; none when there are only numbers.
fn categories(series: &[Series]) -> Option<Vec<String>> {
    let has_words = series
        .iter()
        .any(|one| matches!(one.x, Some(Column::Words(_))));
    has_words.then(|| {
        distinct(
            series
                .iter()
                .filter_map(|one| one.x.as_ref())
                .flat_map(Column::words),
        )
    })
}

/// Each word once, in order of appearance.
pub(crate) fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    words.filter(|word| seen.insert(word.clone())).collect()
}

/// The places of a series.
fn places(one: &Series, names: Option<&[String]>, y_label: &str) -> Result<Vec<(f64, f64)>, Error> {
    let Column::Numbers(y) = &one.y else {
        let name = if y_label.is_empty() {
            &one.name
        } else {
            y_label
        };
        return Err(Error::NotNumeric {
            name: name.to_owned(),
        });
    };
    let x = match (&one.x, names) {
        (None, _) => (0..y.len()).map(|row| row as f64).collect(),
        (Some(Column::Numbers(numbers)), None) => numbers.clone(),
        (Some(column), names) => {
            let known = names.unwrap_or_default().iter().zip(0_u32..);
            let known: std::collections::HashMap<_, _> = known
                .map(|(name, place)| (name.as_str(), f64::from(place)))
                .collect();
            column
                .words()
                .iter()
                .map(|word| known.get(word.as_str()).copied().unwrap_or(f64::NAN))
                .collect()
        }
    };
    Ok(x.into_iter().zip(y.iter().copied()).collect())
}

/// What a series looks like.
fn marks(template: Template, places: Vec<(f64, f64)>, place: usize, one: &Series) -> Vec<Mark> {
    match template {
        Template::Scatter => vec![Mark::Points(Points {
            radius: 3.0,
            ..Points::new(places).series(place, &one.name)
        })],
        Template::ScatterJitter => {
            vec![Mark::Points(Points {
                radius: 3.0,
                ..Points::new(jittered(&places)).series(place, &one.name)
            })]
        }
        Template::Smooth => {
            let smooth = Line::new(smoothed(&places, 0.3)).series(place, &one.name);
            let raw = Line {
                is_thin: true,
                name: None,
                tone: smooth.tone,
                ..Line::new(places)
            };
            vec![Mark::Line(raw), Mark::Line(smooth)]
        }
        _ => {
            let few = places.len() <= 40;
            let points = Points {
                name: None,
                ..Points::new(places.clone()).series(place, "")
            };
            let line = Mark::Line(Line::new(places).series(place, &one.name));
            if few {
                vec![line, Mark::Points(points)]
            } else {
                vec![line]
            }
        }
    }
}
