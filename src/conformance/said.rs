//! Messages as a line for people: the exchange's name of each, and of its fields those that a
//! scenario may be about. Signatures, keys and passwords are not among them.

use super::tape::Way;
use crate::config::GatewayProtocol;
use crate::config::decimal::show_e9;
use crate::venue::cme::ilink3::plain;
use crate::venue::esunny::dstar::plain as dstar;
use serde_json::Value;
use xmc_hotpath::venue::esunny::dstar::decode::{self, Reply, ReplyKind};
use xmc_hotpath::venue::esunny::dstar::layout::V3;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Frame, Kind};
use xmc_hotpath::wire;

/// Fields of iLink 3 that are shown, and what they are called.
const SHOWN: [(&str, &str); 32] = [
    ("seqNum", "seq"),
    ("uUID", "uuid"),
    ("lastUUID", "of uuid"),
    ("nextSeqNo", "next"),
    ("previousUUID", "previous uuid"),
    ("previousSeqNo", "previous seq"),
    ("fromSeqNo", "from"),
    ("msgCount", "count"),
    ("keepAliveInterval", "keep-alive ms"),
    ("keepAliveIntervalLapsed", "lapsed"),
    ("session", "session"),
    ("firm", "firm"),
    ("errorCodes", "code"),
    ("reason", "reason"),
    ("clOrdID", "order"),
    ("side", ""),
    ("orderQty", "lots"),
    ("price.mantissa", "price"),
    ("timeInForce", "tif"),
    ("partyDetailsListReqID", "parties"),
    ("ordStatus", "status"),
    ("execType", "type"),
    ("lastQty", "last"),
    ("lastPx.mantissa", "at"),
    ("cumQty", "filled"),
    ("leavesQty", "left"),
    ("execRestatementReason", "because"),
    ("ordRejReason", "code"),
    ("cxlRejReason", "code"),
    ("businessRejectReason", "code"),
    ("refSeqNum", "of seq"),
    ("text", "text"),
];

/// Takes the whole messages from the front of what has come one way, as a line each. Bytes that are
/// no message are one line, and taken.
pub(super) fn take(protocol: GatewayProtocol, way: Way, waiting: &mut Vec<u8>) -> Vec<String> {
    match (protocol, way) {
        (GatewayProtocol::EsunnyDstar, Way::Datagram) => {
            let datagram = std::mem::take(waiting);
            match dstar::read(&datagram) {
                Ok(requests) => requests.iter().map(request).collect(),
                Err(error) => {
                    vec![format!("{} bytes that are no request: {error}", datagram.len())]
                }
            }
        }
        (GatewayProtocol::EsunnyDstar, _) => stream(waiting, |bytes| {
            let frame = simulated_counter::frame(bytes).map_err(|error| format!("{error:?}"))?;
            Ok(frame.map(|(frame, rest)| (counters(&frame), rest.len())))
        }),
        _ => stream(waiting, |bytes| match plain::read(bytes) {
            Ok((message, rest)) => Ok(Some((message_of(&message), rest.len()))),
            Err(plain::ReadError::Short { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        }),
    }
}

type Read = Result<Option<(String, usize)>, String>;

fn stream(waiting: &mut Vec<u8>, read: impl Fn(&[u8]) -> Read) -> Vec<String> {
    let mut said = Vec::new();
    while !waiting.is_empty() {
        match read(waiting) {
            Ok(None) => break,
            Ok(Some((line, left))) => {
                said.push(line);
                waiting.drain(..waiting.len() - left);
            }
            Err(error) => {
                said.push(format!("{} bytes that are no message: {error}", waiting.len()));
                waiting.clear();
            }
        }
    }
    said
}

fn message_of(message: &plain::Plain) -> String {
    let mut said = message.name.to_owned();
    let is_numbered = message.fields.0.iter().any(|(key, _)| key == "seqNum");
    for (key, name) in SHOWN {
        // A numbered message is known by its number.
        if is_numbered && key == "uUID" {
            continue;
        }
        let values = message.fields.0.iter().find(|(field, _)| field == key);
        if let Some(shown) = values.and_then(|(_, value)| shown(key, value)) {
            said.push_str(if said.is_empty() { "" } else { "  " });
            said.push_str(name);
            said.push_str(if name.is_empty() { "" } else { " " });
            said.push_str(&shown);
        }
    }
    let again = ("possRetransFlag".to_owned(), Value::from("True:1"));
    if message.fields.0.contains(&again) {
        said.push_str("  sent again");
    }
    said
}

/// A value for people; `None` if it is absent or says nothing.
fn shown(key: &str, value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        if key == "clOrdID" {
            // Ours are numbers, in hexadecimal digits.
            let number = u64::from_str_radix(text, 16);
            return Some(number.map_or_else(|_| text.to_owned(), |number| number.to_string()));
        }
        let word = text.rsplit_once(':').map_or(text, |(word, _)| word);
        return (!word.is_empty()).then(|| word.to_owned());
    }
    let number = value.as_i64()?;
    if key.ends_with(".mantissa") {
        return (number != i64::MAX).then(|| show_e9(number));
    }
    let is_absent = number == -1 || number == i64::from(u32::MAX);
    let is_null_code = number == 255 && matches!(key, "timeInForce" | "execRestatementReason");
    (!is_absent && !is_null_code).then(|| number.to_string())
}

fn request(json: &Value) -> String {
    let fields = &json["fields"];
    let mut said = format!("UDP {}", json["message"].as_str().unwrap_or("request"));
    for key in ["client_req_id", "side", "effect", "contract_no", "qty_lots", "tif", "reference"] {
        match &fields[key] {
            Value::Null => {}
            Value::String(text) => said.push_str(&format!("  {key} {text}")),
            value => said.push_str(&format!("  {key} {value}")),
        }
    }
    if let Some(price_e9) = fields["price_e9"].as_i64() {
        said.push_str(&format!("  price {}", show_e9(price_e9)));
    }
    said
}

fn plain_text(field: &[u8]) -> String {
    String::from_utf8_lossy(wire::text(field)).into_owned()
}

/// A message of the simulated counter's stream.
fn counters(frame: &Frame<'_>) -> String {
    let reply = |kind| decode::reply::<V3>(kind, frame.body).ok();
    let said = match Kind::from_wire(frame.kind) {
        Some(Kind::UdpAuth) => reply(ReplyKind::UdpAuth),
        Some(Kind::Insert) => reply(ReplyKind::Insert),
        Some(Kind::Notice) => reply(ReplyKind::Notice),
        Some(Kind::Match) => reply(ReplyKind::Match),
        Some(Kind::LastRequest) => reply(ReplyKind::LastRequest),
        Some(kind @ (Kind::Logon | Kind::Question | Kind::Contract)) => {
            return format!("{kind:?}");
        }
        Some(Kind::LogonReply) => {
            let read = wire::take::<simulated_counter::LogonReply>(frame.body);
            return read.map_or("LogonReply".to_owned(), |(reply, _)| {
                format!(
                    "LogonReply  error {}  contracts {}",
                    reply.error.get(),
                    reply.contract_count.get()
                )
            });
        }
        None => None,
    };
    match said {
        Some(Reply::UdpAuth(block)) => format!("RspUdpAuth  error {}", block.error.get()),
        Some(Reply::Insert(block)) => format!(
            "RspOrderInsert  client_req_id {}  error {}",
            block.client_req_id.get(),
            block.error.get()
        ),
        Some(Reply::Notice(block)) => format!(
            "OrderNotice  order {}  state {}  error {}",
            { block.reference }.get(),
            char::from(block.state),
            block.error.get()
        ),
        Some(Reply::Match(block)) => format!(
            "Match  order {}  lots {}  match {}",
            { block.reference }.get(),
            block.qty_lots.get(),
            plain_text(&{ block.match_no })
        ),
        Some(Reply::LastRequest(number)) => format!("LastRequest  client_req_id {number}"),
        None => format!("message {} of {} bytes", frame.kind, frame.body.len()),
    }
}
