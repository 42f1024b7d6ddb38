//! A request, from its head to its answer.
//!
//! A small request is parsed, checked and predicted where it arrived: handing it to another thread would take longer than
//! the work. A large one goes to a thread that may block, so that others are answered meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hpipe_core::{PredictionFault, Table};
use hpipe_track::predictions::Answered;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::access::Token;
use crate::app::App;
use crate::arrow::{self, Container};
use crate::body::{self, Whole};
use crate::check::check;
use crate::fault::{Detail, Details, Fault};
use crate::json::{self as json_body, Dialect};
use crate::lineup::{Lineup, Served};
use crate::media::{self, Format, JSON};
use crate::route::{Named, Route};
use crate::rows::{Place, Rows};
use crate::shadow::Seen;
use crate::{Told, csv, metrics, openapi, pages, protocol};

/// Bytes of a body up to which the work is done at once.
const AT_ONCE: usize = 8 * 1024;

/// Rows up to which it is.
const ROWS_AT_ONCE: usize = 64;

const MODEL_NAME: HeaderName = HeaderName::from_static("x-model-name");
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What is answered, but for the headers that every answer has.
struct Reply {
    status: StatusCode,
    media_type: &'static str,
    body: Bytes,
}

/// A request that was read.
struct Question {
    route: Route,
    format: Format,
    /// What the answer is put in, if it is asked for in Arrow.
    arrow: Option<Container>,
    body: Bytes,
    id: HeaderValue,
    began: Instant,
}

/// What was predicted.
struct Predicted {
    predictions: Vec<f64>,
    warnings: Details,
}

/// Answers a request, whatever it is.
pub(crate) async fn answer(app: Arc<App>, request: Request<Incoming>) -> Response<Whole> {
    let began = Instant::now();
    let route = Route::of(request.uri().path());
    let id = app.ids.of(request.headers().get(REQUEST_ID));
    let lineup = app.stand.now();
    let served = answering(&app, &lineup, &route, request.headers(), &id);
    let index = route.index();
    let permits = |token: &Token| token.permits(&route, request.headers());
    if !app.token.as_ref().is_none_or(permits) {
        app.metrics.count(index, StatusCode::UNAUTHORIZED.as_u16());
        return finish(&served, id, unauthorized(&route));
    }
    let reply = if !route.takes(request.method()) {
        let mut response = finish(&served, id, not_allowed(&route));
        let methods = HeaderValue::from_static(route.methods());
        response.headers_mut().insert(header::ALLOW, methods);
        app.metrics.count(index, response.status().as_u16());
        return response;
    } else if let Some(named) = route
        .named()
        .filter(|named| !protocol::is_served(&served, named))
    {
        Reply::json(StatusCode::NOT_FOUND, &protocol::absent(&lineup, named))
    } else if route.is_asking() {
        let reply = predict(&app, &served, &route, request, (&id, began)).await;
        served.metrics.observe(index, began.elapsed());
        reply
    } else {
        about(&app, &lineup, &served, &route)
    };
    app.metrics.count(index, reply.status.as_u16());
    finish(&served, id, reply)
}

/// The version that answers: the one the path names, or the one for whoever asks; of the server itself speaks the first.
fn answering(
    app: &App,
    lineup: &Lineup,
    route: &Route,
    headers: &HeaderMap,
    id: &HeaderValue,
) -> Arc<Served> {
    if let Some(Named {
        version: Some(version),
        ..
    }) = route.named()
    {
        let mut all = lineup.answering();
        let named = all.find(|served| served.version.to_string() == *version);
        return named.unwrap_or(&lineup.primary).clone();
    }
    if !route.is_asking() {
        return lineup.primary.clone();
    }
    let key = app
        .options
        .sticky
        .as_ref()
        .and_then(|name| headers.get(name));
    lineup.of_key(key.unwrap_or(id).as_bytes()).clone()
}

fn unauthorized(route: &Route) -> Reply {
    let said = match route.is_protocol() {
        true => json!({"error": "Not authenticated"}),
        false => json!({"detail": "Not authenticated"}),
    };
    Reply::json(StatusCode::UNAUTHORIZED, &said)
}

/// Adds the headers that every answer has.
fn finish(served: &Served, id: HeaderValue, reply: Reply) -> Response<Whole> {
    let is_busy = reply.status == StatusCode::SERVICE_UNAVAILABLE;
    let is_unsupported = reply.status == StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let mut response = Response::new(Whole::new(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.reserve(5);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.media_type),
    );
    headers.insert(MODEL_NAME, served.name_header.clone());
    headers.insert(MODEL_VERSION, served.version_header.clone());
    headers.insert(REQUEST_ID, id);
    if is_busy {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
        return response;
    }
    let headers = response.headers_mut();
    if is_unsupported {
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
    }
    response
}

impl Reply {
    fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            media_type: JSON,
            body: body.to_string().into(),
        }
    }

    fn text(media_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            media_type,
            body: body.into(),
        }
    }
}

/// That it takes requests; 503 once it ends.
fn ready(app: &App, body: &Value) -> Reply {
    match app.is_ending.load(Ordering::Acquire) {
        true => Reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": "ending"})),
        false => Reply::json(StatusCode::OK, body),
    }
}

fn not_allowed(route: &Route) -> Reply {
    let allowed = format!("Method not allowed; allowed: {}", route.methods());
    Reply::json(StatusCode::METHOD_NOT_ALLOWED, &json!({"detail": allowed}))
}

/// Answers what is asked of the server itself.
fn about(app: &App, lineup: &Lineup, served: &Served, route: &Route) -> Reply {
    match route {
        Route::Health => Reply::json(StatusCode::OK, &json!({"status": "ok"})),
        Route::Ping => Reply::text(TEXT, "\n"),
        Route::Livez => Reply::text(TEXT, "ok"),
        Route::Readyz if app.is_ending.load(Ordering::Acquire) => Reply {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Reply::text(TEXT, "ending")
        },
        Route::Readyz => Reply::text(TEXT, "ok"),
        Route::Version => Reply::json(StatusCode::OK, &pages::version(served)),
        Route::Models => Reply::json(StatusCode::OK, &pages::models(lineup)),
        Route::Metrics => Reply::text(metrics::MEDIA_TYPE, metrics::text(app)),
        Route::OpenApi => Reply::json(StatusCode::OK, &openapi::document(app, served)),
        Route::Docs => Reply::text(HTML, openapi::page(app, served)),
        Route::V1Model(_) => Reply::json(StatusCode::OK, &protocol::v1_model(served)),
        Route::V2Server => Reply::json(StatusCode::OK, &protocol::server()),
        Route::V2Live => Reply::json(StatusCode::OK, &json!({"live": true})),
        Route::V2Ready => ready(app, &json!({"ready": true})),
        Route::V2Model(_) => Reply::json(StatusCode::OK, &protocol::v2_model(lineup, served)),
        Route::V2ModelReady(_) => {
            let known = json!({"name": served.name, "ready": true});
            ready(app, &known)
        }
        _ => Reply::json(StatusCode::NOT_FOUND, &json!({"detail": "Not Found"})),
    }
}

/// Answers rows with predictions.
async fn predict(
    app: &Arc<App>,
    served: &Arc<Served>,
    route: &Route,
    request: Request<Incoming>,
    of: (&HeaderValue, Instant),
) -> Reply {
    let done = predicted(app, served, route, request, of).await;
    done.unwrap_or_else(|fault| {
        app.metrics.count_faults(&fault.details);
        match (route.is_protocol(), fault.status) {
            // the protocols know no 422
            (true, StatusCode::UNPROCESSABLE_ENTITY) => {
                Reply::json(StatusCode::BAD_REQUEST, &protocol::fault(&fault))
            }
            (true, status) => Reply::json(status, &protocol::fault(&fault)),
            (false, status) => Reply::json(status, &fault.to_json()),
        }
    })
}

async fn predicted(
    app: &Arc<App>,
    served: &Arc<Served>,
    route: &Route,
    request: Request<Incoming>,
    (id, began): (&HeaderValue, Instant),
) -> Result<Reply, Fault> {
    let limits = app.options.limits;
    let deadline = began + limits.time;
    let format = media::format_of(request.headers())?;
    let arrow = media::arrow_of(request.headers()).filter(|_| !route.is_protocol());
    // A small body may be slow without keeping others out; of large ones only so many are in memory.
    let size = request.body().size_hint().exact();
    let is_small = size.is_some_and(|size| size <= AT_ONCE as u64);
    let early = match is_small {
        true => None,
        false => Some(app.admit().ok_or_else(busy)?),
    };
    let reading = body::whole(request.into_body(), limits.body);
    let body = tokio::time::timeout_at(deadline.into(), reading)
        .await
        .map_err(|_| late(limits.time))??;
    let permit = match early {
        Some(permit) => permit,
        None => app.admit().ok_or_else(busy)?,
    };
    let question = Question {
        route: route.clone(),
        format,
        arrow,
        body,
        id: id.clone(),
        began,
    };
    if is_quick(&question) {
        return guarded(app, served, &question);
    }
    let (app, served) = (app.clone(), served.clone());
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit; // also when nobody waits any more
        match Instant::now() < deadline {
            true => guarded(&app, &served, &question),
            false => Err(too_long(limits.time)),
        }
    });
    match tokio::time::timeout_at(deadline.into(), work).await {
        Ok(done) => done.unwrap_or_else(|_| Err(Fault::bug())),
        Err(_) => Err(too_long(limits.time)),
    }
}

/// Whether a body is done with sooner than another thread would have begun: few bytes, and not many rows in them.
fn is_quick(Question { format, body, .. }: &Question) -> bool {
    let may_begin_a_row = |byte: &&u8| matches!(byte, b'{' | b'[' | b'\n');
    *format != Format::Arrow // whose rows may take no bytes at all
        && body.len() <= AT_ONCE
        && body.iter().filter(may_begin_a_row).count() <= ROWS_AT_ONCE
}

fn too_long(limit: Duration) -> Fault {
    let msg = format!("The answer takes longer than {} s", limit.as_secs());
    Fault::at(StatusCode::GATEWAY_TIMEOUT, "timeout", msg, "server")
}

fn busy() -> Fault {
    let msg = "The server works on as many requests as it may; try again";
    Fault::at(StatusCode::SERVICE_UNAVAILABLE, "busy", msg, "server")
}

fn late(limit: Duration) -> Fault {
    let msg = format!("Body did not arrive within {} s", limit.as_secs());
    Fault::new(StatusCode::REQUEST_TIMEOUT, "timeout", msg)
}

/// Does the work; a bug in it is told as one, and ends nothing.
fn guarded(app: &App, served: &Served, question: &Question) -> Result<Reply, Fault> {
    let work = AssertUnwindSafe(|| work(app, served, question));
    catch_unwind(work).unwrap_or_else(|_| {
        app.metrics.count_panic();
        (app.report)(Told::Warning(
            "a request met a bug in hpipe (E107); the server goes on",
        ));
        Err(Fault::bug())
    })
}

fn work(app: &App, served: &Served, question: &Question) -> Result<Reply, Fault> {
    let options = &app.options;
    let rows = Rows::new(&served.shape, options.limits.rows, options.unknown_columns);
    let mut asked_as = None;
    let (table, place) = match (question.format, &question.route) {
        (Format::Csv, _) => csv::read(&question.body, rows)?,
        (Format::Arrow, _) => arrow::read(&question.body, rows, options.limits.body)?,
        (Format::Json, Route::V2Infer(_)) => {
            let (table, place, id) = json_body::tensors::read(&question.body, rows)?;
            asked_as = id;
            (table, place)
        }
        (Format::Json, Route::Predict) => json_body::read(&question.body, rows, Dialect::Own)?,
        (Format::Json, _) => json_body::read(&question.body, rows, Dialect::Named)?,
    };
    let predicted = of_table(app, served, &table, place)?;
    let reply = written(served, question, asked_as.as_deref(), &predicted);
    if let Some(shadow) = &app.shadow {
        shadow.push(Seen {
            request: question.id.to_str().unwrap_or_default().to_owned(),
            time: (app.clock)(),
            rows: table.clone(),
        });
    }
    if let Some(journal) = &app.journal {
        journal.push(answered(
            app,
            served,
            question,
            table,
            predicted.predictions,
        ));
    }
    Ok(reply)
}

/// The answer, in the words of who asked; `asked_as`: what V2 calls the request.
fn written(
    served: &Served,
    question: &Question,
    asked_as: Option<&str>,
    predicted: &Predicted,
) -> Reply {
    let Predicted {
        predictions,
        warnings,
    } = predicted;
    match (&question.route, question.arrow) {
        (Route::V2Infer(_), _) => {
            let answer = protocol::v2_answer(served, asked_as, predictions);
            Reply::json(StatusCode::OK, &answer)
        }
        (_, None) => Reply::text(JSON, encode(predicted)),
        (_, Some(container)) => {
            let warnings = (!warnings.is_empty()).then(|| json!(warnings.first).to_string());
            let body = arrow::answer(predictions, warnings.as_deref(), container);
            Reply::text(media::of_container(container), body)
        }
    }
}

/// What the log is told of an answer.
fn answered(
    app: &App,
    served: &Served,
    question: &Question,
    rows: Table,
    predictions: Vec<f64>,
) -> Answered {
    Answered {
        request: question.id.to_str().unwrap_or_default().to_owned(),
        time: (app.clock)(),
        name: served.name.clone(),
        version: served.version,
        digest: served.digest,
        target: served.shape.target.clone(),
        is_shadow: false,
        latency: u64::try_from(question.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        rows,
        predictions,
    }
}

/// Predicts a table whose columns are the model's.
fn of_table(app: &App, served: &Served, table: &Table, place: Place) -> Result<Predicted, Fault> {
    let found = check(&served.shape, table, place, app.options.out_of_range);
    if !found.faults.is_empty() {
        return Err(Fault::unprocessable(found.faults));
    }
    let predictions = match table.rows() {
        0 => Vec::new(),
        _ => served
            .predictor
            .predict(table)
            .map_err(|fault| refused(&fault, place))?,
    };
    app.metrics.count_warnings(&found.warnings);
    let rows = &served.metrics.rows;
    rows.fetch_add(predictions.len() as u64, Ordering::Relaxed);
    Ok(Predicted {
        predictions,
        warnings: found.warnings,
    })
}

/// What the model itself refuses.
fn refused(fault: &PredictionFault, place: Place) -> Fault {
    let mut details = Details::default();
    details.add(|| Detail {
        kind: "value_error",
        loc: place.of(fault.row.unwrap_or_default(), fault.column.as_deref()),
        msg: match fault.help.is_empty() {
            true => fault.message.clone(),
            false => format!("{}: {}", fault.message, fault.help),
        },
        input: Value::Null,
        ctx: None,
    });
    Fault::unprocessable(details)
}

/// The answer in JSON; a prediction that is no number is null.
fn encode(predicted: &Predicted) -> Vec<u8> {
    let mut text = Vec::with_capacity(32 + 20 * predicted.predictions.len());
    text.extend_from_slice(b"{\"predictions\":");
    // Neither can fail: memory takes every byte, and no map has keys that are no texts.
    let _ = serde_json::to_writer(&mut text, &predicted.predictions);
    if !predicted.warnings.is_empty() {
        text.extend_from_slice(b",\"warnings\":");
        let _ = serde_json::to_writer(&mut text, &predicted.warnings.first);
    }
    text.push(b'}');
    text
}
