//! The part of an iLink 3 session that runs on the hot core: commands to frames, frames to news.
//!
//! It starts where the logon ended: identity, sequence numbers and templates come from the cold
//! side (`Handover`). From then on it does everything that the session itself demands: signs of
//! life, asking again for messages that did not come (`recovery`), filling gaps of its own numbers,
//! and the end. Nothing is ever sent twice: a message that the exchange has not applied is told
//! order by order, and its number is passed over.
//!
//! While messages of the exchange are missing the session is `Gapped`. It does not decide what that
//! means: the desk opens nothing. Not here: connecting, signing, and the logon after the end
//! (`Left` says where it stood).

mod handover;
mod missing;
mod news;
mod recovery;
mod sent;
mod throttle;

pub use self::handover::{Handover, Left, Missed, SessionCounters};
use self::recovery::{Asked, Recovery};
use self::sent::SentTable;
use self::throttle::Throttle;
pub use self::throttle::{MOST_CANCELS, MOST_ORDERS};
use super::decode::{self, FrameError, Report, Stamp};
use super::encode::{
    CancelFields, CancelTemplate, NO_MIN_QTY, NewOrderFields, NewOrderTemplate, ReplaceFields,
    ReplaceTemplate, SessionIdentity, StatusFields, StatusTemplate, TemplateError,
};
use super::layout::{
    self, Block, ClOrdId, Framed, NULL_U64, RetransmitRequest, Sequence, Terminate,
};
use crate::gateway::{CannotEncode, OrderSession, SessionLost, Taken};
use crate::message::{
    GatewayIndex, GatewayNews, OrderAction, OrderCommand, SessionState, Side, StreamId, TimeInForce,
};
use crate::time::{MonoNs, Span, UnixNs};
use crate::wire::{U16Le, U32Le, U64Le};

/// A message of the session itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Beat,
    /// A beat that asks for one.
    Lapsed,
    Request(Asked),
}

/// Messages of ours that the exchange has not applied and that are still to be told: the first, and
/// the one after the last.
type Unapplied = Option<(u32, u32)>;

/// One session.
#[derive(Debug)]
pub struct Session<'a> {
    gateway: GatewayIndex,
    stream: StreamId,
    uuid: u64,
    next_seq_no: u32,
    next_request_id: u64,
    new_order: NewOrderTemplate,
    replace: ReplaceTemplate,
    cancel: CancelTemplate,
    status: StatusTemplate,
    orders: Throttle,
    cancels: Throttle,
    sent: SentTable,
    /// The number of the exchange's next message; 0 if its numbers are not followed.
    next_report_no: u32,
    recovery: Recovery,
    unapplied: Unapplied,
    /// Our numbers have a gap that is still to be filled.
    is_fill_due: bool,
    /// Nothing is missing on either side.
    is_whole: bool,
    beat: Framed<Sequence>,
    request: Framed<RetransmitRequest>,
    goodbye: Framed<Terminate>,
    /// What own message was given last.
    own: Option<Own>,
    /// The longest silence of the exchange; 0 if any is taken.
    keep_alive: Span,
    next_beat: MonoNs,
    /// The exchange has asked for one.
    is_beat_asked: bool,
    /// When the exchange was heard last, and when it was asked for a sign of life since.
    heard: MonoNs,
    lapsed: Option<MonoNs>,
    counters: &'a SessionCounters,
}

impl<'a> Session<'a> {
    /// A session without a logon, whose next message to the exchange is `next_seq_no`: for an
    /// exchange in memory. Nobody's number is checked in it, and nothing is throttled.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(
        gateway: GatewayIndex,
        stream: StreamId,
        identity: &SessionIdentity<'_>,
        next_seq_no: u32,
        counters: &'a SessionCounters,
    ) -> Result<Self, TemplateError> {
        let handover = Handover {
            uuid: 0,
            next_seq_no,
            next_report_no: 0,
            keep_alive: Span(0),
            missed: [Missed::NONE; 2],
        };
        Self::take_over(gateway, stream, identity, &handover, counters)
    }

    /// A session that goes on where the logon left it.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn take_over(
        gateway: GatewayIndex,
        stream: StreamId,
        identity: &SessionIdentity<'_>,
        handover: &Handover,
        counters: &'a SessionCounters,
    ) -> Result<Self, TemplateError> {
        let version = identity.schema_version;
        let mut session = Self {
            gateway,
            stream,
            uuid: handover.uuid,
            next_seq_no: handover.next_seq_no,
            next_request_id: 1,
            new_order: NewOrderTemplate::new(identity)?,
            replace: ReplaceTemplate::new(identity)?,
            cancel: CancelTemplate::new(identity)?,
            status: StatusTemplate::new(identity)?,
            orders: Throttle::EMPTY,
            cancels: Throttle::EMPTY,
            sent: SentTable::EMPTY,
            next_report_no: 0,
            recovery: Recovery::new(0, &[Missed::NONE; 2]),
            unapplied: None,
            is_fill_due: false,
            is_whole: true,
            beat: Framed::new(version, Sequence::BLANK),
            request: Framed::new(version, RetransmitRequest::BLANK),
            goodbye: Framed::new(version, Terminate::BLANK),
            own: None,
            keep_alive: Span(0),
            next_beat: MonoNs(0),
            is_beat_asked: false,
            heard: MonoNs(0),
            lapsed: None,
            counters,
        };
        session.resume(handover);
        Ok(session)
    }

    /// Whose session it is.
    #[must_use]
    pub fn gateway(&self) -> GatewayIndex {
        self.gateway
    }

    /// Whether a command may leave now.
    #[inline]
    fn may_send(&mut self, action: OrderAction, utc: UnixNs) -> Result<(), CannotEncode> {
        if self.uuid == 0 {
            return Ok(());
        }
        let has_room = match action {
            OrderAction::Cancel => self.cancels.has_room(MOST_CANCELS, utc),
            OrderAction::New | OrderAction::Replace | OrderAction::Status => {
                self.orders.has_room(MOST_ORDERS, utc)
            }
        };
        if has_room && !self.is_fill_due { Ok(()) } else { Err(self.held_back()) }
    }

    #[cold]
    #[inline(never)]
    fn held_back(&self) -> CannotEncode {
        if self.is_fill_due {
            return CannotEncode::Unfilled;
        }
        self.counters.throttled.add(1);
        CannotEncode::Throttle
    }

    /// A message that is not the next one in turn.
    ///
    /// # Errors
    /// `SeqNo`: its number has been used.
    #[cold]
    #[inline(never)]
    fn out_of_turn(&mut self, said: u32) -> Result<(), SessionLost> {
        if said < self.next_report_no {
            return Err(SessionLost::SeqNo);
        }
        self.counters.gaps.add(1);
        self.recovery.gap(self.next_report_no, said);
        self.next_report_no = said;
        self.settle();
        Ok(())
    }

    fn settle(&mut self) {
        self.is_whole = !self.is_fill_due && self.recovery.is_whole();
    }

    /// Whether the number of a message says that others are missing before it: it is read again,
    /// when the desk knows.
    #[inline]
    fn misses(&mut self, report: &Report<'_>, stamp: &Stamp) -> Result<bool, SessionLost> {
        if self.next_report_no == 0 || stamp.is_retransmitted {
            return Ok(false);
        }
        let said = match (stamp.seq_no, report) {
            (Some(said), _) => said,
            (None, Report::Sequence(sequence)) => sequence.next_seq_no.get(),
            (None, _) => return Ok(false),
        };
        if said != self.next_report_no {
            self.out_of_turn(said)?;
            return Ok(true);
        }
        if stamp.seq_no.is_some() {
            self.next_report_no = said.wrapping_add(1);
        }
        Ok(false)
    }

    /// A message that was sent again.
    #[cold]
    #[inline(never)]
    fn came_again(&mut self, stamp: &Stamp, received: MonoNs) {
        if let Some(seq_no) = stamp.seq_no {
            self.recovery.came(stamp.uuid, seq_no, received, self.counters);
            self.settle();
        }
    }
}

/// Why the stream cannot be followed: bytes that are no message, or a message that is not ours.
#[cold]
#[inline(never)]
const fn unframed(error: FrameError) -> SessionLost {
    match error {
        FrameError::Encoding(_) | FrameError::Length(_) => SessionLost::Framing,
        FrameError::Schema(_) | FrameError::Version(_) | FrameError::BlockLen(_) => {
            SessionLost::Unreadable
        }
    }
}

/// Tag 39012 of our `Terminate507`: CME's page "Terminate" (46440124).
///
/// UNPROVEN: that CME wants to know why. Its page lists the codes for both sides, and for itself
/// answers any but 0 with 23.
const fn terminate_code(why: SessionLost) -> u16 {
    match why {
        SessionLost::LoggedOut
        | SessionLost::WeekOver
        | SessionLost::Terminated(_)
        | SessionLost::Closed => 0,
        SessionLost::SeqNo => 11,
        SessionLost::Stranger => 13,
        SessionLost::Framing => 18,
        SessionLost::Unreadable => 19,
        SessionLost::Silent => 20,
    }
}

impl OrderSession for Session<'_> {
    type Handover = Handover;
    type Left = Left;

    #[inline]
    fn state(&self) -> SessionState {
        if self.is_whole { SessionState::Up } else { SessionState::Gapped }
    }

    fn left(&self, why: SessionLost) -> Left {
        let (missing, is_more_missing) = self.recovery.left();
        let Self { uuid, next_seq_no, next_report_no, .. } = *self;
        Left { uuid, next_seq_no, next_report_no, missing, is_more_missing, why }
    }

    /// Messages sent before are remembered if it is the same session: the exchange may say that
    /// it does not have them.
    fn resume(&mut self, handover: &Handover) {
        let Handover { uuid, next_seq_no, next_report_no, keep_alive, missed } = *handover;
        if uuid != self.uuid {
            self.sent.clear();
        }
        (self.uuid, self.next_seq_no, self.next_report_no) = (uuid, next_seq_no, next_report_no);
        self.recovery = Recovery::new(uuid, &missed);
        (self.unapplied, self.is_fill_due, self.own) = (None, false, None);
        self.beat.body.uuid = U64Le::new(uuid);
        self.request.body.uuid = U64Le::new(uuid);
        self.goodbye.body.uuid = U64Le::new(uuid);
        self.goodbye.body.request_ns = U64Le::new(0);
        self.keep_alive = keep_alive;
        (self.next_beat, self.heard) = (MonoNs(0), MonoNs(0));
        (self.is_beat_asked, self.lapsed) = (false, None);
        self.settle();
    }

    /// The exchange's own is answered with its time.
    fn farewell(&mut self, why: SessionLost, utc: UnixNs) -> Option<&[u8]> {
        if self.uuid == 0 || why == SessionLost::Closed {
            return None;
        }
        if !matches!(why, SessionLost::Terminated(_)) {
            self.goodbye.body.request_ns = U64Le::new(utc.0);
        }
        self.goodbye.body.error_code = U16Le::new(terminate_code(why));
        Some(bytemuck::bytes_of(&self.goodbye))
    }

    #[inline]
    fn encode(&mut self, command: &OrderCommand, utc: UnixNs) -> Result<&[u8], CannotEncode> {
        self.may_send(command.action, utc)?;
        let cl_ord_id = ClOrdId::of_order(command.order_id.0);
        let (request_id, seq_no) = (self.next_request_id, self.next_seq_no);
        let side = to_wire_side(command.side);
        // The exchange's name of the order, or null while it is not known: a cancel is then taken
        // by its ClOrdID (CME's AutoCert+ test "Order Cancel without OrderID").
        let order_id = if command.venue_order_id == 0 { u64::MAX } else { command.venue_order_id };
        Ok(match command.action {
            OrderAction::New => self.new_order.patch(
                &NewOrderFields {
                    price_e9: command.price_e9,
                    qty_lots: command.qty_lots,
                    security_id: command.security_id,
                    side,
                    tif: time_in_force(command.time_in_force),
                    min_qty_lots: NO_MIN_QTY,
                    cl_ord_id,
                    request_id,
                },
                seq_no,
                utc.0,
            ),
            OrderAction::Cancel => self.cancel.patch(
                &CancelFields {
                    order_id,
                    security_id: command.security_id,
                    side,
                    cl_ord_id,
                    request_id,
                },
                seq_no,
                utc.0,
            ),
            OrderAction::Replace => self.replace.patch(
                &ReplaceFields {
                    order_id,
                    price_e9: command.price_e9,
                    qty_lots: command.qty_lots,
                    security_id: command.security_id,
                    side,
                    cl_ord_id,
                    request_id,
                },
                seq_no,
                utc.0,
            ),
            OrderAction::Status => self.status.patch(
                &StatusFields { order_id, security_id: command.security_id, request_id },
                seq_no,
                utc.0,
            ),
        })
    }

    #[inline]
    fn sent(&mut self, command: &OrderCommand) {
        self.sent.keep(self.next_seq_no, command.action, command.order_id);
        match command.action {
            OrderAction::Cancel => self.cancels.push(),
            OrderAction::New | OrderAction::Replace | OrderAction::Status => self.orders.push(),
        }
        self.next_seq_no = self.next_seq_no.wrapping_add(1);
        self.next_request_id = self.next_request_id.wrapping_add(1);
    }

    #[inline]
    fn read(&mut self, bytes: &[u8], received: MonoNs) -> Result<Option<Taken>, SessionLost> {
        let Some((frame, rest)) = decode::frame(bytes).map_err(unframed)? else {
            return Ok(None);
        };
        let len = bytes.len().wrapping_sub(rest.len());
        self.heard = received;
        let report = match decode::report(&frame) {
            Ok(Some(report)) => report,
            Ok(None) => {
                self.counters.ignored.add(1);
                return Ok(Some(Taken { len, news: None }));
            }
            Err(_) => {
                self.counters.unreadable.add(1);
                return Err(SessionLost::Unreadable);
            }
        };
        let stamp = report.stamp();
        if self.uuid != 0 && !self.recovery.is_known(&stamp) {
            return Err(SessionLost::Stranger);
        }
        if let Report::Terminate(terminate) = &report {
            self.goodbye.body.request_ns = terminate.request_ns;
            return Err(SessionLost::Terminated(terminate.error_code.get()));
        }
        if self.misses(&report, &stamp)? {
            return Ok(Some(Taken { len: 0, news: None }));
        }
        if stamp.is_retransmitted {
            self.came_again(&stamp, received);
        }
        if let Report::NotApplied(block) = &report {
            let told = self.not_applied(block, received);
            self.settle();
            // It stays on the stream while orders are told.
            let len = if told.is_some() { 0 } else { len };
            return Ok(Some(Taken { len, news: told.flatten().map(GatewayNews::Order) }));
        }
        Ok(Some(Taken { len, news: self.news(&report, received) }))
    }

    /// A sign of life when it is time or one was asked for, a gap of ours filled, messages asked
    /// for again.
    fn own_message(&mut self, now: MonoNs, utc: UnixNs) -> Result<Option<&[u8]>, SessionLost> {
        let own = self.wish(now)?;
        self.own = own;
        Ok(match own {
            None => None,
            Some(Own::Beat | Own::Lapsed) => {
                self.beat.body.next_seq_no = U32Le::new(self.next_seq_no);
                self.beat.body.lapsed = u8::from(own == Some(Own::Lapsed));
                Some(bytemuck::bytes_of(&self.beat))
            }
            Some(Own::Request(asked)) => {
                let is_own = asked.uuid == self.uuid;
                let body = &mut self.request.body;
                body.last_uuid = if is_own { NULL_U64 } else { U64Le::new(asked.uuid) };
                body.request_ns = U64Le::new(utc.0);
                body.from_seq_no = U32Le::new(asked.from);
                body.msg_count = U16Le::new(asked.count);
                Some(bytemuck::bytes_of(&self.request))
            }
        })
    }

    fn own_message_sent(&mut self, now: MonoNs) {
        match self.own.take() {
            None => {}
            Some(Own::Request(asked)) => self.recovery.asked(asked, self.counters),
            Some(beat) => {
                self.is_beat_asked = false;
                self.is_fill_due = false;
                // Twice as often as agreed: one that is late or lost is no lapse.
                self.next_beat = now.after(Span(self.keep_alive.0 >> 1));
                if beat == Own::Lapsed {
                    self.lapsed = Some(now);
                    self.counters.lapses.add(1);
                }
                self.settle();
            }
        }
    }
}

impl Session<'_> {
    /// What it has to say now.
    fn wish(&mut self, now: MonoNs) -> Result<Option<Own>, SessionLost> {
        if self.is_lapsed(now)? {
            return Ok(Some(Own::Lapsed));
        }
        if self.is_fill_due && self.unapplied.is_none() {
            return Ok(Some(Own::Beat));
        }
        if let Some(asked) = self.recovery.wish(now, self.counters) {
            return Ok(Some(Own::Request(asked)));
        }
        let is_due = self.keep_alive.0 != 0 && now >= self.next_beat;
        Ok((is_due || self.is_beat_asked && self.uuid != 0).then_some(Own::Beat))
    }

    /// Whether the exchange has been silent for an interval and is to be asked for a sign of life.
    ///
    /// # Errors
    /// `Silent`: it was asked, an interval ago.
    fn is_lapsed(&mut self, now: MonoNs) -> Result<bool, SessionLost> {
        if self.keep_alive.0 == 0 {
            return Ok(false);
        }
        if self.heard == MonoNs(0) {
            self.heard = now;
        }
        match self.lapsed {
            Some(asked) if self.heard > asked => self.lapsed = None,
            Some(asked) if now.since(asked) >= self.keep_alive => return Err(SessionLost::Silent),
            Some(_) => return Ok(false),
            None => {}
        }
        Ok(now.since(self.heard) >= self.keep_alive)
    }
}

#[inline]
const fn to_wire_side(side: Side) -> layout::Side {
    match side {
        Side::Buy => layout::Side::Buy,
        Side::Sell => layout::Side::Sell,
    }
}

#[inline]
const fn time_in_force(tif: TimeInForce) -> layout::TimeInForce {
    match tif {
        TimeInForce::FillAndKill => layout::TimeInForce::FillAndKill,
        TimeInForce::FillOrKill => layout::TimeInForce::FillOrKill,
        TimeInForce::Day => layout::TimeInForce::Day,
    }
}
