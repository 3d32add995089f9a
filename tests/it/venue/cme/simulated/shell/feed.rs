//! The feed as it comes over the network: by the engine's decoder, and by the XML alone.

use super::{PATIENCE, open, settings};
use crate::feed::kit::{CHANNEL, bench, shot};
use crate::venue::cme::sbe_schema::Schema;
use crate::venue::cme::simulated::{book, check_believed, ids, published, setup, wire};
use cross_market_connect::port::udp::{JoinedSocket, LineSettings, ReceiveSettings};
use cross_market_connect::venue::cme::simulated::Group;
use cross_market_connect::venue::cme::simulated::shell::Addresses;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use xmc_hotpath::port::Line;

/// Sockets that have joined all groups of a venue.
pub struct Ears(Vec<(Group, JoinedSocket)>);

impl Ears {
    pub fn new(addresses: &Addresses) -> Self {
        let join = |group| {
            let (source, interface) = (None, addresses.interface.clone());
            let line = LineSettings { group: addresses.group(group), source, interface };
            let socket = JoinedSocket::open(&line, &ReceiveSettings::default());
            (group, socket.expect("loopback takes joins"))
        };
        Self(Group::ALL.map(join).into())
    }

    /// What has come.
    pub fn hear(&self) -> Vec<(Group, Vec<u8>)> {
        let (mut heard, mut buffer) = (Vec::new(), [0; 2_048]);
        for (group, socket) in &self.0 {
            while let Ok(len) = socket.receive(&mut buffer) {
                heard.push((*group, buffer[..len].to_vec()));
            }
        }
        heard
    }

    /// All that comes in so long a time.
    pub fn listen(&self, time: Duration) -> Vec<(Group, Vec<u8>)> {
        let (start, mut all) = (Instant::now(), Vec::new());
        while start.elapsed() < time {
            all.extend(self.hear());
            std::thread::sleep(Duration::from_micros(500));
        }
        all
    }
}

fn seq_no(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(*bytes.first_chunk().expect("a packet has a number"))
}

/// Both lines, from a reset of the channel on, make the books of the exchange.
#[test]
fn both_lines_make_the_books_of_the_exchange() {
    let mut settings = settings(13, None);
    settings.venue.channel.channel = CHANNEL;
    let (setup, ids) = (setup(&settings.venue), ids(&settings.venue));
    let venue = open(settings);
    let ears = Ears::new(venue.addresses());
    let before = venue.with(|shell, now| {
        let before = shell.venue().last_seq_no();
        shell.venue_mut().reset_channel(now);
        before
    });
    let first = before.expect("it runs") + 1;
    let mut heard = ears.listen(Duration::from_millis(1_500));
    let left = venue.stop().unwrap();
    let last = left.venue().last_seq_no();
    let start = Instant::now();
    let has_last = |heard: &[(Group, Vec<u8>)], line| {
        heard
            .iter()
            .any(|(group, bytes)| *group == Group::Incremental(line) && seq_no(bytes) == last)
    };
    while !Line::BOTH.iter().all(|line| has_last(&heard, *line)) {
        heard.extend(ears.hear());
        assert!(start.elapsed() < PATIENCE, "the last packet {last} comes");
    }
    bench(&setup, |bench| {
        for (group, bytes) in &heard {
            if let Group::Incremental(line) = group
                && seq_no(bytes) >= first
            {
                bench.send(&shot(*line, 1, bytes));
            }
        }
        assert!(check_believed(left.venue(), bench, &ids, 1), "all books are believed");
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(book(bench, *id), published(left.venue(), index));
        }
        let events = bench.counters.events.get();
        println!("packets {first} to {last}, {events} events");
        assert!(events > 300, "{events} events");
        assert_eq!(bench.counters.gaps.get() + bench.counters.sequence_breaks.get(), 0);
    });
}

/// Every packet of every group by the venue's XML: both lines the same, numbers without a gap,
/// every kind of message of the format.
#[test]
fn packets_of_all_groups_are_those_of_the_xml() {
    let Some(schema) = Schema::load("mdp3_v13.xml") else { return };
    let venue = open(settings(14, None));
    let ears = Ears::new(venue.addresses());
    venue.reset_channel();
    let heard = ears.listen(Duration::from_millis(2_500));
    let counts = venue.counts().unwrap();
    let mut numbers = BTreeMap::<Group, Vec<u32>>::new();
    let mut packets = BTreeMap::<(Group, u32), BTreeSet<Vec<u8>>>::new();
    let mut templates = BTreeMap::<u16, u32>::new();
    for (group, bytes) in &heard {
        let (seq_no, sent_ns, messages) = wire::packet(&schema, bytes);
        assert!(sent_ns > 1_700_000_000_000_000_000 && !messages.is_empty());
        numbers.entry(*group).or_default().push(seq_no);
        packets.entry((*group, seq_no)).or_default().insert(bytes.clone());
        for message in messages {
            *templates.entry(message.id).or_default() += 1;
        }
    }
    println!("{templates:?}; {counts:?}");
    for line in Line::BOTH {
        let row = &numbers[&Group::Incremental(line)];
        assert!(row.len() > 300, "{} packets", row.len());
        assert!(row.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap on line {line:?}");
        for group in [Group::Definitions(line), Group::Snapshots(line)] {
            assert!(numbers[&group].contains(&1), "a loop begins on {group:?}");
        }
    }
    let (a, b) = (Group::Incremental(Line::A), Group::Incremental(Line::B));
    let common = numbers[&a].iter().filter(|seq_no| packets.contains_key(&(b, **seq_no)));
    let mut compared = 0;
    for seq_no in common {
        assert_eq!(packets[&(a, *seq_no)], packets[&(b, *seq_no)], "packet {seq_no}");
        compared += 1;
    }
    assert!(compared > 300);
    assert!([4, 30, 46, 48, 52, 54].iter().all(|id| templates.contains_key(id)), "{templates:?}");
    assert_eq!(counts.feed.unsent, 0);
}
