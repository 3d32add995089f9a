//! A book as its file has it: names and texts, nothing checked.

use super::{Effect, Side};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub schema: String,
    pub version: u32,
    pub at: String,
    pub trading_day: String,
    #[serde(default)]
    pub sample: bool,
    #[serde(default)]
    pub volatility: Option<String>,
    pub fx: Vec<WrittenRate>,
    pub prices: Vec<WrittenPrice>,
    pub accounts: Vec<WrittenBalance>,
    #[serde(default)]
    pub pools: Vec<WrittenPool>,
    pub positions: Vec<WrittenPosition>,
    pub orders: Vec<WrittenOrder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRate {
    pub currency: String,
    pub rate: String,
    pub at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPrice {
    pub contract: String,
    pub currency: String,
    pub price: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenBalance {
    pub account: String,
    pub currency: String,
    pub settled: String,
    pub deposits: String,
    pub withdrawals: String,
    pub realised: String,
    pub fees: String,
    pub frozen: String,
    pub equity: Option<String>,
    pub margin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPool {
    pub pool: String,
    pub currency: String,
    pub balance: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPosition {
    pub account: String,
    pub contract: String,
    pub side: Side,
    pub lots: u32,
    pub today: bool,
    pub reference: String,
    #[serde(default)]
    pub hedge: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenOrder {
    pub account: String,
    pub contract: String,
    pub side: Side,
    pub effect: Effect,
    pub lots: u32,
    pub price: String,
    pub state: State,
    #[serde(default)]
    pub hedge: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Live,
    Unknown,
}
