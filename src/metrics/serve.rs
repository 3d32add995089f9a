//! Answers those who scrape: `GET /metrics`, within bounds, and nothing else.
//!
//! There is no token: figures of positions and fires are seen by whoever reaches the address, which
//! is this machine alone unless somebody says otherwise. The Host must be a number or `localhost`,
//! so that no page of a stranger reads them through a name that leads here (DNS rebinding).

use super::family::Family;
use super::source::Source;
use super::text::Format;
use crate::http::{self, Bounds, is_ours};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Connections at the same time: a few Prometheus servers, each with one.
pub const CONNECTIONS: usize = 16;
/// How long one may take. Prometheus gives up after ten seconds if nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where metrics are served, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address; port 0 is any free one.
    pub address: SocketAddr,
    /// Somebody has said that other machines may reach it.
    pub is_open_to_others: bool,
}

/// Why metrics are not served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Other machines would reach it, and nobody said that they may.
    #[error(
        "{0} is reached from other machines, and whoever asks there sees positions and fires: \
         serve metrics on 127.0.0.1, or say {1} as well"
    )]
    Open(SocketAddr, &'static str),
    /// The address cannot be had.
    #[error("cannot serve metrics on {address}: {source}; take another port, or 0 for any")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no thread or no runtime for it.
    #[error("cannot serve metrics: {0}")]
    System(#[from] io::Error),
}

/// Metrics while they are served; that ends when this goes.
#[derive(Debug)]
pub struct Exporter {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Serves what `source` tells from now on. `begin` is done first by the thread that serves;
    /// `option` is what somebody says to have it open to others.
    ///
    /// # Errors
    /// See `MetricsError`.
    pub fn open(
        place: Place,
        option: &'static str,
        source: Source,
        begin: impl FnOnce() + Send + 'static,
    ) -> Result<Self, MetricsError> {
        let Place { address, is_open_to_others } = place;
        if !address.ip().is_loopback() && !is_open_to_others {
            return Err(MetricsError::Open(address, option));
        }
        let bind = |source| MetricsError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let router = router(Arc::new(Mutex::new(source)));
        let serve = move || {
            begin();
            runtime.block_on(async {
                let bounds = Bounds { connections: CONNECTIONS, patience: Some(PATIENCE) };
                tokio::spawn(http::accept(listener, router, bounds));
                // Whatever is open ends with the runtime.
                let _ = stopped.await;
            });
        };
        let thread = std::thread::Builder::new().name("xmc-metrics".to_owned()).spawn(serve)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where they are served.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Shared = Arc<Mutex<Source>>;

fn router(source: Shared) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "there is /metrics and nothing else"))
        .method_not_allowed_fallback(async || {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "metrics are to read: GET only")
        })
        .layer(middleware::from_fn(guard))
        .with_state(source)
}

async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    if host.is_some_and(is_ours) {
        return next.run(request).await;
    }
    let why = "ask for this machine by number or as localhost: the Host is a name";
    refusal(StatusCode::MISDIRECTED_REQUEST, why)
}

async fn metrics(State(source): State<Shared>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).iter();
    let accept: Vec<_> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::wanted(&accept.join(","));
    let families: Vec<Family> = source.lock().unwrap_or_else(PoisonError::into_inner).families();
    let head = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (head, format.write(&families)).into_response()
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, format!("{why}\n")).into_response()
}
