//! Frozen told from quiet: a channel that is heard and does not move any more.

use super::kit::{Bench, Setup};
use super::states::{END, bid, book, packet};
use xmc_hotpath::feed::{FrozenLimits, Pulse, Session};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::time::{MonoNs, Span};

const CORN: i32 = 70;
const MS: u64 = 1_000_000;
const LEAST: Span = Span(1_500 * MS);

fn setup() -> Setup {
    let mut setup = Setup::new(&[CORN]);
    setup.limits.silent_after = Span(1_000 * MS);
    setup.limits.lossy_after = Span(1_000 * MS);
    setup.limits.stale_after = Span(60_000 * MS);
    setup
}

/// A channel that moves every so many milliseconds, with heartbeats when it does not.
struct Market<'b, 'a> {
    bench: &'b mut Bench<'a>,
    at: u64,
    seq_no: u32,
    rpt_seq: u32,
}

impl Market<'_, '_> {
    fn send(&mut self, is_heartbeat: bool) {
        self.seq_no += 1;
        let payload = if is_heartbeat {
            packet(self.seq_no).heartbeat().finish()
        } else {
            self.rpt_seq += 1;
            // Each a better price than the last.
            book(self.seq_no, END, &[bid(CORN, self.rpt_seq, i64::from(400 + self.rpt_seq))])
        };
        self.bench.both(self.at, &payload);
    }

    /// Moves so often for so long.
    fn moves(&mut self, every_ms: u64, for_ms: u64) {
        for _ in 0..for_ms / every_ms {
            self.bench.wait(self.at + every_ms * MS);
            self.at += every_ms * MS;
            self.send(false);
        }
    }

    /// Nothing but heartbeats, one a second, for so long; when it was found to be frozen, if it
    /// was.
    fn rests(&mut self, for_ms: u64) -> Option<u64> {
        let began = self.at;
        let mut found = None;
        for second in 1..=for_ms / 1_000 {
            self.bench.wait(began + second * 1_000 * MS);
            self.at = began + second * 1_000 * MS;
            self.send(true);
            if found.is_none() && self.bench.state() == ChannelState::Frozen {
                found = Some(second);
            }
        }
        found
    }
}

fn market<R>(is_paced: bool, body: impl FnOnce(&mut Market<'_, '_>) -> R) -> R {
    let limits = FrozenLimits { after: LEAST, is_paced };
    bench_of(limits, |bench| body(&mut Market { bench, at: MS, seq_no: 0, rpt_seq: 0 }))
}

fn bench_of<R>(limits: FrozenLimits, body: impl FnOnce(&mut Bench<'_>) -> R) -> R {
    super::kit::bench_pulsing(&setup(), limits, body)
}

/// The pause that is too long is learned: twenty seconds are nothing to a slow channel, and a
/// freeze of a fast one.
#[test]
fn a_pause_is_a_freeze_by_what_was_usual() {
    for (every_ms, rests_ms, expected) in [
        (100, 20_000, Some(2)),
        (2_000, 7_000, None),
        (2_000, 20_000, Some(9)),
        (3_000, 11_000, None),
        (3_000, 30_000, Some(13)),
    ] {
        market(false, |market| {
            market.moves(every_ms, 90_000);
            assert_eq!(market.bench.state(), ChannelState::Live, "{every_ms}");
            let found = market.rests(rests_ms);
            let near = |a: u64, b: u64| a.abs_diff(b) <= 1;
            assert_eq!(found.is_some(), expected.is_some(), "{every_ms}: {found:?}");
            let both = found.zip(expected);
            assert!(
                both.is_none_or(|(found, expected)| near(found, expected)),
                "{every_ms}: {both:?}"
            );
            if found.is_some() {
                assert_eq!(market.bench.seen.usable(), []);
                market.moves(every_ms, every_ms * 2);
                market.bench.wait(market.at + 200 * MS);
                assert_eq!(market.bench.state(), ChannelState::Live, "it moves again");
                assert_eq!(market.bench.seen.usable().len(), 1);
            }
        });
    }
}

/// What has hardly moved is not judged, and a silence of everything is not a freeze but stale.
#[test]
fn what_is_not_known_is_not_judged() {
    market(false, |market| {
        market.moves(5_000, 70_000);
        assert_eq!(market.rests(40_000), None);
    });
    market(false, |market| {
        market.moves(100, 90_000);
        market.bench.wait(market.at + 59_000 * MS);
        assert_ne!(market.bench.state(), ChannelState::Frozen, "no line is heard");
        market.bench.wait(market.at + 61_000 * MS);
        assert_eq!(market.bench.state(), ChannelState::Stale);
    });
}

/// A venue that sends its state at fixed times is frozen after three of them, while it is open; at
/// lunch it is closed, and the pause begins when lunch is over.
#[test]
fn a_paced_channel_is_frozen_after_three_slices_and_not_at_lunch() {
    market(true, |market| {
        let tell = |market: &Market<'_, '_>, session: Session| {
            market.bench.counters.told.session.set(session.to_word());
        };
        tell(market, Session::Open);
        market.moves(500, 3_000);
        market.bench.wait(market.at + 1_400 * MS);
        assert_eq!(market.bench.state(), ChannelState::Live);
        market.bench.wait(market.at + 1_800 * MS);
        assert_eq!(market.bench.state(), ChannelState::Frozen);
        market.at += 2_000 * MS;
        market.moves(500, 1_000);
        assert_eq!(market.bench.state(), ChannelState::Live);
        tell(market, Session::Shut);
        assert_eq!(market.rests(30_000), None);
        assert_eq!(market.bench.state(), ChannelState::Closed);
        assert_eq!(market.bench.seen.usable(), []);
        tell(market, Session::Open);
        market.bench.wait(market.at + 1_000 * MS);
        assert_eq!(market.bench.state(), ChannelState::Live, "it has just opened");
        market.bench.wait(market.at + 2_000 * MS);
        assert_eq!(market.bench.state(), ChannelState::Frozen, "and did not begin");
    });
}

/// One freeze does not hide the next: it is learned only as far as it was allowed.
#[test]
fn a_freeze_is_not_learned() {
    let mut pulse = Pulse::new();
    let mut at = 0;
    let mut run = |pulse: &mut Pulse, until: u64| {
        while at < until {
            at += 100 * MS;
            pulse.beat(MonoNs(at), LEAST);
        }
    };
    run(&mut pulse, 61_000 * MS);
    assert_eq!(pulse.limit(LEAST), Some(LEAST), "four times 100 ms is less");
    let resumed = MonoNs(400_000 * MS);
    assert!(pulse.is_still(resumed, LEAST));
    pulse.beat(resumed, LEAST);
    assert_eq!(pulse.limit(LEAST), Some(Span(4 * LEAST.0)));
}
