//! What a record is about: the things that receipts are searched by.
//!
//! News of an order names nothing but the order, so what the order was for is remembered from the
//! moment it was sent. Called by whoever reads records in order: the index, queries without one,
//! reports.

use super::rows::put;
use std::collections::{HashMap, VecDeque};
use xmc_hotpath::message::{
    AccountId, Alert, AlertKind, Carried, CarriedOrder, Detail, Gate, InstrumentIndex,
    InstrumentSpec, Intent, OrderAction, OrderCommand, OrderEvent, OrderId, ProjectId, Scope, Side,
    SpreadIndex, SpreadSpec, StrategyId, StreamId,
};
use xmc_hotpath::record::frame::{Body, Kind, OwnedEvent};

/// Orders that are remembered. News of older ones tell only their ids.
pub const KEPT: usize = 1 << 17;

/// What a record is about; what it says nothing of is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The order.
    pub order: Option<OrderId>,
    /// The venue's id of the fill, where it gave one.
    pub fill: Option<u64>,
    /// The spread.
    pub spread: Option<SpreadIndex>,
    /// What is traded or quoted.
    pub instrument: Option<InstrumentIndex>,
    /// For which project.
    pub project: Option<ProjectId>,
    /// Whose idea.
    pub strategy: Option<StrategyId>,
    /// Whose money.
    pub account: Option<AccountId>,
    /// What held a trigger back, or that nothing did.
    pub gate: Option<Gate>,
    /// The feed channel or order session.
    pub stream: Option<StreamId>,
    /// Who else it is about.
    pub partner: Option<Partner>,
}

impl Facts {
    /// The spreads that it is about.
    #[must_use]
    pub fn spreads(&self) -> [Option<SpreadIndex>; 2] {
        [self.spread, self.partner.map(|partner| partner.spread)]
    }

    /// Whose ideas it is about.
    #[must_use]
    pub fn strategies(&self) -> [Option<StrategyId>; 2] {
        [self.strategy, self.partner.and_then(|partner| partner.strategy)]
    }

    /// For which projects it is.
    #[must_use]
    pub fn projects(&self) -> [Option<ProjectId>; 2] {
        [self.project, self.partner.and_then(|partner| partner.project)]
    }
}

/// The second of two spreads that met inside: the one that sold. Both are of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The spread.
    pub spread: SpreadIndex,
    /// Whose idea.
    pub strategy: Option<StrategyId>,
    /// For which project.
    pub project: Option<ProjectId>,
}

/// What an order was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The order as it was sent.
    pub sent: OrderCommand,
    /// What its fire is for; `None` if that is not known.
    pub intent: Option<Intent>,
}

/// What has been told of spreads, instruments and orders so far.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    spreads: Vec<Option<SpreadSpec>>,
    instruments: Vec<Option<InstrumentSpec>>,
    orders: HashMap<OrderId, Purpose>,
    oldest: VecDeque<OrderId>,
}

impl Memory {
    /// What is known of a spread.
    #[must_use]
    pub fn spread(&self, index: SpreadIndex) -> Option<&SpreadSpec> {
        self.spreads.get(index.0 as usize)?.as_ref()
    }

    /// What is known of an instrument.
    #[must_use]
    pub fn instrument(&self, index: InstrumentIndex) -> Option<&InstrumentSpec> {
        self.instruments.get(index.0 as usize)?.as_ref()
    }

    /// What an order was for.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&Purpose> {
        self.orders.get(&id)
    }

    /// Remembers an order.
    pub fn remember(&mut self, sent: OrderCommand) {
        if self.orders.insert(sent.order_id, Purpose { sent, intent: None }).is_some() {
            return;
        }
        self.oldest.push_back(sent.order_id);
        if self.oldest.len() > KEPT
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }

    /// An order of an earlier run as far as it is known here, as if it were sent now.
    fn sent(&self, order: &CarriedOrder) -> OrderCommand {
        let spec = self.spread(order.spread);
        OrderCommand {
            action: OrderAction::New,
            order_id: order.order_id,
            venue_order_id: order.venue_order_id,
            instrument: order.instrument,
            gateway: order.gateway,
            side: order.side,
            effect: order.effect,
            price_e9: order.price_e9,
            qty_lots: order.qty_lots,
            spread: order.spread,
            leg: order.leg,
            strategy: spec.map_or(StrategyId(0), |spec| spec.strategy),
            account: order.account,
            project: spec.map_or(ProjectId(0), |spec| spec.project),
            ..OrderCommand::NONE
        }
    }

    /// Learns from a record, and says what it is about.
    pub fn take(&mut self, body: &Body) -> Facts {
        match body {
            Body::Start(_) => {
                self.spreads.clear();
                self.instruments.clear();
                Facts::default()
            }
            Body::Order(order) => {
                if order.action == OrderAction::New {
                    self.remember(*order);
                }
                of_order(order)
            }
            Body::Detail(detail) => self.of_detail(detail),
            Body::Input(input) => self.of_event(&input.event),
        }
    }

    fn of_spread(&self, index: SpreadIndex) -> Facts {
        if index == SpreadIndex::ALL {
            return Facts::default();
        }
        let spec = self.spread(index);
        Facts {
            spread: Some(index),
            project: spec.map(|spec| spec.project),
            strategy: spec.map(|spec| spec.strategy),
            account: spec.map(|spec| spec.account),
            ..Facts::default()
        }
    }

    fn of_detail(&self, detail: &Detail) -> Facts {
        match detail {
            Detail::Decision(decision) => {
                Facts { gate: Some(decision.gate), ..self.of_spread(decision.spread) }
            }
            Detail::Alert(alert) => {
                let order = Some(alert.order_id).filter(|id| *id != OrderId::NONE);
                let known = order.and_then(|id| self.order(id)).map(|known| of_order(&known.sent));
                let stream = Some(alert.stream).filter(|stream| stream.0 != u16::MAX);
                let about = known.unwrap_or_else(|| self.of_spread(alert.spread));
                let instrument = about.instrument.or_else(|| self.differing(alert));
                Facts { order, stream, instrument, ..about }
            }
            Detail::State(change) => self.of_spread(change.spread),
            Detail::Ending(ending) => self.of_spread(ending.spread),
            Detail::Repair(repair) => self.of_spread(repair.spread),
            Detail::Follow(follow) => {
                let gate = Some(follow.gate).filter(|gate| *gate != Gate::Passed);
                Facts { gate, ..self.of_spread(follow.spread) }
            }
            Detail::Internal(internal) => {
                let Facts { strategy, project, .. } = self.of_spread(internal.sell.spread);
                Facts {
                    instrument: Some(internal.instrument),
                    partner: Some(Partner { spread: internal.sell.spread, strategy, project }),
                    ..self.of_spread(internal.buy.spread)
                }
            }
            Detail::Ruling(ruling) => {
                Facts { gate: Some(Gate::UserRule), ..self.of_spread(ruling.spread) }
            }
        }
    }

    /// The instrument of an alert that names it by the venue's number.
    fn differing(&self, alert: &Alert) -> Option<InstrumentIndex> {
        let specs = self.instruments.iter().flatten();
        let mut named = specs.filter(|spec| {
            matches!(alert.kind, AlertKind::BookDiffers | AlertKind::FeedFrozen)
                && spec.feed == alert.stream
                && i64::from(spec.security_id) == alert.value
        });
        named.next().map(|spec| spec.instrument)
    }

    fn of_event(&mut self, event: &OwnedEvent) -> Facts {
        match event {
            OwnedEvent::Order(event) => self.of_news(event),
            OwnedEvent::Quote { quote, .. } => Facts {
                instrument: Some(quote.instrument),
                stream: Some(quote.stream),
                ..Facts::default()
            },
            OwnedEvent::Channel(update) => {
                Facts { stream: Some(update.stream), ..Facts::default() }
            }
            OwnedEvent::Session(update) => {
                Facts { stream: Some(update.stream), ..Facts::default() }
            }
            OwnedEvent::Instrument(spec) => {
                put(&mut self.instruments, spec.instrument.0, *spec);
                Facts { instrument: Some(spec.instrument), ..Facts::default() }
            }
            OwnedEvent::Spread(spec) => {
                put(&mut self.spreads, spec.spread.0, *spec);
                self.of_spread(spec.spread)
            }
            OwnedEvent::Account(limits) => {
                let account = Some(limits.account).filter(|account| *account != AccountId::ALL);
                Facts { account, ..Facts::default() }
            }
            OwnedEvent::Held(held) => {
                Facts { instrument: Some(held.instrument), ..Facts::default() }
            }
            OwnedEvent::Hours(hours) => {
                Facts { instrument: Some(hours.instrument), ..Facts::default() }
            }
            OwnedEvent::Finding(finding) => Facts {
                instrument: Some(finding.instrument).filter(|row| *row != InstrumentIndex::NONE),
                stream: Some(finding.stream).filter(|stream| *stream != StreamId::NONE),
                ..Facts::default()
            },
            OwnedEvent::Carried(Carried::Units(units)) => self.of_spread(units.spread),
            OwnedEvent::Carried(Carried::Unknown(lots)) => {
                Facts { instrument: Some(lots.instrument), ..Facts::default() }
            }
            OwnedEvent::Carried(Carried::Account(lots)) => {
                let account = Some(lots.account).filter(|account| *account != AccountId::ALL);
                Facts { account, ..Facts::default() }
            }
            OwnedEvent::Carried(Carried::Order(order)) => {
                let sent = self.sent(order);
                self.remember(sent);
                of_order(&sent)
            }
            OwnedEvent::Carried(Carried::Run(_)) => Facts::default(),
            OwnedEvent::Command(command) => match command.scope {
                Scope::All | Scope::Gateway(_) => Facts::default(),
                Scope::Spread(spread) => self.of_spread(spread),
                Scope::Instrument(of) => Facts { instrument: Some(of), ..Facts::default() },
                Scope::Account(of) => Facts { account: Some(of), ..Facts::default() },
                Scope::Strategy(of) => Facts { strategy: Some(of), ..Facts::default() },
            },
            OwnedEvent::Breakers(breakers) => self.of_spread(breakers.spread),
            OwnedEvent::Rule(rule) => self.of_spread(rule.spread),
            OwnedEvent::Gateway(_)
            | OwnedEvent::Detailing(_)
            | OwnedEvent::Instruction(_)
            | OwnedEvent::Sizing(_)
            | OwnedEvent::Clock(_)
            | OwnedEvent::Tick => Facts::default(),
        }
    }

    fn of_news(&self, event: &OrderEvent) -> Facts {
        let order = Some(event.order_id).filter(|id| *id != OrderId::NONE);
        let known = order.and_then(|id| self.order(id)).map(|known| of_order(&known.sent));
        Facts {
            order,
            fill: Some(event.exec_id).filter(|id| *id != 0),
            stream: Some(event.stream),
            ..known.unwrap_or_default()
        }
    }
}

fn of_order(order: &OrderCommand) -> Facts {
    Facts {
        order: Some(order.order_id),
        spread: Some(order.spread),
        instrument: Some(order.instrument),
        project: Some(order.project),
        strategy: Some(order.strategy),
        account: Some(order.account),
        ..Facts::default()
    }
}

/// The side of an order or fill, where a record has one.
#[must_use]
pub fn side(body: &Body) -> Option<Side> {
    match body {
        Body::Order(order) => Some(order.side),
        Body::Input(input) => match &input.event {
            OwnedEvent::Order(event) => Some(event.side),
            _ => None,
        },
        Body::Detail(_) | Body::Start(_) => None,
    }
}

/// Whether a record of this kind is in the index: all but what comes with every packet.
#[must_use]
pub const fn is_indexed(kind: Kind) -> bool {
    !matches!(kind, Kind::Quote | Kind::Tick | Kind::Clock)
}
