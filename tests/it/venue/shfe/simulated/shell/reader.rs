//! A client of the query service over TCP.

use super::super::{LIMITS, login, password};
use super::{PATIENCE, eventually};
use crate::venue::shfe::smdp::kit::TOPIC;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::tcp::{TcpPort, TcpSettings};
use cross_market_connect::venue::shfe::simulated::shell::Running;
use cross_market_connect::venue::shfe::smdp::client::{Client, Event};
use cross_market_connect::venue::shfe::smdp::message::{Frame, Message};
use cross_market_connect::venue::shfe::smdp::snapshot::Snapshot;
use xmc_hotpath::port::{StreamPort, TxPort};
use xmc_hotpath::time::Clock;

pub struct Reader {
    port: TcpPort,
    client: Client,
    clock: EngineClock,
}

impl Reader {
    pub fn log_in(venue: &Running) -> Self {
        let address = venue.addresses().query;
        let port = TcpPort::connect(address, PATIENCE, &TcpSettings::default());
        let clock = EngineClock::start();
        let client = Client::connect(login(), &password(), LIMITS, clock.now());
        let mut reader = Self { port: port.expect("it listens"), client, clock };
        let Event::LoggedIn(_) = reader.next() else { panic!("it is let in") };
        reader
    }

    fn next(&mut self) -> Event {
        let Self { port, client, clock } = self;
        let mut bytes = [0; 4_096];
        eventually("an answer of the query service", || {
            let said = client.outgoing().to_vec();
            if !said.is_empty() {
                port.send(&said).expect("it is there");
                client.written(said.len());
            }
            let len = port.read(&mut bytes).expect("it is there");
            client.on_bytes(&bytes[..len], clock.now());
            client.on_time(clock.now());
            client.next_event()
        })
    }

    pub fn snapshot(&mut self) -> Snapshot {
        self.client.ask_snapshot(TOPIC, self.clock.now()).expect("it may ask");
        match self.next() {
            Event::Snapshot(snapshot) => *snapshot,
            other => panic!("{other:?} is no snapshot"),
        }
    }

    pub fn missed(&mut self, from: i32, to: i32) -> Vec<Vec<u8>> {
        self.client.ask_missing(TOPIC, from, to, self.clock.now()).expect("it may ask");
        match self.next() {
            Event::Recovered(packets) => packets,
            other => panic!("{other:?} is no packets"),
        }
    }

    /// A message that clients send.
    pub fn sample(&self) -> Vec<u8> {
        Frame::new(1, Message::LoginRequest(login())).encode()
    }
}
