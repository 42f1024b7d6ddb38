//! Metrics and plots that are declared beside the stages, and how plots are drawn.
//!
//! `metrics:` and `params:` of the file are lists of paths. `plots:` is a list (or, as in DVC 2, a mapping) of definitions: a file or
//! folder, perhaps with the keys of [`PLOT_FLAGS`]; or a name, when `y` says which columns of which files are drawn. The
//! same keys stand at a plot that a stage makes, where columns are texts only. Knows nothing of what the files hold.

use std::borrow::Cow;

use hpipe_core::{Code, Diagnostic, ProjectPath, Span};

use crate::faults::Faults;
use crate::keys::PLOT_FLAGS;
use crate::node::{Data, Entry, Node};
use crate::pipeline::{PlotColumns, PlotSpec, PlotX};
use crate::shape::{self, find};

/// Reads `metrics:` or `params:` of a file in `folder`.
pub(crate) fn files(
    name: &str,
    section: &Node,
    folder: &ProjectPath,
    faults: &mut Faults,
) -> Vec<(ProjectPath, Span)> {
    let Data::List(items) = &section.data else {
        return Vec::new(); // told by `keys`
    };
    let mut reader = Reader { folder, faults };
    let paths = items.iter().filter_map(|item| {
        let text = shape::text(item, format_args!("an item of `{name}`"), reader.faults)?;
        Some((reader.path(&text, name, item.span)?, item.span))
    });
    paths.collect()
}

/// Reads `plots:` of a file in `folder`.
pub(crate) fn plots(section: &Node, folder: &ProjectPath, faults: &mut Faults) -> Vec<PlotSpec> {
    let mut reader = Reader { folder, faults };
    match &section.data {
        Data::Map(entries) => reader.definitions(entries),
        Data::List(items) => items.iter().flat_map(|item| reader.item(item)).collect(),
        _ => Vec::new(), // told by `keys`
    }
}

/// How the plot that a stage makes at `path` is drawn; `flags` have been checked.
pub(crate) fn of_out(path: &ProjectPath, flags: &[Entry], span: Span) -> PlotSpec {
    let folder = ProjectPath::root();
    let mut faults = Faults::default();
    let mut reader = Reader {
        folder: &folder,
        faults: &mut faults,
    };
    let plot = PlotSpec::plain(path.as_str().to_owned(), path.clone(), Some(span));
    reader.styled(plot, "", flags)
}

/// Reads definitions; `folder` is what paths are relative to.
struct Reader<'a> {
    folder: &'a ProjectPath,
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn item(&mut self, item: &Node) -> Vec<PlotSpec> {
        match &item.data {
            Data::Text(path) => self.plain(path, item.span).into_iter().collect(),
            Data::Map(entries) => self.definitions(entries),
            _ => {
                let expected = "a path, or `NAME: {how to draw it}`";
                self.faults.wrong_type(item, "an item of `plots`", expected);
                Vec::new()
            }
        }
    }

    fn plain(&mut self, path: &str, span: Span) -> Option<PlotSpec> {
        let file = self.path(path, "plots", span)?;
        Some(PlotSpec::plain(file.as_str().to_owned(), file, Some(span)))
    }

    fn definitions(&mut self, entries: &[Entry]) -> Vec<PlotSpec> {
        entries
            .iter()
            .filter_map(|entry| self.definition(entry))
            .collect()
    }

    fn definition(&mut self, Entry { key, value }: &Entry) -> Option<PlotSpec> {
        let what = format!("plot `{}`", key.text);
        let expected = "a mapping of how to draw it";
        let keys = shape::map(value, &what, expected, self.faults);
        for Entry { key, .. } in keys {
            if !PLOT_FLAGS.contains(&key.text.as_str()) {
                self.faults
                    .unknown_key(&key.text, key.span, &what, PLOT_FLAGS);
            }
        }
        let y = find(keys, "y").map(|entry| &entry.value);
        let plot = match y.map(|y| &y.data) {
            Some(Data::Map(_)) => PlotSpec {
                id: key.text.clone(),
                y: Vec::new(),
                ..PlotSpec::plain(String::new(), ProjectPath::root(), Some(key.span))
            },
            _ => self.plain(&key.text, key.span)?,
        };
        Some(self.styled(plot, &what, keys))
    }

    /// The plot with what `keys` say of it.
    fn styled(&mut self, mut plot: PlotSpec, what: &str, keys: &[Entry]) -> PlotSpec {
        for Entry { key, value } in keys.iter().filter(|entry| !entry.value.is_null()) {
            let described = format!("`{}` of {what}", key.text);
            match key.text.as_str() {
                "x" => plot.x = self.x(value, &described),
                "y" => self.y(value, &described, &mut plot),
                "title" => plot.title = self.text(value, &described),
                "x_label" => plot.x_label = self.text(value, &described),
                "y_label" => plot.y_label = self.text(value, &described),
                "template" => plot.template = self.text(value, &described),
                "header" => {
                    plot.header = shape::flag(value, &described, self.faults).unwrap_or(true)
                }
                _ => {}
            }
        }
        plot
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        shape::text(node, what, self.faults).map(Cow::into_owned)
    }

    /// `column`, or `{file: column}`.
    fn x(&mut self, node: &Node, what: &str) -> PlotX {
        match &node.data {
            Data::Map(files) => {
                let columns = files.iter().filter_map(|Entry { key, value }| {
                    let file = self.path(&key.text, "plots", key.span)?;
                    Some((file, self.text(value, what)?))
                });
                PlotX::OfFiles(columns.collect())
            }
            Data::Text(column) => PlotX::Column(column.clone()),
            _ => {
                let expected = "a column, or a mapping of files to columns";
                self.faults.wrong_type(node, what, expected);
                PlotX::Row
            }
        }
    }

    /// `column`, `[column…]`, or `{file: column or [column…]}`.
    fn y(&mut self, node: &Node, what: &str, plot: &mut PlotSpec) {
        match &node.data {
            Data::Map(files) => {
                for Entry { key, value } in files {
                    let columns = self.columns(value, what);
                    let file = self.path(&key.text, "plots", key.span);
                    plot.y
                        .extend(file.map(|file| PlotColumns { file, columns }));
                }
                if files.is_empty() {
                    self.no_column(node.span, what);
                }
            }
            _ => {
                let columns = self.columns(node, what);
                for drawn in &mut plot.y {
                    drawn.columns.clone_from(&columns);
                }
            }
        }
    }

    fn columns(&mut self, node: &Node, what: &str) -> Vec<String> {
        match &node.data {
            Data::List(items) => {
                if items.is_empty() {
                    self.no_column(node.span, what);
                }
                let texts = items.iter().filter_map(|item| self.text(item, what));
                texts.collect()
            }
            Data::Text(column) => vec![column.clone()],
            _ => {
                let expected = "a column, a list of columns, or a mapping of files to them";
                self.faults.wrong_type(node, what, expected);
                Vec::new()
            }
        }
    }

    fn no_column(&mut self, span: Span, what: &str) {
        let fault = Diagnostic::error(Code::Incomplete, format!("{what} names no column"));
        let help = "name one, or leave `y` out to draw the last column";
        self.faults.push(fault.at(span, "").help(help));
    }

    /// A path as written, from the project root; none if it can be no path, which is told.
    fn path(&mut self, text: &str, section: &str, span: Span) -> Option<ProjectPath> {
        if !text.trim().is_empty() && !text.contains("://") {
            return Some(self.folder.join(text));
        }
        let message = match text.trim() {
            "" => format!("a path in `{section}` is empty"),
            _ => format!("`{text}` in `{section}` is not a path in the file system"),
        };
        let fault = Diagnostic::error(Code::WrongType, message).at(span, "");
        self.faults
            .push(fault.help("write a file or folder, relative to this file"));
        None
    }
}
