//! `xmc viewers`: looks at a running screen as browsers do, and says how old what it shows is.
//!
//! A quote's age is counted from when its packet reached the engine to when the moment that has it
//! reached this process, both by this host's clock: so it is to be run on the engine's host. A
//! browser draws it with its next frame, which is not counted. Quotes that a newer one replaced
//! before a moment was made are on no page; they are not counted either.

use super::{CliError, Exit, Report};
use crate::monitor::number;
use serde::Serialize;
use serde_json::Value;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use xmc_hotpath::time::Span;

/// A quote is to be on the page so soon after the engine saw it, 99 times of 100.
const BUDGET_NS: u64 = 100_000_000;
/// How long a viewer waits for anything.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the answer of a stream may be before its first moment.
const MOST_HEAD: usize = 16_384;

/// Look at a running screen as so many browsers do: moments a second, and how old quotes are.
///
/// URL is what an engine with --web has printed, token included; run it on the engine's host.
/// `scripts/viewers` compares an engine that is looked at with one that is not. Exit code 1 if one
/// quote of a hundred is older than 100 ms when it arrives, or a viewer was cut off.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address that was printed, `http://127.0.0.1:8480/?token=..`.
    url: String,
    /// Viewers at the same time.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    count: u16,
    /// For how long.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
}

/// What all of them saw.
#[derive(Debug, Serialize)]
struct Seen {
    viewers: u16,
    seconds: u64,
    /// Viewers whose stream ended before they did.
    cut_off: usize,
    /// Moments a second of the viewer that had the fewest.
    least_per_second: f64,
    /// Bytes that all of them were sent.
    bytes: u64,
    /// From the moment that the engine made to its arrival.
    moment_ns: Option<Quantiles>,
    /// From a quote's packet at the engine to its arrival, of quotes that were new in a moment.
    quote_ns: Option<Quantiles>,
    budget_ns: u64,
}

/// Of so many, in nanoseconds.
#[derive(Debug, Serialize)]
struct Quantiles {
    p50: u64,
    p90: u64,
    p99: u64,
    max: u64,
    count: usize,
}

impl Quantiles {
    fn of(mut all: Vec<u64>) -> Option<Self> {
        all.sort_unstable();
        let count = all.len();
        // The least that so many of a hundred are at most.
        let at = |percent: usize| all.get((count * percent).div_ceil(100).saturating_sub(1));
        Some(Self { p50: *at(50)?, p90: *at(90)?, p99: *at(99)?, max: *all.last()?, count })
    }

    fn text(&self) -> String {
        let Self { p50, p90, p99, max, count } = *self;
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(|ns| number::span(Span(ns)));
        format!("p50 {p50}, p90 {p90}, p99 {p99}, max {max} ({count})")
    }
}

/// What one of them saw.
#[derive(Debug, Default)]
struct Viewed {
    moments: u64,
    bytes: u64,
    is_cut_off: bool,
    moment_ns: Vec<u64>,
    quote_ns: Vec<u64>,
}

/// Runs the command.
///
/// # Errors
/// `Usage` of an address that is none, `CouldNotRun` if nobody answers there.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (address, token) = place(&args.url)?;
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let streams = (0..args.count).map(|_| open(address, token)).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    let viewed: Vec<Viewed> = thread::scope(|scope| {
        // One of them reads what it is told; the others take it, as a browser's network does.
        let views = streams
            .into_iter()
            .enumerate()
            .map(|(place, stream)| scope.spawn(move || view(stream, until, place == 0)));
        let views: Vec<_> = views.collect();
        let joined = views.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|viewed| viewed.unwrap_or_default()).collect()
    });
    let lasted = begun.elapsed().as_secs_f64();
    let least = viewed.iter().map(|one| one.moments).min().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let least_per_second = (least as f64 / lasted * 10.0).round() / 10.0;
    let all = |of: fn(&Viewed) -> &[u64]| viewed.iter().flat_map(of).copied().collect();
    let seen = Seen {
        viewers: args.count,
        seconds: args.seconds,
        cut_off: viewed.iter().filter(|one| one.is_cut_off).count(),
        least_per_second,
        bytes: viewed.iter().map(|one| one.bytes).sum(),
        moment_ns: Quantiles::of(all(|one| &one.moment_ns)),
        quote_ns: Quantiles::of(all(|one| &one.quote_ns)),
        budget_ns: BUDGET_NS,
    };
    if out.is_json() {
        out.json("xmc.viewers", 1, &seen)?;
    } else {
        let Seen { viewers, seconds, cut_off, bytes, .. } = seen;
        writeln!(
            out,
            "{viewers} viewers for {seconds} s: at least {least_per_second} moments a second each, \
             {bytes} bytes in all, {cut_off} cut off"
        )?;
        let none = || "none".to_owned();
        let text = |of: &Option<Quantiles>| of.as_ref().map_or_else(none, Quantiles::text);
        writeln!(out, "  moment to viewer  {}", text(&seen.moment_ns))?;
        writeln!(out, "  quote to viewer   {}, budget p99 100 ms", text(&seen.quote_ns))?;
    }
    let is_late = seen.quote_ns.is_none_or(|quote| quote.p99 > BUDGET_NS);
    Ok(if is_late || seen.cut_off > 0 { Exit::Finding } else { Exit::Ok })
}

fn place(url: &str) -> Result<(SocketAddr, &str), CliError> {
    let parts = url.strip_prefix("http://").and_then(|rest| rest.split_once("/?token="));
    let parts = parts.and_then(|(address, token)| Some((address.parse().ok()?, token)));
    parts.ok_or_else(|| {
        CliError::usage(format!(
            "{url:?} is not the address of a screen: write it as `xmc run --web` prints it, \
             http://127.0.0.1:8480/?token=.."
        ))
    })
}

/// Asks for moments; what comes back stands at the first line behind the head.
fn open(address: SocketAddr, token: &str) -> Result<BufReader<TcpStream>, CliError> {
    let failed = |error: std::io::Error| {
        CliError::could_not_run(format!("no screen answers at {address}: {error}"))
    };
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    write!(
        stream,
        "GET /api/stream HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .map_err(failed)?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while line != "\r\n" {
        line.clear();
        let read = reader.read_line(&mut line).map_err(failed)?;
        head.push_str(&line);
        if read == 0 || head.len() > MOST_HEAD {
            return Err(failed(ErrorKind::UnexpectedEof.into()));
        }
    }
    if head.split(' ').nth(1) != Some("200") {
        let mut why = String::new();
        // What it says is said on; what it does not say is not needed.
        let _ = reader.take(4_096).read_to_string(&mut why);
        let status = head.lines().next().unwrap_or_default();
        return Err(CliError::could_not_run(format!("{address} answers {status}: {why}")));
    }
    Ok(reader)
}

fn view(mut stream: BufReader<TcpStream>, until: Instant, reads: bool) -> Viewed {
    let mut viewed = Viewed::default();
    let mut before = None;
    let mut line = Vec::new();
    while Instant::now() < until {
        line.clear();
        match stream.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => {
                viewed.is_cut_off = true;
                return viewed;
            }
            Ok(read) => viewed.bytes += read as u64,
        }
        let Some(told) = line.strip_prefix(b"data: ") else { continue };
        let arrived = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        viewed.moments += 1;
        if !reads {
            continue;
        }
        let Ok(told) = serde_json::from_slice::<Value>(told) else { continue };
        let arrived_ns = u64::try_from(arrived.as_nanos()).unwrap_or(u64::MAX);
        before = viewed.take(&told, arrived_ns, before);
    }
    viewed
}

impl Viewed {
    /// Takes a moment; when it was, for the next one.
    fn take(&mut self, told: &Value, arrived_ns: u64, before: Option<u64>) -> Option<u64> {
        let made_ns = told["utc_ns"].as_u64()?;
        let on_the_way = arrived_ns.saturating_sub(made_ns);
        let Some(before) = before else { return Some(made_ns) };
        self.moment_ns.push(on_the_way);
        let since = made_ns.saturating_sub(before);
        let legs = told["pair"]["legs"].as_array();
        let ages = legs.into_iter().flatten().filter_map(|leg| leg["age_ns"].as_u64());
        let new = ages.filter(|age| *age < since);
        self.quote_ns.extend(new.map(|age| age.saturating_add(on_the_way)));
        Some(made_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Against what is counted by hand.
    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        assert!(Quantiles::of(Vec::new()).is_none());
        let all = Quantiles::of((1..=200).rev().collect()).expect("some");
        assert_eq!((all.p50, all.p90, all.p99, all.max, all.count), (100, 180, 198, 200, 200));
        let one = Quantiles::of(vec![7]).expect("one");
        assert_eq!((one.p50, one.p99, one.max), (7, 7, 7));
    }

    #[test]
    fn only_quotes_that_are_new_in_a_moment_count() {
        let mut viewed = Viewed::default();
        let moment = |utc_ns: u64, ages: [Option<u64>; 3]| {
            let legs = ages.map(|age_ns| json!({ "age_ns": age_ns }));
            json!({ "utc_ns": utc_ns, "pair": { "legs": legs } })
        };
        let first = viewed.take(&moment(1_000, [Some(1), None, None]), 1_010, None);
        assert_eq!((first, viewed.quote_ns.len()), (Some(1_000), 0));
        // Of 50 since the moment before: one is new, one was shown already, one never came.
        let second = viewed.take(&moment(1_050, [Some(20), Some(50), None]), 1_057, first);
        assert_eq!((second, &viewed.quote_ns[..]), (Some(1_050), &[27][..]));
        assert_eq!(viewed.moment_ns, [7]);
    }
}
