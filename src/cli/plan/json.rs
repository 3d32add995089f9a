//! The plan as JSON: the same facts, whole, in the units of the configuration's keys.

use serde_json::{Value, json};

use std::collections::BTreeMap;
use std::time::Duration;

use super::port::{self, Need};
use super::spread::formula;
use crate::config::decimal::show_e9;
use crate::config::{
    AlertSink, Alerts, Bounds, Checkpoints, Collar, Configuration, Control, FeedLine, GatewayIndex,
    Guard, GuardAct, Invalid, Mode, Operator, Problem, Recovery, RecoveryQuery, Resync,
    ResyncSource, SessionIdentity, Spread, Witness, WitnessPlace, Written, request_ids_word,
};
use crate::engine::controlling::socket_path;
use crate::topology::Link;
use crate::topology::host::Host;

/// The fields of a plan.
pub fn plan(configuration: &Configuration, host: Option<&Host>) -> Value {
    let engine = &configuration.engine;
    let logic = &configuration.logic;
    let links_bytes: u64 = configuration.links.iter().map(Link::bytes).sum();
    json!({
        "ok": true,
        "sha256": configuration.digest(),
        "files": files(configuration),
        "engine": {
            "mode": match engine.mode { Mode::Paper => "paper", Mode::Live => "live" },
            "site_id": engine.site_id,
            "desk_id": engine.desk_id,
            "project": engine.project,
            "record_directory": engine.record_directory,
            "record_ring_bytes": engine.record_ring_bytes,
        },
        "logic": {
            "ack_timeout_ms": logic.ack_timeout_ms,
            "fires_per_window": logic.fires_per_window,
            "fire_window_ms": logic.fire_window_ms,
        },
        "checkpoints": configuration.checkpoints.as_ref().map(checkpoints),
        "control": configuration.control.as_ref().map(|of| control(of, configuration)),
        "alerts": configuration.alerts.as_ref().map(alerts),
        "guard": configuration.guard.as_ref().map(|of| guard(of, configuration)),
        "resync": configuration.resync.as_ref().map(|of| resync(of, configuration)),
        "executors": executors(configuration),
        "links": links(configuration),
        "feeds": feeds(configuration),
        "ports": port::needs(configuration, host.is_some())
            .iter()
            .map(port_need)
            .collect::<Vec<_>>(),
        "gateways": gateways(configuration),
        "instruments": instruments(configuration),
        "spreads": configuration
            .spreads
            .iter()
            .map(|of| spread(configuration, of))
            .collect::<Vec<_>>(),
        "limits": limits(configuration),
        "memory_bytes": { "links": links_bytes, "record_ring": engine.record_ring_bytes },
        "host": host.map(|host| json!({ "online": host.online, "allowed": host.allowed })),
    })
}

/// Who signs the record, and who keeps that. Where the key lies is said, and nothing of it.
fn checkpoints(of: &Checkpoints) -> Value {
    let witness = |witness: &Witness| match &witness.place {
        WitnessPlace::Directory(path) => json!({ "name": witness.name, "directory": path }),
        WitnessPlace::Http { url, key, timeout_ms } => json!({
            "name": witness.name,
            "url": url,
            "key": key.to_string(),
            "timeout_ms": timeout_ms,
        }),
    };
    json!({
        "key": of.key.to_string(),
        "old_key": of.old_key.as_ref().map(ToString::to_string),
        "interval_ms": of.interval_ms,
        "every_records": of.every_records,
        "witnesses": of.witnesses.iter().map(witness).collect::<Vec<_>>(),
    })
}

/// Who may command a running engine, and what.
fn control(of: &Control, configuration: &Configuration) -> Value {
    let operator = |operator: &Operator| {
        json!({
            "name": operator.name,
            "id": operator.id,
            "key": operator.key.to_string(),
            "commands": operator.commands.iter().map(|verb| verb.word()).collect::<Vec<_>>(),
            "scopes": operator.scopes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "second": operator.may_second,
        })
    };
    json!({
        "socket": socket_path(of, &configuration.engine.record_directory),
        "valid_seconds": of.valid_seconds,
        "operators": of.operators.iter().map(operator).collect::<Vec<_>>(),
    })
}

/// When a guard acts, and by which sessions.
fn guard(of: &Guard, configuration: &Configuration) -> Value {
    let session = |(row, own): &(GatewayIndex, SessionIdentity)| {
        let gateway = &configuration.gateways[*row].name.value;
        json!({ "gateway": gateway, "session": own.session })
    };
    let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    json!({
        "hot_core_ms": ms(of.core),
        "desk_ms": ms(of.desk),
        "writer_ms": ms(of.writer),
        "main_ms": ms(of.main),
        "look_ms": ms(of.look),
        "start_ms": ms(of.start),
        "ending_ms": ms(of.ending),
        "answer_ms": ms(of.answer),
        "starved_times": of.starved_times,
        "starved_most_ms": ms(of.starved_most),
        "again_s": of.again.as_secs(),
        "maintenance_s": of.maintenance.as_secs(),
        "acts": of.act == GuardAct::Cancel,
        "sessions": of.sessions.iter().map(session).collect::<Vec<_>>(),
    })
}

/// Who is told outside. Where addresses lie is said, and nothing of them.
fn alerts(of: &Alerts) -> Value {
    let sink = |sink: &AlertSink| {
        json!({
            "name": sink.name,
            "kind": sink.kind.word(),
            "url": sink.kind.url().map(ToString::to_string),
            "least": sink.least.word(),
            "after_s": sink.after_s,
            "group_ms": sink.group_ms,
            "per_minute": sink.per_minute,
            "timeout_ms": sink.timeout_ms,
            "heartbeat_s": sink.heartbeat_s,
        })
    };
    let severities = of.severities.iter();
    let severities = severities.map(|(rule, severity)| {
        (rule.code().to_owned(), severity.map_or("off", |severity| severity.word()))
    });
    let limits = of.limits.iter().map(|(rule, limit)| (rule.code().to_owned(), *limit));
    json!({
        "repeat_s": of.repeat_s,
        "quiet_s": of.quiet_s,
        "outbox": of.outbox,
        "severities": severities.collect::<BTreeMap<_, _>>(),
        "limits": limits.collect::<BTreeMap<_, _>>(),
        "sinks": of.sinks.iter().map(sink).collect::<Vec<_>>(),
    })
}

/// What the desk is compared with.
fn resync(of: &Resync, configuration: &Configuration) -> Value {
    let source = |source: &ResyncSource| {
        json!({
            "name": source.name,
            "gateway": configuration.gateways[source.gateway].name.value,
            "account": source.account,
            "venue": source.venue,
            "kind": source.place.word(),
            "where": source.place.to_string(),
            "max_age_s": source.max_age_s,
            "money_tolerance": show_e9(source.tolerance_e9),
        })
    };
    json!({
        "every_s": of.every_s,
        "settle_ms": of.settle_ms,
        "required": of.is_required,
        "venue_wins": of.venue_wins.word(),
        "sources": of.sources.iter().map(source).collect::<Vec<_>>(),
    })
}

/// What is wrong, for programs.
pub fn problems(invalid: &Invalid) -> Value {
    let place = |place: &crate::config::Place| {
        let (line, column) = invalid.sources.line_and_column(place);
        json!({
            "file": invalid.sources.file(place).path,
            "line": line,
            "column": column,
            "text": invalid.sources.quote(place),
        })
    };
    let problem = |problem: &Problem| {
        json!({
            "code": problem.rule.code(),
            "rule": problem.rule.meaning(),
            "message": problem.message,
            "place": problem.place.as_ref().map(place),
            "also": problem.related.iter().map(|(at, _)| place(at)).collect::<Vec<_>>(),
            "help": problem.help,
        })
    };
    json!({
        "ok": false,
        "problems": invalid.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn files(configuration: &Configuration) -> Vec<Value> {
    configuration.sources.files().iter().map(|file| json!(file.path)).collect()
}

fn executors(configuration: &Configuration) -> Vec<Value> {
    let executor = |executor: &crate::topology::Executor| {
        let stages = executor.stages.iter().map(|stage| configuration.stage_name(stage.value));
        json!({
            "core": executor.core.value,
            "idle": executor.idle.word(),
            "sched": executor.sched.to_string(),
            "stages": stages.collect::<Vec<_>>(),
        })
    };
    configuration.executors.iter().map(executor).collect()
}

fn links(configuration: &Configuration) -> Vec<Value> {
    let link = |link: &Link| {
        json!({
            "kind": link.kind.word(),
            "from": configuration.stage_name(link.from),
            "to": configuration.stage_name(link.to),
            "depth": link.depth,
            "bytes": link.bytes(),
        })
    };
    configuration.links.iter().map(link).collect()
}

fn feeds(configuration: &Configuration) -> Vec<Value> {
    let feed = |feed: &crate::config::Feed| {
        let interfaces = [&feed.line_a, &feed.line_b]
            .map(|line| line.interface.as_ref().map(ToString::to_string));
        json!({
            "name": feed.name.value,
            "venue": configuration.venues[feed.venue].name.value,
            "protocol": feed.protocol.word(),
            "stream_id": feed.stream_id.value,
            "line_a": feed.line_a.group,
            "line_b": feed.line_b.group,
            "interfaces": interfaces,
            "sources": [feed.line_a.source, feed.line_b.source],
            "port": feed.port.value.to_string(),
            "receive_buffer_bytes": feed.receive_buffer_bytes,
            "busy_poll_us": feed.busy_poll_us,
            "reorder_packets": feed.reorder_packets,
            "reorder_ns": feed.reorder_ns,
            "stale_after_ms": feed.stale_after_ms,
            "join": feed.join.word(),
            "recovery": recovery(&feed.recovery),
        })
    };
    configuration.feeds.iter().map(feed).collect()
}

/// A port that not every host has.
fn port_need(need: &Need) -> Value {
    json!({
        "stage": need.stage,
        "port": need.port,
        "interface": need.interface,
        "needs": port::NEEDS.as_slice(),
        "is_compared": need.here.is_some(),
        "interface_is": need.here.as_ref().and_then(|here| here.card.as_ref().ok()),
        "obstacles": need.here.as_ref().map(port::Here::obstacles),
    })
}

fn recovery(recovery: &Recovery) -> Value {
    match recovery {
        Recovery::Loops(_) => {
            let group =
                |(key, group): (&str, &FeedLine)| (key.to_owned(), json!(group.to_string()));
            recovery.groups().map(group).collect::<serde_json::Map<_, _>>().into()
        }
        Recovery::Query(RecoveryQuery { topic, address, login }) => json!({
            "topic": topic,
            "mdqp": address,
            "user": login.user_id,
            "participant": login.participant_id,
            "password_in": login.password.as_ref().map(ToString::to_string),
        }),
    }
}

fn gateways(configuration: &Configuration) -> Vec<Value> {
    let gateway = |gateway: &crate::config::Gateway| {
        let session = gateway.session.as_ref().map(|session| {
            json!({
                "session": session.session,
                "firm": session.firm,
                "sender_id": session.sender_id,
                "location": session.location,
                "access_key_id": session.access_key_id,
                "key_in": session.key.to_string(),
                "keep_alive_ms": session.keep_alive_ms,
                "party_details_id": session.party_details_id,
                "registers_parties": session.parties.is_some(),
                "registers_at": session.service_address.map(|address| address.to_string()),
            })
        });
        let counter = gateway.counter.as_ref().map(|counter| {
            json!({
                "account_no": counter.account_no,
                "password_in": counter.password.to_string(),
                "request_ids": request_ids_word(counter.request_ids),
                "close_today_code": counter.close_today_code.map(char::from),
                "ask_after_ms": counter.ask_after_ms,
                "ask_interval_ms": counter.ask_interval_ms,
            })
        });
        let endpoint = gateway.endpoint.map(|endpoint| endpoint.to_string());
        json!({
            "name": gateway.name.value,
            "venue": configuration.venues[gateway.venue].name.value,
            "protocol": gateway.protocol.word(),
            "stream_id": gateway.stream_id.value,
            "endpoint": endpoint,
            "request_port": gateway.request_port.to_string(),
            "session": session,
            "counter": counter,
            "rate_messages": gateway.rate.messages,
            "rate_window_ms": gateway.rate.window_ms,
        })
    };
    configuration.gateways.iter().map(gateway).collect()
}

fn instruments(configuration: &Configuration) -> Vec<Value> {
    let instrument = |(index, of): (usize, &crate::config::Instrument)| {
        let gateway = of.gateway.map(|gateway| &configuration.gateways[gateway].name.value);
        json!({
            "index": index,
            "name": of.name.value,
            "venue": configuration.venues[of.venue].name.value,
            "security_id": of.security_id.value,
            "symbol": of.symbol,
            "feed": configuration.feeds[of.feed].name.value,
            "gateway": gateway,
            "tick_size": show_e9(of.tick_e9),
            "lot_step": of.lot_step,
            "multiplier": show_e9(of.multiplier_e9),
            "currency": of.currency,
            "fee_per_lot": show_e9(of.fee_per_lot_e9),
            "fee_fraction": show_e9(of.fee_fraction_e9),
            "quote_unit": of.quote_unit,
            "display_factor": show_e9(of.display_factor_e9),
            "min_price": show_e9(of.min_price_e9),
            "max_price": show_e9(of.max_price_e9),
            "offset_rule": of.offset_rule.word(),
            "close_first": of.close_first.word(),
        })
    };
    configuration.instruments.iter().enumerate().map(instrument).collect()
}

fn spread(configuration: &Configuration, of: &Spread) -> Value {
    let leg = |leg: &crate::config::Leg| {
        json!({
            "instrument": configuration.instruments[leg.instrument.value].name.value,
            "trade": leg.is_traded,
            "ratio": leg.ratio.value,
            "coefficient": leg.coefficient.text,
            "weight_q32": leg.weight_q32,
            "pay_up_ticks": leg.pay_up_ticks.value,
            "rests": leg.rest.as_ref().map(|rest| json!({
                "slop_ticks": rest.slop_ticks,
                "lag_ticks": rest.lag_ticks,
                "improve_ticks": rest.improve_ticks,
                "behind_ticks": rest.behind_ticks,
                "max_moves": rest.max_moves,
                "moves_within_ms": rest.moves_within_ms,
            })),
        })
    };
    let level = |level: &Option<Written<i64>>| level.as_ref().map(|level| show_e9(level.value));
    json!({
        "name": of.name.value,
        "strategy": of.strategy,
        "account": of.account.value,
        "project": of.project,
        "unit": of.unit,
        "enabled": of.is_enabled,
        "formula": formula(configuration, of),
        "constant": show_e9(of.constant_e9),
        "legs": of.legs.iter().map(leg).collect::<Vec<_>>(),
        "measure": of.measure.word(),
        "levels": of.levels.as_ref().map(|levels| levels.value).unwrap_or_default().word(),
        "buy_open": level(&of.triggers.buy_open_e9),
        "buy_close": level(&of.triggers.buy_close_e9),
        "sell_open": level(&of.triggers.sell_open_e9),
        "sell_close": level(&of.triggers.sell_close_e9),
        "max_units": of.max_units.value,
        "clip_units": of.clip_units.value,
        "open_hold_ms": of.open_hold_ms,
        "close_hold_ms": of.close_hold_ms,
        "cool_down_ms": of.cool_down_ms,
        "hysteresis": show_e9(of.hysteresis_e9.value),
        "max_quote_age_ms": of.max_quote_age_ms.value,
        "max_quote_skew_ms": of.max_quote_skew_ms.value,
        "time_in_force": of.time_in_force.word(),
        "hedge_flag": of.hedge_flag.word(),
        "legs_first": of.legs_first.word(),
        "repair": of.repair.map(|repair| json!({
            "tries": repair.tries,
            "within_ms": repair.within_ms,
            "max_cost": repair.max_cost_e9.map(show_e9),
            "then": repair.then_word(),
        })),
    })
}

fn limits(configuration: &Configuration) -> Value {
    let bounds = |bounds: &Bounds| {
        json!({
            "max_order_lots": bounds.max_order_lots.value,
            "max_position_lots": bounds.max_position_lots.value,
            "max_open_orders": bounds.max_open_orders.value,
            "rate_messages": bounds.rate.messages,
            "rate_window_ms": bounds.rate.window_ms,
        })
    };
    let with = |mut fields: Value, more: Value| {
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        fields
    };
    let instruments = configuration.limits.instruments.iter().map(|limit| {
        let (ticks, fraction) = match limit.collar.value {
            Collar::Ticks(ticks) => (Some(ticks), None),
            Collar::FractionE9(fraction_e9) => (None, Some(show_e9(fraction_e9))),
        };
        let own = json!({
            "instrument": configuration.instruments[limit.instrument].name.value,
            "max_order_value": limit.max_order_value.value,
            "collar_ticks": ticks,
            "collar_fraction": fraction,
        });
        with(bounds(&limit.bounds), own)
    });
    let accounts = configuration
        .limits
        .accounts
        .iter()
        .map(|limit| with(bounds(&limit.bounds), json!({ "account": limit.account.value })));
    json!({
        "instruments": instruments.collect::<Vec<_>>(),
        "accounts": accounts.collect::<Vec<_>>(),
        "global": configuration.limits.global.as_ref().map(bounds),
    })
}
