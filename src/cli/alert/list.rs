//! `xmc alert list`: what fires, how each sink stands, and what came to nothing.

use super::{Of, lang, shown};
use crate::alert::ack;
use crate::alert::message::{alert_json, utc};
use crate::alert::outbox::State;
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::{CliError, Exit, Report};
use crate::monitor::Lang;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Show what fires, how each sink stands, and what came to nothing.
///
/// Exit code 1 if something fires that nobody has acknowledged, or a sink takes nothing.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    of: Of,
    /// The language; by default that of the environment.
    #[arg(long, value_name = "LANG", value_enum)]
    lang: Option<Lang>,
}

pub fn run(args: &ListArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (state, engine) = (args.of.state()?, args.of.engine()?);
    let left = ack::left(&args.of.directory()?).map_err(CliError::could_not_run)?.len();
    if out.is_json() {
        out.json("xmc.alert.list", 1, &as_json(&state, engine, left))?;
    } else {
        text(&state, engine, left, lang(args.lang), out)?;
    }
    let is_open = state.alerts.values().any(|alert| alert.acknowledged.is_none());
    let fails = state.sinks.values().any(|sink| sink.failing_since_ns.is_some());
    Ok(if is_open || fails { Exit::Finding } else { Exit::Ok })
}

fn as_json(state: &State, engine: &str, left: usize) -> Value {
    let sinks = state.sinks.iter().map(|(name, sink)| {
        json!({
            "sink": name,
            "is_failing": sink.failing_since_ns.is_some(),
            "failing_since": sink.failing_since_ns.map(utc),
            "why": sink.why,
            "delivered": sink.delivered,
            "waiting": state.waiting_of(name).count(),
            "suppressed": sink.suppressed,
            "dropped": sink.dropped,
            "dead": sink.dead,
            "failures": sink.failures,
            "last": (sink.last_ns > 0).then(|| utc(sink.last_ns)),
        })
    });
    let dead = state.dead.iter().map(|dead| {
        json!({
            "sink": dead.notice.sink,
            "what": dead.notice.what.word(),
            "at": utc(dead.at_ns),
            "why": dead.why,
            "alert": alert_json(&dead.notice.alert),
        })
    });
    json!({
        "engine": engine,
        "run": state.run.map(|run| run.run),
        "firing": state.alerts.values().map(alert_json).collect::<Vec<_>>(),
        "sinks": sinks.collect::<Vec<_>>(),
        "dead_letters": dead.collect::<Vec<_>>(),
        "acknowledgements_waiting": left,
        "damaged_lines": state.damaged,
    })
}

fn text(
    state: &State,
    engine: &str,
    left: usize,
    lang: Lang,
    out: &mut impl Write,
) -> io::Result<()> {
    let say = |en, zh| if lang == Lang::Zh { zh } else { en };
    let run = state.run.map_or_else(|| "-".to_owned(), |run| run.run.to_string());
    let (count, waiting) = (state.alerts.len(), state.waiting.len());
    writeln!(out, "engine {engine}, run {run}: {count} firing, {waiting} notices waiting")?;
    if count == 0 {
        writeln!(out, "{}", say("nothing fires", "当前无告警"))?;
    }
    let columns = [
        ("severity", Left),
        ("code", Left),
        (say("what", "内容"), Left),
        (say("of", "对象"), Left),
        (say("since", "开始"), Left),
        (say("times", "次数"), Right),
        (say("taken by", "确认人"), Left),
        ("fingerprint", Left),
    ];
    let mut table = Table::new(say("FIRING", "告警"), &columns);
    let mut alerts: Vec<_> = state.alerts.values().collect();
    alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.first_ns));
    for alert in alerts {
        table.row([
            alert.severity.word_in(lang).to_owned(),
            alert.code.code().to_owned(),
            alert.code.words(lang).title.to_owned(),
            shown(&alert.labels),
            utc(alert.first_ns).chars().take(19).collect(),
            alert.count.to_string(),
            alert.acknowledged.as_ref().map_or("-".to_owned(), |by| by.by.clone()),
            alert.fingerprint.clone(),
        ]);
    }
    table.write(out)?;
    let columns = [
        (say("sink", "通道"), Left),
        (say("delivered", "已送达"), Right),
        (say("waiting", "等待"), Right),
        (say("suppressed", "合并"), Right),
        (say("dropped", "丢弃"), Right),
        (say("dead", "死信"), Right),
        (say("failures", "失败"), Right),
        (say("state", "状态"), Left),
    ];
    let mut table = Table::new(say("SINKS", "通道"), &columns);
    for (name, sink) in &state.sinks {
        let failing = sink.failing_since_ns.map(|since| {
            let since: String = utc(since).chars().take(19).collect();
            format!("FAILING since {since}: {}", sink.why.as_deref().unwrap_or("-"))
        });
        table.row([
            name.clone(),
            sink.delivered.to_string(),
            state.waiting_of(name).count().to_string(),
            sink.suppressed.to_string(),
            sink.dropped.to_string(),
            sink.dead.to_string(),
            sink.failures.to_string(),
            failing.unwrap_or_else(|| say("well", "正常").to_owned()),
        ]);
    }
    table.write(out)?;
    let columns = [("sink", Left), ("code", Left), ("what", Left), ("at", Left), ("why", Left)];
    let mut table = Table::new(say("DEAD LETTERS", "死信"), &columns);
    for dead in &state.dead {
        table.row([
            dead.notice.sink.clone(),
            dead.notice.alert.code.code().to_owned(),
            dead.notice.what.word().to_owned(),
            utc(dead.at_ns).chars().take(19).collect(),
            dead.why.clone(),
        ]);
    }
    table.write(out)?;
    if left > 0 {
        let told = say("acknowledgements wait for the engine", "条确认等待引擎读取");
        writeln!(out, "\n{left} {told}")?;
    }
    if state.damaged > 0 {
        let told = say("lines of the outbox are damaged", "行发件箱记录损坏");
        writeln!(out, "\n{} {told}", state.damaged)?;
    }
    Ok(())
}
