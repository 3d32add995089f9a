//! Gates of what is limited together: an account, the whole desk, a gateway.

use xmc_hotpath::message::{AccountId, AccountLimits, Event, Gate};
use xmc_hotpath::risk::NO_LEG;

use super::{Row, Setup, close, fire_second, lots, open, row, second, stand, trade};

pub fn rows() -> Vec<Row> {
    let mut rows = limits(|setup| &mut setup.account);
    rows.extend(limits(|setup| &mut setup.whole));
    rows.push(row("open orders of a gateway", Gate::OpenOrders, NO_LEG, (4, 3), |beyond| {
        let mut stand = stand(|setup| {
            setup.second = Some(second(0, 2));
            setup.gateway.max_open_orders = if beyond > 0 { 3 } else { 4 };
        });
        fire_second(&mut stand, 5);
        open(stand, 5)
    }));
    rows
}

/// The limits of an account, which are those of the whole desk too.
fn limits(of: fn(&mut Setup) -> &mut AccountLimits) -> Vec<Row> {
    vec![
        row("largest order", Gate::AccountOrderSize, NO_LEG, (5, 4), move |beyond| {
            open(stand(|setup| of(setup).max_order_lots = lots(5 - beyond)), 5)
        }),
        row("lots held", Gate::AccountPosition, NO_LEG, (20, 19), move |beyond| {
            let mut stand = stand(|setup| of(setup).max_position_lots = lots(20 - beyond));
            trade(&mut stand, 5);
            open(stand, 5)
        }),
        row(
            "lots that may come to be held",
            Gate::AccountPosition,
            NO_LEG,
            (20, 19),
            move |beyond| {
                let mut stand = stand(|setup| {
                    setup.second = Some(second(0, 2));
                    of(setup).max_position_lots = lots(20 - beyond);
                });
                fire_second(&mut stand, 5);
                open(stand, 5)
            },
        ),
        row("open orders", Gate::AccountOpenOrders, NO_LEG, (4, 3), move |beyond| {
            let mut stand = stand(|setup| {
                setup.second = Some(second(0, 2));
                of(setup).max_open_orders = if beyond > 0 { 3 } else { 4 };
            });
            fire_second(&mut stand, 5);
            open(stand, 5)
        }),
    ]
}

/// A limit that was lowered below what is held keeps nobody from closing.
#[test]
fn an_account_that_holds_too_much_may_close() {
    let mut stand = stand(|_| {});
    trade(&mut stand, 5);
    for account in [AccountId(1), AccountId::ALL] {
        let limits = super::account(account);
        stand.tell(Event::Account(AccountLimits { max_position_lots: 0, ..limits }));
    }
    let (stand, decision) = close(stand, 5);
    assert_eq!((decision.gate, stand.orders().len()), (Gate::Passed, 2));
}

/// An account that was given no limits may not trade.
#[test]
fn an_account_without_limits_passes_nothing() {
    let (stand, decision) = open(stand(|setup| setup.spread.account = AccountId(2)), 5);
    let says = (decision.gate, decision.seen, decision.limit);
    assert_eq!((says, stand.orders().len()), ((Gate::AccountOrderSize, 5, 0), 0));
}
