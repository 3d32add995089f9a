//! The part of a DSTAR session that runs on the hot core: commands to datagrams, replies to news.
//!
//! It starts where the logon ended: the account, the contract table and an authenticated socket
//! come from the cold side. Requests leave by UDP, replies come on the TCP stream of the vendor's
//! library, behind `CounterSession`. There is no message that changes an order: a `Replace` is
//! refused. A request that the counter has not taken is found out by asking (see `requests`), told
//! to the desk, and never sent again.
//!
//! Every session begins `Gapped`: until the counter has said that it takes our datagrams, has
//! repeated what was not read before, and has answered how far it came with our requests. Whatever
//! of an earlier session it has not answered by then is `Unknown`. A counter that does not answer
//! is given up on after a while, and the cold side logs on again.

mod identity;

pub use self::identity::{
    Handover, Identity, IdentityError, Left, OrderRow, SERIALS_KEPT, SessionCounters, Storage,
};

use self::identity::SERIALS_KEPT_U64;
use super::decode::{self, BadLen, Reply};
use super::encode::{
    Account, Contract, DeleteTemplate, InsertFields, InsertTemplate, TemplateError,
};
use super::layout::{Generation, InsertReply, Key, Match, OrderNotice, Reference};
use super::requests::{Lost, Requests};
use crate::gateway::{CannotEncode, OrderSession, SessionLost, Taken};
use crate::message::{
    GatewayNews, InstrumentIndex, OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId,
    SessionState,
};
use crate::time::{MonoNs, Span, UnixNs};

/// How long nothing may come of a counter that has been asked: as long as a dead connection takes
/// to be found.
const SILENCE: Span = Span(5_000_000_000);

/// What the vendor's library does: a stream of replies, and a question.
///
/// The real one frames replies in a way that is not public, so it has to be reached through the
/// library: an implementation turns its call-backs into a stream of bytes of its own. The only one
/// here is `simulated_counter::SimulatedCounter`.
pub trait CounterSession<G: Generation> {
    /// The first reply of `bytes`; `Ok(None)` if it is not whole yet.
    ///
    /// # Errors
    /// See `SessionLost`.
    fn reply<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<Received<'b, G>>, SessionLost>;

    /// The bytes that ask for the last `ClientReqId` that the counter has taken from an account.
    fn question(&mut self, account_index: u16) -> &[u8];
}

/// One reply off the stream.
#[derive(Clone, Copy, Debug)]
pub struct Received<'b, G: Generation> {
    /// Bytes that it took on the stream.
    pub len: usize,
    /// What it is; `Ok(None)` for one that does not concern a session.
    pub reply: Result<Option<Reply<'b, G>>, BadLen>,
}

/// One session.
#[derive(Debug)]
pub struct DstarSession<'a, G: Generation, C> {
    counter: C,
    identity: Identity,
    /// Site, desk and run: the upper half of every id of ours.
    run: u32,
    inserts: &'a mut [Option<InsertTemplate<G>>],
    delete: DeleteTemplate<G>,
    orders: &'a mut [OrderRow<G::Key>],
    serials: &'a mut [u64; SERIALS_KEPT],
    requests: Requests,
    /// Of all that the counter has told of its day, so many replies have been read.
    replies_seen: u32,
    /// The counter has said that it takes our datagrams.
    is_known: bool,
    /// An answer is awaited, and nothing has come since.
    silent_since: Option<MonoNs>,
    counters: &'a SessionCounters,
}

impl<'a, G: Generation, C: CounterSession<G>> DstarSession<'a, G, C> {
    /// The first session of a run, logged on and with `UdpAuth` on its way. It trades nothing until
    /// it is told its contracts.
    ///
    /// # Errors
    /// What is wrong with the identity.
    pub fn new(
        counter: C,
        identity: Identity,
        storage: Storage<'a, G>,
        counters: &'a SessionCounters,
    ) -> Result<Self, IdentityError> {
        let Identity { desk, account, req_id_mode, next_client_req_id, pace, .. } = identity;
        if i8::try_from(desk.site.0).is_err() {
            return Err(IdentityError::Site(desk.site.0));
        }
        if next_client_req_id == 0 {
            return Err(IdentityError::NoRequestNumber);
        }
        storage.inserts.fill(None);
        Ok(Self {
            counter,
            identity,
            run: u32::from(desk.site.0) << 24 | u32::from(desk.desk.0) << 16 | u32::from(desk.run),
            inserts: storage.inserts,
            delete: DeleteTemplate::new(&account),
            orders: storage.orders,
            serials: storage.serials,
            requests: Requests::new(req_id_mode, next_client_req_id, pace),
            replies_seen: 0,
            is_known: false,
            silent_since: None,
            counters,
        })
    }

    /// Makes a contract tradable; `false` if its instrument has no row.
    ///
    /// # Errors
    /// What is wrong with the contract.
    pub fn trade(
        &mut self,
        instrument: InstrumentIndex,
        contract: &Contract<'_>,
    ) -> Result<bool, TemplateError> {
        let template = InsertTemplate::new(&self.identity.account, contract)?;
        let row = usize::try_from(instrument.0).ok().and_then(|row| self.inserts.get_mut(row));
        Ok(row.map(|row| *row = Some(template)).is_some())
    }

    /// The row of an order. One that a reply speaks of and nothing is known of gets it, if it is
    /// younger than the order that has it: ids grow with the turns of a slot.
    #[inline(always)]
    fn order(&mut self, id: OrderId) -> Option<&mut OrderRow<G::Key>> {
        let slot = usize::try_from(id.slot()).ok()?;
        let row = self.orders.get_mut(slot)?;
        let is_of_this_run = id.0 >> 32 == u64::from(self.run);
        if row.id < id && is_of_this_run {
            *row = OrderRow { id, ..OrderRow::FREE };
        }
        (row.id == id && id != OrderId::NONE).then_some(row)
    }

    fn insert(&mut self, command: &OrderCommand) -> Result<&[u8], CannotEncode> {
        self.requests.check()?;
        let reference = G::Reference::of_order(command.order_id, self.run);
        let reference = reference.ok_or(CannotEncode::OrderId)?;
        let row = usize::try_from(command.instrument.0).ok();
        let template = row.and_then(|row| self.inserts.get_mut(row)).and_then(Option::as_mut);
        template.ok_or(CannotEncode::Contract)?.patch(&InsertFields {
            side: command.side,
            effect: command.effect,
            hedge: command.hedge,
            time_in_force: command.time_in_force,
            qty_lots: command.qty_lots,
            price_e9: command.price_e9,
            client_req_id: self.requests.next(),
            reference,
        })
    }

    fn cancel(&mut self, command: &OrderCommand) -> Result<&[u8], CannotEncode> {
        self.requests.check()?;
        let reference = G::Reference::of_order(command.order_id, self.run);
        let reference = reference.ok_or(CannotEncode::OrderId)?;
        let key = self.order(command.order_id).map_or(G::Key::NONE, |row| row.key);
        Ok(self.delete.patch(self.requests.next(), reference, key))
    }

    /// What a reply tells the desk, and whether more of the same reply is to be told.
    ///
    /// # Errors
    /// The counter does not take our datagrams.
    fn news(
        &mut self,
        reply: &Reply<'_, G>,
        received: MonoNs,
    ) -> Result<(Option<GatewayNews>, bool), SessionLost> {
        Ok(match reply {
            // Anybody can send a datagram that names our account; the code is told us alone.
            Reply::UdpAuth(auth)
                if auth.udp_auth_code.get() != self.identity.account.udp_auth_code =>
            {
                self.counters.foreign.add(1);
                (None, false)
            }
            Reply::UdpAuth(auth) => match auth.error.get() {
                0 => {
                    self.is_known = true;
                    (None, false)
                }
                error => {
                    return Err(SessionLost::Terminated(u16::try_from(error).unwrap_or(u16::MAX)));
                }
            },
            Reply::Insert(reply) => self.insert_news(reply, received),
            Reply::Notice(notice) => (self.notice_news(notice, received), false),
            Reply::Match(fill) => (Some(self.match_news(fill, received)), false),
            Reply::LastRequest(max) => match self.lost_news(*max, received) {
                None if !self.is_known && !self.requests.is_opening() => {
                    // `UdpAuth` or the reply to it is lost: every request would be.
                    return Err(SessionLost::Silent);
                }
                news => (news, news.is_some()),
            },
        })
    }

    fn insert_news(
        &mut self,
        reply: &InsertReply<G::Reference, G::Key>,
        received: MonoNs,
    ) -> (Option<GatewayNews>, bool) {
        let (number, max) = (reply.client_req_id.get(), reply.max_client_req_id.get());
        let error = reply.error.get();
        // The desk knows before it hears of the orders behind a lost one, which are all refused.
        if error != 0 && self.requests.refused(number, max) {
            return (None, true);
        }
        let id = self.ours(reply.reference);
        if error != 0 && self.order(id).is_some_and(|row| row.is_taken) {
            // The network has made two datagrams of one, and the second has no number of its own.
            self.counters.copies.add(1);
            return (None, false);
        }
        self.requests.answered(number, id);
        let kind = if error == 0 { OrderEventKind::Accepted } else { OrderEventKind::Rejected };
        let mut event = OrderEvent { kind, reason: reason(error), ..self.blank(id, received) };
        // A refused request leaves a row alone that another request has filled since.
        let row = self.order(id).filter(|row| [number, 0].contains(&row.insert_number));
        if let Some(row) = row {
            learn(&mut row.key, reply.key);
            event.venue_order_id = row.key.number();
            event.side = row.side;
            if error == 0 {
                row.is_taken = true;
                (event.cum_lots, event.leaves_lots) = row.progress();
            }
        }
        (Some(GatewayNews::Order(event)), false)
    }

    fn notice_news(
        &mut self,
        notice: &OrderNotice<G::Reference, G::Key>,
        received: MonoNs,
    ) -> Option<GatewayNews> {
        let id = self.ours(notice.reference);
        let kind = decode::notice_kind(notice.state, notice.error.get());
        let (qty, filled) = (notice.qty_lots.get(), notice.filled_lots.get());
        let key = notice.key;
        let mut event = self.blank(id, received);
        let mut numbers = None;
        if let Some(row) = self.order(id) {
            learn(&mut row.key, key);
            row.is_taken = true;
            event.side = row.side;
            numbers = Some((row.insert_number, row.cancel_number));
        }
        event.side = decode::side(notice.direct).unwrap_or(event.side);
        if let Some((insert, cancel)) = numbers {
            self.requests.answered(insert, id);
            if matches!(kind, Some(OrderEventKind::CancelRejected | OrderEventKind::Cancelled)) {
                self.requests.answered(cancel, id);
            }
        }
        let kind = kind?;
        let is_over = matches!(kind, OrderEventKind::Cancelled | OrderEventKind::Rejected);
        Some(GatewayNews::Order(OrderEvent {
            kind,
            venue_order_id: key.number(),
            cum_lots: filled,
            leaves_lots: if is_over { 0 } else { qty.saturating_sub(filled) },
            reason: reason(notice.error.get()),
            ..event
        }))
    }

    fn match_news(&mut self, fill: &Match<G::Reference>, received: MonoNs) -> GatewayNews {
        let id = self.ours(fill.reference);
        let serial = fill.serial_id.get();
        let is_new = self.is_new_fill(serial);
        let lots = fill.qty_lots.get();
        let mut event = OrderEvent { exec_id: serial, ..self.blank(id, received) };
        let mut insert_number = None;
        if let Some(row) = self.order(id) {
            if is_new {
                row.filled_lots = row.filled_lots.saturating_add(lots);
            }
            row.is_taken = true;
            event.venue_order_id = row.key.number();
            event.side = row.side;
            (event.cum_lots, event.leaves_lots) = row.progress();
            insert_number = Some(row.insert_number);
        }
        if let Some(number) = insert_number {
            self.requests.answered(number, id);
        }
        event.side = decode::side(fill.direct).unwrap_or(event.side);
        match decode::price_e9(fill.price) {
            Some(price_e9) => {
                let kind = OrderEventKind::Filled;
                GatewayNews::Order(OrderEvent { kind, price_e9, qty_lots: lots, ..event })
            }
            // Something was filled, and at what nobody can tell.
            None => {
                self.counters.unreadable.add(1);
                GatewayNews::Order(event)
            }
        }
    }

    /// Tells the lost requests one after the other.
    fn lost_news(&mut self, max: u32, received: MonoNs) -> Option<GatewayNews> {
        let lost = self.requests.lost(max)?;
        self.counters.lost.add(1);
        let mut event = self.blank(lost.order_id, received);
        event.kind = lost_kind(lost);
        if let Some(row) = self.order(lost.order_id) {
            event.side = row.side;
            (event.cum_lots, _) = row.progress();
        }
        Some(GatewayNews::Order(event))
    }

    /// Notes the number of a fill; `false` if it was noted before, among the last few thousand.
    #[inline(always)]
    fn is_new_fill(&mut self, serial: u64) -> bool {
        let row = usize::try_from(serial % SERIALS_KEPT_U64).ok();
        let slot = row.and_then(|row| self.serials.get_mut(row));
        let is_new = slot.is_none_or(|slot| core::mem::replace(slot, serial) != serial);
        if !is_new && serial != 0 {
            self.counters.repeated_fills.add(1);
        }
        is_new || serial == 0
    }

    /// The order behind a reference; `NONE` if it is none of ours.
    #[inline(always)]
    fn ours(&self, reference: G::Reference) -> OrderId {
        reference.order(self.run).unwrap_or_else(|| {
            self.counters.foreign.add(1);
            OrderId::NONE
        })
    }

    #[inline(always)]
    fn blank(&self, order_id: OrderId, received: MonoNs) -> OrderEvent {
        OrderEvent { order_id, stream: self.identity.stream, received, ..OrderEvent::NONE }
    }
}

impl<G: Generation, C: CounterSession<G>> OrderSession for DstarSession<'_, G, C> {
    type Handover = Handover;
    type Left = Left;

    #[inline]
    fn state(&self) -> SessionState {
        let is_whole = self.is_known && !self.requests.is_opening() && !self.requests.is_stuck();
        if is_whole { SessionState::Up } else { SessionState::Gapped }
    }

    fn left(&self, why: SessionLost) -> Left {
        let next_client_req_id = self.requests.next();
        Left { replies_seen: self.replies_seen, next_client_req_id, why }
    }

    /// Orders and fills of before are remembered: what the counter repeats of them is told once.
    fn resume(&mut self, handover: &Handover) {
        let Handover { account_index, udp_auth_code, next_client_req_id, replies_seen } = *handover;
        let account = Account { index: account_index, udp_auth_code, ..self.identity.account };
        self.identity.account = account;
        self.inserts.iter_mut().flatten().for_each(|template| template.renew(&account));
        self.delete = DeleteTemplate::new(&account);
        self.requests.begin(next_client_req_id);
        self.replies_seen = replies_seen;
        (self.is_known, self.silent_since) = (false, None);
    }

    #[inline]
    fn encode(&mut self, command: &OrderCommand, _utc: UnixNs) -> Result<&[u8], CannotEncode> {
        match command.action {
            OrderAction::New => self.insert(command),
            OrderAction::Cancel => self.cancel(command),
            OrderAction::Replace => Err(CannotEncode::Replace),
            OrderAction::Status => Err(CannotEncode::Status),
        }
    }

    #[inline]
    fn sent(&mut self, command: &OrderCommand) {
        let number = self.requests.next();
        self.requests.sent(command.order_id, command.action);
        let slot = usize::try_from(command.order_id.slot()).ok();
        let Some(row) = slot.and_then(|slot| self.orders.get_mut(slot)) else {
            return;
        };
        match command.action {
            OrderAction::New => {
                *row = OrderRow {
                    id: command.order_id,
                    side: command.side,
                    qty_lots: command.qty_lots,
                    insert_number: number,
                    ..OrderRow::FREE
                }
            }
            OrderAction::Cancel if row.id == command.order_id => row.cancel_number = number,
            OrderAction::Cancel | OrderAction::Replace | OrderAction::Status => {}
        }
    }

    #[inline]
    fn read(&mut self, bytes: &[u8], received: MonoNs) -> Result<Option<Taken>, SessionLost> {
        let Some(Received { len, reply }) = self.counter.reply(bytes)? else {
            return Ok(None);
        };
        self.silent_since = None;
        let (news, has_more) = match &reply {
            Ok(Some(reply)) => self.news(reply, received)?,
            Ok(None) => {
                self.counters.ignored.add(1);
                (None, false)
            }
            Err(_) => {
                self.counters.unreadable.add(1);
                (None, false)
            }
        };
        if has_more {
            // It is left on the stream, to be read again.
            return Ok(Some(Taken { len: 0, news }));
        }
        if matches!(reply, Ok(Some(Reply::Insert(_) | Reply::Notice(_) | Reply::Match(_)))) {
            self.counters.replies.add(1);
            self.replies_seen = self.replies_seen.saturating_add(1);
        }
        Ok(Some(Taken { len, news }))
    }

    fn own_message(&mut self, now: MonoNs, _utc: UnixNs) -> Result<Option<&[u8]>, SessionLost> {
        if self.requests.is_asked() && now.since(*self.silent_since.get_or_insert(now)) >= SILENCE {
            return Err(SessionLost::Silent);
        }
        let is_due = self.requests.is_question_due(now);
        Ok(is_due.then(|| self.counter.question(self.identity.account.index)))
    }

    fn own_message_sent(&mut self, now: MonoNs) {
        self.counters.questions.add(1);
        self.requests.asked(now);
    }
}

/// What it means for the desk that a request is lost.
const fn lost_kind(lost: Lost) -> OrderEventKind {
    match lost.action {
        OrderAction::New if lost.is_certain => OrderEventKind::NotSent,
        // No question is ever sent (`encode`), so none is lost.
        OrderAction::New | OrderAction::Status => OrderEventKind::Unknown,
        OrderAction::Cancel => OrderEventKind::CancelNotSent,
        OrderAction::Replace => OrderEventKind::ReplaceRejected,
    }
}

/// Takes what is new in a key: a reply may leave out what an earlier one told.
#[inline(always)]
fn learn<K: Key>(known: &mut K, told: K) {
    if told != K::NONE {
        *known = told;
    }
}

/// The counter's error code as a reason: 0 stays 0.
#[inline(always)]
const fn reason(error: i32) -> u32 {
    error.cast_unsigned()
}
