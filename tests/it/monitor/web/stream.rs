//! Moments as they come: in order, the newest wins, nobody waits for anybody.

use super::client::{Viewer, get, wait_until};
use super::{lively, web};
use cross_market_connect::monitor::View;
use cross_market_connect::monitor::web::VIEWERS;
use std::sync::Arc;
use std::time::{Duration, Instant};

const STREAM: &str = "/api/stream";

/// A view whose moment is large: a hundred pairs in short.
fn large() -> View {
    let mut view = lively();
    let mut setting = (*view.setting).clone();
    let (pair, spread) = (view.pairs[1].clone(), setting.spreads[1].clone());
    view.pairs = vec![pair; 100];
    setting.spreads = vec![spread; 100];
    view.setting = Arc::new(setting);
    view
}

/// A view whose moment is told in no time.
fn small() -> View {
    let mut view = lively();
    let mut setting = (*view.setting).clone();
    setting.spreads.clear();
    (view.setting, view.pairs) = (Arc::new(setting), Vec::new());
    view.happenings.clear();
    view.decisions.clear();
    view
}

#[test]
fn moments_come_in_order_and_at_most_twenty_a_second() {
    let mut web = web();
    let view = small();
    web.show(view.clone());
    let mut viewer = Viewer::new(&web, STREAM);
    assert_eq!(viewer.status, 200);
    assert_eq!(viewer.until(0), [0], "who comes is told how things stand at once");
    let begun = Instant::now();
    for _ in 0..400 {
        web.show(view.clone());
        std::thread::sleep(Duration::from_millis(3));
    }
    let numbers = viewer.until(400);
    let most = begun.elapsed().as_millis() / 50 + 2;
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    assert!(numbers.len() as u128 <= most, "{} moments, at most {most}", numbers.len());
}

#[test]
fn a_viewer_that_does_not_read_holds_up_nobody_and_then_sees_the_newest() {
    let mut web = web();
    let view = large();
    web.show(view.clone());
    let mut slow = Viewer::new(&web, STREAM);
    assert_eq!(slow.until(0), [0]);
    let mut quick = Viewer::new(&web, STREAM);
    let mut longest = Duration::ZERO;
    let (mut shown, mut seen) = (0, 0);
    // Far more than the sockets of both hold: each moment has tens of thousands of bytes.
    for _ in 0..60 {
        let begun = Instant::now();
        web.show(view.clone());
        longest = longest.max(begun.elapsed());
        shown += 1;
        quick.until(shown);
        seen += 1;
    }
    assert_eq!(seen, 60, "the quick one has seen every moment");
    assert!(longest < Duration::from_secs(1), "showing took {longest:?}");
    assert_eq!(get(&web, "/api/view").status, 200, "and questions are answered");
    // What was under way when it stopped reading comes first, then the newest.
    let numbers = slow.until(60);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    assert!(numbers.len() < 60, "it was spared some of them: {numbers:?}");
}

#[test]
fn the_viewer_behind_the_last_seat_is_told_so_and_gets_the_next_free_one() {
    let mut web = web();
    let view = lively();
    web.show(view.clone());
    let mut seated: Vec<_> = (0..VIEWERS).map(|_| Viewer::new(&web, STREAM)).collect();
    assert!(seated.iter().all(|viewer| viewer.status == 200));
    let late = Viewer::new(&web, STREAM);
    assert_eq!(late.status, 503);
    assert!(late.rest().contains("64 look already"), "it is told why");
    assert_eq!(get(&web, "/").status, 200, "the page can still be loaded");
    seated.pop().expect("one of them").close();
    wait_until("a seat is free", || {
        web.show(view.clone());
        Viewer::new(&web, STREAM).status == 200
    });
    for viewer in &mut seated {
        viewer.next().expect("all the others still see");
    }
}

#[test]
fn what_a_viewer_asks_for_is_what_it_is_told() {
    let mut web = web();
    let view = lively();
    web.show(view.clone());
    for row in 0..view.pairs.len() {
        let mut viewer = Viewer::new(&web, &format!("{STREAM}?pair={row}"));
        let moment = viewer.next().expect("a moment");
        assert_eq!(moment["pair"]["name"], view.setting.spreads[row].name);
    }
}

#[test]
fn the_end_of_the_engine_ends_the_streams() {
    let mut web = web();
    web.show(lively());
    let mut viewer = Viewer::new(&web, STREAM);
    viewer.until(0);
    drop(web);
    assert!(viewer.next().is_none());
}
