//! Ctrl-C, a request to terminate and the end of the terminal, as a flag that a command looks at.
//!
//! The first one asks the command to end in order; the second one ends the process, whatever it is
//! doing.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// From now on they ask instead of killing.
#[expect(unsafe_code, reason = "signals are caught by a system call")]
pub fn watch() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let handler: extern "C" fn(libc::c_int) = note;
        // SAFETY: `note` may be a handler: it stores to an atomic and makes one call that POSIX
        // lists as safe in handlers; it takes what a handler is given and returns.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

/// Whether somebody asked for the end.
pub fn is_asked() -> bool {
    // Relaxed: the flag carries nothing with it.
    IS_ASKED.load(Ordering::Relaxed)
}

#[expect(unsafe_code, reason = "signals are caught by a system call")]
extern "C" fn note(signal: libc::c_int) {
    IS_ASKED.store(true, Ordering::Relaxed);
    // SAFETY: the call takes no pointer, and `SIG_DFL` is a disposition that every signal has.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
