//! Templates against `tests/vectors/dstar.jsonl`, which a second encoder has written from the field
//! tables (`tests/vectors/dstar.py`), and what templates must refuse.

use serde_json::Value;
use xmc_hotpath::gateway::CannotEncode;
use xmc_hotpath::message::{HedgeFlag, OrderId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::venue::esunny::dstar::encode::{
    self, Account, Contract, DeleteTemplate, InsertFields, InsertTemplate, TemplateError,
};
use xmc_hotpath::venue::esunny::dstar::layout::{
    Generation, Header, HeaderV2, HeaderV3, KeyV2, KeyV3, Reference, ReqIdMode, V2, V3,
};
use xmc_hotpath::wire::{I32Le, I64Le, U64Le};

pub const VECTORS: &str = include_str!("../../../../vectors/dstar.jsonl");

/// One datagram of the second encoder.
pub struct Vector {
    pub message: String,
    pub version: u64,
    fields: Value,
    pub bytes: Vec<u8>,
}

pub fn vectors() -> Vec<Vector> {
    let parse = |line: &str| {
        let json: Value = serde_json::from_str(line).expect("a line is JSON");
        let hex = json["hex"].as_str().expect("hex is text");
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
        Vector {
            message: json["message"].as_str().expect("message").to_owned(),
            version: json["version"].as_u64().expect("version"),
            fields: json["fields"].clone(),
            bytes: (0..hex.len()).step_by(2).map(byte).collect(),
        }
    };
    let all: Vec<Vector> = VECTORS.lines().map(parse).collect();
    assert_eq!(all.len(), 60, "datagrams of the second encoder");
    all
}

impl Vector {
    fn number<N: TryFrom<u64>>(&self, key: &str) -> N {
        let number = self.fields[key].as_u64().unwrap_or_else(|| panic!("{key}"));
        N::try_from(number).unwrap_or_else(|_| panic!("{key} is too large"))
    }

    fn text(&self, key: &str) -> &str {
        self.fields[key].as_str().unwrap_or_else(|| panic!("{key}"))
    }

    fn padded(&self, key: &str) -> [u8; 21] {
        let mut out = [0; 21];
        let text = self.text(key).as_bytes();
        out[..text.len()].copy_from_slice(text);
        out
    }

    fn account(&self) -> Account {
        let close_today = self.fields.get("close_today").and_then(Value::as_str);
        Account {
            index: self.number("account_index"),
            udp_auth_code: self.number("udp_auth_code"),
            close_today: close_today.map(|text| text.as_bytes()[0]),
        }
    }

    fn check<G: Generation>(&self, key: impl Fn(&Self) -> G::Key) {
        let account = self.account();
        let found = match self.message.as_str() {
            "auth" => {
                let mode = ReqIdMode::from_wire(self.number("req_id_mode")).expect("a mode");
                bytemuck::bytes_of(&encode::udp_auth::<G>(&account, mode)).to_vec()
            }
            "insert" => self.insert::<G>(&account),
            "delete" => {
                let mut template = DeleteTemplate::<G>::new(&account);
                // Something else was cancelled before: nothing of it may stay.
                template.patch(9, reference::<G>(9), G::Key::zeroed_but(0xAA));
                let reference = reference::<G>(self.number("reference"));
                template.patch(self.number("client_req_id"), reference, key(self)).to_vec()
            }
            other => panic!("no message {other}"),
        };
        assert_eq!(found, self.bytes, "{} v{}: {}", self.message, self.version, self.fields);
    }

    fn insert<G: Generation>(&self, account: &Account) -> Vec<u8> {
        let effect = self.text("effect");
        let contract = Contract {
            index: self.number("contract_index"),
            number: self.text("contract_no"),
            needs_close_today: effect == "close_today",
        };
        let mut template = InsertTemplate::<G>::new(account, &contract).expect("can be built");
        let order = InsertFields {
            side: if self.text("side") == "buy" { Side::Buy } else { Side::Sell },
            effect: *PositionEffect::ALL.iter().find(|each| each.word() == effect).unwrap(),
            hedge: *HedgeFlag::ALL.iter().find(|each| each.word() == self.text("hedge")).unwrap(),
            time_in_force: *TimeInForce::ALL
                .iter()
                .find(|each| each.word() == self.text("tif"))
                .unwrap(),
            qty_lots: self.number("qty_lots"),
            price_e9: self.fields["price_e9"].as_i64().expect("price_e9"),
            client_req_id: self.number("client_req_id"),
            reference: reference::<G>(self.number("reference")),
        };
        // An order that differs in all that an order changes went before.
        let before = InsertFields {
            side: order.side.opposite(),
            effect: PositionEffect::Close,
            hedge: HedgeFlag::Hedge,
            time_in_force: TimeInForce::Day,
            qty_lots: !order.qty_lots,
            price_e9: !order.price_e9,
            client_req_id: !order.client_req_id,
            reference: reference::<G>(0x7777),
        };
        template.patch(&before).expect("has codes");
        template.patch(&order).expect("has codes").to_vec()
    }
}

/// A key full of one byte.
trait Full: bytemuck::Pod {
    fn zeroed_but(byte: u8) -> Self {
        let mut key = Self::zeroed();
        bytemuck::bytes_of_mut(&mut key).fill(byte);
        key
    }
}
impl<K: bytemuck::Pod> Full for K {}

fn reference<G: Generation>(number: u64) -> G::Reference {
    G::Reference::of_order(OrderId(number), 0).expect("fits")
}

#[test]
fn templates_write_the_second_encoders_bytes() {
    for vector in vectors() {
        match vector.version {
            2 => vector.check::<V2>(|vector| KeyV2 { order_no: vector.padded("order_no") }),
            3 => vector.check::<V3>(|vector| KeyV3 {
                order_id: U64Le::new(vector.number("order_id")),
                system_no: vector.padded("system_no"),
            }),
            other => panic!("no version {other}"),
        }
    }
}

/// The figures of the field tables, said once more by hand.
#[test]
fn datagrams_are_as_long_as_the_tables_say() {
    let lens = |version: u64, message: &str| {
        let all = vectors();
        let mut lens: Vec<usize> = all
            .iter()
            .filter(|vector| vector.version == version && vector.message == message)
            .map(|vector| vector.bytes.len())
            .collect();
        lens.dedup();
        lens
    };
    assert_eq!(lens(2, "auth"), [15]);
    assert_eq!(lens(2, "insert"), [64]);
    assert_eq!(lens(2, "delete"), [44]);
    assert_eq!(lens(3, "auth"), [11]);
    assert_eq!(lens(3, "insert"), [64]);
    assert_eq!(lens(3, "delete"), [52]);
    assert_eq!(HeaderV2::of_one(0x0030, 56).read(), Some((0x0030, 1, 56)));
    assert_eq!(HeaderV3::of_one(0xEC01, 60).read(), Some((0xEC01, 1, 60)));
    let other: HeaderV2 = bytemuck::cast([b'E', 2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(other.read(), None);
    let other: HeaderV2 = bytemuck::cast([b'D', 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(other.read(), None);
}

const ACCOUNT: Account = Account { index: 7, udp_auth_code: 1, close_today: None };
const CU: Contract<'_> = Contract { index: 3, number: "cu2607", needs_close_today: false };

fn refusal(account: Account, contract: Contract<'_>) -> Option<TemplateError> {
    let found = InsertTemplate::<V3>::new(&account, &contract).err();
    assert_eq!(found, InsertTemplate::<V2>::new(&account, &contract).err());
    found
}

#[test]
fn contracts_that_cannot_be_traded_are_refused_at_the_start() {
    let number = |number| refusal(ACCOUNT, Contract { number, ..CU });
    assert_eq!(number("cu2607"), None);
    assert_eq!(number("0123456789abcdef"), None);
    assert_eq!(number(""), Some(TemplateError::NoContractNo));
    assert_eq!(number("0123456789abcdefg"), Some(TemplateError::ContractNoTooLong(17)));
    assert_eq!(number("cu\n"), Some(TemplateError::ContractNoNotPrintable));
    assert_eq!(number("沪铜"), Some(TemplateError::ContractNoNotPrintable));
    let today = Contract { needs_close_today: true, ..CU };
    let code = |code| refusal(Account { close_today: code, ..ACCOUNT }, today);
    assert_eq!(code(None), Some(TemplateError::NoCloseToday));
    assert_eq!(code(Some(b'J')), None);
    for bad in [b'O', b'C', b' ', 0, 0x7F, 0xFF] {
        assert_eq!(code(Some(bad)), Some(TemplateError::BadCloseToday(bad)));
    }
    for error in [TemplateError::NoCloseToday, TemplateError::BadCloseToday(b'O')] {
        assert!(error.to_string().contains("close"), "{error}");
    }
}

#[test]
fn orders_that_have_no_code_are_refused() {
    let order = InsertFields {
        side: Side::Buy,
        effect: PositionEffect::Open,
        hedge: HedgeFlag::Speculate,
        time_in_force: TimeInForce::Day,
        qty_lots: 1,
        price_e9: 1,
        client_req_id: 1,
        reference: reference::<V3>(1),
    };
    let mut template = InsertTemplate::<V3>::new(&ACCOUNT, &CU).unwrap();
    let mut refusal =
        |effect, hedge| template.patch(&InsertFields { effect, hedge, ..order }).err();
    let (open, speculate) = (PositionEffect::Open, HedgeFlag::Speculate);
    assert_eq!(refusal(open, speculate), None);
    assert_eq!(refusal(PositionEffect::CloseToday, speculate), Some(CannotEncode::Effect));
    assert_eq!(refusal(PositionEffect::Net, speculate), Some(CannotEncode::Effect));
    assert_eq!(refusal(open, HedgeFlag::Arbitrage), Some(CannotEncode::Hedge));
    // A code that is configured is not for contracts that need none.
    let account = Account { close_today: Some(b'J'), ..ACCOUNT };
    let mut template = InsertTemplate::<V3>::new(&account, &CU).unwrap();
    let close_today = InsertFields { effect: PositionEffect::CloseToday, ..order };
    assert_eq!(template.patch(&close_today).err(), Some(CannotEncode::Effect));
}

#[test]
fn references_are_ours_or_none() {
    let id = |id| I64Le::of_order(OrderId(id), 0).map(I64Le::get);
    assert_eq!(id(0x7F00_0000_0000_1001), Some(0x7F00_0000_0000_1001));
    assert_eq!(id(0x8000_0000_0000_1001), None, "site 128 is negative");
    assert_eq!(I64Le::new(5).order(9), Some(OrderId(5)));
    assert_eq!(I64Le::new(0).order(9), None);
    assert_eq!(I64Le::new(-1).order(9), None);

    let run = 0x0102_0003;
    let id = |lower: u64| I32Le::of_order(OrderId(u64::from(run) << 32 | lower), run);
    assert_eq!(id(0x7FFF_F001).map(I32Le::get), Some(0x7FFF_F001));
    assert_eq!(id(0x8000_0001), None, "the last half of a slot's turns has no room");
    assert_eq!(I32Le::of_order(OrderId(0x1001), run), None, "an id of another run");
    assert_eq!(I32Le::new(0x1001).order(run), Some(OrderId(u64::from(run) << 32 | 0x1001)));
    assert_eq!(I32Le::new(0).order(run), None);
    assert_eq!(I32Le::new(-7).order(run), None);
}
