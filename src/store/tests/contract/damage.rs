//! Whatever is damaged in the cache is a warning and a miss, never a wrong result and never a stop.

use std::fs;

use hpipe_core::Content;
use hpipe_store::{Error, Published};

use crate::support::{Project, damages, digest, out, overwrite, path, record};

#[test]
fn a_damaged_object_is_not_restored_and_can_be_stored_again() {
    for size in [6, 3_000_000] {
        let project = Project::new();
        let good: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        project.write("a", &good);
        let content = project.commit("a");
        for bad in damages(&good) {
            overwrite(&project.object(&content), &bad);
            project.write("a", "what the user has");
            let restored = project.store.restore(&content, &path("a"));

            assert!(
                matches!(restored, Err(Error::NotInCache { .. })),
                "{restored:?}"
            );
            assert_eq!(project.read("a"), "what the user has");
            assert_eq!(project.store.take_warnings().len(), 1);
            assert!(!project.store.has(&content));

            project.write("a", &good);
            assert_eq!(project.commit("a"), content);
            project.store.restore(&content, &path("b")).unwrap();
            assert_eq!(fs::read(project.at("b")).unwrap(), good);
        }
    }
}

#[test]
fn a_damaged_folder_node_makes_the_folder_missing() {
    let project = Project::new();
    project.write("d/sub/a", "a");
    project.write("d/b", "b");
    let content = project.commit("d");
    let good = fs::read(project.object(&content)).unwrap();
    for bad in damages(&good) {
        overwrite(&project.object(&content), &bad);
        assert!(!project.store.has(&content));
        let restored = project.store.restore(&content, &path("e"));
        assert!(
            matches!(restored, Err(Error::NotInCache { .. })),
            "{restored:?}"
        );
        assert!(!project.at("e").exists(), "a half-made folder");
        assert!(!project.store.take_warnings().is_empty());
        assert_eq!(project.commit("d"), content);
        assert!(project.store.has(&content));
    }
}

#[test]
fn a_folder_with_a_damaged_file_leaves_what_is_there_untouched() {
    let project = Project::new();
    project.write("d/a", "aaa");
    project.write("d/b", "bbb");
    let wanted = project.commit("d");
    let b = project.content("d/b");
    overwrite(&project.object(&b), b"BBB");

    project.write("d/a", "mine");
    project.write("d/b", "mine too");
    let restored = project.store.restore(&wanted, &path("d"));
    assert!(
        matches!(restored, Err(Error::NotInCache { .. })),
        "{restored:?}"
    );
    assert_eq!(
        (project.read("d/a"), project.read("d/b")),
        ("mine".into(), "mine too".into())
    );
}

#[test]
fn a_damaged_run_record_counts_as_none_and_is_replaced() {
    let project = Project::new();
    let key = digest(1);
    let result = record(key, vec![out("a", Content::file(digest(4), 5, false))]);
    project.store.publish_run(&result, false).unwrap();
    let good = fs::read(project.run(&key)).unwrap();
    for bad in damages(&good) {
        overwrite(&project.run(&key), &bad);
        assert_eq!(project.store.run_record(&key), None);
        assert_eq!(project.store.take_warnings().len(), 1);
        assert_eq!(
            project.store.publish_run(&result, false).unwrap(),
            Published::New
        );
        assert_eq!(project.store.run_record(&key), Some(result.clone()));
        project.store.take_warnings();
    }
}

#[test]
fn a_run_record_under_another_key_counts_as_none() {
    let project = Project::new();
    project
        .store
        .publish_run(&record(digest(1), Vec::new()), false)
        .unwrap();
    fs::create_dir_all(project.run(&digest(2)).parent().unwrap()).unwrap();
    fs::copy(project.run(&digest(1)), project.run(&digest(2))).unwrap();
    assert_eq!(project.store.run_record(&digest(2)), None);
}

#[test]
fn a_damaged_memo_entry_counts_as_none_and_is_replaced() {
    let project = Project::new();
    let key = digest(1);
    for value in [&b"the loss of trial 7"[..], b""] {
        project.store.remember(&key, value, true).unwrap();
        let good = fs::read(project.memo(&key)).unwrap();
        let cut = (0..good.len()).map(|length| good[..length].to_vec());
        let flipped = (0..good.len() * 8).map(|bit| {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            bad
        });
        for bad in damages(&good).into_iter().chain(cut).chain(flipped) {
            overwrite(&project.memo(&key), &bad);
            assert_eq!(project.store.recall(&key), None, "{bad:x?}");
            assert_eq!(project.store.take_warnings().len(), 1);
            project.store.remember(&key, value, false).unwrap();
            assert_eq!(project.store.recall(&key).as_deref(), Some(value));
            project.store.take_warnings();
        }
    }
}

#[test]
fn many_damaged_memo_entries_are_one_warning() {
    let project = Project::new();
    for byte in 1..20 {
        project.store.remember(&digest(byte), b"x", false).unwrap();
        overwrite(&project.memo(&digest(byte)), b"");
        assert_eq!(project.store.recall(&digest(byte)), None);
    }
    let warnings = project.store.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].ends_with(".cache/memo-v1 are damaged; they count as missing"));
}

#[test]
fn a_memo_entry_under_another_key_counts_as_none() {
    let project = Project::new();
    project.store.remember(&digest(1), b"one", false).unwrap();
    fs::create_dir_all(project.memo(&digest(2)).parent().unwrap()).unwrap();
    fs::copy(project.memo(&digest(1)), project.memo(&digest(2))).unwrap();
    assert_eq!(project.store.recall(&digest(2)), None);
}

#[test]
fn a_damaged_stat_cache_counts_as_empty() {
    let mut project = Project::new();
    for i in 0..100 {
        project.write(&format!("d/{i}"), format!("{i}"));
    }
    settle(&project);
    let content = project.content("d");
    project.store.flush();
    let good = fs::read(project.at(".cache/stat-v1")).unwrap();
    for bad in damages(&good) {
        overwrite(&project.at(".cache/stat-v1"), &bad);
        project.reopen();
        assert_eq!(project.content("d"), content);
        assert_eq!(project.store.take_warnings().len(), 1);
        project.store.flush();
        project.reopen();
        assert_eq!(project.content("d"), content);
        assert_eq!(project.store.take_warnings(), Vec::<String>::new());
    }
}

/// Lets the file system's clock tick past the files just written.
fn settle(project: &Project) {
    let before = fs::metadata(project.at("d")).unwrap().modified().unwrap();
    loop {
        project.write("tick", "");
        if fs::metadata(project.at("tick"))
            .unwrap()
            .modified()
            .unwrap()
            > before
        {
            return;
        }
    }
}

#[test]
fn objects_of_the_wrong_size_are_not_had() {
    let project = Project::new();
    project.write("a", "abc");
    let content = project.commit("a");
    overwrite(&project.object(&content), b"");
    assert!(!project.store.has(&content));
    assert_eq!(project.commit("a"), content);
    assert!(project.store.has(&content));
}
