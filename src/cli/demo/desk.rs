//! The scenarios `hedge` and `roll`: what a plan about a physical book says is sent by the desk.
//!
//! The book is a sample with the prices of the SIMULATED venues; plan, roll and effect are those of
//! `xmc hedge`, word for word. Of what a plan proposes the desk can send two contracts that trade
//! together: they become a pair whose units are bounded by the plan. Whatever else is proposed is
//! said to be left to a person, and is not sent. What came of it is read from the venues' ledgers.

use super::book::{self, Prices, Shelf};
use super::scenario::{Scenario, folded};
use super::{Args, has_cores, introduce, local_log, statements, witness};
use crate::cli::hedge::{self, Asked};
use crate::cli::page::{Forms, Page};
use crate::cli::trade::{self, Summary, Wanted};
use crate::cli::{CliError, Exit, Report};
use crate::config::{self, Configuration};
use crate::hedge::book::Held;
use crate::hedge::plan::{self, Effect};
use crate::hedge::series::{Series, SeriesError};
use crate::hedge::{Book, exposure, roll};
use crate::monitor::words::Lang;
use crate::sim::exchange::query::FillRow;
use crate::venue::ledger::LedgerClient;
use crate::venue::simulated::{self, ACCOUNT, Venues};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::message::{Control, HeldLots, InstrumentIndex};

/// How long a ledger may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the near month's lots are called in the configuration.
const NEAR: &str = "cu";

/// Two contracts that a plan would trade, and that the desk can trade together.
struct Deal {
    /// The symbol, and lots that are to be bought.
    near: (String, i64),
    /// The symbol, and lots that are to be sold.
    far: (String, i64),
    /// Most units at once; `None`: one in four.
    at_once: Option<i64>,
    /// Orders that the desk does not send: the symbol and the lots, below zero to sell.
    not_sent: Vec<(String, i64)>,
}

fn greatest_common(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common(other, one % other) }
}

impl Deal {
    /// What the book's roll proposes.
    fn of_roll(book: &Book) -> Result<Self, CliError> {
        let found = roll::of(book).map_err(CliError::could_not_run)?;
        let [row] = &found.rolls[..] else {
            return Err(strange("moves another number of positions than one"));
        };
        let route = row.routes.first().filter(|route| route.combination.is_none());
        let route = route.ok_or_else(|| strange("has no way by two legs"))?;
        let name = |at: usize| book.contracts[at].name.clone();
        let slice = row.steps.iter().map(|step| step.lots.abs()).max();
        Self {
            near: (name(row.near), -row.lots),
            far: (name(route.far), -row.lots),
            at_once: slice,
            not_sent: Vec::new(),
        }
        .checked()
    }

    /// What the book's plan proposes.
    fn of_plan(book: &Book) -> Result<Self, CliError> {
        let found = planned(book)?;
        let orders = found.proposals.iter().flat_map(|row| &row.orders);
        let [closed, opened] = orders.collect::<Vec<_>>()[..] else {
            return Err(strange("trades another number of contracts than two"));
        };
        let name = |held: Held| match held {
            Held::Product(at) => book.contracts[at].name.clone(),
            Held::Fx(at) => book.fx_contracts[at].name.clone(),
        };
        if (closed.effect, opened.effect) != (Effect::Close, Effect::Open) {
            return Err(strange("does not close one contract and open another"));
        }
        let rest = found.fx.iter().flat_map(|row| &row.orders);
        Self {
            near: (name(closed.contract), closed.lots),
            far: (name(opened.contract), -opened.lots),
            at_once: None,
            not_sent: rest.map(|row| (name(row.contract), row.lots)).collect(),
        }
        .checked()
    }

    fn checked(self) -> Result<Self, CliError> {
        let is_one = self.near.1 > 0 && self.far.1 > 0;
        if is_one { Ok(self) } else { Err(strange("does not buy one contract and sell another")) }
    }

    fn units(&self) -> i64 {
        greatest_common(self.near.1, self.far.1)
    }

    /// Units that a fire has at most.
    fn clip(&self) -> i64 {
        self.at_once.unwrap_or(self.units() / 4).max(1)
    }

    /// The pair, as a configuration has it.
    fn pair(&self, name: &str, level: &str) -> Result<String, CliError> {
        let (units, clip) = (self.units(), self.clip());
        let [near, far] = [self.near.1 / units, self.far.1 / units];
        let leg = |symbol: &str, ratio: i64| {
            let known = book::LEGS.iter().find(|row| row.symbol == symbol);
            let known = known.ok_or_else(|| strange("trades what no venue here lists"))?;
            let (instrument, rest) = (known.instrument, known.rest);
            Ok(format!("\n[[spread.leg]]\ninstrument = \"{instrument}\"\nratio = {ratio}\n{rest}"))
        };
        let head = format!(
            "\n[[spread]]\nname = \"{name}\"\nstrategy = \"hedges\"\naccount = \"fabricator\"\n\
             hedge_flag = \"hedge\"\nunit = \"CNY per tonne with VAT\"\nbuy_open = \"{level}\"\n\
             max_units = {units}\nclip_units = {clip}\nrepair_tries = 3\n\
             repair_within_ms = 1_500\n"
        );
        let legs: Result<Vec<String>, CliError> =
            [leg(&self.near.0, near), leg(&self.far.0, -far)].into_iter().collect();
        Ok(head + &legs?.concat())
    }
}

fn strange(what: &str) -> CliError {
    CliError::could_not_run(format!("the plan {what}: this scenario knows one that does"))
}

/// The plan of a book without ratios from series.
fn planned(book: &Book) -> Result<plan::Plan, CliError> {
    let none = |name: &str| -> Result<Series, SeriesError> {
        Err(SeriesError::NoColumn { file: name.to_owned(), name: name.to_owned() })
    };
    let all = exposure::of(book).map_err(CliError::could_not_run)?;
    plan::of(book, &all, none).map_err(CliError::could_not_run)
}

/// The highest price of a unit that the desk may pay: near less far, in yuan a tonne with tax.
const fn level(scenario: Scenario) -> &'static str {
    match scenario {
        // Both books' widths and a tick.
        Scenario::Roll => "30",
        // Both books' widths and a jump of one of them.
        _ => "60",
    }
}

/// Runs one of both scenarios.
///
/// # Errors
/// See `CliError`.
pub(super) fn run(
    args: &Args,
    scenario: Scenario,
    directory: &Path,
    out: &mut Report<'_>,
) -> Result<Exit, CliError> {
    let lang = args.show.lang();
    let shelf = Shelf::new(directory)?;
    let venues = book::open(&super::configuration(args.topology)?, args.seed)?;
    let before = shelf.read_prices(&venues)?;
    let held = vec![("cu2609", -book::CARRIED)];
    let file = shelf.write_book("book.toml", &before, &held)?;
    let book = crate::hedge::book::load(&file)?.of_client(0);
    let (asked, deal) = match scenario {
        Scenario::Roll => (Asked::Roll, Deal::of_roll(&book)?),
        _ => (Asked::Plan, Deal::of_plan(&book)?),
    };
    let plan = hedge::page(asked, &file)?;
    let name = scenario.word();
    let pair = deal.pair(name, level(scenario))?;
    let mut config = configured(args, &pair)?;
    shelf.write("pair.toml", &pair)?;
    venues.address(&mut config);
    config.checkpoints = Some(witness(&config, directory)?);
    config.alerts = Some(local_log());
    let published = venues.publish(&config, &statements(directory), super::STATEMENTS, None);
    let (resync, publishers) = published.map_err(CliError::could_not_run)?;
    config.resync = Some(resync);
    let is_pinned = has_cores(&config);
    if !out.is_json() {
        introduce(&config, is_pinned, lang, out)?;
        writeln!(out, "{}\n", scenario.told(lang))?;
    }
    let plan_json = said(plan, lang, out)?;
    instructed(&deal, &pair, lang, out)?;
    let ran = Ran { args, directory, config: &config, venues: &venues, is_pinned };
    let summary = ran.trade(out)?;
    drop(publishers);
    let after = shelf.read_prices(&venues)?;
    let lots = venues.ledgers().map_err(CliError::could_not_run)?.lots;
    let of = |symbol: &str| lots.iter().find(|row| row.0 == symbol).map_or(0, |row| row.1);
    let held: Vec<_> = book::LEGS.iter().map(|leg| (leg.symbol, of(leg.symbol))).collect();
    let done = [of(&deal.near.0) + book::CARRIED, -of(&deal.far.0)];
    let file = shelf.write_book("book_after.toml", &after, &held)?;
    let fills = fills(&venues)?;
    // Bought lots that the exchange has not closed anything with would be held beside the old ones.
    let closed = fills.iter().filter(|fill| fill.symbol == deal.near.0);
    let closed: u32 = closed.map(|fill| fill.closed_today + fill.closed_yesterday).sum();
    let effect = effect(&shelf, &file, [&before, &after], (&fills, asked))?;
    venues.stop().map_err(CliError::could_not_run)?;

    if !out.is_json() {
        summary.write("xmc.demo", out)?;
        writeln!(
            out,
            "\n{}\n",
            say(lang, "WHAT IS HELD NOW, AND WHAT IS LEFT OF THE PLAN", "现有持仓与方案剩余")
        )?;
    }
    let after_json = said(hedge::page(asked, &file)?, lang, out)?;
    let effect_json = said(effect, lang, out)?;
    let rest = crate::hedge::book::load(&file)?.of_client(0);
    let is_empty = match scenario {
        Scenario::Roll => roll::of(&rest).map_err(CliError::could_not_run)?.rolls.is_empty(),
        _ => planned(&rest)?.proposals.iter().all(|row| row.orders.is_empty()),
    };
    let is_whole = done == [deal.near.1, deal.far.1] && i64::from(closed) >= deal.near.1;
    let is_done = is_whole && is_empty;
    let exit = if is_done { summary.exit() } else { Exit::Finding };
    let orders = |rows: &[(String, i64)]| {
        rows.iter().map(|(symbol, lots)| json!({ "contract": symbol, "lots": lots })).collect()
    };
    let not_sent: Vec<Value> = orders(&deal.not_sent);
    let wanted: Vec<Value> = orders(&[deal.near.clone(), (deal.far.0.clone(), -deal.far.1)]);
    let came: Vec<Value> =
        orders(&[(deal.near.0.clone(), done[0]), (deal.far.0.clone(), -done[1])]);
    if out.is_json() {
        let body = json!({
            "is_simulated": true, "is_good": exit == Exit::Ok, "is_done": is_done,
            "files": directory, "plan": plan_json, "pair": name, "units": deal.units(),
            "clip_units": deal.clip(), "sent": wanted, "not_sent": not_sent, "done": came,
            "closed_lots": closed,
            "run": summary, "after": after_json, "effect": effect_json,
        });
        out.json(&format!("xmc.demo.{name}"), 1, &body)?;
    } else {
        ended(&deal, done, is_done, lang, out)?;
    }
    Ok(exit)
}

const fn say(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// Shows a report of `xmc hedge`, or hands it out where one object is to hold all.
fn said(page: Page, lang: Lang, out: &mut Report<'_>) -> Result<Value, CliError> {
    if out.is_json() {
        return Ok(page.json());
    }
    page.write(&Forms::of(lang), out)?;
    writeln!(out)?;
    Ok(Value::Null)
}

/// What of the plan the desk is told, and what of it nobody sends.
fn instructed(deal: &Deal, pair: &str, lang: Lang, out: &mut Report<'_>) -> Result<(), CliError> {
    if out.is_json() {
        return Ok(());
    }
    let title = say(
        lang,
        "APPROVED, FOR THE DEMONSTRATION; WHAT THE DESK IS TOLD (pair.toml)",
        "演示中视为已批准; 交给交易台的指令 (pair.toml)",
    );
    writeln!(out, "{title}\n{pair}")?;
    for (symbol, lots) in &deal.not_sent {
        let (count, is_sold) = (lots.abs(), *lots < 0);
        let text = match (lang, is_sold) {
            (Lang::En, true) => format!("{symbol}: sell {count} lots"),
            (Lang::En, false) => format!("{symbol}: buy {count} lots"),
            (Lang::Zh, true) => format!("{symbol}: 卖出 {count} 手"),
            (Lang::Zh, false) => format!("{symbol}: 买入 {count} 手"),
        };
        let why = say(
            lang,
            "NOT sent by the desk, which trades pairs on these two venues: a person's to enter",
            "交易台不发送 (只在这两个场所做配对交易): 由人工报单",
        );
        writeln!(out, "{}", folded("", &format!("{text}: {why}")))?;
    }
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

fn ended(
    deal: &Deal,
    done: [i64; 2],
    is_done: bool,
    lang: Lang,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let (near, far) = (&deal.near, &deal.far);
    let [bought, sold] = done;
    let rest = match (lang, is_done) {
        (Lang::En, true) => "nothing of it is left",
        (Lang::En, false) => "NOT DONE WHOLE: run longer, or see alerts and gates above",
        (Lang::Zh, true) => "方案已全部完成",
        (Lang::Zh, false) => "未全部完成: 请延长时间, 或查看上面的告警与风控",
    };
    let text = match lang {
        Lang::En => format!(
            "The SIMULATED venues' ledgers: {bought} of {} lots of {} bought back, {sold} of {} of \
             {} sold; of the plan: {rest}.",
            near.1, near.0, far.1, far.0
        ),
        Lang::Zh => format!(
            "模拟场所账本: {} 买回 {bought}/{} 手, {} 卖出 {sold}/{} 手; {rest}。",
            near.0, near.1, far.0, far.1
        ),
    };
    writeln!(out, "{}", folded("", &text))?;
    Ok(())
}

/// The demonstration's configuration with this pair and no other.
fn configured(args: &Args, pair: &str) -> Result<Configuration, CliError> {
    let head = super::DEMO.split("\n[[spread]]\n").next().unwrap_or_default();
    let own = head.lines().filter(|line| !line.starts_with("include"));
    let files = [args.topology.text(), super::INCLUDED[0], book::LIMITS, pair];
    let text: Vec<&str> = own.chain(files).collect();
    Ok(config::load_text(Path::new("config/demo.toml"), &text.join("\n"))?)
}

struct Ran<'r> {
    args: &'r Args,
    directory: &'r Path,
    config: &'r Configuration,
    venues: &'r Venues,
    is_pinned: bool,
}

impl Ran<'_> {
    /// Lets the desk trade, which begins with what the account holds.
    fn trade(&self, out: &mut Report<'_>) -> Result<Summary, CliError> {
        let rows = &self.config.instruments;
        let row = rows.iter().position(|row| row.name.value == NEAR);
        let row = row.and_then(|row| u32::try_from(row).ok());
        let lots = u32::try_from(book::CARRIED).ok();
        let held = row.zip(lots).map(|(row, lots)| {
            Control::Held(HeldLots {
                instrument: InstrumentIndex(row),
                long_today: 0,
                long_yesterday: 0,
                short_today: 0,
                short_yesterday: lots,
            })
        });
        let secret = |row: usize| simulated::secret(self.config, row);
        let wanted = Wanted {
            config: self.config,
            directory: self.directory,
            secret: &secret,
            show: self.args.show,
            seconds: Some(self.args.seconds),
            is_pinned: self.is_pinned,
            goes_on: false,
            held: held.into_iter().collect(),
        };
        let ledgers = || self.venues.ledgers().map(Some).map_err(CliError::could_not_run);
        trade::trade(&wanted, out, ledgers)
    }
}

/// All fills of the account, as both ledgers have them.
fn fills(venues: &Venues) -> Result<Vec<FillRow>, CliError> {
    let mut fills = Vec::new();
    for address in [venues.shfe.addresses().ledger, venues.cme.addresses().ledger] {
        let mut ledger =
            LedgerClient::connect(address, PATIENCE).map_err(CliError::could_not_run)?;
        fills.extend(ledger.fills(ACCOUNT, 0).map_err(CliError::could_not_run)?);
    }
    Ok(fills)
}

/// What the hedges did between both moments, which stand for two days.
fn effect(
    shelf: &Shelf<'_>,
    book: &Path,
    prices: [&Prices; 2],
    (fills, asked): (&[FillRow], Asked),
) -> Result<Page, CliError> {
    let why = if asked == Asked::Roll { "roll" } else { "hedge" };
    let trades = book::trade_table(prices[0], fills, why);
    let table = book::price_table(prices);
    let prices = shelf.write("prices.csv", &table)?;
    let trades = shelf.write("trades.csv", &trades)?;
    let mut page = hedge::effect_page(book, &prices, &trades)?;
    page.notes.insert(
        0,
        [
            "two moments of the demonstration, seconds apart, stand for two days; the lots that \
             were held are sold at the first one's price"
                .to_owned(),
            "演示中相隔数秒的两个时刻代表两天；原有持仓按第一个时刻的价格计为卖出".to_owned(),
        ],
    );
    Ok(page)
}
