//! Makes a picture of two looks: finds each counter by its owner and name, and what it has grown
//! by.

use super::{
    Desk, EngineView, Feed, FeedLine, Gateway, LATE, Link, Look, Picture, Port, Record, Tile,
};
use crate::clock::Source;
use crate::counters::read::{Attached, EngineState};
use crate::counters::table::{Owner, OwnerKind, Row, Table};
use std::collections::HashMap;
use std::time::Duration;

/// Two looks, and where each counter is in them.
struct Sight<'a> {
    attached: &'a Attached,
    table: &'a Table,
    now: &'a Look,
    before: Option<&'a Look>,
    rows: HashMap<(OwnerKind, &'a str, &'a str), usize>,
}

/// The counters of one owner.
struct Of<'s, 'a> {
    sight: &'s Sight<'a>,
    kind: OwnerKind,
    name: &'s str,
}

impl<'a> Sight<'a> {
    fn new(attached: &'a Attached, now: &'a Look, before: Option<&'a Look>) -> Self {
        let table = attached.table();
        let key = |row: &'a Row| {
            let Owner { kind, name, .. } = &table.owners[row.owner];
            (*kind, name.as_str(), row.name.as_str())
        };
        let rows = table.rows.iter().zip(0..).map(|(row, place)| (key(row), place)).collect();
        Self { attached, table, now, before, rows }
    }

    fn of<'s>(&'s self, kind: OwnerKind, name: &'s str) -> Of<'s, 'a> {
        Of { sight: self, kind, name }
    }

    fn named(&self, kind: OwnerKind) -> impl Iterator<Item = &'a Owner> {
        self.table.owners.iter().filter(move |owner| owner.kind == kind)
    }

    fn since(&self) -> Option<Duration> {
        self.before.map(|before| self.now.at.duration_since(before.at))
    }

    /// How much each second, for what grew by so much.
    fn per_s(&self, grown: Option<u64>) -> Option<f64> {
        let seconds = self.since()?.as_secs_f64();
        let grown = grown.filter(|_| seconds > 0.0)?;
        Some(tenths(grown as f64 / seconds))
    }
}

/// Rounded to a digit behind the point.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl Of<'_, '_> {
    fn place(&self, row: &str) -> Option<usize> {
        self.sight.rows.get(&(self.kind, self.name, row)).copied()
    }

    fn value(&self, row: &str) -> Option<u64> {
        Some(self.sight.now.values[self.place(row)?])
    }

    /// By how much it has grown since the look before; nothing without one.
    fn grown(&self, row: &str) -> Option<u64> {
        let place = self.place(row)?;
        let before = self.sight.before?.values[place];
        Some(self.sight.now.values[place].saturating_sub(before))
    }

    fn per_s(&self, row: &str) -> Option<f64> {
        self.sight.per_s(self.grown(row))
    }

    /// The word that a counter stands for.
    fn word(&self, row: &str) -> Option<String> {
        let place = self.place(row)?;
        Some(word(&self.sight.table.rows[place].unit, self.sight.now.values[place]))
    }
}

/// The word of a counter whose unit lists them.
#[must_use]
pub fn word(unit: &str, value: u64) -> String {
    let place = usize::try_from(value).unwrap_or(usize::MAX);
    unit.split('|').nth(place).map_or_else(|| format!("unknown ({value})"), str::to_owned)
}

impl Picture {
    /// What `now` says, compared with the look `before` if there was one.
    #[must_use]
    pub fn of(attached: &Attached, now: &Look, before: Option<&Look>) -> Self {
        let sight = Sight::new(attached, now, before);
        let named = |kind| sight.named(kind).map(|owner| owner.name.as_str());
        let mut tiles: Vec<_> =
            sight.named(OwnerKind::Core).map(|owner| core(&sight, owner)).collect();
        tiles.extend(sight.named(OwnerKind::Thread).map(|owner| thread(&sight, owner)));
        Self {
            engine: engine(&sight),
            tiles,
            links: named(OwnerKind::Ring).map(|name| link(&sight, name)).collect(),
            feeds: named(OwnerKind::Feed).map(|name| feed(&sight, name)).collect(),
            gateways: named(OwnerKind::Gateway).map(|name| gateway(&sight, name)).collect(),
            ports: named(OwnerKind::Port).map(|name| port(&sight, name)).collect(),
            desk: desk(&sight),
            record: record(&sight),
        }
    }

    /// Whether somebody should look: an engine that is gone without having said so, or a tile that
    /// is late.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        matches!(self.engine.state, "gone" | "stopped")
            || self.tiles.iter().any(|tile| tile.state == "late")
    }
}

/// What is wrong with an engine, if anything: its state and what that means for its counters.
#[must_use]
pub const fn meaning(state: EngineState) -> (&'static str, &'static str) {
    match state {
        EngineState::Running => ("running", "values are of now"),
        EngineState::Stopped => ("stopped", "engine held still: values stand"),
        EngineState::Ended(_) => ("ended", "engine ended in order: values are its last"),
        EngineState::Gone => ("gone", "engine gone: values are what it left"),
    }
}

fn engine(sight: &Sight<'_>) -> EngineView {
    let run = sight.attached.run();
    let (state, means) = meaning(sight.now.engine);
    EngineView {
        state,
        means,
        pid: run.pid,
        site: run.identity.site.0,
        desk: run.identity.desk.0,
        run: run.identity.run,
        started_utc_ns: run.started.0,
        ended_utc_ns: match sight.now.engine {
            EngineState::Ended(at) => Some(at.0),
            _ => None,
        },
        clock: match run.source {
            Source::InvariantTsc => "tsc",
            Source::System => "system",
        },
        since_ns: sight.since().and_then(|since| u64::try_from(since.as_nanos()).ok()),
    }
}

/// How old a sign of life is, and what to call that.
fn alive(sight: &Sight<'_>, heartbeat: Option<u64>) -> (Option<u64>, &'static str) {
    let age = heartbeat.and_then(|ticks| sight.now.age(sight.attached, ticks));
    let state = match (sight.now.engine, heartbeat, age) {
        (EngineState::Ended(_), ..) => "ended",
        (EngineState::Gone, ..) => "gone",
        (_, None | Some(0), _) => "not started",
        (_, _, Some(age)) if age > LATE => "late",
        (EngineState::Stopped, ..) => "stopped",
        (EngineState::Running, ..) => "ok",
    };
    (age.map(|age| age.0), state)
}

/// The tile of an owner, without what it does with its time.
fn tile(sight: &Sight<'_>, owner: &Owner, name: String, items: &[(Of<'_, '_>, &str)]) -> Tile {
    let of = sight.of(owner.kind, &owner.name);
    let (heartbeat_age_ns, state) = alive(sight, of.value("heartbeat"));
    let grown: Option<u64> = items.iter().map(|(of, row)| of.grown(row)).sum();
    Tile {
        name,
        stages: owner.stages.clone(),
        thread: owner.thread.clone(),
        thread_id: of.value("thread").filter(|id| *id != 0),
        core: owner.core,
        heartbeat_age_ns,
        state,
        busy_pct: None,
        idle_pct: None,
        blocked_pct: None,
        polls_per_s: of.per_s(if owner.kind == OwnerKind::Core { "polls" } else { "rounds" }),
        items: items.iter().filter_map(|(of, row)| of.value(row)).sum(),
        items_per_s: sight.per_s(grown),
    }
}

fn core(sight: &Sight<'_>, owner: &Owner) -> Tile {
    let of = sight.of(owner.kind, &owner.name);
    let mut items = Vec::new();
    for stage in &owner.stages {
        if let Some(feed) = stage.strip_prefix("feed_") {
            items.push((sight.of(OwnerKind::Feed, feed), "lines.a.packets"));
            items.push((sight.of(OwnerKind::Feed, feed), "lines.b.packets"));
        } else if let Some(gateway) = stage.strip_prefix("gateway_") {
            items.push((sight.of(OwnerKind::Gateway, gateway), "sent"));
            items.push((sight.of(OwnerKind::Gateway, gateway), "read"));
        } else if stage == "desk" {
            items.push((sight.of(OwnerKind::Desk, ""), "inputs"));
        }
    }
    // Since the last look; without one since the beginning.
    let spent = ["busy", "idle", "blocked"].map(|row| match sight.before {
        Some(_) => of.grown(row),
        None => of.value(row),
    });
    let all: u64 = spent.iter().flatten().sum();
    let [busy_pct, idle_pct, blocked_pct] = spent.map(|spent| {
        let share = |spent: u64| tenths(spent as f64 * 100.0 / all as f64);
        spent.filter(|_| all > 0).map(share)
    });
    let tile = tile(sight, owner, format!("core {}", owner.name), &items);
    Tile { busy_pct, idle_pct, blocked_pct, ..tile }
}

fn thread(sight: &Sight<'_>, owner: &Owner) -> Tile {
    let items = match owner.name.as_str() {
        "journal" => vec![(sight.of(OwnerKind::Journal, ""), "records")],
        "main" => vec![(sight.of(OwnerKind::Engine, ""), "followed")],
        "recovery" => {
            let replicas = sight.named(OwnerKind::Replica);
            let lines = ["feed.lines.a.packets", "feed.lines.b.packets"];
            let of = |owner: &'_ Owner| lines.map(|line| (owner.name.clone(), line));
            let all: Vec<_> = replicas.flat_map(of).collect();
            let sums = all.iter().map(|(name, line)| (sight.of(OwnerKind::Replica, name), *line));
            return tile(sight, owner, owner.name.clone(), &sums.collect::<Vec<_>>());
        }
        _ => Vec::new(),
    };
    tile(sight, owner, owner.name.clone(), &items)
}

fn link(sight: &Sight<'_>, name: &str) -> Link {
    let of = sight.of(OwnerKind::Ring, name);
    let (what, end) = name.split_once(' ').unwrap_or((name, ""));
    let (feed, gateway) = (sight.of(OwnerKind::Feed, end), sight.of(OwnerKind::Gateway, end));
    let desk = sight.of(OwnerKind::Desk, "");
    // Who writes to it counts what did not fit.
    let (conflated, refused, written) = match what {
        "quotes" => (feed.value("conflated"), feed.value("unsendable"), vec![(feed, "quotes")]),
        "channels" => (None, feed.value("delayed_updates"), Vec::new()),
        "orders" => {
            let gone = sight.of(OwnerKind::Gateway, end);
            (None, desk.value("ring_full"), vec![(gateway, "sent"), (gone, "not_sent")])
        }
        "news" => (None, gateway.value("news_full"), vec![(gateway, "read")]),
        _ => (None, None, Vec::new()),
    };
    let messages: Option<u64> = written.iter().map(|(of, row)| of.value(row)).sum();
    let grown: Option<u64> = written.iter().map(|(of, row)| of.grown(row)).sum();
    let is_counted = !written.is_empty();
    Link {
        name: name.to_owned(),
        depth: of.value("depth"),
        high_water: of.value("high_water"),
        capacity: of.value("capacity"),
        conflated,
        refused,
        messages: messages.filter(|_| is_counted),
        messages_per_s: sight.per_s(grown).filter(|_| is_counted),
    }
}

fn feed(sight: &Sight<'_>, name: &str) -> Feed {
    let of = sight.of(OwnerKind::Feed, name);
    let port = format!("feed {name}");
    let port = sight.of(OwnerKind::Port, &port);
    let line = |letter: char| {
        let value = |row: &str| of.value(&format!("lines.{letter}.{row}"));
        FeedLine {
            packets: value("packets"),
            packets_per_s: of.per_s(&format!("lines.{letter}.packets")),
            gaps: value("gaps"),
            missing: value("missing"),
            duplicates: value("duplicates"),
            late: value("late"),
            malformed: value("refused"),
            interface: port.word(&format!("interface.lines.{letter}.state")),
        }
    };
    Feed {
        name: name.to_owned(),
        state: of.word("state"),
        a: line('a'),
        b: line('b'),
        missing: of.value("missing"),
        quotes: of.value("quotes"),
        quotes_per_s: of.per_s("quotes"),
    }
}

fn gateway(sight: &Sight<'_>, name: &str) -> Gateway {
    let of = sight.of(OwnerKind::Gateway, name);
    Gateway {
        name: name.to_owned(),
        state: of.word("state"),
        sent: of.value("sent"),
        sent_per_s: of.per_s("sent"),
        refused: of.value("not_sent"),
        read: of.value("read"),
        throttled: sight.of(OwnerKind::Session, name).value("throttled"),
        lost: of.value("lost"),
    }
}

fn port(sight: &Sight<'_>, name: &str) -> Port {
    let rows = sight.table.rows.iter().zip(sight.now.values());
    let own = rows.filter(|(row, _)| {
        let owner = &sight.table.owners[row.owner];
        // How a packet came, and what its interface can do, is no loss.
        let is_loss = row.name != "xdp.by_socket" && !row.name.starts_with("interface.");
        owner.kind == OwnerKind::Port && owner.name == name && is_loss
    });
    Port {
        name: name.to_owned(),
        drops: own.map(|(row, value)| (row.name.clone(), *value)).collect(),
    }
}

fn desk(sight: &Sight<'_>) -> Desk {
    let (of, engine) = (sight.of(OwnerKind::Desk, ""), sight.of(OwnerKind::Engine, ""));
    Desk {
        state: of.word("state"),
        armed: engine.word("is_armed"),
        inputs: of.value("inputs"),
        inputs_per_s: of.per_s("inputs"),
        orders: of.value("orders"),
        fires: engine.value("fires"),
        refusals: engine.value("refusals"),
        live_orders: engine.value("live_orders"),
        tick_to_order_p50_ns: engine.value("tick_to_order_p50"),
        tick_to_order_p99_ns: engine.value("tick_to_order_p99"),
        tick_to_order_max_ns: engine.value("tick_to_order_max"),
    }
}

fn record(sight: &Sight<'_>) -> Record {
    let desk = sight.of(OwnerKind::Desk, "");
    let journal = sight.of(OwnerKind::Journal, "");
    Record {
        written: desk.value("records"),
        journaled: journal.value("records"),
        durable: journal.value("durable_records"),
        used_pct: desk.value("record_used_pct"),
        most_pct: desk.value("record_most_pct"),
        window_last_ns: journal.value("window_last"),
        window_worst_ns: journal.value("window_worst"),
        state: desk.word("record_late"),
        failures: journal.value("failures"),
        snapshots: sight.of(OwnerKind::Engine, "").value("snapshots"),
    }
}
