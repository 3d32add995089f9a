//! The packets of a capture that belong to the configured feeds, counted and ready to be sent.

use crate::cli::CliError;
use crate::config::Configuration;
use crate::port::capture::Capture;
use crate::port::datagram::{addressee, datagram};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::decode;

/// One packet of a feed.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Which feed of the configuration.
    pub feed: usize,
    /// On which line.
    pub line: Line,
    /// When it was captured: nanoseconds after the first one.
    pub at_ns: u64,
    /// The UDP payload.
    pub payload: Vec<u8>,
}

/// What is in the capture.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The packets of configured feeds, in the order of the capture.
    pub packets: Vec<Packet>,
    /// When the first one was captured, UTC nanoseconds.
    pub first_utc_ns: u64,
    /// Frames that are not packets of a configured feed.
    pub others: u64,
    /// Frames to a configured feed's groups that cannot be used: cut short, fragments.
    pub unusable: u64,
    /// The first of them and its fault.
    pub first_unusable: Option<String>,
    /// Messages in the packets, each counted once although it comes on two lines.
    pub messages: u64,
    /// Entries in them.
    pub entries: u64,
    /// Why the capture ends early, if it is damaged.
    pub damage: Option<String>,
    /// Feeds and packet numbers whose messages were counted.
    counted: BTreeSet<(usize, u32)>,
}

impl Loaded {
    /// Puts packets in the order in which they were captured: a file may have one interface behind
    /// another. What was captured at one time stays in the order of the file, and so does each
    /// line: where a clock was set back, what follows comes at the time before that.
    fn in_time(&mut self) {
        let mut newest = BTreeMap::new();
        for packet in &mut self.packets {
            let newest = newest.entry((packet.feed, packet.line == Line::B)).or_insert(0);
            packet.at_ns = packet.at_ns.max(*newest);
            *newest = packet.at_ns;
        }
        self.packets.sort_by_key(|packet| packet.at_ns);
        self.first_utc_ns = self.packets.first().map_or(0, |first| first.at_ns);
        for packet in &mut self.packets {
            packet.at_ns -= self.first_utc_ns;
        }
    }

    /// Counts messages and entries of a packet that was not counted on the other line.
    pub fn count(&mut self, feed: usize, payload: &[u8]) {
        let Ok(packet) = decode::packet(payload) else {
            return;
        };
        if !self.counted.insert((feed, packet.seq_no())) {
            return;
        }
        for message in packet.messages() {
            self.messages += 1;
            if let Ok(message) = message.decode() {
                self.entries += message.entry_views().count() as u64;
            }
        }
    }
}

/// Reads the packets of the configured feeds.
pub fn load(path: &Path, config: &Configuration) -> Result<Loaded, CliError> {
    let capture = Capture::open(path).map_err(CliError::could_not_run)?;
    let mut loaded = Loaded::default();
    for frame in capture.frames() {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                loaded.damage = Some(error.to_string());
                break;
            }
        };
        let packet = match datagram(frame.link, frame.bytes) {
            Ok(packet) => packet,
            Err(fault) if is_of_feed(config, addressee(frame.link, frame.bytes)) => {
                loaded.unusable += 1;
                loaded
                    .first_unusable
                    .get_or_insert_with(|| format!("frame {}: {fault}", frame.number));
                continue;
            }
            Err(_) => None,
        };
        let Some((packet, (feed, line))) =
            packet.and_then(|packet| Some((packet, line_of(config, packet.target)?)))
        else {
            loaded.others += 1;
            continue;
        };
        loaded.count(feed, packet.payload);
        loaded.packets.push(Packet {
            feed,
            line,
            at_ns: frame.captured.0,
            payload: packet.payload.to_vec(),
        });
    }
    loaded.in_time();
    if loaded.packets.is_empty() {
        return Err(CliError::could_not_run(format!(
            "{} has no packet to the groups of the configured feeds: see `xmc inspect {}` for the \
             groups in it",
            path.display(),
            path.display()
        )));
    }
    Ok(loaded)
}

/// Whether somebody that a frame was sent to is a group of a feed; a fragment after the first does
/// not say its port.
fn is_of_feed(config: &Configuration, addressee: Option<(Ipv4Addr, Option<u16>)>) -> bool {
    let Some((address, port)) = addressee else { return false };
    let groups = config.feeds.iter().flat_map(|feed| [feed.line_a.group, feed.line_b.group]);
    groups.into_iter().any(|group: SocketAddrV4| {
        *group.ip() == address && port.is_none_or(|port| port == group.port())
    })
}

/// The feed and line that a group and port belong to.
fn line_of(config: &Configuration, target: SocketAddrV4) -> Option<(usize, Line)> {
    config.feeds.iter().enumerate().find_map(|(index, feed)| {
        if feed.line_a.group == target {
            Some((index, Line::A))
        } else if feed.line_b.group == target {
            Some((index, Line::B))
        } else {
            None
        }
    })
}
