//! The simulated bank: every transfer goes through its states, and no money is made or lost.

use cross_market_connect::capital::transfer::{SimulatedBank, Status, TransferError, Troubles};

#[test]
fn a_transfer_goes_through_its_states() {
    let mut bank = SimulatedBank::new(1, Troubles::NONE);
    let id = bank.request((0, 1), 500, (10, 20));
    let told = |bank: &mut SimulatedBank<i32>, now| {
        let mut states = Vec::new();
        bank.advance(now, |id, transfer| states.push((id, transfer.status)));
        states
    };
    assert!(told(&mut bank, 15).is_empty(), "nobody has approved it");
    assert_eq!(bank.approve(9), Err(TransferError::Unknown(9)));
    bank.approve(id).expect("it waits for that");
    let again = TransferError::NotRequested { id, status: Status::Approved };
    assert_eq!(bank.approve(id), Err(again));
    assert_eq!(told(&mut bank, 16), [(id, Status::Sent)]);
    assert_eq!(bank.open().count(), 1);
    assert!(told(&mut bank, 19).is_empty());
    assert_eq!(told(&mut bank, 20), [(id, Status::Arrived)]);
    assert!(told(&mut bank, 99).is_empty() && bank.open().count() == 0);
}

#[test]
fn some_are_late_and_some_fail_and_each_ends_once() {
    let mut bank = SimulatedBank::new(2, Troubles { fails: 0.2, late: 0.3, late_minutes: 30 });
    for at in 0..1_000 {
        let id = bank.request((0, 1), 1, (at, at + 10));
        bank.approve(id).expect("it waits for that");
    }
    let mut ends = vec![0; 1_000];
    let mut counts = [0; 3];
    for now in 0..2_000 {
        bank.advance(now, |id, transfer| match transfer.status {
            Status::Late => counts[0] += 1,
            Status::Failed => (ends[id], counts[1]) = (ends[id] + 1, counts[1] + 1),
            Status::Arrived => {
                assert!(now >= transfer.due);
                (ends[id], counts[2]) = (ends[id] + 1, counts[2] + 1);
            }
            Status::Requested | Status::Approved | Status::Sent => {}
        });
    }
    assert!(ends.iter().all(|times| *times == 1));
    let [late, failed, arrived] = counts;
    assert!((200..400).contains(&late) && (120..280).contains(&failed), "{counts:?}");
    assert_eq!(failed + arrived, 1_000);
}
