//! The gateway stage: orders out as bytes, bytes in as news, for one order session.
//!
//! It owns the session's socket, sequence numbers and templates from logon to the end: one writer
//! per stream. The protocol is an `OrderSession`, a plain struct of a venue; the socket is a port.
//! Logging on, signing and recovering sessions is the cold side's work.

use crate::counter::{Counter, Recorder};
use crate::message::{
    GatewayIndex, GatewayNews, OrderAction, OrderCommand, OrderEvent, OrderEventKind, SessionState,
    SessionUpdate, StreamId,
};
use crate::port::{SendError, StreamPort};
use crate::record::codec::code;
use crate::ring::{Receiver, Sender};
use crate::stage::{Stage, Work};
use crate::time::{Clock, MonoNs, UnixNs};

/// Commands sent in one poll.
const COMMANDS_PER_POLL: usize = 16;

/// Messages read in one poll.
const MESSAGES_PER_POLL: usize = 16;

/// The session cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionLost {
    /// The bytes cannot be told apart into messages any more.
    Framing,
    /// The venue ended the session.
    Terminated,
}

/// What was read from the front of the received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes that the message took; 0 if it has more to say and is to be read again.
    pub len: usize,
    /// What it says, if it concerns the desk.
    pub news: Option<GatewayNews>,
}

code! {
    /// Why a session has no message for a command: the reason of the event that says so.
    pub enum CannotEncode {
        /// The protocol has no message that changes an order.
        Replace = 1 "replace",
        /// The session does not know the instrument.
        Contract = 2 "contract",
        /// The order's id has no room in the protocol's name of an order.
        OrderId = 3 "order_id",
        /// The protocol has no code for what the order does to the position.
        Effect = 4 "effect",
        /// The protocol has no code for the hedge flag.
        Hedge = 5 "hedge",
    }
}

/// An order session of some venue, sans I/O: it turns commands into bytes and bytes into news.
pub trait OrderSession {
    /// The bytes of `command`. Asked again for the same command it gives the same message; `sent`
    /// says that it left.
    ///
    /// # Errors
    /// The protocol has no such message. The command is given back to the desk.
    fn encode(&mut self, command: &OrderCommand, utc: UnixNs) -> Result<&[u8], CannotEncode>;

    /// The last encoded message has left.
    fn sent(&mut self, command: &OrderCommand);

    /// Reads the first message of `bytes`; `Ok(None)` if it is not whole yet.
    ///
    /// # Errors
    /// See `SessionLost`.
    fn read(&mut self, bytes: &[u8], received: MonoNs) -> Result<Option<Taken>, SessionLost>;

    /// What the session itself has to say now on the stream that it reads, if anything. Asked in
    /// housekeeping; it gives the same message until `own_message_sent` says that it left.
    fn own_message(&mut self, _now: MonoNs) -> Option<&[u8]> {
        None
    }

    /// The last own message has left.
    fn own_message_sent(&mut self, _now: MonoNs) {}
}

/// What a gateway stage counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct GatewayCounters {
    /// Messages that left.
    pub sent: Counter,
    /// Messages that could not be sent.
    pub not_sent: Counter,
    /// Messages of the venue read.
    pub read: Counter,
    /// Polls in which the port had no room.
    pub port_busy: Counter,
    /// Polls in which the desk's ring had no room for news.
    pub news_full: Counter,
}

/// Bytes received and not yet read.
#[derive(Debug)]
struct Inbox<'a> {
    bytes: &'a mut [u8],
    first: usize,
    end: usize,
}

/// The stage.
#[derive(Debug)]
#[repr(align(128))]
pub struct GatewayStage<'a, S, P, C, L> {
    session: S,
    port: P,
    clock: C,
    latency: L,
    gateway: GatewayIndex,
    stream: StreamId,
    commands: Receiver<OrderCommand>,
    news: Sender<GatewayNews>,
    inbox: Inbox<'a>,
    /// The engine's nanosecond zero in UTC, kept up to date by the cold side.
    utc_origin: &'a Counter,
    counters: &'a GatewayCounters,
    state: SessionState,
    is_announced: bool,
    /// The port brings nothing more.
    is_closed: bool,
    /// And everything that it brought has been read.
    is_read_out: bool,
}

impl<'a, S: OrderSession, P: StreamPort, C: Clock, L: Recorder> GatewayStage<'a, S, P, C, L> {
    /// Takes over a session that is logged on. `inbox` holds at least two of the venue's longest
    /// messages.
    #[expect(clippy::too_many_arguments, reason = "called once, by `engine::wire`")]
    pub fn new(
        session: S,
        port: P,
        clock: C,
        latency: L,
        gateway: GatewayIndex,
        stream: StreamId,
        commands: Receiver<OrderCommand>,
        news: Sender<GatewayNews>,
        inbox: &'a mut [u8],
        utc_origin: &'a Counter,
        counters: &'a GatewayCounters,
    ) -> Self {
        Self {
            session,
            port,
            clock,
            latency,
            gateway,
            stream,
            commands,
            news,
            inbox: Inbox { bytes: inbox, first: 0, end: 0 },
            utc_origin,
            counters,
            state: SessionState::Up,
            is_announced: false,
            is_closed: false,
            is_read_out: false,
        }
    }

    /// The recorder of tick-to-order times, to be looked at.
    #[must_use]
    pub fn latency(&self) -> &L {
        &self.latency
    }

    /// The recorder, to be emptied.
    pub fn latency_mut(&mut self) -> &mut L {
        &mut self.latency
    }

    /// The port, to be looked at.
    #[must_use]
    pub fn port(&self) -> &P {
        &self.port
    }

    /// The port, for whoever owns both sides (the simulator).
    pub fn port_mut(&mut self) -> &mut P {
        &mut self.port
    }

    /// The session's state as last told.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// Tells the desk the session's state; `false` if there is no room for it.
    fn announce(&mut self) -> bool {
        let update =
            SessionUpdate { stream: self.stream, gateway: self.gateway, state: self.state };
        self.is_announced = self.news.push(GatewayNews::Session(update)).is_ok();
        self.is_announced
    }

    #[inline]
    fn send_commands(&mut self) -> Work {
        let mut work = Work::Idle;
        for _ in 0..COMMANDS_PER_POLL {
            let Some(command) = self.commands.peek().copied() else {
                return work;
            };
            if self.state == SessionState::Down {
                if !self.give_back(&command, OrderEventKind::NotSent, 0) {
                    return Work::Blocked;
                }
                self.commands.pop();
                work = Work::Busy;
                continue;
            }
            let now = self.clock.now();
            let utc = UnixNs(self.utc_origin.get().wrapping_add(now.0));
            let message = match self.session.encode(&command, utc) {
                Ok(message) => message,
                Err(cannot) => {
                    if !self.give_back(&command, OrderEventKind::NotSent, cannot.code()) {
                        return Work::Blocked;
                    }
                    self.commands.pop();
                    work = Work::Busy;
                    continue;
                }
            };
            match self.port.send(message) {
                Ok(()) => {
                    self.session.sent(&command);
                    self.commands.pop();
                    self.counters.sent.add(1);
                    if command.orders_left == 0 && command.action == OrderAction::New {
                        // All legs of the fire have left: tick to order ends here.
                        self.latency.record(self.clock.now().since(command.caused));
                    }
                    work = Work::Busy;
                }
                Err(SendError::Busy) => {
                    self.counters.port_busy.add(1);
                    return Work::Blocked;
                }
                Err(error) => return self.cannot_send(&command, error),
            }
        }
        work
    }

    /// The socket is gone. Part of a message may have left: then nobody can tell what became of it.
    #[cold]
    #[inline(never)]
    fn cannot_send(&mut self, command: &OrderCommand, error: SendError) -> Work {
        let kind = match error {
            SendError::Torn => OrderEventKind::Unknown,
            SendError::Busy | SendError::Closed => OrderEventKind::NotSent,
        };
        if !self.give_back(command, kind, 0) {
            return Work::Blocked;
        }
        self.commands.pop();
        self.lose();
        Work::Busy
    }

    #[cold]
    #[inline(never)]
    fn give_back(&mut self, command: &OrderCommand, kind: OrderEventKind, reason: u8) -> bool {
        let kind = match command.action {
            OrderAction::New => kind,
            OrderAction::Cancel => OrderEventKind::CancelRejected,
            OrderAction::Replace => OrderEventKind::ReplaceRejected,
        };
        let event = OrderEvent {
            kind,
            order_id: command.order_id,
            venue_order_id: command.venue_order_id,
            exec_id: 0,
            stream: self.stream,
            seq_no: 0,
            side: command.side,
            price_e9: 0,
            qty_lots: 0,
            cum_lots: 0,
            leaves_lots: 0,
            reason: u32::from(reason),
            exchange: UnixNs(0),
            received: self.clock.now(),
        };
        let is_told = self.news.push(GatewayNews::Order(event)).is_ok();
        if is_told {
            self.counters.not_sent.add(1);
        }
        is_told
    }

    #[cold]
    #[inline(never)]
    fn lose(&mut self) {
        if self.state != SessionState::Down {
            self.state = SessionState::Down;
            self.announce();
        }
    }

    #[inline]
    fn read_messages(&mut self) -> Work {
        let mut work = Work::Idle;
        if !self.is_closed {
            match self.port.read(self.inbox.room()) {
                Ok(0) => {}
                Ok(len) => {
                    self.inbox.filled(len);
                    work = Work::Busy;
                }
                Err(_) => {
                    self.is_closed = true;
                    self.lose();
                }
            }
        }
        if self.inbox.is_empty() {
            self.is_read_out = self.is_closed;
            return work;
        }
        let received = self.clock.now();
        for _ in 0..MESSAGES_PER_POLL {
            if self.news.free(1) == 0 {
                self.counters.news_full.add(1);
                return Work::Blocked;
            }
            match self.session.read(self.inbox.waiting(), received) {
                Ok(Some(taken)) => {
                    self.inbox.take(taken.len);
                    self.counters.read.add(1);
                    if let Some(news) = taken.news {
                        // Room was seen above, and only this end takes it.
                        let pushed = self.news.push(news);
                        debug_assert!(pushed.is_ok(), "the ring had room for one more");
                    }
                    work = Work::Busy;
                }
                Ok(None) => {
                    self.is_read_out = self.is_closed;
                    return work;
                }
                Err(_) => {
                    self.inbox.clear();
                    self.is_read_out = true;
                    self.lose();
                    return Work::Busy;
                }
            }
        }
        work
    }
}

impl<S: OrderSession, P: StreamPort, C: Clock, L: Recorder> Stage for GatewayStage<'_, S, P, C, L> {
    #[inline]
    fn poll(&mut self) -> Work {
        if !self.is_announced && !self.announce() {
            return Work::Blocked;
        }
        let sent = self.send_commands();
        // A session that cannot send any more may still have fills to tell.
        if self.is_read_out {
            return sent;
        }
        sent.or(self.read_messages())
    }

    /// Sends what the session itself has to say. A port without room is asked again next time.
    fn housekeeping(&mut self) {
        if self.state == SessionState::Down {
            return;
        }
        let now = self.clock.now();
        let Some(message) = self.session.own_message(now) else {
            return;
        };
        match self.port.send_on_stream(message) {
            Ok(()) => self.session.own_message_sent(now),
            Err(SendError::Busy) => self.counters.port_busy.add(1),
            Err(SendError::Closed | SendError::Torn) => self.lose(),
        }
    }
}

impl Inbox<'_> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.first == self.end
    }

    #[inline]
    fn waiting(&self) -> &[u8] {
        self.bytes.get(self.first..self.end).unwrap_or(&[])
    }

    /// Where the next bytes go. What is left over from before is moved to the front first.
    #[inline]
    fn room(&mut self) -> &mut [u8] {
        if self.first > 0 {
            self.move_to_front();
        }
        self.bytes.get_mut(self.end..).unwrap_or(&mut [])
    }

    fn move_to_front(&mut self) {
        let waiting = self.end.saturating_sub(self.first);
        for place in 0..waiting {
            let from = self.bytes.get(self.first.wrapping_add(place)).copied();
            if let (Some(to), Some(byte)) = (self.bytes.get_mut(place), from) {
                *to = byte;
            }
        }
        self.first = 0;
        self.end = waiting;
    }

    #[inline]
    fn filled(&mut self, len: usize) {
        self.end = self.end.saturating_add(len).min(self.bytes.len());
    }

    #[inline]
    fn take(&mut self, len: usize) {
        self.first = self.first.saturating_add(len).min(self.end);
    }

    fn clear(&mut self) {
        self.first = 0;
        self.end = 0;
    }
}
