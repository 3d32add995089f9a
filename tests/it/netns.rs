//! Network namespaces for tests: a thread leaves the host's network for an empty one of its own.
//!
//! The namespace has no name and is held by the thread alone, so the kernel removes it, with all
//! its interfaces, when the thread ends: after a panic and after a `kill -9` as well. Needs root
//! (or `unshare -Urn`) and `ip`; without them tests skip loudly, or fail when `XMC_REQUIRE` names
//! `netns`.

use crate::shared::is_required;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
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

impl Namespace {
    /// One more namespace, to be at the other end of cables.
    pub fn beside(&self) -> Beside {
        let here = own();
        enter().expect("it went before");
        let there = own();
        move_to(&here);
        Beside { here, there }
    }

    /// Adds an interface with an address here and one beside, which are each other's ends. `queues`
    /// are those of the one here.
    pub fn cable(&self, beside: &Beside, near: (&str, &str), far: (&str, &str), queues: u32) {
        let [_, place] = beside.places();
        let count = format!("numrxqueues {queues} numtxqueues {queues}");
        let peer = format!("name {} {count} netns {place}", far.0);
        self.ip(&format!("link add {} {count} type veth peer {peer}", near.0));
        self.plug(near);
        beside.within(|namespace| namespace.plug(far));
    }

    fn plug(&self, (name, address): (&str, &str)) {
        self.ip(&format!("address add {address} dev {name}"));
        self.ip(&format!("link set {name} up"));
    }
}

/// A namespace that is the calling thread's only for as long as it is asked to do something there.
pub struct Beside {
    here: File,
    there: File,
}

impl Beside {
    /// Where `ip` finds the namespace of the calling thread, and the one beside.
    pub fn places(&self) -> [String; 2] {
        let place = |of: &File| format!("/proc/{}/fd/{}", std::process::id(), of.as_raw_fd());
        [place(&self.here), place(&self.there)]
    }

    /// Runs `body` there. What it opens stays there, threads that it starts as well.
    pub fn within<T>(&self, body: impl FnOnce(&Namespace) -> T) -> T {
        move_to(&self.there);
        let done = body(&Namespace(()));
        move_to(&self.here);
        done
    }
}

fn own() -> File {
    File::open("/proc/thread-self/ns/net").expect("the namespace of a thread is a file")
}

fn move_to(namespace: &File) {
    // SAFETY: the call takes no pointer and changes the calling thread only.
    let done = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// Sends frames as they are on one interface (packet(7)).
pub struct RawWire {
    socket: OwnedFd,
}

impl RawWire {
    /// On the interface of this number.
    pub fn open(interface: u32) -> Self {
        // SAFETY: the call takes no pointer.
        let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
        assert!(socket >= 0, "{}", io::Error::last_os_error());
        // SAFETY: the socket was made just now and is nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: 0,
            sll_ifindex: interface.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        let len = size_of_val(&address) as libc::socklen_t;
        // SAFETY: the address is live and as long as is said.
        let done =
            unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), len) };
        assert_eq!(done, 0, "{}", io::Error::last_os_error());
        Self { socket }
    }

    /// Sends one; `false` if the interface does not take it.
    pub fn send(&self, frame: &[u8]) -> bool {
        // SAFETY: the frame is live and as long as is said.
        let sent =
            unsafe { libc::send(self.socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        usize::try_from(sent) == Ok(frame.len())
    }
}

/// Takes capabilities away from the calling thread, by their bits (capabilities(7), capset(2)).
pub fn give_up(capabilities: &[u8]) {
    const VERSION: u32 = 0x2008_0522;
    let mut header = [VERSION, 0];
    // Effective, permitted and inheritable, of the lower and of the upper bits.
    let mut sets = [[0_u32; 3]; 2];
    // SAFETY: both are live and as long as version 3 has them; 0 is the calling thread.
    let got = unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) };
    assert_eq!(got, 0, "{}", io::Error::last_os_error());
    for capability in capabilities {
        let set = &mut sets[usize::from(capability / 32)];
        set.iter_mut().for_each(|bits| *bits &= !(1 << (capability % 32)));
    }
    // SAFETY: as above.
    let put = unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), sets.as_ptr()) };
    assert_eq!(put, 0, "{}", io::Error::last_os_error());
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
