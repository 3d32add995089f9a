//! Lines whose interface is down or gone, as the cold side tells the feed.

use super::kit::{Bench, Setup, Shot, bench};
use super::states::{CORN, END, ask, bid, book, packet};
use xmc_hotpath::feed::CutLines;
use xmc_hotpath::message::ChannelState::{self, Live, SingleLine, Stale, Suspect};
use xmc_hotpath::port::Line;
use xmc_hotpath::stage::Stage;

const A: CutLines = CutLines { a: true, b: false };
const BOTH: CutLines = CutLines { a: true, b: true };
const NONE: CutLines = CutLines { a: false, b: false };

/// Nothing but what is told tells it that a line is gone: all other limits are far away.
fn setup() -> Setup {
    let mut setup = Setup::new(&[CORN]);
    setup.limits.silent_after.0 = 30_000_000_000;
    setup.limits.lossy_after.0 = 30_000_000_000;
    setup
}

impl Bench<'_> {
    fn tell(&mut self, cut: CutLines) {
        self.counters.told.lines.set(cut.to_word());
        self.stage.housekeeping();
        self.stage.poll();
        self.take();
    }

    fn states(&self) -> Vec<ChannelState> {
        self.seen.updates.iter().map(|update| update.state).collect()
    }

    fn heartbeat(&mut self, line: Line, seq_no: u32, at: u64) {
        self.send(&Shot { line, at, payload: packet(seq_no).heartbeat().finish() });
    }
}

#[test]
fn words_are_read_as_they_are_written() {
    for cut in [NONE, A, CutLines { a: false, b: true }, BOTH] {
        assert_eq!(CutLines::from_word(cut.to_word()), cut);
    }
}

#[test]
fn one_line_that_is_cut_leaves_the_channel_on_the_other_at_once() {
    bench(&setup(), |bench| {
        bench.both(1_000, &book(1, END, &[bid(CORN, 1, 400)]));
        bench.tell(A);
        assert_eq!(bench.states(), [Live, SingleLine]);
        assert_eq!(bench.seen.usable().len(), 1, "one line is enough");
        // What the other one skips is not waited for: nobody else could bring it.
        bench.heartbeat(Line::B, 4, 2_000);
        bench.wait(3_000);
        assert_eq!(bench.state(), Suspect);
        assert_eq!(bench.counters.missing.get(), 2);
        bench.tell(NONE);
        assert_eq!(bench.state(), Suspect, "that a line is back brings no packet");
    });
}

#[test]
fn both_lines_cut_make_quotes_unusable_until_something_is_heard_again() {
    bench(&setup(), |bench| {
        bench.both(1_000, &book(1, END, &[bid(CORN, 1, 400)]));
        assert_eq!(bench.seen.usable().len(), 1);
        bench.tell(BOTH);
        assert_eq!(bench.states(), [Live, Stale]);
        assert_eq!(bench.seen.usable(), []);
        // What its socket still has is no sign of life.
        bench.both(2_000, &packet(2).heartbeat().finish());
        bench.wait(3_000);
        assert_eq!(bench.state(), Stale);
        bench.clock_on(1_000_000);
        bench.tell(NONE);
        bench.wait(50_000_000);
        assert_eq!(bench.state(), Stale, "that a line is back brings no packet");
        bench.both(60_000_000, &book(3, END, &[ask(CORN, 2, 401)]));
        assert_eq!(bench.states(), [Live, Stale, Live]);
        assert_eq!(bench.seen.usable().len(), 1);
    });
}

#[test]
fn books_that_missed_something_while_both_were_cut_are_never_believed_again() {
    bench(&setup(), |bench| {
        bench.both(1_000, &book(1, END, &[bid(CORN, 1, 400)]));
        bench.tell(BOTH);
        bench.clock_on(1_000_000);
        bench.tell(NONE);
        // Three were sent meanwhile; what comes now waits for them for a millisecond.
        bench.heartbeat(Line::A, 5, 2_000_000);
        bench.heartbeat(Line::B, 5, 2_000_100);
        bench.wait(20_000_000);
        assert_eq!(bench.states(), [Live, Stale, Suspect]);
        assert_eq!(bench.counters.missing.get(), 3);
    });
}

/// The same of a silence that has no such reason, and of what only came late.
#[test]
fn a_packet_ahead_does_not_end_a_silence_and_the_one_between_does() {
    let mut setup = setup();
    setup.limits.stale_after.0 = 100_000_000;
    setup.limits.line_reorder = 4;
    bench(&setup, |bench| {
        bench.both(1_000, &book(1, END, &[bid(CORN, 1, 400)]));
        bench.wait(200_000_000);
        assert_eq!(bench.states(), [Live, Stale]);
        bench.heartbeat(Line::A, 3, 200_100_000);
        assert_eq!(bench.state(), Stale);
        bench.heartbeat(Line::B, 2, 200_200_000);
        bench.wait(240_000_000);
        assert_eq!(bench.states(), [Live, Stale, Live]);
        assert_eq!(bench.counters.gaps.get(), 0);
    });
}

/// One that is so far ahead that it may be a stray shows as well that something may be missing.
#[test]
fn a_packet_far_ahead_does_not_end_a_silence() {
    let mut setup = setup();
    setup.limits.stale_after.0 = 100_000_000;
    bench(&setup, |bench| {
        bench.both(1_000, &book(1, END, &[bid(CORN, 1, 400)]));
        bench.wait(200_000_000);
        assert_eq!(bench.states(), [Live, Stale]);
        bench.heartbeat(Line::A, 1_000, 200_100_000);
        bench.wait(240_000_000);
        assert_eq!(bench.states(), [Live, Stale]);
        assert_eq!(bench.seen.usable(), []);
        // The one that comes next says where the lines are.
        bench.heartbeat(Line::B, 2, 240_100_000);
        assert!(bench.state().is_usable());
        assert_eq!(bench.counters.gaps.get(), 0);
    });
}
