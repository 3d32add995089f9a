//! An instrument's day (M13): what the engine knows of trades, busts, statistics and limits is what
//! the venue's own account of the day has.
//!
//! The account is kept from what traded, and never from entries (`simulated::DayAccount`). It is
//! compared while the market is halted, so that it stands still.

use super::super::rig::{CmeRig, Market, Options, cme_rig};
use super::until_there;
use cross_market_connect::engine::limits::PriceBands;
use cross_market_connect::recovery::replica::ReplicaCounters;
use cross_market_connect::sim::exchange::{ListingIndex, Phase};
use cross_market_connect::venue::cme::simulated::{Closing, DayAccount};
use std::time::Instant;
use xmc_hotpath::book::{Day, DayLots, PriceLimits, Settlement};
use xmc_hotpath::message::Control;

/// The venue's listings, and their numbers in its feed.
const LISTED: [(ListingIndex, i32); 4] = [
    (ListingIndex(0), 5_001),
    (ListingIndex(1), 5_002),
    (ListingIndex(2), 5_003),
    (ListingIndex(3), 5_004),
];

/// What the feed has said since the day was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// All of it.
    Everything,
    /// What a reset sends again: nothing of the last trade, of the close and of limits.
    Again,
}

fn day(rig: &mut CmeRig<'_, '_>, security_id: i32) -> Day {
    *rig.stage.feed_mut().channel_mut().day(security_id).expect("it was told of")
}

/// The venue's account, once the hot side has all that was sent.
fn accounts(rig: &mut CmeRig<'_, '_>) -> [DayAccount; 4] {
    let (last, accounts) = rig.with(|shell, _| {
        let venue = shell.venue();
        let accounts = LISTED.map(|(listing, _)| venue.day(listing).expect("it is listed"));
        (venue.last_seq_no(), accounts)
    });
    until_there(rig, last);
    accounts
}

/// What is known of a day beside trades by name, which snapshots do not tell.
type Known = (Option<(i64, Option<u32>)>, [Option<i64>; 3], Option<u32>);

fn known(day: &Day) -> Known {
    let last = day.last.map(|last| (last.price_e9, last.lots));
    (last, [day.open_e9, day.high_e9, day.low_e9], day.volume_lots)
}

fn expected(account: &DayAccount, said: Said) -> Known {
    let last = account.last.filter(|_| said == Said::Everything);
    let last = last.map(|last| (last.price_e9, Some(last.lots)));
    let volume = u32::try_from(account.volume_lots).expect("a short day");
    let is_told = account.volume_lots > 0 || account.busts > 0;
    let prices = [account.open_e9, account.high_e9, account.low_e9];
    (last, prices, is_told.then_some(volume))
}

fn agree(day: &Day, account: &DayAccount, said: Said) {
    assert_eq!(known(day), expected(account, said));
    let lots = |lots: Option<u32>, of: Option<u16>| lots.map(|lots| DayLots { lots, day: of });
    let close = account.closing.filter(|_| said == Said::Everything);
    let settlement = close.map(|close| Settlement {
        price_e9: close.settlement_e9,
        is_final: close.is_final,
        is_intraday: false,
        day: close.day,
    });
    assert_eq!(day.settlement, settlement);
    assert_eq!(day.open_interest, close.and_then(|of| lots(of.open_interest_lots, of.day)));
    assert_eq!(day.cleared, close.and_then(|of| lots(of.cleared_lots, of.day)));
    let (low_e9, high_e9) = account.limits_e9.filter(|_| said == Said::Everything).unzip();
    assert_eq!(day.limits, PriceLimits { high_e9, low_e9, max_variation_e9: None });
}

fn compare(rig: &mut CmeRig<'_, '_>, said: Said) -> [DayAccount; 4] {
    let accounts = accounts(rig);
    for ((_, id), account) in LISTED.iter().zip(&accounts) {
        agree(&day(rig, *id), account, said);
    }
    accounts
}

/// Lets the market trade until every instrument has traded anew, and halts it.
fn trade(rig: &mut CmeRig<'_, '_>) {
    rig.venue().set_phase(None, Phase::Open);
    let volumes = |rig: &mut CmeRig<'_, '_>| {
        rig.with(|shell, _| LISTED.map(|(of, _)| shell.venue().day(of).map(|day| day.volume_lots)))
    };
    let before = volumes(rig);
    let since = Instant::now();
    while volumes(rig).iter().zip(&before).any(|(now, before)| now <= before) {
        rig.follow(20);
        assert!(since.elapsed().as_secs() < 60, "the crowd trades everything");
    }
    rig.venue().set_phase(None, Phase::Halted);
}

fn bust(rig: &mut CmeRig<'_, '_>, listing: ListingIndex, later: usize) {
    let print = rig.with(move |shell, now| shell.venue_mut().bust(now, listing, later));
    assert!(print.is_some(), "there are trades to take back");
}

fn close(rig: &mut CmeRig<'_, '_>, number: u32, is_final: bool) {
    for (listing, _) in LISTED {
        let closing = Closing {
            settlement_e9: 1_000_000_000 + i64::from(number),
            is_final,
            open_interest_lots: Some(70_000 + number),
            cleared_lots: Some(number),
            day: Some(17_000),
        };
        rig.with(move |shell, now| shell.venue_mut().close_day(now, listing, closing));
    }
}

/// Tells close and limits again: a feed that joined in the very first moment may lack them.
fn tell_all(rig: &mut CmeRig<'_, '_>) {
    close(rig, 0, true);
    rig.with(|shell, now| {
        for (listing, _) in LISTED {
            let account = shell.venue().day(listing).expect("it is listed");
            let limits_e9 = account.limits_e9.expect("it was told at the start");
            shell.venue_mut().set_limits(now, listing, limits_e9);
        }
    });
}

/// Narrows the limits of the first instrument by a tenth on both sides.
fn narrow(rig: &mut CmeRig<'_, '_>) {
    rig.with(|shell, now| {
        let (listing, _) = LISTED[0];
        let account = shell.venue().day(listing).expect("it is listed");
        let (low, high) = account.limits_e9.expect("it was told at the start");
        let tenth = (high - low) / 10;
        shell.venue_mut().set_limits(now, listing, (low + tenth, high - tenth));
    });
}

#[test]
fn m13_trades_busts_statistics_and_limits_are_the_venue_s_own() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        tell_all(rig);
        trade(rig);
        compare(rig, Said::Everything);
        // Whoever joins late finds some.
        let breaks = rig.counters.sequence_breaks.get();

        // The last trade is taken back, or the one before it; extremes and the opening may be.
        for turn in 0..12 {
            trade(rig);
            for ((listing, id), later) in LISTED.into_iter().zip([turn % 2, 0, 1, turn % 3]) {
                accounts(rig);
                let before = day(rig, id);
                bust(rig, listing, later);
                let account = accounts(rig)[usize::from(listing.0)];
                let now = day(rig, id);
                assert_eq!(now.busts, before.busts + 1);
                agree(&now, &account, Said::Everything);
            }
            rig.check();
        }
        let busts: u32 = accounts(rig).iter().map(|account| account.busts).sum();
        assert_eq!(busts, 48);
        // Of two that are taken back at once the one before both is not remembered.
        bust(rig, LISTED[0].0, 0);
        bust(rig, LISTED[0].0, 0);
        accounts(rig);
        assert_eq!(day(rig, LISTED[0].1).last, None);
        trade(rig);

        for (number, is_final) in [(1, false), (2, true), (3, true)] {
            close(rig, number, is_final);
            narrow(rig);
            compare(rig, Said::Everything);
        }
        assert_eq!(rig.counters.sequence_breaks.get(), breaks);
        rig.check();
    });
}

/// One trade after the other is taken back, the newest first, until nothing is left.
#[test]
fn m13_a_day_whose_trades_are_all_taken_back_is_empty() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        tell_all(rig);
        trade(rig);
        let (listing, id) = LISTED[3];
        let (mut count, mut is_any) = (0, true);
        while is_any {
            is_any = rig.with(move |shell, now| shell.venue_mut().bust(now, listing, 0).is_some());
            count += u32::from(is_any);
            rig.poll();
        }
        let account = accounts(rig)[3];
        let day = day(rig, id);
        println!("{count} trades taken back");
        assert_eq!(account.volume_lots, 0, "so few are all remembered");
        assert_eq!(day.busts, count);
        assert_eq!(known(&day), (None, [None; 3], Some(0)));
        agree(&day, &account, Said::Everything);
    });
}

/// Lost on the way to the hot side, or to everybody: the replica has followed, or its snapshots say
/// the same.
#[test]
fn m13_days_come_back_with_the_books() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        tell_all(rig);
        trade(rig);
        compare(rig, Said::Everything);
        for (number, is_for_all) in [(1, false), (2, true), (3, false), (4, true)] {
            let rejoined = rig.counters.rejoined.get();
            if is_for_all {
                rig.venue().set_lost_together(1_000);
            }
            rig.is_deaf.set(true);
            trade(rig);
            bust(rig, LISTED[1].0, 1);
            close(rig, number, true);
            narrow(rig);
            rig.follow(20);
            rig.venue().set_lost_together(0);
            rig.is_deaf.set(false);
            // A heartbeat shows the gap.
            rig.until("to lose packets", |rig| !rig.state().is_usable());
            rig.until_usable();
            assert!(rig.counters.rejoined.get() > rejoined);
            compare(rig, Said::Everything);
            rig.check();
        }
    });
}

/// M8 beside the books: statistics are empty but for what is sent again. Snapshots tell the rest to
/// the replica, and whoever takes its books has it.
#[test]
fn m08_a_channel_reset_empties_the_days_but_for_what_is_sent_again() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        tell_all(rig);
        trade(rig);
        close(rig, 1, true);
        compare(rig, Said::Everything);
        for _ in 0..3 {
            let resets = rig.counters.resets.get();
            rig.venue().fail_over();
            rig.until("to be void", |rig| rig.counters.resets.get() > resets);
            let known = compare(rig, Said::Again);
            assert!(known.iter().all(|account| account.closing.is_some()));
            trade(rig);
            accounts(rig);
            for (_, id) in LISTED {
                let day = day(rig, id);
                assert!(day.last.is_some() && day.settlement.is_none(), "{day:?}");
            }
        }
        rig.follow(300);
        rig.is_deaf.set(true);
        trade(rig);
        rig.is_deaf.set(false);
        rig.until("to lose packets", |rig| !rig.state().is_usable());
        rig.until_usable();
        compare(rig, Said::Everything);
    });
}

/// The limits reach whoever tells the desk: an order beyond them is none of its orders.
#[test]
fn limits_of_the_venue_are_limits_of_the_desk() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        tell_all(rig);
        trade(rig);
        let mut bands = PriceBands::of(rig.config);
        let configured = rig.config.instruments.iter();
        let mut bounds: Vec<_> =
            configured.map(|row| (row.min_price_e9, row.max_price_e9)).collect();
        for _ in 0..3 {
            narrow(rig);
            let accounts = accounts(rig);
            let since = Instant::now();
            loop {
                let unheard = ReplicaCounters::default();
                for control in bands.due([&unheard, rig.cold].into_iter()) {
                    let Control::Instrument(spec) = control else { panic!("{control:?}") };
                    let row = usize::try_from(spec.instrument.0).expect("a row");
                    bounds[row] = (spec.min_price_e9, spec.max_price_e9);
                }
                let is_so = |((_, id), account): (&(ListingIndex, i32), &DayAccount)| {
                    let mut rows = rig.config.instruments.iter().zip(&bounds);
                    let (row, told) = rows
                        .find(|(row, _)| row.feed == 1 && row.security_id.value == *id)
                        .expect("it is traded");
                    let (low, high) = account.limits_e9.expect("it was told");
                    *told == (low.max(row.min_price_e9), high.min(row.max_price_e9))
                };
                if LISTED.iter().zip(&accounts).all(is_so) {
                    break;
                }
                rig.follow(5);
                assert!(since.elapsed().as_secs() < 60, "{bounds:?} and not {accounts:?}");
            }
            let none = [&ReplicaCounters::default(), rig.cold];
            assert_eq!(bands.due(none.into_iter()), [], "nothing is told twice");
        }
    });
}
