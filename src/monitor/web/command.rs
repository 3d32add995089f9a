//! Commands from the page: their text is written here, signed elsewhere, and handed over signed.
//!
//! The text is the one that `xmc kill` and its like sign: `control::text`. What comes back goes to
//! the engine's control socket byte for byte, as `xmc control send` gives it, and is judged there:
//! this end looks at nothing but its length, that it is text, and that the page itself has sent it.

use super::access::cookie;
use super::serve::{Shared, refuse};
use super::words::Refusal;
use crate::alert::message::alert_json;
use crate::alert::outbox;
use crate::control::client::{self, ClientError};
use crate::control::limit::{Amount, Change, Field};
use crate::control::reply::Status;
use crate::control::scope::Named;
use crate::control::text::{MOST_BYTES, Text};
use crate::control::verb::Verb;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{RequestExt, body::Body};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};

/// The field of a request that the session's mark stands in.
const MARK: &str = "x-xmc-mark";
/// How long the bytes of a command may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// Alerts that can be chosen.
const ALERTS: usize = 64;

/// Whether commands are taken here, the session's mark, how the engine stands and what fires.
pub async fn standing(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let mark = cookie(&headers, shared.port()).and_then(|cookie| shared.mark(cookie));
    let mut told = json!({
        "schema": "xmc.web.control", "version": 1, "accepts": shared.behind().channel.is_some(),
        "mark": mark,
    });
    let Some(channel) = shared.behind().channel.clone() else { return Json(told).into_response() };
    let asked = shared.threads().command(move || {
        let state = outbox::read(&channel.alerts).unwrap_or_default();
        let open = state.alerts.values().filter(|alert| alert.acknowledged.is_none());
        let alerts: Vec<Value> = open.take(ALERTS).map(alert_json).collect();
        client::status(&channel.socket).map(|status| (status, alerts))
    });
    match asked.await {
        Ok(Ok((status, alerts))) => {
            told["status"] = json!(status);
            told["alerts"] = json!(alerts);
            Json(told).into_response()
        }
        Ok(Err(error)) => no_answer(&error),
        Err(refusal) => refuse(StatusCode::SERVICE_UNAVAILABLE, refusal, None),
    }
}

/// A command that is to be written.
#[derive(Clone, Debug, Deserialize)]
pub struct Wanted {
    command: String,
    scope: String,
    operator: String,
    reason: String,
    alert: Option<String>,
    limit: Option<String>,
    to: Option<u64>,
}

/// Writes the text of a command. It does nothing: nobody has signed it.
pub async fn prepare(State(shared): State<Shared>, Query(wanted): Query<Wanted>) -> Response {
    let Some(channel) = shared.behind().channel.clone() else {
        return refuse(StatusCode::FORBIDDEN, Refusal::ReadOnly, None);
    };
    let asked = shared.threads().command(move || client::status(&channel.socket));
    let status = match asked.await {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return no_answer(&error),
        Err(refusal) => return refuse(StatusCode::SERVICE_UNAVAILABLE, refusal, None),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    match written(&wanted, &status, now.as_secs()) {
        Ok(text) => Json(json!({
            "schema": "xmc.web.prepared", "version": 1, "text": text.to_string(),
            "words": text.in_words(), "needs_two": text.needs_two(),
            "file": format!("{}_{}.command", text.verb, text.counter),
        }))
        .into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, Refusal::WrongQuestion, Some(why)),
    }
}

fn written(wanted: &Wanted, status: &Status, now_s: u64) -> Result<Text, String> {
    let verb = Verb::of_word(&wanted.command);
    let verb = verb.ok_or_else(|| format!("there is no command {:?}", wanted.command))?;
    let scope: Named = wanted.scope.parse().map_err(|why| format!("scope: {why}"))?;
    let known = status.operators.iter().find(|row| row.name == wanted.operator);
    let row = known.ok_or_else(|| format!("{:?} is no operator here", wanted.operator))?;
    let change = match verb {
        Verb::Limit => Some(change(wanted, status)?),
        _ => None,
    };
    let text = Text {
        audience: DeskIdentity {
            site: SiteId(status.site),
            desk: DeskId(status.desk),
            run: status.run,
        },
        operator: row.name.clone(),
        counter: row.counter.saturating_add(1),
        issued_s: now_s,
        expires_s: now_s.saturating_add(status.valid_seconds),
        verb,
        scope,
        change,
        // An explanation is written by `xmc resync explain`, beside what it explains.
        difference: None,
        alert: wanted.alert.clone().filter(|_| verb == Verb::Acknowledge),
        reason: wanted.reason.trim().to_owned(),
    };
    // What the engine would not read is not shown to be signed.
    Text::parse(&text.to_string()).map_err(|error| error.to_string())
}

fn change(wanted: &Wanted, status: &Status) -> Result<Change, String> {
    let word = wanted.limit.as_deref().unwrap_or_default();
    let field = Field::of_word(word).ok_or_else(|| format!("there is no limit {word:?}"))?;
    let mut rows = status.limits.iter();
    let row = rows.find(|row| row.scope == wanted.scope && row.field == word);
    let row = row.ok_or_else(|| format!("{} has no {word}", wanted.scope))?;
    let amount = |figure| Amount { figure, unit: row.unit.clone() };
    let to = wanted.to.ok_or("the new figure is missing")?;
    Ok(Change { field, from: amount(row.limit), to: amount(to) })
}

/// Hands a signed command to the engine.
pub async fn give(State(shared): State<Shared>, request: Request) -> Response {
    let Some(channel) = shared.behind().channel.clone() else {
        return refuse(StatusCode::FORBIDDEN, Refusal::ReadOnly, None);
    };
    if let Err(refusal) = from_the_page(&shared, request.headers()) {
        return refuse(StatusCode::FORBIDDEN, refusal, None);
    }
    let command = match read(request).await {
        Ok(command) => command,
        Err((status, refusal)) => return refuse(status, refusal, None),
    };
    if Text::parse(&command).is_ok() {
        return refuse(StatusCode::BAD_REQUEST, Refusal::NotSigned, None);
    }
    match shared.threads().command(move || client::give(&channel.socket, &command)).await {
        Ok(Ok(answer)) => {
            let mut told = json!(answer);
            told["schema"] = json!("xmc.control.answer");
            told["version"] = json!(1);
            Json(told).into_response()
        }
        Ok(Err(error)) => no_answer(&error),
        Err(refusal) => refuse(StatusCode::SERVICE_UNAVAILABLE, refusal, None),
    }
}

/// Whether a request comes from a page of this screen, in a session that knows its mark.
fn from_the_page(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mark = cookie(headers, shared.port()).and_then(|cookie| shared.mark(cookie));
    let mark = mark.ok_or(Refusal::Session)?;
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let own = format!("http://{host}");
    // Browsers that say where a request is from are believed; with TLS before it the address that
    // the browser knows is another one than this end's.
    let is_own = match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => text(header::ORIGIN.as_str()).is_none_or(|origin| origin == own),
    };
    if !is_own {
        return Err(Refusal::Origin);
    }
    let brought = text(MARK).unwrap_or_default();
    if crate::secret::is_same(mark.as_bytes(), brought.as_bytes()) {
        Ok(())
    } else {
        Err(Refusal::Csrf)
    }
}

/// The bytes of a command, as many as one can have and no more.
async fn read(request: Request<Body>) -> Result<String, (StatusCode, Refusal)> {
    let too_large = (StatusCode::PAYLOAD_TOO_LARGE, Refusal::TooLarge);
    let said = request.headers().get(header::CONTENT_LENGTH);
    let said = said.and_then(|said| said.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|said| said > MOST_BYTES) {
        return Err(too_large);
    }
    let bytes = timeout(PATIENCE, request.extract::<Result<Bytes, BytesRejection>, _>()).await;
    let bytes = bytes.map_err(|_| (StatusCode::REQUEST_TIMEOUT, Refusal::TooSlow))?;
    let Ok(Ok(bytes)) = bytes else { return Err(too_large) };
    if bytes.len() > MOST_BYTES {
        return Err(too_large);
    }
    String::from_utf8(bytes.into()).map_err(|_| (StatusCode::BAD_REQUEST, Refusal::NotText))
}

fn no_answer(error: &ClientError) -> Response {
    let (status, refusal) = match error {
        ClientError::Connect { .. } => (StatusCode::SERVICE_UNAVAILABLE, Refusal::NoChannel),
        ClientError::Io { .. } | ClientError::Shape { .. } => {
            (StatusCode::BAD_GATEWAY, Refusal::NoAnswer)
        }
    };
    refuse(status, refusal, None)
}
