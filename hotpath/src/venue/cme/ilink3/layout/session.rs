//! The session's own messages that flow after the logon: heartbeat, gap notice, retransmission,
//! goodbye.
//!
//! The logon (500 to 505) is `logon`.

use bytemuck::{Pod, Zeroable};

use super::block::{NULL_U8, NULL_U64, ZERO_U16, ZERO_U32, ZERO_U64, wire_block};
use crate::wire::{U16Le, U32Le, U64Le};

wire_block! {
    /// Heartbeat, its request, and gap fill: `Sequence506`, both ways.
    pub struct Sequence: template 506, 14 bytes {
        /// Identifies the FIXP session, chosen by us in Establish.
        0: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Sequence number of the next business message in this direction.
        8: next_seq_no: U32Le = ZERO_U32, NextSeqNo(39013);
        /// 0 backup, 1 primary; null from us.
        12: fault_tolerance: u8 = NULL_U8, FaultToleranceIndicator(39010);
        /// 1 if nothing came for one keep-alive interval; asks for an answer.
        13: lapsed: u8 = 0, KeepAliveIntervalLapsed(39016);
    }
}

wire_block! {
    /// The end of the session: `Terminate507`, both ways.
    pub struct Terminate: template 507, 67 bytes {
        /// Why, as text.
        0: reason: [u8; 48] = [0; 48], Reason(39011);
        /// Identifies the FIXP session, chosen by us in Establish.
        48: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Time of the request, ns since 1970.
        56: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Why, as a code.
        64: error_code: U16Le = ZERO_U16, ErrorCodes(39012);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        66: split_msg: u8 = NULL_U8, SplitMsg(9553);
    }
}

wire_block! {
    /// The exchange missed messages of ours and applied none of them: `NotApplied513`.
    pub struct NotApplied: template 513, 17 bytes {
        /// Identifies the FIXP session, chosen by us in Establish.
        0: uuid: U64Le = ZERO_U64, UUID(39001);
        /// First sequence number that was missed.
        8: from_seq_no: U32Le = ZERO_U32, FromSeqNo(39018);
        /// How many were missed.
        12: msg_count: U32Le = ZERO_U32, MsgCount(39019);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        16: split_msg: u8 = NULL_U8, SplitMsg(9553);
    }
}

wire_block! {
    /// Asks for messages of the exchange that were missed: `RetransmitRequest508`.
    pub struct RetransmitRequest: template 508, 30 bytes {
        /// Identifies the FIXP session, chosen by us in Establish.
        0: uuid: U64Le = ZERO_U64, UUID(39001);
        /// The earlier session that is asked for; null for this one.
        8: last_uuid: U64Le = NULL_U64, LastUUID(39017);
        /// Time of the request, ns since 1970.
        16: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// First sequence number that was missed.
        24: from_seq_no: U32Le = ZERO_U32, FromSeqNo(39018);
        /// How many were missed.
        28: msg_count: U16Le = ZERO_U16, MsgCount(39019);
    }
}

wire_block! {
    /// The messages that were asked for follow: `Retransmission509`.
    pub struct Retransmission: template 509, 31 bytes {
        /// Identifies the FIXP session, chosen by us in Establish.
        0: uuid: U64Le = ZERO_U64, UUID(39001);
        /// The earlier session that is asked for; null for this one.
        8: last_uuid: U64Le = NULL_U64, LastUUID(39017);
        /// Time of the request, ns since 1970.
        16: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// First sequence number that was missed.
        24: from_seq_no: U32Le = ZERO_U32, FromSeqNo(39018);
        /// How many were missed.
        28: msg_count: U16Le = ZERO_U16, MsgCount(39019);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        30: split_msg: u8 = NULL_U8, SplitMsg(9553);
    }
}

wire_block! {
    /// They do not: `RetransmitReject510`.
    pub struct RetransmitReject: template 510, 75 bytes {
        /// Why, as text.
        0: reason: [u8; 48] = [0; 48], Reason(39011);
        /// Identifies the FIXP session, chosen by us in Establish.
        48: uuid: U64Le = ZERO_U64, UUID(39001);
        /// The earlier session that is asked for; null for this one.
        56: last_uuid: U64Le = NULL_U64, LastUUID(39017);
        /// Time of the request, ns since 1970.
        64: request_ns: U64Le = ZERO_U64, RequestTimestamp(39002);
        /// Why, as a code.
        72: error_code: U16Le = ZERO_U16, ErrorCodes(39012);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        74: split_msg: u8 = NULL_U8, SplitMsg(9553);
    }
}
