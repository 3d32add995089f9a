//! Gates of standing: safe state, the spread's own state, the last fire, sessions, rings, arenas.

use xmc_hotpath::desk::{SpreadState, standing};
use xmc_hotpath::message::{
    BREAKERS, BreakerAction, BreakerKind, BreakerRule, Breakers, CommandKind, Event, Gate,
    LossSpec, OrderEvent, OrderEventKind, RuleAction, RulePoint, SafeState, SessionState,
    SpreadIndex,
};
use xmc_hotpath::risk::NO_LEG;
use xmc_hotpath::time::Span;

use super::super::rules::rule;
use super::super::stand::{ONE_E9, Stand, news};
use super::{
    Row, close, command, finish, fire, fire_second, lots, open, row, second, stand, trade,
};

pub fn rows() -> Vec<Row> {
    let mut rows = states();
    rows.extend(rooms());
    rows
}

fn states() -> Vec<Row> {
    let normal = i64::from(SafeState::Normal.code());
    let no_new = i64::from(SafeState::NoNew.code());
    let halt = i64::from(SafeState::Halt.code());
    vec![
        row("NO_NEW", Gate::SafeState, NO_LEG, (no_new, 0), |beyond| {
            let mut stand = stand(|_| {});
            if beyond > 0 {
                command(&mut stand, CommandKind::NoNew);
            }
            open(stand, 5)
        }),
        row("NO_NEW closes", Gate::SafeState, NO_LEG, (no_new, 0), |beyond| {
            let mut stand = stand(|_| {});
            trade(&mut stand, 5);
            command(&mut stand, CommandKind::NoNew);
            if beyond > 0 { open(stand, 5) } else { close(stand, 5) }
        }),
        row("HALT closes nothing", Gate::SafeState, NO_LEG, (halt, 0), |beyond| {
            let mut stand = stand(|_| {});
            trade(&mut stand, 5);
            let kind = if beyond > 0 { CommandKind::Kill } else { CommandKind::NoNew };
            command(&mut stand, kind);
            close(stand, 5)
        }),
        row("disabled", Gate::Disabled, NO_LEG, (normal, 0), |beyond| {
            let mut stand = stand(|_| {});
            command(&mut stand, CommandKind::Disable);
            if beyond == 0 {
                command(&mut stand, CommandKind::Enable);
            }
            open(stand, 5)
        }),
        row("disabled closes nothing", Gate::Disabled, NO_LEG, (normal, 0), |beyond| {
            let mut stand = stand(|_| {});
            trade(&mut stand, 5);
            if beyond > 0 {
                command(&mut stand, CommandKind::Disable);
            }
            close(stand, 5)
        }),
        row("halted", Gate::Halted, NO_LEG, (normal, 0), |beyond| {
            let mut stand = halted();
            if beyond == 0 {
                command(&mut stand, CommandKind::ClearHalt);
                command(&mut stand, CommandKind::Enable);
            }
            open(stand, 5)
        }),
        row("closing only", Gate::Reducing, NO_LEG, (normal, 0), |beyond| {
            let mut stand = stand(|_| {});
            let mut rules = [BreakerRule::NONE; BREAKERS];
            rules[usize::from(BreakerKind::Unfilled.code())] =
                BreakerRule { most: 0, of: 1, action: BreakerAction::Reduce };
            let (spread, latency) = (SpreadIndex(0), Span(1));
            stand.tell(Event::Breakers(Breakers { spread, slippage_e9: 0, latency, rules }));
            let orders = fire(&mut stand, 5);
            if beyond > 0 {
                orders.iter().for_each(|order| stand.news(order, OrderEventKind::Cancelled));
            } else {
                finish(&mut stand, &orders);
            }
            open(stand, 5)
        }),
        row("in flight", Gate::InFlight, NO_LEG, (1, 0), |beyond| {
            let mut stand = stand(|_| {});
            let orders = fire(&mut stand, 5);
            finish(&mut stand, if beyond > 0 { &orders[..1] } else { &orders });
            open(stand, 5)
        }),
    ]
}

fn rooms() -> Vec<Row> {
    let session = |name, state: SessionState| {
        row(name, Gate::SessionState, NO_LEG, (i64::from(state.code()), 1), move |beyond| {
            let mut stand = stand(|_| {});
            if beyond > 0 {
                stand.session(state);
            }
            open(stand, 5)
        })
    };
    vec![
        session("session down", SessionState::Down),
        session("session gapped", SessionState::Gapped),
        row("ring room", Gate::RingRoom, NO_LEG, (1, 2), |beyond| {
            let mut stand = stand(|_| {});
            stand.credits.gateway_slots[0] = if beyond > 0 { 1 } else { 2 };
            open(stand, 5)
        }),
        row("record room to open", Gate::RecordRoom, NO_LEG, (51, 50), |beyond| {
            let mut stand = stand(|_| {});
            stand.credits.record_used_pct = if beyond > 0 { 51 } else { 50 };
            open(stand, 5)
        }),
        row("record room to close", Gate::RecordRoom, NO_LEG, (76, 75), |beyond| {
            let mut stand = stand(|_| {});
            trade(&mut stand, 5);
            stand.credits.record_used_pct = if beyond > 0 { 76 } else { 75 };
            close(stand, 5)
        }),
        row("worst loss", Gate::Loss, NO_LEG, (5 * ONE_E9, 5 * ONE_E9 - 1), |beyond| {
            let max_e9 = 5 * ONE_E9 - beyond;
            open(stand(|setup| setup.spread.loss = LossSpec { max_e9, stress_q32: 0 }), 5)
        }),
        row("user rule", Gate::UserRule, NO_LEG, (4, 5), |beyond| {
            let mut stand = stand(|_| {});
            let thin = rule(0, RulePoint::Quote, "lots(b) < 5", RuleAction::HoldBack);
            stand.tell(Event::Rule(&thin));
            open(stand, if beyond > 0 { 4 } else { 5 })
        }),
        row("order rows", Gate::Arena, NO_LEG, (1, 2), |beyond| {
            let mut stand = stand(|setup| {
                setup.second = Some(second(0, 2));
                setup.order_rows = if beyond > 0 { 3 } else { 4 };
            });
            fire_second(&mut stand, 5);
            open(stand, 5)
        }),
        row("units held", Gate::SpreadPosition, NO_LEG, (10, 10), |beyond| {
            let mut stand = stand(|setup| setup.spread.max_units = 10);
            trade(&mut stand, lots(9 + beyond));
            open(stand, 5)
        }),
    ]
}

/// A desk whose spread was halted by a correction and holds 5 units.
fn halted() -> Stand {
    let mut stand = stand(|_| {});
    let orders = fire(&mut stand, 5);
    finish(&mut stand, &orders);
    let corrected = news(&orders[0], OrderEventKind::Corrected);
    stand.tell(Event::Order(OrderEvent { exec_id: 9, ..corrected }));
    assert_eq!(stand.desk().spreads()[0].state, SpreadState::Halted);
    stand
}

/// FLATTEN and SINGLE_FEED are entered by no input yet; what they allow is settled all the same.
#[test]
fn what_may_be_fired_in_each_state() {
    use SafeState::{Flatten, Halt, NoNew, Normal, SingleFeed};
    let allowed = [
        (Normal, [true, true]),
        (SingleFeed, [true, true]),
        (NoNew, [false, true]),
        (Flatten, [false, false]),
        (Halt, [false, false]),
    ];
    assert_eq!(allowed.map(|(state, _)| state).as_slice(), SafeState::ALL);
    for (state, to_open_and_close) in allowed {
        for (is_open, may) in [true, false].into_iter().zip(to_open_and_close) {
            for (spread, gate) in [
                (SpreadState::Enabled, None),
                (SpreadState::Disabled, Some(Gate::Disabled)),
                (SpreadState::Halted, Some(Gate::Halted)),
                (SpreadState::Reducing, is_open.then_some(Gate::Reducing)),
            ] {
                let expected = if may { gate } else { Some(Gate::SafeState) };
                assert_eq!(standing(state, spread, is_open), expected, "{state:?} {spread:?}");
            }
        }
    }
}

#[test]
fn a_desk_starts_unarmed_and_nothing_leads_out_of_halt() {
    assert_eq!(Stand::empty(1, 1).desk().state(), SafeState::NoNew);
    let mut stand = stand(|_| {});
    assert_eq!(stand.desk().state(), SafeState::Normal);
    for kind in [CommandKind::Kill, CommandKind::NoNew, CommandKind::Arm] {
        command(&mut stand, kind);
        assert_eq!(stand.desk().state(), SafeState::Halt, "{kind:?}");
    }
}
