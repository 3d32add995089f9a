//! One queue of a receiving port: its socket, its two rings, and the frames on their way round.
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
use std::sync::Arc;
use xmc_hotpath::port::xdp::{Consumer, Descriptor, FrameAddress, Producer};

/// Frames after which the kernel is shown what it may use again. Each showing takes a line of
/// memory from the kernel's core.
const SHOWN_AFTER: u32 = 32;
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

/// One queue.
#[derive(Debug)]
pub struct Queue {
    // Unmapped before the socket is closed.
    received: Mapped<Consumer<'static, Descriptor>>,
    fill: Mapped<Producer<'static, FrameAddress>>,
    socket: XdpSocket,
    umem: Arc<Umem>,
    /// Frames that went to the fill ring and were not shown.
    unshown: u32,
    is_busy_polled: bool,
}

impl Queue {
    /// A socket on `queue`, with the frames `own` of the memory, of which the first queue of
    /// this interface is `first`. The program stands in `mode`.
    pub fn open(
        umem: &Arc<Umem>,
        own: Range<u32>,
        first: Option<&Self>,
        interface: &Interface,
        queue: u32,
        mode: Mode,
    ) -> Result<Self, XdpError> {
        let socket = XdpSocket::open()?;
        if first.is_none() {
            socket.register(umem)?;
        }
        let entries = own.end - own.start;
        let places = 2 * entries;
        let sizes =
            [(Kind::Fill, places), (Kind::Completion, UNUSED_ENTRIES), (Kind::Receive, entries)];
        let offsets = socket.rings(&sizes)?;
        let mut fill = rings::producer(socket.as_fd(), &offsets, Kind::Fill, places)?;
        let received = rings::consumer(socket.as_fd(), &offsets, Kind::Receive, entries)?;
        for frame in own {
            fill.push(umem.layout().address(frame)).expect("it has room for twice as many");
        }
        fill.publish();
        socket.bind(interface, queue, first.map(|first| &first.socket), mode)?;
        Ok(Self {
            received,
            fill,
            socket,
            umem: Arc::clone(umem),
            unshown: 0,
            is_busy_polled: false,
        })
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
            let pushed = self.fill.push(self.umem.layout().address(frame));
            debug_assert!(pushed.is_ok(), "it has room for twice as many");
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
            self.unshown = 0;
            self.fill.publish();
            self.received.release();
        }
    }
}
