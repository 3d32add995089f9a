//! MDQP messages both ways: a stream of bytes into frames, frames into messages, and back.
//!
//! What a field holds stays as it lies on the wire, so that encoding a decoded message gives the
//! same bytes; `snapshot` gives the numbers their meaning. A field must have the size that its
//! layout has; fields with unknown ids are passed over by their size and counted.

use super::layout::{
    ContractField, DepthField, LAST_PACKET, LevelField, LoginField, LoginSessionField, MdqpHeader,
    OutcomeField, PacketNoField, PacketRangeField, SnapTimeField, StateField, TopicField,
    TradingDayField, UserField, VERSION, field, kind,
};
use bytemuck::{AnyBitPattern, Pod, bytes_of};
use thiserror::Error;
use xmc_hotpath::venue::shfe::smdp::layout::{CenterChange, FieldHeader};
use xmc_hotpath::wire::{self, I32Le, U16Le};

/// Why bytes are not an MDQP message. What follows them on the stream cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MdqpError {
    /// The stream is not MDQP, or of another version.
    #[error(
        "message has version {version}, only 1 is read: check that the port is the query service"
    )]
    Version {
        /// The low nibble of the flag.
        version: u8,
    },
    /// A message that is not known.
    #[error("message of unknown type {type_id:#04x}: the venue may speak a later revision")]
    Type {
        /// `MdqpHeader::type_id`.
        type_id: u8,
    },
    /// The message ends inside a header or a field.
    #[error("message of type {type_id:#04x} ends inside a field: its length is wrong or it is cut")]
    Truncated {
        /// `MdqpHeader::type_id`.
        type_id: u8,
    },
    /// A field is shorter or longer than its layout.
    #[error("field {id:#06x} has {size} bytes, its layout has {expected}")]
    FieldSize {
        /// Which field.
        id: u16,
        /// What its header says.
        size: usize,
        /// What the layout says.
        expected: usize,
    },
    /// A field that the message cannot be without.
    #[error("message of type {type_id:#04x} lacks field {id:#06x}")]
    Missing {
        /// `MdqpHeader::type_id`.
        type_id: u8,
        /// Which field.
        id: u16,
    },
    /// A field that a message has once is there twice.
    #[error("message of type {type_id:#04x} has field {id:#06x} twice")]
    Twice {
        /// `MdqpHeader::type_id`.
        type_id: u8,
        /// Which field.
        id: u16,
    },
}

/// A message with what its header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether the snapshot ends with it.
    pub is_last: bool,
    /// Number that a reply has in common with its request.
    pub request_id: i32,
    /// The message.
    pub message: Message,
    /// Fields of unknown ids that were passed over.
    pub unknown_fields: usize,
}

/// What is asked and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Both sides, while they have nothing else to say.
    Heartbeat,
    /// Asks to be let in.
    LoginRequest(LoginField),
    /// Answers it.
    LoginResponse {
        /// Whether it was granted.
        outcome: OutcomeField,
        /// The session, if it was.
        session: Option<LoginSessionField>,
    },
    /// Asks to be let go.
    LogoutRequest(UserField),
    /// Answers it.
    LogoutResponse {
        /// Whether it was granted.
        outcome: OutcomeField,
        /// Who has left.
        user: Option<UserField>,
    },
    /// Asks for the state of a topic.
    SnapshotRequest(TopicField),
    /// Answers it; a long one in several messages, the last of which says so.
    SnapshotResponse(Vec<SnapshotField>),
    /// Asks for packets again.
    IncrementalRequest(PacketRangeField),
    /// Answers it, in several messages.
    IncrementalResponse {
        /// UNPROVEN: that a refusal is told in this field.
        outcome: Option<OutcomeField>,
        /// Whole MIRP datagrams.
        packets: Vec<Vec<u8>>,
    },
}

/// A field of a snapshot, in the order sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotField {
    /// UNPROVEN: that a refusal is told in this field.
    Outcome(OutcomeField),
    /// A change of the publishing data centre.
    CenterChange(CenterChange),
    /// The day.
    TradingDay(TradingDayField),
    /// Topic and slice.
    Topic(TopicField),
    /// Depth and cipher.
    Depth(DepthField),
    /// Time of the slice.
    SnapTime(SnapTimeField),
    /// The last packet included.
    PacketNo(PacketNoField),
    /// What does not change of an instrument.
    Contract(ContractField),
    /// What has happened to it.
    State(StateField),
    /// A level of its book.
    Level(LevelField),
}

/// Bytes of the first message of a stream; `None` if more of it has to come.
///
/// # Errors
/// `Version`: no more can be read from this stream.
pub fn first_len(stream: &[u8]) -> Result<Option<usize>, MdqpError> {
    let Some(&flag) = stream.first() else { return Ok(None) };
    let version = flag & 0x0F;
    if version != VERSION {
        return Err(MdqpError::Version { version });
    }
    let Ok((header, _)) = wire::take::<MdqpHeader>(stream) else { return Ok(None) };
    let len = size_of::<MdqpHeader>() + usize::from(header.length.get());
    Ok((len <= stream.len()).then_some(len))
}

impl Frame {
    /// A message that is sent on its own.
    pub const fn new(request_id: i32, message: Message) -> Self {
        Self { is_last: false, request_id, message, unknown_fields: 0 }
    }

    /// Reads one whole message.
    ///
    /// # Errors
    /// See `MdqpError`.
    pub fn decode(bytes: &[u8]) -> Result<Self, MdqpError> {
        let (header, body) = wire::take::<MdqpHeader>(bytes)
            .map_err(|wire::Truncated| MdqpError::Truncated { type_id: 0 })?;
        let version = header.flag & 0x0F;
        if version != VERSION {
            return Err(MdqpError::Version { version });
        }
        let type_id = header.type_id;
        if usize::from(header.length.get()) != body.len() {
            return Err(MdqpError::Truncated { type_id });
        }
        let mut fields = Fields::read(type_id, body)?;
        let message = Message::decode(&mut fields)?;
        Ok(Self {
            is_last: header.flag & LAST_PACKET != 0,
            request_id: header.request_id.get(),
            message,
            unknown_fields: fields.list.len(),
        })
    }

    /// The bytes of the message.
    ///
    /// # Panics
    /// If it is longer than its header can say: a snapshot is to be sent in several messages.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Body(Vec::new());
        self.message.encode(&mut body);
        let length = u16::try_from(body.0.len()).expect("a message is below 65,536 bytes");
        let header = MdqpHeader {
            flag: if self.is_last { VERSION | LAST_PACKET } else { VERSION },
            type_id: self.message.type_id(),
            length: U16Le::new(length),
            request_id: I32Le::new(self.request_id),
        };
        let mut bytes = bytes_of(&header).to_vec();
        bytes.extend_from_slice(&body.0);
        bytes
    }
}

impl Message {
    /// Its number on the wire.
    pub const fn type_id(&self) -> u8 {
        match self {
            Self::Heartbeat => kind::HEARTBEAT,
            Self::LoginRequest(_) => kind::LOGIN_REQUEST,
            Self::LoginResponse { .. } => kind::LOGIN_RESPONSE,
            Self::LogoutRequest(_) => kind::LOGOUT_REQUEST,
            Self::LogoutResponse { .. } => kind::LOGOUT_RESPONSE,
            Self::SnapshotRequest(_) => kind::SNAPSHOT_REQUEST,
            Self::SnapshotResponse(_) => kind::SNAPSHOT_RESPONSE,
            Self::IncrementalRequest(_) => kind::INCREMENTAL_REQUEST,
            Self::IncrementalResponse { .. } => kind::INCREMENTAL_RESPONSE,
        }
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, MdqpError> {
        Ok(match fields.type_id {
            kind::HEARTBEAT => Self::Heartbeat,
            kind::LOGIN_REQUEST => Self::LoginRequest(fields.one(field::LOGIN_REQUEST)?),
            kind::LOGIN_RESPONSE => Self::LoginResponse {
                outcome: fields.one(field::OUTCOME)?,
                session: fields.maybe(field::LOGIN_SESSION)?,
            },
            kind::LOGOUT_REQUEST => Self::LogoutRequest(fields.one(field::LOGOUT_REQUEST)?),
            kind::LOGOUT_RESPONSE => Self::LogoutResponse {
                outcome: fields.one(field::OUTCOME)?,
                user: fields.maybe(field::LOGOUT_RESPONSE)?,
            },
            kind::SNAPSHOT_REQUEST => Self::SnapshotRequest(fields.one(field::TOPIC)?),
            kind::SNAPSHOT_RESPONSE => Self::SnapshotResponse(fields.snapshot()?),
            kind::INCREMENTAL_REQUEST => Self::IncrementalRequest(fields.one(field::PACKET_RANGE)?),
            kind::INCREMENTAL_RESPONSE => Self::IncrementalResponse {
                outcome: fields.maybe(field::OUTCOME)?,
                packets: fields.packets(),
            },
            type_id => return Err(MdqpError::Type { type_id }),
        })
    }

    fn encode(&self, body: &mut Body) {
        match self {
            Self::Heartbeat => {}
            Self::LoginRequest(login) => body.field(field::LOGIN_REQUEST, login),
            Self::LoginResponse { outcome, session } => {
                body.field(field::OUTCOME, outcome);
                body.fields(field::LOGIN_SESSION, session.as_ref());
            }
            Self::LogoutRequest(user) => body.field(field::LOGOUT_REQUEST, user),
            Self::LogoutResponse { outcome, user } => {
                body.field(field::OUTCOME, outcome);
                body.fields(field::LOGOUT_RESPONSE, user.as_ref());
            }
            Self::SnapshotRequest(topic) => body.field(field::TOPIC, topic),
            Self::SnapshotResponse(fields) => {
                fields.iter().for_each(|field| body.snapshot(field));
            }
            Self::IncrementalRequest(range) => body.field(field::PACKET_RANGE, range),
            Self::IncrementalResponse { outcome, packets } => {
                body.fields(field::OUTCOME, outcome.as_ref());
                packets.iter().for_each(|packet| body.bytes(field::MIRP_PACKET, packet));
            }
        }
    }
}

/// The fields of one message that have not been asked for yet.
struct Fields<'a> {
    type_id: u8,
    list: Vec<(u16, &'a [u8])>,
}

impl<'a> Fields<'a> {
    fn read(type_id: u8, body: &'a [u8]) -> Result<Self, MdqpError> {
        let cut = MdqpError::Truncated { type_id };
        let mut list = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let (header, after) = wire::take::<FieldHeader>(rest).map_err(|_| cut)?;
            let size = usize::from(header.size.get());
            let (content, after) = after.split_at_checked(size).ok_or(cut)?;
            list.push((header.id.get(), content));
            rest = after;
        }
        Ok(Self { type_id, list })
    }

    fn maybe<T: AnyBitPattern>(&mut self, id: u16) -> Result<Option<T>, MdqpError> {
        let mut found = self.list.extract_if(.., |(field, _)| *field == id).map(|(_, body)| body);
        let first = found.next();
        if found.next().is_some() {
            return Err(MdqpError::Twice { type_id: self.type_id, id });
        }
        first.map(|body| fixed(id, body)).transpose()
    }

    fn one<T: AnyBitPattern>(&mut self, id: u16) -> Result<T, MdqpError> {
        self.maybe(id)?.ok_or(MdqpError::Missing { type_id: self.type_id, id })
    }

    fn packets(&mut self) -> Vec<Vec<u8>> {
        let found = self.list.extract_if(.., |(field, _)| *field == field::MIRP_PACKET);
        found.map(|(_, body)| body.to_vec()).collect()
    }

    fn snapshot(&mut self) -> Result<Vec<SnapshotField>, MdqpError> {
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for (id, body) in self.list.drain(..) {
            match SnapshotField::decode(id, body)? {
                Some(field) => known.push(field),
                None => unknown.push((id, body)),
            }
        }
        self.list = unknown;
        Ok(known)
    }
}

impl SnapshotField {
    fn decode(id: u16, body: &[u8]) -> Result<Option<Self>, MdqpError> {
        Ok(Some(match id {
            field::OUTCOME => Self::Outcome(fixed(id, body)?),
            field::CENTER_CHANGE => Self::CenterChange(fixed(id, body)?),
            field::TRADING_DAY => Self::TradingDay(fixed(id, body)?),
            field::TOPIC => Self::Topic(fixed(id, body)?),
            field::DEPTH => Self::Depth(fixed(id, body)?),
            field::SNAP_TIME => Self::SnapTime(fixed(id, body)?),
            field::PACKET_NO => Self::PacketNo(fixed(id, body)?),
            field::CONTRACT => Self::Contract(fixed(id, body)?),
            field::STATE => Self::State(fixed(id, body)?),
            field::LEVEL => Self::Level(fixed(id, body)?),
            _ => return Ok(None),
        }))
    }
}

fn fixed<T: AnyBitPattern>(id: u16, body: &[u8]) -> Result<T, MdqpError> {
    let (size, expected) = (body.len(), size_of::<T>());
    match wire::take::<T>(body) {
        Ok((record, [])) => Ok(*record),
        Ok(_) | Err(wire::Truncated) => Err(MdqpError::FieldSize { id, size, expected }),
    }
}

/// A body under construction.
struct Body(Vec<u8>);

impl Body {
    fn field<T: Pod>(&mut self, id: u16, content: &T) {
        self.bytes(id, bytes_of(content));
    }

    fn fields<'t, T: Pod>(&mut self, id: u16, contents: impl IntoIterator<Item = &'t T>) {
        contents.into_iter().for_each(|content| self.field(id, content));
    }

    fn bytes(&mut self, id: u16, content: &[u8]) {
        let size = u16::try_from(content.len()).expect("a field is below 65,536 bytes");
        let header = FieldHeader { id: U16Le::new(id), size: U16Le::new(size) };
        self.0.extend_from_slice(bytes_of(&header));
        self.0.extend_from_slice(content);
    }

    fn snapshot(&mut self, content: &SnapshotField) {
        match content {
            SnapshotField::Outcome(record) => self.field(field::OUTCOME, record),
            SnapshotField::CenterChange(record) => self.field(field::CENTER_CHANGE, record),
            SnapshotField::TradingDay(record) => self.field(field::TRADING_DAY, record),
            SnapshotField::Topic(record) => self.field(field::TOPIC, record),
            SnapshotField::Depth(record) => self.field(field::DEPTH, record),
            SnapshotField::SnapTime(record) => self.field(field::SNAP_TIME, record),
            SnapshotField::PacketNo(record) => self.field(field::PACKET_NO, record),
            SnapshotField::Contract(record) => self.field(field::CONTRACT, record),
            SnapshotField::State(record) => self.field(field::STATE, record),
            SnapshotField::Level(record) => self.field(field::LEVEL, record),
        }
    }
}
