//! Datagrams to one address, sent through AF_XDP: the frame is written into shared memory, headers
//! and checksums included, and the kernel is called once to send it.
//!
//! A call to the kernel sends at once what is in the ring, by the calling core. What the kernel
//! does not take within half a millisecond of calls is given up together with the port: without a
//! call nothing leaves, and there is none any more, so no message leaves later than it was meant
//! to. The socket is bound without zero-copy (`XDP_COPY`), which every driver has without a program
//! on the interface; it takes a transmit queue for itself, so a port that receives on the same
//! queue of the same interface cannot be beside it.
//!
//! To close a socket makes the kernel wait for all cores (`synchronize_net` in `xsk_unbind_dev`),
//! and a hot core is not to wait with it. So a port that is closed leaves its socket in a ring of
//! one, where the cold side finds it before it opens the next port, which needs the queue.
//!
//! The link address of the next host is that which the kernel knows when the port is opened. An
//! ordinary socket holds the source port; nothing is sent or received by it.

use super::error::refused;
use super::frame::{FrameTemplate, Route, group_link};
use super::rings::{self, Kind, Mapped};
use super::socket::{BUSY_PATIENCE, XdpSocket};
use super::umem::Umem;
use super::{Mode, XdpError, ethtool};
use crate::counters::Placed;
use crate::port::interface::{self, Interface, InterfaceChoice};
use rtrb::RingBuffer;
use std::cmp::Reverse;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use xmc_hotpath::counter::Counter;
use xmc_hotpath::counters;
use xmc_hotpath::port::xdp::{Consumer, Descriptor, FrameAddress, FreeFrames, Producer};
use xmc_hotpath::port::{SendError, TxPort};

/// Frames that may be under way: as many as the completion ring has room for, for it stops the
/// transmission silently when it is full.
const FRAMES: u32 = 64;
/// How long the kernel is called before a message is given up: it takes nothing for some ten
/// microseconds at a time when another core transmits on the same queue.
const PATIENCE: Duration = Duration::from_micros(500);

/// The cold ends of the rings in which closed ports leave what they had.
static LEFT: Mutex<Vec<rtrb::Consumer<Open>>> = Mutex::new(Vec::new());

counters! {
    /// What a sender could not do.
    #[repr(align(128))]
    pub struct SendCounters {
        /// Messages that are longer than a frame.
        pub oversize: Counter => Count "messages",
        /// Calls of the kernel that were refused and made again.
        pub again: Counter => Count "calls",
        /// Completions of the kernel that name no frame under way.
        pub stray: Counter => Count "completions",
    }
}

/// What is there as long as the port is open.
#[derive(Debug)]
struct Open {
    // Unmapped before the socket is closed.
    transmit: Mapped<Producer<'static, Descriptor>>,
    completed: Mapped<Consumer<'static, FrameAddress>>,
    socket: XdpSocket,
    umem: Umem,
    free: FreeFrames,
    /// Holds the source port.
    _port: UdpSocket,
}

/// Sends datagrams to one address.
#[derive(Debug)]
pub struct XdpSender {
    open: Option<Open>,
    /// Takes what was open.
    left: rtrb::Producer<Open>,
    template: FrameTemplate,
    counters: Placed<SendCounters>,
}

impl XdpSender {
    /// A sender to `target` by transmit queue `queue` of an interface that has an address. What
    /// senders had that are closed is given back first: the queue may be among it.
    ///
    /// # Errors
    /// See `XdpError`.
    pub fn open(
        target: SocketAddrV4,
        choice: &InterfaceChoice,
        queue: u32,
    ) -> Result<Self, XdpError> {
        give_back();
        let interface = interface::find(choice)?;
        let socket = XdpSocket::open()?;
        let umem = Umem::map(FRAMES)?;
        socket.register(&umem)?;
        // The kernel wants a fill ring of a socket that receives nothing.
        let sizes = [Kind::Fill, Kind::Completion, Kind::Transmit].map(|kind| (kind, FRAMES));
        let offsets = socket.rings(&sizes)?;
        let transmit = rings::producer(socket.as_fd(), &offsets, Kind::Transmit, FRAMES)?;
        let completed = rings::consumer(socket.as_fd(), &offsets, Kind::Completion, FRAMES)?;
        // Generic: with a copy.
        socket.bind(&interface, queue, None, Mode::Generic, BUSY_PATIENCE)?;
        let (route, port) = route(target, &interface)?;
        let free = FreeFrames::new(FRAMES);
        let (left, given_back) = RingBuffer::new(1);
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(given_back);
        Ok(Self {
            open: Some(Open { transmit, completed, socket, umem, free, _port: port }),
            left,
            template: FrameTemplate::new(&route),
            counters: Placed::default(),
        })
    }

    /// The counters, to be kept.
    #[must_use]
    pub fn counters(&self) -> Placed<SendCounters> {
        self.counters.clone()
    }

    /// Goes on counting there.
    pub fn count_in(&mut self, counters: &Placed<SendCounters>) {
        self.counters = self.counters.moved_to(counters);
    }

    /// Sends nothing any more. For a hot core: what was open is given back by the cold side, when
    /// it opens the next sender or drops this one.
    pub fn close(&mut self) {
        if let Some(open) = self.open.take() {
            // There is one, and room for one.
            let _ = self.left.push(open);
        }
    }
}

impl Drop for XdpSender {
    /// On the cold side.
    fn drop(&mut self) {
        give_back();
    }
}

/// Closes what closed senders have left.
fn give_back() {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain_mut(|ring| {
        let is_closed = ring.pop().is_ok();
        !is_closed && !ring.is_abandoned()
    });
}

impl TxPort for XdpSender {
    /// Sends one datagram. `Busy` if all frames are under way; `Closed` if the interface is down,
    /// without a carrier or gone, or drops the frame, from when on the port stays so; and for a
    /// message that is longer than a frame.
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        let Some(open) = &mut self.open else { return Err(SendError::Closed) };
        open.reap(&self.counters);
        let Some(frame) = open.free.take() else { return Err(SendError::Busy) };
        let Some(descriptor) = open.write(frame, &self.template, message) else {
            open.put_back(frame, &self.counters);
            self.counters.oversize.add(1);
            return Err(SendError::Closed);
        };
        if open.transmit.push(descriptor).is_err() {
            open.put_back(frame, &self.counters);
            return Err(SendError::Busy);
        }
        open.transmit.publish();
        if open.call(&self.counters) {
            return Ok(());
        }
        // What is in the ring does not leave when the interface is back: nobody calls for it.
        self.close();
        Err(SendError::Closed)
    }
}

impl Open {
    /// Takes back the frames that were sent.
    #[inline]
    fn reap(&mut self, counters: &SendCounters) {
        if self.completed.look() == 0 {
            return;
        }
        while let Some(address) = self.completed.pop() {
            match self.umem.layout().frame(address) {
                Some(frame) => self.put_back(frame, counters),
                None => counters.stray.add(1),
            }
        }
        self.completed.release();
    }

    #[inline]
    fn put_back(&mut self, frame: u32, counters: &SendCounters) {
        if !self.free.put_back(frame) {
            counters.stray.add(1);
        }
    }

    /// Writes a frame that was taken.
    #[inline]
    #[expect(unsafe_code, reason = "who owns a frame is known to the rings, not to the compiler")]
    fn write(
        &mut self,
        frame: u32,
        template: &FrameTemplate,
        message: &[u8],
    ) -> Option<Descriptor> {
        let layout = self.umem.layout();
        let address = layout.address(frame);
        let whole = layout.locate(Descriptor { address, len: layout.frame_bytes(), options: 0 })?;
        // SAFETY: the range is `locate`'s. The frame was free, so it is neither the kernel's nor
        // anybody else's until its descriptor is published, which needs `self` for itself.
        let bytes = unsafe { self.umem.bytes_mut(whole) };
        let len = template.write(bytes, message)?;
        Some(Descriptor { address, len: u32::try_from(len).ok()?, options: 0 })
    }

    /// Calls the kernel until it has taken what is in the ring; `false` if it does not, or has
    /// dropped it: `EBUSY` says so (`NET_XMIT_DROP` in `__xsk_generic_xmit`), and another call
    /// would find nothing to send and succeed.
    #[inline]
    fn call(&mut self, counters: &SendCounters) -> bool {
        if !self.transmit.needs_wakeup() {
            return true;
        }
        let mut since = None;
        loop {
            let Err(error) = self.socket.wake_transmit() else { return true };
            counters.again.add(1);
            let is_busy =
                matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS | libc::EINTR));
            // The clock is asked only when the first call was refused.
            let begin = *since.get_or_insert_with(Instant::now);
            if !is_busy || begin.elapsed() >= PATIENCE {
                return false;
            }
        }
    }
}

/// Addresses and ports of what goes to `target`, and the socket that holds the source port.
fn route(target: SocketAddrV4, interface: &Interface) -> Result<(Route, UdpSocket), XdpError> {
    let next = (!target.ip().is_multicast()).then(|| {
        let table = fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
        next_host(&table, &interface.name, *target.ip())
    });
    let Some(address) = interface.address else {
        let (next, interface) = (next.unwrap_or(*target.ip()), interface.name.clone());
        return Err(XdpError::NoNeighbour { next, interface });
    };
    let any_port = SocketAddrV4::new(address, 0);
    let port = UdpSocket::bind(any_port).map_err(refused("a source port"))?;
    let SocketAddr::V4(source) = port.local_addr().map_err(refused("a source port"))? else {
        unreachable!("it was bound to such an address")
    };
    let target_link = match next {
        None => group_link(*target.ip()),
        Some(next) => neighbour(next, &interface.name)
            .ok_or_else(|| XdpError::NoNeighbour { next, interface: interface.name.clone() })?,
    };
    let source_link = ethtool::link_address(&interface.name).map_err(refused("a link address"))?;
    Ok((Route { source_link, target_link, source, target }, port))
}

/// The host to which the kernel would send by this interface: the target itself, or a gateway.
///
/// `table` is the file `route` of proc_pid_net(5): interface, destination, gateway, flags, two
/// counts, metric and mask. Addresses are in this machine's order; flag 1 is `RTF_UP`. Of the rows
/// that are up and match, the longest mask counts, and then the lowest metric.
#[must_use]
pub fn next_host(table: &str, interface: &str, target: Ipv4Addr) -> Ipv4Addr {
    let rows = table.lines().skip(1).filter_map(|row| {
        let column: Vec<_> = row.split_ascii_whitespace().collect();
        let address = |at: usize| {
            let number = u32::from_str_radix(column.get(at)?, 16).ok()?;
            Some(u32::from_be_bytes(number.to_ne_bytes()))
        };
        let is_up = u32::from_str_radix(column.get(3)?, 16).ok()? & 1 != 0;
        let metric: u32 = column.get(6)?.parse().ok()?;
        let (to, gateway, mask) = (address(1)?, address(2)?, address(7)?);
        let is_ours = column.first() == Some(&interface) && is_up && target.to_bits() & mask == to;
        is_ours.then_some((mask.leading_ones(), Reverse(metric), gateway))
    });
    match rows.max_by_key(|(mask, metric, _)| (*mask, *metric)) {
        Some((_, _, gateway)) if gateway != 0 => Ipv4Addr::from_bits(gateway),
        _ => target,
    }
}

/// What the kernel knows of a neighbour (proc_pid_net(5), the file `arp`: address, kind, flags,
/// link address, mask, device). Flag 2 says that the entry is complete.
fn neighbour(host: Ipv4Addr, interface: &str) -> Option<[u8; 6]> {
    let table = fs::read_to_string("/proc/thread-self/net/arp").ok()?;
    let row = table.lines().skip(1).find_map(|row| {
        let column: Vec<_> = row.split_ascii_whitespace().collect();
        let [address, _, flags, link, _, device] = column[..] else { return None };
        let is_it = address.parse() == Ok(host) && device == interface;
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok()?;
        (is_it && flags & 2 != 0).then(|| link.to_owned())
    })?;
    let mut bytes = [0; 6];
    let mut parts = row.split(':');
    for byte in &mut bytes {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    Some(bytes)
}
