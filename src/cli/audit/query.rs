//! `xmc audit query`: receipts by what they are about.

use super::time::moment;
use crate::audit::index::{Index, IndexError, NAME, Updated};
use crate::audit::labels::{Labels, Runs};
use crate::audit::query::{Filter, Position, Receipt, Row, search};
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::monitor::terminal::width;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{Gate, InstrumentIndex, OrderId};
use xmc_hotpath::record::frame::Kind;
use xmc_hotpath::time::UnixNs;

/// Find receipts by time, project, strategy, pair, venue, product, order, fill, kind or gate.
///
/// All that is asked for must hold. The index beside the journal is brought up to date first; it is
/// made from the journal alone and may be deleted at any time. Quotes, ticks and clock readings are
/// not in it: asking for those reads the journal, as `--no-index` does. `--json` gives one object a
/// line, with the numbers of the record. Exit code 1 if the journal is damaged.
#[derive(Debug, clap::Args)]
pub struct QueryArgs {
    /// The journal's directory, or with `--no-index` one segment of it.
    path: PathBuf,
    #[command(flatten)]
    what: What,
    /// At most so many receipts.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Receipts behind this place, `run:input:index`: what the last page ended with.
    #[arg(long, value_name = "PLACE", value_parser = place)]
    after: Option<Position>,
    /// The index's file; by default `index.redb` beside the journal.
    #[arg(long, value_name = "FILE", conflicts_with = "no_index")]
    index: Option<PathBuf>,
    /// Read the journal itself.
    #[arg(long)]
    no_index: bool,
}

/// What is asked for.
#[derive(Debug, Default, clap::Args)]
pub struct What {
    /// Not before: 2026-11-21, or 2026-11-21T09:30:00.25+08:00.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Option<UnixNs>,
    /// Before.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<UnixNs>,
    /// The order's id, as 0x0101000100002003 or in decimal.
    #[arg(long, value_name = "ID", value_parser = order)]
    order: Option<OrderId>,
    /// The client order id on the wire (tag 11 of iLink 3): sixteen hexadecimal digits.
    #[arg(long, value_name = "ID", value_parser = client_order, conflicts_with = "order")]
    client_order: Option<OrderId>,
    /// The venue's id of a fill.
    #[arg(long, value_name = "ID")]
    fill: Option<u64>,
    /// The kind of record, as often as wanted: order, order_event, decision, alert, state, ...
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<Kind>,
    /// The gate that decided; `passed` for what fired.
    #[arg(long, value_name = "GATE", value_parser = gate)]
    gate: Option<Gate>,
    /// The project.
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The strategy.
    #[arg(long, value_name = "NAME")]
    strategy: Option<String>,
    /// The account.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The pair.
    #[arg(long, value_name = "NAME")]
    pair: Option<String>,
    /// The venue.
    #[arg(long, value_name = "NAME")]
    venue: Option<String>,
    /// The product: its venue's symbol, or its name in the configuration.
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
}

fn order(text: &str) -> Result<OrderId, String> {
    let read = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    read.map(OrderId).map_err(|error| format!("{text:?}: {error}"))
}

/// Reads what `ClOrdId::of_order` writes.
fn client_order(text: &str) -> Result<OrderId, String> {
    let why = || format!("{text:?} is no client order id of ours: sixteen hexadecimal digits");
    let is_it = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let read = u64::from_str_radix(text, 16).ok().filter(|_| is_it);
    read.map(OrderId).ok_or_else(why)
}

pub(super) fn place(text: &str) -> Result<Position, String> {
    let mut parts = text.split(':');
    let mut next = || parts.next().and_then(|part| part.parse::<u64>().ok());
    let read = (|| {
        let run = u16::try_from(next()?).ok()?;
        let input = next()?;
        let index = u16::try_from(next().unwrap_or(0)).ok()?;
        Some(Position { run, input, index })
    })();
    read.ok_or_else(|| format!("{text:?} is no place: write run:input:index, as 1:20455:2"))
}

fn kind(text: &str) -> Result<Kind, String> {
    let words = || Kind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let found = Kind::ALL.iter().find(|kind| kind.word() == text).copied();
    found.ok_or_else(|| format!("there is no kind {text:?}; there are: {}", words()))
}

fn gate(text: &str) -> Result<Gate, String> {
    let words = || Gate::ALL.iter().map(|gate| gate.word()).collect::<Vec<_>>().join(", ");
    let found = Gate::ALL.iter().find(|gate| gate.word() == text).copied();
    found.ok_or_else(|| format!("there is no gate {text:?}; there are: {}", words()))
}

impl What {
    /// Sets one of them by its name, as an address has it.
    ///
    /// # Errors
    /// A name that is not there, or a value that is none.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let text = || Some(value.to_owned());
        match key {
            "from" => self.from = Some(moment(value)?),
            "to" => self.to = Some(moment(value)?),
            "order" => self.order = Some(order(value)?),
            "client_order" => self.client_order = Some(client_order(value)?),
            "fill" => self.fill = Some(value.parse().map_err(|_| "fill: a number".to_owned())?),
            "kind" => self.kind.push(kind(value)?),
            "gate" => self.gate = Some(gate(value)?),
            "project" => self.project = text(),
            "strategy" => self.strategy = text(),
            "account" => self.account = text(),
            "pair" => self.pair = text(),
            "venue" => self.venue = text(),
            "product" => self.product = text(),
            _ => return Err(format!("there is no filter {key:?}")),
        }
        Ok(())
    }

    /// As a filter, with the names of `labels`.
    pub fn filter(&self, labels: &Labels) -> Result<Filter, CliError> {
        let named = |what: &str, wanted: &Option<String>, found: Option<u32>| match wanted {
            Some(name) if found.is_none() => {
                let why = "as the configuration beside the record has it, or as #3";
                Err(CliError::usage(format!("there is no {what} {name:?}: write it {why}")))
            }
            _ => Ok(found),
        };
        let find = |wanted: &Option<String>, find: &dyn Fn(&str) -> Option<u32>| {
            wanted.as_deref().and_then(|name| numbered(name).or_else(|| find(name)))
        };
        let project = find(&self.project, &|name| labels.find_project(name));
        let strategy = find(&self.strategy, &|name| labels.find_strategy(name));
        let account = find(&self.account, &|name| labels.find_account(name));
        let pair = find(&self.pair, &|name| labels.find_spread(name));
        Ok(Filter {
            from: self.from,
            to: self.to,
            order: self.order.or(self.client_order),
            fill: self.fill,
            kinds: self.kind.clone(),
            gate: self.gate,
            project: named("project", &self.project, project)?.map(xmc_hotpath::message::ProjectId),
            strategy: named("strategy", &self.strategy, strategy)?
                .map(xmc_hotpath::message::StrategyId),
            account: named("account", &self.account, account)?.map(xmc_hotpath::message::AccountId),
            spread: named("pair", &self.pair, pair)?.map(xmc_hotpath::message::SpreadIndex),
            instruments: self.instruments(labels)?,
            after: None,
        })
    }

    fn instruments(&self, labels: &Labels) -> Result<Option<Vec<InstrumentIndex>>, CliError> {
        if self.venue.is_none() && self.product.is_none() {
            return Ok(None);
        }
        if let Some(row) = self.product.as_deref().and_then(numbered) {
            return Ok(Some(vec![InstrumentIndex(row)]));
        }
        let found = labels.find_instruments(self.venue.as_deref(), self.product.as_deref());
        if found.is_empty() {
            let name = self.product.as_ref().or(self.venue.as_ref());
            let name = name.cloned().unwrap_or_default();
            return Err(CliError::usage(format!(
                "there is no {name:?} in the configuration beside the record"
            )));
        }
        Ok(Some(found))
    }
}

/// Reads `#3`.
fn numbered(name: &str) -> Option<u32> {
    name.strip_prefix('#').and_then(|digits| digits.parse().ok())
}

/// Opens the index of the journal at `path` and brings it up to date. `without` is the command's
/// own option that does without one, if it has any.
///
/// # Errors
/// `CouldNotRun` if the journal or the index cannot be read, or the index not be written.
pub fn indexed(
    path: &Path,
    index: Option<&Path>,
    without: Option<&str>,
) -> Result<(Index, Updated), CliError> {
    let file = index.map_or_else(|| path.join(NAME), Path::to_owned);
    let failed = |error: IndexError| match error {
        IndexError::Journal(_) => CliError::could_not_run(error),
        IndexError::Store { .. } => {
            let without = without.map_or_else(String::new, |option| {
                format!(", or read the journal itself with {option}")
            });
            CliError::could_not_run(format!(
                "{error}; where nothing can be written, name another place for it with --index \
                 FILE{without}"
            ))
        }
    };
    let index = Index::open(&file).map_err(failed)?;
    let updated = index.update(path).map_err(failed)?;
    Ok((index, updated))
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the journal or the index cannot be read, `Usage` of a name that is not there.
pub fn run(args: &QueryArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let starts = Filter { kinds: vec![Kind::Start], ..Filter::default() };
    let mut runs = Runs::new(&args.path);
    let mut learn = |receipt: &Receipt| {
        runs.learn(receipt);
        ControlFlow::Continue(())
    };
    let mut damage = None;
    let index = if args.no_index {
        search(&args.path, &starts, learn).map_err(CliError::could_not_run)?;
        None
    } else {
        let (index, updated) = indexed(&args.path, args.index.as_deref(), Some("--no-index"))?;
        index.search(&starts, &mut learn).map_err(CliError::could_not_run)?;
        damage = updated.damage;
        Some(index)
    };
    let mut filter = args.what.filter(runs.newest())?;
    filter.after = args.after;
    let mut rows: Vec<Row> = Vec::new();
    let mut more = None;
    let mut last = None;
    let mut take = |receipt: &Receipt| {
        if rows.len() >= args.limit {
            more = last;
            return ControlFlow::Break(());
        }
        last = Some(receipt.position);
        rows.push(receipt.row(runs.of(receipt.position.run)));
        ControlFlow::Continue(())
    };
    match index.filter(|_| !filter.needs_scan()) {
        Some(index) => index.search(&filter, take).map_err(CliError::could_not_run)?,
        None => {
            let scanned = search(&args.path, &filter, &mut take);
            damage = scanned.map_err(CliError::could_not_run)?.damage;
        }
    }
    if out.is_json() {
        for row in &rows {
            out.json("xmc.audit.receipt", 1, row)?;
        }
    } else {
        write_text(&rows, out)?;
        if let Some(Position { run, input, index }) = more {
            writeln!(out, "more: --after {run}:{input}:{index}")?;
        }
    }
    if let Some((file, damage)) = damage {
        eprintln!("DAMAGED, read only up to there: {}: {damage}", file.display());
        return Ok(Exit::Finding);
    }
    Ok(Exit::Ok)
}

/// A table whose columns are as wide as what is in them.
fn write_text(rows: &[Row], out: &mut Report<'_>) -> Result<(), CliError> {
    let cells: Vec<[String; 9]> = rows.iter().map(text).collect();
    let heads =
        ["utc", "place", "kind", "pair", "product", "order", "side", "lots x price", "what"];
    let widest = |column: usize| {
        let cells = cells.iter().map(|row| width(&row[column])).max().unwrap_or(0);
        cells.max(heads[column].len())
    };
    let columns: Vec<usize> = (0..heads.len()).map(widest).collect();
    let mut line = |row: &[&str]| {
        let mut text = String::new();
        for ((cell, cells), column) in row.iter().zip(&columns).zip(0..) {
            text.push_str(cell);
            if column + 1 < row.len() {
                text.push_str(&" ".repeat(cells - width(cell) + 2));
            }
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(&heads)?;
    for row in &cells {
        line(&row.each_ref().map(String::as_str))?;
    }
    Ok(())
}

fn text(row: &Row) -> [String; 9] {
    let time = Utc(row.utc_ns).to_string();
    let lots = match (row.lots, row.price_e9) {
        (Some(lots), Some(price_e9)) => {
            format!("{lots} x {}", crate::config::decimal::show_e9(price_e9))
        }
        _ => String::new(),
    };
    let gate = row.gate.map_or(String::new(), |gate| format!("[{gate}] "));
    [
        time.get(..26).unwrap_or_default().to_owned(),
        row.place.clone(),
        row.kind.to_owned(),
        row.pair.clone().unwrap_or_default(),
        row.product.clone().unwrap_or_default(),
        row.order.clone().unwrap_or_default(),
        row.side.filter(|_| row.lots.is_some()).unwrap_or_default().to_owned(),
        lots,
        format!("{gate}{}", row.what),
    ]
}
