//! A capture as the source of a backtest: through the production feed decode, on its own time, into
//! a record in memory.
//!
//! The stages and the desk of the configuration are stepped as `xmc replay` steps them; what the
//! desk there decides is not used. Trades, which books do not tell, are read from the packets.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use xmc_hotpath::counter::NoRecorder;
use xmc_hotpath::message::StreamId;
use xmc_hotpath::record::{NoRoom, RecordSink};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};

use crate::cli::CliError;
use crate::cli::replay::capture::Loaded;
use crate::cli::replay::run::{CaptureClock, POLLS_PER_PACKET};
use crate::config::{Configuration, FeedProtocol};
use crate::engine::counters::Counters;
use crate::engine::wire::{Memory, Origin, Ports, Starts, wire};
use crate::port::memory::{MemoryPort, Pace};
use crate::sim::backtest::source::Print;
use crate::venue::cme::paper::PaperExchange;

/// A record in memory that can be read while the stage that writes it lives.
#[derive(Clone, Debug, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl RecordSink for Kept {
    fn has_room(&mut self, _: usize) -> bool {
        true
    }

    fn used_pct(&mut self) -> u8 {
        0
    }

    fn stage(&mut self, record: &[u8]) -> Result<(), NoRoom> {
        self.0.borrow_mut().extend_from_slice(record);
        Ok(())
    }

    fn publish(&mut self) {}
}

/// What the desk of `config` was told as the capture came: a record, as a journal's bytes.
pub fn record(loaded: &Loaded, config: &Configuration) -> Result<Vec<u8>, CliError> {
    let mut memory = Memory::new(config);
    let counters = Counters::new(config);
    counters.origin.utc_origin.set(loaded.first_utc_ns);
    let time = CaptureClock::default();
    let mut feeds: Vec<_> =
        config.feeds.iter().map(|_| MemoryPort::new(time.clone(), Pace::Recorded)).collect();
    for packet in &loaded.packets {
        feeds[packet.feed].push(packet.line, MonoNs(packet.at_ns), &packet.payload);
    }
    let gateways = config.gateways.iter().map(|_| PaperExchange::new(1)).collect();
    let origin = Origin {
        run: 1,
        now: MonoNs(0),
        utc: UnixNs(loaded.first_utc_ns),
        starts: Starts::nothing(config),
        carried: Vec::new(),
    };
    let kept = Kept::default();
    let ports = Ports { feeds, gateways };
    let sink = kept.clone();
    let mut pipeline =
        wire(config, &mut memory, &counters, ports, &time, sink, || NoRecorder, origin)
            .map_err(CliError::usage)?;
    let settle = |pipeline: &mut dyn Stage| {
        let is_idle = (0..POLLS_PER_PACKET).any(|_| pipeline.poll() == Work::Idle);
        is_idle.then_some(()).ok_or_else(|| {
            CliError::could_not_run(
                "the pipeline does not come to rest: this is a fault in the program, please \
                 report it with the capture and the configuration",
            )
        })
    };
    settle(&mut pipeline)?;
    for packet in &loaded.packets {
        let at = MonoNs(packet.at_ns);
        loop {
            let next = pipeline.desk.desk().next_deadline();
            if next >= at {
                break;
            }
            time.set(next);
            settle(&mut pipeline)?;
        }
        time.set(at);
        settle(&mut pipeline)?;
    }
    drop(pipeline);
    Ok(kept.0.take())
}

/// What traded, as the packets tell it, each packet once.
pub fn prints(loaded: &Loaded, config: &Configuration) -> Vec<Print> {
    let mut seen = BTreeSet::new();
    let mut prints = Vec::new();
    for packet in &loaded.packets {
        let feed = &config.feeds[packet.feed];
        if feed.protocol != FeedProtocol::CmeMdp3 {
            continue;
        }
        let Ok(decoded) = decode::packet(&packet.payload) else { continue };
        if !seen.insert((packet.feed, decoded.seq_no())) {
            continue;
        }
        let messages = decoded.messages().filter_map(|message| message.decode().ok());
        let trades = messages
            .filter(|message| matches!(message, Message::Trade(_) | Message::SingleTrade(_)));
        let (at, feed) = (MonoNs(packet.at_ns), StreamId(feed.stream_id.value));
        let views = trades.flat_map(|message| message.entry_views());
        prints.extend(views.filter_map(|view| Print::of_trade(at, feed, &view)));
    }
    prints
}
