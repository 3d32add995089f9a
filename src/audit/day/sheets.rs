//! A day as tables: what each column counts is in its title, in both languages.

use super::{Buckets, Part};
use crate::audit::export::{Cell, Column, Sheet, column, count};
use std::collections::BTreeMap;

/// The names of all sheets of a day, in their order.
pub const NAMES: [&str; 9] = [
    "summary",
    "pairs",
    "slippage",
    "latency",
    "gates",
    "products",
    "hours",
    "programme",
    "alerts",
];

/// All sheets of a day made of `hours`, by their number in the day.
#[must_use]
pub fn sheets(hours: &BTreeMap<u32, Part>) -> Vec<Sheet> {
    let mut whole = Part::default();
    for part in hours.values() {
        whole.merge(part);
    }
    vec![
        summary(&whole),
        pairs(&whole),
        slippage(&whole),
        latency(&whole),
        gates(&whole),
        products(&whole),
        by_hour(hours),
        programme(&whole),
        alerts(&whole),
    ]
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn quantile(of: &Buckets, thousandths: u64) -> Cell {
    of.quantile_ns(thousandths).map_or(Cell::None, Cell::Ns)
}

fn positive(lots: i64) -> u64 {
    u64::try_from(lots).unwrap_or(0)
}

fn lots(of: &Part, each: fn(&super::LegPart) -> u64) -> u64 {
    of.spreads.values().flat_map(|row| row.legs.values()).map(each).sum()
}

/// Words for what the record does not have, nothing if it has all.
fn left_out(of: &Part) -> Cell {
    if of.left_out.is_empty() {
        return Cell::None;
    }
    Cell::Text(of.left_out.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
}

/// A figure that only the refusals tell.
fn triggers(of: &Part, fires: u64, refusals: u64) -> Cell {
    if of.has_refusals() { count(fires + refusals) } else { Cell::None }
}

fn capture(of: &Part, fires: u64, refusals: u64) -> Cell {
    if of.has_refusals() { Cell::Ratio(fires, fires + refusals) } else { Cell::None }
}

/// A share that only the ends of fires tell.
fn success(of: &Part, part: u64, whole: u64) -> Cell {
    if of.has_endings() { Cell::Ratio(part, whole) } else { Cell::None }
}

/// A count that only the ends of fires tell.
fn ended(of: &Part, times: u64) -> Cell {
    if of.has_endings() { count(times) } else { Cell::None }
}

fn summary(of: &Part) -> Sheet {
    let fires = of.sum_of_spreads(|row| row.fires);
    let refusals = of.sum_of_spreads(|row| row.refusals);
    let ended = of.sum_of_spreads(|row| row.aligned + row.empty + row.broken);
    let orders = of.sum(|row| row.orders);
    let fills = of.sum(|row| row.fills);
    let cancels = of.sum(|row| row.cancels);
    let records = of.records.values().sum();
    let rows: Vec<(&str, &str, &str, Cell)> = vec![
        ("records", "records", "记录", count(records)),
        ("quotes", "quotes", "行情", count(of.records.get("quote").copied().unwrap_or(0))),
        ("triggers", "triggers met", "触发条件满足", triggers(of, fires, refusals)),
        ("fires", "fires", "触发", count(fires)),
        (
            "capture",
            "opportunity capture: fires of triggers met",
            "机会捕获率: 触发/条件满足",
            capture(of, fires, refusals),
        ),
        (
            "success",
            "execution success: ended in ratio with something done",
            "执行成功率: 比例一致且有成交",
            success(of, of.sum_of_spreads(|row| row.aligned), ended),
        ),
        (
            "broken",
            "fires that ended out of ratio",
            "比例不齐的触发",
            count(of.sum_of_spreads(|row| row.broken)),
        ),
        (
            "completed",
            "repairs: what missed was traded",
            "补单次数",
            count(of.sum_of_spreads(|row| row.completed)),
        ),
        (
            "traded_back",
            "repairs: what was over was traded back",
            "回退次数",
            count(of.sum_of_spreads(|row| row.traded_back)),
        ),
        (
            "inside_lots",
            "lots of pairs that were met inside, both sides",
            "内部撮合手数（双边）",
            count(of.sum_of_spreads(|row| row.inside_lots)),
        ),
        (
            "done",
            "units done of units asked for",
            "完成份数/委托份数",
            success(
                of,
                of.sum_of_spreads(|row| row.done_units),
                of.sum_of_spreads(|row| row.asked_units),
            ),
        ),
        ("orders", "orders", "报单", count(orders)),
        ("fills", "fills", "成交笔数", count(fills)),
        (
            "reject_ratio",
            "reject ratio: rejects of orders",
            "拒单率: 拒单/报单",
            Cell::Ratio(of.sum(|row| row.rejects), orders),
        ),
        (
            "fill_ratio",
            "fill ratio: lots filled of lots asked for",
            "成交率: 成交手数/委托手数",
            Cell::Ratio(lots(of, |leg| positive(leg.filled_lots)), lots(of, |leg| leg.asked_lots)),
        ),
        ("cancels", "cancels asked for", "撤单申报", count(cancels)),
        (
            "messages",
            "messages sent",
            "报撤总笔数",
            count(orders + cancels + of.sum(|row| row.replaces)),
        ),
        ("not_sent", "orders that never left", "未发出报单", count(of.sum(|row| row.not_sent))),
        ("unknown", "orders not answered in time", "超时无应答报单", count(of.unknown)),
        ("strangers", "news of orders not known", "非本记录报单回报", count(of.strangers)),
        ("busts", "fills taken back", "被撤销成交", count(of.sum(|row| row.busts))),
        ("alerts", "alerts", "告警", count(of.alerts.values().sum())),
        ("commands", "commands", "人工指令", count(of.commands.values().sum())),
        (
            "left_out",
            "left out of the record by configuration: figures that need it are not given",
            "按配置未记录: 依赖它的数值从缺",
            left_out(of),
        ),
    ];
    Sheet {
        name: "summary",
        title: ["Summary", "概要"],
        columns: vec![
            column("key", "key", "代码"),
            column("what", "what", "项目"),
            column("what_zh", "in Chinese", "中文"),
            column("value", "value", "数值"),
        ],
        rows: rows
            .into_iter()
            .map(|(key, en, zh, value)| vec![text(key), text(en), text(zh), value])
            .collect(),
    }
}

fn pairs(of: &Part) -> Sheet {
    let row = |(name, row): (&String, &super::SpreadPart)| {
        let all = row.aligned + row.empty + row.broken;
        vec![
            text(name),
            triggers(of, row.fires, row.refusals),
            count(row.fires),
            capture(of, row.fires, row.refusals),
            ended(of, row.aligned),
            ended(of, row.empty),
            count(row.broken),
            success(of, row.aligned, all),
            ended(of, row.asked_units),
            ended(of, row.done_units),
            quantile(&row.took, 500),
            quantile(&row.took, 990),
            count(row.unhedged.count),
            quantile(&row.unhedged, 500),
            Cell::Ns(row.unhedged.max_ns),
        ]
    };
    Sheet {
        name: "pairs",
        title: ["Pairs: opportunity and execution", "套利对: 机会与执行"],
        columns: vec![
            column("pair", "pair", "套利对"),
            column("triggers", "triggers", "条件满足"),
            column("fires", "fires", "触发"),
            column("capture", "capture", "捕获率"),
            column("in_ratio", "in ratio", "比例一致"),
            column("nothing_done", "nothing done", "未成交"),
            column("out_of_ratio", "out of ratio", "比例不齐"),
            column("success", "success", "成功率"),
            column("units_asked", "units asked", "委托份数"),
            column("units_done", "units done", "完成份数"),
            column("took_p50_ns", "took p50", "历时 p50"),
            column("took_p99_ns", "took p99", "历时 p99"),
            column("unhedged_count", "times unhedged", "单边次数"),
            column("unhedged_p50_ns", "unhedged p50", "单边 p50"),
            column("unhedged_max_ns", "unhedged max", "单边最长"),
        ],
        rows: of.spreads.iter().map(row).collect(),
    }
}

fn slippage(of: &Part) -> Sheet {
    let legs = of
        .spreads
        .iter()
        .flat_map(|(pair, row)| row.legs.iter().map(move |(leg, row)| (pair, leg, row)));
    let row = |(pair, leg, row): (&String, &String, &super::LegPart)| {
        let each = row.better_e9.checked_div(i128::from(row.filled_lots));
        vec![
            text(pair),
            text(leg),
            count(row.orders),
            count(row.asked_lots),
            Cell::Int(row.filled_lots),
            Cell::Ratio(positive(row.filled_lots), row.asked_lots),
            each.map_or(Cell::None, Cell::E9),
            Cell::E9(row.money_e9),
            text(&row.currency),
        ]
    };
    Sheet {
        name: "slippage",
        title: [
            "Slippage against the price that was decided on (above zero is better)",
            "滑点: 相对决策价 (正为优)",
        ],
        columns: vec![
            column("pair", "pair", "套利对"),
            column("leg", "leg", "腿"),
            column("orders", "orders", "报单"),
            column("lots_asked", "lots asked", "委托手数"),
            column("lots_filled", "lots filled", "成交手数"),
            column("filled", "filled", "成交率"),
            column("better_per_lot", "better per lot, price", "每手优于, 价格"),
            column("better_money", "better, money", "优于, 金额"),
            column("currency", "currency", "币种"),
        ],
        rows: legs.map(row).collect(),
    }
}

fn latency(of: &Part) -> Sheet {
    let steps = [
        ("tick_to_order", "packet to order", "行情到报单", &of.tick_to_order),
        ("order_to_accepted", "order to accepted", "报单到确认", &of.order_to_accepted),
        ("order_to_fill", "order to first fill", "报单到首笔成交", &of.order_to_fill),
    ];
    let row = |(key, en, zh, of): (&str, &str, &str, &Buckets)| {
        let mean = of.sum_ns.checked_div(u128::from(of.count));
        vec![
            text(key),
            text(en),
            text(zh),
            count(of.count),
            mean.map_or(Cell::None, |ns| Cell::Ns(u64::try_from(ns).unwrap_or(u64::MAX))),
            quantile(of, 500),
            quantile(of, 900),
            quantile(of, 990),
            quantile(of, 999),
            Cell::Ns(of.max_ns),
        ]
    };
    Sheet {
        name: "latency",
        title: ["Latency (quantiles to 3 %)", "延迟 (分位数精度 3%)"],
        columns: vec![
            column("key", "key", "代码"),
            column("step", "step", "环节"),
            column("step_zh", "in Chinese", "中文"),
            column("count", "count", "次数"),
            column("mean_ns", "mean", "均值"),
            column("p50_ns", "p50", "p50"),
            column("p90_ns", "p90", "p90"),
            column("p99_ns", "p99", "p99"),
            column("p99_9_ns", "p99.9", "p99.9"),
            column("max_ns", "max", "最大"),
        ],
        rows: steps.into_iter().map(row).collect(),
    }
}

fn counts(
    name: &'static str,
    title: [&'static str; 2],
    key: Column,
    of: &super::ByName<u64>,
) -> Sheet {
    let mut rows: Vec<_> = of.iter().collect();
    rows.sort_by_key(|(name, times)| (std::cmp::Reverse(**times), *name));
    Sheet {
        name,
        title,
        columns: vec![key, column("count", "count", "次数")],
        rows: rows.into_iter().map(|(name, times)| vec![text(name), count(*times)]).collect(),
    }
}

fn gates(of: &Part) -> Sheet {
    let title = ["Held back, by gate", "风控拦截"];
    counts("gates", title, column("gate", "gate", "风控项"), &of.gates)
}

fn alerts(of: &Part) -> Sheet {
    counts("alerts", ["Alerts", "告警"], column("alert", "alert", "告警"), &of.alerts)
}

fn products(of: &Part) -> Sheet {
    let row = |(name, row): (&String, &super::InstrumentPart)| {
        vec![
            text(name),
            text(&row.venue),
            count(row.quotes),
            count(row.orders),
            count(row.cancels),
            count(row.accepted),
            count(row.rejects),
            count(row.not_sent),
            count(row.cancelled),
            count(row.fills),
            count(row.busts),
            Cell::Int(row.bought_lots),
            Cell::Int(row.sold_lots),
            Cell::E9(row.traded_e9),
            text(&row.currency),
            row.position_lots.map_or(Cell::None, Cell::Int),
            count(row.most_lots),
        ]
    };
    Sheet {
        name: "products",
        title: ["Products: messages and exposure", "合约: 报撤与敞口"],
        columns: vec![
            column("product", "product", "合约"),
            column("venue", "venue", "交易所"),
            column("quotes", "quotes", "行情"),
            column("orders", "orders", "报单"),
            column("cancels", "cancels", "撤单"),
            column("accepted", "accepted", "已报"),
            column("rejects", "rejects", "拒单"),
            column("not_sent", "not sent", "未发出"),
            column("ended", "ended unfilled", "未全成"),
            column("fills", "fills", "成交笔数"),
            column("busts", "busts", "成交撤销"),
            column("bought_lots", "bought", "买入手数"),
            column("sold_lots", "sold", "卖出手数"),
            column("traded_money", "traded, money", "成交金额"),
            column("currency", "currency", "币种"),
            column("position_lots", "position", "净持仓"),
            column("most_lots", "largest position", "最大净持仓"),
        ],
        rows: of.instruments.iter().map(row).collect(),
    }
}

fn by_hour(hours: &BTreeMap<u32, Part>) -> Sheet {
    let row = |(hour, part): (&u32, &Part)| {
        vec![
            Cell::Int(i64::from(*hour)),
            count(part.records.values().sum()),
            count(part.sum(|row| row.quotes)),
            count(part.sum_of_spreads(|row| row.fires)),
            if part.has_refusals() {
                count(part.sum_of_spreads(|row| row.refusals))
            } else {
                Cell::None
            },
            count(part.sum(|row| row.orders)),
            count(part.sum(|row| row.fills)),
            count(part.sum(|row| row.rejects)),
            quantile(&part.tick_to_order, 500),
            quantile(&part.tick_to_order, 990),
        ]
    };
    Sheet {
        name: "hours",
        title: ["Hour by hour", "分时"],
        columns: vec![
            column("hour", "hour", "小时"),
            column("records", "records", "记录"),
            column("quotes", "quotes", "行情"),
            column("fires", "fires", "触发"),
            column("refusals", "held back", "拦截"),
            column("orders", "orders", "报单"),
            column("fills", "fills", "成交"),
            column("rejects", "rejects", "拒单"),
            column("tick_to_order_p50_ns", "tick to order p50", "行情到报单 p50"),
            column("tick_to_order_p99_ns", "tick to order p99", "行情到报单 p99"),
        ],
        rows: hours.iter().map(row).collect(),
    }
}

/// The counts that Chinese exchanges monitor of programme trading, by account and product: orders
/// and cancels, the most in a second, seconds with ten or more, orders per fill, lots opened.
///
/// Confirmed: who has ten seconds or more in a trading day with ten or more orders and cancels each
/// must report, accounts under one control counted as one (Dalian exchange, notice 305 of 2025,
/// section 1; in force from 9 October 2025 at all five futures exchanges under the CSRC's rules for
/// programme trading). UNPROVEN, and said so in the title: the rest of the columns and their names;
/// whether a second is that of the clock, as here, or any span of one; and thresholds of
/// high-frequency trading, which each exchange sets apart.
fn programme(of: &Part) -> Sheet {
    let rows = of
        .programme
        .iter()
        .flat_map(|(account, rows)| rows.iter().map(move |(name, row)| (account, name, row)));
    let row = |(account, name, row): (&String, &String, &super::InstrumentPart)| {
        let messages = row.orders + row.cancels + row.replaces;
        vec![
            text(account),
            text(name),
            text(&row.venue),
            count(row.orders),
            count(row.cancels),
            count(messages),
            count(row.most_per_second.into()),
            count(row.fast_seconds),
            count(row.fills),
            Cell::Int(row.bought_lots + row.sold_lots),
            Cell::Ratio(row.cancels, row.orders),
            Cell::Times(messages, row.fills),
            count(row.opened_lots),
            count(row.rejects),
        ]
    };
    Sheet {
        name: "programme",
        title: [
            "Programme trading (China; seconds with 10 or more as in notice 305/2025 of the Dalian \
             exchange, the other columns UNPROVEN)",
            "程序化交易监测 (每秒10笔口径见大商所发〔2025〕305号; 其余列未经核实 UNPROVEN)",
        ],
        columns: vec![
            column("account", "account", "账户"),
            column("product", "product", "合约"),
            column("venue", "venue", "交易所"),
            column("orders", "orders", "报单笔数"),
            column("cancels", "cancels", "撤单笔数"),
            column("messages", "orders and cancels", "申报撤单合计"),
            column("most_per_second", "most in a second", "每秒最高笔数"),
            column("fast_seconds", "seconds with 10 or more", "每秒10笔以上次数"),
            column("fills", "fills", "成交笔数"),
            column("lots", "lots", "成交手数"),
            column("cancel_ratio", "cancels of orders", "撤单率"),
            column("order_to_trade", "messages per fill", "报单成交比"),
            column("opened_lots", "lots of opening orders", "开仓委托手数"),
            column("rejects", "rejects", "拒单"),
        ],
        rows: rows.map(row).collect(),
    }
}
