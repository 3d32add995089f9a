//! A venue that is killed and comes back with what was written down: no fill is lost or told twice,
//! no order stays unaccounted for.

use super::orders::{Books, Trading, booked, fills_of, lively};
use super::{MS, moment, sent};
use cross_market_connect::sim::exchange::Booked;
use cross_market_connect::venue::esunny::dstar::counter::Told;
use cross_market_connect::venue::shfe::simulated::Venue;
use std::collections::BTreeMap;
use xmc_hotpath::message::{OrderAction, OrderEventKind};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, V2, V3};

/// What was written down.
#[derive(Default)]
struct Written {
    fills: Vec<Booked>,
    told: Vec<Told>,
}

impl Written {
    fn write(&mut self, venue: &mut Venue) {
        self.fills.extend(venue.take_booked());
        self.told.extend(venue.take_told());
    }
}

/// How far things got when the venue was killed, after the exchange had done its work.
#[derive(Clone, Copy, Debug)]
enum Killed {
    /// Nothing of the last request was written down, and so nobody was told.
    BeforeWriting,
    /// It was written down, and nobody was told.
    BeforeTelling,
    /// All was done.
    Afterwards,
}

/// Runs of some requests, each of which ends by a kill.
fn survive<G: Generation>(seed: u64, killed: Killed) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut books, mut written) = (Books::default(), Written::default());
    let (mut turn, mut at, mut replies, mut lost) = (0, 0, 0, 0);
    let mut order_nos = BTreeMap::new();
    for run in 0..8_u64 {
        let mut settings = lively(seed);
        settings.exchange.start = moment(at);
        settings.exchange.rules.first_number += at / 1_000;
        settings.feed.first_packet_no = i32::try_from(run * 65_537 + 1).unwrap();
        settings.feed.center_change_no = i8::try_from(run).unwrap();
        let mut venue = Venue::new(settings);
        venue.recover(&written.fills, &written.told);
        assert_eq!(booked(&venue).len(), written.fills.len());
        let (mut trading, told) = Trading::<G>::up(venue, at, 1, replies);
        books.hear(told);
        // Whatever was live before is told to be gone; what was never taken, nobody speaks of.
        lost += books.open.len();
        books.open.clear();
        books.agree_with(&trading.venue);
        assert_eq!(fills_of(&books.told).len(), written.fills.len());
        let requests = random.u32(1..120);
        for request in 0..requests {
            turn += 1;
            trading.at += 20 * MS;
            trading.venue.poll(moment(trading.at));
            sent(&mut trading.venue);
            written.write(&mut trading.venue);
            books.hear(trading.news());
            let wish = books.wish(turn, &trading.venue, &mut random);
            if wish.action == OrderAction::New {
                books.sent(&wish);
            }
            trading.send(&wish);
            if request + 1 == requests && matches!(killed, Killed::BeforeWriting) {
                break;
            }
            written.write(&mut trading.venue);
            if request + 1 == requests && matches!(killed, Killed::BeforeTelling) {
                break;
            }
            books.hear(trading.news());
            books.agree_with(&trading.venue);
        }
        for live in trading.venue.exchange().orders_of(super::TRADER) {
            let no = live.ticket.order_no;
            assert_eq!(order_nos.insert(no, run), None, "no number is used in two runs");
        }
        replies += trading.rig.counters.replies.get();
        at = trading.at + 300 * MS;
    }
    let count = |kind| books.told.iter().filter(|event| event.kind == kind).count();
    println!("{killed:?}: {} fills, {lost} never taken", count(OrderEventKind::Filled));
    assert!(count(OrderEventKind::Filled) > 20);
    match killed {
        Killed::BeforeWriting => assert!(lost <= 8, "{lost} of the last requests"),
        Killed::BeforeTelling | Killed::Afterwards => assert_eq!(lost, 0),
    }
}

#[test]
fn what_was_written_down_is_told_whenever_the_venue_is_killed() {
    for seed in 0..6 {
        for killed in [Killed::BeforeWriting, Killed::BeforeTelling, Killed::Afterwards] {
            survive::<V3>(seed, killed);
            survive::<V2>(seed, killed);
        }
    }
}
