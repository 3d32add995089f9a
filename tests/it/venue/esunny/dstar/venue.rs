//! A simulated counter before an exchange, both in memory: what the tests connect sessions to.

use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::{
    Event, Exchange, Listing, ListingIndex, Order, Phase, Price, Rules, Settings as Market,
};
use cross_market_connect::venue::esunny::dstar::counter::{
    AccountSettings, ContractSettings, Counter, LinkId, Settings,
};
use cross_market_connect::venue::esunny::dstar::logon::{self, Credentials, Granted, Logon};
use std::net::{Ipv4Addr, SocketAddr};
use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, ReqIdMode};

use super::rig::{CONTRACTS, MS};

pub const TRADER: AccountId = AccountId(10);
pub const FLOW: AccountId = AccountId(99);
pub const TICK_E9: i64 = 10_000_000_000;
pub const MIDDLE_E9: i64 = 78_000_000_000_000;

pub fn socket(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

pub fn settings() -> Settings {
    let account = |account_no: &str, account| AccountSettings {
        account_no: account_no.into(),
        password: "opensesame".into(),
        account,
    };
    Settings {
        accounts: vec![account("somebody", AccountId(9)), account("trader", TRADER)],
        contracts: (0..)
            .zip(CONTRACTS)
            .map(|(index, number)| ContractSettings {
                contract_no: number.into(),
                listing: ListingIndex(index),
            })
            .collect(),
        udp_port: 4_242,
        close_today: Some(b'J'),
        question_interval: Span(50 * MS),
        seed: 7,
    }
}

pub fn credentials() -> Credentials {
    Credentials {
        account_no: "trader".into(),
        password: Secret::new("opensesame"),
        replies_seen: 0,
    }
}

pub struct Venue {
    pub counter: Counter,
    pub exchange: Exchange,
    /// All that the exchange has said.
    pub events: Vec<(MonoNs, Event)>,
    pub now: MonoNs,
}

impl Venue {
    /// A venue whose instruments are open.
    pub fn open() -> Self {
        let listing = |symbol: &&str| Listing {
            symbol: (*symbol).into(),
            tick_e9: TICK_E9,
            multiplier: 5,
            reference_e9: MIDDLE_E9,
            lower_e9: MIDDLE_E9 - 100 * TICK_E9,
            upper_e9: MIDDLE_E9 + 100 * TICK_E9,
            min_order_lots: 1,
            max_order_lots: 500,
            fees: Default::default(),
        };
        let listings = CONTRACTS.iter().map(listing).collect();
        let mut exchange = Exchange::new(Market::quiet(Rules::shfe(), listings), 1);
        exchange.set_phase(MonoNs(0), None, Phase::Open, &mut ());
        Self { counter: Counter::new(settings()), exchange, events: Vec::new(), now: MonoNs(0) }
    }

    /// Takes what the counter wants to the exchange, and what that says back.
    pub fn settle(&mut self) {
        for request in self.counter.take_requests() {
            let mut said = Vec::new();
            self.exchange.request(self.now, &[request], &mut said);
            self.hear(said);
        }
    }

    fn hear(&mut self, said: Vec<(MonoNs, Event)>) {
        use cross_market_connect::sim::exchange::Sink;
        said.iter().for_each(|(at, event)| self.counter.take(*at, event));
        self.events.extend(said);
    }

    /// Somebody else trades.
    pub fn flow(&mut self, side: Side, price_e9: i64, lots: u32) {
        let order = Order {
            account: FLOW,
            client_id: 1,
            listing: ListingIndex(0),
            side,
            price: Price::Limit(price_e9),
            time_in_force: TimeInForce::Day,
            lots,
            min_lots: 0,
            effect: PositionEffect::Open,
        };
        let mut said = Vec::new();
        self.exchange.submit(self.now, &order, &mut said);
        self.hear(said);
    }

    /// A client logs on and makes its socket known. Gives what was granted, and what the counter
    /// has said behind it.
    pub fn log_on<G: Generation>(
        &mut self,
        credentials: &Credentials,
        from: SocketAddr,
        mode: ReqIdMode,
    ) -> (LinkId, Granted, Vec<u8>) {
        let link = self.counter.connect();
        let (mut logon, first) = Logon::<G>::start(credentials).expect("fits");
        self.counter.on_stream(self.now, link, &first);
        let said = self.counter.take_replies(link).expect("goes on");
        let (read, granted) = logon.read(&said).expect("is granted");
        let granted = granted.expect("all contracts have come").clone();
        self.counter.on_datagram(from, &logon::udp_auth::<G>(&granted.account, mode));
        let mut behind = said[read..].to_vec();
        behind.extend(self.counter.take_replies(link).expect("goes on"));
        (link, granted, behind)
    }
}
