//! Requests as the simulated counter reads them: the second encoder's datagrams, several in one,
//! cut, turned and made up.

use super::requests::vectors;
use cross_market_connect::venue::esunny::dstar::reply::Spoken;
use cross_market_connect::venue::esunny::dstar::request::{self, Request, RequestError};
use proptest::prelude::*;
use xmc_hotpath::venue::esunny::dstar::layout::{Framed, Generation, V2, V3};

fn read<G: Generation>(datagram: &[u8]) -> Vec<Result<Request<G>, RequestError>> {
    let mut all = Vec::new();
    request::read(datagram, |one| all.push(one));
    all
}

/// The datagram that a request came in.
fn written<G: Generation>(request: &Request<G>) -> Vec<u8> {
    let framed = |bytes: &[u8]| bytes.to_vec();
    match *request {
        Request::Auth(body) => {
            framed(bytemuck::bytes_of(&Framed::<G::Header, _>::new(G::UDP_AUTH, body)))
        }
        Request::Insert(body) => {
            framed(bytemuck::bytes_of(&Framed::<G::Header, _>::new(G::ORDER_INSERT, body)))
        }
        Request::Delete(body) => {
            framed(bytemuck::bytes_of(&Framed::<G::Header, _>::new(G::ORDER_DELETE, body)))
        }
    }
}

fn comes_back<G: Spoken>(bytes: &[u8]) {
    let [Ok(request)] = &read::<G>(bytes)[..] else { panic!("one request: {bytes:02x?}") };
    assert_eq!(written(request), bytes);
}

#[test]
fn what_the_second_encoder_writes_is_read_and_written_again() {
    for vector in vectors() {
        let is_v2 = vector.version == 2;
        assert_eq!(request::is_v2(&vector.bytes), is_v2);
        if is_v2 { comes_back::<V2>(&vector.bytes) } else { comes_back::<V3>(&vector.bytes) }
    }
}

fn of(version: u64, message: &str) -> Vec<Vec<u8>> {
    let wanted = vectors().into_iter();
    let wanted = wanted.filter(|one| one.version == version && one.message == message);
    wanted.map(|one| one.bytes).collect()
}

/// v3: messages one after the other, up to 1,024 bytes.
#[test]
fn a_v3_datagram_holds_several_messages() {
    let all: Vec<Vec<u8>> = ["auth", "insert", "delete"].iter().flat_map(|m| of(3, m)).collect();
    let mut datagram = Vec::new();
    let mut held = Vec::new();
    for one in all.iter().cycle() {
        if datagram.len() + one.len() > 1_024 {
            break;
        }
        datagram.extend(one);
        held.push(one.clone());
    }
    let again: Vec<Vec<u8>> =
        read::<V3>(&datagram).into_iter().map(|one| written(&one.unwrap())).collect();
    assert_eq!(again, held);
    datagram.resize(1_025, 0);
    assert_eq!(read::<V3>(&datagram), [Err(RequestError::DatagramLen(1_025))]);
}

/// v2: one header, up to 21 bodies.
#[test]
fn a_v2_message_holds_up_to_21_orders() {
    let one = &of(2, "insert")[0];
    for count in [1_u16, 2, 21] {
        let mut datagram = one[..8].to_vec();
        datagram[4..6].copy_from_slice(&count.to_le_bytes());
        (0..count).for_each(|_| datagram.extend(&one[8..]));
        let all = read::<V2>(&datagram);
        assert_eq!(all.len(), usize::from(count));
        assert!(all.iter().all(|request| written(request.as_ref().unwrap()) == *one));
    }
    for count in [0_u16, 22] {
        let mut datagram = one[..8].to_vec();
        datagram[4..6].copy_from_slice(&count.to_le_bytes());
        (0..count.min(21)).for_each(|_| datagram.extend(&one[8..]));
        let found = read::<V2>(&datagram);
        assert!(matches!(found[..], [Err(_)]), "{count} bodies: {found:?}");
    }
}

/// Codes that are not taken are said and passed over; what follows is read.
#[test]
fn other_messages_are_passed_over() {
    let order = &of(3, "insert")[0];
    let mut datagram = vec![0x02, 0xEC, 3, 0, 1, 2, 3];
    datagram.extend(order);
    let found = read::<V3>(&datagram);
    assert!(matches!(found[..], [Err(RequestError::Code(0xEC02)), Ok(Request::Insert(_))]));
    assert!(RequestError::Code(0xEC02).to_string().contains("0xec02"));
}

#[test]
fn every_truncation_is_refused() {
    for vector in vectors() {
        for len in 1..vector.bytes.len() {
            let cut = &vector.bytes[..len];
            let error = match vector.version {
                2 => read::<V2>(cut).into_iter().find_map(Result::err),
                _ => read::<V3>(cut).into_iter().find_map(Result::err),
            };
            let header = if vector.version == 2 { 8 } else { 4 };
            match error {
                Some(RequestError::Header(left)) => assert!(left == len && len < header),
                Some(RequestError::Truncated { left, .. }) => assert_eq!(left, len - header),
                other => panic!("cut to {len}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_bit_flip_is_read_or_refused() {
    for vector in vectors() {
        for bit in 0..vector.bytes.len() * 8 {
            let mut turned = vector.bytes.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let header = if vector.version == 2 { 64 } else { 32 };
            let (ok, count) = match vector.version {
                2 => count(&read::<V2>(&turned)),
                _ => count(&read::<V3>(&turned)),
            };
            assert!(bit < header || (ok, count) == (1, 1), "a body's bit {bit} is its value");
            assert!(bit >= header || ok == 0 || ok == 1);
        }
    }
}

fn count<G: Generation>(all: &[Result<Request<G>, RequestError>]) -> (usize, usize) {
    (all.iter().filter(|one| one.is_ok()).count(), all.len())
}

proptest! {
    /// Whatever comes, reading it ends.
    #[test]
    fn any_bytes_are_read_or_refused(
        head in prop::sample::select(vec![
            vec![], vec![b'D', 2, 0x30, 0], vec![0x01, 0xEC, 60, 0], vec![0x03, 0xEC],
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..1_300),
    ) {
        let mut datagram = head;
        datagram.extend(tail);
        prop_assert!(count(&read::<V2>(&datagram)).1 <= datagram.len());
        prop_assert!(count(&read::<V3>(&datagram)).1 <= datagram.len());
    }
}
