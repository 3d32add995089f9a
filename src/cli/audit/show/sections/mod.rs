//! The page of a story, section by section: seen, worth, gates, orders, result, where it lies.

mod gates;
mod result;
mod times;
mod worth;

use super::page::{CELLS, Line, heading};
use crate::audit::labels::Labels;
use crate::audit::story::{Led, Leg, Story, Told};
use crate::cli::report::Utc;
use crate::monitor::number;
use crate::monitor::ruling::words;
use crate::monitor::words::{Lang, Worded};
use std::io::{self, Write};
use std::path::Path;
use xmc_hotpath::message::{Gate, Intent, Ruling};
use xmc_hotpath::price::{NO_ASK_E9, NO_BID_E9};
use xmc_hotpath::spread::takes_asks;
use xmc_hotpath::time::{MonoNs, Span};

/// Writes the page.
pub fn write(
    story: &Story,
    labels: &Labels,
    lang: Lang,
    path: &Path,
    out: &mut impl Write,
) -> io::Result<()> {
    let page = Page { story, labels, lang };
    page.head(out)?;
    page.seen(out)?;
    worth::write(&page, out)?;
    gates::write(&page, out)?;
    times::write(&page, out)?;
    result::write(&page, out)?;
    page.proof(path, out)
}

struct Page<'p> {
    story: &'p Story,
    labels: &'p Labels,
    lang: Lang,
}

impl Page<'_> {
    /// One of two wordings.
    fn say<'s>(&self, en: &'s str, zh: &'s str) -> &'s str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// What a rule of the spread is called; its number if nobody knows.
    fn rule_name(&self, place: u8) -> String {
        let rule = self.story.rule(place);
        rule.map_or_else(|| (place + 1).to_string(), |rule| rule.name().to_owned())
    }

    /// What a rule has decided.
    fn ruled(&self, told: &Told<Ruling>, out: &mut impl Write) -> io::Result<()> {
        let rule = self.story.rule(told.what.rule);
        let names = self.story.leg_names(self.labels);
        let line = Line::indent(1).then(&words(rule, &told.what, &names, self.lang));
        writeln!(out, "{}", line.at_edge(&self.date(told.now)).end())
    }

    fn leg_name(&self, leg: &Leg) -> String {
        self.labels.instrument(leg.spec.instrument)
    }

    fn intent(&self) -> Option<Intent> {
        let decided = self.story.decision.map(|told| told.what.intent);
        decided.or(self.story.trigger.map(|trigger| trigger.intent))
    }

    fn date(&self, moment: MonoNs) -> String {
        let date = self.story.scale.date(moment);
        date.map_or_else(|| "-".to_owned(), |utc| Utc(utc.0).to_string())
    }

    fn head(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { story, labels, lang } = self;
        let units = story.decision.map_or(0, |told| told.what.units);
        let what = self.intent().map_or("-", |intent| intent.word_in(*lang));
        let unit = self.say(if units == 1 { "unit" } else { "units" }, "份");
        let title = format!("{}   {what} {units} {unit}", labels.spread(story.spec.spread));
        writeln!(out, "{}", "=".repeat(CELLS))?;
        writeln!(out, "{}", Line::indent(1).then(&title).at_edge(self.outcome().as_str()).end())?;
        let (who, input) = (story.start.identity, number::count(story.cause.place.0));
        let (site, desk, run) = (who.site.0, who.desk.0, who.run);
        let place = match *lang {
            Lang::En => format!("site {site}, desk {desk}, run {run}, input {input}"),
            Lang::Zh => format!("站点 {site}, 席位 {desk}, 第 {run} 次运行, 输入 {input}"),
        };
        let line = Line::indent(1).then(&self.date(story.cause.now)).at_edge(&place);
        writeln!(out, "{}", line.end())?;
        let whose = format!(
            "{} {}   {} {}   {} {}",
            self.say("project", "项目"),
            labels.project(story.spec.project),
            self.say("strategy", "策略"),
            labels.strategy(story.spec.strategy),
            self.say("account", "账户"),
            labels.account(story.spec.account)
        );
        let digest = story.start.config_digest.iter().take(4).map(|byte| format!("{byte:02x}"));
        let digest: String = digest.collect();
        let kept = match &labels.configuration {
            Some(_) => self.say("kept, as recorded", "已留存, 摘要一致"),
            None => self.say("not kept beside the record", "未随记录留存"),
        };
        let configuration = format!("{} {digest}: {kept}", self.say("configuration", "配置"));
        writeln!(out, "{}", Line::indent(1).then(&whose).at_edge(&configuration).end())?;
        writeln!(out, "{}", "=".repeat(CELLS))
    }

    /// In a few words, how it went.
    fn outcome(&self) -> String {
        let gate = self.story.decision.map(|told| told.what.gate);
        if let Some(gate) = gate
            && gate != Gate::Passed
        {
            let held = self.say("HELD BACK", "被拦截");
            return format!("{held}: {}", gate.word_in(self.lang));
        }
        let ending = self.story.ending.map(|told| (told.what.is_aligned, told.what.done_units));
        match ending {
            Some((true, 0)) => self.say("FIRED, NOTHING FILLED", "已触发, 未成交"),
            Some((true, _)) => self.say("FIRED, FILLED, IN RATIO", "已触发, 已成交, 比例一致"),
            Some((false, _)) => self.say("FIRED, LEGS OUT OF RATIO", "已触发, 比例不齐"),
            None => self.say("FIRED, NOT ENDED IN THIS RECORD", "已触发, 记录中未了结"),
        }
        .to_owned()
    }

    fn seen(&self, out: &mut impl Write) -> io::Result<()> {
        let title = self.say("SEEN: the books that it was decided on", "所见: 决策所依据的盘口");
        writeln!(out, "{}", heading(1, title))?;
        let line = Line::indent(1)
            .left(self.say("leg", "腿"), 9)
            .left(self.say("market", "市场"), 8)
            .left(self.say("feed", "行情"), 6)
            .right(self.say("packet", "包序号"), 9)
            .right(self.say("age", "时延"), 9)
            .right(self.say("bid x lots", "买价 x 量"), 18)
            .right(self.say("ask x lots", "卖价 x 量"), 18)
            .at_edge(self.say("the venue's time", "交易所时间"));
        writeln!(out, "{}", line.end())?;
        for leg in &self.story.legs {
            self.book(leg, out)?;
        }
        let note = self.say(
            " [ ] the side that this trade takes      * the quote that it was decided on",
            " [ ] 本次所吃的一边      * 触发决策的行情",
        );
        writeln!(out, "{note}")
    }

    fn book(&self, leg: &Leg, out: &mut impl Write) -> io::Result<()> {
        let name = self.leg_name(leg);
        let Some(told) = leg.quote else {
            let none = self.say("no quote", "无行情");
            return writeln!(out, "{}", Line::indent(1).left(&name, 9).then(none).end());
        };
        let quote = told.what;
        let index = leg.spec.instrument;
        let is_buy = self.intent().is_some_and(Intent::is_buy);
        let takes_ask = takes_asks(&leg.spec, is_buy);
        let side = |price_e9: i64, lots: u32, taken: u32, is_taken: bool| {
            if price_e9 == NO_BID_E9 || price_e9 == NO_ASK_E9 {
                return "- ".to_owned();
            }
            let taken = if taken > 0 { format!("-{taken}") } else { String::new() };
            let text = format!("{} x {lots}{taken}", self.labels.price(index, price_e9));
            if is_taken { format!("[{text}]") } else { format!("{text} ") }
        };
        let (bids, asks) = (&quote.bids, &quote.asks);
        let bid = side(bids.best_e9(), bids.best_lots(), leg.taken_bid_lots, !takes_ask);
        let ask = side(asks.best_e9(), asks.best_lots(), leg.taken_ask_lots, takes_ask);
        let age = number::span(self.story.cause.now.since(quote.received));
        let caused = told.place.0 == self.story.cause.place.0;
        let line = Line::indent(1)
            .left(&name, 9)
            .left(&self.labels.venue(index), 8)
            .left(&self.labels.stream(quote.stream), 6)
            .right(&number::count(quote.packet_seq_no.into()), 9)
            .right(&age, 9)
            .right(&bid, 18)
            .right(&ask, 18)
            .then(if caused { "*" } else { "" })
            .at_edge(&time_of(quote.exchange.0));
        writeln!(out, "{}", line.end())
    }

    fn proof(&self, path: &Path, out: &mut impl Write) -> io::Result<()> {
        let story = self.story;
        let title = self.say("WHERE IT LIES, AND THAT IT FOLLOWS", "出处与重演");
        writeln!(out, "{}", heading(6, title))?;
        for block in &story.blocks {
            let hash: String = block.hash.iter().map(|byte| format!("{byte:02x}")).collect();
            let place = format!("{:08} @{}", block.segment, block.offset);
            let records = format!("{} {}", block.records, self.say("records", "条"));
            let line = Line::indent(1).left(&place, 22).left(&records, 12).then(&hash);
            writeln!(out, "{}", line.end())?;
        }
        writeln!(out, " {}", self.led())?;
        if let Some((file, damage)) = &story.damage {
            let label = self.say("DAMAGED, read only up to there", "已损坏, 仅读至此处");
            writeln!(out, " {label}: {}: {damage}", file.display())?;
        }
        writeln!(out, " xmc audit verify {}", path.display())
    }

    fn led(&self) -> String {
        match (&self.story.led, self.lang) {
            (Led::Agrees, _) => self
                .say(
                    "A desk of the same logic, led through the record to this input, meets the \
                     same trigger,\n and every gate says the same.",
                    "用同一逻辑从头重演记录至此输入: 触发相同, 各项风控结论相同。",
                )
                .to_owned(),
            (Led::Differs(what), Lang::En) => {
                format!("THIS DOES NOT FOLLOW FROM THE RECORD: {what}. Run xmc replay --verify.")
            }
            (Led::Differs(what), Lang::Zh) => {
                format!("与重演结果不符: {what}。请运行 xmc replay --verify。")
            }
            (Led::MetBefore, _) => self
                .say(
                    "The same input had lots of this pair met inside first, which ended the fire \
                     that it had:\n gates are shown as they stood before that.",
                    "同一输入中本套利对先有内部撮合, 原批次因此结束: 各项风控按撮合之前显示。",
                )
                .to_owned(),
            (Led::OtherLogic(version), Lang::En) => {
                format!("Made by logic version {version}, which this program does not have.")
            }
            (Led::OtherLogic(version), Lang::Zh) => {
                format!("记录出自逻辑版本 {version}, 本程序没有该版本。")
            }
        }
    }
}

/// The time of day in UTC, to the microsecond: `08:42:13.123456`; nothing of an unknown one.
fn time_of(utc_ns: u64) -> String {
    if utc_ns == 0 {
        return String::new();
    }
    let text = Utc(utc_ns).to_string();
    text.get(11..26).unwrap_or_default().to_owned()
}

/// A moment against another: `+60.2 us`.
fn offset(from: MonoNs, to: MonoNs) -> String {
    if to >= from {
        format!("+{}", number::span(to.since(from)))
    } else {
        format!("-{}", number::span(Span(from.0 - to.0)))
    }
}
