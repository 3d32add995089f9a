//! `xmc viewers` against a screen whose moments have ages that the test has made.

use super::{lively, web};
use crate::cli::report_of;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use xmc_hotpath::time::UnixNs;

/// How old every moment is when it is shown.
const OLD: Duration = Duration::from_millis(40);

#[test]
fn ages_are_what_they_are_and_every_viewer_counts() {
    let mut web = web();
    let mut view = lively();
    let (url, is_over) = (web.url(), AtomicBool::new(false));
    let (code, told) = std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let told = report_of(&["viewers", &url, "--count", "3", "--seconds", "3"]);
            is_over.store(true, Ordering::Relaxed);
            told
        });
        while !is_over.load(Ordering::Relaxed) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
            view.utc = UnixNs(u64::try_from((now - OLD).as_nanos()).expect("it is before 2500"));
            // One leg was quoted just before, the others long ago.
            for leg in view.pairs.iter_mut().flat_map(|pair| &mut pair.legs) {
                leg.age = Some(xmc_hotpath::time::Span(60_000_000_000));
            }
            for pair in &mut view.pairs {
                pair.legs[0].age = Some(xmc_hotpath::time::Span(1_000_000));
            }
            web.show(view.clone());
            std::thread::sleep(Duration::from_millis(60));
        }
        looking.join().expect("it ends")
    });
    assert!(code == 0 || code == 1, "{told}");
    assert_eq!((&told["schema"], &told["viewers"]), (&"xmc.viewers".into(), &3.into()));
    assert_eq!(told["cut_off"], 0, "{told}");
    let (moment, quote) = (&told["moment_ns"], &told["quote_ns"]);
    let ns = |of: &serde_json::Value, which: &str| of[which].as_u64().expect("a number");
    let old = u64::try_from(OLD.as_nanos()).expect("few");
    assert!(ns(moment, "p50") >= old, "{told}");
    assert!(ns(quote, "p50") >= old + 1_000_000 && ns(quote, "p50") < 60_000_000_000, "{told}");
    // One new quote a moment.
    assert_eq!(ns(quote, "count"), ns(moment, "count"), "{told}");
    assert_eq!(code == 1, ns(quote, "p99") > 100_000_000, "{told}");
    assert!(told["least_per_second"].as_f64() > Some(1.0), "{told}");
}

#[test]
fn an_address_that_is_none_and_a_token_that_is_not_are_told_apart() {
    let web = web();
    let (code, told) = report_of(&["viewers", "localhost:80"]);
    assert!(code == 3 && told.to_string().contains("is not the address of a screen"), "{told}");
    let wrong = format!("http://{}/?token=0", web.address());
    let (code, told) = report_of(&["viewers", &wrong]);
    assert!(code == 2 && told.to_string().contains("401"), "{told}");
    drop(web);
    let (code, told) = report_of(&["viewers", &wrong]);
    assert!(code == 2 && told.to_string().contains("no screen answers"), "{told}");
}
