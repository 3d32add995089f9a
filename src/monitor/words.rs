//! Every word of the screens in both languages, as one table.
//!
//! Chinese terms are those that traders use; codes of states stay English beside them, because
//! configuration, record and operators' notes use them. No word has a character whose width
//! depends on the terminal: in Chinese locales those take two cells and break every table.

use crate::capital::Stage;
use crate::port::interface::LinkState;
use std::fmt;
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AlertKind, ChannelState, CommandKind, FollowStep, Gate, Intent, Obstacle, OrderEventKind,
    PositionEffect, QuoteQuality, RepairWay, RuleAction, SafeState, SessionState, Side,
};

/// The language of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    #[default]
    En,
}

impl Lang {
    /// What the environment asks for: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    #[must_use]
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
        Self::of_locale(&locale.unwrap_or_default())
    }

    /// The language of a locale's name: `zh_CN.UTF-8`.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zh => "中文",
            Self::En => "English",
        })
    }
}

/// What has a word in each language.
pub trait Worded: Copy {
    /// English and Chinese.
    fn both(self) -> [&'static str; 2];

    /// The word in one of them.
    fn word_in(self, lang: Lang) -> &'static str {
        let [en, zh] = self.both();
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

macro_rules! words {
    ($($(#[$meta:meta])* $type:ident { $($variant:ident $en:literal $zh:literal,)* })*) => {$(
        impl $crate::monitor::words::Worded for $type {
            fn both(self) -> [&'static str; 2] {
                match self {
                    $(Self::$variant => [$en, $zh],)*
                }
            }
        }
    )*};
}

macro_rules! labels {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $en:literal $zh:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// What a page calls it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }
        }

        $crate::monitor::words::words! { $name { $($variant $en $zh,)* } }
    };
}

pub(in crate::monitor) use {labels, words};

labels! {
    /// A label of a screen.
    #[expect(missing_docs, reason = "the words are the table below")]
    Label {
    Product "cross_market_connect" "内外盘套利",
    Simulated "SIMULATED VENUES, PAPER MONEY" "模拟交易所, 非真实资金",
    Domestic "domestic" "内盘",
    Overseas "overseas" "外盘",
    PricesOnly "prices only" "仅计价",
    Bid "bid" "买价",
    Ask "ask" "卖价",
    BidLots "lots" "买量",
    AskLots "lots" "卖量",
    Age "age" "时延",
    NoQuote "no quote" "无行情",
    Spread "spread" "点差",
    BuyAt "buys at" "买入点差",
    SellAt "sells at" "卖出点差",
    OpenLong "open long" "开多",
    CloseLong "close long" "平多",
    OpenShort "open short" "开空",
    CloseShort "close short" "平空",
    Opens "open" "开仓",
    Closes "close" "平仓",
    Position "position" "净仓",
    Units "units" "份",
    MetInside "met inside" "内部撮合",
    Lots "lots" "手",
    InFlight "in flight" "在途",
    Fires "fires" "触发",
    RoundTrips "round trips" "往返",
    Profit "P&L" "盈亏",
    Leg "leg" "腿",
    Realised "realised" "平仓盈亏",
    Open "open" "持仓盈亏",
    Total "total" "合计",
    Fx "FX part" "其中汇率",
    BeforeFees "before fees" "未计手续费",
    Unhedged "UNHEDGED" "单边敞口",
    Hedged "hedged" "无敞口",
    Fills "fills" "成交",
    NoneYet "none yet" "暂无",
    Buy "buy" "买",
    Sell "sell" "卖",
    Refusals "held back by gate" "风控拦截",
    Seen "saw" "实测",
    Limit "limit" "限额",
    TickToOrder "tick to order" "行情到报单",
    Count "count" "次数",
    Feeds "feeds" "行情",
    Packets "packets" "包",
    First "first" "先到",
    Missing "missing" "缺",
    Gaps "gaps" "缺口",
    Sessions "sessions" "交易连接",
    Sent "sent" "已发",
    Read "read" "已收",
    Rings "rings" "队列",
    Most "most" "峰值",
    Journal "journal" "留痕",
    Records "records" "条",
    Behind "behind" "未写",
    Unsynced "not on disk yet" "未落盘",
    RecordLate "record late" "落盘迟滞",
    Durable "on disk after" "落盘用时",
    DiskAlone "disk alone" "裸盘",
    Witness "witness" "见证方",
    Witnessed "witnessed" "已见证",
    Alerts "alerts" "告警",
    Audit "audit" "核对",
    Capital "capital" "资金",
    Any "any" "任意",
    Operator "operator" "操作员",
    Engine "engine" "引擎",
    Equity "equity" "权益",
    Margin "margin" "保证金",
    Worst "worst case" "最坏情形",
    TopUp "top up" "补仓",
    Transfer "transfer" "调拨",
    Approver "approver" "审批",
    Sample "SAMPLE figures" "样例数据",
    BookRefused "a new book was refused" "新账册被拒",
    NoAlerts "no alerts" "无告警",
    Orders "orders" "报单",
    Rejects "rejects" "拒单",
    Cancelled "cancelled" "撤单",
    Unknown "unknown" "未知",
    Live "live" "在途",
    Decisions "decisions" "决策",
    Refused "held back" "拦截",
    NotRecorded "not recorded" "未记录",
    Paused "PAUSED" "已暂停",
    Keys
        "[q] quit  [1-9] pair  [l] language  [c] colours  [space] pause"
        "[q]退出  [1-9]套利对  [l]语言  [c]红涨或绿涨  [空格]暂停",
    TooSmall "the terminal is too small" "终端窗口太小",
    Needs "needs" "至少需要",
    Has "has" "当前",
    More "more" "更多",
    NoPair "no pair is configured" "未配置套利对",
    Fired "fire" "触发",
    Ended "done" "完成",
    Broken "OUT OF RATIO" "比例不齐",
    Desk "desk" "状态",
    Pair "pair" "套利对",
    Pairs "pairs" "套利对",
    Find "find" "查找",
    Previous "previous" "上一页",
    Next "next" "下一页",
    NothingFound "nothing found" "未找到",
    Last "last" "最新价",
    Tradable "tradable" "可成交量",
    Skew "skew" "时差",
    SpreadChart "spread, and what fired" "点差走势与触发",
    ChartBuys "buys at" "买入",
    Minutes "min" "分钟",
    ChartSells "sells at" "卖出",
    Happenings "orders and repairs" "报单与补单回退",
    OnlyThisPair "this pair" "仅此对",
    Ordered "order" "报单",
    Filled "fill" "成交",
    Missed "not filled" "未成交",
    Repaired "repair" "修复",
    Attempt "try" "第几次",
    Gates "gates" "风控",
    Limits "limits in use" "限额占用",
    HeldBackBy "last held back" "最近拦截",
    Budget "budget" "预算",
    BudgetNote
        "budget: packet to both orders in memory; sockets and kernel come on top"
        "预算指内存中从行情包到两边报单, 套接字与内核另计",
    LineScore "first by line" "先到比",
    Interface "interface" "网卡",
    Kept "record and rings" "留痕与队列",
    InUse "in use" "占用",
    Running "running" "运行",
    UpToDate "live" "实时",
    StaleServer "NO NEWS FROM THE ENGINE" "引擎无消息",
    StaleFor "last moment is old by" "最后数据距今",
    Gone "the engine has ended or cannot be reached" "引擎已结束或无法连接",
    Theme "theme" "主题",
    Language "language" "语言",
    Colours "colours" "涨跌色",
    RedUp "red is up" "红涨绿跌",
    GreenUp "green is up" "绿涨红跌",
    Dark "dark" "深色",
    Bright "light" "浅色",
    KeysOfPage
        "keys: arrows or 1-9 pair, / find, t theme, l language, c colours"
        "按键: 方向键或1-9选套利对, /查找, t主题, l语言, c涨跌色",
    ReadOnly "read only" "只读",
    OpenFor "open for" "距收盘",
    MarketShut "market shut" "休市",
    Ratio "ratio" "配比",
    Session "session" "交易连接",
    Exposure "exposure" "敞口",
    Offset "clock" "时钟差",
    Took "took" "用时",
    Conflated "conflated" "合并",
    }
}

words! {
    Side { Buy "buy" "买", Sell "sell" "卖", }
    PositionEffect {
        Net "" "",
        Open "open" "开",
        Close "close" "平",
        CloseToday "closeT" "平今",
        CloseYesterday "closeY" "平昨",
    }
    Intent {
        OpenLong "open long" "开多",
        CloseLong "close long" "平多",
        OpenShort "open short" "开空",
        CloseShort "close short" "平空",
    }
    SpreadState {
        Enabled "enabled" "启用",
        Disabled "disabled" "停用",
        Halted "HALTED" "已停止",
        Reducing "closing only" "只平不开",
    }
    SafeState {
        Normal "NORMAL" "NORMAL 正常",
        SingleFeed "SINGLE_FEED" "SINGLE_FEED 单路行情",
        NoNew "NO_NEW" "NO_NEW 只平不开",
        Flatten "FLATTEN" "FLATTEN 减仓",
        Halt "HALT" "HALT 停止",
    }
    ChannelState {
        Down "down" "未连接",
        Live "live" "正常",
        SingleLine "single line" "单路",
        Suspect "SUSPECT" "缺口",
        Recovering "recovering" "恢复中",
        Stale "STALE" "中断",
        Closed "closed" "收盘",
        Frozen "FROZEN" "冻结",
        Divergent "COPIES DIFFER" "双路不符",
    }
    LinkState {
        Unwatched "not watched" "未监视",
        Up "up" "正常",
        NoCarrier "NO CARRIER" "无载波",
        Down "DOWN" "关闭",
        Gone "GONE" "不存在",
        NotJoined "NOT JOINED" "未加入组播",
        NoAddress "no address" "无地址",
    }
    SessionState { Down "DOWN" "断开", Up "up" "正常", Gapped "GAPPED" "缺口", }
    QuoteQuality {
        Unknown "no quote" "无行情",
        Good "good" "正常",
        Gapped "GAPPED" "缺口",
        Insane "INSANE" "异常",
        Divergent "COPIES DIFFER" "双路不符",
        Halted "HALTED" "停牌",
    }
    OrderEventKind {
        Accepted "accepted" "已报",
        Filled "filled" "成交",
        Cancelled "cancelled" "已撤",
        Rejected "REJECTED" "拒单",
        CancelRejected "cancel rejected" "撤单被拒",
        Replaced "replaced" "已改单",
        ReplaceRejected "replace rejected" "改单被拒",
        NotSent "not sent" "未发出",
        Unknown "UNKNOWN" "状态不明",
        Busted "taken back" "成交被撤销",
        Corrected "corrected" "成交更正",
        CancelNotSent "cancel not sent" "撤单未发出",
    }
    RepairWay {
        Neither "repair waits" "修复等待",
        Complete "completed" "补单",
        Unwind "traded back" "回退",
    }
    FollowStep {
        Waits "legs wait" "等待主腿",
        Followed "followed" "已跟单",
        HeldBack "held back" "跟单被拦截",
        Unfilled "leader not filled" "主腿未成交",
        Late "too late to follow" "逾时不跟",
        Barred "must not follow" "禁止跟单",
        GivenUp "given up" "放弃跟单",
        Pulled "taken back" "撤回挂单",
    }
    Obstacle {
        Nothing "open" "可行",
        Gate "held back" "被拦截",
        Depth "not enough shown" "盘口不足",
        Cost "too dear" "代价超限",
        Opens "would open" "只许平仓",
        Beyond "no such unit" "超出份数",
        Orders "too many orders" "报单数超限",
        Price "another price" "价格已变",
        Part "part of a unit" "成交不足一份",
    }
    AlertKind {
        BrokenSpread "legs out of ratio" "腿比例不齐",
        OrderUnknown "order not answered" "报单无应答",
        ImpossibleFill "impossible fill" "异常成交",
        UnknownOrder "order not ours" "非本系统报单",
        FeedGap "feed gap" "行情缺口",
        SessionDown "session down" "交易连接断开",
        Killed "kill switch" "一键停止",
        FillBusted "fill taken back" "成交被撤销",
        OrderRejected "order rejected" "拒单",
        BadInput "bad input" "输入有误",
        OutputOverflow "output overflow" "输出溢出",
        FireThrottle "fires too often" "触发过频",
        UnknownPosition "position not known" "持仓不明",
        RecordGap "record cut short" "留痕有缺口",
        CarriedHalt "halted before" "上次已停",
        CopiesDiffer "copies differ" "双路行情不符",
        OrderDoubted "order off a doubtful quote" "报单依据存疑",
        BookDiffers "book not the venue's" "盘口与快照不符",
        ClockStep "clock was set" "时钟跳变",
        ClockDrift "clocks drift" "时钟漂移",
        FeedFrozen "feed frozen" "行情冻结",
        FeedSingle "one line: less is opened" "单路行情, 减量开仓",
        RepairFailed "repair failed" "补单回退未成",
        RemoveRefused "not removed" "未能移除",
        SlippageBreaker "slippage breaker" "滑点熔断",
        LatencyBreaker "latency breaker" "时延熔断",
        RejectBreaker "reject breaker" "拒单熔断",
        FillBreaker "fill ratio breaker" "成交率熔断",
        CommandDenied "command denied" "指令被拒",
        RuleMet "user rule met" "用户规则触发",
    }
    RuleAction {
        Alert "met" "满足",
        HoldBack "held back" "拦截",
        CloseOnly "closes only" "只平不开",
        CoolDown "cools down" "冷却",
        Unwind "traded back" "回退",
    }
    CommandKind {
        Enable "enable" "启用",
        Disable "disable" "停用",
        ClearHalt "clear halt" "解除停止",
        Kill "kill" "一键停止",
        Arm "arm" "允许开仓",
        NoNew "close only" "只平不开",
        ClearDoubt "clear doubt" "解除存疑",
        Remove "remove" "移除",
    }
    Gate {
        Passed "passed" "通过",
        SafeState "safe state" "安全状态",
        Disabled "spread disabled" "套利对停用",
        Halted "spread halted" "套利对停止",
        InFlight "fire in flight" "在途未了",
        CoolDown "cool-down" "冷却时间",
        ChannelState "feed state" "行情状态",
        QuoteQuality "quote quality" "行情质量",
        QuoteAge "quote age" "行情时延",
        QuoteSkew "quote skew" "两边时差",
        SpreadPosition "spread position" "套利对持仓",
        OrderSize "order size" "单笔手数",
        OrderValue "order value" "单笔金额",
        Collar "price collar" "价格偏离",
        Position "position" "持仓",
        OpenOrders "open orders" "挂单数",
        Rate "message rate" "报撤频率",
        SelfMatch "self match" "自成交",
        SessionState "session state" "交易连接",
        RingRoom "ring room" "队列余量",
        RecordRoom "record room" "留痕余量",
        Arena "arena room" "报单表余量",
        Instrument "instrument" "合约",
        Overflow "overflow" "溢出",
        PriceBand "price band" "价格区间",
        CollarFraction "price collar %" "价格偏离%",
        InstrumentRate "instrument rate" "合约频率",
        AccountOrderSize "account size" "账户单笔",
        AccountPosition "account position" "账户持仓",
        AccountOpenOrders "account orders" "账户挂单",
        AccountRate "account rate" "账户频率",
        Hysteresis "hysteresis" "回差",
        Hold "hold" "持续时间",
        FireRate "fire rate" "触发频率",
        Hours "market hours" "交易时段",
        Doubt "book in doubt" "盘口存疑",
        Reducing "closing only" "只平不开",
        Loss "worst loss" "最坏损失",
        UserRule "user rule" "用户规则",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fit(word: &str) -> bool {
        let is_wide = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        word.chars().all(|c| c.is_ascii_graphic() || c == ' ' || is_wide(c))
    }

    fn check<T: Worded + std::fmt::Debug>(all: &[T]) {
        for worded in all {
            let [en, zh] = worded.both();
            assert_eq!(en.is_empty(), zh.is_empty(), "{worded:?}");
            assert!(en.is_ascii(), "{en}");
            assert!(is_fit(zh), "{zh} has a character whose width nobody knows");
            assert_eq!(worded.word_in(Lang::En), en);
            assert_eq!(worded.word_in(Lang::Zh), zh);
        }
    }

    /// Punctuation of Chinese texts is fine in prose, but not in columns.
    #[test]
    fn every_word_is_there_in_both_languages() {
        check(Label::ALL);
        check(Gate::ALL);
        check(AlertKind::ALL);
        check(ChannelState::ALL);
        check(SessionState::ALL);
        check(SafeState::ALL);
        check(QuoteQuality::ALL);
        check(Intent::ALL);
        check(Side::ALL);
        check(PositionEffect::ALL);
        check(RepairWay::ALL);
        check(FollowStep::ALL);
        check(Obstacle::ALL);
        check(OrderEventKind::ALL);
        check(SpreadState::ALL);
        let [en, zh]: [Vec<_>; 2] =
            [0, 1].map(|language| Label::ALL.iter().map(|label| label.both()[language]).collect());
        let same = en.iter().zip(&zh).filter(|(en, zh)| en == zh);
        assert_eq!(same.count(), 0, "a label that was not translated");
    }

    #[test]
    fn the_language_is_that_of_the_locale() {
        for (locale, lang) in [
            ("zh_CN.UTF-8", Lang::Zh),
            ("zh", Lang::Zh),
            ("ZH_TW.Big5", Lang::Zh),
            ("en_US.UTF-8", Lang::En),
            ("C", Lang::En),
            ("", Lang::En),
        ] {
            assert_eq!(Lang::of_locale(locale), lang, "{locale}");
        }
    }
}

words! {
    Stage {
        Normal "normal" "正常",
        Warn "warning" "预警",
        ReduceOnly "reduce only" "只减仓",
        PairOff "pair off" "双边减仓",
        Stop "stopped" "停止",
    }
}
