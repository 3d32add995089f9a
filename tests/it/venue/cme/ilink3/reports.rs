//! Reports: what the flat account says against golden values, and the simulated venue's writer.

use super::golden::{self, Golden};
use super::schema;
use crate::venue::cme::sbe_schema::Schema;
use cross_market_connect::venue::cme::ilink3::{
    CancelCause, Execution, Fill, Refusal, ReportWriter, changed,
};
use xmc_hotpath::venue::cme::ilink3::decode::{self, NewsKind, OrderNews, Report, exec_digest};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, BusinessReject, Cancel, CancelRejected, ClOrdId, FillEvent, FillPart, Message, NewOrder,
    NotApplied, OrderCancelled, OrderEliminated, OrderModified, OrderNew, OrderRejected, Replace,
    ReplaceRejected, Sequence, Side, TradeOutright,
};
use xmc_hotpath::wire::{self, I32Le, I64Le, U32Le, U64Le};

/// The account of every golden report of an order, against the golden values themselves.
#[test]
fn news_say_what_the_golden_values_say() {
    let Some(all) = golden::load() else { return };
    let mut told = Vec::new();
    for golden in &all {
        let frame = decode::frame(&golden.bytes).unwrap().unwrap().0;
        let Some(report) = decode::report(&frame).unwrap() else { continue };
        stamp_is_golden(golden, &report);
        if let Some(news) = report.news() {
            news_are_golden(golden, &news);
            told.push((golden.template_id, news.kind));
        }
    }
    let expected = [
        (522, NewsKind::Accepted),
        (523, NewsKind::Rejected),
        (524, NewsKind::Eliminated),
        (525, NewsKind::Filled),
        (526, NewsKind::Filled),
        (531, NewsKind::Modified),
        (532, NewsKind::Cancelled),
        (534, NewsKind::Cancelled),
        (535, NewsKind::CancelRejected),
        (536, NewsKind::ReplaceRejected),
    ];
    assert_eq!(told, expected);
}

fn stamp_is_golden(golden: &Golden, report: &Report<'_>) {
    let stamp = report.stamp();
    assert_eq!(stamp.uuid, golden.number("uUID") as u64);
    let in_sequence = golden.template_id >= 519;
    assert_eq!(stamp.seq_no.is_some(), in_sequence, "{}", golden.name);
    if let Some(seq_no) = stamp.seq_no {
        assert_eq!(i64::from(seq_no), golden.number("seqNum"));
        let flag = golden.text("possRetransFlag") == "True:1";
        assert_eq!(stamp.is_retransmitted, flag, "{}", golden.name);
    }
}

fn news_are_golden(golden: &Golden, news: &OrderNews) {
    let name = &golden.name;
    assert_eq!(wire::text(news.cl_ord_id.bytes()), golden.text("clOrdID").as_bytes());
    assert!(news.cl_ord_id.order().is_err(), "{name}: not one of ours");
    assert_eq!(news.order_id, golden.number("orderID") as u64, "{name}");
    assert_eq!(news.request_id, golden.number("orderRequestID") as u64, "{name}");
    assert_eq!(news.transact_ns, golden.number("transactTime") as u64, "{name}");
    let mut exec_id = [0; 40];
    let text = golden.text("execID").as_bytes();
    exec_id[..text.len()].copy_from_slice(text);
    assert_eq!(news.exec_id, exec_digest(&exec_id), "{name}");
    let is_reject = matches!(golden.template_id, 535 | 536);
    let side = match is_reject {
        true => None,
        false => match golden.text("side") {
            "Buy:1" => Some(Side::Buy),
            "Sell:2" => Some(Side::Sell),
            _ => None,
        },
    };
    assert_eq!(news.side, side, "{name}");
    let lots = |key| golden.number(key);
    let progress = match golden.template_id {
        522 => Some((0, lots("orderQty"))),
        523 => Some((0, 0)),
        524 | 534 => Some((lots("cumQty"), 0)),
        525 | 526 | 531 | 532 => Some((lots("cumQty"), lots("leavesQty"))),
        _ => None,
    };
    let told = news.progress.map(|p| (i64::from(p.cum_lots), i64::from(p.leaves_lots)));
    assert_eq!(told, progress, "{name}");
    let fill = matches!(golden.template_id, 525 | 526)
        .then(|| (golden.number("lastPx.mantissa"), golden.number("lastQty")));
    assert_eq!(news.fill.map(|fill| (fill.last_e9, i64::from(fill.last_lots))), fill, "{name}");
    let reason = match golden.template_id {
        523 => Some(golden.number("ordRejReason")),
        525 => Some(100),
        534 => Some(107),
        535 | 536 => Some(golden.number("cxlRejReason")),
        _ => None,
    };
    assert_eq!(news.reason.map(i64::from), reason, "{name}");
}

/// A digest is the same on every machine and run, is 0 for no text only, and tells names apart.
#[test]
fn digests_of_execution_names() {
    assert_eq!(exec_digest(&[0; 40]), 0);
    let digest = |number| exec_digest(&Execution::numbered(number, 1, 2, 3).exec_id);
    assert_eq!(digest(1), 0xB9C1_F2D3_F14B_602F, "computed apart from this code");
    let mut seen: Vec<u64> = (0..100_000).map(digest).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 100_000);
}

/// Copies the named fields of `truth` into `block`: those that a simulated venue never fills.
fn fill_in<M: Message>(block: &mut M, truth: &M, names: &[&str]) {
    for name in names {
        let field = M::FIELDS.iter().find(|field| field.name == *name).expect("is a field");
        let range = field.offset..field.offset + field.len;
        bytemuck::bytes_of_mut(block)[range.clone()]
            .copy_from_slice(&bytemuck::bytes_of(truth)[range]);
    }
}

/// Fills in `names` from the golden block and asserts that the frame is the golden frame then.
fn assert_golden<M: Message>(
    writer: &ReportWriter,
    golden: &Golden,
    truth: &M,
    mut block: M,
    names: &[&str],
) {
    fill_in(&mut block, truth, names);
    assert_eq!(writer.frame(&block), golden.bytes, "{}", golden.name);
}

/// The order and the execution that a golden report answers.
macro_rules! cause {
    ($truth:expr $(, $field:ident)*) => {{
        let truth = &$truth;
        let order = NewOrder {
            price_e9: truth.price_e9,
            qty_lots: truth.qty_lots,
            security_id: truth.security_id,
            side: truth.side,
            sender_id: truth.sender_id,
            cl_ord_id: truth.cl_ord_id,
            party_details_id: truth.party_details_id,
            request_id: truth.request_id,
            stop_e9: truth.stop_e9,
            location: truth.location,
            expire_date: truth.expire_date,
            ord_type: truth.ord_type,
            tif: truth.tif,
            manual: truth.manual,
            exec_inst: truth.exec_inst,
            execution_mode: truth.execution_mode,
            liquidity_flag: truth.liquidity_flag,
            managed_order: truth.managed_order,
            short_sale_type: truth.short_sale_type,
            discretion_e9: truth.discretion_e9,
            $($field: truth.$field,)*
            ..NewOrder::BLANK
        };
        (order, execution!(truth))
    }};
}

macro_rules! execution {
    ($truth:expr) => {
        Execution {
            exec_id: $truth.exec_id,
            order_id: $truth.order_id.get(),
            transact_ns: $truth.transact_ns.get(),
            sent_ns: $truth.sent_ns.get(),
        }
    };
}

fn writer(schema: &Schema, uuid: U64Le, seq_no: U32Le) -> ReportWriter {
    ReportWriter::new(uuid.get(), schema.version, seq_no.get())
}

/// The writer's reports are the golden frames, but for the fields that it never fills.
#[test]
fn the_simulated_venue_writes_golden_bytes() {
    let (Some(schema), Some(all)) = (schema(), golden::load()) else { return };
    entered_and_gone(&schema, &all);
    changed_and_cancelled(&schema, &all);
    refused(&schema, &all);
    session(&schema, &all);
    traded(&schema, golden::of::<TradeOutright>(&all));
}

fn entered_and_gone(schema: &Schema, all: &[Golden]) {
    let golden = golden::of::<OrderNew>(all);
    let truth = golden.block::<OrderNew>(schema);
    let (order, execution) = cause!(truth, min_qty_lots, display_lots, reservation_e9);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let block = session.accepted(&order, &execution);
    assert_golden(&session, golden, &truth, block, &["PossRetransFlag", "SplitMsg"]);

    let golden = golden::of::<OrderRejected>(all);
    let truth = golden.block::<OrderRejected>(schema);
    let (order, execution) = cause!(truth, min_qty_lots, display_lots, reservation_e9);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let block = session.rejected(&order, &execution, truth.reject_reason.get(), "");
    assert_golden(&session, golden, &truth, block, &["PossRetransFlag", "SplitMsg"]);

    let golden = golden::of::<OrderEliminated>(all);
    let truth = golden.block::<OrderEliminated>(schema);
    let (order, execution) = cause!(truth, min_qty_lots, display_lots, reservation_e9);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let block = session.eliminated(&order, &execution, truth.cum_lots.get());
    assert_golden(&session, golden, &truth, block, &["PossRetransFlag"]);
}

fn changed_and_cancelled(schema: &Schema, all: &[Golden]) {
    let golden = golden::of::<OrderModified>(all);
    let truth = golden.block::<OrderModified>(schema);
    let (order, execution) = cause!(truth, min_qty_lots, display_lots);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let block = session.modified(&order, &execution, truth.cum_lots.get());
    let unfilled = ["PossRetransFlag", "SplitMsg", "LeavesQty"];
    assert_golden(&session, golden, &truth, block, &unfilled);

    let golden = golden::of::<OrderCancelled>(all);
    let truth = golden.block::<OrderCancelled>(schema);
    let (order, execution) = cause!(truth, min_qty_lots, display_lots, reservation_e9);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let cum_lots = truth.cum_lots.get();
    let unasked = CancelCause::Exchange(truth.restatement);
    let block = session.cancelled(&order, &execution, cum_lots, unasked);
    assert_golden(&session, golden, &truth, block, &["PossRetransFlag", "SplitMsg"]);

    let cancel = Cancel {
        cl_ord_id: truth.cl_ord_id,
        request_id: truth.request_id,
        manual: truth.manual,
        liquidity_flag: truth.liquidity_flag,
        ..Cancel::BLANK
    };
    let order = NewOrder {
        cl_ord_id: ClOrdId::of_order(7),
        request_id: U64Le::new(7),
        manual: 7,
        liquidity_flag: 7,
        ..order
    };
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let block = session.cancelled(&order, &execution, cum_lots, CancelCause::Asked(&cancel));
    assert_eq!(block.restatement, 255, "asked for, so there is no reason");
    assert_eq!(Report::Cancelled(&block).news().unwrap().reason, None);
    let unfilled = ["PossRetransFlag", "SplitMsg", "ExecRestatementReason"];
    assert_golden(&session, golden, &truth, block, &unfilled);
}

fn refused(schema: &Schema, all: &[Golden]) {
    let golden = golden::of::<CancelRejected>(all);
    let truth = golden.block::<CancelRejected>(schema);
    let cancel = Cancel {
        sender_id: truth.sender_id,
        cl_ord_id: truth.cl_ord_id,
        party_details_id: truth.party_details_id,
        request_id: truth.request_id,
        location: truth.location,
        manual: truth.manual,
        liquidity_flag: truth.liquidity_flag,
        ..Cancel::BLANK
    };
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let reason = truth.reject_reason.get();
    let block = session.cancel_rejected(&cancel, &execution!(truth), reason, "");
    assert_golden(&session, golden, &truth, block, &["PossRetransFlag", "SplitMsg"]);

    let golden = golden::of::<ReplaceRejected>(all);
    let truth = golden.block::<ReplaceRejected>(schema);
    let change = Replace {
        sender_id: truth.sender_id,
        cl_ord_id: truth.cl_ord_id,
        party_details_id: truth.party_details_id,
        request_id: truth.request_id,
        location: truth.location,
        manual: truth.manual,
        liquidity_flag: truth.liquidity_flag,
        ..Replace::BLANK
    };
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let reason = truth.reject_reason.get();
    let block = session.replace_rejected(&change, &execution!(truth), reason, "");
    assert_golden(&session, golden, &truth, block, &["PossRetransFlag", "SplitMsg"]);

    let golden = golden::of::<BusinessReject>(all);
    let truth = golden.block::<BusinessReject>(schema);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let block = session.business_reject(&Refusal {
        ref_seq_no: truth.ref_seq_no.get(),
        ref_msg_type: std::str::from_utf8(&truth.ref_msg_type).unwrap(),
        reason: truth.reason.get(),
        text: "",
        sent_ns: truth.sent_ns.get(),
    });
    let unfilled = ["PossRetransFlag", "SplitMsg", "ManualOrderIndicator", "PartyDetailsListReqID"];
    assert_golden(&session, golden, &truth, block, &unfilled);
}

fn session(schema: &Schema, all: &[Golden]) {
    let golden = golden::of::<Sequence>(all);
    let truth = golden.block::<Sequence>(schema);
    let session = writer(schema, truth.uuid, truth.next_seq_no);
    assert_golden(&session, golden, &truth, session.sequence(false), &[]);
    assert_eq!(session.sequence(true), Sequence { lapsed: 1, ..truth });

    let golden = golden::of::<NotApplied>(all);
    let truth = golden.block::<NotApplied>(schema);
    let block = session.not_applied(truth.from_seq_no.get(), truth.msg_count.get());
    assert_golden(&session, golden, &truth, block, &["SplitMsg"]);
}

fn traded(schema: &Schema, golden: &Golden) {
    let truth = golden.block::<TradeOutright>(schema);
    let (order, execution) = cause!(truth, reservation_e9);
    let mut session = writer(schema, truth.uuid, truth.seq_no);
    let fill = Fill {
        last_e9: truth.last_e9.get(),
        last_lots: truth.last_lots.get(),
        cum_lots: truth.cum_lots.get(),
        is_aggressor: truth.aggressor == 1,
        trade_id: truth.md_trade_id.get(),
    };
    let mut block = session.traded(&order, &execution, &fill);
    assert_eq!(block.ord_status, 2, "more was filled than ordered");
    let unfilled = [
        "PossRetransFlag",
        "SecExecID",
        "SideTradeID",
        "LeavesQty",
        "OrdStatus",
        "Ownership",
        "ExecRestatementReason",
        "CalculatedCcyLastQty",
        "GrossTradeAmt",
    ];
    fill_in(&mut block, &truth, &unfilled);
    assert_eq!(session.trade_frame(&block, &[], &[]), golden.bytes);
}

/// A fill with full groups goes out and comes back, entry by entry.
#[test]
fn groups_of_a_fill_come_back() {
    let order = NewOrder { qty_lots: U32Le::new(9), side: 2, ..NewOrder::BLANK };
    let mut session = ReportWriter::new(5, 9, 1);
    let fill = Fill { last_e9: 42, last_lots: 4, cum_lots: 4, is_aggressor: true, trade_id: 77 };
    let block = session.traded(&order, &Execution::numbered(1, 2, 3, 4), &fill);
    assert_eq!((block.ord_status, block.leaves_lots.get()), (1, 5));
    let part = |n: u32| FillPart { qty_lots: U32Le::new(n), ..FillPart::BLANK };
    let event = |n: i64| FillEvent { price_e9: I64Le::new(n), ..FillEvent::BLANK };
    let parts: Vec<FillPart> = (0..255).map(part).collect();
    let events: Vec<FillEvent> = (0..255).map(event).collect();
    let bytes = session.trade_frame(&block, &parts, &events);
    assert_eq!(bytes.len(), 14_591);
    let frame = decode::frame(&bytes).unwrap().unwrap().0;
    let Some(Report::Trade(trade)) = decode::report(&frame).unwrap() else { panic!() };
    let (read_parts, read_events) = trade.groups().unwrap();
    assert!(read_parts.eq(&parts) && read_events.eq(&events));
    let news = Report::Trade(trade).news().unwrap();
    assert_eq!((news.side, news.fill.unwrap().last_e9), (Some(Side::Sell), 42));
}

/// A fill that is taken back, written by field values at the places that the XML gives them.
#[test]
fn a_trade_cancellation_is_read_in_both_versions() {
    let Some(schema) = schema() else { return };
    let truth = schema.block("ExecutionReportTradeAddendumOutright548");
    let mut block = vec![0; truth.len];
    let mut put = |name: &str, value: &[u8]| {
        let at = truth.field(name).offset;
        block[at..at + value.len()].copy_from_slice(value);
    };
    put("SeqNum", &9_u32.to_le_bytes());
    put("UUID", &8_u64.to_le_bytes());
    put("ExecID", b"BUST");
    put("ClOrdID", b"00000000DEADBEEF");
    put("LastPx", &(-42_i64).to_le_bytes());
    put("OrderID", &7_u64.to_le_bytes());
    put("TransactTime", &6_u64.to_le_bytes());
    put("LastQty", &5_u32.to_le_bytes());
    put("Side", &[2]);
    put("PossRetransFlag", &[1]);
    put("ExecRestatementReason", &[255]);
    for (version, block_len) in [(8_u16, 222_u16), (9, 266)] {
        for (exec_type, kind) in
            [(b'G', NewsKind::TradeCorrected), (b'H', NewsKind::TradeCancelled)]
        {
            block[truth.field("ExecType").offset] = exec_type;
            let mut bytes = Vec::new();
            for word in [12 + block_len, 0xCAFE, block_len, 548, 8, version] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(&block[..usize::from(block_len)]);
            let frame = decode::frame(&bytes).unwrap().unwrap().0;
            let report = decode::report(&frame).unwrap().unwrap();
            let stamp = report.stamp();
            assert_eq!((stamp.uuid, stamp.seq_no, stamp.is_retransmitted), (8, Some(9), true));
            let news = report.news().unwrap();
            assert_eq!((news.kind, news.side), (kind, Some(Side::Sell)));
            assert_eq!(news.cl_ord_id.order(), Ok(0xDEAD_BEEF));
            assert_eq!((news.order_id, news.transact_ns, news.reason), (7, 6, None));
            let fill = news.fill.unwrap();
            assert_eq!((fill.last_e9, fill.last_lots, news.progress), (-42, 5, None));
        }
    }
}

/// The simulated venue takes back just the fill that it reported.
#[test]
fn a_trade_cancellation_names_its_fill() {
    let order = NewOrder { side: 1, cl_ord_id: ClOrdId::of_order(3), ..NewOrder::BLANK };
    let mut session = ReportWriter::new(5, 9, 1);
    let fill = Fill { last_e9: 42, last_lots: 4, cum_lots: 4, is_aggressor: true, trade_id: 77 };
    let original = session.traded(&order, &Execution::numbered(1, 2, 3, 4), &fill);
    let block = session.trade_cancelled(&order, &Execution::numbered(5, 2, 6, 7), &original);
    assert_eq!((block.orig_side_trade_id.get(), block.orig_sec_exec_id.get()), (77, 77));
    let bytes = session.addendum_frame(&block);
    assert_eq!(bytes[12 + 222..], [15, 0, 0, 45, 0, 0], "as in the XML, two empty groups");
    let frame = decode::frame(&bytes).unwrap().unwrap().0;
    let news = decode::report(&frame).unwrap().unwrap().news().unwrap();
    assert_eq!((news.kind, news.cl_ord_id.order()), (NewsKind::TradeCancelled, Ok(3)));
    let fill = news.fill.unwrap();
    assert_eq!((fill.last_e9, fill.last_lots, news.transact_ns), (42, 4, 6));
}

/// Business messages are numbered one by one; those of the session are not.
#[test]
fn only_business_messages_take_a_number() {
    let mut session = ReportWriter::new(5, 9, 41);
    let execution = Execution::numbered(1, 2, 3, 4);
    assert_eq!(session.accepted(&NewOrder::BLANK, &execution).seq_no.get(), 41);
    session.not_applied(1, 1);
    assert_eq!(session.sequence(false).next_seq_no.get(), 42);
    assert_eq!(session.eliminated(&NewOrder::BLANK, &execution, 0).seq_no.get(), 42);
    assert_eq!(session.next_seq_no(), 43);
}

/// A change gives the order its new price, quantity and names, and nothing else.
#[test]
fn a_changed_order_keeps_its_side_and_instrument() {
    let order = NewOrder { side: 2, security_id: I32Le::new(5), ..NewOrder::BLANK };
    let change = Replace {
        price_e9: I64Le::new(8),
        qty_lots: U32Le::new(9),
        cl_ord_id: ClOrdId::of_order(3),
        request_id: U64Le::new(4),
        tif: 0,
        side: 1,
        ..Replace::BLANK
    };
    let after = changed(&order, &change);
    assert_eq!((after.price_e9.get(), after.qty_lots.get(), after.tif), (8, 9, 0));
    assert_eq!((after.cl_ord_id.order(), after.request_id.get()), (Ok(3), 4));
    assert_eq!((after.side, after.security_id.get()), (2, 5));
}
