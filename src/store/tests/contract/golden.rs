//! The bytes of every format, as they were laid down: what is on users' disks must stay readable. A test that fails here
//! is answered with a new version of the format, not with new bytes.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use hpipe_core::Content;
use hpipe_store::AttemptEnd;

use crate::support::{
    Project, bare_entry, digest, full_entry, make_executable, out, path, record, stage,
};

#[test]
fn an_object_is_its_bytes_under_its_digest_and_read_only() {
    let project = Project::new();
    project.write("a.txt", "hello\n");
    let content = project.commit("a.txt");
    assert_eq!(
        content.digest.to_string(),
        "blake3:8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99"
    );
    let object = project.object(&content);
    assert_eq!(fs::read(&object).unwrap(), b"hello\n");
    assert_eq!(
        fs::metadata(&object).unwrap().permissions().mode() & 0o777,
        0o444
    );
}

#[test]
fn a_folder_node() {
    let project = Project::new();
    project.write("d/b.txt", "hello\n");
    project.write("d/a/run", "");
    make_executable(&project.at("d/a/run"));
    let content = project.commit("d");
    insta::assert_snapshot!(hex(&fs::read(project.object(&content)).unwrap()), @r##"
68 70 69 70 65 00 54 01 01 00 00 00 02 00 00 00
02 01 00 00 00 61 56 7a 0a d3 9d a4 56 94 ca c6
61 77 b6 93 c7 70 80 bd ec 8e 74 34 5d d3 79 08
36 d3 c4 be 0a 5e 40 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 05
00 00 00 62 2e 74 78 74 8e 4c 7c 1b 99 db fd 50
e7 a9 51 85 fe ad 5e e1 44 8f a9 04 a2 fd d7 78
ea f5 f2 db fd 62 9a 99 06 00 00 00 00 00 00 00
"##);
    assert_eq!((content.files, content.size), (2, 6));
}

/// Pins down where large folders are cut: another rule would give every one of them another digest.
#[test]
fn a_large_folder() {
    let project = Project::new();
    for i in 0..3_000 {
        project.write(&format!("d/{i}"), "");
    }
    let content = project.commit("d");
    insta::assert_snapshot!(
        format!("{} of {} bytes", content.digest, content.object_size),
        @"blake3:9f4e2b8bcf4b29577692985b4103a2f7dd9237c70f38e2f3f5989612dc7e8135 of 792 bytes"
    );
}

#[test]
fn a_run_record() {
    let project = Project::new();
    let outs = vec![
        out("models", project_folder()),
        out("metrics.json", Content::file(digest(4), 5, false)),
    ];
    project
        .store
        .publish_run(&record(digest(1), outs), false)
        .unwrap();
    insta::assert_snapshot!(fs::read_to_string(project.run(&digest(1))).unwrap(), @r##"
hpipe-run 1 blake3:b1511c4ca7d0775753fed9d61d410aa99bff3c60b640bccb7bebc89695efc645
{
  "key": "blake3:0101010101010101010101010101010101010101010101010101010101010101",
  "attempt": "20261122T101530.123456Z-7-0",
  "host": "host",
  "started_ms": 1795342530123,
  "duration_us": 12500000,
  "exit": 0,
  "log": {
    "digest": "blake3:0909090909090909090909090909090909090909090909090909090909090909",
    "size": 120
  },
  "outs": [
    {
      "path": "models",
      "kind": "folder",
      "digest": "blake3:0202020202020202020202020202020202020202020202020202020202020202",
      "object_size": 432,
      "size": 1000,
      "files": 3,
      "executable": false,
      "cached": true
    },
    {
      "path": "metrics.json",
      "kind": "file",
      "digest": "blake3:0404040404040404040404040404040404040404040404040404040404040404",
      "object_size": 5,
      "size": 5,
      "files": 1,
      "executable": false,
      "cached": true
    }
  ]
}
"##);
}

#[test]
fn a_memo_entry() {
    let project = Project::new();
    project
        .store
        .remember(&digest(0xab), b"trial 7: 0.25", false)
        .unwrap();
    insta::assert_snapshot!(hex(&fs::read(project.memo(&digest(0xab))).unwrap()), @r##"
68 70 69 70 65 00 4d 01 01 ab ab ab ab ab ab ab
ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab
ab ab ab ab ab ab ab ab ab c1 64 5c e3 c9 6d 61
0c 49 0d 50 0b 66 ff a6 1e 31 13 9c 9a be bb 0b
0a f8 a4 0e ea 69 bc cc 66 74 72 69 61 6c 20 37
3a 20 30 2e 32 35
"##);
}

fn project_folder() -> Content {
    full_entry().outs[0].content
}

#[test]
fn a_lock_file() {
    let project = Project::new();
    let lock = path("pipeline.lock");
    project
        .store
        .update_lock(&lock, |lock| {
            lock.stages
                .insert(stage("train@ridge"), full_entry().into());
            lock.stages.insert(
                stage("prepare"),
                bare_entry("python prepare.py --out data/clean.csv").into(),
            );
            lock.stages.insert(
                stage("report"),
                bare_entry("set -e\nfor i in 1 2; do\n  echo \"$i: x\"\ndone\n").into(),
            );
        })
        .unwrap();
    insta::assert_snapshot!(project.read("pipeline.lock"), @r##"
# Written by hpipe. Keep it in git; on a merge conflict take either side and run `hpipe repro`.
schema: hpipe/1
stages:
  prepare:
    key: blake3:0505050505050505050505050505050505050505050505050505050505050505
    cmd:
      - python prepare.py --out data/clean.csv
  report:
    key: blake3:0505050505050505050505050505050505050505050505050505050505050505
    cmd:
      - |
        set -e
        for i in 1 2; do
          echo "$i: x"
        done
  train@ridge:
    key: blake3:0101010101010101010101010101010101010101010101010101010101010101
    uses: split
    version: 3
    with:
      fractions: [0.6, 0.4]
      seed: 42
    wdir: sub
    env:
      HOME: null
      SEED: "1"
    deps:
      - path: data/raw.csv
        role: table
        digest: blake3:0303030303030303030303030303030303030303030303030303030303030303
        size: 77
        executable: true
      - path: src
        digest: blake3:0202020202020202020202020202020202020202020202020202020202020202
        size: 1000
        files: 3
        node: 432
    params:
      - file: params.yaml
        values:
          train.lr: 0.1
    outs:
      - path: models
        digest: blake3:0202020202020202020202020202020202020202020202020202020202020202
        size: 1000
        files: 3
        node: 432
        persist: true
      - path: metrics.json
        kind: metrics
        digest: blake3:0404040404040404040404040404040404040404040404040404040404040404
        size: 5
        cache: false
"##);
}

#[test]
fn durations() {
    let project = Project::new();
    let known = HashMap::from([(stage("train@ridge"), 1.25), (stage("a b"), 0.001)]);
    project.store.save_durations(&known);
    assert_eq!(
        project.read(".cache/durations-v1"),
        "hpipe-durations 1\n0.001 a b\n1.25 train@ridge\n"
    );
    assert_eq!(project.another_store().durations(), known);
}

#[test]
fn the_record_of_an_attempt() {
    let project = Project::new();
    let mut attempt = project.store.begin_attempt(&stage("sub/p.yaml:a")).unwrap();
    let mut log = attempt.log_file().unwrap();
    std::io::Write::write_all(&mut log, b"epoch 1\n").unwrap();
    let end = AttemptEnd {
        outcome: "failed".to_owned(),
        key: digest(1),
        seconds: 0.25,
    };
    project.store.finish_attempt(&mut attempt, &end).unwrap();
    let session = std::fs::read_dir(project.at(".cache/attempts-v1")).unwrap();
    let session = session.last().unwrap().unwrap().path();
    let journal = std::fs::read_to_string(session.join("journal")).unwrap();
    insta::assert_snapshot!(journal.replace(attempt.id(), "ID"), @r##"
    {"version":2,"attempt":"ID","began":{"stage":"sub/p.yaml:a","spool":0}}
    {"version":2,"attempt":"ID","ended":{"outcome":"failed","key":"blake3:0101010101010101010101010101010101010101010101010101010101010101","duration_us":250000}}
    "##);
    let log = format!(".cache/logs/sub%2Fp.yaml%3Aa/{}/output.log", attempt.id());
    assert_eq!(project.read(&log), "epoch 1\n");
}

/// Sixteen bytes a line.
fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| {
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(" ")
    };
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}
