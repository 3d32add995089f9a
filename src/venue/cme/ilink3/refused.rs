//! What the exchange's codes of refusal mean: whether the same may be asked again, in words.
//!
//! One table for each field that has codes. A code that is in none is fatal: what nobody knows is
//! not repeated. `Retryable` says that the refusal speaks of the moment and not of what was asked;
//! nothing here asks again by itself, least of all for a hedge. Source: CME's pages "iLink 3
//! Business Reject" (46472406), "Futures and Options Reject Codes" (457324354), "Retransmit Reject"
//! (457227584), "Terminate" (46440124), "Negotiation Reject" (457227444), "Establishment Reject"
//! (46439924). Of orders it has the codes for futures and limit orders.

/// Whether it is of use to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The same may be taken later.
    Retryable,
    /// The same is refused again, or nobody knows.
    Fatal,
}

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// As it lies on the wire.
    pub code: u16,
    /// Whether it is of use to ask again.
    pub outlook: Outlook,
    /// For people.
    pub words: &'static str,
}

const fn retryable(code: u16, words: &'static str) -> Meaning {
    Meaning { code, outlook: Outlook::Retryable, words }
}

const fn fatal(code: u16, words: &'static str) -> Meaning {
    Meaning { code, outlook: Outlook::Fatal, words }
}

/// Tag 380 `BusinessRejectReason`: a message that was refused as a whole (521).
pub const BUSINESS: &[Meaning] = &[
    fatal(0, "refused for another reason: read the text"),
    fatal(1, "the party details id is not known"),
    fatal(2, "the instrument is not known"),
    fatal(3, "this kind of message is not taken here"),
    retryable(4, "the application is not available"),
    fatal(5, "a required field is missing"),
    fatal(6, "not authorised"),
    retryable(7, "delivery to the firm is not possible now"),
    retryable(8, "too many messages: below the threshold it is taken again"),
    fatal(100, "a value is out of its range"),
    fatal(101, "a value has the wrong format"),
    fatal(102, "the kill switch is on"),
    fatal(103, "refused by the risk management interface"),
    fatal(104, "refused by the exchange's credit controls"),
    fatal(105, "not authorised for deliverable swap futures"),
    fatal(106, "not authorised for interest rate swap futures"),
    fatal(107, "refused by inline credit controls"),
    fatal(108, "the party details id is in use"),
    fatal(109, "the message cannot be decoded: its number was not counted"),
    fatal(110, "an entry of a group is there twice"),
    fatal(111, "too many sets of party details"),
    retryable(112, "party details could not be registered for a technical reason"),
    fatal(113, "refused by cross venue risk"),
    retryable(114, "the order's status is not available"),
    fatal(115, "a value of an enumeration is not known"),
    fatal(116, "the order's status was not found"),
    retryable(117, "the mass status cannot be completed"),
    fatal(118, "too many parties are asked for"),
    fatal(119, "too many identical orders"),
    fatal(120, "the party details that came with it were refused"),
    fatal(121, "the party details id is not that of the definition before it"),
    fatal(122, "the message that came with the party details was refused"),
    fatal(123, "another message came between party details and their message"),
];

/// Tags 103 `OrdRejReason` and 102 `CxlRejReason`: an order, a change or a cancel (523, 535, 536).
pub const ORDER: &[Meaning] = &[
    retryable(1003, "the market is closed or paused"),
    fatal(1011, "a field is wrong"),
    fatal(1012, "the price must be above zero"),
    fatal(1013, "the order has a qualifier that is not valid"),
    fatal(1014, "not authorised to trade this"),
    fatal(2013, "a market price is not taken for want of an opposite limit"),
    fatal(2019, "the order would end before the trading day does"),
    fatal(2045, "the order is not in the book"),
    fatal(2046, "the displayed quantity is above what is left"),
    fatal(2047, "the instrument is not known"),
    fatal(2048, "the order is another sender's"),
    fatal(2051, "the order has the other side"),
    fatal(2058, "the stop price is on the wrong side of the trigger"),
    fatal(2059, "the stop price is on the wrong side of the trigger"),
    fatal(2060, "the stop price of a sale must be below the last trade"),
    fatal(2061, "the stop price of a purchase must be above the last trade"),
    fatal(2115, "the quantity is out of its range"),
    retryable(2130, "this kind of order is not taken before the opening"),
    fatal(2137, "the price is outside the day's limits"),
    fatal(2179, "the price is outside the bands"),
    fatal(2311, "this kind of order is not taken for the group"),
    retryable(2500, "a request for a cross is going on"),
    fatal(2501, "the quantity is too small"),
    fatal(4999, "the instrument has no value date"),
    fatal(7000, "refused for another reason: read the text"),
    fatal(7024, "the order cannot be changed or cancelled"),
    retryable(7027, "the market is reserved"),
    fatal(7028, "the order's day is over"),
    fatal(7029, "the market is forbidden"),
    fatal(7613, "the displayed quantity is below the least quantity"),
];

/// Tag 39012 of `RetransmitReject510`.
pub const RETRANSMIT: &[Meaning] = &[
    fatal(0, "the exchange has no such numbers"),
    fatal(1, "the session that was asked for is not known"),
    fatal(2, "more messages were asked for than one request may"),
    retryable(3, "another retransmission is going on"),
    fatal(4, "the time of the request is not valid"),
    fatal(5, "the first number is not valid"),
    fatal(6, "the session's number is missing"),
    fatal(7, "the time of the request is missing"),
    fatal(8, "the first number is missing"),
    fatal(9, "the count is missing"),
];

/// Tag 39012 of `Terminate507`: what was wrong with us. Retryable are the ends after which the same
/// session is established again without anything being put right first.
pub const TERMINATE: &[Meaning] = &[
    retryable(0, "finished"),
    fatal(2, "the session was not negotiated"),
    fatal(3, "the session was not established"),
    fatal(4, "the session was negotiated already"),
    fatal(6, "the session was established already"),
    fatal(10, "our next number is not valid"),
    fatal(11, "the number of a message of ours is not valid"),
    fatal(12, "the last number is not valid"),
    fatal(13, "the session's number is not ours"),
    fatal(14, "the time of the request is not valid"),
    fatal(15, "the session's number is missing"),
    fatal(16, "the time of the request is missing"),
    fatal(17, "the code is missing"),
    fatal(18, "the framing header is not valid"),
    fatal(19, "a message of ours could not be decoded"),
    retryable(20, "nothing was heard of us for too long"),
    fatal(21, "our next number is missing"),
    fatal(22, "the lapse of the interval is missing"),
    fatal(23, "ended for another reason: read the text"),
    retryable(24, "an end is going on already"),
    retryable(26, "the primary has ended, and the backup with it"),
    retryable(28, "messages that waited behind a split one were refused with the end"),
];

/// Tag 39012 of `NegotiationReject502`. UNPROVEN: code 2, which is not on the page any more; other
/// clients (Artio) know it as a UUID that was used before.
pub const NEGOTIATION: &[Meaning] = &[
    fatal(0, "not authenticated: the key or its name is not the session's"),
    retryable(1, "the authentication does not respond"),
    retryable(2, "the session's number is not above the last one"),
    retryable(3, "the time of the request is not above the last one, or too far from now"),
    fatal(4, "the signature is missing"),
    fatal(5, "the key's name is missing"),
    fatal(6, "the session is missing"),
    fatal(7, "the firm is missing"),
    fatal(9, "the time of the request is missing"),
    fatal(10, "session and firm may not use this port"),
    fatal(12, "the key's name has a character that cannot be printed"),
    fatal(13, "the session has a character that cannot be printed"),
    fatal(14, "the firm has a character that cannot be printed"),
    retryable(15, "too many messages"),
    retryable(16, "messages that waited behind a split one were refused with the end"),
    retryable(17, "too many messages wait behind split ones"),
    retryable(27, "the backup may not be used before the primary"),
    retryable(28, "the primary stands: nothing is negotiated on the backup"),
];

/// Tag 39012 of `EstablishmentReject505`. The copy of the page that was read ends with code 17.
pub const ESTABLISHMENT: &[Meaning] = &[
    fatal(0, "not authenticated: the key or its name is not the session's"),
    retryable(1, "the authentication does not respond"),
    retryable(3, "the time of the request is not above the last one, or too far from now"),
    fatal(4, "the signature is missing"),
    fatal(5, "the key's name is missing"),
    fatal(6, "the session is missing"),
    fatal(7, "the firm is missing"),
    fatal(9, "the time of the request is missing"),
    fatal(10, "session and firm may not use this port"),
    fatal(11, "the interval between signs of life is out of its range"),
    fatal(12, "the key's name has a character that cannot be printed"),
    fatal(13, "the session has a character that cannot be printed"),
    fatal(14, "the firm has a character that cannot be printed"),
    retryable(15, "too many messages"),
    retryable(16, "messages that waited behind a split one were refused with the end"),
    retryable(17, "too many messages wait behind split ones"),
];

/// What `code` means in a table; fatal if it is not in there.
#[must_use]
pub fn meaning(table: &[Meaning], code: u16) -> Meaning {
    let known = table.iter().find(|meaning| meaning.code == code);
    known.copied().unwrap_or(fatal(code, "not in the exchange's list of codes"))
}
