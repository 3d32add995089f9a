//! The socket: whose it is, one request and one answer, and nobody who keeps others out.

use crate::journal::scratch::Scratch;
use cross_market_connect::control::socket::{Reply, Socket, SocketError, Unread};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Serves `path` while `run` runs, answering each request with itself in capitals; what was not
/// read, in order.
fn served(path: &Path, run: impl FnOnce()) -> Vec<Unread> {
    let mut socket = Socket::open(path).expect("a socket");
    let (stop, unread) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let ask = |request: &[u8]| Reply::Now(request.to_ascii_uppercase());
                let refuse = |_: &[u8], what| {
                    unread.lock().expect("nobody panics").push(what);
                    b"no".to_vec()
                };
                socket.serve(ask, refuse).expect("it listens");
            }
        });
        let stopping = Stopping(&stop);
        run();
        drop(stopping);
    });
    unread.into_inner().expect("nobody panics")
}

struct Stopping<'s>(&'s AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn connected(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream
}

fn asked(path: &Path, request: &[u8]) -> Vec<u8> {
    let mut stream = connected(path);
    // A request that is too long is answered before it was read.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn its_owner_alone_may_use_it_and_it_goes_with_the_engine() {
    let scratch = Scratch::new("control_socket");
    let path = scratch.path("control.sock");
    let unread = served(&path, || {
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(asked(&path, b"hello"), b"HELLO");
        assert_eq!(asked(&path, b"again"), b"AGAIN");
    });
    assert!(unread.is_empty() && !path.exists(), "{unread:?}");
}

#[test]
fn a_socket_that_was_left_is_replaced_and_nothing_else_is() {
    let scratch = Scratch::new("control_left");
    let path = scratch.path("control.sock");
    drop(UnixListener::bind(&path).expect("a socket"));
    assert!(path.exists(), "a process that is killed leaves it");
    let first = Socket::open(&path).expect("it is replaced");
    // Not that of an engine that lives, and what is another's stays when this one goes.
    assert!(matches!(Socket::open(&path), Err(SocketError::InUse { .. })));
    std::fs::remove_file(&path).expect("it is ours");
    let second = Socket::open(&path).expect("nobody has it");
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
    std::fs::write(&path, "mine").expect("a file");
    assert!(matches!(Socket::open(&path), Err(SocketError::Taken { .. })));
    assert_eq!(std::fs::read(&path).expect("it is there"), b"mine");
}

#[test]
fn a_request_that_is_too_long_is_not_read() {
    let scratch = Scratch::new("control_long");
    let path = scratch.path("control.sock");
    let unread = served(&path, || {
        assert_eq!(asked(&path, &[b'x'; 4_096]), [b'X'; 4_096]);
        assert_ne!(asked(&path, &[b'x'; 100_000]).first(), Some(&b'X'));
        assert_eq!(asked(&path, b""), b"", "nothing is asked");
    });
    assert_eq!(unread, [Unread::Busy]);
}

/// Connections that say nothing hold nobody up: the oldest are dropped, and after a while all.
#[test]
fn nobody_keeps_a_command_out_by_holding_connections() {
    let scratch = Scratch::new("control_held");
    let path = scratch.path("control.sock");
    let unread = served(&path, || {
        let held: Vec<_> = (0..20).map(|_| connected(&path)).collect();
        let start = Instant::now();
        assert_eq!(asked(&path, b"kill"), b"KILL");
        println!("a command among {} idle connections: {:?}", held.len(), start.elapsed());
        // Those that are left are given up.
        for mut one in held {
            let _ = one.read_to_end(&mut Vec::new());
        }
    });
    assert_eq!(unread, vec![Unread::Busy; 20]);
}
