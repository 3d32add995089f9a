//! The plan as text for people.

use std::io::{self, Write};

use super::table::Align::{Left, Right};
use super::table::{Table, bytes, folded};
use super::{port, spread};
use crate::config::decimal::show_e9;
use crate::config::{
    AlertSinkKind, Alerts, Bounds, Checkpoints, Collar, Configuration, Control, FeedLine,
    GatewayIndex, Guard, GuardAct, Instrument, Mode, QueryLogin, Rate, Recovery, RecoveryQuery,
    Resync, WitnessPlace, request_ids_word,
};
use crate::engine::controlling::socket_path;
use crate::topology::Link;
use crate::topology::host::{Host, list};

/// Writes the whole plan.
pub fn plan(
    configuration: &Configuration,
    host: Option<&Host>,
    out: &mut impl Write,
) -> io::Result<()> {
    engine(configuration, out)?;
    executors(configuration).write(out)?;
    links(configuration).write(out)?;
    feeds(configuration).write(out)?;
    ports(configuration, host.is_some()).write(out)?;
    gateways(configuration).write(out)?;
    instruments(configuration).write(out)?;
    spreads(configuration, out)?;
    limits(configuration).write(out)?;
    if let Some(checkpoints) = &configuration.checkpoints {
        witnesses(checkpoints).write(out)?;
    }
    match &configuration.control {
        Some(control) => operators(control, configuration).write(out)?,
        None => writeln!(
            out,
            "\nOPERATORS\n  none: there is no [control], so a running engine takes no commands"
        )?,
    }
    match &configuration.alerts {
        Some(alerts) => sinks(alerts).write(out)?,
        None => writeln!(out, "\nALERTS\n  none: there is no [alert], so nobody outside is told")?,
    }
    match &configuration.guard {
        Some(of) => guard(of, configuration).write(out)?,
        None => writeln!(
            out,
            "\nGUARD\n  none: there is no [guard], so nobody cancels for an engine that hangs"
        )?,
    }
    match &configuration.resync {
        Some(resync) => statements(resync, configuration).write(out)?,
        None => writeln!(
            out,
            "\nRESYNC\n  none: there is no [resync], so the desk is compared with no statement"
        )?,
    }
    memory(configuration).write(out)?;
    machine(host, out)
}

fn engine(configuration: &Configuration, out: &mut impl Write) -> io::Result<()> {
    let (engine, logic) = (&configuration.engine, &configuration.logic);
    let mode = match engine.mode {
        Mode::Paper => "paper: simulated venues only",
        Mode::Live => "LIVE: real orders",
    };
    writeln!(out, "ENGINE")?;
    labelled(out, "mode", mode)?;
    let identity =
        format!("site {}, desk {}, project {}", engine.site_id, engine.desk_id, engine.project);
    labelled(out, "who", &identity)?;
    labelled(out, "record", &engine.record_directory.display().to_string())?;
    let orders = format!("unanswered for {} ms: unknown", logic.ack_timeout_ms);
    labelled(out, "orders", &orders)?;
    let fires = format!(
        "a spread stops itself after {} in {} ms",
        logic.fires_per_window, logic.fire_window_ms
    );
    labelled(out, "fires", &fires)?;
    let files: Vec<_> =
        configuration.sources.files().iter().map(|file| file.path.display().to_string()).collect();
    labelled(out, "files", &files.join(", "))?;
    labelled(out, "sha256", &configuration.digest())
}

fn labelled(out: &mut impl Write, label: &str, text: &str) -> io::Result<()> {
    folded(out, &format!("  {label:<8}"), text)
}

fn executors(configuration: &Configuration) -> Table {
    let columns = [("core", Right), ("idle", Left), ("sched", Left), ("stages", Left)];
    let mut table = Table::new("EXECUTORS", &columns);
    for executor in &configuration.executors {
        let stages: Vec<_> =
            executor.stages.iter().map(|stage| configuration.stage_name(stage.value)).collect();
        table.row([
            executor.core.to_string(),
            executor.idle.word().to_owned(),
            executor.sched.to_string(),
            stages.join(" "),
        ]);
    }
    table
}

fn links(configuration: &Configuration) -> Table {
    let columns = [
        ("kind", Left),
        ("from", Left),
        ("to", Left),
        ("depth", Right),
        ("slot", Right),
        ("memory", Right),
    ];
    let mut table = Table::new("LINKS", &columns);
    for link in &configuration.links {
        table.row([
            link.kind.word().to_owned(),
            configuration.stage_name(link.from),
            configuration.stage_name(link.to),
            link.depth.to_string(),
            bytes(link.kind.slot_bytes()),
            bytes(link.bytes()),
        ]);
    }
    table
}

fn feeds(configuration: &Configuration) -> Table {
    let columns = [
        ("name", Left),
        ("stream", Right),
        ("venue", Left),
        ("protocol", Left),
        ("line A", Left),
        ("line B", Left),
    ];
    let mut table = Table::new("FEEDS", &columns);
    for feed in &configuration.feeds {
        table.row([
            feed.name.value.clone(),
            feed.stream_id.to_string(),
            configuration.venues[feed.venue].name.value.clone(),
            feed.protocol.word().to_owned(),
            feed.line_a.to_string(),
            feed.line_b.to_string(),
        ]);
        table.note(format!(
            "join {}, gap {} ns or {} packets, stale after {} ms",
            feed.join.word(),
            feed.reorder_ns,
            feed.reorder_packets,
            feed.stale_after_ms
        ));
        recovery(&feed.recovery).into_iter().for_each(|note| table.note(note));
    }
    table
}

/// Ports that not every host has; no table if there are none.
fn ports(configuration: &Configuration, is_here: bool) -> Table {
    let columns = [("stage", Left), ("port", Left), ("interface", Left), ("needs", Left)];
    let mut table = Table::new("PORTS", &columns);
    for need in port::needs(configuration, is_here) {
        let needs = port::NEEDS.join(", ");
        table.row([need.stage, need.port, need.interface, needs]);
        let Some(here) = need.here else { continue };
        if let Ok(card) = &here.card {
            table.note(format!("here: {card}; whether it takes native mode shows when it opens"));
        }
        match &here.obstacles()[..] {
            [] => table.note("here: everything that is needed is there"),
            obstacles => obstacles.iter().for_each(|one| table.note(format!("here: {one}"))),
        }
    }
    table
}

fn recovery(recovery: &Recovery) -> Vec<String> {
    let group = |(key, group): (&str, &FeedLine)| format!("{key} {group}");
    match recovery {
        Recovery::Loops(_) => recovery.groups().map(group).collect(),
        Recovery::Query(RecoveryQuery { topic, address, login }) => {
            let QueryLogin { user_id, participant_id, password } = login;
            let who = match (&**user_id, &**participant_id) {
                ("", "") => String::new(),
                (user, participant) => format!(", user {user}, participant {participant}"),
            };
            let password = password.as_ref();
            let password = password.map_or(String::new(), |lies| format!(", password in {lies}"));
            vec![format!("topic {topic}, snapshots from mdqp {address}{who}{password}")]
        }
    }
}

fn gateways(configuration: &Configuration) -> Table {
    let columns = [
        ("name", Left),
        ("stream", Right),
        ("venue", Left),
        ("protocol", Left),
        ("messages", Right),
    ];
    let mut table = Table::new("GATEWAYS", &columns);
    for gateway in &configuration.gateways {
        table.row([
            gateway.name.value.clone(),
            gateway.stream_id.to_string(),
            configuration.venues[gateway.venue].name.value.clone(),
            gateway.protocol.word().to_owned(),
            rate(gateway.rate),
        ]);
        if let Some(session) = &gateway.session {
            table.note(format!(
                "session {}, firm {}, sender {}, location {}",
                session.session, session.firm, session.sender_id, session.location
            ));
            table.note(format!(
                "key {} in {}, silent for at most {} ms, party details {}{}",
                session.access_key_id,
                session.key,
                session.keep_alive_ms,
                session.party_details_id,
                if session.parties.is_some() { ", registered at logon" } else { "" }
            ));
        }
        if let Some(counter) = &gateway.counter {
            table.note(format!(
                "account {}, password in {}, close today {}",
                counter.account_no,
                counter.password,
                close_today(counter.close_today_code)
            ));
            table.note(format!(
                "request ids {}, asked for after {} ms and every {} ms",
                request_ids_word(counter.request_ids),
                counter.ask_after_ms,
                counter.ask_interval_ms
            ));
        }
    }
    table
}

/// The code is UNPROVEN wherever it comes from, and a plan says so.
fn close_today(code: Option<u8>) -> String {
    code.map_or("not configured".to_owned(), |code| format!("as '{}' (unproven)", char::from(code)))
}

fn rate(rate: Rate) -> String {
    format!("{} in {} ms", rate.messages, rate.window_ms)
}

fn instruments(configuration: &Configuration) -> Table {
    let columns = [
        ("#", Right),
        ("name", Left),
        ("id", Right),
        ("feed", Left),
        ("gateway", Left),
        ("tick", Right),
        ("a point is", Right),
        ("sane prices", Right),
        ("quoted in", Left),
    ];
    let mut table = Table::new("INSTRUMENTS", &columns);
    for (index, instrument) in configuration.instruments.iter().enumerate() {
        table.row([
            index.to_string(),
            instrument.name.value.clone(),
            instrument.security_id.to_string(),
            configuration.feeds[instrument.feed].name.value.clone(),
            gateway_name(configuration, instrument.gateway),
            show_e9(instrument.tick_e9),
            money(instrument),
            format!("{}..{}", show_e9(instrument.min_price_e9), show_e9(instrument.max_price_e9)),
            instrument.quote_unit.clone(),
        ]);
        if instrument.symbol != instrument.name.value {
            table.note(format!("the venue calls it {}", instrument.symbol));
        }
    }
    table
}

fn gateway_name(configuration: &Configuration, gateway: Option<GatewayIndex>) -> String {
    gateway.map_or("-".to_owned(), |index| configuration.gateways[index].name.value.clone())
}

fn money(instrument: &Instrument) -> String {
    format!("{} {}", show_e9(instrument.multiplier_e9), instrument.currency)
}

fn spreads(configuration: &Configuration, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nSPREADS")?;
    for (index, of) in configuration.spreads.iter().enumerate() {
        let state = if of.is_enabled { "enabled" } else { "disabled until an operator enables it" };
        let title = format!(
            "{} (strategy {}, account {}, project {}), {state}",
            of.name.value, of.strategy, of.account.value, of.project
        );
        folded(out, &format!("  {index}  "), &title)?;
        for (label, text) in spread::lines(configuration, of) {
            folded(out, &format!("     {label:<8}"), &text)?;
        }
    }
    Ok(())
}

fn limits(configuration: &Configuration) -> Table {
    let columns = [
        ("of", Left),
        ("order", Right),
        ("value", Right),
        ("position", Right),
        ("open", Right),
        ("collar", Right),
        ("messages", Right),
    ];
    let mut table = Table::new("LIMITS (lots, orders)", &columns);
    let mut row = |of: String, bounds: &Bounds, value: String, collar: String| {
        table.row([
            of,
            bounds.max_order_lots.to_string(),
            value,
            bounds.max_position_lots.to_string(),
            bounds.max_open_orders.to_string(),
            collar,
            rate(bounds.rate),
        ]);
    };
    for limit in &configuration.limits.instruments {
        let instrument = &configuration.instruments[limit.instrument];
        let value = format!("{} {}", limit.max_order_value.value, instrument.currency);
        row(instrument.name.value.clone(), &limit.bounds, value, collar(limit.collar.value));
    }
    let none = || "-".to_owned();
    for limit in &configuration.limits.accounts {
        row(format!("account {}", limit.account.value), &limit.bounds, none(), none());
    }
    if let Some(bounds) = &configuration.limits.global {
        row("everything".to_owned(), bounds, none(), none());
    }
    table
}

/// A collar as people say it.
pub fn collar(collar: Collar) -> String {
    match collar {
        Collar::Ticks(1) => "1 tick".to_owned(),
        Collar::Ticks(ticks) => format!("{ticks} ticks"),
        Collar::FractionE9(fraction_e9) => {
            format!("{} %", show_e9(fraction_e9.saturating_mul(100)))
        }
    }
}

fn memory(configuration: &Configuration) -> Table {
    let links: u64 = configuration.links.iter().map(Link::bytes).sum();
    let record = configuration.engine.record_ring_bytes;
    let mut table = Table::new("MEMORY", &[("what", Left), ("bytes", Right)]);
    table.row(["links".to_owned(), bytes(links)]);
    table.row(["record ring".to_owned(), bytes(record)]);
    table.row(["together".to_owned(), bytes(links.saturating_add(record))]);
    table
}

/// Who signs the record, and who keeps that.
fn witnesses(checkpoints: &Checkpoints) -> Table {
    let mut table = Table::new("WITNESSES", &[("name", Left), ("where", Left), ("signs", Left)]);
    for witness in &checkpoints.witnesses {
        let (place, signs) = match &witness.place {
            WitnessPlace::Directory(path) => (path.display().to_string(), "no".to_owned()),
            WitnessPlace::Http { url, key, .. } => (url.clone(), key.name().to_owned()),
        };
        table.row([witness.name.clone(), place, signs]);
    }
    let Checkpoints { key, interval_ms, every_records, .. } = checkpoints;
    let pace = format!("each {interval_ms} ms or {every_records} records");
    table.row(["(signed)".to_owned(), key.to_string(), pace]);
    table
}

/// Who may command a running engine, and what.
fn operators(control: &Control, configuration: &Configuration) -> Table {
    let columns = [("name", Left), ("id", Right), ("second", Left), ("may", Left), ("about", Left)];
    let mut table = Table::new("OPERATORS", &columns);
    for operator in &control.operators {
        let words: Vec<_> = operator.commands.iter().map(|verb| verb.word()).collect();
        let scopes: Vec<_> = operator.scopes.iter().map(ToString::to_string).collect();
        let second = if operator.may_second { "yes" } else { "no" };
        table.row([
            operator.name.clone(),
            operator.id.to_string(),
            second.to_owned(),
            words.join(" "),
            scopes.join(" "),
        ]);
    }
    let socket = socket_path(control, &configuration.engine.record_directory);
    let (socket, seconds) = (socket.display(), control.valid_seconds);
    table.note(format!("at {socket}; a command is valid for at most {seconds} s"));
    table
}

/// When a guard acts, and by which sessions.
fn guard(of: &Guard, configuration: &Configuration) -> Table {
    let columns = [("gateway", Left), ("orders are cancelled by", Left)];
    let mut table = Table::new("GUARD", &columns);
    for (row, gateway) in configuration.gateways.iter().enumerate() {
        let own = of.sessions.iter().find(|(of, _)| *of == row);
        let by = match (own, &gateway.session) {
            (Some((_, own)), _) => format!("session {} on behalf of the engine's", own.session),
            (None, Some(engine)) => format!("session {} of the engine, taken over", engine.session),
            (None, None) => "the engine's account, logged on anew".to_owned(),
        };
        table.row([gateway.name.value.clone(), by]);
    }
    let Guard { core, desk, writer, main, look, .. } = of;
    let act = match of.act {
        GuardAct::Cancel => "fences, kills and cancels",
        GuardAct::Tell => "tells people, and does nothing",
    };
    table.note(format!(
        "{act} when a hot core is silent for {} ms, the desk {} ms, the journal {} ms, the main \
         thread {} ms, {} times that if the host does not run it; looks each {} ms. It is a \
         process of its own: `xmc guard CONFIG`",
        core.as_millis(),
        desk.as_millis(),
        writer.as_millis(),
        main.as_millis(),
        of.starved_times,
        look.as_millis()
    ));
    table
}

/// Who is told outside, of what, and how.
fn sinks(alerts: &Alerts) -> Table {
    let columns = [
        ("sink", Left),
        ("kind", Left),
        ("where", Left),
        ("from", Left),
        ("after s", Right),
        ("a minute", Right),
        ("heartbeat s", Right),
    ];
    let mut table = Table::new("ALERTS", &columns);
    for sink in &alerts.sinks {
        let place = match &sink.kind {
            AlertSinkKind::Log { path: Some(path) } => path.display().to_string(),
            AlertSinkKind::Log { path: None } => "beside the record".to_owned(),
            AlertSinkKind::Command { argv } => argv.join(" "),
            other => other.url().map_or_else(String::new, ToString::to_string),
        };
        table.row([
            sink.name.clone(),
            sink.kind.word().to_owned(),
            place,
            sink.least.to_string(),
            sink.after_s.to_string(),
            sink.per_minute.to_string(),
            sink.heartbeat_s.to_string(),
        ]);
    }
    for (rule, severity) in &alerts.severities {
        let severity = severity.map_or("off", |severity| severity.word());
        table.note(format!("{} is {severity}", rule.code()));
    }
    for (rule, limit) in &alerts.limits {
        table.note(format!("{} has the limit {limit}", rule.code()));
    }
    let Alerts { repeat_s, quiet_s, outbox, .. } = alerts;
    table.note(format!(
        "told again after {repeat_s} s; over when quiet for {quiet_s} s; {outbox} may wait"
    ));
    table
}

/// What the desk is compared with.
fn statements(resync: &Resync, configuration: &Configuration) -> Table {
    let columns =
        [("source", Left), ("gateway", Left), ("account", Left), ("kind", Left), ("where", Left)];
    let mut table = Table::new("RESYNC", &columns);
    for source in &resync.sources {
        table.row([
            source.name.clone(),
            configuration.gateways[source.gateway].name.value.clone(),
            source.account.clone(),
            source.place.word().to_owned(),
            source.place.to_string(),
        ]);
    }
    let Resync { every_s, settle_ms, is_required, venue_wins, .. } = resync;
    let opens = if *is_required { "nothing opens before one agrees" } else { "none is needed" };
    table.note(format!(
        "every {every_s} s, settled after {settle_ms} ms; {opens}; a position that differs: {}",
        venue_wins.word()
    ));
    table
}

fn machine(host: Option<&Host>, out: &mut impl Write) -> io::Result<()> {
    let verdict = match host {
        Some(host) => {
            format!("fits: cores online {}, allowed {}", list(&host.online), list(&host.allowed))
        }
        None => "not compared with this one (--elsewhere)".to_owned(),
    };
    writeln!(out, "\nMACHINE")?;
    folded(out, "  ", &verdict)
}
