//! What a person reads of the money that orders use: a line for each change, and how it ended.

use crate::cli::Report;
use crate::engine::capital::{AccountFigures, Doubt, Figures, Transfer, Unmet, percent};
use crate::monitor::words::Lang;
use std::io::{self, Write};

/// A line for each thing that has changed.
pub fn changes(before: Option<&Figures>, now: &Figures, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    if before.is_some_and(|before| before.books != now.books) {
        lines.push(match lang {
            Lang::En => format!("a new book is in use, of {}", now.book_at),
            Lang::Zh => format!("启用新账册, 时点 {}", now.book_at),
        });
    }
    for (at, account) in now.accounts.iter().enumerate() {
        let known = before.and_then(|before| before.accounts.get(at));
        let stage = known.map(|known| known.stage).unwrap_or_default();
        if stage != account.stage {
            lines.push(standing(account, lang));
        }
    }
    let last = before.and_then(|before| before.transfers.back()).map_or(0, |row| row.number);
    let new = now.transfers.iter().filter(|row| row.number > last);
    lines.extend(new.map(|row| transfer(row, lang)));
    let last = before.and_then(|before| before.unmet.back()).map_or(0, |row| row.number);
    lines.extend(now.unmet.iter().filter(|row| row.number > last).map(|row| {
        let Unmet { account, currency, amount, .. } = row;
        match lang {
            Lang::En => format!("no route brings {amount} {currency} to {account}"),
            Lang::Zh => format!("无路径可为 {account} 调入 {amount} {currency}"),
        }
    }));
    let known = before.map_or(&[][..], |before| &before.doubts);
    let is_new = |doubt: &&Doubt| !known.contains(doubt);
    lines.extend(now.doubts.iter().filter(is_new).map(|row| doubt(row, lang)));
    let refused = before.and_then(|before| before.refused.as_ref());
    if let Some(why) = now.refused.as_ref().filter(|why| refused != Some(*why)) {
        lines.push(match lang {
            Lang::En => format!("a new book was refused: {why}"),
            Lang::Zh => format!("新账册被拒: {why}"),
        });
    }
    lines
}

/// How an account stands, in a few words.
fn standing(account: &AccountFigures, lang: Lang) -> String {
    let AccountFigures { account: name, currency, equity, margin, stage, .. } = account;
    let used = account.utilisation.map_or("> 100".to_owned(), |used| percent(used).to_string());
    let [english, chinese] = stage.title();
    match lang {
        Lang::En => format!("{name} {english}, {used} % used: {margin} of {equity} {currency}"),
        Lang::Zh => {
            format!("{name} {chinese}, 占用 {used}%: 保证金 {margin} / 权益 {equity} {currency}")
        }
    }
}

fn transfer(row: &Transfer, lang: Lang) -> String {
    let Transfer { from, to, amount, currency, approver, .. } = row;
    let arrives = row.arrives.strftime("%m-%d %H:%M UTC");
    match lang {
        Lang::En => {
            let kind = if row.is_transfer { "transfer" } else { "top up" };
            let late = if row.is_late { ", LATE" } else { "" };
            format!(
                "{kind} {amount} {currency} from {from} to {to}, approver {approver}, there \
                 {arrives}{late}"
            )
        }
        Lang::Zh => {
            let kind = if row.is_transfer { "调拨" } else { "补仓" };
            let late = if row.is_late { " (来不及)" } else { "" };
            format!(
                "{kind} {amount} {currency}: {from} -> {to}, 审批 {approver}, 到账 {arrives}{late}"
            )
        }
    }
}

fn doubt(row: &Doubt, lang: Lang) -> String {
    let text = match (row, lang) {
        (Doubt::BookOld, Lang::En) => "the book is too old".to_owned(),
        (Doubt::BookOld, Lang::Zh) => "账册过旧".to_owned(),
        (Doubt::RateOld { currency }, Lang::En) => format!("the rate of {currency} is too old"),
        (Doubt::RateOld { currency }, Lang::Zh) => format!("{currency} 汇率过旧"),
        (Doubt::Unmatched { account, contract }, Lang::En) => {
            format!("{contract} was closed in {account}, whose book has no such lots")
        }
        (Doubt::Unmatched { account, contract }, Lang::Zh) => {
            format!("{account} 平了账册中没有的 {contract}")
        }
        (Doubt::PriceOutside { contract, lowest, highest }, Lang::En) => format!(
            "{contract} trades outside {} to {}, which the terms believe: marks stand still; widen \
             `price_band` or set `price`",
            lowest.normalize(),
            highest.normalize()
        ),
        (Doubt::PriceOutside { contract, lowest, highest }, Lang::Zh) => format!(
            "{contract} 价格超出条款可信区间 {} 至 {}, 估值停在最后可信价: 请放宽 price_band 或改 price",
            lowest.normalize(),
            highest.normalize()
        ),
        (Doubt::NotFollowed, Lang::En) => "the record cannot be followed".to_owned(),
        (Doubt::NotFollowed, Lang::Zh) => "无法跟读留痕".to_owned(),
        (Doubt::Unexplained, Lang::En) => "something was traded that nobody can explain".to_owned(),
        (Doubt::Unexplained, Lang::Zh) => "有无法解释的成交".to_owned(),
    };
    match lang {
        Lang::En => format!("NOT KNOWN, pairs close only: {text}"),
        Lang::Zh => format!("数据不可靠, 只平不开: {text}"),
    }
}

/// How it stood at the end.
///
/// # Errors
/// What the output says.
pub fn write(figures: &Figures, lang: Lang, out: &mut Report<'_>) -> io::Result<()> {
    let say = |en, zh| if lang == Lang::Zh { zh } else { en };
    let sample = if figures.is_sample { say(" (SAMPLE figures)", " (样例数据)") } else { "" };
    writeln!(out, "\n{}{sample}", say("Capital", "资金"))?;
    for account in &figures.accounts {
        writeln!(out, "  {}", standing(account, lang))?;
    }
    for row in &figures.doubts {
        writeln!(out, "  {}", doubt(row, lang))?;
    }
    let slowest = figures.slowest_action_us.map(|us| us as f64 / 1e3);
    let (looks, actions) = (figures.looks, figures.actions);
    let look_ms = figures.slowest_look_us as f64 / 1e3;
    match lang {
        Lang::En => write!(out, "  reckoned {looks} times, {look_ms:.1} ms at most")?,
        Lang::Zh => write!(out, "  核算 {looks} 次, 最长 {look_ms:.1} ms")?,
    }
    match (slowest, lang) {
        (None, Lang::En) => writeln!(out, "; nothing had to be done"),
        (None, Lang::Zh) => writeln!(out, "; 无需处置"),
        (Some(ms), Lang::En) => {
            writeln!(out, "; {actions} commands, {ms:.1} ms at most from what crossed a level")
        }
        (Some(ms), Lang::Zh) => writeln!(out, "; 指令 {actions} 条, 越线到生效最长 {ms:.1} ms"),
    }
}
