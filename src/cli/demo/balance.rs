//! The scenario `balance`: two pairs of one account need the opposite of one instrument, and have
//! it of each other inside the desk before a fee is paid outside.
//!
//! What brings the needs about is done to the SIMULATED domestic venue on command: its counter
//! refuses an order of either pair, and the crowd steps back, so that no pair alone pays what it
//! costs to cross the book (`repair_max_cost`). That the needs meet, at which price, and what goes
//! out afterwards is the desk's. What came of it is read from the record (`met`) and from the
//! venues' ledgers; terms of margin are a sample's.

use super::book::Shelf;
use super::met::{self, Met, Pair, Sums};
use super::scenario::{Scenario, folded};
use super::{Args, has_cores, introduce, local_log, statements, witness};
use crate::cli::trade::{self, Wanted};
use crate::cli::{CliError, Exit, Report};
use crate::config::{self, Configuration};
use crate::monitor::number;
use crate::monitor::words::Lang;
use crate::sim::exchange::ListingIndex;
use crate::venue::shfe::simulated::Refusing;
use crate::venue::simulated::{self, Venues};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::message::Side;
use xmc_hotpath::time::Span;

/// Both pairs, and what they may do, as they lie in `config/`.
const PAIRS: &str = include_str!("../../../config/demo_balance.toml");
/// Fees of the SIMULATED venues (`sim::exchange::flow`), by instrument.
const FEES: [(&str, &str); 3] = [
    ("cu", "fee_fraction = \"0.00005\""),
    ("bc", "fee_fraction = \"0.00001\""),
    ("hg", "fee_per_lot = \"1.6\""),
];
/// The domestic books that go wide: copper at SHFE, which is what meets, and at INE.
const BOOKS: [ListingIndex; 2] = [ListingIndex(0), ListingIndex(1)];
/// Ticks between best bid and best ask while they are wide.
const WIDE_TICKS: i64 = 200;
/// When something goes wrong at the earliest.
const FIRST: Duration = Duration::from_secs(2);
/// How long the counter keeps the order to sell: until the wide book has been published, twice a
/// second. An answer may take longer (`ANSWERS`).
const KEPT: Span = Span(750_000_000);
/// How long the desk waits for an answer, as demo.toml has it and here.
const ANSWERS: [&str; 2] = ["ack_timeout_ms = 1_000", "ack_timeout_ms = 5_000"];
/// How long the books are wide while the other pair sends nothing: longer than it rests.
const WINDOW: Duration = Duration::from_secs(8);
/// And how long after it has.
const AFTER: Duration = Duration::from_millis(1_500);
/// How often it is tried.
const TRIES: u32 = 3;
const NAP: Duration = Duration::from_millis(20);

/// Something that was done to the venue.
struct Act {
    after: Duration,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Told,
    Wide,
    Refused,
    NothingCame,
    Usual,
}

impl What {
    const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Told, Lang::En) => {
                "its counter is told to refuse the next order to sell cu2609, and then the next \
                 one to buy it"
            }
            (Self::Told, Lang::Zh) => "柜台将拒绝下一笔 cu2609 卖单, 随后拒绝下一笔买单",
            (Self::Wide, Lang::En) => {
                "an order to sell is kept, and refused 0.75 s later; meanwhile the books of \
                 cu2609 and bc2609 go 200 ticks wide"
            }
            (Self::Wide, Lang::Zh) => {
                "卖单被扣住, 0.75 秒后拒绝; 同时 cu2609 与 bc2609 盘口拉宽到 200 跳"
            }
            (Self::Refused, Lang::En) => "an order to buy is refused",
            (Self::Refused, Lang::Zh) => "买单被拒绝",
            (Self::NothingCame, Lang::En) => "no order to buy came in 8 s",
            (Self::NothingCame, Lang::Zh) => "8 秒内没有买单",
            (Self::Usual, Lang::En) => "the books are as they were",
            (Self::Usual, Lang::Zh) => "盘口恢复正常",
        }
    }
}

/// Both pairs and no others.
fn configured(args: &Args) -> Result<Configuration, CliError> {
    let head = super::DEMO.split("\n[[spread]]\n").next().unwrap_or_default();
    let head = head.replace(ANSWERS[0], ANSWERS[1]);
    let own = head.lines().filter(|line| !line.starts_with("include"));
    let market = FEES.iter().fold(super::INCLUDED[0].to_owned(), |text, (name, fee)| {
        let name = format!("[[instrument]]\nname = \"{name}\"\n");
        text.replace(&name, &format!("{name}{fee}\n"))
    });
    let text: Vec<&str> = own.chain([args.topology.text(), &market, PAIRS]).collect();
    Ok(config::load_text(Path::new("config/demo.toml"), &text.join("\n"))?)
}

/// Does it to the domestic venue, again if one pair has sent nothing, until it is over.
fn stage(venues: &Venues, is_over: &AtomicBool) -> Vec<Act> {
    let begun = Instant::now();
    let mut acts = Vec::new();
    let mut tell = |what| acts.push(Act { after: begun.elapsed(), what });
    let left = || venues.shfe.with(|shell, _| shell.venue().refusals_left()).unwrap_or(0);
    let set_width = |ticks| {
        for book in BOOKS {
            venues.shfe.post(move |shell, now| shell.venue_mut().set_width(now, book, ticks));
        }
    };
    let refuse = |told: Vec<Refusing>| {
        venues.shfe.post(move |shell, _| shell.venue_mut().set_refusals(told));
    };
    // Whether that is so before the time is over.
    let wait = |most: Duration, is_so: &dyn Fn() -> bool| {
        let since = Instant::now();
        while since.elapsed() < most && !is_over.load(Ordering::Relaxed) {
            if is_so() {
                return true;
            }
            std::thread::sleep(NAP);
        }
        false
    };
    wait(FIRST, &|| false);
    for _ in 0..TRIES {
        let [sold, bought] = [(Side::Sell, KEPT), (Side::Buy, Span(0))]
            .map(|(side, after)| Refusing { listing: BOOKS[0], side, after });
        refuse(vec![sold, bought]);
        tell(What::Told);
        if !wait(Duration::MAX, &|| left() < 2) {
            break;
        }
        set_width(Some(WIDE_TICKS));
        tell(What::Wide);
        let has_come = wait(WINDOW, &|| left() == 0);
        if !has_come && is_over.load(Ordering::Relaxed) {
            break;
        }
        tell(if has_come { What::Refused } else { What::NothingCame });
        if has_come {
            wait(AFTER, &|| false);
        }
        refuse(Vec::new());
        set_width(None);
        tell(What::Usual);
        if has_come {
            break;
        }
        // What is left of the pair that sells goes out first.
        wait(AFTER, &|| false);
    }
    acts
}

/// Runs the scenario.
///
/// # Errors
/// See `CliError`.
pub(super) fn run(args: &Args, directory: &Path, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let lang = args.show.lang();
    let shelf = Shelf::new(directory)?;
    let mut config = configured(args)?;
    let pairs = shelf.write("pairs.toml", PAIRS)?;
    let venues = Venues::open(&config, args.seed, None).map_err(CliError::could_not_run)?;
    venues.address(&mut config);
    config.checkpoints = Some(witness(&config, directory)?);
    config.alerts = Some(local_log());
    let published = venues.publish(&config, &statements(directory), super::STATEMENTS, None);
    let (resync, publishers) = published.map_err(CliError::could_not_run)?;
    config.resync = Some(resync);
    let is_pinned = has_cores(&config);
    if !out.is_json() {
        introduce(&config, is_pinned, lang, out)?;
        writeln!(out, "{}\n", Scenario::Balance.told(lang))?;
        before(&pairs, lang, out)?;
    }
    let secret = |row: usize| simulated::secret(&config, row);
    let wanted = Wanted {
        config: &config,
        directory,
        secret: &secret,
        show: args.show,
        seconds: Some(args.seconds),
        is_pinned,
        goes_on: false,
        held: Vec::new(),
    };
    let is_over = AtomicBool::new(false);
    let (summary, acts) = std::thread::scope(|scope| {
        let staged = scope.spawn(|| stage(&venues, &is_over));
        let ledgers = || venues.ledgers().map(Some).map_err(CliError::could_not_run);
        let summary = trade::trade(&wanted, out, ledgers);
        is_over.store(true, Ordering::Relaxed);
        // A thread that has panicked has said so.
        (summary, staged.join().unwrap_or_default())
    });
    let summary = summary?;
    drop(publishers);
    venues.stop().map_err(CliError::could_not_run)?;

    let terms = met::Terms::sample()?;
    let read = met::read(directory, &config)?;
    let run = serde_json::to_value(&summary).map_err(CliError::could_not_run)?;
    let checks = checks(&read, &config, &run);
    let is_good = summary.exit() == Exit::Ok
        && !read.matches.is_empty()
        && checks.iter().all(|(_, is_so)| *is_so);
    if out.is_json() {
        let sums = |of: &Met| of.sums(&config, &terms);
        let matches: Vec<Value> =
            read.matches.iter().map(|of| of.json(&config, &sums(of), directory)).collect();
        let acts: Vec<Value> = acts
            .iter()
            .map(
                |act| json!({ "after_ms": act.after.as_millis(), "what": act.what.text(Lang::En) }),
            )
            .collect();
        let checks: serde_json::Map<_, _> =
            checks.iter().map(|(check, is_so)| (check.key.to_owned(), json!(is_so))).collect();
        let body = json!({
            "is_simulated": true, "is_good": is_good, "files": directory, "acts": acts,
            "matches": matches, "pairs": read.pairs.iter().map(Pair::json).collect::<Vec<_>>(),
            "checks": checks, "run": run,
        });
        out.json("xmc.demo.balance", 1, &body)?;
    } else {
        summary.write("xmc.demo", out)?;
        let told = Told { directory, config: &config, terms: &terms, lang };
        told.acts(&acts, out)?;
        told.matches(&read.matches, out)?;
        told.pairs(&read.pairs, out)?;
        told.checks(&checks, is_good, out)?;
    }
    Ok(if is_good { Exit::Ok } else { Exit::Finding })
}

/// Something that has to hold at the end.
struct Check {
    key: &'static str,
    text: [&'static str; 2],
}

/// What has to hold, and whether it does.
fn checks(read: &met::Read, config: &Configuration, run: &Value) -> Vec<(Check, bool)> {
    let adds_up = |row: usize| {
        let name = &config.instruments[row].name.value;
        let positions = run["positions"].as_array().into_iter().flatten();
        let mut held = positions.filter(|held| held["instrument"] == **name);
        let held = held.next().and_then(|held| held["ledger_lots"].as_i64());
        // What the ledgers do not name they do not hold.
        read.pairs.iter().map(|pair| pair.lots_of(row)).sum::<i64>() == held.unwrap_or(0)
    };
    let matches = || read.matches.iter();
    vec![
        (
            Check {
                key: "venues_agree",
                text: [
                    "both venues' ledgers hold what the desk holds, and know its fills: none of \
                     them knows of what met inside",
                    "两边场所账本与交易台的持仓、成交一致: 场所不知道内部撮合",
                ],
            },
            run["positions_agree"] == true,
        ),
        (
            Check {
                key: "pairs_add_up",
                text: [
                    "what both pairs hold, with what met inside, is what the account holds there",
                    "两个套利对的持仓 (含内部撮合) 之和等于账户在场所的持仓",
                ],
            },
            (0..config.instruments.len()).all(adds_up),
        ),
        (
            Check {
                key: "in_ratio",
                text: ["both pairs are in ratio at the end", "结束时两个套利对比例一致"],
            },
            read.pairs.iter().all(Pair::is_in_ratio),
        ),
        (
            Check {
                key: "at_the_middle",
                text: [
                    "each price is the middle of bid and ask, on a tick",
                    "撮合价为买卖中间价 (按最小变动价位)",
                ],
            },
            matches().all(|of| of.is_at_the_middle(config)),
        ),
        (
            Check {
                key: "rest_is_settled",
                text: [
                    "what one pair needed more went out, or what had met was traded back; no lot \
                     twice",
                    "多出的需求随后报往场所, 或将已撮合部分回退; 没有重复",
                ],
            },
            matches().all(|of| of.sides().iter().all(|side| side.is_settled())),
        ),
        (
            Check {
                key: "replays_equal",
                text: ["the record replays to the same decisions", "留痕重放得到相同的决定"],
            },
            run["journal"]["replays_equal"] == true,
        ),
    ]
}

const fn say(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// What both pairs are, before they trade.
fn before(pairs: &Path, lang: Lang, out: &mut Report<'_>) -> Result<(), CliError> {
    let at = pairs.display();
    match lang {
        Lang::En => writeln!(
            out,
            "  cu_bc  sells 8 cu2609 against 9 bc2609, a slice each 4 s\n  cu_hg  buys 4 cu2609 \
             against 2 HGU6, a slice each 4 s\n  Both are of account demo_1, and may meet inside \
             in cu2609. A repair may cost\n  CNY 5,000 at most. In full: {at}\n"
        )?,
        Lang::Zh => writeln!(
            out,
            "  cu_bc  每 4 秒一批: 卖 8 手 cu2609, 买 9 手 bc2609\n  cu_hg  每 4 秒一批: 买 4 手 \
             cu2609, 卖 2 手 HGU6\n  同属账户 demo_1, cu2609 可内部撮合; 修复成本上限 5,000 元。\
             全文: {at}\n"
        )?,
    }
    out.flush()?;
    Ok(())
}

/// Tells a person what came of it.
struct Told<'t> {
    directory: &'t Path,
    config: &'t Configuration,
    terms: &'t met::Terms,
    lang: Lang,
}

impl Told<'_> {
    fn say(&self, en: &'static str, zh: &'static str) -> &'static str {
        say(self.lang, en, zh)
    }

    fn acts(&self, acts: &[Act], out: &mut Report<'_>) -> Result<(), CliError> {
        let title = self.say(
            "WHAT WENT WRONG ON PURPOSE at the SIMULATED domestic venue",
            "模拟内盘场所上故意制造的情况",
        );
        writeln!(out, "\n{title}")?;
        for Act { after, what } in acts {
            let first = format!("{:>6.2} s  ", after.as_secs_f64());
            writeln!(out, "{}", folded(&first, what.text(self.lang)))?;
        }
        Ok(())
    }

    fn matches(&self, matches: &[Met], out: &mut Report<'_>) -> Result<(), CliError> {
        writeln!(out, "\n{}", self.say("WHAT MET INSIDE THE DESK", "交易台内部撮合"))?;
        if matches.is_empty() {
            let none = self.say(
                "  NOTHING: no order of both pairs was refused in this time; run longer",
                "  无: 此段时间内两边的委托未先后被拒; 请延长时间",
            );
            writeln!(out, "{none}")?;
            return Ok(());
        }
        for of in matches {
            self.met(of, out)?;
        }
        let directory = self.directory.display();
        let title = self.say("The receipts, found by either pair", "留痕凭证, 按任一套利对可查");
        writeln!(out, "\n{title}")?;
        for side in matches.iter().flat_map(Met::sides) {
            let pair = met::name(self.config, side.told.spread);
            writeln!(out, "  $ xmc audit query {directory} --kind internal --pair {pair}")?;
            for of in matches.iter().filter(|of| of.sides().iter().any(|one| one.is_of(side))) {
                writeln!(out, "    {} {}", of.place(), of.row.what)?;
            }
        }
        let title = self.say("The whole story of either fire", "两笔触发的完整经过");
        writeln!(out, "{title}")?;
        for fired in matches.iter().flat_map(Met::sides).filter_map(|side| side.fired.as_ref()) {
            writeln!(out, "  $ xmc audit show {fired} {directory}")?;
        }
        Ok(())
    }

    fn met(&self, of: &Met, out: &mut Report<'_>) -> Result<(), CliError> {
        let row = of.instrument();
        let symbol = &self.config.instruments[row].symbol;
        let price = |e9: i64| number::e9(e9.into(), 0);
        let [at, bid, ask] = [of.told.price_e9, of.told.bid_e9, of.told.ask_e9].map(price);
        let (place, lots) = (of.place(), of.told.lots);
        match self.lang {
            Lang::En => writeln!(
                out,
                "  {place}  {lots} lots of {symbol} at {at}, the middle of {bid} and {ask}"
            )?,
            Lang::Zh => {
                writeln!(out, "  {place}  {symbol} {lots} 手 @ {at}, 买卖价 {bid} / {ask}")?
            }
        }
        let [buy, sell] = of.sides();
        for (word, side) in [(self.say("buys ", "买方"), buy), (self.say("sells", "卖方"), sell)]
        {
            let pair = met::name(self.config, side.told.spread);
            let (needed, left) = (side.told.needed_lots, side.left());
            let then = match (self.lang, side.went_out, side.taken_back) {
                (_, 0, 0) => String::new(),
                (Lang::En, 0, back) => {
                    format!("; then {back} traded back outside, the cheaper way")
                }
                (Lang::En, more, _) => format!("; then {more} went out"),
                (Lang::Zh, 0, back) => format!("; 随后在场所回退 {back} 手 (代价更低)"),
                (Lang::Zh, more, _) => format!("; 随后 {more} 手报往场所"),
            };
            let text = match self.lang {
                Lang::En => {
                    format!("{pair}: needed {needed}, {lots} inside, {left} left{then}")
                }
                Lang::Zh => {
                    format!("{pair}: 需要 {needed} 手, 内部 {lots} 手, 剩余 {left} 手{then}")
                }
            };
            writeln!(out, "{}", folded(&format!("    {word}  "), &text))?;
        }
        let Sums { currency, fees_e9, margin_e9, opens_lots, crossing_e9 } =
            &of.sums(self.config, self.terms);
        let money = |e9: i128| number::e9(e9, 2);
        let [fees, margin, crossing] = [*fees_e9, *margin_e9, *crossing_e9].map(money);
        let percent = self.terms.percent();
        let rows = match self.lang {
            Lang::En => [
                ("fees saved      ", fees, "of both orders".to_owned()),
                (
                    "margin not bound",
                    margin,
                    format!(
                        "{opens_lots} lots not opened, {percent} % each (SAMPLE terms; less where \
                         a broker nets)"
                    ),
                ),
                ("crossing saved  ", crossing, "from bid to ask".to_owned()),
            ],
            Lang::Zh => [
                ("节省手续费", fees, "两笔委托".to_owned()),
                (
                    "少占保证金",
                    margin,
                    format!("少开 {opens_lots} 手, 每手 {percent}% (样例条款; 单向大边时更少)"),
                ),
                ("节省价差  ", crossing, "买卖价之差".to_owned()),
            ],
        };
        for (word, money, why) in rows {
            let first = format!("    {word}  {currency} {money:>13}  ");
            writeln!(out, "{}", folded(&first, &why))?;
        }
        let back = buy.taken_back + sell.taken_back;
        if back > 0 {
            let text = match self.lang {
                Lang::En => format!(
                    "At the moment they met: what trading {back} lots back outside has cost is \
                     not taken off."
                ),
                Lang::Zh => format!("以撮合时刻计: 随后场所回退 {back} 手的成本未扣除。"),
            };
            writeln!(out, "{}", folded("    ", &text))?;
        }
        Ok(())
    }

    fn pairs(&self, pairs: &[Pair], out: &mut Report<'_>) -> Result<(), CliError> {
        let title = self.say(
            "What each pair holds by the record, lots from outside and from inside",
            "按留痕各套利对持仓: 场所成交手数与内部手数",
        );
        writeln!(out, "\n{title}")?;
        for (pair, leg) in
            pairs.iter().flat_map(|pair| pair.legs.iter().map(move |leg| (pair, leg)))
        {
            let symbol = &self.config.instruments[leg.instrument].symbol;
            let (outside, inside) = (number::signed(leg.outside), number::signed(leg.inside));
            let whole = number::signed(leg.outside + leg.inside);
            writeln!(out, "  {:<6} {symbol:<7} {outside:>5} {inside:>5}  = {whole}", pair.name)?;
        }
        Ok(())
    }

    fn checks(
        &self,
        checks: &[(Check, bool)],
        is_good: bool,
        out: &mut Report<'_>,
    ) -> Result<(), CliError> {
        writeln!(out, "\n{}", self.say("CHECKED", "核对"))?;
        for (check, is_so) in checks {
            let word = if *is_so { self.say("yes", "是") } else { self.say("NO", "否") };
            let text = check.text[usize::from(self.lang == Lang::Zh)];
            writeln!(out, "{}", folded(&format!("  {word:<3}  "), text))?;
        }
        if !is_good {
            let text = self.say(
                "NOT AS IT SHOULD BE: see above, or run longer (--seconds 40).",
                "结果异常: 见上, 或延长时间 (--seconds 40)。",
            );
            writeln!(out, "{text}")?;
        }
        Ok(())
    }
}
