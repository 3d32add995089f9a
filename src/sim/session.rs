//! The session between a gateway and a venue: numbered reports, gaps found and filled, breaks.
//!
//! It stands where a gateway stage and a venue's session layer stand, without their bytes, so that
//! the desk level sees what those let through: reports that come late, twice, out of order or
//! never. The desk is told `Gapped` while reports are missing and `Down` while nothing can be sent,
//! as a real session would find out by its numbers.

use xmc_hotpath::message::{
    GatewayIndex, OrderAction, OrderCommand, OrderEvent, OrderEventKind, SessionState,
    SessionUpdate, StreamId,
};
use xmc_hotpath::time::MonoNs;

use super::network::{Delay, Link};

/// A report on its way, or not: numbered by its place in the outbox.
#[derive(Clone, Copy, Debug)]
struct Told {
    event: OrderEvent,
    sent: MonoNs,
    is_heard: bool,
    /// Nobody will send it again.
    is_forgotten: bool,
}

/// One session, both ends and the line.
#[derive(Debug)]
pub struct Line {
    gateway: GatewayIndex,
    stream: StreamId,
    /// To the venue and back.
    pub up: Link,
    /// From the venue.
    pub down: Link,
    /// Counts connections: what was sent in an older one never arrives.
    generation: u32,
    state: SessionState,
    /// The venue trades and says nothing.
    pub is_mute: bool,
    outbox: Vec<Told>,
    /// Everything before this was heard or is forgotten.
    first_missing: usize,
}

/// What a message on the line needs, to arrive.
pub type Generation = u32;

impl Line {
    /// A session that is down.
    pub fn new(gateway: GatewayIndex, stream: StreamId, delay: Delay) -> Self {
        Self {
            gateway,
            stream,
            up: Link::ordered(delay),
            down: Link::ordered(delay),
            generation: 0,
            state: SessionState::Down,
            is_mute: false,
            outbox: Vec::new(),
            first_missing: 0,
        }
    }

    /// The connection now.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// What the desk was last told.
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// Whether the two ends are connected.
    pub fn is_connected(&self) -> bool {
        self.state != SessionState::Down
    }

    /// The venue says something: returns its number.
    pub fn tell(&mut self, now: MonoNs, event: OrderEvent) -> usize {
        let number = self.outbox.len();
        let seq_no = u32::try_from(number + 1).expect("a schedule is short");
        let event = OrderEvent { seq_no, stream: self.stream, ..event };
        self.outbox.push(Told { event, sent: now, is_heard: false, is_forgotten: false });
        number
    }

    /// Report `number` arrives: what the desk is told, and whether the session's state changes.
    pub fn hear(&mut self, now: MonoNs, number: usize) -> (OrderEvent, Option<SessionUpdate>) {
        self.outbox[number].is_heard = true;
        let event = OrderEvent { received: now, ..self.outbox[number].event };
        let was_missing = self.first_missing;
        while self.outbox.get(self.first_missing).is_some_and(|told| told.is_heard) {
            self.first_missing += 1;
        }
        let last_heard = self.outbox.iter().rposition(|told| told.is_heard).unwrap_or(0);
        let is_whole = self.first_missing > last_heard;
        let change = match self.state {
            SessionState::Up if !is_whole => self.change(SessionState::Gapped),
            SessionState::Gapped if is_whole && self.first_missing > was_missing => {
                self.change(SessionState::Up)
            }
            _ => None,
        };
        (event, change)
    }

    /// Reports that were sent before `moment` and never heard: a heartbeat shows them missing.
    pub fn missing_before(&self, moment: MonoNs) -> Vec<usize> {
        let missing = |(number, told): (usize, &Told)| {
            (!told.is_heard && !told.is_forgotten && told.sent < moment).then_some(number)
        };
        let rest = self.outbox.iter().enumerate().skip(self.first_missing);
        rest.filter_map(missing).collect()
    }

    /// A gap was seen.
    pub fn gap(&mut self) -> Option<SessionUpdate> {
        (self.state == SessionState::Up).then(|| self.change(SessionState::Gapped)).flatten()
    }

    /// The connection breaks.
    pub fn cut(&mut self) -> Option<SessionUpdate> {
        self.generation += 1;
        self.is_mute = false;
        self.change(SessionState::Down)
    }

    /// The two ends are connected again. With `recovers` the venue has kept what was missed, and
    /// the session is whole only when that has been heard.
    pub fn connect(&mut self, recovers: bool) -> Option<SessionUpdate> {
        self.generation += 1;
        if !recovers {
            for told in &mut self.outbox[self.first_missing..] {
                told.is_forgotten |= !told.is_heard;
            }
            self.first_missing = self.outbox.len();
        }
        let is_whole = self.first_missing == self.outbox.len();
        self.change(if is_whole { SessionState::Up } else { SessionState::Gapped })
    }

    /// Everything that was said has been heard or never will be.
    pub fn is_whole(&self) -> bool {
        self.outbox.iter().all(|told| told.is_heard || told.is_forgotten)
    }

    /// What a gateway answers for a venue that it cannot reach.
    pub fn refuse(
        &self,
        now: MonoNs,
        command: &OrderCommand,
        kind: OrderEventKind,
    ) -> Option<OrderEvent> {
        let kind = match command.action {
            OrderAction::New => kind,
            OrderAction::Cancel => OrderEventKind::CancelNotSent,
            OrderAction::Replace => OrderEventKind::ReplaceRejected,
            OrderAction::Status => return None,
        };
        Some(OrderEvent {
            kind,
            order_id: command.order_id,
            venue_order_id: command.venue_order_id,
            stream: self.stream,
            side: command.side,
            received: now,
            ..OrderEvent::NONE
        })
    }

    fn change(&mut self, state: SessionState) -> Option<SessionUpdate> {
        if self.state == state {
            return None;
        }
        self.state = state;
        Some(SessionUpdate { stream: self.stream, gateway: self.gateway, state })
    }
}
