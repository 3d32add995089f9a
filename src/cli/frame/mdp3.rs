//! A packet of MDP 3.0 as JSON: every message, and every entry of group 268 in one shape.

use crate::cli::inspect::rows::Columns;
use crate::cli::inspect::templates;
use serde_json::{Value, json};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Framed, Message};
use xmc_hotpath::venue::cme::mdp3::layout::{IncrementalRoot, StatusRoot};

/// Reads a packet.
///
/// # Errors
/// Why it is none, as a sentence.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    let packet = decode::packet(bytes).map_err(|error| format!("no MDP 3.0 packet ({error:?})"))?;
    let messages: Vec<_> = packet.messages().map(|framed| message(&framed)).collect();
    Ok(json!({ "seq_no": packet.seq_no(), "sent_ns": packet.sent_ns(), "messages": messages }))
}

fn message(framed: &Framed<'_>) -> Value {
    let template = framed.template_id();
    let mut told = json!({
        "template": template,
        "name": templates::name(template),
        "version": framed.version(),
        "size_bytes": framed.size(),
    });
    let decoded = match framed.decode() {
        Ok(decoded) => decoded,
        Err(error) => {
            told["error"] = json!(format!("{error:?}"));
            return told;
        }
    };
    let root = match &decoded {
        Message::Book(of) => incremental(of.root),
        Message::Trade(of) => incremental(of.root),
        Message::SingleTrade(of) => incremental(of.root),
        Message::Volume(of) => incremental(of.root),
        Message::SessionStatistics(of) => incremental(of.root),
        Message::DailyStatistics(of) => incremental(of.root),
        Message::Limits(of) => incremental(of.root),
        Message::OrderBook(of) => incremental(of.root),
        Message::Reset(of) => json!({ "transact_ns": of.root.transact_ns.get() }),
        Message::Status(root) => status(root),
        Message::Snapshot(of) => json!({
            "last_packet": of.root.last_seq_no.get(),
            "reports": of.root.report_count.get(),
            "security_id": of.root.security_id.get(),
            "rpt_seq": of.root.rpt_seq.get(),
        }),
        Message::Future(of) => json!({ "security_id": of.root.head.security_id.get() }),
        Message::Option(of) => json!({ "security_id": of.root.head.security_id.get() }),
        Message::Spread(of) => json!({ "security_id": of.root.head.security_id.get() }),
        Message::Logon(root) => json!({ "heartbeat_s": root.heartbeat_s }),
        Message::Logout(root) => json!({ "text": text(&root.text) }),
        Message::Skipped { .. } => json!({ "skipped": true }),
        Message::Heartbeat | Message::QuoteRequest(_) | Message::OrderSnapshot(_) => Value::Null,
    };
    if let (Value::Object(told), Value::Object(root)) = (&mut told, root) {
        told.extend(root);
    }
    let entries: Vec<_> = decoded.entry_views().map(|view| json!(Columns::from(view))).collect();
    if !entries.is_empty() {
        told["entries"] = json!(entries);
    }
    told
}

fn incremental(root: &IncrementalRoot) -> Value {
    json!({
        "transact_ns": root.transact_ns.get(),
        "match_event_indicator": root.match_event.0,
    })
}

fn status(root: &StatusRoot) -> Value {
    json!({
        "transact_ns": root.transact_ns.get(),
        "security_group": text(&root.security_group),
        "asset": text(&root.asset),
        "security_id": decode::present(root.security_id.get()),
        "trade_date": root.trade_date.get(),
        "match_event_indicator": root.match_event.0,
        "trading_status": root.trading_status,
        "halt_reason": root.halt_reason,
        "trading_event": root.trading_event,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}
