//! Gathers what is to be drawn: definitions of each revision, the files they name, the lines in these.

use std::collections::{BTreeMap, BTreeSet};

use hpipe_core::ProjectPath;
use hpipe_engine::{Found, Snapshot, Workspace};
use hpipe_plot::ImageKind;
use hpipe_spec::{Pipeline, PlotColumns, PlotSpec, PlotX};
use hpipe_track::{DataTable, as_text, lines};

use crate::args::Drawing;
use crate::error::Error;
use crate::gallery::{Gallery, GalleryImage, GalleryPlot};
use crate::unread::Unread;

/// Endings of the tables among the files of a folder.
const TABLES: [&str; 6] = ["csv", "tsv", "json", "yaml", "yml", "toml"];

/// Gathers the plots of all snapshots, or those that `targets` name.
///
/// # Errors
/// [`Error::Usage`] when a target names neither a plot nor a file; what stops the command: the machine, git.
pub(super) fn collect(
    workspace: &Workspace,
    snapshots: &[Snapshot<'_>],
    targets: &[String],
    drawing: &Drawing,
) -> Result<Gallery, Error> {
    let folder = &workspace.location().folder;
    let targets: Vec<_> = targets
        .iter()
        .map(|text| Target::new(text, folder.join(text), snapshots))
        .collect();
    let mut collector = Collector {
        targets: &targets,
        drawing,
        gallery: Gallery::default(),
        from_workspace: BTreeSet::new(),
        keys: Vec::new(),
        met: BTreeSet::new(),
    };
    for at in snapshots {
        collector.add(at)?;
    }
    let is_unknown =
        |target: &&Target<'_>| !target.is_declared && !collector.met.contains(&target.path);
    if let Some(target) = targets.iter().find(is_unknown) {
        return Err(Error::Usage {
            message: format!("no plot and no file is called `{}`", target.text),
            help: "name a plot of the pipeline, a file or a folder".to_owned(),
        });
    }
    let mut gallery = collector.gallery;
    gallery.plots.retain(|plot| !plot.lines.is_empty());
    Ok(gallery)
}

/// What the user wants to see.
struct Target<'a> {
    text: &'a str,
    path: ProjectPath,
    /// Whether any snapshot declares a plot that it names; else it is a file.
    is_declared: bool,
}

impl<'a> Target<'a> {
    fn new(text: &'a str, path: ProjectPath, snapshots: &[Snapshot<'_>]) -> Self {
        let mut target = Self {
            text,
            path,
            is_declared: false,
        };
        let mut specs = snapshots.iter().flat_map(declared);
        target.is_declared = specs.any(|spec| target.names(spec));
        target
    }

    /// Whether it is the plot's name, its file, or a folder that holds its file.
    fn names(&self, spec: &PlotSpec) -> bool {
        let files = || spec.y.iter().map(|drawn| &drawn.file);
        spec.id == self.text || files().any(|file| file.is_within(&self.path))
    }

    /// Whether it lies in the folder that the plot draws.
    fn lies_in(&self, spec: &PlotSpec) -> bool {
        let mut files = spec.y.iter().map(|drawn| &drawn.file);
        files.any(|file| self.path != *file && self.path.is_within(file))
    }
}

/// The plots that the pipeline of a snapshot declares.
fn declared<'a>(at: &'a Snapshot<'_>) -> Vec<&'a PlotSpec> {
    at.pipeline().map(Pipeline::all_plots).unwrap_or_default()
}

/// Gathers snapshot by snapshot.
struct Collector<'a> {
    targets: &'a [Target<'a>],
    drawing: &'a Drawing,
    gallery: Gallery,
    /// Places of the plots whose definition is the workspace's.
    from_workspace: BTreeSet<usize>,
    /// The id of each plot, and how many of that id were before it.
    keys: Vec<(String, usize)>,
    /// Undeclared targets that were found.
    met: BTreeSet<ProjectPath>,
}

/// Tables of one snapshot, each read once; none for one that cannot be read, which has been told.
type Tables = BTreeMap<(ProjectPath, bool), Option<DataTable>>;

impl Collector<'_> {
    fn add(&mut self, at: &Snapshot<'_>) -> Result<(), Error> {
        self.gallery.revisions.push(at.name().to_owned());
        let wanted = self.wanted(at)?;
        let ids: BTreeSet<_> = wanted.iter().map(|spec| spec.id.clone()).collect();
        let mut specs = Vec::new();
        for spec in wanted {
            specs.extend(unpacked(at, spec, &ids)?);
        }
        let mut tables = Tables::new();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for spec in specs {
            if let [PlotColumns { file, .. }] = spec.y.as_slice()
                && let Some(kind) = image_kind(file)
            {
                self.image(at, file, kind)?;
                continue;
            }
            let count = counts.entry(spec.id.clone()).or_default();
            let key = (spec.id.clone(), *count);
            *count += 1;
            self.plot(at, spec, key, &mut tables)?;
        }
        Ok(())
    }

    /// The definitions to draw, with what the command line says instead.
    fn wanted(&mut self, at: &Snapshot<'_>) -> Result<Vec<PlotSpec>, Error> {
        let specs = declared(at);
        let is_named = |spec: &&PlotSpec| self.targets.iter().any(|target| target.names(spec));
        let mut wanted: Vec<PlotSpec> = match self.targets.is_empty() {
            true => specs.iter().map(|spec| (*spec).clone()).collect(),
            false => specs.iter().copied().filter(is_named).cloned().collect(),
        };
        for target in self.targets.iter().filter(|target| !target.is_declared) {
            if at.find(&target.path)? == Found::Absent {
                continue;
            }
            self.met.insert(target.path.clone());
            // A file of a folder is drawn as the folder is declared.
            let model = specs.iter().find(|spec| target.lies_in(spec));
            let file = target.path.clone();
            wanted.push(match model {
                Some(spec) => of_file(spec, file),
                None => PlotSpec::plain(file.to_string(), file, None),
            });
        }
        wanted.iter_mut().for_each(|spec| self.adjust(spec));
        Ok(wanted)
    }

    fn adjust(&self, spec: &mut PlotSpec) {
        let drawing = self.drawing;
        if let Some(x) = &drawing.x {
            spec.x = PlotX::Column(x.clone());
        }
        if let Some(y) = &drawing.y {
            for drawn in &mut spec.y {
                drawn.columns = vec![y.clone()];
            }
        }
        spec.header &= !drawing.no_header;
        let texts = [
            (&mut spec.template, &drawing.template),
            (&mut spec.title, &drawing.title),
            (&mut spec.x_label, &drawing.x_label),
            (&mut spec.y_label, &drawing.y_label),
        ];
        for (declared, said) in texts {
            if said.is_some() {
                declared.clone_from(said);
            }
        }
    }

    fn plot(
        &mut self,
        at: &Snapshot<'_>,
        spec: PlotSpec,
        key: (String, usize),
        tables: &mut Tables,
    ) -> Result<(), Error> {
        let mut read = Vec::new();
        for file in files_of(&spec) {
            let table = self.table(at, &file, spec.header, tables)?;
            read.extend(table.map(|table| (file, table)));
        }
        let found = match lines(&spec, &read) {
            Ok(found) => found,
            Err(error) => {
                let unread = Unread::undrawn(at, &spec.id, &error.to_string());
                self.gallery.unread.push(unread);
                return Ok(());
            }
        };
        let place = self.place(key, &spec);
        let plot = &mut self.gallery.plots[place];
        plot.lines
            .extend(found.into_iter().map(|line| (at.name().to_owned(), line)));
        if !self.from_workspace.contains(&place) {
            plot.spec = spec;
        }
        if at.commit().is_none() {
            self.from_workspace.insert(place);
        }
        Ok(())
    }

    /// Where the plot stands among all, as the first or as another of its name.
    fn place(&mut self, key: (String, usize), spec: &PlotSpec) -> usize {
        if let Some(place) = self.keys.iter().position(|known| *known == key) {
            return place;
        }
        self.keys.push(key);
        self.gallery.plots.push(GalleryPlot {
            spec: spec.clone(),
            lines: Vec::new(),
        });
        self.keys.len() - 1
    }

    fn table(
        &mut self,
        at: &Snapshot<'_>,
        file: &ProjectPath,
        header: bool,
        tables: &mut Tables,
    ) -> Result<Option<DataTable>, Error> {
        let key = (file.clone(), header);
        if let Some(known) = tables.get(&key) {
            return Ok(known.clone());
        }
        let read = |bytes| {
            let text = as_text(file, bytes)?;
            DataTable::read(file, &text, header)
        };
        let table = match self.bytes(at, file)?.map(read) {
            Some(Ok(table)) => Some(table),
            Some(Err(error)) => {
                self.gallery.unread.push(Unread::unfit(at, file, &error));
                None
            }
            None => None,
        };
        tables.insert(key, table.clone());
        Ok(table)
    }

    /// The bytes of a file; none when they are not to be had, which is told.
    fn bytes(&mut self, at: &Snapshot<'_>, file: &ProjectPath) -> Result<Option<Vec<u8>>, Error> {
        let unread = match at.find(file)? {
            Found::File(bytes) => return Ok(Some(bytes)),
            Found::Lost { digest, cached } => Unread::lost(at, file, digest, cached),
            found => Unread::no_file(at, file, &found),
        };
        self.gallery.unread.push(unread);
        Ok(None)
    }

    fn image(
        &mut self,
        at: &Snapshot<'_>,
        file: &ProjectPath,
        kind: ImageKind,
    ) -> Result<(), Error> {
        let Some(bytes) = self.bytes(at, file)? else {
            return Ok(());
        };
        let version = (at.name().to_owned(), bytes);
        let images = &mut self.gallery.images;
        match images.iter_mut().find(|image| image.file == *file) {
            Some(image) => image.versions.push(version),
            None => images.push(GalleryImage {
                file: file.clone(),
                kind,
                versions: vec![version],
            }),
        }
        Ok(())
    }
}

/// A plot of a folder as one plot for each file in it that can be drawn and has no definition of its own.
fn unpacked(
    at: &Snapshot<'_>,
    spec: PlotSpec,
    ids: &BTreeSet<String>,
) -> Result<Vec<PlotSpec>, Error> {
    let [drawn] = spec.y.as_slice() else {
        return Ok(vec![spec]);
    };
    if drawn.file.as_str() != spec.id {
        return Ok(vec![spec]);
    }
    let Found::Folder(files) = at.find(&drawn.file)? else {
        return Ok(vec![spec]);
    };
    let can_be_drawn = |file: &ProjectPath| {
        ending(file).is_some_and(|ending| TABLES.contains(&ending)) || image_kind(file).is_some()
    };
    let files = files.into_iter().filter(can_be_drawn);
    let files = files.filter(|file| !ids.contains(file.as_str()));
    Ok(files.map(|file| of_file(&spec, file)).collect())
}

/// The definition of a folder, for one file in it.
fn of_file(spec: &PlotSpec, file: ProjectPath) -> PlotSpec {
    let columns = spec.y.first().map(|drawn| drawn.columns.clone());
    let columns = columns.unwrap_or_default();
    PlotSpec {
        id: file.to_string(),
        y: vec![PlotColumns { file, columns }],
        ..spec.clone()
    }
}

/// Every file a definition names, once.
fn files_of(spec: &PlotSpec) -> Vec<ProjectPath> {
    let mut files: Vec<_> = spec.y.iter().map(|drawn| drawn.file.clone()).collect();
    if let PlotX::OfFiles(columns) = &spec.x {
        files.extend(columns.iter().map(|(file, _)| file.clone()));
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

fn image_kind(file: &ProjectPath) -> Option<ImageKind> {
    ending(file).and_then(ImageKind::of_ending)
}

fn ending(file: &ProjectPath) -> Option<&str> {
    let (_, ending) = file.file_name().rsplit_once('.')?;
    Some(ending)
}
