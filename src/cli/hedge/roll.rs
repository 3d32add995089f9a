//! `xmc hedge roll`: hedges that are to be moved to a later month, and how.

use super::{Whose, both, ended, refused, words};
use crate::audit::export::{Cell, Column, Sheet};
use crate::cli::page::{Both, Page, column, number, plain, said, words};
use crate::cli::{CliError, Exit, Report};
use crate::hedge::roll::{self, Finding, Roll, Route, What};
use crate::hedge::{Book, HedgeError};

pub(super) fn run(args: &Whose, out: &mut Report<'_>) -> Result<Exit, CliError> {
    ended(page(args)?, &args.forms, out)
}

pub(super) fn page(args: &Whose) -> Result<Page, CliError> {
    let title =
        ["rolls proposed, to be approved; nothing is sent", "展期方案（待批准，不发送任何委托）"];
    let (books, mut page) = args.read("xmc.hedge.roll", title)?;
    let mut sheets = [due(), routes(), steps()];
    for book in &books {
        let found = roll::of(book).map_err(|error| refused(book, error))?;
        for row in &found.rolls {
            fill(book, row, &mut sheets).map_err(|error| refused(book, error))?;
            told(book, row, &mut page);
        }
        page.findings.extend(found.findings.iter().map(|row| finding(book, row)));
    }
    page.sheets = sheets.into();
    page.notes.push(both(
        "cost of all lots, in the book's currency, against its prices; carry: what the later month \
         costs more to hold. A slice begins when the one before is done on both legs, one position \
         after the other; twice: lots hedged twice, below zero: without a hedge. Every order has \
         the flag hedge (套保)"
            .to_owned(),
        "成本为全部手数、以本位币计、相对文件价格；持有成本为远月相对近月之差。上一批两腿均完成后才做下一批，\
         逐个持仓进行；重复手数为负表示未套保。所有委托标志为套保"
            .to_owned(),
    ));
    Ok(page)
}

const CLIENT: Column = column("client", ["client", "客户"]);

fn sheet(name: &'static str, title: [&'static str; 2], columns: &[Column]) -> Sheet {
    let head = [CLIENT, column("near", ["out of", "近月"])];
    let columns = head.iter().chain(columns).copied().collect();
    Sheet { name, title, columns, rows: Vec::new() }
}

fn due() -> Sheet {
    let columns = [
        column("account", ["account", "账户"]),
        column("lots", ["lots", "手数"]),
        column("for", ["for", "原因"]),
        column("for_zh", ["for", "原因"]),
        column("deadline", ["deadline", "期限"]),
        column("done_by", ["done by", "完成日"]),
        column("order", ["order", "顺序"]),
        column("order_zh", ["order", "顺序"]),
        column("max_lots", ["most at once", "每批上限"]),
        column("worst", ["worst", "最大偏离"]),
    ];
    sheet("due", ["what is to be moved", "待展期持仓"], &columns)
}

fn routes() -> Sheet {
    let columns = [
        column("far", ["into", "远月"]),
        column("by", ["by", "方式"]),
        column("by_zh", ["by", "方式"]),
        column("fees", ["fees", "手续费"]),
        column("slippage", ["slippage", "滑点"]),
        column("carry", ["carry", "持有成本"]),
        column("total", ["total", "合计"]),
        column("more", ["more", "多出"]),
    ];
    sheet("routes", ["ways to go, the cheapest first", "展期方式（由低到高）"], &columns)
}

fn steps() -> Sheet {
    let columns = [
        column("slice", ["slice", "批次"]),
        column("trades", ["trades", "合约"]),
        column("side", ["side", "买卖"]),
        column("side_zh", ["side", "买卖"]),
        column("effect", ["effect", "开平"]),
        column("effect_zh", ["effect", "开平"]),
        column("lots", ["lots", "手数"]),
        column("left", ["left near", "近月剩余"]),
        column("moved", ["moved", "已移"]),
        column("apart", ["twice", "重复"]),
        column("net", ["net", "净敞口"]),
        column("unit", ["unit", "单位"]),
    ];
    sheet("steps", ["slices, with what is there after each", "分批及其后敞口"], &columns)
}

fn by(book: &Book, route: &Route) -> [String; 2] {
    match route.combination {
        Some(at) => {
            let name = &book.combinations[at].name;
            [name.clone(), name.clone()]
        }
        None => ["two legs".to_owned(), "两腿".to_owned()],
    }
}

fn fill(book: &Book, row: &Roll, [due, routes, steps]: &mut [Sheet; 3]) -> Result<(), HedgeError> {
    let near = &book.contracts[row.near];
    let head = || [plain(&book.clients[0].name), plain(&near.name)];
    let guard = row.guard.map(|at| &book.rolls[at]);
    let [kind, kind_zh] = words(row.due.kind.titles());
    let order = guard.map_or(["-", "-"], |guard| guard.order.titles());
    let [order, order_zh] = words(order);
    let worst = match row.steps.is_empty() {
        true => Cell::None,
        false => Cell::Int(i64::try_from(row.worst()).unwrap_or(i64::MAX)),
    };
    due.rows.push(
        head()
            .into_iter()
            .chain([
                plain(&book.clients[0].accounts[row.account].name),
                Cell::Int(row.lots),
                kind,
                kind_zh,
                plain(row.due.day.to_string()),
                row.done_by.map_or(Cell::None, |day| plain(day.to_string())),
                order,
                order_zh,
                guard.map_or(Cell::None, |guard| Cell::Int(guard.max_lots.into())),
                worst,
            ])
            .collect(),
    );
    let cheapest = row.routes.first();
    for route in &row.routes {
        let more = cheapest.and_then(|cheapest| route.total.minus(cheapest.total));
        let more = more.ok_or_else(|| HedgeError::TooFine("a roll".to_owned()))?;
        let figures = [route.fees, route.slippage, route.carry, route.total, more];
        let [by, by_zh] = by(book, route).map(plain);
        let far = plain(&book.contracts[route.far].name);
        let figures = figures.map(|value| number(value, 2));
        routes.rows.push(head().into_iter().chain([far, by, by_zh]).chain(figures).collect());
    }
    for step in &row.steps {
        let Some(route) = cheapest else {
            continue;
        };
        let far = &book.contracts[route.far].name;
        let (name, effect) = match (step.what, route.combination) {
            (What::Both, Some(at)) => (&book.combinations[at].name, ["both", "组合"]),
            (What::Open, _) => (far, ["open", "开仓"]),
            _ => (&near.name, ["close", "平仓"]),
        };
        let [side, side_zh] = words(words::side(step.lots));
        let [effect, effect_zh] = words(effect);
        let slice = Cell::Int(i64::try_from(step.slice).unwrap_or(i64::MAX));
        let lots = [step.lots.abs(), step.near, step.far, step.apart].map(Cell::Int);
        steps.rows.push(
            head()
                .into_iter()
                .chain([slice, plain(name), side, side_zh, effect, effect_zh])
                .chain(lots)
                .chain([number(step.net, 3), plain(book.products[near.product].unit.word())])
                .collect(),
        );
    }
    Ok(())
}

/// What is proposed and by how much it is cheaper, and how far the guard is kept.
fn told(book: &Book, row: &Roll, page: &mut Page) {
    let (client, near) = (&book.clients[0].name, &book.contracts[row.near].name);
    let (Some(route), Some(guard)) = (row.routes.first(), row.guard.map(|at| &book.rolls[at]))
    else {
        return;
    };
    let far = &book.contracts[route.far].name;
    let other = row.routes.iter().find(|other| {
        other.far == route.far && other.combination.is_some() != route.combination.is_some()
    });
    if let Some((other, more)) = other.and_then(|row| Some((row, row.total.minus(route.total)?))) {
        let ([way, way_zh], [than, than_zh]) = (by(book, route), by(book, other));
        let (more, money) = (said(more, 2), &book.currency);
        page.notes.push(both(
            format!("{client}, {near} into {far}: {way} costs {more} {money} less than {than}"),
            format!("{client}，{near} 移至 {far}：{way_zh} 比 {than_zh} 便宜 {more} {money}"),
        ));
    }
    if !row.steps.is_empty() {
        let (worst, most) = (row.worst(), guard.max_lots);
        page.notes.push(both(
            format!(
                "{client}, {near}: at worst {worst} lots are without a hedge or hedged twice, and \
                 may be {most}; fills lie between the steps"
            ),
            format!("{client}，{near}：最多 {worst} 手未套保或重复套保，上限 {most} 手；成交过程介于各步之间"),
        ));
    }
}

fn finding(book: &Book, found: &Finding) -> Both {
    let client = &book.clients[0].name;
    let name = |at: usize| &book.contracts[at].name;
    match found {
        Finding::NoGuard { near, lots } => {
            let near = name(*near);
            both(
                format!(
                    "{client}: {lots} lots of {near} are to be moved, and nothing says how: write \
                     a [[roll]]"
                ),
                format!("{client}：{near} {lots} 手待展期而无约束：请写入 [[roll]]"),
            )
        }
        Finding::NoTarget { near } => {
            let near = name(*near);
            both(
                format!(
                    "{client}: the policy has no later month that {near} could be moved to: add \
                     its contract, or close the hedge"
                ),
                format!("{client}：方案中没有 {near} 可移入的远月：请补充合约或平仓"),
            )
        }
        Finding::Late { near, done_by, due } => {
            let near = name(*near);
            let ([kind, kind_zh], day) = (due.kind.titles(), due.day);
            both(
                format!(
                    "{client}: {near} should have been left by {done_by} ({kind} {day}): roll it \
                     today, or close it"
                ),
                format!(
                    "{client}：{near} 应在 {done_by} 前移出（{kind_zh} {day}）：请今日展期或平仓"
                ),
            )
        }
        Finding::Small { near, lots, least } => {
            let near = name(*near);
            both(
                format!(
                    "{client}: a slice of {near} is of {lots} lots, fewer than the {least} of the \
                     guard: larger ones would pass its most"
                ),
                format!("{client}：{near} 有一批 {lots} 手，少于最小 {least} 手：再大将超出上限"),
            )
        }
        Finding::NoRoom { near, lots, most } => {
            let near = name(*near);
            both(
                format!(
                    "{client}: {near} cannot be opened elsewhere first: {lots} lots are held, and \
                     may be {most}: close first, or raise max_lots of the client"
                ),
                format!(
                    "{client}：{near} 无法先开后平：已持 {lots} 手，上限 {most} 手：请改为先平后开"
                ),
            )
        }
        Finding::FarLimit { far, over } => words::step(client, name(*far), book.date, *over),
    }
}
