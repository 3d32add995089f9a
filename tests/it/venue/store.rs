//! What a venue keeps over a restart: read back whole, cut off anywhere, damaged, another's.

use crate::journal::scratch::Scratch;
use cross_market_connect::sim::exchange::{
    Booked, Exchange, FillNo, ListingIndex, Order, Phase, Price, Rules, Settings,
};
use cross_market_connect::venue::esunny::dstar::counter::Told;
use cross_market_connect::venue::store::{FillStore, Kept, StoreError};
use std::path::Path;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::{MonoNs, UnixNs};

const ORIGIN: UnixNs = UnixNs(1_767_571_200_000_000_000);

fn symbols() -> Vec<String> {
    ["cu", "bc"].map(str::to_owned).to_vec()
}

fn open(path: &Path) -> Result<(FillStore, Kept), StoreError> {
    FillStore::open(path, "shfe", symbols(), ORIGIN)
}

/// Fills that open, close today's and are of two instruments.
fn fills() -> Vec<Booked> {
    let mut listings = Settings::shfe(1, "").listings;
    listings.truncate(2);
    let prices: Vec<_> = listings.iter().map(|listing| listing.reference_e9).collect();
    let mut exchange = Exchange::new(Settings::quiet(Rules::shfe(), listings), 1);
    exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
    for (round, listing) in (1..20).zip([0_u16, 1].iter().cycle()) {
        for (account, side) in [(2, Side::Sell), (1, Side::Buy)] {
            let order = Order {
                account: AccountId(account),
                client_id: round,
                listing: ListingIndex(*listing),
                side: if round % 3 == 0 { side.opposite() } else { side },
                price: Price::Limit(prices[usize::from(*listing)]),
                time_in_force: TimeInForce::Day,
                lots: 1,
                min_lots: 0,
                effect: match round % 3 == 0 && account == 1 {
                    true => PositionEffect::CloseToday,
                    false => PositionEffect::Open,
                },
            };
            exchange.submit(MonoNs(round * 1_000), &order, &mut ());
        }
    }
    let fills = exchange.accounts().fills(AccountId(1), FillNo(0)).collect::<Vec<_>>();
    assert!(fills.iter().any(|booked| booked.closed_today > 0) && fills.len() > 10);
    fills
}

/// Replies of a counter, one of them with every byte there is.
fn told() -> Vec<Told> {
    let told = |version, reply| Told { account: AccountId(7), version, reply };
    vec![told(2, Vec::new()), told(3, (0..=255).collect())]
}

#[test]
fn what_was_written_is_read_back() {
    let scratch = Scratch::new("store");
    let path = scratch.path("fills.jsonl");
    let fills = fills();
    let (mut store, kept) = open(&path).unwrap();
    assert_eq!(kept, Kept::nothing(ORIGIN));
    store.reserve_to(65_536).unwrap();
    store.append(&fills[..4], &told()).unwrap();
    drop(store);
    // Another day: time goes on from where it began.
    let (mut store, kept) = FillStore::open(&path, "shfe", symbols(), UnixNs(5)).unwrap();
    let fills_kept = fills[..4].to_vec();
    let expected =
        Kept { utc_origin: ORIGIN, fills: fills_kept, told: told(), reserved_to: 65_536 };
    assert_eq!(kept, expected);
    store.append(&fills[4..], &[]).unwrap();
    store.reserve_to(131_072).unwrap();
    drop(store);
    let (_, kept) = open(&path).unwrap();
    assert_eq!((kept.fills, kept.reserved_to), (fills, 131_072));
}

/// Wherever a kill cuts the file off, what is whole is read, and the file goes on behind it.
#[test]
fn a_file_that_was_cut_off_anywhere_is_read_as_far_as_it_is_whole() {
    let scratch = Scratch::new("store");
    let path = scratch.path("fills.jsonl");
    let fills = fills();
    let (mut store, _) = open(&path).unwrap();
    store.append(&fills[..3], &[]).unwrap();
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    for len in 0..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        let (mut store, kept) = open(&path).unwrap();
        let lines = whole[..len].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(kept.fills, fills[..lines.saturating_sub(1)], "cut at {len}");
        store.append(&fills[3..4], &[]).unwrap();
        drop(store);
        let (_, again) = open(&path).unwrap();
        assert_eq!(again.fills.len(), kept.fills.len() + 1);
        assert_eq!(again.fills.last(), Some(&fills[3]));
    }
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let scratch = Scratch::new("store");
    let path = scratch.path("fills.jsonl");
    let (mut store, _) = open(&path).unwrap();
    store.append(&fills()[..3], &[]).unwrap();
    drop(store);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let damaged = |place: usize, line: &str| {
        let mut lines = lines.clone();
        lines[place] = line;
        let damaged = lines.join("\n") + "\n";
        std::fs::write(&path, &damaged).unwrap();
        let refused = open(&path).map(|_| ()).unwrap_err();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        refused
    };
    let unknown = lines[2].replace("\"cu\"", "\"zn\"").replace("\"bc\"", "\"zn\"");
    let half_byte = r#"{"reply":{"account":1,"version":3,"bytes":"585"}}"#;
    let no_byte = r#"{"reply":{"account":1,"version":3,"bytes":"5x"}}"#;
    for (place, line) in [
        (0, lines[1]),
        (1, ""),
        (1, "x"),
        (2, lines[0]),
        (3, "{}"),
        (2, &*unknown),
        (1, half_byte),
        (3, no_byte),
    ] {
        let refused = damaged(place, line);
        assert!(
            matches!(refused, StoreError::Line { line, .. } if line == place + 1),
            "line {place}: {refused}"
        );
    }
    std::fs::write(&path, &text).unwrap();
    let other = FillStore::open(&path, "cme", symbols(), ORIGIN).map(|_| ());
    assert!(matches!(other, Err(StoreError::OtherVenue { .. })));
    let other = FillStore::open(&path, "shfe", symbols()[..1].to_vec(), ORIGIN).map(|_| ());
    assert!(matches!(other, Err(StoreError::OtherVenue { .. })));
    let absent = FillStore::open(&scratch.path("no/such"), "shfe", symbols(), ORIGIN).map(|_| ());
    assert!(matches!(absent, Err(StoreError::File { .. })));
}

#[test]
fn two_venues_do_not_write_to_one_file() {
    let scratch = Scratch::new("store");
    let path = scratch.path("fills.jsonl");
    let (first, _) = open(&path).unwrap();
    assert!(matches!(open(&path).map(|_| ()), Err(StoreError::InUse(_))));
    drop(first);
    open(&path).unwrap();
}
