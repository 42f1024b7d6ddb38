//! The bytes of a seal, and what becomes of damaged ones.

use hpipe_core::{Content, Digest, ProjectPath, StageName};
use proptest::prelude::*;

use super::file::{Condition, Kind, Seal, Value, encode};
use super::{DraftStage, Outside, SealedOutcome};
use crate::Store;
use crate::file_stat::FileStat;

const BOOT: [u8; 16] = [7; 16];

fn context() -> Digest {
    Digest::blake3([9; 32])
}

fn condition(kind: Kind, key: &[u8], byte: u8) -> Condition {
    Condition {
        kind,
        key: key.to_vec(),
        value: Value::of_digest(&Digest::blake3([byte; 32])),
    }
}

fn encoded() -> Vec<u8> {
    let stat = FileStat {
        size: 1,
        modified: 2,
        changed: 3,
        inode: 4,
        device: 5,
    };
    let conditions = [
        condition(Kind::Text, b"pipeline.yaml", 0xaa),
        Condition {
            kind: Kind::Stat,
            key: b"b".to_vec(),
            value: Value::of_stat(&stat),
        },
        condition(Kind::NoVariable, b"A", 0),
    ];
    let names = [StageName::known("s"), StageName::known("still")];
    let stage = |i: usize, outcome, conditions| DraftStage {
        name: &names[i],
        index: i as u32,
        place: 1 - i as u32,
        outcome,
        conditions,
    };
    let stages = [
        stage(0, SealedOutcome::UpToDate, Some(vec![1, 2])),
        stage(1, SealedOutcome::Frozen, Some(Vec::new())),
    ];
    encode(&conditions, &[0], &stages, &context(), BOOT)
}

#[test]
fn bytes_are_as_documented() {
    let bytes = encoded();
    let mut expected = Vec::new();
    expected.extend(b"hpipe\0Z\x02");
    expected.extend([7; 16]);
    expected.extend([9; 32]);
    for count in [3_u64, 2, 3, 1, 15, 6] {
        expected.extend(count.to_le_bytes());
    }
    let mut condition = |end: u32, kind: u8, value: &[u8]| {
        expected.extend(end.to_le_bytes());
        expected.extend([kind, 0, 0, 0]);
        expected.extend(value);
        expected.extend(vec![0; 40 - value.len()]);
    };
    let stat: Vec<u8> = (1..=5_u64).flat_map(u64::to_le_bytes).collect();
    condition(1, 7, &[0; 32]);
    condition(2, 1, &stat);
    condition(15, 2, &[0xaa; 32]);
    for stage in [[1_u32, 0, 3, 1, 1], [6, 1, 3, 2, 0]] {
        stage
            .iter()
            .for_each(|field| expected.extend(field.to_le_bytes()));
    }
    for reference in [2_u32, 1, 0] {
        expected.extend(reference.to_le_bytes());
    }
    expected.extend(b"Abpipeline.yaml");
    expected.extend(b"sstill");
    let checksum = blake3::hash(&expected);
    expected.extend(checksum.as_bytes());
    assert_eq!(bytes, expected);
}

#[test]
fn a_stage_holds_if_all_it_rests_on_does() {
    let outcomes = |broken: &[u8]| {
        let mut seal = Seal::parse(encoded()).unwrap();
        let holds = seal.check(|condition| condition.key != broken);
        holds.then(|| seal.stages().map(|stage| stage.outcome).collect::<Vec<_>>())
    };
    let (good, frozen) = (Some(SealedOutcome::UpToDate), Some(SealedOutcome::Frozen));
    assert_eq!(outcomes(b""), Some(vec![good, frozen]));
    assert_eq!(outcomes(b"b"), Some(vec![None, frozen]));
    assert_eq!(outcomes(b"A"), Some(vec![None, frozen]));
    assert_eq!(outcomes(b"pipeline.yaml"), None);
}

/// With a checksum that is right, so that only the form can tell.
fn with_checksum(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = blake3::hash(&body);
    body.extend(checksum.as_bytes());
    body
}

proptest! {
    #[test]
    fn damage_is_no_seal(at in 0..4096_usize, flip in 1..=255_u8, cut in 0..4096_usize) {
        let bytes = encoded();
        let mut flipped = bytes.clone();
        flipped[at % bytes.len()] ^= flip;
        prop_assert!(Seal::parse(flipped).is_none());
        prop_assert!(Seal::parse(bytes[..cut % bytes.len()].to_vec()).is_none());
    }

    #[test]
    fn no_bytes_make_it_panic(at in 56..4096_usize, bytes in proptest::collection::vec(any::<u8>(), 1..9)) {
        let good = encoded();
        let mut body = good[..good.len() - 32].to_vec();
        let at = at % body.len();
        for (byte, new) in body[at..].iter_mut().zip(bytes) {
            *byte = new;
        }
        if let Some(mut seal) = Seal::parse(with_checksum(body)) && seal.check(|_| true) {
            prop_assert!(seal.stages().count() == 2);
        }
    }
}

#[test]
fn what_contradicts_itself_is_not_sealed() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path(), &root.path().join(".cache")).unwrap();
    let mut draft = store.draft_seal();
    let path = ProjectPath::new("p.yaml");
    let (one, other) = (Digest::blake3([1; 32]), Digest::blake3([2; 32]));
    let first = draft.text(&path, Some(one));
    assert!(first.is_some());
    assert_eq!(draft.text(&path, Some(one)), first);
    assert_eq!(draft.text(&path, Some(other)), None);
}

#[test]
fn what_no_state_proves_is_not_sealed() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("f"), "text").unwrap();
    let store = Store::open(root.path(), &root.path().join(".cache")).unwrap();
    let mut draft = store.draft_seal();
    let absent = Content::file(Digest::blake3([1; 32]), 4, false);
    assert_eq!(draft.content(&ProjectPath::new("f"), &absent), None);
    assert_eq!(draft.content(&ProjectPath::new("none"), &absent), None);
}

#[test]
fn another_context_is_another_seal() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path(), &root.path().join(".cache")).unwrap();
    store.draft_seal().write("name", &context());
    let outside = Outside {
        variable: &|_| None,
        matters: &|_, _| true,
    };
    let found = |context| store.checked_seal("name", &context, &outside).is_some();
    assert!(found(context()));
    assert!(!found(Digest::blake3([8; 32])));
    assert!(store.take_warnings().is_empty());
}

/// A store with objects in it, and how many of the conditions of a seal on all of them had to be asked for.
struct Objects {
    root: tempfile::TempDir,
    store: Store,
    contents: Vec<Content>,
}

impl Objects {
    /// More than there are folders for them.
    const MANY: usize = 600;

    fn stored() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), &root.path().join(".cache")).unwrap();
        let commit = |i: usize| {
            let path = ProjectPath::new(&format!("{i}"));
            std::fs::write(root.path().join(path.as_str()), format!("{i}")).unwrap();
            store.commit(&path).unwrap().expect("a file")
        };
        let contents = (0..Self::MANY).map(commit).collect();
        Self {
            contents,
            root,
            store,
        }
    }

    /// Writes a seal of one stage that rests on all of them; `former` is one it may carry over.
    fn seal(&self, former: Option<&Seal>) {
        let mut draft = self.store.draft_seal();
        let conditions = match former {
            Some(former) => draft.carry(former, 0),
            None => {
                let objects = self.contents.iter().map(|content| draft.objects(content));
                let objects: Option<Vec<_>> = objects.collect();
                objects.map(|objects| objects.concat())
            }
        };
        let name = StageName::known("s");
        draft.stage(&name, (0, 0), SealedOutcome::UpToDate, conditions);
        draft.write("name", &context());
    }

    /// The seal, with what the stage came to.
    fn checked(&self) -> (Seal, Option<SealedOutcome>) {
        let outside = Outside {
            variable: &|_| None,
            matters: &|_, _| true,
        };
        let seal = self.store.checked_seal("name", &context(), &outside);
        let seal = seal.expect("a seal");
        let outcome = seal.stages().next().expect("a stage").outcome;
        (seal, outcome)
    }

    fn object(&self, i: usize) -> std::path::PathBuf {
        self.store.objects().path(self.contents[i].digest)
    }
}

fn shards(seal: &Seal) -> usize {
    seal.whole_shards().count()
}

#[test]
fn the_folders_of_objects_answer_for_them_until_one_is_taken() {
    let objects = Objects::stored();
    await_proof(&objects);
    objects.seal(None);
    let (seal, outcome) = objects.checked();
    let all = shards(&seal);
    assert_eq!(outcome, Some(SealedOutcome::UpToDate));
    assert!(all > 100, "{all}");

    // Carried over, they answer still.
    objects.seal(Some(&seal));
    let (seal, outcome) = objects.checked();
    assert_eq!(
        (shards(&seal), outcome),
        (all, Some(SealedOutcome::UpToDate))
    );

    // One that comes takes nothing but a shortcut.
    let beside = objects.object(0).with_file_name("beside");
    std::fs::write(beside, "").unwrap();
    let (seal, outcome) = objects.checked();
    assert_eq!(outcome, Some(SealedOutcome::UpToDate));
    assert!(shards(&seal) >= all - 1);

    std::fs::remove_file(objects.object(1)).unwrap();
    assert_eq!(objects.checked().1, None);
}

#[test]
fn what_was_taken_before_the_seal_is_not_vouched_for() {
    let objects = Objects::stored();
    for i in 0..10 {
        std::fs::remove_file(objects.object(i)).unwrap();
    }
    await_proof(&objects);
    objects.seal(None);
    let (seal, outcome) = objects.checked();
    assert_eq!(outcome, None);
    let missing: Vec<_> = (0..10)
        .map(|i| objects.contents[i].digest.as_bytes()[0])
        .collect();
    assert!(
        seal.whole_shards()
            .all(|(shard, _)| !missing.contains(&shard))
    );
}

/// Waits until the clock has ticked past all that was done.
fn await_proof(objects: &Objects) {
    let file = objects.root.path().join("last");
    std::fs::write(&file, "").unwrap();
    let stat = FileStat::new(&std::fs::metadata(&file).unwrap());
    loop {
        let reading = objects
            .store
            .clock
            .read(&objects.store.cache)
            .expect("a clock");
        if reading.is_after(&stat) {
            return;
        }
        std::thread::yield_now();
    }
}
