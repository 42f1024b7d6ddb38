//! Whatever is damaged in the cache is found, and what can be mended is.

use std::fs;

use hpipe_store::{Mended, Reference, Referrer, Verification};

use crate::support::{Project, damages, digest, out, overwrite, path, record};

fn reference(project: &Project, name: &str) -> Reference {
    Reference {
        by: Referrer::Stage("make".to_owned()),
        path: path(name),
        content: project.commit(name),
    }
}

fn mended(found: &Verification) -> Vec<Option<Mended>> {
    found.faults.iter().map(|fault| fault.mended).collect()
}

#[test]
fn a_whole_cache_has_no_faults() {
    let project = Project::new();
    project.write("a", "aaa");
    project.write("d/b", "bbb");
    let references = [reference(&project, "a"), reference(&project, "d")];
    let outs = references
        .iter()
        .map(|one| out(one.path.as_str(), one.content));
    let made = record(digest(1), outs.collect());
    project.store.publish_run(&made, false).unwrap();
    project.store.remember(&digest(2), b"part", false).unwrap();
    project.store.flush();
    let found = project.store.verify(&references, false).unwrap();
    assert_eq!((found.objects.count, found.runs, found.memo), (3, 1, 1));
    assert!(!found.is_bad() && found.missing.is_empty(), "{found:?}");
    assert_eq!(found.incomplete_runs, 0);
}

#[test]
fn every_damage_of_an_object_is_found_and_mended_from_outs_in_place() {
    for size in [1, 1_100_000] {
        let project = Project::new();
        let good: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        project.write("a", &good);
        let references = [reference(&project, "a")];
        let content = references[0].content;
        for bad in damages(&good).into_iter().filter(|bad| *bad != good) {
            overwrite(&project.object(&content), &bad);
            let found = project.store.verify(&references, false).unwrap();
            assert_eq!(mended(&found), [None]);
            assert!(found.is_bad());
            assert_eq!(
                fs::read(project.object(&content)).unwrap(),
                bad,
                "only told"
            );

            let found = project.store.verify(&references, true).unwrap();
            assert_eq!(mended(&found), [Some(Mended::Recreated)]);
            assert!(!found.is_bad() && found.missing.is_empty());
            assert_eq!(fs::read(project.object(&content)).unwrap(), good);
        }
    }
}

#[test]
fn what_no_out_has_is_put_aside_and_missing() {
    let project = Project::new();
    project.write("d/a", "aaa");
    project.write("d/b", "bbb");
    let references = [reference(&project, "d")];
    let lost = project.content("d/b");
    overwrite(&project.object(&lost), b"BBB");
    project.write("d/b", "edited");
    let found = project.store.verify(&references, true).unwrap();
    assert_eq!(mended(&found), [Some(Mended::PutAside)]);
    assert_eq!(found.missing, references);
    assert!(found.is_bad());
    let aside = project.at(".cache/damaged").join(lost.digest.hex());
    assert_eq!(fs::read_to_string(aside).unwrap(), "BBB");
    // Once told and put aside it is no damage any more, but missing it stays.
    let found = project.store.verify(&references, true).unwrap();
    assert!(found.faults.is_empty() && !found.is_bad());
    assert_eq!(found.missing, references);
}

#[test]
fn a_folders_node_and_files_come_back_from_the_folder_in_place() {
    let project = Project::new();
    for i in 0..1500 {
        project.write(&format!("d/sub/{i}"), i.to_string());
    }
    let references = [reference(&project, "d")];
    let some = project.content("d/sub/77");
    for victim in [references[0].content, project.content("d/sub"), some] {
        fs::remove_file(project.object(&victim)).unwrap();
    }
    let found = project.store.verify(&references, false).unwrap();
    assert_eq!(found.missing, references);
    let found = project.store.verify(&references, true).unwrap();
    assert_eq!(found.stored_again, references);
    assert!(found.missing.is_empty() && project.store.has(&references[0].content));
}

#[test]
fn damaged_records_and_hints_are_found_and_removed() {
    let project = Project::new();
    let key = digest(1);
    let runs = record(key, Vec::new());
    project.write("a", "a");
    let age = |path: &std::path::Path| {
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
    };
    age(&project.at("a"));
    let write = |project: &Project| {
        project.store.publish_run(&runs, true).unwrap();
        project.store.remember(&key, b"part", true).unwrap();
        let files = [project.run(&key), project.memo(&key)];
        files.map(|path| (fs::read(&path).unwrap(), path))
    };
    for i in 0..2 {
        let (good, at) = write(&project)[i].clone();
        for bad in damages(&good) {
            write(&project);
            overwrite(&at, &bad);
            let found = project.store.verify(&[], false).unwrap();
            assert_eq!(mended(&found), [None], "{bad:?}");
            let found = project.store.verify(&[], true).unwrap();
            assert_eq!(mended(&found), [Some(Mended::Removed)]);
            assert!(!at.exists() && !found.is_bad());
            project.store.take_warnings();
        }
    }
    project.write(".cache/stat-v1", "damage");
    let found = project.store.verify(&[], true).unwrap();
    assert_eq!(mended(&found), [Some(Mended::Removed)]);
    assert!(!project.at(".cache/stat-v1").exists());
}

#[test]
fn a_record_of_what_is_gone_is_counted() {
    let project = Project::new();
    project.write("a", "aaa");
    let made = record(digest(1), vec![out("a", project.commit("a"))]);
    project.store.publish_run(&made, false).unwrap();
    fs::remove_file(project.object(&made.outs[0].content)).unwrap();
    let found = project.store.verify(&[], false).unwrap();
    assert_eq!((found.incomplete_runs, found.is_bad()), (1, false));
    let found = project.store.verify(&[], true).unwrap();
    assert_eq!(found.incomplete_runs, 0, "`a` still has it");
}
