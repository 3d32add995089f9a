//! A fill as it lies on a shelf: all of it, in bytes.

use super::accounts::Booked;
use super::event::{Fill, Ticket};
use super::order::{FillNo, ListingIndex, OrderNo, TradeNo};
use crate::sim::shelf::Row;
use bytemuck::{Pod, Zeroable};
use xmc_hotpath::message::{AccountId, PositionEffect, Side};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::wire::{I64Le, U16Le, U32Le, U64Le};

/// Bytes of a fill.
pub const FILL_BYTES: usize = size_of::<KeptFill>();

/// The fields of a `Booked`, and of what is in it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct KeptFill {
    /// 1: a row that is there.
    mark: u8,
    /// Place in `Side::ALL`.
    side: u8,
    /// Place in `PositionEffect::ALL`.
    effect: u8,
    /// 1 if the order came to one that rested.
    is_taker: u8,
    listing: U16Le,
    account: U32Le,
    at_ns: U64Le,
    fill_no: U64Le,
    trade_no: U64Le,
    order_no: U64Le,
    client_id: U64Le,
    price_e9: I64Le,
    lots: U32Le,
    cum_lots: U32Le,
    leaves_lots: U32Le,
    closed_today: U32Le,
    closed_yesterday: U32Le,
}

const _: () = assert!(size_of::<KeptFill>() == 78);

/// The place of `one` among `all`.
fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let place = all.iter().position(|other| other == one);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

impl Row<FILL_BYTES> for Booked {
    fn to_bytes(&self) -> [u8; FILL_BYTES] {
        let Booked { at, fill, closed_today, closed_yesterday } = *self;
        bytemuck::cast(KeptFill {
            mark: 1,
            side: place(Side::ALL, &fill.ticket.side),
            effect: place(PositionEffect::ALL, &fill.ticket.effect),
            is_taker: u8::from(fill.is_taker),
            listing: U16Le::new(fill.ticket.listing.0),
            account: U32Le::new(fill.ticket.account.0),
            at_ns: U64Le::new(at.0),
            fill_no: U64Le::new(fill.fill_no.0),
            trade_no: U64Le::new(fill.trade_no.0),
            order_no: U64Le::new(fill.ticket.order_no.0),
            client_id: U64Le::new(fill.ticket.client_id),
            price_e9: I64Le::new(fill.price_e9),
            lots: U32Le::new(fill.lots),
            cum_lots: U32Le::new(fill.cum_lots),
            leaves_lots: U32Le::new(fill.leaves_lots),
            closed_today: U32Le::new(closed_today),
            closed_yesterday: U32Le::new(closed_yesterday),
        })
    }

    fn from_bytes(bytes: &[u8; FILL_BYTES]) -> Option<Self> {
        let kept: KeptFill = bytemuck::cast(*bytes);
        let ticket = Ticket {
            order_no: OrderNo(kept.order_no.get()),
            account: AccountId(kept.account.get()),
            client_id: kept.client_id.get(),
            listing: ListingIndex(kept.listing.get()),
            side: *Side::ALL.get(usize::from(kept.side))?,
            effect: *PositionEffect::ALL.get(usize::from(kept.effect))?,
        };
        let fill = Fill {
            fill_no: FillNo(kept.fill_no.get()),
            trade_no: TradeNo(kept.trade_no.get()),
            ticket,
            price_e9: kept.price_e9.get(),
            lots: kept.lots.get(),
            cum_lots: kept.cum_lots.get(),
            leaves_lots: kept.leaves_lots.get(),
            is_taker: kept.is_taker == 1,
        };
        let (closed_today, closed_yesterday) =
            (kept.closed_today.get(), kept.closed_yesterday.get());
        let booked = Self { at: MonoNs(kept.at_ns.get()), fill, closed_today, closed_yesterday };
        (kept.mark == 1).then_some(booked)
    }
}
