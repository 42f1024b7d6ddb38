//! The form of a seal on disk, read whole and searched in place.

use std::ops::Range;

use hpipe_core::Digest;

use super::{ConditionId, DraftStage, SealedOutcome};
use crate::file_stat::FileStat;
use crate::stat_cache::Boot;

/// `hpipe`, a zero byte, `Z` for seal, and the version.
const MAGIC: [u8; 8] = *b"hpipe\0Z\x02";

/// Magic, boot, context, and the numbers of conditions, stages, references, premises, bytes of keys, bytes of names.
const HEADER: usize = 8 + 16 + 32 + 6 * 8;

/// End of the key, kind and padding, value.
const CONDITION: usize = 4 + 4 + VALUE;

/// A stat or a digest.
const VALUE: usize = 5 * 8;

/// Of a value of names, what is for the names.
const NAMES: usize = 24;

/// End of the name, place in the pipeline, end of the references, outcome, place in the plan.
const STAGE: usize = 5 * 4;

/// The checksum at the end.
const CHECKSUM: usize = 32;

/// What a condition says of its key; the number is what stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    /// Nothing lies at the path.
    Absent = 0,
    /// What lies at the path is in this state, links followed.
    Stat = 1,
    /// The file at the path has this digest.
    Text = 2,
    /// A folder lies at the path, links followed.
    Folder = 3,
    /// A folder lies at the path, and no link to one.
    PlainFolder = 4,
    /// The path really is the one of this digest.
    Leads = 5,
    /// The variable has the value of this digest.
    Variable = 6,
    /// The variable is not set.
    NoVariable = 7,
    /// The object of this digest has so many bytes.
    Object = 8,
    /// The folder is in this state, or at least lists these names.
    Names = 9,
    /// The object of this digest, a folder's node, is in this state.
    Node = 10,
    /// The folder of the objects whose digests begin with this byte is in this state. Then all of them that the seal names
    /// are there, and need not be asked for one by one.
    Shard = 11,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Absent,
        Self::Stat,
        Self::Text,
        Self::Folder,
        Self::PlainFolder,
        Self::Leads,
        Self::Variable,
        Self::NoVariable,
        Self::Object,
        Self::Names,
        Self::Node,
        Self::Shard,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// What a condition compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value([u8; VALUE]);

impl Value {
    /// For a condition that says all by itself.
    pub(super) const NONE: Self = Self([0; VALUE]);

    pub(super) fn of_digest(digest: &Digest) -> Self {
        let mut value = Self::NONE;
        value.0[..32].copy_from_slice(digest.as_bytes());
        value
    }

    pub(super) fn of_size(size: u64) -> Self {
        let mut value = Self::NONE;
        value.0[..8].copy_from_slice(&size.to_le_bytes());
        value
    }

    /// What [`of_size`](Self::of_size) was made of.
    pub(super) fn size(&self) -> u64 {
        u64_at(&self.0, 0)
    }

    pub(super) fn of_stat(stat: &FileStat) -> Self {
        let mut value = Self::NONE;
        let fields = [
            stat.size,
            stat.modified.cast_unsigned(),
            stat.changed.cast_unsigned(),
            stat.inode,
            stat.device,
        ];
        for (room, field) in value.0.chunks_exact_mut(8).zip(fields) {
            room.copy_from_slice(&field.to_le_bytes());
        }
        value
    }
}

impl Value {
    /// A digest of names and, if it proves them, the state of the folder; each cut to what is enough.
    pub(super) fn of_names(names: &Digest, stat: Option<&FileStat>) -> Self {
        let mut value = Self::NONE;
        value.0[..NAMES].copy_from_slice(&names.as_bytes()[..NAMES]);
        if let Some(stat) = stat {
            let state = blake3::hash(&Self::of_stat(stat).0);
            value.0[NAMES..].copy_from_slice(&state.as_bytes()[..VALUE - NAMES]);
        }
        value
    }

    /// Whether two values of names are of the same names.
    pub(super) fn same_names(&self, other: &Self) -> bool {
        self.0[..NAMES] == other.0[..NAMES]
    }

    /// Whether two values of names are of the same state.
    pub(super) fn same_state(&self, other: &Self) -> bool {
        self.0[NAMES..] == other.0[NAMES..] && self.0[NAMES..] != [0; VALUE - NAMES]
    }
}

/// A condition in the making.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) kind: Kind,
    pub(super) key: Vec<u8>,
    pub(super) value: Value,
}

/// A condition in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'a [u8],
    pub(super) value: Value,
}

/// Writes a seal. Conditions are sorted by their keys, so that neighbours are asked for one after the other.
pub(super) fn encode(
    conditions: &[Condition],
    premises: &[ConditionId],
    stages: &[DraftStage<'_>],
    context: &Digest,
    boot: Boot,
) -> Vec<u8> {
    let of = |id: u32| &conditions[id as usize];
    let mut order: Vec<u32> = (0..).take(conditions.len()).collect();
    order.sort_unstable_by_key(|id| (&of(*id).key, of(*id).kind as u8));
    let mut place = vec![0_u32; conditions.len()];
    for (new, old) in (0..).zip(&order) {
        place[*old as usize] = new;
    }
    let refs = stages
        .iter()
        .flat_map(|stage| stage.conditions.iter().flatten());
    let refs: Vec<_> = premises.iter().chain(refs).collect();
    let counts = [
        conditions.len(),
        stages.len(),
        refs.len(),
        premises.len(),
        conditions.iter().map(|condition| condition.key.len()).sum(),
        stages.iter().map(|stage| stage.name.as_str().len()).sum(),
    ];
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(boot);
    bytes.extend(context.as_bytes());
    counts
        .iter()
        .for_each(|count| bytes.extend((*count as u64).to_le_bytes()));
    encode_conditions(&mut bytes, order.iter().map(|id| of(*id)));
    encode_stages(&mut bytes, stages, premises.len());
    refs.iter()
        .for_each(|id| bytes.extend(place[**id as usize].to_le_bytes()));
    order.iter().for_each(|id| bytes.extend(&of(*id).key));
    stages
        .iter()
        .for_each(|stage| bytes.extend(stage.name.as_str().as_bytes()));
    let checksum = blake3::hash(&bytes);
    bytes.extend(checksum.as_bytes());
    bytes
}

fn encode_conditions<'a>(bytes: &mut Vec<u8>, conditions: impl Iterator<Item = &'a Condition>) {
    let mut end = 0;
    for condition in conditions {
        end += condition.key.len() as u32;
        bytes.extend(end.to_le_bytes());
        bytes.extend([condition.kind as u8, 0, 0, 0]);
        bytes.extend(condition.value.0);
    }
}

fn encode_stages(bytes: &mut Vec<u8>, stages: &[DraftStage<'_>], premises: usize) {
    let (mut name_end, mut refs_end) = (0, premises as u32);
    for stage in stages {
        name_end += stage.name.as_str().len() as u32;
        refs_end += stage.conditions.as_ref().map_or(0, Vec::len) as u32;
        let outcome = match (&stage.conditions, stage.outcome) {
            (None, _) => 0,
            (Some(_), SealedOutcome::UpToDate) => 1,
            (Some(_), SealedOutcome::Frozen) => 2,
        };
        let fields = [name_end, stage.index, refs_end, outcome, stage.place];
        fields
            .iter()
            .for_each(|field| bytes.extend(field.to_le_bytes()));
    }
}

/// A seal that was read, and which of its conditions hold.
#[derive(Debug)]
pub struct Seal {
    bytes: Vec<u8>,
    conditions: usize,
    stages: usize,
    premises: usize,
    /// Where the references, the keys and the names start.
    starts: [usize; 3],
    holds: Vec<bool>,
}

/// A stage as a seal knows it.
#[derive(Debug, Clone, Copy)]
pub struct SealedStage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its place in the pipeline.
    pub index: usize,
    /// Its place in the plan.
    pub place: usize,
    /// What it came to, if everything it rests on is as it was.
    pub outcome: Option<SealedOutcome>,
}

impl Seal {
    /// Checks the form and the checksum; none when either is wrong. Nothing holds yet.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let body = bytes.len().checked_sub(CHECKSUM)?;
        if body < HEADER
            || bytes[..8] != MAGIC
            || blake3::hash(&bytes[..body]).as_bytes()[..] != bytes[body..]
        {
            return None;
        }
        let count = |i: usize| usize::try_from(u64_at(&bytes, HEADER - 48 + i * 8)).ok();
        let (conditions, stages, refs, premises) = (count(0)?, count(1)?, count(2)?, count(3)?);
        let stages_start = HEADER.checked_add(conditions.checked_mul(CONDITION)?)?;
        let refs_start = stages_start.checked_add(stages.checked_mul(STAGE)?)?;
        let keys_start = refs_start.checked_add(refs.checked_mul(4)?)?;
        let names_start = keys_start.checked_add(count(4)?)?;
        if names_start.checked_add(count(5)?)? != body || premises > refs {
            return None;
        }
        let seal = Self {
            bytes,
            conditions,
            stages,
            premises,
            starts: [refs_start, keys_start, names_start],
            holds: Vec::new(),
        };
        seal.is_consistent(refs).then_some(seal)
    }

    /// Whether everything lies where the records say. The checksum guards against damage; this against a writer with a
    /// fault.
    fn is_consistent(&self, refs: usize) -> bool {
        let [refs_start, keys_start, names_start] = self.starts;
        let body = self.bytes.len() - CHECKSUM;
        let kinds = (0..self.conditions)
            .all(|i| Kind::of(self.bytes[HEADER + i * CONDITION + 4]).is_some());
        let key_ends =
            (0..self.conditions).map(|i| u32_at(&self.bytes, HEADER + i * CONDITION) as usize);
        let name_ends = (0..self.stages).map(|i| self.stage_field(i, 0));
        let refs_ends = (0..self.stages).map(|i| self.stage_field(i, 2));
        let Ok(names) = std::str::from_utf8(&self.bytes[names_start..body]) else {
            return false;
        };
        kinds
            && runs(key_ends, 0, names_start - keys_start)
            && runs(name_ends.clone(), 0, names.len())
            && runs(refs_ends, self.premises, refs)
            && name_ends.into_iter().all(|end| names.is_char_boundary(end))
            && (0..refs)
                .all(|i| (u32_at(&self.bytes, refs_start + i * 4) as usize) < self.conditions)
    }

    pub(super) fn context(&self) -> &[u8] {
        &self.bytes[24..56]
    }

    pub(super) fn boot(&self) -> &[u8] {
        &self.bytes[8..24]
    }

    /// Asks of each condition whether it holds, premises first; false as soon as one of those does not.
    pub(super) fn check(&mut self, holds: impl Fn(Written<'_>) -> bool) -> bool {
        let mut answers = vec![None; self.conditions];
        for premise in self.refs(0..self.premises) {
            if !holds(self.condition(premise)) {
                return false;
            }
            answers[premise] = Some(true);
        }
        // A shard comes before its objects.
        let mut whole = None;
        let answer = |(i, known): (usize, Option<bool>)| {
            let condition = self.condition(i);
            let is_there =
                condition.kind == Kind::Object && whole == condition.key.first().copied();
            let answer = known.unwrap_or_else(|| is_there || holds(condition));
            if condition.kind == Kind::Shard && answer {
                whole = condition.key.first().copied();
            }
            answer
        };
        self.holds = answers.into_iter().enumerate().map(answer).collect();
        true
    }

    /// What everything rests on.
    pub(super) fn premises(&self) -> impl Iterator<Item = Written<'_>> {
        self.refs(0..self.premises).map(|i| self.condition(i))
    }

    /// The number of conditions.
    pub(super) const fn conditions(&self) -> usize {
        self.conditions
    }

    pub(super) fn condition(&self, i: usize) -> Written<'_> {
        let start = HEADER + i * CONDITION;
        let end = |i: usize| u32_at(&self.bytes, HEADER + i * CONDITION) as usize;
        let from = if i == 0 { 0 } else { end(i - 1) };
        let keys = self.starts[1];
        let mut value = Value::NONE;
        value
            .0
            .copy_from_slice(&self.bytes[start + 8..start + CONDITION]);
        Written {
            kind: Kind::of(self.bytes[start + 4]).unwrap_or(Kind::Absent),
            key: &self.bytes[keys + from..keys + end(i)],
            value,
        }
    }

    /// The shards that were found whole, with the state each is in.
    pub(super) fn whole_shards(&self) -> impl Iterator<Item = (u8, Value)> {
        let held = (0..self.conditions).filter(|i| self.holds[*i]);
        let conditions = held.map(|i| self.condition(i));
        let shards = conditions.filter(|condition| condition.kind == Kind::Shard);
        shards.filter_map(|shard| Some((*shard.key.first()?, shard.value)))
    }

    /// What a stage rests on besides the premises.
    pub(super) fn rests_on(&self, stage: usize) -> impl Iterator<Item = usize> + '_ {
        let from = match stage {
            0 => self.premises,
            later => self.stage_field(later - 1, 2),
        };
        self.refs(from..self.stage_field(stage, 2))
    }

    /// The stages, in the order in which they are reported.
    pub fn stages(&self) -> impl Iterator<Item = SealedStage<'_>> {
        (0..self.stages).map(|i| self.stage(i))
    }

    fn stage(&self, i: usize) -> SealedStage<'_> {
        let from = if i == 0 {
            0
        } else {
            self.stage_field(i - 1, 0)
        };
        let names = self.starts[2];
        let name = &self.bytes[names + from..names + self.stage_field(i, 0)];
        let outcome = match self.stage_field(i, 3) {
            1 => Some(SealedOutcome::UpToDate),
            2 => Some(SealedOutcome::Frozen),
            _ => None,
        };
        SealedStage {
            name: std::str::from_utf8(name).unwrap_or_default(),
            index: self.stage_field(i, 1),
            place: self.stage_field(i, 4),
            outcome: outcome.filter(|_| self.rests_on(i).all(|condition| self.holds[condition])),
        }
    }

    fn refs(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        range.map(|i| u32_at(&self.bytes, self.starts[0] + i * 4) as usize)
    }

    fn stage_field(&self, i: usize, field: usize) -> usize {
        let stages = HEADER + self.conditions * CONDITION;
        u32_at(&self.bytes, stages + i * STAGE + field * 4) as usize
    }
}

/// Whether ends never go back and lead from one place to another.
fn runs(mut ends: impl Iterator<Item = usize>, from: usize, to: usize) -> bool {
    ends.try_fold(from, |last, end| (end >= last).then_some(end)) == Some(to)
}

fn u64_at(bytes: &[u8], start: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[start..start + 8]);
    u64::from_le_bytes(field)
}

fn u32_at(bytes: &[u8], start: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[start..start + 4]);
    u32::from_le_bytes(field)
}
