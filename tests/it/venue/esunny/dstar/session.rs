//! The session's news: every reply in every state, fills that come twice, replies cut and turned.

use super::rig::{
    CONTRACTS, DESK, ORDER_ROWS, Rig, Told, auth, auth_for, cancel, id, identity, new, told,
};
use xmc_hotpath::gateway::{CannotEncode, OrderSession, SessionLost, Taken};
use xmc_hotpath::message::{
    DeskIdentity, GatewayNews, InstrumentIndex, OrderAction, OrderEventKind, OrderId, Side, SiteId,
};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::decode::notice_kind;
use xmc_hotpath::venue::esunny::dstar::layout::{
    Generation, InsertReply, Key, KeyV2, KeyV3, Match, OrderNotice, OrderState, Reference,
    ReqIdMode, V2, V3,
};
use xmc_hotpath::venue::esunny::dstar::session::IdentityError;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{Framed, Kind};
use xmc_hotpath::wire::{I32Le, U32Le, U64Le};

const RUN: u32 = 0x0302_0009;

fn reference<G: Generation>(order_id: OrderId) -> G::Reference {
    G::Reference::of_order(order_id, RUN).expect("is ours")
}

fn insert<G: Generation>(order_id: OrderId, number: u32, key: G::Key, error: i32) -> Vec<u8> {
    let body = InsertReply {
        seat: 1,
        account_no: [0; 21],
        client_req_id: U32Le::new(number),
        reference: reference::<G>(order_id),
        max_client_req_id: U32Le::new(number),
        key,
        insert_time: [0; 20],
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Insert, body)).to_vec()
}

struct Notice {
    state: u8,
    qty: u32,
    filled: u32,
    error: i32,
}

fn notice<G: Generation>(order_id: OrderId, key: G::Key, says: Notice) -> Vec<u8> {
    let body = OrderNotice {
        contract_no: [0; 16],
        direct: b'B',
        state: says.state,
        reference: reference::<G>(order_id),
        key,
        qty_lots: U32Le::new(says.qty),
        filled_lots: U32Le::new(says.filled),
        price: Double::ZERO,
        time: [0; 20],
        error: I32Le::new(says.error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Notice, body)).to_vec()
}

fn fill<G: Generation>(order_id: OrderId, serial: u64, lots: u32, price: Double) -> Vec<u8> {
    let body = Match {
        contract_no: [0; 16],
        qty_lots: U32Le::new(lots),
        price,
        direct: b'B',
        marks: [0; 3],
        reference: reference::<G>(order_id),
        serial_id: U64Le::new(serial),
        order_no: [0; 21],
        match_no: [0; 21],
        match_time: [0; 20],
        exchange_match_no: [0; 71],
        system_no: [0; 21],
        amounts: [Double::ZERO; 4],
        account_no: [0; 21],
    };
    bytemuck::bytes_of(&Framed::new(Kind::Match, body)).to_vec()
}

const KEY: KeyV3 = KeyV3 { order_id: U64Le::new(4_711), system_no: [b'7'; 21] };

/// An order from its insert to its end, with every field that the desk goes by.
#[test]
fn an_order_is_taken_filled_and_what_is_left_cancelled() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
    let order = id(1, 5);
    rig.send(&new(order, 10)).unwrap();

    let [accepted] = rig.events(&insert::<V3>(order, 1, KEY, 0))[..] else { panic!("one") };
    assert_eq!((accepted.kind, accepted.order_id), (OrderEventKind::Accepted, order));
    assert_eq!((accepted.venue_order_id, accepted.leaves_lots), (4_711, 10));
    assert_eq!((accepted.stream.0, accepted.side, accepted.received.0), (12, Side::Buy, 5));

    let price = Double::of_price(77_990_000_000_000);
    let [filled] = rig.events(&fill::<V3>(order, 900, 4, price))[..] else { panic!("one") };
    assert_eq!((filled.kind, filled.exec_id), (OrderEventKind::Filled, 900));
    assert_eq!((filled.price_e9, filled.qty_lots), (77_990_000_000_000, 4));
    assert_eq!((filled.cum_lots, filled.leaves_lots, filled.venue_order_id), (4, 6, 4_711));

    // The state of filling is told by the fill already.
    let says = Notice { state: b'6', qty: 10, filled: 4, error: 0 };
    assert_eq!(rig.events(&notice::<V3>(order, KEY, says)), []);

    // The same fill again: told, so that it is in the record, and not counted.
    let [again] = rig.events(&fill::<V3>(order, 900, 4, price))[..] else { panic!("one") };
    assert_eq!((again.exec_id, again.cum_lots, again.leaves_lots), (900, 4, 6));
    assert_eq!(rig.counters.repeated_fills.get(), 1);

    let says = Notice { state: b'C', qty: 10, filled: 4, error: 0 };
    let [cancelled] = rig.events(&notice::<V3>(order, KEY, says))[..] else { panic!("one") };
    assert_eq!(cancelled.kind, OrderEventKind::Cancelled);
    assert_eq!((cancelled.cum_lots, cancelled.leaves_lots), (4, 0));
    assert_eq!(rig.counters.replies.get(), 5);
}

#[test]
fn a_cancellation_names_the_order_as_the_counter_does() {
    let (mut rig, order) = (Rig::<V3>::up(ReqIdMode::Increasing), id(1, 5));
    rig.send(&new(order, 10)).unwrap();
    let early = rig.send(&cancel(order)).unwrap();
    assert_eq!(early[4 + 19..], [0; 29], "no name is known yet");
    assert_eq!(early[4 + 10..4 + 18], order.0.to_le_bytes(), "but our own is");
    // The counter's number comes first, the exchange's later.
    let first = KeyV3 { system_no: [0; 21], ..KEY };
    rig.events(&insert::<V3>(order, 1, first, 0));
    rig.events(&notice::<V3>(order, KEY, Notice { state: b'2', qty: 10, filled: 0, error: 0 }));
    let late = rig.send(&cancel(order)).unwrap();
    assert_eq!(late[4 + 19..4 + 27], 4_711_u64.to_le_bytes());
    assert_eq!(late[4 + 27..], [b'7'; 21]);

    let (mut rig, key) = (Rig::<V2>::up(ReqIdMode::Increasing), KeyV2 { order_no: [b'9'; 21] });
    rig.send(&new(order, 10)).unwrap();
    rig.events(&insert::<V2>(order, 1, key, 0));
    let datagram = rig.send(&cancel(order)).unwrap();
    assert_eq!(datagram[8 + 15..], [b'9'; 21]);
    assert_eq!(datagram[8 + 10..8 + 14], [5, 0x10, 0, 0], "turn 1 of slot 5");
}

/// Every state that there is, and every byte that is none, with and without an error.
#[test]
fn states_mean_what_the_table_says_and_no_more() {
    use OrderEventKind::{Accepted, CancelRejected, Cancelled, Rejected, Unknown};
    let table = [
        (b'0', Some(Accepted), Some(CancelRejected)),
        (b'1', Some(Accepted), Some(CancelRejected)),
        (b'2', Some(Accepted), Some(CancelRejected)),
        (b'3', Some(Unknown), Some(Unknown)),
        (b'4', Some(Unknown), Some(Unknown)),
        (b'5', Some(Unknown), Some(Unknown)),
        (b'6', None, Some(CancelRejected)),
        (b'7', None, Some(CancelRejected)),
        (b'8', Some(Rejected), Some(Rejected)),
        (b'9', Some(Cancelled), Some(Cancelled)),
        (b'A', Some(CancelRejected), Some(CancelRejected)),
        (b'B', Some(Cancelled), Some(Cancelled)),
        (b'C', Some(Cancelled), Some(Cancelled)),
        (b'D', Some(Unknown), Some(Unknown)),
    ];
    for state in 0..=u8::MAX {
        let row = table.iter().find(|row| row.0 == state);
        let (plain, failed) = row.map_or((Some(Unknown), Some(Unknown)), |row| (row.1, row.2));
        assert_eq!(notice_kind(state, 0), plain, "{state:#04x}");
        for error in [1, -1, i32::MIN, i32::MAX] {
            assert_eq!(notice_kind(state, error), failed, "{state:#04x} with {error}");
        }
        assert_eq!(OrderState::from_wire(state).is_some(), row.is_some());
    }
    for state in OrderState::ALL {
        assert_eq!(OrderState::from_wire(state.to_wire()), Some(state));
    }
}

#[test]
fn refusals_carry_the_counters_code() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
    rig.send(&new(id(1, 1), 3)).unwrap();
    let [refused] = rig.events(&insert::<V3>(id(1, 1), 1, KeyV3::NONE, -42))[..] else {
        panic!("one")
    };
    assert_eq!(refused.kind, OrderEventKind::Rejected);
    assert_eq!((refused.reason, refused.venue_order_id), ((-42_i32).cast_unsigned(), 0));
    let says = Notice { state: b'2', qty: 3, filled: 0, error: 31 };
    let [failed] = rig.events(&notice::<V3>(id(1, 1), KEY, says))[..] else { panic!("one") };
    assert_eq!((failed.kind, failed.reason), (OrderEventKind::CancelRejected, 31));
}

#[test]
fn a_fill_at_no_price_is_unknown_and_never_a_fill() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
    rig.send(&new(id(1, 1), 3)).unwrap();
    for price in [f64::NAN, f64::INFINITY, 1e300] {
        let price = Double::from_bits(price.to_bits());
        let [event] = rig.events(&fill::<V3>(id(1, 1), 1, 1, price))[..] else { panic!("one") };
        assert_eq!((event.kind, event.qty_lots), (OrderEventKind::Unknown, 0));
    }
    assert_eq!(rig.counters.unreadable.get(), 3);
}

#[test]
fn commands_without_a_message_are_refused_and_take_no_number() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Consecutive);
    let mut replace = new(id(1, 1), 3);
    replace.action = OrderAction::Replace;
    assert_eq!(rig.send(&replace), Err(CannotEncode::Replace));
    let mut elsewhere = new(id(1, 1), 3);
    elsewhere.instrument = InstrumentIndex(3);
    assert_eq!(rig.send(&elsewhere), Err(CannotEncode::Contract));
    elsewhere.instrument = InstrumentIndex(u32::MAX);
    assert_eq!(rig.send(&elsewhere), Err(CannotEncode::Contract));
    let negative = OrderId(1 << 63 | 1);
    assert_eq!(rig.send(&new(negative, 1)), Err(CannotEncode::OrderId));
    assert_eq!(rig.send(&cancel(negative)), Err(CannotEncode::OrderId));
    let datagram = rig.send(&new(id(1, 1), 3)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [1, 0, 0, 0], "the first request");

    // v2: the second half of a slot's turns has no room in the reference.
    let mut rig = Rig::<V2>::up(ReqIdMode::Consecutive);
    assert_eq!(rig.send(&new(id(1 << 19, 1), 3)), Err(CannotEncode::OrderId));
    assert!(rig.send(&new(id((1 << 19) - 1, 1), 3)).is_ok());
}

#[test]
fn a_site_whose_ids_are_negative_is_refused_at_the_start() {
    let at = |site| {
        let desk = DeskIdentity { site: SiteId(site), ..DESK };
        let mut identity = identity(ReqIdMode::Unchecked);
        identity.desk = desk;
        Rig::<V3>::new(identity).err()
    };
    assert_eq!(at(127), None);
    assert_eq!(at(128), Some(IdentityError::Site(128)));
    assert_eq!(at(255), Some(IdentityError::Site(255)));
    let mut none = identity(ReqIdMode::Unchecked);
    none.next_client_req_id = 0;
    assert_eq!(Rig::<V3>::new(none).err(), Some(IdentityError::NoRequestNumber));
}

/// An order that a session before this one has sent, and one that nobody of ours has.
#[test]
fn orders_of_before_are_known_and_strangers_are_told() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
    let before = id(3, 7);
    let events = rig.events(&insert::<V3>(before, 40, KEY, 0));
    assert_eq!((events[0].order_id, events[0].venue_order_id), (before, 4_711));
    assert_eq!(events[0].leaves_lots, 0, "how many it was is not known");
    let datagram = rig.send(&cancel(before)).unwrap();
    assert_eq!(datagram[4 + 19..4 + 27], 4_711_u64.to_le_bytes());
    // An older order of the same slot does not take the row back.
    rig.events(&insert::<V3>(id(2, 7), 39, KeyV3 { order_id: U64Le::new(1), ..KEY }, 0));
    let datagram = rig.send(&cancel(before)).unwrap();
    assert_eq!(datagram[4 + 19..4 + 27], 4_711_u64.to_le_bytes());

    let mut body: Vec<u8> = insert::<V3>(before, 41, KEY, 0);
    body[8 + 26..8 + 34].fill(0xFF);
    assert_eq!(rig.events(&body)[0].order_id, OrderId::NONE, "a negative reference is not ours");
    assert_eq!(rig.counters.foreign.get(), 1);
    // A slot that this desk does not have.
    let far = id(1, u32::try_from(ORDER_ROWS).unwrap() + 1);
    assert_eq!(rig.events(&insert::<V3>(far, 42, KEY, 0))[0].order_id, far);
}

#[test]
fn a_counter_that_does_not_know_the_socket_takes_no_orders() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
    assert_eq!(rig.read(&auth(0)), Ok(vec![]));
    // Somebody has sent a datagram with our account and a code that he does not know.
    assert_eq!(rig.read(&auth_for(7, 3)), Ok(vec![]));
    assert_eq!(rig.counters.foreign.get(), 1);
    assert_eq!(rig.read(&auth(3)), Err(SessionLost::Terminated(3)));
    assert_eq!(rig.read(&auth(-1)), Err(SessionLost::Terminated(u16::MAX)));
}

fn every_reply() -> Vec<Vec<u8>> {
    let order = id(1, 5);
    vec![
        auth(0),
        insert::<V3>(order, 1, KEY, 0),
        insert::<V3>(order, 1, KEY, 7),
        notice::<V3>(order, KEY, Notice { state: b'2', qty: 10, filled: 0, error: 0 }),
        notice::<V3>(order, KEY, Notice { state: b'B', qty: 10, filled: 3, error: 0 }),
        fill::<V3>(order, 900, 4, Double::of_price(77_990_000_000_000)),
        bytemuck::bytes_of(&Framed::new(Kind::LastRequest, U32Le::new(1))).to_vec(),
    ]
}

/// A cut reply waits for the rest; one whose header says that it is shorter, or longer, is counted
/// and passed over, and the next one is read.
#[test]
fn every_truncation_waits_or_is_counted() {
    for reply in every_reply() {
        let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
        rig.send(&new(id(1, 5), 10)).unwrap();
        for len in 0..reply.len() {
            assert_eq!(read_one(&mut rig, &reply[..len]), Ok(None), "cut to {len}");
            let Some(body_len) = len.checked_sub(8) else { continue };
            let mut claimed = reply[..len].to_vec();
            claimed[6..8].copy_from_slice(&u16::try_from(body_len).unwrap().to_le_bytes());
            let before = rig.counters.unreadable.get();
            assert_eq!(rig.read(&claimed), Ok(vec![]), "says {body_len}");
            assert_eq!(rig.counters.unreadable.get(), before + 1);
        }
        let mut longer = reply.clone();
        longer.push(0);
        let said = u16::try_from(longer.len() - 8).unwrap();
        longer[6..8].copy_from_slice(&said.to_le_bytes());
        assert_eq!(rig.read(&longer), Ok(vec![]));
    }
}

fn read_one(rig: &mut Rig<V3>, bytes: &[u8]) -> Result<Option<Taken>, SessionLost> {
    rig.session.read(bytes, MonoNs(5))
}

/// A turned bit ends the session (framing), is counted, or gives one event of a known kind; the
/// reply after it is read as it stands unless the stream is lost.
#[test]
fn every_bit_flip_is_refused_counted_or_told() {
    let mut lost = 0;
    for reply in every_reply() {
        for bit in 0..reply.len() * 8 {
            let mut turned = reply.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
            rig.send(&new(id(1, 5), 10)).unwrap();
            turned.extend(insert::<V3>(id(2, 6), 2, KEY, 0));
            let in_length = (48..64).contains(&bit);
            match read_all(&mut rig, &turned) {
                Err(SessionLost::Framing) => {
                    assert!(bit < 32 || in_length, "bit {bit} is no framing");
                    lost += 1;
                }
                Err(SessionLost::Terminated(_)) if reply.len() == auth(0).len() => {}
                Err(why) => panic!("bit {bit}: {why:?}"),
                Ok(news) if in_length => assert!(news.len() <= 2),
                Ok(news) => {
                    let last = news.last().expect("the reply behind it");
                    let expected = Told::Order(OrderEventKind::Accepted, id(2, 6));
                    assert_eq!(told(&[*last]), [expected]);
                    assert!(news.len() <= 2, "one reply, one event");
                }
            }
        }
    }
    assert!(lost >= every_reply().len() * 32);
}

/// Reads until nothing whole is left.
fn read_all(rig: &mut Rig<V3>, mut bytes: &[u8]) -> Result<Vec<GatewayNews>, SessionLost> {
    let mut news = Vec::new();
    while let Some(taken) = read_one(rig, bytes)? {
        news.extend(taken.news);
        bytes = &bytes[taken.len..];
    }
    Ok(news)
}

#[test]
fn contracts_fill_their_rows() {
    assert_eq!(CONTRACTS.len(), 2);
    let mut rig = Rig::<V2>::up(ReqIdMode::Increasing);
    for (number, index) in CONTRACTS.iter().zip(0..) {
        let mut order = new(id(1, 1), 1);
        order.instrument = InstrumentIndex(index);
        let datagram = rig.send(&order).unwrap();
        assert_eq!(datagram[8 + 8..8 + 12], index.to_le_bytes());
        assert!(datagram[8 + 12..].starts_with(number.as_bytes()));
    }
}
