//! `xmc audit report`: a day in figures, for people, spreadsheets, programs and authorities.

use super::query::indexed;
use super::time::{day, show_day};
use crate::audit::day::{Folding, Part, rts24, sheets};
use crate::audit::export::{Cell, Sheet, csv, html, json_lines, parquet, text};
use crate::audit::facts::Memory;
use crate::audit::index::Index;
use crate::audit::labels::Runs;
use crate::audit::query::{Filter, Receipt, search};
use crate::cli::{CliError, Exit, Report};
use crate::monitor::Lang;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use xmc_hotpath::record::frame::{Body, Kind};
use xmc_hotpath::time::UnixNs;

/// Rows of orders that are held at once.
const ROWS: usize = 10_000;

/// Report a day: opportunity capture, execution, slippage, latency, rejects and fills, messages,
/// exposure, gates, what programme-trading rules count, and on request every order with the fields
/// of RTS 24.
///
/// The figures are added up while the index is brought up to date, so a report of a large day is as
/// quick as one of a small one; `--recount` adds them up from the journal itself instead. Exit code
/// 1 if the journal is damaged, 2 if it has no record of that day.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The journal's directory.
    path: PathBuf,
    /// The day, as 2026-11-21; by default the last one that the record knows.
    #[arg(long, value_name = "DAY", value_parser = day)]
    day: Option<u32>,
    /// Hours that the day begins before UTC: 8 for Shanghai.
    #[arg(long, value_name = "HOURS", default_value_t = 0, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-12..=14))]
    zone: i64,
    /// The form.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Where it goes: a file, or for parquet a directory; by default what is printed.
    #[arg(long, value_name = "PATH", required_if_eq("format", "parquet"))]
    out: Option<PathBuf>,
    /// Only this sheet, as often as wanted: summary, pairs, slippage, latency, gates, products,
    /// hours, programme, alerts, rts24 (which is only given when it is named).
    #[arg(long, value_name = "NAME", value_parser = sheet_name)]
    sheet: Vec<String>,
    /// Only these columns, in this order; goes with one sheet.
    #[arg(long, value_name = "KEY,KEY", value_delimiter = ',')]
    columns: Vec<String>,
    /// The index's file; by default `index.redb` beside the journal.
    #[arg(long, value_name = "FILE", conflicts_with = "recount")]
    index: Option<PathBuf>,
    /// Add up from the journal itself, without an index.
    #[arg(long)]
    recount: bool,
    /// The language; by default the environment's.
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Tables for a terminal.
    Text,
    /// RFC 4180; sheets one after the other, each with its line of keys.
    Csv,
    /// One JSON object a row.
    Jsonl,
    /// One page with plots that needs nothing else.
    Html,
    /// A file a sheet in `dt=DAY/site=SITE/`.
    Parquet,
}

fn sheet_name(name: &str) -> Result<String, String> {
    let known = sheets::NAMES.contains(&name) || name == RTS24;
    let names = || sheets::NAMES.join(", ");
    known
        .then(|| name.to_owned())
        .ok_or_else(|| format!("there is no sheet {name:?}; there are: {}, {RTS24}", names()))
}

const RTS24: &str = "rts24";

/// Where receipts come from.
enum Source<'s> {
    Index(Index),
    Journal(&'s Path),
}

impl Source<'_> {
    fn search(
        &self,
        filter: &Filter,
        visit: impl FnMut(&Receipt) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        match self {
            Self::Index(index) => index.search(filter, visit).map_err(CliError::could_not_run),
            Self::Journal(path) => {
                search(path, filter, visit).map(|_| ()).map_err(CliError::could_not_run)
            }
        }
    }
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the journal or the index cannot be read, has nothing of that day, or the report
/// cannot be written, `Usage` of columns that are not there.
pub fn run(args: &ReportArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if !args.columns.is_empty() && args.sheet.len() != 1 {
        return Err(CliError::usage("--columns goes with one --sheet"));
    }
    let (source, hours, damage) = if args.recount {
        let (hours, damage) = recount(&args.path)?;
        (Source::Journal(&args.path), hours, damage)
    } else {
        let without = Some("--recount");
        let (index, updated) = indexed(&args.path, args.index.as_deref(), without)?;
        let hours = match args.day {
            Some(day) => index.hours(hours_of(day, args.zone)),
            None => index.hours(0..u32::MAX),
        };
        let hours = hours.map_err(CliError::could_not_run)?;
        (Source::Index(index), hours, updated.damage)
    };
    let last = hours.last_key_value().map(|(hour, _)| *hour);
    let last = last.map(|hour| day_of(hour, args.zone));
    let day = args.day.or(last).ok_or_else(|| CliError::could_not_run("the record is empty"))?;
    let range = hours_of(day, args.zone);
    if !hours.keys().any(|hour| range.contains(hour)) {
        return Err(unknown(day, args.zone, &source, hours, damage));
    }
    let hours: BTreeMap<u32, Part> = hours
        .into_iter()
        .filter(|(hour, _)| range.contains(hour))
        .map(|(hour, part)| (hour - range.start, part))
        .collect();
    let made = Made { args, day, range, source, hours };
    made.write(out)?;
    if let Some((file, damage)) = damage {
        eprintln!("DAMAGED, read only up to there: {}: {damage}", file.display());
        return Ok(Exit::Finding);
    }
    Ok(Exit::Ok)
}

/// There is no record of that day: which days there are.
#[cold]
fn unknown(
    day: u32,
    zone: i64,
    source: &Source<'_>,
    hours: BTreeMap<u32, Part>,
    damage: Damage,
) -> CliError {
    let all = match source {
        Source::Index(index) => match index.hours(0..u32::MAX) {
            Ok(all) => all,
            Err(error) => return CliError::could_not_run(error),
        },
        Source::Journal(_) => hours,
    };
    let known: BTreeSet<u32> = all.keys().map(|hour| day_of(*hour, zone)).collect();
    let of = match (known.first(), known.last()) {
        (Some(first), Some(last)) if first == last => format!("it is of {}", show_day(*first)),
        (Some(first), Some(last)) => {
            format!("its {} days are {} to {}", known.len(), show_day(*first), show_day(*last))
        }
        _ => "it is empty".to_owned(),
    };
    let damage = damage.map_or_else(String::new, |(file, damage)| {
        format!(" (DAMAGED, read only up to there: {}: {damage})", file.display())
    });
    CliError::could_not_run(format!(
        "the record knows nothing of {}: {of}{damage}; choose one with --day, as days begin with \
         --zone {zone}",
        show_day(day)
    ))
}

/// The hours of a day, by their number since 1970.
pub(super) fn hours_of(day: u32, zone: i64) -> Range<u32> {
    let start = i64::from(day) * 24 - zone;
    let hour = |hour: i64| u32::try_from(hour).unwrap_or(0);
    hour(start)..hour(start + 24)
}

fn day_of(hour: u32, zone: i64) -> u32 {
    u32::try_from((i64::from(hour) + zone).div_euclid(24)).unwrap_or(0)
}

type Damage = Option<(PathBuf, crate::audit::scan::Damaged)>;

/// Every hour, added up from the journal itself.
fn recount(path: &Path) -> Result<(BTreeMap<u32, Part>, Damage), CliError> {
    let mut folding = Folding::default();
    let mut memory = Memory::default();
    let mut runs = Runs::new(path);
    // Also what the index does not hold.
    let everything = Filter { kinds: Kind::ALL.to_vec(), ..Filter::default() };
    let mut run = 0;
    let scanned = search(path, &everything, |receipt| {
        if let Body::Start(start) = &receipt.body {
            folding.settle(runs.of(run));
            run = start.identity.run;
        }
        runs.learn(receipt);
        let labels = runs.of(run);
        memory.take(&receipt.body);
        match receipt.kind {
            Kind::Quote | Kind::Tick | Kind::Clock => {
                let quoted = receipt.facts.instrument;
                folding.count(receipt.kind, receipt.utc, quoted, labels);
            }
            _ => folding.take(receipt, &memory, labels),
        }
        ControlFlow::Continue(())
    });
    let scanned = scanned.map_err(CliError::could_not_run)?;
    folding.settle(runs.of(run));
    Ok((folding.hours, scanned.damage))
}

/// A report that is ready to be written.
struct Made<'m> {
    args: &'m ReportArgs,
    day: u32,
    range: Range<u32>,
    source: Source<'m>,
    hours: BTreeMap<u32, Part>,
}

impl Made<'_> {
    fn sheets(&self) -> Result<Vec<Sheet>, CliError> {
        let wanted = &self.args.sheet;
        let mut sheets = sheets::sheets(&self.hours);
        sheets.retain(|sheet| wanted.is_empty() || wanted.iter().any(|name| name == sheet.name));
        let select = |sheet: Sheet| sheet.select(&self.args.columns).map_err(CliError::usage);
        sheets.into_iter().map(select).collect()
    }

    fn wants_orders(&self) -> bool {
        self.args.sheet.iter().any(|name| name == RTS24)
    }

    fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        let form = if out.is_json() { Form::Jsonl } else { self.args.format };
        if form == Form::Parquet {
            return self.write_parquet(out);
        }
        match &self.args.out {
            None => self.write_as(form, out),
            Some(path) => {
                let failed = |error: io::Error| {
                    CliError::could_not_run(format!("cannot write {}: {error}", path.display()))
                };
                let mut file = BufWriter::new(File::create(path).map_err(failed)?);
                self.write_as(form, &mut file)?;
                file.flush().map_err(failed)?;
                Ok(writeln!(out, "{}", path.display())?)
            }
        }
    }

    fn lang(&self) -> Lang {
        self.args.lang.unwrap_or_else(Lang::of_environment)
    }

    fn write_as(&self, form: Form, out: &mut impl Write) -> Result<(), CliError> {
        let sheets = self.sheets()?;
        let lang = self.lang();
        if form == Form::Html {
            html::write(&self.head(), &sheets, &self.hours, lang, out)?;
        }
        if form == Form::Text {
            let head = self.head();
            writeln!(out, "{}", head.title)?;
            for line in head.lines {
                writeln!(out, "{line}")?;
            }
        }
        for sheet in &sheets {
            match form {
                Form::Text => text::write(sheet, lang, out)?,
                Form::Csv => csv::write(sheet, true, out)?,
                Form::Jsonl => json_lines::write(sheet, out)?,
                Form::Html | Form::Parquet => {}
            }
        }
        if self.wants_orders() {
            let mut is_first = true;
            self.orders(&mut |sheet| {
                match form {
                    Form::Text => text::write(&sheet, lang, out)?,
                    Form::Jsonl => json_lines::write(&sheet, out)?,
                    _ => csv::write(&sheet, is_first, out)?,
                }
                is_first = false;
                Ok(())
            })?;
        }
        Ok(())
    }

    fn head(&self) -> html::Head {
        let day = show_day(self.day);
        let zone = self.args.zone;
        let path = self.args.path.display();
        let counted = if self.args.recount { "the journal itself" } else { "its index" };
        match self.lang() {
            Lang::En => html::Head {
                title: format!("Day report {day} (UTC{zone:+})"),
                lines: vec![format!("record: {path}, added up from {counted}")],
            },
            Lang::Zh => html::Head {
                title: format!("交易日报 {day} (UTC{zone:+})"),
                lines: vec![format!("记录: {path}")],
            },
        }
    }

    /// Tells `write` the day's orders, so many at once.
    fn orders(&self, write: &mut dyn FnMut(Sheet) -> Result<(), CliError>) -> Result<(), CliError> {
        let mut memory = Memory::default();
        let mut runs = Runs::new(&self.args.path);
        let hour = |hour: u32| UnixNs(u64::from(hour) * 3_600_000_000_000);
        let day = hour(self.range.start)..hour(self.range.end);
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        let mut failed = None;
        // From the beginning: news of the day may be of orders that were sent before it.
        self.source.search(&Filter::default(), |receipt| {
            runs.learn(receipt);
            memory.take(&receipt.body);
            if !day.contains(&receipt.utc) {
                return ControlFlow::Continue(());
            }
            let labels = runs.of(receipt.position.run);
            rows.extend(rts24::row(receipt, &memory, labels));
            if rows.len() < ROWS {
                return ControlFlow::Continue(());
            }
            match self.chosen(std::mem::take(&mut rows)).and_then(&mut *write) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None => self.chosen(rows).and_then(write),
        }
    }

    fn chosen(&self, rows: Vec<Vec<Cell>>) -> Result<Sheet, CliError> {
        rts24::sheet(rows).select(&self.args.columns).map_err(CliError::usage)
    }

    fn write_parquet(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        let base = self.args.out.clone().unwrap_or_default();
        let site = self.site()?;
        let folder = base.join(format!("dt={}", show_day(self.day))).join(format!("site={site}"));
        let mut write = |sheet: &Sheet, name: String| {
            let path = folder.join(name);
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
                CliError::could_not_run(format!("cannot write {}: {error}", path.display()))
            };
            fs::create_dir_all(&folder).map_err(|error| failed(error.into()))?;
            let file = File::create(&path).map_err(|error| failed(error.into()))?;
            parquet::write(sheet, BufWriter::new(file)).map_err(|error| failed(error.into()))?;
            Ok::<(), CliError>(writeln!(out, "{}", path.display())?)
        };
        for sheet in self.sheets()? {
            write(&sheet, format!("{}.parquet", sheet.name))?;
        }
        if self.wants_orders() {
            let mut number = 0;
            self.orders(&mut |sheet| {
                number += 1;
                write(&sheet, format!("{}.{number:04}.parquet", sheet.name))
            })?;
        }
        Ok(())
    }

    /// The site of the record's newest run.
    fn site(&self) -> Result<u8, CliError> {
        let starts = Filter { kinds: vec![Kind::Start], ..Filter::default() };
        let mut site = 0;
        self.source.search(&starts, |receipt| {
            if let Body::Start(start) = &receipt.body {
                site = start.identity.site.0;
            }
            ControlFlow::Continue(())
        })?;
        Ok(site)
    }
}
