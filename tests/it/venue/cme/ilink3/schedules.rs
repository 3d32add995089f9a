//! Seeded schedules of loss against a small model of the exchange: whatever is lost, refused or
//! late, every message is told in the end, and the session is never `Up` before. Only what was
//! asked for ten times in vain is given up; then the session stays `Gapped`.
//!
//! `XMC_SESSION_SCHEDULES` says how many, `XMC_SIM_SEED` where they begin; each prints its seed
//! when it fails.

use super::peer::{Peer, SECOND, Said, Told, UUID, again, granted, live, refused, sequence};
use crate::sim::number;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::{OrderEventKind, SessionState};

const FEW: u64 = 2_000;
/// Requests of which nothing came, after which a message is given up.
const IN_VAIN: u32 = 10;

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn strikes(&mut self, one_in: u64) -> bool {
        self.next().is_multiple_of(one_in)
    }
}

/// One schedule: the numbers that were told, against all that were sent. Whether all were.
fn run(seed: u64) -> bool {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut peer = Peer::up();
    let (mut next, mut told, mut waiting) = (1_u32, BTreeSet::new(), Vec::new());
    let mut asked = BTreeMap::<u32, u32>::new();
    let note = |news: Vec<Told>, told: &mut BTreeSet<u32>, next: u32, peer: &Peer| {
        for one in news {
            match one {
                Told::Order(OrderEventKind::Accepted, order) => {
                    told.insert(u32::try_from(order).expect("small"));
                }
                Told::Session(SessionState::Gapped) => {}
                Told::Session(SessionState::Up) => {}
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        if peer.stage.state() == SessionState::Up {
            // A loss at the end shows with the next message only: nothing before it may be missing.
            let last = told.last().copied().unwrap_or(0);
            let missing: Vec<u32> = (1..=last).filter(|number| !told.contains(number)).collect();
            assert!(missing.is_empty(), "seed {seed}: up of {next} without {missing:?}");
        }
    };
    for turn in 0..60 {
        let is_end = turn >= 50;
        let mut messages = Vec::new();
        for _ in 0..dice.next() % 6 {
            if is_end || !dice.strikes(4) {
                messages.push(live(next));
            }
            next += 1;
        }
        for said in peer.after(dice.next() % (2 * SECOND)) {
            if let Said::Request(None, from, count) = said {
                (from..from + u32::from(count))
                    .for_each(|number| *asked.entry(number).or_default() += 1);
                if !is_end && dice.strikes(4) {
                    messages.push(refused(3));
                    continue;
                }
                if !is_end && dice.strikes(6) {
                    continue;
                }
                messages.push(granted(from, count));
                let mut sent: Vec<_> = (from..from + u32::from(count)).collect();
                if dice.strikes(3) {
                    sent.reverse();
                }
                for number in sent {
                    if is_end || !dice.strikes(5) {
                        waiting.push(number);
                    }
                }
            }
        }
        for number in std::mem::take(&mut waiting) {
            if !is_end && dice.strikes(3) {
                waiting.push(number);
            } else {
                messages.push(again(number));
            }
            if dice.strikes(8) {
                messages.push(live(next));
                next += 1;
            }
        }
        messages.push(sequence(next, false));
        // The model's own messages do not overtake each other.
        let news = peer.hear(&messages);
        note(news, &mut told, next, &peer);
    }
    for _ in 0..40 {
        let mut messages = vec![sequence(next, false)];
        for said in peer.after(SECOND) {
            if let Said::Request(None, from, count) = said {
                messages.push(granted(from, count));
                messages.extend((from..from + u32::from(count)).map(again));
            }
        }
        let news = peer.hear(&messages);
        note(news, &mut told, next, &peer);
    }
    let missing: Vec<_> = (1..next).filter(|number| !told.contains(number)).collect();
    let is_whole = missing.is_empty();
    let state = if is_whole { SessionState::Up } else { SessionState::Gapped };
    assert_eq!(peer.stage.state(), state, "seed {seed} ({UUID}), missing {missing:?}");
    for number in missing {
        let times = asked.get(&number).copied().unwrap_or(0);
        assert!(times >= IN_VAIN, "seed {seed}: {number} is given up after {times} requests");
    }
    is_whole
}

#[test]
fn whatever_is_lost_is_told_in_the_end() {
    let (first, many) = (number("XMC_SIM_SEED", 1), number("XMC_SESSION_SCHEDULES", FEW));
    let given_up = (first..first + many).filter(|seed| !run(*seed)).count();
    println!("session level: {many} schedules from {first}, {given_up} with a message given up");
    assert!(given_up as u64 <= many / 1_000, "too many are given up to say anything");
}
