//! The scenario `basis` (基差点价): a contract at futures plus terms is fixed lot by lot against the
//! price of a SIMULATED venue.
//!
//! Standing, instructions and price are those of `xmc hedge pricing`. A fixing is agreed between
//! the two parties of a contract: here a SIMULATED counterparty takes every instruction that the
//! market has reached, at the best ask of that moment. No order is sent, by the desk or anybody.

use super::book::{decimal, wait};
use super::scenario::folded;
use super::{Args, book};
use crate::cli::page::{Forms, Page};
use crate::cli::{CliError, Exit, Report, hedge};
use crate::config::Rational;
use crate::hedge::pricing::{self, Contract, Fixing, Instruction};
use crate::interrupt;
use crate::monitor::words::Lang;
use crate::replace::replace;
use crate::venue::simulated::Venues;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The contract, as it lies in `config/`.
const SHEET: &str = include_str!("../../../config/demo_pricing.toml");
const NAP: Duration = Duration::from_millis(5);
/// HGU6 at the overseas venue, and its tick.
const LISTING: u16 = 0;
const TICK_E9: i64 = 500_000;
/// Instructions around the first price: lots, ticks from it, and whether it is a stop.
const INSTRUCTIONS: [(u32, i64, bool); 4] =
    [(3, -2, false), (3, -6, false), (2, -12, false), (2, 8, true)];

/// The sample's contract with a price, what is fixed and what is to be.
fn text(contract: &Contract) -> String {
    let market = contract.market.show(9).unwrap_or_default();
    let at_market = contract.at_market().and_then(|price| price.show(2)).unwrap_or_default();
    let mut text = String::new();
    for line in SHEET.lines() {
        match line.split(" = ").next() {
            Some("market") => text.push_str(&format!("market = \"{market}\"")),
            Some("price_at_market") => {
                text.push_str(&format!("price_at_market = \"{at_market}\""));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    for Fixing { date, lots, price, .. } in &contract.fixings {
        let price = price.show(9).unwrap_or_default();
        text.push_str(&format!(
            "\n[[contract.fixing]]\ndate = {date}\nlots = {lots}\nprice = \"{price}\"\n"
        ));
    }
    for Instruction { is_stop, lots, price } in &contract.instructions {
        let kind = if *is_stop { "stop" } else { "limit" };
        let price = price.show(9).unwrap_or_default();
        text.push_str(&format!(
            "\n[[contract.instruction]]\nkind = \"{kind}\"\nlots = {lots}\nprice = \"{price}\"\n"
        ));
    }
    text
}

/// One fixing, as it came.
struct Fixed {
    after: Duration,
    instruction: Instruction,
    at: Rational,
}

/// Runs the scenario.
///
/// # Errors
/// See `CliError`.
pub(super) fn run(args: &Args, directory: &Path, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let lang = args.show.lang();
    std::fs::create_dir_all(directory).map_err(CliError::could_not_run)?;
    let config = super::configuration(args.topology)?;
    let venues = Venues::open(&config, args.seed, None).map_err(CliError::could_not_run)?;
    let file = directory.join("pricing.toml");
    let sheet = pricing::load_text(Path::new("config/demo_pricing.toml"), SHEET)?;
    let Some(mut contract) = sheet.contracts.into_iter().next() else {
        return Err(CliError::could_not_run("the sample has no contract"));
    };
    let first = wait("a book of HGU6", || asked(&venues))?;
    contract.market = Rational::from_e9(first);
    contract.instructions = INSTRUCTIONS
        .iter()
        .map(|(lots, ticks, is_stop)| Instruction {
            is_stop: *is_stop,
            lots: *lots,
            price: Rational::from_e9(first + ticks * TICK_E9),
        })
        .collect();
    let before = shown(&contract, &file, lang, out)?;
    let deadline = Duration::from_secs(args.seconds);
    let fixed = fix(&mut contract, sheet.date, &venues, deadline, lang, out)?;
    venues.stop().map_err(CliError::could_not_run)?;
    let after = shown(&contract, &file, lang, out)?;

    // What lies in the file is what was agreed, and the command says so of it.
    let read = pricing::load(&file)?.contracts;
    let [one] = [read.first().and_then(|read| read.standing(sheet.date))];
    let is_same = one.is_some() && one == contract.standing(sheet.date);
    let is_kept = fixed.iter().all(|row| match row.instruction.is_stop {
        true => !row.at.is_below(row.instruction.price),
        false => !row.instruction.price.is_below(row.at),
    });
    let is_good = is_same && is_kept && !fixed.is_empty();
    let left = contract.instructions.len();
    if out.is_json() {
        let fixings: Vec<Value> = fixed.iter().map(as_json).collect();
        let body = json!({
            "is_simulated": true, "is_good": is_good, "files": directory,
            "first_price": decimal(first.into()), "fixings": fixings, "instructions_left": left,
            "orders_sent": 0, "before": before, "after": after,
        });
        out.json("xmc.demo.basis", 1, &body)?;
    } else {
        ended(&fixed, left, is_good, lang, out)?;
    }
    Ok(if is_good { Exit::Ok } else { Exit::Finding })
}

fn as_json(row: &Fixed) -> Value {
    let Instruction { is_stop, lots, price } = row.instruction;
    json!({
        "after_ms": row.after.as_millis(), "kind": if is_stop { "stop" } else { "limit" },
        "lots": lots, "instruction": price.show(9), "price": row.at.show(9),
    })
}

/// What the venue asks for HGU6.
fn asked(venues: &Venues) -> Option<i64> {
    let best = venues.cme.with(|shell, _| book::best(shell.exchange(), LISTING))??;
    Some(best[1])
}

/// Takes every instruction that the market reaches, until all are taken or the time is over.
fn fix(
    contract: &mut Contract,
    today: jiff::civil::Date,
    venues: &Venues,
    deadline: Duration,
    lang: Lang,
    out: &mut Report<'_>,
) -> Result<Vec<Fixed>, CliError> {
    let begun = Instant::now();
    let mut fixed = Vec::new();
    interrupt::watch();
    while !contract.instructions.is_empty() && begun.elapsed() < deadline && !interrupt::is_asked()
    {
        if let Some(price) = asked(venues) {
            contract.market = Rational::from_e9(price);
        }
        let standing = contract.standing(today);
        let standing =
            standing.ok_or_else(|| CliError::could_not_run("a price has too many digits"))?;
        // From the last on, so that places before stay what they are.
        for place in standing.due.iter().rev() {
            let instruction = contract.instructions.remove(*place);
            let (lots, price) = (instruction.lots, contract.market);
            contract.fixings.push(Fixing { date: today, lots, price, is_deemed: false });
            let row = Fixed { after: begun.elapsed(), instruction, at: price };
            if !out.is_json() {
                tell(&row, lang, out)?;
            }
            fixed.push(row);
        }
        std::thread::sleep(NAP);
    }
    Ok(fixed)
}

fn tell(row: &Fixed, lang: Lang, out: &mut Report<'_>) -> Result<(), CliError> {
    let (seconds, lots) = (row.after.as_secs_f64(), row.instruction.lots);
    let [at, asked] =
        [row.at, row.instruction.price].map(|price| price.show(9).unwrap_or_default());
    let kind = match (lang, row.instruction.is_stop) {
        (Lang::En, true) => "stop",
        (Lang::En, false) => "limit",
        (Lang::Zh, true) => "止损",
        (Lang::Zh, false) => "限价",
    };
    match lang {
        Lang::En => writeln!(
            out,
            "{seconds:>6.2} s  HGU6 is asked at {at}: {lots} lots are fixed ({kind} {asked})"
        )?,
        Lang::Zh => {
            writeln!(out, "{seconds:>6.2} s  HGU6 卖价 {at}: 点价 {lots} 手 ({kind} {asked})")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Writes the contract down and shows what `xmc hedge pricing` says of the file.
fn shown(
    contract: &Contract,
    file: &Path,
    lang: Lang,
    out: &mut Report<'_>,
) -> Result<Value, CliError> {
    replace(file, text(contract).as_bytes()).map_err(CliError::could_not_run)?;
    let page: Page = hedge::pricing_page(file)?;
    if out.is_json() {
        return Ok(page.json());
    }
    page.write(&Forms::of(lang), out)?;
    writeln!(out)?;
    out.flush()?;
    Ok(Value::Null)
}

fn ended(
    fixed: &[Fixed],
    left: usize,
    is_good: bool,
    lang: Lang,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let lots: u32 = fixed.iter().map(|row| row.instruction.lots).sum();
    match lang {
        Lang::En => {
            let text = format!(
                "{lots} lots are fixed with a SIMULATED counterparty, {left} instructions wait; no \
                 order was sent: whoever sells the goods buys futures of his own."
            );
            writeln!(out, "{}", folded("", &text))?;
            if !is_good {
                writeln!(out, "NOT AS IT SHOULD BE: nothing was fixed in this time, or not so.")?;
            }
        }
        Lang::Zh => {
            writeln!(
                out,
                "与模拟对手方点价 {lots} 手, 尚有 {left} 条指令未触发; 未发送任何委托: \
                 卖方期货由其自行操作。"
            )?;
            if !is_good {
                writeln!(out, "结果异常: 此段时间内未点价, 或点价不符。")?;
            }
        }
    }
    Ok(())
}
