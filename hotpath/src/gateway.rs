//! The gateway stage: orders out as bytes, bytes in as news, for one order session.
//!
//! It owns the session's socket, sequence numbers and templates from logon to the end: one writer
//! per stream. The protocol is an `OrderSession`, a plain struct of a venue; the socket is a port.
//! When a session ends, what is left of it goes out through a ring of one, and the connection and
//! numbers of the next come in through another (`Reentry`). Connecting, logging on and signing is
//! the cold side's work; a stage without those rings stays down.

mod door;
mod inbox;
mod session;

pub use self::door::{Door, Entry, Leave, Reentry};
use self::inbox::Inbox;
pub use self::session::{CannotEncode, OrderSession, SessionLost, Taken};
use crate::counter::{Counter, Recorder};
use crate::message::{
    GatewayIndex, GatewayNews, OrderAction, OrderCommand, OrderEvent, OrderEventKind, SessionState,
    SessionUpdate, StreamId,
};
use crate::port::{SendError, StreamPort};
use crate::ring::{Receiver, RingCounters, Sender};
use crate::stage::{Stage, Work};
use crate::time::{Clock, MonoNs, Span, UnixNs};

/// Commands sent in one poll.
const COMMANDS_PER_POLL: usize = 16;

/// Messages read in one poll.
const MESSAGES_PER_POLL: usize = 16;

/// How long a connection that cannot send any more, or on which we have said goodbye, is read.
const LAST_READS: Span = Span(1_000_000_000);

crate::counters! {
    /// What a gateway stage counts.
    #[repr(align(128))]
    pub struct GatewayCounters {
        /// Orders, cancels, replaces and questions of the desk that left.
        pub sent: Counter => Count "messages",
        /// Orders, cancels, replaces and questions of the desk that could not be sent.
        pub not_sent: Counter => Count "messages",
        /// Messages of the venue read.
        pub read: Counter => Count "messages",
        /// Polls in which the port had no room.
        pub port_busy: Counter => Count "polls",
        /// Polls in which the desk's ring had no room for news.
        pub news_full: Counter => Count "polls",
        /// Sessions that ended.
        pub lost: Counter => Count "sessions",
        /// Sessions that went on after another logon.
        pub resumed: Counter => Count "sessions",
        /// What the session is now.
        pub state: Counter => Word "down|up|gapped",
        /// What the desk wants sent.
        pub commands: RingCounters,
    }
}

/// The stage.
#[derive(Debug)]
#[repr(align(128))]
pub struct GatewayStage<'a, S: OrderSession, P, C, L> {
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
    /// What the desk knows of the session.
    told: Option<SessionState>,
    /// Why there is none any more.
    lost: Option<SessionLost>,
    lost_at: MonoNs,
    /// It is about to be ended as was planned: nothing new is sent on it.
    is_closing: bool,
    /// There is none, or it is about to be ended.
    is_shut: bool,
    /// The port brings nothing more.
    is_closed: bool,
    /// And everything that it brought has been read.
    is_read_out: bool,
    /// Where the session stood has been told outside.
    is_left_told: bool,
    reentry: Option<Reentry<P, S::Handover, S::Left>>,
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
            inbox: Inbox::new(inbox),
            utc_origin,
            counters,
            told: None,
            lost: None,
            lost_at: MonoNs(0),
            is_closing: false,
            is_shut: false,
            is_closed: false,
            is_read_out: false,
            is_left_told: false,
            reentry: None,
        }
    }

    /// Lets the next session in where the last has ended.
    #[must_use]
    pub fn with_reentry(self, reentry: Reentry<P, S::Handover, S::Left>) -> Self {
        Self { reentry: Some(reentry), ..self }
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

    /// What the session is now.
    #[must_use]
    pub fn state(&self) -> SessionState {
        match self.lost {
            Some(_) => SessionState::Down,
            None if self.is_closing => SessionState::Gapped,
            None => self.session.state(),
        }
    }

    /// Whether the session has ended and everything that came of it is read.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_read_out
    }

    /// Ends the session in order: the venue is told, and what it still says is read as before. For
    /// the cold side, when the desk sends nothing any more.
    pub fn log_out(&mut self) {
        self.lose(SessionLost::LoggedOut);
    }

    /// Tells the desk the session's state if it does not know it; `false` if there is no room.
    #[inline]
    fn tell_state(&mut self) -> bool {
        self.told == Some(self.state()) || self.announce()
    }

    #[cold]
    #[inline(never)]
    fn announce(&mut self) -> bool {
        let state = self.state();
        self.counters.state.set(u64::from(state.code()));
        let update = SessionUpdate { stream: self.stream, gateway: self.gateway, state };
        let is_told = self.news.push(GatewayNews::Session(update)).is_ok();
        if is_told {
            self.told = Some(state);
        }
        is_told
    }

    #[inline]
    fn send_commands(&mut self) -> Work {
        let mut work = Work::Idle;
        for _ in 0..COMMANDS_PER_POLL {
            let Some(command) = self.commands.peek().copied() else {
                return work;
            };
            if let Some(reason) = self.turns_away(&command) {
                if !self.give_back(&command, OrderEventKind::NotSent, reason) {
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

    /// Why a command is not even tried, as a reason for the desk.
    #[inline]
    fn turns_away(&self, command: &OrderCommand) -> Option<u8> {
        if !self.is_shut {
            return None;
        }
        let is_new = matches!(command.action, OrderAction::New | OrderAction::Replace);
        match self.lost {
            Some(_) => Some(0),
            None => is_new.then_some(CannotEncode::Closing.code()),
        }
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
        self.lose(SessionLost::Closed);
        Work::Busy
    }

    #[cold]
    #[inline(never)]
    fn give_back(&mut self, command: &OrderCommand, kind: OrderEventKind, reason: u8) -> bool {
        let kind = match command.action {
            OrderAction::New => kind,
            OrderAction::Cancel => OrderEventKind::CancelNotSent,
            OrderAction::Replace => OrderEventKind::ReplaceRejected,
            // A question that was not asked changes nothing.
            OrderAction::Status => {
                self.counters.not_sent.add(1);
                return true;
            }
        };
        let event = OrderEvent {
            kind,
            order_id: command.order_id,
            venue_order_id: command.venue_order_id,
            stream: self.stream,
            side: command.side,
            reason: u32::from(reason),
            received: self.clock.now(),
            ..OrderEvent::NONE
        };
        let is_told = self.news.push(GatewayNews::Order(event)).is_ok();
        if is_told {
            self.counters.not_sent.add(1);
        }
        is_told
    }

    /// The session is over. Its last words are said if they can be, and nothing waits for them.
    #[cold]
    #[inline(never)]
    fn lose(&mut self, why: SessionLost) {
        if self.lost.is_some() {
            return;
        }
        let now = self.clock.now();
        let utc = UnixNs(self.utc_origin.get().wrapping_add(now.0));
        if let Some(message) = self.session.farewell(why, utc) {
            let _ = self.port.send_on_stream(message);
        }
        (self.lost, self.is_shut) = (Some(why), true);
        self.lost_at = now;
        self.counters.lost.add(1);
        self.announce();
    }

    /// Does what the cold side asks of a session that stands.
    fn heed(&mut self) {
        let Some(leave) = self.reentry.as_mut().and_then(|reentry| reentry.leave.pop()) else {
            return;
        };
        match leave {
            _ if self.lost.is_some() => {}
            Leave::Quiesce => (self.is_closing, self.is_shut) = (true, true),
            Leave::LogOut => self.lose(SessionLost::WeekOver),
        }
    }

    /// Nothing of the session is read any more.
    #[cold]
    #[inline(never)]
    fn read_out(&mut self) {
        self.is_read_out = true;
        self.port.end();
    }

    /// Says outside where the session stood, and goes on with the next when there is one.
    #[cold]
    #[inline(never)]
    fn reenter(&mut self) -> Work {
        let (Some(reentry), Some(why)) = (&mut self.reentry, self.lost) else {
            return Work::Idle;
        };
        if !self.is_left_told {
            self.is_left_told = reentry.left.push(self.session.left(why)).is_ok();
            return Work::Busy;
        }
        // What the desk asked for meanwhile is given back first, as it was decided for the session
        // that is gone.
        if !self.commands.is_empty() || reentry.spent.free(1) == 0 {
            return Work::Idle;
        }
        let Some(Entry { port, handover }) = reentry.entries.pop() else {
            return Work::Idle;
        };
        let last = core::mem::replace(&mut self.port, port);
        // Room was seen above, and only this end takes it.
        let pushed = reentry.spent.push(last);
        debug_assert!(pushed.is_ok(), "the ring had room for it");
        self.session.resume(&handover);
        self.inbox.clear();
        // What was asked of the last session is not asked of this one.
        while reentry.leave.pop().is_some() {}
        self.lost = None;
        (self.is_closing, self.is_shut) = (false, false);
        (self.is_closed, self.is_read_out, self.is_left_told) = (false, false, false);
        self.counters.resumed.add(1);
        self.tell_state();
        Work::Busy
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
                    self.lose(SessionLost::Closed);
                    work = Work::Busy;
                }
            }
        }
        if self.inbox.is_empty() {
            if self.is_closed {
                self.read_out();
            }
            return work;
        }
        let received = self.clock.now();
        for _ in 0..MESSAGES_PER_POLL {
            // The state is news as well, and comes before what is read after it has changed.
            if !self.tell_state() || self.news.free(1) == 0 {
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
                    if self.is_closed {
                        self.read_out();
                    }
                    return work;
                }
                Err(why) => {
                    self.inbox.clear();
                    self.lose(why);
                    self.read_out();
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
        if !self.tell_state() {
            return Work::Blocked;
        }
        let sent = self.send_commands();
        // A session that cannot send any more may still have fills to tell.
        if self.is_read_out {
            return sent.or(self.reenter());
        }
        sent.or(self.read_messages())
    }

    /// Sends what the session itself has to say. A port without room is asked again next time.
    fn housekeeping(&mut self) {
        self.commands.show(&self.counters.commands);
        if self.is_read_out {
            return;
        }
        self.heed();
        let now = self.clock.now();
        if self.lost.is_some() {
            if now.since(self.lost_at) >= LAST_READS {
                self.inbox.clear();
                self.read_out();
            }
            return;
        }
        let utc = UnixNs(self.utc_origin.get().wrapping_add(now.0));
        let sent = match self.session.own_message(now, utc) {
            Ok(None) => return,
            Ok(Some(message)) => self.port.send_on_stream(message),
            Err(why) => {
                self.inbox.clear();
                self.lose(why);
                return self.read_out();
            }
        };
        match sent {
            Ok(()) => self.session.own_message_sent(now),
            Err(SendError::Busy) => self.counters.port_busy.add(1),
            Err(SendError::Closed | SendError::Torn) => self.lose(SessionLost::Closed),
        }
    }
}
