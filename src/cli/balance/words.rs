//! Words of balancing for people, in English and Chinese.

use crate::balance::Book;
use crate::balance::book::PriceKind;
use crate::balance::price::NoPrice;
use crate::balance::proposal::{Approval, Way};
use crate::cli::page::Both;

pub(super) const fn side(lots: i64) -> [&'static str; 2] {
    if lots < 0 { ["sell", "卖出"] } else { ["buy", "买入"] }
}

pub(super) const fn effect(opens: bool) -> [&'static str; 2] {
    if opens { ["open", "开仓"] } else { ["close", "平仓"] }
}

pub(super) const fn price(kind: PriceKind) -> [&'static str; 2] {
    match kind {
        PriceKind::Mid => ["mid", "中间价"],
        PriceKind::Last => ["last", "最新价"],
        PriceKind::Vwap => ["vwap", "均价"],
        PriceKind::FairBasis => ["fair basis", "公允基差"],
    }
}

pub(super) const fn way(way: Way) -> [&'static str; 2] {
    match way {
        Way::Offset(_) => ["inside, other month", "内部跨期对冲"],
        Way::Market => ["market", "市场"],
        Way::Elsewhere => ["other contract", "其他合约"],
    }
}

pub(super) const fn approval(approval: Approval) -> [&'static str; 2] {
    match approval {
        Approval::ByRule => ["by rule", "规则批准"],
        Approval::Person => ["needs approval", "待人工批准"],
        Approval::Held => ["held: self-trade", "暂缓：防自成交"],
    }
}

pub(super) fn no_price(book: &Book, contract: usize, why: NoPrice) -> Both {
    let name = |place: usize| &book.contracts[place].of.name;
    let own = name(contract);
    let [en, zh] = match why {
        NoPrice::NoQuote(of) => [
            format!("the file of quotes has none of {}", name(of)),
            format!("行情文件中没有 {}", name(of)),
        ],
        NoPrice::Old(of) => [
            format!("the quote of {} is older than {} s", name(of), book.max_age_s),
            format!("{} 行情已超过 {} 秒", name(of), book.max_age_s),
        ],
        NoPrice::Later(of) => [
            format!("the quote of {} is of later than the book", name(of)),
            format!("{} 行情时间晚于账簿时间", name(of)),
        ],
        NoPrice::NoTrade => {
            ["nothing was traded in it yet".to_owned(), "该合约尚无成交".to_owned()]
        }
        NoPrice::NoPolicy => ["no policy says its price".to_owned(), "没有价格规则".to_owned()],
    };
    [
        format!("{own}: nothing is matched or proposed: {en}"),
        format!("{own}：不撮合也不提建议：{zh}"),
    ]
}
