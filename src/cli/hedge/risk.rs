//! `xmc hedge risk`: positions netted by what moves them, what that can cost, and its limits.

use super::{Whose, both, ended, refused};
use crate::audit::export::{Column, Sheet};
use crate::cli::page::{Page, column, float, number, optional, plain, said, words};
use crate::cli::{CliError, Exit, Report};
use crate::hedge::Book;
use crate::hedge::book::{Estimator, FactorOf, RiskTerms};
use crate::hedge::risk::{self, Risk};
use crate::hedge::series::Series;

pub(super) fn run(args: &Whose, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let title = ["risk by factor, a figure of a model", "按风险因子计的风险（模型数字）"];
    let (books, mut page) = args.read("xmc.hedge.risk", title)?;
    let mut sheets = [factors(), pairs(), totals(), terms()];
    for book in &books {
        let read = |name: &str| Series::read(&args.beside(name));
        let found = risk::of(book, read).map_err(|error| refused(book, error))?;
        let Some(of) = &book.risk else {
            continue;
        };
        fill(book, of, &found, &mut sheets);
        told(book, of, &found, &mut page);
        missing(book, of, &found, &mut page);
    }
    page.sheets = sheets.into();
    page.notes.push(both(
        "component: the factor's part of the risk, which they sum up to; below zero: it takes from \
         it. lot-months: the fewest lots times months by which what is long meets what is short; \
         slope: net lots times months from the book's, which is what every rise by 1 of each month \
         against the one before it earns. Volatilities are of a year"
            .to_owned(),
        "分量：该因子占总风险的部分，合计等于总风险，负数为抵减。手月：多头与空头在时间上对齐所需的最少手数×月数；\
         斜率：净手数×距账日月数，即各月相对上月每涨 1 的损益。波动率按年"
            .to_owned(),
    ));
    ended(page, &args.forms, out)
}

const CLIENT: Column = column("client", ["client", "客户"]);

fn sheet(name: &'static str, title: [&'static str; 2], columns: &[Column]) -> Sheet {
    let columns = [CLIENT].iter().chain(columns).copied().collect();
    Sheet { name, title, columns, rows: Vec::new() }
}

fn factors() -> Sheet {
    let columns = [
        column("factor", ["factor", "因子"]),
        column("goods", ["goods", "现货"]),
        column("hedges", ["hedges", "套保"]),
        column("speculative", ["speculative", "投机"]),
        column("net", ["net", "净额"]),
        column("unit", ["unit", "单位"]),
        column("worth", ["worth", "价值"]),
        column("volatility", ["volatility", "波动率"]),
        column("from", ["from", "来源"]),
        column("from_zh", ["from", "来源"]),
        column("alone", ["alone", "单独"]),
        column("component", ["component", "分量"]),
    ];
    sheet("factors", ["netted by factor", "按因子净额"], &columns)
}

fn pairs() -> Sheet {
    let columns = [
        column("one", ["factor", "因子"]),
        column("other", ["with", "与"]),
        column("correlation", ["correlation", "相关系数"]),
        column("from", ["from", "来源"]),
        column("from_zh", ["from", "来源"]),
    ];
    sheet("correlations", ["how they move together", "相关性"], &columns)
}

fn totals() -> Sheet {
    let columns = [
        column("risk", ["risk", "风险"]),
        column("limit", ["limit", "限额"]),
        column("alone", ["sum alone", "单独合计"]),
        column("netted", ["netted away", "净额抵减"]),
        column("currency", ["ccy", "币种"]),
    ];
    sheet("totals", ["risk of all", "总风险"], &columns)
}

fn terms() -> Sheet {
    let columns = [
        column("product", ["product", "品种"]),
        column("mismatch", ["lot-months", "期限错配（手月）"]),
        column("limit", ["limit", "限额"]),
        column("slope", ["slope", "斜率（手月）"]),
        column("unmatched", ["net lots", "净手数"]),
        column("lot_of", ["lots of", "手的合约"]),
    ];
    sheet("terms", ["goods and hedges apart in time", "期限错配"], &columns)
}

fn fill(
    book: &Book,
    of: &RiskTerms,
    found: &Risk,
    [factors, pairs, totals, terms]: &mut [Sheet; 4],
) {
    let client = || plain(&book.clients[0].name);
    let source = |is_given: bool| {
        words(if is_given { ["given", "给定"] } else { ["prices", "价格文件"] })
    };
    for share in &found.shares {
        let factor = &of.factors[share.factor];
        let unit = match &factor.of {
            FactorOf::Months { product, .. } => book.products[*product].unit.word(),
            FactorOf::Currency(currency) => currency,
        };
        let [from, from_zh] = source(factor.given.is_some());
        let quantities = [share.goods, share.hedges, share.speculative, share.net];
        let head = [client(), plain(&factor.name)].into_iter();
        let head = head.chain(quantities.map(|value| number(value, 3)));
        let tail = [
            plain(unit),
            number(share.worth, 2),
            float(share.volatility, 4),
            from,
            from_zh,
            float(share.alone, 2),
            float(share.component, 2),
        ];
        factors.rows.push(head.chain(tail).collect());
    }
    for (at, one) in found.shares.iter().enumerate() {
        for (with, other) in found.shares.iter().enumerate().skip(at + 1) {
            let (one, other) = (&of.factors[one.factor], &of.factors[other.factor]);
            let [from, from_zh] = source(one.given.is_some() || other.given.is_some());
            let value = float(found.correlation[at][with], 4);
            let names = [client(), plain(&one.name), plain(&other.name)];
            pairs.rows.push(names.into_iter().chain([value, from, from_zh]).collect());
        }
    }
    totals.rows.push(vec![
        client(),
        float(found.total, 2),
        optional(found.most, 2),
        float(found.sum, 2),
        float(found.sum - found.total, 2),
        plain(&book.currency),
    ]);
    for row in &found.terms {
        terms.rows.push(vec![
            client(),
            plain(&book.products[row.product].name),
            number(row.term.mismatch, 2),
            optional(row.most, 2),
            number(row.term.slope, 2),
            number(row.term.unmatched, 2),
            plain(&book.contracts[row.contract].name),
        ]);
    }
}

/// What the figures stand on.
fn told(book: &Book, of: &RiskTerms, found: &Risk, page: &mut Page) {
    let client = &book.clients[0].name;
    let (multiple, held) = (of.multiple.show(4).unwrap_or_default(), of.horizon_days);
    page.notes.push(both(
        format!(
            "{client}: risk is {multiple} standard deviations of {held} trading days, {} to a \
             year; {}, {}",
            of.days_per_year, of.origin.source, of.origin.date
        ),
        format!(
            "{client}：风险为 {held} 个交易日（每年 {} 日）标准差的 {multiple} 倍；{}，{}",
            of.days_per_year, of.origin.source, of.origin.date
        ),
    ));
    if let Some((first, last)) = found.days {
        let changes =
            if of.is_log { ["log returns", "对数收益"] } else { ["differences", "价差"] };
        let weights = match of.estimator {
            Estimator::Equal => {
                ["equal weights around the mean".to_owned(), "等权，减均值".to_owned()]
            }
            Estimator::Weighted(lambda) => {
                let lambda = lambda.show(4).unwrap_or_default();
                [format!("weights of lambda {lambda} around zero"), format!("指数加权 λ={lambda}")]
            }
        };
        let (days, file) = (of.days, &of.series);
        page.notes.push(both(
            format!(
                "{client}: volatility from {days} daily {} of {file}, {first} to {last}, {}",
                changes[0], weights[0]
            ),
            format!(
                "{client}：波动率取自 {file} {first} 至 {last} 的 {days} 个日{}，{}",
                changes[1], weights[1]
            ),
        ));
    }
    for share in &found.shares {
        let factor = &of.factors[share.factor];
        if let Some((volatility, origin)) = &factor.given {
            let (name, shown) = (&factor.name, volatility.show(4).unwrap_or_default());
            let (source, date) = (&origin.source, &origin.date);
            page.notes.push(both(
                format!("{client}: volatility {shown} of {name} is given: {source}, {date}"),
                format!("{client}：{name} 波动率 {shown} 为给定：{source}，{date}"),
            ));
        }
    }
}

/// What is beyond a limit, has none, or is in no factor.
fn missing(book: &Book, of: &RiskTerms, found: &Risk, page: &mut Page) {
    let client = &book.clients[0].name;
    let money = &book.currency;
    let total = float(found.total, 2).shown();
    match (found.most, found.largest()) {
        (Some(most), Some(largest)) if found.is_beyond() => {
            let name = &of.factors[largest.factor].name;
            let (most, part) = (said(most, 2), float(largest.component, 2).shown());
            let net = said(largest.net, 3);
            page.findings.push(both(
                format!(
                    "{client}: the risk is {total} {money}, and may be {most}: {name} has the \
                     largest part, {part}; bring its net of {net} nearer to zero"
                ),
                format!(
                    "{client}：风险 {total} {money}，限额 {most}：{name} 占比最大（{part}），请降低其净额 {net}"
                ),
            ));
        }
        (None, Some(_)) => page.findings.push(both(
            format!("{client}: nothing says how much risk there may be: write [[risk_limit]]"),
            format!("{client}：未设风险限额：请写入 [[risk_limit]]"),
        )),
        _ => {}
    }
    for row in &found.terms {
        let name = &book.products[row.product].name;
        let (apart, lots) = (said(row.term.mismatch, 2), &book.contracts[row.contract].name);
        match row.most {
            Some(most) if most.is_below(row.term.mismatch) => {
                let most = said(most, 2);
                page.findings.push(both(
                    format!(
                        "{client}: goods and hedges of {name} stand {apart} lot-months ({lots}) \
                         apart, and may {most}: move hedges to the months of the goods (xmc hedge \
                         show)"
                    ),
                    format!(
                        "{client}：{name} 期限错配 {apart} 手月（{lots}），限额 {most}：请把套保移到现货月份"
                    ),
                ));
            }
            None if !row.term.mismatch.is_zero() => page.findings.push(both(
                format!(
                    "{client}: nothing says how far goods and hedges of {name} may stand apart: \
                     write [[term_limit]]"
                ),
                format!("{client}：{name} 未设期限错配限额：请写入 [[term_limit]]"),
            )),
            _ => {}
        }
    }
    for (product, month, currency, net) in &found.uncovered {
        let product = &book.products[*product];
        let (net, unit, name) = (said(*net, 3), product.unit.word(), &product.name);
        page.findings.push(both(
            format!(
                "{client}: {net} {unit} of {name}, {month} in {currency}, are in no factor and not \
                 in the risk: write a [[factor]]"
            ),
            format!("{client}：{name} {month}（{currency}）{net} {unit} 不属于任何因子，未计入：请写入 [[factor]]"),
        ));
    }
    for (currency, open) in &found.open {
        let open = said(*open, 0);
        page.findings.push(both(
            format!(
                "{client}: {open} {currency} are open, in no factor and not in the risk: write a \
                 [[factor]]"
            ),
            format!("{client}：{currency} 敞口 {open} 不属于任何因子，未计入：请写入 [[factor]]"),
        ));
    }
}
