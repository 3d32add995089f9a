//! Ledgers asked over TCP: what is answered is what the exchange has, whatever else is asked.

use cross_market_connect::sim::exchange::query::{self, Answer, FILLS_PER_ANSWER, SideRow};
use cross_market_connect::sim::exchange::{
    Exchange, FillNo, ListingIndex, Order, Phase, Price, Rules, Settings,
};
use cross_market_connect::venue::ledger::{LedgerClient, LedgerError, LedgerServer};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::MonoNs;

const PATIENCE: Duration = Duration::from_secs(20);
const OURS: AccountId = AccountId(7);
const THEIRS: AccountId = AccountId(8);

/// SHFE copper, where account 7 has bought 3 of 5 lots, sold 2 of them, and wants to sell the last.
fn traded() -> Exchange {
    let listings = Settings::shfe(1, "2609").listings;
    let price = listings[0].reference_e9;
    let mut exchange = Exchange::new(Settings::quiet(Rules::shfe(), listings), 1);
    exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
    let mut order = |account, client_id, side, effect, lots, ticks: i64| {
        let order = Order {
            account,
            client_id,
            listing: ListingIndex(0),
            side,
            price: Price::Limit(price + ticks * 10_000_000_000),
            time_in_force: TimeInForce::Day,
            lots,
            min_lots: 0,
            effect,
        };
        exchange.submit(MonoNs(client_id), &order, &mut ());
    };
    order(THEIRS, 1, Side::Sell, PositionEffect::Open, 3, 0);
    order(OURS, 2, Side::Buy, PositionEffect::Open, 5, 0);
    order(THEIRS, 3, Side::Buy, PositionEffect::Open, 2, 1);
    order(OURS, 4, Side::Sell, PositionEffect::CloseToday, 2, -1);
    order(OURS, 5, Side::Sell, PositionEffect::CloseToday, 1, 4);
    exchange
}

/// Serves `exchange` while `ask` runs on a thread of its own.
fn served<T: Send>(exchange: &Exchange, ask: impl FnOnce(SocketAddr) -> T + Send) -> T {
    let mut server = LedgerServer::open("127.0.0.1:0".parse().unwrap()).expect("loopback listens");
    let address = server.address().unwrap();
    let (done, ended) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || done.send(ask(address)));
        loop {
            match ended.try_recv() {
                Ok(answer) => return answer,
                Err(TryRecvError::Empty) => {
                    if !server.poll(exchange) {
                        std::thread::sleep(Duration::from_micros(100));
                    }
                }
                Err(TryRecvError::Disconnected) => panic!("who asked has panicked"),
            }
        }
    })
}

#[test]
fn what_is_answered_is_what_the_exchange_has() {
    let exchange = traded();
    let (positions, orders, fills, rest) = served(&exchange, |address| {
        let mut client = LedgerClient::connect(address, PATIENCE).unwrap();
        let fills = client.fills(OURS, 0).unwrap();
        let rest = client.fills(OURS, fills[0].fill_no).unwrap();
        (client.positions(OURS).unwrap(), client.orders(OURS).unwrap(), fills, rest)
    });
    let [position] = &positions[..] else { panic!("{positions:?}") };
    assert_eq!((&*position.symbol, position.net_lots), ("cu2609", 1));
    let long = SideRow { today: 1, frozen_today: 1, ..SideRow::default() };
    assert_eq!((position.long, position.short), (long, SideRow::default()));
    assert_eq!((position.bought_lots, position.sold_lots), (3, 2));
    let holding = exchange.accounts().holding(OURS, ListingIndex(0));
    assert_eq!((position.cash_e9, position.fees_e9), (holding.cash_e9, holding.fees_e9));
    assert!(position.cash_e9 < 0 && position.fees_e9 > 0);

    let rows: Vec<_> = orders
        .iter()
        .map(|row| (row.client_id, &*row.side, &*row.effect, row.cum_lots, row.leaves_lots))
        .collect();
    assert_eq!(rows, [(2, "buy", "open", 3, 2), (5, "sell", "close_today", 0, 1)]);
    let symbols = ["cu2609".to_owned()];
    let booked: Vec<_> = fills.iter().map(|row| row.booked(&symbols).unwrap()).collect();
    assert_eq!(booked, exchange.accounts().fills(OURS, FillNo(0)).collect::<Vec<_>>());
    assert_eq!(fills[1].closed_today, 2);
    assert_eq!(rest, fills[1..]);
}

/// More fills than one answer holds come whole.
#[test]
fn many_fills_come_in_several_answers() {
    let mut exchange = traded();
    let price = exchange.engine(ListingIndex(0)).unwrap().listing().reference_e9;
    let mut order = Order {
        account: OURS,
        client_id: 9,
        listing: ListingIndex(0),
        side: Side::Buy,
        price: Price::Limit(price),
        time_in_force: TimeInForce::FillAndKill,
        lots: 1,
        min_lots: 0,
        effect: PositionEffect::Open,
    };
    for round in 0..2_500 {
        let seller = Order { account: THEIRS, side: Side::Sell, ..order };
        order.time_in_force = TimeInForce::Day;
        exchange.submit(
            MonoNs(100 + round),
            &Order { time_in_force: TimeInForce::Day, ..seller },
            &mut (),
        );
        exchange.submit(MonoNs(100 + round), &order, &mut ());
    }
    let all = exchange.accounts().fills(OURS, FillNo(0)).count();
    assert!(all > 2 * FILLS_PER_ANSWER);
    let told = served(&exchange, |address| {
        LedgerClient::connect(address, PATIENCE).unwrap().fills(OURS, 0).unwrap()
    });
    assert_eq!(told.len(), all);
    assert!(told.windows(2).all(|pair| pair[0].fill_no < pair[1].fill_no));
}

#[test]
fn what_is_no_request_is_told_so() {
    let exchange = traded();
    for request in [
        "",
        " ",
        "positions",
        "positions x",
        "positions 1 2",
        "positions -1",
        "fills 7",
        "fills 7 x",
        "orders 4294967296",
        "POSITIONS 7",
        "\u{0}\u{ff}",
        "fills 7 0 0",
    ] {
        let answer = query::answer(&exchange, request);
        assert!(matches!(answer, Answer::Error(_)), "{request:?}: {answer:?}");
    }
    assert_eq!(query::answer(&exchange, "positions 99"), Answer::Positions(Vec::new()));
    assert_eq!(query::answer(&exchange, " orders  99\r"), Answer::Orders(Vec::new()));
    let line = query::answer_line(&exchange, "nonsense \"quoted\"\u{7}");
    assert!(line.starts_with("{\"error\":") && line.ends_with("}\n"));
    assert_eq!(line.matches('\n').count(), 1);
}

/// Bytes of all kinds, lines without an end, connections that come and go: who asks right is
/// answered all the same.
#[test]
fn garbage_changes_no_answer() {
    let exchange = traded();
    let expected = query::answer_line(&exchange, "positions 7");
    served(&exchange, |address| {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut asker = TcpStream::connect(address).unwrap();
        asker.set_read_timeout(Some(PATIENCE)).unwrap();
        for round in 0..40 {
            let mut stray = TcpStream::connect(address).unwrap();
            let len = rng.usize(..2_000);
            let bytes: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(len).collect();
            let _ = stray.write_all(&bytes);
            if round % 2 == 0 {
                let _ = stray.write_all(b"positions 7\n");
            }
            drop(stray);
            asker.write_all(b"positions").unwrap();
            asker.write_all(b" 7\n").unwrap();
            let mut answer = vec![0; expected.len()];
            asker.read_exact(&mut answer).unwrap();
            assert_eq!(answer, expected.as_bytes());
        }
        // A line that never ends is not kept: the connection is ended.
        let mut endless = TcpStream::connect(address).unwrap();
        endless.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = endless.write_all(&[b'x'; 4_000]);
        assert!(matches!(endless.read(&mut [0; 10]), Ok(0) | Err(_)));
    });
}

#[test]
fn a_ledger_that_is_not_there_or_is_something_else_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = LedgerClient::connect(free, Duration::from_millis(500));
    assert!(matches!(absent, Err(LedgerError::Connection { .. })));
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let greeter = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        stream.write_all(b"220 hello\n").unwrap();
        let _ = stream.read(&mut [0; 100]);
    });
    let mut client = LedgerClient::connect(address, PATIENCE).unwrap();
    let told = client.positions(OURS).unwrap_err();
    assert!(matches!(told, LedgerError::Answer { .. }), "{told}");
    greeter.join().unwrap();
}
