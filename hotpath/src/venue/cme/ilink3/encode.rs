//! The requests as templates: complete frames of which an order changes a few fields.
//!
//! A template is built and checked once, when the session stands; after that nothing can be wrong
//! with it, so patching cannot fail, does not branch and copies nothing. One template per session
//! and kind of request: every patch rewrites the same buffer. Sequence numbers, throttles and the
//! decision to send are the caller's (the gateway stage).

use core::fmt;

use super::layout::{
    AUTOMATED, Block, Cancel, ClOrdId, Framed, MassStatusRequest, Message, NEWEST_VERSION,
    NULL_U64, NewOrder, OLDEST_VERSION, ORD_TYPE_LIMIT, Replace, Side, StatusRequest, TimeInForce,
};
use crate::wire::{I32Le, I64Le, U32Le, U64Le};

/// A minimum quantity that is not asked for.
pub const NO_MIN_QTY: u32 = u32::MAX;

/// What all orders of one session have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionIdentity<'a> {
    /// Tag 5392 `SenderID`: the operator, 1 to 20 printable ASCII characters.
    pub sender_id: &'a str,
    /// Tag 9537 `Location`: where the sender sits, 1 to 5 printable ASCII characters.
    pub location: &'a str,
    /// Tag 1505 `PartyDetailsListReqID`: the registered set of party details.
    pub party_details_id: u64,
    /// The schema version to write, `OLDEST_VERSION` to `NEWEST_VERSION`.
    pub schema_version: u16,
}

/// A field of the identity that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityField {
    /// `SessionIdentity::sender_id`.
    SenderId,
    /// `SessionIdentity::location`.
    Location,
}

/// Why a template was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A required text is empty.
    Empty(IdentityField),
    /// A text does not fit its field.
    TooLong {
        /// Which text.
        field: IdentityField,
        /// Its length, bytes.
        len: usize,
        /// The length of the field, bytes.
        max: usize,
    },
    /// A text has a character that is not printable ASCII.
    NotPrintable(IdentityField),
    /// The set of party details is the value that means "absent".
    NoPartyDetails,
    /// The layouts here do not describe that version of the schema.
    Version(u16),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty(field) => write!(f, "{field} is empty: the exchange requires it"),
            Self::TooLong { field, len, max } => {
                write!(f, "{field} has {len} bytes and at most {max} fit: shorten it")
            }
            Self::NotPrintable(field) => {
                write!(f, "{field} has a character that is not printable ascii: replace it")
            }
            Self::NoPartyDetails => {
                write!(f, "party details id {} means absent: register one", u64::MAX)
            }
            Self::Version(version) => write!(
                f,
                "schema version {version} is not known here: use {OLDEST_VERSION} to \
                 {NEWEST_VERSION}"
            ),
        }
    }
}

impl core::error::Error for TemplateError {}

impl fmt::Display for IdentityField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SenderId => "sender id",
            Self::Location => "location",
        })
    }
}

/// The identity as it lies in a block.
struct Identity {
    sender_id: [u8; 20],
    location: [u8; 5],
    party_details_id: U64Le,
}

impl Identity {
    fn check(identity: &SessionIdentity<'_>) -> Result<Self, TemplateError> {
        let party_details_id = U64Le::new(identity.party_details_id);
        if party_details_id == NULL_U64 {
            return Err(TemplateError::NoPartyDetails);
        }
        Ok(Self {
            sender_id: padded(identity.sender_id, IdentityField::SenderId)?,
            location: padded(identity.location, IdentityField::Location)?,
            party_details_id,
        })
    }
}

/// `text` with NULs up to the length of its field.
fn padded<const N: usize>(text: &str, field: IdentityField) -> Result<[u8; N], TemplateError> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(TemplateError::Empty(field));
    }
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(TemplateError::NotPrintable(field));
    }
    let mut out = [0; N];
    let too_long = TemplateError::TooLong { field, len: bytes.len(), max: N };
    out.get_mut(..bytes.len()).ok_or(too_long)?.copy_from_slice(bytes);
    Ok(out)
}

/// A frame around `body`, if the layouts describe that version.
fn framed<M: Message>(version: u16, body: M) -> Result<Framed<M>, TemplateError> {
    if (OLDEST_VERSION..=NEWEST_VERSION).contains(&version) {
        Ok(Framed::new(version, body))
    } else {
        Err(TemplateError::Version(version))
    }
}

/// What varies from one new order to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrderFields {
    /// Limit price, units of 1e-9.
    pub price_e9: i64,
    /// Quantity, contracts.
    pub qty_lots: u32,
    /// Instrument, as in market data.
    pub security_id: i32,
    /// Buy or sell.
    pub side: Side,
    /// How long it lives.
    pub tif: TimeInForce,
    /// For fill and kill: fill at least so many or none. `NO_MIN_QTY` otherwise.
    pub min_qty_lots: u32,
    /// Our name of the order.
    pub cl_ord_id: ClOrdId,
    /// Name of the request, echoed in the answer.
    pub request_id: u64,
}

/// A `NewOrderSingle514` frame that is complete but for the fields that vary per order.
#[derive(Clone, Copy, Debug)]
pub struct NewOrderTemplate {
    frame: Framed<NewOrder>,
}

impl NewOrderTemplate {
    /// A limit order, sent by a machine, all optional fields absent.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(identity: &SessionIdentity<'_>) -> Result<Self, TemplateError> {
        let Identity { sender_id, location, party_details_id } = Identity::check(identity)?;
        let body = NewOrder {
            sender_id,
            location,
            party_details_id,
            ord_type: ORD_TYPE_LIMIT,
            manual: AUTOMATED,
            ..NewOrder::BLANK
        };
        Self::from_body(identity.schema_version, body)
    }

    /// A template with every constant field as given in `body`; the other constructor suffices for
    /// limit orders.
    ///
    /// # Errors
    /// `Version` if the layouts here do not describe that version of the schema.
    pub fn from_body(version: u16, body: NewOrder) -> Result<Self, TemplateError> {
        Ok(Self { frame: framed(version, body)? })
    }

    /// Writes the per-order fields and returns the bytes to send.
    #[inline]
    pub fn patch(&mut self, order: &NewOrderFields, seq_no: u32, sent_ns: u64) -> &[u8] {
        let body = &mut self.frame.body;
        body.price_e9 = I64Le::new(order.price_e9);
        body.qty_lots = U32Le::new(order.qty_lots);
        body.security_id = I32Le::new(order.security_id);
        body.side = order.side.to_wire();
        body.seq_no = U32Le::new(seq_no);
        body.cl_ord_id = order.cl_ord_id;
        body.request_id = U64Le::new(order.request_id);
        body.sent_ns = U64Le::new(sent_ns);
        body.min_qty_lots = U32Le::new(order.min_qty_lots);
        body.tif = order.tif.to_wire();
        bytemuck::bytes_of(&self.frame)
    }
}

/// What varies from one change of an order to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaceFields {
    /// The exchange's name of the order; `u64::MAX` if it is not known yet.
    pub order_id: u64,
    /// New limit price, units of 1e-9.
    pub price_e9: i64,
    /// New quantity, contracts, filled ones included.
    pub qty_lots: u32,
    /// Instrument, as in market data.
    pub security_id: i32,
    /// Buy or sell; must be that of the order.
    pub side: Side,
    /// Our name of the order after the change.
    pub cl_ord_id: ClOrdId,
    /// Name of the request, echoed in the answer.
    pub request_id: u64,
}

/// An `OrderCancelReplaceRequest515` frame that is complete but for what varies per change.
///
/// The time in force is not among it: only day orders rest long enough to be changed.
#[derive(Clone, Copy, Debug)]
pub struct ReplaceTemplate {
    frame: Framed<Replace>,
}

impl ReplaceTemplate {
    /// A change of a limit day order, sent by a machine, all optional fields absent.
    ///
    /// In-flight fill mitigation stays disabled, so fills on the way count against the quantity.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(identity: &SessionIdentity<'_>) -> Result<Self, TemplateError> {
        let Identity { sender_id, location, party_details_id } = Identity::check(identity)?;
        let body = Replace {
            sender_id,
            location,
            party_details_id,
            ord_type: ORD_TYPE_LIMIT,
            tif: TimeInForce::Day.to_wire(),
            manual: AUTOMATED,
            ..Replace::BLANK
        };
        Self::from_body(identity.schema_version, body)
    }

    /// A template with every constant field as given in `body`.
    ///
    /// # Errors
    /// `Version` if the layouts here do not describe that version of the schema.
    pub fn from_body(version: u16, body: Replace) -> Result<Self, TemplateError> {
        Ok(Self { frame: framed(version, body)? })
    }

    /// Writes the per-change fields and returns the bytes to send.
    #[inline]
    pub fn patch(&mut self, change: &ReplaceFields, seq_no: u32, sent_ns: u64) -> &[u8] {
        let body = &mut self.frame.body;
        body.price_e9 = I64Le::new(change.price_e9);
        body.qty_lots = U32Le::new(change.qty_lots);
        body.security_id = I32Le::new(change.security_id);
        body.side = change.side.to_wire();
        body.seq_no = U32Le::new(seq_no);
        body.cl_ord_id = change.cl_ord_id;
        body.order_id = U64Le::new(change.order_id);
        body.request_id = U64Le::new(change.request_id);
        body.sent_ns = U64Le::new(sent_ns);
        bytemuck::bytes_of(&self.frame)
    }
}

/// What varies from one cancellation to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelFields {
    /// The exchange's name of the order; `u64::MAX` if it is not known yet.
    pub order_id: u64,
    /// Instrument, as in market data.
    pub security_id: i32,
    /// Buy or sell; must be that of the order.
    pub side: Side,
    /// Our name of the order.
    pub cl_ord_id: ClOrdId,
    /// Name of the request, echoed in the answer.
    pub request_id: u64,
}

/// An `OrderCancelRequest516` frame that is complete but for what varies per cancellation.
#[derive(Clone, Copy, Debug)]
pub struct CancelTemplate {
    frame: Framed<Cancel>,
}

impl CancelTemplate {
    /// A cancellation sent by a machine, all optional fields absent.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(identity: &SessionIdentity<'_>) -> Result<Self, TemplateError> {
        let Identity { sender_id, location, party_details_id } = Identity::check(identity)?;
        let body =
            Cancel { sender_id, location, party_details_id, manual: AUTOMATED, ..Cancel::BLANK };
        Self::from_body(identity.schema_version, body)
    }

    /// A template with every constant field as given in `body`.
    ///
    /// # Errors
    /// `Version` if the layouts here do not describe that version of the schema.
    pub fn from_body(version: u16, body: Cancel) -> Result<Self, TemplateError> {
        Ok(Self { frame: framed(version, body)? })
    }

    /// Writes the per-cancellation fields and returns the bytes to send.
    #[inline]
    pub fn patch(&mut self, cancel: &CancelFields, seq_no: u32, sent_ns: u64) -> &[u8] {
        let body = &mut self.frame.body;
        body.order_id = U64Le::new(cancel.order_id);
        body.seq_no = U32Le::new(seq_no);
        body.cl_ord_id = cancel.cl_ord_id;
        body.request_id = U64Le::new(cancel.request_id);
        body.sent_ns = U64Le::new(sent_ns);
        body.security_id = I32Le::new(cancel.security_id);
        body.side = cancel.side.to_wire();
        bytemuck::bytes_of(&self.frame)
    }
}

/// The exchange's request type for all orders of one instrument (tag 585).
const BY_INSTRUMENT: u8 = 1;

/// What varies from one question to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusFields {
    /// The exchange's name of the order; `u64::MAX` if it is not known yet: then all orders that
    /// work in its instrument are asked for.
    pub order_id: u64,
    /// Instrument, as in market data.
    pub security_id: i32,
    /// Name of the request, echoed in the answers.
    pub request_id: u64,
}

/// An `OrderStatusRequest533` frame and an `OrderMassStatusRequest530` frame that are complete but
/// for what varies per question.
///
/// The exchange answers the second for orders that work only (schema 8 version 9, tags 5000 and
/// 59): of an order that has ended or never came it says nothing.
#[derive(Clone, Copy, Debug)]
pub struct StatusTemplate {
    one: Framed<StatusRequest>,
    many: Framed<MassStatusRequest>,
}

impl StatusTemplate {
    /// Questions of one session.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(identity: &SessionIdentity<'_>) -> Result<Self, TemplateError> {
        let Identity { sender_id, location, party_details_id } = Identity::check(identity)?;
        let one = StatusRequest {
            sender_id,
            location,
            party_details_id,
            manual: AUTOMATED,
            ..StatusRequest::BLANK
        };
        let many = MassStatusRequest {
            sender_id,
            location,
            party_details_id,
            manual: AUTOMATED,
            scope: BY_INSTRUMENT,
            ..MassStatusRequest::BLANK
        };
        let version = identity.schema_version;
        Ok(Self { one: framed(version, one)?, many: framed(version, many)? })
    }

    /// Writes the fields of the question and returns the bytes to send.
    #[inline]
    pub fn patch(&mut self, ask: &StatusFields, seq_no: u32, sent_ns: u64) -> &[u8] {
        let (order_id, request_id) = (U64Le::new(ask.order_id), U64Le::new(ask.request_id));
        let (seq_no, sent_ns) = (U32Le::new(seq_no), U64Le::new(sent_ns));
        if order_id == NULL_U64 {
            let body = &mut self.many.body;
            body.mass_status_id = request_id;
            body.security_id = I32Le::new(ask.security_id);
            (body.seq_no, body.sent_ns) = (seq_no, sent_ns);
            return bytemuck::bytes_of(&self.many);
        }
        let body = &mut self.one.body;
        body.status_id = request_id;
        body.order_id = order_id;
        (body.seq_no, body.sent_ns) = (seq_no, sent_ns);
        bytemuck::bytes_of(&self.one)
    }
}
