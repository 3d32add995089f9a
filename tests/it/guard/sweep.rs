//! Live orders of an account, found on the SIMULATED counter's stream and cancelled one by one.

use cross_market_connect::venue::esunny::dstar::sweep::{Sweep, SweepError};
use std::time::{Duration, Instant};
use xmc_hotpath::venue::esunny::dstar::encode::Account;
use xmc_hotpath::venue::esunny::dstar::layout::{
    Framed as Datagram, Generation, HeaderV3, KeyV3, OrderDelete, OrderNotice, OrderState,
    UdpAuthReply, V3,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{Framed, Kind};
use xmc_hotpath::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

const ACCOUNT: Account = Account { index: 3, udp_auth_code: 0xC0DE, close_today: None };
const EVERY: Duration = Duration::from_millis(100);

fn auth(error: i32) -> Vec<u8> {
    let body = UdpAuthReply {
        account_index: U16Le::new(3),
        udp_auth_code: U32Le::new(0xC0DE),
        req_id_mode: 1,
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::UdpAuth, body)).to_vec()
}

fn told(order_id: u64, state: OrderState, error: i32) -> Vec<u8> {
    let key = KeyV3 { order_id: U64Le::new(order_id), system_no: [b'7'; 21] };
    let body = OrderNotice::<I64Le, KeyV3> {
        contract_no: [0; 16],
        direct: b'B',
        state: state.to_wire(),
        reference: I64Le::new(1_000 + i64::try_from(order_id).unwrap()),
        key,
        qty_lots: U32Le::new(2),
        filled_lots: U32Le::new(0),
        price: bytemuck::Zeroable::zeroed(),
        time: [0; 20],
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Notice, body)).to_vec()
}

fn answer(max: u32) -> Vec<u8> {
    bytemuck::bytes_of(&Framed::new(Kind::LastRequest, U32Le::new(max))).to_vec()
}

/// Number of the request, reference and order of a cancellation.
fn read(datagram: &[u8]) -> (u32, i64, u64) {
    type Delete = Datagram<HeaderV3, OrderDelete<I64Le, KeyV3>>;
    let datagram: Delete = bytemuck::pod_read_unaligned(datagram);
    let OrderDelete { client_req_id, udp_auth_code, reference, key, .. } = datagram.body;
    assert_eq!(udp_auth_code.get(), 0xC0DE);
    (client_req_id.get(), reference.get(), key.order_id.get())
}

#[test]
fn nothing_is_cancelled_before_the_day_is_told_and_everything_that_lives_then() {
    let _: u16 = V3::ORDER_DELETE;
    let now = Instant::now();
    let mut sweep = Sweep::new(&ACCOUNT, 41);
    assert!(sweep.question(now, EVERY).is_some() && sweep.question(now, EVERY).is_none());
    let day = [
        auth(0),
        told(1, OrderState::Queued, 0),
        told(2, OrderState::Queued, 0),
        told(3, OrderState::PartFilled, 0),
        told(1, OrderState::Filled, 0),
    ];
    let day = day.concat();
    // In pieces: what is not whole is left.
    let taken = sweep.read(&day[..day.len() - 1]).expect("it is the framing");
    assert!(taken < day.len() - 1);
    assert!(sweep.cancellations(now).is_empty(), "more may come");
    assert_eq!(sweep.read(&day[taken..]).expect("it is the framing"), day.len() - taken);
    assert_eq!((sweep.live(), sweep.done()), (2, None));
    sweep.read(&answer(60)).expect("it is the framing");
    assert!(sweep.question(now + 2 * EVERY, EVERY).is_none(), "it is answered");
    let sent: Vec<_> = sweep.cancellations(now).iter().map(|one| read(one)).collect();
    assert_eq!(sent, [(61, 1_002, 2), (62, 1_003, 3)], "numbers above what was taken");
    assert!(sweep.cancellations(now).is_empty(), "not at once again");
    // One is over; the other was not found, and is asked for again.
    sweep.read(&told(2, OrderState::Cancelled, 0)).expect("it is the framing");
    sweep.read(&told(3, OrderState::PartFilled, 9)).expect("it is the framing");
    let again: Vec<_> = sweep.cancellations(now + EVERY).iter().map(|one| read(one)).collect();
    assert_eq!(again, [(63, 1_003, 3)]);
    assert_eq!(sweep.done(), None);
    sweep.read(&told(3, OrderState::RemainderCancelled, 0)).expect("it is the framing");
    assert_eq!(sweep.done(), Some(2));
}

#[test]
fn a_day_without_live_orders_is_done_when_it_is_told() {
    let mut sweep = Sweep::new(&ACCOUNT, 1);
    sweep.read(&[auth(0), told(1, OrderState::Filled, 0)].concat()).expect("it is the framing");
    assert_eq!(sweep.done(), None, "more may come");
    sweep.read(&answer(1)).expect("it is the framing");
    assert_eq!(sweep.done(), Some(0));
    // An order that was under way turns up after all.
    sweep.read(&told(2, OrderState::Received, 0)).expect("it is the framing");
    assert_eq!((sweep.done(), sweep.live()), (None, 1));
}

#[test]
fn bytes_that_are_none_of_a_counter_end_a_sweep() {
    let mut sweep = Sweep::new(&ACCOUNT, 1);
    assert!(matches!(sweep.read(&[0; 8]), Err(SweepError::Framing(_))));
    assert!(matches!(sweep.read(&auth(5)), Err(SweepError::Auth(5))));
    let mut short = told(1, OrderState::Queued, 0);
    short.truncate(8 + 20);
    short[6..8].copy_from_slice(&20_u16.to_le_bytes());
    assert!(matches!(sweep.read(&short), Err(SweepError::Length(_))));
}
