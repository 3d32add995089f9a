//! HTTP to strangers within bounds: connections, bytes of a request, and how long each may take.
//!
//! Every connection is one request, on one thread for all of them: whoever is slow takes up a place
//! and nothing else. Called by the screen for browsers and by metrics.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Bytes of a request's head, at most: larger ones are refused before anybody looks at them.
const HEAD_BYTES: usize = 16_384;
/// Fields of a request's head, at most.
const HEAD_FIELDS: usize = 64;
/// How long a request may take to come.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody may take nothing before they are let go.
const TAKE_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes that the kernel keeps for somebody: two moments or so of a screen, so that what waits is
/// not old.
const SEND_BYTES: usize = 1 << 16;
/// How long after a failed accept the next one is tried.
const NAP: Duration = Duration::from_millis(50);

/// What may be taken of the process by all who ask.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At the same time.
    pub connections: usize,
    /// How long one may be there; `None`: for as long as it takes what it is sent.
    pub patience: Option<Duration>,
}

/// Answers whoever comes, for as long as its runtime is there.
pub async fn accept(listener: std::net::TcpListener, router: Router, bounds: Bounds) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let room = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor is free, or the like: it passes.
            sleep(NAP).await;
            continue;
        };
        // One too many is closed: the others have filled all that there is.
        if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
            tokio::spawn(answer(stream, router.clone(), place, bounds.patience));
        }
    }
}

async fn answer(
    stream: TcpStream,
    router: Router,
    place: OwnedSemaphorePermit,
    patience: Option<Duration>,
) {
    let socket = SockRef::from(&stream);
    // What the kernel does not take is no reason not to answer.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_send_buffer_size(SEND_BYTES);
    let _ = socket.set_tcp_user_timeout(Some(TAKE_PATIENCE));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match patience {
        Some(patience) => drop(timeout(patience, served).await),
        None => drop(served.await),
    }
    drop(place);
}

/// Whether a Host cannot be a stranger's name that leads here: a number or `localhost`, any port.
#[must_use]
pub fn is_ours(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_numbers_and_this_machine_are_hosts() {
        for host in ["127.0.0.1:8480", "127.0.0.1", "localhost:1", "[::1]:80", "10.0.0.7"] {
            assert!(is_ours(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example:80", "[evil]:1", "localhost.x"] {
            assert!(!is_ours(host), "{host}");
        }
    }
}
