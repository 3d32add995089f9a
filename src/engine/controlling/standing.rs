//! How the engine stands, for operators: states, positions, limits and what is used of them.

use crate::control::judge::Judge;
use crate::control::limit::{Field, Limited};
use crate::control::reply::{LimitRow, Open, OperatorRow, SpreadRow, Status};
use crate::control::scope::{Named, Register};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{DeskIdentity, Scope, SpreadIndex};
use xmc_hotpath::time::MonoNs;

/// The last number of each operator, as the clerk has written it down.
pub(super) type Counters = Arc<Mutex<BTreeMap<u32, u64>>>;

/// What does not change while an engine runs, and the operators' numbers.
#[derive(Debug)]
pub(super) struct Standing {
    identity: DeskIdentity,
    valid_s: u64,
    register: Register,
    operators: Vec<OperatorRow>,
    counters: Counters,
}

impl Standing {
    /// As `judge` knows it.
    pub fn of(judge: &Judge, counters: Counters) -> Self {
        let operators = judge.operators().iter().map(|operator| OperatorRow {
            name: operator.name.clone(),
            id: operator.id,
            counter: 0,
            commands: operator.commands.iter().map(|verb| verb.word().to_owned()).collect(),
            scopes: operator.scopes.iter().map(ToString::to_string).collect(),
            second: operator.may_second,
        });
        Self {
            identity: judge.audience(),
            valid_s: judge.valid_s(),
            register: judge.register().clone(),
            operators: operators.collect(),
            counters,
        }
    }

    /// What a spread is called.
    pub fn spread(&self, index: SpreadIndex) -> String {
        let row = self.register.spreads().get(index.0 as usize);
        row.map_or_else(|| format!("#{}", index.0), |row| row.name.clone())
    }

    /// Positions that are open.
    pub fn positions(&self, desk: &Desk<'_>) -> Vec<Open> {
        let rows = self.register.spreads().iter().zip(desk.spreads());
        let open = rows.filter(|(_, row)| row.position_units != 0);
        open.map(|(names, row)| Open { spread: names.name.clone(), units: row.position_units })
            .collect()
    }

    /// Everything, as `desk` stood at `now`.
    pub fn status(&self, desk: &Desk<'_>, now: MonoNs, is_held: bool, refused: u64) -> Status {
        let spreads = self.register.spreads().iter().zip(desk.spreads());
        let spreads = spreads.map(|(names, row)| SpreadRow {
            names: names.clone(),
            state: row.state.word().to_owned(),
            units: row.position_units,
        });
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let operators = self.operators.iter().map(|row| OperatorRow {
            counter: counters.get(&row.id).copied().unwrap_or(0),
            ..row.clone()
        });
        Status {
            site: self.identity.site.0,
            desk: self.identity.desk.0,
            run: self.identity.run,
            state: desk.state().word().to_owned(),
            is_held,
            live_orders: desk.orders().live_count(),
            valid_seconds: self.valid_s,
            refused,
            spreads: spreads.collect(),
            limits: self.limits(desk, now),
            operators: operators.collect(),
        }
    }

    fn limits(&self, desk: &Desk<'_>, now: MonoNs) -> Vec<LimitRow> {
        let of = |named: Named| {
            let scope = self.register.resolve(&named);
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
                unit: field.unit(self.register.currency(scope)).to_owned(),
            })
            .collect::<Vec<_>>()
        };
        self.register.limited().flat_map(of).collect()
    }
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
        Scope::All => of_account(xmc_hotpath::message::AccountId::ALL),
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
