//! Bodies of requests, read whole within limits, and bodies of answers, which are whole already.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use crate::fault::Fault;

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Whole(Option<Bytes>);

impl Whole {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}

fn too_large(most: usize) -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("Body should have at most {most} bytes"),
    )
}

/// Reads a body; one that came in a single piece is not copied.
///
/// # Errors
/// When it has more than `most` bytes, or the client went away.
pub(crate) async fn whole(mut body: Incoming, most: usize) -> Result<Bytes, Fault> {
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    let mut first = Bytes::new();
    let mut more: Vec<u8> = Vec::new();
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let Some(frame) = frame else { break };
        let frame = frame
            .map_err(|_| Fault::new(StatusCode::BAD_REQUEST, "incomplete", "Body was cut short"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len().max(more.len()) + data.len() > most {
            return Err(too_large(most));
        }
        if first.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { first } else { more.into() })
}
