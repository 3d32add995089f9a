//! Watches the network interfaces that feeds and requests use: one thread of the cold side, which
//! lists them twenty times a second.
//!
//! The kernel could tell of changes by itself (`RTMGRP_LINK`). Its queue overflows, and then it has
//! to be listed anyway; what a list each 50 ms does not see is a change that is over by then, and
//! what was lost in that time shows as a gap of the feed.
//!
//! An interface is cut when it is down, has no carrier, or is gone. Its lines' feeds are told at
//! once, not when their patience ends: a feed with a line elsewhere goes on with that, one without
//! is stale, and nothing new is opened on its quotes. One that is made again has another number:
//! groups are joined on it by the sockets that are there, replicas open theirs anew, and ports past
//! the kernel are opened again and handed over; until that is done, or if it cannot be, which is
//! told, their sockets bring the feed. Then it goes on as after any silence: by a gap, and books
//! from its replica.
//!
//! One that was chosen by an address which it has no more is not gone: groups are joined and ports
//! opened by its number, so its feeds go on, and that is shown. If the address comes to another
//! interface, its feeds follow it there.
//!
//! Not here: requests that leave past the kernel, and TCP. Their sessions end, and whoever logs on
//! again opens what they need (`sessions`).

use super::counters::Counters;
use super::sockets::FeedPort;
use crate::config::{Configuration, Feed, FeedLine, Recovery, RequestPort};
use crate::port::interface::{All, Interface, InterfaceChoice, LinkState};
use crate::port::membership::Membership;
use crate::port::xdp::renewal::Renewals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use xmc_hotpath::feed::CutLines;
use xmc_hotpath::port::Line;

/// Between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Who uses an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// A line of a feed.
    Line(usize, Line),
    /// Groups by which the books of a feed are recovered.
    Recovery(usize),
    /// Requests of a gateway.
    Requests(usize),
}

/// One interface.
#[derive(Debug)]
struct Watched {
    choice: InterfaceChoice,
    users: Vec<User>,
    /// As it was seen last; `None` when it was gone.
    found: Option<Interface>,
    state: LinkState,
}

/// What is watched, and what is done about it.
#[derive(Debug)]
pub struct Interfaces {
    interfaces: Vec<Watched>,
    /// By feed: the memberships of lines A and B.
    memberships: Vec<[Membership; 2]>,
    /// What opens ports past the kernel anew, by feed.
    renewals: Renewals,
    feeds: Vec<String>,
    gateways: Vec<String>,
}

/// An interface by which nothing can come or go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// As the configuration names it.
    pub interface: String,
    /// What it can do.
    pub state: LinkState,
    /// What needs it: `feed cme line A, gateway dstar requests`.
    pub used_by: String,
}

/// A feed past the kernel that comes by ordinary sockets, because its interface was made again and
/// could not be opened there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BySockets {
    /// Its name.
    pub feed: String,
    /// As the system names it.
    pub interface: String,
    /// What stands in the way, and what to do.
    pub why: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Interfaces that are cut.
    pub cut: Vec<Cut>,
    /// Feeds that come by sockets instead.
    pub by_sockets: Vec<BySockets>,
}

/// The same for those who ask.
#[derive(Debug, Default)]
pub struct Published(Mutex<Found>);

impl Published {
    /// What was found last.
    #[must_use]
    pub fn found(&self) -> Found {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, found: Found) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }
}

impl Interfaces {
    /// Watches what `config` names, for the ports of its feeds, which are open, and attached if
    /// they are to be.
    #[must_use]
    pub fn new<C: xmc_hotpath::time::Clock>(
        config: &Configuration,
        ports: &mut [FeedPort<C>],
    ) -> Self {
        let here = All::here().ok();
        let mut all = Self {
            interfaces: Vec::new(),
            memberships: ports.iter().map(FeedPort::memberships).collect(),
            renewals: Renewals::new(ports.iter_mut().map(FeedPort::renewal)),
            feeds: config.feeds.iter().map(|feed| feed.name.value.clone()).collect(),
            gateways: config.gateways.iter().map(|row| row.name.value.clone()).collect(),
        };
        for ((feed, port), at) in config.feeds.iter().zip(&*ports).zip(0..) {
            for (line, of) in [(Line::A, &feed.line_a), (Line::B, &feed.line_b)] {
                let joined = port.sockets().line(line).interface();
                all.add(of.interface.as_ref(), User::Line(at, line), Some(joined));
            }
            for line in recovery_lines(feed) {
                all.add(line.interface.as_ref(), User::Recovery(at), None);
            }
        }
        for (gateway, at) in config.gateways.iter().zip(0..) {
            if let RequestPort::Xdp(interface) = &gateway.request_port {
                all.add(Some(interface), User::Requests(at), None);
            }
        }
        // What no line has joined on is what it is now.
        for row in all.interfaces.iter_mut().filter(|row| row.found.is_none()) {
            row.found = here.as_ref().and_then(|here| here.find(&row.choice));
        }
        all
    }

    fn add(&mut self, choice: Option<&InterfaceChoice>, user: User, found: Option<&Interface>) {
        let Some(choice) = choice else { return };
        let known = self.interfaces.iter_mut().find(|row| row.choice == *choice);
        let row = match known {
            Some(row) => row,
            None => {
                let (choice, users) = (choice.clone(), Vec::new());
                let state = LinkState::Unwatched;
                self.interfaces.push(Watched { choice, users, found: None, state });
                self.interfaces.last_mut().expect("it was put there just now")
            }
        };
        row.found = row.found.take().or_else(|| found.cloned());
        if !row.users.contains(&user) {
            row.users.push(user);
        }
    }

    /// Looks again and again until `is_over`.
    pub(super) fn run(mut self, counters: &Counters, published: &Published, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Acquire) {
            self.look(counters, published);
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Looks once, and does what follows. What the system does not tell stays as it was.
    pub fn look(&mut self, counters: &Counters, published: &Published) {
        let Ok(all) = All::here() else { return };
        for row in &mut self.interfaces {
            row.look(&all, &mut self.memberships, counters);
        }
        for (at, counted) in counters.feed_ports.iter().enumerate() {
            let is_cut = |line| {
                let user = User::Line(at, line);
                let row = self.interfaces.iter().find(|row| row.users.contains(&user));
                let state = row.map_or(LinkState::Unwatched, |row| row.state);
                counted.interface.show(line, state);
                state.is_cut()
            };
            let cut = CutLines { a: is_cut(Line::A), b: is_cut(Line::B) };
            counters.feeds[at].told.lines.set(cut.to_word());
        }
        published.set(Found { cut: self.cut(), by_sockets: self.by_sockets() });
        // Whoever waits for the news does not wait for this.
        let interfaces = &self.interfaces;
        self.renewals.look(|feed, line| {
            let user = User::Line(feed, line);
            interfaces.iter().find(|row| row.users.contains(&user))?.found.clone()
        });
    }

    fn by_sockets(&self) -> Vec<BySockets> {
        let told = self.renewals.failures().map(|(feed, interface, why)| BySockets {
            feed: self.feeds[feed].clone(),
            interface: interface.name.clone(),
            why: why.to_owned(),
        });
        let mut told: Vec<_> = told.collect();
        // Both lines by two addresses of the same.
        told.dedup();
        told
    }

    fn cut(&self) -> Vec<Cut> {
        let rows = self.interfaces.iter().filter(|row| row.state.is_cut());
        let told = rows.map(|row| Cut {
            interface: row.choice.to_string(),
            state: row.state,
            used_by: row.users.iter().map(|user| self.name(*user)).collect::<Vec<_>>().join(", "),
        });
        told.collect()
    }

    fn name(&self, user: User) -> String {
        match user {
            User::Line(at, line) => format!("feed {} line {}", self.feeds[at], line.letter()),
            User::Recovery(at) => format!("feed {} recovery", self.feeds[at]),
            User::Requests(at) => format!("gateway {} requests", self.gateways[at]),
        }
    }
}

impl Watched {
    /// Finds it among all that there are, and follows it if it is another one than before.
    fn look(&mut self, all: &All, memberships: &mut [[Membership; 2]], counters: &Counters) {
        let before = self.found.take();
        let chosen = all.find(&self.choice);
        let is_chosen = chosen.is_some();
        let Some(found) = chosen.or_else(|| all.again(before.as_ref()?)) else {
            self.lines(memberships).for_each(|(_, membership)| membership.lost());
            self.state = LinkState::Gone;
            return;
        };
        let is_joined = self.join(&found, memberships);
        self.state = match found.state() {
            _ if !is_joined => LinkState::NotJoined,
            LinkState::Up if !is_chosen => LinkState::NoAddress,
            state => state,
        };
        let is_new = before.is_none_or(|before| before.index != found.index);
        self.found = Some(found);
        if is_new {
            let mut feeds: Vec<_> = self.users.iter().filter_map(|user| user.feed()).collect();
            feeds.dedup();
            feeds.iter().for_each(|feed| counters.feed_ports[*feed].interface.renewed.add(1));
        }
    }

    /// Joins again what is joined elsewhere; whether all is joined here.
    fn join(&self, found: &Interface, memberships: &mut [[Membership; 2]]) -> bool {
        // All are tried, whatever becomes of the first.
        self.lines(memberships)
            .fold(true, |is_joined, (_, membership)| membership.follow(found).is_ok() & is_joined)
    }

    /// Memberships of the lines that are on it.
    fn lines<'m>(
        &self,
        memberships: &'m mut [[Membership; 2]],
    ) -> impl Iterator<Item = (User, &'m mut Membership)> {
        let all = memberships
            .iter_mut()
            .zip(0..)
            .flat_map(|([a, b], at)| [(User::Line(at, Line::A), a), (User::Line(at, Line::B), b)]);
        all.filter(|(user, _)| self.users.contains(user))
    }
}

impl User {
    fn feed(self) -> Option<usize> {
        match self {
            Self::Line(feed, _) | Self::Recovery(feed) => Some(feed),
            Self::Requests(_) => None,
        }
    }
}

/// The groups by which the books of a feed are recovered.
fn recovery_lines(feed: &Feed) -> impl Iterator<Item = &FeedLine> {
    let loops = match &feed.recovery {
        Recovery::Loops(loops) => Some(loops),
        Recovery::Query(_) => None,
    };
    let lines =
        loops.into_iter().flat_map(|loops| loops.definitions.iter().chain(&loops.snapshots));
    lines.flatten()
}
