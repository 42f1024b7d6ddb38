//! A pipeline file as it was read, in binary, so that an unchanged one need not be read again. Format page:
//! `docs/formats/pipeline_mirror.md`.
//!
//! Reading depends on texts alone: the file's own and those it asks for. A mirror holds them all and is used only if each is
//! the same, byte for byte; nothing is hashed and nothing supposed. Only what was read without a word of complaint is
//! mirrored, so nobody is spared a warning. Knows nothing of where mirrors are kept, nor how damage to them is noticed.

use std::cell::{Cell, RefCell};

use hpipe_core::{Binary as _, Bytes, ProjectPath, Sources, binary};

use crate::beside::{Artifact, Dataset};
use crate::execution::{Execution, Named, Pool, Resources, Retry, Shell};
use crate::parse::{Files, Parsed, parse_beside};
use crate::pipeline::{
    Action, Dep, EnvVar, Out, OutKind, Param, Pipeline, PlotColumns, PlotSpec, PlotX, Role, Script,
    StageSpec,
};
use crate::track::Track;

/// Bytes. Shorter texts are read as fast.
const WORTH_A_MIRROR: usize = 1024;

/// A pipeline file that was read, perhaps from its mirror.
#[derive(Debug)]
pub struct Mirrored {
    /// What was read.
    pub parsed: Parsed,
    /// What is to be kept as its mirror from now on; none if the one there is will do, or none is worth keeping.
    pub keep: Option<Vec<u8>>,
}

/// As [`parse_beside`], from `mirror` if that is of these very texts.
pub fn parse_mirrored(
    path: &ProjectPath,
    text: &str,
    files: &dyn Files,
    mut sources: Sources,
    mirror: Option<&[u8]>,
) -> Mirrored {
    let first = sources.len();
    if let Some(known) = mirror.and_then(|mirror| recall(mirror, path, text, files, first)) {
        for (name, text) in known.sources {
            sources.add(name, text);
        }
        let parsed = Parsed {
            pipeline: Some(known.pipeline),
            diagnostics: Vec::new(),
            sources,
        };
        return Mirrored { parsed, keep: None };
    }
    let asking = Asking {
        files,
        asked: RefCell::default(),
        failed: Cell::default(),
    };
    let parsed = parse_beside(path, text, &asking, sources);
    let is_worth = text.len() >= WORTH_A_MIRROR && !asking.failed.get();
    let asked = asking.asked.into_inner();
    let keep = match &parsed.pipeline {
        Some(pipeline) if is_worth && parsed.diagnostics.is_empty() => {
            encode(path, text, asked, first, pipeline, &parsed.sources)
        }
        _ => None,
    };
    Mirrored { parsed, keep }
}

/// Files, and what was asked of them.
struct Asking<'f> {
    files: &'f dyn Files,
    /// Each path once, with its text; none if it does not exist.
    asked: RefCell<Vec<(ProjectPath, Option<String>)>>,
    /// Whether one could not be read, or was not the same when it was asked for again.
    failed: Cell<bool>,
}

impl Files for Asking<'_> {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        let answer = self.files.read(path);
        let mut asked = self.asked.borrow_mut();
        let known = asked.iter().find(|(known, _)| known == path);
        match (&answer, known) {
            (Ok(text), None) => asked.push((path.clone(), text.clone())),
            (Ok(text), Some((_, known))) if text == known => {}
            _ => self.failed.set(true),
        }
        answer
    }
}

/// What a mirror says.
struct Known {
    pipeline: Pipeline,
    /// Name and text of each source that the reading added.
    sources: Vec<(String, String)>,
}

/// Writes what was read; none if a source is none of the texts.
fn encode(
    path: &ProjectPath,
    text: &str,
    asked: Vec<(ProjectPath, Option<String>)>,
    first: usize,
    pipeline: &Pipeline,
    sources: &Sources,
) -> Option<Vec<u8>> {
    let texts: Vec<_> = [Some(text)]
        .into_iter()
        .chain(asked.iter().map(|(_, text)| text.as_deref()))
        .collect();
    let added = sources.texts().skip(first).map(|(name, text)| {
        let place = texts.iter().position(|known| *known == Some(text))?;
        Some((name.to_owned(), place))
    });
    let added = added.collect::<Option<Vec<_>>>()?;
    let mut bytes = Vec::with_capacity(4 * text.len());
    path.put(&mut bytes);
    first.put(&mut bytes);
    text.to_owned().put(&mut bytes);
    asked.put(&mut bytes);
    added.put(&mut bytes);
    pipeline.put(&mut bytes);
    Some(bytes)
}

/// Reads what was read of these texts; none if the mirror is of others.
fn recall(
    mirror: &[u8],
    path: &ProjectPath,
    text: &str,
    files: &dyn Files,
    first: usize,
) -> Option<Known> {
    let mut bytes = Bytes::new(mirror);
    let is_of_it = bytes.text()? == path.as_str()
        && usize::take(&mut bytes)? == first
        && bytes.text()? == text;
    is_of_it.then_some(())?;
    let mut texts = vec![Some(text.to_owned())];
    for (path, known) in Vec::<(ProjectPath, Option<String>)>::take(&mut bytes)? {
        let is_same = files.read(&path).is_ok_and(|text| text == known);
        is_same.then_some(())?;
        texts.push(known);
    }
    let added = Vec::<(String, usize)>::take(&mut bytes)?.into_iter();
    let sources = added.map(|(name, place)| Some((name, texts.get(place)?.clone()?)));
    let known = Known {
        sources: sources.collect::<Option<_>>()?,
        pipeline: Pipeline::take(&mut bytes)?,
    };
    bytes.is_empty().then_some(known)
}

binary!(struct Pipeline {
    stages, absent, metrics, params, plots, artifacts, datasets, pools, read,
});
binary!(struct StageSpec {
    name, span, action, wdir, wdir_span, deps, params, outs, env, frozen, always_changed, execution, desc,
});
binary!(enum Action {
    0 => Command(scripts),
    1 => Builtin { name, span, with, with_spans, with_uses },
});
binary!(struct Script { text, span });
binary!(struct Dep { path, role, span });
binary!(struct Role { name, span });
binary!(struct Param { file, keys, span });
binary!(struct Out { path, role, kind, cache, persist, span, notes, plots });
binary!(enum OutKind { 0 => Out, 1 => Metric, 2 => Plot });
binary!(struct EnvVar { name, value, span });
binary!(struct Execution { resources, mutex, pool, timeout, retry, shell, sandbox, executor, track });
binary!(struct Track { is_wanted, experiment, name, tags });
binary!(struct Resources { millicpus, memory, gpus });
binary!(struct Retry { times, delay, backoff });
binary!(struct Shell { program, arguments, span });
binary!(struct Named { name, span });
binary!(struct Pool { name, size, span });
binary!(struct PlotSpec { id, span, y, x, title, x_label, y_label, template, header });
binary!(struct PlotColumns { file, columns });
binary!(enum PlotX { 0 => Row, 1 => Column(name), 2 => OfFiles(columns) });
binary!(struct Artifact { name, path, notes, span });
binary!(struct Dataset { name, kind, notes, span });

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Files by path, and how often each was asked for.
    #[derive(Default)]
    struct Map {
        texts: BTreeMap<&'static str, &'static str>,
        asked: Cell<usize>,
    }

    impl Files for Map {
        fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
            self.asked.set(self.asked.get() + 1);
            let text = self.texts.get(path.as_str());
            match text {
                Some(text) if *text == "broken" => Err("it is broken".to_owned()),
                text => Ok(text.map(|text| (*text).to_owned())),
            }
        }
    }

    /// Everything a pipeline file can say, and enough of it to be worth a mirror.
    fn text() -> String {
        let stages: String = (0..100)
            .map(|n| {
                format!(
                    "  s{n}: {{cmd: ['echo ${{lr}}', 'true'], deps: [in], outs: [{{o{n}: {{persist: true}}}}], \
                     params: [lr, {{other.yaml: }}], env: {{A: x, B: }}, desc: some}}\n"
                )
            })
            .collect();
        format!(
            "vars: [more.yaml, {{x: 1}}]
stages:
{stages}
  built: {{uses: learn, with: {{rate: '${{lr}}', deep: {{a: [1, 2.5, null, text]}}}}, deps: {{rows: in}}, outs: {{model: m}}}}
  many: {{foreach: [1, 2], do: {{cmd: 'echo ${{item}}', wdir: sub, frozen: true, always_changed: true}}}}
  none: {{cmd: 'true', when: '${{more}} == 3'}}
  runs: {{cmd: 'true', timeout: 1m, retry: {{times: 2, delay: 1s}}, resources: {{cpus: 1.5, memory: 1GB}}, mutex: [m], pool: p,
    shell: bash -e, sandbox: true, track: {{experiment: e, tags: {{a: b}}}}, metrics: [metric.json], plots: [{{plot.csv: {{x: a, y: b, title: t}}}}]}}
pools: {{p: 2}}
metrics: [top.json]
params: [top.yaml]
plots: [{{top.csv: {{x: a, y: {{top.csv: [b, c]}}}}}}]
artifacts: {{model: {{path: m, type: model}}}}
datasets: [{{name: d, type: url, url: u}}]
"
        )
    }

    fn files() -> Map {
        let texts = [("params.yaml", "lr: 0.5\n"), ("more.yaml", "more: 2\n")];
        Map {
            texts: texts.into(),
            ..Map::default()
        }
    }

    fn path() -> ProjectPath {
        ProjectPath::new("pipeline.yaml")
    }

    fn read(text: &str, files: &Map, sources: Sources, mirror: Option<&[u8]>) -> Mirrored {
        let mirrored = parse_mirrored(&path(), text, files, sources, mirror);
        let faults = &mirrored.parsed.diagnostics;
        assert!(faults.is_empty(), "{faults:#?}");
        mirrored
    }

    /// A mirror of [`text`].
    fn mirror() -> Vec<u8> {
        let first = read(&text(), &files(), Sources::default(), None);
        first.keep.expect("it is worth a mirror")
    }

    #[test]
    fn says_what_was_read() {
        let mirror = mirror();
        let again = read(&text(), &files(), Sources::default(), Some(&mirror));
        let plain = crate::parse(&path(), &text(), &files());
        assert_eq!(again.keep, None);
        assert_eq!(format!("{:?}", again.parsed), format!("{plain:?}"));
    }

    #[test]
    fn another_text_is_read() {
        let mirror = mirror();
        let is_used = |path: &str, text: &str, files: &Map, first: usize| {
            recall(&mirror, &ProjectPath::new(path), text, files, first).is_some()
        };
        let text = text();
        assert!(is_used("pipeline.yaml", &text, &files(), 0));
        assert!(!is_used("dvc.yaml", &text, &files(), 0));
        assert!(!is_used("pipeline.yaml", &format!("{text}#"), &files(), 0));
        assert!(!is_used("pipeline.yaml", &text, &files(), 1));
        let mut others = files();
        others.texts.insert("more.yaml", "more: 3\n");
        assert!(!is_used("pipeline.yaml", &text, &others, 0));
        others.texts.remove("more.yaml");
        assert!(!is_used("pipeline.yaml", &text, &others, 0));
    }

    /// What is looked for and is not there matters when it comes.
    #[test]
    fn a_file_that_comes_is_read() {
        let text = format!(
            "{}\n{}",
            "#".repeat(WORTH_A_MIRROR),
            "vars: [{x: 1}]\nstages: {a: {cmd: 'echo ${x}'}}"
        );
        let mut files = Map::default();
        let mirror = read(&text, &files, Sources::default(), None)
            .keep
            .expect("worth it");
        assert_eq!(
            read(&text, &files, Sources::default(), Some(&mirror)).keep,
            None
        );
        files.texts.insert("params.yaml", "y: 1\n");
        assert!(
            read(&text, &files, Sources::default(), Some(&mirror))
                .keep
                .is_some()
        );
    }

    #[test]
    fn what_was_complained_about_is_read_again() {
        let complained = |text: String, files: &Map| {
            let mirrored = parse_mirrored(&path(), &text, files, Sources::default(), None);
            assert!(!mirrored.parsed.diagnostics.is_empty());
            assert_eq!(mirrored.keep, None);
        };
        complained(text() + "  bad: {cmd: }\n", &files());
        let mut broken = files();
        broken.texts.insert("more.yaml", "broken");
        complained(text(), &broken);
    }

    #[test]
    fn what_is_short_has_no_mirror() {
        let short = read(
            "stages: {a: {cmd: 'true'}}",
            &Map::default(),
            Sources::default(),
            None,
        );
        assert_eq!(short.keep, None);
    }

    /// The store's checksum finds damage; without it, nothing panics.
    #[test]
    fn no_bytes_make_it_panic() {
        let mirror = mirror();
        let step = mirror.len() / 500;
        for at in (0..mirror.len()).step_by(step.max(1)) {
            let mut harmed = mirror.clone();
            harmed[at] = !harmed[at];
            let _ = recall(&harmed, &path(), &text(), &files(), 0);
            let _ = recall(&mirror[..at], &path(), &text(), &files(), 0);
        }
    }
}
