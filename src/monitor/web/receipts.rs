//! Receipts from the page: which there are, and the story of one order.

use super::behind::{NoReceipts, READING};
use super::serve::{Shared, refuse};
use super::words::Refusal;
use crate::monitor::words::Lang;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;

/// Names and values of one question, at most.
const MOST_ASKED: usize = 16;

/// Whose story.
#[derive(Debug, Deserialize)]
pub struct Whose {
    order: String,
    lang: Option<String>,
}

/// Receipts that are asked for.
pub async fn find(
    State(shared): State<Shared>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Response {
    let Some(receipts) = shared.behind().receipts.clone() else {
        return refuse(StatusCode::NOT_FOUND, Refusal::NoRecord, None);
    };
    // An empty field of the form asks for nothing.
    let is_said = |(key, value): &(String, String)| key != "token" && !value.trim().is_empty();
    let asked: Vec<_> = asked.into_iter().filter(is_said).take(MOST_ASKED).collect();
    let until = Instant::now() + READING;
    match shared.threads().search(move || receipts.find(&asked, until)).await {
        Ok(Ok(found)) => Json(found).into_response(),
        Ok(Err(none)) => wrong(&none),
        Err(refusal) => refuse(StatusCode::SERVICE_UNAVAILABLE, refusal, None),
    }
}

/// The story of one order.
pub async fn story(State(shared): State<Shared>, Query(whose): Query<Whose>) -> Response {
    let Some(receipts) = shared.behind().receipts.clone() else {
        return refuse(StatusCode::NOT_FOUND, Refusal::NoRecord, None);
    };
    let lang = if whose.lang.as_deref() == Some("zh") { Lang::Zh } else { Lang::En };
    let (until, order) = (Instant::now() + READING, whose.order.clone());
    match shared.threads().search(move || receipts.story(&order, lang, until)).await {
        Ok(Ok(page)) => {
            let told = json!({
                "schema": "xmc.web.story", "version": 1, "order": whose.order, "page": page,
            });
            Json(told).into_response()
        }
        Ok(Err(none)) => wrong(&none),
        Err(refusal) => refuse(StatusCode::SERVICE_UNAVAILABLE, refusal, None),
    }
}

fn wrong(none: &NoReceipts) -> Response {
    let (status, refusal) = match none {
        NoReceipts::Question(_) => (StatusCode::BAD_REQUEST, Refusal::WrongQuestion),
        NoReceipts::Record(_) => (StatusCode::NOT_FOUND, Refusal::Unreadable),
        NoReceipts::TooLong(_) => (StatusCode::GATEWAY_TIMEOUT, Refusal::TooLong),
    };
    refuse(status, refusal, Some(none.to_string()))
}
