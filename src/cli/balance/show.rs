//! `xmc balance show`: what is held, where it belongs, what is wanted, and what fits.

use super::{Seen, Whose, ended, words};
use crate::audit::export::{Cell, Column, Sheet};
use crate::balance::want::urgency;
use crate::cli::page::{Page, column, number, plain, words as pair};
use crate::cli::{CliError, Exit, Report};
use crate::config::Rational;

pub(super) fn run(args: &Whose, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let title = ["inventories and needs", "内部库存与需求"];
    let (seen, mut page) = args.read("xmc.balance.show", title)?;
    page.sheets = vec![inventories(&seen), targets(&seen), needs(&seen), capacities(&seen)];
    let book = &seen.book;
    out_of_band(&seen, &mut page);
    for place in seen.plan.wants.over.iter().filter(|at| seen.has(book.needs[**at].account)) {
        let name = &book.needs[*place].name;
        page.findings.push([
            format!("need {name}: its time is over, and it is not wanted any more"),
            format!("需求 {name}：已过期"),
        ]);
    }
    page.notes.push([
        "urgency: thousandths, from what is written at `from` in a straight line to 1,000 at \
         `until`. out: off by more than the band; what follows is the way back to the target, in \
         whole lots. room: what the capacity leaves beside all that is held"
            .to_owned(),
        "紧急度：千分之几，自 `from` 起线性升至 `until` 的 1000。超出：偏离大于区间，需求为回到目标的\
         整手数。余量：容量减去现有持仓"
            .to_owned(),
    ]);
    ended(page, &args.forms, out)
}

/// Inventories that are off their target by more than its band.
pub(super) fn out_of_band(seen: &Seen, page: &mut Page) {
    let book = &seen.book;
    for row in seen.plan.wants.standings.iter().filter(|row| row.is_out) {
        let target = &book.targets[row.target];
        if seen.has(target.account) {
            let of = [
                &book.strategies[target.strategy],
                &book.accounts[target.account].name,
                &book.products[book.contracts[target.contract].of.product].name,
            ];
            let [strategy, account, product] = of;
            page.findings.push([
                format!("{strategy} in {account} is out of its band for {product}"),
                format!("{strategy}（{account}）{product} 超出目标区间"),
            ]);
        }
    }
}

pub(super) const GROUP: Column = column("group", ["group", "隔离组"]);
pub(super) const STRATEGY: Column = column("strategy", ["strategy", "策略"]);
pub(super) const ACCOUNT: Column = column("account", ["account", "账户"]);
pub(super) const CONTRACT: Column = column("contract", ["contract", "合约"]);
const PRODUCT: Column = column("product", ["product", "品种"]);

fn inventories(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        GROUP,
        STRATEGY,
        ACCOUNT,
        PRODUCT,
        CONTRACT,
        column("month", ["month", "月份"]),
        column("lots", ["lots", "手数"]),
        column("quantity", ["quantity", "数量"]),
        column("unit", ["unit", "单位"]),
    ];
    let rows = book.inventories.iter().filter(|row| seen.has(row.account)).map(|row| {
        let of = &book.contracts[row.contract].of;
        let product = &book.products[of.product];
        let quantity = of.lot.times(Rational::whole(row.lots));
        vec![
            plain(seen.group(row.account)),
            plain(&book.strategies[row.strategy]),
            plain(&book.accounts[row.account].name),
            plain(&product.name),
            plain(&of.name),
            plain(of.month.to_string()),
            Cell::Int(row.lots),
            quantity.map_or(Cell::None, |quantity| number(quantity, 3)),
            plain(product.unit.word()),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "inventories", title: ["held", "库存"], columns, rows }
}

fn targets(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        STRATEGY,
        ACCOUNT,
        PRODUCT,
        column("target", ["target", "目标"]),
        column("band", ["band", "区间"]),
        column("held", ["held", "现有"]),
        column("missing", ["missing", "缺口"]),
        column("unit", ["unit", "单位"]),
        column("out", ["out", "超出"]),
        column("out_zh", ["out", "超出"]),
        CONTRACT,
        column("lots", ["lots that follow", "需求手数"]),
        column("urgency", ["urgency", "紧急度"]),
    ];
    let standings = &seen.plan.wants.standings;
    let rows = standings.iter().map(|row| (row, &book.targets[row.target]));
    let rows = rows.filter(|(_, target)| seen.has(target.account)).map(|(row, target)| {
        let of = &book.contracts[target.contract].of;
        let product = &book.products[of.product];
        let [out, out_zh] = pair(if row.is_out { ["yes", "是"] } else { ["no", "否"] });
        vec![
            plain(&book.strategies[target.strategy]),
            plain(&book.accounts[target.account].name),
            plain(&product.name),
            number(target.quantity, 3),
            number(target.band, 3),
            number(row.held, 3),
            number(row.missing, 3),
            plain(product.unit.word()),
            out,
            out_zh,
            plain(&of.name),
            Cell::Int(row.lots),
            urgency(&target.wish, book.now).map_or(Cell::None, |now| Cell::Int(now.into())),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "targets", title: ["targets and bands", "目标与区间"], columns, rows }
}

fn needs(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        GROUP,
        column("need", ["need", "需求"]),
        STRATEGY,
        ACCOUNT,
        CONTRACT,
        column("side", ["side", "买卖"]),
        column("side_zh", ["side", "买卖"]),
        column("effect", ["effect", "开平"]),
        column("effect_zh", ["effect", "开平"]),
        column("lots", ["lots", "手数"]),
        column("urgency", ["urgency", "紧急度"]),
        column("until", ["until (UTC)", "截止（UTC）"]),
        column("by", ["by", "提出人"]),
    ];
    let rows = book.needs.iter().filter(|row| seen.has(row.account)).map(|row| {
        let [side, side_zh] = pair(words::side(row.lots));
        let [effect, effect_zh] = pair(words::effect(row.opens));
        vec![
            plain(seen.group(row.account)),
            plain(&row.name),
            plain(&book.strategies[row.strategy]),
            plain(&book.accounts[row.account].name),
            plain(&book.contracts[row.contract].of.name),
            side,
            side_zh,
            effect,
            effect_zh,
            Cell::Int(row.lots.abs()),
            urgency(&row.wish, book.now).map_or(Cell::None, |now| Cell::Int(now.into())),
            plain(row.wish.until.to_string()),
            plain(&row.wish.by),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "needs", title: ["wanted", "需求"], columns, rows }
}

fn capacities(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        ACCOUNT,
        PRODUCT,
        column("max_lots", ["most lots", "容量"]),
        column("held", ["held", "已用"]),
        column("room", ["room", "余量"]),
    ];
    let rows = book.capacities.iter().filter(|row| seen.has(row.account)).map(|row| {
        let gross = book.gross(row.account, row.product);
        vec![
            plain(&book.accounts[row.account].name),
            plain(&book.products[row.product].name),
            Cell::Int(row.max_lots),
            Cell::Int(gross),
            Cell::Int(row.max_lots - gross),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "capacities", title: ["capacities of accounts", "账户容量"], columns, rows }
}
