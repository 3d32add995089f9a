//! The scenario `wedge`: the engine is a process of its own that comes to hang with orders at both
//! venues, and its guard, another process, does what it does anywhere.
//!
//! Venues and the two people are SIMULATED; the engine, the guard, its fence, its cancels over the
//! venues' wire formats, the signatures and the second run are what runs anywhere. The files are
//! those of a trial of the guard (`guard trials`): orders that rest, so that there is something to
//! cancel. Everything is read from what the parts leave: the guard's state and log, the venues' own
//! books, the report of the engine's last run.

use super::Args;
use super::scenario::folded;
use crate::audit::key;
use crate::audit::note::Purpose;
use crate::cli::guard::trials::process::Process;
use crate::cli::guard::trials::trial::{OVERSEAS_CANCELS_LATE, live};
use crate::cli::guard::trials::{files, market};
use crate::cli::{CliError, Exit, Report};
use crate::engine::lease::Fence;
use crate::guard::Places;
use crate::guard::log::Log;
use crate::guard::state::{Case, Outcome, Phase, State};
use crate::monitor::terminal::width;
use crate::monitor::words::Lang;
use crate::venue::cme::simulated::OrderRules;
use crate::venue::simulated::Venues;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// When the engine is wedged at the earliest: before, few orders were sent.
const WEDGED: Duration = Duration::from_secs(8);
/// From when on, until the engine is wedged, overseas quotes come late: orders come to rest.
const LATE_FROM: Duration = Duration::from_secs(6);
/// From when on orders at one venue will do.
const BOTH: Duration = Duration::from_secs(15);
/// How long they have to be there: others are about to be filled.
const RESTS: Duration = Duration::from_millis(150);
/// How long each step may take, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(60);
/// Fills of the second run after which it has shown that it trades.
const ENOUGH: u64 = 4;
const NAP: Duration = Duration::from_millis(2);
/// Cells of a word before what is said.
const WORD: usize = 10;
/// Who lifts the fence.
const PEOPLE: [&str; 2] = ["demo_risk", "demo_desk"];

/// What people may do there.
fn control(directory: &Path) -> Result<String, CliError> {
    let mut text = "\n[[alert.sink]]\nname = \"local\"\nkind = \"log\"\n\n[control]\n".to_owned();
    for (name, id) in PEOPLE.iter().zip(1..) {
        let made = key::generate(name, Purpose::Log).map_err(CliError::could_not_run)?;
        key::write(&key_of(directory, name), &made).map_err(CliError::could_not_run)?;
        text.push_str(&format!(
            "\n[[operator]]\nname = \"{name}\"\nid = {id}\nkey = \"{}\"\ncommands = [\"lift\"]\n\
             second = true\n",
            made.verifier()
        ));
    }
    Ok(text)
}

fn key_of(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.key"))
}

/// Runs the scenario in a directory of its own.
///
/// # Errors
/// See `CliError`.
pub(super) fn run(args: &Args, directory: &Path, out: &mut Report<'_>) -> Result<Exit, CliError> {
    std::fs::create_dir_all(directory).map_err(CliError::could_not_run)?;
    let text = files::text() + &control(directory)?;
    let before = files::configuration(&text)?;
    let mut config = before.clone();
    let venues = market::open(&config, args.seed).map_err(CliError::could_not_run)?;
    venues.address(&mut config);
    let rules = OrderRules { cancel_after: OVERSEAS_CANCELS_LATE, ..OrderRules::default() };
    venues.cme.set_order_rules(rules);
    let file = files::write(directory, &text, &before, &config).map_err(CliError::could_not_run)?;
    let begun = Instant::now();
    let places = Places::of(&config, Some(&directory.join("record")));
    let play = Play {
        directory,
        file: &file,
        places: &places,
        venues: &venues,
        begun,
        lang: args.show.lang(),
        until: Duration::from_secs(args.seconds),
    };
    let told = play.run(out);
    venues.stop().map_err(CliError::could_not_run)?;
    let told = told?;
    if out.is_json() {
        out.json("xmc.demo.wedge", 1, &told)?;
    }
    Ok(if told["is_good"] == true { Exit::Ok } else { Exit::Finding })
}

struct Play<'p> {
    directory: &'p Path,
    file: &'p Path,
    places: &'p Places,
    venues: &'p Venues,
    begun: Instant,
    lang: Lang,
    until: Duration,
}

impl Play<'_> {
    /// Says a line, unless a report is to follow.
    fn say(
        &self,
        out: &mut Report<'_>,
        words: [&str; 2],
        what: [impl AsRef<str>; 2],
    ) -> io::Result<()> {
        if out.is_json() {
            return Ok(());
        }
        let place = usize::from(self.lang == Lang::Zh);
        let (word, what) = (words[place], what[place].as_ref());
        let pad = " ".repeat(WORD.saturating_sub(width(word)));
        let first = format!("{:>6.2} s  {word}{pad} ", self.begun.elapsed().as_secs_f64());
        writeln!(out, "{}", folded(&first, what))?;
        out.flush()
    }

    /// Waits until something is there.
    fn wait<T>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>, CliError>,
    ) -> Result<T, CliError> {
        let since = Instant::now();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            if since.elapsed() >= PATIENCE {
                let where_to = self.directory.display();
                let why = format!("{what} did not come in {PATIENCE:?}: see {where_to}");
                return Err(CliError::could_not_run(why));
            }
            std::thread::sleep(NAP);
        }
    }

    fn run(&self, out: &mut Report<'_>) -> Result<Value, CliError> {
        let failed = |error: io::Error| CliError::could_not_run(error);
        let places = self.directory.display();
        let begins = [
            format!("engine and guard start; files in {places}"),
            format!("引擎与看护进程启动; 文件在 {places}"),
        ];
        self.say(out, ["begin", "开始"], begins)?;
        let mut engine = Process::engine(self.directory, self.file).map_err(failed)?;
        let mut guard = Process::standing_guard(self.directory, self.file).map_err(failed)?;
        market::set_late(self.venues, false);
        let (mut since, mut is_late) = (None::<Instant>, false);
        let resting = self.wait("orders that rest at the venues", || {
            if engine.ended().map_err(failed)?.is_some() {
                return Err(CliError::could_not_run("the engine ended: see engine.err"));
            }
            let (found, elapsed) = (live(self.venues), self.begun.elapsed());
            if elapsed >= LATE_FROM && !std::mem::replace(&mut is_late, true) {
                market::set_late(self.venues, true);
            }
            let is_enough = match found {
                [0, 0] => false,
                [0, _] | [_, 0] => elapsed >= BOTH,
                _ => elapsed >= WEDGED,
            };
            since = since.filter(|_| is_enough).or_else(|| is_enough.then(Instant::now));
            Ok(since.is_some_and(|at| at.elapsed() >= RESTS).then_some(found))
        })?;
        let [domestic, overseas] = resting;
        let rests = [
            format!("{domestic} orders rest at the domestic venue, {overseas} overseas"),
            format!("内盘挂单 {domestic} 笔, 外盘 {overseas} 笔"),
        ];
        self.say(out, ["trades", "交易"], rests)?;
        engine.signal(Signal::STOP).map_err(failed)?;
        let (wedged, fills_when_wedged) = (Instant::now(), self.fills()?);
        self.say(
            out,
            ["WEDGED", "卡死"],
            [
                "SIGSTOP to the engine: the process is there, and does nothing",
                "向引擎发 SIGSTOP: 进程仍在, 但不再动作",
            ],
        )?;

        let case = self.wait("the guard's case", || Ok(self.case()))?;
        self.say(out, ["warning", "预警"], [&case.why; 2])?;
        let flat = self.wait("that nothing lives at the venues", || {
            Ok((live(self.venues) == [0, 0]).then(|| wedged.elapsed()))
        })?;
        let case = self.wait("the end of the case", || {
            Ok(self.case().filter(|case| case.phase == Phase::Done && !case.told.is_empty()))
        })?;
        self.acted(&case, out)?;
        let has_ended = engine.wait(PATIENCE).map_err(failed)?.is_some();
        let flat_ms = flat.as_secs_f64() * 1e3;
        let left = live(self.venues);
        let filled = self.fills()?.saturating_sub(fills_when_wedged);
        if let Some(gone) = gone(resting, &case).filter(|gone| *gone > 0) {
            let text = [
                format!(
                    "{gone} of the orders that rested were gone before the guard asked: filled \
                     ({filled} fills meanwhile), or cancelled by the venue when the session was \
                     lost"
                ),
                format!(
                    "{gone} 笔挂单在看护进程查询前已不在: 已成交 (其间成交 {filled} 笔), \
                     或会话中断时由交易所撤销"
                ),
            ];
            self.say(out, ["receipt", "回执"], text)?;
        }
        let [at_home, abroad] = left;
        let books = [
            format!(
                "the venues' own books have {at_home} + {abroad} live orders; {flat_ms:.0} ms from \
                 the fault until none was left"
            ),
            format!("交易所自身账本在途 {at_home} + {abroad} 笔; 自故障至全部撤清 {flat_ms:.0} ms"),
        ];
        self.say(out, ["receipt", "回执"], books)?;
        let (lines, _) = Log::new(&self.places.guard).read().map_err(failed)?;
        for line in lines.iter().filter(|line| line.run == case.process.run) {
            // As it stands in the file.
            let text = format!("{:<10} {}", line.event, brief(&line.what));
            self.say(out, ["  log", "  日志"], [&text; 2])?;
        }
        let refused = self.start_refused()?;
        let shut = [refused.as_str(), "封锁期间引擎无法启动 (退出码 2)"];
        self.say(out, ["shut", "封锁"], shut)?;

        market::set_late(self.venues, false);
        market::settle(self.venues);
        let by = self.lift()?;
        let lifted = [format!("the fence is lifted by {by}"), format!("由 {by} 解除封锁")];
        self.say(out, ["recovery", "恢复"], lifted)?;
        let fills = self.fills()?;
        let mut engine = Process::engine(self.directory, self.file).map_err(failed)?;
        let more = self.wait("fills of the second run", || {
            if engine.ended().map_err(failed)?.is_some() {
                return Err(CliError::could_not_run("the second run ended: see engine.err"));
            }
            let more = self.fills()?.saturating_sub(fills);
            Ok((more >= ENOUGH && self.begun.elapsed() >= self.until).then_some(more))
        })?;
        let again = [
            format!("run 2 trades again: {more} fills"),
            format!("第 2 次运行恢复交易: 成交 {more} 笔"),
        ];
        self.say(out, ["recovery", "恢复"], again)?;
        for process in [&mut engine, &mut guard] {
            process.signal(Signal::INT).map_err(failed)?;
            process.wait(PATIENCE).map_err(failed)?;
        }
        let is_open = Fence::of(&self.places.leases, self.places.identity)
            .map_err(CliError::could_not_run)?
            .is_none();
        let is_good = case.is_confirmed() && has_ended && left == [0, 0] && is_open;
        let agrees = self.report_of_the_second_run();
        if let Some(is_whole) = agrees["journal"]["replays_equal"].as_bool() {
            let text = match is_whole {
                true => {
                    ["the record of run 2 replays to the same decisions", "第 2 次运行重放一致"]
                }
                false => [
                    "the record of run 2 DOES NOT replay to the same decisions",
                    "第 2 次运行重放不一致",
                ],
            };
            self.say(out, ["end", "结束"], text)?;
        }
        Ok(json!({
            "is_good": is_good, "live_when_wedged": resting, "live_after": left,
            "until_flat_ms": flat_ms, "warning": case.why, "case": case, "refused_start": refused,
            "lifted_by": by, "fills_after": more, "files": self.directory,
        }))
    }

    fn case(&self) -> Option<Case> {
        State::read(&self.places.guard).ok().and_then(|state| state.case)
    }

    /// What the guard says that it has done.
    fn acted(&self, case: &Case, out: &mut Report<'_>) -> io::Result<()> {
        let pid = case.process.pid;
        let fenced = [
            format!("the desk is fenced, process {pid} was killed"),
            format!("席位已封锁, 进程 {pid} 已终止"),
        ];
        self.say(out, ["action", "处置"], fenced)?;
        for one in &case.gateways {
            let what = match &one.outcome {
                Outcome::Cancelled { orders, by, after_ms } => [
                    format!("{orders} orders cancelled, confirmed after {after_ms} ms ({by})"),
                    format!("撤单 {orders} 笔, {after_ms} ms 后确认 ({by})"),
                ],
                Outcome::Failed { why } => {
                    [format!("NOT CONFIRMED: {why}"), format!("未确认: {why}")]
                }
                Outcome::Waiting => ["NOT CONFIRMED".to_owned(), "未确认".to_owned()],
            };
            self.say(out, ["action", "处置"], what.map(|what| format!("{}: {what}", one.name)))?;
        }
        let told = &case.told;
        let people = [format!("people are told: {told}"), format!("已通知相关人员: {told}")];
        self.say(out, ["action", "处置"], people)
    }

    /// Starts an engine while the desk is fenced; what that says.
    fn start_refused(&self) -> Result<String, CliError> {
        let name = "refused";
        let words = ["--json", "run", "--unpinned", "--config"];
        let started = Process::start(self.directory, name, &words, self.file);
        let mut started = started.map_err(CliError::could_not_run)?;
        let code = started.wait(PATIENCE).map_err(CliError::could_not_run)?.flatten();
        if code != Some(2) {
            let why = format!("an engine of the fenced desk ended with {code:?}, not 2");
            return Err(CliError::could_not_run(why));
        }
        Ok("a start of the engine is refused while the fence stands (exit code 2)".to_owned())
    }

    /// Two people lift the fence, as they would on any other day.
    fn lift(&self) -> Result<String, CliError> {
        let file = self.directory.join("lift");
        let [one, two] = PEOPLE.map(|name| key_of(self.directory, name));
        let text = |path: &Path| path.display().to_string();
        let (file, one, two) = (text(&file), text(&one), text(&two));
        let reason = "the scenario has shown what it shows";
        let prepare = ["guard", "lift", "--yes", "--key", &one, "--out", &file, "--reason", reason];
        let give = ["guard", "lift", "--signed", &file];
        let of_desk = |name, words: &[&str]| Process::start(self.directory, name, words, self.file);
        let sign = ["control", "sign", &file, "--yes", "--key", &two];
        let steps: [(&str, &dyn Fn() -> io::Result<Process>); 3] = [
            ("lift", &|| of_desk("lift", &prepare)),
            ("sign", &|| Process::alone(self.directory, "sign", &sign)),
            ("give", &|| of_desk("give", &give)),
        ];
        for (name, step) in steps {
            let mut process = step().map_err(CliError::could_not_run)?;
            let code = process.wait(PATIENCE).map_err(CliError::could_not_run)?.flatten();
            if code != Some(0) {
                let at = self.directory.display();
                let why = format!("{name} ended with {code:?}: see {at}/{name}.err");
                return Err(CliError::could_not_run(why));
            }
        }
        Ok(PEOPLE.join(" and "))
    }

    /// Fills of the desk in the venues' ledgers.
    fn fills(&self) -> Result<u64, CliError> {
        self.venues.ledgers().map(|ledgers| ledgers.fills).map_err(CliError::could_not_run)
    }

    /// What the engine's second run has said of itself; `null` if that is not to be read.
    fn report_of_the_second_run(&self) -> Value {
        let text = std::fs::read_to_string(self.directory.join("engine.out")).unwrap_or_default();
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_default()
    }
}

/// How many orders that rested the guard has not cancelled itself, if it has all confirmed.
fn gone(resting: [usize; 2], case: &Case) -> Option<usize> {
    let cancelled = case.gateways.iter().map(|one| match &one.outcome {
        Outcome::Cancelled { orders, .. } => usize::try_from(*orders).ok(),
        Outcome::Failed { .. } | Outcome::Waiting => None,
    });
    let cancelled = cancelled.sum::<Option<usize>>()?;
    Some(resting.iter().sum::<usize>().saturating_sub(cancelled))
}

/// A line of the log in one line.
fn brief(what: &Value) -> String {
    let words = ["text", "process", "gateway", "code", "by"];
    let found = words.iter().filter_map(|word| what[*word].as_str());
    found.collect::<Vec<_>>().join(": ")
}
