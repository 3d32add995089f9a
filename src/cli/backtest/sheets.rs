//! What came of a backtest as tables: the same for a terminal and for the page.

use super::Played;
use crate::audit::export::{Cell, Sheet, column, count};
use crate::cli::report::Utc;
use crate::sim::backtest::counts::{Counts, FireRow, PairResult, RepairRow};
use xmc_hotpath::message::{InstrumentIndex, Obstacle, SpreadIndex, Way};

/// The periods of a report: all of it, or the two sides of the split.
const WHOLE: [&str; 2] = ["all", "全部"];
const PERIODS: [[&str; 2]; 2] = [["in sample", "样本内"], ["out of sample", "样本外"]];

/// Money, to the nearest of what people see.
const fn money_of(value_e9: i128) -> Cell {
    Cell::Fixed(value_e9, 4)
}

/// The tables of the summary.
pub fn summary(played: &Played<'_>, in_lang: usize) -> Vec<Sheet> {
    vec![
        fires(played, in_lang),
        money(played, in_lang),
        legs(played),
        slippage(played),
        held_back(played),
    ]
}

/// The rows of a pair: its name, period and counts.
fn periods(played: &Played<'_>, in_lang: usize) -> Vec<(String, String, Counts)> {
    let mut rows = Vec::new();
    for (pair, row) in played.outcome.pairs.iter().zip(0..) {
        let name = played.labels.spread(SpreadIndex(row));
        if played.outcome.split_ns.is_none() {
            rows.push((name, WHOLE[in_lang].to_owned(), pair.whole()));
            continue;
        }
        for (period, counts) in PERIODS.iter().zip(&pair.periods) {
            rows.push((name.clone(), period[in_lang].to_owned(), counts.clone()));
        }
    }
    rows
}

fn fires(played: &Played<'_>, in_lang: usize) -> Sheet {
    let rows = periods(played, in_lang).into_iter().map(|(name, period, of)| {
        vec![
            Cell::Text(name),
            Cell::Text(period),
            count(of.fired.fires),
            count(of.fired.whole),
            Cell::Ratio(of.fired.whole, of.fired.fires),
            count(of.fired.partial),
            count(of.fired.empty),
            count(of.fired.one_sided),
            count(of.fired.completed),
            count(of.fired.traded_back),
            count(of.halted),
            count(of.fired.unended),
            count(of.done_units),
            Cell::E9(i128::try_from(of.exposed_lot_ns).unwrap_or(i128::MAX)),
            count(of.most_residual_lots),
            count(of.most_lots),
        ]
    });
    Sheet {
        name: "fires_by_pair",
        title: ["Fires", "触发"],
        columns: vec![
            column("pair", "pair", "组合"),
            column("period", "period", "区间"),
            column("fires", "fires", "触发"),
            column("whole", "whole", "足额成交"),
            column("whole_share", "whole %", "足额率"),
            column("partial", "in part", "部分"),
            column("empty", "empty", "未成交"),
            column("one_sided", "one-sided", "单边"),
            column("completed", "completed", "补单"),
            column("traded_back", "traded back", "回退"),
            column("halted", "halted", "停机"),
            column("unended", "not ended", "未结束"),
            column("done_units", "units", "成交套数"),
            column("one_sided_lot_seconds", "one-sided lot s", "单边手秒"),
            column("most_residual_lots", "most residual", "最大敞口手"),
            column("most_lots", "most lots", "最大持仓手"),
        ],
        rows: rows.collect(),
    }
}

fn money(played: &Played<'_>, in_lang: usize) -> Sheet {
    let rows = periods(played, in_lang).into_iter().map(|(name, period, of)| {
        let currency = played.currency(&name);
        vec![
            Cell::Text(name),
            Cell::Text(period),
            Cell::Text(currency),
            money_of(of.profit_e9),
            money_of(of.fees_e9),
            money_of(of.drawdown_e9),
            money_of(of.slipped_e9),
            money_of(of.improved_e9),
            money_of(of.repairs_e9),
        ]
    });
    Sheet {
        name: "money",
        title: ["Money", "损益"],
        columns: vec![
            column("pair", "pair", "组合"),
            column("period", "period", "区间"),
            column("currency", "currency", "币种"),
            column("profit", "profit after fees", "费后损益"),
            column("fees", "fees", "手续费"),
            column("drawdown", "worst drawdown", "最大回撤"),
            column("slipped", "slippage", "滑点"),
            column("improved", "price improvement", "价格改善"),
            column("repairs", "cost of repairs", "补单回退成本"),
        ],
        rows: rows.collect(),
    }
}

/// The traded legs of a pair: place, and row of the instrument.
fn traded(pair: &PairResult) -> impl Iterator<Item = (usize, u32)> {
    pair.instruments.iter().enumerate().filter_map(|(leg, row)| Some((leg, (*row)?)))
}

fn legs(played: &Played<'_>) -> Sheet {
    let mut rows = Vec::new();
    for (pair, row) in played.outcome.pairs.iter().zip(0..) {
        let whole = pair.whole();
        for (leg, instrument) in traded(pair) {
            let instrument = InstrumentIndex(instrument);
            let of = &whole.legs[leg];
            rows.push(vec![
                Cell::Text(played.labels.spread(SpreadIndex(row))),
                Cell::Text(played.labels.instrument(instrument)),
                Cell::Text(played.labels.currency(instrument)),
                count(of.orders),
                count(of.rejects),
                count(of.asked_lots),
                count(of.bought_lots),
                count(of.sold_lots),
                Cell::Int(pair.lots[leg]),
                money_of(of.turnover_e9),
                money_of(of.realised_e9),
                money_of(pair.open_e9[leg]),
                money_of(of.fees_e9),
            ]);
        }
    }
    Sheet {
        name: "legs",
        title: ["Legs", "各腿"],
        columns: vec![
            column("pair", "pair", "组合"),
            column("instrument", "leg", "合约"),
            column("currency", "currency", "币种"),
            column("orders", "orders", "报单"),
            column("rejects", "rejects", "拒单"),
            column("asked_lots", "asked", "委托手"),
            column("bought_lots", "bought", "买入手"),
            column("sold_lots", "sold", "卖出手"),
            column("held_lots", "held", "持仓手"),
            column("turnover", "turnover", "成交额"),
            column("realised", "realised", "平仓损益"),
            column("open", "open profit", "持仓损益"),
            column("fees", "fees", "手续费"),
        ],
        rows,
    }
}

fn slippage(played: &Played<'_>) -> Sheet {
    let rows = played.outcome.pairs.iter().zip(0..).map(|(pair, row)| {
        let whole = pair.whole();
        let part = |thousandths| {
            whole.slip_e9(thousandths).map_or(Cell::None, |slip| money_of(slip.into()))
        };
        let name = played.labels.spread(SpreadIndex(row));
        let currency = played.currency(&name);
        let mut cells =
            vec![Cell::Text(name), Cell::Text(currency), count(whole.slips_e9.len() as u64)];
        cells.extend([0, 50, 250, 500, 750, 950, 990, 1_000].map(part));
        cells
    });
    Sheet {
        name: "slippage",
        title: [
            "Slippage of a fire: filled against shown as it was decided on, below zero is better",
            "单次触发滑点：成交对比决策时盘口，负值为改善",
        ],
        columns: vec![
            column("pair", "pair", "组合"),
            column("currency", "currency", "币种"),
            column("fires", "fires", "触发"),
            column("least", "least", "最小"),
            column("p5", "p5", "p5"),
            column("p25", "p25", "p25"),
            column("p50", "p50", "p50"),
            column("p75", "p75", "p75"),
            column("p95", "p95", "p95"),
            column("p99", "p99", "p99"),
            column("most", "most", "最大"),
        ],
        rows: rows.collect(),
    }
}

fn held_back(played: &Played<'_>) -> Sheet {
    let outcome = played.outcome;
    let kinds = [
        ("trigger held back by", &outcome.refusals),
        ("order refused by the venue", &outcome.rejects),
        ("alert", &outcome.alerts),
    ];
    let rows = kinds.into_iter().flat_map(|(kind, words)| {
        words.iter().map(move |(word, times)| {
            vec![Cell::Text(kind.to_owned()), Cell::Text((*word).to_owned()), count(*times)]
        })
    });
    Sheet {
        name: "held_back",
        title: ["What held back, and what was told", "拦截与告警"],
        columns: vec![
            column("kind", "kind", "类别"),
            column("word", "what", "项目"),
            column("count", "times", "次数"),
        ],
        rows: rows.collect(),
    }
}

/// When a row was, for people.
fn when(played: &Played<'_>, at_ns: u64) -> Cell {
    if played.outcome.begins_utc_ns == 0 {
        Cell::Ns(at_ns)
    } else {
        Cell::Text(Utc(at_ns).to_string())
    }
}

/// The fires, one by one.
pub fn fire_list(played: &Played<'_>) -> Sheet {
    let row = |fire: &FireRow| {
        let spread = SpreadIndex(u32::try_from(fire.pair).unwrap_or(u32::MAX));
        vec![
            when(played, fire.at_ns),
            Cell::Text(played.labels.spread(spread)),
            Cell::Text(fire.intent.word().to_owned()),
            Cell::E9(fire.value_e9.into()),
            Cell::E9(fire.level_e9.into()),
            count(fire.units[0].into()),
            count(fire.units[1].into()),
            Cell::Text(if fire.is_aligned { "in ratio" } else { "HALTED" }.to_owned()),
            count(fire.repairs.into()),
            money_of(fire.slip_e9),
            Cell::Ns(fire.took.0),
        ]
    };
    Sheet {
        name: "fires",
        title: ["Fires, one by one", "触发明细"],
        columns: vec![
            column("at", "decided", "决策时间"),
            column("pair", "pair", "组合"),
            column("intent", "what for", "意图"),
            column("value", "value", "点差"),
            column("level", "level", "阈值"),
            column("units", "asked", "套数"),
            column("done_units", "done", "成交"),
            column("ending", "ending", "结果"),
            column("repairs", "repairs", "修复"),
            column("slip", "slippage", "滑点"),
            column("took", "took", "耗时"),
        ],
        rows: played.outcome.fires.iter().map(row).collect(),
    }
}

fn way(way: &Way) -> [Cell; 2] {
    let cost = if way.cost_e9 == i64::MAX { Cell::None } else { money_of(way.cost_e9.into()) };
    let obstacle = match way.obstacle {
        Obstacle::Nothing => "-",
        Obstacle::Gate => way.gate.word(),
        other => other.word(),
    };
    [cost, Cell::Text(obstacle.to_owned())]
}

/// The repairs, one by one, with the price of both ways.
pub fn repair_list(played: &Played<'_>) -> Sheet {
    let row = |RepairRow { at_ns, told }: &RepairRow| {
        let residual: Vec<_> = told.residual_lots.iter().map(i64::to_string).collect();
        let [complete, not_complete] = way(&told.complete);
        let [unwind, not_unwind] = way(&told.unwind);
        vec![
            when(played, *at_ns),
            Cell::Text(played.labels.spread(told.spread)),
            count(told.attempt.into()),
            Cell::Text(told.way.word().to_owned()),
            Cell::Text(residual.join(" ")),
            complete,
            not_complete,
            unwind,
            not_unwind,
            Cell::Ns(told.open_for.0),
        ]
    };
    Sheet {
        name: "repairs",
        title: ["Repairs, one by one", "修复明细"],
        columns: vec![
            column("at", "when", "时间"),
            column("pair", "pair", "组合"),
            column("attempt", "try", "次数"),
            column("way", "taken", "选择"),
            column("residual_lots", "lots beyond whole units", "敞口手数"),
            column("complete", "completing costs", "补单成本"),
            column("complete_obstacle", "in its way", "补单障碍"),
            column("unwind", "trading back costs", "回退成本"),
            column("unwind_obstacle", "in its way", "回退障碍"),
            column("open_for", "open for", "敞口时长"),
        ],
        rows: played.outcome.repairs.iter().map(row).collect(),
    }
}
