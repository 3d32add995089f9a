//! The engine: the sockets that a configuration names are opened as it says.

mod capital;
mod carried;
mod clocks;
mod degraded;
mod doubt;
mod lease;
mod limits;
pub mod live;
pub mod markets;
mod outage;
mod placement;
mod quiet;
mod relay;
mod sessions;
mod weeks;
mod witnessing;

use crate::config::{COUNTER_WORDS, edited, load};
use crate::port::xdp;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::sockets::{FeedPort, GatewayPort, feed_port, gateway_port};
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::pair::RequestSocket;
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use cross_market_connect::port::udp::{MulticastSender, Reach, Warning};
use cross_market_connect::port::xdp::receive::XdpWarning;
use socket2::SockRef;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{Line, RxPort, SendError, StreamPort, TxPort};

const PATIENCE: Duration = Duration::from_secs(10);

/// The sample with the groups of this process, and more in line A, line B and the feed.
fn with_feed(more_a: &str, more_b: &str, more: &str) -> Configuration {
    let [low, high, ..] = std::process::id().to_le_bytes();
    let line = |line: u8, more: &str| {
        format!("{{ group = \"239.{line}.{high}.{low}\", port = 31_000{more} }}")
    };
    let edits = [
        ("{ group = \"224.0.31.64\", port = 14340 }", line(210, more_a)),
        ("{ group = \"224.0.32.64\", port = 15340 }", line(211, more_b)),
        ("stale_after_ms = 60_000", format!("stale_after_ms = 60_000\n{more}")),
    ];
    let edits = edits.each_ref().map(|(find, replace)| (*find, replace.as_str()));
    load(&edited(&edits)).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

fn opened(config: &Configuration) -> FeedPort<EngineClock> {
    feed_port(&config.feeds[0], EngineClock::start()).expect("loopback takes joins")
}

fn until(what: &str, mut ask: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ask() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::yield_now();
    }
}

const ON_LOOPBACK: &str = ", interface = \"127.0.0.1\"";

#[test]
fn a_feed_is_received_where_the_configuration_says() {
    let config = with_feed(ON_LOOPBACK, ", interface = \"lo\", source = \"192.0.2.1\"", "");
    let feed = &config.feeds[0];
    let mut port = opened(&config);
    for line in [&feed.line_b, &feed.line_a] {
        let sender = MulticastSender::open(line.group, &InterfaceChoice::LOOPBACK, Reach::Host);
        sender.expect("a sender").send(b"packet").expect("loopback has room");
    }
    until("line A", || port.peek().is_some_and(|lent| lent.line == Line::A));
    port.release();
    // Line B listens to another sender than loopback has, and was sent to first.
    assert!(port.peek().is_none());
    assert_eq!(feed.line_a.to_string(), format!("{} on 127.0.0.1", feed.line_a.group));
    assert_eq!(feed.line_b.to_string(), format!("{} from 192.0.2.1 on lo", feed.line_b.group));
}

#[test]
fn a_feed_without_an_interface_is_refused_with_what_to_write() {
    let config = with_feed(ON_LOOPBACK, "", "");
    let refused = feed_port(&config.feeds[0], EngineClock::start()).expect_err("B has none");
    let text = refused.to_string();
    assert!(text.contains("line B of feed cme") && text.contains("interface = "), "{text}");
    let config = with_feed(", interface = \"nosuch0\"", ON_LOOPBACK, "");
    let refused = feed_port(&config.feeds[0], EngineClock::start()).expect_err("A has none");
    let text = refused.to_string();
    assert!(text.contains("feed cme") && text.contains("nosuch0"), "{text}");
}

#[test]
fn a_feed_has_the_buffer_and_the_polling_that_are_written() {
    let [default, small] = ["", "receive_buffer_bytes = 65_536\nbusy_poll_us = 50"]
        .map(|more| opened(&with_feed(ON_LOOPBACK, ON_LOOPBACK, more)));
    let buffer = |port: &FeedPort<EngineClock>, line| {
        // The kernel doubles what it is given.
        SockRef::from(port.sockets().line(line)).recv_buffer_size().expect("an option") / 2
    };
    for line in Line::BOTH {
        assert_eq!(buffer(&small, line), 65_536);
        assert!(buffer(&default, line) > 65_536);
        let polled = SockRef::from(small.sockets().line(line)).busy_poll().expect("an option");
        let is_refused = |warning: &XdpWarning| {
            matches!(warning, XdpWarning::Socket(Warning::BusyPoll { us: 50, .. }))
        };
        assert!(polled == 50 || small.warnings().iter().any(is_refused), "{polled} µs");
    }
}

/// The sample with another gateway.
fn with_gateway(lines: &str) -> Configuration {
    let mut edits = vec![("protocol = \"paper\"", lines)];
    if lines.contains("esunny/dstar") {
        edits.extend(COUNTER_WORDS);
    }
    load(&edited(&edits)).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

const IDENTITY: &str = "session = \"ABC\"\nfirm = \"007\"\nsender_id = \"me\"\nlocation = \"HK\"\n\
     access_key_id = \"K1\"\nkey_credential = \"CME_KEY\"";

#[test]
fn gateways_are_connected_to_where_the_configuration_says() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
    let mut requests = RequestSocket::open(any).expect("a free port");
    let address = listener.address().expect("it listens");
    let request_address = requests.address().expect("it is bound");
    let ilink3 = format!("protocol = \"cme/ilink3\"\naddress = \"{address}\"\n{IDENTITY}");
    let dstar = format!(
        "protocol = \"esunny/dstar\"\nrequest_address = \"{request_address}\"\n\
         answer_address = \"{address}\"\naccount_no = \"1\"\npassword_credential = \"ESUNNY\""
    );
    for lines in [&ilink3, &dstar] {
        let config = with_gateway(lines);
        let mut port = gateway_port(&config.gateways[0], PATIENCE).expect("somebody listens");
        let mut venue = accepted(&mut listener);
        port.stream_mut().send(b"logon").expect("there is room");
        let mut buffer = [0; 16];
        until("the logon", || venue.read(&mut buffer) == Ok(5));
        port.send(b"order").expect("there is room");
        match &port {
            GatewayPort::Stream(_) => until("the order", || venue.read(&mut buffer) == Ok(5)),
            GatewayPort::Pair(_) => until("the order", || {
                requests.receive().is_some_and(|(request, _)| request == b"order")
            }),
        }
        venue.send(b"accepted").expect("there is room");
        until("the answer", || port.read(&mut buffer) == Ok(8));
    }
}

/// The connection that was just made, at the venue's end.
fn accepted(listener: &mut Listener) -> TcpPort {
    let mut venue = None;
    until("the connection", || {
        venue = listener.accept();
        venue.is_some()
    });
    let (venue, _) = venue.expect("it came");
    venue
}

/// Requests past the kernel, answers through it; a host that is not there is said.
#[test]
fn requests_leave_past_the_kernel_where_the_configuration_says() {
    xdp::cabled(1, |_, beside| {
        let far = SocketAddr::from((Ipv4Addr::new(10, 78, 1, 2), 0));
        let (mut listener, mut requests) = beside.within(|_| {
            let listener = Listener::open(far, TcpSettings::default()).expect("a free port");
            (listener, RequestSocket::open(far).expect("a free port"))
        });
        let lines = format!(
            "protocol = \"esunny/dstar\"\nrequest_address = \"{}\"\nanswer_address = \"{}\"\n\
             account_no = \"1\"\npassword_credential = \"ESUNNY\"\nrequest_port = \"xdp\"\n\
             request_interface = \"near0\"",
            requests.address().expect("it is bound"),
            listener.address().expect("it listens"),
        );
        let config = with_gateway(&lines);
        let mut port = gateway_port(&config.gateways[0], PATIENCE).expect("somebody listens");
        let mut venue = accepted(&mut listener);
        for number in 0_u32..1_000 {
            let order = number.to_le_bytes();
            until("room", || port.send(&order).is_ok());
            until("the order", || requests.receive().is_some_and(|(request, _)| request == order));
        }
        venue.send(b"accepted").expect("there is room");
        let mut buffer = [0; 16];
        until("the answer", || port.read(&mut buffer) == Ok(8));
        drop(venue);
        until("the end", || port.read(&mut buffer).is_err());
        assert_eq!(port.send(b"more"), Err(SendError::Closed), "no answers, no requests");
    });
}

#[test]
fn gateways_that_lead_nowhere_are_refused_with_the_reason() {
    let paper = with_gateway("protocol = \"paper\"");
    let refused = gateway_port(&paper.gateways[0], PATIENCE).expect_err("it is paper").to_string();
    assert!(refused.contains("gateway cme") && refused.contains("paper"), "{refused}");
    let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
    let lines = format!("protocol = \"cme/ilink3\"\naddress = \"{nobody}\"\n{IDENTITY}");
    let gone = with_gateway(&lines);
    let refused = gateway_port(&gone.gateways[0], PATIENCE).expect_err("nobody listens");
    let text = refused.to_string();
    assert!(text.contains("gateway cme") && text.contains(&nobody.to_string()), "{text}");
}
