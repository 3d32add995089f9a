//! Both lines of a feed, received through AF_XDP: one socket for each receive queue of the
//! interfaces that the lines are on, those of an interface with one memory of frames: what shares
//! memory also shares whether frames are copied, and that each card's driver decides for itself.
//!
//! The port begins with the feed's ordinary sockets (`udp`), which keep the memberships of the
//! groups for as long as it lives. `attach` hangs the program on the interfaces; from then on
//! frames come past the kernel, and the sockets are looked at only now and then, when nothing else
//! is there: for what the program passed on (VLAN tags, fragments, IP options) and for what came
//! before it was attached. So a start that first learns the books from the same groups on sockets
//! of its own is not disturbed, and loses nothing in between.
//!
//! Stamps are taken when frames are found, once for all that are found together.

use super::bpf::{Link, Redirect};
use super::host::Card;
use super::program::Filter;
use super::queue::{Queue, Taken};
use super::socket::{DropWatch, XdpSocket};
use super::umem::Umem;
use super::{Mode, ModeChoice, XdpError};
use crate::counters::Placed;
use crate::port::capture::LinkType;
use crate::port::datagram::datagram;
use crate::port::interface::Interface;
use crate::port::udp::{self, MulticastCounters, MulticastPort};
use rtrb::RingBuffer;
use std::net::SocketAddrV4;
use std::sync::Arc;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::port::copies::{self, CopyReceiver, CopySender};
use xmc_hotpath::port::{Datagram, Line, RxPort};
use xmc_hotpath::time::{Clock, MonoNs, Span};

/// Frames of a queue: at least what a burst of a few milliseconds needs, at most what a ring of the
/// kernel may be.
const FRAMES: std::ops::RangeInclusive<usize> = 64..=1 << 14;
/// Bytes of a frame, by which the configured buffer is divided.
const FRAME_BYTES: usize = 2_048;
/// Frames that are refused in one look before it gives up: a flood of garbage does not hold a core.
const MOST_REFUSED: u32 = 64;
/// Empty looks after which the clock is asked whether it is time for the ordinary sockets.
const LOOKS: u32 = 64;
/// How long they may wait: two calls of the kernel are a part of a percent of it.
const BETWEEN_SOCKETS: Span = Span(100_000);
/// Bytes of copies that may wait for the cold side.
const COPY_BYTES: usize = 4 << 20;

/// How a feed is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpSettings {
    /// Where the program may stand.
    pub mode: ModeChoice,
    /// Bytes of frames for each queue.
    pub buffer_bytes: usize,
    /// How long a call of the kernel polls the card, in µs; `None`: cards interrupt.
    pub busy_poll_us: Option<u32>,
}

impl Default for XdpSettings {
    fn default() -> Self {
        Self { mode: ModeChoice::Best, buffer_bytes: 4 << 20, busy_poll_us: None }
    }
}

/// Something that works, but less well than it could.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XdpWarning {
    /// Of the ordinary sockets.
    #[error(transparent)]
    Socket(#[from] udp::Warning),
    /// The driver does not take the program.
    #[error(
        "{interface} takes no XDP program in native mode ({card}): its frames come in generic \
         mode, after the kernel has made a packet of each"
    )]
    Generic {
        /// The interface.
        interface: String,
        /// What it is.
        card: String,
    },
    /// The driver cannot write into the shared memory.
    #[error("frames of {interface} are copied by the kernel ({card}): it has no zero-copy driver")]
    Copied {
        /// The interface.
        interface: String,
        /// What it is.
        card: String,
    },
    /// The kernel does not let this process poll the card.
    #[error("busy polling of {us} µs was refused on {interface}: leave busy_poll_us out")]
    BusyPoll {
        /// The interface.
        interface: String,
        /// What was asked for.
        us: u32,
    },
}

counters! {
    /// What the port refused or received the long way: written by the core that polls it.
    #[repr(align(128))]
    pub struct XdpCounters {
        /// Frames whose headers contradict themselves, or end too early.
        pub malformed: Counter => Count "packets",
        /// Frames of another group or protocol than the program should let through.
        pub foreign: Counter => Count "packets",
        /// Descriptors of the kernel that name no frame.
        pub stray: Counter => Count "descriptors",
        /// Datagrams that came by the ordinary sockets.
        pub by_socket: Counter => Count "packets",
        /// Datagrams of which the cold side got no copy for want of room.
        pub uncopied: Counter => Count "packets",
    }
}

/// An interface on which at least one of the lines is.
#[derive(Debug)]
struct Prepared {
    interface: Interface,
    card: Card,
    redirect: Redirect,
}

/// What is lent.
#[derive(Debug)]
enum Lent {
    Frame { queue: usize, taken: Taken, start: usize, len: usize, line: Line },
    BySocket,
}

/// Both lines of a feed.
#[derive(Debug)]
pub struct XdpPort<C> {
    // Taken away before the sockets of the queues are closed.
    links: Vec<Link>,
    queues: Vec<Queue>,
    prepared: Vec<Prepared>,
    /// The memberships, and the long way.
    sockets: MulticastPort<C>,
    clock: C,
    settings: XdpSettings,
    targets: [SocketAddrV4; 2],
    lent: Option<Lent>,
    /// The queue that is looked at first.
    turn: usize,
    /// When what was found last was found.
    found: MonoNs,
    /// Empty looks since the clock was asked.
    empty_looks: u32,
    /// When the ordinary sockets were last looked at.
    asked_sockets: MonoNs,
    /// The ordinary sockets may have what came before the program was there.
    is_draining: bool,
    copies: Option<CopySender>,
    warnings: Vec<XdpWarning>,
    counters: Placed<XdpCounters>,
}

impl<C: Clock> XdpPort<C> {
    /// A port over sockets that have joined the lines. Everything is made ready for `attach`, so
    /// that a process that may not, or a kernel that cannot, is found out here.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn open(
        clock: C,
        sockets: MulticastPort<C>,
        settings: XdpSettings,
    ) -> Result<Self, XdpError> {
        let joined = Line::BOTH.map(|line| sockets.line(line));
        let targets = joined.map(|socket| socket.group());
        let mut prepared: Vec<Prepared> = Vec::new();
        for socket in joined {
            let interface = socket.interface();
            if prepared.iter().any(|other| other.interface.index == interface.index) {
                continue;
            }
            let on_it = joined.iter().filter(|other| other.interface().index == interface.index);
            let filters: Vec<_> = on_it
                .map(|socket| Filter { target: socket.group(), source: socket.source() })
                .collect();
            let card = Card::of(interface);
            let redirect = Redirect::load(&filters, card.queues)?;
            prepared.push(Prepared { interface: interface.clone(), card, redirect });
        }
        drop(XdpSocket::open()?);
        let warnings = sockets.warnings().cloned().map(XdpWarning::Socket).collect();
        Ok(Self {
            links: Vec::new(),
            queues: Vec::new(),
            prepared,
            sockets,
            asked_sockets: clock.now(),
            found: clock.now(),
            clock,
            settings,
            targets,
            lent: None,
            turn: 0,
            empty_looks: 0,
            is_draining: true,
            copies: None,
            warnings,
            counters: Placed::default(),
        })
    }

    /// Hangs the program on the interfaces and opens a socket on each of their queues. Nothing is
    /// lost meanwhile: a frame for which there is no socket yet is passed on. What is attached
    /// already stays as it is.
    ///
    /// # Errors
    /// See `XdpError`. The port then goes on with its ordinary sockets.
    pub fn attach(&mut self) -> Result<(), XdpError> {
        if !self.links.is_empty() {
            return Ok(());
        }
        let entries = (self.settings.buffer_bytes / FRAME_BYTES)
            .clamp(*FRAMES.start(), *FRAMES.end())
            .next_power_of_two();
        let entries = u32::try_from(entries).expect("it is clamped");
        let (mut links, mut opened, mut warnings) = (Vec::new(), Vec::<Queue>::new(), Vec::new());
        for Prepared { interface, card, redirect } in &self.prepared {
            let link = redirect.attach(interface, self.settings.mode)?;
            let mode = link.mode();
            links.push(link);
            let frames = entries.checked_mul(card.queues).expect("cards have fewer queues");
            let umem = Arc::new(Umem::map(frames)?);
            let first = opened.len();
            let name = || interface.name.clone();
            if mode == Mode::Generic && self.settings.mode == ModeChoice::Best {
                warnings.push(XdpWarning::Generic { interface: name(), card: card.to_string() });
            }
            for queue in 0..card.queues {
                let own = queue * entries..(queue + 1) * entries;
                let first = opened.get(first);
                let mut made = Queue::open(&umem, own, first, interface, queue, mode)?;
                redirect.set(queue, made.socket())?;
                let refused = |us: &u32| !made.busy_poll(*us);
                if let Some(us) = self.settings.busy_poll_us.filter(refused) {
                    warnings.push(XdpWarning::BusyPoll { interface: name(), us });
                }
                if mode == Mode::Native && !made.socket().is_zero_copy() && queue == 0 {
                    warnings.push(XdpWarning::Copied { interface: name(), card: card.to_string() });
                }
                opened.push(made);
            }
        }
        (self.links, self.queues) = (links, opened);
        self.warnings.append(&mut warnings);
        Ok(())
    }

    /// What works less well than it could.
    pub fn warnings(&self) -> impl Iterator<Item = &XdpWarning> {
        self.warnings.iter()
    }

    /// Where the programs stand, by interface; empty before `attach`.
    pub fn modes(&self) -> impl Iterator<Item = Mode> {
        self.links.iter().map(Link::mode)
    }

    /// The counters, for the cold side to keep.
    #[must_use]
    pub fn counters(&self) -> Placed<XdpCounters> {
        self.counters.clone()
    }

    /// Goes on counting there, and its ordinary sockets likewise.
    pub fn count_in(
        &mut self,
        counters: &Placed<XdpCounters>,
        sockets: &Placed<MulticastCounters>,
    ) {
        self.counters = self.counters.moved_to(counters);
        self.sockets.count_in(sockets);
    }

    /// What the kernel drops of the frames, for the cold side to read.
    #[must_use]
    pub fn drop_watch(&self) -> DropWatch {
        DropWatch::of(self.queues.iter().map(Queue::socket))
    }

    /// The ordinary sockets.
    #[must_use]
    pub fn sockets(&self) -> &MulticastPort<C> {
        &self.sockets
    }

    #[inline]
    fn find(&mut self) -> Option<Lent> {
        if self.is_draining {
            if self.sockets.peek().is_some() {
                return Some(self.by_socket());
            }
            if self.links.is_empty() {
                return None;
            }
            self.is_draining = false;
        }
        for _ in 0..MOST_REFUSED {
            let Some(queue) = self.filled() else { return self.ask_sockets() };
            if let Some(lent) = self.take(queue) {
                return Some(lent);
            }
        }
        None
    }

    /// The next queue that has a frame.
    #[inline]
    fn filled(&mut self) -> Option<usize> {
        for _ in 0..self.queues.len() {
            let at = self.turn;
            self.turn = if at + 1 < self.queues.len() { at + 1 } else { 0 };
            let queue = &mut self.queues[at];
            if queue.has_known() {
                return Some(at);
            }
            if queue.look() {
                self.found = self.clock.now();
                return Some(at);
            }
        }
        None
    }

    /// Takes the next frame of a queue; one that is no datagram of the feed is counted and given
    /// back.
    #[inline]
    fn take(&mut self, at: usize) -> Option<Lent> {
        let queue = &mut self.queues[at];
        let taken = queue.pop()?;
        let Some(frame) = queue.bytes(&taken) else {
            self.counters.stray.add(1);
            queue.give_back(&taken);
            return None;
        };
        let refused = match datagram(LinkType::ETHERNET, frame) {
            Ok(Some(found)) => {
                let [a, b] = self.targets;
                let line = match found.target {
                    target if target == a => Some(Line::A),
                    target if target == b => Some(Line::B),
                    _ => None,
                };
                if let Some(line) = line {
                    let start = found.payload.as_ptr().addr() - frame.as_ptr().addr();
                    let len = found.payload.len();
                    return Some(Lent::Frame { queue: at, taken, start, len, line });
                }
                &self.counters.foreign
            }
            Ok(None) => &self.counters.foreign,
            Err(_) => &self.counters.malformed,
        };
        refused.add(1);
        queue.give_back(&taken);
        None
    }

    /// Nothing came past the kernel: now and then looks at what came through it.
    #[inline]
    fn ask_sockets(&mut self) -> Option<Lent> {
        self.empty_looks += 1;
        if self.empty_looks < LOOKS {
            return None;
        }
        self.empty_looks = 0;
        let now = self.clock.now();
        if now.since(self.asked_sockets) < BETWEEN_SOCKETS {
            return None;
        }
        if self.sockets.peek().is_none() {
            self.asked_sockets = now;
            return None;
        }
        // The next empty look asks again.
        self.empty_looks = LOOKS;
        Some(self.by_socket())
    }

    fn by_socket(&self) -> Lent {
        if !self.links.is_empty() {
            self.counters.by_socket.add(1);
        }
        Lent::BySocket
    }
}

impl<C: Clock> RxPort for XdpPort<C> {
    #[inline]
    fn peek(&mut self) -> Option<Datagram<'_>> {
        if self.lent.is_none() {
            self.lent = self.find();
        }
        match self.lent.as_ref()? {
            Lent::BySocket => self.sockets.peek(),
            Lent::Frame { queue, taken, start, len, line } => {
                let payload = self.queues[*queue].bytes(taken)?.get(*start..*start + *len)?;
                Some(Datagram { payload, received: self.found, line: *line })
            }
        }
    }

    #[inline]
    fn release(&mut self) {
        match self.lent.take().expect("only a datagram that was lent is released") {
            Lent::BySocket => self.sockets.release(),
            Lent::Frame { queue, taken, start, len, line } => {
                let queue = &mut self.queues[queue];
                if let Some(copies) = &mut self.copies
                    && let Some(frame) = queue.bytes(&taken)
                {
                    copies.copy(line, &frame[start..start + len], &self.counters.uncopied);
                }
                queue.give_back(&taken);
            }
        }
    }

    fn take_copies(&mut self) -> Option<CopyReceiver> {
        let (mut producer, mut consumer) = RingBuffer::new(COPY_BYTES);
        // Once round, so that no page of it is missing when a hot core writes there.
        producer.push_entire_slice(&vec![1; COPY_BYTES]).expect("it is empty");
        consumer.read_chunk(COPY_BYTES).expect("it is full").commit_all();
        let (sender, receiver) = copies::ends((producer, consumer));
        self.copies = Some(sender);
        Some(receiver)
    }
}
