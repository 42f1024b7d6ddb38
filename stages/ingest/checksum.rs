//! Checksums of fetched files, as users copy them from where they found the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sha2::Digest as _;

/// A hash function and the 64 hex digits it must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checksum {
    function: Function,
    hex: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Sha256,
    Blake3,
}

impl Function {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
        }
    }
}

impl FromStr for Checksum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || "must be `sha256:` or `blake3:` and 64 hex digits".to_owned();
        let (name, hex) = text.split_once(':').ok_or_else(refuse)?;
        let function = [Function::Sha256, Function::Blake3]
            .into_iter()
            .find(|function| function.name() == name)
            .ok_or_else(refuse)?;
        if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        Ok(Self {
            function,
            hex: hex.to_lowercase(),
        })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.function.name(), self.hex)
    }
}

impl Checksum {
    /// The checksum of a file, by the same function.
    pub(super) fn of(&self, path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let hex = match self.function {
            Function::Sha256 => {
                let mut hasher = sha2::Sha256::new();
                each_block(&mut file, |block| hasher.update(block))?;
                hasher
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect()
            }
            Function::Blake3 => {
                let mut hasher = blake3::Hasher::new();
                each_block(&mut file, |block| {
                    hasher.update(block);
                })?;
                hasher.finalize().to_hex().to_string()
            }
        };
        Ok(Self {
            function: self.function,
            hex,
        })
    }
}

fn each_block(file: &mut File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(()),
            length => take(&block[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_sha256sum_and_b3sum() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").expect("written");
        for known in [
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ] {
            let checksum: Checksum = known.parse().expect("a checksum");
            assert_eq!(checksum.of(&path).expect("read").to_string(), known);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "sha256",
            "sha256:ab",
            "md5:ba7816bf8f01cfea414140de5dae2223",
        ] {
            assert!(text.parse::<Checksum>().is_err(), "{text}");
        }
    }
}
