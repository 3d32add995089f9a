//! One quote through the desk: no level is met, refused by the last gate, a fire, and one that has
//! a leg that rests taken back.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod fixture;
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use cross_market_connect::config::Configuration;
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use fixture::Market;
use measure::{Bench, Stopwatch, fold, fold_signed};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Command, CommandKind, Control, Credits, DeskId, DeskIdentity,
    Event, GatewayIndex, Input, InstrumentIndex, InstrumentSpec, LegSpec, MAX_GATEWAYS,
    OrderAction, OrderCommand, OrderEvent, OrderEventKind, Quote, Scope, SessionState,
    SessionUpdate, SiteId, SpreadIndex, SpreadSpec, StreamId, WorkSpec,
};
use xmc_hotpath::time::{MonoNs, Span};

/// Quotes of one batch.
const BATCH: usize = 64;
/// Events of the market that the quotes are from.
const EVENTS: usize = 2_000;
/// A level that no value of the spread meets.
const FAR_E9: i64 = 1_000_000_000_000_000;
/// Fires lie this far apart: no window gets full, and the other leg's quote is not too old.
const STEP_NS: u64 = 400_000_000;

/// All its figures.
pub fn main() {
    let mut bench = Bench::start("desk");
    let config = fixture::demo();
    let mut market = Market::new(&config);
    // Quotes of the first spread's legs, as they change.
    let quotes: Vec<Quote> = (0..EVENTS)
        .flat_map(|_| {
            market.step();
            let quotes = market.quotes();
            [quotes[0], quotes[1]]
        })
        .collect();

    let mut memory = memory(&config);
    let mut run = Run::new(&config, &mut memory, |spec| {
        spec.buy_open_e9 = -FAR_E9;
        spec.sell_open_e9 = FAR_E9;
    });
    run.begin(&quotes[..2]);
    let mut next = quotes.chunks_exact(BATCH).cycle();
    bench.parts("no trigger", |watch| {
        let batch = run.fresh(next.next().expect("there are quotes"));
        (BATCH as u64, watch.time(|| hot_quotes(&mut run, &batch, Credits::FULL)))
    });

    let mut memory = self::memory(&config);
    let mut run = Run::new(&config, &mut memory, always);
    run.begin(&quotes[..2]);
    let no_slots = Credits { gateway_slots: [0; MAX_GATEWAYS], ..Credits::FULL };
    let mut next = quotes.chunks_exact(BATCH).cycle();
    bench.parts("refused by the last gate", |watch| {
        let batch = run.fresh(next.next().expect("there are quotes"));
        (BATCH as u64, watch.time(|| hot_quotes(&mut run, &batch, no_slots)))
    });

    let mut memory = self::memory(&config);
    let mut run = Run::new(&config, &mut memory, always);
    run.begin(&quotes[..2]);
    let mut next = quotes.iter().cycle();
    bench.note("fire: one quote, two orders; two readings of the clock are in it");
    bench.parts("fire", |watch| {
        let quote = run.fresh(std::slice::from_ref(next.next().expect("there are quotes")));
        let digest = watch.time(|| hot_fire(&mut run, &quote));
        assert_eq!(run.outputs.order_count(), 2, "{:?}", run.outputs);
        run.settle();
        (1, digest)
    });

    bench.note("taken back: one quote of the leg that it leans on, and the cancel");
    resting(&mut bench, "taken back", OrderAction::Cancel);
    bench.note("sent anew: the venue's word that it has gone, and the next order");
    resting(&mut bench, "sent anew", OrderAction::New);
    currency(&mut bench);
}

/// A leg that rests at what the other one costs, which moves by one step and back: measured is what
/// ends with `action`.
fn resting(bench: &mut Bench, name: &str, action: OrderAction) {
    let config = fixture::demo();
    let (mut tick_e9, mut rows) = (0, [0, 0]);
    for control in inputs::controls(&config).0 {
        match control {
            Control::Spread(spec) if spec.spread.0 == 0 => {
                rows = [spec.legs[0].instrument.0, spec.legs[1].instrument.0];
            }
            Control::Instrument(spec) if spec.instrument.0 == rows[0] => tick_e9 = spec.tick_e9,
            _ => {}
        }
    }
    let mut memory = memory(&config);
    // Bought at what leg 0 costs, offered at as much in leg 1.
    let mut run = Run::new(&config, &mut memory, |spec| {
        always(spec);
        spec.buy_open_e9 = 0;
        spec.constant_e9 = 0;
        for (leg, ratio_lots) in spec.legs.iter_mut().zip([1, -1]) {
            (leg.ratio_lots, leg.coefficient_q32) = (ratio_lots, i64::from(ratio_lots) << 32);
        }
        let (improve_e9, behind_e9) = (0, tick_e9 * 10);
        spec.work = WorkSpec { leg: 1, slop_e9: 0, lag_e9: 0, improve_e9, behind_e9 };
    });
    let mut market = Market::new(&config);
    market.step();
    let book = market.quotes()[0];
    let [near, far] = [0, tick_e9].map(|by_e9| {
        let mut leaned = Quote { instrument: InstrumentIndex(rows[0]), ..book };
        leaned.asks.price_e9.iter_mut().for_each(|price_e9| *price_e9 += by_e9);
        leaned
    });
    let own = Quote { instrument: InstrumentIndex(rows[1]), ..book };
    let first = run.fresh(&[near, own]);
    quotes(&mut run, &first, Credits::FULL);
    let mut order = *run.outputs.orders().next().expect("it rests");
    let mut next = [far, near].into_iter().cycle();
    bench.parts(name, |watch| {
        run.tell_of(&order, OrderEventKind::Accepted);
        run.now = run.now.after(Span(STEP_NS));
        let pair = [own, next.next().expect("there are two")];
        let [same, leaned] = run.fresh(&pair)[..] else { unreachable!("two quotes") };
        let mut digest = quotes(&mut run, &[same], Credits::FULL);
        let is_first = action == OrderAction::Cancel;
        let taken = timed(watch, is_first, || hot_taken(&mut run, &leaned));
        let sent = timed(watch, !is_first, || hot_anew(&mut run, &order));
        digest = fold(fold(digest, taken), sent);
        let sent: Vec<OrderCommand> = run.outputs.orders().copied().collect();
        assert!(matches!(sent[..], [one] if one.action == OrderAction::New), "{:?}", run.outputs);
        order = sent[0];
        (1, digest)
    });
}

/// Runs `work`, on the clock or not.
fn timed(watch: &mut Stopwatch<'_>, is_timed: bool, work: impl FnOnce() -> u64) -> u64 {
    if is_timed { watch.time(work) } else { work() }
}

#[inline(never)]
fn hot_taken(run: &mut Run<'_>, quote: &Quote) -> u64 {
    let digest = quotes(run, std::slice::from_ref(quote), Credits::FULL);
    assert_eq!(run.outputs.order_count(), 1, "it is taken back: {:?}", run.outputs);
    digest
}

#[inline(never)]
fn hot_anew(run: &mut Run<'_>, order: &OrderCommand) -> u64 {
    run.tell_of(order, OrderEventKind::Cancelled);
    run.outputs.order_count() as u64
}

/// Pairs that one currency prices.
const PAIRS: u32 = 300;

/// A quote of a currency that prices every pair: looked at in slices until the desk asks for no
/// more, with no level met.
fn currency(bench: &mut Bench) {
    let size =
        DeskSize { instruments: 2 * PAIRS as usize + 1, spreads: PAIRS as usize, orders: 64 };
    let mut memory = DeskMemory::new(size);
    let identity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
    let mut run = Run {
        desk: Desk::new(identity, memory.lend()),
        outputs: Outputs::new(),
        now: MonoNs(STEP_NS),
    };
    let config = fixture::demo();
    let (controls, _) = inputs::controls(&config);
    let spec = controls.iter().find_map(|control| match control {
        Control::Instrument(spec) => Some(*spec),
        _ => None,
    });
    let of_pair = controls.iter().find_map(|control| match control {
        Control::Spread(spec) => Some(*spec),
        _ => None,
    });
    let (spec, of_pair) = (spec.expect("an instrument"), of_pair.expect("a pair"));
    for row in (0..=2 * PAIRS).map(InstrumentIndex) {
        run.tell(Event::Instrument(&InstrumentSpec { instrument: row, ..spec }));
    }
    for pair in 0..PAIRS {
        let mut of_pair = SpreadSpec { spread: SpreadIndex(pair), leg_count: 3, ..of_pair };
        let legs = [(1 + 2 * pair, 1), (2 + 2 * pair, -1), (0, 0)];
        for (leg, (row, ratio_lots)) in of_pair.legs.iter_mut().zip(legs) {
            let sign = if ratio_lots == 1 { 1 } else { -1 };
            *leg = LegSpec {
                instrument: InstrumentIndex(row),
                ratio_lots,
                coefficient_q32: sign << 32,
                ..LegSpec::NONE
            };
        }
        (of_pair.buy_open_e9, of_pair.sell_open_e9) = (-FAR_E9, FAR_E9);
        run.tell(Event::Spread(&of_pair));
    }
    let mut market = Market::new(&config);
    market.step();
    let book = market.quotes()[0];
    for row in (0..=2 * PAIRS).map(InstrumentIndex) {
        run.tell(Event::Quote { quote: &Quote { instrument: row, ..book }, more: false });
    }
    bench.note("currency: one quote that touches 300 pairs, and all ticks until each is looked at");
    bench.parts("currency", |watch| {
        let quote = Quote { instrument: InstrumentIndex(0), received: run.now, ..book };
        run.now = run.now.after(Span(STEP_NS));
        (1, watch.time(|| sweep(&mut run, &quote)))
    });
}

#[inline(never)]
fn sweep(run: &mut Run<'_>, quote: &Quote) -> u64 {
    let mut digest = quotes(run, std::slice::from_ref(quote), Credits::FULL);
    while run.desk.next_deadline() == MonoNs(0) {
        let input = Input { now: run.now, credits: Credits::FULL, event: Event::Tick };
        run.desk.on(&input, &mut run.outputs);
        digest = fold(digest, run.outputs.detail_count() as u64);
    }
    digest
}

/// Opens on every quote, as far as the gates let it.
fn always(spec: &mut SpreadSpec) {
    spec.buy_open_e9 = i64::MAX >> 1;
    spec.sell_open_e9 = i64::MAX;
    spec.hysteresis_e9 = 0;
    spec.cool_down = Span(0);
}

fn memory(config: &Configuration) -> DeskMemory {
    DeskMemory::new(DeskSize::new(config.instruments.len(), config.spreads.len()))
}

/// A desk that is armed, with its market and session up.
struct Run<'a> {
    desk: Desk<'a>,
    outputs: Outputs,
    now: MonoNs,
}

impl<'a> Run<'a> {
    /// `change` is done to the first spread; the others are disabled.
    fn new(
        config: &Configuration,
        memory: &'a mut DeskMemory,
        change: impl Fn(&mut SpreadSpec),
    ) -> Self {
        let identity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
        let desk = Desk::new(identity, memory.lend());
        let mut run = Self { desk, outputs: Outputs::new(), now: MonoNs(STEP_NS) };
        let (controls, _) = inputs::controls(config);
        for mut control in controls {
            if let Control::Spread(spec) = &mut control {
                spec.is_enabled = spec.spread.0 == 0;
                change(spec);
            }
            run.tell(control.as_event());
        }
        run.tell(Event::Channel(ChannelUpdate {
            stream: StreamId(config.feeds[0].stream_id.value),
            state: ChannelState::Live,
            epoch: 1,
            packet_seq_no: 1,
            missing: 0,
        }));
        run.tell(Event::Session(SessionUpdate {
            stream: StreamId(config.gateways[0].stream_id.value),
            gateway: GatewayIndex(0),
            state: SessionState::Up,
        }));
        run.tell(Event::Command(Command {
            kind: CommandKind::Arm,
            scope: Scope::All,
            operator: 0,
            command_id: 1,
        }));
        run
    }

    fn tell(&mut self, event: Event<'_>) {
        let input = Input { now: self.now, credits: Credits::FULL, event };
        self.desk.on(&input, &mut self.outputs);
        assert_eq!(self.outputs.order_count(), 0, "nothing fires yet: {:?}", self.outputs);
    }

    /// The first quote of each leg, so that none is missing.
    fn begin(&mut self, quotes: &[Quote]) {
        // Not through the functions whose instructions are counted.
        self::quotes(self, &self.fresh(quotes), Credits::FULL);
        self.settle();
        // A session that came up has the desk look at every row of its orders, part by part.
        while self.desk.next_deadline() == MonoNs(0) {
            self.tell(Event::Tick);
        }
    }

    /// The quotes as they are now, received just now.
    fn fresh(&self, quotes: &[Quote]) -> Vec<Quote> {
        quotes.iter().map(|quote| Quote { received: self.now, ..*quote }).collect()
    }

    /// Ends the orders of a fire without a fill, and lets time pass.
    fn settle(&mut self) {
        let orders: Vec<OrderCommand> = self.outputs.orders().copied().collect();
        for order in orders {
            self.tell_of(&order, OrderEventKind::Cancelled);
        }
        self.now = self.now.after(Span(STEP_NS));
    }

    /// What a venue says of an order.
    fn tell_of(&mut self, order: &OrderCommand, kind: OrderEventKind) {
        let event = Event::Order(OrderEvent {
            kind,
            order_id: order.order_id,
            venue_order_id: 1,
            side: order.side,
            received: self.now,
            ..OrderEvent::NONE
        });
        let input = Input { now: self.now, credits: Credits::FULL, event };
        self.desk.on(&input, &mut self.outputs);
    }
}

/// Quotes that fire nothing, or one that does.
#[inline(always)]
fn quotes(run: &mut Run<'_>, quotes: &[Quote], credits: Credits) -> u64 {
    let mut digest = 0;
    for quote in quotes {
        let event = Event::Quote { quote, more: false };
        run.desk.on(&Input { now: run.now, credits, event }, &mut run.outputs);
        digest = fold(digest, run.outputs.detail_count() as u64);
        for order in run.outputs.orders() {
            digest = fold_signed(fold(digest, u64::from(order.qty_lots)), order.price_e9);
        }
    }
    digest
}

#[inline(never)]
fn hot_quotes(run: &mut Run<'_>, batch: &[Quote], credits: Credits) -> u64 {
    quotes(run, batch, credits)
}

#[inline(never)]
fn hot_fire(run: &mut Run<'_>, quote: &[Quote]) -> u64 {
    quotes(run, quote, Credits::FULL)
}
