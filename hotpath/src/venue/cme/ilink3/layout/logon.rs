//! The logon: negotiation of a session, then its establishment on a connection.
//!
//! Written and read by the cold side only; laid out here so that one macro and one test hold for
//! all blocks. `Negotiate`, `NegotiationResponse` and `Establish` are followed by `Credentials`
//! (tag 39008), which CME does not use: a length of 0.

use bytemuck::{Pod, Zeroable};

use super::block::{NULL_U8, NULL_U16, ZERO_U16, ZERO_U32, ZERO_U64, wire_block};
use crate::wire::{U16Le, U32Le, U64Le};

wire_block! {
    /// The wish for a new session: `Negotiate500`, from us.
    pub struct Negotiate: template 500, 76 bytes {
        /// HMAC-SHA256 of the canonical text.
        0: signature: [u8; 32] = [0; 32], HMACSignature(39005);
        /// Names the secret key, NUL padded.
        32: access_key_id: [u8; 20] = [0; 20], AccessKeyID(39004);
        /// Identifies the new session: above all that were used before.
        52: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Time of the request, ns since 1970.
        60: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Session, three characters.
        68: session: [u8; 3] = [0; 3], Session(39006);
        /// Firm, NUL padded.
        71: firm: [u8; 5] = [0; 5], Firm(39007);
    }
}

wire_block! {
    /// The session exists: `NegotiationResponse501`, from the exchange.
    pub struct NegotiationResponse: template 501, 33 bytes {
        /// That of the request.
        0: uuid: U64Le = ZERO_U64, UUID(39001);
        /// That of the request.
        8: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Days until the secret key expires.
        16: key_expires_days: U16Le = NULL_U16, SecretKeySecureIDExpiration(39022);
        /// 0 backup, 1 primary.
        18: fault_tolerance: u8 = NULL_U8, FaultToleranceIndicator(39010);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        19: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// Last number of the exchange in the session before.
        20: previous_seq_no: U32Le = ZERO_U32, PreviousSeqNo(39021);
        /// The session before.
        24: previous_uuid: U64Le = ZERO_U64, PreviousUUID(39015);
        /// What kind of environment it is.
        32: environment: u8 = NULL_U8, EnvironmentIndicator(39032);
    }
}

wire_block! {
    /// There is no session: `NegotiationReject502`, from the exchange.
    pub struct NegotiationReject: template 502, 69 bytes {
        /// Why, as text.
        0: reason: [u8; 48] = [0; 48], Reason(39011);
        /// That of the request.
        48: uuid: U64Le = ZERO_U64, UUID(39001);
        /// That of the request.
        56: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Why, as a code.
        64: error_code: U16Le = ZERO_U16, ErrorCodes(39012);
        /// 0 backup, 1 primary.
        66: fault_tolerance: u8 = NULL_U8, FaultToleranceIndicator(39010);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        67: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// What kind of environment it is.
        68: environment: u8 = NULL_U8, EnvironmentIndicator(39032);
    }
}

wire_block! {
    /// The wish to use a session on this connection: `Establish503`, from us.
    pub struct Establish: template 503, 132 bytes {
        /// HMAC-SHA256 of the canonical text.
        0: signature: [u8; 32] = [0; 32], HMACSignature(39005);
        /// Names the secret key, NUL padded.
        32: access_key_id: [u8; 20] = [0; 20], AccessKeyID(39004);
        /// Our system, NUL padded.
        52: system_name: [u8; 30] = [0; 30], TradingSystemName(1603);
        /// Its version, NUL padded.
        82: system_version: [u8; 10] = [0; 10], TradingSystemVersion(1604);
        /// Who made it, NUL padded.
        92: system_vendor: [u8; 10] = [0; 10], TradingSystemVendor(1605);
        /// The session.
        102: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Time of the request, ns since 1970.
        110: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Number of our next business message.
        118: next_seq_no: U32Le = ZERO_U32, NextSeqNo(39013);
        /// Session, three characters.
        122: session: [u8; 3] = [0; 3], Session(39006);
        /// Firm, NUL padded.
        125: firm: [u8; 5] = [0; 5], Firm(39007);
        /// The longest silence of either side, ms.
        130: keep_alive_ms: U16Le = ZERO_U16, KeepAliveInterval(39014);
    }
}

wire_block! {
    /// The session is in use: `EstablishmentAck504`, from the exchange.
    pub struct EstablishmentAck: template 504, 39 bytes {
        /// That of the request.
        0: uuid: U64Le = ZERO_U64, UUID(39001);
        /// That of the request.
        8: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Number of the exchange's next business message.
        16: next_seq_no: U32Le = ZERO_U32, NextSeqNo(39013);
        /// Last number of the exchange before, in `previous_uuid`.
        20: previous_seq_no: U32Le = ZERO_U32, PreviousSeqNo(39021);
        /// The session in which the exchange last sent.
        24: previous_uuid: U64Le = ZERO_U64, PreviousUUID(39015);
        /// The longest silence of either side, ms.
        32: keep_alive_ms: U16Le = ZERO_U16, KeepAliveInterval(39014);
        /// Days until the secret key expires.
        34: key_expires_days: U16Le = NULL_U16, SecretKeySecureIDExpiration(39022);
        /// 0 backup, 1 primary.
        36: fault_tolerance: u8 = NULL_U8, FaultToleranceIndicator(39010);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        37: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// What kind of environment it is.
        38: environment: u8 = NULL_U8, EnvironmentIndicator(39032);
    }
}

wire_block! {
    /// The session cannot be used: `EstablishmentReject505`, from the exchange.
    pub struct EstablishmentReject: template 505, 73 bytes {
        /// Why, as text.
        0: reason: [u8; 48] = [0; 48], Reason(39011);
        /// That of the request.
        48: uuid: U64Le = ZERO_U64, UUID(39001);
        /// That of the request.
        56: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Number of the exchange's next business message.
        64: next_seq_no: U32Le = ZERO_U32, NextSeqNo(39013);
        /// Why, as a code.
        68: error_code: U16Le = ZERO_U16, ErrorCodes(39012);
        /// 0 backup, 1 primary.
        70: fault_tolerance: u8 = NULL_U8, FaultToleranceIndicator(39010);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        71: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// What kind of environment it is.
        72: environment: u8 = NULL_U8, EnvironmentIndicator(39032);
    }
}
