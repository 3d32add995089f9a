//! UTC is set by an hour, again and again, while orders are under way: a desk that is told so sends
//! the same orders at the same moments as one that is not, byte for byte (F16, F17).

use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::sim::plan::{Plan, Seed};
use cross_market_connect::sim::world::{self, IDENTITY};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{ClockScale, Event, Input, OrderEvent, Quote};
use xmc_hotpath::time::UnixNs;

const HOUR: i64 = 3_600 * 1_000_000_000;
const UTC: u64 = 1_795_000_000 * 1_000_000_000;

#[test]
fn steps_of_an_hour_move_no_order_and_no_timeout() {
    let (mut orders, mut steps, mut told) = (0, 0, 0);
    for seed in (1..500).map(Seed::whole) {
        let plan = Plan::draw(seed);
        let size = DeskSize {
            instruments: plan.instruments.len(),
            spreads: plan.spreads.len(),
            orders: plan.orders,
        };
        let mut arenas = DeskMemory::new(size);
        let mut twin = Desk::new(IDENTITY, arenas.lend());
        let mut random = fastrand::Rng::with_seed(seed.seed);
        let (mut outputs, mut set) = (Outputs::new(), 0);
        let outcome = world::run_watched(seed, &mut |input: &Input<'_>, expected: &Outputs| {
            if random.u8(..4) == 0 {
                set = [HOUR, -HOUR, 0][random.usize(..3)];
                steps += 1;
            }
            // Venues' times step with ours: each quote and each answer is from another hour.
            let moved = |at: UnixNs| UnixNs(at.0.wrapping_add_signed(set));
            match input.event {
                Event::Quote { quote, more } => {
                    let quote = Quote { exchange: moved(quote.exchange), ..*quote };
                    let event = Event::Quote { quote: &quote, more };
                    twin.on(&Input { event, ..*input }, &mut outputs);
                }
                Event::Order(event) => {
                    let event = OrderEvent { exchange: moved(event.exchange), ..event };
                    twin.on(&Input { event: Event::Order(event), ..*input }, &mut outputs);
                }
                Event::Clock(scale) => {
                    told += 1;
                    let utc = moved(UnixNs(UTC.wrapping_add(input.now.0)));
                    let event = Event::Clock(ClockScale { utc, ..scale });
                    twin.on(&Input { event, ..*input }, &mut outputs);
                }
                _ => twin.on(input, &mut outputs),
            }
            assert!(outputs.orders().eq(expected.orders()), "{seed:?} {input:?}");
            assert!(outputs.details().eq(expected.details()), "{seed:?} {input:?}");
            orders += expected.order_count();
        });
        outcome.unwrap_or_else(|violation| panic!("{violation}"));
    }
    println!("{orders} orders, {steps} steps of an hour, {told} of them told: none moved");
    assert!(orders > 1_000 && steps > 10_000 && told > 500, "{orders} {steps} {told}");
}
