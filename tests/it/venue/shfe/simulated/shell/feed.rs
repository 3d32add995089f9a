//! The feed as it comes over the network, joined through the query service.

use super::super::{book, published};
use super::{PATIENCE, Reader, Running, open, settings};
use crate::venue::shfe::smdp::kit::{MS, TOPIC, bench};
use cross_market_connect::port::udp::{JoinedSocket, LineSettings, ReceiveSettings};
use cross_market_connect::venue::shfe::simulated::{Group, LineFaults};
use std::time::{Duration, Instant};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;

/// Sockets that have joined both lines.
pub struct Ears([(Line, JoinedSocket); 2]);

impl Ears {
    pub fn new(venue: &Running) -> Self {
        let addresses = venue.addresses();
        Self(Line::BOTH.map(|line| {
            let group = addresses.group(Group { topic: TOPIC, line }).expect("it is there");
            let settings =
                LineSettings { group, source: None, interface: addresses.interface.clone() };
            let socket = JoinedSocket::open(&settings, &ReceiveSettings::default());
            (line, socket.expect("loopback takes joins"))
        }))
    }

    /// What has come.
    pub fn hear(&self) -> Vec<(Line, Vec<u8>)> {
        let (mut heard, mut buffer) = (Vec::new(), [0; 2_048]);
        for (line, socket) in &self.0 {
            while let Ok(len) = socket.receive(&mut buffer) {
                heard.push((*line, buffer[..len].to_vec()));
            }
        }
        heard
    }
}

fn packet_no(bytes: &[u8]) -> i32 {
    i32::from_le_bytes(bytes[4..8].try_into().expect("a packet has a number"))
}

/// Joined in the middle, with a tenth lost on line A: the books are those of the exchange, after
/// every packet that came, until the end.
#[test]
fn both_lines_and_a_snapshot_make_the_books_of_the_exchange() {
    let mut settings = settings(15, None);
    settings.venue.feed.max_packet_bytes = 300;
    let venue = open(settings);
    let lost = LineFaults { lost_per_mille: 300, ..LineFaults::default() };
    venue.set_faults(Line::A, lost);
    let ears = Ears::new(&venue);
    std::thread::sleep(Duration::from_millis(1_200));
    let mut reader = Reader::log_in(&venue);
    let snapshot = reader.snapshot();
    bench(|bench| {
        bench.seed(&snapshot);
        let start = Instant::now();
        let deliver = |bench: &mut crate::venue::shfe::smdp::kit::Bench<'_>| {
            for (line, bytes) in ears.hear() {
                bench.now = u64::try_from(start.elapsed().as_nanos()).expect("a short test");
                bench.send(line, &bytes);
            }
        };
        let mut compared = 0;
        while start.elapsed() < Duration::from_millis(4_500) {
            deliver(bench);
            // The truth and its number are read at one moment; what is on its way comes behind.
            let truth = venue.with(|shell, _| {
                let last = shell.venue().last_packet_no(TOPIC).expect("it is there");
                (last, [0, 1, 2, 3].map(|index| published(shell.venue(), index)))
            });
            let (last, truth) = truth.expect("it runs");
            let waited = Instant::now();
            let last_applied =
                |bench: &crate::venue::shfe::smdp::kit::Bench<'_>| bench.counters.applied.get();
            let wanted = u64::try_from(last - snapshot.packet_no).expect("later");
            while last_applied(bench) < wanted {
                deliver(bench);
                assert!(waited.elapsed() < PATIENCE, "packet {last} comes");
            }
            if last_applied(bench) == wanted {
                for (index, truth) in (0..).zip(&truth) {
                    assert_eq!(book(bench, index), *truth, "instrument {index}, packet {last}");
                    compared += 1;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("{compared} books compared, {} packets", bench.counters.applied.get());
        assert!(compared > 300 && bench.counters.applied.get() > 8);
        assert!(matches!(bench.state(), ChannelState::Live | ChannelState::SingleLine));
        assert_eq!(bench.counters.gaps.get(), 0);
        assert!(bench.counters.line(Line::A).missing.get() > 0);
        assert!(bench.now > 4_000 * MS);
    });
    let counts = venue.counts().expect("it runs");
    assert_eq!((counts.feed.unsent, counts.queries.snapshots), (0, 1));
    // All that was sent, asked for again, is what came.
    let last = counts.last_packet_nos[0].1;
    let all = reader.missed(1, last);
    assert_eq!(all.len(), usize::try_from(last).expect("it counts from 1"));
    assert!(all.iter().zip(1..).all(|(bytes, number)| packet_no(bytes) == number));
}
