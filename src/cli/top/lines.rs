//! A picture of an engine as lines, as wide and high as there is room.
//!
//! What does not fit is told: rings that are quiet go first, and the title says how many. Nothing
//! is said by colour alone.

use crate::counters::picture::{Feed, FeedLine, Gateway, Link, Picture, Port, Tile};
use crate::monitor::number;
use crate::monitor::terminal::{Look, Text};
use ratatui::style::Style;
use xmc_hotpath::time::Span;

/// Cells from which on stages and more of each feed are shown.
const BROAD: usize = 120;

/// All of it in at most `rows` lines of `cells`; `None`: as many as it takes.
pub fn picture(of: &Picture, cells: usize, rows: Option<usize>, look: &Look) -> Vec<Text> {
    let cells = cells.max(80);
    let mut lines = vec![head(of, cells, look)];
    lines.push(title("cores", TILES, cells, look));
    lines.extend(of.tiles.iter().map(|row| tile(row, cells, look)));
    let mut rest = vec![title("feeds", FEEDS, cells, look)];
    for row in &of.feeds {
        rest.extend(feed(row, cells, look));
    }
    rest.push(title("gateways", GATEWAYS, cells, look));
    rest.extend(of.gateways.iter().map(|row| gateway(row, look)));
    rest.extend(ports(&of.ports, cells, look));
    rest.push(desk(of, cells, look));
    rest.extend(record(of, cells, look));
    let room = rows.map(|rows| rows.saturating_sub(lines.len() + rest.len() + 1));
    lines.extend(links(&of.links, room, cells, look));
    lines.extend(rest);
    if let Some(rows) = rows {
        lines.truncate(rows);
    }
    lines
}

/// A column: its title and its cells; below zero: from the left.
type Column = (&'static str, isize);

const TILES: &[Column] = &[
    ("", -9),
    ("thread", -13),
    ("core", 4),
    ("beat", 8),
    ("state", -11),
    ("busy%", 6),
    ("idle%", 6),
    ("blck%", 6),
    ("items/s", 9),
];
const LINKS: &[Column] = &[
    ("", -20),
    ("depth", 8),
    ("most", 8),
    ("room", 8),
    ("conflated", 9),
    ("refused", 9),
    ("msgs/s", 9),
];
const FEEDS: &[Column] = &[
    ("", -9),
    ("state", -11),
    ("packets", 12),
    ("/s", 8),
    ("gaps", 5),
    ("missing", 8),
    ("late", 6),
    ("bad", 6),
];
const GATEWAYS: &[Column] = &[
    ("", -9),
    ("state", -11),
    ("sent", 12),
    ("/s", 8),
    ("refused", 8),
    ("read", 12),
    ("throttled", 9),
];

fn is_broad(cells: usize) -> bool {
    cells >= BROAD
}

/// A line of cells under columns.
fn row(columns: &[Column], cells: &[(String, Style)]) -> Text {
    let mut text = Text::new();
    for ((_, width), (cell, style)) in columns.iter().zip(cells) {
        if text.width() > 0 {
            text.gap(1);
        }
        match usize::try_from(*width) {
            Ok(width) => text.number(cell, width, *style),
            Err(_) => text.left(cell, width.unsigned_abs(), *style),
        };
    }
    text
}

/// The names of columns after a rule with what they are of.
fn title(name: &str, columns: &[Column], cells: usize, look: &Look) -> Text {
    let mut text = Text::new();
    let label = look.label();
    for ((column, width), place) in columns.iter().zip(0..) {
        if text.width() > 0 {
            text.gap(1);
        }
        match (place, usize::try_from(*width)) {
            // The first column is that of names: it has none of its own.
            (0, _) => text.left(name, width.unsigned_abs().max(name.len()), look.title()),
            (1, Err(_)) if name.len() > columns[0].1.unsigned_abs() => {
                let taken = name.len() - columns[0].1.unsigned_abs();
                text.left(column, width.unsigned_abs().saturating_sub(taken), label)
            }
            (_, Ok(width)) => text.right(column, width, label),
            (_, Err(_)) => text.left(column, width.unsigned_abs(), label),
        };
    }
    text.gap(1);
    let rest = cells.saturating_sub(text.width());
    text.put(look.rule().repeat(rest), label);
    text
}

fn head(of: &Picture, cells: usize, look: &Look) -> Text {
    let engine = &of.engine;
    let is_well = matches!(engine.state, "running" | "ended");
    let bar = look.reversed();
    let state = if is_well { bar } else { look.warning().patch(bar) };
    let mut text = Text::new();
    let (site, desk, run) = (engine.site, engine.desk, engine.run);
    text.put(format!(" xmc top  site {site} desk {desk} run {run}  pid {} ", engine.pid), bar);
    let said = if engine.state == "running" { engine.state } else { engine.means };
    text.put(format!(" {said} "), state);
    let rest = cells.saturating_sub(text.width());
    text.put(" ".repeat(rest), bar);
    text
}

fn plain(text: impl Into<String>) -> (String, Style) {
    (text.into(), Style::new())
}

fn count(value: Option<u64>) -> (String, Style) {
    plain(value.map_or("-".to_owned(), number::count))
}

/// A count of something that should not be.
fn fault(value: Option<u64>, look: &Look) -> (String, Style) {
    let style = if value.unwrap_or(0) > 0 { look.warning() } else { Style::new() };
    (count(value).0, style)
}

fn rate(value: Option<f64>) -> (String, Style) {
    plain(match value {
        None => "-".to_owned(),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => number::count(value as u64),
    })
}

fn pct(value: Option<f64>) -> (String, Style) {
    plain(value.map_or("-".to_owned(), |value| format!("{value:.1}")))
}

fn age(ns: Option<u64>) -> String {
    ns.map_or("-".to_owned(), |ns| number::span(Span(ns)))
}

fn tile(of: &Tile, cells: usize, look: &Look) -> Text {
    let is_well = matches!(of.state, "ok" | "ended" | "not started");
    let state = if is_well { Style::new() } else { look.warning() };
    let mut text = row(
        TILES,
        &[
            (of.name.clone(), look.strong()),
            plain(of.thread.clone().unwrap_or_default()),
            plain(of.core.map_or("-".to_owned(), |core| core.to_string())),
            (age(of.heartbeat_age_ns), state),
            (of.state.to_owned(), state),
            pct(of.busy_pct),
            pct(of.idle_pct),
            pct(of.blocked_pct),
            rate(of.items_per_s),
        ],
    );
    if is_broad(cells) && !of.stages.is_empty() {
        let stages = of.stages.join(" ");
        let rest = cells.saturating_sub(text.width() + 2);
        text.gap(2).left(&stages, rest, look.label());
    }
    text
}

/// A ring through which nothing goes, and in which nothing waits or was refused.
fn is_quiet(of: &Link) -> bool {
    let is_none = |value: Option<u64>| value.unwrap_or(0) == 0;
    is_none(of.depth)
        && is_none(of.conflated)
        && is_none(of.refused)
        && of.messages_per_s.unwrap_or(0.0) == 0.0
}

/// Rings: those through which something goes first, the others as far as there is room.
fn links(of: &[Link], room: Option<usize>, cells: usize, look: &Look) -> Vec<Text> {
    let room = room.unwrap_or(of.len());
    let (busy, quiet): (Vec<_>, Vec<_>) = of.iter().partition(|link| !is_quiet(link));
    let shown: Vec<_> = busy.into_iter().chain(quiet).take(room).collect();
    let left_out = of.len() - shown.len();
    let name = match left_out {
        0 => "rings".to_owned(),
        _ => format!("rings (+{left_out} more)"),
    };
    let mut lines = vec![title(&name, LINKS, cells, look)];
    // In the order of the file, so that they stand still.
    let is_shown = |link: &&Link| shown.iter().any(|one| one.name == link.name);
    lines.extend(of.iter().filter(is_shown).map(|link| {
        row(
            LINKS,
            &[
                (link.name.clone(), look.strong()),
                count(link.depth),
                count(link.high_water),
                count(link.capacity),
                fault(link.conflated, look),
                fault(link.refused, look),
                rate(link.messages_per_s),
            ],
        )
    }));
    lines
}

fn feed(of: &Feed, cells: usize, look: &Look) -> Vec<Text> {
    let state = of.state.clone().unwrap_or("-".to_owned());
    let is_well = state == "live";
    let style = if is_well { Style::new() } else { look.warning() };
    let line = |line: &FeedLine, letter: char| {
        let (name, state) = match letter {
            'A' => (format!("A {}", of.name), (state.clone(), style)),
            _ => (format!("B {}", of.name), plain("")),
        };
        // What keeps a line from bringing anything is told on any screen.
        let interface = line.interface.clone().filter(|word| word != "up" && word != "unwatched");
        let mut text = row(
            FEEDS,
            &[
                (name, look.strong()),
                state,
                count(line.packets),
                rate(line.packets_per_s),
                fault(line.gaps, look),
                fault(line.missing, look),
                fault(line.late, look),
                fault(line.malformed, look),
            ],
        );
        if let Some(interface) = interface {
            text.put(format!("  INTERFACE {interface}"), look.warning());
        }
        if is_broad(cells) {
            let copies = count(line.duplicates).0;
            text.put(format!("  copies {copies}"), look.label());
            if letter == 'A' {
                let (quotes, lost) = (rate(of.quotes_per_s).0, count(of.missing).0);
                text.put(format!("  quotes/s {quotes}  lost on both {lost}"), look.label());
            }
        }
        text
    };
    vec![line(&of.a, 'A'), line(&of.b, 'B')]
}

fn gateway(of: &Gateway, look: &Look) -> Text {
    let state = of.state.clone().unwrap_or("-".to_owned());
    let style = if state == "up" { Style::new() } else { look.warning() };
    row(
        GATEWAYS,
        &[
            (of.name.clone(), look.strong()),
            (state, style),
            count(of.sent),
            rate(of.sent_per_s),
            fault(of.refused, look),
            count(of.read),
            fault(of.throttled, look),
        ],
    )
}

/// What ports have lost: nothing, or a line of causes.
fn ports(of: &[Port], cells: usize, look: &Look) -> Vec<Text> {
    let lost = of.iter().flat_map(|port| {
        let causes = port.drops.iter().filter(|(_, count)| *count > 0);
        causes.map(|(cause, count)| format!("{} {cause} {}", port.name, number::count(*count)))
    });
    let lost: Vec<_> = lost.collect();
    let said = match lost.is_empty() {
        true => ("nothing lost at any".to_owned(), Style::new()),
        false => (lost.join(", "), look.warning()),
    };
    vec![words("ports", &[said], cells, look)]
}

/// A line of parts behind a name.
fn words(name: &str, parts: &[(String, Style)], cells: usize, look: &Look) -> Text {
    let mut text = Text::new();
    text.left(name, 9, look.title());
    for (part, style) in parts {
        let rest = cells.saturating_sub(text.width() + 2);
        if rest == 0 {
            break;
        }
        text.gap(1);
        let width = part.chars().count().min(rest);
        text.left(part, width, *style).gap(1);
    }
    text
}

fn desk(of: &Picture, cells: usize, look: &Look) -> Text {
    let desk = &of.desk;
    let state = desk.state.clone().unwrap_or("-".to_owned());
    let style = if state == "NORMAL" { Style::new() } else { look.warning() };
    let [p50, p99] = [desk.tick_to_order_p50_ns, desk.tick_to_order_p99_ns].map(age);
    let armed = desk.armed.as_deref().unwrap_or("-");
    let state = if armed == "armed" { state } else { format!("{state}, {armed} armed") };
    let parts = [
        (state, style),
        plain(format!("fires {}", count(desk.fires).0)),
        plain(format!("live {}", count(desk.live_orders).0)),
        plain(format!("held {}", count(desk.refusals).0)),
        plain(format!("p50 {p50} p99 {p99}")),
    ];
    words("desk", &parts, cells, look)
}

fn record(of: &Picture, cells: usize, look: &Look) -> Vec<Text> {
    let record = &of.record;
    let state = record.state.clone().unwrap_or("-".to_owned());
    let style = if state == "in time" { Style::new() } else { look.warning() };
    let pct = |value: Option<u64>| value.map_or("-".to_owned(), |value| format!("{value}%"));
    let parts = [
        (state, style),
        plain(format!("written {}", count(record.written).0)),
        plain(format!("ring {} most {}", pct(record.used_pct), pct(record.most_pct))),
        plain(format!("safe after {}", age(record.window_last_ns))),
    ];
    let mut lines = vec![words("record", &parts, cells, look)];
    if is_broad(cells) {
        let parts = [
            plain(format!("records {}", count(record.journaled).0)),
            plain(format!("safe over all runs {}", count(record.durable).0)),
            plain(format!("slowest group {}", age(record.window_worst_ns))),
            (format!("disk errors {}", count(record.failures).0), fault(record.failures, look).1),
            plain(format!("snapshots {}", count(record.snapshots).0)),
        ];
        lines.push(words("journal", &parts, cells, look));
    }
    lines
}
