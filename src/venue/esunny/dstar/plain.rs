//! DSTAR requests as plain data, both ways: `{"message": "insert", "version": 3, "fields": {..}}`.
//!
//! For people, tools and tests; orders are patched templates (`xmc_hotpath`). Field names are those
//! of the layouts; what the vendor has a letter for is a word here, and a letter that no word is
//! known for stays a letter. Not here: logon over TCP and replies, whose framing is the vendor's.

use super::request::{self, Request, RequestError, is_v2};
use serde_json::{Map, Value, json};
use xmc_hotpath::venue::esunny::double::Double;
use xmc_hotpath::venue::esunny::dstar::layout::{
    DIRECT_BUY, DIRECT_SELL, Framed, Generation, HEDGE_HEDGE, HEDGE_SPECULATE, KeyV2, KeyV3,
    OFFSET_CLOSE, OFFSET_OPEN, ORDER_TYPE_LIMIT, OrderDelete, OrderInsert, ReqIdMode, UdpAuth, V2,
    V3, VALID_FOK, VALID_GFD, VALID_IOC,
};
use xmc_hotpath::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

const SIDES: [(u8, &str); 2] = [(DIRECT_BUY, "buy"), (DIRECT_SELL, "sell")];
const EFFECTS: [(u8, &str); 2] = [(OFFSET_OPEN, "open"), (OFFSET_CLOSE, "close")];
const HEDGES: [(u8, &str); 2] = [(HEDGE_SPECULATE, "speculate"), (HEDGE_HEDGE, "hedge")];
const LIVES: [(u8, &str); 3] = [(VALID_FOK, "fok"), (VALID_IOC, "fak"), (VALID_GFD, "day")];
const ORDER_TYPES: [(u8, &str); 6] = [
    (b'1', "market"),
    (ORDER_TYPE_LIMIT, "limit"),
    (b'3', "exercise"),
    (b'4', "abandon"),
    (b'5', "enquiry"),
    (b'6', "offer"),
];

/// Why a request cannot be written. The text says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WriteError(String);

/// A field's value, and what is wrong with it.
fn fault(field: &str, why: impl std::fmt::Display) -> WriteError {
    WriteError(format!("{field} {why}"))
}

/// What the requests of a datagram say, in order; what is wrong ends it.
///
/// # Errors
/// See `RequestError`.
pub fn read(datagram: &[u8]) -> Result<Vec<Value>, RequestError> {
    let mut told = Vec::new();
    if is_v2(datagram) {
        let key = |key: &KeyV2| vec![("order_no", text(&key.order_no))];
        let reference = |reference: I32Le| json!(reference.get());
        request::read::<V2>(datagram, |one| told.push(one.map(|one| tell(&one, reference, key))));
    } else {
        let key = |key: &KeyV3| {
            vec![("order_id", json!(key.order_id.get())), ("system_no", text(&key.system_no))]
        };
        let reference = |reference: I64Le| json!(reference.get());
        request::read::<V3>(datagram, |one| told.push(one.map(|one| tell(&one, reference, key))));
    }
    told.into_iter().collect()
}

fn tell<G: Generation>(
    request: &Request<G>,
    reference: impl Fn(G::Reference) -> Value,
    key: impl Fn(&G::Key) -> Vec<(&'static str, Value)>,
) -> Value {
    let (message, fields) = match *request {
        Request::Auth(auth) => ("auth", auth_fields(&auth)),
        Request::Insert(order) => ("insert", insert_fields(&order, reference(order.reference))),
        Request::Delete(cancel) => {
            let mut fields = json!({
                "account_index": cancel.account_index.get(),
                "client_req_id": cancel.client_req_id.get(),
                "udp_auth_code": cancel.udp_auth_code.get(),
                "reference": reference(cancel.reference),
                "seat": cancel.seat,
            });
            for (name, value) in key(&{ cancel.key }) {
                fields[name] = value;
            }
            ("delete", fields)
        }
    };
    json!({ "message": message, "version": G::VERSION, "fields": fields })
}

fn auth_fields(auth: &UdpAuth) -> Value {
    json!({
        "account_index": auth.account_index.get(),
        "udp_auth_code": auth.udp_auth_code.get(),
        "req_id_mode": auth.req_id_mode,
    })
}

fn insert_fields<R: Copy>(order: &OrderInsert<R>, reference: Value) -> Value {
    let price = order.price;
    let mut fields = json!({
        "side": word(&SIDES, order.direct),
        "effect": word(&EFFECTS, order.offset),
        "hedge": word(&HEDGES, order.hedge),
        "order_type": word(&ORDER_TYPES, order.order_type),
        "tif": word(&LIVES, order.valid_type),
        "seat": order.seat,
        "account_index": order.account_index.get(),
        "contract_index": order.contract_index.get(),
        "contract_no": text(&{ order.contract_no }),
        "qty_lots": order.qty_lots.get(),
        "min_qty_lots": order.min_qty_lots.get(),
        "price_e9": price.price_e9(),
        "client_req_id": order.client_req_id.get(),
        "reference": reference,
        "udp_auth_code": order.udp_auth_code.get(),
    });
    // What is no price of this engine is told as the bits it has.
    if price.price_e9().is_none_or(|price_e9| Double::of_price(price_e9) != price) {
        fields["price_bits"] = json!(format!("{:#018x}", price.bits()));
    }
    fields
}

/// Writes the datagram of one request.
///
/// # Errors
/// See `WriteError`.
pub fn write(json: &Value) -> Result<Vec<u8>, WriteError> {
    let shape = || {
        WriteError(
            "a request is an object with \"message\" (auth, insert or delete), \"version\" (2 or \
             3) and \"fields\""
                .to_owned(),
        )
    };
    let message = json.get("message").and_then(Value::as_str).ok_or_else(shape)?;
    let version = json.get("version").map_or(Some(3), Value::as_u64);
    let fields = json.get("fields").and_then(Value::as_object).ok_or_else(shape)?;
    let mut fields = Fields(fields.clone());
    let bytes = match (message, version) {
        ("auth", Some(2)) => framed::<V2, _>(V2::UDP_AUTH, auth(&mut fields)?),
        ("auth", Some(3)) => framed::<V3, _>(V3::UDP_AUTH, auth(&mut fields)?),
        ("insert", Some(2)) => {
            let reference = I32Le::new(fields.number("reference")?);
            framed::<V2, _>(V2::ORDER_INSERT, insert(&mut fields, reference)?)
        }
        ("insert", Some(3)) => {
            let reference = I64Le::new(fields.number("reference")?);
            framed::<V3, _>(V3::ORDER_INSERT, insert(&mut fields, reference)?)
        }
        ("delete", Some(2)) => {
            let reference = I32Le::new(fields.number("reference")?);
            let key = KeyV2 { order_no: fields.text("order_no")? };
            framed::<V2, _>(V2::ORDER_DELETE, delete(&mut fields, reference, key)?)
        }
        ("delete", Some(3)) => {
            let reference = I64Le::new(fields.number("reference")?);
            let order_id = U64Le::new(fields.number_or("order_id", 0)?);
            let key = KeyV3 { order_id, system_no: fields.text("system_no")? };
            framed::<V3, _>(V3::ORDER_DELETE, delete(&mut fields, reference, key)?)
        }
        _ => return Err(shape()),
    };
    match fields.0.keys().next() {
        Some(unknown) => Err(fault(&format!("{message} version {}", version.unwrap_or(3)), {
            format!("has no {unknown:?}")
        })),
        None => Ok(bytes),
    }
}

fn framed<G: Generation, B: bytemuck::Pod>(code: u16, body: B) -> Vec<u8> {
    bytemuck::bytes_of(&Framed::<G::Header, B>::new(code, body)).to_vec()
}

fn auth(fields: &mut Fields) -> Result<UdpAuth, WriteError> {
    let mode: u8 = fields.number("req_id_mode")?;
    ReqIdMode::from_wire(mode).ok_or_else(|| {
        fault("req_id_mode", format!("is {mode}: 0 unchecked, 1 increasing, 2 one after the other"))
    })?;
    Ok(UdpAuth {
        account_index: U16Le::new(fields.number("account_index")?),
        udp_auth_code: U32Le::new(fields.number("udp_auth_code")?),
        req_id_mode: mode,
    })
}

fn insert<R>(fields: &mut Fields, reference: R) -> Result<OrderInsert<R>, WriteError> {
    let close_today = fields.letter("close_today")?;
    let effect = fields.0.remove("effect").unwrap_or(Value::Null);
    let offset = match (effect.as_str(), close_today) {
        (Some("close_today"), Some(code)) => code,
        (Some("close_today"), None) => {
            let why = "is close_today, for which no public code is known: give the futures \
                       company's letter as \"close_today\"";
            return Err(fault("effect", why));
        }
        (Some("close_yesterday"), _) => OFFSET_CLOSE,
        _ => code("effect", &EFFECTS, &effect)?,
    };
    Ok(OrderInsert {
        direct: fields.code("side", &SIDES, None)?,
        offset,
        hedge: fields.code("hedge", &HEDGES, None)?,
        order_type: fields.code("order_type", &ORDER_TYPES, Some(ORDER_TYPE_LIMIT))?,
        valid_type: fields.code("tif", &LIVES, None)?,
        seat: fields.number_or("seat", 0)?,
        account_index: U16Le::new(fields.number("account_index")?),
        contract_index: U32Le::new(fields.number("contract_index")?),
        contract_no: fields.text("contract_no")?,
        qty_lots: U32Le::new(fields.number("qty_lots")?),
        min_qty_lots: U32Le::new(fields.number_or("min_qty_lots", 0)?),
        price: fields.price()?,
        client_req_id: U32Le::new(fields.number("client_req_id")?),
        reference,
        udp_auth_code: U32Le::new(fields.number("udp_auth_code")?),
    })
}

fn delete<R, K>(
    fields: &mut Fields,
    reference: R,
    key: K,
) -> Result<OrderDelete<R, K>, WriteError> {
    Ok(OrderDelete {
        account_index: U16Le::new(fields.number("account_index")?),
        client_req_id: U32Le::new(fields.number("client_req_id")?),
        udp_auth_code: U32Le::new(fields.number("udp_auth_code")?),
        reference,
        seat: fields.number_or("seat", 0)?,
        key,
    })
}

/// The values that were not taken yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn number<N: TryFrom<i128>>(&mut self, name: &str) -> Result<N, WriteError> {
        let value = self.take(name).ok_or_else(|| fault(name, "is missing"))?;
        let number = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
        let number =
            number.ok_or_else(|| fault(name, format!("is a whole number, not {value}")))?;
        N::try_from(number).map_err(|_| fault(name, format!("is {number}, which does not fit")))
    }

    fn number_or<N: TryFrom<i128>>(&mut self, name: &str, other: N) -> Result<N, WriteError> {
        if self.0.get(name).is_none_or(Value::is_null) {
            self.0.remove(name);
            return Ok(other);
        }
        self.number(name)
    }

    fn text<const N: usize>(&mut self, name: &str) -> Result<[u8; N], WriteError> {
        let value = self.take(name).unwrap_or(json!(""));
        let text = value.as_str().ok_or_else(|| fault(name, format!("is text, not {value}")))?;
        let mut out = [0; N];
        let room = out.get_mut(..text.len());
        let room = room.ok_or_else(|| fault(name, format!("has more than {N} bytes")))?;
        room.copy_from_slice(text.as_bytes());
        Ok(out)
    }

    fn letter(&mut self, name: &str) -> Result<Option<u8>, WriteError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().map(str::as_bytes);
        match text {
            Some([letter]) => Ok(Some(*letter)),
            _ => Err(fault(name, format!("is one letter, not {value}"))),
        }
    }

    fn code(
        &mut self,
        name: &str,
        words: &[(u8, &str)],
        other: Option<u8>,
    ) -> Result<u8, WriteError> {
        match (self.take(name), other) {
            (Some(value), _) => code(name, words, &value),
            (None, Some(other)) => Ok(other),
            (None, None) => Err(fault(name, "is missing")),
        }
    }

    fn price(&mut self) -> Result<Double, WriteError> {
        if let Some(bits) = self.take("price_bits") {
            self.0.remove("price_e9");
            let read = bits.as_str().and_then(|text| text.strip_prefix("0x"));
            let bits = read.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let bits = bits.ok_or_else(|| fault("price_bits", "are 0x and 16 digits"))?;
            return Ok(Double::from_bits(bits));
        }
        Ok(Double::of_price(self.number("price_e9")?))
    }
}

/// The letter of a word, or the letter itself.
fn code(name: &str, words: &[(u8, &str)], value: &Value) -> Result<u8, WriteError> {
    let text = value.as_str().unwrap_or_default();
    let found = words.iter().find(|(_, word)| *word == text).map(|(code, _)| *code);
    let letter = || text.as_bytes().first().copied().filter(|_| text.len() == 1);
    found.or_else(letter).ok_or_else(|| {
        let all: Vec<_> = words.iter().map(|(_, word)| *word).collect();
        fault(name, format!("is {value}: one of {}, or the counter's letter", all.join(", ")))
    })
}

fn word(words: &[(u8, &'static str)], code: u8) -> Value {
    let found = words.iter().find(|(known, _)| *known == code);
    found.map_or_else(|| json!(char::from(code).to_string()), |(_, word)| json!(word))
}

/// Text up to its NULs; other bytes as the characters of Latin-1.
fn text(bytes: &[u8]) -> Value {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    json!(bytes[..len].iter().copied().map(char::from).collect::<String>())
}
