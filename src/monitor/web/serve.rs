//! What is answered, and within which bounds: connections, viewers, bytes of a request, moments a
//! second.

use super::access::{Sessions, brought, cookie, cookie_name};
use super::behind::{Behind, Threads};
use super::history::History;
use super::moment::{Asked, Moment};
use super::page::{ASSETS, Asset, PAGE};
use super::words::Refusal;
use super::{Place, Token, catalogue, command, receipts};
use crate::control::text::MOST_BYTES;
use crate::http::{self, Bounds, is_ours};
use crate::monitor::words::{Lang, Worded};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
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
    behind: Behind,
    threads: Threads,
    sessions: Arc<Mutex<Sessions>>,
}

impl Shared {
    /// For a screen whose moments are `newest`.
    pub fn new(
        token: Token,
        place: Place,
        behind: Behind,
        newest: Newest,
        history: Arc<Mutex<History>>,
    ) -> Self {
        Self {
            token,
            port: place.address.port(),
            lang: place.lang,
            newest,
            history,
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            behind,
            threads: Threads::new(),
            sessions: Arc::default(),
        }
    }

    /// What may be asked besides moments.
    pub fn behind(&self) -> &Behind {
        &self.behind
    }

    /// The threads for that.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Where it is served.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The mark of the session with that cookie.
    pub fn mark(&self, cookie: &str) -> Option<String> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.mark(cookie).map(|mark| mark.reveal().to_owned())
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
        .route("/api/receipts", get(receipts::find))
        .route("/api/story", get(receipts::story))
        .route("/api/control", get(command::standing))
        .route("/api/prepare", get(command::prepare))
        .route("/api/command", post(command::give).layer(DefaultBodyLimit::max(MOST_BYTES)))
        .route("/healthz", get(healthz))
        .fallback(async || refuse(StatusCode::NOT_FOUND, Refusal::NotFound, None))
        .method_not_allowed_fallback(async || {
            refuse(StatusCode::METHOD_NOT_ALLOWED, Refusal::Method, None)
        })
        .layer(guard)
        .with_state(shared)
}

/// Lets in who brings the token, and says of every answer that nobody else's page may use it.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let query = request.uri().query();
    let is_token = brought(headers, query).is_some_and(|token| shared.token.is(token));
    let is_known = is_token
        || cookie(headers, shared.port).is_some_and(|cookie| shared.mark(cookie).is_some());
    let is_public = request.uri().path() == "/healthz";
    let mut response = if !host.is_some_and(is_ours) {
        refuse(StatusCode::MISDIRECTED_REQUEST, Refusal::Host, None)
    } else if is_public || is_known {
        next.run(request).await
    } else {
        refuse(StatusCode::UNAUTHORIZED, Refusal::Token, None)
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

/// Says why something is not given; `more` is what there is to say of this time.
pub fn refuse(status: StatusCode, refusal: Refusal, more: Option<String>) -> Response {
    let told = json!({
        "schema": "xmc.refusal", "version": 1, "code": refusal.code(),
        "why": refusal.word_in(Lang::En), "more": more,
    });
    (status, Json(told)).into_response()
}

fn file(asset: &Asset) -> Response {
    ([(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}

/// The page; who came with the token has a session, and need not bring it again.
async fn page(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if cookie(&headers, shared.port).is_some_and(|cookie| shared.mark(cookie).is_some()) {
        return file(&PAGE);
    }
    let begun = shared.sessions.lock().unwrap_or_else(PoisonError::into_inner).begin();
    let Ok(session) = begun else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, Refusal::Busy, None);
    };
    let (name, session) = (cookie_name(shared.port), session.reveal());
    let cookie = format!("{name}={session}; HttpOnly; SameSite=Strict; Path=/");
    ([(header::SET_COOKIE, cookie)], file(&PAGE)).into_response()
}

async fn words(State(shared): State<Shared>) -> Response {
    Json(catalogue::catalogue(shared.lang)).into_response()
}

async fn view(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    match shared.moment() {
        Some(moment) => {
            let told = moment.text(&asked);
            ([(header::CONTENT_TYPE, "application/json")], told).into_response()
        }
        None => refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::NothingYet, None),
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
        return refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::Full, None);
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
                let told = moment.text(&self.asked);
                return Some(Event::default().event("moment").id(moment.id()).data(told));
            }
        }
    }
}
