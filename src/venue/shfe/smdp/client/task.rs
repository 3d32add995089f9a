//! The requests of a client, and when each is answered whole.

use super::super::contract::shown;
use super::super::layout::OutcomeField;
use super::super::message::{Frame, Message, SnapshotField};
use super::super::snapshot::Snapshot;
use super::{ClientError, ClientLimits, Event};
use std::collections::BTreeMap;
use xmc_hotpath::venue::shfe::smdp::decode;

/// What a reply does to the request that it answers.
pub(super) enum Reply {
    /// It is answered.
    Done(Event),
    /// Part of the answer.
    More,
    /// Not an answer to this.
    Other,
}

/// A request that is under way, with what has come of its answer.
#[derive(Debug)]
pub(super) enum Task {
    Login,
    Snapshot { topic: i16, fields: Vec<SnapshotField> },
    Missing { topic: i16, from: i32, to: i32, packets: BTreeMap<i32, Vec<u8>> },
    Logout,
}

impl Task {
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Snapshot { .. } => "snapshot",
            Self::Missing { .. } => "missed packets",
            Self::Logout => "logout",
        }
    }

    /// What came of it and what should; 0 if that is not known.
    pub(super) fn progress(&self) -> (usize, usize) {
        match self {
            Self::Login | Self::Logout => (0, 1),
            Self::Snapshot { fields, .. } => (fields.len(), 0),
            Self::Missing { from, to, packets, .. } => (packets.len(), count(*from, *to)),
        }
    }
}

impl Task {
    /// Takes what may be an answer to it.
    pub(super) fn on_reply(
        &mut self,
        frame: Frame,
        limits: &ClientLimits,
    ) -> Result<Reply, ClientError> {
        match (self, frame.message) {
            (Self::Login, Message::LoginResponse { outcome, session }) => {
                granted("login", &outcome)?;
                Ok(Reply::Done(Event::LoggedIn(session.ok_or(ClientError::NoSession)?)))
            }
            (Self::Logout, Message::LogoutResponse { outcome, user: _ }) => {
                granted("logout", &outcome)?;
                Ok(Reply::Done(Event::LoggedOut))
            }
            (Self::Snapshot { topic, fields }, Message::SnapshotResponse(more)) => {
                fields.extend(more);
                let max = limits.max_snapshot_fields;
                if fields.len() > max {
                    return Err(ClientError::TooLong { max });
                }
                if !frame.is_last {
                    return Ok(Reply::More);
                }
                let snapshot = Snapshot::gather(*topic, fields)?;
                Ok(Reply::Done(Event::Snapshot(Box::new(snapshot))))
            }
            (
                Self::Missing { topic, from, to, packets },
                Message::IncrementalResponse { outcome, packets: more },
            ) => {
                outcome.map_or(Ok(()), |outcome| granted("missed packets", &outcome))?;
                more.into_iter().try_for_each(|packet| collect(*topic, packets, packet))?;
                packets.retain(|number, _| (*from..=*to).contains(number));
                if packets.len() < count(*from, *to) {
                    return Ok(Reply::More);
                }
                let whole = std::mem::take(packets).into_values().collect();
                Ok(Reply::Done(Event::Recovered(whole)))
            }
            _ => Ok(Reply::Other),
        }
    }
}

/// Keeps a missed packet; one of another topic is left alone.
fn collect(
    topic: i16,
    packets: &mut BTreeMap<i32, Vec<u8>>,
    bytes: Vec<u8>,
) -> Result<(), ClientError> {
    let packet = decode::packet(&bytes).map_err(|error| ClientError::Packet { error })?;
    if packet.header().topic_id.get() != topic || packet.is_heartbeat() {
        return Ok(());
    }
    let packet_no = packet.header().packet_no.get();
    match packets.insert(packet_no, bytes.clone()) {
        Some(known) if known != bytes => Err(ClientError::Divergent { packet_no }),
        _ => Ok(()),
    }
}

fn granted(what: &'static str, outcome: &OutcomeField) -> Result<(), ClientError> {
    match outcome.error_id.get() {
        0 => Ok(()),
        error_id => {
            let text = shown(&outcome.error_message);
            Err(ClientError::Refused { what, error_id, text })
        }
    }
}

/// Packets from the first through the last.
fn count(from: i32, to: i32) -> usize {
    usize::try_from(i64::from(to) - i64::from(from) + 1).unwrap_or(0)
}
