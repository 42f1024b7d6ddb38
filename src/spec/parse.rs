//! Reads a pipeline file: sections, vars, then each stage through expansion and interpolation.
//!
//! The order matters: keys are checked on the template (once, not once an instance), `foreach` and `matrix` are expanded
//! with the file's names, then each instance is interpolated with its own and read. Whatever fails, reading goes on, so
//! that a user sees every fault of the file. Knows nothing of what a single key of a stage means (that is `stage`).

use hpipe_core::{Code, Diagnostic, NameError, ProjectPath, Sources, Span, StageName};

use crate::budget::weight;
use crate::condition::{self, NoAnswer};
use crate::expand::{self, Expanded};
use crate::faults::Faults;
use crate::interpolate::Interpolator;
use crate::node::{Data, Entry, Node};
use crate::pieces::is_template;
use crate::pipeline::Pipeline;
use crate::scope::Scope;
use crate::vars::{Layers, Vars};
use crate::{beside, execution, keys, plots, shape, stage, yaml};

/// The files a pipeline may refer to: the disk for the engine, a map for tests.
pub trait Files {
    /// The text of a file; none if it does not exist.
    ///
    /// # Errors
    /// One lowercase fragment when it exists but cannot be read.
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String>;
}

/// A pipeline file that was read.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What the file says; none if any diagnostic is an error.
    pub pipeline: Option<Pipeline>,
    /// Every fault, in the order of the file's lines, those of other files last.
    pub diagnostics: Vec<Diagnostic>,
    /// What all spans point into.
    pub sources: Sources,
}

/// Reads the text of the pipeline file `path`; `files` answers for `vars` and the default params file.
///
/// Linear in the size of the file and of what it expands to: 10,000 stages take about a tenth of a second.
pub fn parse(path: &ProjectPath, text: &str, files: &dyn Files) -> Parsed {
    parse_beside(path, text, files, Sources::default())
}

/// As [`parse`], for one of several pipeline files: its spans, and those of the others, point into one set of sources,
/// which `sources` begins.
pub fn parse_beside(path: &ProjectPath, text: &str, files: &dyn Files, sources: Sources) -> Parsed {
    let mut vars = Vars::new(files, sources);
    let source = vars.sources.add(path.as_str(), text);
    let mut reading = Reading {
        folder: path.parent().unwrap_or_else(ProjectPath::root),
        vars,
        faults: Faults::default(),
        layers: Layers::default(),
        pipeline: Pipeline::default(),
    };
    if let Some(root) = yaml::read(text, source, &mut reading.faults) {
        reading.file(root, is_template(text));
    }
    let Reading {
        vars,
        faults,
        mut pipeline,
        ..
    } = reading;
    let options = vars.unpacking.read();
    pipeline.read = [path.clone()]
        .into_iter()
        .chain(vars.read)
        .chain(options)
        .collect();
    Parsed {
        pipeline: (!faults.any_error()).then_some(pipeline),
        diagnostics: faults.into_sorted(source),
        sources: vars.sources,
    }
}

/// The state of reading one file.
struct Reading<'f> {
    folder: ProjectPath,
    vars: Vars<'f>,
    faults: Faults,
    layers: Layers,
    pipeline: Pipeline,
}

/// A stage before expansion and interpolation.
struct Template {
    name: StageName,
    span: Span,
    /// Its keys without those below, and without `meta`, which nobody reads.
    entries: Vec<Entry>,
    vars: Option<Node>,
    foreach: Option<Node>,
    matrix: Option<Node>,
}

impl Reading<'_> {
    fn file(&mut self, root: Node, has_templates: bool) {
        let faults = &mut self.faults;
        let Data::Map(mut sections) = root.data else {
            if !root.is_null() {
                faults.wrong_type(&root, "a pipeline file", "a mapping");
            }
            return;
        };
        keys::check_top_level(&sections, faults);
        if has_templates || shape::find(&sections, "vars").is_some() {
            self.load_vars(&sections);
        }
        if let Some(stages) = take(&mut sections, "stages") {
            self.all_stages(stages);
        }
        self.beside(&mut sections);
    }

    /// What is declared beside the stages.
    fn beside(&mut self, sections: &mut Vec<Entry>) {
        let scope = Scope::new(self.layers.merged(), self.layers.incomplete);
        let mut section = |key| {
            let mut node = take(sections, key)?;
            self.interpolate(&mut node, &scope);
            Some(node)
        };
        let found = [
            "params",
            "metrics",
            "plots",
            "artifacts",
            "datasets",
            "pools",
        ]
        .map(&mut section);
        let [params, metrics, plots, artifacts, datasets, pools] = &found;
        let (folder, faults, pipeline) = (&self.folder, &mut self.faults, &mut self.pipeline);
        if let Some(node) = params {
            pipeline.params = plots::files("params", node, folder, faults);
        }
        if let Some(node) = metrics {
            pipeline.metrics = plots::files("metrics", node, folder, faults);
        }
        if let Some(node) = plots {
            pipeline.plots = plots::plots(node, folder, faults);
        }
        if let Some(node) = artifacts {
            pipeline.artifacts = beside::artifacts(node, folder, faults);
        }
        if let Some(node) = datasets {
            pipeline.datasets = beside::datasets(node, faults);
        }
        if let Some(node) = pools {
            pipeline.pools = execution::pools(node, faults);
        }
    }

    fn load_vars(&mut self, sections: &[Entry]) {
        let (folder, faults) = (&self.folder, &mut self.faults);
        self.layers = self.vars.defaults(folder, faults);
        if let Some(vars) = shape::find(sections, "vars") {
            let layers = std::mem::take(&mut self.layers);
            self.layers = self.vars.section(layers, &vars.value, folder, faults);
        }
    }

    fn all_stages(&mut self, stages: Node) {
        match stages.data {
            Data::Map(entries) => {
                self.pipeline.stages.reserve(entries.len());
                entries.into_iter().for_each(|entry| self.stage(entry));
            }
            Data::Null => {}
            _ => self
                .faults
                .wrong_type(&stages, "`stages`", "a mapping of names to stages"),
        }
    }

    fn stage(&mut self, entry: Entry) {
        let name = StageName::written(&entry.key.text).unwrap_or_else(|error| {
            self.faults
                .push(bad_name(&entry.key.text, &error, entry.key.span));
            StageName::known(entry.key.text)
        });
        let span = entry.key.span;
        if let Some(template) = self.template(name, span, entry.value) {
            match (&template.foreach, &template.matrix) {
                (None, None) => self.plain(template),
                _ => self.group(template),
            }
        }
    }

    /// Checks the keys of a stage and takes apart what is read at different times.
    fn template(&mut self, name: StageName, span: Span, definition: Node) -> Option<Template> {
        let what = format!("stage `{name}`");
        let mut entries = match definition.data {
            Data::Map(entries) => entries,
            Data::Null => Vec::new(),
            _ => {
                self.faults.wrong_type(&definition, what, "a mapping");
                return None;
            }
        };
        let foreach = take(&mut entries, "foreach");
        if foreach.is_some() {
            entries = self.body(&what, span, entries)?;
        } else {
            keys::check_stage(&what, span, &entries, &mut self.faults);
        }
        take(&mut entries, "meta");
        Some(Template {
            name,
            span,
            vars: take(&mut entries, "vars"),
            matrix: take(&mut entries, "matrix"),
            foreach,
            entries,
        })
    }

    /// The keys under `do:`.
    fn body(&mut self, what: &str, span: Span, mut entries: Vec<Entry>) -> Option<Vec<Entry>> {
        let body = take(&mut entries, "do");
        keys::check_foreach(what, span, &entries, body.is_some(), &mut self.faults);
        let body = body?;
        match body.data {
            Data::Map(entries) => {
                keys::check_body(what, span, &entries, &mut self.faults);
                Some(entries)
            }
            _ => {
                self.faults
                    .wrong_type(&body, format!("`do` of {what}"), "a mapping");
                None
            }
        }
    }

    fn plain(&mut self, template: Template) {
        let scope = Scope::new(self.layers.merged(), self.layers.incomplete);
        let Template {
            name,
            span,
            mut entries,
            vars,
            ..
        } = template;
        self.instance(name, span, &mut entries, vars.as_ref(), scope);
    }

    fn group(&mut self, mut template: Template) {
        let scope = Scope::new(self.layers.merged(), self.layers.incomplete);
        let expanded = self.expand(&mut template, &scope);
        let weights = template.entries.iter().map(|entry| weight(&entry.value));
        let weight = expanded.len().saturating_mul(weights.sum());
        if !self.vars.budget.take(weight) {
            self.faults.push(too_many(&template, expanded.len()));
            return;
        }
        for Expanded { name, instance } in expanded {
            let mut entries = template.entries.clone();
            let scope = scope.within(instance);
            self.instance(
                name,
                template.span,
                &mut entries,
                template.vars.as_ref(),
                scope,
            );
        }
    }

    fn expand(&mut self, template: &mut Template, scope: &Scope) -> Vec<Expanded> {
        match (template.foreach.take(), template.matrix.take()) {
            (Some(mut data), _) => {
                self.interpolate(&mut data, scope);
                expand::foreach(&template.name, &data, &mut self.faults)
            }
            (None, Some(mut data)) => {
                self.interpolate(&mut data, scope);
                expand::matrix(&template.name, &data, &self.vars.budget, &mut self.faults)
            }
            (None, None) => Vec::new(),
        }
    }

    /// Interpolates one stage and reads it.
    fn instance(
        &mut self,
        name: StageName,
        span: Span,
        entries: &mut [Entry],
        vars: Option<&Node>,
        scope: Scope,
    ) {
        let scope = match vars {
            Some(vars) => self.with_stage_vars(vars, entries, scope),
            None => scope,
        };
        if !self.exists(&name, entries, &scope) {
            return self.pipeline.absent.push((name, span));
        }
        for entry in entries.iter_mut() {
            match entry.key.text.as_str() {
                "when" => {} // read by `exists`
                "cmd" => self.interpolate_command(&mut entry.value, &scope),
                _ => self.interpolate(&mut entry.value, &scope),
            }
        }
        let stage = stage::read(name, span, entries, &self.folder, &mut self.faults);
        self.pipeline.stages.extend(stage);
    }

    /// Whether `when:` holds. What else the stage says is not even interpolated if it does not, for its names may not exist
    /// then.
    fn exists(&mut self, name: &StageName, entries: &[Entry], scope: &Scope) -> bool {
        let Some(Entry { value, .. }) = shape::find(entries, "when") else {
            return true;
        };
        let answer = match &value.data {
            Data::Bool(answer) => Ok(*answer),
            Data::Text(text) => {
                let mut interpolator = self.interpolator(scope);
                condition::holds(text, &mut |text| interpolator.value(text, value.span))
            }
            _ => {
                let what = format_args!("`when` of stage `{}`", group_of(name));
                let expected = "`true`, `false` or a condition";
                self.faults.wrong_type(value, what, expected);
                return true;
            }
        };
        if let Err(NoAnswer::Malformed(why)) = &answer {
            self.faults.push(no_condition(name, why, value.span));
        }
        answer.unwrap_or(true)
    }

    /// The scope with a stage's own `vars:`, whose files are relative to its working folder.
    fn with_stage_vars(&mut self, vars: &Node, entries: &mut [Entry], scope: Scope) -> Scope {
        for entry in entries.iter_mut().filter(|entry| entry.key.text == "wdir") {
            self.interpolate(&mut entry.value, &scope);
        }
        let wdir = stage::wdir(entries, &self.folder);
        let layers = self.layers.clone();
        let layers = self.vars.section(layers, vars, &wdir, &mut self.faults);
        scope.with_vars(layers.merged(), layers.incomplete)
    }

    fn interpolate(&mut self, node: &mut Node, scope: &Scope) {
        self.interpolator(scope).tree(node);
    }

    /// Interpolates `cmd:`, where mappings become options.
    fn interpolate_command(&mut self, node: &mut Node, scope: &Scope) {
        let mut interpolator = Interpolator {
            unpacking: Some(&self.vars.unpacking),
            budget: &self.vars.budget,
            scope,
            sources: &self.vars.sources,
            faults: &mut self.faults,
        };
        interpolator.tree(node);
    }

    fn interpolator<'a>(&'a mut self, scope: &'a Scope) -> Interpolator<'a> {
        Interpolator {
            scope,
            sources: &self.vars.sources,
            unpacking: None,
            budget: &self.vars.budget,
            faults: &mut self.faults,
        }
    }
}

/// Takes the value of a key out, if anything is written there.
fn take(entries: &mut Vec<Entry>, key: &str) -> Option<Node> {
    let index = entries.iter().position(|entry| entry.key.text == key)?;
    let value = entries.remove(index).value;
    (!value.is_null()).then_some(value)
}

/// What messages call a stage: equal for all instances of a group, so that a fault of the template is told once.
fn group_of(name: &StageName) -> &str {
    name.group().unwrap_or(name.as_str())
}

fn too_many(template: &Template, count: usize) -> Diagnostic {
    let message = format!(
        "the {count} instances of stage `{}` take more than a gibibyte",
        template.name
    );
    Diagnostic::error(Code::WrongType, message)
        .at(template.span, "")
        .help("make fewer, or let one stage do many items")
}

fn no_condition(name: &StageName, why: &str, span: Span) -> Diagnostic {
    let message = format!(
        "`when` of stage `{}` is no condition: {why}",
        group_of(name)
    );
    Diagnostic::error(Code::WrongType, message)
        .at(span, "")
        .help("write `true` or `false`, or compare: `${a} == b and not (${c} or ${d} != 3)`")
}

fn bad_name(written: &str, error: &NameError, span: Span) -> Diagnostic {
    let fault = Diagnostic::error(Code::BadName, error.to_string()).at(span, "");
    match error {
        NameError::Empty => fault.help("give the stage a name"),
        NameError::Forbidden(c) => {
            let mended = written.replace(*c, "-");
            fault.help(format!("rename the stage, for example to `{mended}`"))
        }
    }
}
