//! What is used of each limit of a desk, for operators and screens.

use super::limit::{Field, Limited};
use super::reply::LimitRow;
use super::scope::{Named, Register};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{AccountId, Scope};
use xmc_hotpath::time::MonoNs;

/// The limits of what is `named`, and what `desk` had used of each at `now`.
pub fn limits(
    register: &Register,
    named: impl Iterator<Item = Named>,
    desk: &Desk<'_>,
    now: MonoNs,
) -> Vec<LimitRow> {
    let of = |named: Named| {
        let scope = register.resolve(&named);
        let limited = scope.and_then(|scope| Some((scope, Limited::of(desk, scope)?)));
        let rows = limited.into_iter().flat_map(move |(scope, limited)| {
            Field::WORDS
                .iter()
                .filter_map(move |(_, field)| Some((scope, *field, limited.figure(*field)?)))
        });
        rows.map(|(scope, field, limit)| LimitRow {
            scope: named.to_string(),
            field: field.word().to_owned(),
            used: used(desk, scope, field, now),
            limit,
            unit: field.unit(register.currency(scope)).to_owned(),
        })
        .collect::<Vec<_>>()
    };
    named.flat_map(of).collect()
}

/// What is used of a limit; `None` of what one order or fire uses for itself, and of the messages
/// about an instrument, which only the hot core counts.
fn used(desk: &Desk<'_>, scope: Scope, field: Field, now: MonoNs) -> Option<u64> {
    let account = |account| desk.account_risk(account);
    let of_account = |of| {
        let row = account(of)?;
        match field {
            Field::MaxPositionLots => u64::try_from(row.gross_lots).ok(),
            Field::MaxOpenOrders => Some(row.open_orders.into()),
            Field::MaxMessages => Some(row.messages(now).into()),
            _ => None,
        }
    };
    match scope {
        Scope::All => of_account(AccountId::ALL),
        Scope::Account(of) => of_account(of),
        Scope::Gateway(of) => {
            let row = desk.gateway(of)?;
            match field {
                Field::MaxOpenOrders => Some(row.open_orders.into()),
                Field::MaxMessages => Some(row.messages(now).into()),
                _ => None,
            }
        }
        Scope::Instrument(of) => {
            let row = desk.instruments().get(of.0 as usize)?;
            match field {
                Field::MaxPositionLots => {
                    let (most, least) = (row.exposure.most(), row.exposure.least());
                    Some(most.unsigned_abs().max(least.unsigned_abs()))
                }
                Field::MaxOpenOrders => Some(row.exposure.open_orders.into()),
                _ => None,
            }
        }
        Scope::Spread(of) => {
            let row = desk.spreads().get(of.0 as usize)?;
            (field == Field::MaxUnits).then(|| row.position_units.unsigned_abs().into())
        }
        Scope::Strategy(_) => None,
    }
}
