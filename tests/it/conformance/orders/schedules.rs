//! Seeded schedules over sockets: everything that can go wrong without people, at rates, while
//! orders are sent. At the end no order is there twice, and of every order the fate is known, or
//! known not to be.
//!
//! Twenty at a commit; `XMC_ORDER_SCHEDULES=1000` runs as many, `XMC_ORDER_SEED=7` only that one.

use super::bench;
use cross_market_connect::config::GatewayProtocol;
use cross_market_connect::conformance::Ground;
use cross_market_connect::conformance::book::Fate;
use cross_market_connect::conformance::case::must;
use cross_market_connect::conformance::rig::Options;
use cross_market_connect::engine::sessions::Pace;
use cross_market_connect::venue::cme::simulated::{OrderFaults, OrderRate, OrderTrouble, Spot};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use xmc_hotpath::message::Side;
use xmc_hotpath::time::Span;

/// Schedules of one commit.
const COMMIT: u64 = 20;
/// Schedules at a time.
const AT_ONCE: usize = 4;
/// Orders of one schedule.
const ORDERS: u32 = 60;

const LATE: OrderTrouble = OrderTrouble::Late(Span(40_000_000));

/// What goes wrong where, and how often in a thousand messages.
const RATES: [(Spot, u32, OrderTrouble); 14] = [
    (Spot::Report, 20, OrderTrouble::Lost),
    (Spot::Report, 8, OrderTrouble::Drop),
    (Spot::Report, 8, OrderTrouble::Torn(25)),
    (Spot::Report, 8, OrderTrouble::Split(9)),
    (Spot::Report, 10, LATE),
    (Spot::Report, 4, OrderTrouble::Garbage),
    (Spot::Report, 4, OrderTrouble::End(0)),
    (Spot::Request, 15, OrderTrouble::Lost),
    (Spot::Request, 8, OrderTrouble::Drop),
    (Spot::Resent, 40, OrderTrouble::Lost),
    (Spot::Resent, 10, OrderTrouble::Drop),
    (Spot::RetransmitRequest, 60, OrderTrouble::Refused(3)),
    (Spot::Establish, 60, OrderTrouble::Drop),
    (Spot::Establish, 80, OrderTrouble::End(2)),
];

#[derive(Debug, Default)]
struct Total {
    orders: usize,
    not_sent: usize,
    unknown: usize,
    troubles: u64,
    sessions: u64,
    resent: u64,
}

impl Total {
    fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.not_sent += other.not_sent;
        self.unknown += other.unknown;
        self.troubles += other.troubles;
        self.sessions += other.sessions;
        self.resent += other.resent;
    }
}

fn schedule(seed: u64, total: &mut Total) {
    // As the engine, in less time.
    let (first, longest) = (Duration::from_millis(20), Duration::from_millis(300));
    let pace = Pace { first, longest, ..Pace::ENGINE };
    let options = Options { keep_alive_ms: Some(2_000), pace, ..Options::default() };
    let bench = bench(GatewayProtocol::CmeIlink3, seed);
    let ground = Ground::new(&bench);
    let ended = ground.rig(&options, |rig| {
        rig.until_up()?;
        let rates = RATES.map(|(spot, per_mille, what)| OrderRate { spot, per_mille, what });
        let faults = OrderFaults { seed, rates: rates.to_vec(), ..OrderFaults::default() };
        rig.cme()?.set_order_faults(faults);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut resting = Vec::new();
        for _ in 0..ORDERS {
            // Mostly it is waited for a session: what is sent without one is given back.
            if rng.u32(..5) > 0 {
                rig.until_up()?;
            }
            let side = if rng.bool() { Side::Buy } else { Side::Sell };
            match rng.u32(..10) {
                0..6 => {
                    rig.lift(side, rng.u32(1..5))?;
                }
                6..8 => resting.push(rig.rest()?),
                _ if !resting.is_empty() => {
                    let id = resting.swap_remove(rng.usize(..resting.len()));
                    rig.cancel(id)?;
                }
                _ => rig.follow(rng.u64(1..60))?,
            }
            if rng.u32(..40) == 0 {
                rig.cut()?;
            }
            rig.follow(rng.u64(..4))?;
        }
        rig.cme()?.set_order_faults(OrderFaults::default());
        total.unknown += rig.agree_but_unknown()?;
        // And what is still there can be taken out.
        for id in resting.into_iter().chain(1..=u64::from(ORDERS)) {
            if rig.book.orders.get(&id).is_some_and(|row| row.fate == Fate::Working) {
                rig.cancel(id)?;
            }
        }
        rig.agree_but_unknown()?;
        let mut orders = rig.book.orders.values();
        must(!orders.any(|row| row.fate == Fate::Working), "an order is left")?;
        let (orders, gateway) = (rig.book.orders.values(), rig.counted()?);
        total.orders += rig.book.orders.len();
        total.not_sent += orders.filter(|row| row.fate == Fate::NotSent).count();
        total.troubles += gateway.troubles;
        total.sessions += gateway.established;
        total.resent += gateway.resent;
        Ok(())
    });
    ended.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
}

#[test]
fn schedules_leave_no_order_twice_and_none_of_which_nobody_knows_that_nobody_knows() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let mut total = Total::default();
    if let Some(seed) = number("XMC_ORDER_SEED") {
        schedule(seed, &mut total);
        return println!("{total:?}");
    }
    let count = number("XMC_ORDER_SCHEDULES").unwrap_or(COMMIT);
    let next = AtomicU64::new(1);
    // Schedules wait most of their time.
    let totals: Vec<Total> = std::thread::scope(|scope| {
        let run = || {
            let mut total = Total::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed > count {
                    return total;
                }
                println!("XMC_ORDER_SEED={seed}");
                schedule(seed, &mut total);
            }
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(run)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|total| total.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    totals.iter().for_each(|one| total.add(one));
    println!("{count} schedules: {total:?}");
    assert!(total.troubles > count && total.resent > count, "{total:?}");
}
