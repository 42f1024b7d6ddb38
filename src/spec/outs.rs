//! Deps and outs of a stage.
//!
//! A command's are lists, as in DVC: `- path` or `- path: {flags}`, for a plot also `- path: [{flags}…]`. A built-in stage's are mappings from roles to a path,
//! to `{path: p, flags}`, or to a list of these, for the stage must know which file is which. Knows nothing of which
//! roles a built-in stage has (that is `builtin`).

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath};

use crate::faults::wrong_type;
use crate::keys::{self, OUT_FLAGS, PLOT_FLAGS};
use crate::node::{Data, Entry, Node, to_mapping};
use crate::pipeline::{Dep, Out, OutKind, Role};
use crate::plots;
use crate::shape;
use crate::stage::Reader;

impl<'a> Reader<'a> {
    /// What the stage reads.
    pub(crate) fn deps(&mut self) -> Vec<Dep> {
        let Some(section) = self.find("deps") else {
            return Vec::new();
        };
        let mut deps = Vec::new();
        for (role, node) in self.items("deps", &section.value) {
            let path = self.path_of(node, "deps");
            deps.extend(path.map(|path| Dep {
                path,
                role,
                span: node.span,
            }));
        }
        deps
    }

    /// What the stage makes.
    pub(crate) fn outs(&mut self) -> Vec<Out> {
        let mut outs = Vec::new();
        for kind in [OutKind::Out, OutKind::Metric, OutKind::Plot] {
            if let Some(section) = self.find(kind.section()) {
                for (role, node) in self.items(kind.section(), &section.value) {
                    self.out(kind, role, node, &mut outs);
                }
            }
        }
        outs
    }

    /// The items of a section, each with its role if it is one of a built-in stage.
    fn items(&mut self, section: &str, node: &'a Node) -> Vec<(Option<Role>, &'a Node)> {
        match (&node.data, self.is_builtin()) {
            (Data::Map(entries), true) => entries.iter().flat_map(with_role).collect(),
            (Data::List(items), false) => items.iter().map(|item| (None, item)).collect(),
            (Data::Null, _) => Vec::new(),
            (_, builtin) => {
                self.wrong_section(section, node, builtin);
                Vec::new()
            }
        }
    }

    fn wrong_section(&mut self, section: &str, node: &Node, builtin: bool) {
        let what = format_args!("`{section}` of {}", self.what);
        let (expected, help) = match builtin {
            true => (
                "a mapping of roles to paths",
                "a built-in stage must know which file is which: `ROLE: PATH`",
            ),
            false => ("a list of paths", "write one path a line: `- PATH`"),
        };
        let fault = wrong_type(node, what, expected);
        self.faults.extend(fault.map(|fault| fault.help(help)));
    }

    fn out(&mut self, kind: OutKind, role: Option<Role>, node: &'a Node, outs: &mut Vec<Out>) {
        match (&node.data, &role) {
            (Data::Map(flags), Some(_)) => outs.extend(self.out_with_path(kind, role, node, flags)),
            (Data::Map(files), None) => {
                for file in files {
                    outs.extend(self.out_with_flags(kind, file));
                }
            }
            _ => {
                let path = self.path_of(node, kind.section());
                outs.extend(path.map(|path| plain(path, kind, role, node)));
            }
        }
    }

    /// `path: {flags}` of a command.
    fn out_with_flags(&mut self, kind: OutKind, file: &Entry) -> Option<Out> {
        let what = format!("`{}` of {}", file.key.text, self.what);
        let ways = match (&file.value.data, kind) {
            (Data::List(ways), OutKind::Plot) => ways.as_slice(),
            _ => std::slice::from_ref(&file.value),
        };
        let ways: Vec<&[Entry]> = ways
            .iter()
            .map(|way| shape::map(way, &what, "a mapping of flags", self.faults))
            .collect();
        for flags in &ways {
            keys::check_flags(&what, flags, &[OUT_FLAGS, plot_flags(kind)], self.faults);
        }
        let path = self.path(&file.key.text, file.key.span)?;
        let mut out = plain(path, kind, None, &file.value);
        out.span = file.key.span;
        let mut out = flagged(out, ways.first().copied().unwrap_or_default());
        for flags in ways.iter().skip(1).filter(|_| kind == OutKind::Plot) {
            out.plots.push(plots::of_out(&out.path, flags, out.span));
        }
        Some(out)
    }

    /// `{path: p, flags}` of a built-in stage.
    fn out_with_path(
        &mut self,
        kind: OutKind,
        role: Option<Role>,
        node: &Node,
        flags: &[Entry],
    ) -> Option<Out> {
        let what = format!("`{}` of {}", kind.section(), self.what);
        let known = [&["path"], OUT_FLAGS, plot_flags(kind)];
        keys::check_flags(&what, flags, &known, self.faults);
        let Some(path) = shape::find(flags, "path") else {
            self.missing_path(&what, node);
            return None;
        };
        let out = plain(
            self.path_of(&path.value, kind.section())?,
            kind,
            role,
            &path.value,
        );
        Some(flagged(out, flags))
    }

    fn missing_path(&mut self, what: &str, node: &Node) {
        let fault = Diagnostic::error(Code::Incomplete, format!("an item of {what} has no `path`"));
        self.faults.push(
            fault
                .at(node.span, "")
                .help("write `{path: PATH, cache: false}`"),
        );
    }
}

fn with_role(entry: &Entry) -> Vec<(Option<Role>, &Node)> {
    let role = || {
        Some(Role {
            name: entry.key.text.clone(),
            span: entry.key.span,
        })
    };
    match &entry.value.data {
        Data::List(items) => items.iter().map(|item| (role(), item)).collect(),
        Data::Null => Vec::new(),
        _ => vec![(role(), &entry.value)],
    }
}

const fn plot_flags(kind: OutKind) -> &'static [&'static str] {
    match kind {
        OutKind::Plot => PLOT_FLAGS,
        OutKind::Out | OutKind::Metric => &[],
    }
}

fn plain(path: ProjectPath, kind: OutKind, role: Option<Role>, node: &Node) -> Out {
    let plots = match kind {
        OutKind::Plot => vec![plots::of_out(&path, &[], node.span)],
        OutKind::Out | OutKind::Metric => Vec::new(),
    };
    Out {
        path,
        role,
        kind,
        cache: true,
        persist: false,
        span: node.span,
        notes: Mapping::new(),
        plots,
    }
}

fn flagged(out: Out, flags: &[Entry]) -> Out {
    let flag = |name, default| match shape::find(flags, name).map(|entry| &entry.value.data) {
        Some(Data::Bool(flag)) => *flag,
        _ => default,
    };
    let notes: Vec<Entry> = flags
        .iter()
        .filter(|entry| !["path", "cache", "persist"].contains(&entry.key.text.as_str()))
        .cloned()
        .collect();
    let plots = match out.kind {
        OutKind::Plot => vec![plots::of_out(&out.path, flags, out.span)],
        OutKind::Out | OutKind::Metric => Vec::new(),
    };
    Out {
        cache: flag("cache", out.cache),
        persist: flag("persist", out.persist),
        notes: to_mapping(&notes),
        plots,
        ..out
    }
}
