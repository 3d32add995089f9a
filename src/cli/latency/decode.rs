//! How long decoding takes: packets of the capture, warm, every entry's fields looked at.

use super::host::Cores;
use super::market::Market;
use crate::cli::CliError;
use crate::clock::EngineClock;
use crate::engine::core::place;
use crate::engine::latency::Latencies;
use crate::topology::Sched;
use std::hint::black_box;
use xmc_hotpath::counter::Recorder;
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};

/// Samples taken.
const SAMPLES: usize = 20_000;
/// Entries per sample, at least: one reading of the clock is far below the work it brackets.
const ENTRIES_PER_SAMPLE: u64 = 256;

/// What decoding took.
#[derive(Debug)]
pub struct Decoding {
    /// Picoseconds per entry, one sample per some 256 entries.
    pub ps_per_entry: Latencies,
    /// Entries decoded.
    pub entries: u64,
    /// Adds up what was decoded, so that nothing can be left out.
    pub digest: u64,
}

/// Decodes the market's packets again and again on the desk's core.
pub fn measure(market: &Market, cores: Cores) -> Result<Decoding, CliError> {
    let clock = EngineClock::start();
    std::thread::scope(|scope| {
        let hot = scope.spawn(|| {
            place(cores.desk, Sched::Other).map_err(CliError::could_not_run)?;
            Ok(decode_all(market, &clock))
        });
        hot.join().expect("decoding does not panic")
    })
}

fn decode_all(market: &Market, clock: &EngineClock) -> Decoding {
    let mut found = Decoding { ps_per_entry: Latencies::new(), entries: 0, digest: 0 };
    let mut packets = market.packets.iter().cycle();
    for sample in 0..SAMPLES * 2 {
        let mut entries = 0;
        let began = clock.ticks();
        while entries < ENTRIES_PER_SAMPLE {
            let Some((_, payload)) = packets.next() else {
                return found;
            };
            let (count, digest) = decode_one(black_box(payload));
            entries += count.max(1);
            found.digest = found.digest.rotate_left(1) ^ digest;
        }
        let took = clock.span(clock.ticks().wrapping_sub(began));
        // The first half warms up.
        if sample >= SAMPLES {
            found.ps_per_entry.record(Span(took.0.saturating_mul(1000) / entries));
            found.entries += entries;
        }
    }
    found
}

/// Decodes a packet as the feed does, and looks at what it applies of every entry.
#[inline(never)]
fn decode_one(payload: &[u8]) -> (u64, u64) {
    let (mut count, mut digest) = (0, 0_u64);
    let Ok(packet) = decode::packet(payload) else {
        return (0, 0);
    };
    for framed in packet.messages() {
        match framed.decode() {
            Ok(Message::Book(update)) => {
                for entry in update.entries {
                    count += 1;
                    let price_e9 = update.scale.price_e9(entry.price).ok().flatten().unwrap_or(0);
                    digest = digest
                        .wrapping_add(price_e9.cast_unsigned())
                        .wrapping_add(u64::from(entry.size_lots.get().cast_unsigned()))
                        .wrapping_add(u64::from(entry.security_id.get().cast_unsigned()))
                        .wrapping_add(u64::from(entry.rpt_seq.get()))
                        .wrapping_add(u64::from(entry.order_count.get().cast_unsigned()))
                        .wrapping_add(u64::from(entry.level) + u64::from(entry.action))
                        .wrapping_add(u64::from(entry.kind));
                }
            }
            Ok(Message::Trade(update)) => {
                for entry in update.entries {
                    count += 1;
                    digest = digest.wrapping_add(u64::from(entry.rpt_seq.get()));
                }
            }
            Ok(Message::Volume(update)) => {
                for entry in update.entries {
                    count += 1;
                    digest = digest.wrapping_add(u64::from(entry.rpt_seq.get()));
                }
            }
            Ok(Message::SessionStatistics(update)) => {
                for entry in update.entries {
                    count += 1;
                    digest = digest.wrapping_add(u64::from(entry.rpt_seq.get()));
                }
            }
            _ => {}
        }
    }
    (count, digest)
}
