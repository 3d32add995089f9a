//! The demonstration's engine between both simulated venues, and what they say of its account. The
//! truth is each venue's own ledger, which knows nothing of the engine.

use crate::engine::live::patient;
use crate::journal::scratch::Scratch;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{self, Configuration, Resync};
use cross_market_connect::engine::carry;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::live::{self, Plan, Sight, Watch, moment};
use cross_market_connect::engine::opening;
use cross_market_connect::engine::recording::Recording;
use cross_market_connect::engine::resyncing::Resyncing;
use cross_market_connect::resync::kept::Kept;
use cross_market_connect::resync::report;
use cross_market_connect::resync::statement::{Exact, Statement};
use cross_market_connect::sim::exchange::ListingIndex;
use cross_market_connect::venue::simulated::{self, ACCOUNT, Venues};
use cross_market_connect::venue::statement::Tamper;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{
    Alert, AlertKind, Command, CommandKind, Detail, HeldLots, Scope, SessionState, Side,
};
use xmc_hotpath::record::frame::{Body, Header, OwnedEvent};

const LOGGING_ON: Duration = Duration::from_secs(20);
/// How long anything may take on a machine that others use.
const PATIENCE: Duration = Duration::from_secs(150);
const EVERY: Duration = Duration::from_millis(200);
const STACK_BYTES: usize = 32 << 20;

/// What the record has shown so far.
#[derive(Default)]
struct Seen {
    /// What the engine itself ordered of one spread.
    commands: Vec<(CommandKind, u32)>,
    held: Vec<HeldLots>,
    bad_inputs: usize,
    orders: usize,
    /// Orders of spreads that were not enabled, and that opened nothing before.
    orders_before: usize,
}

/// A step of a script: `Break` when the next one is due.
type Step<'s> = Box<dyn FnMut(&Stand<'_>, &Seen, &Sight<'_, '_>) -> ControlFlow<()> + 's>;

/// What a script can look at.
struct Stand<'v> {
    venues: &'v Venues,
    record: PathBuf,
}

impl Stand<'_> {
    fn cycles(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.record.join("resync.log")).unwrap_or_default();
        let lines = report::lines(&text).into_iter();
        lines.filter(|line| line["is"] == "cycle").collect()
    }

    /// Cycles of a source that said so after fills were compared.
    fn agreed(&self, source: &str) -> usize {
        let lines = self.cycles();
        let is_it = |line: &&Value| {
            line["source"] == source
                && (line["outcome"] == "agree" || line["outcome"] == "settled")
                && line["compared"]["orders_with_fills"].as_u64() > Some(0)
        };
        lines.iter().filter(is_it).count()
    }

    fn kept(&self) -> Kept {
        Kept::open(&self.record).expect("it is ours")
    }

    /// One lot of copper at COMEX that nobody ordered.
    fn carry(&self) {
        let done = self.venues.cme.with(|shell, _| {
            let of = |one: &cross_market_connect::sim::exchange::Listing| one.symbol == "HGU6";
            let place = shell.exchange().listings().position(|(_, one)| of(one.listing()));
            let place = ListingIndex(u16::try_from(place.expect("it is listed")).expect("few"));
            shell.venue_mut().carry(ACCOUNT, place, Side::Buy, 1);
        });
        assert!(done.is_some(), "the venue runs");
    }
}

struct Looker<'s, 'v> {
    stand: Stand<'v>,
    seen: Seen,
    script: Vec<Step<'s>>,
    stepped: Instant,
    is_late: bool,
}

impl Watch for Looker<'_, '_> {
    fn record(&mut self, _: &Header, body: &Body, _: &Desk<'_>) {
        let seen = &mut self.seen;
        match body {
            Body::Order(_) => seen.orders += 1,
            Body::Detail(Detail::Alert(Alert { kind: AlertKind::BadInput, .. })) => {
                seen.bad_inputs += 1;
            }
            Body::Input(input) => match &input.event {
                OwnedEvent::Held(held) => seen.held.push(*held),
                OwnedEvent::Command(Command {
                    kind,
                    scope: Scope::Spread(spread),
                    operator: 0,
                    ..
                }) => {
                    if seen.commands.iter().all(|(kind, _)| *kind != CommandKind::Enable) {
                        seen.orders_before = seen.orders;
                    }
                    seen.commands.push((*kind, spread.0));
                }
                _ => {}
            },
            Body::Detail(_) | Body::Start(_) => {}
        }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        assert!(sight.difference.is_none(), "{:?}", sight.difference);
        if sight.is_last {
            return ControlFlow::Continue(());
        }
        let Some(step) = self.script.first_mut() else { return ControlFlow::Break(()) };
        if step(&self.stand, &self.seen, sight).is_break() {
            drop(self.script.remove(0));
            self.stepped = Instant::now();
        }
        self.is_late = self.stepped.elapsed() > PATIENCE;
        if self.is_late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn when<'s>(mut is_so: impl FnMut(&Stand<'_>, &Seen, &Sight<'_, '_>) -> bool + 's) -> Step<'s> {
    Box::new(move |stand, seen, sight| match is_so(stand, seen, sight) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    })
}

/// Runs an engine with a resync until the script is over.
fn ran(
    name: &'static str,
    seed: u64,
    change: impl FnOnce(&mut Resync) + Send + 'static,
    tamper: Option<Tamper>,
    script: impl FnOnce() -> Vec<Step<'static>> + Send + 'static,
) -> (Scratch, Seen) {
    let body = move || {
        let scratch = Scratch::new(name);
        let read = config::load(Path::new("config/demo.toml"));
        let mut config: Configuration =
            patient(read.unwrap_or_else(|bad| panic!("{}", bad.render(false))));
        let venues = Venues::open(&config, seed, None).expect("loopback has room");
        venues.address(&mut config);
        let record = scratch.path("record");
        let published = venues.publish(&config, &scratch.path("statements"), EVERY, tamper);
        let (mut settings, publishers) = published.expect("they are ours");
        settings.every_s = 1;
        settings.sources.iter_mut().for_each(|source| source.max_age_s = 120);
        change(&mut settings);
        let clock = EngineClock::start();
        let recording = Recording::open(&record, &config, moment(&clock)).expect("it is ours");
        let resync = Resyncing::open(&settings, &config, &record, recording.identity);
        let secret = |row| simulated::secret(&config, row);
        let opened = opening::open(&config, &clock, secret, None, LOGGING_ON);
        let opened = opened.unwrap_or_else(|error| panic!("{error}"));
        let counters = Counters::new(&config);
        let ports = &counters.gateway_ports;
        let sessions = opening::sessions(&config, &clock, &secret, &record, ports);
        let plan = Plan {
            config: &config,
            clock: &clock,
            recording,
            ports: opened.ports,
            starts: opened.starts,
            carried: carry::nothing(),
            is_pinned: false,
            counters,
            kernel: Vec::new(),
            interfaces: None,
            sessions: Some(sessions),
            witnessing: None,
            control: None,
            alerting: None,
            capital: None,
            resync: Some(resync.expect("nothing is remembered")),
        };
        let mut looker = Looker {
            stand: Stand { venues: &venues, record },
            seen: Seen::default(),
            script: script(),
            stepped: Instant::now(),
            is_late: false,
        };
        live::run(plan, &mut looker).unwrap_or_else(|error| panic!("{error}"));
        let Looker { stand, seen, script, is_late, .. } = looker;
        let left = script.len();
        assert!(!is_late && left == 0, "{left} steps were not taken: {:#?}", stand.cycles().last());
        drop(publishers);
        venues.stop().expect("they ran");
        (scratch, seen)
    };
    // Unoptimised, the engine needs more of a stack than a test has.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(body);
    let ended = thread.expect("the system gives a thread").join();
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// cu_hg is the one pair of copper at COMEX.
const CU_HG: u32 = 1;
const OTHERS: [u32; 3] = [0, 2, 3];

fn state(sight: &Sight<'_, '_>, row: u32) -> SpreadState {
    sight.desk.spreads()[row as usize].state
}

/// It trades all the while, and every cycle compares fills by order.
#[test]
fn a_busy_healthy_engine_is_opened_by_its_statements_and_never_closed() {
    let required = |settings: &mut Resync| settings.is_required = true;
    let (_scratch, seen) = ran("resync_healthy", 61, required, None, || {
        vec![
            when(|stand, _, _| ["shfe", "cme"].iter().all(|source| stand.agreed(source) >= 5)),
            when(|stand, seen, sight| {
                let differ =
                    stand.cycles().iter().filter(|line| line["outcome"] == "differ").count();
                assert_eq!((differ, stand.kept().open.len()), (0, 0));
                assert!(seen.orders > 20, "it traded");
                let rows = [0, 1, 2, 3].map(|row| state(sight, row));
                assert!(rows.iter().all(|state| *state != SpreadState::Reducing), "{rows:?}");
                true
            }),
        ]
    });
    let kinds = |kind| seen.commands.iter().filter(|(of, _)| *of == kind).count();
    assert_eq!(kinds(CommandKind::NoNew), 4, "all are closed to begin with: {:?}", seen.commands);
    assert_eq!(kinds(CommandKind::Enable), 4, "and opened once: {:?}", seen.commands);
    assert_eq!((seen.orders_before, seen.bad_inputs), (0, 0), "nothing was sent before");
}

#[test]
fn one_lot_that_nobody_ordered_closes_its_pair_in_one_cycle_and_is_adopted() {
    // The lot has its price as well, and money closes all pairs of the gateway.
    let lots_only = |settings: &mut Resync| {
        settings.sources.iter_mut().for_each(|source| source.tolerance_e9 = i64::MAX);
    };
    let (_scratch, seen) = ran("resync_lot", 62, lots_only, None, || {
        let mut before = 0;
        vec![
            when(|stand, seen, _| stand.agreed("cme") >= 2 && seen.orders > 10),
            when(move |stand, _, _| {
                stand.carry();
                true
            }),
            when(move |stand, seen, sight| {
                if before == 0 {
                    before = stand.cycles().iter().filter(|line| line["source"] == "cme").count();
                }
                let closed = (CommandKind::NoNew, CU_HG);
                if !seen.commands.contains(&closed) || state(sight, CU_HG) == SpreadState::Enabled {
                    return false;
                }
                let lines = stand.cycles();
                let of = lines.iter().filter(|line| line["source"] == "cme");
                let found = of.clone().position(|line| line["outcome"] == "differ");
                // Reports are written by a thread of their own.
                let Some(found) = found else { return false };
                // The cycle that ran may have had its first reading.
                assert!(found <= before + 1, "found in cycle {found} after {before}");
                true
            }),
            when(|stand, seen, sight| {
                let Some(held) = seen.held.last() else { return false };
                let row = sight.desk.instruments().iter().position(|row| {
                    row.spec.is_some_and(|spec| spec.instrument == held.instrument)
                });
                let desk = sight.desk.instruments()[row.expect("it is known")].exposure;
                let ledger = stand.venues.ledgers().expect("they answer");
                let truth = ledger.lots.iter().find(|(symbol, _)| symbol == "HGU6");
                let is_quiet = desk.open_orders == 0;
                is_quiet && truth.is_some_and(|(_, lots)| *lots == desk.position_lots)
            }),
            when(|stand, _, _| stand.kept().open.iter().any(|open| open.adopted)),
            when(|stand, _, sight| {
                let kept = stand.kept();
                let [open] = &kept.open[..] else { panic!("{kept:?}") };
                assert!(open.adopted && open.difference.scope == "instrument=hg", "{open:?}");
                let off = Exact(open.difference.venue.0 - open.difference.desk.0);
                assert_eq!(off.to_string(), "1");
                assert_ne!(state(sight, CU_HG), SpreadState::Enabled, "until it is explained");
                true
            }),
            // Cycles that agree are no explanation.
            when(|stand, _, _| {
                let lines = stand.cycles();
                let last = lines.iter().rposition(|line| line["outcome"] == "differ");
                let since = lines.iter().skip(last.unwrap_or(0) + 1);
                since.filter(|line| line["source"] == "cme").count() >= 2
            }),
            when(|stand, _, sight| {
                assert_eq!(stand.kept().open.len(), 1);
                assert_ne!(state(sight, CU_HG), SpreadState::Enabled, "until it is explained");
                true
            }),
        ]
    });
    let closed = seen.commands.iter().filter(|(kind, _)| *kind == CommandKind::NoNew);
    assert!(closed.clone().all(|(_, row)| *row == CU_HG), "{:?}", seen.commands);
    assert!(!OTHERS.iter().any(|row| seen.commands.contains(&(CommandKind::NoNew, *row))));
    assert_eq!((seen.held.len(), seen.bad_inputs), (1, 0), "told once");
}

/// The venue's statement hides a lot for a while; nothing else is wrong.
#[test]
fn a_lot_that_a_statement_lost_closes_its_pair_until_a_double_read_agrees() {
    let is_lying = Arc::new(AtomicBool::new(false));
    let lies = Arc::clone(&is_lying);
    let tamper: Tamper = Box::new(move |statement: &mut Statement| {
        let positions = statement.positions.iter_mut().flatten();
        let mut copper = positions.filter(|one| one.instrument == "HGU6");
        if let Some(position) = copper.next().filter(|_| lies.load(Ordering::Relaxed)) {
            let net = position.net_lots() - 1;
            position.net = Some(net);
            (position.long, position.short) = (None, None);
            (position.long_today, position.short_today) = (None, None);
        }
    });
    let report_only = |settings: &mut Resync| {
        settings.venue_wins = config::VenueWins::Report;
    };
    let (_scratch, seen) = ran("resync_lie", 63, report_only, Some(tamper), move || {
        let (begin, end) = (Arc::clone(&is_lying), is_lying);
        vec![
            when(move |stand, seen, _| {
                let is_ready = stand.agreed("cme") >= 2 && seen.orders > 10;
                begin.store(is_ready, Ordering::Relaxed);
                is_ready
            }),
            when(|_, seen, sight| {
                let is_closed = seen.commands.contains(&(CommandKind::NoNew, CU_HG));
                is_closed && state(sight, CU_HG) != SpreadState::Enabled
            }),
            when(move |stand, _, _| {
                let is_kept = stand.kept().open.len() == 1;
                end.store(!is_kept, Ordering::Relaxed);
                is_kept
            }),
            when(|stand, seen, sight| {
                let is_open = seen.commands.contains(&(CommandKind::Enable, CU_HG));
                let state = state(sight, CU_HG);
                // What halts it meanwhile is nothing that this opens.
                stand.kept().open.is_empty() && (is_open || state == SpreadState::Halted)
            }),
        ]
    });
    assert_eq!((seen.held.len(), seen.bad_inputs), (0, 0), "nothing was adopted");
}

/// The overseas session is cut: its pairs stay closed until a statement of afterwards agrees.
#[test]
fn a_gateway_that_comes_back_opens_only_when_a_statement_agrees() {
    let required = |settings: &mut Resync| settings.is_required = true;
    let (_scratch, seen) = ran("resync_reconnect", 64, required, None, || {
        vec![
            when(|stand, seen, _| stand.agreed("cme") >= 1 && seen.orders > 10),
            when(|stand, _, _| {
                stand.venues.cme.cut_orders();
                true
            }),
            when(|_, seen, _| {
                let closed = seen.commands.iter().filter(|(kind, _)| *kind == CommandKind::NoNew);
                // Four at the start, and those that were open again.
                closed.count() > 4
            }),
            when(|stand, seen, sight| {
                let gateway = xmc_hotpath::message::GatewayIndex(1);
                let is_up = sight.desk.session(gateway) == SessionState::Up;
                let lines = stand.cycles();
                let mut again = lines.iter().filter(|line| {
                    line["source"] == "cme" && line["cause"] == "reconnect" && line["cycle"] != 1
                });
                let last = seen.commands.last().map(|(kind, _)| *kind);
                is_up && again.next().is_some() && last == Some(CommandKind::Enable)
            }),
        ]
    });
    // Of the pairs that trade at home alone nothing was said.
    let domestic: Vec<_> = seen.commands.iter().filter(|(_, row)| *row == 0).collect();
    assert_eq!(domestic.len(), 2, "closed and opened at the start: {:?}", seen.commands);
}
