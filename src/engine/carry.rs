//! What the last run of a desk left, for the next one to begin with.
//!
//! The record holds everything that the desk was told, so the last run alone gives its whole state:
//! it is followed through a shadow to its end, from the newest snapshot that the journal has the
//! tree of (`journal::snapshot`), or else from its start. What is held becomes inputs of the next
//! run (`Control::Held`, `Control::Carried`), which has them in its own record. Orders of which
//! nobody can tell go on under their ids, reserved, with what is known of their fills: what is told
//! of them later settles them, and counts no fill twice. Of those that have no place any more,
//! because their spread is not configured, the lots stay reserved. A spread that was halted, or had
//! orders under way, stays halted. Orders that were over are not carried: what they did is in what
//! is held.
//!
//! Whether the end of the record is the end of the run is known by two facts: a sealed segment, or
//! the same boot of this host, because the record ring outlives a process and not the power. If it
//! is not known, the desk says so in the new record, and every spread waits for somebody to look.
//!
//! Not here: what the venues say (that comes from their ledgers, and wins), and the change of a
//! trading day: lots keep the day that they were opened on. Called by `xmc run`.

use super::inputs;
use super::memory::DeskSize;
use super::recording::{LeftRun, Segments};
use super::replay;
use super::shadow::{Shadow, ShadowMemory};
use crate::config::Configuration;
use crate::journal::snapshot::{self, Snapshot};
use std::io;
use std::path::{Path, PathBuf};
use xmc_hotpath::desk::{Desk, Spread, SpreadState};
use xmc_hotpath::message::{
    AccountId, AccountLots, Carried, CarriedOrder, CarriedRun, CarriedUnits, Control, HeldLots,
    InstrumentIndex, InstrumentSpec, MAX_LEGS, OffsetRule, OrderId, Side, SpreadIndex, SpreadSpec,
    UnknownLots,
};
use xmc_hotpath::order::Order;
use xmc_hotpath::record::frame::{self, Body, FrameError, Kind, LOGIC_VERSION, OwnedEvent, Start};

/// The newest snapshots that are tried before the whole run is followed.
const SNAPSHOTS: usize = 3;

/// Why the next run cannot go on from the last one.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The journal.
    #[error("cannot read the last run in {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record is no record.
    #[error(
        "the record of the last run is damaged after input {after} ({fault:?}): run `xmc audit \
         verify`, ask the venues what is held, and begin with --begin-flat in a new directory"
    )]
    Damaged {
        /// The last input that was read.
        after: u64,
        /// What is wrong.
        fault: FrameError,
    },
    /// The run does not begin where it should.
    #[error("the record of run {0} does not begin with its start: run `xmc audit verify`")]
    NoStart(u16),
    /// Another logic made it.
    #[error(
        "the last run was made by logic version {found}, this program has {LOGIC_VERSION}: what it \
         held cannot be worked out here. Close it with a program of that version, or begin with \
         --begin-flat once the venues say that nothing is held"
    )]
    OtherLogic {
        /// The version.
        found: u16,
    },
    /// The same inputs gave something else.
    #[error(
        "input {seq_no} of the last run gives another output here than its record has: run `xmc \
         replay --verify`; this program must not go on from it"
    )]
    Difference {
        /// Where.
        seq_no: u64,
    },
    /// What is held has no place any more.
    #[error(
        "the last run holds {what}, which the configuration does not have any more: put it back, \
         close it first, or begin with --begin-flat once the venues say that nothing is held"
    )]
    NoPlace {
        /// What.
        what: String,
    },
}

/// What the last run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carry {
    /// Its number.
    pub run: u16,
    /// Its last input.
    pub last_seq_no: u64,
    /// Inputs that were followed to know: those since the snapshot that was begun from.
    pub followed_inputs: u64,
    /// The record ends where the run ended.
    pub is_whole: bool,
    /// Net lots by row of the instrument table, where there are any.
    pub positions: Vec<(usize, i64)>,
    /// Orders of which nobody can tell.
    pub unknown_orders: Vec<OrderId>,
    /// Rows of the spread table that stay halted.
    pub halted: Vec<usize>,
    /// What the desk is told; the run last.
    pub controls: Vec<Control>,
}

/// Works out what the last run ended with, for a run of `config`; `None` if there was none, or all
/// of them died before they had begun.
///
/// # Errors
/// See `CarryError`.
pub fn read(
    path: &Path,
    left: &LeftRun,
    config: &Configuration,
) -> Result<Option<Carry>, CarryError> {
    let in_path = |source| CarryError::Io { path: path.to_owned(), source };
    let mut left = Some(*left);
    while let Some(last) = left {
        match read_run(path, &last, config) {
            Ok(Some(carry)) => return Ok(Some(carry)),
            Ok(None) => {}
            // It died before a record of it was written.
            Err(CarryError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        left = LeftRun::before(path, last.identity).map_err(in_path)?;
    }
    Ok(None)
}

/// Follows one run to its end, from the newest snapshot that leads there, or from its start. `None`
/// if it had not been told yet what it begins with, before which it could not do anything.
fn read_run(
    path: &Path,
    left: &LeftRun,
    config: &Configuration,
) -> Result<Option<Carry>, CarryError> {
    let in_path = |source| CarryError::Io { path: path.to_owned(), source };
    let run = left.identity.run;
    for place in snapshot::list(path).map_err(in_path)?.iter().rev().take(SNAPSHOTS) {
        // A snapshot is a shortcut: one that leads nowhere is not taken, whatever the reason.
        let snapshot = snapshot::read(&place.path).ok();
        let ours = |snapshot: &Snapshot| snapshot.identity == left.identity;
        let Some(snapshot) = snapshot.filter(ours).filter(Snapshot::is_of_this_logic) else {
            continue;
        };
        let Ok(segments) = Segments::of_run(path, run, snapshot.segment) else { continue };
        let Ok(start) = read_start(run, &snapshot.start) else { continue };
        let mut memory = ShadowMemory::new(DeskSize::of_arenas(start.arenas));
        let shadow = Shadow::restore(start.identity, &mut memory, &snapshot.state);
        let tail = segments.payloads_after(snapshot.tree_size, &snapshot.tree_root);
        let Some((shadow, tail)) = shadow.zip(tail) else { continue };
        let last_seq_no = snapshot.last_seq_no;
        let mut end = End { run, shadow, last_seq_no, has_begun: true, inputs: 0 };
        if end.follow(tail).is_ok() {
            return end.carry(&start, left, config).map(Some);
        }
    }
    let segments = Segments::of_run(path, run, 0).map_err(in_path)?;
    let mut blocks = segments.payloads().filter(|block| !block.is_empty());
    let Some(first) = blocks.next() else { return Ok(None) };
    let start = read_start(run, first)?;
    let (_, _, rest) =
        frame::split(first).map_err(|fault| CarryError::Damaged { after: 0, fault })?;
    let mut memory = ShadowMemory::new(DeskSize::of_arenas(start.arenas));
    let shadow = Shadow::new(start.identity, &mut memory);
    let mut end = End { run, shadow, last_seq_no: 0, has_begun: false, inputs: 0 };
    end.follow(std::iter::once(rest).chain(blocks))?;
    if end.has_begun { end.carry(&start, left, config).map(Some) } else { Ok(None) }
}

/// The start that `bytes` begin with.
fn read_start(run: u16, bytes: &[u8]) -> Result<Start, CarryError> {
    let (header, body, _) =
        frame::split(bytes).map_err(|fault| CarryError::Damaged { after: 0, fault })?;
    let start = replay::read_start(header, body).map_err(|_| CarryError::NoStart(run))?;
    if start.logic_version != LOGIC_VERSION {
        return Err(CarryError::OtherLogic { found: start.logic_version });
    }
    Ok(start)
}

/// A run that is followed to its end.
struct End<'m> {
    run: u16,
    shadow: Shadow<'m>,
    last_seq_no: u64,
    has_begun: bool,
    /// Inputs that were followed.
    inputs: u64,
}

impl End<'_> {
    fn follow<'b>(&mut self, blocks: impl IntoIterator<Item = &'b [u8]>) -> Result<(), CarryError> {
        for mut rest in blocks {
            while !rest.is_empty() {
                let after = self.last_seq_no;
                let damaged = |fault| CarryError::Damaged { after, fault };
                let (header, body, behind) = frame::split(rest).map_err(damaged)?;
                let whole = &rest[..usize::from(header.len)];
                rest = behind;
                if header.kind == Kind::Start {
                    return Err(CarryError::NoStart(self.run));
                }
                let (body, difference) = self.shadow.take(header, body, whole).map_err(damaged)?;
                self.last_seq_no = header.seq_no;
                if difference.is_some() {
                    return Err(CarryError::Difference { seq_no: self.last_seq_no });
                }
                self.inputs += u64::from(header.kind.is_input());
                self.has_begun |= is_beginning(&body);
            }
        }
        Ok(())
    }

    fn carry(
        &self,
        start: &Start,
        left: &LeftRun,
        config: &Configuration,
    ) -> Result<Carry, CarryError> {
        let (desk, is_whole) = (self.shadow.desk(), left.is_whole);
        let carrying = Carrying { config, start, desk, is_whole };
        carrying.carry(self.last_seq_no, self.inputs)
    }
}

/// Told last of what a run begins with.
fn is_beginning(body: &Body) -> bool {
    let Body::Input(input) = body else { return false };
    matches!(input.event, OwnedEvent::Carried(Carried::Run(_)))
}

/// What a run begins with that goes on from none.
#[must_use]
pub fn nothing() -> Vec<Control> {
    vec![Control::Carried(Carried::Run(CarriedRun { run: 0, last_seq_no: 0, is_whole: true }))]
}

/// The end of one run and the configuration of the next.
struct Carrying<'c, 'd> {
    config: &'c Configuration,
    start: &'c Start,
    desk: &'c Desk<'d>,
    is_whole: bool,
}

impl Carrying<'_, '_> {
    fn carry(&self, last_seq_no: u64, followed_inputs: u64) -> Result<Carry, CarryError> {
        let (controls, _) = inputs::controls(self.config);
        let instruments: Vec<&InstrumentSpec> = controls.iter().filter_map(instrument).collect();
        let spreads: Vec<&SpreadSpec> = controls.iter().filter_map(spread).collect();
        let run = self.start.identity.run;
        let first = CarriedRun { run, last_seq_no, is_whole: self.is_whole };
        let mut carry = Carry {
            run,
            last_seq_no,
            followed_inputs,
            is_whole: self.is_whole,
            positions: Vec::new(),
            unknown_orders: Vec::new(),
            halted: Vec::new(),
            controls: Vec::new(),
        };
        let mut unknown = vec![[0_u32; 2]; self.desk.instruments().len()];
        let mut orders = Vec::new();
        for order in self.desk.orders().rows().iter().filter(|order| order.is_live()) {
            carry.unknown_orders.push(order.id);
            if let Some(told) = self.order(order, &instruments, &spreads) {
                orders.push(Control::Carried(Carried::Order(told)));
            } else {
                let lots = &mut unknown[order.instrument.0 as usize];
                lots[usize::from(order.side == Side::Sell)] += order.open_lots();
            }
        }
        self.instruments(&unknown, &instruments, &mut carry)?;
        self.spreads(&instruments, &spreads, &mut carry)?;
        self.accounts(&controls, &mut carry);
        // Behind what is held: that is not taken while an order lives.
        carry.controls.append(&mut orders);
        // The last one: a run that has not been told this has not been told all.
        carry.controls.push(Control::Carried(Carried::Run(first)));
        Ok(carry)
    }

    /// An order with the numbers that its rows have in the next run; `None` if it has none there.
    fn order(
        &self,
        order: &Order,
        instruments: &[&InstrumentSpec],
        spreads: &[&SpreadSpec],
    ) -> Option<CarriedOrder> {
        let traded = self.desk.instruments().get(order.instrument.0 as usize)?;
        let instrument = place(traded.spec.as_ref()?, instruments)?;
        let spread = self.desk.spreads().get(order.spread.0 as usize)?;
        let spread = self.place_of(spread.spec.as_ref()?, instruments, spreads)?;
        Some(CarriedOrder {
            instrument: InstrumentIndex(instrument),
            gateway: instruments.iter().find(|new| new.instrument.0 == instrument)?.gateway,
            spread: spreads.get(spread)?.spread,
            account: spreads.get(spread)?.account,
            ..order.carried()
        })
    }

    fn instruments(
        &self,
        unknown: &[[u32; 2]],
        new: &[&InstrumentSpec],
        carry: &mut Carry,
    ) -> Result<(), CarryError> {
        for (row, live) in self.desk.instruments().iter().zip(unknown) {
            let Some(spec) = &row.spec else { continue };
            let position = row.exposure.position_lots;
            let unknown = [
                live[0].saturating_add(row.unknown_buy_lots),
                live[1].saturating_add(row.unknown_sell_lots),
            ];
            let holding = &row.holding;
            let is_flat = match spec.offset_rule {
                OffsetRule::Net => position == 0,
                OffsetRule::Close | OffsetRule::CloseToday => {
                    holding.long.held() == 0 && holding.short.held() == 0
                }
            };
            if is_flat && unknown == [0, 0] {
                continue;
            }
            let index = place(spec, new).ok_or_else(|| CarryError::NoPlace {
                what: format!("{position} lots of the instrument {}", spec.security_id),
            })?;
            let instrument = InstrumentIndex(index);
            let lots = |lots: i64| u32::try_from(lots.max(0)).unwrap_or(u32::MAX);
            let held = match spec.offset_rule {
                OffsetRule::Net => HeldLots {
                    instrument,
                    long_today: lots(position),
                    long_yesterday: 0,
                    short_today: lots(position.saturating_neg()),
                    short_yesterday: 0,
                },
                OffsetRule::Close | OffsetRule::CloseToday => HeldLots {
                    instrument,
                    long_today: holding.long.today,
                    long_yesterday: holding.long.yesterday,
                    short_today: holding.short.today,
                    short_yesterday: holding.short.yesterday,
                },
            };
            carry.positions.push((index as usize, position));
            carry.controls.push(Control::Held(held));
            if let [buy_lots, sell_lots] = unknown
                && unknown != [0, 0]
            {
                let lots = UnknownLots { instrument, buy_lots, sell_lots };
                carry.controls.push(Control::Carried(Carried::Unknown(lots)));
            }
        }
        Ok(())
    }

    fn spreads(
        &self,
        instruments: &[&InstrumentSpec],
        new: &[&SpreadSpec],
        carry: &mut Carry,
    ) -> Result<(), CarryError> {
        let mut told = vec![false; new.len()];
        for (row, index) in self.desk.spreads().iter().zip(0_u32..) {
            let Some(spec) = &row.spec else { continue };
            let residual_lots = residual(row, spec);
            // One that a breaker stopped from opening waits for a person as a halted one does.
            let is_stopped = matches!(row.state, SpreadState::Halted | SpreadState::Reducing);
            let was_busy = is_stopped || row.fire.is_some();
            let is_flat = row.position_units == 0 && residual_lots == [0; MAX_LEGS];
            if is_flat && !was_busy && self.is_whole {
                continue;
            }
            let Some(place) = self.place_of(spec, instruments, new) else {
                if is_flat {
                    continue;
                }
                let units = row.position_units;
                return Err(CarryError::NoPlace { what: format!("{units} of spread {index}") });
            };
            let is_halted = was_busy || !self.is_whole;
            if is_halted {
                carry.halted.push(place);
            }
            told[place] = true;
            carry.controls.push(units(place, row.position_units, residual_lots, is_halted));
        }
        // A spread that is new may be what was there before, by another name.
        for (place, _) in told.iter().enumerate().filter(|(_, told)| !self.is_whole && !**told) {
            carry.halted.push(place);
            carry.controls.push(units(place, 0, [0; MAX_LEGS], true));
        }
        Ok(())
    }

    /// The row of the next run that has the same legs in the same ratio.
    fn place_of(
        &self,
        spec: &SpreadSpec,
        instruments: &[&InstrumentSpec],
        new: &[&SpreadSpec],
    ) -> Option<usize> {
        let count = usize::from(spec.leg_count);
        let legs = spec.legs.iter().take(count).map(|leg| {
            let row = self.desk.instruments().get(leg.instrument.0 as usize)?;
            Some((place(row.spec.as_ref()?, instruments)?, leg.ratio_lots))
        });
        let legs: Vec<_> = legs.collect::<Option<_>>()?;
        new.iter().position(|new| {
            let theirs = new.legs().iter();
            theirs.map(|leg| (leg.instrument.0, leg.ratio_lots)).eq(legs.iter().copied())
        })
    }

    /// Numbers of accounts follow from the configuration: under another one, each may have all that
    /// the whole desk has, which is never too little.
    fn accounts(&self, controls: &[Control], carry: &mut Carry) {
        let is_same = self.start.config_digest == self.config.sources.digest();
        let without_waiting = |lots: AccountLots| AccountLots {
            gross_lots: lots.gross_lots - self.desk.waiting_lots(lots.account),
            ..lots
        };
        let left: Vec<_> = self.desk.account_lots().map(without_waiting).collect();
        let whole = left.first().map_or(0, |lots| lots.gross_lots);
        for account in controls.iter().filter_map(account) {
            let known = left.iter().find(|lots| lots.account == account && is_same);
            let gross_lots = match known {
                Some(lots) => lots.gross_lots,
                None if is_same => 0,
                None => whole,
            };
            if gross_lots != 0 {
                let lots = AccountLots { account, gross_lots };
                carry.controls.push(Control::Carried(Carried::Account(lots)));
            }
        }
    }
}

/// The instrument of that channel and number.
fn place(spec: &InstrumentSpec, new: &[&InstrumentSpec]) -> Option<u32> {
    let is_it = |other: &&&InstrumentSpec| {
        (other.feed, other.security_id) == (spec.feed, spec.security_id)
            && (other.multiplier_e9, other.offset_rule) == (spec.multiplier_e9, spec.offset_rule)
    };
    new.iter().find(is_it).map(|spec| spec.instrument.0)
}

/// What is out of ratio, with what a fire under way has filled so far.
fn residual(row: &Spread, spec: &SpreadSpec) -> [i64; MAX_LEGS] {
    let mut residual = row.residual_lots;
    let Some(fire) = &row.fire else { return residual };
    for ((residual, filled), leg) in residual.iter_mut().zip(fire.filled_lots).zip(&spec.legs) {
        let is_buy = (leg.ratio_lots > 0) == fire.intent.is_buy();
        let filled = i64::from(filled);
        *residual += if is_buy { filled } else { -filled };
    }
    residual
}

fn units(
    place: usize,
    position_units: i32,
    residual_lots: [i64; MAX_LEGS],
    is_halted: bool,
) -> Control {
    let spread = SpreadIndex(u32::try_from(place).expect("spreads are few"));
    let units = CarriedUnits { spread, position_units, residual_lots, is_halted };
    Control::Carried(Carried::Units(units))
}

fn instrument(control: &Control) -> Option<&InstrumentSpec> {
    if let Control::Instrument(spec) = control { Some(spec) } else { None }
}

fn spread(control: &Control) -> Option<&SpreadSpec> {
    if let Control::Spread(spec) = control { Some(spec) } else { None }
}

fn account(control: &Control) -> Option<AccountId> {
    if let Control::Account(limits) = control { Some(limits.account) } else { None }
}
