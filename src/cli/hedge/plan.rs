//! `xmc hedge plan`: the proposal, and what it follows from.

use super::{Whose, both, ended, refused, words};
use crate::audit::export::{Cell, Column, Sheet};
use crate::cli::page::{Page, column, float, number, optional, plain, words};
use crate::cli::{CliError, Exit, Report};
use crate::config::Rational;
use crate::hedge::book::Held;
use crate::hedge::plan::{Order, Plan, Term};
use crate::hedge::series::Series;
use crate::hedge::{Book, exposure, plan};

pub(super) fn run(args: &Whose, out: &mut Report<'_>) -> Result<Exit, CliError> {
    ended(page(args)?, &args.forms, out)
}

pub(super) fn page(args: &Whose) -> Result<Page, CliError> {
    let title =
        ["hedge proposal, to be approved; nothing is sent", "套保方案（待批准，不发送任何委托）"];
    let (books, mut page) = args.read("xmc.hedge.plan", title)?;
    let mut sheets = [targets(), costs(), orders(), currencies()];
    for book in &books {
        let read = |name: &str| Series::read(&args.beside(name));
        let all = exposure::of(book).map_err(|error| refused(book, error))?;
        let found = plan::of(book, &all, read).map_err(|error| refused(book, error))?;
        fill(book, &found, &mut sheets);
        page.findings.extend(found.findings.iter().map(|row| words::finding(book, row)));
        approvers(book, &found, &mut page);
    }
    page.sheets = sheets.into();
    page.notes.push(both(
        "wanted = -goods x ratio x share. cost: of one unit, opened and closed again, in the \
         book's currency; the cheapest that is not near its month is taken. value: at the book's \
         prices. Every order has the flag hedge (套保)"
            .to_owned(),
        "目标 = -现货敞口 x 比率 x 比例。成本：每单位开平一次，以本位币计；取最便宜且未临近交割的合约。\
         所有委托标志为套保"
            .to_owned(),
    ));
    page.notes.push(both(
        "once approved: an order of one contract is entered at its account's counter; two \
         contracts that trade together are a [[spread]] with hedge_flag = \"hedge\" (xmc plan \
         checks it). What an engine did: xmc audit query JOURNAL --account ACCOUNT --kind \
         order_event"
            .to_owned(),
        "批准后：单一合约在其账户柜台报单；两个合约同时成交写成 hedge_flag = \"hedge\" 的 [[spread]]\
         （xmc plan 检查）。查成交：xmc audit query JOURNAL --account ACCOUNT --kind order_event"
            .to_owned(),
    ));
    Ok(page)
}

fn approvers(book: &Book, found: &Plan, page: &mut Page) {
    for row in found.proposals.iter().filter(|row| !row.orders.is_empty()) {
        let policy = &book.policies[row.policy];
        let (client, product) = (&book.clients[0].name, &book.products[policy.product].name);
        page.notes.push(both(
            format!("{client}, {product}: to be approved by {}", policy.approver),
            format!("{client}，{product}：由 {} 批准", policy.approver),
        ));
    }
}

const CLIENT: Column = column("client", ["client", "客户"]);

fn sheet(name: &'static str, title: [&'static str; 2], columns: &[Column]) -> Sheet {
    Sheet { name, title, columns: columns.to_vec(), rows: Vec::new() }
}

fn targets() -> Sheet {
    let columns = [
        CLIENT,
        column("product", ["product", "品种"]),
        column("goods", ["goods", "现货敞口"]),
        column("ratio", ["ratio", "比率"]),
        column("by", ["by", "方法"]),
        column("by_zh", ["by", "方法"]),
        column("r_squared", ["R2", "R2"]),
        column("error", ["error", "标准误"]),
        column("sample", ["sample", "样本"]),
        column("share", ["share", "比例"]),
        column("wanted", ["wanted", "目标"]),
        column("held", ["held", "已有"]),
        column("missing", ["missing", "缺口"]),
        column("after", ["after", "之后"]),
        column("unit", ["unit", "单位"]),
    ];
    sheet("targets", ["what is wanted", "套保目标"], &columns)
}

fn costs() -> Sheet {
    let mut columns = vec![
        CLIENT,
        column("contract", ["contract", "合约"]),
        column("border", ["border", "内外盘"]),
        column("border_zh", ["border", "内外盘"]),
    ];
    let keys = ["fees", "slippage", "carry", "fx_fees", "fx_slippage"];
    columns.extend(keys.iter().zip(Term::ALL).map(|(key, term)| column(key, words::term(term))));
    columns.push(column("total", ["total", "合计"]));
    columns.push(column("unit", ["for one", "每"]));
    sheet("costs", ["cost of a hedge, the cheapest first", "套保成本（由低到高）"], &columns)
}

fn orders() -> Sheet {
    let columns = [
        column("number", ["no", "序号"]),
        CLIENT,
        column("account", ["account", "账户"]),
        column("contract", ["contract", "合约"]),
        column("side", ["side", "买卖"]),
        column("side_zh", ["side", "买卖"]),
        column("effect", ["effect", "开平"]),
        column("effect_zh", ["effect", "开平"]),
        column("lots", ["lots", "手数"]),
        column("flag", ["flag", "标志"]),
        column("price", ["price", "参考价"]),
        column("value", ["value", "价值"]),
        column("currency", ["ccy", "币种"]),
        column("why", ["why", "原因"]),
        column("why_zh", ["why", "原因"]),
    ];
    sheet("orders", ["orders proposed", "建议委托"], &columns)
}

fn currencies() -> Sheet {
    let columns = [
        CLIENT,
        column("currency", ["ccy", "币种"]),
        column("agreed", ["agreed prices", "合同价款"]),
        column("hedged", ["hedged in it", "外盘套保"]),
        column("futures", ["futures", "汇率期货"]),
        column("open", ["open", "敞口"]),
        column("after", ["after", "之后"]),
    ];
    sheet("currencies", ["open in other currencies", "汇率敞口"], &columns)
}

fn fill(book: &Book, found: &Plan, [targets, costs, orders, currencies]: &mut [Sheet; 4]) {
    let client = || plain(&book.clients[0].name);
    for row in &found.proposals {
        let policy = &book.policies[row.policy];
        let product = &book.products[policy.product];
        let [by, by_zh] = words(policy.ratio.titles());
        let line = row.ratio.line;
        let of_line = |value: fn(&crate::hedge::regression::Line) -> f64, digits| {
            line.as_ref().map_or(Cell::None, |line| float(value(line), digits))
        };
        let sample = line.and_then(|line| i64::try_from(line.count).ok());
        targets.rows.push(vec![
            client(),
            plain(&product.name),
            number(row.row.physical, 3),
            number(row.ratio.value, 4),
            by,
            by_zh,
            of_line(|line| line.r_squared, 4),
            of_line(|line| line.standard_error, 4),
            sample.map_or(Cell::None, Cell::Int),
            optional(row.share, 2),
            number(row.wanted, 3),
            optional(row.row.hedges(), 3),
            number(row.missing, 3),
            number(row.after, 3),
            plain(product.unit.word()),
        ]);
        for cost in &row.costs {
            let contract = &book.contracts[cost.contract];
            let is_home = contract.border == crate::config::capital::Border::Domestic;
            let [border, border_zh] =
                words(if is_home { ["domestic", "内盘"] } else { ["overseas", "外盘"] });
            let terms = cost.terms.map(|(_, value)| number(value, 4));
            let head = [client(), plain(&contract.name), border, border_zh];
            let tail = [number(cost.total, 4), plain(product.unit.word())];
            costs.rows.push(head.into_iter().chain(terms).chain(tail).collect());
        }
        row.orders.iter().for_each(|row| order(book, row, orders));
    }
    for row in &found.fx {
        let figures = [row.agreed, row.hedged, row.futures, row.open, row.after];
        let head = [client(), plain(&row.currency)];
        let figures = figures.map(|value| number(value, 0));
        currencies.rows.push(head.into_iter().chain(figures).collect());
        row.orders.iter().for_each(|row| order(book, row, orders));
    }
}

fn order(book: &Book, row: &Order, orders: &mut Sheet) {
    let accounts = &book.clients[0].accounts;
    let account = row.account.map_or(Cell::None, |place| plain(&accounts[place].name));
    let (price, each, currency) = match row.contract {
        Held::Product(place) => {
            let of = &book.contracts[place];
            (of.price, of.lot_value(), &of.currency)
        }
        Held::Fx(place) => {
            let of = &book.fx_contracts[place];
            (of.price, of.lot.times(of.price), &of.quote)
        }
    };
    let value = each.and_then(|each| each.times(Rational::whole(row.lots.abs())));
    let [side, side_zh] = words(words::side(row.lots));
    let [effect, effect_zh] = words(words::effect(row.effect));
    let [why, why_zh] = words(words::why(row.why));
    let number_of = i64::try_from(orders.rows.len() + 1).unwrap_or(i64::MAX);
    orders.rows.push(vec![
        Cell::Int(number_of),
        plain(&book.clients[0].name),
        account,
        plain(words::contract(book, row.contract)),
        side,
        side_zh,
        effect,
        effect_zh,
        Cell::Int(row.lots.abs()),
        plain("hedge"),
        number(price, 4),
        optional(value, 2),
        plain(currency),
        why,
        why_zh,
    ]);
}
