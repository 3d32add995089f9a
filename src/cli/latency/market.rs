//! The packets that are measured, and a configuration under which they make the desk fire.

use crate::cli::CliError;
use crate::cli::inspect::lines::Lines as CaptureLines;
use crate::clock::EngineClock;
use crate::config::{self, Configuration};
use crate::feed::{FeedCapacity, FeedMemory};
use crate::port::capture::Capture;
use crate::port::datagram::datagram;
use crate::sim::generator::{Generator, LineFaults, Lines, Listing, Settings};
use crate::topology::Stage;
use crate::venue::cme::mdp3::tape::Tape;
use rtrb::RingBuffer;
use std::fmt::Write;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{ArbiterLimits, ChannelSettings, Feed, FeedCounters, Join};
use xmc_hotpath::message::{InstrumentIndex, QuoteQuality, StreamId};
use xmc_hotpath::port::{Line, RxPort};
use xmc_hotpath::ring::ends;
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// The shared capture, below the folder of shared test data.
const SHARED_CAPTURE: &str = "captures/cme/mdp3_v6_ch340_20161112.pcapng";

/// What is measured.
#[derive(Debug)]
pub struct Market {
    /// Where the packets come from, for the report.
    pub source: String,
    /// Line and payload, in the order of arrival.
    pub packets: Vec<(Line, Vec<u8>)>,
    /// Spreads over the busiest instruments.
    pub config: Configuration,
    /// Those instruments.
    busiest: Vec<i32>,
}

/// Ports that lead out of the process, for a configuration that has none.
#[derive(Debug)]
pub(super) struct Outside {
    /// Where each line is sent, and the interface on which it comes.
    pub lines: [(SocketAddrV4, &'static str); 2],
    /// They come by AF_XDP.
    pub is_past_kernel: bool,
    /// Keys of a counter's gateway that takes the orders, in place of paper.
    pub counter: Option<String>,
}

impl Market {
    /// The configuration with the feed on a core of its own.
    #[must_use]
    pub fn apart(&self, desk: u16, feed: u16) -> Configuration {
        let mut config = self.config.clone();
        let mut apart = config.executors.clone();
        for (executor, core) in config.executors.iter_mut().zip([desk]) {
            executor.core.value = core;
            executor.stages.retain(|stage| stage.value != Stage::Feed(0));
        }
        for executor in &mut apart {
            executor.core.value = feed;
            executor.stages.retain(|stage| stage.value == Stage::Feed(0));
        }
        config.executors.extend(apart);
        config
    }

    /// The configuration with ports that lead out of the process.
    pub(super) fn outside(&self, outside: &Outside) -> Result<Configuration, CliError> {
        let mut text = configured(&self.busiest);
        let port = if outside.is_past_kernel { "port = \"xdp\"\n" } else { "" };
        let lines = outside.lines.map(|(group, interface)| {
            let (group, port) = (group.ip(), group.port());
            format!("{{ group = \"{group}\", port = {port}, interface = \"{interface}\" }}\n")
        });
        let [a, b] = &lines;
        text = text.replace(LINES, &format!("line_a = {a}line_b = {b}{port}"));
        if let Some(counter) = &outside.counter {
            let protocol = format!("protocol = \"esunny/dstar\"\n{counter}");
            text = text.replace("protocol = \"paper\"\n", &protocol);
            // A counter is told of each order whether it opens, and what for.
            text = text.replace("lot_step = 1\n", "lot_step = 1\noffset_rule = \"close\"\n");
            let flag = "account = \"latency\"\nhedge_flag = \"speculate\"\nunit =";
            text = text.replace("account = \"latency\"\nunit =", flag);
        }
        loaded(&text)
    }
}

/// Loads the packets and chooses the instruments.
pub fn load(capture: Option<&Path>, spreads: u8) -> Result<Market, CliError> {
    let (source, packets) = match capture {
        Some(path) => (path.display().to_string(), read(path)?),
        None => {
            let path = shared_capture();
            if path.is_file() {
                (path.display().to_string(), read(&path)?)
            } else {
                let missing = path.display();
                (format!("GENERATED packets, seed {SEED} (there is no {missing})"), generate())
            }
        }
    };
    if packets.is_empty() {
        return Err(CliError::could_not_run(format!("{source} has no packets on lines A or B")));
    }
    let busiest = busiest(&packets, 2 * usize::from(spreads))?;
    if busiest.len() < 2 {
        return Err(CliError::could_not_run(format!(
            "{source} has fewer than two instruments with bids and offers: nothing can be traded"
        )));
    }
    let config = configuration(&busiest)?;
    Ok(Market { source, packets, config, busiest })
}

fn shared_capture() -> PathBuf {
    let root =
        std::env::var_os("XMC_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    root.join(SHARED_CAPTURE)
}

/// Packets of the shape of the shared capture: a channel of as many instruments as are traded.
fn generate() -> Vec<(Line, Vec<u8>)> {
    let listing = |number: i32| Listing {
        security_id: 1000 + number,
        tick_e9: 250_000_000,
        start_e9: 400_000_000_000 + i64::from(number) * 5_000_000_000,
        min_price_e9: 100_000_000_000,
        max_price_e9: 900_000_000_000,
        depth: 10,
        implied_depth: 2,
        reach_ticks: 8,
    };
    let settings = Settings::new(SEED, (0..32).map(listing).collect());
    let whole = LineFaults::default();
    let mut lines = Lines::new(Generator::new(settings), [whole, whole]);
    let mut bytes = Vec::new();
    (0..GENERATED)
        .map(|_| {
            let arrival = lines.next_packet(&mut bytes);
            (arrival.line, bytes.clone())
        })
        .collect()
}

/// What packets are generated from.
const SEED: u64 = 7;
/// Packets generated, both lines: as many as the shared capture has.
const GENERATED: usize = 10_000;

fn read(path: &Path) -> Result<Vec<(Line, Vec<u8>)>, CliError> {
    let capture = Capture::open(path).map_err(CliError::could_not_run)?;
    let mut lines = CaptureLines::new(Vec::new());
    let mut packets = Vec::new();
    for frame in capture.frames() {
        let frame = frame.map_err(CliError::could_not_run)?;
        if let Ok(Some(packet)) = datagram(frame.link, frame.bytes)
            && let Some(line) = lines.line(packet.target)
        {
            packets.push((line, packet.payload.to_vec()));
        }
    }
    Ok(packets)
}

/// Instruments by the number of their two-sided, whole quotes, the busiest first: found by sending
/// two passes of the tape through a feed of their own. The second counts: it begins with a reset,
/// as all that are measured do, and after one a book that the capture does not begin whole stays
/// damaged.
fn busiest(packets: &[(Line, Vec<u8>)], count: usize) -> Result<Vec<i32>, CliError> {
    const ROWS: usize = 4096;
    let capacity = FeedCapacity { instruments: ROWS, quoted: ROWS, held: 64, digests: 64 };
    let mut memory = FeedMemory::new(capacity);
    let (quotes_in, mut quotes) = ends(RingBuffer::new(ROWS));
    let (updates_in, _updates) = ends(RingBuffer::new(ROWS));
    let (storage, quotes_in) = memory.lend(quotes_in);
    let patience = Span(u64::MAX);
    let limits = ArbiterLimits {
        hold_for: patience,
        line_reorder: 0,
        silent_after: patience,
        lossy_after: patience,
        stale_after: patience,
    };
    let settings =
        ChannelSettings { stream: StreamId(1), join: Join::AssumeEmpty, view: View::Outright };
    let counters = FeedCounters::default();
    let feed =
        Feed::new(Mdp3::new(None), settings, limits, storage, quotes_in, updates_in, &counters);
    let mut feed = feed.expect("the memory was made for it");
    let ids = instruments(packets);
    for (id, row) in ids.iter().zip(0..) {
        feed.channel_mut().books_mut().add(*id, Some(InstrumentIndex(row)));
    }
    let mut seen = vec![0_u64; ids.len()];
    let mut tape = Tape::new(EngineClock::start(), packets).map_err(CliError::could_not_run)?;
    while tape.passes() < 2 {
        tape.admit();
        if let Some(datagram) = tape.peek() {
            feed.on_datagram(&datagram);
        }
        tape.release();
        while let Some(quote) = quotes.pop() {
            let is_two_sided = quote.bids.count > 0 && quote.asks.count > 0;
            if tape.passes() == 1 && quote.quality == QuoteQuality::Good && is_two_sided {
                seen[quote.instrument.0 as usize] += 1;
            }
        }
    }
    let mut ranked: Vec<_> = ids.into_iter().zip(seen).filter(|(_, seen)| *seen > 0).collect();
    ranked.sort_by_key(|(id, seen)| (std::cmp::Reverse(*seen), *id));
    ranked.truncate(count);
    Ok(ranked.into_iter().map(|(id, _)| id).collect())
}

/// Every instrument that a packet names.
fn instruments(packets: &[(Line, Vec<u8>)]) -> Vec<i32> {
    use xmc_hotpath::venue::cme::mdp3::decode;
    let mut ids = std::collections::BTreeSet::new();
    for (_, payload) in packets {
        let Ok(packet) = decode::packet(payload) else {
            continue;
        };
        for message in packet.messages().filter_map(|message| message.decode().ok()) {
            ids.extend(message.entry_views().filter_map(|entry| entry.security_id));
        }
    }
    ids.into_iter().collect()
}

/// A paper configuration with a spread over each pair of neighbours, whose levels are always met.
pub(in crate::cli) fn configuration(instruments: &[i32]) -> Result<Configuration, CliError> {
    loaded(&configured(instruments))
}

fn configured(instruments: &[i32]) -> String {
    // Wide, but as every limit of a configuration within ten times the need.
    let room = 5 * instruments.len();
    let mut text = FRAME.replace("{room}", &room.to_string());
    for id in instruments {
        write!(text, "{}", INSTRUMENT.replace("{id}", &id.to_string())).expect("into memory");
    }
    for pair in instruments.chunks_exact(2) {
        let spread = SPREAD.replace("{one}", &pair[0].to_string());
        write!(text, "{}", spread.replace("{two}", &pair[1].to_string())).expect("into memory");
    }
    text
}

fn loaded(text: &str) -> Result<Configuration, CliError> {
    let mut config = config::load_text(Path::new("the latency run's own configuration"), text)?;
    for spread in &mut config.spreads {
        // Levels that every price meets, which no checked file may have: each quote fires, opening
        // and closing in turn.
        for (level, met) in [
            (&mut spread.triggers.sell_open_e9, -ALWAYS_E9),
            (&mut spread.triggers.sell_close_e9, ALWAYS_E9),
        ] {
            if let Some(level) = level {
                level.value = met;
            }
        }
    }
    Ok(config)
}

/// Beyond any spread of two prices.
const ALWAYS_E9: i64 = 1_000_000_000_000_000;

/// The lines of the feed in `FRAME`, which nobody sends on.
const LINES: &str = r#"line_a = { group = "239.1.1.1", port = 30_001 }
line_b = { group = "239.1.1.2", port = 30_002 }
"#;

const FRAME: &str = r#"
[engine]
mode = "paper"
site_id = 1
desk_id = 1
project = "latency"
record_directory = "unused"
record_ring_bytes = 67_108_864

[logic]
ack_timeout_ms = 1_000
fires_per_window = 60
fire_window_ms = 1

[[executor]]
core = 0
stages = ["feed_tape", "desk", "gateway_paper", "recovery", "journal", "control", "monitor"]
idle = "yield"

[[link]]
kind = "quotes"
from = "feed_tape"
to = "desk"
depth = 256

[[link]]
kind = "orders"
from = "desk"
to = "gateway_paper"
depth = 256

[[link]]
kind = "events"
from = "gateway_paper"
to = "desk"
depth = 1024

[[venue]]
name = "cme"
mic = "XCME"

[[feed]]
name = "tape"
venue = "cme"
protocol = "cme/mdp3"
stream_id = 1
line_a = { group = "239.1.1.1", port = 30_001 }
line_b = { group = "239.1.1.2", port = 30_002 }
reorder_packets = 64
reorder_ns = 1_000_000
stale_after_ms = 60_000
join = "assume_empty"

[[gateway]]
name = "paper"
venue = "cme"
protocol = "paper"
stream_id = 2
rate_messages = 1000
rate_window_ms = 1000

[[limit]]
scope = "account"
account = "latency"
max_order_lots = 10
max_position_lots = {room}
max_open_orders = {room}
rate_messages = 1000
rate_window_ms = 1000

[[limit]]
scope = "global"
max_order_lots = 10
max_position_lots = {room}
max_open_orders = {room}
rate_messages = 1000
rate_window_ms = 1000
"#;

const INSTRUMENT: &str = r#"
[[instrument]]
name = "i{id}"
symbol = "i{id}"
venue = "cme"
security_id = {id}
feed = "tape"
gateway = "paper"
tick_size = "0.01"
lot_step = 1
multiplier = "1"
currency = "USD"
quote_unit = "points"
display_factor = "1"
negative_prices = true
min_price = "-100000"
max_price = "100000"

[[limit]]
scope = "instrument"
instrument = "i{id}"
max_order_lots = 10
max_order_value = 1_000_000
max_position_lots = 10
max_open_orders = 10
collar_ticks = 100_000
rate_messages = 100
rate_window_ms = 1000
"#;

const SPREAD: &str = r#"
[[spread]]
name = "s{one}_{two}"
strategy = "latency"
account = "latency"
unit = "points"
sell_open = "1"
sell_close = "-1"
hysteresis = "0"
cool_down_ms = 0
max_quote_age_ms = 60_000
max_quote_skew_ms = 60_000
time_in_force = "fak"
max_units = 1
clip_units = 1

[[spread.leg]]
instrument = "i{one}"
ratio = 1
coefficient = "1"
pay_up_ticks = 0

[[spread.leg]]
instrument = "i{two}"
ratio = -1
coefficient = "1"
pay_up_ticks = 0
"#;
