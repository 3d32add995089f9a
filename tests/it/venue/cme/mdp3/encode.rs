//! Built packets: against bytes written by hand from the layout tables, and read back.

use cross_market_connect::venue::cme::mdp3::{
    BookChange, EventMark, FutureTerms, Generation, PacketBuilder, SnapshotMark, TradePrint,
    snapshot_level, volume_entry,
};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message, Packet};
use xmc_hotpath::venue::cme::mdp3::layout::*;
use xmc_hotpath::wire::{I32Le, U16Le, U32Le, U64Le, text};

pub const SENT_NS: u64 = 1_700_000_000_000_000_001;
const MARK: EventMark = EventMark::end(1_700_000_000_000_000_000);

pub fn change(kind: EntryKind, level: u8, price: i64, order_count: Option<i32>) -> BookEntry {
    BookEntry::from(BookChange {
        security_id: 438_593,
        rpt_seq: 7,
        kind,
        action: Action::New,
        level,
        price: Mantissa::new(price),
        size_lots: Some(5),
        order_count,
    })
}

pub fn order(reference: u8) -> BookOrderEntry {
    BookOrderEntry {
        order_id: U64Le::new(0x0102_0304_0506_0708),
        priority: U64Le::new(9),
        display_lots: I32Le::new(5),
        reference,
        action: 0,
        pad: [0; 2],
    }
}

pub fn trade(security_id: i32) -> TradeEntry {
    TradeEntry::from(TradePrint {
        security_id,
        rpt_seq: 8,
        price: Mantissa::new(-39_500_000_000),
        size_lots: 3,
        order_count: 2,
        aggressor: AggressorSide::Sell,
        trade_id: 77,
    })
}

fn trade_order(last_lots: i32) -> TradeOrderEntry {
    TradeOrderEntry { order_id: U64Le::new(0), last_lots: I32Le::new(last_lots), pad: [0; 4] }
}

pub fn status() -> StatusRoot {
    StatusRoot {
        transact_ns: U64Le::new(MARK.transact_ns),
        security_group: *b"ZC\0\0\0\0",
        asset: *b"ZC\0\0\0\0",
        security_id: I32Le::new(I32_NULL),
        trade_date: U16Le::new(17_118),
        match_event: MatchEvent::END_OF_EVENT,
        trading_status: TradingStatus::ReadyToTrade.to_wire(),
        halt_reason: HaltReason::GroupSchedule.to_wire(),
        trading_event: TradingEvent::NoEvent.to_wire(),
    }
}

pub fn terms() -> FutureTerms<'static> {
    FutureTerms {
        report_count: 127,
        action: DefinitionAction::Add,
        channel: 340,
        market_segment: 64,
        exchange: "XCBT",
        security_group: "ZC",
        asset: "ZC",
        symbol: "ZCZ6",
        security_id: 438_593,
        maturity: (2016, 12),
        currency: "USD",
        tick: Mantissa::new(2_500_000),
        display_factor: Mantissa::new(10_000_000),
        max_lots: 2_500,
        depths: (10, Some(2)),
        active_ns: (1, 2),
    }
}

pub fn snapshot_mark() -> SnapshotMark {
    SnapshotMark {
        last_seq_no: 5_614,
        report_count: 127,
        security_id: 438_593,
        rpt_seq: 6,
        transact_ns: MARK.transact_ns,
        trading_status: TradingStatus::ReadyToTrade.to_wire(),
    }
}

/// A packet with every message that the builder knows.
pub fn everything(generation: Generation) -> Vec<u8> {
    let orders = [order(1), order(2)];
    let orders = if generation == Generation::V13 { &orders[..] } else { &[] };
    PacketBuilder::new(generation, 5_615, SENT_NS)
        .book(
            MARK,
            &[
                change(EntryKind::Bid, 1, 3_500_000_000, Some(2)),
                change(EntryKind::ImpliedOffer, 2, -1, None),
            ],
            orders,
        )
        .volumes(MARK, &[volume_entry(438_593, 9, 1_234)])
        .trades(MARK, &[trade(438_593)], &[trade_order(3), trade_order(3)])
        .session_statistics(
            MARK,
            &[SessionStatisticsEntry {
                price: Mantissa::new(3_500_000_000),
                security_id: I32Le::new(438_593),
                rpt_seq: U32Le::new(10),
                open_close_settle: U8_NULL,
                action: 0,
                kind: EntryKind::HighTrade.to_wire(),
                size_lots: I32Le::new(4),
                pad: [0; 1],
            }],
        )
        .status(&status())
        .snapshot(
            &SnapshotRoot::from(snapshot_mark()),
            &[
                snapshot_level(EntryKind::Bid, 1, Mantissa::new(3_500_000_000), 5, Some(2)),
                snapshot_level(EntryKind::ImpliedBid, 1, Mantissa::new(3_400_000_000), 1, None),
            ],
        )
        .future(&terms())
        .reset(MARK, 340)
        .heartbeat()
        .finish()
}

fn messages(bytes: &[u8]) -> Vec<Message<'_>> {
    let packet = decode::packet(bytes).expect("a built packet is whole");
    packet.messages().map(|framed| framed.decode().expect("decodes")).collect()
}

/// One book message with one entry and one order, byte for byte from the tables of version 13.
#[test]
fn a_built_book_update_is_the_bytes_of_the_tables() {
    let entry = BookEntry::from(BookChange {
        security_id: 0x0006_b141,
        rpt_seq: 0x0000_0107,
        kind: EntryKind::Offer,
        action: Action::Change,
        level: 3,
        price: Mantissa::new(-2_500_000_000),
        size_lots: Some(0x0102),
        order_count: Some(2),
    });
    let mark = EventMark { transact_ns: 0x1122_3344_5566_7788, match_event: MatchEvent(0x84) };
    let built = PacketBuilder::new(Generation::V13, 0x0a0b_0c0d, 0x0102_0304_0506_0708)
        .book(mark, &[entry], &[order(1)])
        .finish();
    let expected: [&[u8]; 12] = [
        // Packet: sequence number, sending time.
        &[0x0d, 0x0c, 0x0b, 0x0a],
        &[0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01],
        // 10 + 11 + 3 + 32 + 8 + 24 = 88 bytes; block 11, template 46, schema 1, version 13.
        &[88, 0, 11, 0, 46, 0, 1, 0, 13, 0],
        // Root: transaction time, last quote and end of event, padding to 11.
        &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x84, 0, 0],
        // Group of 1 entry of 32 bytes: price -2.5, size, security, sequence.
        &[32, 0, 1],
        &[0x00, 0x07, 0xfd, 0x6a, 0xff, 0xff, 0xff, 0xff, 0x02, 0x01, 0, 0],
        &[0x41, 0xb1, 0x06, 0x00, 0x07, 0x01, 0, 0],
        // Orders, level, change, offer, tradeable size absent, padding.
        &[2, 0, 0, 0, 3, 1, b'1', 0xff, 0xff, 0xff, 0x7f, 0],
        // Group of 1 order of 24 bytes, count at offset 7.
        &[24, 0, 0, 0, 0, 0, 0, 1],
        &[0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01],
        &[9, 0, 0, 0, 0, 0, 0, 0],
        &[5, 0, 0, 0, 1, 0, 0, 0],
    ];
    assert_eq!(built, expected.concat());
}

/// What both generations share reads back as it was given.
#[test]
fn a_built_packet_reads_back_in_both_generations() {
    for generation in [Generation::V6, Generation::V13] {
        let bytes = everything(generation);
        let packet: Packet<'_> = decode::packet(&bytes).expect("whole");
        assert_eq!((packet.seq_no(), packet.sent_ns()), (5_615, SENT_NS));
        assert!(packet.messages().all(|framed| framed.version() == generation.version()));
        let ids: Vec<u16> = packet.messages().map(|framed| framed.template_id()).collect();
        let expected = match generation {
            Generation::V6 => [32, 37, 42, 35, 30, 38, 27, 4, 12],
            Generation::V13 => [46, 37, 48, 51, 30, 52, 54, 4, 12],
        };
        assert_eq!(ids, expected);
        let messages = messages(&bytes);
        let [
            Message::Book(book),
            Message::Volume(volume),
            Message::Trade(trades),
            Message::SessionStatistics(statistics),
            Message::Status(sent_status),
            Message::Snapshot(snapshot),
            Message::Future(future),
            Message::Reset(reset),
            Message::Heartbeat,
        ] = messages.as_slice()
        else {
            panic!("the kinds are as built: {messages:?}")
        };
        assert!(book.root.match_event.is_end_of_event());
        assert_eq!(
            (book.root.transact_ns.get(), book.scale),
            (MARK.transact_ns, generation.scale())
        );
        let prices: Vec<i64> = book.entries.map(|entry| entry.price.get()).collect();
        assert_eq!(prices, [3_500_000_000, -1]);
        assert_eq!(volume.entries.map(|e| e.size_lots.get()).collect::<Vec<_>>(), [1_234]);
        assert_eq!(trades.orders().expect("whole").map(|o| o.last_lots.get()).sum::<i32>(), 6);
        let high = statistics.entries.into_iter().next().expect("one");
        assert_eq!((high.rpt_seq.get(), high.kind), (10, b'7'));
        assert_eq!(**sent_status, status());
        assert_eq!(*snapshot.root, SnapshotRoot::from(snapshot_mark()));
        let counts: Vec<_> =
            snapshot.entries.map(|e| decode::present(e.order_count.get())).collect();
        assert_eq!(counts, [Some(2), None]);
        assert_eq!(text(&future.root.head.symbol), b"ZCZ6");
        assert_eq!(future.root.tick, terms().tick);
        let groups = future.groups().expect("whole");
        let depths: Vec<_> = groups.feed_types.map(|each| (each.feed_type, each.depth)).collect();
        assert_eq!(depths, [(*b"GBX", 10), (*b"GBI", 2)]);
        assert_eq!(groups.events.len(), 2);
        assert_eq!(reset.entries.map(|e| e.channel.get()).collect::<Vec<_>>(), [340]);
    }
}

/// What version 6 has no field for is absent in it and present in version 13.
#[test]
fn fields_of_newer_versions_are_absent_in_an_older_packet() {
    for (generation, orders, trade_id, size) in
        [(Generation::V6, 0, None, None), (Generation::V13, 2, Some(77), Some(4))]
    {
        let bytes = everything(generation);
        for message in messages(&bytes) {
            match message {
                Message::Book(book) => assert_eq!(book.orders().expect("whole").len(), orders),
                Message::Trade(trades) => {
                    let ids: Vec<_> = trades.entries.map(|each| trades.trade_id(each)).collect();
                    assert_eq!(ids, [trade_id]);
                }
                Message::SessionStatistics(s) => {
                    assert_eq!(s.entries.map(|e| s.size_lots(e)).collect::<Vec<_>>(), [size]);
                    let views: Vec<_> = message.entry_views().map(|v| v.size_lots).collect();
                    assert_eq!(views, [size]);
                }
                _ => {}
            }
        }
    }
}

/// A price is sent in the older generation only if it can be said exactly.
#[test]
fn an_older_mantissa_is_exact_or_refused() {
    assert_eq!(Generation::V13.mantissa(-1), Some(Mantissa::new(-1)));
    assert_eq!(Generation::V6.mantissa(-2_500_000_000), Some(Mantissa::new(-25_000_000)));
    assert_eq!(Generation::V6.mantissa(150), None);
}
