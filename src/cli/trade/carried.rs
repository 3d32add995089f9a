//! What a run goes on from, for a person: said before anything else is.

use crate::config::Configuration;
use crate::engine::carry::Carry;
use crate::monitor::{Lang, number};
use serde::Serialize;
use std::io::{self, Write};
use xmc_hotpath::message::{Carried, Control, Side};

/// Net lots of one instrument.
#[derive(Clone, Debug, Serialize)]
struct Position {
    instrument: String,
    lots: i64,
}

/// Lots that may have been traded: nobody can tell. Those of still earlier runs are among them.
#[derive(Clone, Debug, Serialize)]
struct Unknown {
    instrument: String,
    buy_lots: u32,
    sell_lots: u32,
}

/// What the last run left.
#[derive(Clone, Debug, Serialize)]
pub struct CarriedOver {
    run: u16,
    last_input: u64,
    is_whole: bool,
    positions: Vec<Position>,
    unknown_orders: Vec<u64>,
    unknown: Vec<Unknown>,
    halted: Vec<String>,
}

impl CarriedOver {
    /// With the names of `config`.
    #[must_use]
    pub fn new(carry: &Carry, config: &Configuration) -> Self {
        let Carry { run, last_seq_no, is_whole, positions, unknown_orders, halted, .. } = carry;
        let position = |(row, lots): &(usize, i64)| Position {
            instrument: config.instruments[*row].name.value.clone(),
            lots: *lots,
        };
        Self {
            run: *run,
            last_input: *last_seq_no,
            is_whole: *is_whole,
            positions: positions.iter().filter(|(_, lots)| *lots != 0).map(position).collect(),
            unknown_orders: unknown_orders.iter().map(|id| id.0).collect(),
            unknown: unknown(&carry.controls, config),
            halted: halted.iter().map(|row| config.spreads[*row].name.value.clone()).collect(),
        }
    }

    /// As text.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&self, lang: Lang, out: &mut impl Write) -> io::Result<()> {
        let say = |en, zh| if lang == Lang::Zh { zh } else { en };
        let run = self.run;
        match lang {
            Lang::En => writeln!(out, "Goes on from run {run}:")?,
            Lang::Zh => writeln!(out, "接续第 {run} 次运行:")?,
        }
        for Position { instrument, lots } in &self.positions {
            writeln!(out, "  {instrument:<12} {:>8}", number::signed(*lots))?;
        }
        if self.positions.is_empty() {
            writeln!(out, "  {}", say("nothing is held", "无持仓"))?;
        }
        for Unknown { instrument, buy_lots, sell_lots } in &self.unknown {
            let fate = say(
                "nobody can tell what became of their orders; they stay reserved",
                "委托结果不明, 手数保持占用",
            );
            writeln!(out, "  {instrument:<12} +{buy_lots} -{sell_lots}: {fate}")?;
        }
        for spread in &self.halted {
            let halted = say("halted until somebody has looked", "已停, 待人工确认");
            writeln!(out, "  {spread}: {halted}")?;
        }
        if !self.is_whole {
            let gap = say(
                "  THE RECORD DOES NOT REACH TO THE RUN'S END: ask the venues what is held",
                "  留痕未到达上次运行的终点: 请向交易场所核对持仓",
            );
            writeln!(out, "{gap}")?;
        }
        Ok(())
    }
}

/// By instrument, of orders that go on and of those that have no place.
fn unknown(told: &[Control], config: &Configuration) -> Vec<Unknown> {
    let rows = config.instruments.iter().zip(0_u32..).map(|(instrument, row)| {
        let (mut buy_lots, mut sell_lots) = (0_u32, 0_u32);
        for control in told {
            match control {
                Control::Carried(Carried::Unknown(lots)) if lots.instrument.0 == row => {
                    buy_lots = buy_lots.saturating_add(lots.buy_lots);
                    sell_lots = sell_lots.saturating_add(lots.sell_lots);
                }
                Control::Carried(Carried::Order(order)) if order.instrument.0 == row => {
                    let lots = match order.side {
                        Side::Buy => &mut buy_lots,
                        Side::Sell => &mut sell_lots,
                    };
                    *lots = lots.saturating_add(order.qty_lots.saturating_sub(order.filled_lots));
                }
                _ => {}
            }
        }
        Unknown { instrument: instrument.name.value.clone(), buy_lots, sell_lots }
    });
    rows.filter(|row| row.buy_lots > 0 || row.sell_lots > 0).collect()
}
