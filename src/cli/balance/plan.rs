//! `xmc balance plan`: what meets inside, what that saves, what is left, and what is proposed.

use super::show::{ACCOUNT, CONTRACT, GROUP, STRATEGY, out_of_band};
use super::{Seen, Whose, ended, words};
use crate::audit::export::{Cell, Sheet};
use crate::balance::price::{NoPrice, Priced};
use crate::balance::proposal::{Approval, Proposal, Way};
use crate::cli::page::{Page, column, number, optional, plain, words as pair};
use crate::cli::{CliError, Exit, Report};
use crate::config::Rational;
use std::collections::{BTreeMap, BTreeSet};

/// Digits of prices that people see.
const PRICE_DIGITS: u8 = 4;

pub(super) fn run(args: &Whose, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let title = [
        "internal balancing: a calculation; nothing is sent, nothing is booked",
        "内部平衡方案（仅计算，不发送委托，不记账）",
    ];
    let (seen, mut page) = args.read("xmc.balance.plan", title)?;
    let sheets = [prices(&seen), matches(&seen), saved(&seen), left(&seen), proposals(&seen)];
    page.sheets = sheets.into();
    findings(&seen, &mut page);
    notes(&seen, &mut page);
    ended(page, &args.forms, out)
}

/// Contracts that are wanted by those who are shown, by name, each with its price.
fn priced(seen: &Seen) -> Vec<(usize, &Result<Priced, NoPrice>)> {
    let is_wanted = |contract: usize| {
        let mut wants = seen.plan.wants.wants.iter();
        wants.any(|want| want.contract == contract && seen.has(want.account))
    };
    let all = seen.plan.prices.iter().map(|(contract, priced)| (*contract, priced));
    let mut all: Vec<_> = all.filter(|(contract, _)| is_wanted(*contract)).collect();
    all.sort_by_key(|(contract, _)| &seen.book.contracts[*contract].of.name);
    all
}

fn prices(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        CONTRACT,
        column("policy", ["policy", "规则"]),
        column("policy_zh", ["policy", "规则"]),
        column("of", ["of", "参照"]),
        column("said", ["says", "计算值"]),
        column("price", ["price", "撮合价"]),
        column("held", ["by bid/ask", "盘口限定"]),
        column("held_zh", ["by bid/ask", "盘口限定"]),
        column("bid", ["bid", "买价"]),
        column("ask", ["ask", "卖价"]),
        column("currency", ["ccy", "币种"]),
        column("time", ["quote (UTC)", "行情时间（UTC）"]),
    ];
    let known = priced(seen).into_iter();
    let rows = known.filter_map(|(contract, priced)| Some((contract, priced.as_ref().ok()?)));
    let rows = rows.map(|(contract, priced)| {
        let of = &book.contracts[contract].of;
        let [policy, policy_zh] = pair(words::price(priced.by));
        let [held, held_zh] = pair(if priced.is_held { ["yes", "是"] } else { ["no", "否"] });
        let anchor = priced.anchor.unwrap_or(contract);
        vec![
            plain(&of.name),
            policy,
            policy_zh,
            plain(&book.contracts[anchor].of.name),
            number(priced.said, PRICE_DIGITS),
            number(priced.price, PRICE_DIGITS),
            held,
            held_zh,
            number(priced.quote.bid, PRICE_DIGITS),
            number(priced.quote.ask, PRICE_DIGITS),
            plain(&of.currency),
            plain(priced.quote.at.to_string()),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "prices", title: ["prices of matches", "撮合价"], columns, rows }
}

fn matches(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        column("number", ["no", "序号"]),
        GROUP,
        CONTRACT,
        column("buyer", ["buyer", "买方"]),
        column("buyer_account", ["account", "账户"]),
        column("seller", ["seller", "卖方"]),
        column("seller_account", ["account", "账户"]),
        column("lots", ["lots", "手数"]),
        column("price", ["price", "价格"]),
        column("fees", ["fees saved", "节省手续费"]),
        column("margin", ["margin saved", "节省保证金"]),
        column("currency", ["ccy", "币种"]),
    ];
    let own = seen.plan.matches.iter().filter(|row| seen.groups.contains(&row.group));
    let rows = (1..).zip(own).map(|(place, row)| {
        let of = &book.contracts[row.contract].of;
        let [buy, sell] = [row.buy, row.sell].map(|at| &seen.plan.wants.wants[at]);
        let account = |at: usize| plain(&book.accounts[at].name);
        vec![
            Cell::Int(place),
            plain(&book.groups[row.group].name),
            plain(&of.name),
            plain(&buy.name),
            account(buy.account),
            plain(&sell.name),
            account(sell.account),
            Cell::Int(row.lots),
            number(row.price, PRICE_DIGITS),
            number(row.fees, 2),
            number(row.margin, 2),
            plain(&of.currency),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "matches", title: ["matched inside", "内部撮合"], columns, rows }
}

/// Lots, fees and margin of a group in a currency.
type Sums = (i64, Option<Rational>, Option<Rational>);

fn saved(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        GROUP,
        column("lots", ["lots matched", "撮合手数"]),
        column("fees", ["fees saved", "节省手续费"]),
        column("margin", ["margin saved", "节省保证金"]),
        column("currency", ["ccy", "币种"]),
    ];
    let mut sums: BTreeMap<(&str, &str), Sums> = BTreeMap::new();
    for row in seen.plan.matches.iter().filter(|row| seen.groups.contains(&row.group)) {
        let currency = book.contracts[row.contract].of.currency.as_str();
        let zero = (0, Some(Rational::ZERO), Some(Rational::ZERO));
        let sum = sums.entry((&book.groups[row.group].name, currency)).or_insert(zero);
        let add = |sum: Option<Rational>, part| sum.and_then(|sum| sum.plus(part));
        *sum = (sum.0 + row.lots, add(sum.1, row.fees), add(sum.2, row.margin));
    }
    let rows = sums.into_iter().map(|((group, currency), (lots, fees, margin))| {
        let money = [optional(fees, 2), optional(margin, 2), plain(currency)];
        [plain(group), Cell::Int(lots)].into_iter().chain(money).collect()
    });
    let rows = rows.collect();
    Sheet { name: "saved", title: ["saved", "合计节省"], columns, rows }
}

fn left(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        GROUP,
        column("need", ["need", "需求"]),
        STRATEGY,
        ACCOUNT,
        CONTRACT,
        column("side", ["side", "买卖"]),
        column("side_zh", ["side", "买卖"]),
        column("urgency", ["urgency", "紧急度"]),
        column("wanted", ["wanted", "需求手数"]),
        column("cut", ["over capacity", "超容量"]),
        column("matched", ["matched", "已撮合"]),
        column("left", ["left", "剩余"]),
    ];
    let wants = seen.plan.wants.wants.iter().zip(&seen.plan.left);
    let rows = wants.filter(|(want, _)| seen.has(want.account)).map(|(want, left)| {
        let [side, side_zh] = pair(words::side(want.lots));
        vec![
            plain(seen.group(want.account)),
            plain(&want.name),
            plain(&book.strategies[want.strategy]),
            plain(&book.accounts[want.account].name),
            plain(&book.contracts[want.contract].of.name),
            side,
            side_zh,
            Cell::Int(want.urgency.into()),
            Cell::Int(want.lots.abs()),
            Cell::Int((want.lots - want.admitted).abs()),
            Cell::Int((want.admitted - left).abs()),
            Cell::Int(left.abs()),
        ]
    });
    let rows = rows.collect();
    Sheet { name: "wants", title: ["wanted, matched, left", "需求与剩余"], columns, rows }
}

fn proposals(seen: &Seen) -> Sheet {
    let book = &seen.book;
    let columns = vec![
        column("number", ["no", "序号"]),
        column("id", ["id", "编号"]),
        GROUP,
        column("need", ["for", "需求"]),
        column("way", ["how", "方式"]),
        column("way_zh", ["how", "方式"]),
        column("against", ["against", "对手需求"]),
        ACCOUNT,
        column("venue", ["venue", "交易所"]),
        CONTRACT,
        column("side", ["side", "买卖"]),
        column("side_zh", ["side", "买卖"]),
        column("lots", ["lots", "手数"]),
        column("price", ["price", "参考价"]),
        column("crossing", ["crossing", "价差成本"]),
        column("fees", ["fees", "手续费"]),
        column("basis", ["basis", "基差变动"]),
        column("carry", ["carry", "持有成本"]),
        column("cost", ["cost", "成本"]),
        column("alone", ["own contract", "原合约成本"]),
        column("approval", ["approval", "批准"]),
        column("approval_zh", ["approval", "批准"]),
    ];
    let wants = &seen.plan.wants.wants;
    let own = seen.plan.proposals.iter().filter(|row| seen.groups.contains(&row.group));
    let rows = (1..).zip(own).map(|(place, row)| {
        let [way, way_zh] = pair(words::way(row.way));
        let [side, side_zh] = pair(words::side(row.lots));
        let [approval, approval_zh] = pair(words::approval(row.approval));
        let against = match row.way {
            Way::Offset(other) => plain(&wants[other].name),
            Way::Market | Way::Elsewhere => Cell::None,
        };
        let cost = row.cost;
        vec![
            Cell::Int(place),
            plain(&row.id),
            plain(&book.groups[row.group].name),
            plain(&wants[row.want].name),
            way,
            way_zh,
            against,
            plain(&book.accounts[row.account].name),
            plain(&book.contracts[row.contract].venue),
            plain(&book.contracts[row.contract].of.name),
            side,
            side_zh,
            Cell::Int(row.lots.abs()),
            number(row.price, PRICE_DIGITS),
            number(cost.crossing, 2),
            number(cost.fees, 2),
            number(cost.basis, 2),
            number(cost.carry, 2),
            number(cost.total, 2),
            optional(row.alone, 2),
            approval,
            approval_zh,
        ]
    });
    let rows = rows.collect();
    Sheet {
        name: "proposals", title: ["proposals for the rest", "剩余部分建议"], columns, rows
    }
}

fn findings(seen: &Seen, page: &mut Page) {
    let book = &seen.book;
    out_of_band(seen, page);
    for (contract, priced) in priced(seen) {
        if let Err(why) = priced {
            page.findings.push(words::no_price(book, contract, *why));
        }
    }
    let wants = seen.plan.wants.wants.iter().filter(|want| seen.has(want.account));
    unpriced_instead(seen, page);
    for want in wants.clone().filter(|want| want.is_late(book)) {
        let contract = &book.contracts[want.contract].of;
        let (name, day) = (&contract.name, contract.roll_day());
        page.findings.push([
            format!("{}: {name} is rolled from {day} on: nothing that opens is matched", want.name),
            format!("{}：{name} 自 {day} 起移仓，开仓不撮合", want.name),
        ]);
    }
    for want in wants {
        let cut = (want.lots - want.admitted).abs();
        if cut > 0 {
            let account = &book.accounts[want.account].name;
            page.findings.push([
                format!("{}: {cut} lots are more than {account} may hold", want.name),
                format!("{}：{cut} 手超出账户 {account} 容量", want.name),
            ]);
        }
    }
    let own = seen.plan.proposals.iter().filter(|row| seen.groups.contains(&row.group));
    for row in own.clone() {
        let name = &seen.plan.wants.wants[row.want].name;
        let contract = &book.contracts[row.contract].of.name;
        let both = match row.approval {
            Approval::ByRule => continue,
            Approval::Person => [
                format!("{name}: {} waits for an approval", row.id),
                format!("{name}：{}（{contract}）待人工批准", row.id),
            ],
            Approval::Held => [
                format!("{name}: {} is held back: it could meet an order of its own side", row.id),
                format!("{name}：{}（{contract}）暂缓，避免自成交", row.id),
            ],
        };
        page.findings.push(both);
    }
    for (at, want) in seen.plan.wants.wants.iter().enumerate() {
        let taken = own.clone().map(|row| match row.way {
            Way::Offset(other) if other == at => row.lots.abs(),
            _ if row.want == at => row.stands_for,
            _ => 0,
        });
        let rest = seen.plan.left[at].abs() - taken.sum::<i64>();
        if seen.has(want.account) && rest > 0 {
            page.findings.push([
                format!("{}: nothing can be proposed for {rest} lots of it", want.name),
                format!("{}：{rest} 手没有可行建议", want.name),
            ]);
        }
    }
}

/// Contracts that would be taken instead of what is left, and have no price.
fn unpriced_instead(seen: &Seen, page: &mut Page) {
    let book = &seen.book;
    for (want, left) in seen.plan.wants.wants.iter().zip(&seen.plan.left) {
        if *left == 0 || !seen.has(want.account) {
            continue;
        }
        for other in &want.instead {
            if let Some(Err(why)) = seen.plan.prices.get(other) {
                let [en, zh] = words::no_price(book, *other, *why);
                let name = &want.name;
                page.findings
                    .push([format!("{name}, instead: {en}"), format!("{name}，替代：{zh}")]);
            }
        }
    }
}

fn notes(seen: &Seen, page: &mut Page) {
    page.notes.push([
        "matched: the most lots, then the most urgency, then the most saved, then by name. One \
         price for all matches of a contract: what the policy says, to the nearest tick, halves to \
         the even one, held to bid and ask. margin saved: of sides that would open, less that of \
         sides that would close; each side by itself. Between two accounts nothing moves at a \
         broker: that is settled between them"
            .to_owned(),
        "撮合次序：手数最多、紧急度最高、节省最多、名称。同一合约一个价格：按规则取值，四舍六入五成双至\
         最小变动价位，并限于买卖价之间。节省保证金：开仓方减去平仓方，双边各计。跨账户撮合不改变经纪商处\
         持仓，由内部结算"
            .to_owned(),
    ]);
    page.notes.push([
        format!(
            "proposals, money in {}: crossing is half of bid to ask and expected slippage; basis \
             is what it is expected to move. What another contract leaves open in its currency is \
             not in it (xmc hedge). An id stands for contract, lots, price and cost: another \
             market, another id. Whoever approves enters the order himself",
            seen.book.currency
        ),
        format!(
            "建议以 {} 计：价差成本为半个买卖价差加预期滑点；基差为预期不利变动；不含汇率敞口（见 xmc \
             hedge）。编号对应合约、手数、价格与成本，行情变则编号变。批准后由人工报单",
            seen.book.currency
        ),
    ]);
    let groups = &seen.groups;
    let is_person = |row: &&Proposal| row.approval == Approval::Person;
    let own = seen.plan.proposals.iter().filter(|row| groups.contains(&row.group));
    let products = own.filter(is_person).map(|row| seen.book.contracts[row.contract].of.product);
    let products: BTreeSet<usize> = products.collect();
    let named = seen.book.policies.iter().filter(|row| products.contains(&row.product));
    let mut named: Vec<_> = named.map(|row| (&seen.book.products[row.product].name, row)).collect();
    named.sort_by_key(|(name, _)| *name);
    for (name, policy) in named {
        page.notes.push([
            format!("{name}: what needs approval is for {}", policy.approver),
            format!("{name}：待批准项由 {} 批准", policy.approver),
        ]);
    }
}
