//! Gates of the quotes: their channel, what they are worth, how old they are.

use xmc_hotpath::message::{
    AlertKind, ChannelState, CommandKind, Decision, Event, Finding, FindingKind, Gate,
    InstrumentIndex, Intent, Quote, QuoteQuality, StreamId,
};
use xmc_hotpath::time::{MonoNs, Span};

use super::super::stand::{FEED, Stand};
use super::{OTHER_FEED, Row, channel, close, command, decide, open, opening, row, stand, trade};

pub fn rows() -> Vec<Row> {
    let mut rows = channels();
    rows.extend(qualities());
    rows.extend(ages());
    rows.extend(doubts());
    rows
}

/// A snapshot of the venue shows another book of a leg; a command says that somebody knows why.
fn doubts() -> Vec<Row> {
    let doubted = |leg: u8| {
        row("doubt", Gate::Doubt, leg, (1, 0), move |beyond| {
            let mut stand = stand(|_| {});
            stand.tell(Event::Finding(differing(leg.into())));
            assert_eq!(stand.alerts(), [AlertKind::BookDiffers]);
            if beyond == 0 {
                command(&mut stand, CommandKind::ClearDoubt);
            }
            open(stand, 5)
        })
    };
    let frozen = |leg: u8| {
        row("frozen", Gate::Doubt, leg, (2, 0), move |beyond| {
            let mut stand = stand(|_| {});
            let frozen = Finding { kind: FindingKind::Frozen, ..differing(leg.into()) };
            stand.tell(Event::Finding(frozen));
            assert_eq!(stand.alerts(), [AlertKind::FeedFrozen]);
            if beyond == 0 {
                stand.tell(Event::Finding(Finding { kind: FindingKind::Moves, ..frozen }));
                assert_eq!(stand.alerts(), []);
            }
            open(stand, 5)
        })
    };
    vec![doubted(0), doubted(1), frozen(0), frozen(1)]
}

/// The book of an instrument is not the venue's.
pub fn differing(row: u32) -> Finding {
    Finding {
        kind: FindingKind::BookDiffers,
        instrument: InstrumentIndex(row),
        stream: if row == 1 { OTHER_FEED } else { FEED },
        packet_seq_no: 7,
        value: 100 + i64::from(row),
        opens_nothing: true,
    }
}

/// A position in a leg that is in doubt is closed, and what is only told holds nothing back.
#[test]
fn what_is_held_in_doubt_is_closed() {
    let mut held = stand(|_| {});
    trade(&mut held, 5);
    held.tell(Event::Finding(differing(0)));
    let (_, decision) = close(held, 5);
    assert_eq!((decision.gate, decision.intent), (Gate::Passed, Intent::CloseLong));
    let mut told = stand(|_| {});
    told.tell(Event::Finding(Finding { opens_nothing: false, ..differing(0) }));
    assert_eq!(told.alerts(), [AlertKind::BookDiffers]);
    assert_eq!(open(told, 5).1.gate, Gate::Passed);
}

/// Each state of either leg's channel that cannot be traded on, beside those that can.
fn channels() -> Vec<Row> {
    let states = [
        (ChannelState::Down, 0),
        (ChannelState::Suspect, 3),
        (ChannelState::Recovering, 4),
        (ChannelState::Stale, 5),
        (ChannelState::Closed, 6),
        (ChannelState::Frozen, 7),
        (ChannelState::Divergent, 8),
    ];
    let usable = [ChannelState::Live, ChannelState::SingleLine];
    assert_eq!(states.len() + usable.len(), ChannelState::ALL.len());
    let mut rows = Vec::new();
    for (state, code) in states {
        for (leg, stream) in [(0, FEED), (1, OTHER_FEED)] {
            for usable in usable {
                rows.push(row("channel", Gate::ChannelState, leg, (code, 1), move |beyond| {
                    let mut stand = stand(|_| {});
                    channel(&mut stand, stream, state, 1);
                    if beyond == 0 {
                        channel(&mut stand, stream, usable, 1);
                    }
                    let quotes = opening(&stand, 5);
                    decide(stand, &quotes)
                }));
            }
        }
    }
    rows
}

/// Each quality but the good one, an epoch of before, one that has not begun, another channel.
fn qualities() -> Vec<Row> {
    type Spoil = fn(&mut Quote);
    let spoils: [(&str, i64, Spoil); 7] = [
        ("quality unknown", 0, |quote| quote.quality = QuoteQuality::Unknown),
        ("quality gapped", 2, |quote| quote.quality = QuoteQuality::Gapped),
        ("quality insane", 3, |quote| quote.quality = QuoteQuality::Insane),
        ("quality divergent", 4, |quote| quote.quality = QuoteQuality::Divergent),
        ("older epoch", 1, |quote| quote.epoch -= 1),
        ("later epoch", 1, |quote| quote.epoch += 1),
        ("other channel", 1, |quote| quote.stream = StreamId(99)),
    ];
    let mut rows = Vec::new();
    for (name, code, spoil) in spoils {
        // The quotes come leg 1 first.
        for (leg, place) in [(0, 1), (1, 0)] {
            rows.push(row(name, Gate::QuoteQuality, leg, (code, 1), move |beyond| {
                let stand = stand(|_| {});
                let mut quotes = opening(&stand, 5);
                if beyond > 0 {
                    spoil(&mut quotes[place]);
                }
                decide(stand, &quotes)
            }));
        }
    }
    rows.push(row("epoch moved on", Gate::QuoteQuality, 1, (1, 1), |beyond| {
        let mut stand = stand(|_| {});
        let quotes = opening(&stand, 5);
        channel(&mut stand, OTHER_FEED, ChannelState::Live, if beyond > 0 { 2 } else { 1 });
        decide(stand, &quotes)
    }));
    rows
}

/// When two quotes were received, and which leg's is the older.
fn ages() -> Vec<Row> {
    let mut rows = Vec::new();
    for (older, place) in [(0, 1), (1, 0)] {
        rows.push(row("age", Gate::QuoteAge, older, (1_001, 1_000), move |beyond| {
            let stand = stand(|setup| setup.spread.max_quote_age = Span(1_000));
            received(stand, place, 1_000 + u64::from(beyond > 0), 0)
        }));
        rows.push(row("skew", Gate::QuoteSkew, older, (51, 50), move |beyond| {
            let stand = stand(|setup| setup.spread.max_quote_skew = Span(50));
            received(stand, place, 700 + 50 + u64::from(beyond > 0), 700)
        }));
    }
    rows
}

/// A decision when the quote at `place` is `older` nanoseconds old and the other `younger`.
fn received(mut stand: Stand, place: usize, older: u64, younger: u64) -> (Stand, Decision) {
    stand.now += 10_000;
    let mut quotes = opening(&stand, 5);
    // The decision comes with the second of two inputs, a nanosecond apart.
    let now = stand.now + 2;
    for quote in &mut quotes {
        quote.received = MonoNs(now - younger);
    }
    quotes[place].received = MonoNs(now - older);
    let (stand, decision) = decide(stand, &quotes);
    let leg = 1 - place;
    assert_eq!(decision.quote_age[leg], Span(older));
    assert_eq!(decision.quote_age[place], Span(younger));
    (stand, decision)
}

/// A stamp of another core that lies ahead of the desk's time is an age of zero, not a huge one.
#[test]
fn a_quote_of_the_future_is_new() {
    let stand = stand(|setup| setup.spread.max_quote_age = Span(1_000));
    let mut quotes = opening(&stand, 5);
    quotes[0].received = MonoNs(stand.now + 100);
    let (_, decision) = decide(stand, &quotes);
    assert_eq!((decision.gate, decision.quote_age[1]), (Gate::Passed, Span(0)));
}
