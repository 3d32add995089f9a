//! A simulated venue, sans I/O: commands in, reports out, and a ledger of what it really did.
//!
//! It does not match against a book: each order meets a fate that the seed draws, among all that
//! real venues have been seen to do, and the ledger keeps what is true. Sequence numbers, lost and
//! repeated reports are the session's (`session`), frames are the protocol's.

use std::collections::{BTreeMap, VecDeque};

use xmc_hotpath::message::{
    OrderAction, OrderCommand, OrderEvent, OrderEventKind, OrderId, Side, TimeInForce,
};
use xmc_hotpath::time::{MonoNs, UnixNs};

use super::agenda::Agenda;
use super::fault::{Fault, Faults};
use super::ledger::{Booking, Ledger};
use super::network::Delay;
use super::situation::Situation;

/// What trades orders: the simulator's own, or one that speaks a protocol around it.
pub trait Venue {
    /// A command has arrived.
    fn request(&mut self, now: MonoNs, command: &OrderCommand);

    /// The session has broken: orders may be cancelled for that.
    fn disconnected(&mut self, now: MonoNs);

    /// When it will next do something by itself; `NEVER` if nothing is planned.
    fn next_at(&self) -> MonoNs;

    /// What it has to say by `now`, one report per call, in the order in which things happened.
    fn report(&mut self, now: MonoNs) -> Option<OrderEvent>;

    /// What it booked.
    fn ledger(&self) -> &Ledger;
}

/// How a venue behaves when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// From an order's arrival to its acknowledgement.
    pub ack: Delay,
    /// From one fill of an order to the next.
    pub fill: Delay,
    /// How much longer a late acknowledgement takes.
    pub late: Delay,
    /// Cancels everything when the session breaks.
    pub cancels_on_disconnect: bool,
    /// The price step of fills that are better than the limit.
    pub tick_e9: i64,
    /// The first number it gives to executions and orders; venues must not share numbers.
    pub first_number: u64,
}

/// An order as the venue has it.
#[derive(Clone, Debug)]
struct Held {
    command: OrderCommand,
    venue_order_id: u64,
    /// Lots that may still trade.
    open: u32,
    cum: u32,
    is_live: bool,
}

/// What the venue will do by itself.
#[derive(Clone, Copy, Debug)]
enum Act {
    Accept(OrderId),
    Reject(OrderId),
    Trade {
        order_id: OrderId,
        lots: u32,
        lie: Option<Lie>,
    },
    /// Cancels what is left, because it may not rest or was asked to go.
    Finish(OrderId),
    RefuseCancel(OrderId),
    /// Tells how an order stands, to whoever asked.
    Say(OrderId),
    Bust(usize),
    Foreign,
}

/// How a trade breaks the venue's own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Overfill,
    WorsePrice,
    WrongSide,
    AfterCancel,
}

/// The venue whose orders meet a fate that the seed draws.
#[derive(Debug)]
pub struct ToyVenue {
    manners: Manners,
    faults: Faults,
    rng: fastrand::Rng,
    orders: BTreeMap<OrderId, Held>,
    ledger: Ledger,
    acts: Agenda<Act>,
    outbox: VecDeque<OrderEvent>,
    next_number: u64,
    utc_offset: u64,
}

impl ToyVenue {
    /// A venue without orders.
    pub fn new(manners: Manners, faults: Faults, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self {
            manners,
            faults,
            acts: Agenda::new(rng.u64(..)),
            rng,
            orders: BTreeMap::new(),
            ledger: Ledger::default(),
            outbox: VecDeque::new(),
            next_number: manners.first_number,
            utc_offset: 1_700_000_000_000_000_000,
        }
    }

    /// The faults, with their hits.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// From now on the desk that it trades with stands there.
    pub fn stand(&mut self, situation: Situation) {
        self.faults.stand(situation);
    }

    /// No fault strikes any more.
    pub fn behave(&mut self) {
        self.faults.keep(0);
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.faults.strikes(fault, &mut self.rng)
    }

    /// Draws the fate of a new order.
    fn enter(&mut self, now: MonoNs, command: &OrderCommand) {
        if self.orders.contains_key(&command.order_id) {
            // An id that was used is refused without a word: the sender must not use it twice.
            return;
        }
        let venue_order_id = self.number();
        let id = command.order_id;
        let held = Held {
            command: *command,
            venue_order_id,
            open: command.qty_lots,
            cum: 0,
            is_live: true,
        };
        self.orders.insert(id, held);
        let mut at = now.0 + self.manners.ack.draw(&mut self.rng);
        if self.strikes(Fault::LateAck) {
            at += self.manners.late.draw(&mut self.rng);
        }
        if self.strikes(Fault::ForeignReport) {
            self.acts.push(MonoNs(at), Act::Foreign);
        }
        if self.strikes(Fault::Reject) {
            self.acts.push(MonoNs(at), Act::Reject(id));
            return;
        }
        let is_silent_ack = self.strikes(Fault::FillBeforeAck);
        if !is_silent_ack || self.rng.bool() {
            let late = if is_silent_ack { self.manners.fill.draw(&mut self.rng) * 2 } else { 0 };
            self.acts.push(MonoNs(at + late), Act::Accept(id));
        }
        if self.strikes(Fault::RejectAfterAck) {
            at += self.manners.fill.draw(&mut self.rng);
            self.acts.push(MonoNs(at + 1), Act::Reject(id));
            return;
        }
        self.plan_trades(at, command);
    }

    fn plan_trades(&mut self, mut at: u64, command: &OrderCommand) {
        let (id, qty) = (command.order_id, command.qty_lots);
        let is_empty = self.strikes(Fault::NoFill);
        let is_partial = self.strikes(Fault::PartialFill);
        let share = self.rng.u32(..qty.max(1));
        let is_all_or_none = command.time_in_force == TimeInForce::FillOrKill;
        let wanted = match (is_empty, is_partial && !is_all_or_none) {
            (true, _) => 0,
            (false, true) => share,
            (false, false) => qty,
        };
        let piece = if self.strikes(Fault::ManyFills) { 1 } else { qty.div_ceil(2).max(1) };
        let mut left = wanted;
        while left > 0 {
            at += self.manners.fill.draw(&mut self.rng) + 1;
            let lots = piece.min(left);
            left -= lots;
            let lie = self.lie();
            self.acts.push(MonoNs(at), Act::Trade { order_id: id, lots, lie });
        }
        if self.strikes(Fault::Overfill) {
            at += self.manners.fill.draw(&mut self.rng) + 1;
            let lots = self.rng.u32(1..=3);
            let lie = Some(Lie::Overfill);
            self.acts.push(MonoNs(at), Act::Trade { order_id: id, lots, lie });
        }
        if command.time_in_force != TimeInForce::Day || self.strikes(Fault::UnsolicitedCancel) {
            at += self.manners.fill.draw(&mut self.rng) + 1;
            self.acts.push(MonoNs(at), Act::Finish(id));
        } else if wanted < qty && self.rng.bool() {
            // It rests, and may trade much later.
            at += self.manners.late.draw(&mut self.rng);
            let lots = qty - wanted;
            self.acts.push(MonoNs(at), Act::Trade { order_id: id, lots, lie: None });
        }
    }

    fn lie(&mut self) -> Option<Lie> {
        let is_worse = self.strikes(Fault::WorsePrice);
        let is_wrong = self.strikes(Fault::WrongSide);
        match (is_worse, is_wrong) {
            (true, _) => Some(Lie::WorsePrice),
            (false, true) => Some(Lie::WrongSide),
            (false, false) => None,
        }
    }

    fn cancel(&mut self, now: MonoNs, id: OrderId) {
        let at = now.0 + self.manners.ack.draw(&mut self.rng);
        let Some(held) = self.orders.get(&id) else {
            return;
        };
        let (is_live, open) = (held.is_live, held.open);
        if !is_live || self.strikes(Fault::CancelRefused) {
            self.acts.push(MonoNs(at), Act::RefuseCancel(id));
            return;
        }
        if self.strikes(Fault::FillDuringCancel) && open > 0 {
            let lots = self.rng.u32(1..=open);
            self.acts.push(MonoNs(at - 1), Act::Trade { order_id: id, lots, lie: None });
        }
        self.acts.push(MonoNs(at), Act::Finish(id));
    }

    fn act(&mut self, now: MonoNs, act: Act) {
        match act {
            Act::Accept(id) => self.tell_if_live(now, id, OrderEventKind::Accepted),
            Act::Reject(id) => {
                // What has traded cannot be refused any more.
                if self.orders.get(&id).is_some_and(|held| held.cum == 0) {
                    self.tell_if_live(now, id, OrderEventKind::Rejected);
                    self.end(id);
                }
            }
            Act::Trade { order_id, lots, lie } => self.trade(now, order_id, lots, lie),
            Act::Finish(id) => self.finish(now, id),
            Act::RefuseCancel(id) => self.tell(now, id, OrderEventKind::CancelRejected),
            Act::Say(id) => {
                self.tell_if_live(now, id, OrderEventKind::Accepted);
                if self.orders.get(&id).is_some_and(|held| !held.is_live) {
                    self.tell(now, id, OrderEventKind::Cancelled);
                }
            }
            Act::Bust(booking) => self.bust(now, booking),
            Act::Foreign => {
                let blank = self.blank(now, OrderEventKind::Filled);
                let order_id = OrderId(u64::MAX - self.rng.u64(..1000));
                self.outbox.push_back(OrderEvent { order_id, qty_lots: 1, ..blank });
            }
        }
    }

    fn trade(&mut self, now: MonoNs, id: OrderId, lots: u32, lie: Option<Lie>) {
        let Some(held) = self.orders.get(&id) else {
            return;
        };
        let is_over = matches!(lie, Some(Lie::Overfill | Lie::AfterCancel));
        if !held.is_live && !is_over {
            return;
        }
        let lots = if is_over { lots } else { lots.min(held.open) };
        if lots == 0 {
            return;
        }
        let exec_id = self.number();
        let better = self.manners.tick_e9 * self.rng.i64(0..=1);
        let worse = self.manners.tick_e9 * self.rng.i64(1..=3);
        let Some(held) = self.orders.get_mut(&id) else {
            return;
        };
        held.cum += lots;
        held.open = held.open.saturating_sub(lots);
        let (command, venue_order_id) = (held.command, held.venue_order_id);
        let (cum, open) = (held.cum, held.open);
        if open == 0 {
            held.is_live = false;
        }
        let side = match lie {
            Some(Lie::WrongSide) => command.side.opposite(),
            _ => command.side,
        };
        let step = if lie == Some(Lie::WorsePrice) { worse } else { -better };
        let price_e9 = match command.side {
            Side::Buy => command.price_e9 + step,
            Side::Sell => command.price_e9 - step,
        };
        self.ledger.book(Booking {
            exec_id,
            order_id: id,
            instrument: command.instrument.0,
            side,
            lots,
            is_bust: false,
            is_honest: lie.is_none(),
        });
        self.outbox.push_back(OrderEvent {
            order_id: id,
            venue_order_id,
            exec_id,
            side,
            price_e9,
            qty_lots: lots,
            cum_lots: cum,
            leaves_lots: open,
            ..self.blank(now, OrderEventKind::Filled)
        });
        if self.strikes(Fault::Bust) {
            let at = now.0 + self.manners.late.draw(&mut self.rng) / 2;
            self.acts.push(MonoNs(at), Act::Bust(self.ledger.bookings().len() - 1));
        }
    }

    fn bust(&mut self, now: MonoNs, index: usize) {
        let busted = self.ledger.bookings()[index];
        let exec_id = self.number();
        let Some(held) = self.orders.get_mut(&busted.order_id) else {
            return;
        };
        held.cum = held.cum.saturating_sub(busted.lots);
        let (venue_order_id, cum, open) = (held.venue_order_id, held.cum, held.open);
        // A venue takes back what it booked: of a fill on the wrong side, the wrong side.
        self.ledger.book(Booking { exec_id, is_bust: true, is_honest: false, ..busted });
        self.outbox.push_back(OrderEvent {
            order_id: busted.order_id,
            venue_order_id,
            exec_id,
            side: busted.side,
            qty_lots: busted.lots,
            cum_lots: cum,
            leaves_lots: open,
            ..self.blank(now, OrderEventKind::Busted)
        });
    }

    /// What is left of an order is gone.
    fn finish(&mut self, now: MonoNs, id: OrderId) {
        let Some(held) = self.orders.get(&id).filter(|held| held.is_live) else {
            return;
        };
        let (open, cum) = (held.open, held.cum);
        self.end(id);
        let blank = self.blank(now, OrderEventKind::Cancelled);
        self.outbox.push_back(OrderEvent {
            order_id: id,
            venue_order_id: self.orders[&id].venue_order_id,
            cum_lots: cum,
            ..blank
        });
        if self.strikes(Fault::FillAfterCancel) && open > 0 {
            let at = now.0 + self.manners.fill.draw(&mut self.rng) + 1;
            let lots = self.rng.u32(1..=open);
            let lie = Some(Lie::AfterCancel);
            self.acts.push(MonoNs(at), Act::Trade { order_id: id, lots, lie });
        }
    }

    fn end(&mut self, id: OrderId) {
        if let Some(held) = self.orders.get_mut(&id) {
            held.is_live = false;
            held.open = 0;
        }
    }

    fn tell_if_live(&mut self, now: MonoNs, id: OrderId, kind: OrderEventKind) {
        if self.orders.get(&id).is_some_and(|held| held.is_live) {
            self.tell(now, id, kind);
        }
    }

    fn tell(&mut self, now: MonoNs, id: OrderId, kind: OrderEventKind) {
        let Some(held) = self.orders.get(&id) else {
            return;
        };
        let event = OrderEvent {
            order_id: id,
            venue_order_id: held.venue_order_id,
            side: held.command.side,
            cum_lots: held.cum,
            leaves_lots: held.open,
            reason: 1,
            ..self.blank(now, kind)
        };
        self.outbox.push_back(event);
    }

    fn blank(&self, now: MonoNs, kind: OrderEventKind) -> OrderEvent {
        OrderEvent { kind, exchange: UnixNs(self.utc_offset + now.0), ..OrderEvent::NONE }
    }
}

impl Venue for ToyVenue {
    fn request(&mut self, now: MonoNs, command: &OrderCommand) {
        match command.action {
            OrderAction::New => self.enter(now, command),
            OrderAction::Cancel => self.cancel(now, command.order_id),
            // The desk replaces nothing yet.
            OrderAction::Replace => {}
            OrderAction::Status => {
                // Nor does an answer take one of the venue's.
                let at = now.0 + self.manners.ack.draw(&mut self.rng.clone());
                self.acts.push(MonoNs(at), Act::Say(command.order_id));
            }
        }
    }

    fn disconnected(&mut self, now: MonoNs) {
        if !self.manners.cancels_on_disconnect {
            return;
        }
        let live = |(id, held): (&OrderId, &Held)| held.is_live.then_some(*id);
        let ids: Vec<_> = self.orders.iter().filter_map(live).collect();
        for id in ids {
            let at = now.0 + self.manners.fill.draw(&mut self.rng);
            self.acts.push(MonoNs(at), Act::Finish(id));
        }
    }

    fn next_at(&self) -> MonoNs {
        if self.outbox.is_empty() { self.acts.next_at() } else { MonoNs(0) }
    }

    fn report(&mut self, now: MonoNs) -> Option<OrderEvent> {
        loop {
            if let Some(event) = self.outbox.pop_front() {
                return Some(event);
            }
            let act = self.acts.pop_due(now)?;
            self.act(now, act);
        }
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
