//! Fetching a file over HTTP: resumed where it broke off, verified against its checksum.
//!
//! The bytes gather in a file beside the out, `OUT.download`. It stays when the connection breaks, when the stage is
//! cancelled, and when a check fails afterwards, so that the next execution goes on from there; it goes when the stage
//! succeeds or the bytes turn out to be wrong. Files of any size are streamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hpipe_core::Progress;
use ureq::Agent;
use ureq::http::Response;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, RANGE};

use super::params::Source;
use crate::error::Error;

/// Attempts that bring nothing new before it is given up; one that brings bytes starts the count anew.
const ATTEMPTS: u32 = 4;

/// The pause before the second, third, … attempt in a row without a byte.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(3),
];

/// How long a server may take to accept, and then to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// How long one answer may take to arrive in full. What comes later comes by the next attempt, from where this one
/// ended; so a stalled connection costs minutes, not for ever.
const BODY: Duration = Duration::from_secs(300);

/// Why an attempt brought no complete file.
enum Broken {
    /// Another attempt may succeed.
    Retry(String),
    /// Another attempt would end the same way.
    Final(Error),
}

/// Fetches `source` into a file beside `out` and returns its path.
///
/// # Errors
/// [`Error::Fetch`] when the server refuses or the connection breaks too often, [`Error::WrongDigest`],
/// [`Error::WriteFile`], [`Error::Cancelled`].
pub(super) fn fetch(
    source: &Source,
    out: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let partial = beside(out);
    if have(&partial) > 0 && matches(source, &partial)?.is_none() {
        return Ok(partial);
    }
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(ANSWER))
        .timeout_recv_response(Some(ANSWER))
        .timeout_recv_body(Some(BODY))
        .build()
        .into();
    let mut barren = 0;
    loop {
        let before = have(&partial);
        match attempt(&agent, source, &partial, progress) {
            Ok(()) => break,
            Err(Broken::Final(error)) => return Err(error),
            Err(Broken::Retry(reason)) => {
                barren = if have(&partial) > before {
                    1
                } else {
                    barren + 1
                };
                if barren >= ATTEMPTS {
                    return Err(Error::Fetch {
                        url: source.url.clone(),
                        reason,
                    });
                }
                progress.log(&format!("{}: {reason}; trying again", source.url));
                std::thread::sleep(PAUSES[barren as usize - 1]);
            }
        }
    }
    match matches(source, &partial)? {
        None => Ok(partial),
        Some(found) => {
            forget(&partial)?;
            Err(Error::WrongDigest {
                url: source.url.clone(),
                expected: source.checksum.to_string(),
                found,
            })
        }
    }
}

/// Removes the file that [`fetch`] made.
///
/// # Errors
/// [`Error::WriteFile`].
pub(super) fn forget(partial: &Path) -> Result<(), Error> {
    fs::remove_file(partial).map_err(|source| unwritable(partial, source))
}

/// Asks for what is not there yet and appends it.
fn attempt(
    agent: &Agent,
    source: &Source,
    partial: &Path,
    progress: &dyn Progress,
) -> Result<(), Broken> {
    let start = have(partial);
    // bytes as they are: a range of a compressed answer would be another range
    let mut request = agent.get(&source.url).header(ACCEPT_ENCODING, "identity");
    if start > 0 {
        request = request.header(RANGE, format!("bytes={start}-"));
    }
    let response = request
        .call()
        .map_err(|error| Broken::Retry(error.to_string()))?;
    let status = response.status().as_u16();
    let start = match status {
        200 => 0,
        206 => start,
        // nothing after what is there: it is complete, or not what the server has
        416 => return restart_unless_complete(source, partial),
        408 | 429 | 500..600 => return Err(Broken::Retry(format!("the server answers {status}"))),
        _ => {
            return Err(Broken::Final(Error::Fetch {
                url: source.url.clone(),
                reason: format!("the server answers {}", response.status()),
            }));
        }
    };
    append(response, start, partial, progress)
}

fn append(
    response: Response<ureq::Body>,
    start: u64,
    partial: &Path,
    progress: &dyn Progress,
) -> Result<(), Broken> {
    let length = response.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|text| text.to_str().ok()?.parse::<u64>().ok());
    let total = length.map(|length| start + length);
    let disk = |source| Broken::Final(unwritable(partial, source));
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(partial)
        .map_err(disk)?;
    file.set_len(start).map_err(disk)?;
    let mut body = response.into_body().into_reader();
    let mut block = vec![0; 1 << 16];
    let mut done = start;
    loop {
        if progress.is_cancelled() {
            return Err(Broken::Final(Error::Cancelled));
        }
        match body.read(&mut block) {
            Ok(0) => break,
            Ok(count) => {
                file.write_all(&block[..count]).map_err(disk)?;
                done += count as u64;
                progress.report(done, total, "fetching");
            }
            Err(error) => return Err(Broken::Retry(format!("after {done} bytes: {error}"))),
        }
    }
    match total {
        Some(total) if done < total => Err(Broken::Retry(format!(
            "the connection ended after {done} of {total} bytes"
        ))),
        _ => Ok(()),
    }
}

fn restart_unless_complete(source: &Source, partial: &Path) -> Result<(), Broken> {
    match matches(source, partial).map_err(Broken::Final)? {
        None => Ok(()),
        Some(_) => {
            File::create(partial).map_err(|error| Broken::Final(unwritable(partial, error)))?;
            Err(Broken::Retry(
                "what was there is not what the server has".to_owned(),
            ))
        }
    }
}

/// None when the file has the expected checksum, else the one it has.
fn matches(source: &Source, partial: &Path) -> Result<Option<String>, Error> {
    let found = source
        .checksum
        .of(partial)
        .map_err(|error| unwritable(partial, error))?;
    Ok((found != source.checksum).then(|| found.to_string()))
}

fn unwritable(partial: &Path, source: io::Error) -> Error {
    Error::WriteFile {
        path: partial.to_owned(),
        source,
    }
}

/// Number of bytes fetched so far.
fn have(partial: &Path) -> u64 {
    fs::metadata(partial).map_or(0, |metadata| metadata.len())
}

fn beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".download");
    name.into()
}
