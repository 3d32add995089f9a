//! The SIMULATED venues of a trial: markets where orders of an engine come to rest.
//!
//! Each side of every book is left by the crowd for a while, now and then, and the overseas feed
//! comes late: so the engine sends orders at prices that nobody stands at any more.

use crate::config::Configuration;
use crate::sim::exchange::ListingIndex;
use crate::sim::exchange::flow::{Interruption, Trouble};
use crate::sim::exchange::{self};
use crate::venue::cme::simulated::LineFaults;
use crate::venue::cme::simulated::shell as cme;
use crate::venue::shell::{ShellError, VenueClock};
use crate::venue::shfe::simulated::shell as shfe;
use crate::venue::simulated::{self, Venues};
use xmc_hotpath::message::Side;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

/// When the first book has one side only.
const FIRST: u64 = 6_000_000_000;
/// From one time to the next, of one side of one book.
const EVERY: Span = Span(6_000_000_000);
/// How long it lasts.
const LASTS: Span = Span(2_500_000_000);
/// From one instrument to the next, so that not all of a market stands still at once.
const APART: u64 = 700_000_000;
/// How late the overseas feed is.
const LATE: Span = Span(150_000_000);

fn thin(settings: &mut exchange::Settings) {
    let Some(flow) = &mut settings.flow else { return };
    for (place, listing) in (0..settings.listings.len()).zip((0..).map(ListingIndex)) {
        for (side, half) in [(Side::Sell, 0), (Side::Buy, EVERY.0 / 2)] {
            let first = MonoNs(FIRST + half + place as u64 * APART);
            let trouble = Trouble::OneSided(side);
            let one = Interruption { trouble, listing, first, every: EVERY, lasts: LASTS };
            flow.interruptions.push(one);
        }
    }
}

/// Opens both for an engine of `config`.
pub fn open(config: &Configuration, seed: u64) -> Result<Venues, ShellError> {
    let origin = VenueClock::wall();
    let mut domestic =
        simulated::shfe_settings(config, seed, origin, shfe::Addresses::on_loopback());
    let mut overseas = simulated::cme_settings(config, seed, origin, cme::Addresses::on_loopback());
    thin(&mut domestic.venue.exchange);
    thin(&mut overseas.venue.exchange);
    let venues = Venues { shfe: shfe::open(domestic)?, cme: cme::open(overseas)? };
    set_late(&venues, true);
    Ok(venues)
}

/// Each side of each book is quoted again, soon and for good.
pub fn settle(venues: &Venues) {
    venues.shfe.with(|shell, _| shell.venue_mut().undisturb());
    venues.cme.with(|shell, _| shell.venue_mut().undisturb());
}

/// Lets the overseas feed come late, or in time.
pub fn set_late(venues: &Venues, is_late: bool) {
    let delay = if is_late { LATE } else { Span(0) };
    for line in Line::BOTH {
        venues.cme.set_faults(line, LineFaults { delay, ..LineFaults::NONE });
    }
}
