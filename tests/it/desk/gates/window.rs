//! Gates of time: cool-down, hysteresis, and everything that may happen only so often.

use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AlertKind, CommandKind, Event, Gate, Hours, InstrumentIndex, Intent, Quote,
};
use xmc_hotpath::risk::{FIRE_RATE_MAX, INSTRUMENT_RATE_MAX, NO_LEG, RATE_MAX};
use xmc_hotpath::time::{MonoNs, Span};

use super::super::stand::{ONE_E9, Stand};
use super::{
    Row, Setup, batch, command, decide, finish, fresh, lots, open, opening, row, span, stand,
    trade, wait_until,
};

/// Long enough that everything in a test lies inside.
const LONG: Span = Span(1_000_000);

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("cool-down", Gate::CoolDown, NO_LEG, (99, 100), |beyond| {
            let mut stand = stand(|setup| setup.spread.cool_down = Span(100));
            let fired = trade(&mut stand, 5);
            at(stand, fired, 100 - beyond)
        }),
        row("hold", Gate::Hold, NO_LEG, (99, 100), |beyond| {
            let stand = stand(|setup| setup.spread.trigger.open_hold = Span(100));
            let mut disabled = stand;
            command(&mut disabled, CommandKind::Disable);
            // Time runs whatever else holds it back, so that only the last look tells of it.
            let (mut stand, first) = open(disabled, 5);
            assert_eq!(first.gate, Gate::Disabled);
            let met = stand.now;
            command(&mut stand, CommandKind::Enable);
            at(stand, met, 100 - beyond)
        }),
        row("hysteresis, bought", Gate::Hysteresis, NO_LEG, (0, 2 * ONE_E9), |beyond| {
            let mut stand = stand(|setup| setup.spread.hysteresis_e9 = 2 * ONE_E9);
            trade(&mut stand, 5);
            leave(&mut stand, 2 * ONE_E9 + 1 - beyond);
            open(stand, 5)
        }),
        // Sold at 2 where the level is 0: it stands 2 on the near side and has not left at all.
        row("hysteresis, sold", Gate::Hysteresis, NO_LEG, (-2 * ONE_E9, 2 * ONE_E9), |beyond| {
            let mut stand = stand(|setup| {
                setup.spread.buy_open_e9 = i64::MIN;
                setup.spread.sell_open_e9 = 0;
                setup.spread.hysteresis_e9 = 2 * ONE_E9;
            });
            let sold = |stand: &Stand| [fresh(stand, 1, 97, 98, 5), fresh(stand, 0, 100, 101, 5)];
            let quotes = sold(&stand);
            batch(&mut stand, &quotes);
            let orders = stand.orders();
            finish(&mut stand, &orders);
            let away = shifted(fresh(&stand, 0, 98, 99, 5), -2 * ONE_E9 - 1 + beyond);
            let other = fresh(&stand, 1, 97, 98, 5);
            batch(&mut stand, &[other, away]);
            assert_eq!(stand.decision(), None);
            let quotes = sold(&stand);
            decide(stand, &quotes)
        }),
    ];
    rows.extend(hours());
    rows.extend(counted());
    rows.extend(largest());
    rows
}

/// The first, the last and the last opening nanosecond of a leg's hours.
fn hours() -> Vec<Row> {
    let told = |name, leg: u8, seen, hours: fn(u64, u64) -> [u64; 3]| {
        row(name, Gate::Hours, leg, (seen, 1), move |beyond| {
            let mut stand = stand(|_| {});
            // The window is told, then two quotes: the second decides.
            let now = stand.now + 3;
            let beyond = u64::try_from(beyond).expect("0 or 1");
            let [from, opening_until, until] = hours(now, beyond).map(MonoNs);
            let instrument = InstrumentIndex(leg.into());
            stand.tell(Event::Hours(Hours { instrument, from, opening_until, until }));
            open(stand, 5)
        })
    };
    vec![
        told("not yet open", 0, -1, |now, beyond| [now + beyond, now + 9, now + 9]),
        told("nothing is opened", 1, 0, |now, beyond| [now - 9, now + 1 - beyond, now + 9]),
        told("shut", 1, 0, |now, beyond| [now - 9, now + 1 - beyond, now + 1 - beyond]),
        told("never", 0, -1, |now, beyond| [now + beyond, now + 1, now - 1 + 2 * (1 - beyond)]),
    ]
}

/// Within the guard time a position is closed, and after the end it is not.
#[test]
fn what_is_open_may_be_closed_until_the_end() {
    let mut stand = stand(|_| {});
    trade(&mut stand, 5);
    let now = stand.now;
    let hours = |from, opening_until, until| {
        let [from, opening_until, until] = [from, opening_until, until].map(MonoNs);
        Event::Hours(Hours { instrument: InstrumentIndex(0), from, opening_until, until })
    };
    stand.tell(hours(0, now, now + 100));
    let closing = |stand: &Stand| [fresh(stand, 1, 88, 89, 5), fresh(stand, 0, 100, 101, 5)];
    wait_until(&mut stand, now + 99 - 1);
    let quotes = closing(&stand);
    let (mut stand, decision) = decide(stand, &quotes);
    assert_eq!((decision.gate, decision.intent), (Gate::Passed, Intent::CloseLong));
    let orders = stand.orders();
    finish(&mut stand, &orders);
    trade_again(&mut stand);
}

/// After the end nothing at all is sent, until the next window is told.
fn trade_again(stand: &mut Stand) {
    let quotes = opening(stand, 5);
    batch(stand, &quotes);
    assert_eq!(stand.orders(), [], "it has shut");
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Hours));
    let [from, opening_until, until] = [stand.now, u64::MAX, u64::MAX].map(MonoNs);
    let instrument = InstrumentIndex(0);
    stand.tell(Event::Hours(Hours { instrument, from, opening_until, until }));
    let quotes = opening(stand, 5);
    batch(stand, &quotes);
    assert_eq!(stand.orders().len(), 2, "the next day");
    let unknown = Hours { instrument: InstrumentIndex(77), from, opening_until, until };
    stand.tell(Event::Hours(unknown));
    assert_eq!(stand.alerts(), [AlertKind::BadInput]);
}

/// A limit of one thing less, and a window of one nanosecond more, than what has happened.
fn counted() -> Vec<Row> {
    type Limit = fn(&mut Setup, u16, Span);
    let limits: [(&str, Gate, u8, i64, Limit); 5] = [
        ("fires", Gate::FireRate, NO_LEG, 1, |setup, most, window| {
            (setup.spread.max_fires, setup.spread.fire_window) = (most, window);
        }),
        ("messages of an instrument", Gate::InstrumentRate, 1, 1, |setup, most, window| {
            let spec = &mut setup.instruments[1];
            (spec.max_messages, spec.rate_window) = (most, window);
        }),
        ("messages of a gateway", Gate::Rate, NO_LEG, 2, |setup, most, window| {
            (setup.gateway.max_messages, setup.gateway.rate_window) = (most, window);
        }),
        ("messages of an account", Gate::AccountRate, NO_LEG, 2, |setup, most, window| {
            (setup.account.max_messages, setup.account.rate_window) = (most, window);
        }),
        ("messages of the desk", Gate::AccountRate, NO_LEG, 2, |setup, most, window| {
            (setup.whole.max_messages, setup.whole.rate_window) = (most, window);
        }),
    ];
    let mut rows = Vec::new();
    for (name, gate, leg, per_fire, set) in limits {
        let most = move |beyond| u16::try_from(2 * per_fire - beyond).expect("small");
        let says = (2 * per_fire, 2 * per_fire - 1);
        rows.push(row(name, gate, leg, says, move |beyond| {
            let mut stand = stand(|setup| set(setup, most(beyond), LONG));
            trade(&mut stand, 5);
            open(stand, 5)
        }));
        rows.push(row(name, gate, leg, says, move |beyond| {
            let mut stand = stand(|setup| set(setup, most(1), Span(1_000)));
            let fired = trade(&mut stand, 5);
            at(stand, fired, 1_000 - beyond)
        }));
    }
    rows
}

/// The largest limits that there are are kept to the letter too.
fn largest() -> Vec<Row> {
    let filled = |fires: i64, change: fn(&mut Setup)| {
        let mut stand = stand(|setup| {
            change(setup);
            setup.spread.max_units = 10_000;
        });
        for _ in 0..fires {
            trade(&mut stand, 1);
        }
        open(stand, 1)
    };
    let says = |limit: u16| (i64::from(limit) + 1, i64::from(limit));
    vec![
        row("63 fires", Gate::FireRate, NO_LEG, says(FIRE_RATE_MAX), move |beyond| {
            filled(62 + beyond, |setup| {
                (setup.spread.max_fires, setup.spread.fire_window) = (FIRE_RATE_MAX, LONG);
            })
        }),
        row("127 messages", Gate::InstrumentRate, 0, says(INSTRUMENT_RATE_MAX), move |beyond| {
            filled(126 + beyond, |setup| {
                let spec = &mut setup.instruments[0];
                (spec.max_messages, spec.rate_window) = (INSTRUMENT_RATE_MAX, LONG);
            })
        }),
        // Two messages a fire: 1,022 at the limit, 1,024 beyond it.
        row("1,023 messages", Gate::Rate, NO_LEG, says(RATE_MAX), move |beyond| {
            filled(510 + beyond, |setup| {
                (setup.gateway.max_messages, setup.gateway.rate_window) = (RATE_MAX, LONG);
            })
        }),
        row("1,023 of the desk", Gate::AccountRate, NO_LEG, says(RATE_MAX), move |beyond| {
            filled(510 + beyond, |setup| {
                (setup.whole.max_messages, setup.whole.rate_window) = (RATE_MAX, LONG);
            })
        }),
    ]
}

#[test]
fn too_many_fires_halt_the_spread() {
    let mut stand = stand(|setup| (setup.spread.max_fires, setup.spread.fire_window) = (1, LONG));
    trade(&mut stand, 5);
    let (stand, decision) = open(stand, 5);
    assert_eq!(decision.gate, Gate::FireRate);
    assert_eq!(stand.alerts(), [AlertKind::FireThrottle]);
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
}

/// What the spread makes of opening quotes so long after it fired.
fn at(mut stand: Stand, fired: u64, after: i64) -> (Stand, xmc_hotpath::message::Decision) {
    let quotes = opening(&stand, 5);
    wait_until(&mut stand, fired + span(after).0 - 1);
    decide(stand, &quotes)
}

/// Quotes at which one unit costs `value_e9`.
fn leave(stand: &mut Stand, value_e9: i64) {
    let quotes = [fresh(stand, 1, 100, 101, lots(5)), fresh(stand, 0, 99, 100, lots(5))];
    let away = shifted(quotes[1], value_e9);
    batch(stand, &[quotes[0], away]);
    assert_eq!(stand.decision(), None);
}

/// The quote with all prices moved.
fn shifted(mut quote: Quote, by_e9: i64) -> Quote {
    quote.bids.price_e9[0] += by_e9;
    quote.asks.price_e9[0] += by_e9;
    quote
}
