//! Many orders cancelled at once at the simulated CME: 529, 562, and who may ask.

use crate::venue::cme::simulated::orders::{KEY, log_on, utc, wish, with_session};
use crate::venue::cme::simulated::{MS, moment, settings};
use cross_market_connect::config::{SecretSource, SessionIdentity};
use cross_market_connect::sim::exchange::{self, Phase, Rules};
use cross_market_connect::venue::cme::ilink3::frame_of;
use cross_market_connect::venue::cme::ilink3::logon::Credentials;
use cross_market_connect::venue::cme::ilink3::mass::Wanted;
use cross_market_connect::venue::cme::ilink3::signature::SecretKey;
use cross_market_connect::venue::cme::simulated::{ConnectionId, SessionSettings, Venue};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Report};
use xmc_hotpath::venue::cme::ilink3::layout::{
    AffectedOrder, Block, ClOrdId, MassActionReport, Message, NEWEST_VERSION, NewOrder,
    OrderCancelled,
};
use xmc_hotpath::venue::cme::ilink3::session::Handover;
use xmc_hotpath::wire::{self, I32Le, I64Le, U32Le};

const ENGINE: AccountId = AccountId(77);
/// Instruments, and prices within their limits.
const PRICES: [(i32, i64); 2] = [(5_001, 5_000_000_000), (5_002, 4_000_000_000_000)];

fn identity(session: &str) -> SessionIdentity {
    SessionIdentity {
        session: session.to_owned(),
        firm: "XMC".to_owned(),
        sender_id: "guard".to_owned(),
        location: "HK".to_owned(),
        access_key_id: "key-1".to_owned(),
        key: SecretSource::Credential("K".to_owned()),
        keep_alive_ms: 5_000,
        party_details_id: 1,
        parties: None,
        service_address: None,
        week: None,
    }
}

/// A market without a crowd: the engine's session, a guard's of its firm, and a stranger's.
struct Stand {
    venue: Venue,
    at: u64,
}

impl Stand {
    fn new() -> Self {
        let mut settings = with_session(settings(1));
        let listings = settings.exchange.listings.clone();
        settings.exchange = exchange::Settings::quiet(Rules::cme(), listings);
        for (session, firm, account) in [("XG1", "XMC", 78), ("XS1", "OTH", 79)] {
            settings.sessions.push(SessionSettings {
                session: session.into(),
                firm: firm.into(),
                access_key_id: "key-1".into(),
                key: SecretKey::from_base64url(KEY).unwrap(),
                account: AccountId(account),
            });
        }
        let mut venue = Venue::new(settings);
        venue.set_phase(moment(MS), None, Phase::Open);
        Self { venue, at: 10 * MS }
    }

    fn log_on(&mut self, id: u64, session: &str, firm: &str) -> (ConnectionId, Handover) {
        self.at += MS;
        let id = ConnectionId(id);
        self.venue.connect(id);
        let credentials = Credentials {
            session: session.into(),
            firm: firm.into(),
            access_key_id: "key-1".into(),
            key: SecretKey::from_base64url(KEY).unwrap(),
        };
        let uuid = 5 + id.0;
        let handover = log_on(&mut self.venue, id, self.at, credentials, wish(uuid));
        (id, handover.expect("it may log on"))
    }

    fn order(&mut self, id: ConnectionId, seq_no: u32, (security_id, price): (i32, i64)) {
        self.at += MS;
        let order = NewOrder {
            seq_no: U32Le::new(seq_no),
            cl_ord_id: ClOrdId::of_order(u64::from(seq_no)),
            party_details_id: xmc_hotpath::wire::U64Le::new(1),
            price_e9: I64Le::new(price),
            qty_lots: U32Le::new(2),
            security_id: I32Le::new(security_id),
            side: 1,
            ord_type: b'2',
            tif: 0,
            ..NewOrder::BLANK
        };
        self.venue.receive(moment(self.at), id, &frame_of(NEWEST_VERSION, &order, &[]));
    }

    fn ask(&mut self, id: ConnectionId, seq_no: u32, wanted: &Wanted<'_>) -> Vec<u8> {
        self.at += MS;
        let _ = self.venue.take_bytes(id);
        let request = wanted.request(seq_no, utc(self.at));
        self.venue.receive(moment(self.at), id, &request);
        self.venue.take_bytes(id)
    }

    fn live(&self) -> usize {
        self.venue.exchange().orders_of(ENGINE).count()
    }
}

/// The answer, and the lots of each order that it names.
fn answer(bytes: &[u8]) -> (MassActionReport, Vec<u32>) {
    let mut rest = bytes;
    while let Some((frame, after)) = decode::frame(rest).expect("whole frames") {
        rest = after;
        if frame.template_id == MassActionReport::TEMPLATE_ID {
            let (block, groups) = frame.block::<MassActionReport>().expect("a block");
            let (size, mut rows) =
                wire::take::<xmc_hotpath::venue::cme::sbe::GroupSize>(groups).expect("a group");
            assert_eq!(usize::from(size.block_len.get()), size_of::<AffectedOrder>());
            let mut lots = Vec::new();
            for _ in 0..size.count {
                let (row, behind) = wire::take::<AffectedOrder>(rows).expect("a row");
                lots.push(row.cancelled_lots.get());
                rows = behind;
            }
            return (*block, lots);
        }
    }
    panic!("no 562 among {} bytes", bytes.len());
}

fn templates(bytes: &[u8]) -> Vec<u16> {
    let mut rest = bytes;
    let mut all = Vec::new();
    while let Some((frame, after)) = decode::frame(rest).expect("whole frames") {
        all.push(frame.template_id);
        rest = after;
    }
    all
}

#[test]
fn a_session_cancels_all_that_it_has_or_all_of_one_instrument() {
    let mut stand = Stand::new();
    let (engine, handover) = stand.log_on(1, "XM1", "XMC");
    let first = handover.next_seq_no;
    for (number, of) in [PRICES[0], PRICES[0], PRICES[1]].into_iter().enumerate() {
        stand.order(engine, first + u32::try_from(number).unwrap(), of);
    }
    assert_eq!(stand.live(), 3);
    let identity = identity("XM1");
    let of_one = Wanted { identity: &identity, on_behalf_of: None, security_id: Some(PRICES[1].0) };
    let (block, lots) = answer(&stand.ask(engine, first + 3, &of_one));
    assert_eq!((block.response, block.affected_orders.get(), block.is_last), (1, 1, 1));
    assert_eq!((lots, stand.live()), (vec![2], 2));
    let all = Wanted { security_id: None, ..of_one };
    let bytes = stand.ask(engine, first + 4, &all);
    let (block, lots) = answer(&bytes);
    assert_eq!((block.response, block.scope, block.affected_orders.get()), (1, 7, 2));
    assert_eq!((lots, stand.live()), (vec![2, 2], 0));
    // Each order's own report comes besides.
    let cancels = templates(&bytes).iter().filter(|id| **id == OrderCancelled::TEMPLATE_ID).count();
    assert_eq!(cancels, 2);
    let (block, lots) = answer(&stand.ask(engine, first + 5, &all));
    assert_eq!((block.response, block.affected_orders.get(), lots.len()), (1, 0, 0), "none lives");
}

#[test]
fn a_session_of_the_same_firm_cancels_for_another_and_a_stranger_does_not() {
    let mut stand = Stand::new();
    let (engine, handover) = stand.log_on(1, "XM1", "XMC");
    stand.order(engine, handover.next_seq_no, PRICES[0]);
    assert_eq!(stand.live(), 1);
    let of_engine = |identity| Wanted { identity, on_behalf_of: Some("XM1XMC"), security_id: None };
    let (stranger, theirs) = stand.log_on(2, "XS1", "OTH");
    let foreign = identity("XS1");
    let (block, _) = answer(&stand.ask(stranger, theirs.next_seq_no, &of_engine(&foreign)));
    assert_eq!((block.response, block.affected_orders.get(), stand.live()), (0, 0, 1));
    let (guard, ours) = stand.log_on(3, "XG1", "XMC");
    let own = identity("XG1");
    // Its own orders are none.
    let for_itself = Wanted { on_behalf_of: None, ..of_engine(&own) };
    let (block, _) = answer(&stand.ask(guard, ours.next_seq_no, &for_itself));
    assert_eq!((block.affected_orders.get(), stand.live()), (0, 1));
    let unknown = Wanted { on_behalf_of: Some("XM9XMC"), ..of_engine(&own) };
    let (block, _) = answer(&stand.ask(guard, ours.next_seq_no + 1, &unknown));
    assert_eq!((block.response, stand.live()), (0, 1), "nobody is called so");
    let _ = stand.venue.take_bytes(engine);
    let (block, lots) = answer(&stand.ask(guard, ours.next_seq_no + 2, &of_engine(&own)));
    assert_eq!((block.response, lots, stand.live()), (1, vec![2], 0));
    assert_eq!(wire::text(&block.orig_order_user), b"XM1XMC");
    // The owner hears of it on its own session.
    let told = stand.venue.take_bytes(engine);
    let (frame, _) = decode::frame(&told).expect("whole").expect("one");
    let report = decode::report(&frame).expect("a report");
    assert!(matches!(report, Some(Report::Cancelled(_))), "{report:?}");
}

/// More orders than one message names: fragments, the last of which says so.
#[test]
fn many_orders_are_told_in_fragments() {
    let mut stand = Stand::new();
    let (engine, handover) = stand.log_on(1, "XM1", "XMC");
    let first = handover.next_seq_no;
    for number in 0..70 {
        stand.order(engine, first + number, PRICES[0]);
    }
    assert_eq!(stand.live(), 70);
    let identity = identity("XM1");
    let all = Wanted { identity: &identity, on_behalf_of: None, security_id: None };
    let bytes = stand.ask(engine, first + 70, &all);
    let mut rest = &bytes[..];
    let (mut last, mut named) = (Vec::new(), 0);
    while let Some((frame, after)) = decode::frame(rest).expect("whole frames") {
        rest = after;
        if frame.template_id == MassActionReport::TEMPLATE_ID {
            let (block, groups) = frame.block::<MassActionReport>().expect("a block");
            assert_eq!(block.affected_orders.get(), 70);
            last.push(block.is_last);
            let (size, _) =
                wire::take::<xmc_hotpath::venue::cme::sbe::GroupSize>(groups).expect("a group");
            named += usize::from(size.count);
        }
    }
    assert_eq!((last, named, stand.live()), (vec![0, 0, 1], 70, 0));
}
