//! An explanation for people, in English or Chinese: numbers first, words behind them, so that
//! columns stand in either language.

use super::State;
use super::example::Example;
use super::figures::{Explanation, LegFigures, Money, Product, Role, TermFigures};
use crate::config::decimal::show_e9;
use crate::config::rational::Rational;
use crate::monitor::words::Lang;
use std::io::{self, Write};
use xmc_hotpath::message::{Intent, Measure, RuleAction, RulePoint};

/// Digits after the point of what has no end.
const DIGITS: u32 = 12;

/// Writes the whole explanation.
pub fn explanation(
    of: &Explanation,
    (example, state): (&Example, &State),
    lang: Lang,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut text = Text { of, lang, out };
    text.formula()?;
    text.legs()?;
    text.constant()?;
    text.products()?;
    text.levels()?;
    text.rules()?;
    text.example(example)?;
    text.state(state)
}

struct Text<'t, W> {
    of: &'t Explanation,
    lang: Lang,
    out: &'t mut W,
}

impl<W: Write> Text<'_, W> {
    /// One of two wordings.
    fn say(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn heading(&mut self, en: &'static str, zh: &'static str) -> io::Result<()> {
        let heading = self.say(en, zh);
        writeln!(self.out, "\n{heading}")
    }

    fn formula(&mut self) -> io::Result<()> {
        let (name, unit) = (&self.of.name, &self.of.unit);
        writeln!(self.out, "{name} [{unit}]")?;
        let mut formula = String::new();
        for leg in self.of.legs.iter().filter(|leg| leg.shares.is_empty()) {
            formula.push_str(&factors(leg));
        }
        let (constant, _) = self.of.constant;
        if constant != Rational::ZERO {
            formula.push_str(&signed(constant));
        }
        writeln!(self.out, "  = {}", formula.trim_start())
    }

    fn legs(&mut self) -> io::Result<()> {
        self.heading("LEGS (when the spread is bought)", "各腿（买入价差时）")?;
        for leg in &self.of.legs {
            self.leg(leg)?;
        }
        Ok(())
    }

    fn leg(&mut self, leg: &LegFigures) -> io::Result<()> {
        let role = match leg.role {
            Role::Bought => self.say("bought", "买入"),
            Role::Sold => self.say("sold", "卖出"),
            Role::Prices => self.say("only prices", "只作价格"),
        };
        let LegFigures { name, symbol, mic, lots, .. } = leg;
        write!(self.out, "  {name} ({mic} {symbol}): {role}")?;
        match lots {
            0 => {}
            1 => write!(self.out, " {}", self.say("1 lot a unit", "每单位 1 手"))?,
            _ if self.lang == Lang::En => write!(self.out, " {lots} lots a unit")?,
            _ => write!(self.out, " 每单位 {lots} 手")?,
        }
        writeln!(self.out)?;
        let (multiplier, tick) = (shown(leg.multiplier), shown(leg.tick));
        let (unit, currency) = (&leg.quote_unit, &leg.currency);
        let (quoted, step, worth) = (
            self.say("quoted in", "报价单位"),
            self.say("tick", "最小变动"),
            self.say("a point of a lot is", "每手每点"),
        );
        writeln!(
            self.out,
            "      {quoted} {unit}; {step} {tick}; {worth} {multiplier} {currency}"
        )?;
        if leg.lean_lots > 0 {
            let (leans, lots) = (
                self.say("a price counts with so many lots behind it:", "最小依托量（手）："),
                leg.lean_lots,
            );
            writeln!(self.out, "      {leans} {lots}")?;
        }
        if let Some((per_lot, part)) = leg.fees {
            let (fees, a_lot, of_value) = (
                self.say("fees", "手续费"),
                self.say("a lot", "每手"),
                self.say("% of what is traded", "% 按成交额"),
            );
            let percent = part.times(Rational::whole(100)).map_or(String::new(), shown);
            let lot = format!("{} {currency} {a_lot}", shown(per_lot));
            writeln!(self.out, "      {fees} {lot} + {percent} {of_value}")?;
        }
        if leg.terms.is_empty() && leg.shares.is_empty() {
            let alone = self.say("as it is quoted, or as written", "按报价，或如配置所写");
            writeln!(self.out, "      {} {}   {alone}", times(), shown(leg.weight.magnitude()))?;
        }
        for term in &leg.terms {
            self.term(term)?;
        }
        for share in &leg.shares {
            let (scale, reference, other) = (signed(share.scale), &share.reference, &share.leg);
            let why = match self.lang {
                Lang::En => format!("what {other} is multiplied with, at its reference"),
                Lang::Zh => format!("{other} 的乘数，按其参考价"),
            };
            writeln!(self.out, "      {} {} {reference}   {why}", scale.trim(), times())?;
        }
        let weight = self.say("weight", "权重");
        writeln!(self.out, "      {weight} {}", signed(leg.weight).trim())?;
        let held = Rational::from_q32(leg.weight_q32);
        let off = held.minus(leg.weight).and_then(|off| off.show(18));
        let (hot, by) =
            (self.say("hot path, Q32", "热路径 Q32"), self.say("rounded by", "舍入误差"));
        let off = off.unwrap_or_default();
        writeln!(self.out, "      {hot} {} / 2^32, {by} {off}", leg.weight_q32)
    }

    fn term(&mut self, term: &TermFigures) -> io::Result<()> {
        let sign = if term.divides { "/" } else { times() };
        let name = match (self.lang, &term.name_zh) {
            (Lang::Zh, Some(name)) => name,
            _ => &term.name,
        };
        let product = term.product.map_or(String::new(), shown);
        write!(self.out, "      {sign} {:<14} = {product:<19} {name}", term.number)?;
        if let Some(other) = &term.price_of {
            let live = match self.lang {
                Lang::En => format!(": live price of {other}, here its reference"),
                Lang::Zh => format!("：{other} 的实时价格，此处为参考价"),
            };
            write!(self.out, "{live}")?;
        }
        writeln!(self.out)
    }

    fn constant(&mut self) -> io::Result<()> {
        self.heading("CONSTANT", "常数项")?;
        let (own, name) = &self.of.constant;
        let named = name.clone();
        let written = self.say("written", "配置所写");
        let none = self.say("none: no freight, premium or carry", "无：不含运费、升贴水、持有成本");
        match (*own == Rational::ZERO, named) {
            (true, _) => writeln!(self.out, "  {written} 0   {none}")?,
            (_, name) => {
                let name = name.unwrap_or_default();
                writeln!(self.out, "  {written} {}   {name}", signed(*own).trim())?;
            }
        }
        if !self.of.products.is_empty() {
            let linear = self.say("of the linear form", "线性化所得");
            let constant = signed(self.of.linear_constant);
            writeln!(self.out, "  {linear} {}", constant.trim())?;
        }
        Ok(())
    }

    fn products(&mut self) -> io::Result<()> {
        if self.of.products.is_empty() {
            return Ok(());
        }
        self.heading("PRODUCTS OF TWO PRICES, MADE LINEAR", "两个价格之积的线性化")?;
        for product in &self.of.products {
            self.product(product)?;
        }
        Ok(())
    }

    fn product(&mut self, product: &Product) -> io::Result<()> {
        let ([one, other], [p, q]) = (&product.legs, &product.references);
        let (taken, left, away) = (
            self.say("is taken for", "取为"),
            self.say("left out:", "略去："),
            self.say("1 % and 0.1 % away from the references:", "偏离参考价 1% 与 0.1% 时："),
        );
        let x = times();
        writeln!(
            self.out,
            "  {one} {x} {other}   {taken}   {q} {x} {one} + {p} {x} {other} - {p} {x} {q}"
        )?;
        writeln!(
            self.out,
            "  {left} {} {x} ({one} - {p}) {x} ({other} - {q})",
            signed(product.scale).trim()
        )?;
        let typical = product.typical().and_then(|of| of.show(6)).unwrap_or_default();
        writeln!(self.out, "  {away} {typical} {}", self.of.unit)
    }

    fn levels(&mut self) -> io::Result<()> {
        self.heading("LEVELS", "开平阈值")?;
        let measure = match self.of.measure {
            Measure::Difference => {
                self.say("of the difference, the value above", "按点差：即上式之值")
            }
            Measure::Ratio => self.say(
                "of the ratio: all that is added in the value, over all that is taken off",
                "按比值：上式各加项之和除以各减项之和",
            ),
        };
        let crossing = self.say(
            "at crossing prices: bought at the asks, sold at the bids, down to the size wanted",
            "均按对价：买取卖盘、卖取买盘，按所需手数逐档下探",
        );
        writeln!(self.out, "  {measure}\n  {crossing}")?;
        for level in &self.of.levels {
            let what = match level.key {
                "buy_open" => self.say("buy to open at or below", "不高于此值时买入开仓"),
                "buy_close" => self.say("sell to close at or above", "不低于此值时卖出平仓"),
                "sell_open" => self.say("sell to open at or above", "不低于此值时卖出开仓"),
                _ => self.say("buy to close at or below", "不高于此值时买入平仓"),
            };
            writeln!(self.out, "  {:<11} {:>10}   {what}", level.key, shown(level.value))?;
        }
        let (leave, hysteresis) = (
            self.say("left before it fires again", "再次触发前须离开的距离"),
            shown(self.of.hysteresis),
        );
        writeln!(self.out, "  {:<11} {hysteresis:>10}   {leave}", "hysteresis")?;
        for (key, hold_ms) in
            [("open_hold", self.of.holds_ms.0), ("close_hold", self.of.holds_ms.1)]
        {
            if hold_ms > 0 {
                let what = self.say(
                    "met for so long without a break before it fires",
                    "须不间断满足如此之久方触发",
                );
                let hold = format!("{hold_ms} ms");
                writeln!(self.out, "  {key:<11} {hold:>10}   {what}")?;
            }
        }
        let (clip, most) = self.of.units;
        match self.lang {
            Lang::En => writeln!(self.out, "  {clip} unit(s) a fire, at most {most}")?,
            Lang::Zh => writeln!(self.out, "  每次触发 {clip} 单位，至多 {most} 单位")?,
        }
        self.money()
    }

    fn rules(&mut self) -> io::Result<()> {
        if self.of.rules.is_empty() {
            return Ok(());
        }
        self.heading(
            "RULES OF THE USER (what cannot be reckoned counts as met)",
            "用户规则（无法计算者视为满足）",
        )?;
        for rule in &self.of.rules {
            let point = match rule.at {
                RulePoint::Quote => self.say("before quoting", "报价前"),
                RulePoint::Hedge => self.say("before hedging", "补单回退前"),
                RulePoint::After => self.say("after hedging", "结束后"),
            };
            let then = match rule.then {
                RuleAction::Alert => self.say("alert", "告警"),
                RuleAction::HoldBack => self.say("hold back", "拦截"),
                RuleAction::CloseOnly => self.say("close only", "只平不开"),
                RuleAction::CoolDown => self.say("cool down", "冷却"),
                RuleAction::Unwind => self.say("unwind", "回退"),
            };
            let (name, when, steps) = (&rule.name.value, &rule.when.value, rule.steps());
            let time = match rule.cool_down_ms {
                0 => String::new(),
                ms => format!(" {ms} ms"),
            };
            let of = self.say("steps", "步");
            writeln!(self.out, "  `{name}`   {point}: {when}\n      {then}{time}   {steps} {of}")?;
        }
        Ok(())
    }

    fn money(&mut self) -> io::Result<()> {
        self.heading(
            "MONEY (one point of the value, per unit of the spread)",
            "金额（价差每变动 1 点，每单位价差）",
        )?;
        for leg in &self.of.legs {
            let Some(money) = &leg.money else { continue };
            let Money { amount, currency, converted } = money;
            let amount = amount.show(6).unwrap_or_default();
            write!(self.out, "  {:<6} {amount} {currency}", leg.name)?;
            if let Some((amount, currency)) = converted {
                let amount = amount.show(6).unwrap_or_default();
                let at = self.say("at the reference", "按参考价");
                write!(self.out, " = {amount} {currency} {at}")?;
            }
            writeln!(self.out)?;
        }
        if let Some(mismatch) = self.of.mismatch() {
            let percent = mismatch.times(Rational::whole(100)).and_then(|of| of.show(3));
            let why = self.say("what whole lots miss each other by", "整手数造成的两腿差额");
            writeln!(self.out, "  {} %   {why}", percent.unwrap_or_default())?;
        }
        let first = self.of.legs.iter().find_map(|leg| leg.money.as_ref());
        let trips = [self.say("long", "多头"), self.say("short", "空头")];
        for (span, side) in self.of.spans().into_iter().zip(trips) {
            let (Some(span), Some(money), Measure::Difference) = (span, first, self.of.measure)
            else {
                continue;
            };
            let worth = span.times(money.amount).and_then(|of| of.show(2)).unwrap_or_default();
            let (span, currency) = (shown(span), &money.currency);
            let fees = match self.of.is_after_fees {
                true => self.say("after fees", "已扣手续费"),
                false => self.say("before fees", "未扣手续费"),
            };
            match self.lang {
                Lang::En => writeln!(
                    self.out,
                    "  {side} round trip: {span} points, {worth} {currency} a unit {fees}"
                )?,
                Lang::Zh => writeln!(
                    self.out,
                    "  {side}一个来回：{span} 点，每单位 {worth} {currency}（{fees}）"
                )?,
            }
        }
        let has_fees = self.of.legs.iter().any(|leg| leg.fees.is_some());
        let fees = match (has_fees, self.of.is_after_fees) {
            (false, _) => self.say(
                "fees: none in the configuration; the distance between levels has to carry them",
                "手续费：配置中没有；须由开平阈值之差承担",
            ),
            (true, false) => self.say(
                "fees: the levels are before them; the distance between has to carry them",
                "手续费：阈值未含；须由开平阈值之差承担",
            ),
            (true, true) => self.say(
                "fees: the levels are after them; buying costs them more, selling brings less",
                "手续费：阈值已含；买入加计，卖出扣减",
            ),
        };
        writeln!(self.out, "  {fees}")
    }

    fn example(&mut self, example: &Example) -> io::Result<()> {
        self.heading("EXAMPLE", "算例")?;
        let (given, reference) =
            (self.say("given", "给定"), self.say("reference or near it", "参考价或其附近"));
        for row in &example.rows {
            let from = if row.is_given { given } else { reference };
            let below = match row.price_e9 < 0 {
                true => self.say(", BELOW ZERO", "，低于零"),
                false => "",
            };
            writeln!(
                self.out,
                "  {:<5} {:>10} {} {:<20} = {:>22}   {from}{below}",
                row.leg,
                show_e9(row.price_e9),
                times(),
                shown(row.weight),
                shown(row.part),
            )?;
        }
        let constant = self.say("constant", "常数项");
        writeln!(self.out, "  {constant} {}", signed(example.constant).trim())?;
        if example.fees != Rational::ZERO {
            let fees = self.say("fees of buying one unit", "买入一单位的手续费");
            let counted = match self.of.is_after_fees {
                true => self.say("in the value", "计入"),
                false => self.say("not in the value: the levels are before fees", "不计入"),
            };
            let amount = example.fees.show(DIGITS).unwrap_or_default();
            writeln!(self.out, "  {fees} + {amount}   {counted}")?;
        }
        let (exact, hot, difference, not_linear) = (
            self.say("exactly, in fractions    ", "精确（分数运算）  "),
            self.say("by the evaluator, Q32    ", "热路径求值（Q32） "),
            self.say("difference               ", "差                "),
            self.say("with products not linear ", "不作线性化        "),
        );
        let digits = |value: Rational, digits| value.show(digits).unwrap_or_default();
        writeln!(self.out, "  {exact} {}", digits(example.exact, DIGITS))?;
        writeln!(self.out, "  {hot} {}", digits(example.hot, DIGITS))?;
        writeln!(self.out, "  {difference} {}", digits(example.difference, 18))?;
        if !self.of.products.is_empty() {
            writeln!(self.out, "  {not_linear} {}", digits(example.not_linear, DIGITS))?;
        }
        if let Some(ratio) = example.ratio {
            let name = self.say("the ratio                ", "比值              ");
            writeln!(self.out, "  {name} {}", digits(ratio, 9))?;
        }
        let intent = match example.intent {
            None => self.say("without a position: nothing is done", "无持仓时：不动作"),
            Some(Intent::OpenLong) => self.say("without a position: bought", "无持仓时：买入开仓"),
            Some(_) => self.say("without a position: sold", "无持仓时：卖出开仓"),
        };
        writeln!(self.out, "  {intent}")
    }
}

impl<W: Write> Text<'_, W> {
    /// The desk that has been told this configuration.
    fn state(&mut self, state: &State) -> io::Result<()> {
        self.heading("STATE (of a desk told this configuration)", "状态（载入本配置后的交易台）")?;
        let restored = if state.is_restored {
            self.say("restored from it, the same", "由快照恢复后一致")
        } else {
            self.say("restored from it, ANOTHER", "由快照恢复后不一致")
        };
        writeln!(self.out, "  SHA-256 {}\n  {restored}", state.hash)
    }
}

/// The sign of multiplication: `×` is ambiguous in width on Chinese terminals.
fn times() -> &'static str {
    "x"
}

/// ` - 2204.62262185 x 1.13 x cnh x hg`
fn factors(leg: &LegFigures) -> String {
    let sign = if leg.weight.is_negative() { '-' } else { '+' };
    let mut text = format!(" {sign} ");
    if leg.terms.is_empty() && leg.weight.magnitude() != Rational::ONE {
        text.push_str(&format!("{} {} ", shown(leg.weight.magnitude()), times()));
    }
    for term in leg.terms.iter().filter(|term| !term.divides) {
        let factor = term.price_of.as_ref().unwrap_or(&term.number);
        text.push_str(&format!("{factor} {} ", times()));
    }
    text.push_str(&leg.name);
    for term in leg.terms.iter().filter(|term| term.divides) {
        text.push_str(&format!(" / {}", term.number));
    }
    text
}

fn shown(number: Rational) -> String {
    number.show(DIGITS).unwrap_or_default()
}

/// ` + 5`, ` - 5`
fn signed(number: Rational) -> String {
    let sign = if number.is_negative() { '-' } else { '+' };
    format!(" {sign} {}", shown(number.magnitude()))
}
