//! The walk all views share: frames, the datagrams in them, the packets of market data in those.
//!
//! The venue is found from the bytes, never from ports: a datagram is CME MDP 3.0 if a packet
//! header is followed by messages whose sizes end exactly where the datagram does, each with SBE
//! schema 1, and each decodes. The version does not matter: blocks are as long as the sender says,
//! and one whose layouts were not compared with the exchange's XML is noted. As in the engine, one
//! bad message makes the whole packet unusable. What is left out, damaged or not understood is
//! counted and said at the end; a view sees sound packets only. Packets of SMDP 2.0 are counted
//! here and shown by `smdp`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use xmc_hotpath::port::Line;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::decode::{self, DecodeError, Message, Messages};
use xmc_hotpath::venue::cme::mdp3::layout::PacketHeader;

use super::lines::Lines;
use super::{smdp, templates};
use crate::cli::{CliError, Exit};
use crate::port::capture::{Capture, CaptureError, Frames};
use crate::port::datagram::{DatagramError, addressee, datagram};

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

/// What a definition says of its instrument's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defined {
    /// The instrument.
    pub security_id: i32,
    /// Levels a side of the book `GBX`, if it is told.
    pub depth: Option<u8>,
    /// Levels a side of the implied book `GBI`, if it is told.
    pub implied_depth: Option<u8>,
}

impl PacketMessage<'_> {
    /// What it defines, if it is the definition of a future, an option or a spread.
    pub fn defined(&self) -> Option<Defined> {
        let (head, groups) = match self.decoded {
            Message::Future(future) => (future.root.head, future.groups().ok()),
            Message::Option(option) => (option.root.head, option.groups().ok().map(|of| of.common)),
            Message::Spread(spread) => (spread.root.head, spread.groups().ok().map(|of| of.common)),
            _ => return None,
        };
        let depth = |feed_type: &[u8; 3]| {
            let mut types = groups?.feed_types;
            let depth = types.find(|entry| entry.feed_type == *feed_type)?.depth;
            u8::try_from(depth).ok().filter(|&depth| depth > 0)
        };
        Some(Defined {
            security_id: head.security_id.get(),
            depth: depth(b"GBX"),
            implied_depth: depth(b"GBI"),
        })
    }
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
    /// Packets of SMDP 2.0 of chosen groups, which `smdp` shows.
    pub smdp: u64,
    /// Whether the view shows those.
    pub is_smdp_shown: bool,
    /// UDP datagrams of groups that were not chosen.
    pub not_chosen: u64,
    /// Per chosen group, recognised and other datagrams and the first frame of the latter.
    groups: BTreeMap<SocketAddrV4, GroupCount>,
    /// Frames that claim to hold a UDP datagram and do not, by whom they were sent to, where that
    /// is still there.
    unusable: BTreeMap<Option<(Ipv4Addr, Option<u16>)>, Unusable>,
    /// Versions that were not compared, and templates that are passed over.
    odd_versions: BTreeMap<u16, Seen>,
    passed_over: BTreeMap<u16, Seen>,
    /// Why the capture was not read to its end.
    damage: Option<CaptureError>,
}

/// Frames of one addressee that cannot be used.
#[derive(Clone, Copy, Debug)]
struct Unusable {
    count: u64,
    first_frame: u64,
    fault: DatagramError,
}

/// How often something was met, and in which frame first.
#[derive(Clone, Copy, Debug)]
struct Seen {
    count: u64,
    first_frame: u64,
}

impl Seen {
    /// Counts one more of `key`.
    fn note(seen: &mut BTreeMap<u16, Self>, key: u16, frame: u64) {
        seen.entry(key).or_insert(Self { count: 0, first_frame: frame }).count += 1;
    }
}

#[derive(Debug, Default)]
struct GroupCount {
    packets: u64,
    smdp: u64,
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
/// between. Others are read by the lengths they state.
const COMPARED_VERSIONS: std::ops::RangeInclusive<u16> = 6..=13;

/// Templates with quantities of 64 bits: books, trades, volumes and statistics change by them.
const LONG_QUANTITIES: std::ops::RangeInclusive<u16> = 64..=67;

/// A payload as a packet whose messages all decode.
fn recognise(payload: &[u8]) -> Result<decode::Packet<'_>, NotMdp3> {
    let packet = decode::packet(payload)?;
    for framed in packet.messages() {
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
                    let first = Unusable { count: 0, first_frame: frame.number, fault };
                    let addressee = addressee(frame.link, frame.bytes);
                    met.unusable.entry(addressee).or_insert(first).count += 1;
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
                Err(_) if count.packets == 0 && smdp::recognise(found.payload).is_some() => {
                    count.smdp += 1;
                    met.smdp += 1;
                    continue;
                }
                Err(why) => {
                    count.others += 1;
                    count.first_other.get_or_insert((frame.number, why));
                    continue;
                }
            };
            count.packets += 1;
            met.packets += 1;
            met.look(&packet, frame.number);
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
    /// Notes what of a sound packet is read with a doubt or not at all.
    fn look(&mut self, packet: &decode::Packet<'_>, frame: u64) {
        for framed in packet.messages() {
            if !COMPARED_VERSIONS.contains(&framed.version()) {
                Seen::note(&mut self.odd_versions, framed.version(), frame);
            }
            if let Ok(Message::Skipped { template_id, .. }) = framed.decode() {
                Seen::note(&mut self.passed_over, template_id, frame);
            }
        }
    }

    /// Says on stderr which messages were passed over, and how the command therefore ends: one that
    /// changes a book or a day, or that nobody knows, is a finding; the others are noted.
    pub fn say_passed_over(&self) -> Exit {
        let mut exit = Exit::Ok;
        for (&template_id, Seen { count, first_frame }) in &self.passed_over {
            let name = templates::name(template_id);
            let matters = name == "?" || LONG_QUANTITIES.contains(&template_id);
            let word = if matters { "finding" } else { "note" };
            eprintln!(
                "{word}: {count} messages of template {template_id} ({name}) are passed over, the \
                 first in frame {first_frame}: what they say is in no view"
            );
            if matters {
                exit = Exit::Finding;
            }
        }
        exit
    }

    /// Whether packets of MDP 3.0 were sent to a group.
    pub fn is_mdp3(&self, group: SocketAddrV4) -> bool {
        self.groups.get(&group).is_some_and(|count| count.packets > 0)
    }

    /// Datagrams that were looked at and not recognised, and those that were not looked at.
    pub fn other_datagrams(&self) -> u64 {
        self.not_chosen + self.groups.values().map(|count| count.others).sum::<u64>()
    }

    /// Says on stderr what the views could not show, and how the command therefore ends.
    ///
    /// # Errors
    /// `CouldNotRun` if nothing at all was recognised.
    pub fn conclude(self, lines: &Lines) -> Result<Exit, CliError> {
        if self.packets == 0 && !(self.is_smdp_shown && self.smdp > 0) {
            return Err(CliError::could_not_run(self.nothing()));
        }
        for (version, Seen { count, first_frame }) in &self.odd_versions {
            eprintln!(
                "note: {count} messages are of schema 1 version {version}, the first in frame \
                 {first_frame}: its layouts were not compared with the exchange's XML (6 to 13 \
                 were), they are read by the lengths they state"
            );
        }
        if let Some(Unusable { count, fault, .. }) = self.unusable_of_others() {
            eprintln!(
                "note: {count} frames that are not known to be of these groups are unusable, \
                       such as: {fault}"
            );
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
            let GroupCount { packets, smdp, others, first_other } = *count;
            let all = others + packets + smdp;
            match (packets, smdp, first_other) {
                (1.., _, Some((frame, why))) => faults.push(format!(
                    "{others} of {all} datagrams to {group} are not sound CME MDP 3.0, the first \
                     in frame {frame}: {why}"
                )),
                (_, 1.., Some((frame, _))) => faults.push(format!(
                    "{others} of {all} datagrams to {group} are not sound SMDP 2.0, the first in \
                     frame {frame}"
                )),
                _ => {}
            }
        }
        for (group, Unusable { count, first_frame, fault }) in self.unusable_of_ours() {
            faults.push(format!(
                "{count} frames to {group} are unusable, the first is {first_frame}: {fault}"
            ));
        }
        faults.extend(self.damage.as_ref().map(ToString::to_string));
        faults
    }

    /// What cannot be used of what was sent to groups that carry market data. A fragment after the
    /// first does not say its port, so the address decides.
    fn unusable_of_ours(&self) -> impl Iterator<Item = (Ipv4Addr, Unusable)> {
        let is_ours = |address: Ipv4Addr, port: Option<u16>| {
            let mut carrying = self.groups.iter().filter(|(_, of)| of.packets + of.smdp > 0);
            carrying.any(|(group, _)| {
                *group.ip() == address && port.is_none_or(|port| port == group.port())
            })
        };
        self.unusable.iter().filter_map(move |(addressee, unusable)| {
            let (address, port) = (*addressee)?;
            is_ours(address, port).then_some((address, *unusable))
        })
    }

    /// What cannot be used and is not known to be of market data.
    fn unusable_of_others(&self) -> Option<Unusable> {
        let ours: u64 = self.unusable_of_ours().map(|(_, unusable)| unusable.count).sum();
        let all: u64 = self.unusable.values().map(|unusable| unusable.count).sum();
        let first = self.unusable.values().min_by_key(|unusable| unusable.first_frame)?;
        (all > ours).then_some(Unusable { count: all - ours, ..*first })
    }

    /// Why there is nothing to show.
    pub fn nothing(&self) -> String {
        let mut text = format!("no CME MDP 3.0 in the {} frames of the capture", self.frames);
        if self.smdp > 0 {
            text += &format!(
                "; {} packets are SMDP 2.0, which `xmc inspect` shows as a summary and with \
                 `--messages`",
                self.smdp
            );
        }
        if let Some(damage) = &self.damage {
            text += &format!("; {damage}");
        }
        if let Some(Unusable { count, first_frame, fault }) = self.unusable_of_others() {
            text += &format!("; {count} are unusable (frame {first_frame}: {fault})");
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
