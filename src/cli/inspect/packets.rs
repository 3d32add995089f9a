//! The walk all views share: frames, the datagrams in them, the packets of market data in those.
//!
//! The venue is found from the bytes, never from ports: a datagram is CME MDP 3.0 if a packet
//! header is followed by messages whose sizes end exactly where the datagram does, each with SBE
//! schema 1 in a known version, and each decodes. As in the engine, one bad message makes the whole
//! packet unusable. What is left out, damaged or not understood is counted and said at the end; a
//! view sees sound packets only.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use xmc_hotpath::port::Line;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::decode::{self, DecodeError, Message, Messages};
use xmc_hotpath::venue::cme::mdp3::layout::PacketHeader;

use super::lines::Lines;
use crate::cli::{CliError, Exit};
use crate::port::capture::{Capture, CaptureError, Frames};
use crate::port::datagram::{DatagramError, datagram};

/// A datagram that was recognised as a packet of market data.
pub struct Packet<'a> {
    /// Number of its frame in the capture.
    pub frame: u64,
    /// When it was captured.
    pub captured: UnixNs,
    /// The multicast group and port it was sent to.
    pub group: SocketAddrV4,
    /// Its line, if a rule of `lines` decides it.
    pub line: Option<Line>,
    /// `MsgSeqNum`.
    pub seq_no: u32,
    /// `SendingTime`.
    pub sent: UnixNs,
    messages: Messages<'a>,
    payload: &'a [u8],
}

/// One message of a packet.
pub struct PacketMessage<'a> {
    /// Place in the packet, from 0, over all templates.
    pub index: usize,
    /// SBE template id.
    pub template_id: u16,
    /// Schema version the sender wrote.
    pub version: u16,
    /// Length of the whole message.
    pub size_bytes: u16,
    /// What it says.
    pub decoded: Message<'a>,
}

impl<'a> Packet<'a> {
    /// The messages in the order sent.
    pub fn messages(&self) -> impl Iterator<Item = PacketMessage<'a>> {
        self.messages.enumerate().filter_map(|(index, framed)| {
            Some(PacketMessage {
                index,
                template_id: framed.template_id(),
                version: framed.version(),
                size_bytes: framed.size(),
                // `recognise` has decoded it before: none is left out here.
                decoded: framed.decode().ok()?,
            })
        })
    }

    /// All that is sent after number and time.
    pub fn after_header(&self) -> &'a [u8] {
        self.payload.get(size_of::<PacketHeader>()..).unwrap_or_default()
    }

    /// `A`, `B`, or `-` if no rule decides the line.
    pub fn feed(&self) -> char {
        self.line.map_or('-', Line::letter)
    }
}

/// What a walk met besides the packets it handed out.
#[derive(Debug, Default)]
pub struct Met {
    /// Frames of the capture.
    pub frames: u64,
    /// Recognised packets of chosen groups.
    pub packets: u64,
    /// UDP datagrams of groups that were not chosen.
    pub not_chosen: u64,
    /// Per chosen group, recognised and other datagrams and the first frame of the latter.
    groups: BTreeMap<SocketAddrV4, GroupCount>,
    /// Frames that claim to hold a UDP datagram and do not; the first of them and its fault.
    unusable: u64,
    first_unusable: Option<(u64, DatagramError)>,
    /// Why the capture was not read to its end.
    damage: Option<CaptureError>,
}

#[derive(Debug, Default)]
struct GroupCount {
    packets: u64,
    others: u64,
    first_other: Option<(u64, NotMdp3)>,
}

/// Why a datagram is not a sound packet of MDP 3.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NotMdp3 {
    #[error("it ends inside a header, a message or a group")]
    Truncated,
    #[error("it holds no message")]
    NoMessage,
    #[error("a message is shorter than its headers")]
    BadMessageSize,
    #[error("a message is not of SBE schema 1")]
    WrongSchema,
    #[error("a block is shorter than in any version that is read")]
    BlockTooShort,
    #[error("a price is out of range")]
    PriceOverflow,
    #[error("schema 1 version {0} is not among those read (6 to 13)")]
    UnknownVersion(u16),
}

impl From<DecodeError> for NotMdp3 {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Truncated => Self::Truncated,
            DecodeError::NoMessage => Self::NoMessage,
            DecodeError::BadMessageSize => Self::BadMessageSize,
            DecodeError::WrongSchema => Self::WrongSchema,
            DecodeError::BlockTooShort => Self::BlockTooShort,
            DecodeError::PriceOverflow => Self::PriceOverflow,
        }
    }
}

/// Versions of schema 1 whose layouts were compared with the exchange's XML (6, 9, 13) and those
/// between.
const KNOWN_VERSIONS: std::ops::RangeInclusive<u16> = 6..=13;

/// A payload as a packet whose messages all decode.
fn recognise(payload: &[u8]) -> Result<decode::Packet<'_>, NotMdp3> {
    let packet = decode::packet(payload)?;
    for framed in packet.messages() {
        if !KNOWN_VERSIONS.contains(&framed.version()) {
            return Err(NotMdp3::UnknownVersion(framed.version()));
        }
        framed.decode()?;
    }
    Ok(packet)
}

/// Hands each recognised packet of the chosen groups to `each`, in capture order.
///
/// # Errors
/// What `each` returns, which ends the walk.
pub fn walk(
    capture: &Capture,
    lines: &mut Lines,
    mut each: impl FnMut(&Packet<'_>) -> Result<(), CliError>,
) -> Result<Met, CliError> {
    let mut walk = Walk::new(capture);
    while let Some(packet) = walk.next(lines) {
        each(&packet)?;
    }
    Ok(walk.met)
}

/// A walk that is taken packet by packet.
pub struct Walk<'c> {
    frames: Frames<'c>,
    /// What it has met so far.
    pub met: Met,
}

impl<'c> Walk<'c> {
    /// From the first frame.
    pub fn new(capture: &'c Capture) -> Self {
        Self { frames: capture.frames(), met: Met::default() }
    }

    /// The next recognised packet of the groups that `lines` has chosen.
    pub fn next(&mut self, lines: &mut Lines) -> Option<Packet<'c>> {
        let Self { frames, met } = self;
        loop {
            let frame = match frames.next()? {
                Ok(frame) => frame,
                Err(damage) => {
                    met.damage = Some(damage);
                    return None;
                }
            };
            met.frames += 1;
            let found = match datagram(frame.link, frame.bytes) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(fault) => {
                    met.unusable += 1;
                    met.first_unusable.get_or_insert((frame.number, fault));
                    continue;
                }
            };
            if !lines.is_chosen(found.target) {
                met.not_chosen += 1;
                continue;
            }
            let count = met.groups.entry(found.target).or_default();
            let packet = match recognise(found.payload) {
                Ok(packet) => packet,
                Err(why) => {
                    count.others += 1;
                    count.first_other.get_or_insert((frame.number, why));
                    continue;
                }
            };
            count.packets += 1;
            met.packets += 1;
            return Some(Packet {
                frame: frame.number,
                captured: frame.captured,
                group: found.target,
                line: lines.line(found.target),
                seq_no: packet.seq_no(),
                sent: UnixNs(packet.sent_ns()),
                messages: packet.messages(),
                payload: found.payload,
            });
        }
    }
}

impl Met {
    /// Datagrams that were looked at and not recognised, and those that were not looked at.
    pub fn other_datagrams(&self) -> u64 {
        self.not_chosen + self.groups.values().map(|count| count.others).sum::<u64>()
    }

    /// Says on stderr what the views could not show, and how the command therefore ends.
    ///
    /// # Errors
    /// `CouldNotRun` if nothing at all was recognised.
    pub fn conclude(self, lines: &Lines) -> Result<Exit, CliError> {
        if self.packets == 0 {
            return Err(CliError::could_not_run(self.nothing()));
        }
        let unmet = lines.unmet();
        let unmet = unmet.map(|group| format!("no packet was sent to {group}: check `--group`"));
        let findings: Vec<_> = unmet.chain(self.faults()).collect();
        findings.iter().for_each(|text| eprintln!("finding: {text}"));
        Ok(if findings.is_empty() { Exit::Ok } else { Exit::Finding })
    }

    /// What of the capture could not be shown, each as a sentence.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (group, count) in &self.groups {
            // A group without any packet of ours is somebody else's traffic.
            if let (1.., Some((frame, why))) = (count.packets, count.first_other) {
                let all = count.others + count.packets;
                faults.push(format!(
                    "{} of {all} datagrams to {group} are not sound CME MDP 3.0, the first in \
                     frame {frame}: {why}",
                    count.others
                ));
            }
        }
        if let Some((frame, fault)) = self.first_unusable {
            let unusable = self.unusable;
            faults.push(format!("{unusable} frames are unusable, the first is {frame}: {fault}"));
        }
        faults.extend(self.damage.as_ref().map(ToString::to_string));
        faults
    }

    /// Why there is nothing to show.
    pub fn nothing(&self) -> String {
        let mut text = format!("no CME MDP 3.0 in the {} frames of the capture", self.frames);
        if let Some(damage) = &self.damage {
            text += &format!("; {damage}");
        }
        if let Some((frame, fault)) = self.first_unusable {
            text += &format!("; {} are unusable (frame {frame}: {fault})", self.unusable);
        }
        if !self.groups.is_empty() {
            let groups: Vec<String> = self
                .groups
                .iter()
                .take(5)
                .map(|(group, count)| match count.first_other {
                    Some((frame, why)) => {
                        format!("{group} ({} datagrams, frame {frame}: {why})", count.others)
                    }
                    None => group.to_string(),
                })
                .collect();
            text += &format!("; UDP goes to {}", groups.join(", "));
        }
        if self.not_chosen > 0 {
            text += &format!(
                "; {} UDP datagrams go to groups that `--group` leaves out: run without it to see \
                 them",
                self.not_chosen
            );
        }
        text
    }
}
