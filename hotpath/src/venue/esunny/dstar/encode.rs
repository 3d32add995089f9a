//! The three requests as templates: complete datagrams of which an order changes a few fields.
//!
//! An insert template is built and checked once per contract, the delete template once per session.
//! What an order can still ask for that its contract cannot do (close today's position where no
//! code for it is configured) is refused by `patch`, which then writes nothing. Numbering requests
//! and remembering orders is the session's.

use core::fmt;

use super::super::double::Double;
use super::layout::{
    DIRECT_BUY, DIRECT_SELL, Framed, Generation, HEDGE_HEDGE, HEDGE_SPECULATE, Key, OFFSET_CLOSE,
    OFFSET_OPEN, ORDER_TYPE_LIMIT, OrderDelete, OrderInsert, Reference, ReqIdMode,
    SEAT_ROUND_ROBIN, UdpAuth, VALID_FOK, VALID_GFD, VALID_IOC,
};
use crate::gateway::CannotEncode;
use crate::message::{HedgeFlag, PositionEffect, Side, TimeInForce};
use crate::wire::{U16Le, U32Le};

/// What all requests of one session have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// `AccountIndex`, as the logon gave it.
    pub index: u16,
    /// `UdpAuthCode`, as the logon gave it.
    pub udp_auth_code: u32,
    /// What `Offset` says to close today's position. UNPROVEN: no code for it is in the public
    /// headers, so none is assumed; ask the futures company and configure it.
    pub close_today: Option<u8>,
}

/// What all orders of one contract have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract<'a> {
    /// `ContractIndex`, as the counter's contract table gave it.
    pub index: u32,
    /// `ContractNo`: 1 to 16 printable ASCII characters.
    pub number: &'a str,
    /// Its exchange tells today's position from yesterday's, so orders will close today's.
    pub needs_close_today: bool,
}

/// Why a template was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// The contract has no number.
    NoContractNo,
    /// The contract's number does not fit its field.
    ContractNoTooLong(usize),
    /// The contract's number has a character that is not printable ASCII.
    ContractNoNotPrintable,
    /// The contract needs a code for close-today and none is configured.
    NoCloseToday,
    /// The code for close-today is another code already, or not printable ASCII.
    BadCloseToday(u8),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoContractNo => f.write_str("contract number is empty: the counter requires it"),
            Self::ContractNoTooLong(len) => {
                write!(f, "contract number has {len} bytes and at most 16 fit: shorten it")
            }
            Self::ContractNoNotPrintable => f.write_str(
                "contract number has a character that is not printable ascii: replace it",
            ),
            Self::NoCloseToday => f.write_str(
                "the contract closes today's position apart and the counter's code for that is \
                 not public: ask the futures company and configure it",
            ),
            Self::BadCloseToday(code) => write!(
                f,
                "close-today code {code:#04x} must be a printable character other than 'O' and 'C'"
            ),
        }
    }
}

impl core::error::Error for TemplateError {}

impl Account {
    fn check(&self, contract: &Contract<'_>) -> Result<(), TemplateError> {
        match self.close_today {
            None if contract.needs_close_today => Err(TemplateError::NoCloseToday),
            Some(code)
                if !code.is_ascii_graphic() || matches!(code, OFFSET_OPEN | OFFSET_CLOSE) =>
            {
                Err(TemplateError::BadCloseToday(code))
            }
            None | Some(_) => Ok(()),
        }
    }
}

/// `number` with NULs up to the length of its field.
fn contract_no(number: &str) -> Result<[u8; 16], TemplateError> {
    let bytes = number.as_bytes();
    if bytes.is_empty() {
        return Err(TemplateError::NoContractNo);
    }
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(TemplateError::ContractNoNotPrintable);
    }
    let mut out = [0; 16];
    let too_long = TemplateError::ContractNoTooLong(bytes.len());
    out.get_mut(..bytes.len()).ok_or(too_long)?.copy_from_slice(bytes);
    Ok(out)
}

/// The datagram that makes a socket known to the counter. Sent once, by whoever logs on.
#[must_use]
pub fn udp_auth<G: Generation>(account: &Account, mode: ReqIdMode) -> Framed<G::Header, UdpAuth> {
    let body = UdpAuth {
        account_index: U16Le::new(account.index),
        udp_auth_code: U32Le::new(account.udp_auth_code),
        req_id_mode: mode.to_wire(),
    };
    Framed::new(G::UDP_AUTH, body)
}

/// What varies from one new order to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsertFields<R> {
    /// Buy or sell.
    pub side: Side,
    /// Opens or closes, and what.
    pub effect: PositionEffect,
    /// Hedge or speculate.
    pub hedge: HedgeFlag,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Lots.
    pub qty_lots: u32,
    /// Limit price, units of 1e-9.
    pub price_e9: i64,
    /// Number of the request.
    pub client_req_id: u32,
    /// Our name of the order.
    pub reference: R,
}

/// An `OrderInsert` datagram of one contract that is complete but for what varies per order.
#[derive(Clone, Copy, Debug)]
pub struct InsertTemplate<G: Generation> {
    frame: Framed<G::Header, OrderInsert<G::Reference>>,
    close_today: Option<u8>,
}

impl<G: Generation> InsertTemplate<G> {
    /// A limit order in `contract`.
    ///
    /// # Errors
    /// What is wrong with the contract or with the code for close-today.
    pub fn new(account: &Account, contract: &Contract<'_>) -> Result<Self, TemplateError> {
        account.check(contract)?;
        let body = OrderInsert {
            direct: DIRECT_BUY,
            offset: OFFSET_OPEN,
            hedge: HEDGE_SPECULATE,
            order_type: ORDER_TYPE_LIMIT,
            valid_type: VALID_IOC,
            seat: SEAT_ROUND_ROBIN,
            account_index: U16Le::new(account.index),
            contract_index: U32Le::new(contract.index),
            contract_no: contract_no(contract.number)?,
            qty_lots: U32Le::new(0),
            min_qty_lots: U32Le::new(0),
            price: Double::ZERO,
            client_req_id: U32Le::new(0),
            reference: G::Reference::NONE,
            udp_auth_code: U32Le::new(account.udp_auth_code),
        };
        let close_today = account.close_today.filter(|_| contract.needs_close_today);
        Ok(Self { frame: Framed::new(G::ORDER_INSERT, body), close_today })
    }

    /// The same for another session of the account.
    pub fn renew(&mut self, account: &Account) {
        self.frame.body.account_index = U16Le::new(account.index);
        self.frame.body.udp_auth_code = U32Le::new(account.udp_auth_code);
    }

    /// Writes the per-order fields and returns the datagram.
    ///
    /// # Errors
    /// The order asks for something that has no code here.
    #[inline]
    pub fn patch(&mut self, order: &InsertFields<G::Reference>) -> Result<&[u8], CannotEncode> {
        let offset = self.offset(order.effect)?;
        let hedge = hedge(order.hedge)?;
        self.frame.body.direct = match order.side {
            Side::Buy => DIRECT_BUY,
            Side::Sell => DIRECT_SELL,
        };
        self.frame.body.offset = offset;
        self.frame.body.hedge = hedge;
        self.frame.body.valid_type = match order.time_in_force {
            TimeInForce::FillAndKill => VALID_IOC,
            TimeInForce::FillOrKill => VALID_FOK,
            TimeInForce::Day => VALID_GFD,
        };
        self.frame.body.qty_lots = U32Le::new(order.qty_lots);
        self.frame.body.price = Double::of_price(order.price_e9);
        self.frame.body.client_req_id = U32Le::new(order.client_req_id);
        self.frame.body.reference = order.reference;
        Ok(bytemuck::bytes_of(&self.frame))
    }

    /// The code of what the order does to the position. Every market behind this counter asks.
    #[inline(always)]
    fn offset(&self, effect: PositionEffect) -> Result<u8, CannotEncode> {
        match effect {
            PositionEffect::Open => Ok(OFFSET_OPEN),
            PositionEffect::Close | PositionEffect::CloseYesterday => Ok(OFFSET_CLOSE),
            PositionEffect::CloseToday => self.close_today.ok_or(CannotEncode::Effect),
            PositionEffect::Net => Err(CannotEncode::Effect),
        }
    }
}

/// The code of the flag; arbitrage has none.
#[inline(always)]
const fn hedge(flag: HedgeFlag) -> Result<u8, CannotEncode> {
    match flag {
        HedgeFlag::Speculate => Ok(HEDGE_SPECULATE),
        HedgeFlag::Hedge => Ok(HEDGE_HEDGE),
        HedgeFlag::Arbitrage => Err(CannotEncode::Hedge),
    }
}

/// An `OrderDelete` datagram that is complete but for what varies per cancellation.
#[derive(Clone, Copy, Debug)]
pub struct DeleteTemplate<G: Generation> {
    frame: Framed<G::Header, OrderDelete<G::Reference, G::Key>>,
}

impl<G: Generation> DeleteTemplate<G> {
    /// A cancellation, of whatever contract.
    #[must_use]
    pub fn new(account: &Account) -> Self {
        let body = OrderDelete {
            account_index: U16Le::new(account.index),
            client_req_id: U32Le::new(0),
            udp_auth_code: U32Le::new(account.udp_auth_code),
            reference: G::Reference::NONE,
            seat: SEAT_ROUND_ROBIN,
            key: G::Key::NONE,
        };
        Self { frame: Framed::new(G::ORDER_DELETE, body) }
    }

    /// Writes the per-cancellation fields and returns the datagram.
    #[inline]
    pub fn patch(&mut self, client_req_id: u32, reference: G::Reference, key: G::Key) -> &[u8] {
        self.frame.body.client_req_id = U32Le::new(client_req_id);
        self.frame.body.reference = reference;
        self.frame.body.key = key;
        bytemuck::bytes_of(&self.frame)
    }
}
