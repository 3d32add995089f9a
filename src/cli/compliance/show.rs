//! `xmc compliance show`: the meters of a record, whether its engine runs or has ended.

use crate::audit::export::{Cell, Sheet, column, text};
use crate::audit::{self, CouldNotRun, Finding, kept};
use crate::calendar::instant;
use crate::cli::{CliError, Exit, Report};
use crate::compliance::day::minute;
use crate::compliance::follow::Follow;
use crate::compliance::judge::{Forecast, Judged, Stands, fees, judge};
use crate::compliance::meters::{Meter, Of};
use crate::config::{self, Compliance, Configuration};
use crate::monitor::{Lang, number};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Blocks that are read before it is looked whether there are more.
const BLOCKS: usize = 256;
/// Looks at a record that others change meanwhile.
const LOOKS: u32 = 5;
/// Between two looks at what may be damage: a running engine writes more often than that.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Show orders, cancels, their ratio to trades, trades with oneself, positions and fees of orders
/// of the trading day, and how they stand to the thresholds of [compliance].
///
/// Everything is counted from the record, as far as it has come; the moment is that of its last
/// input. Exit code 1: a threshold is met, near, or will be met before the close, or the record is
/// damaged and what lies behind is not counted.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The directory of a record, or the configuration of its engine.
    #[arg(value_name = "DIR|CONFIG")]
    path: PathBuf,
    /// Thresholds of this configuration instead of that of the record's last run.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The language; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
}

pub fn run(args: &ShowArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if args.config.is_some() && !args.path.is_dir() {
        return Err(CliError::usage(format!(
            "{} is no directory: with --config give the directory of a record, or leave --config \
             out if it is the configuration",
            args.path.display()
        )));
    }
    let given = match (&args.config, args.path.is_dir()) {
        (Some(file), _) => Some(config::load(file)?),
        (None, false) => Some(config::load(&args.path)?),
        (None, true) => None,
    };
    let directory = match args.path.is_dir() {
        true => args.path.clone(),
        false => {
            given.as_ref().map(|config| config.engine.record_directory.clone()).unwrap_or_default()
        }
    };
    let mut follow = read(&directory, given.as_ref())?;
    let config = match given {
        Some(config) => Some(config),
        None => match follow.digest() {
            Some(digest) => kept::find(&directory, digest).map_err(CliError::could_not_run)?,
            None => return Err(CliError::could_not_run("the record is empty")),
        },
    };
    let config = config.and_then(|config| config.compliance);
    if config.as_ref().is_some_and(|config| !config.groups.is_empty()) && args.config.is_none() {
        // Once more, with accounts in their groups.
        follow = read_grouped(&directory, config.as_ref())?;
    }
    let none = Compliance {
        warn_percent: 100,
        thresholds: Vec::new(),
        groups: Vec::new(),
        fees: Vec::new(),
        filed: Vec::new(),
    };
    let config = config.as_ref().unwrap_or(&none);
    // What follows a journal takes damage for its end: whoever counts must know.
    let damage = damage(&directory).map_err(CliError::could_not_run)?;
    let damage = damage.map(|finding| finding.to_string());
    let now = follow.meters().now();
    let judged = judge(config, follow.meters(), now);
    if out.is_json() {
        let rows: Vec<_> =
            follow.meters().rows().map(|(of, meter)| row(config, of, meter)).collect();
        let positions: Vec<_> = follow
            .meters()
            .positions()
            .iter()
            .map(|((exchange, contract), lots)| {
                json!({ "exchange": exchange, "contract": contract, "net_lots": lots })
            })
            .collect();
        let body = json!({
            "at": instant(now).to_string(), "warn_percent": config.warn_percent,
            "meters": rows, "positions": positions, "thresholds": judged, "damage": damage,
        });
        out.json("xmc.compliance", 1, &body)?;
    } else {
        let lang = args.lang.unwrap_or_else(Lang::of_environment);
        text::write(&meters(config, &follow), lang, out)?;
        let say = |en, zh| if lang == Lang::Zh { zh } else { en };
        let about = say(
            "net lots are the desk's, of all accounts; UTC: no calendar is valid, the day is that \
             of UTC",
            "净仓为席位全部账户合计; UTC: 无有效日历, 交易日按 UTC 自然日",
        );
        writeln!(out, "{} {}; {about}", say("as of", "截至"), minute(instant(now)))?;
        text::write(&thresholds(&judged, lang), lang, out)?;
        if config.thresholds.is_empty() {
            let none = "no [[compliance.threshold]] is configured";
            writeln!(out, "{}", say(none, "未配置 [[compliance.threshold]]"))?;
        }
        if let Some(damage) = &damage {
            let what = say("NOT WHOLE: what lies behind is not counted", "不完整: 其后未计入");
            let see = say("see", "请运行");
            writeln!(out, "{what}: {damage}; {see} `xmc audit verify {}`", directory.display())?;
        }
    }
    let is_finding =
        |one: &Judged| one.stands != Stands::Below || matches!(one.forecast, Forecast::At { .. });
    let is_found = damage.is_some() || judged.iter().any(is_finding);
    Ok(if is_found { Exit::Finding } else { Exit::Ok })
}

fn read(directory: &Path, config: Option<&Configuration>) -> Result<Follow, CliError> {
    read_grouped(directory, config.and_then(|config| config.compliance.as_ref()))
}

fn read_grouped(directory: &Path, config: Option<&Compliance>) -> Result<Follow, CliError> {
    let failed = |error: io::Error| {
        CliError::could_not_run(format!("cannot read the record {}: {error}", directory.display()))
    };
    let read = || -> io::Result<Follow> {
        let mut follow = Follow::new(directory, config)?;
        while follow.poll(BLOCKS)? {}
        Ok(follow)
    };
    listed(read, |error: &io::Error| error.kind() == io::ErrorKind::NotFound).map_err(failed)
}

/// What is wrong with the record and stays so. While it is written, a block that is not whole yet
/// and a segment that is just sealed look like damage, and the next look finds the record to go on
/// behind them.
fn damage(directory: &Path) -> Result<Option<Finding>, CouldNotRun> {
    let place = |of: &Finding| (of.file.clone(), of.offset);
    let mut before: Option<Finding> = None;
    for _ in 0..LOOKS {
        let is_missing = |error: &CouldNotRun| {
            matches!(error, CouldNotRun::Io { source, .. }
                if source.kind() == io::ErrorKind::NotFound)
        };
        let Some(found) = listed(|| audit::verify(directory), is_missing)?.finding else {
            return Ok(None);
        };
        match &before {
            Some(before) if place(&found) > place(before) => return Ok(None),
            Some(before) if place(&found) == place(before) => return Ok(Some(found)),
            _ => before = Some(found),
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(before)
}

/// Reads, again if a segment is missing that was listed just before: it was packed or removed.
fn listed<T, E>(read: impl Fn() -> Result<T, E>, is_missing: impl Fn(&E) -> bool) -> Result<T, E> {
    for _ in 1..LOOKS {
        match read() {
            Err(error) if is_missing(&error) => {}
            done => return done,
        }
    }
    read()
}

fn row(config: &Compliance, of: &Of, meter: &Meter) -> Value {
    let totals = &meter.totals;
    let ratio = totals
        .messages()
        .checked_mul(1_000)
        .and_then(|milli| milli.checked_div(totals.filled_orders));
    let fee = fees(config, of, totals);
    json!({
        "exchange": of.exchange, "contract": of.contract, "group": of.group,
        "trading_day": meter.day.as_ref().map(|day| day.date.to_string()),
        "closes": meter.day.as_ref().map(|day| day.close.to_string()),
        "is_by_calendar": meter.day.as_ref().is_some_and(|day| day.is_by_calendar),
        "orders": totals.orders, "cancels": totals.cancels, "replaces": totals.replaces,
        "orders_with_a_fill": totals.filled_orders,
        "messages_per_trade_milli": ratio, "self_trades": totals.self_trades,
        "most_orders_per_second": meter.most_orders,
        "most_cancels_per_second": meter.most_cancels,
        "order_fees_e9": fee.as_ref().map(|(e9, _)| e9.to_string()),
        "currency": fee.map(|(_, currency)| currency),
    })
}

fn count(count: impl Into<i128>) -> Cell {
    Cell::Int(i64::try_from(count.into()).unwrap_or(i64::MAX))
}

fn text_of(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn contract_of(of: &Of) -> Cell {
    text_of(of.contract.as_deref().unwrap_or("all"))
}

fn meters(config: &Compliance, follow: &Follow) -> Sheet {
    let meters = follow.meters();
    let row = |(of, meter): (&Of, &Meter)| {
        let totals = &meter.totals;
        let day = meter.day.as_ref().map_or_else(String::new, |day| {
            format!("{}{}", day.date, if day.is_by_calendar { "" } else { " UTC" })
        });
        let fee = fees(config, of, totals);
        let fee = fee.map_or(Cell::None, |(e9, of)| text_of(format!("{} {of}", number::e9(e9, 2))));
        let lots = of
            .contract
            .as_ref()
            .and_then(|contract| meters.positions().get(&(of.exchange.clone(), contract.clone())));
        vec![
            text_of(&of.exchange),
            contract_of(of),
            text_of(&of.group),
            text_of(day),
            count(totals.orders),
            count(totals.cancels),
            count(totals.replaces),
            count(totals.filled_orders),
            Cell::Times(totals.messages(), totals.filled_orders),
            count(meter.most_orders),
            count(meter.most_cancels),
            count(totals.self_trades),
            fee,
            lots.map_or(Cell::None, |lots| count(*lots)),
        ]
    };
    Sheet {
        name: "meters",
        title: ["COUNTED FROM THE RECORD", "留痕计数"],
        columns: vec![
            column("exchange", "exchange", "交易所"),
            column("contract", "contract", "合约"),
            column("group", "group", "账户组"),
            column("day", "trading day", "交易日"),
            column("orders", "orders", "报单"),
            column("cancels", "cancels", "撤单"),
            column("changes", "changes", "改单"),
            column("filled", "filled", "有成交"),
            column("per_trade", "per trade", "报单成交比"),
            column("most_orders", "orders a s", "每秒报单"),
            column("most_cancels", "cancels a s", "每秒撤单"),
            column("self_trades", "own trades", "疑似自成交"),
            column("fees", "fees", "申报费"),
            column("net_lots", "net lots", "净仓"),
        ],
        rows: meters.rows().map(row).collect(),
    }
}

fn thresholds(judged: &[Judged], lang: Lang) -> Sheet {
    let say = |en: &str, zh: &str| text_of(if lang == Lang::Zh { zh } else { en });
    let row = |one: &Judged| {
        let forecast = match &one.forecast {
            Forecast::None => text_of("-"),
            Forecast::Met => say("met", "已触及"),
            Forecast::Unknown => say("not known yet", "暂无"),
            Forecast::NotBeforeClose => say("not before the close", "收盘前不会触及"),
            Forecast::At { at, .. } => text_of(at),
        };
        let stands = match one.stands {
            Stands::Below => say("below", "低于"),
            Stands::Near => say("NEAR", "接近"),
            Stands::Met => say("MET", "触及"),
        };
        let proven = if one.is_proven { "" } else { "UNPROVEN: " };
        vec![
            text_of(one.what),
            text_of(&one.of.exchange),
            contract_of(&one.of),
            text_of(&one.of.group),
            one.value_e9.map_or(Cell::None, |e9| Cell::E9(e9.into())),
            Cell::E9(one.limit_e9.into()),
            Cell::Int(one.percent),
            stands,
            forecast,
            text_of(format!("{proven}{} ({})", one.source, one.as_of)),
        ]
    };
    Sheet {
        name: "thresholds",
        title: ["THRESHOLDS", "阈值"],
        columns: vec![
            column("what", "what", "项目"),
            column("exchange", "exchange", "交易所"),
            column("contract", "contract", "合约"),
            column("group", "group", "账户组"),
            column("figure", "figure", "数值"),
            column("threshold", "threshold", "阈值"),
            column("percent", "%", "%"),
            column("stands", "stands", "状态"),
            column("forecast", "at the present rate", "按当前速率"),
            column("source", "source", "出处"),
        ],
        rows: judged.iter().map(row).collect(),
    }
}
