//! What a digest alone leads back to.

use std::fs;

use hpipe_core::{Content, ContentKind};

use crate::support::{Project, digest, overwrite, path, snapshot};

/// Objects of all sizes that are read in different ways.
#[test]
fn a_file_comes_back_by_its_digest() {
    let project = Project::new();
    for bytes in [vec![], vec![7], vec![7; 100_000], vec![7; 5_000_000]] {
        project.write("file", &bytes);
        let content = project.commit("file");
        let stored = project.store.stored(&content.digest).unwrap();
        assert_eq!(stored, Some(content));
        project.store.restore(&content, &path("back")).unwrap();
        assert_eq!(fs::read(project.at("back")).unwrap(), bytes);
    }
}

#[test]
fn a_folder_comes_back_by_its_digest() {
    let project = Project::new();
    project.write("small/sub/x", "x");
    project.write("small/y", "y");
    fs::create_dir_all(project.at("empty")).unwrap();
    for i in 0..1_100 {
        project.write(&format!("indexed/{i}"), format!("{i}"));
    }
    for name in ["small", "empty", "indexed"] {
        let content = project.commit(name);
        let stored = project.store.stored(&content.digest).unwrap().unwrap();
        assert_eq!(stored, content);
        project.store.restore(&stored, &path("back")).unwrap();
        assert_eq!(
            snapshot(&project.at("back")),
            snapshot(&project.at(name)),
            "{name}"
        );
    }
}

#[test]
fn what_only_begins_like_a_folder_is_a_file() {
    let project = Project::new();
    project.write("d/a", "a");
    let folder = project.commit("d");
    let node = fs::read(project.object(&folder)).unwrap();
    project.write("file", &node[..node.len() - 1]);
    let file = project.commit("file");
    assert_eq!(project.store.stored(&file.digest).unwrap(), Some(file));
    assert_eq!(project.store.take_warnings(), Vec::<String>::new());
}

#[test]
fn a_folder_that_lacks_a_file_is_one_all_the_same() {
    let project = Project::new();
    project.write("d/a", "a");
    let (folder, file) = (project.commit("d"), project.commit("d/a"));
    fs::remove_file(project.object(&file)).unwrap();
    let stored = project.store.stored(&folder.digest).unwrap().unwrap();
    assert_eq!(stored.kind, ContentKind::Folder);
    let error = project.store.restore(&stored, &path("back")).unwrap_err();
    assert!(
        matches!(error, hpipe_store::Error::NotInCache { digest, .. } if digest == file.digest)
    );
    assert!(!project.at("back").exists());
}

#[test]
fn what_is_missing_or_damaged_is_not_stored() {
    let project = Project::new();
    assert_eq!(project.store.stored(&digest(1)).unwrap(), None);
    assert_eq!(project.store.take_warnings(), Vec::<String>::new());

    let damaged = |content: Content| {
        let object = project.object(&content);
        let mut bytes = fs::read(&object).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        overwrite(&object, &bytes);
        assert_eq!(project.store.stored(&content.digest).unwrap(), None);
        assert!(project.store.take_warnings()[0].contains("is damaged"));
        assert!(!object.exists(), "it is put aside");
    };
    project.write("d/a", "a");
    damaged(project.commit("d"));
    damaged(project.commit("d/a"));
    project.write("large", vec![7; 5_000_000]);
    damaged(project.commit("large"));
}
