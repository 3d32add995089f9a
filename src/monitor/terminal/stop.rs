//! Signals that ask the process to end, taken as a wish: whoever draws the screen ends it in order
//! and the terminal is given back.

use std::sync::atomic::{AtomicBool, Ordering};

/// One of them has come.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// From here on SIGINT, SIGTERM and SIGHUP do not kill the process but are noted. A second one
/// kills it: somebody means it.
pub fn watch() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        take(signal, note as extern "C" fn(libc::c_int) as libc::sighandler_t);
    }
}

/// Whether one of them has come.
pub fn is_asked() -> bool {
    // Relaxed: nothing else is told by it.
    IS_ASKED.load(Ordering::Relaxed)
}

extern "C" fn note(signal: libc::c_int) {
    IS_ASKED.store(true, Ordering::Relaxed);
    take(signal, libc::SIG_DFL);
}

#[expect(unsafe_code, reason = "what a signal does is set by a system call")]
fn take(signal: libc::c_int, action: libc::sighandler_t) {
    // SAFETY: `action` is the default or `note`, which lives as long as the process and does only
    // what POSIX allows in a handler: an atomic store without a lock, and `signal` itself.
    unsafe { libc::signal(signal, action) };
}
