//! What goes wrong on purpose in a demonstration, and when: done to the SIMULATED venues while the
//! engine runs, which is told nothing of it.

use super::operators::Operators;
use crate::monitor::terminal::width;
use crate::monitor::words::Lang;
use crate::venue::cme::simulated::{OrderFaults, OrderRate, OrderTrouble, Spot};
use crate::venue::lines::{LineFaults, Silence};
use crate::venue::simulated::Venues;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

const NAP: Duration = Duration::from_millis(20);
/// CME's code of an order that its risk controls refuse.
const REFUSED: u16 = 99;

/// Columns of a terminal that everybody has.
const COLUMNS: usize = 80;

/// A text behind `first`, folded at blanks for a terminal of 80 columns.
pub(super) fn folded(first: &str, text: &str) -> String {
    let indent = " ".repeat(width(first));
    let (mut lines, mut line) = (String::new(), first.to_owned());
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && width(&line) + 1 + width(word) > COLUMNS {
            lines.push_str(&line);
            lines.push('\n');
            (line, is_empty) = (indent.clone(), true);
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines + &line
}

/// What goes wrong on purpose, so that one sees what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// Accounts that are too small: warning, instruction, closing only, and money that comes from a
    /// SIMULATED bank.
    Margin,
    /// The overseas venue refuses orders for a while: legs are missed and repaired, a breaker has
    /// pairs close only, and two SIMULATED people let them open again.
    Rejects,
    /// Overseas quotes come late for a while: fills are worse than decided, and a breaker has pairs
    /// close only until two SIMULATED people have looked.
    Slippage,
    /// Both lines of the overseas feed are cut for a while: nothing fires on what is old, gaps are
    /// recovered, and trading goes on by itself.
    Feedcut,
    /// One leg of each pair across the border rests overseas at the price that the other one
    /// allows, and each of its fills is followed at home.
    Working,
    /// A contract at futures plus terms (基差点价) is fixed lot by lot against the overseas venue's
    /// price, with a SIMULATED counterparty. No order is sent.
    Basis,
    /// A plan closes the hedge of a physical book at home, whose month is near, and opens it
    /// overseas, where it costs less: the desk sends both as a pair.
    Hedge,
    /// The same hedge is moved to the next month at home, slice by slice: the desk sends both
    /// months as a pair.
    Roll,
    /// Two pairs of one account need the opposite of one contract after the domestic counter has
    /// refused orders of both: the needs meet inside the desk, at the middle, before a fee is paid
    /// outside; what is left goes out.
    Balance,
    /// The engine, a process of its own, hangs with orders at both venues: its guard shuts the
    /// desk, kills it and cancels; two SIMULATED people open the desk again, and the next run
    /// trades.
    Wedge,
}

/// Something that is done at a moment.
struct Act {
    after: Duration,
    what: What,
}

enum What {
    Orders(OrderFaults),
    Lines(LineFaults),
    Silence(Silence),
    LetFire,
}

impl Scenario {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Margin => "margin",
            Self::Rejects => "rejects",
            Self::Slippage => "slippage",
            Self::Feedcut => "feedcut",
            Self::Working => "working",
            Self::Basis => "basis",
            Self::Hedge => "hedge",
            Self::Roll => "roll",
            Self::Balance => "balance",
            Self::Wedge => "wedge",
        }
    }

    /// What a person is told before it begins.
    pub fn told(self, lang: Lang) -> String {
        folded("", self.words(lang))
    }

    fn words(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Margin, Lang::En) => {
                "Scenario margin: the account at home is too small for what is traded; a SIMULATED \
                 bank sends what the engine asks for, 3 s later."
            }
            (Self::Margin, Lang::Zh) => {
                "场景 margin: 内盘账户资金不足; 模拟银行在 3 秒后按指令划款。"
            }
            (Self::Rejects, Lang::En) => {
                "Scenario rejects: from 4 s to 8 s the overseas venue refuses 3 of 10 orders; at \
                 11 s two SIMULATED people let closed pairs open again."
            }
            (Self::Rejects, Lang::Zh) => {
                "场景 rejects: 第 4 至 8 秒外盘拒绝三成报单; 第 11 秒两名模拟操作员恢复被停的套利对。"
            }
            (Self::Slippage, Lang::En) => {
                "Scenario slippage: from 4 s to 8 s overseas quotes come 0.4 s late; at 11 s two \
                 SIMULATED people let closed pairs open again."
            }
            (Self::Slippage, Lang::Zh) => {
                "场景 slippage: 第 4 至 8 秒外盘行情晚到 0.4 秒; 第 11 秒两名模拟操作员恢复被停的套利对。"
            }
            (Self::Feedcut, Lang::En) => {
                "Scenario feedcut: from 4 s to 8 s nothing of the overseas feed arrives, on line A \
                 or B."
            }
            (Self::Feedcut, Lang::Zh) => "场景 feedcut: 第 4 至 8 秒外盘行情 A、B 两路均中断。",
            (Self::Working, Lang::En) => {
                "Scenario working: the overseas leg of each pair rests at the price that the \
                 domestic one allows; each fill is followed at once."
            }
            (Self::Working, Lang::Zh) => {
                "场景 working: 各套利对的外盘腿按内盘价格与基差挂单, 每笔成交即时对冲。"
            }
            (Self::Basis, Lang::En) => {
                "Scenario basis: a SAMPLE contract at futures plus terms; prices are those of a \
                 SIMULATED venue, and a SIMULATED counterparty takes what its instructions reach. \
                 No order is sent."
            }
            (Self::Basis, Lang::Zh) => {
                "场景 basis: 样例点价合同; 价格取自模拟场所, 触发的指令由模拟对手方成交; \
                 不发送任何委托。"
            }
            (Self::Hedge, Lang::En) => {
                "Scenario hedge: a SAMPLE book has a hedge at home whose month is near; where the \
                 plan opens it again, overseas, the desk opens it while it closes the old one."
            }
            (Self::Hedge, Lang::Zh) => {
                "场景 hedge: 样例现货账册的内盘套保临近交割; 方案改在外盘开仓, 交易台两边同时成交。"
            }
            (Self::Roll, Lang::En) => {
                "Scenario roll: a SAMPLE book has a hedge at home whose month is near; the desk \
                 moves it to the next month, both legs of a slice at once."
            }
            (Self::Roll, Lang::Zh) => {
                "场景 roll: 样例现货账册的内盘套保临近交割; 交易台分批移至下月, 每批两腿同时成交。"
            }
            (Self::Balance, Lang::En) => {
                "Scenario balance: from 2 s on the SIMULATED domestic counter refuses an order of \
                 each of two pairs, and the books go wide; what one pair needs to sell the other \
                 one needs to buy."
            }
            (Self::Balance, Lang::Zh) => {
                "场景 balance: 第 2 秒起模拟内盘柜台先后拒绝两个套利对的委托, 且盘口变宽; \
                 一对缺卖、一对缺买同一合约, 先在内部撮合。"
            }
            (Self::Wedge, Lang::En) => {
                "Scenario wedge: two SIMULATED venues; from 8 s on, as soon as orders rest, the \
                 engine's process is held still. Its guard is another process."
            }
            (Self::Wedge, Lang::Zh) => {
                "场景 wedge: 两个模拟交易场所; 第 8 秒起两边有挂单时, 引擎进程被挂起; 看护是另一进程。"
            }
        }
    }

    /// What every pair of the configuration has besides.
    pub fn breakers(self) -> &'static str {
        match self {
            Self::Margin
            | Self::Feedcut
            | Self::Working
            | Self::Basis
            | Self::Hedge
            | Self::Roll
            | Self::Balance
            | Self::Wedge => "",
            Self::Rejects => {
                "\n[[spread.breaker]]\non = \"rejects\"\nratio = \"0.1\"\nof = 20\nthen = \
                 \"reduce\"\n"
            }
            Self::Slippage => {
                "\n[[spread.breaker]]\non = \"slippage\"\nworse_by = \"0.0001\"\nratio = \"0.2\"\n\
                 of = 10\nthen = \"reduce\"\n"
            }
        }
    }

    /// What legs of an instrument have besides, if anything.
    pub fn leg(self, instrument: &str) -> &'static str {
        match self {
            Self::Working if ["hg", "gc", "cl"].contains(&instrument) => {
                "rests = true\nslop_ticks = 2\nlag_ticks = 4\nimprove_ticks = 2\n\
                 behind_ticks = 60\nmax_moves = 60\n"
            }
            _ => "",
        }
    }

    /// What is done, by time.
    fn acts(self) -> Vec<Act> {
        let act = |seconds, what| Act { after: Duration::from_secs(seconds), what };
        match self {
            Self::Margin
            | Self::Working
            | Self::Basis
            | Self::Hedge
            | Self::Roll
            | Self::Balance
            | Self::Wedge => Vec::new(),
            Self::Rejects => {
                let what = OrderTrouble::Refused(REFUSED);
                let rate = OrderRate { spot: Spot::Request, per_mille: 300, what };
                let refusing = OrderFaults { rates: vec![rate], ..OrderFaults::default() };
                vec![
                    act(4, What::Orders(refusing)),
                    act(8, What::Orders(OrderFaults::default())),
                    act(11, What::LetFire),
                ]
            }
            Self::Slippage => {
                let late = LineFaults { delay: Span(400_000_000), ..LineFaults::NONE };
                vec![
                    act(4, What::Lines(late)),
                    act(8, What::Lines(LineFaults::NONE)),
                    act(11, What::LetFire),
                ]
            }
            Self::Feedcut => {
                vec![act(4, What::Silence(Silence::Total)), act(8, What::Silence(Silence::Off))]
            }
        }
    }

    /// Does it all, as long as it is not over.
    pub fn play(self, venues: &Venues, operators: Option<&Operators>, is_over: &AtomicBool) {
        let begun = Instant::now();
        for Act { after, what } in self.acts() {
            while begun.elapsed() < after {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(NAP);
            }
            match what {
                What::Orders(faults) => venues.cme.set_order_faults(faults),
                What::Lines(faults) => {
                    venues.cme.set_faults(Line::A, faults);
                    venues.cme.set_faults(Line::B, faults);
                }
                What::Silence(silence) => venues.cme.set_silence(silence),
                What::LetFire => {
                    let why = "the demonstration's trouble is over";
                    // Who gets no answer sees in the record what became of it.
                    let _ = operators.map(|operators| operators.let_fire(why));
                }
            }
        }
    }
}
