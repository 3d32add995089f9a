//! One queue of a receiving port: its socket, its two rings, and the frames on their way round.
//!
//! Feeds that are on one interface have a socket each on each of its queues, and a receive ring
//! each. Free frames of the queue are common to them, and so is the fill ring, which the kernel has
//! once for a queue: whoever finds it free puts back what it has had, and keeps it until then.
//! Nobody waits for anybody. A socket cannot take more frames than its receive ring holds, and
//! there are as many as all of these together and some more: a feed that is not polled takes none
//! away from the others.
//!
//! A frame goes from the fill ring to the kernel, comes back by the receive ring, is lent, and goes
//! to the fill ring again. The kernel shows a frame that came before it shows that its place in
//! the fill ring is free (`xsk_flush`: the receive ring is submitted first). So the fill ring has
//! room for twice as many frames as there are, and always has room for one.

use super::rings::{self, Kind, Mapped};
use super::socket::XdpSocket;
use super::umem::Umem;
use super::{Mode, XdpError};
use crate::port::interface::Interface;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xmc_hotpath::port::xdp::{Consumer, Descriptor, FrameAddress, Producer};

/// Frames after which the kernel is shown what it may use again. Each showing takes a line of
/// memory from the kernel's core.
const SHOWN_AFTER: u32 = 32;
/// Empty looks between two at whether the kernel wants to be woken, where the ring that says so is
/// common: to look takes a line of memory from the other cores.
const WAKE_LOOKS: u32 = 64;
/// Frames that a feed may have had and not put back, where they are common.
pub const KEPT: u32 = 2 * SHOWN_AFTER;
/// The kernel wants a completion ring of a socket that sends nothing.
const UNUSED_ENTRIES: u32 = 64;

/// A frame that came.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its first byte.
    address: FrameAddress,
    /// Where its bytes are; `None` if the kernel's descriptor names none.
    bytes: Option<Range<usize>>,
}

/// Free frames for the kernel.
type FillRing = Mapped<Producer<'static, FrameAddress>>;

/// Where frames go back.
#[derive(Debug)]
enum Fill {
    /// To a ring of this queue's own.
    Own(FillRing),
    /// To one that other feeds' sockets use too, when nobody else has it just now.
    Common {
        ring: Arc<Mutex<FillRing>>,
        /// As long as there are frames.
        kept: Vec<FrameAddress>,
        empty_looks: u32,
    },
}

impl Fill {
    /// The ring, to be used by this and others.
    fn common(ring: &Arc<Mutex<FillRing>>, frames: u32) -> Self {
        let frames = usize::try_from(frames).expect("a few thousand");
        Self::Common { ring: Arc::clone(ring), kept: Vec::with_capacity(frames), empty_looks: 0 }
    }

    #[inline]
    fn put(&mut self, address: FrameAddress) {
        match self {
            Self::Own(ring) => {
                let pushed = ring.push(address);
                debug_assert!(pushed.is_ok(), "it has room for twice as many");
            }
            // More than there are frames would be the kernel's fault.
            Self::Common { kept, .. } if kept.len() < kept.capacity() => kept.push(address),
            Self::Common { .. } => {}
        }
    }

    /// Shows the kernel what was put back; `false` if somebody else has the ring.
    #[inline]
    fn show(&mut self) -> bool {
        match self {
            Self::Own(ring) => ring.publish(),
            Self::Common { ring, kept, .. } => {
                let Ok(mut ring) = ring.try_lock() else { return false };
                for address in kept.drain(..) {
                    let pushed = ring.push(address);
                    debug_assert!(pushed.is_ok(), "it has room for twice as many");
                }
                ring.publish();
            }
        }
        true
    }

    /// Whether the kernel wants to be woken, as far as that is looked at.
    #[inline]
    fn needs_wakeup(&mut self) -> bool {
        match self {
            Self::Own(ring) => ring.needs_wakeup(),
            Self::Common { ring, empty_looks, .. } => {
                *empty_looks += 1;
                if *empty_looks < WAKE_LOOKS {
                    return false;
                }
                *empty_looks = 0;
                ring.try_lock().is_ok_and(|ring| ring.needs_wakeup())
            }
        }
    }
}

/// One queue.
#[derive(Debug)]
pub struct Queue {
    // Unmapped before the socket is closed.
    received: Mapped<Consumer<'static, Descriptor>>,
    fill: Fill,
    socket: XdpSocket,
    umem: Arc<Umem>,
    /// Frames that went back and were not shown.
    unshown: u32,
    is_busy_polled: bool,
}

/// The frames of a queue, and who has them.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Those of the memory that are its own.
    pub own: Range<u32>,
    /// The most that the first socket may have had and not looked at.
    pub entries: u32,
    /// Other sockets will have a part of them.
    pub are_common: bool,
}

/// Which queue of which interface, and how it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'i> {
    pub interface: &'i Interface,
    pub queue: u32,
    /// Where the program stands.
    pub mode: Mode,
    /// For how long, if another socket has it.
    pub patience: Duration,
}

impl Queue {
    /// The first socket on a queue, with some frames of the memory. That is registered with
    /// `socket` or, if this is not the interface's first queue, with the socket of `first`.
    pub fn open(
        umem: &Arc<Umem>,
        frames: &Frames,
        socket: XdpSocket,
        first: Option<&Self>,
        asked: Asked<'_>,
    ) -> Result<Self, XdpError> {
        let Frames { own, entries, are_common } = frames;
        let places = (2 * (own.end - own.start)).next_power_of_two();
        let sizes =
            [(Kind::Fill, places), (Kind::Completion, UNUSED_ENTRIES), (Kind::Receive, *entries)];
        let offsets = socket.rings(&sizes)?;
        let mut fill = rings::producer(socket.as_fd(), &offsets, Kind::Fill, places)?;
        let received = rings::consumer(socket.as_fd(), &offsets, Kind::Receive, *entries)?;
        for frame in own.clone() {
            fill.push(umem.layout().address(frame)).expect("it has room for twice as many");
        }
        fill.publish();
        let Asked { interface, queue, mode, patience } = asked;
        socket.bind(interface, queue, first.map(|first| &first.socket), mode, patience)?;
        let fill = match are_common {
            true => Fill::common(&Arc::new(Mutex::new(fill)), own.end - own.start),
            false => Fill::Own(fill),
        };
        let umem = Arc::clone(umem);
        Ok(Self { received, fill, socket, umem, unshown: 0, is_busy_polled: false })
    }

    /// One more socket on the same queue, with a receive ring of its own and the frames in common.
    pub fn beside(&self, entries: u32, asked: Asked<'_>) -> Result<Self, XdpError> {
        let Fill::Common { ring, kept, .. } = &self.fill else {
            unreachable!("it was opened to have its frames in common");
        };
        let socket = XdpSocket::open()?;
        let offsets = socket.rings(&[(Kind::Receive, entries)])?;
        let received = rings::consumer(socket.as_fd(), &offsets, Kind::Receive, entries)?;
        let Asked { interface, queue, mode, patience } = asked;
        socket.bind(interface, queue, Some(&self.socket), mode, patience)?;
        let frames = u32::try_from(kept.capacity()).expect("a few thousand");
        let (fill, umem) = (Fill::common(ring, frames), Arc::clone(&self.umem));
        Ok(Self { received, fill, socket, umem, unshown: 0, is_busy_polled: false })
    }

    pub fn socket(&self) -> &XdpSocket {
        &self.socket
    }

    /// Lets this process poll the card; `false` if that was refused.
    pub fn busy_poll(&mut self, us: u32) -> bool {
        self.is_busy_polled = self.socket.busy_poll(us).is_ok();
        self.is_busy_polled
    }

    /// Whether a frame is known to be there.
    #[inline(always)]
    pub fn has_known(&self) -> bool {
        self.received.known() > 0
    }

    /// Looks whether frames came.
    #[inline]
    pub fn look(&mut self) -> bool {
        self.show();
        let is_any = self.received.look() > 0;
        if !is_any && (self.is_busy_polled || self.fill.needs_wakeup()) {
            self.socket.wake_receive();
        }
        is_any
    }

    /// Takes a frame that is known to be there.
    #[inline]
    pub fn pop(&mut self) -> Option<Taken> {
        let descriptor = self.received.pop()?;
        let bytes = self.umem.layout().locate(descriptor);
        Some(Taken { address: descriptor.address, bytes })
    }

    /// The bytes of a frame that was taken and not given back.
    #[inline]
    #[expect(unsafe_code, reason = "who owns a frame is known to the rings, not to the compiler")]
    pub fn bytes(&self, taken: &Taken) -> Option<&[u8]> {
        let range = taken.bytes.clone()?;
        // SAFETY: the range is `locate`'s. The frame came by the receive ring and goes back by
        // `give_back` alone, which needs this queue for itself, so not while the bytes are lent.
        Some(unsafe { self.umem.bytes(range) })
    }

    /// Gives a frame back to the kernel.
    #[inline]
    pub fn give_back(&mut self, taken: &Taken) {
        // An address outside of the memory is not the kernel's either: it is not passed on.
        if let Some(frame) = self.umem.layout().frame(taken.address) {
            self.fill.put(self.umem.layout().address(frame));
        }
        self.unshown += 1;
        if self.unshown >= SHOWN_AFTER {
            self.show();
        }
    }

    /// Shows the kernel what it may use.
    #[inline]
    fn show(&mut self) {
        if self.unshown > 0 {
            // Who finds the common ring taken comes back with the next look.
            if self.fill.show() {
                self.unshown = 0;
            }
            self.received.release();
        }
    }
}
