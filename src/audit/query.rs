//! Which receipts are wanted, and what is said of each: the same with an index and without.

use super::CouldNotRun;
use super::facts::{Facts, Memory, is_indexed};
use super::labels::Labels;
use super::scan::{At, Deadline, Decoding, Scanned, scan_since};
use crate::hex;
use crate::monitor::words::Lang;
use crate::monitor::{number, ruling};
use crate::rule::expression;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::Path;
use xmc_hotpath::message::{
    AccountId, BreakerKind, Carried, CarriedRun, Denial, Detail, Gate, Instruction,
    InstrumentIndex, Obstacle, OrderId, ProjectId, SpreadIndex, StrategyId, Way,
};
use xmc_hotpath::record::frame::{Body, Kind, OwnedEvent};
use xmc_hotpath::risk::NO_LEG;
use xmc_hotpath::time::{MonoNs, UnixNs};

/// The place of a record among all of its desk: run, input, output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The run.
    pub run: u16,
    /// Sequence number of the input.
    pub input: u64,
    /// 0 for the input itself, 1.. for its outputs.
    pub index: u16,
}

impl Position {
    /// As one number that sorts the same.
    #[must_use]
    pub fn key(self) -> u128 {
        u128::from(self.run) << 80 | u128::from(self.input) << 16 | u128::from(self.index)
    }

    /// The place of a key.
    #[must_use]
    pub fn of_key(key: u128) -> Self {
        let low = |bits: u32| u64::try_from(key >> bits & u128::from(u64::MAX)).unwrap_or(0);
        Self {
            run: u16::try_from(key >> 80 & 0xFFFF).unwrap_or(0),
            input: low(16),
            index: u16::try_from(key & 0xFFFF).unwrap_or(0),
        }
    }
}

/// A record that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its place.
    pub position: Position,
    /// Where it lies in the journal.
    pub at: At,
    /// When the desk consumed its input.
    pub now: MonoNs,
    /// The same in UTC; 0 if not known.
    pub utc: UnixNs,
    /// What it is.
    pub kind: Kind,
    /// What it is about.
    pub facts: Facts,
    /// What it says.
    pub body: Body,
}

/// Which are wanted: all that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before.
    pub from: Option<UnixNs>,
    /// Before.
    pub to: Option<UnixNs>,
    /// Of this order.
    pub order: Option<OrderId>,
    /// Of this fill.
    pub fill: Option<u64>,
    /// Of one of these kinds; all if there are none.
    pub kinds: Vec<Kind>,
    /// Decided by this gate.
    pub gate: Option<Gate>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this strategy.
    pub strategy: Option<StrategyId>,
    /// Of this account.
    pub account: Option<AccountId>,
    /// Of this pair.
    pub spread: Option<SpreadIndex>,
    /// Of one of these products; all if `None`.
    pub instruments: Option<Vec<InstrumentIndex>>,
    /// Behind this place.
    pub after: Option<Position>,
}

impl Filter {
    /// Whether records are wanted that the index does not hold.
    #[must_use]
    pub fn needs_scan(&self) -> bool {
        self.kinds.iter().any(|kind| !is_indexed(*kind))
    }

    /// Whether a record is wanted.
    #[must_use]
    pub fn takes(&self, receipt: &Receipt) -> bool {
        fn is<T: PartialEq>(wanted: Option<T>, found: Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        fn is_either<T: PartialEq>(wanted: Option<T>, found: [Option<T>; 2]) -> bool {
            wanted.is_none() || found.contains(&wanted)
        }
        let facts = &receipt.facts;
        let is_instrument = self.instruments.as_ref().is_none_or(|wanted| {
            facts.instrument.is_some_and(|instrument| wanted.contains(&instrument))
        });
        self.from.is_none_or(|from| receipt.utc >= from)
            && self.to.is_none_or(|to| receipt.utc < to)
            && self.after.is_none_or(|after| receipt.position > after)
            && (self.kinds.is_empty() || self.kinds.contains(&receipt.kind))
            && is(self.order, facts.order)
            && is(self.fill, facts.fill)
            && is(self.gate, facts.gate)
            && is_either(self.project, facts.projects())
            && is_either(self.strategy, facts.strategies())
            && is(self.account, facts.account)
            && is_either(self.spread, facts.spreads())
            && is_instrument
    }
}

/// Tells `visit` every receipt that `filter` takes, in order, from the journal itself.
///
/// # Errors
/// `CouldNotRun` if there is nothing to read.
pub fn search(
    path: &Path,
    filter: &Filter,
    visit: impl FnMut(&Receipt) -> ControlFlow<()>,
) -> Result<Scanned, CouldNotRun> {
    search_within(path, filter, &mut Deadline::default(), visit).map(|(scanned, _)| scanned)
}

/// The same, read no longer than until `deadline`; also the moment in UTC up to which was read, 0
/// if that is not known.
///
/// # Errors
/// As `search`.
pub fn search_within(
    path: &Path,
    filter: &Filter,
    deadline: &mut Deadline,
    visit: impl FnMut(&Receipt) -> ControlFlow<()>,
) -> Result<(Scanned, UnixNs), CouldNotRun> {
    search_since(path, 0, filter, deadline, visit)
}

/// The same from the segment `first` on, with which a run begins (`scan::run_since`).
///
/// # Errors
/// As `search`.
pub fn search_since(
    path: &Path,
    first: u64,
    filter: &Filter,
    deadline: &mut Deadline,
    mut visit: impl FnMut(&Receipt) -> ControlFlow<()>,
) -> Result<(Scanned, UnixNs), CouldNotRun> {
    let mut decoding = Decoding::default();
    let mut memory = Memory::default();
    let reads_all = filter.needs_scan();
    let mut run = 0;
    let scanned = scan_since(path, first, |entry| {
        deadline.check()?;
        decoding.read_moment(entry.header, entry.body);
        let kind = entry.header.kind;
        if !reads_all && !is_indexed(kind) && kind != Kind::Clock {
            return ControlFlow::Continue(());
        }
        let Some(body) = decoding.read(entry.header, entry.body) else {
            return ControlFlow::Continue(());
        };
        let facts = memory.take(&body);
        if let Body::Start(start) = &body {
            run = start.identity.run;
        }
        let now = decoding.now;
        let receipt = Receipt {
            position: Position { run, input: entry.header.seq_no, index: entry.header.index },
            at: entry.at,
            now,
            utc: decoding.scale.date(now).unwrap_or(UnixNs(0)),
            kind,
            facts,
            body,
        };
        let is_wanted =
            filter.takes(&receipt) && (is_indexed(kind) || filter.kinds.contains(&kind));
        if is_wanted { visit(&receipt) } else { ControlFlow::Continue(()) }
    })?;
    Ok((scanned, decoding.utc()))
}

/// A receipt in words and figures, for tables and exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `run:input:index`.
    pub place: String,
    /// Nanoseconds since 1970; 0 if not known.
    pub utc_ns: u64,
    /// Nanoseconds on the engine's clock.
    pub now_ns: u64,
    /// What it is.
    pub kind: &'static str,
    /// The order.
    pub order: Option<String>,
    /// The fill.
    pub fill: Option<u64>,
    /// The pair.
    pub pair: Option<String>,
    /// The venue.
    pub venue: Option<String>,
    /// The product.
    pub product: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The strategy.
    pub strategy: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The gate.
    pub gate: Option<&'static str>,
    /// Buy or sell.
    pub side: Option<&'static str>,
    /// Lots.
    pub lots: Option<u32>,
    /// Price, units of 1e-9.
    pub price_e9: Option<i64>,
    /// The rest in words.
    pub what: String,
    /// `segment@block#record`: where it lies.
    pub at: String,
}

impl Receipt {
    /// In words and figures.
    #[must_use]
    pub fn row(&self, labels: &Labels) -> Row {
        let facts = &self.facts;
        let (lots, price_e9) = self.lots_and_price();
        let Position { run, input, index } = self.position;
        Row {
            place: format!("{run}:{input}:{index}"),
            utc_ns: self.utc.0,
            now_ns: self.now.0,
            kind: self.kind.word(),
            order: facts.order.map(|id| format!("{:#018x}", id.0)),
            fill: facts.fill,
            pair: facts.spread.map(|spread| labels.spread(spread)),
            venue: facts.instrument.map(|instrument| labels.venue(instrument)),
            product: facts.instrument.map(|instrument| labels.instrument(instrument)),
            project: facts.project.map(|project| labels.project(project)),
            strategy: facts.strategy.map(|strategy| labels.strategy(strategy)),
            account: facts.account.map(|account| labels.account(account)),
            gate: facts.gate.map(Gate::word),
            side: super::facts::side(&self.body).map(|side| side.word()),
            lots,
            price_e9,
            what: self.what(labels),
            at: format!("{:08}@{}#{}", self.at.segment, self.at.block, self.at.record),
        }
    }

    fn lots_and_price(&self) -> (Option<u32>, Option<i64>) {
        match &self.body {
            Body::Order(order) => (Some(order.qty_lots), Some(order.price_e9)),
            Body::Input(input) => match &input.event {
                OwnedEvent::Order(event) if event.qty_lots > 0 => {
                    (Some(event.qty_lots), Some(event.price_e9))
                }
                _ => (None, None),
            },
            Body::Detail(_) | Body::Start(_) => (None, None),
        }
    }

    fn what(&self, labels: &Labels) -> String {
        match &self.body {
            Body::Order(order) => {
                let effect = order.effect.word();
                format!("{} {effect} {}", order.action.word(), order.time_in_force.word())
            }
            Body::Detail(detail) => match detail {
                Detail::Decision(decision) => {
                    let value = labels.value(decision.spread, decision.value_e9);
                    let level = labels.value(decision.spread, decision.level_e9);
                    let intent = decision.intent.word();
                    let mut text =
                        format!("{intent} x{} at {value}, level {level}", decision.units);
                    if decision.rests != NO_LEG {
                        text.push_str(&format!("; leg {} rests", decision.rests));
                    }
                    if decision.gate != Gate::Passed {
                        let (seen, limit) = (decision.seen, decision.limit);
                        text.push_str(&format!("; saw {seen}, limit {limit}"));
                    }
                    if decision.repeated > 0 {
                        text.push_str(&format!("; {} like it before", decision.repeated));
                    }
                    text
                }
                Detail::Alert(alert) => format!("{} ({})", alert.kind.word(), alert.value),
                Detail::State(change) => {
                    format!("{} -> {}", change.from.word(), change.to.word())
                }
                Detail::Ending(ending) => {
                    let ratio = if ending.is_aligned { "in ratio" } else { "OUT OF RATIO" };
                    let (done, units) = (ending.done_units, ending.units);
                    format!("{done} of {units} units, {ratio}, {} ns", ending.took.0)
                }
                Detail::Repair(repair) => {
                    let way = |of: &Way| match of.cost_e9 {
                        i64::MAX => of.obstacle.word().to_owned(),
                        cost_e9 => {
                            format!("{} {}", number::e9(cost_e9.into(), 2), of.obstacle.word())
                        }
                    };
                    let [complete, unwind] = [&repair.complete, &repair.unwind].map(way);
                    let (taken, attempt) = (repair.way.word(), repair.attempt);
                    format!("{taken}, try {attempt}: complete {complete}, unwind {unwind}")
                }
                Detail::Internal(internal) => {
                    let [buyer, seller] =
                        [internal.buy, internal.sell].map(|side| labels.spread(side.spread));
                    let price = labels.price(internal.instrument, internal.price_e9);
                    format!("inside: {} lots at {price}, {buyer} from {seller}", internal.lots)
                }
                Detail::Ruling(ruling) => match &labels.setting {
                    Some(setting) => ruling::of_setting(setting, ruling, Lang::En),
                    None => ruling::words(None, ruling, &[], Lang::En),
                },
                Detail::Follow(follow) => {
                    let (lead, lots) = (follow.lead, follow.lead_lots);
                    let (step, units) = (follow.step.word(), follow.units);
                    let mut text =
                        format!("{step}: {units} units behind leg {lead}, of which {lots} lots");
                    let held_by = match follow.obstacle {
                        Obstacle::Nothing => None,
                        Obstacle::Gate => Some(follow.gate.word()),
                        other => Some(other.word()),
                    };
                    if let Some(by) = held_by {
                        text += &format!("; {by}: saw {}, limit {}", follow.seen, follow.limit);
                    }
                    text
                }
            },
            Body::Input(input) => event(&input.event, labels),
            Body::Start(start) => format!("logic version {}", start.logic_version),
        }
    }
}

/// What an earlier run left, in words.
fn left(carried: &Carried) -> String {
    match carried {
        Carried::Run(CarriedRun { run: 0, .. }) => "begins with nothing held".to_owned(),
        Carried::Run(CarriedRun { run, last_seq_no, is_whole: true }) => {
            format!("goes on from run {run}, input {last_seq_no}")
        }
        Carried::Run(CarriedRun { run, last_seq_no, is_whole: false }) => {
            format!("GAP: run {run} is known to input {last_seq_no} only")
        }
        Carried::Units(units) => {
            let halted = if units.is_halted { ", halted" } else { "" };
            format!("{} units held{halted}", units.position_units)
        }
        Carried::Unknown(lots) => {
            format!("unknown: {} lots bought, {} sold", lots.buy_lots, lots.sell_lots)
        }
        Carried::Account(lots) => format!("{} lots open", lots.gross_lots),
        Carried::Order(order) => {
            let (filled, asked) = (order.filled_lots, order.qty_lots);
            format!("unknown: {} {asked} lots, {filled} filled", order.side.word())
        }
    }
}

/// Who has asked for something, with the number and the digest of what was signed.
fn instruction(asked: &Instruction, labels: &Labels) -> String {
    let mut text = match (asked.operator, asked.second) {
        (0, _) => "nobody known".to_owned(),
        (first, 0) => labels.operator(first),
        (first, second) => format!("{} and {}", labels.operator(first), labels.operator(second)),
    };
    if asked.counter != 0 {
        text.push_str(&format!(", number {}", asked.counter));
    }
    text.push_str(&format!(", sha256 {}", hex::show(&asked.digest)));
    match asked.denial {
        Denial::Taken => text.push_str(": taken"),
        denial => text.push_str(&format!(": DENIED ({})", denial.word())),
    }
    if asked.untold > 0 {
        text.push_str(&format!("; {} denied before it are only counted", asked.untold));
    }
    text
}

fn event(event: &OwnedEvent, labels: &Labels) -> String {
    match event {
        OwnedEvent::Order(event) => {
            let mut text = event.kind.word().to_owned();
            if event.reason != 0 {
                text.push_str(&format!(", reason {}", event.reason));
            }
            text
        }
        OwnedEvent::Quote { quote, .. } => {
            let [bid, ask] = [&quote.bids, &quote.asks].map(|side| {
                // A side without levels has a price that is none.
                let price = || labels.price(quote.instrument, side.best_e9());
                let lots = side.best_lots();
                if side.count == 0 { "-".to_owned() } else { format!("{} x {lots}", price()) }
            });
            format!("{bid} / {ask}, packet {}", quote.packet_seq_no)
        }
        OwnedEvent::Channel(update) => {
            let name = labels.stream(update.stream);
            format!("{name} {}, {} missing", update.state.word(), update.missing)
        }
        OwnedEvent::Session(update) => {
            format!("{} {}", labels.stream(update.stream), update.state.word())
        }
        OwnedEvent::Command(command) => {
            let (kind, who) = (command.kind.word(), labels.operator(command.operator));
            format!("{kind} {} by {who}", labels.scope(command.scope))
        }
        OwnedEvent::Instruction(asked) => instruction(asked, labels),
        OwnedEvent::Held(held) => format!(
            "long {} + {}, short {} + {} (today + before)",
            held.long_today, held.long_yesterday, held.short_today, held.short_yesterday
        ),
        OwnedEvent::Carried(carried) => left(carried),
        OwnedEvent::Detailing(detailing) => {
            let words: Vec<_> = detailing.left_out().collect();
            let words = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
            format!("left out from here on: {words}")
        }
        OwnedEvent::Hours(hours) => format!(
            "traded from {} to {} ns, opened until {} ns of the engine's clock",
            hours.from.0, hours.until.0, hours.opening_until.0
        ),
        OwnedEvent::Finding(finding) => {
            let mut text = format!("{} ({})", finding.kind.word(), finding.value);
            if finding.packet_seq_no != 0 {
                text.push_str(&format!(", packet {}", finding.packet_seq_no));
            }
            if finding.opens_nothing {
                text.push_str(", nothing is opened");
            }
            text
        }
        OwnedEvent::Sizing(sizing) => {
            let percent = ((u64::from(sizing.single_line_q32) + 1) * 100) >> 32;
            format!("while a channel has one line {percent} % is opened")
        }
        OwnedEvent::Breakers(breakers) => {
            let rules =
                BreakerKind::ALL.iter().zip(&breakers.rules).filter(|(_, rule)| rule.of > 0);
            let words = rules.map(|(kind, rule)| {
                format!(
                    "{} more than {} of {}: {}",
                    kind.word(),
                    rule.most,
                    rule.of,
                    rule.action.word()
                )
            });
            words.collect::<Vec<_>>().join(", ")
        }
        OwnedEvent::Rule(rule) => {
            let text = expression(rule, &labels.legs(rule.spread));
            let (name, at, then) = (rule.name(), rule.point.word(), rule.action.word());
            match rule.steps().next() {
                Some(_) => format!("`{name}` at {at}: when {text}, {then}"),
                None => format!("rule {} is taken away", rule.rule),
            }
        }
        OwnedEvent::Clock(clock) => format!("utc {} within {} ns", clock.utc.0, clock.error.0),
        OwnedEvent::Instrument(_)
        | OwnedEvent::Spread(_)
        | OwnedEvent::Gateway(_)
        | OwnedEvent::Account(_)
        | OwnedEvent::Tick => String::new(),
    }
}
