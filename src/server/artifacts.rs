//! Artifacts through the server: upload, also in parts, download, list, delete.
//!
//! Paths are those of [`hpipe_track::ledger`]: what follows `mlflow-artifacts:/`. One that leads upwards is refused however
//! it is written. Bytes are streamed both ways, in threads that may wait for the disk.

use std::fs::File;
use std::future::poll_fn;
use std::io::Read;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hpipe_track::LedgerError;
use hpipe_track::ledger::{ArtifactWriter, StoredArtifact};
use http_body::{Frame, SizeHint};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::App;
use crate::answers::Told;
use crate::fault::{ErrorCode, Fault, json_response};
use crate::fields::{Fields, missing, unquote};
use crate::http::{respond, whole};

/// Bytes read from the disk at once, and pieces that may wait for a slow client.
const PIECE: usize = 128 * 1024;
const WAITING: usize = 4;

/// Bytes of a request about an upload in parts.
const LARGEST_REQUEST: usize = 4 * 1024 * 1024;

/// The folder of what registered versions hold.
const VERSIONS: &str = "registry";

/// The paths of artifacts, and what answers there.
pub(crate) fn router(app: &Arc<App>, prefix: &str) -> Router {
    let base = format!("{prefix}/2.0/mlflow-artifacts");
    let answering = |what: Kind| {
        let (app, base) = (app.clone(), base.clone());
        any(move |request: Request| async move {
            let done = answer(&app, &base, what, request).await;
            respond(&app, done)
        })
    };
    Router::new()
        .route(&format!("{base}/artifacts"), answering(Kind::Folder))
        .route(&format!("{base}/artifacts/"), answering(Kind::Folder))
        .route(
            &format!("{base}/artifacts/{{*path}}"),
            answering(Kind::File),
        )
        .route(&format!("{base}/mpu/{{*path}}"), answering(Kind::Upload))
        .route(
            &format!("{base}/presigned/{{*path}}"),
            answering(Kind::Presigned),
        )
}

/// What a path is about.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Folder,
    File,
    Upload,
    Presigned,
}

async fn answer(
    app: &Arc<App>,
    base: &str,
    kind: Kind,
    request: Request,
) -> Result<Response, Fault> {
    let rest = request.uri().path().strip_prefix(base).unwrap_or_default();
    let rest = rest.trim_start_matches('/').to_owned();
    match (kind, request.method().clone()) {
        (Kind::Folder, Method::GET) => list(app, request).await,
        (Kind::File, Method::GET) => download(app, &file_path(&rest)?).await,
        (Kind::File, Method::PUT) => upload(app, changeable(file_path(&rest)?)?, request).await,
        (Kind::File, Method::DELETE) => delete(app, changeable(file_path(&rest)?)?).await,
        (Kind::Upload, Method::POST | Method::PUT) => in_parts(app, base, &rest, request).await,
        (Kind::Presigned, _) => Err(Fault::new(
            ErrorCode::NotImplemented,
            "Presigned download is not supported for the current artifact repository",
        )),
        (_, method) => Err(Fault::new(
            ErrorCode::EndpointNotFound,
            format!("{method} means nothing for artifacts"),
        )),
    }
}

/// Takes a path whose bytes a client may change: what a registered version holds stays as it was verified.
fn changeable(path: String) -> Result<String, Fault> {
    match path.split('/').find(|part| !part.is_empty()) {
        Some(VERSIONS) => Err(Fault::invalid(format!(
            "Invalid path: {path} belongs to a registered version, which nobody changes"
        ))),
        _ => Ok(path),
    }
}

/// What follows `mlflow-artifacts:/` in a URI, with or without a host.
pub(crate) fn proxied_path(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("mlflow-artifacts:")?;
    match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').map(|(_, path)| path),
        None => Some(rest.trim_start_matches('/')),
    }
}

/// Takes a path that stays below where it begins; empty for the beginning itself.
///
/// It is looked at also as it would be decoded once more and again: somebody on the way may do so.
pub(crate) fn plain_path(path: &str) -> Result<String, LedgerError> {
    let refuse = || LedgerError::invalid(format!("Invalid path: {path}"));
    let mut seen = path.to_owned();
    for _ in 0..8 {
        let climbs = seen.split(['/', '\\']).any(|part| part == "..");
        let has_drive =
            seen.as_bytes().get(1) == Some(&b':') && seen.as_bytes()[0].is_ascii_alphabetic();
        if climbs || has_drive || seen.starts_with(['/', '\\']) || seen.contains('\0') {
            return Err(refuse());
        }
        match unquote(&seen, false) {
            Ok(decoded) if decoded != seen => seen = decoded,
            _ => return Ok(path.trim_end_matches('/').to_owned()),
        }
    }
    Err(refuse())
}

/// The path of an artifact in an address.
fn file_path(rest: &str) -> Result<String, Fault> {
    let rest = rest.strip_prefix("artifacts/").unwrap_or(rest);
    Ok(plain_path(&unquote(rest, false)?)?)
}

async fn blocking<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Fault> {
    let app = app.clone();
    let done = spawn_blocking(move || work(&app)).await;
    Ok(done.map_err(|_| Fault::lost())??)
}

fn done() -> Response {
    json_response(StatusCode::OK, "{}".to_owned())
}

async fn list(app: &Arc<App>, request: Request) -> Result<Response, Fault> {
    let fields = Fields::of_query(request.uri().query().unwrap_or_default())?;
    let folder = plain_path(fields.text("path")?.unwrap_or_default())?;
    let entries = blocking(app, move |app| {
        app.ledger.read(|r| r.list_artifacts(&folder))
    })
    .await?;
    let body = json!({"files": Told(entries.as_slice())});
    Ok(json_response(StatusCode::OK, body.to_string()))
}

async fn delete(app: &Arc<App>, path: String) -> Result<Response, Fault> {
    blocking(app, move |app| app.ledger.remove_artifacts(&path)).await?;
    Ok(done())
}

async fn download(app: &Arc<App>, path: &str) -> Result<Response, Fault> {
    let name = path
        .rsplit('/')
        .next()
        .unwrap_or(path)
        .replace(['"', '\\'], "_");
    let wanted = path.to_owned();
    let (file, size) = blocking(app, move |app| app.ledger.open_artifact(&wanted)).await?;
    let (sender, pieces) = mpsc::channel(WAITING);
    spawn_blocking(move || send(file, &sender));
    let is_shown_as_text = name.is_ascii();
    let disposition = match is_shown_as_text {
        true => format!("attachment; filename=\"{name}\""),
        false => "attachment".to_owned(),
    };
    // What people upload must not run as a page of this server.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let body = Body::new(Pieces { pieces, left: size });
    Ok((headers, body).into_response())
}

/// Reads a file piece by piece; ends when nobody listens any more.
fn send(mut file: File, sender: &mpsc::Sender<std::io::Result<Bytes>>) {
    loop {
        let mut piece = vec![0; PIECE];
        let read = match file.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => {
                piece.truncate(read);
                Ok(Bytes::from(piece))
            }
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if sender.blocking_send(read).is_err() || failed {
            return;
        }
    }
}

/// A body whose bytes come from another thread.
struct Pieces {
    pieces: mpsc::Receiver<std::io::Result<Bytes>>,
    left: u64,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = self.pieces.poll_recv(context);
        polled.map(|piece| {
            let piece = piece?;
            if let Ok(bytes) = &piece {
                self.left = self.left.saturating_sub(bytes.len() as u64);
            }
            Some(piece.map(Frame::data))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

async fn upload(app: &Arc<App>, path: String, request: Request) -> Result<Response, Fault> {
    let writer = receive(app, request.into_body()).await?;
    place(app, path, writer).await?;
    Ok(done())
}

/// Gives the bytes that were taken in a path, durably.
async fn place(app: &Arc<App>, path: String, writer: ArtifactWriter) -> Result<(), Fault> {
    blocking(app, move |app| {
        let (digest, size) = writer.finish()?;
        let stored = StoredArtifact { digest, size };
        app.ledger
            .write(move |change| change.place_artifact(&path, &stored))
    })
    .await
}

/// Takes in a body. One that breaks off leaves nothing.
async fn receive(app: &Arc<App>, mut body: Body) -> Result<ArtifactWriter, Fault> {
    let (sender, mut pieces) = mpsc::channel::<Bytes>(WAITING);
    let app = app.clone();
    let writing = spawn_blocking(move || {
        let mut writer = app.ledger.receive_artifact()?;
        while let Some(piece) = pieces.blocking_recv() {
            writer.write(&piece)?;
        }
        Ok::<_, LedgerError>(writer)
    });
    let mut broken = None;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let piece = match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => piece,
            Ok(Err(_)) => continue, // trailers
            Err(error) => {
                broken = Some(Fault::invalid(format!("The upload broke off: {error}")));
                break;
            }
        };
        if sender.send(piece).await.is_err() {
            break; // the writer has failed, and says so below
        }
    }
    drop(sender);
    let writer = writing.await.map_err(|_| Fault::lost())??;
    broken.map_or(Ok(writer), Err)
}

/// Uploads in parts: `mpu/create/FOLDER`, `mpu/part/ID/NUMBER`, `mpu/complete/FOLDER`, `mpu/abort/FOLDER`.
async fn in_parts(
    app: &Arc<App>,
    base: &str,
    rest: &str,
    request: Request,
) -> Result<Response, Fault> {
    let rest = rest.strip_prefix("mpu/").unwrap_or(rest);
    let (step, rest) = rest.split_once('/').unwrap_or((rest, ""));
    if step == "part" {
        return take_part(app, rest, request).await;
    }
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let address = format!("http://{host}{base}/mpu/part");
    let folder = plain_path(&unquote(rest, false)?)?;
    let fields = Fields::of_json(&whole(request.into_body(), LARGEST_REQUEST).await?)?;
    let file = Path::new(fields.required("path")?).file_name();
    let file = file
        .and_then(|name| name.to_str())
        .ok_or_else(|| missing("path"))?;
    let path = match folder.as_str() {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    };
    let path = changeable(plain_path(&path)?)?;
    match step {
        "create" => create(app, &address, path, &fields),
        "complete" => complete(app, path, &fields).await,
        "abort" => {
            app.uploads.take(fields.required("upload_id")?, &path)?;
            Ok(done())
        }
        _ => Err(Fault::new(
            ErrorCode::EndpointNotFound,
            format!("mpu/{step} means nothing"),
        )),
    }
}

fn create(app: &App, address: &str, path: String, fields: &Fields) -> Result<Response, Fault> {
    let count = fields.integer("num_parts")?.unwrap_or(1);
    let count = usize::try_from(count).unwrap_or_default();
    let id = hpipe_track::ledger::new_id()?;
    app.uploads.begin(id.clone(), path, count)?;
    let credentials = (1..=count).map(|number| {
        json!({"url": format!("{address}/{id}/{number}"), "part_number": number, "headers": {}})
    });
    let body = json!({"upload_id": id, "credentials": credentials.collect::<Vec<_>>()});
    Ok(json_response(StatusCode::OK, body.to_string()))
}

async fn take_part(app: &Arc<App>, rest: &str, request: Request) -> Result<Response, Fault> {
    let (id, number) = rest.split_once('/').unwrap_or((rest, ""));
    let number: usize = number
        .parse()
        .map_err(|_| Fault::invalid(format!("'{number}' is no number of a part")))?;
    let part = receive(app, request.into_body()).await?.park();
    let tag = format!("\"{}\"", part.digest().hex());
    app.uploads.add(id, number, part)?;
    Ok(([(header::ETAG, tag)], done()).into_response())
}

async fn complete(app: &Arc<App>, path: String, fields: &Fields<'_>) -> Result<Response, Fault> {
    let upload = app.uploads.take(fields.required("upload_id")?, &path)?;
    upload.check()?;
    let writer = blocking(app, move |app| {
        let mut writer = app.ledger.receive_artifact()?;
        for part in upload.parts.values() {
            writer.append(part)?;
        }
        Ok(writer)
    })
    .await?;
    place(app, path, writer).await?;
    Ok(done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_climb_are_refused_however_they_are_written() {
        for bad in [
            "..",
            "a/../b",
            "../a",
            "%2e%2e/a",
            "a/%2E%2e",
            "%252e%252e/a",
            "..%2fa",
            "a\\..\\b",
            "/etc",
            "%2fetc",
            "\\a",
            "C:/a",
            "c%3a/x",
            "a\0b",
            "%00",
        ] {
            assert!(plain_path(bad).is_err(), "{bad}");
        }
        for (good, expect) in [
            ("", ""),
            ("a/b", "a/b"),
            ("a/b/", "a/b"),
            ("..a", "..a"),
            ("100%", "100%"),
            ("a%20b", "a%20b"),
        ] {
            assert_eq!(plain_path(good).unwrap(), expect);
        }
    }

    #[test]
    fn the_path_follows_the_scheme() {
        for (uri, expect) in [
            ("mlflow-artifacts:/0/r/artifacts", Some("0/r/artifacts")),
            ("mlflow-artifacts://host:5000/0/r", Some("0/r")),
            ("s3://bucket/x", None),
        ] {
            assert_eq!(proxied_path(uri), expect);
        }
    }
}
