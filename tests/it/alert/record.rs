//! What a record says must be told, beside what each record of it means.

use crate::cli::run::sample;
use cross_market_connect::alert::record::{Limits, Reader};
use cross_market_connect::alert::rule::Rule;
use cross_market_connect::alert::signal::{Labels, Signal, labels};
use xmc_hotpath::message::{
    Alert, AlertKind, ChannelState, ChannelUpdate, Command, CommandKind, Credits, DeskId,
    DeskIdentity, Detail, Event, GatewayIndex, Input, InstrumentIndex, OrderId, Quote, SafeState,
    Scope, SessionState, SessionUpdate, SiteId, SpreadIndex, StateChange, StreamId,
};
use xmc_hotpath::record::frame::{self, Image, Images, MAX_LEN, Start, Writer};
use xmc_hotpath::time::{MonoNs, UnixNs};

const IDENTITY: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 4 };
const UTC: u64 = 1_780_000_000_000_000_000;

/// A reader, and the record that it is given.
struct Told {
    reader: Reader,
    seq_no: u64,
    index: u16,
}

impl Told {
    fn new() -> Self {
        let limits = Limits { one_sided_ms: 2_000, reject_pct: 20 };
        Self { reader: Reader::new(&sample(), limits), seq_no: 0, index: 0 }
    }

    fn take(&mut self, record: &[u8]) -> Vec<Signal> {
        let (header, body, rest) = frame::split(record).expect("a record");
        assert!(rest.is_empty());
        let mut out = Vec::new();
        self.reader.take(header, body, &mut out).expect("it reads");
        out
    }

    fn start(&mut self) -> Vec<Signal> {
        let start = Start {
            identity: IDENTITY,
            logic_version: 12,
            now: MonoNs(1_000),
            utc: UnixNs(UTC + 1_000),
            config_digest: [0; 32],
            arenas: [1, 1, 1],
        };
        let mut buffer = [0; MAX_LEN];
        let len = Writer { identity: IDENTITY }.start(&start, &mut buffer).expect("room");
        self.take(&buffer[..len])
    }

    fn input(&mut self, now: u64, event: Event<'_>) -> Vec<Signal> {
        (self.seq_no, self.index) = (self.seq_no + 1, 0);
        let input = Input { now: MonoNs(now), credits: Credits::FULL, event };
        let (mut buffer, mut rows) = ([0; MAX_LEN], [Image::EMPTY; 1]);
        let mut images = Images::new(&mut rows);
        let writer = Writer { identity: IDENTITY };
        let len = writer.input(self.seq_no, &input, &mut images, &mut buffer).expect("room");
        self.take(&buffer[..len])
    }

    fn detail(&mut self, detail: &Detail) -> Vec<Signal> {
        self.index += 1;
        let mut buffer = [0; MAX_LEN];
        let writer = Writer { identity: IDENTITY };
        let len = writer.detail(self.seq_no, self.index, detail, &mut buffer).expect("room");
        self.take(&buffer[..len])
    }
}

fn alert(kind: AlertKind, spread: u32, stream: StreamId, value: i64) -> Detail {
    let spread = SpreadIndex(spread);
    Detail::Alert(Alert { kind, spread, order_id: OrderId::NONE, stream, value })
}

fn state(spread: SpreadIndex, from: SafeState, to: SafeState, by_alert: bool) -> Detail {
    Detail::State(StateChange { spread, from, to, by_alert, cause: 6 })
}

/// Rules that were raised and cleared, with their labels.
fn words(signals: &[Signal]) -> Vec<(bool, Rule, Labels)> {
    let word = |signal: &Signal| match signal {
        Signal::Raise(raised) => (true, raised.rule, raised.labels.clone()),
        Signal::Clear { rule, labels } => (false, *rule, labels.clone()),
    };
    signals.iter().map(word).collect()
}

#[test]
fn each_alert_of_the_desk_is_raised_under_the_names_of_the_configuration() {
    let config = sample();
    let feed = StreamId(config.feeds[0].stream_id.value);
    let gateway = StreamId(config.gateways[0].stream_id.value);
    let mut told = Told::new();
    told.start();
    told.input(5_000, Event::Tick);
    for kind in AlertKind::ALL {
        let found = told.detail(&alert(*kind, 0, gateway, 0));
        let name = &config.spreads[0].name.value;
        let of = labels([("gateway", &config.gateways[0].name.value), ("spread", name)]);
        assert_eq!(words(&found), [(true, Rule::of_alert(*kind), of)]);
        let Signal::Raise(raised) = &found[0] else { panic!() };
        assert_eq!(raised.at_ns, UTC + 5_000, "when the desk took the input");
    }
    let number = i64::from(config.instruments[0].security_id.value);
    let feed_of = &config.feeds[config.instruments[0].feed];
    let stream = StreamId(feed_of.stream_id.value);
    let found = told.detail(&alert(AlertKind::FeedFrozen, u32::MAX, stream, number));
    let symbol = &config.instruments[0].symbol;
    let of = labels([("feed", &feed_of.name.value), ("instrument", symbol)]);
    assert_eq!(words(&found), [(true, Rule::FeedFrozen, of)]);
    // The whole channel.
    let found = told.detail(&alert(AlertKind::FeedFrozen, u32::MAX, feed, 0));
    let of = labels([("feed", &config.feeds[0].name.value)]);
    assert_eq!(words(&found), [(true, Rule::FeedFrozen, of)]);
}

#[test]
fn what_follows_from_a_quote_has_the_moment_of_the_quote() {
    let mut told = Told::new();
    told.start();
    told.input(5_000, Event::Tick);
    let quote = Quote { instrument: InstrumentIndex(0), ..Quote::EMPTY };
    assert_eq!(told.input(9_000, Event::Quote { quote: &quote, more: false }), []);
    let found = told.detail(&alert(AlertKind::OrderUnknown, 0, StreamId::NONE, 0));
    let Signal::Raise(raised) = &found[0] else { panic!() };
    assert_eq!(raised.at_ns, UTC + 9_000);
}

#[test]
fn what_is_well_again_is_cleared() {
    let config = sample();
    let (feed, gateway) = (config.feeds[0].stream_id.value, config.gateways[0].stream_id.value);
    let mut told = Told::new();
    told.start();
    let mut channel = |state| {
        let stream = StreamId(feed);
        let update = ChannelUpdate { stream, state, epoch: 1, packet_seq_no: 0, missing: 0 };
        words(&told.input(6_000, Event::Channel(update)))
    };
    let of = labels([("feed", &config.feeds[0].name.value)]);
    assert_eq!(channel(ChannelState::Stale), [(true, Rule::FeedStale, of.clone())]);
    let live = channel(ChannelState::Live);
    for rule in [Rule::FeedGap, Rule::FeedStale, Rule::FeedFrozen, Rule::FeedSingle] {
        assert!(live.contains(&(false, rule, of.clone())), "{rule:?}");
    }
    let single = channel(ChannelState::SingleLine);
    assert!(single.contains(&(false, Rule::FeedGap, of.clone())));
    assert!(!single.iter().any(|row| row.1 == Rule::FeedSingle), "that is what is wrong now");
    assert_eq!(channel(ChannelState::Suspect), []);
    let mut session = |state| {
        let (stream, gateway) = (StreamId(gateway), GatewayIndex(0));
        words(&told.input(7_000, Event::Session(SessionUpdate { stream, gateway, state })))
    };
    let of = labels([("gateway", &config.gateways[0].name.value)]);
    assert_eq!(session(SessionState::Gapped), [], "a logon asks for what came before");
    session(SessionState::Up);
    assert_eq!(session(SessionState::Gapped), [(true, Rule::SessionGapped, of.clone())]);
    let up = session(SessionState::Up);
    assert!(up.contains(&(false, Rule::SessionDown, of.clone())));
    assert!(up.contains(&(false, Rule::SessionGapped, of)));
}

#[test]
fn the_desks_state_is_one_alert_at_a_time_and_the_end_of_a_run_is_none() {
    let mut told = Told::new();
    told.start();
    told.input(8_000, Event::Tick);
    let all = SpreadIndex::ALL;
    let found = words(&told.detail(&state(all, SafeState::Normal, SafeState::NoNew, true)));
    assert_eq!(found, [(true, Rule::DeskNoNew, Labels::new())]);
    let found = words(&told.detail(&state(all, SafeState::NoNew, SafeState::Halt, false)));
    let expected = [(false, Rule::DeskNoNew, Labels::new()), (true, Rule::DeskHalt, Labels::new())];
    assert_eq!(found, expected);
    // The engine's own command that ends the run.
    let command = |command_id, operator| {
        let (kind, scope) = (CommandKind::NoNew, Scope::All);
        Event::Command(Command { kind, scope, operator, command_id })
    };
    told.input(9_000, command(2, 0));
    let change = state(all, SafeState::Normal, SafeState::NoNew, false);
    assert_eq!(told.detail(&change), []);
    // The same of an operator.
    told.input(9_000, command(2, 11));
    assert_eq!(words(&told.detail(&change)), [(true, Rule::DeskNoNew, Labels::new())]);
}

#[test]
fn a_spread_is_halted_until_it_is_cleared_and_reduced_until_it_is_enabled() {
    let config = sample();
    let of = labels([("spread", &config.spreads[0].name.value)]);
    let mut told = Told::new();
    told.start();
    told.input(8_000, Event::Tick);
    let spread = SpreadIndex(0);
    let found = told.detail(&state(spread, SafeState::Normal, SafeState::Halt, true));
    assert_eq!(words(&found), [(true, Rule::SpreadHalted, of.clone())]);
    let found = told.detail(&state(spread, SafeState::Halt, SafeState::NoNew, false));
    assert_eq!(words(&found), [(false, Rule::SpreadHalted, of.clone())]);
    let found = told.detail(&state(spread, SafeState::Normal, SafeState::NoNew, true));
    assert_eq!(words(&found), [(true, Rule::SpreadReducing, of.clone())]);
    let scope = Scope::Spread(spread);
    let command = Command { kind: CommandKind::Enable, scope, operator: 1, command_id: 1 };
    let found = told.input(9_000, Event::Command(command));
    assert_eq!(words(&found), [(false, Rule::SpreadReducing, of)]);
}

#[test]
fn a_run_begins_with_nothing_that_stood_in_the_one_before() {
    let config = sample();
    let found = words(&Told::new().start());
    assert!(found.iter().all(|(is_raised, ..)| !is_raised));
    for rule in [Rule::DeskHalt, Rule::DeskNoNew, Rule::RejectRatio] {
        assert!(found.contains(&(false, rule, Labels::new())), "{rule:?}");
    }
    for spread in &config.spreads {
        let of = labels([("spread", &spread.name.value)]);
        assert!(found.contains(&(false, Rule::SpreadHalted, of.clone())));
        assert!(found.contains(&(false, Rule::OneSided, of)));
    }
    for gateway in &config.gateways {
        let of = labels([("gateway", &gateway.name.value)]);
        assert!(found.contains(&(false, Rule::SessionDown, of)));
    }
}
