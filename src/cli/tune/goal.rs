//! What a study means in this project: which stages a trial makes up to date, where the metric stands, and which params
//! files a trial changes.
//!
//! Everything that can be known before the first trial is checked here, with places in the study: a param that is in no
//! file or that no stage reads, a metric that no stage makes.

use std::collections::BTreeMap;

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath, Value, nearest};
use hpipe_engine::{Error, Plan, Selection, Workspace};
use hpipe_spec::{OutKind, ParamFile, StageSpec, edit_params};

use super::Asked;

/// The params file of a name that does not say.
const PARAMS: &str = "params.yaml";

/// What trials are of.
pub(crate) struct Goal {
    /// The stages a trial makes up to date.
    pub(crate) selection: Selection,
    /// The file that is measured.
    pub(crate) file: ProjectPath,
    /// The dotted name of the number in it.
    pub(crate) key: String,
    /// The params that are searched, in the order of the space.
    pub(crate) searched: Vec<Searched>,
    /// The texts of their files before any trial.
    texts: BTreeMap<ProjectPath, String>,
}

/// A param that is searched.
pub(crate) struct Searched {
    /// As the space calls it.
    pub(crate) name: String,
    /// Its file.
    pub(crate) file: ProjectPath,
    /// Its dotted name there.
    pub(crate) key: String,
}

impl Goal {
    /// Finds in the project what the study names.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the study; [`Error::Read`] when a params file cannot be read.
    pub(crate) fn find(workspace: &Workspace, asked: &Asked) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let selection = selection(workspace, asked, &mut faults);
        let searched: Vec<_> = asked
            .definition
            .space()
            .params()
            .iter()
            .map(|p| searched(&p.name))
            .collect();
        let plan = workspace.plan(&selection)?;
        if faults.is_empty() && !makes_metric(workspace, &plan, &asked.metric.0) {
            let message = format!(
                "`{}` is not made by {} nor by what that needs",
                asked.metric.0,
                asked.targets.join(", ")
            );
            let fault = asked.fault(Code::BadStudy, "target", message);
            faults.push(fault.help("leave the target out to make what the metric needs"));
        }
        let mut texts = BTreeMap::new();
        for param in &searched {
            check_param(workspace, &plan, param, asked, &mut texts, &mut faults)?;
        }
        match faults.is_empty() {
            true => Ok(Self {
                selection,
                file: asked.metric.0.clone(),
                key: asked.metric.1.clone(),
                searched,
                texts,
            }),
            false => Err(asked.refuse(faults)),
        }
    }

    /// The params files of a trial with these values.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a value cannot be changed where it stands.
    pub(crate) fn files(&self, params: &Mapping) -> Result<Vec<(ProjectPath, String)>, Error> {
        let edited = self.texts.iter().map(|(file, text)| {
            let text = edit_params(file, text, &self.values_of(file, params))
                .map_err(|e| Error::from(*e))?;
            Ok((file.clone(), text))
        });
        edited.collect()
    }

    /// The values of the params that stand in `file`.
    pub(crate) fn values_of(&self, file: &ProjectPath, params: &Mapping) -> Vec<(String, Value)> {
        let there = self.searched.iter().filter(|param| param.file == *file);
        there
            .filter_map(|param| Some((param.key.clone(), params.get(&param.name)?.clone())))
            .collect()
    }

    /// The files that hold searched params.
    pub(crate) fn params_files(&self) -> impl Iterator<Item = &ProjectPath> {
        self.texts.keys()
    }

    /// The metric in the text of the measured file.
    ///
    /// # Errors
    /// One lowercase fragment, and how to mend it.
    pub(crate) fn measure(&self, text: &str) -> Result<f64, (String, String)> {
        let file = &self.file;
        let metrics = hpipe_track::read_metrics(file, text).map_err(|error| {
            (
                format!("failed to {}", hpipe_core::with_causes(&error)),
                String::new(),
            )
        })?;
        match metrics.lookup(&self.key) {
            Some(Value::Int(number)) => Ok(*number as f64),
            Some(Value::Float(number)) => Ok(*number),
            Some(other) => Err((
                format!("`{}` in {file} is no number but {}", self.key, other.kind()),
                "name a number".to_owned(),
            )),
            None => Err((
                format!("{file} has no `{}`", self.key),
                near(&metrics, &self.key),
            )),
        }
    }
}

/// The numbers in a metrics file that may be meant.
fn near(metrics: &Value, key: &str) -> String {
    let leaves = metrics.leaves();
    let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_));
    let numbers = || {
        leaves
            .iter()
            .filter(|(_, value)| is_number(value))
            .map(|(name, _)| name.as_str())
    };
    match (nearest(key, numbers()), numbers().next()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, None) => "it holds no number that has a name".to_owned(),
        (None, Some(_)) => {
            let some: Vec<_> = numbers().take(8).collect();
            format!("numbers there are {}", some.join(", "))
        }
    }
}

fn searched(name: &str) -> Searched {
    let (file, key) = name.rsplit_once(':').unwrap_or((PARAMS, name));
    Searched {
        name: name.to_owned(),
        file: ProjectPath::new(file),
        key: key.to_owned(),
    }
}

/// The stages a trial makes up to date: the targets, or the stage that makes the metric's file.
fn selection(workspace: &Workspace, asked: &Asked, faults: &mut Vec<Diagnostic>) -> Selection {
    let (file, _) = &asked.metric;
    let maker = maker(workspace, file);
    if maker.is_none() {
        faults.push(unmade(workspace, asked));
    }
    let targets = match (asked.targets.is_empty(), maker) {
        (true, Some(maker)) => vec![maker.name.to_string()],
        _ => asked.targets.clone(),
    };
    workspace.chosen(&targets)
}

fn maker<'w>(workspace: &'w Workspace, file: &ProjectPath) -> Option<&'w StageSpec> {
    let stages = &workspace.pipeline().stages;
    stages
        .iter()
        .find(|stage| stage.outs.iter().any(|out| file.is_within(&out.path)))
}

fn makes_metric(workspace: &Workspace, plan: &Plan, file: &ProjectPath) -> bool {
    let maker = maker(workspace, file);
    let mut planned = plan.order.iter().map(|index| workspace.stage(*index));
    maker.is_some_and(|maker| planned.any(|stage| stage.name == maker.name))
}

fn unmade(workspace: &Workspace, asked: &Asked) -> Diagnostic {
    let file = &asked.metric.0;
    let outs = || {
        workspace
            .pipeline()
            .stages
            .iter()
            .flat_map(|stage| &stage.outs)
    };
    let metrics: Vec<_> = outs()
        .filter(|out| out.kind == OutKind::Metric)
        .map(|out| out.path.as_str())
        .collect();
    let help = match nearest(file.as_str(), outs().map(|out| out.path.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if metrics.is_empty() => {
            "declare it under `metrics:` of the stage that writes it".to_owned()
        }
        None => format!("metrics of the pipeline are {}", metrics.join(", ")),
    };
    asked
        .fault(Code::BadStudy, "metric", format!("no stage makes `{file}`"))
        .help(help)
}

/// Whether the param is in its file, and some stage reads it.
fn check_param(
    workspace: &Workspace,
    plan: &Plan,
    param: &Searched,
    asked: &Asked,
    texts: &mut BTreeMap<ProjectPath, String>,
    faults: &mut Vec<Diagnostic>,
) -> Result<(), Error> {
    let place = format!("space.{}", param.name);
    let (file, key) = (&param.file, &param.key);
    let Some(text) = workspace.read_text(file)? else {
        let message = format!("the params file `{file}` does not exist");
        let help = "make it, or write FILE:NAME to name another";
        faults.push(asked.fault(Code::BadParamFile, &place, message).help(help));
        return Ok(());
    };
    let parsed = ParamFile::parse(file, &text).map_err(|error| Error::from(*error))?;
    if parsed.get(key).is_none() {
        let fault = asked.fault(
            Code::MissingParam,
            &place,
            format!("`{file}` has no param `{key}`"),
        );
        faults.push(match parsed.nearest(key) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!("add `{key}` to `{file}`")),
        });
    } else if !is_read(workspace, plan, param) {
        let message = format!("no stage of a trial reads the param `{key}` of `{file}`");
        let help = "declare it under `params:` of the stage that uses it";
        faults.push(asked.fault(Code::MissingParam, &place, message).help(help));
    }
    texts.insert(file.clone(), text);
    Ok(())
}

/// Whether a planned stage declares the param, or the pipeline's text may depend on its file.
fn is_read(workspace: &Workspace, plan: &Plan, param: &Searched) -> bool {
    let is_about = |name: &str| {
        let within = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        name == param.key || within(name, &param.key) || within(&param.key, name)
    };
    let declares = |stage: &StageSpec| {
        stage
            .params
            .iter()
            .filter(|declared| declared.file == param.file)
            .any(|declared| {
                let keys = declared.keys.as_ref();
                keys.is_none_or(|keys| keys.iter().any(|(name, _)| is_about(name)))
            })
            || stage.deps.iter().any(|dep| param.file.is_within(&dep.path))
    };
    workspace.pipeline().read.contains(&param.file)
        || plan
            .order
            .iter()
            .any(|index| declares(workspace.stage(*index)))
}
