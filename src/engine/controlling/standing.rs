//! How the engine stands, for operators: states, positions, limits and what is used of them.

use crate::control::judge::Judge;
use crate::control::reply::{Open, OperatorRow, SpreadRow, Status};
use crate::control::scope::Register;
use crate::control::used;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{DeskIdentity, SpreadIndex};
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
            limits: used::limits(&self.register, self.register.limited(), desk, now),
            operators: operators.collect(),
        }
    }
}
