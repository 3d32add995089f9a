//! The backtest: recorded or captured days through the very desk, with a model of the venues, so
//! that leg risk appears.
//!
//! `source` is the market: what a record says that a desk was told, but for what became of that
//! desk's orders. `play` tells it to a fresh desk on virtual time, at the moments of the record,
//! and carries its orders to the `venue`s and their news back, with delays that are drawn from a
//! seed. `queue` says how a resting order comes forward, `account` keeps account of what comes of
//! it, by `pair` and in whose `money`, `curve` over time, `counts` in figures. `sink` writes a
//! journal like any other. `sweep` plays many settings.
//!
//! What the model assumes is in `ASSUMPTIONS`, and every report says it.
//!
//! Called by `xmc backtest` and by the tests.

pub mod account;
pub mod counts;
pub mod curve;
pub mod money;
mod pair;
pub mod play;
pub mod queue;
pub mod sink;
pub mod source;
pub mod sweep;
pub mod venue;

/// What the model assumes, in English and Chinese.
pub const ASSUMPTIONS: [[&str; 2]; 8] = [
    [
        "a venue's book changes when the record's desk saw it: the way of the quotes is not taken \
         off, so the way of an order should have it added",
        "行情按原记录中交易台看到的时刻生效；行情路径延迟未扣除，应计入报单延迟",
    ],
    [
        "own orders move nothing: others do what they did; own orders do not trade with each other",
        "自身报单不影响市场；自身报单之间不成交",
    ],
    [
        "an order that crosses takes what the book shows as it arrives, up to five levels; lots \
         taken are there again when the source shows another number of lots at that price",
        "主动成交按到达时刻的盘口（最多五档）；已吃掉的量在该价位数量变化后才恢复",
    ],
    [
        "a resting order joins behind the lots shown at its price; proportional: of lots that go, \
         its share stood before it, and without trades in the source lots that go when it is \
         first at the best price are its own; last: of lots that go without a trade none stood \
         before it, so it trades when the market trades through it, and behind the lots shown \
         where the source has trades; a bad book, or one shown while the market is shut, fills \
         nothing",
        "挂单排在所示数量之后；proportional 按比例前移（仅最优价位视减少量为成交），last \
         视撤减之量均在其后，仅在价格被击穿、或有逐笔成交且其前所示数量成交完时成交；\
         行情异常或休市期间不成交",
    ],
    [
        "a journal has no trades, so a queue moves by the sizes shown alone; a CME capture has",
        "日志不含逐笔成交，排队只由挂量变化推进；CME 抓包含成交",
    ],
    [
        "each run of a journal begins with nothing held; what its desk held or had under way is \
         left out; what is open at the end of a run is worth the middle of the last book",
        "日志中每次运行均从空仓开始；运行结束时的持仓按最后盘口中间价计值",
    ],
    [
        "money is each leg's own: price by lots by multiplier, less its fees; a leg in another \
         currency is converted at the reference of its price_of term, not at the day's rate; \
         without a configuration all legs are taken for one currency",
        "金额按各腿自身价格、手数、乘数及手续费计算；外币腿按配置中 price_of 的 reference \
         折算，不按当日汇率；无配置时视各腿为同一币种",
    ],
    [
        "no faults of venues: no lost messages, no busts, no late answers beyond the drawn delay",
        "不模拟交易所故障：无丢包、无撤销成交、无超出所抽延迟的迟到回报",
    ],
];
