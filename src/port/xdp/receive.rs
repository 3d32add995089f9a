//! Both lines of a feed, received through AF_XDP: one socket for each receive queue of the
//! interfaces that the lines are on (`tap`).
//!
//! The port begins with the feed's ordinary sockets (`udp`), which keep the memberships of the
//! groups for as long as it lives. `attach` hangs the program on the interfaces; from then on
//! frames come past the kernel, and the sockets are looked at only now and then, when nothing else
//! is there: for what the program passed on (VLAN tags, fragments, IP options) and for what came
//! before it was attached. So a start that first learns the books from the same groups on sockets
//! of its own is not disturbed, and loses nothing in between.
//!
//! An interface that is taken away takes the program with it, and its sockets find nothing any
//! more. What comes when it is made again comes by the ordinary sockets, once they have joined
//! there, until the cold side has opened it anew (`renewal`): the port takes out of a ring, between
//! two frames, first an empty tap and later one that was opened, and gives back what it had. It
//! allocates and closes nothing itself.
//!
//! Stamps are taken when frames are found, once for all that are found together.

use super::bpf::Redirect;
use super::program::Filter;
use super::queue::Taken;
use super::renewal::{Renewal, Seat};
use super::socket::{BUSY_PATIENCE, DropWatch, XdpSocket};
use super::tap::{self, Share, Tap};
use super::{Mode, ModeChoice, XdpError};
use crate::counters::Placed;
use crate::port::capture::LinkType;
use crate::port::datagram::datagram;
use crate::port::interface::{Interface, InterfaceChoice};
use crate::port::udp::{self, MulticastCounters, MulticastPort};
use rtrb::RingBuffer;
use std::net::SocketAddrV4;
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::port::copies::{self, CopyReceiver, CopySender};
use xmc_hotpath::port::{Datagram, Line, RxPort};
use xmc_hotpath::time::{Clock, MonoNs, Span};

/// Frames that are refused in one look before it gives up: a flood of garbage does not hold a core.
const MOST_REFUSED: u32 = 64;
/// Empty looks after which the clock is asked whether it is time for the ordinary sockets.
const LOOKS: u32 = 64;
/// How long they may wait: two calls of the kernel are a part of a percent of it.
const BETWEEN_SOCKETS: Span = Span(100_000);
/// Bytes of copies that may wait for the cold side.
const COPY_BYTES: usize = 4 << 20;
/// Taps that may wait for a port, and for the cold side: for each of two places one that is open,
/// and the empty one that comes after it (`renewal`). A port that is not polled takes none.
const TAPS: usize = 4;

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

/// An interface as at least one of the lines has chosen it, and what is wanted of it. Two choices
/// may be the same interface, and later not.
#[derive(Clone, Debug)]
struct Place {
    choice: InterfaceChoice,
    interface: Interface,
    lines: Vec<Line>,
    share: Share,
}

/// What is lent.
#[derive(Debug)]
enum Lent {
    Frame { at: (usize, usize), taken: Taken, start: usize, len: usize, line: Line },
    BySocket,
}

/// A tap on its way to its place, from the cold side; or back.
#[derive(Debug)]
pub(super) struct Handed {
    pub at: usize,
    pub tap: Tap,
}

/// Both lines of a feed.
#[derive(Debug)]
pub struct XdpPort<C> {
    /// By place; not open before `attach`.
    taps: Vec<Tap>,
    places: Vec<Place>,
    /// Where taps come from that were opened anew, or are empty, and where those go that they
    /// replace.
    renewal: Option<(rtrb::Consumer<Handed>, rtrb::Producer<Handed>)>,
    /// The memberships, and the long way.
    sockets: MulticastPort<C>,
    clock: C,
    targets: [SocketAddrV4; 2],
    lent: Option<Lent>,
    /// Queues of all taps.
    queues: usize,
    /// The tap and its queue that are looked at first.
    turn: (usize, usize),
    /// When what was found last was found.
    found: MonoNs,
    /// Empty looks since the clock was asked.
    empty_looks: u32,
    /// When the ordinary sockets were last looked at.
    asked_sockets: MonoNs,
    /// The ordinary sockets may have what came before the program was there.
    is_draining: bool,
    is_attached: bool,
    copies: Option<CopySender>,
    warnings: Vec<XdpWarning>,
    counters: Placed<XdpCounters>,
    watch: DropWatch,
}

/// Hangs the programs of all `ports` on their interfaces, one for all that are on the same, and
/// opens their sockets. Nothing is lost meanwhile. Ports that are attached already stay as they
/// are.
///
/// # Errors
/// See `XdpError`, and which port it is about. All ports then go on with their ordinary sockets.
pub fn attach<C: Clock>(ports: &mut [&mut XdpPort<C>]) -> Result<(), (usize, XdpError)> {
    let mut interfaces: Vec<(Interface, Vec<(usize, usize)>)> = Vec::new();
    for (port, places) in ports.iter().map(|port| &port.places).enumerate() {
        for (at, place) in places.iter().enumerate().filter(|_| !ports[port].is_attached) {
            let index = place.interface.index;
            match interfaces.iter_mut().find(|(known, _)| known.index == index) {
                Some((_, users)) => users.push((port, at)),
                None => interfaces.push((place.interface.clone(), vec![(port, at)])),
            }
        }
    }
    let mut opened = Vec::new();
    for (interface, users) in interfaces {
        let share = |(port, at): &(usize, usize)| ports[*port].places[*at].share.clone();
        let shares: Vec<_> = users.iter().map(share).collect();
        let taps = tap::open(&interface, &shares, BUSY_PATIENCE);
        let taps = taps.map_err(|error| (users[0].0, error))?;
        opened.extend(users.into_iter().zip(taps));
    }
    for ((port, at), (tap, mut warnings)) in opened {
        let port = &mut *ports[port];
        tap.count_in(&port.watch, at);
        port.warnings.append(&mut warnings);
        let _ = port.seat(at, tap);
        port.is_attached = true;
    }
    Ok(())
}

impl<C: Clock> XdpPort<C> {
    /// A port over sockets that have joined the lines. A program of its own is loaded and let go,
    /// so that a process that may not, or a kernel that cannot, is found out here.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn open(
        clock: C,
        sockets: MulticastPort<C>,
        settings: XdpSettings,
    ) -> Result<Self, XdpError> {
        let mut places: Vec<Place> = Vec::new();
        for line in Line::BOTH {
            let socket = sockets.line(line);
            let filter = Filter { target: socket.group(), source: socket.source() };
            let interface = socket.interface();
            match places.iter_mut().find(|place| place.choice == *socket.choice()) {
                Some(place) => {
                    place.lines.push(line);
                    place.share.filters.push(filter);
                }
                None => places.push(Place {
                    choice: socket.choice().clone(),
                    interface: interface.clone(),
                    lines: vec![line],
                    share: Share { filters: vec![filter], settings },
                }),
            }
        }
        for place in &places {
            Redirect::load(&[&place.share.filters], 1)?;
        }
        drop(XdpSocket::open()?);
        let warnings = sockets.warnings().cloned().map(XdpWarning::Socket).collect();
        Ok(Self {
            taps: places.iter().map(|_| Tap::default()).collect(),
            places,
            renewal: None,
            targets: Line::BOTH.map(|line| sockets.line(line).group()),
            sockets,
            asked_sockets: clock.now(),
            found: clock.now(),
            clock,
            lent: None,
            queues: 0,
            turn: (0, 0),
            empty_looks: 0,
            is_draining: true,
            is_attached: false,
            copies: None,
            warnings,
            counters: Placed::default(),
            watch: DropWatch::default(),
        })
    }

    /// Attaches this port alone: see `attach`.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn attach(&mut self) -> Result<(), XdpError> {
        attach(&mut [self]).map_err(|(_, error)| error)
    }

    /// What opens its interfaces anew while it is polled: for the cold side, once.
    pub fn renewal(&mut self) -> Renewal {
        let (fresh, taken) = RingBuffer::new(TAPS);
        let (left, old) = RingBuffer::new(TAPS);
        self.renewal = Some((taken, left));
        let seat = |(place, tap): (&Place, &Tap)| {
            let grip = tap.grip().map(|grip| (place.interface.index, grip));
            Seat::new(place.lines.clone(), place.share.clone(), grip)
        };
        let seats = self.places.iter().zip(&self.taps).map(seat).collect();
        Renewal { seats, fresh, old, watch: self.watch.clone() }
    }

    /// Puts a tap in its place, and gives back the one that was there.
    fn seat(&mut self, at: usize, tap: Tap) -> Tap {
        let old = std::mem::replace(&mut self.taps[at], tap);
        self.queues = self.taps.iter().map(|tap| tap.queues().len()).sum();
        self.turn = (0, 0);
        // What came before it by the ordinary sockets comes first.
        self.is_draining = true;
        old
    }

    /// What works less well than it could.
    pub fn warnings(&self) -> impl Iterator<Item = &XdpWarning> {
        self.warnings.iter()
    }

    /// Where the programs stand, by interface; empty before `attach`.
    pub fn modes(&self) -> impl Iterator<Item = Mode> {
        self.taps.iter().filter_map(Tap::mode)
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
        self.watch.clone()
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
            if !self.is_attached {
                return None;
            }
            self.is_draining = false;
        }
        for _ in 0..MOST_REFUSED {
            let Some(at) = self.filled() else { return self.ask_sockets() };
            if let Some(lent) = self.take(at) {
                return Some(lent);
            }
        }
        None
    }

    /// The next queue that has a frame: its tap, and its number there.
    #[inline]
    fn filled(&mut self) -> Option<(usize, usize)> {
        for _ in 0..self.queues {
            let mut at = self.turn;
            // A tap that is not open has no queue.
            while at.1 >= self.taps[at.0].queues().len() {
                at = (if at.0 + 1 < self.taps.len() { at.0 + 1 } else { 0 }, 0);
            }
            self.turn = (at.0, at.1 + 1);
            let queue = &mut self.taps[at.0].queues_mut()[at.1];
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
    fn take(&mut self, at: (usize, usize)) -> Option<Lent> {
        let queue = &mut self.taps[at.0].queues_mut()[at.1];
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
                    return Some(Lent::Frame { at, taken, start, len, line });
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
        if self.renewal.as_ref().is_some_and(|(fresh, _)| !fresh.is_empty()) {
            self.renew();
        }
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

    /// Takes a tap that was opened anew, if there is room for what it replaces.
    #[cold]
    #[inline(never)]
    fn renew(&mut self) {
        let Some((fresh, left)) = &mut self.renewal else { return };
        if left.is_full() {
            return;
        }
        let Ok(Handed { at, tap }) = fresh.pop() else { return };
        let tap = self.seat(at, tap);
        if let Some((_, left)) = &mut self.renewal {
            // There is room, as was seen above.
            let _ = left.push(Handed { at, tap });
        }
    }

    fn by_socket(&self) -> Lent {
        if self.is_attached {
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
            Lent::Frame { at, taken, start, len, line } => {
                let payload =
                    self.taps[at.0].queues()[at.1].bytes(taken)?.get(*start..*start + *len)?;
                Some(Datagram { payload, received: self.found, line: *line })
            }
        }
    }

    #[inline]
    fn release(&mut self) {
        match self.lent.take().expect("only a datagram that was lent is released") {
            Lent::BySocket => self.sockets.release(),
            Lent::Frame { at, taken, start, len, line } => {
                let queue = &mut self.taps[at.0].queues_mut()[at.1];
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
