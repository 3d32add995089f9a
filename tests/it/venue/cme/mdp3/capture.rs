//! Real packets: a morning of channel 340 in version 6 against its decoding by two independent
//! programs, and one packet of version 9 with single orders.

use crate::shared;
use cross_market_connect::port::capture::Capture;
use cross_market_connect::port::datagram::datagram;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message, PriceScale};
use xmc_hotpath::venue::cme::mdp3::layout::{EntryKind, Sequenced};
use xmc_hotpath::venue::cme::mdp3::view::EntryView;

/// A UDP datagram of a capture; `frame` counts from 1 as dissectors do.
struct Datagram {
    frame: u64,
    target: Ipv4Addr,
    payload: Vec<u8>,
}

/// Every UDP datagram of a capture file of the shared data.
fn datagrams(relative: &str) -> Option<Vec<Datagram>> {
    let capture = Capture::open(&shared::data(relative)?).expect("opens");
    let found = capture.frames().filter_map(|frame| {
        let frame = frame.expect("the capture is undamaged");
        let udp = datagram(frame.link, frame.bytes).expect("the frame is whole")?;
        let payload = udp.payload.to_vec();
        Some(Datagram { frame: frame.number, target: *udp.target.ip(), payload })
    });
    Some(found.collect())
}

const CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";
const ORACLE: &str = "oracle/mdp3_v6_ch340.entries.tsv";
/// The oracle stops here.
const LAST_SEQ_NO: u32 = 8614;
/// The first oracle column that is for display and not compared.
const PX_SHOW: usize = 10;

/// An oracle row without its display column, from what was decoded.
fn row(place: &str, entry_idx: usize, template_id: u16, view: &EntryView) -> String {
    fn column<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    [
        place.to_owned(),
        entry_idx.to_string(),
        template_id.to_string(),
        column(view.security_id),
        column(view.rpt_seq),
        column(view.price_mantissa),
        column(view.price_exponent),
        column(view.size_lots),
        column(view.order_count),
        column(view.level),
        column(view.action),
        column(view.kind.map(char::from)),
        column(view.aggressor),
        column(view.open_close_settle),
    ]
    .join("\t")
}

/// Every entry of both lines is what two independent decoders say, column by column.
#[test]
fn a_real_capture_decodes_as_two_other_decoders_do() {
    let (Some(datagrams), Some(oracle)) = (datagrams(CAPTURE), shared::text(ORACLE)) else {
        return;
    };
    let mut ours = Vec::new();
    let (mut seen, mut templates) = (0, BTreeMap::new());
    for datagram in &datagrams {
        let line = match datagram.target.octets() {
            [224, 0, 31, 64] => "A",
            [224, 0, 32, 64] => "B",
            other => panic!("unexpected group {other:?}"),
        };
        let packet = decode::packet(&datagram.payload).expect("a real packet is whole");
        seen += 1;
        for (msg_idx, framed) in packet.messages().enumerate() {
            let message = framed.decode().expect("a real message decodes");
            *templates.entry(framed.template_id()).or_insert(0) += 1;
            assert_eq!(framed.version(), 6);
            if packet.seq_no() > LAST_SEQ_NO {
                continue;
            }
            let place = format!("{}\t{line}\t{}\t{msg_idx}", datagram.frame, packet.seq_no());
            for (entry_idx, view) in message.entry_views().enumerate() {
                ours.push(row(&place, entry_idx, framed.template_id(), &view));
            }
        }
    }
    assert_eq!(seen, 10_000);
    println!("templates of {seen} packets: {templates:?}");
    let mut rows = 0;
    for (line, ours) in oracle.lines().skip(1).zip(&ours) {
        let mut columns: Vec<&str> = line.split('\t').collect();
        columns.remove(PX_SHOW);
        assert_eq!(*ours, columns.join("\t"), "row {rows}");
        rows += 1;
    }
    assert_eq!((rows, ours.len()), (oracle.lines().count() - 1, rows));
    println!("{rows} entries are the same");
}

/// `RptSeq` counts every kind of entry: an instrument's numbers on one line leave no hole.
#[test]
fn rpt_seq_has_no_hole_when_every_kind_of_entry_is_counted() {
    let Some(datagrams) = datagrams(CAPTURE) else { return };
    let mut last: BTreeMap<i32, u32> = BTreeMap::new();
    let mut counted = 0;
    let mut count = |entry: &dyn Sequenced| {
        let rpt_seq = entry.rpt_seq();
        if let Some(before) = last.insert(entry.security_id(), rpt_seq) {
            assert_eq!(rpt_seq, before + 1, "instrument {}", entry.security_id());
        }
        counted += 1;
    };
    for datagram in datagrams.iter().filter(|each| each.target.octets()[2] == 31) {
        for framed in decode::packet(&datagram.payload).expect("whole").messages() {
            match framed.decode().expect("decodes") {
                Message::Book(message) => message.entries.for_each(|each| count(each)),
                Message::Trade(message) => message.entries.for_each(|each| count(each)),
                Message::Volume(message) => message.entries.for_each(|each| count(each)),
                Message::SessionStatistics(m) => m.entries.for_each(|each| count(each)),
                Message::DailyStatistics(m) => m.entries.for_each(|each| count(each)),
                Message::Limits(message) => message.entries.for_each(|each| count(each)),
                Message::Heartbeat | Message::Status(_) => {}
                other => panic!("not counted: {other:?}"),
            }
        }
    }
    assert!(counted > 9_000, "only {counted}");
}

/// The orders of a trade add up to it; an older sender's padding is not read as newer fields.
#[test]
fn what_version_6_lacks_is_absent_and_trade_orders_add_up() {
    let Some(datagrams) = datagrams(CAPTURE) else { return };
    let (mut trades, mut orders) = (0, 0);
    for datagram in &datagrams {
        for framed in decode::packet(&datagram.payload).expect("whole").messages() {
            match framed.decode().expect("decodes") {
                Message::Trade(trade) => {
                    assert_eq!(trade.scale, PriceScale::E7);
                    let group = trade.orders().expect("the second group decodes");
                    orders += group.len();
                    let announced: i32 = trade.entries.map(|each| each.order_count.get()).sum();
                    assert_eq!(group.len(), usize::try_from(announced).expect("is positive"));
                    assert!(group.into_iter().all(|order| order.last_lots.get() > 0));
                    trades += trade.entries.len();
                    for entry in trade.entries {
                        assert_eq!(trade.trade_id(entry), None);
                        let price_e9 = trade.scale.price_e9(entry.price).expect("fits");
                        assert_eq!(price_e9, Some(entry.price.get() * 100));
                    }
                }
                Message::Book(book) => {
                    assert_eq!(book.orders().expect("absent, not damaged").len(), 0);
                    for entry in book.entries {
                        assert_eq!(book.tradeable_lots(entry), None);
                    }
                }
                Message::SessionStatistics(statistics) => {
                    for entry in statistics.entries {
                        assert_eq!(statistics.size_lots(entry), None);
                    }
                }
                _ => {}
            }
        }
    }
    println!("{trades} trade entries, {orders} orders");
    assert!(trades > 0 && orders > trades);
}

/// The one real packet of version 9: both groups of template 46, exponent -9.
#[test]
fn a_real_packet_of_version_9_has_levels_and_their_orders() {
    let Some(datagrams) = datagrams("captures/cme/mdp3_v9_book46.pcap") else { return };
    let [datagram] = datagrams.as_slice() else { panic!("one packet is expected") };
    let packet = decode::packet(&datagram.payload).expect("whole");
    let (mut entries, mut orders) = (0, 0);
    for framed in packet.messages() {
        assert_eq!((framed.template_id(), framed.version()), (46, 9));
        let Message::Book(book) = framed.decode().expect("decodes") else { panic!("a book") };
        assert_eq!(book.scale, PriceScale::E9);
        for order in book.orders().expect("decodes") {
            // 1-based: which entry of the first group this order belongs to.
            let entry = book.entries.into_iter().nth(usize::from(order.reference) - 1);
            let entry = entry.expect("the reference is an entry of this message");
            assert!(matches!(
                EntryKind::from_wire(entry.kind),
                Some(EntryKind::Bid | EntryKind::Offer)
            ));
            assert!(order.display_lots.get() > 0 && order.order_id.get() > 0);
            orders += 1;
        }
        for entry in book.entries {
            assert_eq!(book.tradeable_lots(entry), None, "version 9 has no such field");
            entries += 1;
        }
    }
    assert_eq!((entries, orders), (23, 16));
}
