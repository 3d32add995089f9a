//! What a client's request is at the exchange, or why it does not get there.

use xmc_hotpath::message::{AccountId, PositionEffect, Side, TimeInForce};
use xmc_hotpath::venue::esunny::dstar::decode;
use xmc_hotpath::venue::esunny::dstar::layout::{
    HEDGE_HEDGE, HEDGE_SPECULATE, OFFSET_CLOSE, OFFSET_OPEN, ORDER_TYPE_LIMIT, OrderInsert,
    VALID_FOK, VALID_GFD, VALID_IOC,
};
use xmc_hotpath::wire;

use super::counter::Settings;
use super::reply::{Numbered, Spoken};
use crate::sim::exchange::{self, Price, Refusal};

/// Error codes of this counter. Made up: a vendor's are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CounterError {
    /// No such account, or a wrong password.
    Logon = 1,
    /// A generation that is not spoken, or another than before.
    Version = 2,
    /// The code that requests must carry is wrong.
    AuthCode = 3,
    /// The socket was not made known.
    Socket = 4,
    /// `ReqIdMode` is none.
    Mode = 5,
    /// `ClientReqId` is not as the mode asks.
    ReqId = 6,
    /// The contract is none, or its index and its number differ.
    Contract = 7,
    /// A field has a value that is none.
    Field = 8,
    /// No such order.
    UnknownOrder = 9,
    /// The exchange is not open for this.
    NotOpen = 10,
    /// The exchange refuses the price.
    Price = 11,
    /// The exchange refuses the lots.
    Lots = 12,
    /// Less is held than the order closes.
    Position = 13,
    /// The order would meet one of the same account.
    SelfMatch = 14,
    /// Nobody is let in yet.
    NotReady = 15,
    /// It is told to refuse the order, whatever that is.
    Told = 16,
}

impl CounterError {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// What the counter calls the exchange's reason.
    #[must_use]
    pub const fn of(reason: Refusal) -> Self {
        match reason {
            Refusal::UnknownListing => Self::Contract,
            Refusal::NotOpen(_) => Self::NotOpen,
            Refusal::Lots | Refusal::MinLots => Self::Lots,
            Refusal::OffTick | Refusal::PriceLimit => Self::Price,
            Refusal::NeedsLimit | Refusal::NoOpposite | Refusal::Effect | Refusal::NoChanges => {
                Self::Field
            }
            Refusal::NotEnoughPosition => Self::Position,
            Refusal::SelfMatch => Self::SelfMatch,
            Refusal::UnknownOrder => Self::UnknownOrder,
        }
    }
}

/// The order for the exchange, or what is wrong with the request.
pub(super) fn order<G: Spoken>(
    settings: &Settings,
    account: AccountId,
    order_id: u64,
    insert: &OrderInsert<G::Reference>,
) -> Result<exchange::Order, CounterError> {
    let index = usize::try_from(insert.contract_index.get()).map_err(|_| CounterError::Contract)?;
    let contract = settings
        .contracts
        .get(index)
        .filter(|contract| contract.contract_no.as_bytes() == wire::text(&insert.contract_no))
        .ok_or(CounterError::Contract)?;
    let effect = match insert.offset {
        OFFSET_OPEN => PositionEffect::Open,
        OFFSET_CLOSE => PositionEffect::Close,
        code if settings.close_today == Some(code) => PositionEffect::CloseToday,
        _ => return Err(CounterError::Field),
    };
    let time_in_force = match insert.valid_type {
        VALID_FOK => TimeInForce::FillOrKill,
        VALID_IOC => TimeInForce::FillAndKill,
        VALID_GFD => TimeInForce::Day,
        _ => return Err(CounterError::Field),
    };
    let is_hedge_known = matches!(insert.hedge, HEDGE_SPECULATE | HEDGE_HEDGE);
    let is_limit = insert.order_type == ORDER_TYPE_LIMIT;
    let is_named = insert.reference.number() >= 0;
    if !is_hedge_known || !is_limit || !is_named {
        return Err(CounterError::Field);
    }
    let side: Side = decode::side(insert.direct).ok_or(CounterError::Field)?;
    let price_e9 = decode::price_e9(insert.price).ok_or(CounterError::Field)?;
    Ok(exchange::Order {
        account,
        client_id: order_id,
        listing: contract.listing,
        side,
        price: Price::Limit(price_e9),
        time_in_force,
        lots: insert.qty_lots.get(),
        min_lots: insert.min_qty_lots.get(),
        effect,
    })
}
