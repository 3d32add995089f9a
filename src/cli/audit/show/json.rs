//! A story for programs: the numbers of the record as they are, units in names, names beside them.

use crate::audit::labels::Labels;
use crate::audit::story::{Block, Led, Leg, OrderStory, Story, Told};
use crate::monitor::ruling::words;
use crate::monitor::words::Lang;
use crate::rule::expression;
use serde_json::{Value, json};
use xmc_hotpath::desk::gates::{Bound, Of, Reading};
use xmc_hotpath::message::{
    Decision, Depth, Ending, Follow, Internal, InternalSide, OrderCommand, OrderEvent, Repair,
    Ruling, UserRule, Way,
};

/// The fields of a story.
pub fn story(of: &Story, labels: &Labels) -> Value {
    let achieved = of.achieved();
    let legs = of.legs.iter().zip(0..).map(|(row, number)| leg(of, row, number, labels));
    json!({
        "site": of.start.identity.site.0,
        "desk": of.start.identity.desk.0,
        "run": of.start.identity.run,
        "logic_version": of.start.logic_version,
        "configuration": hex(&of.start.config_digest),
        "input": of.cause.place.0,
        "cause": of.cause.what.word(),
        "now_ns": of.cause.now.0,
        "utc_ns": of.scale.date(of.cause.now).map(|utc| utc.0),
        "spread": labels.spread(of.spec.spread),
        "project": labels.project(of.spec.project),
        "strategy": labels.strategy(of.spec.strategy),
        "account": labels.account(of.spec.account),
        "position_units": of.position_units,
        "decision": of.decision.map(|told| decision(&told.what)),
        "legs": legs.collect::<Vec<_>>(),
        "constant_e9": of.spec.constant_e9,
        "gates": of.readings.iter().map(reading).collect::<Vec<_>>(),
        "led": match &of.led {
            Led::Agrees => json!("agrees"),
            Led::Differs(what) => json!({ "differs": what }),
            Led::MetBefore => json!("met_before"),
            Led::OtherLogic(version) => json!({ "other_logic": version }),
        },
        "orders": of.orders.iter().map(|row| order(row, labels)).collect::<Vec<_>>(),
        "follows": of.follows.iter().map(follow).collect::<Vec<_>>(),
        "repairs": of.repairs.iter().map(repair).collect::<Vec<_>>(),
        "internals": of.internals.iter().map(|told| internal(told, labels)).collect::<Vec<_>>(),
        "rulings": of.rulings.iter().map(|told| ruling(of, told, labels)).collect::<Vec<_>>(),
        "ending": of.ending.map(|told| ending(&told)),
        "achieved_value_e9": achieved.map(|got| got.value_e9),
        "better_e9": achieved.map(|got| got.better_e9),
        "alerts": of.alerts.iter().map(|told| json!({
            "input": told.place.0, "kind": told.what.kind.word(), "value": told.what.value,
        })).collect::<Vec<_>>(),
        "actions": of.actions.iter().map(|told| json!({
            "input": told.place.0,
            "now_ns": told.now.0,
            "command": told.what.command.kind.word(),
            "scope": labels.scope(told.what.command.scope),
            "operator": labels.operator(told.what.command.operator),
            "second": (told.what.second != 0).then(|| labels.operator(told.what.second)),
        })).collect::<Vec<_>>(),
        "states": of.states.iter().map(|told| json!({
            "input": told.place.0, "from": told.what.from.word(), "to": told.what.to.word(),
        })).collect::<Vec<_>>(),
        "blocks": of.blocks.iter().map(block).collect::<Vec<_>>(),
        "damage": of.damage.as_ref().map(|(file, damage)| {
            format!("{}: {damage}", file.display())
        }),
    })
}

fn decision(of: &Decision) -> Value {
    json!({
        "intent": of.intent.word(),
        "gate": of.gate.word(),
        "units": of.units,
        "value_e9": of.value_e9,
        "level_e9": of.level_e9,
        "seen": of.seen,
        "limit": of.limit,
        "repeated": of.repeated,
    })
}

fn ending(told: &Told<Ending>) -> Value {
    json!({
        "input": told.place.0,
        "now_ns": told.now.0,
        "units": told.what.units,
        "done_units": told.what.done_units,
        "is_aligned": told.what.is_aligned,
        "asked_lots": told.what.asked_lots,
        "filled_lots": told.what.filled_lots,
        "took_ns": told.what.took.0,
    })
}

fn follow(told: &Told<Follow>) -> Value {
    json!({
        "input": told.place.0,
        "now_ns": told.now.0,
        "step": told.what.step.word(),
        "lead": told.what.lead,
        "lead_lots": told.what.lead_lots,
        "units": told.what.units,
        "followed_units": told.what.followed_units,
        "obstacle": told.what.obstacle.word(),
        "gate": told.what.gate.word(),
        "seen": told.what.seen,
        "limit": told.what.limit,
    })
}

fn internal(told: &Told<Internal>, labels: &Labels) -> Value {
    let side = |of: &InternalSide| {
        json!({
            "spread": labels.spread(of.spread),
            "leg": of.leg,
            "way": of.way.word(),
            "needed_lots": of.needed_lots,
            "cost_e9": of.cost_e9,
            "saved_e9": Some(of.saved_e9).filter(|saved_e9| *saved_e9 != i64::MAX),
            "opens_lots": of.opens_lots,
        })
    };
    json!({
        "input": told.place.0,
        "now_ns": told.now.0,
        "instrument": labels.instrument(told.what.instrument),
        "lots": told.what.lots,
        "price_e9": told.what.price_e9,
        "bid_e9": told.what.bid_e9,
        "ask_e9": told.what.ask_e9,
        "buy": side(&told.what.buy),
        "sell": side(&told.what.sell),
    })
}

fn ruling(of: &Story, told: &Told<Ruling>, labels: &Labels) -> Value {
    let ruling = &told.what;
    let known = |figure: i64| Some(figure).filter(|figure| *figure != Ruling::UNKNOWN);
    let rule = of.rule(ruling.rule);
    json!({
        "input": told.place.0,
        "now_ns": told.now.0,
        "rule": ruling.rule,
        "name": rule.map(UserRule::name),
        "when": rule.map(|rule| expression(rule, &of.leg_names(labels))),
        "at": ruling.point.word(),
        "then": ruling.action.word(),
        "stand": ruling.stand.word(),
        "seen": known(ruling.seen),
        "limit": known(ruling.limit),
        "words": words(rule, ruling, &of.leg_names(labels), Lang::En),
    })
}

fn repair(told: &Told<Repair>) -> Value {
    let way = |of: &Way| {
        json!({
            "cost_e9": Some(of.cost_e9).filter(|cost_e9| *cost_e9 != i64::MAX),
            "obstacle": of.obstacle.word(),
            "gate": of.gate.word(),
        })
    };
    json!({
        "input": told.place.0,
        "now_ns": told.now.0,
        "way": told.what.way.word(),
        "attempt": told.what.attempt,
        "is_flattening": told.what.is_flattening,
        "done_units": told.what.done_units,
        "full_units": told.what.full_units,
        "residual_lots": told.what.residual_lots,
        "complete": way(&told.what.complete),
        "unwind": way(&told.what.unwind),
        "open_for_ns": told.what.open_for.0,
    })
}

fn leg(of: &Story, leg: &Leg, number: usize, labels: &Labels) -> Value {
    let filled = of.filled()[number];
    let quote = leg.quote.map(|told| {
        json!({
            "input": told.place.0,
            "stream": labels.stream(told.what.stream),
            "packet": told.what.packet_seq_no,
            "received_ns": told.what.received.0,
            "exchange_utc_ns": told.what.exchange.0,
            "quality": told.what.quality.word(),
            "bids": levels(&told.what.bids),
            "asks": levels(&told.what.asks),
        })
    });
    json!({
        "instrument": labels.instrument(leg.spec.instrument),
        "venue": labels.venue(leg.spec.instrument),
        "ratio_lots": leg.spec.ratio_lots,
        "coefficient_q32": leg.spec.coefficient_q32,
        "fee_q32": of.spec.trigger.fee_q32[number],
        "price_e9": of.trigger.map(|trigger| trigger.prices_e9[number]),
        "quote": quote,
        "taken_bid_lots": leg.taken_bid_lots,
        "taken_ask_lots": leg.taken_ask_lots,
        "asked_lots": filled.asked_lots,
        "filled_lots": filled.lots,
        "average_e9": filled.average_e9(),
    })
}

fn levels(depth: &Depth) -> Vec<(i64, u32)> {
    depth.levels().collect()
}

fn reading(of: &Reading) -> Value {
    let (subject, place) = match of.of {
        Of::Spread => ("spread", None),
        Of::Leg(leg) => ("leg", Some(leg)),
        Of::Account => ("account", None),
        Of::Desk => ("desk", None),
        Of::Gateway(place) => ("gateway", Some(place)),
        Of::Rule(place) => ("rule", Some(place)),
    };
    let bound = match of.bound {
        Bound::Most => "most",
        Bound::Least => "least",
        Bound::Exactly => "exactly",
    };
    json!({
        "gate": of.gate.word(),
        "of": subject,
        "place": place,
        "seen": of.seen,
        "limit": of.limit,
        "bound": bound,
        "is_open": of.is_open,
    })
}

fn order(of: &OrderStory, labels: &Labels) -> Value {
    let mut value = command(&of.sent, labels);
    value["later"] = of.later.iter().map(|told| command(told, labels)).collect();
    value["news"] = of.news.iter().map(event).collect();
    value
}

fn command(told: &Told<OrderCommand>, labels: &Labels) -> Value {
    let order = &told.what;
    json!({
        "order_id": format!("{:#018x}", order.order_id.0),
        "input": told.place.0,
        "index": told.place.1,
        "now_ns": told.now.0,
        "action": order.action.word(),
        "instrument": labels.instrument(order.instrument),
        "gateway": labels.gateway(order.gateway.0),
        "leg": order.leg,
        "side": order.side.word(),
        "effect": order.effect.word(),
        "time_in_force": order.time_in_force.word(),
        "price_e9": order.price_e9,
        "qty_lots": order.qty_lots,
        "caused_ns": order.caused.0,
    })
}

fn event(told: &Told<OrderEvent>) -> Value {
    let event = &told.what;
    json!({
        "input": told.place.0,
        "now_ns": told.now.0,
        "received_ns": event.received.0,
        "exchange_utc_ns": event.exchange.0,
        "kind": event.kind.word(),
        "venue_order_id": event.venue_order_id,
        "exec_id": event.exec_id,
        "seq_no": event.seq_no,
        "side": event.side.word(),
        "price_e9": event.price_e9,
        "qty_lots": event.qty_lots,
        "cum_lots": event.cum_lots,
        "leaves_lots": event.leaves_lots,
        "reason": event.reason,
    })
}

fn block(of: &Block) -> Value {
    json!({
        "segment": of.segment,
        "offset": of.offset,
        "hash": hex(&of.hash),
        "records": of.records,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
