//! What a rule of the user has decided, in words: ``rule `thin hg` held back: lots(hg) 3 < 5``.

use super::setting::Setting;
use super::words::{Lang, Worded};
use crate::rule::{Legs, told};
use xmc_hotpath::message::{Ruling, UserRule};

/// The words, with the rule if it is known; if not, its number and the plain figures.
#[must_use]
pub fn words(rule: Option<&UserRule>, ruling: &Ruling, legs: Legs<'_>, lang: Lang) -> String {
    let label = if lang == Lang::Zh { "规则" } else { "rule" };
    let name = match rule {
        Some(rule) => format!("`{}`", rule.name()),
        None => (ruling.rule + 1).to_string(),
    };
    let action = ruling.action.word_in(lang);
    format!("{label} {name} {action}: {}", told(rule, ruling, legs, lang))
}

/// The same, with the rule that the configuration has in its place.
#[must_use]
pub fn of_setting(setting: &Setting, ruling: &Ruling, lang: Lang) -> String {
    let spread = setting.spreads.get(ruling.spread.0 as usize);
    let rule = spread.and_then(|spread| spread.rules.get(usize::from(ruling.rule)));
    let legs = spread.map(|spread| {
        let names = spread.legs.iter().map(|leg| setting.instruments.get(leg.instrument));
        names.map(|row| row.map_or(String::new(), |row| row.name.clone())).collect::<Vec<_>>()
    });
    words(rule, ruling, &legs.unwrap_or_default(), lang)
}
