//! Statements and where they come from, the double read, and an engine whose pairs are closed by
//! what a venue says.

mod cli;
mod confirm;
mod cycle;
mod engine;
mod file;
mod sample;
mod statement;
mod stream;

use cross_market_connect::resync::statement::{
    Exact, Fill, Moment, Money, OpenOrder, Position, SCHEMA, Side, Statement, VERSION, Wanted,
};
use xmc_hotpath::time::UnixNs;

/// 2026-11-22T07:00:00Z.
pub const NOON: u64 = 1_795_330_800_000_000_000;

pub fn exact(text: &str) -> Exact {
    Exact::try_from(text.to_owned()).expect("a decimal")
}

pub fn wanted() -> Wanted {
    Wanted {
        account: "SIM-1".to_owned(),
        venue: "cme".to_owned(),
        symbols: ["HGU6", "GCU6"].map(str::to_owned).into(),
    }
}

/// A statement of three lots sold, with one of everything.
pub fn statement(sequence: u64, as_of: u64) -> Statement {
    Statement {
        schema: SCHEMA.to_owned(),
        version: VERSION,
        account: "SIM-1".to_owned(),
        venue: "cme".to_owned(),
        as_of: Moment(UnixNs(as_of)),
        sequence,
        simulated: false,
        positions: Some(vec![
            Position { instrument: "HGU6".to_owned(), net: Some(-3), ..Position::default() },
            Position {
                instrument: "GCU6".to_owned(),
                net: None,
                long: Some(4),
                short: Some(1),
                long_today: Some(2),
                short_today: None,
            },
        ]),
        orders: Some(vec![OpenOrder {
            order: Some(17),
            venue_order: None,
            instrument: "HGU6".to_owned(),
            side: Side::Sell,
            lots: 2,
        }]),
        fills: Some(vec![fill("E1", "HGU6", Side::Sell, 3)]),
        money: Some(vec![Money {
            currency: "USD".to_owned(),
            cash: exact("375037.5"),
            fees: Some(exact("4.5")),
        }]),
    }
}

pub fn fill(execution: &str, instrument: &str, side: Side, lots: u32) -> Fill {
    Fill {
        execution: execution.to_owned(),
        order: None,
        venue_order: Some(99),
        instrument: instrument.to_owned(),
        side,
        lots,
        price: exact("5.0005"),
        at: Moment(UnixNs(NOON - 2_000_000_000)),
    }
}
