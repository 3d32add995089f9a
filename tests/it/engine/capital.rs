//! The money that orders use, while an engine runs: fills and marks in the book, what levels do to
//! pairs, and who may undo it.

use crate::config::sample;
use crate::journal::scratch::Scratch;
use cross_market_connect::capital::Stage;
use cross_market_connect::config::{self, CapitalLeg, CapitalWatch, Configuration};
use cross_market_connect::engine::capital::{
    CapitalDesk, CapitalError, Doubt, Figures, LOG, Trades, When,
};
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::memory::DeskMemory;
use cross_market_connect::engine::wire::{desk_size, identity};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use xmc_hotpath::desk::{Desk, Outputs, SpreadState};
use xmc_hotpath::message::{
    Alert, AlertKind, Carried, CarriedRun, CarriedUnits, ClockScale, Command, CommandKind, Control,
    Credits, Depth, Detail, Event, Input, InstrumentIndex, MAX_LEGS, Measure, OrderAction,
    OrderCommand, OrderEvent, OrderEventKind, OrderId, PositionEffect, Quote, QuoteQuality, Scope,
    Side, SpreadIndex, SpreadSpec, StreamId, TriggerSpec,
};
use xmc_hotpath::record::frame::{Body, OwnedEvent, OwnedInput};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const PATIENCE: Duration = Duration::from_secs(30);
/// A moment in 2026, when the test begins.
const BEGIN_NS: u64 = 1_795_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
/// The instruments held at home; the rest is abroad.
const HOME: [&str; 4] = ["cu", "bc", "au", "sc"];

/// The demonstration's configuration, its terms, and a book with this much at home.
struct Setting {
    scratch: Scratch,
    config: Configuration,
    watch: CapitalWatch,
}

fn setting(name: &str) -> Setting {
    let scratch = Scratch::new(name);
    let config = config::load(&sample("demo.toml"))
        .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let leg = |(instrument, row): (usize, &config::Instrument)| CapitalLeg {
        instrument,
        account: if HOME.contains(&row.name.value.as_str()) { "home" } else { "abroad" }.to_owned(),
        contract: row.name.value.clone(),
    };
    let traded = config.instruments.iter().enumerate().filter(|(_, row)| row.gateway.is_some());
    let watch = CapitalWatch {
        terms: sample("demo_capital.toml"),
        book: scratch.path("book.json"),
        look_ms: 20,
        book_hours: 24,
        legs: traded.map(leg).collect(),
    };
    let setting = Setting { scratch, config, watch };
    setting.write(&setting.book("2000000", 0));
    setting
}

fn price(contract: &str, currency: &str, price: &str) -> Value {
    json!({ "contract": contract, "currency": currency, "price": price })
}

impl Setting {
    /// A book of so many seconds after the test's beginning.
    fn book(&self, home: &str, after_s: u64) -> Value {
        let at = jiff::Timestamp::from_nanosecond(i128::from(BEGIN_NS + after_s * SECOND));
        let at = at.expect("a time");
        let account = |account: &str, currency: &str, settled: &str| {
            json!({
                "account": account, "currency": currency, "settled": settled, "deposits": "0",
                "withdrawals": "0", "realised": "0", "fees": "0", "frozen": "0",
            })
        };
        json!({
            "schema": "xmc.capital.book", "version": 1, "at": at.to_string(), "sample": true,
            "trading_day": at.strftime("%Y-%m-%d").to_string(),
            "fx": [{ "currency": "USD", "rate": "7.10", "at": at.to_string() }],
            "prices": [
                price("cu", "CNY", "88500"), price("bc", "CNY", "78300"), price("au", "CNY", "915"),
                price("sc", "CNY", "500"), price("hg", "USD", "5"), price("gc", "USD", "4000"),
                price("cl", "USD", "70"),
            ],
            "accounts": [account("home", "CNY", home), account("abroad", "USD", "400000")],
            "pools": [
                { "pool": "treasury_cny", "currency": "CNY", "balance": "9000000" },
                { "pool": "treasury_usd", "currency": "USD", "balance": "900000" },
            ],
            "positions": [], "orders": [],
        })
    }

    fn write(&self, book: &Value) {
        let next = self.scratch.path("next.json");
        std::fs::write(&next, book.to_string()).expect("it is ours");
        std::fs::rename(&next, &self.watch.book).expect("it is ours");
    }

    fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.scratch.path(LOG)).expect("it is there");
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    fn open(&self) -> Result<CapitalDesk, CapitalError> {
        let directory = self.scratch.path("");
        CapitalDesk::open(&self.watch, &self.config, &directory, None, UnixNs(BEGIN_NS))
    }

    fn instrument(&self, name: &str) -> u32 {
        let mut rows = self.config.instruments.iter();
        let place = rows.position(|row| row.name.value == name).expect("it is configured");
        u32::try_from(place).expect("few")
    }
}

/// An engine's cold side in small: a desk, the capital beside it, and the record between them.
struct Rig<'s, 'd> {
    setting: &'s Setting,
    desk: Desk<'d>,
    capital: CapitalDesk,
    trades: Trades,
    now: u64,
    orders: u64,
}

impl<'s, 'd> Rig<'s, 'd> {
    fn new(setting: &'s Setting, memory: &'d mut DeskMemory) -> Self {
        let scale = ClockScale { at: MonoNs(0), utc: UnixNs(BEGIN_NS), error: Span(0) };
        let mut rig = Self {
            setting,
            desk: Desk::new(identity(&setting.config, 1), memory.lend()),
            capital: setting.open().unwrap_or_else(|error| panic!("{error}")),
            trades: Trades::new(&setting.config).of_run(identity(&setting.config, 1), &scale),
            now: SECOND,
            orders: 0,
        };
        for control in inputs::controls(&setting.config).0 {
            rig.tell(control.as_event());
        }
        rig
    }

    fn tell(&mut self, event: Event<'_>) {
        let input = Input { now: MonoNs(self.now), credits: Credits::FULL, event };
        self.desk.on(&input, &mut Outputs::new());
    }

    /// A quote of one price on both sides.
    fn quote(&mut self, name: &str, price_e9: i64) {
        let instrument = InstrumentIndex(self.setting.instrument(name));
        let (mut bids, mut asks) = (Depth::NO_BIDS, Depth::NO_ASKS);
        for depth in [&mut bids, &mut asks] {
            (depth.price_e9[0], depth.lots[0], depth.count) = (price_e9, 100, 1);
        }
        let (received, quality) = (MonoNs(self.now), QuoteQuality::Good);
        let quote = Quote { received, instrument, quality, bids, asks, ..Quote::EMPTY };
        self.tell(Event::Quote { quote: &quote, more: false });
    }

    fn record(&mut self, event: OwnedEvent) {
        let now = MonoNs(self.now);
        self.trades.take(&Body::Input(OwnedInput { now, credits: Credits::FULL, event }));
    }

    /// An order that is filled whole, as the record has it.
    fn fill(&mut self, name: &str, effect: PositionEffect, side: Side, lots: u32, price_e9: i64) {
        self.orders += 1;
        let order_id = OrderId(self.orders);
        let instrument = InstrumentIndex(self.setting.instrument(name));
        let order = OrderCommand {
            action: OrderAction::New,
            order_id,
            instrument,
            side,
            effect,
            price_e9,
            qty_lots: lots,
            spread: SpreadIndex(0),
            ..OrderCommand::NONE
        };
        self.trades.take(&Body::Order(order));
        let news = OrderEvent {
            kind: OrderEventKind::Filled,
            order_id,
            exec_id: self.orders,
            side,
            price_e9,
            qty_lots: lots,
            cum_lots: lots,
            ..OrderEvent::NONE
        };
        self.record(OwnedEvent::Order(news));
    }

    /// Half a second later: what the desk was told, which it does.
    fn look(&mut self) -> Vec<Control> {
        let told = self.look_when(|when| when);
        for control in &told {
            self.tell(control.as_event());
        }
        told
    }

    /// The same, and the desk does nothing of it.
    fn look_when(&mut self, change: impl FnOnce(When) -> When) -> Vec<Control> {
        self.now += SECOND / 2;
        let now = MonoNs(self.now);
        let when = When {
            now,
            read: now,
            utc: UnixNs(BEGIN_NS + self.now),
            is_caught_up: true,
            has_difference: false,
            is_last: false,
        };
        self.capital.look(&mut self.trades, &self.desk, change(when), &|_| true)
    }

    /// Another book, until it is seen; what the desk was told then.
    fn give(&mut self, book: &Value) -> Vec<Control> {
        let seen = |figures: &Figures| (figures.books, figures.refused.clone());
        let before = seen(&self.figures());
        self.setting.write(book);
        let start = Instant::now();
        loop {
            let told = self.look();
            if seen(&self.figures()) != before {
                return told;
            }
            assert_eq!(told, [], "nothing else happens");
            assert!(start.elapsed() < PATIENCE, "the book is not seen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn figures(&self) -> Figures {
        let figures = self.capital.published().figures().expect("it has looked");
        (*figures).clone()
    }

    fn stages(&self) -> Vec<Stage> {
        self.figures().accounts.iter().map(|account| account.stage).collect()
    }

    fn states(&self) -> Vec<SpreadState> {
        let used = self.desk.spreads().iter().filter(|row| row.spec.is_some());
        used.map(|row| row.state).collect()
    }

    fn home(&self) -> [Decimal; 2] {
        let figures = self.figures();
        [figures.accounts[0].equity, figures.accounts[0].margin]
    }
}

const E9: i64 = 1_000_000_000;

fn with_rig(name: &str, test: impl FnOnce(&mut Rig<'_, '_>)) {
    let setting = setting(name);
    let mut memory = DeskMemory::new(desk_size(&setting.config));
    test(&mut Rig::new(&setting, &mut memory));
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn kinds(told: &[Control]) -> Vec<CommandKind> {
    let kind = |control: &Control| match control {
        Control::Command(command) => Some(command.kind),
        _ => None,
    };
    told.iter().filter_map(kind).collect()
}

#[test]
fn fills_marks_and_fees_are_in_the_book_at_once() {
    with_rig("capital_fills", |rig| {
        assert_eq!(rig.look(), []);
        assert_eq!(rig.home(), [decimal("2000000"), Decimal::ZERO]);
        // 10 lots of 5 t: margin of 14 % of 88,400, a fee of 0.00005, and then the price rises.
        rig.fill("cu", PositionEffect::Open, Side::Buy, 10, 88_400 * E9);
        rig.look();
        assert_eq!(rig.home(), [decimal("2004779"), decimal("618800")]);
        rig.quote("cu", 88_600 * E9);
        rig.look();
        assert_eq!(rig.home(), [decimal("2009779"), decimal("618800")]);
        // Closed a little lower: 10 lots gain 100, less both fees.
        rig.fill("cu", PositionEffect::CloseToday, Side::Sell, 10, 88_500 * E9);
        rig.look();
        assert_eq!(rig.home(), [decimal("2004557.75"), Decimal::ZERO]);
        assert_eq!(rig.figures().doubts, []);
        // Abroad one against the other: sold twice, bought once.
        for side in [Side::Sell, Side::Sell, Side::Buy] {
            rig.fill("hg", PositionEffect::Net, side, 1, 5 * E9);
        }
        rig.look();
        let abroad = &rig.figures().accounts[1];
        assert_eq!((abroad.equity, abroad.margin), (decimal("399992.5"), decimal("16000")));
    });
}

#[test]
fn a_warning_comes_with_one_instruction_and_stops_nothing() {
    with_rig("capital_warning", |rig| {
        rig.quote("cu", 88_500 * E9);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 26, 88_500 * E9);
        assert_eq!(rig.look(), [], "80.5 % is a warning");
        assert_eq!(rig.stages(), [Stage::Warn, Stage::Normal]);
        let transfers = rig.figures().transfers;
        assert_eq!(transfers.len(), 1, "{transfers:?}");
        let transfer = &transfers[0];
        assert_eq!((transfer.route.as_str(), transfer.to.as_str()), ("to_home", "home"));
        // What is asked for brings the account back to its target of 70 %, and covers the worst.
        let [equity, margin] = rig.home();
        assert!(margin / (equity + transfer.amount) <= decimal("0.70"), "{transfer:?}");
        // Down and up again: the money is under way, and is not asked for twice.
        rig.fill("cu", PositionEffect::CloseToday, Side::Sell, 10, 88_500 * E9);
        rig.look();
        assert_eq!(rig.stages(), [Stage::Normal; 2]);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 10, 88_500 * E9);
        rig.look();
        assert_eq!(rig.stages(), [Stage::Warn, Stage::Normal]);
        assert_eq!(rig.figures().transfers.back().map(|row| row.number), Some(1));
        let told = rig.setting.log();
        let of = |event: &str| told.iter().filter(|line| line["event"] == event).count();
        assert_eq!((of("instruction"), of("stage"), of("book")), (1, 3, 1), "{told:?}");
    });
}

#[test]
fn pairs_close_only_while_money_is_short_and_open_again_when_it_is_there() {
    with_rig("capital_reduce", |rig| {
        let enabled = vec![SpreadState::Enabled; rig.states().len()];
        rig.quote("cu", 88_500 * E9);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 30, 88_500 * E9);
        let told = rig.look();
        // Every pair has a leg at home.
        assert_eq!(kinds(&told), vec![CommandKind::NoNew; enabled.len()]);
        assert_eq!(rig.stages()[0], Stage::ReduceOnly);
        assert!(rig.states().iter().all(|state| *state == SpreadState::Reducing));
        assert_eq!(rig.look(), [], "it is told once");

        // Somebody lets one open: it is not theirs to give.
        let enable = Command {
            kind: CommandKind::Enable,
            scope: Scope::Spread(SpreadIndex(1)),
            operator: 1,
            command_id: 7,
        };
        rig.tell(Event::Command(enable));
        rig.record(OwnedEvent::Command(enable));
        let told = rig.look();
        assert_eq!(kinds(&told), [CommandKind::NoNew]);
        // A breaker trips on another, which stays as the breaker has it.
        rig.trades.take(&Body::Detail(Detail::Alert(Alert {
            kind: AlertKind::RejectBreaker,
            spread: SpreadIndex(2),
            order_id: OrderId::NONE,
            stream: StreamId::NONE,
            value: 5,
        })));

        // The brokers' next book has the money, and the lots are added to it.
        let book = rig.setting.book("4000000", 0);
        let told = rig.give(&book);
        assert_eq!(kinds(&told), vec![CommandKind::Enable; enabled.len() - 1]);
        assert_eq!(rig.stages(), [Stage::Normal; 2]);
        assert_eq!(rig.home(), [decimal("3999336.25"), decimal("1858500")]);
        let mut states = rig.states();
        assert_eq!(states.remove(2), SpreadState::Reducing);
        assert_eq!(states, enabled[1..]);
    });
}

#[test]
fn what_pairs_off_closes_at_any_price_and_has_its_levels_back_afterwards() {
    pair_off(|spec| spec, i64::MIN);
    // A ratio is above zero, and so are its levels.
    let ratio = |spec: SpreadSpec| SpreadSpec {
        trigger: TriggerSpec { measure: Measure::Ratio, ..TriggerSpec::PLAIN },
        buy_open_e9: E9 / 2,
        buy_close_e9: E9,
        sell_open_e9: 2 * E9,
        sell_close_e9: E9,
        ..spec
    };
    pair_off(ratio, 1);
}

fn pair_off(change: impl Fn(SpreadSpec) -> SpreadSpec, always_e9: i64) {
    with_rig("capital_pair_off", |rig| {
        let spread = SpreadIndex(1);
        let spec = change(rig.desk.spreads()[1].spec.expect("it is configured"));
        rig.tell(Event::Spread(&spec));
        let units = CarriedUnits {
            spread,
            position_units: 3,
            residual_lots: [0; MAX_LEGS],
            is_halted: false,
        };
        rig.tell(Event::Carried(&Carried::Units(units)));
        assert_eq!(rig.desk.spreads()[1].position_units, 3);
        let before = rig.desk.spreads()[1].spec.expect("it is configured");
        rig.quote("cu", 88_500 * E9);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 31, 88_500 * E9);
        rig.look();
        assert_eq!(rig.stages()[0], Stage::PairOff);
        let spec = rig.desk.spreads()[1].spec.expect("it is configured");
        assert_eq!((spec.buy_close_e9, spec.sell_close_e9), (always_e9, i64::MAX));
        assert_eq!((spec.hysteresis_e9, spec.trigger.close_hold), (0, Span(0)));
        // With all that it may have fired before, it never fires too often for its window.
        let most = u64::from(before.max_fires) + spec.fire_window.0 / spec.cool_down.0;
        assert!(most < u64::from(spec.max_fires), "{spec:?}");
        assert_eq!(rig.look(), [], "it is told once");
        // Somebody who changes a limit tells the levels that were: they are put back.
        let limited = SpreadSpec { max_units: 3, ..before };
        rig.tell(Event::Spread(&limited));
        rig.look();
        let spec = rig.desk.spreads()[1].spec.expect("it is configured");
        assert_eq!((spec.buy_close_e9, spec.max_units), (always_e9, 3));
        assert_eq!(rig.desk.spreads()[1].state, SpreadState::Reducing);
        let flat = rig.desk.spreads()[0].spec.expect("it is configured");
        assert_ne!(flat.buy_close_e9, i64::MIN, "what holds nothing has nothing to close");

        let book = rig.setting.book("4000000", 0);
        rig.give(&book);
        let limited = SpreadSpec { max_units: 3, ..before };
        assert_eq!(rig.desk.spreads()[1].spec, Some(limited));
        assert_eq!(rig.desk.spreads()[1].state, SpreadState::Enabled);
    });
}

/// Who lowers how often a spread may fire while it closes has it lowered, then and afterwards: it
/// takes two to raise it, and this program is nobody.
#[test]
fn what_a_person_lowers_while_a_pair_closes_stays_lowered() {
    with_rig("capital_lowered", |rig| {
        let units = CarriedUnits {
            spread: SpreadIndex(1),
            position_units: 3,
            residual_lots: [0; MAX_LEGS],
            is_halted: false,
        };
        rig.tell(Event::Carried(&Carried::Units(units)));
        let spec = |rig: &Rig<'_, '_>| rig.desk.spreads()[1].spec.expect("it is configured");
        let before = spec(rig);
        rig.quote("cu", 88_500 * E9);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 31, 88_500 * E9);
        rig.look();
        let closing = spec(rig);
        assert!(closing.max_fires > before.max_fires);
        let lowered = SpreadSpec { max_fires: before.max_fires / 2, ..closing };
        rig.tell(Event::Spread(&lowered));
        rig.look();
        assert_eq!(spec(rig).max_fires, lowered.max_fires);
        // It closes all the same, no faster than that allows.
        assert_eq!(spec(rig).buy_close_e9, i64::MIN);
        let most = spec(rig).fire_window.0 / spec(rig).cool_down.0;
        assert!(most < u64::from(lowered.max_fires), "{:?}", spec(rig));
        assert_eq!(rig.look(), [], "it is told once");
        // A level that somebody changes meanwhile is theirs as well.
        let changed = SpreadSpec { sell_close_e9: before.sell_close_e9 + E9, ..spec(rig) };
        rig.tell(Event::Spread(&changed));
        rig.look();
        assert_eq!(spec(rig).sell_close_e9, i64::MAX);

        let book = rig.setting.book("4000000", 0);
        rig.give(&book);
        let (max_fires, sell_close_e9) = (lowered.max_fires, changed.sell_close_e9);
        assert_eq!(spec(rig), SpreadSpec { max_fires, sell_close_e9, ..before });
    });
}

/// A market that leaves the prices which the terms believe is told, and nothing is opened on marks
/// that stand still.
#[test]
fn a_market_beyond_the_terms_is_doubted_until_it_is_back() {
    with_rig("capital_outside", |rig| {
        rig.quote("sc", 500 * E9);
        assert_eq!(rig.look(), []);
        for price in [5, 100_000] {
            rig.quote("sc", price * E9);
            let told = rig.look();
            let doubts = rig.figures().doubts;
            let [Doubt::PriceOutside { contract, lowest, highest }] = &doubts[..] else {
                panic!("{price}: {doubts:?}")
            };
            assert_eq!(contract, "sc");
            assert!(*lowest > decimal("5") && *highest < decimal("100000"), "{doubts:?}");
            assert_eq!(kinds(&told), vec![CommandKind::NoNew; rig.states().len()]);
            // One without any price says nothing of where the market is.
            let instrument = InstrumentIndex(rig.setting.instrument("sc"));
            let quote = Quote { received: MonoNs(rig.now), instrument, ..Quote::EMPTY };
            rig.tell(Event::Quote { quote: &quote, more: false });
            rig.look();
            assert_eq!(rig.figures().doubts, doubts);
            rig.quote("sc", 501 * E9);
            assert_eq!(kinds(&rig.look()), vec![CommandKind::Enable; rig.states().len()]);
            assert_eq!(rig.figures().doubts, []);
        }
    });
}

#[test]
fn what_is_not_seen_is_not_given_back() {
    with_rig("capital_unseen", |rig| {
        rig.quote("cu", 88_500 * E9);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 30, 88_500 * E9);
        let all = rig.states().len();
        assert_eq!(kinds(&rig.look()), vec![CommandKind::NoNew; all]);
        rig.fill("cu", PositionEffect::CloseToday, Side::Sell, 30, 88_500 * E9);
        // Somebody's command is on its way, or the shadow is behind.
        let late = |when| When { is_caught_up: false, ..when };
        assert_eq!(rig.look_when(late), []);
        assert_eq!(kinds(&rig.look()), vec![CommandKind::Enable; all]);
        // A shadow that does something else is no shadow: nothing is opened, once.
        let differs = |when| When { has_difference: true, ..when };
        let told = rig.look_when(differs);
        let [Control::Command(command)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((command.kind, command.scope), (CommandKind::NoNew, Scope::All));
        assert_eq!(rig.look_when(differs), []);
        assert_eq!(rig.figures().doubts, [Doubt::NotFollowed]);
    });
}

/// A counter tells its whole day at the first logon of a run: what the run before has read is not
/// news, and what nobody has read is.
#[test]
fn fills_of_orders_that_were_over_before_are_known() {
    for (run, doubts) in [(6, Vec::new()), (7, vec![Doubt::Unexplained])] {
        with_rig("capital_retold", |rig| {
            let before = identity(&rig.setting.config, run);
            let now = identity(&rig.setting.config, 8);
            let scale = ClockScale { at: MonoNs(0), utc: UnixNs(BEGIN_NS), error: Span(0) };
            rig.trades = Trades::new(&rig.setting.config).of_run(now, &scale);
            let left = CarriedRun { run: 6, last_seq_no: 9, is_whole: true };
            rig.record(OwnedEvent::Carried(Carried::Run(left)));
            let news = OrderEvent {
                kind: OrderEventKind::Filled,
                order_id: OrderId::new(before, 3, 1),
                exec_id: 5,
                price_e9: 88_000 * E9,
                qty_lots: 2,
                ..OrderEvent::NONE
            };
            rig.record(OwnedEvent::Order(news));
            rig.look();
            assert_eq!(rig.figures().doubts, doubts, "run {run}");
        });
    }
}

#[test]
fn an_account_that_nothing_carries_halts_its_pairs_for_good() {
    with_rig("capital_stop", |rig| {
        rig.quote("cu", 88_500 * E9);
        rig.fill("cu", PositionEffect::Open, Side::Buy, 52, 88_500 * E9);
        let told = rig.look();
        assert_eq!(kinds(&told), vec![CommandKind::Kill; rig.states().len()]);
        // Whoever clears one gets it, closing only while nothing carries it.
        let clear = |kind| Command {
            kind,
            scope: Scope::Spread(SpreadIndex(0)),
            operator: 1,
            command_id: 9,
        };
        for kind in [CommandKind::ClearHalt, CommandKind::Enable] {
            rig.tell(Event::Command(clear(kind)));
            rig.record(OwnedEvent::Command(clear(kind)));
        }
        assert_eq!(kinds(&rig.look()), [CommandKind::NoNew]);
        assert_eq!(rig.states()[0], SpreadState::Reducing);
        let book = rig.setting.book("9000000", 0);
        assert_eq!(
            kinds(&rig.give(&book)),
            [CommandKind::Enable],
            "a person has to look at the rest"
        );
        assert_eq!(rig.stages(), [Stage::Normal; 2]);
        assert!(rig.states()[1..].iter().all(|state| *state == SpreadState::Halted));
    });
}

#[test]
fn figures_that_cannot_be_relied_on_open_nothing_until_a_newer_book() {
    with_rig("capital_doubt", |rig| {
        rig.look();
        rig.fill("au", PositionEffect::CloseToday, Side::Sell, 2, 915 * E9);
        let told = rig.look();
        let (account, contract) = ("home".to_owned(), "au".to_owned());
        assert_eq!(rig.figures().doubts, [Doubt::Unmatched { account, contract }]);
        assert_eq!(kinds(&told), vec![CommandKind::NoNew; rig.states().len()]);
        assert_eq!(rig.stages(), [Stage::ReduceOnly; 2]);
        // One of the same moment has the same fill after it, and a broken one changes nothing.
        let book = rig.setting.book("2500000", 0);
        rig.give(&book);
        assert_eq!(rig.figures().doubts.len(), 1);
        let mut wrong = rig.setting.book("3000000", 1);
        wrong["accounts"][0]["settled"] = json!("NaN");
        rig.give(&wrong);
        let why = rig.figures().refused.expect("it is refused");
        assert!(why.contains("NaN"), "{why}");
        assert_eq!(rig.home()[0], decimal("2500000"));
        // One that was made since then knows it.
        let book = rig.setting.book("2600000", 2);
        let told = rig.give(&book);
        assert_eq!((rig.figures().doubts, rig.figures().refused), (Vec::new(), None));
        assert_eq!(kinds(&told), vec![CommandKind::Enable; rig.states().len()]);
        assert_eq!(rig.home(), [decimal("2600000"), Decimal::ZERO]);
        // And nobody goes back.
        let book = rig.setting.book("9000000", 1);
        rig.give(&book);
        assert!(rig.figures().refused.is_some());
        assert_eq!(rig.home()[0], decimal("2600000"));
        // Nor into a time that has not come: its fills would be missed.
        let book = rig.setting.book("9000000", 30_000);
        rig.give(&book);
        assert_eq!(rig.home()[0], decimal("2600000"));

        // A day later neither book nor rate is worth anything.
        rig.now += 90_000 * SECOND;
        rig.look();
        let currency = "USD".to_owned();
        assert_eq!(rig.figures().doubts, [Doubt::RateOld { currency }, Doubt::BookOld]);
        rig.quote("cnh", 7 * E9);
        rig.look();
        assert_eq!(rig.figures().doubts, [Doubt::BookOld]);
    });
}

#[test]
fn names_sizes_and_currencies_that_cannot_be_right_are_refused() {
    let mut setting = setting("capital_legs");
    let book = setting.watch.book.clone();
    let refused = |setting: &Setting| setting.open().map(|_| ()).expect_err("it is refused");
    let legs = setting.watch.legs.clone();
    setting.watch.legs[0].account = "nowhere".to_owned();
    assert!(matches!(refused(&setting), CapitalError::Unknown { what: "account", .. }));
    setting.watch.legs = legs.clone();
    setting.watch.legs[0].contract = "zn".to_owned();
    assert!(matches!(refused(&setting), CapitalError::Unknown { what: "contract", .. }));
    // A lot of gold is not one of copper, and dollars are not yuan.
    for contract in ["au", "hg"] {
        setting.watch.legs[0].contract = contract.to_owned();
        let error = refused(&setting);
        assert!(matches!(error, CapitalError::Disagrees { .. }), "{error}");
    }
    setting.watch.legs = legs;
    setting.watch.book = PathBuf::from("nowhere.json");
    assert!(matches!(refused(&setting), CapitalError::Book(_)));
    setting.watch.book = book;
    assert!(setting.open().is_ok());
}
