//! Venue truth wins: a position that differs in two readings is told to the desk as the venue has
//! it.
//!
//! Only while no order of the instrument lives and nothing of it was traded since the statement:
//! otherwise the next cycle tries again. The desk then counts and closes the venue's lots. What a
//! pair holds in units does not change by that, so a pair that was closed stays closed until
//! somebody has explained it, unless the configuration says otherwise. A fill in the milliseconds
//! between the reading and the desk makes a difference again, which the next cycle finds.

use super::{Eye, ResyncDesk};
use crate::config::VenueWins;
use crate::resync::confirm::{Difference, Kind};
use crate::resync::cycle::Verdict;
use crate::resync::report;
use crate::resync::statement::{Moment, Position};
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{Control, HeldLots, InstrumentIndex, OffsetRule};
use xmc_hotpath::time::UnixNs;

impl ResyncDesk {
    /// Adopts what can be of the positions that were found to differ.
    pub(super) fn adopt(
        &mut self,
        place: usize,
        verdict: &Verdict,
        found: &[Difference],
        at: Moment,
        eye: &Eye,
        desk: &Desk<'_>,
    ) {
        let Some(reading) = &verdict.reading else { return };
        if self.settings.venue_wins == VenueWins::Report {
            return;
        }
        let slack_ns = u64::from(self.settings.settle_ms) * 1_000_000;
        let since = UnixNs(reading.as_of.0.saturating_sub(slack_ns));
        for difference in found.iter().filter(|one| one.kind == Kind::Position) {
            let open = self.kept.open.iter();
            let is_open =
                open.clone().any(|open| open.difference.id == difference.id && !open.adopted);
            let seat = &self.seats[place];
            let Some(row) = seat.rows.iter().find(|row| row.name == difference.of) else {
                continue;
            };
            let told = verdict.statement.as_ref().and_then(|one| one.held());
            let told = told.and_then(|held| held.get(row.symbol.as_str()).copied().cloned());
            let [then, now] = eye.book.turned(row.instrument, since);
            let traded = desk.instruments().get(row.instrument as usize);
            let (Some(traded), true) = (traded, is_open) else { continue };
            let rule = traded.spec.as_ref().map(|spec| spec.offset_rule);
            let held = rule.and_then(|rule| held(row.instrument, rule, told.as_ref()));
            let source = seat.figures.name.clone();
            // Whatever may open could trade before the desk is told.
            let may_open = desk.spreads().iter().any(|spread| {
                let of = spread.spec.as_ref().filter(|_| spread.state == SpreadState::Enabled);
                let legs = of.map(|spec| spec.legs()).unwrap_or_default();
                legs.iter().any(|leg| leg.instrument.0 == row.instrument && leg.ratio_lots != 0)
            });
            let is_quiet = traded.exposure.open_orders == 0 && then == now && !may_open;
            let (what, text) = match held {
                Some(held) if is_quiet => {
                    self.waiting.push_back(Control::Held(held));
                    let mut open = self.kept.open.iter_mut();
                    if let Some(open) = open.find(|open| open.difference.id == difference.id) {
                        open.adopted = true;
                    }
                    ("adopted", format!("{} as the venue has it: {held:?}", row.name))
                }
                Some(_) => ("not_adopted", format!("{}: its pairs are open or trade", row.name)),
                None => {
                    let text = "lots of today and of before are not told apart";
                    ("not_adopted", format!("{}: {text}", row.name))
                }
            };
            let line = report::of_event(what, Some(&source), self.run, at, &text);
            self.write(line);
        }
    }
}

/// What the desk is told to hold; `None` where the statement does not say enough.
fn held(instrument: u32, rule: OffsetRule, told: Option<&Position>) -> Option<HeldLots> {
    let instrument = InstrumentIndex(instrument);
    let nothing = HeldLots {
        instrument,
        long_today: 0,
        long_yesterday: 0,
        short_today: 0,
        short_yesterday: 0,
    };
    let Some(told) = told else { return Some(nothing) };
    let lots = |lots: i64| u32::try_from(lots.max(0)).ok();
    match rule {
        OffsetRule::Net => Some(HeldLots {
            long_today: lots(told.net_lots())?,
            short_today: lots(-told.net_lots())?,
            ..nothing
        }),
        OffsetRule::Close | OffsetRule::CloseToday => Some(HeldLots {
            instrument,
            long_today: told.long_today?,
            long_yesterday: told.long?.checked_sub(told.long_today?)?,
            short_today: told.short_today?,
            short_yesterday: told.short?.checked_sub(told.short_today?)?,
        }),
    }
}
