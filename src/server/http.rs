//! From requests to calls, and from answers to responses.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use hpipe_track::ledger::{Change, Result as Recorded};
use serde_json::json;
use tokio::sync::oneshot;

use crate::api::{Call, ROUTES};
use crate::fault::{ErrorCode, Fault, json_response};
use crate::fields::Fields;
use crate::{App, MLFLOW_VERSION, artifacts};

/// Bytes of a request that is no artifact.
const LARGEST_REQUEST: usize = 64 * 1024 * 1024;

/// Bytes of a batch of metrics, params and tags, as in MLflow.
const LARGEST_BATCH: usize = 1_000_000;

/// Everything that is answered.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/health", get(|| async { "OK" }))
        .route("/version", get(|| async { MLFLOW_VERSION }));
    for prefix in ["/api", "/ajax-api"] {
        for route in ROUTES {
            let path = format!("{prefix}/2.0/mlflow{}", route.path);
            for method in route.methods.split(' ') {
                router = router.route(&path, answering(&app, method, route.path, route.call));
            }
        }
        router = router
            .route(
                &format!("{prefix}/3.0/mlflow/server-info"),
                get(server_info),
            )
            .merge(artifacts::router(&app, prefix));
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
}

fn answering(app: &Arc<App>, method: &str, path: &'static str, call: Call) -> MethodRouter {
    let filter = match method {
        "GET" => MethodFilter::GET,
        "PATCH" => MethodFilter::PATCH,
        "DELETE" => MethodFilter::DELETE,
        _ => MethodFilter::POST,
    };
    let app = app.clone();
    on(
        filter,
        move |words: RawPathParams, request: Request| async move {
            let done = answer(&app, path, call, &words, request).await;
            respond(&app, done.map(|body| json_response(StatusCode::OK, body)))
        },
    )
}

/// Turns a fault into a response, and reports one that is ours.
pub(crate) fn respond(app: &App, done: Result<Response, Fault>) -> Response {
    done.unwrap_or_else(|fault| {
        if fault.is_ours() {
            (app.report)(&fault.message);
        }
        fault.into_response()
    })
}

async fn answer(
    app: &Arc<App>,
    path: &str,
    call: Call,
    words: &RawPathParams,
    request: Request,
) -> Result<String, Fault> {
    let fields = fields(path, words, request).await?;
    let is_log = matches!(call, Call::Log(_));
    match call {
        Call::Read(call) => {
            let answer = reading(app, move |app| {
                app.ledger.read(|records| call(records, &fields)) // here, where it may take its time
            });
            Ok(answer.await??)
        }
        Call::Whole(call) => {
            let answer = reading(app, move |app| call(&app.ledger, &fields));
            Ok(answer.await??)
        }
        Call::Write(call) | Call::Log(call) => {
            let (sender, receiver) = oneshot::channel::<Recorded<String>>();
            let work = move |change: &Change<'_>| call(change, &fields);
            let reply = move |result| drop(sender.send(result)); // a client that went away asks no more
            match is_log {
                true => app.ledger.submit_soon(work, reply),
                false => app.ledger.submit(work, reply),
            }
            Ok(receiver.await.map_err(|_| Fault::lost())??)
        }
    }
}

/// Does what blocks, of which only so much at once.
async fn reading<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> T + Send + 'static,
) -> Result<T, Fault> {
    let _permit = app.searches.acquire().await.map_err(|_| Fault::lost())?;
    let app = app.clone();
    let work = tokio::task::spawn_blocking(move || work(&app));
    work.await.map_err(|_| Fault::lost())
}

/// The fields of a request: of the query if it is a GET with one, else of the body; and of the path.
async fn fields(
    path: &str,
    words: &RawPathParams,
    request: Request,
) -> Result<Fields<'static>, Fault> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let is_query = request.method() == Method::GET && !query.is_empty();
    let mut fields = if is_query {
        Fields::of_query(&query)?
    } else {
        if request.method() == Method::POST {
            check_kind(request.headers())?;
        }
        let body = whole(request.into_body(), LARGEST_REQUEST).await?;
        if path == "/runs/log-batch" && body.len() > LARGEST_BATCH {
            return Err(Fault::invalid(format!(
                "Batched logging API requests must be at most {LARGEST_BATCH} bytes, got a request of size {}.",
                body.len()
            )));
        }
        Fields::of_json(&body)?
    };
    for (name, value) in words {
        fields.insert(name, value);
    }
    Ok(fields)
}

/// Refuses what a web page of somebody else could make a browser send.
fn check_kind(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return Err(Fault::invalid(
            "Bad Request. Content-Type header is missing.",
        ));
    };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Fault::invalid(
            "Bad Request. Content-Type must be one of ['application/json'].",
        )),
    }
}

/// The whole body of a request.
pub(crate) async fn whole(body: Body, most: usize) -> Result<Bytes, Fault> {
    let read = to_bytes(body, most).await;
    read.map_err(|error| Fault::invalid(format!("The request cannot be read: {error}")))
}

async fn server_info() -> Response {
    let info = json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": true,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "features_enabled": {"gateway": false},
    });
    json_response(StatusCode::OK, info.to_string())
}

async fn unknown(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let message = format!(
        "{method} {path} is not part of what hpipe's tracking server answers; see docs/tracking.md"
    );
    Fault::new(ErrorCode::EndpointNotFound, message).into_response()
}
