//! Network namespaces for tests: a thread leaves the host's network for an empty one of its own.
//!
//! The namespace has no name and is held by the thread alone, so the kernel removes it, with all
//! its interfaces, when the thread ends: after a panic and after a `kill -9` as well. Needs root
//! (or `unshare -Urn`) and `ip`; without them tests skip loudly, or fail when `XMC_REQUIRE` names
//! `netns`.

use crate::shared::is_required;
use std::io;
use std::process::Command;

/// The namespace of the calling thread.
pub struct Namespace(());

impl Namespace {
    /// Runs `ip` with these arguments, divided at blanks.
    pub fn ip(&self, arguments: &str) {
        let output = ip(arguments).expect("it ran before");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {arguments}: {said}");
    }

    /// Adds an interface with an address: one end of a pair whose other end nobody listens to. What
    /// is sent to a multicast group on it comes back if somebody here has joined.
    pub fn add(&self, name: &str, address: &str) {
        self.ip(&format!("link add {name} type veth peer name {name}_far"));
        self.ip(&format!("address add {address} dev {name}"));
        self.ip(&format!("link set {name}_far up"));
        self.ip(&format!("link set {name} up"));
    }
}

/// Runs `body` in a namespace where only loopback is up; `None`, said loudly, if there can be none.
pub fn within<T: Send>(body: impl FnOnce(&Namespace) -> T + Send) -> Option<T> {
    let run = || {
        let namespace = enter().map_err(|error| {
            assert!(!is_required("netns"), "XMC_REQUIRE names netns, but there is none: {error}");
            eprintln!("SKIPPED for want of a network namespace ({error}): run as root, with `ip`");
        });
        namespace.ok().map(|namespace| body(&namespace))
    };
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn enter() -> io::Result<Namespace> {
    // SAFETY: the call takes no pointer and changes the calling thread only, which was made for it.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    ip("link set lo up")?;
    Ok(Namespace(()))
}

fn ip(arguments: &str) -> io::Result<std::process::Output> {
    Command::new("ip").args(arguments.split_whitespace()).output()
}
