//! What may happen to a project between two repros: its owner edits it, and accidents befall outs, cache and lock file.

#![allow(clippy::disallowed_methods, reason = "accidents do not ask the store")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fastrand::Rng;

use crate::model::{DATA, Form, Model, Source, set_executable};
use crate::support::{Project, remove};

/// What happened.
pub(crate) struct Edited {
    /// In words.
    pub(crate) what: String,
    /// What the cache suffered.
    pub(crate) harm: Harm,
}

/// What the cache suffered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// Nothing.
    Nothing,
    /// It may have forgotten something.
    Forgets,
    /// It may hold something wrong, which only reading it can tell.
    Lies,
}

/// Lets something happen. What concerns the model is written to disk by the caller; what befalls the disk happens here.
/// `former` are texts the lock file once had.
pub(crate) fn edit(
    rng: &mut Rng,
    model: &mut Model,
    project: &Project,
    former: &[String],
) -> Edited {
    let change = |what| Edited {
        what,
        harm: Harm::Nothing,
    };
    let harm = |harm, what| Edited { what, harm };
    let place = rng.usize(..model.stages.len());
    match rng.u8(..36) {
        0 | 1 => change(change_source(rng, model)),
        2 | 3 => change(change_param(rng, model)),
        4 => change(change_command(rng, model, place)),
        5 => change(add_dep(rng, model, place)),
        6 => change(remove_dep(rng, model, place)),
        7 => change(toggle_param(rng, model, place)),
        8 => change(add_stage(rng, model)),
        9 => change(remove_stage(model, place)),
        10 => change(rename_stage(model, place)),
        11 => change(add_out(rng, model, place)),
        12 => change(remove_out(rng, model, place)),
        13 => change(turn_out(rng, model, place)),
        14 => change(toggle_cache(rng, model, place)),
        15 => change(change_data_folder(rng, model)),
        16 => change(touch(rng, project)),
        17 => change(delete_out(rng, model, project)),
        18 => change(edit_out(rng, model, project)),
        19 => change(replace_out(rng, model, project)),
        20 => harm(Harm::Forgets, delete_objects(rng, project)),
        21 => harm(Harm::Lies, damage_object(rng, project)),
        22 => harm(Harm::Forgets, delete_from_cache(rng, project)),
        23 => change(make_executable(rng, model)),
        24 => change(change_mode_of_out(rng, model, project)),
        25 => change(toggle_persist(rng, model, place, project)),
        26 => change(toggle_always(model, place)),
        27 | 28 => change(change_items(rng, model)),
        29 => change(restore_lock_file(rng, project, former)),
        30 => change(edit_lock_file(rng, project)),
        31 => harm(Harm::Lies, tear(rng, project)),
        32 => harm(Harm::Forgets, delete_files_of_cache(rng, project)),
        33 => change(swap_outs(rng, model, project)),
        _ => change(delete_lock_file(project)),
    }
}

/// Makes a source executable, or no longer.
fn make_executable(rng: &mut Rng, model: &mut Model) -> String {
    let names: Vec<_> = model.sources.keys().cloned().collect();
    let name = rng.choice(names).expect("a source");
    let source = model.sources.entry(name.clone()).or_insert(Source {
        value: 0,
        executable: false,
    });
    // A shell command does not see it, so its outs would not tell.
    source.executable = !source.executable && model.form == Form::Builtin;
    format!("{name}: {source:?}")
}

fn change_mode_of_out(rng: &mut Rng, model: &Model, project: &Project) -> String {
    let Some(path) = replaced_out(rng, model) else {
        return "every out persists".into();
    };
    if project.path(&path).is_file() {
        set_executable(&project.path(&path), rng.bool());
    }
    format!("chmod {path}")
}

fn toggle_persist(rng: &mut Rng, model: &mut Model, place: usize, project: &Project) -> String {
    let mut files: Vec<_> = model.stages[place].outs.iter_mut().collect();
    files.retain(|out| !out.is_folder);
    match rng.choice(files) {
        Some(out) => {
            out.persist = !out.persist;
            // What an accident left there would be in the way of the next execution, as it should.
            project.remove(&out.path);
            format!("now {out:?}")
        }
        None => "nothing persists".into(),
    }
}

fn toggle_always(model: &mut Model, place: usize) -> String {
    let stage = &mut model.stages[place];
    stage.always = !stage.always;
    format!("{} executes always: {}", stage.name, stage.always)
}

fn change_items(rng: &mut Rng, model: &mut Model) -> String {
    let item = rng.u8(..4);
    if !model.items.remove(&item) {
        model.items.insert(item);
    }
    format!("foreach: {:?}", model.items)
}

/// As `git checkout` of the lock file alone does.
fn restore_lock_file(rng: &mut Rng, project: &Project, former: &[String]) -> String {
    let Some(text) = rng.choice(former) else {
        return "there is no former lock file".into();
    };
    project.replace("pipeline.lock", text);
    "the lock file is a former one".into()
}

/// Changes a digit of a key or of an out's digest in the lock file: it can be read, and says something else. (The digest of
/// a dep is believed as long as the key is right; nothing but reasons is made of it.)
fn edit_lock_file(rng: &mut Rng, project: &Project) -> String {
    if !project.path("pipeline.lock").exists() {
        return "there is no lock file to edit".into();
    }
    let text = project.read("pipeline.lock");
    let digests = text.match_indices("blake3:").map(|(at, _)| at);
    let in_dep = |at: usize| {
        let section = |line: &&str| line.starts_with("    ") && !line.starts_with("     ");
        let line = text[..at].lines().rev().find(section);
        line == Some("    deps:")
    };
    let digests: Vec<_> = digests.filter(|at| !in_dep(*at)).collect();
    let Some(at) = rng.choice(digests) else {
        return "the lock file holds no digest".into();
    };
    let at = at + 7 + rng.usize(..64);
    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
    let edited = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
    project.replace("pipeline.lock", &edited);
    format!("the lock file says {digit} at byte {at}")
}

/// Cuts a file of the cache, fills it with zeros, or flips a bit of it.
fn tear(rng: &mut Rng, project: &Project) -> String {
    let Some(path) = rng.choice(files_below(&project.path(".cache"))) else {
        return "there is nothing to tear".into();
    };
    let mut bytes = fs::read(&path).expect("read");
    let place = rng.usize(..=bytes.len().saturating_sub(1));
    let how = rng.u8(..3);
    match how {
        0 => bytes.truncate(place),
        1 => bytes[place..].fill(0),
        _ if bytes.is_empty() => {}
        _ => bytes[place] ^= 1 << rng.u8(..8),
    }
    overwrite(&path, &bytes);
    format!("{} is torn at {place} ({how})", path.display())
}

fn overwrite(path: &Path, bytes: &[u8]) {
    let mode = fs::metadata(path).expect("look").permissions();
    fs::set_permissions(path, Permissions::from_mode(0o644)).expect("open for writing");
    fs::write(path, bytes).expect("write");
    fs::set_permissions(path, mode).expect("close for writing");
}

fn delete_files_of_cache(rng: &mut Rng, project: &Project) -> String {
    let files = files_below(&project.path(".cache"));
    let deleted: Vec<_> = files.iter().filter(|_| rng.u8(..4) == 0).collect();
    deleted.iter().for_each(|path| remove(path));
    format!("{} files of the cache are deleted", deleted.len())
}

/// Two outs change places, with all their times.
fn swap_outs(rng: &mut Rng, model: &Model, project: &Project) -> String {
    let (Some(one), Some(other)) = (replaced_out(rng, model), replaced_out(rng, model)) else {
        return "every out persists".into();
    };
    let aside = project.beside("aside");
    remove(&aside);
    let both = project.path(&one).exists() && project.path(&other).exists();
    if one != other && both {
        let (from, to) = (project.path(&one), project.path(&other));
        fs::rename(&from, &aside).expect("rename");
        fs::rename(&to, &from).expect("rename");
        fs::rename(&aside, &to).expect("rename");
    }
    format!("{one} and {other} change places")
}

fn change_source(rng: &mut Rng, model: &mut Model) -> String {
    let names: Vec<_> = model.sources.keys().cloned().collect();
    let name = rng.choice(names).expect("a source");
    let value = rng.u8(..3);
    if let Some(source) = model.sources.get_mut(&name) {
        source.value = value;
    }
    format!("{name} becomes {value}")
}

fn change_param(rng: &mut Rng, model: &mut Model) -> String {
    let (index, value) = (rng.usize(..model.params.len()), rng.u8(..3));
    model.params[index] = value;
    format!("p{index} becomes {value}")
}

fn change_command(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    let stage = &mut model.stages[place];
    match rng.bool() {
        true => stage.salt = rng.u8(..3),
        false => stage.coarse = !stage.coarse,
    }
    format!("the command of {} changes", stage.name)
}

fn add_dep(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    model.add_dep(rng, place);
    format!(
        "{} gets a dep: {:?}",
        model.stages[place].name, model.stages[place].deps
    )
}

fn remove_dep(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    let stage = &mut model.stages[place];
    if !stage.deps.is_empty() {
        stage.deps.remove(rng.usize(..stage.deps.len()));
    }
    format!("{} loses a dep: {:?}", stage.name, stage.deps)
}

fn toggle_param(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    let index = rng.usize(..model.params.len());
    let stage = &mut model.stages[place];
    match stage.params.contains(&index) {
        true => stage.params.retain(|param| *param != index),
        false => stage.params.push(index),
    }
    format!("{} reads the params {:?}", stage.name, stage.params)
}

fn add_stage(rng: &mut Rng, model: &mut Model) -> String {
    model.add_stage(rng);
    format!("a new {:?}", model.stages.last())
}

fn remove_stage(model: &mut Model, place: usize) -> String {
    if model.stages.len() == 1 {
        return "no stage is removed".into();
    }
    let removed = model.stages.remove(place);
    removed.outs.iter().for_each(|out| model.forget(&out.path));
    format!("{} is removed", removed.name)
}

fn rename_stage(model: &mut Model, place: usize) -> String {
    let former = model.stages[place].name.clone();
    let stage = &mut model.stages[place];
    stage.name = match former.strip_prefix("renamed-") {
        Some(name) => name.to_owned(),
        None => format!("renamed-{former}"),
    };
    let name = stage.name.clone();
    if model
        .stages
        .iter()
        .filter(|stage| stage.name == name)
        .count()
        > 1
    {
        model.stages[place].name = former;
        return "no stage is renamed".into();
    }
    format!("{former} is renamed to {name}")
}

fn add_out(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    model.add_out(rng, place);
    format!(
        "{} gets {:?}",
        model.stages[place].name,
        model.stages[place].outs.last()
    )
}

fn remove_out(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    let stage = &mut model.stages[place];
    if stage.outs.len() == 1 {
        return "no out is removed".into();
    }
    let removed = stage.outs.remove(rng.usize(..stage.outs.len()));
    model.forget(&removed.path);
    format!("{} is no out any more", removed.path)
}

fn turn_out(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    let outs = &mut model.stages[place].outs;
    let index = rng.usize(..outs.len());
    outs[index].is_folder = !outs[index].is_folder;
    outs[index].persist = false;
    let out = outs[index].clone();
    // Only the path inside the folder stops to exist; the path itself stays a dep of whom it was.
    model.forget(&format!("{}/n", out.path));
    format!("now {out:?}")
}

fn toggle_cache(rng: &mut Rng, model: &mut Model, place: usize) -> String {
    let outs = &mut model.stages[place].outs;
    let index = rng.usize(..outs.len());
    outs[index].cache = !outs[index].cache;
    format!("now {:?}", outs[index])
}

fn change_data_folder(rng: &mut Rng, model: &mut Model) -> String {
    let name = *rng
        .choice(&["data/x", "data/y", "data/n/z"])
        .expect("a name");
    match model.sources.remove(name) {
        Some(_) => model.forget(name),
        None => {
            model.sources.insert(name.to_owned(), Source::random(rng));
        }
    }
    let names: Vec<_> = model
        .sources
        .keys()
        .filter(|name| name.starts_with(DATA))
        .collect();
    format!("the data folder holds {names:?}")
}

/// Sets the time of every file of the project to one and the same, or writes each again as it is.
fn touch(rng: &mut Rng, project: &Project) -> String {
    let anew = rng.bool();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + rng.u64(..3));
    for (path, bytes) in project.files() {
        let path = project.path(&path);
        if anew {
            remove(&path);
            fs::write(&path, bytes).expect("write");
        } else {
            let file = File::options().append(true).open(&path).expect("open");
            file.set_modified(time).expect("touch");
        }
    }
    format!(
        "every file is {}",
        if anew { "written again" } else { "touched" }
    )
}

fn random_out(rng: &mut Rng, model: &Model) -> String {
    rng.choice(model.out_paths()).expect("an out")
}

/// An out that is removed before its stage executes; what lies there then does not matter.
fn replaced_out(rng: &mut Rng, model: &Model) -> Option<String> {
    let mut paths = model.out_paths();
    let persists = |path: &String| model.outs().any(|out| out.persist && out.path == *path);
    paths.retain(|path| !persists(path));
    rng.choice(paths)
}

fn delete_out(rng: &mut Rng, model: &Model, project: &Project) -> String {
    let path = random_out(rng, model);
    project.remove(&path);
    format!("{path} is deleted")
}

fn edit_out(rng: &mut Rng, model: &Model, project: &Project) -> String {
    let path = random_out(rng, model);
    let text = format!("edited {}\n", rng.u8(..3));
    match project.path(&path).is_dir() {
        false => project.write(&path, &text),
        true if rng.bool() => project.write(&format!("{path}/a"), &text),
        true => project.write(&format!("{path}/n/more"), &text),
    }
    format!("{path} is edited")
}

fn replace_out(rng: &mut Rng, model: &Model, project: &Project) -> String {
    let Some(path) = replaced_out(rng, model) else {
        return "every out persists".into();
    };
    let was_folder = project.path(&path).is_dir();
    project.remove(&path);
    match was_folder {
        true => project.write(&path, "a file now\n"),
        false => project.write(&format!("{path}/inner/file"), "a folder now\n"),
    }
    format!("{path} changes between file and folder")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("list").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn delete_objects(rng: &mut Rng, project: &Project) -> String {
    let objects = files_below(&project.path(".cache/objects-v1"));
    let deleted: Vec<_> = objects.iter().filter(|_| rng.bool()).collect();
    deleted.iter().for_each(|path| remove(path));
    format!("{} of {} objects are deleted", deleted.len(), objects.len())
}

/// Changes an object's bytes but neither its size nor its mode.
fn damage_object(rng: &mut Rng, project: &Project) -> String {
    let objects = files_below(&project.path(".cache/objects-v1"));
    let Some(path) = rng.choice(objects) else {
        return "there is no object to damage".into();
    };
    let mut bytes = fs::read(&path).expect("read");
    bytes.iter_mut().for_each(|byte| *byte ^= 1);
    overwrite(&path, &bytes);
    format!("the object {} is damaged", path.display())
}

fn delete_from_cache(rng: &mut Rng, project: &Project) -> String {
    let name = *rng
        .choice(&["", "/runs-v1", "/stat-v1", "/durations-v1", "/objects-v1"])
        .expect("a name");
    project.remove(&format!(".cache{name}"));
    format!(".cache{name} is deleted")
}

fn delete_lock_file(project: &Project) -> String {
    project.remove("pipeline.lock");
    "the lock file is deleted".into()
}
