//! The score: what is counted is what happened, and the two desks differ in nothing but the delay.

use cross_market_connect::sim::endings::FireEnds;
use cross_market_connect::sim::fires::FireCounts;
use cross_market_connect::sim::network::Delay;
use cross_market_connect::sim::score::figure::FIGURES;
use cross_market_connect::sim::score::interval::{Interval, differences, sum};
use cross_market_connect::sim::score::market::{
    Book, MarketTerms, Move, Opportunity, Path, TICK_E9,
};
use cross_market_connect::sim::score::play::{Apart, START, WIRE, play, spread};
use cross_market_connect::sim::score::receipts::{Counts, read};
use cross_market_connect::sim::score::{Terms, score, scores};
use xmc_hotpath::time::MonoNs;

const MS: u64 = 1_000_000;
const HOME: usize = 0;
const ABROAD: usize = 1;

const TERMS: Terms = Terms {
    market: MarketTerms { seconds: 20, life_ms: 500 },
    apart: Apart { least_ms: 20, most_ms: 200 },
};

/// 1 ms each way, to both venues.
const WIRE_MS: [Delay; 2] = [Delay { least_ns: MS, spread_ns: 0 }; 2];

fn book(bid: (i64, u32), ask: (i64, u32)) -> Book {
    Book { bids: vec![bid], asks: vec![ask] }
}

/// Abroad stands ten ticks too high for 50 ms, with three lots to sell to.
fn one_opportunity() -> Path {
    let at = |ms: u64, venue: usize, book: Book| Move { at: MonoNs(ms * MS), venue, book };
    let moves = vec![
        at(2, HOME, book((6_999, 10), (7_000, 10))),
        at(2, ABROAD, book((6_999, 10), (7_000, 10))),
        at(100, ABROAD, book((7_010, 3), (7_011, 10))),
        at(150, ABROAD, book((6_999, 10), (7_000, 10))),
    ];
    Path { moves, jumps: Vec::new(), until: MonoNs(1_000 * MS) }
}

fn counted(path: &Path, apart: Option<Apart>) -> Counts {
    let played = play(path, &spread(), WIRE_MS, apart, 1).expect("every invariant holds");
    read(&played.record, 2, &path.opportunities(-3, 3)).expect("its own record")
}

/// What both have in common: money of 1,000 a unit of price, 3 units asked for, 7 ticks beyond the
/// level of 3.
fn asked() -> Counts {
    let fired = FireCounts { fires: 1, ..FireCounts::default() };
    let ended = FireEnds { fires: 1, ..FireEnds::default() };
    Counts { opportunities: 1, fired, ended, asked_units: 3, ..Counts::default() }
}

#[test]
fn an_opportunity_is_what_the_market_shows() {
    let [from, until] = [100, 150].map(|ms| MonoNs(ms * MS));
    let found = one_opportunity().opportunities(-3, 3);
    assert_eq!(found, [Opportunity { is_buy: true, from, until }]);
    // Ten ticks are there, eleven are not.
    assert_eq!(one_opportunity().opportunities(-10, 3).len(), 1);
    assert_eq!(one_opportunity().opportunities(-11, 3).len(), 0);
}

/// Decided on at 101 ms; both orders arrive at 102 ms and are filled.
#[test]
fn both_legs_at_once_take_the_opportunity() {
    let lots_e9 = 3 * u128::try_from(TICK_E9).expect("above zero") * 1_000;
    let expected = Counts {
        captured: 1,
        fired: FireCounts { whole: 1, ..asked().fired },
        done_units: 3,
        traded_e9: lots_e9 * (7_000 + 7_010),
        most_lots: 3,
        ..asked()
    };
    assert_eq!(counted(&one_opportunity(), None), expected);
}

/// The leg abroad arrives at 202 ms and finds nothing, which is known at 203 ms. Completing it
/// would cost 11 ticks less the 7 that the level leaves, trading back one: that arrives at 204 ms
/// and is known at 205 ms. Three lots at home have stood alone since 103 ms. Reports of one order
/// are told 1 ns apart, and the repair waits for the second one.
#[test]
fn leg_after_leg_is_left_with_one() {
    let apart = Apart { least_ms: 100, most_ms: 100 };
    let tick_e9 = u128::try_from(TICK_E9).expect("above zero") * 1_000;
    let expected = Counts {
        fired: FireCounts { one_sided: 1, traded_back: 1, ..asked().fired },
        ended: FireEnds { repaired: 1, flat: 1, longest_ns: 2 * MS + 1, ..asked().ended },
        traded_e9: 3 * tick_e9 * (7_000 + 6_999),
        slipped_e9: 3 * tick_e9,
        repairs_e9: 3 * i128::from(TICK_E9) * 1_000,
        missed_e9: 3 * 7 * i128::from(TICK_E9) * 1_000,
        exposed_lot_ns: 3 * (102 * u128::from(MS) + 1),
        most_lots: 3,
        ..asked()
    };
    assert_eq!(counted(&one_opportunity(), Some(apart)), expected);
}

/// Held back for so short that the price is there still: the same as at once, but for the wait.
#[test]
fn a_leg_that_comes_in_time_is_filled() {
    let apart = Apart { least_ms: 40, most_ms: 40 };
    let late = counted(&one_opportunity(), Some(apart));
    let at_once = counted(&one_opportunity(), None);
    let waited = 3 * 40 * u128::from(MS);
    assert_eq!(late, Counts { exposed_lot_ns: waited, ..at_once });
}

/// The two desks are one desk: with nothing held back they write the same, receipt for receipt.
#[test]
fn without_a_delay_both_records_are_the_same() {
    let apart = Apart { least_ms: 0, most_ms: 0 };
    let mut bytes = 0;
    for seed in 1..=8 {
        let [desk, apart] = score(seed, &Terms { apart, ..TERMS }).expect("a score").played;
        assert!(desk.record == apart.record, "seed {seed}");
        bytes += desk.record.len();
    }
    assert!(bytes > 100_000, "{bytes} bytes of record");
    let [desk, apart] = score(1, &TERMS).expect("a score").played;
    assert!(desk.record != apart.record, "a delay changes nothing");
}

/// Each fire is counted once, as one kind; and what there was to be had is the same for both.
#[test]
fn every_fire_is_of_one_kind() {
    let pairs = scores(1, 20, 2, &TERMS, &|_| {}).expect("scores");
    assert_eq!(pairs.len(), 20);
    for counts in pairs.iter().flatten() {
        let kinds =
            counts.fired.whole + counts.fired.partial + counts.fired.empty + counts.fired.one_sided;
        assert_eq!(kinds + counts.fired.unended, counts.fired.fires, "{counts:?}");
        let ended = &counts.ended;
        assert_eq!((ended.fires, ended.left_over), (counts.fired.fires, counts.broken));
        let repaired = ended.flat + ended.halted + ended.left_over;
        assert_eq!((ended.repaired, repaired), (counts.fired.one_sided, counts.fired.one_sided));
        assert_eq!(ended.unended, counts.fired.unended, "{counts:?}");
        assert!(counts.captured <= counts.opportunities, "{counts:?}");
    }
    for [desk, apart] in &pairs {
        assert_eq!(desk.opportunities, apart.opportunities);
    }
    let [desk, apart] = sum(&pairs);
    assert!(desk.fired.fires > 1_000 && apart.fired.one_sided > 100, "{desk:?} {apart:?}");
}

/// The same seeds give the same scores, however many threads take them.
#[test]
fn scores_follow_from_the_seeds() {
    let [one, two] = [1, 2].map(|threads| scores(5, 6, threads, &TERMS, &|_| {}));
    assert_eq!(one.expect("scores"), two.expect("scores"));
    let path = |seed| Path::draw(seed, &TERMS.market, START);
    assert_eq!(path(3), path(3));
    assert_ne!(path(3).moves, path(4).moves);
}

/// The life time that is drawn is the one that was asked for: of 2,000 the mean is within a tenth,
/// and as many are longer than the mean as an exponential distribution has.
#[test]
fn spreads_stand_open_for_as_long_as_is_said() {
    let terms = MarketTerms { seconds: 600, life_ms: 400 };
    let jumps = (0..10).flat_map(|seed| Path::draw(seed, &terms, START).jumps);
    let lived: Vec<_> = jumps.map(|[from, until]| until.since(from).0 / MS).collect();
    assert!(lived.len() > 2_000, "{} jumps", lived.len());
    let mean_ms = lived.iter().sum::<u64>() / lived.len() as u64;
    assert!((360..=440).contains(&mean_ms), "{mean_ms} ms on average");
    let longer = lived.iter().filter(|ms| **ms > 400).count() * 1_000 / lived.len();
    assert!((338..=398).contains(&longer), "{longer} in a thousand, 368 is 1/e");
}

#[test]
fn an_interval_holds_its_share_of_the_draws() {
    let interval = Interval::of((0..=1_000).rev().map(f64::from).collect()).expect("values");
    assert_eq!(interval, Interval { low: 25.0, high: 975.0 });
    assert_eq!(Interval::of(Vec::new()), None);
    // Without any difference there is none in the interval.
    let counts = Counts { opportunities: 10, captured: 4, ..Counts::default() };
    let capture = &FIGURES[..1];
    let same = differences(&[[counts, counts]; 9], capture);
    assert_eq!(same, [Some(Interval { low: 0.0, high: 0.0 })]);
    let more = Counts { captured: 9, ..counts };
    let more = differences(&[[more, counts]; 9], capture);
    assert_eq!(more, [Some(Interval { low: 50.0, high: 50.0 })]);
}

/// What is required of the desk, with the wires and delays that `xmc score` has.
#[test]
fn the_desk_is_better_than_leg_after_leg() {
    assert!(WIRE.iter().all(|wire| wire.least_ns > 0));
    let pairs = scores(1, 40, 2, &TERMS, &|_| {}).expect("scores");
    for (figure, interval) in FIGURES.iter().zip(differences(&pairs, FIGURES)) {
        let Interval { low, high } = interval.expect("figures of many fires");
        let is_better = if figure.is_more_better { low > 0.0 } else { high < 0.0 };
        assert!(is_better || !figure.is_required, "{}: {low} to {high}", figure.key);
    }
}
