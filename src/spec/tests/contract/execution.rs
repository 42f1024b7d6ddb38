//! The keys that say how a stage is executed: what they mean, and what they may not say.

use std::time::Duration;

use hpipe_spec::{Execution, Resources, Retry, Track};
use insta::assert_snapshot;

use crate::support::{faults, pipeline, stage};

#[test]
fn all_keys() {
    let text = r#"
pools: {licence: 2, spare: "${places}"}
vars: [{places: 3, cpus: 4, name: gpu, minutes: 10, safe: true}]
stages:
  a:
    cmd: x
    resources: {cpus: "${cpus}", memory: 4GiB, gpus: 1}
    mutex: [db, "${name}", db]
    pool: licence
    timeout: ${minutes}m
    retry: {times: 3, delay: 1.5, backoff: 2}
    shell: bash  -eu
    sandbox: ${safe}
    executor: ${name}
    track: {experiment: "${name}", name: trial, tags: {rows: 3, note: }}
"#;
    let pipeline = pipeline(text, &[]);
    let pools: Vec<_> = pipeline
        .pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.size))
        .collect();
    assert_eq!(pools, [("licence", 2), ("spare", 3)]);
    let execution = pipeline.stages[0].execution();
    let resources = Resources {
        millicpus: Some(4000),
        memory: Some(4 << 30),
        gpus: Some(1),
    };
    assert_eq!(execution.resources, resources);
    let mutex: Vec<_> = execution.mutex.iter().map(|mutex| &*mutex.name).collect();
    assert_eq!(mutex, ["db", "gpu"]);
    assert_eq!(execution.pool.as_ref().unwrap().name, "licence");
    assert_eq!(execution.timeout, Some(Duration::from_secs(600)));
    let retry = Retry {
        times: 3,
        delay: Duration::from_millis(1500),
        backoff: 2.0,
    };
    assert_eq!(execution.retry, retry);
    let shell = execution.shell.as_ref().unwrap();
    assert_eq!(
        (shell.program.as_str(), &shell.arguments[..]),
        ("bash", &["-eu".to_owned()][..])
    );
    assert_eq!(execution.sandbox, Some(true));
    assert_eq!(execution.executor.as_ref().unwrap().name, "gpu");
    let tags = [("rows", "3"), ("note", "")];
    let track = Track {
        is_wanted: true,
        experiment: Some("gpu".to_owned()),
        name: Some("trial".to_owned()),
        tags: tags.map(|(key, value)| (key.into(), value.into())).into(),
    };
    assert_eq!(execution.track, Some(track));
}

#[test]
fn short_forms() {
    let text = "stages: {a: {cmd: x, mutex: db, retry: 3, timeout: 90, shell: [/my shell, -c x], resources: {cpus: 0.5}, sandbox: false, track: false}}";
    let execution = stage(text, &[]).execution().clone();
    assert_eq!(execution.mutex[0].name, "db");
    assert_eq!(execution.retry.times, 3);
    assert_eq!(execution.timeout, Some(Duration::from_secs(90)));
    assert_eq!(execution.resources.millicpus, Some(500));
    assert_eq!(execution.sandbox, Some(false));
    assert_eq!(execution.track, Some(Track::default()));
    let shell = execution.shell.unwrap();
    assert_eq!(
        (shell.program.as_str(), shell.arguments),
        ("/my shell", vec!["-c x".to_owned()])
    );
}

#[test]
fn nothing_said_is_the_default() {
    let text = "stages: {a: {cmd: x, resources: , mutex: [], retry: 0, pool: , timeout: , shell: , sandbox: , track: }}";
    let stage = stage(text, &[]);
    assert!(stage.execution.is_none());
    assert_eq!(stage.execution(), &Execution::default());
}

#[test]
fn instances_have_their_own() {
    let text = "stages:\n  a:\n    foreach: {x: 1m, y: 2m}\n    do: {cmd: x, timeout: \"${item}\", mutex: \"${key}\"}\n";
    let stages = pipeline(text, &[]).stages;
    let said: Vec<_> = stages
        .iter()
        .map(|stage| stage.execution())
        .map(|said| (said.timeout.unwrap().as_secs(), said.mutex[0].name.clone()))
        .collect();
    assert_eq!(said, [(60, "x".to_owned()), (120, "y".to_owned())]);
}

#[test]
fn memory_without_a_unit_is_a_slip() {
    let text = "stages: {a: {cmd: x, resources: {memory: 4}}, b: {cmd: x, resources: {memory: 4294967296}}}";
    assert_snapshot!(faults(text, &[]), @r"
    E003: `memory` in `resources` of stage `a` must be a size such as `4GiB` or `500MB`, not `4`
      pipeline.yaml:1:42 `4`
    ");
}

#[test]
fn what_does_not_fit_is_told() {
    let text = r#"
pools: {a: 0, b: x, c: [1]}
stages:
  a:
    cmd: x
    resources: {cpu: 1, cpus: 0, memory: 4G, gpus: 1.5}
    mutex: [1, ""]
    pool: [a]
    timeout: 10 minutes
    retry: {time: 3, delay: soon, backoff: 0.5}
    shell: ""
    sandbox: yes
    executor: {}
  b:
    cmd: x
    resources: 4
    mutex: {a: b}
    timeout: 0
    retry: -1
    shell: {a: b}
  c: {uses: train, shell: bash}
  d: {cmd: x, timeout: "${nothing}", resources: {memory: "${nothing}"}}
  e:
    foreach: [1, 2]
    timeout: 1
    do: {cmd: x, retry: often}
"#;
    assert_snapshot!(faults(text, &[]), @r#"
    E003: the size of pool `a` must be a whole number from 1, not `0`
      pipeline.yaml:2:12 `0`
    E003: the size of pool `b` must be a whole number from 1, not `x`
      pipeline.yaml:2:18 `x`
    E003: the size of pool `c` must be a whole number from 1, not a list
      pipeline.yaml:2:24 `[1]` this is a list
    E002: unknown key `cpu` in `resources` of stage `a`
      pipeline.yaml:6:17 `cpu`
      help: did you mean `cpus`?
    E003: `cpus` in `resources` of stage `a` must be a number above 0, to three digits, not `0`
      pipeline.yaml:6:31 `0`
    E003: `memory` in `resources` of stage `a` must be a size such as `4GiB` or `500MB`, not `4G`
      pipeline.yaml:6:42 `4G`
    E003: `gpus` in `resources` of stage `a` must be a whole number, not `1.5`
      pipeline.yaml:6:52 `1.5`
    E003: `mutex` of stage `a` must be a text, not a number
      pipeline.yaml:7:13 `1` this is a number
    E003: a name in `mutex` of stage `a` is empty
      pipeline.yaml:7:16 `\"\"`
      help: give it a name, or remove the key
    E003: `pool` of stage `a` must be a text, not a list
      pipeline.yaml:8:11 `[a]` this is a list
    E003: `timeout` of stage `a` must be a duration such as `90`, `10m` or `1h30m`, not `10 minutes`
      pipeline.yaml:9:14 `10 minutes`
    E005: `retry` of stage `a` does not say how often
      pipeline.yaml:10:5 `retry`
      help: add `times: 3`, or write `retry: 3`
    E002: unknown key `time` in `retry` of stage `a`
      pipeline.yaml:10:13 `time`
      help: did you mean `times`?
    E003: `delay` in `retry` of stage `a` must be a duration such as `90`, `10m` or `1h30m`, not `soon`
      pipeline.yaml:10:29 `soon`
    E003: `backoff` in `retry` of stage `a` must be a number from 1, not `0.5`
      pipeline.yaml:10:44 `0.5`
    E005: `shell` of stage `a` names no program
      pipeline.yaml:11:12 `\"\"`
      help: write it as `bash -e`, or remove the key
    E003: `sandbox` of stage `a` must be `true` or `false`, not a text
      pipeline.yaml:12:14 `yes` this is a text
    E003: `executor` of stage `a` must be a text, not a mapping
      pipeline.yaml:13:15 `{}` this is a mapping
    E003: `resources` of stage `b` must be a mapping with `cpus`, `memory` and `gpus`, not a number
      pipeline.yaml:16:16 `4` this is a number
    E003: `mutex` of stage `b` must be a text, not a mapping
      pipeline.yaml:17:12 `{a: b}` this is a mapping
    E003: `timeout` of stage `b` must be a duration such as `90`, `10m` or `1h30m`, not `0`
      pipeline.yaml:18:14 `0`
    E003: the number of retries of stage `b` must be a whole number, or a mapping `{times, delay, backoff}`, not `-1`
      pipeline.yaml:19:12 `-1`
    E003: `shell` of stage `b` must be a program with its arguments, as a text or a list, not a mapping
      pipeline.yaml:20:12 `{a: b}` this is a mapping
    E005: stage `c` has `shell` but no `cmd`
      pipeline.yaml:21:20 `shell`
      help: `shell` executes commands; a built-in stage needs none, so remove it
    E007: `nothing` is not defined
      pipeline.yaml:22:25 `${nothing}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E007: `nothing` is not defined
      pipeline.yaml:22:59 `${nothing}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E005: `timeout` of stage `e` stands beside `foreach`
      pipeline.yaml:25:5 `timeout`
      help: move it under `do`
    E003: the number of retries of stage `e` must be a whole number, or a mapping `{times, delay, backoff}`, not `often`
      pipeline.yaml:26:25 `often`
    "#);
}

#[test]
fn what_does_not_fit_a_run_is_told() {
    let text = r#"
stages:
  a: {cmd: x, track: often}
  b: {cmd: x, track: {experimnt: x, name: " ", tags: {a: [1]}}}
  c: {cmd: x, track: {tags: 1}}
"#;
    assert_snapshot!(faults(text, &[]), @r#"
    E003: `track` of stage `a` must be `true`, `false`, or a mapping with `experiment`, `name` and `tags`, not a text
      pipeline.yaml:3:22 `often` this is a text
    E002: unknown key `experimnt` in `track` of stage `b`
      pipeline.yaml:4:23 `experimnt`
      help: did you mean `experiment`?
    E003: `name` in `track` of stage `b` must be a text that is not empty, not ` `
      pipeline.yaml:4:43 `\" \"`
    E003: the tag `a` in `track` of stage `b` must be a text, a number or a boolean, not a list
      pipeline.yaml:4:58 `[1]` this is a list
    E003: `tags` in `track` of stage `c` must be a mapping of tags, not a number
      pipeline.yaml:5:29 `1` this is a number
    "#);
}
