//! `xmc compliance filing`: what is filed of a program that trades, read from the program itself
//! and from its configuration.

use crate::audit::export::{Cell, Column, Sheet, html, text};
use crate::cli::{CliError, Exit, Report};
use crate::config::{self, Bounds, Configuration};
use crate::control::verb::Verb;
use crate::hex;
use crate::monitor::Lang;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::Gate;

/// The program that runs: Linux, proc_pid_exe(5).
const OURSELVES: &str = "/proc/self/exe";
/// What says that a build names no commit.
const NO_COMMIT: &str = "not said by this build (XMC_COMMIT was not set when it was made)";

/// Print the filing sheet of the program: version, commit, hashes, strategies, accounts, functions,
/// and the peak rates that are set.
///
/// What an authority's form asks besides (people, places, hosts) is not known here. The commit is
/// that which the environment variable XMC_COMMIT had when the program was built.
#[derive(Debug, clap::Args)]
pub struct FilingArgs {
    /// The configuration that is filed.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The form; --json gives JSON.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// The language; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Tables for a terminal.
    Text,
    /// One page that needs nothing else.
    Html,
}

pub fn run(args: &FilingArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = config::load(&args.config)?;
    let binary = digest(Path::new(OURSELVES)).map_err(CliError::could_not_run)?;
    let sheets =
        [program(&config, &binary), strategies(&config), functions(&config), rates(&config)];
    let lang = args.lang.unwrap_or_else(Lang::of_environment);
    if out.is_json() {
        let body: Map<String, Value> =
            sheets.iter().map(|sheet| (sheet.name.to_owned(), rows(sheet))).collect();
        out.json("xmc.compliance.filing", 1, &body)?;
        return Ok(Exit::Ok);
    }
    match args.format {
        Form::Text => sheets.iter().try_for_each(|sheet| text::write(sheet, lang, out))?,
        Form::Html => {
            let title =
                if lang == Lang::Zh { "程序化交易报备信息" } else { "Filing sheet" };
            let head = html::Head {
                title: title.to_owned(),
                lines: vec![format!("{} {binary}", args.config.display())],
            };
            html::write(&head, &sheets, &BTreeMap::new(), lang, out)?;
        }
    }
    out.flush()?;
    Ok(Exit::Ok)
}

/// SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part)? {
            0 => break,
            read => hash.update(&part[..read]),
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    Ok(hex::show(&digest))
}

fn columns<const N: usize>(of: [(&'static str, [&'static str; 2]); N]) -> Vec<Column> {
    of.into_iter().map(|(key, title)| Column { key, title }).collect()
}

fn cell(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn rows(sheet: &Sheet) -> Value {
    let value = |cell: &Cell| match cell {
        Cell::Text(text) => json!(text),
        Cell::Int(count) => json!(count),
        _ => Value::Null,
    };
    let row = |row: &Vec<Cell>| -> Value {
        let keys = sheet.columns.iter().map(|column| column.key.to_owned());
        Value::Object(keys.zip(row.iter().map(value)).collect())
    };
    sheet.rows.iter().map(row).collect()
}

fn program(config: &Configuration, binary: &str) -> Sheet {
    let engine = &config.engine;
    let rows = [
        ("name", "名称", "cross_market_connect".to_owned()),
        ("version", "版本", env!("CARGO_PKG_VERSION").to_owned()),
        ("commit", "提交", option_env!("XMC_COMMIT").unwrap_or(NO_COMMIT).to_owned()),
        ("binary_sha256", "程序 SHA-256", binary.to_owned()),
        ("configuration_sha256", "配置 SHA-256", config.digest()),
        ("site", "站点", engine.site_id.to_string()),
        ("desk", "席位", engine.desk_id.to_string()),
    ];
    Sheet {
        name: "program",
        title: ["PROGRAM", "软件"],
        columns: columns([
            ("what", ["what", "what"]),
            ("what_zh", ["项目", "项目"]),
            ("value", ["value", "内容"]),
        ]),
        rows: rows.map(|(en, zh, value)| vec![cell(en), cell(zh), cell(value)]).into(),
    }
}

fn strategies(config: &Configuration) -> Sheet {
    let name = |row: usize| config.instruments[row].symbol.clone();
    let rows = config.spreads.iter().map(|spread| {
        let legs: Vec<_> = spread.legs.iter().map(|leg| name(leg.instrument.value)).collect();
        let triggers: Vec<_> = spread.triggers.set().map(|(key, _)| key).collect();
        vec![
            cell(spread.strategy.clone()),
            cell(spread.name.value.clone()),
            cell(spread.account.value.clone()),
            cell(legs.join(" ")),
            cell(triggers.join(" ")),
        ]
    });
    Sheet {
        name: "strategies",
        title: ["STRATEGIES AND ACCOUNTS", "策略与账户"],
        columns: columns([
            ("strategy", ["strategy", "策略"]),
            ("pair", ["pair", "套利对"]),
            ("account", ["account", "账户"]),
            ("legs", ["legs", "合约"]),
            ("triggers", ["triggers", "触发"]),
        ]),
        rows: rows.collect(),
    }
}

fn functions(config: &Configuration) -> Sheet {
    let words = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(", ");
    let feeds = config.feeds.iter().map(|feed| feed.protocol.word()).collect();
    let gateways = config.gateways.iter().map(|gateway| gateway.protocol.word()).collect();
    let gates = Gate::ALL.iter().filter(|gate| **gate != Gate::Passed);
    let commands = config.control.as_ref().map_or_else(Vec::new, |control| {
        let given = control.operators.iter().flat_map(|operator| &operator.commands);
        let mut given: Vec<&str> = given.map(|verb: &Verb| verb.word()).collect();
        given.sort_unstable();
        given.dedup();
        given
    });
    let guard = match &config.guard {
        Some(_) => "a process beside the engine fences, kills and cancels",
        None => "none",
    };
    let rows = [
        ("market data", "行情接入", words(feeds)),
        ("order entry", "报单接入", words(gateways)),
        ("automatic orders", "自动报单", "spread and ratio triggers; all legs at once".to_owned()),
        ("repair", "补单与回退", "completes the missing leg or trades back".to_owned()),
        (
            "risk checks before each order",
            "报单前风控",
            words(gates.map(|gate| gate.word()).collect()),
        ),
        ("commands of people", "人工指令", commands.join(", ")),
        ("independent stop", "独立应急", guard.to_owned()),
    ];
    Sheet {
        name: "functions",
        title: ["FUNCTIONS", "软件功能"],
        columns: columns([
            ("function", ["function", "function"]),
            ("function_zh", ["功能", "功能"]),
            ("what", ["what", "内容"]),
        ]),
        rows: rows
            .map(|(en, zh, what)| {
                vec![
                    cell(en),
                    cell(zh),
                    cell(if what.is_empty() { "none".to_owned() } else { what }),
                ]
            })
            .into(),
    }
}

fn rates(config: &Configuration) -> Sheet {
    let rate =
        |messages: u16, window_ms: u32| [Cell::Int(messages.into()), Cell::Int(window_ms.into())];
    let bounds = |of: String, bounds: &Bounds| {
        let [messages, window] = rate(bounds.rate.messages, bounds.rate.window_ms);
        let position = Cell::Int(bounds.max_position_lots.value.into());
        let orders = Cell::Int(bounds.max_open_orders.value.into());
        vec![cell(of), messages, window, orders, position]
    };
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for gateway in &config.gateways {
        let [messages, window] = rate(gateway.rate.messages, gateway.rate.window_ms);
        let name = format!("gateway {}", gateway.name.value);
        rows.push(vec![cell(name), messages, window, Cell::None, Cell::None]);
    }
    rows.extend(config.limits.global.iter().map(|one| bounds("everything".to_owned(), one)));
    for limit in &config.limits.accounts {
        rows.push(bounds(format!("account {}", limit.account.value), &limit.bounds));
    }
    for limit in &config.limits.instruments {
        let name = &config.instruments[limit.instrument].symbol;
        rows.push(bounds(format!("contract {name}"), &limit.bounds));
    }
    Sheet {
        name: "rates",
        title: ["PEAK RATES AND LIMITS THAT ARE SET", "设定的峰值速率与限额"],
        columns: columns([
            ("of", ["of", "对象"]),
            ("messages", ["messages", "指令数"]),
            ("window_ms", ["in ms", "窗口 (毫秒)"]),
            ("open_orders", ["open orders", "挂单"]),
            ("position_lots", ["position, lots", "持仓 (手)"]),
        ]),
        rows,
    }
}
