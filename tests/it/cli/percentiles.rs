//! `xmc percentiles`: figures, budgets, and the page in a second reader's eyes.

use super::{report_of, text_of};
use crate::journal::scratch::Scratch;
use cross_market_connect::percentiles;
use hdrhistogram::Histogram;
use std::fs;
use std::time::Duration;

fn kept(scratch: &Scratch, name: &str, slower: u64) -> std::path::PathBuf {
    let mut histogram = Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("valid bounds");
    for value in 1..=10_000u64 {
        histogram.record(value * slower / 10).expect("within bounds");
    }
    percentiles::keep(&histogram, &scratch.path(name), Duration::from_secs(1)).expect("written")
}

#[test]
fn two_files_are_compared_and_the_last_is_held_to_its_budget() {
    let scratch = Scratch::new("cli_percentiles");
    let [first, second] = [("a", 10), ("b", 11)].map(|(name, slower)| kept(&scratch, name, slower));
    let page = scratch.path("page.html");
    let words = ["percentiles", text_of(&first), text_of(&second), "--budget"];
    let met = [&words[..], &["p50=6us,max=12us", "--html", text_of(&page)]].concat();
    let (code, report) = report_of(&met);
    assert_eq!(code, 0, "{report}");
    let p50 = |file: usize| report["files"][file]["percentiles_ns"]["p50"].as_f64();
    let (first_p50, second_p50) = (p50(0).expect("a number"), p50(1).expect("a number"));
    assert!((first_p50 / 5_000.0 - 1.0).abs() < 0.002, "{first_p50}");
    assert!((second_p50 / 5_500.0 - 1.0).abs() < 0.002, "{second_p50}");

    let html = fs::read_to_string(&page).expect("it was written");
    assert_eq!(html.matches("<polyline").count(), 2);
    assert!(html.contains("p50 6.00 µs met"), "{html}");
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");

    let (code, report) = report_of(&[&words[..], &["p50=5us"]].concat());
    assert_eq!(code, 1, "{report}");
    assert_eq!(report["budget"][0]["is_met"], false);
    // Of the first file it would have been met.
    let (code, _) = report_of(&["percentiles", text_of(&first), "--budget", "p50=5.1us"]);
    assert_eq!(code, 0);
}

#[test]
fn what_is_no_budget_and_no_file_is_refused() {
    let scratch = Scratch::new("cli_percentiles_wrong");
    let file = kept(&scratch, "a", 10);
    for budget in
        ["p50", "p101=1us", "q50=1us", "p50=1", "p50=-1us", "p50=NaNus", "p50=0us", "=1us"]
    {
        let (code, why) = report_of(&["percentiles", text_of(&file), "--budget", budget]);
        assert_eq!(code, 3, "{budget}: {why}");
    }
    let none = scratch.path("none.hgrm");
    let (code, why) = report_of(&["percentiles", text_of(&none)]);
    assert_eq!(code, 2, "{why}");
    fs::write(&none, "Value Percentile TotalCount\n1 x 1\n").expect("the place is ours");
    let (code, why) = report_of(&["percentiles", text_of(&none)]);
    assert_eq!(code, 3, "{why}");
    assert!(why.as_str().is_some_and(|why| why.contains("line 2")), "{why}");
}
