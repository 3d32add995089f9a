//! What only system calls tell: network cards by `ethtool`'s requests, the clock's discipline, the
//! latency that idle states are allowed. It is asked of this machine alone, and changes nothing.
//!
//! Sources: `include/uapi/linux/ethtool.h`, `net_tstamp.h` and `timex.h`; `adjtimex(2)`;
//! `Documentation/power/pm_qos_interface.rst`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// An answer, or why there is none.
pub type Answer<T> = Result<T, Silence>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The files are another machine's.
    Elsewhere,
    /// There is nothing to tell: the driver does not know the request.
    Unsupported,
    /// The system refused.
    Refused(String),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EOPNOTSUPP) => Self::Unsupported,
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere => f.write_str("asked on the machine itself only"),
            Self::Unsupported => f.write_str("the driver does not have it"),
            Self::Refused(why) => why.fmt(f),
        }
    }
}

/// Words of the largest request below: 196 bytes of `struct ethtool_drvinfo`.
const WORDS: usize = 64;

const GDRVINFO: u32 = 0x03;
const GCOALESCE: u32 = 0x0e;
const GRINGPARAM: u32 = 0x10;
const GPAUSEPARAM: u32 = 0x12;
const GFLAGS: u32 = 0x25;
const GGRO: u32 = 0x2b;
const GCHANNELS: u32 = 0x3c;
const GET_TS_INFO: u32 = 0x41;

/// Bits of `ETHTOOL_GFLAGS`.
const FLAG_LRO: u32 = 1 << 15;
const FLAG_NTUPLE: u32 = 1 << 27;
/// Bits of `so_timestamping`: packets are stamped by the card, and the stamps are handed out.
const RX_HARDWARE: u32 = 1 << 2 | 1 << 6;
/// Bit of `rx_filters`: any packet can be stamped.
const FILTER_ALL: u32 = 1 << 1;

/// How long a card waits before it interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coalesce {
    /// Microseconds after a packet.
    pub rx_us: u32,
    /// It changes that by itself.
    pub is_adaptive: bool,
}

/// Something of which a card has so many, and could have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// It has.
    pub now: u32,
    /// It could have.
    pub most: u32,
}

/// What a card does to packets before anybody sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offloads {
    /// The kernel joins segments.
    pub gro: bool,
    /// The card joins segments.
    pub lro: bool,
    /// Rules choose queues.
    pub ntuple: bool,
}

/// What a card stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// Packets that arrive, by the card's own clock.
    pub rx: bool,
    /// Any packet, not just those of PTP.
    pub any: bool,
    /// The number of its clock, `/dev/ptpN`.
    pub clock: Option<u32>,
}

/// What the driver of a card answers.
#[derive(Clone, Debug)]
pub struct Card {
    /// Name of the driver and version of the firmware.
    pub driver: Answer<(String, String)>,
    /// Interrupts.
    pub coalesce: Answer<Coalesce>,
    /// Slots of a receive ring.
    pub ring: Answer<Count>,
    /// Queues.
    pub queues: Answer<Count>,
    /// Joining of packets.
    pub offloads: Answer<Offloads>,
    /// Pause frames are heeded or sent.
    pub pause: Answer<bool>,
    /// Time stamps.
    pub stamps: Answer<Stamps>,
}

/// How the system's clock stands, as the kernel was told by whoever disciplines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeStatus {
    /// Somebody disciplines it.
    pub is_synchronised: bool,
    /// Largest error there can be, microseconds.
    pub most_error_us: i64,
    /// Estimated error, microseconds.
    pub error_us: i64,
    /// Seconds between TAI and UTC; 0: nobody has said.
    pub tai_seconds: i32,
}

/// Answers of a kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// By interface.
    pub cards: BTreeMap<String, Card>,
    /// The clock.
    pub time: Answer<TimeStatus>,
    /// Latency that idle states may cause, microseconds.
    pub latency_us: Answer<i32>,
}

impl Kernel {
    /// Nothing: the files are another machine's.
    #[must_use]
    pub fn elsewhere() -> Self {
        Self {
            cards: BTreeMap::new(),
            time: Err(Silence::Elsewhere),
            latency_us: Err(Silence::Elsewhere),
        }
    }

    /// This machine's, about these interfaces.
    #[must_use]
    pub fn here(interfaces: &[String]) -> Self {
        let card = |name: &String| (name.clone(), Card::of(name));
        Self {
            cards: interfaces.iter().map(card).collect(),
            time: time().map_err(Silence::from),
            latency_us: latency().map_err(Silence::from),
        }
    }

    /// What one card answers to one question.
    ///
    /// # Errors
    /// Why it does not.
    pub fn card<T: Clone>(&self, name: &str, question: impl Fn(&Card) -> &Answer<T>) -> Answer<T> {
        self.cards.get(name).map_or_else(|| Err(Silence::Elsewhere), |card| question(card).clone())
    }
}

impl Card {
    fn of(name: &str) -> Self {
        let asked = |command| ask(name, command).map_err(Silence::from);
        let text = |words: &[u32]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let flags = asked(GFLAGS).map(|words| words[1]);
        let gro = asked(GGRO).map(|words| words[1] != 0);
        Self {
            driver: asked(GDRVINFO).map(|words| (text(&words[1..9]), text(&words[17..25]))),
            coalesce: asked(GCOALESCE)
                .map(|words| Coalesce { rx_us: words[1], is_adaptive: words[10] != 0 }),
            ring: asked(GRINGPARAM).map(|words| Count { now: words[5], most: words[1] }),
            queues: asked(GCHANNELS).map(|words| Count {
                now: words[5].saturating_add(words[8]),
                most: words[1].saturating_add(words[4]),
            }),
            offloads: gro.and_then(|gro| {
                let flags = flags?;
                let (lro, ntuple) = (flags & FLAG_LRO != 0, flags & FLAG_NTUPLE != 0);
                Ok(Offloads { gro, lro, ntuple })
            }),
            pause: asked(GPAUSEPARAM).map(|words| words[2] != 0 || words[3] != 0),
            stamps: asked(GET_TS_INFO).map(|words| Stamps {
                rx: words[1] & RX_HARDWARE == RX_HARDWARE,
                any: words[7] & FILTER_ALL != 0,
                // -1 where there is none.
                clock: (words[2] != u32::MAX).then_some(words[2]),
            }),
        }
    }
}

/// Asks the driver of an interface: the answer is the request's own struct, as words.
#[expect(unsafe_code, reason = "drivers answer by ioctl alone")]
fn ask(name: &str, command: u32) -> io::Result<[u32; WORDS]> {
    // Any socket does; it is bound to nothing.
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let mut words = [0_u32; WORDS];
    words[0] = command;
    let mut named = [0; libc::IFNAMSIZ];
    if name.len() >= named.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, byte) in named.iter_mut().zip(name.bytes()) {
        *to = byte.cast_signed();
    }
    let mut request = libc::ifreq {
        ifr_name: named,
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: words.as_mut_ptr().cast() },
    };
    // SAFETY: `request` lives across the call and ends its name with a zero; its pointer is to
    // `words`, which is longer than the struct of any command of this file and which nobody else
    // uses meanwhile.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(words) }
}

/// Reads how the clock is disciplined; sets nothing, since `modes` is 0.
#[expect(unsafe_code, reason = "the discipline of the clock is told by a system call")]
fn time() -> io::Result<TimeStatus> {
    // SAFETY: `timex` is integers only, for which zero is a value.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live struct of the right type, which the call fills.
    if unsafe { libc::adjtimex(&raw mut timex) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(TimeStatus {
        is_synchronised: timex.status & libc::STA_UNSYNC == 0,
        most_error_us: timex.maxerror,
        error_us: timex.esterror,
        tai_seconds: timex.tai,
    })
}

/// Reads the latency that all requests together allow. Opened for reading, the file asks for
/// nothing: its own request is the default.
fn latency() -> io::Result<i32> {
    let mut bytes = [0; 4];
    File::open(LATENCY)?.read_exact(&mut bytes)?;
    Ok(i32::from_ne_bytes(bytes))
}

/// Where latencies of idle states are asked for.
pub const LATENCY: &str = "/dev/cpu_dma_latency";
