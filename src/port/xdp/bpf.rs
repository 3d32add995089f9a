//! `bpf(2)`: a map from queues to sockets, a program that looks into it, and the link that hangs
//! the program on an interface for as long as this process lives.
//!
//! Commands and layouts: `linux/bpf.h`, `union bpf_attr`. The kernel takes what is shorter than the
//! union as followed by zeros.

use super::error::refused;
use super::program::{self, Filter, Instruction, MAX_FILTERS};
use super::socket::XdpSocket;
use super::{Mode, ModeChoice, XdpError};
use crate::port::interface::Interface;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE: libc::c_int = 2;
const PROGRAM_LOAD: libc::c_int = 5;
const PROGRAM_TEST: libc::c_int = 10;
const LINK_CREATE: libc::c_int = 28;
const LINK_DETACH: libc::c_int = 34;

/// `BPF_MAP_TYPE_XSKMAP`, `BPF_PROG_TYPE_XDP`, `BPF_XDP` as an attach type.
const SOCKET_MAP: u32 = 17;
const XDP_PROGRAM: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// `XDP_FLAGS_SKB_MODE`, `XDP_FLAGS_DRV_MODE` of `linux/if_link.h`.
const IN_GENERIC: u32 = 1 << 1;
const IN_DRIVER: u32 = 1 << 2;

/// What the verifier may say, and how much of its end is shown.
const LOG_BYTES: usize = 1 << 16;
const LOG_LINES: usize = 3;
/// How the kernel lists the program (`bpftool prog`).
const NAME: [u8; 16] = *b"xmc_feed\0\0\0\0\0\0\0\0";
/// The helpers that are called are open to any licence; the kernel wants one said.
const LICENCE: &[u8] = b"Dual MIT/GPL\0";

#[repr(C)]
struct MapAttributes {
    kind: u32,
    key_bytes: u32,
    value_bytes: u32,
    entries: u32,
    flags: u32,
    inner: u32,
    node: u32,
    name: [u8; 16],
}

#[repr(C)]
struct ElementAttributes {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgramAttributes {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_bytes: u32,
    log: u64,
    kernel: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach: u32,
}

#[repr(C)]
struct TestAttributes {
    program: u32,
    verdict: u32,
    bytes_in: u32,
    bytes_out: u32,
    input: u64,
    output: u64,
    repeat: u32,
    duration_ns: u32,
}

#[repr(C)]
struct LinkAttributes {
    program: u32,
    interface: u32,
    attach: u32,
    flags: u32,
}

#[repr(C)]
struct DetachAttributes {
    link: u32,
}

const _: () = assert!(size_of::<MapAttributes>() == 44 && size_of::<ElementAttributes>() == 32);
const _: () = assert!(size_of::<ProgramAttributes>() == 72 && size_of::<TestAttributes>() == 40);
const _: () = assert!(size_of::<LinkAttributes>() == 16);

/// One call. `T` is the layout of its command, and what it points to is live.
#[expect(unsafe_code, reason = "bpf(2) has no other door")]
fn call<T>(command: libc::c_int, attributes: &mut T) -> io::Result<libc::c_long> {
    let bytes = size_of::<T>();
    // SAFETY: the attributes are live and as long as is said; each caller keeps what they point to
    // live and as long as they say during the call.
    let done =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), bytes) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(done) }
}

/// A call that makes something.
#[expect(unsafe_code, reason = "bpf(2) has no other door")]
fn make<T>(command: libc::c_int, attributes: &mut T) -> io::Result<OwnedFd> {
    let made = call(command, attributes)?;
    let descriptor =
        i32::try_from(made).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    // SAFETY: the kernel has made it just now, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn number(of: &impl AsFd) -> u32 {
    of.as_fd().as_raw_fd().unsigned_abs()
}

/// A program that is loaded, and the sockets that it sends frames to.
#[derive(Debug)]
pub struct Redirect {
    map: OwnedFd,
    program: OwnedFd,
}

impl Redirect {
    /// Loads the program of these filters, by feed, for an interface of so many queues.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn load(feeds: &[&[Filter]], queues: u32) -> Result<Self, XdpError> {
        let queues = queues.max(1);
        let count = feeds.iter().map(|filters| filters.len()).sum();
        if count > MAX_FILTERS {
            return Err(XdpError::TooManyFilters { count, most: MAX_FILTERS });
        }
        let mut attributes = MapAttributes {
            kind: SOCKET_MAP,
            key_bytes: 4,
            value_bytes: 4,
            entries: u32::try_from(feeds.len().max(1)).unwrap_or(u32::MAX).saturating_mul(queues),
            flags: 0,
            inner: 0,
            node: 0,
            name: NAME,
        };
        let map = make(MAP_CREATE, &mut attributes).map_err(refused("a map of AF_XDP sockets"))?;
        let program = load(&program::redirect(feeds, queues, map.as_fd()))?;
        Ok(Self { map, program })
    }

    /// Puts a socket into the map: `place` is its queue, and for each feed before its own as many
    /// more as there are queues.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn set(&self, place: u32, socket: &XdpSocket) -> Result<(), XdpError> {
        let value = number(socket);
        let mut attributes = ElementAttributes {
            map: number(&self.map),
            pad: 0,
            key: std::ptr::from_ref(&place).expose_provenance() as u64,
            value: std::ptr::from_ref(&value).expose_provenance() as u64,
            flags: 0,
        };
        call(MAP_UPDATE, &mut attributes)
            .map(drop)
            .map_err(refused("a queue's place in the map of AF_XDP sockets"))
    }

    /// Runs the program on a frame of queue 0 without an interface (`BPF_PROG_TEST_RUN`): its
    /// verdict, `XDP_PASS` (2) or `XDP_REDIRECT` (4).
    ///
    /// # Errors
    /// What the system says; it does not take frames below 14 bytes.
    pub fn verdict(&self, frame: &[u8]) -> io::Result<u32> {
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let mut output = vec![0_u8; frame.len() + 512];
        let mut attributes = TestAttributes {
            program: number(&self.program),
            verdict: 0,
            bytes_in: u32::try_from(frame.len()).map_err(too_long)?,
            bytes_out: u32::try_from(output.len()).map_err(too_long)?,
            input: frame.as_ptr().expose_provenance() as u64,
            output: output.as_mut_ptr().expose_provenance() as u64,
            repeat: 1,
            duration_ns: 0,
        };
        call(PROGRAM_TEST, &mut attributes)?;
        Ok(attributes.verdict)
    }

    /// Hangs the program on an interface.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn attach(&self, interface: &Interface, choice: ModeChoice) -> Result<Link, XdpError> {
        let attach = |mode| {
            let mut attributes = LinkAttributes {
                program: number(&self.program),
                interface: interface.index,
                attach: ATTACH_XDP,
                flags: match mode {
                    Mode::Native => IN_DRIVER,
                    Mode::Generic => IN_GENERIC,
                },
            };
            make(LINK_CREATE, &mut attributes).map(|descriptor| Link { descriptor, mode })
        };
        let unhung = |mode| {
            move |source: io::Error| match source.raw_os_error() {
                Some(libc::EBUSY | libc::EEXIST) => {
                    XdpError::Occupied { interface: interface.name.clone() }
                }
                Some(libc::EPERM | libc::EINVAL) if mode == Mode::Generic => {
                    refused("a link from an XDP program to an interface")(source)
                }
                _ => XdpError::Attach { interface: interface.name.clone(), mode, source },
            }
        };
        match choice {
            ModeChoice::Only(mode) => attach(mode).map_err(unhung(mode)),
            ModeChoice::Best => match attach(Mode::Native).map_err(unhung(Mode::Native)) {
                Err(XdpError::Attach { .. }) => {
                    attach(Mode::Generic).map_err(unhung(Mode::Generic))
                }
                done => done,
            },
        }
    }
}

/// Loads a program. What the verifier says of one that it accepts may be more than any buffer
/// holds, so it is asked only about one that it refuses.
fn load(instructions: &[Instruction]) -> Result<OwnedFd, XdpError> {
    let source = match load_once(instructions, &mut []) {
        Ok(program) => return Ok(program),
        Err(source) => source,
    };
    let mut log = vec![0_u8; LOG_BYTES];
    let _ = load_once(instructions, &mut log);
    let said = String::from_utf8_lossy(&log);
    let said = said.trim_end_matches(['\0', '\n']);
    // It speaks only of programs that it has looked at.
    if said.is_empty() {
        return Err(refused("an XDP program")(source));
    }
    let lines: Vec<_> = said.lines().collect();
    let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
    Err(XdpError::Program { reason: format!("{source}: {}", last.join("; ")) })
}

fn load_once(instructions: &[Instruction], log: &mut [u8]) -> io::Result<OwnedFd> {
    let log_at = if log.is_empty() { 0 } else { log.as_mut_ptr().expose_provenance() as u64 };
    let mut attributes = ProgramAttributes {
        kind: XDP_PROGRAM,
        count: u32::try_from(instructions.len()).expect("filters are few"),
        instructions: instructions.as_ptr().expose_provenance() as u64,
        licence: LICENCE.as_ptr().expose_provenance() as u64,
        log_level: u32::from(!log.is_empty()),
        log_bytes: u32::try_from(log.len()).expect("it is a constant"),
        log: log_at,
        kernel: 0,
        flags: 0,
        name: NAME,
        interface: 0,
        attach: ATTACH_XDP,
    };
    make(PROGRAM_LOAD, &mut attributes)
}

/// A program on an interface. It is taken away with this value, or by the kernel with the process.
#[derive(Debug)]
pub struct Link {
    descriptor: OwnedFd,
    mode: Mode,
}

impl Link {
    /// Where it stands.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Takes the program away, whoever else still has this value.
    pub(super) fn detach(&self) {
        let mut attributes = DetachAttributes { link: number(&self.descriptor) };
        // A link whose interface is gone has nothing to take away.
        let _ = call(LINK_DETACH, &mut attributes);
    }
}
