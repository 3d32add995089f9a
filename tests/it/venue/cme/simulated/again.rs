//! What the order gateway does beyond orders: messages again, weeks, limits, lost connections.

use super::orders::{credentials, log_on, open_venue, utc, wish};
use super::{MS, moment};
use cross_market_connect::sim::exchange::ListingIndex;
use cross_market_connect::venue::cme::ilink3::frame_of;
use cross_market_connect::venue::cme::ilink3::logon::{LogonError, Wish};
use cross_market_connect::venue::cme::simulated::{ConnectionId, MessageLimit, OrderRules, Venue};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Report};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Cancel, ClOrdId, MassStatusRequest, Message, NEWEST_VERSION, NewOrder, OrderStatus,
    Retransmission, RetransmitReject, RetransmitRequest, Sequence, StatusRequest, Terminate,
};
use xmc_hotpath::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

const ACCOUNT: AccountId = AccountId(77);
const HG: i64 = 5_000_000_000;

/// What a client is told, in few words.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    /// A numbered message: its template, session, number, and whether it comes again.
    Numbered(u16, u64, u32, bool),
    /// 509: from, count.
    Again(u32, u16),
    /// 510: its code.
    NotAgain(u16),
    /// 513: from, count.
    NotApplied(u32, u32),
    /// 507: its code.
    End(u16),
    /// 506: next number, lapsed.
    Sequence(u32, u8),
}

struct Raw {
    venue: Venue,
    id: ConnectionId,
    uuid: u64,
    next_seq_no: u32,
    next_order: u64,
}

impl Raw {
    fn new() -> Self {
        let mut venue = open_venue();
        venue.poll(moment(10 * MS));
        Self { venue, id: ConnectionId(0), uuid: 0, next_seq_no: 1, next_order: 0 }
    }

    /// Logs on over a new connection; the number that the exchange says comes next.
    fn log_on(&mut self, at: u64, wish: Wish) -> u32 {
        self.id.0 += 1;
        self.venue.connect(self.id);
        self.uuid = wish.uuid;
        self.next_seq_no = wish.next_seq_no;
        let handover = log_on(&mut self.venue, self.id, at, credentials(), wish);
        handover.expect("it may log on").next_report_no
    }

    fn send<M: Message>(&mut self, at: u64, block: &M) -> Vec<Told> {
        self.venue.receive(moment(at), self.id, &frame_of(NEWEST_VERSION, block, &[]));
        self.told()
    }

    fn order(&mut self, at: u64) -> Vec<Told> {
        self.next_order += 1;
        let block = NewOrder {
            seq_no: U32Le::new(self.next_seq_no),
            cl_ord_id: ClOrdId::of_order(self.next_order),
            price_e9: I64Le::new(HG),
            qty_lots: U32Le::new(1),
            security_id: I32Le::new(5_001),
            side: 1,
            ord_type: b'2',
            tif: 0,
            ..NewOrder::BLANK
        };
        self.next_seq_no += 1;
        self.send(at, &block)
    }

    fn cancel(&mut self, at: u64, order: u64) -> Vec<Told> {
        let block = Cancel {
            seq_no: U32Le::new(self.next_seq_no),
            cl_ord_id: ClOrdId::of_order(order),
            security_id: I32Le::new(5_001),
            side: 1,
            ..Cancel::BLANK
        };
        self.next_seq_no += 1;
        self.send(at, &block)
    }

    fn again(&mut self, at: u64, last_uuid: Option<u64>, from: u32, count: u16) -> Vec<Told> {
        let block = RetransmitRequest {
            uuid: U64Le::new(self.uuid),
            last_uuid: U64Le::new(last_uuid.unwrap_or(u64::MAX)),
            request_ns: U64Le::new(utc(at).0),
            from_seq_no: U32Le::new(from),
            msg_count: U16Le::new(count),
        };
        self.send(at, &block)
    }

    fn told(&mut self) -> Vec<Told> {
        let bytes = self.venue.take_bytes(self.id);
        let mut rest = &bytes[..];
        let mut all = Vec::new();
        while let Some((frame, after)) = decode::frame(rest).expect("they are frames") {
            rest = after;
            all.push(match frame.template_id {
                Retransmission::TEMPLATE_ID => {
                    let (block, _) = frame.block::<Retransmission>().unwrap();
                    Told::Again(block.from_seq_no.get(), block.msg_count.get())
                }
                RetransmitReject::TEMPLATE_ID => {
                    let (block, _) = frame.block::<RetransmitReject>().unwrap();
                    Told::NotAgain(block.error_code.get())
                }
                Terminate::TEMPLATE_ID => {
                    Told::End(frame.block::<Terminate>().unwrap().0.error_code.get())
                }
                template_id => match decode::report(&frame).unwrap().expect("it is a report") {
                    Report::NotApplied(block) => {
                        Told::NotApplied(block.from_seq_no.get(), block.msg_count.get())
                    }
                    Report::Sequence(block) => {
                        Told::Sequence(block.next_seq_no.get(), block.lapsed)
                    }
                    report => {
                        let stamp = report.stamp();
                        let number = stamp.seq_no.expect("it has a number");
                        Told::Numbered(template_id, stamp.uuid, number, stamp.is_retransmitted)
                    }
                },
            });
        }
        all
    }

    fn live(&self) -> usize {
        self.venue.exchange().orders_of(ACCOUNT).count()
    }
}

fn known(uuid: u64, next_seq_no: u32) -> Wish {
    Wish { is_negotiated: true, next_seq_no, ..wish(uuid) }
}

#[test]
fn what_was_said_is_said_again_as_it_was() {
    let mut raw = Raw::new();
    raw.log_on(10 * MS, wish(5));
    for number in 1..=3 {
        assert_eq!(raw.order(11 * MS), [Told::Numbered(522, 5, number, false)]);
    }
    assert_eq!(raw.cancel(11 * MS, 1), [Told::Numbered(534, 5, 4, false)]);
    let again = raw.again(12 * MS, None, 2, 3);
    assert_eq!(
        again,
        [
            Told::Again(2, 3),
            Told::Numbered(522, 5, 2, true),
            Told::Numbered(522, 5, 3, true),
            Told::Numbered(534, 5, 4, true),
        ]
    );
    // 0 is all there is.
    assert_eq!(raw.again(12 * MS, None, 3, 0).len(), 3);
    // Numbers of live messages are not moved by it.
    assert_eq!(raw.order(13 * MS), [Told::Numbered(522, 5, 5, false)]);
    for (last_uuid, from, count, code) in [
        (None, 6, 1, 0),
        (None, 5, 2, 0),
        (None, 6, 0, 0),
        (None, 1, 2_501, 2),
        (None, 0, 1, 5),
        (Some(4), 1, 1, 1),
    ] {
        let told = raw.again(14 * MS, last_uuid, from, count);
        assert_eq!(told, [Told::NotAgain(code)], "{last_uuid:?} {from} {count}");
    }
    let counters = raw.venue.counters();
    assert_eq!((counters.resent, counters.not_resent), (5, 6));
    assert_eq!(counters.broken, 0, "a refusal is no end");
}

#[test]
fn one_retransmission_at_a_time_and_live_messages_in_between() {
    let mut raw = Raw::new();
    let pause = Span(5 * MS);
    raw.venue.set_order_rules(OrderRules {
        resent_at_once: 2,
        resend_pause: pause,
        ..OrderRules::default()
    });
    raw.log_on(10 * MS, wish(5));
    for _ in 0..5 {
        raw.order(11 * MS);
    }
    let told = raw.again(12 * MS, None, 1, 5);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(raw.again(13 * MS, None, 1, 1), [Told::NotAgain(3)]);
    assert_eq!(raw.order(14 * MS), [Told::Numbered(522, 5, 6, false)]);
    assert_eq!(raw.venue.next_at().0.min(moment(17 * MS).0), raw.venue.next_at().0);
    raw.venue.poll(moment(17 * MS));
    let told = raw.told();
    assert_eq!(told, [Told::Numbered(522, 5, 3, true), Told::Numbered(522, 5, 4, true)]);
    raw.venue.poll(moment(22 * MS));
    assert_eq!(raw.told(), [Told::Numbered(522, 5, 5, true)]);
    assert_eq!(raw.again(23 * MS, None, 1, 1).len(), 2);
}

#[test]
fn an_earlier_session_of_the_week_is_asked_by_its_uuid() {
    let mut raw = Raw::new();
    raw.log_on(10 * MS, wish(5));
    raw.order(11 * MS);
    raw.venue.disconnect(moment(12 * MS), raw.id);
    assert_eq!(raw.live(), 0);
    assert_eq!(raw.log_on(13 * MS, wish(9)), 1);
    raw.order(14 * MS);
    let told = raw.again(15 * MS, Some(5), 1, 2);
    let [Told::Again(1, 2), first, second] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*first, Told::Numbered(522, 5, 1, true));
    assert_eq!(*second, Told::Numbered(534, 5, 2, true), "the cancel that nobody heard");
}

#[test]
fn a_week_begins_with_number_one_and_what_was_said_before_it_has_no_uuid() {
    let mut raw = Raw::new();
    raw.venue.set_order_rules(OrderRules { cancel_after: Span(20 * MS), ..OrderRules::default() });
    raw.log_on(10 * MS, wish(5));
    raw.order(11 * MS);
    raw.venue.disconnect(moment(12 * MS), raw.id);
    raw.venue.begin_week(moment(13 * MS));
    assert_eq!(raw.live(), 1);
    raw.venue.poll(moment(32 * MS));
    assert_eq!(raw.live(), 0, "cancelled before anybody negotiated");
    // The old session is not known any more; a lower UUID is as good as any.
    raw.id.0 += 1;
    raw.venue.connect(raw.id);
    let told = log_on(&mut raw.venue, raw.id, 33 * MS, credentials(), known(5, 2));
    assert!(matches!(told, Err(LogonError::Terminated { code: 2, .. })), "{told:?}");
    assert_eq!(raw.log_on(34 * MS, wish(4)), 1);
    let told = raw.again(35 * MS, Some(0), 1, 1);
    assert_eq!(told, [Told::Again(1, 1), Told::Numbered(534, 0, 1, true)]);
    assert_eq!(raw.again(36 * MS, Some(5), 1, 1), [Told::NotAgain(1)]);
    assert_eq!(raw.order(37 * MS), [Told::Numbered(522, 4, 1, false)]);
}

#[test]
fn too_many_messages_are_refused_and_many_more_end_the_session() {
    let mut raw = Raw::new();
    raw.venue.set_order_rules(OrderRules {
        orders: MessageLimit { refused_above: 3, ended_above: 5 },
        cancels: MessageLimit { refused_above: 1, ended_above: 2 },
        ..OrderRules::default()
    });
    raw.log_on(10 * MS, wish(5));
    for number in 1..=3 {
        assert_eq!(raw.order(11 * MS), [Told::Numbered(522, 5, number, false)]);
    }
    assert_eq!(raw.order(12 * MS), [Told::Numbered(521, 5, 4, false)]);
    assert_eq!(raw.live(), 3, "it was not done");
    // Cancels are counted for themselves.
    assert_eq!(raw.cancel(13 * MS, 1), [Told::Numbered(534, 5, 5, false)]);
    // The window of three seconds is over.
    let later = 3_012 * MS;
    raw.send(900 * MS, &Sequence { uuid: U64Le::new(5), next_seq_no: U32Le::new(6), ..BEAT });
    raw.send(1_900 * MS, &Sequence { uuid: U64Le::new(5), next_seq_no: U32Le::new(6), ..BEAT });
    assert_eq!(raw.order(later), [Told::Numbered(522, 5, 6, false)]);
    for _ in 0..2 {
        raw.order(later);
    }
    for _ in 0..2 {
        let told = raw.order(later);
        assert!(matches!(told[..], [Told::Numbered(521, 5, _, false)]), "{told:?}");
    }
    assert_eq!(raw.order(later), [Told::End(9)]);
    assert!(raw.venue.is_closed(raw.id));
    assert_eq!(raw.live(), 0);
    assert_eq!(raw.venue.counters().throttled, 4);
}

const BEAT: Sequence = Sequence::BLANK;

#[test]
fn the_cancels_of_a_lost_connection_take_their_time() {
    let mut raw = Raw::new();
    raw.venue.set_order_rules(OrderRules { cancel_after: Span(20 * MS), ..OrderRules::default() });
    raw.log_on(10 * MS, wish(5));
    raw.order(11 * MS);
    raw.venue.disconnect(moment(12 * MS), raw.id);
    assert!(raw.venue.is_closed(raw.id));
    assert_eq!(raw.live(), 1);
    // It is back before they come, with the same session: then it hears them live.
    assert_eq!(raw.log_on(14 * MS, known(5, 2)), 2);
    assert_eq!(raw.live(), 1);
    raw.venue.poll(moment(32 * MS));
    assert_eq!(raw.told(), [Told::Numbered(534, 5, 2, false)]);
    assert_eq!(raw.live(), 0);
    // A goodbye is obeyed at once.
    raw.order(33 * MS);
    let goodbye = Terminate { uuid: U64Le::new(5), ..Terminate::BLANK };
    assert_eq!(raw.send(34 * MS, &goodbye), [Told::End(0)]);
    assert_eq!(raw.live(), 0);
    let listing = ListingIndex(0);
    assert_eq!(raw.venue.exchange().accounts().holding(ACCOUNT, listing).net_lots(), 0);
}

#[test]
fn a_message_of_another_session_ends_the_connection() {
    for is_goodbye in [false, true] {
        let mut raw = Raw::new();
        raw.log_on(10 * MS, wish(5));
        let uuid = U64Le::new(6);
        let told = if is_goodbye {
            raw.send(11 * MS, &Terminate { uuid, ..Terminate::BLANK })
        } else {
            raw.send(11 * MS, &Sequence { uuid, next_seq_no: U32Le::new(1), ..BEAT })
        };
        assert_eq!(told, [Told::End(13)]);
        assert!(raw.venue.is_closed(raw.id));
    }
}

#[test]
fn a_second_connection_is_refused_while_the_first_one_stands() {
    let mut raw = Raw::new();
    raw.log_on(10 * MS, wish(5));
    let first = raw.id;
    for wish in [wish(6), known(5, 1)] {
        let id = ConnectionId(50 + wish.uuid);
        raw.venue.connect(id);
        let told = log_on(&mut raw.venue, id, 11 * MS, credentials(), wish);
        assert!(matches!(told, Err(LogonError::Terminated { code: 4 | 6, .. })), "{told:?}");
        assert!(raw.venue.is_closed(id));
    }
    raw.id = first;
    assert_eq!(raw.order(12 * MS), [Told::Numbered(522, 5, 1, false)]);
}

#[test]
fn questions_about_orders_are_answered() {
    let mut raw = Raw::new();
    raw.log_on(10 * MS, wish(5));
    raw.order(11 * MS);
    raw.order(11 * MS);
    raw.cancel(11 * MS, 2);
    let live = raw.venue.exchange().orders_of(ACCOUNT).next().expect("it rests");
    let live = live.ticket.order_no.0;
    let mut ask = |order_id: u64| {
        let block = StatusRequest {
            seq_no: U32Le::new(raw.next_seq_no),
            status_id: U64Le::new(99),
            order_id: U64Le::new(order_id),
            ..StatusRequest::BLANK
        };
        raw.next_seq_no += 1;
        let bytes = frame_of(NEWEST_VERSION, &block, &[]);
        raw.venue.receive(moment(12 * MS), raw.id, &bytes);
        let answer = raw.venue.take_bytes(raw.id);
        let (frame, rest) = decode::frame(&answer).unwrap().unwrap();
        let (status, _) = frame.block::<OrderStatus>().unwrap();
        assert_eq!((frame.template_id, rest.len(), status.status_id.get()), (532, 0, 99));
        (status.ord_status, status.leaves_lots.get(), status.cl_ord_id.order().unwrap_or(0))
    };
    assert_eq!(ask(live), (b'0', 1, 1));
    assert_eq!(ask(live + 1), (b'4', 0, 2));
    assert_eq!(ask(4_711), (b'U', 0, 0));
    // Of an instrument: those that are live, the last of them marked.
    let block = MassStatusRequest {
        seq_no: U32Le::new(raw.next_seq_no),
        security_id: I32Le::new(5_001),
        scope: 1,
        ..MassStatusRequest::BLANK
    };
    let told = raw.send(13 * MS, &block);
    assert!(matches!(told[..], [Told::Numbered(532, 5, _, false)]), "{told:?}");
}
