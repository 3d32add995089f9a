//! The cold ends of ports whose interfaces may be taken away and made again.
//!
//! What a port has by one choice of interface is a seat. When the kernel says that its sockets have
//! lost their interface, or the choice is another interface now, the seat is left: the port takes
//! an empty tap out of a ring, goes on by its ordinary sockets, and what it had comes back by
//! another ring and is closed here. Only then is the interface opened, with the next look: what is
//! held twice may be more than there is (queues, links, locked memory), and the kernel gives it
//! back some time after it was closed.
//!
//! One program hangs on an interface, so the seats of all ports that are on it are opened together.
//! Those that have a tap there already are left first, their program taken away before that: what
//! comes in between comes by the sockets, and nothing is lost.
//!
//! An interface that cannot be opened is tried again after a second, then after two, at last once
//! a minute; one that is another one by then at once. Called by `engine::interfaces`.

use super::receive::Handed;
use super::socket::DropWatch;
use super::tap::{self, Grip, Share, Tap};
use crate::port::interface::Interface;
use std::time::{Duration, Instant};
use xmc_hotpath::port::Line;

/// From an opening of a seat until the next one; doubled after each that fails.
const BETWEEN_OPENINGS: Duration = Duration::from_secs(1);
/// The most that this comes to.
const MOST_BETWEEN: Duration = Duration::from_secs(60);
/// How long others wait for what a port has to give back. One that takes longer is not polled any
/// more.
const GIVING_BACK: Duration = Duration::from_secs(1);

/// What a port has by one choice of interface.
#[derive(Debug)]
pub(super) struct Seat {
    lines: Vec<Line>,
    share: Share,
    stand: Stand,
    /// Taps that were handed over and that the port has not exchanged yet.
    under_way: usize,
    pace: Pace,
    /// On which interface it could not be opened, and why.
    failure: Option<(Interface, String)>,
}

/// How a seat stands. Interfaces are the kernel's numbers.
#[derive(Debug)]
enum Stand {
    /// The port has a tap on this interface, or will have taken it.
    Open(u32, Grip),
    /// It is to give back what it had there.
    Left(u32, Instant),
    /// It has given it back.
    Vacant,
}

/// When a seat may be opened.
#[derive(Debug, Default)]
struct Pace {
    /// When it was tried last, and on which interface.
    last: Option<(Instant, u32)>,
    /// How often in a row that failed.
    failures: u32,
}

impl Pace {
    fn is_ready(&self, interface: u32) -> bool {
        self.last.is_none_or(|(at, on)| at.elapsed() >= self.wait(on == interface))
    }

    /// From the last try to the next, on the same interface or on another one.
    fn wait(&self, is_same: bool) -> Duration {
        let doublings = if is_same { self.failures.saturating_sub(1).min(6) } else { 0 };
        BETWEEN_OPENINGS.saturating_mul(1 << doublings).min(MOST_BETWEEN)
    }

    fn tried(&mut self, interface: u32, is_open: bool) {
        let is_again = self.last.is_some_and(|(_, on)| on == interface);
        self.failures = match (is_open, is_again) {
            (true, _) => 0,
            (false, true) => self.failures.saturating_add(1),
            (false, false) => 1,
        };
        self.last = Some((Instant::now(), interface));
    }
}

impl Seat {
    /// One by which these lines come; `grip` is of the tap that the port has there, if it has one,
    /// with the number of its interface.
    pub fn new(lines: Vec<Line>, share: Share, grip: Option<(u32, Grip)>) -> Self {
        let stand = grip.map_or(Stand::Vacant, |(index, grip)| Stand::Open(index, grip));
        let pace = Pace::default();
        Self { lines, share, stand, under_way: 0, pace, failure: None }
    }

    fn is_vacant(&self) -> bool {
        matches!(self.stand, Stand::Vacant)
    }
}

/// The cold end of a port.
#[derive(Debug)]
pub struct Renewal {
    pub(super) seats: Vec<Seat>,
    pub(super) fresh: rtrb::Producer<Handed>,
    pub(super) old: rtrb::Consumer<Handed>,
    pub(super) watch: DropWatch,
}

impl Renewal {
    /// Hands a tap over.
    fn hand(&mut self, at: usize, tap: Tap) {
        self.seats[at].under_way += 1;
        self.fresh.push(Handed { at, tap }).expect("there is room for two for each seat");
    }

    /// Takes what a seat has away.
    fn leave(&mut self, at: usize) {
        let Stand::Open(index, _) = self.seats[at].stand else { return };
        self.seats[at].stand = Stand::Left(index, Instant::now());
        self.hand(at, Tap::default());
    }

    /// Closes what the port has given back.
    fn clean_up(&mut self) {
        while let Ok(Handed { at, tap }) = self.old.pop() {
            drop(tap);
            let seat = &mut self.seats[at];
            seat.under_way -= 1;
            if seat.under_way == 0 && matches!(seat.stand, Stand::Left(..)) {
                seat.stand = Stand::Vacant;
            }
        }
    }
}

/// A seat among those of all ports: which of the ends, and which of its seats.
type At = (usize, usize);

/// The cold ends of all ports that have one.
#[derive(Debug)]
pub struct Renewals {
    ends: Vec<Renewal>,
    /// The port of each.
    ports: Vec<usize>,
}

impl Renewals {
    /// Those of these ports, by their places; one of sockets alone has none.
    #[must_use]
    pub fn new(ends: impl IntoIterator<Item = Option<Renewal>>) -> Self {
        let ends = ends.into_iter().enumerate().filter_map(|(port, end)| Some((port, end?)));
        let (ports, ends) = ends.unzip();
        Self { ends, ports }
    }

    /// What could not be opened when it was last tried: of which port, where, and why.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &Interface, &str)> {
        self.ports.iter().zip(&self.ends).flat_map(|(port, end)| {
            let failures = end.seats.iter().filter_map(|seat| seat.failure.as_ref());
            failures.map(move |(interface, why)| (*port, interface, why.as_str()))
        })
    }

    /// Does what can be done. `on` says of the lines of each port on which interface they are now.
    /// It waits for nobody: what is to come back is looked for the next time.
    pub fn look(&mut self, on: impl Fn(usize, Line) -> Option<Interface>) {
        let mut cards: Vec<(Interface, Vec<At>)> = Vec::new();
        for (of, (port, end)) in self.ports.iter().zip(&mut self.ends).enumerate() {
            for at in 0..end.seats.len() {
                let seat = &mut end.seats[at];
                let found = seat.lines.first().and_then(|line| on(*port, *line));
                let is_moved = |from: u32| found.as_ref().is_some_and(|found| found.index != from);
                // The kernel says once that it is gone.
                let is_lost = match &seat.stand {
                    Stand::Open(index, grip) => grip.is_cut_off() || is_moved(*index),
                    Stand::Left(..) | Stand::Vacant => false,
                };
                let card = found.filter(|found| found.is_up);
                let is_there = |index| card.as_ref().is_some_and(|card| card.index == index);
                seat.failure.take_if(|(failed, _)| !is_there(failed.index));
                if is_lost {
                    end.leave(at);
                }
                let Some(card) = card else { continue };
                match cards.iter_mut().find(|(known, _)| known.index == card.index) {
                    Some((_, seats)) => seats.push((of, at)),
                    None => cards.push((card, vec![(of, at)])),
                }
            }
        }
        for (card, seats) in cards {
            self.renew(&card, &seats);
        }
        self.ends.iter_mut().for_each(Renewal::clean_up);
    }

    /// Opens an interface for the seats that are on it, if one of them has nothing.
    fn renew(&mut self, card: &Interface, seats: &[At]) {
        if !seats.iter().any(|at| self.seat(*at).is_vacant()) {
            return;
        }
        if !seats.iter().all(|at| self.seat(*at).pace.is_ready(card.index)) {
            return self.share_failure(seats);
        }
        let mut is_awaited = false;
        for (of, end) in self.ends.iter_mut().enumerate() {
            for at in 0..end.seats.len() {
                if let Stand::Open(index, grip) = &end.seats[at].stand
                    && *index == card.index
                {
                    grip.unhang();
                    end.leave(at);
                }
                // Of those that are on it now, and of those that have been.
                if let Stand::Left(index, since) = end.seats[at].stand
                    && (index == card.index || seats.contains(&(of, at)))
                {
                    is_awaited |= since.elapsed() < GIVING_BACK;
                }
            }
        }
        if !is_awaited {
            self.open(card, seats);
        }
    }

    /// Whoever has come to an interface that could not be opened waits for the same.
    fn share_failure(&mut self, seats: &[At]) {
        let failure = seats.iter().find_map(|at| self.seat(*at).failure.clone());
        for (of, at) in seats {
            let seat = &mut self.ends[*of].seats[*at];
            if seat.is_vacant() {
                seat.failure.clone_from(&failure);
            }
        }
    }

    /// Opens an interface for those of these seats that have nothing, and hands over what was
    /// opened.
    fn open(&mut self, card: &Interface, seats: &[At]) {
        let seats = seats.iter().copied().filter(|at| self.seat(*at).is_vacant());
        let seats: Vec<_> = seats.collect();
        let shares: Vec<_> = seats.iter().map(|at| self.seat(*at).share.clone()).collect();
        let opened = tap::open(card, &shares, Duration::ZERO);
        let failure = opened.as_ref().err().map(|error| (card.clone(), error.to_string()));
        for (of, at) in &seats {
            let seat = &mut self.ends[*of].seats[*at];
            seat.pace.tried(card.index, failure.is_none());
            seat.failure.clone_from(&failure);
        }
        for ((of, at), (tap, _)) in seats.into_iter().zip(opened.into_iter().flatten()) {
            let end = &mut self.ends[of];
            if let Some(grip) = tap.grip() {
                tap.count_in(&end.watch, at);
                end.seats[at].stand = Stand::Open(card.index, grip);
                end.hand(at, tap);
            }
        }
    }

    fn seat(&self, (of, at): At) -> &Seat {
        &self.ends[of].seats[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_less_and_less_often() {
        let mut pace = Pace::default();
        assert!(pace.is_ready(3));
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            pace.tried(3, false);
            assert_eq!(pace.wait(true), Duration::from_secs(seconds));
            assert_eq!(pace.wait(false), BETWEEN_OPENINGS, "another one is not to blame");
        }
        assert!(!pace.is_ready(3) && !pace.is_ready(4));
        pace.tried(4, false);
        assert_eq!(pace.wait(true), BETWEEN_OPENINGS);
        pace.tried(4, false);
        pace.tried(4, true);
        assert_eq!(pace.wait(true), BETWEEN_OPENINGS, "not again and again what is open");
    }
}
