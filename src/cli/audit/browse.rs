//! The record as the screen for browsers searches it: the filters of `xmc audit query`, the page of
//! `xmc audit show`, each read for a few seconds at most.
//!
//! The journal itself is read, not the index: its file has one writer at a time, and it would write
//! to the disk that the record goes to.

use super::query::What;
use super::show::{sections, wanted};
use crate::audit::labels::{Labels, Runs};
use crate::audit::query::{Filter, Row, search_since};
use crate::audit::scan::{Deadline, run_since};
use crate::audit::story::{NoStory, gather_within};
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::hex;
use crate::monitor::Lang;
use crate::monitor::web::{NoReceipts, Receipts};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use xmc_hotpath::record::frame::{Body, Kind};

/// Receipts of one answer, at most: the newest.
const MOST: usize = 200;
/// How long the asked process may take beyond its reading.
const GRACE: Duration = Duration::from_secs(3);
/// Bytes of one answer, at most.
const MOST_BYTES: u64 = 8 << 20;

/// The record in a directory.
#[derive(Debug)]
struct Browsed {
    directory: PathBuf,
    /// What the running engine calls things.
    labels: Labels,
}

impl Browsed {
    /// Of an engine with that configuration, which records to `directory`.
    fn new(directory: &Path, labels: Labels) -> Self {
        Self { directory: directory.to_owned(), labels }
    }

    fn read(
        &self,
        filter: &Filter,
        deadline: &mut Deadline,
    ) -> Result<Value, Box<dyn std::error::Error>> {
        let mut runs = Runs::new(&self.directory);
        let mut rows: VecDeque<Row> = VecDeque::new();
        let mut found = 0_u64;
        // Starts are looked at on the way: they say what the numbers of a run are called.
        let kinds = match filter.kinds.as_slice() {
            [] => Vec::new(),
            kinds => [kinds, &[Kind::Start]].concat(),
        };
        let wide = Filter { kinds: kinds.clone(), ..Filter::default() };
        // A search begins where a run does: the order's own, the one of that time, else the last.
        let mut begins = 0;
        let first = run_since(&self.directory, |header| match (filter.order, filter.from) {
            (Some(order), _) => header.run.get() <= order.run(),
            (None, Some(from)) => header.created_utc.get() <= from.0,
            (None, None) => true,
        })?;
        let read = search_since(&self.directory, first, &wide, deadline, |receipt| {
            if let Body::Start(_) = receipt.body {
                runs.learn(receipt);
            }
            begins = if begins == 0 { receipt.utc.0 } else { begins };
            if filter.to.is_some_and(|to| receipt.utc >= to) {
                return ControlFlow::Break(());
            }
            if filter.takes(receipt) {
                found += 1;
                rows.push_back(receipt.row(runs.of(receipt.position.run)));
                if rows.len() > MOST {
                    rows.pop_front();
                }
            }
            ControlFlow::Continue(())
        });
        let (scanned, until) = read?;
        let utc = |ns: u64| (ns != 0).then(|| Utc(ns).to_string());
        let rows = rows.iter().rev().map(|row| {
            json!({
                "place": row.place, "utc": utc(row.utc_ns), "kind": row.kind, "order": row.order,
                "fill": row.fill, "pair": row.pair, "product": row.product, "gate": row.gate,
                "side": row.side, "lots": row.lots,
                "price": row.price_e9.map(crate::config::decimal::show_e9), "what": row.what,
            })
        });
        Ok(json!({
            "schema": "xmc.web.receipts", "version": 1, "receipts": rows.collect::<Vec<_>>(),
            "found": found, "most": MOST, "records": scanned.records,
            "stopped_early": deadline.is_over(), "read_until": utc(until.0),
            "read_from": utc(begins),
            "damage": scanned.damage.map(|(file, damage)| {
                format!("{}: {damage}", file.file_name().unwrap_or_default().display())
            }),
        }))
    }
}

impl Browsed {
    fn find(&self, asked: &[(String, String)], until: Instant) -> Result<Value, NoReceipts> {
        let mut what = What::default();
        for (key, value) in asked {
            what.set(key, value.trim()).map_err(NoReceipts::Question)?;
        }
        let is_asked = |name: &str| asked.iter().any(|(key, _)| key == name);
        if is_asked("order") && is_asked("client_order") {
            let why = "an order has both ids: ask for one of them";
            return Err(NoReceipts::Question(why.to_owned()));
        }
        let filter = what.filter(&self.labels);
        let filter = filter.map_err(|error| NoReceipts::Question(error.to_string()))?;
        if filter.needs_scan() {
            let why = "quotes, ticks and clock readings are too many for a page: `xmc audit query`";
            return Err(NoReceipts::Question(why.to_owned()));
        }
        let mut deadline = Deadline::at(until);
        let read = self.read(&filter, &mut deadline);
        read.map_err(|error| NoReceipts::Record(error.to_string()))
    }

    fn story(&self, order: &str, lang: Lang, until: Instant) -> Result<String, NoReceipts> {
        let wanted = wanted(order.trim()).map_err(NoReceipts::Question)?;
        let begun = Instant::now();
        let story = gather_within(&self.directory, wanted, &mut Deadline::at(until));
        let story = story.map_err(|error| match error {
            NoStory::TooLong => NoReceipts::TooLong(begun.elapsed()),
            _ => NoReceipts::Record(error.to_string()),
        })?;
        let failed = |error: &dyn std::fmt::Display| NoReceipts::Record(error.to_string());
        let labels = Labels::find(&self.directory, &story.start.config_digest);
        let labels = labels.map_err(|error| failed(&error))?;
        let mut page = Vec::new();
        let written = sections::write(&story, &labels, lang, &self.directory, &mut page);
        written.map_err(|error| failed(&error))?;
        String::from_utf8(page).map_err(|error| failed(&error))
    }
}

/// Answer one question of the screen for browsers, as one line of JSON.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct BrowseArgs {
    /// The journal's directory.
    directory: PathBuf,
    /// What the engine's configuration is kept under: 64 hexadecimal digits.
    #[arg(long)]
    digest: String,
    /// How long the record may be read, ms.
    #[arg(long)]
    ms: u64,
    /// The order whose story is told; without it receipts are found.
    #[arg(long)]
    story: Option<String>,
    /// In which language.
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    /// What is asked for: KEY=VALUE.
    asked: Vec<String>,
}

/// What the asked process says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Found(Value),
    Page(String),
    Question(String),
    Record(String),
    TooLong(u64),
}

/// Runs the command: the asked process.
///
/// # Errors
/// `Output` if the answer cannot be written.
pub fn run(args: &BrowseArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    // An engine is beside; where the system does not allow it, it is asked all the same.
    let _ = rustix::process::nice(10);
    let told = match answer(args) {
        Ok(told) => told,
        Err(NoReceipts::Question(why)) => Told::Question(why),
        Err(NoReceipts::Record(why)) => Told::Record(why),
        Err(NoReceipts::TooLong(took)) => {
            Told::TooLong(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
        }
    };
    out.json("xmc.audit.browse", 1, &json!({ "told": told }))?;
    Ok(Exit::Ok)
}

fn answer(args: &BrowseArgs) -> Result<Told, NoReceipts> {
    let digest = hex::read(&args.digest).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let digest = digest.ok_or_else(|| {
        NoReceipts::Question(format!("{:?} is no digest of a configuration", args.digest))
    })?;
    let labels = Labels::find(&args.directory, &digest);
    let labels = labels.map_err(|error| NoReceipts::Record(error.to_string()))?;
    let browsed = Browsed::new(&args.directory, labels);
    let until = Instant::now() + Duration::from_millis(args.ms);
    if let Some(order) = &args.story {
        return browsed.story(order, args.lang, until).map(Told::Page);
    }
    let pairs = args.asked.iter().map(|one| {
        let wrong = || NoReceipts::Question(format!("{one:?}: write KEY=VALUE"));
        let (key, value) = one.split_once('=').ok_or_else(wrong)?;
        Ok((key.to_owned(), value.to_owned()))
    });
    browsed.find(&pairs.collect::<Result<Vec<_>, _>>()?, until).map(Told::Found)
}

/// The record as the engine that writes it lets it be searched: by another process of this program,
/// so that nothing a reader may meet (a file that is cut short under it, a fault of its own) is the
/// engine's, and none of its memory is.
#[derive(Debug)]
pub struct Asker {
    program: PathBuf,
    directory: PathBuf,
    digest: String,
}

impl Asker {
    /// Of an engine whose configuration is kept under `digest` in `directory`, where it records.
    ///
    /// # Errors
    /// The system does not say which program this is.
    pub fn new(directory: &Path, digest: String) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self { program, directory: directory.to_owned(), digest })
    }

    fn ask(&self, until: Instant, words: &[String]) -> Result<Told, NoReceipts> {
        let failed = |why: &dyn std::fmt::Display| {
            NoReceipts::Record(format!("the reader beside the engine: {why}; ask again"))
        };
        let ms = until.saturating_duration_since(Instant::now()).as_millis().to_string();
        let mut command = Command::new(&self.program);
        command.args(["--json", "audit", "browse"]).arg(&self.directory);
        command.args(["--digest", &self.digest, "--ms", &ms]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let mut from = child.stdout.take().expect("it is piped").take(MOST_BYTES);
        let (told, hears) = sync_channel(1);
        std::thread::spawn(move || {
            let mut text = String::new();
            // Nobody hears it when the patience is over.
            let _ = told.send(from.read_to_string(&mut text).map(|_| text));
        });
        let patience = until.saturating_duration_since(Instant::now()) + GRACE;
        let heard = hears.recv_timeout(patience);
        if heard.is_err() {
            // It has ended by itself, or ends now.
            let _ = child.kill();
        }
        let ended = child.wait().map_err(|error| failed(&error))?;
        let Ok(text) = heard else { return Err(NoReceipts::TooLong(patience)) };
        let text = text.map_err(|error| failed(&error))?;
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        let told = answer.and_then(|mut answer| {
            serde_json::from_value::<Told>(answer.get_mut("told")?.take()).ok()
        });
        match told.ok_or_else(|| failed(&format_args!("it ended with {ended}")))? {
            Told::Question(why) => Err(NoReceipts::Question(why)),
            Told::Record(why) => Err(NoReceipts::Record(why)),
            Told::TooLong(ms) => Err(NoReceipts::TooLong(Duration::from_millis(ms))),
            told => Ok(told),
        }
    }
}

impl Receipts for Asker {
    fn find(&self, asked: &[(String, String)], until: Instant) -> Result<Value, NoReceipts> {
        let pairs = asked.iter().map(|(key, value)| format!("{key}={value}"));
        let words: Vec<String> = std::iter::once("--".to_owned()).chain(pairs).collect();
        match self.ask(until, &words)? {
            Told::Found(found) => Ok(found),
            _ => Err(NoReceipts::Record("the reader has told something else".to_owned())),
        }
    }

    fn story(&self, order: &str, lang: Lang, until: Instant) -> Result<String, NoReceipts> {
        let lang = if lang == Lang::Zh { "zh" } else { "en" };
        let words = [format!("--story={order}"), format!("--lang={lang}")];
        match self.ask(until, &words)? {
            Told::Page(page) => Ok(page),
            _ => Err(NoReceipts::Record("the reader has told something else".to_owned())),
        }
    }
}
