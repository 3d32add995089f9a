//! Which multicast groups of a capture are looked at, and which of them are line A or line B.
//!
//! A capture does not say which line a group is. The rule, in this order:
//! 1. With `--group`, the order given: the first is A, the second B, the third A of the next
//!    channel, and so on.
//! 2. CME's port numbers: 14xxx and 23xxx are A, 15xxx and 22xxx are B, where xxx is the channel
//!    (production configuration of 2016-11-14: all 316 UDP connections; 22 and 23 are the
//!    market-by-order snapshots, where the sides are swapped).
//! 3. Otherwise the order of appearance: the first group that the ports do not decide is A, the
//!    second B, further ones are neither.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use xmc_hotpath::port::Line;

/// One `--group`: an address, and a port unless all of its ports are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    address: Ipv4Addr,
    port: Option<u16>,
}

impl Group {
    /// Whether `target` is meant.
    pub fn holds(self, target: SocketAddrV4) -> bool {
        self.address == *target.ip() && self.port.is_none_or(|port| port == target.port())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.address),
            None => self.address.fmt(f),
        }
    }
}

impl FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not ADDR or ADDR:PORT, such as 224.0.31.64:14340");
        let (address, port) = match text.split_once(':') {
            Some((address, port)) => (address, Some(port)),
            None => (text, None),
        };
        Ok(Self {
            address: address.parse().map_err(|_| wrong())?,
            port: port.map(str::parse).transpose().map_err(|_| wrong())?,
        })
    }
}

/// The line that CME's port numbers announce.
fn line_of_port(port: u16) -> Option<Line> {
    match port / 1000 {
        14 | 23 => Some(Line::A),
        15 | 22 => Some(Line::B),
        _ => None,
    }
}

/// The groups met so far, in order of appearance.
pub struct Lines {
    chosen: Vec<Group>,
    known: HashMap<SocketAddrV4, Option<Line>>,
    order: Vec<SocketAddrV4>,
    /// How many groups the order of appearance has decided.
    by_appearance: usize,
}

impl Lines {
    /// Looks at the groups in `chosen`, or at all if there are none.
    pub fn new(chosen: Vec<Group>) -> Self {
        Self { chosen, known: HashMap::new(), order: Vec::new(), by_appearance: 0 }
    }

    /// Whether packets to `target` are looked at.
    pub fn is_chosen(&self, target: SocketAddrV4) -> bool {
        self.chosen.is_empty() || self.chosen.iter().any(|group| group.holds(target))
    }

    /// The line of a chosen group; `None` if no rule decides it.
    pub fn line(&mut self, target: SocketAddrV4) -> Option<Line> {
        if let Some(&line) = self.known.get(&target) {
            return line;
        }
        let line = self.decide(target);
        self.known.insert(target, line);
        self.order.push(target);
        line
    }

    /// The line that `--group` gives a group whose venue has no rule of its own; without one none
    /// is decided, and the order of appearance stays as it is.
    pub fn chosen_line(&mut self, target: SocketAddrV4) -> Option<Line> {
        let place = self.chosen.iter().position(|group| group.holds(target));
        let line = place.map(|place| Line::BOTH[place % 2]);
        self.known.entry(target).or_insert(line);
        line
    }

    /// The groups met so far, in order of appearance.
    pub fn in_order(&self) -> impl Iterator<Item = SocketAddrV4> + '_ {
        self.order.iter().copied()
    }

    /// The groups of `--group` that no packet was sent to.
    pub fn unmet(&self) -> impl Iterator<Item = Group> {
        let is_met = |group: Group| self.known.keys().any(|&target| group.holds(target));
        self.chosen.iter().copied().filter(move |&group| !is_met(group))
    }

    fn decide(&mut self, target: SocketAddrV4) -> Option<Line> {
        if let Some(place) = self.chosen.iter().position(|group| group.holds(target)) {
            return Some(Line::BOTH[place % 2]);
        }
        line_of_port(target.port()).or_else(|| {
            self.by_appearance += 1;
            Line::BOTH.get(self.by_appearance - 1).copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chosen: &[&str], targets: &[&str]) -> Vec<Option<Line>> {
        let mut lines = Lines::new(chosen.iter().map(|group| group.parse().unwrap()).collect());
        targets.iter().map(|target| lines.line(target.parse().unwrap())).collect()
    }

    #[test]
    fn the_order_given_comes_before_the_ports_and_the_ports_before_appearance() {
        let (a, b) = (Some(Line::A), Some(Line::B));
        let cme = ["224.0.32.64:15340", "224.0.31.64:14340", "233.72.75.1:23310", "1.1.1.1:22310"];
        assert_eq!(lines(&[], &cme), [b, a, a, b]);
        assert_eq!(lines(&["224.0.32.64", "224.0.31.64:14340"], &cme[..2]), [a, b]);
        let other = ["239.0.0.1:9000", "239.0.0.2:9000", "239.0.0.1:9000", "239.0.0.3:9000"];
        assert_eq!(lines(&[], &other), [a, b, a, None]);
        assert_eq!(lines(&["239.0.0.3", "239.0.0.2", "239.0.0.1"], &other[..2]), [a, b]);
    }

    #[test]
    fn a_group_without_port_holds_all_its_ports_and_no_other_address() {
        let lines = |group: &str| Lines::new(vec![group.parse().unwrap()]);
        let target = "224.0.31.64:14340".parse().unwrap();
        assert!(Lines::new(vec![]).is_chosen(target));
        assert!(lines("224.0.31.64").is_chosen(target));
        assert!(lines("224.0.31.64:14340").is_chosen(target));
        assert!(!lines("224.0.31.64:14341").is_chosen(target));
        assert!(!lines("224.0.31.65").is_chosen(target));
    }

    #[test]
    fn a_group_that_is_none_is_refused_with_an_example() {
        for text in ["", "224.0.31", "224.0.31.64:", "224.0.31.64:70000", "cme", ":14340"] {
            let error = text.parse::<Group>().expect_err(text);
            assert!(error.contains("224.0.31.64:14340"), "{error}");
        }
    }
}
