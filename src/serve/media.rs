//! How bodies are written: of requests as the client says, of answers as it asks.

use hyper::header::{self, HeaderMap, HeaderName};

use crate::arrow::Container;
use crate::fault::Fault;

pub(crate) const JSON: &str = "application/json";
pub(crate) const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";
pub(crate) const ARROW_FILE: &str = "application/vnd.apache.arrow.file";

/// How a request's body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    /// As stream or as file: the bytes say which.
    Arrow,
}

/// How the body of a request is written.
///
/// # Errors
/// It is packed, or of a kind that is not read here.
pub(crate) fn format_of(headers: &HeaderMap) -> Result<Format, Fault> {
    let packed = headers.get(header::CONTENT_ENCODING);
    if packed.is_some_and(|how| !how.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let msg = "Content-Encoding should be identity: bodies are read as they come";
        return Err(unsupported("content_encoding", msg));
    }
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return Ok(Format::Json);
    };
    match essence(kind.as_bytes()) {
        // what curl says of `-d` when nobody tells it better
        kind if is(kind, JSON) || is(kind, "application/x-www-form-urlencoded") => Ok(Format::Json),
        kind if is(kind, "text/csv") || is(kind, "application/csv") => Ok(Format::Csv),
        kind if is(kind, ARROW_STREAM) || is(kind, ARROW_FILE) => Ok(Format::Arrow),
        _ => {
            let msg =
                format!("Content-Type should be {JSON}, text/csv, {ARROW_STREAM} or {ARROW_FILE}");
            Err(unsupported("media_type", msg))
        }
    }
}

/// What Arrow is answered in, where that is what the client asks for: the first kind we can write.
pub(crate) fn arrow_of(headers: &HeaderMap) -> Option<Container> {
    let of = |name: HeaderName| headers.get_all(name).into_iter();
    let kinds = of(header::ACCEPT).flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut known = kinds.filter_map(|kind| match essence(kind) {
        kind if is(kind, ARROW_STREAM) => Some(Some(Container::Stream)),
        kind if is(kind, ARROW_FILE) => Some(Some(Container::File)),
        kind if is(kind, JSON) || is(kind, "*/*") || is(kind, "application/*") => Some(None),
        _ => None,
    });
    known.next().flatten()
}

/// The kind that Arrow is in a container.
pub(crate) const fn of_container(container: Container) -> &'static str {
    match container {
        Container::Stream => ARROW_STREAM,
        Container::File => ARROW_FILE,
    }
}

fn unsupported(kind: &'static str, msg: impl Into<String>) -> Fault {
    let status = hyper::StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Fault::at(status, kind, msg, "header")
}

/// A kind of media without its parameters.
fn essence(kind: &[u8]) -> &[u8] {
    let end = kind.iter().position(|byte| *byte == b';');
    kind[..end.unwrap_or(kind.len())].trim_ascii()
}

fn is(kind: &[u8], known: &str) -> bool {
    kind.eq_ignore_ascii_case(known.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn the_first_kind_that_we_can_write_is_answered() {
        for (accept, expect) in [
            ("", None),
            ("*/*", None),
            ("application/json, application/vnd.apache.arrow.file", None),
            (
                "image/png, application/vnd.apache.arrow.file;q=1, */*",
                Some(Container::File),
            ),
            (
                "Application/vnd.apache.arrow.STREAM",
                Some(Container::Stream),
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(arrow_of(&headers), expect, "{accept}");
        }
    }
}
