//! The simulated SHFE and INE: its feed against its own books, its query service and its counter
//! against the engine's own clients.

mod market;
mod orders;
mod plain;
mod query;
mod restart;
pub mod shell;

pub use super::smdp::kit::MS;
use super::smdp::kit::{Bench, TOPIC, bench};
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange::{self, ListingIndex};
use cross_market_connect::venue::esunny::dstar::counter::{
    self, AccountSettings, ContractSettings,
};
use cross_market_connect::venue::shfe::simulated::{
    ConnectionId, Datagram, FeedSettings, QuerySettings, QueryUser, Service, Settings, Venue,
};
use cross_market_connect::venue::shfe::smdp::client::{Client, ClientLimits, Event};
use cross_market_connect::venue::shfe::smdp::contract::padded;
use cross_market_connect::venue::shfe::smdp::layout::LoginField;
use cross_market_connect::venue::shfe::smdp::snapshot::Snapshot;
use xmc_hotpath::message::{AccountId, Quote};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// 2026-01-05T00:00:00Z.
const ORIGIN: UnixNs = UnixNs(1_767_571_200_000_000_000);

const TRADER: AccountId = AccountId(10);

/// The whole market with its crowd.
pub fn settings(seed: u64) -> Settings {
    let exchange = exchange::Settings::shfe(42, "2607");
    let user = QueryUser {
        user_id: "reader".into(),
        participant_id: "0001".into(),
        password: "opensesame".into(),
    };
    let account = |account_no: &str, account| AccountSettings {
        account_no: account_no.into(),
        password: "opensesame".into(),
        account,
    };
    let contract = |(listing, terms): (u16, &exchange::Listing)| ContractSettings {
        contract_no: terms.symbol.clone(),
        listing: ListingIndex(listing),
    };
    let counter = counter::Settings {
        accounts: vec![account("somebody", AccountId(9)), account("trader", TRADER)],
        contracts: (0..).zip(&exchange.listings).map(contract).collect(),
        udp_port: 4_242,
        close_today: Some(b'J'),
        question_interval: Span(50 * MS),
        seed: 7,
    };
    Settings {
        feed: FeedSettings::new(exchange.listings.len(), ORIGIN),
        exchange,
        seed,
        query: QuerySettings::new(vec![user]),
        counter,
        carried: Vec::new(),
    }
}

/// Nothing happens in it by itself.
fn quiet(seed: u64) -> Settings {
    let mut settings = settings(seed);
    let exchange::Settings { rules, listings, .. } = settings.exchange;
    settings.exchange = exchange::Settings::quiet(rules, listings);
    settings
}

pub fn moment(ns: u64) -> MonoNs {
    MonoNs(ns)
}

pub fn login() -> LoginField {
    LoginField {
        user_id: padded("reader"),
        participant_id: padded("0001"),
        password: padded("opensesame"),
        language: b'0',
        user_product: [0; 41],
        interface_product: [0; 41],
    }
}

/// The password of that login.
pub fn password() -> Secret {
    Secret::new("opensesame")
}

const LIMITS: ClientLimits = ClientLimits {
    reply_within: Span(1_000 * MS),
    heartbeat_every: Span(3_000 * MS),
    silent_after: Span(9_000 * MS),
    max_missing: 10_000,
    max_snapshot_fields: 10_000,
};

/// The engine's client of the query service, on a connection of its own.
struct Reader {
    id: ConnectionId,
    client: Client,
}

impl Reader {
    fn log_in(venue: &mut Venue, id: u64, at: u64) -> Self {
        let id = ConnectionId(id);
        venue.connect(moment(at), id, Service::Query);
        let mut reader =
            Self { id, client: Client::connect(login(), &password(), LIMITS, moment(at)) };
        let Some(Event::LoggedIn(_)) = reader.talk(venue, at) else { panic!("it is let in") };
        reader
    }

    /// Brings what the client has to say and gives what came to pass, if something did.
    fn talk(&mut self, venue: &mut Venue, at: u64) -> Option<Event> {
        let said = self.client.outgoing().to_vec();
        self.client.written(said.len());
        // Cut anywhere.
        let (first, second) = said.split_at(said.len() / 2);
        venue.receive(moment(at), self.id, first);
        venue.receive(moment(at), self.id, second);
        for part in venue.take_bytes(self.id).chunks(100) {
            self.client.on_bytes(part, moment(at));
        }
        self.client.next_event()
    }

    fn snapshot(&mut self, venue: &mut Venue, at: u64) -> Snapshot {
        self.client.ask_snapshot(TOPIC, moment(at)).expect("it may ask");
        match self.talk(venue, at) {
            Some(Event::Snapshot(snapshot)) => *snapshot,
            other => panic!("{other:?} is no snapshot"),
        }
    }

    fn missed(&mut self, venue: &mut Venue, (from, to): (i32, i32), at: u64) -> Event {
        self.client.ask_missing(TOPIC, from, to, moment(at)).expect("it may ask");
        self.talk(venue, at).expect("there is an answer")
    }
}

/// All that the venue has sent since the last call.
fn sent(venue: &mut Venue) -> Vec<Datagram> {
    std::iter::from_fn(|| venue.take_datagram()).collect()
}

/// Gives what the venue has sent to the bench.
fn deliver(venue: &mut Venue, bench: &mut Bench<'_>, at: u64) -> Vec<Datagram> {
    bench.now = at;
    let sent = sent(venue);
    for datagram in &sent {
        assert_eq!(datagram.group.topic, TOPIC);
        bench.send(datagram.group.line, &datagram.bytes);
    }
    sent
}

/// Lots by price, best first, of both sides.
type Sides = [Vec<(i64, u32)>; 2];

fn published(venue: &Venue, index: u16) -> Sides {
    let (shown, _) = venue.exchange().published(ListingIndex(index)).expect("it is listed");
    [&shown.bids, &shown.asks]
        .map(|side| side.iter().map(|rung| (rung.price_e9, rung.lots)).collect())
}

/// What the feed's own book shows.
fn book(bench: &mut Bench<'_>, number: i32) -> Sides {
    let Some(instrument) = bench.feed.channel_mut().instrument(number) else {
        return Sides::default();
    };
    let mut quote = Quote::EMPTY;
    instrument.show(xmc_hotpath::book::View::Outright, &mut quote);
    [&quote.bids, &quote.asks].map(|depth| depth.levels().collect())
}

/// Fails if the desk would trade on a book that is not the venue's, and says whether it would trade
/// on all of them. Nothing may be under way.
pub fn check_believed(venue: &Venue, bench: &mut Bench<'_>) -> bool {
    check_books(&all_published(venue), bench)
}

/// Books as the public was last told, by instrument.
fn all_published(venue: &Venue) -> Vec<Sides> {
    let count = u16::try_from(venue.exchange().listing_count()).expect("instruments are few");
    (0..count).map(|index| published(venue, index)).collect()
}

/// The same with books that were taken from a venue.
fn check_books(books: &[Sides], bench: &mut Bench<'_>) -> bool {
    let usable: Vec<(u32, Sides)> = bench
        .seen
        .usable()
        .into_iter()
        .map(|(index, quote)| (7 - index, [&quote.bids, &quote.asks].map(|d| d.levels().collect())))
        .collect();
    for (number, shown) in &usable {
        let truth = &books[usize::try_from(*number).expect("instruments are few")];
        assert_eq!(shown, truth, "quote of {number}");
        assert_eq!(book(bench, i32::try_from(*number).expect("few")), *truth, "book of {number}");
    }
    usable.len() == books.len()
}
