//! Network namespaces: a thread leaves the host's network for an empty one of its own, and lays
//! cables (veth) to another one beside it.
//!
//! A namespace made here has no name and is held by threads and open files alone, so the kernel
//! removes it, with all its interfaces, when the process ends, however it ends. Used where a venue
//! and an engine are to be apart on one host: by `xmc latency --wire`, by benches and by tests.
//! For the cold side. Needs root (or `unshare -Urn`) and `ip` of iproute2.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::process::Command;

/// Why there is no namespace, or no cable.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The kernel gives none.
    #[error("no network namespace can be made: {0}; run as root, or under `unshare -Urn`")]
    Refused(io::Error),
    /// It cannot be entered again.
    #[error("a network namespace cannot be entered: {0}")]
    Entered(io::Error),
    /// The program `ip` does not run.
    #[error("`ip {arguments}` does not run: {source}; install iproute2")]
    NoIp {
        /// What it was to do.
        arguments: String,
        /// What the system says.
        source: io::Error,
    },
    /// The program `ip` refuses.
    #[error("`ip {arguments}` failed: {said}")]
    Ip {
        /// What it was to do.
        arguments: String,
        /// What it says.
        said: String,
    },
}

/// The namespace of the calling thread.
#[derive(Debug)]
pub struct Namespace(());

impl Namespace {
    /// Runs `ip` with these arguments, divided at blanks.
    ///
    /// # Errors
    /// See `NamespaceError`.
    pub fn ip(&self, arguments: &str) -> Result<(), NamespaceError> {
        let ran = Command::new("ip").args(arguments.split_whitespace()).output();
        let arguments = || arguments.to_owned();
        let output =
            ran.map_err(|source| NamespaceError::NoIp { arguments: arguments(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(NamespaceError::Ip { arguments: arguments(), said })
    }

    /// One more namespace, to be at the other end of cables.
    ///
    /// # Errors
    /// See `NamespaceError`.
    pub fn beside(&self) -> Result<Beside, NamespaceError> {
        let here = own()?;
        enter()?;
        let there = own()?;
        move_to(&here)?;
        Ok(Beside { here, there })
    }

    /// Adds an interface with an address here and one beside, which are each other's ends. Both
    /// have so many queues each way.
    ///
    /// # Errors
    /// See `NamespaceError`.
    pub fn cable(
        &self,
        beside: &Beside,
        near: (&str, &str),
        far: (&str, &str),
        queues: u32,
    ) -> Result<(), NamespaceError> {
        let place = format!("/proc/{}/fd/{}", std::process::id(), beside.there.as_raw_fd());
        let count = format!("numrxqueues {queues} numtxqueues {queues}");
        let peer = format!("name {} {count} netns {place}", far.0);
        self.ip(&format!("link add {} {count} type veth peer {peer}", near.0))?;
        self.plug(near)?;
        beside.within(|namespace| namespace.plug(far))?
    }

    fn plug(&self, (name, address): (&str, &str)) -> Result<(), NamespaceError> {
        self.ip(&format!("address add {address} dev {name}"))?;
        self.ip(&format!("link set {name} up"))
    }
}

/// A namespace that is the calling thread's only for as long as it is asked to do something there.
#[derive(Debug)]
pub struct Beside {
    here: File,
    there: File,
}

impl Beside {
    /// Runs `body` there. What it opens stays there, threads that it starts as well. A panic of it
    /// leaves the thread there.
    ///
    /// # Errors
    /// See `NamespaceError`.
    pub fn within<T>(&self, body: impl FnOnce(&Namespace) -> T) -> Result<T, NamespaceError> {
        move_to(&self.there)?;
        let done = body(&Namespace(()));
        move_to(&self.here)?;
        Ok(done)
    }
}

/// Runs `body` on a thread of its own, in a namespace where only loopback is up.
///
/// # Errors
/// See `NamespaceError`.
pub fn within<T: Send>(body: impl FnOnce(&Namespace) -> T + Send) -> Result<T, NamespaceError> {
    let run = || enter().map(|namespace| body(&namespace));
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn enter() -> Result<Namespace, NamespaceError> {
    // SAFETY: the call takes no pointer and changes the calling thread only.
    #[expect(unsafe_code, reason = "the standard library has no unshare(2)")]
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return Err(NamespaceError::Refused(io::Error::last_os_error()));
    }
    let entered = Namespace(());
    entered.ip("link set lo up")?;
    Ok(entered)
}

fn own() -> Result<File, NamespaceError> {
    File::open("/proc/thread-self/ns/net").map_err(NamespaceError::Entered)
}

fn move_to(namespace: &File) -> Result<(), NamespaceError> {
    // SAFETY: the call takes no pointer and changes the calling thread only.
    #[expect(unsafe_code, reason = "the standard library has no setns(2)")]
    let done = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    if done == 0 { Ok(()) } else { Err(NamespaceError::Entered(io::Error::last_os_error())) }
}
