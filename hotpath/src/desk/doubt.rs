//! Books that turn out to be wrong: which orders were priced off them, and what is not opened.
//! An instrument that has stopped moving while the other leg goes on is treated alike.
//!
//! Two findings come after the fact. The second copy of a packet differs from the first, which was
//! used; the channel is not believed from then on, and the orders that were priced off that packet
//! or a later one are named in the record. And a snapshot of the venue shows another book than its
//! changes have made; nothing is opened with that leg until a command says that somebody knows why.
//!
//! The fires of the last moments are kept for this, the newest ones: a second copy comes within
//! microseconds. Called by `Desk::learn`.

use super::{Cause, Desk, Instrument, Outputs};
use crate::execute::MAX_FIRE_ORDERS;
use crate::feed::SeqNo;
use crate::message::{
    Alert, AlertKind, ChannelUpdate, CommandKind, Finding, FindingKind, InstrumentIndex, MAX_LEGS,
    OrderId, SafeState, SpreadIndex, SpreadSpec, StateChange, StreamId,
};
use crate::record::codec::fields;

/// Fires that are kept.
const KEPT: usize = 16;

/// A quote this many packets after one was not priced off it: its sequence is another one.
const NEAR: i32 = 1 << 16;

/// `Instrument::doubts`: the venue's snapshot shows another book.
const DIFFERS: u8 = 1;
/// `Instrument::doubts`: it has stopped moving.
const FROZEN: u8 = 2;

/// Details that are left for whatever else an input causes.
const SPARE_DETAILS: usize = 8;

/// The last packet in a quote.
#[derive(Clone, Copy, Debug)]
struct Priced {
    stream: StreamId,
    packet_seq_no: u32,
}

fields! {
    Priced {
        stream: StreamId,
        packet_seq_no: u32,
    }
}

/// A fire and the quotes that it was priced off.
#[derive(Clone, Copy, Debug)]
struct Shot {
    spread: SpreadIndex,
    orders: [OrderId; MAX_FIRE_ORDERS],
    quotes: [Priced; MAX_LEGS],
    /// It has been named.
    is_told: bool,
}

fields! {
    Shot {
        spread: SpreadIndex,
        orders: [OrderId; MAX_FIRE_ORDERS],
        quotes: [Priced; MAX_LEGS],
        is_told: bool,
    }
}

impl Shot {
    const NONE: Self = Self {
        spread: SpreadIndex::ALL,
        orders: [OrderId::NONE; MAX_FIRE_ORDERS],
        quotes: [Priced { stream: StreamId::NONE, packet_seq_no: 0 }; MAX_LEGS],
        is_told: false,
    };

    fn has(&self, stream: StreamId, packet: SeqNo) -> bool {
        let is_after =
            |quote: &Priced| (0..NEAR).contains(&SeqNo(quote.packet_seq_no).beyond(packet));
        self.quotes.iter().any(|quote| quote.stream == stream && is_after(quote))
    }
}

/// The last fires, in a circle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    shots: [Shot; KEPT],
    next: usize,
}

fields! {
    Recent {
        shots: [Shot; KEPT],
        next: usize,
    }
}

impl Recent {
    pub const EMPTY: Self = Self { shots: [Shot::NONE; KEPT], next: 0 };

    /// Notes a fire.
    #[inline]
    pub(super) fn note(
        &mut self,
        spread: SpreadIndex,
        orders: &[OrderId; MAX_FIRE_ORDERS],
        spec: &SpreadSpec,
        instruments: &[Instrument],
    ) {
        let Some(shot) = self.shots.get_mut(self.next % KEPT) else { return };
        self.next = self.next.wrapping_add(1) % KEPT;
        shot.spread = spread;
        shot.orders = *orders;
        shot.is_told = false;
        for ((priced, leg), number) in shot.quotes.iter_mut().zip(&spec.legs).zip(0_u8..) {
            let row = usize::try_from(leg.instrument.0).ok().and_then(|row| instruments.get(row));
            let quote = row.filter(|_| number < spec.leg_count).map(|row| &row.quote);
            priced.stream = quote.map_or(StreamId::NONE, |quote| quote.stream);
            priced.packet_seq_no = quote.map_or(0, |quote| quote.packet_seq_no);
        }
    }
}

impl Desk<'_> {
    /// The copies of a packet differ. Which orders were sent off quotes that had it in them is
    /// said, as far as there is room: the fires of the last moments, all their orders.
    #[cold]
    #[inline(never)]
    pub(super) fn diverged(&mut self, update: &ChannelUpdate, outputs: &mut Outputs) {
        let ChannelUpdate { stream, packet_seq_no, .. } = *update;
        let (kind, value) = (AlertKind::CopiesDiffer, i64::from(packet_seq_no));
        let (spread, order_id) = (SpreadIndex::ALL, OrderId::NONE);
        outputs.alert(Alert { kind, spread, order_id, stream, value });
        for shot in &mut self.recent.shots {
            if shot.is_told || !shot.has(stream, SeqNo(packet_seq_no)) {
                continue;
            }
            shot.is_told = true;
            for order_id in shot.orders.into_iter().filter(|id| *id != OrderId::NONE) {
                if outputs.detail_room() <= SPARE_DETAILS {
                    return;
                }
                let (kind, spread) = (AlertKind::OrderDoubted, shot.spread);
                outputs.alert(Alert { kind, spread, order_id, stream, value });
            }
        }
    }

    /// What the cold side has found is told, and acted on if it is to be.
    #[cold]
    #[inline(never)]
    pub(super) fn on_finding(&mut self, finding: &Finding, outputs: &mut Outputs) {
        let Finding { instrument, stream, value, opens_nothing, .. } = *finding;
        let (kind, doubt) = match finding.kind {
            FindingKind::BookDiffers => (AlertKind::BookDiffers, DIFFERS),
            FindingKind::ClockStep => (AlertKind::ClockStep, 0),
            FindingKind::ClockDrift => (AlertKind::ClockDrift, 0),
            FindingKind::Frozen => (AlertKind::FeedFrozen, FROZEN),
            FindingKind::Moves => return self.moves(instrument, outputs),
        };
        let (spread, order_id) = (SpreadIndex::ALL, OrderId::NONE);
        outputs.alert(Alert { kind, spread, order_id, stream, value });
        if !opens_nothing {
            return;
        }
        let row = self.table.instrument_mut(instrument).filter(|_| doubt != 0);
        match row {
            Some(row) => {
                let before = row.doubts;
                row.doubts |= doubt;
                if before == 0 {
                    self.tell_doubt(instrument, Cause::Alert(kind), true, outputs);
                }
            }
            None if instrument == InstrumentIndex::NONE => {
                let state = self.state.max(SafeState::NoNew);
                self.set_state(state, Cause::Alert(kind), outputs);
            }
            None => self.bad_input(SpreadIndex::ALL, i64::from(instrument.0), outputs),
        }
    }

    /// A frozen instrument moves again: that is evidence.
    fn moves(&mut self, instrument: InstrumentIndex, outputs: &mut Outputs) {
        let Some(row) = self.table.instrument_mut(instrument) else {
            return self.bad_input(SpreadIndex::ALL, i64::from(instrument.0), outputs);
        };
        let before = row.doubts;
        row.doubts &= !FROZEN;
        if before == FROZEN {
            self.tell_doubt(instrument, Cause::Alert(AlertKind::FeedFrozen), false, outputs);
        }
    }

    /// Believes the books of a spread's legs again, or all of them.
    #[cold]
    #[inline(never)]
    pub(super) fn clear_doubt(&mut self, spread: SpreadIndex, outputs: &mut Outputs) {
        let legs = self.table.spread(spread).and_then(|row| row.spec).map(|spec| spec.legs);
        let is_meant = |index| {
            let is_leg = legs.is_some_and(|legs| legs.iter().any(|leg| leg.instrument == index));
            is_leg || spread == SpreadIndex::ALL
        };
        let mut is_any = false;
        let count = u32::try_from(self.table.instruments.len()).unwrap_or(u32::MAX);
        for index in (0..count).map(InstrumentIndex).filter(|index| is_meant(*index)) {
            let Some(row) = self.table.instrument_mut(index) else { continue };
            if core::mem::take(&mut row.doubts) != 0 {
                is_any = true;
                self.tell_doubt(index, Cause::Command(CommandKind::ClearDoubt), false, outputs);
            }
        }
        if !is_any {
            self.bad_input(spread, 2, outputs);
        }
    }

    /// Says of the spreads of an instrument that they open nothing any more (`is_new`), or that
    /// they may again, as far as there is room.
    fn tell_doubt(
        &self,
        instrument: InstrumentIndex,
        cause: Cause,
        is_new: bool,
        outputs: &mut Outputs,
    ) {
        let (by_alert, cause) = match cause {
            Cause::Alert(kind) => (true, kind.code()),
            Cause::Command(kind) => (false, kind.code()),
        };
        let (may, must_not) = (SafeState::Normal, SafeState::NoNew);
        let (from, to) = if is_new { (may, must_not) } else { (must_not, may) };
        for spread in self.table.spreads_of(instrument) {
            if outputs.detail_room() <= SPARE_DETAILS {
                return;
            }
            outputs.state(StateChange { spread, from, to, by_alert, cause });
        }
    }
}
