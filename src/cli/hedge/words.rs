//! Words of hedges for people, in English and Chinese.

use super::both;
use crate::cli::page::{Both, said};
use crate::hedge::Book;
use crate::hedge::book::Held;
use crate::hedge::plan::{Effect, Finding, Term, Why};
use crate::hedge::roll::OverStep;
use jiff::civil::Date;

pub(super) fn contract(book: &Book, held: Held) -> &str {
    match held {
        Held::Product(place) => &book.contracts[place].name,
        Held::Fx(place) => &book.fx_contracts[place].name,
    }
}

pub(super) const fn effect(effect: Effect) -> [&'static str; 2] {
    match effect {
        Effect::Open => ["open", "开仓"],
        Effect::Close => ["close", "平仓"],
    }
}

pub(super) const fn side(lots: i64) -> [&'static str; 2] {
    if lots < 0 { ["sell", "卖出"] } else { ["buy", "买入"] }
}

pub(super) const fn why(why: Why) -> [&'static str; 2] {
    match why {
        Why::Hedge => ["hedge", "套保"],
        Why::Reduce => ["reduce", "减仓"],
        Why::Roll => ["roll", "展期"],
        Why::Fx => ["fx", "汇率"],
    }
}

pub(super) const fn term(term: Term) -> [&'static str; 2] {
    match term {
        Term::Fees => ["fees", "手续费"],
        Term::Slippage => ["slippage", "滑点"],
        Term::Carry => ["carry", "持有成本"],
        Term::FxFees => ["fx fees", "汇率手续费"],
        Term::FxSlippage => ["fx slippage", "汇率滑点"],
    }
}

/// A step of a limit that would be passed.
pub(super) fn step(client: &str, name: &str, today: Date, over: OverStep) -> Both {
    let OverStep { lots, most, from } = over;
    if from <= today {
        return both(
            format!(
                "{client}: {lots} lots of {name} would be held in one direction, and may be \
                 {most}: move fewer there, or into another month"
            ),
            format!("{client}：{name} 单边将持 {lots} 手，限仓 {most} 手：请减少或改用其他月份"),
        );
    }
    both(
        format!(
            "{client}: {lots} lots of {name} would be held in one direction, and from {from} on \
             {most} may be: the window before has begun, so they had to be moved again: move \
             fewer there, or into another month"
        ),
        format!(
            "{client}：{name} 单边将持 {lots} 手，自 {from} 起限仓 {most} 手且已进入移仓窗口，\
             将需再次移仓：请减少或改用其他月份"
        ),
    )
}

pub(super) fn finding(book: &Book, found: &Finding) -> Both {
    let client = &book.clients[0].name;
    let product = |place: usize| &book.products[place];
    match found {
        Finding::Unhedged { product: at, open, most, .. } => {
            let (name, unit) = (&product(*at).name, product(*at).unit.word());
            let (open, most) = (said(*open, 3), said(*most, 3));
            both(
                format!("{client}: {open} {unit} of {name} are without a hedge, and may be {most}"),
                format!("{client}：{name} 未套保敞口 {open} {unit}，上限 {most}"),
            )
        }
        Finding::Lots { product: at, lots, most, held_back, .. } => {
            let name = &product(*at).name;
            both(
                format!(
                    "{client}: {lots} lots of {name} are held, and may be {most}; {held_back} more \
                     that are wanted are left out"
                ),
                format!(
                    "{client}：{name} 持仓 {lots} 手，上限 {most}；另有 {held_back} 手未列入方案"
                ),
            )
        }
        Finding::NoPolicy { product: at, .. } => {
            let name = &product(*at).name;
            both(
                format!(
                    "{client}: goods of {name} move with the market, and no policy hedges them"
                ),
                format!("{client}：{name} 有敞口而无套保方案"),
            )
        }
        Finding::NoContract { policy } => {
            let name = &product(book.policies[*policy].product).name;
            both(
                format!("{client}: no contract of the policy for {name} can be opened any more"),
                format!("{client}：{name} 方案中没有可开仓的合约"),
            )
        }
        Finding::Over { policy, over } => {
            let product = product(book.policies[*policy].product);
            let (name, unit, over) = (&product.name, product.unit.word(), said(*over, 3));
            both(
                format!(
                    "{client}: hedges of {name} are {over} {unit} more than wanted, and no whole \
                     lots of futures (min_lots) can be closed for it: look at options and min_lots"
                ),
                format!(
                    "{client}：{name} 套保超出目标 {over} {unit}，无可平整手期货：\
                     请检查期权与 min_lots"
                ),
            )
        }
        Finding::NoFxContract { currency, .. } => both(
            format!(
                "{client}: no future on {currency} can be opened any more: write an \
                 [[fx_contract]] of a later month"
            ),
            format!("{client}：没有可开仓的 {currency} 汇率期货：请写入更远月份的 [[fx_contract]]"),
        ),
        Finding::NoAccount { contract: of, .. } => {
            let name = contract(book, *of);
            both(
                format!("{client}: has no account on the side of the border that {name} is on"),
                format!("{client}：没有可交易 {name} 的账户"),
            )
        }
        Finding::Step { contract: at, over, .. } => {
            step(client, &book.contracts[*at].name, book.date, *over)
        }
        Finding::Currency { currency, open, most, .. } => {
            let open = said(*open, 0);
            match most {
                Some(most) => {
                    let most = said(*most, 0);
                    both(
                        format!("{client}: {open} {currency} stay open, and may be {most}"),
                        format!("{client}：{currency} 敞口 {open}，上限 {most}"),
                    )
                }
                None => both(
                    format!("{client}: {open} {currency} are open, and no limit is written for it"),
                    format!("{client}：{currency} 敞口 {open}，未设限额"),
                ),
            }
        }
    }
}
