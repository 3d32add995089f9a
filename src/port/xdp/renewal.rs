//! The cold end of a port whose interfaces may be taken away and made again.
//!
//! Each interface is a seat. When the kernel says that a seat's sockets have lost their interface,
//! or it has another number now, it is opened again, together with the seats that other feeds have
//! on it, and handed over through a ring. What was there before comes back by another one and is
//! closed here. Called by `engine::interfaces`.

use super::XdpError;
use super::receive::Fresh;
use super::socket::{DropWatch, Watched};
use super::tap::{self, Share, Tap};
use crate::port::interface::Interface;
use xmc_hotpath::port::Line;

/// What a port has of one interface.
#[derive(Debug)]
pub(super) struct Seat {
    /// The kernel's number of the interface on which it was opened.
    pub index: u32,
    pub lines: Vec<Line>,
    pub share: Share,
    pub watch: Option<Watched>,
    /// The interface was seen to be gone, or the kernel has said so.
    pub is_lost: bool,
}

/// The cold end of a port.
#[derive(Debug)]
pub struct Renewal {
    pub(super) seats: Vec<Seat>,
    pub(super) fresh: rtrb::Producer<Fresh>,
    pub(super) old: rtrb::Consumer<Tap>,
    pub(super) watch: DropWatch,
}

impl Renewal {
    /// The seat of a line.
    #[must_use]
    pub fn seat(&self, line: Line) -> usize {
        self.seats.iter().position(|seat| seat.lines.contains(&line)).unwrap_or(0)
    }

    /// Whether a seat has to be opened on `interface`, which it is on now.
    pub fn is_due(&mut self, seat: usize, interface: &Interface) -> bool {
        let seat = &mut self.seats[seat];
        seat.is_lost |= seat.watch.as_ref().is_some_and(Watched::is_cut_off);
        seat.is_lost || seat.index != interface.index
    }

    /// Closes what the port has given back.
    pub fn clean_up(&mut self) {
        while self.old.pop().is_ok() {}
    }
}

/// Opens the seats of all `users` on an interface, and hands them over.
///
/// # Errors
/// See `XdpError`. Ports then go on as they are, with their ordinary sockets.
pub fn renew(interface: &Interface, users: &mut [(&mut Renewal, usize)]) -> Result<(), XdpError> {
    let shares: Vec<_> = users.iter().map(|(port, at)| port.seats[*at].share.clone()).collect();
    let opened = tap::open(interface, &shares)?;
    for ((port, at), (tap, _)) in users.iter_mut().zip(opened) {
        let seat = &mut port.seats[*at];
        // A port that takes nothing for so long is not polled any more: what it does not take is
        // closed here, and opened again the next time.
        (seat.watch, seat.is_lost) = (tap.watch(), false);
        seat.index = interface.index;
        tap.count_in(&port.watch, *at);
        seat.is_lost = port.fresh.push(Fresh { at: *at, tap }).is_err();
    }
    Ok(())
}
