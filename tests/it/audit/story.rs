//! Stories of simulated schedules: everything that was decided can be told, and what is told is
//! what the schedule did.

use super::rig;
use crate::journal::scratch::Scratch;
use cross_market_connect::audit::query::{Filter, search_within};
use cross_market_connect::audit::scan::Deadline;
use cross_market_connect::audit::story::{Led, NoStory, Story, Wanted, gather, gather_within};
use cross_market_connect::sim::plan::Seed;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::message::{
    Decision, Detail, Follow, FollowStep, Gate, Internal, OrderAction, OrderCommand, OrderEvent,
    OrderEventKind, OrderId, Repair, RepairWay, SpreadIndex,
};
use xmc_hotpath::record::frame::{self, Body, Image, Images, OwnedEvent};

/// What the records say, each decoded apart: nothing of the program under test but the codec.
#[derive(Default)]
struct Plain {
    decisions: Vec<(u64, Decision)>,
    orders: BTreeMap<u64, Vec<OrderCommand>>,
    news: BTreeMap<OrderId, Vec<OrderEvent>>,
    endings: BTreeMap<SpreadIndex, Vec<u64>>,
    repairs: BTreeMap<SpreadIndex, Vec<(u64, Repair)>>,
    internals: BTreeMap<SpreadIndex, Vec<(u64, Internal)>>,
    follows: BTreeMap<SpreadIndex, Vec<(u64, Follow)>>,
}

fn plain(records: &[Vec<u8>]) -> Plain {
    let mut rows = vec![Image::EMPTY; 64];
    let mut plain = Plain::default();
    for record in records {
        let (header, body, _) = frame::split(record).expect("a record");
        let seq_no = header.seq_no;
        match frame::decode(header, body, &mut Images::new(&mut rows)).expect("it decodes") {
            Body::Order(order) if order.action == OrderAction::New => {
                plain.orders.entry(seq_no).or_default().push(order);
            }
            Body::Detail(Detail::Decision(decision)) => plain.decisions.push((seq_no, decision)),
            Body::Detail(Detail::Ending(ending)) => {
                plain.endings.entry(ending.spread).or_default().push(seq_no);
            }
            Body::Detail(Detail::Repair(repair)) => {
                plain.repairs.entry(repair.spread).or_default().push((seq_no, repair));
            }
            Body::Detail(Detail::Internal(internal)) => {
                for side in [internal.buy, internal.sell] {
                    plain.internals.entry(side.spread).or_default().push((seq_no, internal));
                }
            }
            Body::Detail(Detail::Follow(follow)) => {
                plain.follows.entry(follow.spread).or_default().push((seq_no, follow));
            }
            Body::Input(input) => {
                if let OwnedEvent::Order(event) = input.event {
                    plain.news.entry(event.order_id).or_default().push(event);
                }
            }
            _ => {}
        }
    }
    plain
}

fn told(path: &Path, wanted: Wanted) -> Story {
    gather(path, wanted).unwrap_or_else(|error| panic!("{wanted:?}: {error}"))
}

fn check(story: &Story, seq_no: u64, decision: &Decision, plain: &Plain) {
    assert_eq!(story.led, Led::Agrees, "input {seq_no}");
    assert_eq!(story.cause.place.0, seq_no);
    assert_eq!(story.decision.expect("it was written").what, *decision);
    let ends = plain.endings.get(&decision.spread).into_iter().flatten();
    let fires = plain.orders.contains_key(&seq_no);
    let end = ends.copied().find(|end| *end >= seq_no).filter(|_| fires);
    // An end may have been left out: what comes after the next fire is that one's.
    let mut later = plain.decisions.iter().filter(|(at, other)| {
        *at > seq_no && other.spread == decision.spread && other.gate == Gate::Passed
    });
    let next = later.next().map_or(u64::MAX, |(at, _)| *at);
    // One that was met inside may end and fire anew in one input.
    let end = end.filter(|end| *end <= next);
    let sent: Vec<_> = story.orders.iter().map(|order| order.sent.what).collect();
    let mut expected = plain.orders.get(&seq_no).cloned().unwrap_or_default();
    let repairs = plain.repairs.get(&decision.spread).into_iter().flatten();
    let is_within = |at: &u64| *at > seq_no && *at <= end.unwrap_or(next - 1);
    let repairs: Vec<_> = repairs.filter(|(at, _)| fires && is_within(at)).copied().collect();
    let follows = plain.follows.get(&decision.spread).into_iter().flatten();
    let is_within = |at: &u64| *at >= seq_no && *at <= end.unwrap_or(next - 1);
    let follows: Vec<_> = follows.filter(|(at, _)| fires && is_within(at)).copied().collect();
    let followed = follows.iter().filter(|(_, told)| told.step == FollowStep::Followed);
    let repaired = repairs.iter().filter(|(_, repair)| repair.way != RepairWay::Neither);
    let later: BTreeSet<_> = followed.map(|(at, _)| at).chain(repaired.map(|(at, _)| at)).collect();
    for at in later {
        expected.extend(plain.orders[at].iter().filter(|order| order.spread == decision.spread));
    }
    assert_eq!(sent, expected, "input {seq_no}");
    let told: Vec<_> = story.repairs.iter().map(|told| (told.place.0, told.what)).collect();
    assert_eq!(told, repairs, "input {seq_no}");
    let met = plain.internals.get(&decision.spread).into_iter().flatten();
    let met: Vec<_> = met.filter(|(at, _)| fires && is_within(at)).copied().collect();
    let told: Vec<_> = story.internals.iter().map(|told| (told.place.0, told.what)).collect();
    assert_eq!(told, met, "input {seq_no}");
    let told: Vec<_> = story.follows.iter().map(|told| (told.place.0, told.what)).collect();
    assert_eq!(told, follows, "input {seq_no}");
    for order in &story.orders {
        let news: Vec<_> = order.news.iter().map(|told| told.what).collect();
        let expected = plain.news.get(&order.sent.what.order_id).cloned().unwrap_or_default();
        assert_eq!(news, expected, "input {seq_no}");
        let (mut known, mut last_e9) = (BTreeSet::new(), 0);
        let booked = expected.iter().filter_map(|event| {
            let is_fill = event.kind == OrderEventKind::Filled;
            let is_new = (is_fill || event.kind == OrderEventKind::Busted)
                && known.insert((is_fill, event.exec_id));
            // The price of a fill may be nought; a bust tells none.
            last_e9 = if is_new && is_fill { event.price_e9 } else { last_e9 };
            let lots = i128::from(event.qty_lots) * if is_fill { 1 } else { -1 };
            is_new.then_some((lots, lots * i128::from(last_e9)))
        });
        let (lots, cost_e9) = booked.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let expected = (u64::try_from(lots).unwrap_or(0), cost_e9);
        assert_eq!(order.fills(), expected, "input {seq_no}");
    }
    assert_eq!(story.ending.map(|told| told.place.0), end, "input {seq_no}");
}

#[test]
fn every_decision_can_be_told() {
    let (mut stories, mut fires, mut repaired) = (0, 0, 0);
    let mut steps = BTreeSet::new();
    for seed in (1..100).map(Seed::whole) {
        let scratch = Scratch::new("story");
        let path = rig::journal(seed, &scratch);
        let plain = plain(&rig::records(seed));
        let run = rig::start(seed).identity.run;
        for (seq_no, decision) in plain.decisions.iter().take(12) {
            let same_input = plain.decisions.iter().filter(|(other, _)| other == seq_no);
            // Of an input that sends the repair of another fire that one's story is told.
            let sent = plain.orders.get(seq_no).into_iter().flatten();
            let mut others = sent.filter(|order| order.spread != decision.spread);
            if same_input.count() > 1 || others.next().is_some() {
                continue;
            }
            let story = told(&path, Wanted::Input { run, seq_no: *seq_no });
            check(&story, *seq_no, decision, &plain);
            stories += 1;
            steps.extend(story.follows.iter().map(|told| told.what.step.code()));
            repaired += usize::from(story.orders.iter().any(|order| !story.is_first(order)));
            if let Some(order) = story.orders.last() {
                let by_order = told(&path, Wanted::Order(order.sent.what.order_id));
                check(&by_order, *seq_no, decision, &plain);
                fires += 1;
            }
        }
    }
    assert!(stories > 100 && fires > 20, "{stories} stories, {fires} fires");
    assert!(repaired > 0, "no story has a repair");
    let expected = [FollowStep::Waits, FollowStep::Followed, FollowStep::Unfilled];
    assert!(expected.iter().all(|step| steps.contains(&step.code())), "{steps:?}");
}

#[test]
fn what_was_never_sent_has_no_story() {
    let scratch = Scratch::new("no_story");
    let path = rig::journal(Seed::whole(1), &scratch);
    let id = OrderId(0x0102_0003_0fff_ffff);
    assert!(matches!(gather(&path, Wanted::Order(id)), Err(NoStory::NoOrder { .. })));
    let none = gather(&path, Wanted::Input { run: 3, seq_no: 1 });
    assert!(matches!(none, Err(NoStory::NoDecision { run: 3, seq_no: 1 })));
    let nowhere = gather(&scratch.path("nothing"), Wanted::Order(id));
    assert!(matches!(nowhere, Err(NoStory::Journal(_))));
}

/// Who has no time is told so, and not half of it.
#[test]
fn a_reader_whose_time_is_over_gets_no_story_and_no_receipts() {
    let scratch = Scratch::new("no_time");
    let first_order = |seed: &Seed| {
        let plain = plain(&rig::records(*seed));
        plain.orders.values().flatten().map(|order| order.order_id).next()
    };
    let mut seeds = (1..100).map(Seed::whole);
    let found = seeds.find_map(|seed| first_order(&seed).map(|order| (seed, order)));
    let (seed, order) = found.expect("one of them sends orders");
    let path = rig::journal(seed, &scratch);
    let wanted = Wanted::Order(order);
    let over = Instant::now();
    let none = gather_within(&path, wanted, &mut Deadline::at(over));
    assert!(matches!(none, Err(NoStory::TooLong)), "{none:?}");
    let later = over + Duration::from_secs(600);
    assert!(gather_within(&path, wanted, &mut Deadline::at(later)).is_ok());
    let mut found = [0, 0];
    for (place, until) in [over, later].into_iter().enumerate() {
        let mut deadline = Deadline::at(until);
        let searched = search_within(&path, &Filter::default(), &mut deadline, |_| {
            found[place] += 1;
            ControlFlow::Continue(())
        });
        let (scanned, until) = searched.expect("it is a journal");
        assert_eq!(deadline.is_over(), place == 0);
        assert_eq!((scanned.records > 1, until.0 > 0), (place == 1, place == 1));
    }
    assert!(found[0] == 0 && found[1] > 0, "{found:?}");
}

/// A record that was changed after the fact, hashes and all, is not what follows from its inputs.
#[test]
fn a_decision_that_does_not_follow_is_found_out() {
    let decides = |seed: &Seed| !plain(&rig::records(*seed)).decisions.is_empty();
    let seed = (1..100).map(Seed::whole).find(decides).expect("a schedule that decides");
    let mut records = rig::records(seed);
    let (seq_no, decision) = plain(&records).decisions[0];
    let record = records
        .iter_mut()
        .find(|record| record[2] == 33 && record[8..16] == seq_no.to_le_bytes())
        .expect("its record");
    // spread 4, intent 1, gate 1, leg 1, units 4, value 8: the lowest byte of the value.
    let value = 16 + 4 + 1 + 1 + 1 + 4;
    assert_eq!(record[value], decision.value_e9.to_le_bytes()[0]);
    record[value] ^= 1;
    let scratch = Scratch::new("changed_story");
    let path = scratch.path("journal");
    rig::write(&path, &records);
    let run = rig::start(seed).identity.run;
    let story = told(&path, Wanted::Input { run, seq_no });
    assert!(
        matches!(&story.led, Led::Differs(what) if what.starts_with("value")),
        "{:?}",
        story.led
    );
}
