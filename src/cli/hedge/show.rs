//! `xmc hedge show`: goods, hedges and what of both moves with the market.

use super::{Whose, both, ended, refused, words};
use crate::audit::export::{Cell, Sheet};
use crate::cli::page::{column, number, plain, words};
use crate::cli::{CliError, Exit, Report};
use crate::hedge::book::Held;
use crate::hedge::exposure::{self, Row};
use crate::hedge::{Book, HedgeError, plan};

pub(super) fn run(args: &Whose, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let title = ["exposure", "敞口"];
    let (books, mut page) = args.read("xmc.hedge.show", title)?;
    let (mut goods, mut held, mut months, mut sums) = (goods(), held(), months(), sums());
    for book in &books {
        let all = exposure::of(book).map_err(|error| refused(book, error))?;
        let found = fill(book, &all, [&mut goods, &mut held, &mut months, &mut sums]);
        found.map_err(|error| refused(book, error))?;
        let limits = plan::limits(book, &all).map_err(|error| refused(book, error))?;
        page.findings.extend(limits.iter().map(|found| words::finding(book, found)));
    }
    page.sheets = vec![goods, held, months, sums];
    page.notes.push(both(
        "above zero earns when prices rise. open price: goods whose price is still to be set, \
         which do not move. Floats: options by Black's delta, rounded to 0.000001 of a lot"
            .to_owned(),
        "正数表示价格上涨获利。待点价：价格尚未确定，不计敞口。期权按 Black 公式的 Delta 折算"
            .to_owned(),
    ));
    ended(page, &args.forms, out)
}

const CLIENT: crate::audit::export::Column = column("client", ["client", "客户"]);
const PRODUCT: crate::audit::export::Column = column("product", ["product", "品种"]);
const UNIT: crate::audit::export::Column = column("unit", ["unit", "单位"]);

fn goods() -> Sheet {
    Sheet {
        name: "goods",
        title: ["goods, pure product", "现货（折纯）"],
        columns: vec![
            CLIENT,
            column("position", ["position", "名称"]),
            PRODUCT,
            column("kind", ["kind", "类型"]),
            column("kind_zh", ["kind", "类型"]),
            column("pricing", ["price", "定价"]),
            column("pricing_zh", ["price", "定价"]),
            column("quantity", ["quantity", "数量"]),
            column("moves", ["moves", "敞口"]),
            UNIT,
            column("from", ["from", "起"]),
            column("until", ["until", "止"]),
        ],
        rows: Vec::new(),
    }
}

fn held() -> Sheet {
    Sheet {
        name: "held",
        title: ["futures and options held", "期货与期权持仓"],
        columns: vec![
            CLIENT,
            column("account", ["account", "账户"]),
            column("contract", ["contract", "合约"]),
            column("lots", ["lots", "手数"]),
            column("flag", ["flag", "标志"]),
            column("flag_zh", ["flag", "标志"]),
            column("quantity", ["quantity", "数量"]),
            UNIT,
        ],
        rows: Vec::new(),
    }
}

const FIGURES: [crate::audit::export::Column; 6] = [
    column("physical", ["goods", "现货敞口"]),
    column("futures", ["futures", "期货"]),
    column("options", ["options", "期权"]),
    column("net", ["net", "净敞口"]),
    column("open", ["open price", "待点价"]),
    column("speculative", ["speculative", "投机"]),
];

fn months() -> Sheet {
    let head = [CLIENT, PRODUCT, column("month", ["month", "月份"])];
    Sheet {
        name: "months",
        title: ["by month", "分月敞口"],
        columns: head.into_iter().chain(FIGURES).chain([UNIT]).collect(),
        rows: Vec::new(),
    }
}

fn sums() -> Sheet {
    Sheet {
        name: "products",
        title: ["all months", "合计"],
        columns: [CLIENT, PRODUCT].into_iter().chain(FIGURES).chain([UNIT]).collect(),
        rows: Vec::new(),
    }
}

fn figures(row: &Row) -> Option<[Cell; 6]> {
    let of = [row.physical, row.futures, row.options, row.net()?, row.open, row.speculative];
    Some(of.map(|value| number(value, 3)))
}

fn fill(
    book: &Book,
    all: &exposure::Exposure,
    [goods, held, months, sums]: [&mut Sheet; 4],
) -> Result<(), HedgeError> {
    let client = || plain(&book.clients[0].name);
    let account = |place: usize| plain(&book.clients[0].accounts[place].name);
    let fine = || HedgeError::TooFine("the exposure".to_owned());
    for row in &book.positions {
        let product = &book.products[row.product];
        let [kind, kind_zh] = words(row.kind.titles());
        let [pricing, pricing_zh] = words(row.pricing.titles());
        goods.rows.push(vec![
            client(),
            plain(&row.name),
            plain(&product.name),
            kind,
            kind_zh,
            pricing,
            pricing_zh,
            number(row.quantity, 3),
            number(row.exposure(), 3),
            plain(product.unit.word()),
            plain(row.from.to_string()),
            plain(row.until.to_string()),
        ]);
    }
    let flag = |is_hedge: bool| {
        words(if is_hedge { ["hedge", "套保"] } else { ["speculate", "投机"] })
    };
    for row in &book.futures {
        let (lot, unit) = match row.contract {
            Held::Product(place) => {
                let contract = &book.contracts[place];
                (contract.lot, book.products[contract.product].unit.word().to_owned())
            }
            Held::Fx(place) => {
                let contract = &book.fx_contracts[place];
                (contract.lot, contract.currency.clone())
            }
        };
        let quantity = lot.times(crate::config::Rational::whole(row.lots)).ok_or_else(fine)?;
        let [flag, flag_zh] = flag(row.is_hedge);
        let name = plain(words::contract(book, row.contract));
        let lots = Cell::Int(row.lots);
        let cells =
            [client(), account(row.account), name, lots, flag, flag_zh, number(quantity, 3)];
        held.rows.push(cells.into_iter().chain([plain(unit)]).collect());
    }
    for row in &book.options {
        let contract = &book.contracts[row.contract];
        let delta = exposure::delta(book, row)?;
        let lots = delta.times(crate::config::Rational::whole(row.lots));
        let quantity = lots.and_then(|lots| lots.times(contract.lot)).ok_or_else(fine)?;
        let [flag, flag_zh] = flag(row.is_hedge);
        let right = if row.right == crate::hedge::black76::Right::Call { "C" } else { "P" };
        let name = format!("{} {right} {}", contract.name, row.strike.show(4).unwrap_or_default());
        let unit = book.products[contract.product].unit.word();
        let lots = Cell::Int(row.lots);
        let cells =
            [client(), account(row.account), plain(name), lots, flag, flag_zh, number(quantity, 3)];
        held.rows.push(cells.into_iter().chain([plain(unit)]).collect());
    }
    let mut last = None;
    for (key, row) in all {
        let product = &book.products[key.product];
        let unit = plain(product.unit.word());
        let head = [client(), plain(&product.name), plain(key.month.to_string())];
        let cells = figures(row).ok_or_else(fine)?;
        months.rows.push(head.into_iter().chain(cells).chain([unit.clone()]).collect());
        if last != Some(key.product) {
            let total = exposure::total(all, key.client, key.product)?;
            let cells = figures(&total).ok_or_else(fine)?;
            let head = [client(), plain(&product.name)];
            sums.rows.push(head.into_iter().chain(cells).chain([unit]).collect());
        }
        last = Some(key.product);
    }
    Ok(())
}
