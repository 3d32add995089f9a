//! The lines for pipes: each whole, one per event, in the chosen language.

use super::rig::{Answer, Rig};
use cross_market_connect::monitor::{Lang, Plain};
use xmc_hotpath::time::Span;

fn run(lang: Lang) -> Rig {
    let mut rig = Rig::new(3);
    rig.write_lines(Plain::new(lang));
    rig.run(Span(4_000_000_000));
    rig.planned.push_back(Answer::Break);
    rig.run(Span(2_000_000_000));
    rig
}

#[test]
fn events_have_lines_and_there_are_as_many_as_were_counted() {
    let rig = run(Lang::En);
    let count = |word: &str| rig.lines().iter().filter(|line| line.contains(word)).count() as u64;
    let totals = rig.tally.totals();
    assert_eq!(count("  fire "), totals.fires);
    assert_eq!(count("  fills "), totals.fills);
    assert_eq!(count("  held back "), totals.decisions - totals.fires);
    assert_eq!(count("  done "), totals.aligned);
    assert_eq!(count("  OUT OF RATIO "), totals.broken);
    assert_eq!(count("  alerts legs out of ratio"), 1);
    assert!(totals.fills > 10 && totals.broken == 1);
    assert!(rig.lines().iter().all(|line| line.is_ascii() && !line.ends_with(' ')));
}

#[test]
fn lines_are_chinese_where_that_was_asked_for() {
    let rig = run(Lang::Zh);
    for word in ["触发 开", "成交 ", "买开", "拦截 ", "完成 ", "比例不齐", "告警 腿比例不齐"]
    {
        assert!(rig.lines().iter().any(|line| line.contains(word)), "{word}");
    }
}

#[test]
fn the_line_of_a_second_says_how_it_stands() {
    let rig = run(Lang::En);
    let status = Plain::new(Lang::En).status(&rig.view());
    let totals = rig.tally.totals();
    let expected = [
        "6.000  =             NORMAL, cu_bc".to_owned(),
        format!("round trips {}", totals.round_trips),
        format!("fills {}", totals.fills),
        "tick to order p50 842 ns p99 2.31 us".to_owned(),
    ];
    for part in expected {
        assert!(status.contains(&part), "{part}: {status}");
    }
}
