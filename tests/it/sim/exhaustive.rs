//! All short sequences of order news. `XMC_SIM_DEPTH` goes deeper than the gate (4; 5 takes 22
//! times as long); `one` tells a single sequence by its number, `XMC_SIM_SEQUENCE`.

use std::thread;
use std::time::Instant;

use cross_market_connect::sim::exhaustive::{self, Count, Sequence};

use super::{number, say};

fn depth() -> u32 {
    u32::try_from(number("XMC_SIM_DEPTH", 4)).expect("a small depth")
}

#[test]
fn every_sequence() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let count = exhaustive::all(depth(), threads).unwrap_or_else(|failure| panic!("{failure}"));
    say(&format!("{count:?} in {:.1?}", start.elapsed()));
    assert_eq!(count.sequences, exhaustive::count(depth()));
}

#[test]
fn one() {
    let sequence = Sequence { number: number("XMC_SIM_SEQUENCE", 0), depth: depth() };
    let told = exhaustive::run(sequence, &mut Count::default(), &mut |input, outputs| {
        println!("{} {:?}", input.now.0, input.event);
        outputs.orders().for_each(|order| println!("    {order:?}"));
        outputs.details().for_each(|detail| println!("    {detail:?}"));
    });
    told.unwrap_or_else(|violation| panic!("{violation}"));
}
