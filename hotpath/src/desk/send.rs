//! New orders, from the drafts that passed every gate: made, reserved, handed out.

use super::fire::{Drafts, keeps_room};
use super::{Instrument, Outputs};
use crate::execute::Fire;
use crate::message::{MAX_GATEWAYS, MAX_LEGS, OrderAction, OrderCommand, SpreadSpec, TimeInForce};
use crate::order::Orders;
use crate::price;
use crate::risk::{AccountRisk, Draft, GatewayRisk, Room};
use crate::time::MonoNs;

/// What orders of one batch have in common.
pub(super) struct Sending {
    pub is_open: bool,
    pub time_in_force: TimeInForce,
    /// The receive stamp of what caused them.
    pub caused: MonoNs,
    pub now: MonoNs,
    /// They rest: they take nothing from a book.
    pub rests: bool,
}

/// All that a new order changes besides its fire.
pub(super) struct Sender<'d, 'a> {
    pub instruments: &'d mut [Instrument],
    pub orders: &'d mut Orders<'a>,
    pub gateways: &'d mut [GatewayRisk; MAX_GATEWAYS],
    pub whole: &'d mut AccountRisk,
    pub account: Option<&'d mut AccountRisk>,
}

impl Sender<'_, '_> {
    /// Keeps room for the messages that the fire of `drafts` may still need, now that those of
    /// `sent` have left.
    #[inline]
    pub(super) fn keep_messages(
        &mut self,
        spec: &SpreadSpec,
        (drafts, sent): (&Drafts, &Drafts),
        fire: &mut Fire,
    ) {
        let room = Room::of_fire(keeps_room(spec));
        for ((draft, sent), slot) in drafts.iter().zip(sent).zip(&mut fire.kept_messages) {
            let orders = |draft: &Option<Draft>| draft.as_ref().map_or(0, |draft| draft.orders);
            let left = room.whole(orders(draft).into()).saturating_sub(orders(sent).into());
            *slot = u8::try_from(left).unwrap_or(u8::MAX);
        }
        self.count_kept(spec, &fire.kept_messages, u16::saturating_add);
    }

    /// Gives the room back that was kept for a fire.
    #[inline]
    pub(super) fn free_messages(&mut self, spec: &SpreadSpec, fire: &mut Fire) {
        let kept = core::mem::take(&mut fire.kept_messages);
        self.count_kept(spec, &kept, u16::saturating_sub);
    }

    #[inline]
    fn count_kept(
        &mut self,
        spec: &SpreadSpec,
        kept: &[u8; MAX_LEGS],
        change: impl Fn(u16, u16) -> u16,
    ) {
        for (leg, messages) in spec.legs.iter().zip(kept) {
            if *messages == 0 {
                continue;
            }
            let messages = u16::from(*messages);
            let row = usize::try_from(leg.instrument.0).ok();
            let Some(instrument) = row.and_then(|row| self.instruments.get_mut(row)) else {
                continue;
            };
            instrument.kept_messages = change(instrument.kept_messages, messages);
            let gateway = instrument.spec.as_ref().map(|contract| contract.gateway);
            let gateway = gateway.and_then(|at| self.gateways.get_mut(usize::from(at.0)));
            if let Some(gateway) = gateway {
                gateway.kept_messages = change(gateway.kept_messages, messages);
            }
            for row in [Some(&mut *self.whole), self.account.as_deref_mut()].into_iter().flatten() {
                row.kept_messages = change(row.kept_messages, messages);
            }
        }
    }

    /// Makes, reserves and hands out the orders of `drafts`, which have passed every gate.
    #[inline]
    pub(super) fn send(
        &mut self,
        spec: &SpreadSpec,
        batch: &Sending,
        drafts: &Drafts,
        fire: &mut Fire,
        outputs: &mut Outputs,
    ) {
        let Self { instruments, orders, gateways, whole, account } = self;
        let (is_open, now) = (batch.is_open, batch.now);
        let counts = drafts.iter().flatten().map(|draft| draft.orders);
        let mut orders_left = counts.fold(0, u8::saturating_add);
        for ((leg, draft), number) in spec.legs.iter().zip(drafts).zip(0_u8..) {
            let Some(draft) = draft else {
                continue;
            };
            let row = usize::try_from(leg.instrument.0).ok();
            let Some(instrument) = row.and_then(|row| instruments.get_mut(row)) else {
                continue;
            };
            if !batch.rests {
                instrument.take(draft.side, draft.qty_lots);
            }
            let children = instrument.children(draft.side, draft.qty_lots);
            let Some(contract) = &instrument.spec else {
                continue;
            };
            for child in children.iter() {
                let Some(order) = orders.open() else {
                    continue;
                };
                instrument.exposure.reserve(draft.side, child.lots);
                instrument.holding.freeze(draft.side, child.effect, child.lots);
                instrument.rate.push(now);
                order.instrument = leg.instrument;
                order.gateway = contract.gateway;
                order.spread = spec.spread;
                order.leg = number;
                order.fire = fire.number;
                order.account = spec.account;
                order.is_open = is_open;
                order.side = draft.side;
                order.effect = child.effect;
                order.price_e9 = draft.price_e9;
                order.qty_lots = child.lots;
                order.sent = now;
                fire.add(usize::from(number), order.id, child.lots);
                if let Some(gateway) = gateways.get_mut(usize::from(contract.gateway.0)) {
                    gateway.sent(now);
                    gateway.open_orders = gateway.open_orders.saturating_add(1);
                }
                let opened = if is_open { price::signed(child.lots) } else { 0 };
                whole.ordered(opened, now);
                if let Some(account) = account {
                    account.ordered(opened, now);
                }
                orders_left = orders_left.saturating_sub(1);
                outputs.order(OrderCommand {
                    action: OrderAction::New,
                    order_id: order.id,
                    venue_order_id: 0,
                    instrument: leg.instrument,
                    security_id: contract.security_id,
                    gateway: contract.gateway,
                    side: draft.side,
                    time_in_force: batch.time_in_force,
                    effect: child.effect,
                    hedge: spec.hedge,
                    price_e9: draft.price_e9,
                    qty_lots: child.lots,
                    spread: spec.spread,
                    leg: number,
                    strategy: spec.strategy,
                    account: spec.account,
                    project: spec.project,
                    orders_left,
                    caused: batch.caused,
                });
            }
        }
    }
}
