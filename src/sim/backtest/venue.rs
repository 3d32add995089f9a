//! The venues of a backtest: they match the desk's orders against the books of the source.
//!
//! An order that crosses takes what the book shows as it arrives, level by level, not what it
//! showed as it was decided on; a book that is not good shows nothing. What is taken is not there
//! again until the source shows another number of lots at that price. What is left of an order that
//! may rest stands at its price (`queue`); lots that go while a better price stands were cancelled,
//! and what goes while the book is bad or the market is shut is nobody's trade. Orders are refused
//! by rate, outside the band, while the market does not trade, and come back unsent while the
//! session is down. All of it is sans I/O: `play` carries messages.
//!
//! What it deliberately does not do: an own order changes nothing of what others do, and own orders
//! do not trade with each other; there are no busts, no lies and no lost messages (`sim::venue`).

use std::collections::{HashMap, VecDeque};

use xmc_hotpath::message::{
    Depth, GatewayIndex, Hours, InstrumentIndex, InstrumentSpec, MAX_GATEWAYS, OrderAction,
    OrderCommand, OrderEvent, OrderEventKind, OrderId, QUOTE_LEVELS, Quote, QuoteQuality, Side,
    StreamId, TimeInForce,
};
use xmc_hotpath::time::{MonoNs, UnixNs};

use super::queue::Place;
use crate::config::{BacktestVenue, QueueRule};

/// Why an order was refused, as the reason of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Refusal {
    /// Too many messages in the window.
    Rate = 1,
    /// The price is too far beyond the other side's best.
    Band = 2,
    /// The market does not trade: closed, halted, or nothing was shown of it yet.
    Closed = 3,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rate, Self::Band, Self::Closed];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Band => "band",
            Self::Closed => "closed",
        }
    }
}

/// An order that rests.
#[derive(Clone, Debug)]
struct Resting {
    command: OrderCommand,
    cum_lots: u32,
    open_lots: u32,
    place: Place,
}

/// One instrument at its venue.
#[derive(Clone, Debug)]
struct Book {
    quote: Quote,
    /// The last book that was good before one that was not, and whether one of those came since:
    /// bad, or while the market is shut. Then nobody knows what went.
    good: Quote,
    is_blind: bool,
    tick_e9: i64,
    hours: Option<Hours>,
    /// Lots that were taken, by price: of bids, of asks.
    taken: [Vec<(i64, u32)>; 2],
    resting: Vec<Resting>,
}

/// One gateway's venue.
#[derive(Clone, Debug)]
struct Door {
    terms: BacktestVenue,
    stream: StreamId,
    is_up: bool,
    came: VecDeque<MonoNs>,
    /// Executions so far.
    executions: u64,
}

/// How an order that is over ended.
#[derive(Clone, Copy, Debug)]
struct Known {
    cum_lots: u32,
    side: Side,
}

/// What comes of something that happened: events, and the gateway that they come through.
pub type Told = Vec<(GatewayIndex, OrderEvent)>;

/// All venues of a desk.
#[derive(Debug)]
pub struct Venues {
    queue: QueueRule,
    has_trades: bool,
    books: Vec<Book>,
    doors: Vec<Door>,
    over: HashMap<OrderId, Known>,
    /// The clock: UTC of the engine's zero.
    utc_ns: u64,
}

impl Venues {
    /// Venues that show nothing yet, of so many instruments; `terms` are by gateway. `utc_ns` is
    /// the UTC of moment zero.
    #[must_use]
    pub fn new(
        instruments: usize,
        queue: QueueRule,
        has_trades: bool,
        terms: impl Fn(usize) -> BacktestVenue,
        utc_ns: u64,
    ) -> Self {
        let book = Book {
            quote: Quote::EMPTY,
            good: Quote::EMPTY,
            is_blind: false,
            tick_e9: 0,
            hours: None,
            taken: [Vec::new(), Vec::new()],
            resting: Vec::new(),
        };
        let door = |row| Door {
            terms: terms(row),
            stream: StreamId(0),
            is_up: false,
            came: VecDeque::new(),
            executions: 0,
        };
        let doors = (0..MAX_GATEWAYS).map(door).collect();
        let books = vec![book; instruments];
        Self { queue, has_trades, books, doors, over: HashMap::new(), utc_ns }
    }

    /// How the venue of a gateway answers.
    #[must_use]
    pub fn terms(&self, gateway: GatewayIndex) -> BacktestVenue {
        self.doors.get(usize::from(gateway.0)).map_or_else(Default::default, |door| door.terms)
    }

    /// What an instrument is.
    pub fn instrument(&mut self, spec: &InstrumentSpec) {
        if let Some(book) = self.books.get_mut(spec.instrument.0 as usize) {
            book.tick_e9 = spec.tick_e9;
        }
    }

    /// When an instrument is traded.
    pub fn hours(&mut self, hours: &Hours) {
        if let Some(book) = self.books.get_mut(hours.instrument.0 as usize) {
            book.hours = Some(*hours);
        }
    }

    /// The session of a gateway changes. One that breaks has its orders cancelled by the venue.
    pub fn session(
        &mut self,
        now: MonoNs,
        gateway: GatewayIndex,
        stream: StreamId,
        is_up: bool,
        told: &mut Told,
    ) {
        let Some(door) = self.doors.get_mut(usize::from(gateway.0)) else { return };
        (door.stream, door.is_up) = (stream, is_up);
        if is_up {
            return;
        }
        for row in 0..self.books.len() {
            let is_here = |order: &Resting| order.command.gateway == gateway;
            while let Some(at) = self.books[row].resting.iter().position(is_here) {
                let order = self.books[row].resting.remove(at);
                self.cancelled(now, &order.command, order.cum_lots, told);
            }
        }
    }

    /// Whether messages reach a gateway's desk.
    #[must_use]
    pub fn is_up(&self, gateway: GatewayIndex) -> bool {
        self.doors.get(usize::from(gateway.0)).is_some_and(|door| door.is_up)
    }

    /// The source shows a book.
    #[inline]
    pub fn quote(&mut self, now: MonoNs, quote: &Quote, told: &mut Told) {
        let Some(book) = self.books.get_mut(quote.instrument.0 as usize) else { return };
        if book.taken.iter().all(Vec::is_empty) && book.resting.is_empty() {
            book.quote = *quote;
            book.is_blind = false;
            return;
        }
        self.shown(now, quote, told);
    }

    /// A book is shown while lots of it are taken, or own orders rest.
    ///
    /// A bad book, or one that is shown while the market is shut, moves nothing. What has gone when
    /// the next good one comes was not seen going: it is no trade of what rests, but no more lots
    /// stand before an order than are shown then.
    #[cold]
    fn shown(&mut self, now: MonoNs, quote: &Quote, told: &mut Told) {
        let row = quote.instrument.0 as usize;
        let book = &mut self.books[row];
        let mut then = std::mem::replace(&mut book.quote, *quote);
        let is_blind = book.is_blind;
        book.is_blind = quote.quality != QuoteQuality::Good || book.is_shut(now);
        match (is_blind, book.is_blind) {
            (true, true) => return,
            (false, true) => {
                book.good = then;
                return;
            }
            (true, false) => then = book.good,
            (false, false) => {}
        }
        let sides = [(&then.bids, &quote.bids), (&then.asks, &quote.asks)];
        for (taken, (then, now)) in book.taken.iter_mut().zip(sides) {
            taken.retain(|(price_e9, _)| shown_at(then, *price_e9) == shown_at(now, *price_e9));
        }
        for mut order in std::mem::take(&mut book.resting) {
            let side = order.command.side;
            let price_e9 = order.command.price_e9;
            let through = self.take(row, side, price_e9, order.open_lots);
            let lots: u32 = if through.is_empty() {
                let [was, is] = [&then, quote].map(|quote| own_side(quote, side));
                let is_first = [was, is].iter().all(|own| is_in_front(own, side, price_e9));
                let was = reach(was, side, price_e9).filter(|_| !is_blind);
                let is = reach(is, side, price_e9);
                // What goes behind a better price was cancelled, as where trades are told.
                let is_told = self.has_trades || !is_first;
                order.place.show(was, is, order.open_lots, self.queue, is_told)
            } else {
                // Whoever comes down to the order's price has met all that stood before it.
                order.place = Place::join(Some(0));
                through.iter().map(|(_, lots)| lots).sum()
            };
            self.rested(now, order, lots, told);
        }
    }

    /// The source tells of a trade: `lots` at a price.
    pub fn trade(
        &mut self,
        now: MonoNs,
        instrument: InstrumentIndex,
        price_e9: i64,
        lots: u32,
        told: &mut Told,
    ) {
        let row = instrument.0 as usize;
        let Some(book) = self.books.get_mut(row).filter(|book| !book.is_shut(now)) else { return };
        let mut left = lots;
        for mut order in std::mem::take(&mut book.resting) {
            let limit_e9 = order.command.price_e9;
            let is_through = match order.command.side {
                Side::Buy => price_e9 < limit_e9,
                Side::Sell => price_e9 > limit_e9,
            };
            let filled = if is_through {
                order.open_lots.min(left)
            } else if price_e9 == limit_e9 {
                order.place.trade(lots, order.open_lots).min(left)
            } else {
                0
            };
            left -= filled;
            self.rested(now, order, filled, told);
        }
    }

    /// A resting order trades `lots`, and goes on resting if some are left.
    fn rested(&mut self, now: MonoNs, mut order: Resting, lots: u32, told: &mut Told) {
        let row = order.command.instrument.0 as usize;
        if lots > 0 {
            order.cum_lots += lots;
            order.open_lots -= lots;
            let price_e9 = order.command.price_e9;
            self.filled(now, &order.command, price_e9, lots, order.cum_lots, told);
        }
        if order.open_lots > 0 {
            self.books[row].resting.push(order);
        } else {
            self.end(&order.command, order.cum_lots);
        }
    }

    /// A message of the desk arrives.
    pub fn arrive(&mut self, now: MonoNs, command: &OrderCommand, told: &mut Told) {
        let gateway = command.gateway;
        let row = command.instrument.0 as usize;
        let Some(door) = self.doors.get_mut(usize::from(gateway.0)) else { return };
        if !door.is_up || row >= self.books.len() {
            let kind = match command.action {
                OrderAction::New => OrderEventKind::NotSent,
                OrderAction::Cancel => OrderEventKind::CancelNotSent,
                OrderAction::Replace => OrderEventKind::ReplaceRejected,
                OrderAction::Status => return,
            };
            self.tell(now, command, kind, 0, told);
            return;
        }
        let is_too_many = door.is_too_many(now);
        match command.action {
            OrderAction::New if is_too_many => self.refuse(now, command, Refusal::Rate, told),
            OrderAction::New => self.enter(now, command, told),
            OrderAction::Cancel => {
                let is_it = |order: &Resting| order.command.order_id == command.order_id;
                match self.books[row].resting.iter().position(is_it) {
                    Some(at) => {
                        let order = self.books[row].resting.remove(at);
                        self.cancelled(now, &order.command, order.cum_lots, told);
                    }
                    None => {
                        self.tell(now, command, OrderEventKind::CancelRejected, 0, told);
                    }
                }
            }
            OrderAction::Replace => {
                self.tell(now, command, OrderEventKind::ReplaceRejected, 0, told);
            }
            OrderAction::Status => self.say(now, command, told),
        }
    }

    fn enter(&mut self, now: MonoNs, command: &OrderCommand, told: &mut Told) {
        let row = command.instrument.0 as usize;
        let terms = self.terms(command.gateway);
        if let Some(refusal) = self.books[row].refuses(now, command, terms.band_ticks) {
            self.refuse(now, command, refusal, told);
            return;
        }
        self.tell(now, command, OrderEventKind::Accepted, 0, told);
        let (side, price_e9, qty) = (command.side, command.price_e9, command.qty_lots);
        if command.time_in_force == TimeInForce::FillOrKill
            && self.books[row].there(side, price_e9) < u64::from(qty)
        {
            self.cancelled(now, command, 0, told);
            return;
        }
        let mut cum_lots = 0;
        for (price_e9, lots) in self.take(row, side, price_e9, qty) {
            cum_lots += lots;
            self.filled(now, command, price_e9, lots, cum_lots, told);
        }
        let open_lots = qty - cum_lots;
        match command.time_in_force {
            _ if open_lots == 0 => self.end(command, cum_lots),
            TimeInForce::Day => {
                let book = &self.books[row];
                let shown = reach(own_side(&book.quote, side), side, price_e9);
                let place = Place::join(shown.filter(|_| book.is_good()));
                let order = Resting { command: *command, cum_lots, open_lots, place };
                self.books[row].resting.push(order);
            }
            TimeInForce::FillAndKill | TimeInForce::FillOrKill => {
                self.cancelled(now, command, cum_lots, told);
            }
        }
    }

    /// Takes up to `wanted` lots at `limit_e9` or better: prices and lots.
    fn take(&mut self, row: usize, side: Side, limit_e9: i64, wanted: u32) -> Vec<(i64, u32)> {
        let book = &mut self.books[row];
        let mut missing = wanted;
        let mut got = Vec::new();
        let free: Vec<_> = book.free(side, limit_e9).collect();
        for (price_e9, free) in free {
            let lots = free.min(missing);
            if lots == 0 {
                continue;
            }
            missing -= lots;
            got.push((price_e9, lots));
            let taken = &mut book.taken[usize::from(side == Side::Buy)];
            match taken.iter_mut().find(|(known, _)| *known == price_e9) {
                Some((_, known)) => *known += lots,
                None => taken.push((price_e9, lots)),
            }
        }
        got
    }

    fn filled(
        &mut self,
        now: MonoNs,
        command: &OrderCommand,
        price_e9: i64,
        lots: u32,
        cum_lots: u32,
        told: &mut Told,
    ) {
        let door = &mut self.doors[usize::from(command.gateway.0)];
        door.executions += 1;
        // Venues must not share numbers.
        let exec_id = ((u64::from(command.gateway.0) + 1) << 48) | door.executions;
        let event = OrderEvent {
            kind: OrderEventKind::Filled,
            exec_id,
            price_e9,
            qty_lots: lots,
            cum_lots,
            leaves_lots: command.qty_lots - cum_lots,
            ..self.blank(now, command)
        };
        told.push((command.gateway, event));
    }

    fn cancelled(&mut self, now: MonoNs, command: &OrderCommand, cum_lots: u32, told: &mut Told) {
        self.end(command, cum_lots);
        let kind = OrderEventKind::Cancelled;
        told.push((command.gateway, OrderEvent { kind, cum_lots, ..self.blank(now, command) }));
    }

    fn refuse(&mut self, now: MonoNs, command: &OrderCommand, why: Refusal, told: &mut Told) {
        self.end(command, 0);
        let (kind, reason) = (OrderEventKind::Rejected, why as u32);
        told.push((command.gateway, OrderEvent { kind, reason, ..self.blank(now, command) }));
    }

    /// How an order stands.
    fn say(&mut self, now: MonoNs, command: &OrderCommand, told: &mut Told) {
        let books = self.books.iter().flat_map(|book| &book.resting);
        let mut resting = books.filter(|order| order.command.order_id == command.order_id);
        if let Some(order) = resting.next() {
            let (asked, cum_lots) = (order.command, order.cum_lots);
            self.tell(now, &asked, OrderEventKind::Accepted, cum_lots, told);
        } else if let Some(known) = self.over.get(&command.order_id) {
            let kind = OrderEventKind::Cancelled;
            let (cum_lots, side) = (known.cum_lots, known.side);
            let blank = self.blank(now, command);
            told.push((command.gateway, OrderEvent { kind, cum_lots, side, ..blank }));
        }
    }

    fn end(&mut self, command: &OrderCommand, cum_lots: u32) {
        self.over.insert(command.order_id, Known { cum_lots, side: command.side });
    }

    fn tell(
        &self,
        now: MonoNs,
        command: &OrderCommand,
        kind: OrderEventKind,
        cum_lots: u32,
        told: &mut Told,
    ) {
        let leaves_lots = match kind {
            OrderEventKind::Accepted => command.qty_lots.saturating_sub(cum_lots),
            _ => 0,
        };
        let blank = self.blank(now, command);
        told.push((command.gateway, OrderEvent { kind, cum_lots, leaves_lots, ..blank }));
    }

    fn blank(&self, now: MonoNs, command: &OrderCommand) -> OrderEvent {
        let door = self.doors.get(usize::from(command.gateway.0));
        OrderEvent {
            order_id: command.order_id,
            venue_order_id: command.order_id.0,
            stream: door.map_or(StreamId(0), |door| door.stream),
            side: command.side,
            exchange: UnixNs(self.utc_ns.wrapping_add(now.0)),
            ..OrderEvent::NONE
        }
    }
}

impl Door {
    /// Counts a message, and says whether a new order is one too many.
    fn is_too_many(&mut self, now: MonoNs) -> bool {
        if self.terms.max_messages == 0 {
            return false;
        }
        let window_ns = u64::from(self.terms.rate_window_ms) * 1_000_000;
        while self.came.front().is_some_and(|came| now.since(*came).0 >= window_ns) {
            self.came.pop_front();
        }
        self.came.push_back(now);
        self.came.len() > self.terms.max_messages as usize
    }
}

impl Book {
    fn is_shut(&self, now: MonoNs) -> bool {
        self.hours.is_some_and(|hours| now < hours.from || now >= hours.until)
    }

    fn is_good(&self) -> bool {
        self.quote.quality == QuoteQuality::Good
    }

    fn refuses(&self, now: MonoNs, command: &OrderCommand, band_ticks: u32) -> Option<Refusal> {
        if self.is_shut(now)
            || matches!(self.quote.quality, QuoteQuality::Unknown | QuoteQuality::Halted)
        {
            return Some(Refusal::Closed);
        }
        let band_e9 = i128::from(band_ticks) * i128::from(self.tick_e9);
        let other = other_side(&self.quote, command.side);
        let beyond_e9 = match command.side {
            Side::Buy => i128::from(command.price_e9) - i128::from(other.best_e9()),
            Side::Sell => i128::from(other.best_e9()) - i128::from(command.price_e9),
        };
        (band_ticks > 0 && other.count > 0 && beyond_e9 > band_e9).then_some(Refusal::Band)
    }

    /// What an order of a side finds at its limit or better: prices and lots that are not taken;
    /// nothing in a bad book.
    fn free(&self, side: Side, limit_e9: i64) -> impl Iterator<Item = (i64, u32)> {
        let taken = &self.taken[usize::from(side == Side::Buy)];
        let levels = other_side(&self.quote, side).levels();
        let is_in = move |(price_e9, _): &(i64, u32)| match side {
            Side::Buy => *price_e9 <= limit_e9,
            Side::Sell => *price_e9 >= limit_e9,
        };
        let is_good = self.is_good();
        levels.take_while(move |level| is_good && is_in(level)).map(|(price_e9, lots)| {
            let gone = taken.iter().find(|(known, _)| *known == price_e9);
            (price_e9, lots.saturating_sub(gone.map_or(0, |(_, gone)| *gone)))
        })
    }

    fn there(&self, side: Side, limit_e9: i64) -> u64 {
        self.free(side, limit_e9).map(|(_, lots)| u64::from(lots)).sum()
    }
}

fn own_side(quote: &Quote, side: Side) -> &Depth {
    if side == Side::Buy { &quote.bids } else { &quote.asks }
}

fn other_side(quote: &Quote, side: Side) -> &Depth {
    own_side(quote, side.opposite())
}

fn shown_at(depth: &Depth, price_e9: i64) -> u32 {
    depth.levels().find(|(known, _)| *known == price_e9).map_or(0, |(_, lots)| lots)
}

/// Whether nobody stands at a better price of a side's own book.
fn is_in_front(own: &Depth, side: Side, price_e9: i64) -> bool {
    own.count == 0
        || match side {
            Side::Buy => price_e9 >= own.best_e9(),
            Side::Sell => price_e9 <= own.best_e9(),
        }
}

/// Lots shown at a price of a side's own book; `None` if all its levels are shown and the price is
/// behind the last of them.
fn reach(depth: &Depth, side: Side, price_e9: i64) -> Option<u32> {
    let last = depth.levels().last().map(|(price_e9, _)| price_e9);
    let is_behind = last.is_some_and(|last| match side {
        Side::Buy => price_e9 < last,
        Side::Sell => price_e9 > last,
    });
    let is_full = depth.levels().count() == QUOTE_LEVELS;
    (!(is_full && is_behind)).then(|| shown_at(depth, price_e9))
}
