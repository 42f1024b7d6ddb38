//! The hash of bytes, together with the function that made it.

use std::fmt;
use std::str::FromStr;

/// A hash function a [`Digest`] can come from.
///
/// One today. The formats hold it all the same, so that a second one needs no new format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashFunction {
    /// BLAKE3 with 256 bits of output.
    Blake3,
}

impl HashFunction {
    /// The word for this function in text formats.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
        }
    }

    /// The byte for this function in binary formats.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Blake3 => 1,
        }
    }
}

/// The hash of some bytes: of a file, of a folder's node, of a fingerprint.
///
/// Written `blake3:` and 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    function: HashFunction,
    bytes: [u8; 32],
}

/// The text is no digest as [`Digest`] writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest; expected `blake3:` and 64 lowercase hex digits")]
pub struct ParseDigestError(String);

impl Digest {
    /// The digest BLAKE3 computed.
    pub const fn blake3(bytes: [u8; 32]) -> Self {
        Self {
            function: HashFunction::Blake3,
            bytes,
        }
    }

    /// The function that made it.
    pub const fn function(&self) -> HashFunction {
        self.function
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The 64 hex digits without the function's name.
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = self.bytes.iter().flat_map(|b| [b >> 4, b & 15]);
        digits.map(|d| DIGITS[usize::from(d)] as char).collect()
    }

    /// The first eight hex digits, enough for a person to tell two apart.
    pub fn short(&self) -> String {
        self.hex()[..8].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.function.name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}…", self.function.name(), self.short())
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let refuse = || ParseDigestError(text.to_owned());
        let hex = text.strip_prefix("blake3:").ok_or_else(refuse)?.as_bytes();
        if hex.len() != 64 {
            return Err(refuse());
        }
        let digit = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(refuse()),
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self::blake3(bytes))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_digest_agree() {
        let mut bytes = [0xab; 32];
        bytes[0] = 0x01;
        let digest = Digest::blake3(bytes);
        assert!(digest.to_string().starts_with("blake3:01abab"));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.short(), "01ababab");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "blake3:",
            "blake3:ab",
            "md5:00",
            &format!("blake3:{}", "G".repeat(64)),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
