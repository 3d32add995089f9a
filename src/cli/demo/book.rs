//! A physical book with the prices of the SIMULATED venues, and what of it the venues know.

use crate::cli::CliError;
use crate::config::Configuration;
use crate::replace::replace;
use crate::sim::exchange::query::FillRow;
use crate::sim::exchange::{Exchange, ListingIndex};
use crate::venue::simulated::{ACCOUNT, Venues};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xmc_hotpath::message::Side;

/// The book, as it lies in `config/`.
const BOOK: &str = include_str!("../../../config/demo_book.toml");
/// Limits for it, and the second month.
pub(super) const LIMITS: &str = include_str!("../../../config/demo_book_limits.toml");
/// Lots of the near month that are sold when it begins.
pub(super) const CARRIED: i64 = 22;
/// How long a venue may take until it shows a book.
const PATIENCE: Duration = Duration::from_secs(10);
const NAP: Duration = Duration::from_millis(10);
/// Of the book, and the day after.
const DAYS: [&str; 2] = ["2026-08-20", "2026-08-21"];

/// A contract of the book: what the configuration calls it, and how a leg of it is written.
pub(super) struct Leg {
    pub symbol: &'static str,
    pub instrument: &'static str,
    pub rest: &'static str,
    account: &'static str,
    /// Units of its price in a lot.
    lot: i128,
    /// Fee of a lot, and of 100,000 of its value.
    fee: (f64, f64),
}

const HOME: &str = "coefficient = \"1\"\npay_up_ticks = 10\n";

/// As `cu_hg` of demo.toml has it.
const ABROAD: &str = r#"reference = "5.00"
pay_up_ticks = 14

[[spread.leg.term]]
name = "pounds in a tonne"
name_zh = "一吨的磅数"
times = "2204.62262185"

[[spread.leg.term]]
name = "value added tax, 13 %"
name_zh = "增值税 13%"
times = "1.13"

[[spread.leg.term]]
name = "yuan per dollar"
name_zh = "美元兑人民币"
price_of = "cnh"
reference = "7.10"

[[spread.leg]]
instrument = "cnh"
trade = false
"#;

/// Those that venues list.
pub(super) const LEGS: [Leg; 3] = [
    Leg {
        symbol: "cu2609",
        instrument: "cu",
        rest: HOME,
        account: "fabricator_home",
        lot: 5,
        fee: (0.0, 5.0),
    },
    Leg {
        symbol: "cu2610",
        instrument: "cu_next",
        rest: HOME,
        account: "fabricator_home",
        lot: 5,
        fee: (0.0, 5.0),
    },
    Leg {
        symbol: "HGU6",
        instrument: "hg",
        rest: ABROAD,
        account: "fabricator_abroad",
        lot: 25_000,
        fee: (2.5, 0.0),
    },
];

/// Middles of the venues' books, units of 1e-9.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prices {
    /// In the order of `LEGS`.
    legs: [i64; 3],
    yuan: i64,
}

/// A decimal as configurations write it.
pub(super) fn decimal(value_e9: i128) -> String {
    let (whole, part) = (value_e9 / 1_000_000_000, (value_e9 % 1_000_000_000).unsigned_abs());
    let sign = if value_e9 < 0 && whole == 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{part:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Best bid and best ask that an exchange last told.
pub(super) fn best(exchange: &Exchange, listing: u16) -> Option<[i64; 2]> {
    let (shown, _) = exchange.published(ListingIndex(listing))?;
    Some([shown.side(Side::Buy).first()?.price_e9, shown.side(Side::Sell).first()?.price_e9])
}

/// Opens both venues, the domestic one with the second month and an account that has sold lots of
/// the first one on an earlier day.
pub(super) fn open(config: &Configuration, seed: u64) -> Result<Venues, CliError> {
    let venues = Venues::open_with_next_month(config, seed).map_err(CliError::could_not_run)?;
    let lots = u32::try_from(CARRIED).map_err(CliError::could_not_run)?;
    let carried = venues.shfe.with(move |shell, _| {
        shell.venue_mut().carry(ACCOUNT, ListingIndex(0), Side::Sell, lots);
    });
    carried.ok_or_else(|| CliError::could_not_run("the domestic venue has ended"))?;
    Ok(venues)
}

/// Waits for something that a venue is about to have.
pub(super) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, CliError> {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if since.elapsed() >= PATIENCE {
            return Err(CliError::could_not_run(format!("{what} did not come in {PATIENCE:?}")));
        }
        std::thread::sleep(NAP);
    }
}

/// Where files of a scenario lie: beside its record.
pub(super) struct Shelf<'d> {
    directory: &'d Path,
}

impl<'d> Shelf<'d> {
    pub fn new(directory: &'d Path) -> Result<Self, CliError> {
        std::fs::create_dir_all(directory).map_err(CliError::could_not_run)?;
        Ok(Self { directory })
    }

    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, CliError> {
        let path = self.directory.join(name);
        replace(&path, text.as_bytes()).map_err(CliError::could_not_run)?;
        Ok(path)
    }

    /// What the venues' books are at, as soon as they show any.
    pub fn read_prices(&self, venues: &Venues) -> Result<Prices, CliError> {
        wait("a book of every contract", || {
            let home = venues.shfe.with(|shell, _| [0, 4].map(|row| best(shell.exchange(), row)));
            let abroad = venues.cme.with(|shell, _| [0, 2].map(|row| best(shell.exchange(), row)));
            let middle = |best: Option<[i64; 2]>| best.map(|[bid, ask]| i64::midpoint(bid, ask));
            let ([near, next], [hg, yuan]) = (home?.map(middle), abroad?.map(middle));
            Some(Prices { legs: [near?, next?, hg?], yuan: yuan? })
        })
    }

    /// The book with these prices and these lots.
    pub fn write_book(
        &self,
        name: &str,
        prices: &Prices,
        held: &[(&str, i64)],
    ) -> Result<PathBuf, CliError> {
        self.write(name, &book_text(prices, held))
    }
}

/// The sample's text with these prices and these lots instead of its own.
fn book_text(prices: &Prices, held: &[(&str, i64)]) -> String {
    let mut text = String::new();
    for section in BOOK.split("\n\n").filter(|section| !section.starts_with("[[future]]")) {
        let of = LEGS.iter().zip(prices.legs).find(|(leg, _)| {
            let name = format!("\nname = \"{}\"", leg.symbol);
            section.contains("[[contract]]") && section.contains(&name)
        });
        let is_dollar = section.starts_with("[[fx]]\ncurrency = \"USD\"");
        for line in section.lines() {
            let key = line.split(" = ").next().unwrap_or_default();
            let value = match (key, &of) {
                ("price", Some((_, price))) => Some(i128::from(*price)),
                ("lot_value", Some((leg, price))) => Some(i128::from(*price) * leg.lot),
                ("rate", None) if is_dollar => Some(i128::from(prices.yuan)),
                _ => None,
            };
            match value {
                Some(value) => text.push_str(&format!("{key} = \"{}\"\n", decimal(value))),
                None => text.push_str(&format!("{line}\n")),
            }
        }
        text.push('\n');
    }
    for (symbol, lots) in held.iter().filter(|row| row.1 != 0) {
        let account = LEGS.iter().find(|leg| leg.symbol == *symbol).map_or("", |leg| leg.account);
        let side = if *lots < 0 { "short" } else { "long" };
        text.push_str(&format!(
            "[[future]]\nclient = \"fabricator\"\naccount = \"{account}\"\ncontract = \
             \"{symbol}\"\nside = \"{side}\"\nlots = {}\nflag = \"hedge\"\n\n",
            lots.abs()
        ));
    }
    text
}

/// Prices of both moments as `xmc hedge effect` reads them.
pub(super) fn price_table(prices: [&Prices; 2]) -> String {
    let mut text = "date,copper,cu2609,cu2610,HGU6,USD\n".to_owned();
    for (day, Prices { legs, yuan }) in DAYS.iter().zip(prices) {
        let cells = [legs[0], legs[0], legs[1], legs[2], *yuan].map(|e9| decimal(e9.into()));
        text.push_str(&format!("{day},{}\n", cells.join(",")));
    }
    text
}

/// What was held, and every fill and what for, as `xmc hedge effect` reads them; fees are the
/// book's.
pub(super) fn trade_table(prices: &Prices, fills: &[FillRow], why: &str) -> String {
    let mut text = "date,client,account,contract,side,lots,price,expected,fee,why\n".to_owned();
    let [first, ..] = LEGS;
    let price = decimal(prices.legs[0].into());
    let (day, account, symbol) = (DAYS[0], first.account, first.symbol);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{day},fabricator,{account},{symbol},sell,{CARRIED},{price},{price},0,hedge"
    );
    for fill in fills {
        let Some((leg, expected)) =
            LEGS.iter().zip(prices.legs).find(|(leg, _)| leg.symbol == fill.symbol)
        else {
            continue;
        };
        let worth = fill.price_e9 as f64 / 1e9 * leg.lot as f64;
        let fee = f64::from(fill.lots) * (leg.fee.0 + leg.fee.1 * worth / 1e5);
        let [paid, expected] = [fill.price_e9, expected].map(|e9| decimal(e9.into()));
        let (account, symbol, side, lots) = (leg.account, leg.symbol, &fill.side, fill.lots);
        let _ = writeln!(
            text,
            "{day},fabricator,{account},{symbol},{side},{lots},{paid},{expected},{fee:.2},{why}"
        );
    }
    text
}
