//! The lock file once more, in a form that is read forty times as fast. Format page: `docs/formats/lock_mirror.md`.
//!
//! YAML is for people and for git; reading it takes some twenty microseconds a stage. So what was read or written is kept
//! in binary too, under `.cache/`, with the digest of the text it stands for: it is used only for exactly that text. It is
//! written at the end of a command that could not use one, and only where there is something to win.

use std::collections::BTreeMap;

use hpipe_core::{
    Content, ContentKind, Digest, HashFunction, Mapping, ProjectPath, StageName, Value,
};

use crate::lock_file::{LockAction, LockDep, LockEntry, LockFile, LockOut, LockParams};

/// `hpipe`, a zero byte, `L` for lock, and the version.
const MAGIC: [u8; 8] = *b"hpipe\0L\x01";

/// Separates these checksums from every other use of BLAKE3. Another version of hpipe may read a lock file otherwise.
const CONTEXT: &str = concat!("hpipe lock mirror of ", env!("CARGO_PKG_VERSION"));

/// The checksum at the end.
const CHECKSUM: usize = 32;

/// Values nested deeper than this are no mirror of ours: YAML is not read so deep.
const DEEPEST: usize = 300;

/// Writes what the text of `digest` says.
pub(crate) fn encode(digest: &Digest, lock: &LockFile) -> Vec<u8> {
    let mut writer = Writer(Vec::new());
    writer.0.extend(MAGIC);
    writer.digest(digest);
    writer.count(lock.stages.len());
    for (name, entry) in &lock.stages {
        writer.text(name.as_str());
        writer.entry(entry);
    }
    let checksum = checksum(&writer.0);
    writer.0.extend(checksum);
    writer.0
}

/// Reads what the text of `digest` says; none if this speaks of another text, or is damaged.
pub(crate) fn decode(bytes: &[u8], digest: &Digest) -> Option<LockFile> {
    let body = bytes.len().checked_sub(CHECKSUM)?;
    let mut reader = Reader(&bytes[..body]);
    let is_ours = reader.take(8)? == MAGIC && reader.digest()? == *digest;
    if !is_ours || checksum(&bytes[..body])[..] != bytes[body..] {
        return None;
    }
    let mut stages = BTreeMap::new();
    for _ in 0..reader.count()? {
        let name = StageName::known(reader.text()?);
        stages.insert(name, reader.entry()?);
    }
    reader.0.is_empty().then_some(LockFile { stages })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, n: usize) {
        self.0.extend((n as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    fn optional(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn digest(&mut self, digest: &Digest) {
        self.0.push(digest.function().tag());
        self.0.extend(digest.as_bytes());
    }

    fn entry(&mut self, entry: &LockEntry) {
        let LockEntry {
            key,
            action,
            wdir,
            env,
            deps,
            params,
            outs,
        } = entry;
        self.digest(key);
        self.action(action);
        self.text(wdir.as_str());
        self.count(env.len());
        for (name, value) in env {
            self.text(name);
            self.optional(value.as_deref());
        }
        self.count(deps.len());
        deps.iter().for_each(|dep| self.dep(dep));
        self.count(params.len());
        params.iter().for_each(|params| self.params(params));
        self.count(outs.len());
        outs.iter().for_each(|out| self.out(out));
    }

    fn action(&mut self, action: &LockAction) {
        match action {
            LockAction::Cmd(commands) => {
                self.0.push(0);
                self.count(commands.len());
                commands.iter().for_each(|command| self.text(command));
            }
            LockAction::Builtin {
                name,
                version,
                with,
            } => {
                self.0.push(1);
                self.text(name);
                self.0.extend(version.to_le_bytes());
                self.map(with);
            }
        }
    }

    fn dep(&mut self, dep: &LockDep) {
        let LockDep {
            path,
            role,
            content,
        } = dep;
        self.text(path.as_str());
        self.optional(role.as_deref());
        self.content(content);
    }

    fn params(&mut self, params: &LockParams) {
        let LockParams { file, values } = params;
        self.text(file.as_str());
        self.count(values.len());
        for (name, value) in values {
            self.text(name);
            self.value(value);
        }
    }

    fn out(&mut self, out: &LockOut) {
        let LockOut {
            path,
            role,
            kind,
            cached,
            persist,
            content,
        } = out;
        self.text(path.as_str());
        self.optional(role.as_deref());
        self.text(kind);
        self.flag(*cached);
        self.flag(*persist);
        self.content(content);
    }

    fn content(&mut self, content: &Content) {
        let Content {
            kind,
            digest,
            object_size,
            size,
            files,
            executable,
        } = content;
        self.flag(*kind == ContentKind::Folder);
        self.digest(digest);
        [object_size, size, files]
            .iter()
            .for_each(|n| self.0.extend(n.to_le_bytes()));
        self.flag(*executable);
    }

    fn map(&mut self, map: &Mapping) {
        self.count(map.len());
        for (key, value) in map.iter() {
            self.text(key);
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.push(0),
            Value::Bool(flag) => self.0.extend([1, u8::from(*flag)]),
            Value::Int(n) => {
                self.0.push(2);
                self.0.extend(n.to_le_bytes());
            }
            Value::Float(n) => {
                self.0.push(3);
                self.0.extend(n.to_bits().to_le_bytes());
            }
            Value::Text(text) => {
                self.0.push(4);
                self.text(text);
            }
            Value::List(items) => {
                self.0.push(5);
                self.count(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Map(map) => {
                self.0.push(6);
                self.map(map);
            }
        }
    }
}

/// Reads from the front; none at the end, or at what [`Writer`] does not write.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.count()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// None within is that there is no text.
    fn optional(&mut self) -> Option<Option<String>> {
        match self.flag()? {
            true => Some(Some(self.text()?.to_owned())),
            false => Some(None),
        }
    }

    fn digest(&mut self) -> Option<Digest> {
        let [function] = self.array()?;
        (function == HashFunction::Blake3.tag()).then_some(())?;
        Some(Digest::blake3(self.array()?))
    }

    fn path(&mut self) -> Option<ProjectPath> {
        Some(ProjectPath::new(self.text()?))
    }

    /// As many items as are announced.
    fn items<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        (0..count).map(|_| item(self)).collect()
    }

    fn entry(&mut self) -> Option<LockEntry> {
        Some(LockEntry {
            key: self.digest()?,
            action: self.action()?,
            wdir: self.path()?,
            env: self
                .items(|reader| Some((reader.text()?.to_owned(), reader.optional()?)))?
                .into_iter()
                .collect(),
            deps: self.items(Self::dep)?,
            params: self.items(Self::params)?,
            outs: self.items(Self::out)?,
        })
    }

    fn action(&mut self) -> Option<LockAction> {
        match self.flag()? {
            false => Some(LockAction::Cmd(
                self.items(|reader| Some(reader.text()?.to_owned()))?,
            )),
            true => Some(LockAction::Builtin {
                name: self.text()?.to_owned(),
                version: u32::from_le_bytes(self.array()?),
                with: self.map(0)?,
            }),
        }
    }

    fn dep(&mut self) -> Option<LockDep> {
        Some(LockDep {
            path: self.path()?,
            role: self.optional()?,
            content: self.content()?,
        })
    }

    fn params(&mut self) -> Option<LockParams> {
        Some(LockParams {
            file: self.path()?,
            values: self.items(|reader| Some((reader.text()?.to_owned(), reader.value(0)?)))?,
        })
    }

    fn out(&mut self) -> Option<LockOut> {
        Some(LockOut {
            path: self.path()?,
            role: self.optional()?,
            kind: self.text()?.to_owned(),
            cached: self.flag()?,
            persist: self.flag()?,
            content: self.content()?,
        })
    }

    fn content(&mut self) -> Option<Content> {
        Some(Content {
            kind: match self.flag()? {
                true => ContentKind::Folder,
                false => ContentKind::File,
            },
            digest: self.digest()?,
            object_size: self.number()?,
            size: self.number()?,
            files: self.number()?,
            executable: self.flag()?,
        })
    }

    fn map(&mut self, depth: usize) -> Option<Mapping> {
        let entry = |reader: &mut Self| Some((reader.text()?.to_owned(), reader.value(depth + 1)?));
        Some(self.items(entry)?.into_iter().collect())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        (depth < DEEPEST).then_some(())?;
        let [tag] = self.array()?;
        Some(match tag {
            0 => Value::Null,
            1 => Value::Bool(self.flag()?),
            2 => Value::Int(i128::from_le_bytes(self.array()?)),
            3 => Value::Float(f64::from_bits(self.number()?)),
            4 => Value::Text(self.text()?.to_owned()),
            5 => Value::List(self.items(|reader| reader.value(depth + 1))?),
            6 => Value::Map(self.map(depth)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "schema: hpipe/1
stages:
  a:
    key: blake3:0101010101010101010101010101010101010101010101010101010101010101
    cmd:
      - echo
    wdir: sub
    env:
      A: x
      B: null
    deps:
      - path: in
        digest: blake3:0202020202020202020202020202020202020202020202020202020202020202
        size: 3
        executable: true
      - path: folder
        role: rows
        digest: blake3:0303030303030303030303030303030303030303030303030303030303030303
        size: 4
        files: 2
        node: 90
    params:
      - file: params.yaml
        values:
          lr: 0.1
          large:
            \"!int\": \"36893488147419103232\"
          \"\": {a: [1, null, true], b: {c: text}}
    outs:
      - path: out
        kind: metrics
        digest: blake3:0202020202020202020202020202020202020202020202020202020202020202
        size: 3
        cache: false
        persist: true
  b:
    key: blake3:0404040404040404040404040404040404040404040404040404040404040404
    uses: train
    version: 3
    with: {trees: 5}
";

    fn lock() -> (Digest, LockFile) {
        let name = std::path::Path::new("pipeline.lock");
        let lock = crate::lock_format::parse(TEXT.as_bytes(), name).unwrap();
        (crate::file_hash::hash_bytes(TEXT.as_bytes()), lock)
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let (digest, lock) = lock();
        assert_eq!(decode(&encode(&digest, &lock), &digest), Some(lock));
        let empty = LockFile::default();
        assert_eq!(decode(&encode(&digest, &empty), &digest), Some(empty));
    }

    #[test]
    fn bytes_are_as_documented() {
        let digest = Digest::blake3([5; 32]);
        let entry = LockEntry {
            key: Digest::blake3([6; 32]),
            action: LockAction::Cmd(vec!["c".to_owned()]),
            wdir: ProjectPath::root(),
            env: BTreeMap::new(),
            deps: Vec::new(),
            params: Vec::new(),
            outs: Vec::new(),
        };
        let stages = [(StageName::known("s"), entry)].into();
        let bytes = encode(&digest, &LockFile { stages });
        let mut expected = b"hpipe\0L\x01\x01".to_vec();
        expected.extend([5; 32]);
        let one = 1_u64.to_le_bytes();
        expected.extend(
            [
                &one[..],
                &one,
                b"s",
                &[1],
                &[6; 32],
                &[0],
                &one,
                &one,
                b"c",
                &one,
                b".",
            ]
            .concat(),
        );
        expected.extend([0; 4 * 8]);
        assert_eq!(bytes[..bytes.len() - CHECKSUM], expected);
    }

    #[test]
    fn another_text_and_damage_are_a_miss() {
        let (digest, lock) = lock();
        let bytes = encode(&digest, &lock);
        assert_eq!(decode(&bytes, &Digest::blake3([0; 32])), None);
        for at in 0..bytes.len() {
            let mut harmed = bytes.clone();
            harmed[at] ^= 0x41;
            assert_eq!(decode(&harmed, &digest), None, "flipped at {at}");
            assert_eq!(decode(&bytes[..at], &digest), None, "cut at {at}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let (digest, lock) = lock();
        let bytes = encode(&digest, &lock);
        let body = &bytes[..bytes.len() - CHECKSUM];
        for at in 41..body.len() {
            let mut harmed = body.to_vec();
            harmed[at] = !harmed[at];
            let checksum = checksum(&harmed);
            harmed.extend(checksum);
            let _ = decode(&harmed, &digest); // it may read something, but it must come back
        }
    }
}
