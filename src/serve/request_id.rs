//! Ids of requests: the client's own, or one of ours.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderValue;

/// Characters of a client's id.
const LONGEST: usize = 128;

/// Makes ids that no other server has made.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that begin with 64 random bits.
    pub(crate) fn new(random: &str) -> Self {
        Self {
            prefix: random.chars().take(16).collect(),
            next: AtomicU64::new(0),
        }
    }

    /// The client's id, if it is one that can be told and kept; else a new one.
    pub(crate) fn of(&self, sent: Option<&HeaderValue>) -> HeaderValue {
        let is_fine = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
        };
        sent.filter(is_fine).cloned().unwrap_or_else(|| self.make())
    }

    fn make(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number:08x}", self.prefix);
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("?"))
    }
}
