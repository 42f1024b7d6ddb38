//! The stat cache never believes what could have changed unnoticed. Nothing here sleeps: files are changed at once, and
//! times set.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use hpipe_core::Content;

use crate::support::{Project, path};

/// The truth: what reading every byte says.
fn truth(project: &Project, name: &str) -> Content {
    let read = project.store.content_reread(&path(name));
    read.unwrap().unwrap()
}

#[test]
fn edits_of_equal_size_in_quick_succession_are_all_seen() {
    let project = Project::new();
    for i in 0..2_000 {
        project.write("a", format!("{i:08}"));
        assert_eq!(project.content("a"), truth(&project, "a"), "edit {i}");
        if i % 100 == 0 {
            project.store.flush();
        }
    }
}

#[test]
fn edits_in_place_between_flush_and_load_are_seen() {
    let mut project = Project::new();
    for i in 0..200 {
        project.write("d/a", format!("{i:08}"));
        assert_eq!(project.content("d"), truth(&project, "d"));
        project.store.flush();
        project.reopen();
        project.write("d/a", format!("{:08}", i + 1_000_000));
        assert_eq!(project.content("d"), truth(&project, "d"), "edit {i}");
    }
}

#[test]
fn a_restored_time_does_not_hide_a_change() {
    let mut project = Project::new();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let age = || {
        let file = File::options().write(true).open(project.at("a")).unwrap();
        file.set_times(FileTimes::new().set_modified(long_ago))
            .unwrap();
    };
    project.write("a", "one");
    age();
    let before = project.content("a");
    project.write("a", "two");
    age();
    let after = project.content("a");
    assert_ne!(before, after);
    assert_eq!(after, truth(&project, "a"));
    project.store.flush();
    project.reopen();
    assert_eq!(project.content("a"), after);
}

#[test]
fn a_replaced_file_of_equal_size_and_time_is_seen() {
    let project = Project::new();
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    for (name, text) in [("a", "one"), ("b", "two")] {
        project.write(name, text);
        File::options()
            .write(true)
            .open(project.at(name))
            .unwrap()
            .set_times(times)
            .unwrap();
    }
    project.content("a");
    project.content("b");
    fs::rename(project.at("b"), project.at("a")).unwrap();
    assert_eq!(project.content("a"), truth(&project, "a"));
}

/// The clock jumps: files get times far ahead, far back, and again those they had, between edits of equal size, in place and
/// by replacing, with and without another process in between. Whatever is remembered, it is never another file's digest.
#[test]
fn no_jump_of_the_clock_hides_a_change() {
    let mut project = Project::new();
    let hour = Duration::from_secs(3_600);
    let mut state = 1_u64;
    for i in 0..600_u32 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 33) as u32;
        let name = ["a", "d/a", "d/b"][random as usize % 3];
        let before = fs::metadata(project.at(name)).and_then(|found| found.modified());
        let text = format!("{i:08}");
        match random / 3 % 3 {
            0 => project.write(name, text),
            1 => {
                project.write("beside", text);
                fs::create_dir_all(project.at("d")).unwrap();
                fs::rename(project.at("beside"), project.at(name)).unwrap();
            }
            _ => {} // only its times change
        }
        let now = SystemTime::now();
        let jump = match random / 9 % 6 {
            0 => Some(now + hour),
            1 => Some(now - hour),
            2 => Some(SystemTime::UNIX_EPOCH),
            3 => before.ok(),
            _ => None,
        };
        if let (Some(time), Ok(file)) = (jump, File::options().write(true).open(project.at(name))) {
            file.set_modified(time).unwrap();
        }
        for path in ["a", "d"]
            .into_iter()
            .filter(|path| project.at(path).exists())
        {
            assert_eq!(
                project.content(path),
                truth(&project, path),
                "{path} after step {i}"
            );
        }
        if random.is_multiple_of(7) {
            project.store.flush();
            project.reopen();
        }
    }
}

#[test]
fn unchanged_files_are_not_read_again() {
    let mut project = Project::new();
    project.write("a", "abc");
    project.content("a");
    // Asked for again once the clock has ticked past it, it is remembered.
    let written = fs::metadata(project.at("a")).unwrap().modified().unwrap();
    loop {
        project.write("tick", "");
        if fs::metadata(project.at("tick"))
            .unwrap()
            .modified()
            .unwrap()
            > written
        {
            break;
        }
    }
    let content = project.content("a");
    project.store.flush();
    project.reopen();
    let stored = fs::read(project.at(".cache/stat-v1")).unwrap();
    assert!(
        stored
            .windows(32)
            .any(|bytes| bytes == content.digest.as_bytes())
    );
    assert_eq!(project.content("a"), content);
    project.store.flush();
    assert_eq!(
        fs::read(project.at(".cache/stat-v1")).unwrap(),
        stored,
        "nothing was learned"
    );
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again_or_refused() {
    let project = Project::new();
    project.write("a", vec![0; 3_000_000]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..40_u8 {
                project.write("a", vec![i; 3_000_000]);
            }
        });
        while !writer.is_finished() {
            if let Ok(Some(content)) = project.store.commit(&path("a")) {
                assert!(project.store.has(&content));
            }
        }
    });
    assert_eq!(project.content("a"), truth(&project, "a"));
}

/// What a disk that forgets, or a write through a mapping to memory, amounts to: times and size say nothing has changed.
#[test]
fn who_rereads_sees_what_no_time_tells() {
    let project = Project::new();
    project.write("a", "aaa");
    project.write("b", "bbb");
    let stat_cache = project.at(".cache/stat-v1");
    let mut bytes = Vec::new();
    while bytes.windows(32).filter(|part| is_digest_of(part)).count() < 2 {
        // Until the clock has ticked past the times of both.
        let store = project.another_store();
        store.content(&path("a")).unwrap();
        store.content(&path("b")).unwrap();
        store.flush();
        bytes = std::fs::read(&stat_cache).unwrap_or_default();
    }
    let truth = project.content("a");
    let at = bytes
        .windows(32)
        .position(|part| part == truth.digest.as_bytes())
        .unwrap();
    bytes[at] ^= 1;
    let body = bytes.len() - 32;
    let seal = *blake3::hash(&bytes[..body]).as_bytes();
    bytes[body..].copy_from_slice(&seal);
    std::fs::write(&stat_cache, &bytes).unwrap();

    let trusting = project.another_store();
    assert_ne!(
        trusting.content(&path("a")).unwrap(),
        Some(truth),
        "the lie is believed"
    );
    let rereading = project.another_store().rereading(true);
    assert_eq!(rereading.content(&path("a")).unwrap(), Some(truth));
    rereading.flush();
    // What was learned replaced the lie, and the rest is still known.
    assert_eq!(
        project.another_store().content(&path("a")).unwrap(),
        Some(truth)
    );
    let after = std::fs::read(&stat_cache).unwrap();
    assert_eq!(
        after.windows(32).filter(|part| is_digest_of(part)).count(),
        2
    );
}

fn is_digest_of(part: &[u8]) -> bool {
    ["aaa", "bbb"]
        .map(|text| *blake3::hash(text.as_bytes()).as_bytes())
        .iter()
        .any(|digest| digest == part)
}
