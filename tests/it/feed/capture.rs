//! The real capture through the stage: books against the oracle, losses and disorder against a
//! run without any.

use super::kit::{Seen, Setup, Shot, bench, capture, instruments, run, seq_no};
use crate::shared;
use std::collections::HashMap;
use xmc_hotpath::book::{BookError, Instrument, Level};
use xmc_hotpath::message::{ChannelState, Quote};
use xmc_hotpath::port::Line;

fn setup(shots: &[Shot]) -> Setup {
    Setup::new(&instruments(shots))
}

/// Four sides as the oracle writes them.
fn written(instrument: &Instrument) -> [String; 4] {
    let side = |levels: &[Level], has_orders: bool| {
        let places = levels.iter().map(|level| match (level.is_present(), has_orders) {
            (false, _) => "-".to_owned(),
            (true, true) => format!("{}:{}:{}", level.price_e9 / 100, level.lots, level.orders),
            (true, false) => format!("{}:{}", level.price_e9 / 100, level.lots),
        });
        places.collect::<Vec<_>>().join(";")
    };
    [
        side(instrument.bids().levels(), true),
        side(instrument.asks().levels(), true),
        side(instrument.implied_bids().levels(), false),
        side(instrument.implied_asks().levels(), false),
    ]
}

/// One row of the oracle: instrument, last entry number, four sides.
struct OracleRow {
    security_id: i32,
    rpt_seq: u32,
    sides: [String; 4],
}

/// The rows of each packet, in order.
fn oracle() -> Option<HashMap<u32, Vec<OracleRow>>> {
    let text = shared::text("oracle/mdp3_v6_ch340.books.tsv")?;
    let mut packets: HashMap<u32, Vec<OracleRow>> = HashMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [seq, _, id, rpt_seq, bids, asks, implied_bids, implied_asks] = fields[..] else {
            panic!("the oracle has eight columns: {line}");
        };
        let number = |text: &str| text.parse().expect("a number");
        packets.entry(number(seq)).or_default().push(OracleRow {
            security_id: id.parse().expect("a number"),
            rpt_seq: number(rpt_seq),
            sides: [bids, asks, implied_bids, implied_asks].map(str::to_owned),
        });
    }
    Some(packets)
}

#[test]
fn the_whole_capture_gives_the_oracle_s_books() {
    let (Some(shots), Some(oracle)) = (capture(), oracle()) else { return };
    let setup = setup(&shots);
    bench(&setup, |bench| {
        let mut compared = 0;
        let mut last_seq_no = None;
        for shot in &shots {
            bench.send(shot);
            if last_seq_no.replace(seq_no(shot)) == Some(seq_no(shot)) {
                continue;
            }
            let rows = oracle.get(&seq_no(shot)).map_or(&[][..], |rows| rows);
            let mut newest: HashMap<i32, &OracleRow> = HashMap::new();
            for row in rows {
                newest.insert(row.security_id, row);
            }
            for row in newest.values() {
                let channel = bench.stage.feed_mut().channel_mut();
                let instrument = channel.instrument(row.security_id).expect("it was seen");
                assert_eq!(written(instrument), row.sides, "{} {}", seq_no(shot), row.security_id);
                let followed = instrument.change_seq_no().expect("it has entries");
                assert!(followed >= row.rpt_seq, "entries of other kinds count too");
                compared += 1;
            }
        }
        let counters = bench.counters;
        let (a, b) = (counters.line(Line::A), counters.line(Line::B));
        println!(
            "{} applied, {compared} books compared, {} instruments, {} quotes, {} events, firsts \
             A {} B {}, held {}",
            counters.applied.get(),
            bench.stage.feed().channel().books().len(),
            bench.seen.quotes.len(),
            counters.events.get(),
            a.firsts.get(),
            b.firsts.get(),
            counters.held.get(),
        );
        assert_eq!(counters.applied.get(), 5000);
        assert!(compared > 4000, "{compared} books of packets up to 8614");
        assert_eq!(bench.stage.feed().channel().books().len(), 127);
        assert_eq!(counters.gaps.get() + counters.sequence_breaks.get(), 0);
        assert_eq!(counters.divergent.get() + counters.strays.get(), 0);
        assert_eq!(counters.refused.iter().map(|counter| counter.get()).sum::<u64>(), 0);
        assert_eq!(counters.unsendable.get() + counters.conflated.get(), 0);
        assert_eq!(a.packets.get() + b.packets.get(), 10_000);
        assert_eq!(a.firsts.get() + b.firsts.get(), 5000);
        assert_eq!(a.duplicates.get() + b.duplicates.get(), 5000);
        assert_eq!([a.missing.get(), b.missing.get(), a.late.get(), b.late.get()], [0; 4]);
        for (error, counter) in BookError::ALL.iter().zip(&counters.book_errors) {
            // Four levels, told before the capture began, are taken away in it.
            assert_eq!(counter.get(), u64::from(*error == BookError::Vacant) * 4, "{error:?}");
        }
        assert_eq!(bench.seen.updates.len(), 1);
        assert_eq!(bench.seen.state(), (ChannelState::Live, 1));
    });
}

/// A quote shows a state that the oracle has for its packet, or the last one before it.
#[test]
fn quotes_show_the_oracle_s_best_levels() {
    let (Some(shots), Some(oracle)) = (capture(), oracle()) else { return };
    let setup = setup(&shots);
    let seen = run(&setup, &shots);
    let mut newest: HashMap<i32, [String; 4]> = HashMap::new();
    let mut compared = 0;
    let mut quotes = seen.quotes.iter().peekable();
    for seq_no in 5615..=8614 {
        let rows = oracle.get(&seq_no).map_or(&[][..], |rows| rows);
        while let Some(quote) = quotes.next_if(|quote| quote.packet_seq_no == seq_no) {
            let id = setup.quoted[quote.instrument.0 as usize];
            let mut states: Vec<&[String; 4]> = newest.get(&id).into_iter().collect();
            states.extend(rows.iter().filter(|row| row.security_id == id).map(|row| &row.sides));
            let is_one = states.iter().any(|sides| shows(quote, sides));
            assert!(is_one || states.is_empty(), "{seq_no} {id}: {quote:?} is none of {states:?}");
            compared += usize::from(is_one);
        }
        for row in rows {
            newest.insert(row.security_id, row.sides.clone());
        }
    }
    println!("{compared} quotes compared");
    assert!(compared > 3000, "{compared} quotes of packets up to 8614");
}

/// Whether a quote has the levels above the first hole of the oracle's outright sides.
fn shows(quote: &Quote, sides: &[String; 4]) -> bool {
    let levels = |side: &str| -> Vec<(i64, u32)> {
        let present = side.split(';').map_while(|place| {
            let mut fields = place.split(':');
            let price: i64 = fields.next()?.parse().ok()?;
            Some((price * 100, fields.next()?.parse().ok()?))
        });
        present.take(5).collect()
    };
    quote.bids.levels().collect::<Vec<_>>() == levels(&sides[0])
        && quote.asks.levels().collect::<Vec<_>>() == levels(&sides[1])
}

fn assert_same_quotes(found: &Seen, clean: &Seen) {
    assert!(!clean.quotes.is_empty());
    assert!(found.timeless() == clean.timeless(), "the quotes are those of the clean run");
    let unusable = found.updates.iter().filter(|update| !update.state.is_usable()).count();
    assert_eq!(unusable, 0, "nothing had to be recovered: {:?}", found.updates);
}

/// Whether a datagram is delivered.
type Keeps = fn(&Shot) -> bool;

/// Losses on one line, or on both but never of the same packet, change no quote (M3, F1, F2).
#[test]
fn losses_that_the_other_line_makes_good_change_nothing() {
    let Some(shots) = capture() else { return };
    let setup = setup(&shots);
    let clean = run(&setup, &shots);
    let patterns: [(&str, Keeps); 7] = [
        ("line B alone", |shot| shot.line == Line::B),
        ("line A alone", |shot| shot.line == Line::A),
        ("every other packet on each", |shot| {
            (shot.line == Line::A) == (seq_no(shot).is_multiple_of(2))
        }),
        ("blocks of 20 in turn", |shot| {
            (shot.line == Line::A) == ((seq_no(shot) / 20).is_multiple_of(2))
        }),
        ("a third of A", |shot| shot.line == Line::B || !hash(shot).is_multiple_of(3)),
        ("a third of B", |shot| shot.line == Line::A || !hash(shot).is_multiple_of(3)),
        ("each packet at random on A, B or both", |shot| match hash_seq(seq_no(shot)) % 3 {
            0 => shot.line == Line::A,
            1 => shot.line == Line::B,
            _ => true,
        }),
    ];
    for (name, keeps) in patterns {
        let kept: Vec<Shot> = shots.iter().filter(|shot| keeps(shot)).cloned().collect();
        let found = run(&setup, &kept);
        println!("{name}: {} datagrams, {} states", kept.len(), found.updates.len());
        assert_same_quotes(&found, &clean);
    }
}

fn hash_seq(seq_no: u32) -> u32 {
    seq_no.wrapping_mul(0x9E37_79B1).rotate_left(15).wrapping_mul(0x85EB_CA77) >> 7
}

fn hash(shot: &Shot) -> u32 {
    hash_seq(seq_no(shot) ^ (shot.line as u32) << 31)
}

/// Half of the datagrams come again, some at once, some much later (F5).
#[test]
fn duplicates_change_nothing() {
    let Some(shots) = capture() else { return };
    let setup = setup(&shots);
    let clean = run(&setup, &shots);
    let mut random = fastrand::Rng::with_seed(5);
    let mut doubled = Vec::new();
    for (index, shot) in shots.iter().enumerate() {
        doubled.push(shot.clone());
        if random.bool() {
            let back = random.usize(..=index.min(60));
            let line = if random.bool() { Line::A } else { Line::B };
            doubled.push(Shot { line, at: shot.at, payload: shots[index - back].payload.clone() });
        }
    }
    let found = run(&setup, &doubled);
    assert_same_quotes(&found, &clean);
    assert!(doubled.len() > 14_000);
}

/// Each line out of order by up to eight packets, the other up to 30 packets behind, one in ten
/// lost on either (never both): within the window nothing changes (F6).
#[test]
fn disorder_within_the_window_changes_nothing() {
    let Some(shots) = capture() else { return };
    let mut setup = setup(&shots);
    setup.limits.line_reorder = 16;
    setup.limits.hold_for.0 = u64::MAX;
    let clean = run(&setup, &shots);
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut keyed: Vec<(u32, usize)> = Vec::new();
        for (index, shot) in shots.iter().enumerate() {
            let number = seq_no(shot) - 5615;
            // The first packet fixes where the channel begins: it must not be overtaken.
            let is_lost = number > 40
                && hash_seq(number).is_multiple_of(10)
                && ((hash_seq(number) / 10).is_multiple_of(2)) == (shot.line == Line::A);
            if is_lost {
                continue;
            }
            let lag = if shot.line == Line::B { 30 * u32::from(seed > 1) } else { 0 };
            let jitter = if number > 0 { random.u32(..8) } else { 0 };
            keyed.push((number + lag + jitter, index));
        }
        keyed.sort_by_key(|&(key, index)| (key, index));
        let mixed: Vec<Shot> = keyed.iter().map(|&(_, index)| shots[index].clone()).collect();
        bench(&setup, |bench| {
            for shot in &mixed {
                bench.send(&Shot { at: 0, ..shot.clone() });
            }
            println!("seed {seed}: {} held", bench.counters.held.get());
            assert!(bench.counters.held.get() > 1000, "the window was used");
            assert_eq!(bench.counters.gaps.get(), 0);
            assert_same_quotes(&bench.seen, &clean);
        });
    }
}
