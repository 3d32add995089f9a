//! The feed on the wire as Wireshark sees it: a second implementation of IP and UDP tells which
//! packets left for which groups, and the XML of the venue reads what is in them.

use super::feed::Ears;
use super::{PATIENCE, open, settings};
use crate::netns;
use crate::shared::is_required;
use crate::venue::cme::sbe_schema::Schema;
use crate::venue::cme::simulated::wire;
use cross_market_connect::venue::cme::simulated::Group;
use cross_market_connect::venue::cme::simulated::shell::Addresses;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddrV4;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use xmc_hotpath::port::Line;

/// What Wireshark says of a datagram, in this order.
const FIELDS: [&str; 7] =
    ["ip.dst", "udp.dstport", "ip.ttl", "udp.length", "ip.proto", "ip.flags.mf", "udp.payload"];

/// How long it is listened to.
const TIME: Duration = Duration::from_secs(2);

/// One datagram on the wire.
#[derive(Debug)]
struct Seen {
    target: SocketAddrV4,
    payload: Vec<u8>,
}

/// A capture that runs.
struct Tshark {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Tshark {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tshark {
    /// Captures on loopback in the namespace of the calling thread; `None`, said loudly, without
    /// the program.
    fn start() -> Option<Self> {
        let mut command = Command::new("tshark");
        command.args(["-n", "-l", "-i", "lo", "-B", "64", "-f", "udp", "-T", "fields"]);
        command.args(FIELDS.iter().flat_map(|field| ["-e", field]));
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = spawned else {
            assert!(!is_required("tshark"), "XMC_REQUIRE names tshark, but it does not start");
            eprintln!("SKIPPED for want of tshark: install Debian's package of that name");
            return None;
        };
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Some(Self { child, lines })
    }

    /// The next datagram, if one comes in time.
    fn next(&mut self, patience: Duration) -> Option<Seen> {
        let line = self.lines.recv_timeout(patience).ok()?;
        let fields: Vec<_> = line.split('\t').collect();
        let [ip, port, ttl, length, protocol, more, payload] = fields[..] else {
            panic!("{line:?}");
        };
        let digits = payload.replace(':', "");
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
        let payload: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        // It stays on this host, is UDP, whole, and as long as its header says.
        assert_eq!((ttl, protocol, more), ("0", "17", "0"), "{line}");
        assert_eq!(length.parse(), Ok(payload.len() + 8), "{line}");
        let ip = ip.parse().expect("an IPv4 address");
        let target = SocketAddrV4::new(ip, port.parse().expect("a port"));
        Some(Seen { target, payload })
    }
}

fn group_of(addresses: &Addresses, target: SocketAddrV4) -> Option<Group> {
    Group::ALL.into_iter().find(|group| addresses.group(*group) == target)
}

#[test]
fn wireshark_sees_the_packets_that_the_xml_reads() {
    let Some(schema) = Schema::load("mdp3_v13.xml") else { return };
    netns::within(|_| {
        let venue = open(settings(31, None));
        let addresses = venue.addresses().clone();
        let Some(mut tshark) = Tshark::start() else { return };
        // The first one shows that it listens; it may take seconds to begin.
        let first = tshark.next(Duration::from_secs(30));
        assert!(first.is_some(), "tshark tells nothing: may it capture on loopback?");
        let ears = Ears::new(&addresses);
        let heard = ears.listen(TIME);
        // What was heard by joining is what Wireshark saw going to that group.
        let target = |(group, bytes): (Group, Vec<u8>)| (addresses.group(group), bytes);
        let mut missing: BTreeSet<_> = heard.into_iter().map(target).collect();
        let (count, mut seen) = (missing.len(), Vec::new());
        while !missing.is_empty() {
            let one = tshark.next(PATIENCE).unwrap_or_else(|| {
                panic!("{} of {count} packets were not seen by tshark", missing.len())
            });
            missing.remove(&(one.target, one.payload.clone()));
            seen.push(one);
            assert!(seen.len() < 20 * count, "{} packets are not seen", missing.len());
        }
        venue.stop().expect("it ran");
        check(&schema, &addresses, &seen);
        println!("{} datagrams by tshark, {count} heard by joining", seen.len());
        assert!(count > 500, "{count} heard");
    });
}

/// Each datagram goes to a group of the venue, its frames are those of the XML, and the numbers of
/// each group follow each other.
fn check(schema: &Schema, addresses: &Addresses, seen: &[Seen]) {
    let mut numbers = BTreeMap::<Group, Vec<u32>>::new();
    let mut templates = BTreeMap::<u16, u32>::new();
    for one in seen {
        let group = group_of(addresses, one.target);
        let group = group.unwrap_or_else(|| panic!("{} is no group of the venue", one.target));
        let (seq_no, _, messages) = wire::packet(schema, &one.payload);
        numbers.entry(group).or_default().push(seq_no);
        for message in messages {
            *templates.entry(message.id).or_default() += 1;
        }
    }
    for line in Line::BOTH {
        let row = &numbers[&Group::Incremental(line)];
        assert!(row.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap on line {line:?}");
        for group in [Group::Definitions(line), Group::Snapshots(line)] {
            let row = &numbers[&group];
            let follows = |pair: &[u32]| pair[1] == 1 || pair[1] == pair[0] + 1;
            assert!(row.windows(2).all(follows), "loops on {group:?}: {row:?}");
        }
    }
    println!("messages by template: {templates:?}");
    assert!([46, 52, 54].iter().all(|id| templates.contains_key(id)));
}
