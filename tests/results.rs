//! Results and what lies at their places: whatever a stage, another file or another process does meanwhile, nothing that was
//! made is lost, and nothing is taken for what it is not. Each test is a case in which something once was.

#![allow(clippy::disallowed_methods, reason = "tests play the user")]

mod support;

use support::{FifoLines, Live, Project, make_fifo, release};

/// A stage whose out cannot be kept does not begin: nothing is removed, and trying again is no way out.
#[test]
fn what_lies_at_outs_survives_a_stage_that_cannot_begin() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages:\n  make:\n    cmd: echo made > one\n    outs: [one, two]\n    retry: 3\n",
        ),
        ("one", "by hand\n"),
        ("two/mine", "by hand, too\n"),
    ]);
    std::os::unix::fs::symlink("nowhere", project.path("two/link")).expect("a link");
    let trace = project.repro([]);
    assert_eq!(
        (trace.exit, trace.ended("failed")),
        (Some(1), "make".into())
    );
    let mut notes = trace.events("stage_note");
    assert!(
        notes.all(|note| !note["text"].to_string().contains("again")),
        "{trace:#?}"
    );
    assert_eq!(project.read("one"), "by hand\n");
    assert_eq!(project.read("two/mine"), "by hand, too\n");
}

/// However a stage of a sub-folder is asked for, there is one cache, one lock file, and one reading of it.
#[test]
fn a_file_named_by_its_path_belongs_to_the_project_around_it() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages: {top: {cmd: cat sub/made > top, deps: [sub/made], outs: [top]}}",
        ),
        (
            "sub/pipeline.yaml",
            "stages: {make: {cmd: echo made > made, outs: [made]}}",
        ),
    ]);
    let named =
        support::Trace::of(&mut project.hpipe(["-f", "sub/pipeline.yaml", "repro", "--json"]));
    assert_eq!(named.done().executed(), "sub/pipeline.yaml:make");
    assert!(!project.path("sub/.cache").exists());
    assert_eq!(project.repro([]).done().executed(), "top");
    let again =
        support::Trace::of(&mut project.hpipe(["-f", "sub/pipeline.yaml", "repro", "--json"]));
    again.did_nothing("by its path");
    project.repro(["-P"]).did_nothing("by the project");
}

/// Two pipeline files of one folder have a lock file each.
#[test]
fn no_two_pipeline_files_share_a_lock_file() {
    let stage = |name: &str| format!("stages: {{{name}: {{cmd: echo > {name}, outs: [{name}]}}}}");
    let files = [
        "pipeline.yaml",
        "dvc.yaml",
        "pipeline.yml",
        "dvc.yml",
        "ci.yaml",
        "ci.yml",
    ];
    let project = Project::with(&[("dvc.lock", "schema: '2.0'\n")]);
    for (number, file) in files.iter().enumerate() {
        project.write(file, &stage(&format!("s{number}")));
    }
    let repro =
        |file: &str| support::Trace::of(&mut project.hpipe(["-f", file, "repro", "--json"]));
    for (number, file) in files.iter().enumerate() {
        assert_eq!(
            repro(file).done().executed(),
            format!("s{number}"),
            "{file}"
        );
    }
    for file in files {
        repro(file).did_nothing(file);
    }
    assert_eq!(project.read("dvc.lock"), "schema: '2.0'\n");
}

/// The lock file may name outs that the stage declares no more: they are not brought back, nor supposed to be there.
#[test]
fn outs_a_frozen_stage_declares_no_more_are_left_alone() {
    let stages = |outs: &str, rest: &str| {
        format!(
            "stages:\n  make:\n    cmd: echo a > a; echo b > b\n    outs: [{outs}]\n{rest}  use: {{cmd: cat a, deps: [a]}}\n"
        )
    };
    let project = Project::with(&[("pipeline.yaml", &stages("a, b", ""))]);
    project.repro([]).done();
    project.write("pipeline.yaml", &stages("a", "    frozen: true\n"));
    project.remove("a");
    project.remove("b");
    project.repro([]).done();
    assert_eq!(project.read("a"), "a\n");
    assert!(!project.path("b").exists());
}

/// Who began before a stage was added to the pipeline does not take away what others recorded of it.
#[test]
fn a_stage_added_meanwhile_keeps_its_entry() {
    let slow = "stages:\n  old: {cmd: echo > old, outs: [old]}\n  slow:\n    cmd: 'exec 3> told; echo ready >&3; read -r line < hold; echo > slow'\n    outs: [slow]\n";
    let project = Project::with(&[("pipeline.yaml", slow)]);
    make_fifo(&project.path("hold"));
    let told = FifoLines::listen(&project.path("told"));
    let early = Live::start(&mut project.hpipe(["repro", "--json", "-j", "1"]));
    assert_eq!(told.next().as_deref(), Some("ready"));
    let added = slow.replace(
        "  old: {cmd: echo > old, outs: [old]}\n",
        "  new: {cmd: echo > new, outs: [new]}\n",
    );
    project.replace("pipeline.yaml", &added);
    assert_eq!(project.repro(["new"]).done().executed(), "new");
    release(&project.path("hold"));
    assert_eq!(early.finish().0.code(), Some(0));
    let entries = project.read("pipeline.lock");
    assert!(entries.contains("  new:"), "{entries}");
    // What is in no pipeline any more leaves it at the next time.
    project.repro([]).did_nothing("all is recorded");
    let entries = project.read("pipeline.lock");
    assert!(
        !entries.contains("  old:") && entries.contains("  new:"),
        "{entries}"
    );
}

/// What is supposed to be there stays so when another process was at work.
#[test]
fn what_is_allowed_to_miss_may_miss_to_the_end() {
    let project = Project::with(&[(
        "pipeline.yaml",
        "stages:\n  a: {cmd: echo a > a, outs: [a]}\n  \
        x: {cmd: 'touch pipeline.lock; cp pipeline.lock t; mv t pipeline.lock; echo x > x', outs: [x], always_changed: true}\n  \
        z: {cmd: cat x > z, deps: [x], outs: [z], always_changed: true}\n  \
        b: {cmd: cat a z > b, deps: [a, z], outs: [b]}\n",
    )]);
    project.repro(["-j", "1"]).done();
    project.remove(".cache");
    project.remove("a");
    let trace = project.repro(["-j", "1", "--allow-missing"]);
    assert_eq!(trace.done().executed(), "x z", "{trace:#?}");
    assert_eq!(trace.ended("up_to_date"), "a b");
}

/// Data that was added counts as there, as far as its data file says what it is.
#[test]
fn added_data_may_miss_too() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages: {use: {cmd: tr r b < raw > used, deps: [raw], outs: [used]}}",
        ),
        ("raw", "raw\n"),
    ]);
    assert!(
        project
            .hpipe(["add", "raw"])
            .status()
            .expect("hpipe starts")
            .success()
    );
    project.repro([]).done();
    project.remove(".cache");
    project.remove("raw");
    for arguments in [&["--allow-missing", "--dry"][..], &["--allow-missing"]] {
        let trace = project.repro(arguments.iter().copied());
        assert_eq!(trace.done().ended("up_to_date"), "use", "{trace:#?}");
    }
    project.edit("pipeline.yaml", "tr r", "tr  r");
    let trace = project.repro(["--allow-missing"]);
    assert_eq!(
        (trace.ended("failed"), trace.executed()),
        ("use".into(), String::new())
    );
}

/// A pipeline file in what another file's stage makes is no file of the project, whichever of them is found first.
#[test]
fn what_a_stage_makes_holds_no_pipeline_of_the_project() {
    for (maker, made) in [("a", "b"), ("b", "a")] {
        let project = Project::new();
        let copies = format!(
            "stages: {{copy: {{cmd: 'mkdir -p ../{made}; cp pipeline.yaml ../{made}/', outs: [../{made}]}}}}"
        );
        project.write("pipeline.yaml", "");
        project.write(&format!("{maker}/pipeline.yaml"), &copies);
        project.write(
            &format!("{made}/pipeline.yaml"),
            "stages: {no: {cmd: 'false'}}",
        );
        let copy = format!("{maker}/pipeline.yaml:copy");
        assert_eq!(project.repro(["-P"]).done().executed(), copy);
        project.repro(["-P"]).did_nothing(maker);
    }
}

/// A fault of one file of a sub-folder is its own: the rest goes on.
#[test]
fn a_fault_within_one_file_blocks_no_other() {
    let project = Project::with(&[
        (
            "pipeline.yaml",
            "stages: {top: {cmd: echo > top, outs: [top]}}",
        ),
        (
            "sub/pipeline.yaml",
            "stages: {own: {cmd: 'true', deps: [x], outs: [x]}}",
        ),
    ]);
    assert_eq!(project.repro([]).done().executed(), "top");
    assert_eq!(project.repro(["-P"]).errors("kind"), "dep_is_out");
}

/// A result stands though its log cannot be kept, and though the run cache cannot be told.
#[test]
fn a_result_outlives_what_cannot_be_noted_of_it() {
    for (folder, exit) in [("logs", 0), ("runs-v1", 4)] {
        let project = Project::with(&[(
            "pipeline.yaml",
            "stages: {make: {cmd: 'sh spoil; echo printed; echo made > made', outs: [made]}}",
        )]);
        project.write(
            "spoil",
            &format!("rm -rf .cache/{folder}; echo > .cache/{folder}"),
        );
        let trace = project.repro([]);
        assert_eq!(
            (trace.exit, trace.ended("ran")),
            (Some(exit), "make".into()),
            "{trace:#?}"
        );
        project.remove(&format!(".cache/{folder}"));
        project.repro([]).did_nothing(folder);
    }
}

/// A pipeline file is read once; from then on its mirror stands for it, as long as every text is the same.
#[test]
fn a_mirror_of_the_pipeline_says_what_its_texts_say() {
    let note = "# A line that makes the file long enough to have a mirror.\n".repeat(20);
    let pipeline = |of: &str| {
        let stages =
            "stages:\n  a: {cmd: 'cat in > a; echo ${word} >> a', deps: [in], outs: [a]}\n";
        format!(
            "{note}vars: [words.yaml]\n{stages}  b: {{cmd: cat {of} > b, deps: [{of}], outs: [b]}}\n"
        )
    };
    let project = Project::with(&[
        ("pipeline.yaml", &pipeline("a")),
        ("words.yaml", "word: one\n"),
        ("in", "1\n"),
    ]);
    let mirrors = project.path(".cache/pipeline-mirrors-v1");
    assert_eq!(project.repro([]).done().executed(), "a b");
    let mirror = std::fs::read_dir(mirrors)
        .expect("a folder of mirrors")
        .next();
    let mirror = mirror
        .expect("one mirror")
        .expect("it can be listed")
        .path();
    let whole = std::fs::read(&mirror).expect("a mirror");

    project.write("in", "2\n");
    assert_eq!(project.repro([]).done().executed(), "a b");
    assert_eq!(
        std::fs::read(&mirror).expect("a mirror"),
        whole,
        "it was of use"
    );
    project.write("words.yaml", "word: two\n");
    assert_eq!(project.repro([]).done().executed(), "a b");
    assert_eq!(project.read("b"), "2\ntwo\n");
    project.write("pipeline.yaml", &pipeline("in"));
    assert_eq!(project.repro([]).done().executed(), "b");
    assert_eq!(project.read("b"), "2\n");

    let other = std::fs::read(&mirror).expect("a mirror");
    for harmed in [&other[..other.len() / 2], &vec![0; other.len()], &whole] {
        std::fs::write(&mirror, harmed).expect("a mirror");
        project.write("in", &format!("{}\n", harmed.len()));
        assert_eq!(project.repro([]).done().executed(), "a b");
        assert_eq!(
            std::fs::read(&mirror).expect("a mirror"),
            other,
            "it was mended"
        );
    }

    // Places in the text are known from the mirror too.
    std::fs::remove_file(project.path("in")).expect("it is there");
    let refused = project.hpipe(["repro"]).output().expect("hpipe starts");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("pipeline.yaml:23:"), "{told}");
}
