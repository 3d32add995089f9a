//! The screen, cell by cell: widths, words, numbers, colours, for both languages and many sizes.

use super::rig::{Answer, Rig};
use cross_market_connect::monitor::terminal::{self, Direction, Look, Shown, width};
use cross_market_connect::monitor::view::Note;
use cross_market_connect::monitor::words::Label;
use cross_market_connect::monitor::{Lang, Setting, View, gate};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use xmc_hotpath::message::{ChannelState, Decision, Gate};
use xmc_hotpath::risk::{RECORD_LATE_PCT, RECORD_OPEN_MAX_PCT};
use xmc_hotpath::time::{MonoNs, Span};

const LANGS: [Lang; 2] = [Lang::En, Lang::Zh];
const ORANGE: Color = Color::Indexed(208);

fn look(lang: Lang) -> Look {
    Look { lang, is_ascii: false, direction: Direction::of(lang), has_colour: true }
}

fn shown(pair: usize) -> Shown {
    Shown { pair, is_paused: false }
}

/// The screen through a whole ratatui terminal, as it would reach a real one.
fn drawn(view: &View, pair: usize, look: &Look, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("it has no faults");
    let draw = |frame: &mut ratatui::Frame<'_>| {
        let area = frame.area();
        terminal::draw(view, shown(pair), look, area, frame.buffer_mut());
    };
    terminal.draw(draw).expect("it has no faults");
    terminal.backend().buffer().clone()
}

/// The rows as text. The cell behind a wide character is part of that character.
fn rows(buffer: &Buffer) -> Vec<String> {
    let row = |y| {
        let mut text = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            text += symbol;
            x += u16::try_from(width(symbol).max(1)).expect("one or two");
        }
        assert_eq!(x, buffer.area.width, "half a character at the end of {text:?}");
        text
    };
    (0..buffer.area.height).map(row).collect()
}

fn text(buffer: &Buffer) -> String {
    rows(buffer).join("\n")
}

/// After six seconds, with something of everything.
fn lively() -> Rig {
    let mut rig = Rig::new(7);
    rig.run(Span(6_000_000_000));
    rig
}

/// One leg filled, the other not.
fn broken() -> Rig {
    let mut rig = lively();
    rig.planned.push_back(Answer::Break);
    rig.run(Span(2_000_000_000));
    rig
}

/// The pair that is out of ratio.
fn exposed(view: &View) -> usize {
    view.pairs.iter().position(|pair| pair.is_exposed()).expect("one is out of ratio")
}

#[test]
fn every_row_is_as_wide_as_the_screen_in_both_languages() {
    let view = broken().view();
    for lang in LANGS {
        for size in [(80, 24), (100, 30), (120, 40), (200, 60), (81, 25), (133, 37)] {
            for pair in 0..view.pairs.len() {
                for row in rows(&drawn(&view, pair, &look(lang), size)) {
                    assert_eq!(width(&row), usize::from(size.0), "{row:?}");
                }
            }
        }
    }
}

/// A ring that is all but empty says by a word, and not by a share, that the record is late.
#[test]
fn a_record_that_is_late_is_called_so() {
    for (lang, late) in [(Lang::En, "record late"), (Lang::Zh, "落盘迟滞")] {
        let mut rig = lively();
        for is_late in [false, true, false] {
            rig.counters.desk.record_late.set(u64::from(is_late));
            let shown = text(&drawn(&rig.view(), 0, &look(lang), (120, 40)));
            assert_eq!(shown.contains(late), is_late, "{shown}");
            assert!(shown.contains("record 1%") && !shown.contains("51%"), "{shown}");
        }
        let decision = Decision {
            gate: Gate::RecordRoom,
            seen: RECORD_LATE_PCT.into(),
            limit: RECORD_OPEN_MAX_PCT.into(),
            ..rig.view().gates.first().expect("something was held back").last
        };
        let setting = Setting::of(&super::rig::configuration());
        for say in [gate::seen_and_limit, gate::seen_of_limit] {
            assert_eq!(say(&setting, &decision, lang), late);
            let full = Decision { seen: 64, ..decision };
            assert!(say(&setting, &full, lang).contains("64%"));
        }
        rig.run(Span(1));
    }
}

/// What is new about the money that orders use stands among the alerts, and folds.
#[test]
fn what_others_than_the_desk_tell_stands_among_the_alerts() {
    let text_of = |about: &str| {
        [
            format!("account {about}: top up 250000 CNY from treasury to home, approver olga"),
            format!("账户 {about} 补仓 250000 CNY: treasury -> home, 审批 olga"),
        ]
    };
    let mut rig = lively();
    let before = rig.view().totals.alerts;
    for (at, about) in [(1, "old"), (5_900_000_000, "new")] {
        rig.notes.add(Note { at: MonoNs(at), of: Label::Capital, text: text_of(about) });
    }
    let view = rig.view();
    for (lang, word, parts) in [
        (Lang::En, "capital", ["account new: top up", "approver olga"]),
        (Lang::Zh, "资金", ["账户 new 补仓", "审批 olga"]),
    ] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let buffer = drawn(&view, 0, &look(lang), size);
            let rows = rows(&buffer);
            assert!(rows.iter().all(|row| width(row) == usize::from(size.0)), "{rows:#?}");
            let first = rows.iter().find(|row| row.contains(parts[0]));
            assert!(first.is_some_and(|row| row.contains(word)), "{size:?} {rows:#?}");
            if size.0 >= 120 {
                assert!(rows.iter().any(|row| row.contains(parts[1])), "{size:?} {rows:#?}");
            }
        }
    }
    let shown = text(&drawn(&view, 0, &look(Lang::En), (200, 60)));
    assert!(shown.contains(&format!("alerts {}", before + 2)), "{shown}");
}

/// Box drawing, dots and Greek are one cell here and two in terminals of a Chinese locale.
#[test]
fn no_character_has_a_width_that_depends_on_the_terminal() {
    let view = broken().view();
    let is_fit = |c: char, has_lines: bool| {
        c == ' '
            || c.is_ascii_graphic()
            || ('\u{4e00}'..='\u{9fff}').contains(&c)
            || (has_lines && "─│┬".contains(c))
    };
    let ascii = Look { is_ascii: true, ..look(Lang::En) };
    for (look, has_lines) in [(look(Lang::Zh), false), (ascii, false), (look(Lang::En), true)] {
        for pair in 0..view.pairs.len() {
            let text = text(&drawn(&view, pair, &look, (120, 40)));
            let odd = text.chars().find(|&c| c != '\n' && !is_fit(c, has_lines));
            assert_eq!(odd, None, "{text}");
        }
    }
}

/// Bars between parts stand in one column, whatever is written to their left.
#[test]
fn columns_are_straight() {
    let view = lively().view();
    for lang in LANGS {
        let buffer = drawn(&view, 1, &look(lang), (120, 40));
        let bar = if lang == Lang::Zh { "|" } else { "│" };
        let columns: Vec<Vec<u16>> = (0..40)
            .map(|y| (0..120).filter(|&x| buffer[(x, y)].symbol() == bar).collect())
            .collect();
        let legs: Vec<_> = columns.iter().filter(|found| found.len() == 2).collect();
        assert!(legs.len() >= 6 && legs.iter().all(|found| *found == legs[0]), "{columns:?}");
        let halves: Vec<_> = columns.iter().filter(|found| found.len() == 1).collect();
        assert!(halves.len() >= 10, "{columns:?}");
        assert!(halves.iter().all(|found| found[0] == 59), "{columns:?}");
    }
}

#[test]
fn what_matters_is_there_even_on_a_small_terminal() {
    let view = lively().view();
    let expected = |lang: Lang| -> Vec<&str> {
        match lang {
            Lang::En => vec![
                "SIMULATED VENUES, PAPER MONEY",
                "NORMAL",
                "00:06.0",
                "buys at",
                "sells at",
                "position",
                "<= -22.00",
                ">= 22.00",
                "held back",
                "rejects 0",
                "tick to order  p50 842 ns  p99 2.31 us  p99.9 4.87 us  max 31.2 us",
                "total",
                "FX part",
                "[q] quit",
            ],
            Lang::Zh => vec![
                "模拟交易所",
                "NORMAL 正常",
                "买入点差",
                "卖出点差",
                "净仓",
                "开多 <= -22.00",
                "平仓盈亏",
                "持仓盈亏",
                "风控拦截",
                "拒单 0",
                "行情到报单  p50 842 ns",
                "合计",
                "其中汇率",
                "[q]退出",
            ],
        }
    };
    for lang in LANGS {
        for size in [(80, 24), (120, 40)] {
            let text = text(&drawn(&view, 1, &look(lang), size));
            for part in expected(lang)
                .into_iter()
                .chain(["cu_bc", "cu_hg", "au_gc", "sc_cl", "cu2609", "HGU6"])
            {
                assert!(text.contains(part), "{size:?} without {part}:\n{text}");
            }
            for feed in ["shfe", "cme"] {
                let lines = text.lines().filter(|line| line.starts_with(feed));
                assert_eq!(lines.count(), 1, "{size:?} without feed {feed}:\n{text}");
            }
            assert!(!text.contains("##"), "a number did not fit {size:?}:\n{text}");
        }
    }
}

/// The figures on the screen are those of the view, with separators.
#[test]
fn numbers_are_those_of_the_view() {
    let view = lively().view();
    let pair = &view.pairs[1];
    let text = text(&drawn(&view, 1, &look(Lang::En), (120, 40)));
    // An independent way to write a number: through its decimal digits.
    let written = |value_e9: i128, digits: usize| {
        let all = format!("{:010}", value_e9.unsigned_abs());
        let (whole, part) = all.split_at(all.len() - 9);
        let mut grouped = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if value_e9 < 0 { "-" } else { "" };
        if digits == 0 { grouped } else { format!("{sign}{grouped}.{}", &part[..digits]) }
    };
    for level in pair.legs[0].bids.iter().chain(&pair.legs[0].asks) {
        assert!(text.contains(&written(level.price_e9.into(), 0)), "{text}");
    }
    for level in &pair.legs[1].asks {
        assert!(text.contains(&written(level.price_e9.into(), 4)), "{text}");
    }
    let buys = written(pair.buy_e9.expect("both books are there").into(), 2);
    assert!(text.contains(&format!("buys at {buys} ")), "{buys}: {text}");
    let total = written(pair.profit.total_e9.expect("all is known"), 2);
    assert!(text.contains(&format!("{total} CNY")), "{total}: {text}");
    let totals = &view.totals;
    assert!(text.contains(&format!("orders {}  fills {} ", totals.orders, totals.fills)), "{text}");
    for gate in view.gates.iter().take(4) {
        let count = written(i128::from(gate.count) * 1_000_000_000, 0);
        let line = text.lines().find(|line| line.contains(&format!(" {count}  ")));
        assert!(line.is_some(), "{:?} {count}:\n{text}", gate.gate);
    }
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    let view = lively().view();
    for (lang, words) in [
        (Lang::En, ["too small", "needs 80x24", "has 60x20"]),
        (Lang::Zh, ["终端窗口太小", "至少需要 80x24", "当前 60x20"]),
    ] {
        let text = text(&drawn(&view, 0, &look(lang), (60, 20)));
        for word in words {
            assert!(text.contains(word), "{text}");
        }
        assert!(!text.contains("cu_bc"), "half a screen is worse than none");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No size and no choice breaks it.
    #[test]
    fn any_size_can_be_drawn(
        columns in 1_u16..240,
        rows in 1_u16..80,
        pair in 0_usize..6,
        is_zh: bool,
    ) {
        let view = lively().view();
        let lang = if is_zh { Lang::Zh } else { Lang::En };
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        terminal::draw(&view, shown(pair), &look(lang), area, &mut buffer);
    }
}

fn cells(buffer: &Buffer) -> impl Iterator<Item = &Cell> {
    buffer.content().iter()
}

/// Orange is exposure, and exposure is orange, whatever the language; words say it, too.
#[test]
fn unhedged_exposure_has_its_own_colour() {
    let calm = lively().view();
    let exposed_view = broken().view();
    let pair = exposed(&exposed_view);
    for (lang, word) in [(Lang::En, "UNHEDGED"), (Lang::Zh, "单边敞口")] {
        let look = look(lang);
        for size in [(80, 24), (120, 40)] {
            let hedged = calm.pairs.iter().all(|pair| !pair.is_exposed());
            let buffer = drawn(&calm, 0, &look, size);
            assert!(hedged && cells(&buffer).all(|cell| cell.fg != ORANGE));
            let buffer = drawn(&exposed_view, pair, &look, size);
            let orange = cells(&buffer).filter(|cell| cell.fg == ORANGE);
            let told: String = orange.map(|cell| cell.symbol()).collect();
            assert!(told.contains(word), "{told:?}");
            assert!(told.contains('!'), "the tab shows it as well: {told:?}");
            for leg in exposed_view.pairs[pair].legs.iter().filter(|leg| leg.unhedged_lots != 0) {
                let lots = leg.unhedged_lots.unsigned_abs().to_string();
                assert!(told.contains(&lots), "{told:?}");
            }
        }
    }
}

/// The same screen without colours has the same words and signs.
#[test]
fn colour_says_nothing_alone() {
    let view = broken().view();
    for lang in LANGS {
        let coloured = drawn(&view, 0, &look(lang), (120, 40));
        let plain = Look { has_colour: false, ..look(lang) };
        let plain = drawn(&view, 0, &plain, (120, 40));
        assert_eq!(rows(&coloured), rows(&plain));
        assert!(cells(&plain).all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        let gains = rows(&plain).join(" ");
        assert!(gains.contains('+') && gains.contains('-'), "signs stand for colours");
    }
}

/// Red is up in China, green elsewhere, and the setting decides.
#[test]
fn up_has_the_colour_of_the_setting() {
    let view = lively().view();
    let colour = |lang, direction| {
        let look = Look { direction, ..look(lang) };
        let buffer = drawn(&view, 0, &look, (120, 40));
        let best = view.pairs[0].legs[0].bids[0].price_e9 / 1_000_000_000;
        let digits = format!("{},{:03}", best / 1_000, best % 1_000);
        let all = rows(&buffer);
        let y = all.iter().position(|row| row.contains(&digits)).expect("the best bid");
        let cell = (0..120).map(|x| &buffer[(x, y as u16)]).find(|cell| {
            cell.modifier.contains(Modifier::BOLD) && matches!(cell.fg, Color::Indexed(_))
        });
        cell.expect("the bid has a colour").fg
    };
    let (red, green) = (Color::Indexed(203), Color::Indexed(78));
    assert_eq!(colour(Lang::Zh, Direction::of(Lang::Zh)), red);
    assert_eq!(colour(Lang::En, Direction::of(Lang::En)), green);
    assert_eq!(colour(Lang::En, Direction::RedUp), red);
    assert_eq!(colour(Lang::Zh, Direction::GreenUp), green);
}

/// A book that is not to be believed says so where it stands.
#[test]
fn a_feed_that_is_lost_is_seen_at_the_book() {
    let mut rig = lively();
    rig.silent_feeds.push(0);
    rig.channel(10, ChannelState::Suspect);
    rig.run(Span(2_000_000_000));
    let view = rig.view();
    let en = text(&drawn(&view, 1, &look(Lang::En), (80, 24)));
    assert!(en.lines().any(|line| line.starts_with("age 2.") && line.contains("SUSPECT")), "{en}");
    assert!(en.lines().any(|line| line.starts_with("shfe") && line.contains("SUSPECT")), "{en}");
    assert!(en.contains("feed gap  shfe"), "the alert is there: {en}");
    let zh = text(&drawn(&view, 1, &look(Lang::Zh), (80, 24)));
    assert!(zh.contains("行情缺口"), "{zh}");
}

/// A screen begins with a pair that crosses the border.
#[test]
fn the_first_pair_shown_has_legs_in_both_markets() {
    let view = lively().view();
    assert_eq!(view.setting.spreads[view.first_across()].name, "cu_hg");
}

#[test]
fn before_the_first_quote_there_is_nothing_to_show_and_it_is_shown() {
    let view = Rig::new(1).view();
    for lang in LANGS {
        let text = text(&drawn(&view, 1, &look(lang), (80, 24)));
        let words =
            if lang == Lang::En { ["no quote", "none yet"] } else { ["无行情", "暂无"] };
        for word in words {
            assert!(text.contains(word), "{text}");
        }
    }
}
