//! `xmc alert show`: one alert, in words, with what to do next and who was told.

use super::{Of, find, lang, shown};
use crate::alert::message::{alert_json, utc, word};
use crate::cli::{CliError, Exit, Report};
use crate::monitor::Lang;
use serde_json::json;
use std::io::Write;

/// Show one alert: what happened, what to do next, who was told and who has taken it on.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The start of its fingerprint.
    fingerprint: String,
    #[command(flatten)]
    of: Of,
    /// The language; by default that of the environment.
    #[arg(long, value_name = "LANG", value_enum)]
    lang: Option<Lang>,
}

pub fn run(args: &ShowArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let state = args.of.state()?;
    let fingerprint = find(&state, &args.fingerprint)?;
    let Some(alert) = state.alerts.get(&fingerprint) else { return Ok(Exit::Finding) };
    let waiting: Vec<_> = state
        .waiting
        .values()
        .filter(|waiting| waiting.notice.alert.fingerprint == fingerprint)
        .collect();
    if out.is_json() {
        let told: Vec<_> =
            alert.told.iter().map(|(sink, at)| json!({ "sink": sink, "at": utc(*at) })).collect();
        let waiting: Vec<_> = waiting
            .iter()
            .map(|waiting| {
                let (sink, what) = (&waiting.notice.sink, waiting.notice.what.word());
                json!({ "sink": sink, "what": what, "since": utc(waiting.at_ns) })
            })
            .collect();
        let body = json!({ "alert": alert_json(alert), "told": told, "waiting": waiting });
        out.json("xmc.alert.show", 1, &body)?;
        return Ok(Exit::Ok);
    }
    let lang = lang(args.lang);
    let say = |en, zh| if lang == Lang::Zh { zh } else { en };
    let words = alert.code.words(lang);
    let (severity, code) = (alert.severity.word_in(lang), alert.code.code());
    writeln!(out, "[{severity}] {code} {}", words.title)?;
    writeln!(out, "  {}", words.text_of(alert.value, alert.limit))?;
    writeln!(out, "  {}: {}", say("next", "下一步"), words.next)?;
    writeln!(out, "  {}: {}", say("of", "对象"), shown(&alert.labels))?;
    let (first, last) = (utc(alert.first_ns), utc(alert.last_ns));
    writeln!(out, "  {first} .. {last}, ×{}", alert.count)?;
    match &alert.acknowledged {
        Some(by) => writeln!(out, "  {} {} {}", say("taken by", "确认人"), by.by, utc(by.at_ns))?,
        None => writeln!(out, "  {}", say("nobody has acknowledged it", "无人确认"))?,
    }
    for (sink, at) in &alert.told {
        writeln!(out, "  {} {sink} {}", say("told", "已告知"), utc(*at))?;
    }
    for waiting in waiting {
        let (sink, what) = (&waiting.notice.sink, word(waiting.notice.what, lang));
        writeln!(out, "  {} {sink}: {what}", say("waits for", "等待送往"))?;
    }
    Ok(Exit::Ok)
}
