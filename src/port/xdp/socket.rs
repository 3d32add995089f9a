//! The socket of one queue of one interface, and what the kernel counts of it.

use super::error::refused;
use super::rings::Kind;
use super::umem::Umem;
use super::{Mode, XdpError};
use crate::port::interface::Interface;
use socket2::SockRef;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long a queue is asked for that another socket has: the kernel gives it back some time after
/// that was closed.
pub(super) const BUSY_PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(2);

/// `SO_PREFER_BUSY_POLL`, `SO_BUSY_POLL_BUDGET` of `asm-generic/socket.h`.
const PREFER_BUSY_POLL: libc::c_int = 69;
const BUSY_POLL_BUDGET: libc::c_int = 70;
/// Frames that one call may take from the card.
const BUDGET: libc::c_int = 64;

/// An AF_XDP socket.
#[derive(Debug)]
pub struct XdpSocket {
    descriptor: Arc<OwnedFd>,
}

impl AsFd for XdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl XdpSocket {
    /// A socket without memory and queue.
    ///
    /// # Errors
    /// See `XdpError`.
    #[expect(unsafe_code, reason = "the socket is of a family that nothing else opens")]
    pub fn open() -> Result<Self, XdpError> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: the call takes no memory of ours.
        let descriptor = unsafe { libc::socket(libc::AF_XDP, kind, 0) };
        if descriptor < 0 {
            return Err(refused("an AF_XDP socket")(io::Error::last_os_error()));
        }
        // SAFETY: the kernel has made it just now, and nobody else knows it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor: Arc::new(descriptor) })
    }

    /// Gives the kernel the memory of frames.
    pub(super) fn register(&self, umem: &Umem) -> Result<(), XdpError> {
        let layout = umem.layout();
        let registration = libc::xdp_umem_reg {
            addr: umem.address(),
            len: layout.total_bytes(),
            chunk_size: layout.frame_bytes(),
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        };
        self.set(libc::XDP_UMEM_REG, &registration).map_err(|source| {
            // The kernel's word for RLIMIT_MEMLOCK.
            match source.raw_os_error() {
                Some(libc::ENOBUFS) => XdpError::LockedMemory { bytes: layout.total_bytes() },
                _ => refused("memory for frames of AF_XDP")(source),
            }
        })
    }

    /// Makes rings of so many entries, and says where they are.
    pub(super) fn rings(&self, sizes: &[(Kind, u32)]) -> Result<libc::xdp_mmap_offsets, XdpError> {
        for (kind, entries) in sizes {
            self.set(kind.option(), entries).map_err(refused("a ring of AF_XDP"))?;
        }
        self.offsets().map_err(refused("the places of AF_XDP's rings"))
    }

    /// Binds to a queue; asks for one that another socket has for so long. The frames are those of
    /// `shared`, or its own.
    pub(super) fn bind(
        &self,
        interface: &Interface,
        queue: u32,
        shared: Option<&Self>,
        mode: Mode,
        patience: Duration,
    ) -> Result<(), XdpError> {
        let flags = match (shared, mode) {
            // What is shared is as the first socket has it.
            (Some(_), _) => libc::XDP_SHARED_UMEM,
            // Without a copy if the driver can, else with one.
            (None, Mode::Native) => libc::XDP_USE_NEED_WAKEUP,
            (None, Mode::Generic) => libc::XDP_USE_NEED_WAKEUP | libc::XDP_COPY,
        };
        let address = libc::sockaddr_xdp {
            sxdp_family: u16::try_from(libc::AF_XDP).expect("a small number"),
            sxdp_flags: flags,
            sxdp_ifindex: interface.index,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: shared
                .map_or(0, |shared| shared.as_fd().as_raw_fd().unsigned_abs()),
        };
        let start = Instant::now();
        loop {
            let error = match self.bind_once(&address) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let name = || interface.name.clone();
            match error.raw_os_error() {
                Some(libc::EBUSY) if start.elapsed() < patience => {
                    std::thread::sleep(BETWEEN_ATTEMPTS);
                }
                Some(libc::EBUSY) => return Err(XdpError::Taken { interface: name(), queue }),
                _ => return Err(XdpError::Bind { interface: name(), queue, source: error }),
            }
        }
    }

    /// Asks for polling of the card by whoever receives, in preference to interrupts.
    pub(super) fn busy_poll(&self, us: u32) -> io::Result<()> {
        let us = libc::c_int::try_from(us).map_err(|_| io::ErrorKind::InvalidInput)?;
        for (option, value) in
            [(PREFER_BUSY_POLL, 1), (libc::SO_BUSY_POLL, us), (BUSY_POLL_BUDGET, BUDGET)]
        {
            self.set_at(libc::SOL_SOCKET, option, &value)?;
        }
        Ok(())
    }

    /// Whether frames come without a copy by the kernel.
    pub(super) fn is_zero_copy(&self) -> bool {
        let mut options = libc::xdp_options { flags: 0 };
        let told = self.get(libc::XDP_OPTIONS, &mut options);
        told.is_ok() && options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0
    }

    /// Calls the kernel to look at the fill ring, and at the card if it polls that.
    #[expect(unsafe_code, reason = "nothing is received: the call is a knock on the door")]
    #[inline]
    pub(super) fn wake_receive(&self) {
        let nothing = std::ptr::null_mut();
        // SAFETY: the call takes no memory: it has no buffer and no address.
        unsafe {
            libc::recvfrom(
                self.descriptor.as_raw_fd(),
                nothing,
                0,
                libc::MSG_DONTWAIT,
                nothing.cast(),
                nothing.cast(),
            )
        };
    }

    /// Calls the kernel to look at the transmit ring.
    #[expect(unsafe_code, reason = "the frames are in the ring: the call is a knock on the door")]
    #[inline]
    pub(super) fn wake_transmit(&self) -> io::Result<()> {
        let nothing = std::ptr::null();
        // SAFETY: the call takes no memory: it has no buffer and no address.
        let done = unsafe {
            libc::sendto(
                self.descriptor.as_raw_fd(),
                nothing,
                0,
                libc::MSG_DONTWAIT,
                nothing.cast(),
                0,
            )
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// What watches the socket without keeping it.
    pub(super) fn watch(&self) -> Watched {
        Watched(Arc::downgrade(&self.descriptor))
    }

    fn set<T>(&self, option: libc::c_int, value: &T) -> io::Result<()> {
        self.set_at(libc::SOL_XDP, option, value)
    }

    #[expect(unsafe_code, reason = "options of AF_XDP are known to no library")]
    fn set_at<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        let len = libc::socklen_t::try_from(size_of::<T>()).expect("a small structure");
        let descriptor = self.descriptor.as_raw_fd();
        // SAFETY: the value is live and as long as is said. Memory that it names is kept by the
        // caller for as long as the socket is there.
        let done = unsafe {
            libc::setsockopt(descriptor, level, option, std::ptr::from_ref(value).cast(), len)
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn get<T>(&self, option: libc::c_int, value: &mut T) -> io::Result<()> {
        get(self.as_fd(), option, value)
    }

    fn offsets(&self) -> io::Result<libc::xdp_mmap_offsets> {
        let none = || libc::xdp_ring_offset { producer: 0, consumer: 0, desc: 0, flags: 0 };
        let mut offsets = libc::xdp_mmap_offsets { rx: none(), tx: none(), fr: none(), cr: none() };
        self.get(libc::XDP_MMAP_OFFSETS, &mut offsets)?;
        Ok(offsets)
    }

    #[expect(unsafe_code, reason = "addresses of AF_XDP are known to no library")]
    fn bind_once(&self, address: &libc::sockaddr_xdp) -> io::Result<()> {
        let len = libc::socklen_t::try_from(size_of_val(address)).expect("a small structure");
        let descriptor = self.descriptor.as_raw_fd();
        // SAFETY: the address is live and as long as is said.
        let done = unsafe { libc::bind(descriptor, std::ptr::from_ref(address).cast(), len) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Reads an option of AF_XDP; `T` is the structure that `linux/if_xdp.h` has for it.
#[expect(unsafe_code, reason = "options of AF_XDP are known to no library")]
fn get<T>(socket: BorrowedFd<'_>, option: libc::c_int, value: &mut T) -> io::Result<()> {
    let mut len = libc::socklen_t::try_from(size_of::<T>()).expect("a small structure");
    // SAFETY: the value is live and as long as is said; it is made of integers, of which the kernel
    // writes all or a part.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            option,
            std::ptr::from_mut(value).cast(),
            &raw mut len,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What the kernel dropped of a feed's frames, after the program had sent them to its sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Longer than a frame, or without a frame to be copied into (`rx_dropped`).
    pub dropped: u64,
    /// The receive ring had no room (`rx_ring_full`).
    pub ring_full: u64,
    /// Times that the kernel, or the driver, found no free frame, because the port was not polled
    /// for too long (`rx_fill_ring_empty_descs`). What the kernel did not copy for that reason is
    /// in `dropped` as well; what a card without copies drops is in its own counts.
    pub no_frame: u64,
}

impl Drops {
    fn and(self, other: Self) -> Self {
        Self {
            dropped: self.dropped + other.dropped,
            ring_full: self.ring_full + other.ring_full,
            no_frame: self.no_frame + other.no_frame,
        }
    }

    fn most(self, other: Self) -> Self {
        Self {
            dropped: self.dropped.max(other.dropped),
            ring_full: self.ring_full.max(other.ring_full),
            no_frame: self.no_frame.max(other.no_frame),
        }
    }

    /// Frames that are lost.
    #[must_use]
    pub fn frames(self) -> u64 {
        self.dropped + self.ring_full
    }
}

/// A socket that somebody else owns and may close.
#[derive(Clone, Debug)]
pub struct Watched(Weak<OwnedFd>);

impl Watched {
    /// Whether its interface was taken away: the kernel notes that as an error of the socket
    /// (`xsk_notifier`), and tells it once.
    pub(super) fn is_cut_off(&self) -> bool {
        let Some(descriptor) = self.0.upgrade() else { return false };
        let told = SockRef::from(&*descriptor).take_error();
        told.is_ok_and(|error| error.is_some())
    }

    /// What was dropped since it was opened; `None` if it is closed.
    fn drops(&self) -> io::Result<Option<Drops>> {
        let Some(socket) = self.0.upgrade() else { return Ok(None) };
        let mut told = libc::xdp_statistics {
            rx_dropped: 0,
            rx_invalid_descs: 0,
            tx_invalid_descs: 0,
            rx_ring_full: 0,
            rx_fill_ring_empty_descs: 0,
            tx_ring_empty_descs: 0,
        };
        get(socket.as_fd(), libc::XDP_STATISTICS, &mut told)?;
        Ok(Some(Drops {
            dropped: told.rx_dropped,
            ring_full: told.rx_ring_full,
            no_frame: told.rx_fill_ring_empty_descs,
        }))
    }
}

/// What is watched of a port's sockets on one interface, and what earlier ones had dropped there.
#[derive(Clone, Debug, Default)]
struct Count {
    sockets: Vec<Watched>,
    before: Drops,
    last: Drops,
}

/// Reads what the kernel counts of a port's sockets: for the cold side, while a hot core polls
/// them. It does not keep them open. Where an interface was made again, it goes on with the sockets
/// that were opened there.
#[derive(Clone, Debug, Default)]
pub struct DropWatch {
    counts: Arc<Mutex<Vec<Count>>>,
}

impl DropWatch {
    /// Watches these sockets on the interface in this place among the port's, instead of those
    /// that were watched there.
    pub(super) fn watch<'s>(&self, at: usize, sockets: impl IntoIterator<Item = &'s XdpSocket>) {
        let mut counts = self.lock();
        if counts.len() <= at {
            counts.resize_with(at + 1, Count::default);
        }
        let count = &mut counts[at];
        let before = count.before.and(count.last);
        let sockets = sockets.into_iter().map(XdpSocket::watch).collect();
        *count = Count { sockets, before, last: Drops::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was dropped since the port was opened; `None` if it is closed.
    ///
    /// # Errors
    /// What the system says.
    pub fn drops(&self) -> io::Result<Option<Drops>> {
        let (mut all, mut is_open) = (Drops::default(), false);
        for count in self.lock().iter_mut() {
            let mut now = Drops::default();
            let mut are_open = !count.sockets.is_empty();
            for socket in &count.sockets {
                match socket.drops()? {
                    Some(drops) => now = now.and(drops),
                    None => are_open = false,
                }
            }
            if are_open {
                is_open = true;
                // A socket without an interface has no rings, and does not count on.
                count.last = count.last.most(now);
            }
            all = all.and(count.before).and(count.last);
        }
        Ok(is_open.then_some(all))
    }
}
