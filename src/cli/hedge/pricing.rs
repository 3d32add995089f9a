//! `xmc hedge pricing`: how pricing contracts stand, and their confirmation sheets.

use super::{both, ended};
use crate::audit::export::{Cell, Sheet};
use crate::cli::page::{Forms, Page, column, number, optional, plain, said, words};
use crate::cli::{CliError, Exit, Report};
use crate::hedge::pricing::{self, Contract, Deemed, Party, Standing};
use crate::monitor::Lang;
use jiff::civil::Date;
use serde_json::json;
use std::path::PathBuf;

/// Average of what is fixed, what is left and until when, and the price, term by term.
///
/// FILE has the contracts; a sample is config/pricing_demo.toml. Everything is exact; the amount is
/// rounded once, at the end. Exit code 1 if an instruction is due, a window ends within five days
/// with lots left, or ended so.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The contracts.
    file: PathBuf,
    /// Of the contracts that this party buys or sells under.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    party: Option<String>,
    /// Of every party, for whoever may see all of them.
    #[arg(long)]
    all: bool,
    /// Of this one alone.
    #[arg(long, value_name = "NAME")]
    contract: Option<String>,
    #[command(flatten)]
    forms: Forms,
}

impl Args {
    /// The contracts that who asks may see: all of a file only if all are of the same two parties.
    fn seen<'c>(&self, all: &'c [Contract]) -> Result<Vec<&'c Contract>, CliError> {
        if let Some(name) = &self.party {
            let is_of = |row: &&Contract| row.buyer == *name || row.seller == *name;
            let own: Vec<_> = all.iter().filter(is_of).collect();
            // Who else there is, is nobody's business.
            return if own.is_empty() {
                Err(CliError::usage(format!("the file has no contract of \"{name}\"")))
            } else {
                Ok(own)
            };
        }
        let parties = |row: &Contract| {
            let mut both = [row.buyer.clone(), row.seller.clone()];
            both.sort_unstable();
            both
        };
        let is_one = all.windows(2).all(|pair| parties(&pair[0]) == parties(&pair[1]));
        if !self.all && !is_one {
            let why = "the file has contracts of several parties: say --party NAME for one, or \
                       --all";
            return Err(CliError::usage(why));
        }
        Ok(all.iter().collect())
    }
}

/// A window that ends sooner with lots left is a finding.
const SOON_DAYS: i32 = 5;

pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    ended(args.page()?, &args.forms, out)
}

impl Args {
    /// Of a file of one pair of parties.
    pub(super) const fn of_file(file: PathBuf) -> Self {
        Self { file, party: None, all: true, contract: None, forms: Forms::of(Lang::En) }
    }

    pub(super) fn page(&self) -> Result<Page, CliError> {
        page(self)
    }
}

fn page(args: &Args) -> Result<Page, CliError> {
    let sheet = pricing::load(&args.file)?;
    let seen = args.seen(&sheet.contracts)?;
    let kind = if sheet.is_sample { ["a SAMPLE", "样例"] } else { ["as given", "按文件"] };
    let mut page = Page {
        schema: "xmc.hedge.pricing",
        title: ["basis pricing".to_owned(), "基差点价".to_owned()],
        lines: vec![both(
            format!("{}, {}", sheet.date, kind[0]),
            format!("{}，{}", sheet.date, kind[1]),
        )],
        ..Page::default()
    };
    page.fields.insert("date".to_owned(), json!(sheet.date.to_string()));
    page.fields.insert("is_sample".to_owned(), json!(sheet.is_sample));
    let mut sheets = [standings(), fixings(), instructions(), terms()];
    let wanted = |row: &&Contract| args.contract.as_ref().is_none_or(|name| *name == row.name);
    let contracts: Vec<_> = seen.into_iter().filter(wanted).collect();
    if contracts.is_empty() {
        return Err(CliError::usage("the file has no such contract"));
    }
    for contract in contracts {
        let standing = contract.standing(sheet.date).ok_or_else(|| {
            CliError::usage(format!("{}: too many digits to be reckoned exactly", contract.name))
        })?;
        fill(contract, &standing, &mut sheets);
        told(contract, &standing, sheet.date, &mut page);
    }
    page.sheets = sheets.into();
    Ok(page)
}

const CONTRACT: crate::audit::export::Column = column("contract", ["contract", "合同"]);

fn sheet(
    name: &'static str,
    title: [&'static str; 2],
    columns: &[crate::audit::export::Column],
) -> Sheet {
    let columns = [CONTRACT].iter().chain(columns).copied().collect();
    Sheet { name, title, columns, rows: Vec::new() }
}

fn standings() -> Sheet {
    let columns = [
        column("future", ["future", "期货"]),
        column("lots", ["lots", "总手数"]),
        column("fixed", ["fixed", "已点"]),
        column("left", ["left", "未点"]),
        column("until", ["until", "截止"]),
        column("days_left", ["days", "剩余天数"]),
        column("average", ["average", "点价均价"]),
        column("price", ["price", "结算单价"]),
        column("amount", ["amount", "金额"]),
        column("currency", ["ccy", "币种"]),
        column("at_market", ["at market", "按市价"]),
    ];
    sheet("standings", ["how contracts stand", "点价进度"], &columns)
}

fn fixings() -> Sheet {
    let columns = [
        column("date", ["date", "日期"]),
        column("lots", ["lots", "手数"]),
        column("price", ["price", "价格"]),
        column("by", ["by", "方式"]),
        column("by_zh", ["by", "方式"]),
    ];
    sheet("fixings", ["what is fixed", "点价明细"], &columns)
}

fn instructions() -> Sheet {
    let columns = [
        column("kind", ["kind", "类型"]),
        column("kind_zh", ["kind", "类型"]),
        column("lots", ["lots", "手数"]),
        column("price", ["price", "价格"]),
        column("market", ["market", "市价"]),
        column("due", ["due", "触发"]),
        column("due_zh", ["due", "触发"]),
    ];
    sheet("instructions", ["resting instructions", "挂单指令"], &columns)
}

fn terms() -> Sheet {
    let columns = [
        column("term", ["term", "项目"]),
        column("term_zh", ["term", "项目"]),
        column("sign", ["", ""]),
        column("with", ["with", "数值"]),
        column("price", ["price", "价格"]),
        column("of", ["in", "单位"]),
    ];
    sheet("terms", ["the price, term by term", "计价公式"], &columns)
}

fn fill(
    contract: &Contract,
    of: &Standing,
    [standings, fixings, instructions, terms]: &mut [Sheet; 4],
) {
    let name = || plain(&contract.name);
    let digits = u8::try_from(contract.digits).unwrap_or(4);
    standings.rows.push(vec![
        name(),
        plain(&contract.future),
        Cell::Int(contract.lots.into()),
        Cell::Int(of.fixed.into()),
        Cell::Int(of.left.into()),
        plain(contract.until.to_string()),
        Cell::Int(of.days_left.into()),
        optional(of.average, 6),
        optional(of.price, 6),
        optional(of.amount, digits),
        plain(&contract.currency),
        number(of.at_market, 6),
    ]);
    for row in &of.fixings {
        let [by, by_zh] = words(match (row.is_deemed, contract.party) {
            (true, _) => ["deemed", "视同点价"],
            (_, Party::Buyer) => ["buyer", "买方"],
            (_, Party::Seller) => ["seller", "卖方"],
        });
        let (date, lots) = (plain(row.date.to_string()), Cell::Int(row.lots.into()));
        fixings.rows.push(vec![name(), date, lots, number(row.price, 6), by, by_zh]);
    }
    for (place, row) in contract.instructions.iter().enumerate() {
        let [kind, kind_zh] =
            words(if row.is_stop { ["stop", "止损"] } else { ["limit", "限价"] });
        let [due, due_zh] =
            words(if of.due.contains(&place) { ["yes", "是"] } else { ["no", "否"] });
        let (lots, price) = (Cell::Int(row.lots.into()), number(row.price, 6));
        let market = number(contract.market, 6);
        instructions.rows.push(vec![name(), kind, kind_zh, lots, price, market, due, due_zh]);
    }
    if let Some(average) = of.average {
        let unit = format!("{}/{}", contract.future_currency, contract.future_unit.word());
        let [first, first_zh] = words(["futures average", "期货均价"]);
        let blank = || plain("");
        terms.rows.push(vec![
            name(),
            first,
            first_zh,
            blank(),
            Cell::None,
            number(average, 6),
            plain(unit),
        ]);
    }
    for line in &of.lines {
        let [term, term_zh] = words([&line.name[0], &line.name[1]]);
        let sign = plain(line.sign.to_string());
        let unit = plain(format!("{}/{}", line.currency, line.unit.word()));
        let (with, price) = (number(line.with, 6), number(line.price, 6));
        terms.rows.push(vec![name(), term, term_zh, sign, with, price, unit]);
    }
}

fn told(contract: &Contract, of: &Standing, today: Date, page: &mut Page) {
    let Contract { name, buyer, seller, goods, until, .. } = contract;
    let quantity = contract.quantity.show(6).unwrap_or_default();
    let unit = contract.unit.word();
    page.lines.push(both(
        format!("{name}: {quantity} {unit} {}, {seller} to {buyer}", goods[0]),
        format!("{name}：{} {quantity} {unit}，卖方 {seller}，买方 {buyer}", goods[1]),
    ));
    let digits = contract.digits;
    if let Some(amount) = of.amount {
        let fixed = contract.lot.times(crate::config::Rational::whole(of.fixed.into()));
        let fixed = fixed.and_then(|fixed| fixed.show(6)).unwrap_or_default();
        let (shown, money) = (said(amount, u8::try_from(digits).unwrap_or(4)), &contract.currency);
        page.notes.push(both(
            format!(
                "{name}: {fixed} {unit} at the exact price are {shown} {money}, rounded once, to \
                 {digits} digits, half away from zero; prices above are shown to 6 digits"
            ),
            format!("{name}：{fixed} {unit} 按精确单价计 {shown} {money}，仅最后四舍五入一次，保留 {digits} 位"),
        ));
    }
    let deemed = match contract.deemed {
        Deemed::Nothing => ["nothing: the parties have to agree", "无约定，须协商"],
        Deemed::WindowAverage => ["the window's average settlement", "点价期结算均价"],
        Deemed::LastSettlement => ["the settlement of the last day", "最后一日结算价"],
    };
    if of.left > 0 {
        page.notes.push(both(
            format!("{name}: lots left after {until} are deemed fixed at: {}", deemed[0]),
            format!("{name}：{until} 后未点部分按：{}", deemed[1]),
        ));
    }
    if let Some(settled) = &of.settled {
        let (first, last, count) = (settled.first, settled.last, settled.count);
        page.notes.push(both(
            format!("{name}: deemed fixed by {count} settlements of the file, {first} to {last}"),
            format!("{name}：按文件中 {first} 至 {last} 的 {count} 个结算价视同点价"),
        ));
        for (from, to) in [settled.lacks_before, settled.lacks_behind].into_iter().flatten() {
            page.findings.push(both(
                format!(
                    "{name}: the file has no settlement from {from} to {to}, days of the window: \
                     write them, or the price stands on the rest alone"
                ),
                format!(
                    "{name}：文件缺少点价期内 {from} 至 {to} 的结算价：请补齐，否则仅按已有价格计算"
                ),
            ));
        }
    }
    for place in &of.due {
        let row = &contract.instructions[*place];
        let price = row.price.show(6).unwrap_or_default();
        page.findings.push(both(
            format!(
                "{name}: {} lots are to be fixed now, the market has reached {price}",
                row.lots
            ),
            format!("{name}：市价已到 {price}，应点 {} 手", row.lots),
        ));
    }
    if of.stranded > 0 {
        page.findings.push(both(
            format!("{name}: the window ended {until} with {} lots left and no price", of.stranded),
            format!("{name}：点价期已于 {until} 结束，仍有 {} 手未定价", of.stranded),
        ));
    } else if of.left > 0 && (0..=SOON_DAYS).contains(&of.days_left) && today >= contract.from {
        page.findings.push(both(
            format!("{name}: {} lots are left, {} days before the end", of.left, of.days_left),
            format!("{name}：距截止 {} 天，仍有 {} 手未点", of.days_left, of.left),
        ));
    }
}
