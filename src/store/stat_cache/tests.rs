//! The bytes on disk, and whom they are believed by. What is believed of files is tried in `tests/contract/stale.rs`.

use super::*;

const BOOT: Boot = [7; 16];

fn stat(size: u64, changed: i64) -> FileStat {
    FileStat {
        size,
        modified: changed,
        changed,
        inode: 11,
        device: 12,
    }
}

fn digest(byte: u8) -> Digest {
    Digest::blake3([byte; 32])
}

#[test]
fn the_bytes_are_as_laid_down() {
    let all = [
        (&b"a"[..], (stat(1, 2), digest(0xaa))),
        (&b"b/c"[..], (stat(3, 4), digest(0xbb))),
    ];
    let bytes = encode(&all.into(), BOOT, 5);
    let number = u64::to_le_bytes;
    let record = |end, size, time| [end, size, time, time, 11, 12].map(number).concat();
    let expect = [
        &b"hpipe\0S\x01"[..],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &BOOT,
        &number(5),
        &number(2),
        &number(4),
        &record(1, 1, 2),
        &[0xaa; 32],
        &record(4, 3, 4),
        &[0xbb; 32],
        b"ab/c",
    ]
    .concat();
    assert_eq!(bytes[..bytes.len() - CHECKSUM], expect);
    assert_eq!(bytes[expect.len()..], blake3::hash(&expect).as_bytes()[..]);
}

/// What a process finds that loads these bytes.
fn loaded(bytes: &[u8]) -> StatCache {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stat-v1");
    std::fs::write(&path, bytes).unwrap();
    let warnings = Warnings::default();
    let cache = StatCache::load(&path, &warnings);
    assert_eq!(warnings.take(), Vec::<String>::new());
    cache
}

#[test]
fn what_is_learned_is_found_again_among_what_was_known() {
    let cache = StatCache::default();
    for i in 0..1_000_u64 {
        cache.insert(format!("f{i}").as_bytes(), stat(i, 1), digest(i as u8));
    }
    let cache = loaded(&cache.changed_bytes(this_boot(), 10).unwrap());
    assert_eq!(cache.changed_bytes(this_boot(), 10), None);
    cache.insert(b"f7", stat(7, 2), digest(0xff));
    cache.insert(b"new", stat(0, 2), digest(0xee));
    let cache = loaded(&cache.changed_bytes(this_boot(), 10).unwrap());
    for i in (0..1_000_u64).filter(|i| *i != 7) {
        let path = format!("f{i}");
        assert_eq!(
            cache.get(path.as_bytes(), &stat(i, 1)),
            Some(digest(i as u8))
        );
    }
    assert_eq!(cache.get(b"f7", &stat(7, 1)), None);
    assert_eq!(cache.get(b"f7", &stat(7, 2)), Some(digest(0xff)));
    assert_eq!(cache.get(b"new", &stat(0, 2)), Some(digest(0xee)));
    assert_eq!(cache.get(b"", &stat(0, 2)), None);
    assert_eq!(cache.get(b"zzz", &stat(0, 2)), None);
}

#[test]
fn any_difference_of_the_state_is_a_miss() {
    let cache = StatCache::default();
    let known = stat(1, 2);
    cache.insert(b"a", known, digest(1));
    let cache = loaded(&cache.changed_bytes(this_boot(), 10).unwrap());
    assert_eq!(cache.get(b"a", &known), Some(digest(1)));
    for other in [
        FileStat { size: 2, ..known },
        FileStat {
            modified: 1,
            ..known
        },
        FileStat {
            changed: 1,
            ..known
        },
        FileStat { inode: 1, ..known },
        FileStat { device: 1, ..known },
    ] {
        assert_eq!(cache.get(b"a", &other), None, "{other:?}");
    }
}

#[test]
fn after_another_boot_what_was_changed_just_before_is_not_believed() {
    let now = 10 * WRITEBACK;
    let (old, young) = (stat(1, now - 2 * WRITEBACK), stat(2, now - WRITEBACK / 2));
    let cache = StatCache::default();
    cache.insert(b"old", old, digest(1));
    cache.insert(b"young", young, digest(2));
    let bytes = cache.changed_bytes(BOOT, now).unwrap();
    let cache = loaded(&bytes);
    assert_eq!(cache.get(b"old", &old), Some(digest(1)));
    assert_eq!(cache.get(b"young", &young), None);

    cache.insert(b"new", stat(3, now), digest(3));
    let cache = loaded(&cache.changed_bytes(this_boot(), now).unwrap());
    assert_eq!(cache.get(b"old", &old), Some(digest(1)));
    assert_eq!(cache.get(b"young", &young), None, "nor handed on");
}
