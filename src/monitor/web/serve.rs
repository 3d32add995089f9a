//! What is answered, and within which bounds: connections, viewers, bytes of a request, moments a
//! second.

use super::access::{brought, cookie_name};
use super::history::History;
use super::moment::{Asked, Moment};
use super::page::{ASSETS, Asset, PAGE};
use super::{Token, catalogue};
use crate::http::{self, Bounds, is_ours};
use crate::monitor::words::Lang;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::Stream;
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::{Instant, sleep_until};

/// Viewers that are sent moments at the same time.
pub const VIEWERS: usize = 64;
/// Connections at the same time: those of the viewers, and some to load the page with.
pub const CONNECTIONS: usize = VIEWERS + 32;
/// Between two moments for one viewer: twenty a second.
const BETWEEN_MOMENTS: Duration = Duration::from_millis(50);
/// A moment older than this says that the engine is not looked at any more.
const STALE: Duration = Duration::from_secs(1);
/// Between two signs of life for a viewer while no moment comes.
const BETWEEN_SIGNS: Duration = Duration::from_secs(1);

type Newest = watch::Receiver<Option<Arc<Moment>>>;

/// What all answers are made from.
#[derive(Clone, Debug)]
pub struct Shared {
    token: Token,
    port: u16,
    lang: Lang,
    newest: Newest,
    history: Arc<Mutex<History>>,
    viewers: Arc<Semaphore>,
}

impl Shared {
    /// For a screen whose moments are `newest`.
    pub fn new(
        token: Token,
        port: u16,
        lang: Lang,
        newest: Newest,
        history: Arc<Mutex<History>>,
    ) -> Self {
        Self { token, port, lang, newest, history, viewers: Arc::new(Semaphore::new(VIEWERS)) }
    }

    fn moment(&self) -> Option<Arc<Moment>> {
        self.newest.borrow().clone()
    }
}

/// Serves until `stopped`.
pub async fn serve(
    listener: std::net::TcpListener,
    shared: Shared,
    stopped: oneshot::Receiver<()>,
) {
    tokio::spawn(remember(shared.newest.clone(), Arc::clone(&shared.history)));
    let bounds = Bounds { connections: CONNECTIONS, patience: None };
    tokio::spawn(http::accept(listener, router(shared), bounds));
    // Whatever is open ends with the runtime.
    let _ = stopped.await;
}

/// Keeps the past for those who come later.
async fn remember(mut newest: Newest, history: Arc<Mutex<History>>) {
    while newest.changed().await.is_ok() {
        let moment = newest.borrow_and_update().clone();
        if let Some(moment) = moment {
            history.lock().unwrap_or_else(PoisonError::into_inner).take(&moment);
        }
    }
}

fn router(shared: Shared) -> Router {
    let mut router = Router::new().route(PAGE.path, get(page));
    for asset in ASSETS {
        router = router.route(asset.path, get(|| async { file(asset) }));
    }
    let guard = middleware::from_fn_with_state(shared.clone(), guard);
    router
        .route("/api/view", get(view))
        .route("/api/words", get(words))
        .route("/api/history", get(history))
        .route("/api/stream", get(moments))
        .route("/healthz", get(healthz))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "there is no such page: begin at /"))
        .method_not_allowed_fallback(async || {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "this screen is to look at: GET only")
        })
        .layer(guard)
        .with_state(shared)
}

/// Lets in who brings the token, and says of every answer that nobody else's page may use it.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let query = request.uri().query();
    let token = brought(headers, query, shared.port);
    let is_public = request.uri().path() == "/healthz";
    let mut response = if !host.is_some_and(is_ours) {
        let why = "ask for this machine by number or as localhost: the Host is a name";
        refusal(StatusCode::MISDIRECTED_REQUEST, why)
    } else if is_public || token.as_deref().is_some_and(|token| shared.token.is(token)) {
        next.run(request).await
    } else {
        let why = "take the address that was printed when the engine began: it has the token";
        refusal(StatusCode::UNAUTHORIZED, why)
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             object-src 'none'",
        ),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "schema": "xmc.refusal", "version": 1, "why": why }))).into_response()
}

fn file(asset: &Asset) -> Response {
    ([(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}

/// The page; who came with the token need not bring it again.
async fn page(State(shared): State<Shared>) -> Response {
    let name = cookie_name(shared.port);
    let token = shared.token.reveal();
    let cookie = format!("{name}={token}; HttpOnly; SameSite=Strict; Path=/");
    ([(header::SET_COOKIE, cookie)], file(&PAGE)).into_response()
}

async fn words(State(shared): State<Shared>) -> Response {
    Json(catalogue::catalogue(shared.lang)).into_response()
}

async fn view(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    match shared.moment() {
        Some(moment) => Json(moment.told(&asked)).into_response(),
        None => refusal(StatusCode::SERVICE_UNAVAILABLE, "the engine has shown nothing yet"),
    }
}

async fn history(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let pair = asked.pair.unwrap_or(usize::MAX);
    let past = shared.history.lock().unwrap_or_else(PoisonError::into_inner).of(pair);
    Json(json!({ "schema": "xmc.history", "version": 1, "pair": asked.pair, "past": past }))
        .into_response()
}

async fn healthz(State(shared): State<Shared>) -> Response {
    let age = shared.moment().map(|moment| moment.age());
    let is_live = age.is_some_and(|age| age < STALE);
    let status = if is_live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let told = json!({
        "schema": "xmc.health", "version": 1, "is_live": is_live, "moment_age_ms": age_ms,
    });
    (status, Json(told)).into_response()
}

/// Moments as they come, the newest wins.
async fn moments(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let Ok(seat) = Arc::clone(&shared.viewers).try_acquire_owned() else {
        let why = format!("{VIEWERS} look already, and that is all there is room for: try later");
        return refusal(StatusCode::SERVICE_UNAVAILABLE, &why);
    };
    let viewer = Viewer { newest: shared.newest, asked, next: Instant::now(), is_new: true, seat };
    let signs = KeepAlive::new().interval(BETWEEN_SIGNS);
    Sse::new(viewer.moments()).keep_alive(signs).into_response()
}

struct Viewer {
    newest: Newest,
    asked: Asked,
    next: Instant,
    /// It has seen nothing yet.
    is_new: bool,
    #[expect(dead_code, reason = "a viewer has its seat for as long as it is here")]
    seat: OwnedSemaphorePermit,
}

impl Viewer {
    fn moments(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut viewer| async move {
            let event = viewer.event().await?;
            Some((Ok(event), viewer))
        })
    }

    /// The next moment; `None` when the screen is over.
    async fn event(&mut self) -> Option<Event> {
        loop {
            if !std::mem::take(&mut self.is_new) {
                self.newest.changed().await.ok()?;
            }
            sleep_until(self.next).await;
            let moment = self.newest.borrow_and_update().clone();
            if let Some(moment) = moment {
                self.next = Instant::now() + BETWEEN_MOMENTS;
                let told = serde_json::to_string(&moment.told(&self.asked)).ok()?;
                return Some(Event::default().event("moment").id(moment.id()).data(told));
            }
        }
    }
}
