//! Capital over both borders as JSON: where accounts stand between their levels, and what should be
//! sent.

use crate::engine::capital::{AccountFigures, Doubt, Figures, Transfer};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

/// Instructions that are shown.
const TRANSFERS: usize = 3;

/// All accounts.
#[derive(Debug, Serialize)]
pub struct CapitalTold<'v> {
    is_sample: bool,
    /// Percent at which something is done, from the lowest: warning, reduce only, pair off, stop.
    levels: [f64; 4],
    accounts: Vec<AccountTold<'v>>,
    /// The newest first.
    transfers: Vec<&'v Transfer>,
    doubts: Vec<&'static str>,
    refused: Option<&'v str>,
}

/// One account.
#[derive(Debug, Serialize)]
struct AccountTold<'v> {
    name: &'v str,
    currency: &'v str,
    equity: String,
    margin: String,
    /// Percent; `null`: nothing carries the margin.
    used: Option<f64>,
    /// The same in the worst case.
    worst: Option<f64>,
    shock: Option<&'v str>,
    stage: &'static str,
}

impl<'v> CapitalTold<'v> {
    /// What the view has.
    pub fn of(figures: &'v Figures) -> Self {
        let levels = &figures.levels;
        let levels = [levels.warn, levels.reduce_only, levels.pair_off, levels.stop];
        Self {
            is_sample: figures.is_sample,
            levels: levels.map(percent),
            accounts: figures.accounts.iter().map(account).collect(),
            transfers: figures.transfers.iter().rev().take(TRANSFERS).collect(),
            doubts: figures.doubts.iter().map(Doubt::word).collect(),
            refused: figures.refused.as_deref(),
        }
    }
}

fn account(row: &AccountFigures) -> AccountTold<'_> {
    AccountTold {
        name: &row.account,
        currency: &row.currency,
        equity: row.equity.round_dp(0).to_string(),
        margin: row.margin.round_dp(0).to_string(),
        used: row.utilisation.map(percent),
        worst: row.worst.map(percent),
        shock: row.shock.as_deref(),
        stage: row.stage.word(),
    }
}

/// To the tenth of a percent.
fn percent(fraction: Decimal) -> f64 {
    (fraction * Decimal::ONE_HUNDRED).round_dp(1).to_f64().unwrap_or(f64::MAX)
}
