//! A MIRP datagram as JSON.

use serde_json::{Value, json};
use xmc_hotpath::venue::shfe::smdp::decode::{self, Field};

/// Reads a datagram.
///
/// # Errors
/// Why it is none, as a sentence.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    let packet = decode::packet(bytes).map_err(|error| {
        format!("no MIRP datagram ({error:?}); messages of MDQP are not told here")
    })?;
    let header = packet.header();
    let fields: Vec<_> = packet
        .fields()
        .map(|field| {
            let id = format!("{:#06x}", field.id);
            match field.decode() {
                Ok(decoded) => tell(&id, &decoded),
                Err(error) => json!({ "id": id, "error": format!("{error:?}") }),
            }
        })
        .collect();
    Ok(json!({
        "type": if packet.is_heartbeat() { "heartbeat" } else { "refresh" },
        "is_last_of_message": packet.is_last_of_message(),
        "length": header.length.get(),
        "packet_no": header.packet_no.get(),
        "topic_id": header.topic_id.get(),
        "snap_no": header.snap_no.get(),
        "snap_time": header.snap_time.get(),
        "snap_millisec": header.snap_millisec.get(),
        "comm_phase_no": header.comm_phase_no.get(),
        "center_change_no": header.center_change_no,
        "fields": fields,
    }))
}

fn tell(id: &str, field: &Field) -> Value {
    match field {
        Field::CenterChange(change) => json!({
            "id": id, "field": "center_change", "change_no": change.change_no,
            "snap_no": change.snap_no.get(), "packet_no": change.packet_no.get(),
        }),
        Field::Instrument(of) => json!({
            "id": id, "field": "instrument", "instrument_no": of.instrument_no,
            "change_no": of.change_no,
        }),
        Field::Level(level) => json!({
            "id": id, "field": "level",
            "event": level.event.map(|event| format!("{event:?}").to_lowercase()),
            "side": level.side.map(|side| format!("{side:?}").to_lowercase()),
            "level": level.level, "offset_ticks": level.offset_ticks,
            "volume_lots": level.volume_lots,
        }),
        Field::Trade(trade) => json!({
            "id": id, "field": "trade", "last_offset_ticks": trade.last_offset_ticks,
            "volume_change_lots": trade.volume_change_lots,
            "turnover_offset": trade.turnover_offset,
            "open_interest_change_lots": trade.open_interest_change_lots,
        }),
        Field::Price { kind, offset_ticks } => json!({
            "id": id, "field": "price", "kind": format!("{kind:?}"), "offset_ticks": offset_ticks,
        }),
        Field::Delta { bits } => json!({
            "id": id, "field": "delta", "value": f64::from_bits(*bits),
        }),
        Field::Unknown { .. } => json!({ "id": id, "field": "unknown" }),
    }
}
