//! `xmc alert rules`: the table of what can be alerted.

use super::lang;
use crate::alert::rule::{Ends, Rule};
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::{CliError, Exit, Report};
use crate::monitor::Lang;
use serde_json::json;

/// Show all codes: what they mean, how much they matter, and which limits can be changed.
#[derive(Debug, clap::Args)]
pub struct RulesArgs {
    /// The language; by default that of the environment.
    #[arg(long, value_name = "LANG", value_enum)]
    lang: Option<Lang>,
}

pub fn run(args: &RulesArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if out.is_json() {
        let rows: Vec<_> = Rule::ALL
            .iter()
            .map(|rule| {
                let [en, zh] = rule.both();
                json!({
                    "code": rule.code(),
                    "severity": rule.severity().map(|severity| severity.word()),
                    "ends": ends(*rule, Lang::En),
                    "limit": rule.limit().map(|limit| limit.default),
                    "title": { "en": en.title, "zh": zh.title },
                    "text": { "en": en.text, "zh": zh.text },
                    "next": { "en": en.next, "zh": zh.next },
                })
            })
            .collect();
        out.json("xmc.alert.rules", 1, &json!({ "rules": rows }))?;
        return Ok(Exit::Ok);
    }
    let lang = lang(args.lang);
    let columns =
        [("code", Left), ("severity", Left), ("limit", Right), ("ends", Left), ("what", Left)];
    let mut table = Table::new("RULES", &columns);
    for rule in Rule::ALL {
        table.row([
            rule.code().to_owned(),
            rule.severity().map_or("off", |severity| severity.word_in(lang)).to_owned(),
            rule.limit().map_or("-".to_owned(), |limit| limit.default.to_string()),
            ends(*rule, lang).to_owned(),
            rule.words(lang).title.to_owned(),
        ]);
        table.note(rule.words(lang).next);
    }
    table.write(out)?;
    Ok(Exit::Ok)
}

const fn ends(rule: Rule, lang: Lang) -> &'static str {
    match (rule.ends(), lang) {
        (Ends::Cleared, Lang::En) => "cleared",
        (Ends::Quiet, Lang::En) => "quiet",
        (Ends::Once, Lang::En) => "once",
        (Ends::Cleared, Lang::Zh) => "恢复即止",
        (Ends::Quiet, Lang::Zh) => "静默即止",
        (Ends::Once, Lang::Zh) => "只报一次",
    }
}
