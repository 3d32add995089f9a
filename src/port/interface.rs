//! Network interfaces: from the name or the address in a configuration to what sockets need.
//!
//! Sockets join groups by interface; a group joined on the wrong one brings nothing and says
//! nothing, so there is no default. The list is that of the calling thread's network namespace.
//! Called by the socket ports when they open, and by `engine::interfaces`, which looks again and
//! again; nothing here runs on a hot core.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Longest name of an interface, `IFNAMSIZ` without its end.
const MAX_NAME_BYTES: usize = libc::IFNAMSIZ - 1;

/// An interface as a configuration names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InterfaceChoice {
    /// The one that has this address.
    Address(Ipv4Addr),
    /// The one of this name.
    Name(String),
}

impl InterfaceChoice {
    /// The loopback interface.
    pub const LOOPBACK: Self = Self::Address(Ipv4Addr::LOCALHOST);
}

impl fmt::Display for InterfaceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for InterfaceChoice {
    type Err = InterfaceError;

    /// An IPv4 address, or else a name that an interface can have.
    fn from_str(text: &str) -> Result<Self, InterfaceError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let is_name = (1..=MAX_NAME_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
            && text != "."
            && text != "..";
        let name = text.to_owned();
        if is_name { Ok(Self::Name(name)) } else { Err(InterfaceError::Name(name)) }
    }
}

/// What an interface can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkState {
    /// Nobody looks.
    #[default]
    Unwatched,
    /// Packets can come and go.
    Up,
    /// It is set up, and nothing is at the other end of its cable.
    NoCarrier,
    /// It is set down.
    Down,
    /// There is none of that name or address.
    Gone,
    /// It was made anew, and groups could not be joined on it.
    NotJoined,
    /// Packets can come and go; the address by which it was chosen is not there just now.
    NoAddress,
}

impl LinkState {
    /// All of them, in the order of the counters' words.
    pub const ALL: &[Self] = &[
        Self::Unwatched,
        Self::Up,
        Self::NoCarrier,
        Self::Down,
        Self::Gone,
        Self::NotJoined,
        Self::NoAddress,
    ];

    /// Its word in counters, alerts and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unwatched => "unwatched",
            Self::Up => "up",
            Self::NoCarrier => "no_carrier",
            Self::Down => "down",
            Self::Gone => "gone",
            Self::NotJoined => "not_joined",
            Self::NoAddress => "no_address",
        }
    }

    /// As a counter.
    #[must_use]
    pub fn to_word(self) -> u64 {
        Self::ALL.iter().zip(0..).find(|(state, _)| **state == self).map_or(0, |(_, at)| at)
    }

    /// From the counter.
    #[must_use]
    pub fn from_word(word: u64) -> Self {
        let place = usize::try_from(word).unwrap_or(usize::MAX);
        Self::ALL.get(place).copied().unwrap_or_default()
    }

    /// Somebody looks, and nothing can come or go.
    #[must_use]
    pub const fn is_cut(self) -> bool {
        !matches!(self, Self::Unwatched | Self::Up | Self::NoAddress)
    }
}

/// An interface that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The kernel's number for it.
    pub index: u32,
    /// The address that was asked for, or else its first; `None` if it has none.
    pub address: Option<Ipv4Addr>,
    /// It is set up.
    pub is_up: bool,
    /// Something is at the other end of its cable.
    pub has_carrier: bool,
}

impl Interface {
    /// What it can do.
    #[must_use]
    pub const fn state(&self) -> LinkState {
        match (self.is_up, self.has_carrier) {
            (true, true) => LinkState::Up,
            (true, false) => LinkState::NoCarrier,
            (false, _) => LinkState::Down,
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{} ({address})", self.name),
            None => write!(f, "{} (no address)", self.name),
        }
    }
}

/// Why an interface cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// Neither an address nor a name.
    #[error(
        "\"{0}\" is neither an IPv4 address nor the name of an interface (1 to 15 printable \
         characters): write one that `ip address` shows"
    )]
    Name(String),
    /// There is none.
    #[error("there is no interface {choice}; there are {there}: choose one of them")]
    Absent {
        /// What was asked for.
        choice: InterfaceChoice,
        /// What there is.
        there: String,
    },
    /// The system does not tell.
    #[error("the system does not list its interfaces: {0}")]
    List(#[from] io::Error),
}

/// Finds an interface.
///
/// # Errors
/// There is no such interface.
pub fn find(choice: &InterfaceChoice) -> Result<Interface, InterfaceError> {
    let all = All::here()?;
    all.find(choice).ok_or_else(|| {
        let there: Vec<_> = all.0.iter().map(|row| row.interface(None).to_string()).collect();
        InterfaceError::Absent { choice: choice.clone(), there: there.join(", ") }
    })
}

/// All interfaces, as they were at one moment.
pub struct All(Vec<Row>);

impl All {
    /// Those of the calling thread's network namespace.
    ///
    /// # Errors
    /// The system does not list them.
    pub fn here() -> Result<Self, InterfaceError> {
        Ok(Self(list()?))
    }

    /// The one that is meant; `None` if there is none.
    #[must_use]
    pub fn find(&self, choice: &InterfaceChoice) -> Option<Interface> {
        let matches = |row: &&Row| match choice {
            InterfaceChoice::Address(address) => row.addresses.contains(address),
            InterfaceChoice::Name(name) => row.name == *name,
        };
        let row = self.0.iter().find(matches)?;
        Some(row.interface(match choice {
            InterfaceChoice::Address(address) => Some(*address),
            InterfaceChoice::Name(_) => None,
        }))
    }

    /// The one that was seen before, by number and name, whatever addresses it has now; `None` if
    /// it is not there any more.
    #[must_use]
    pub fn again(&self, before: &Interface) -> Option<Interface> {
        let is_same = |row: &&Row| row.index == before.index && row.name == before.name;
        self.0.iter().find(is_same).map(|row| row.interface(None))
    }
}

/// One interface with all of its addresses.
struct Row {
    name: String,
    index: u32,
    addresses: Vec<Ipv4Addr>,
    is_up: bool,
    has_carrier: bool,
}

impl Row {
    fn interface(&self, address: Option<Ipv4Addr>) -> Interface {
        Interface {
            name: self.name.clone(),
            index: self.index,
            address: address.or_else(|| self.addresses.first().copied()),
            is_up: self.is_up,
            has_carrier: self.has_carrier,
        }
    }
}

/// The kernel's list, given back when dropped.
struct Listed(*mut libc::ifaddrs);

impl Drop for Listed {
    #[expect(unsafe_code, reason = "the list of interfaces is the C library's")]
    fn drop(&mut self) {
        // SAFETY: the pointer came from `getifaddrs` and is freed once, here; what was read from
        // the list was copied.
        unsafe { libc::freeifaddrs(self.0) }
    }
}

/// All interfaces. One entry of the list is one address: that of the link has the index.
#[expect(unsafe_code, reason = "the list of interfaces is the C library's")]
fn list() -> io::Result<Vec<Row>> {
    let mut first = std::ptr::null_mut();
    // SAFETY: the pointer is to a live variable, which the call fills.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let listed = Listed(first);
    let mut rows: Vec<Row> = Vec::new();
    let mut next = listed.0;
    // SAFETY: `next` is null or an entry of the list, which lives as long as `listed`.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: the name of an entry is a string that ends in a zero and lives with the list.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) }.to_string_lossy();
        let at = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let has = |flag: libc::c_int| entry.ifa_flags & flag.unsigned_abs() != 0;
            // The kernel sets the second one while the interface is set up and has a carrier.
            let (is_up, has_carrier) = (has(libc::IFF_UP), has(libc::IFF_RUNNING));
            let name = name.into_owned();
            rows.push(Row { name, index: 0, addresses: Vec::new(), is_up, has_carrier });
            rows.len() - 1
        });
        // SAFETY: the address of an entry is null or one that lives with the list.
        let Some(address) = (unsafe { entry.ifa_addr.as_ref() }) else { continue };
        match i32::from(address.sa_family) {
            libc::AF_INET => {
                let inet = entry.ifa_addr.cast::<libc::sockaddr_in>();
                // SAFETY: an address of this family is as long as a `sockaddr_in`; the copy needs
                // no alignment.
                let inet = unsafe { inet.read_unaligned() };
                rows[at].addresses.push(Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr)));
            }
            libc::AF_PACKET => {
                let link = entry.ifa_addr.cast::<libc::sockaddr_ll>();
                // SAFETY: as above, of a `sockaddr_ll`.
                let link = unsafe { link.read_unaligned() };
                rows[at].index = link.sll_ifindex.unsigned_abs();
            }
            _ => {}
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_found_by_address_and_by_name() {
        let by_address = find(&InterfaceChoice::LOOPBACK).expect("every machine has it");
        let by_name = find(&InterfaceChoice::Name("lo".to_owned())).expect("so is it called");
        assert_eq!(by_address, by_name);
        assert!(by_address.index > 0 && by_address.is_up, "{by_address:?}");
        assert_eq!(by_address.state(), LinkState::Up);
        assert_eq!(by_address.to_string(), "lo (127.0.0.1)");
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in LinkState::ALL {
            assert_eq!(LinkState::from_word(state.to_word()), *state);
        }
        assert_eq!(LinkState::from_word(99), LinkState::Unwatched);
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        for (text, word) in [("nosuch0", "lo (127.0.0.1)"), ("203.0.113.9", "lo (127.0.0.1)")] {
            let choice: InterfaceChoice = text.parse().expect("it could be one");
            let error = find(&choice).expect_err("it is not there").to_string();
            assert!(error.contains(text) && error.contains(word), "{error}");
        }
    }

    #[test]
    fn names_are_those_that_the_kernel_takes() {
        for text in ["eth0", "a", "enp5s0f0np0.1000", "br-1"] {
            let fits = text.len() <= 15;
            assert_eq!(text.parse::<InterfaceChoice>().is_ok(), fits, "{text}");
        }
        for text in ["", "a b", "a/b", "..", "seventeen_letters", "\u{4e0a}"] {
            assert!(text.parse::<InterfaceChoice>().is_err(), "{text}");
        }
        assert_eq!("10.0.0.1".parse::<InterfaceChoice>().unwrap().to_string(), "10.0.0.1");
    }
}
