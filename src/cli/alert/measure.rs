//! `xmc alert measure`: how long it takes from an event in the record to the local log and to a
//! webhook on this host, under a running engine.
//!
//! The engine of the demonstration trades between its simulated venues, and each of its fires is an
//! alert (`XMC-A130`). The time runs from the moment that the desk's clock took the input that
//! fired, in UTC, to the moment that another thread has read the line in the log, or has read the
//! whole request of the webhook. Alerts are found, kept in the outbox and sent by the same parts as
//! in earnest. What the network and the receiver of a real webhook take is not in it.
//!
//! Where this machine cannot run the topology as it is, threads are not pinned, and the hot core
//! gives way between its polls: how long it then waits to write its record is in the time.

use crate::alert::message::now_ns;
use crate::alert::rule::{Rule, Severity};
use crate::alert::{self, sink};
use crate::cli::demo::{self, Topology};
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::trade::{self, Show, Wanted};
use crate::cli::{CliError, Exit, Report};
use crate::config::{AlertSink, AlertSinkKind, Alerts, SecretSource};
use crate::monitor::Lang;
use crate::venue::simulated::{self, Venues};
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two looks into the log.
const LOOK: Duration = Duration::from_micros(200);
/// Between two looks for a connection.
const NAP: Duration = Duration::from_millis(2);
/// A connection that says nothing for so long has ended.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is aimed at, ms at the 99th percentile: log, webhook.
const AIMS_MS: [f64; 2] = [10.0, 100.0];

/// Measure how long it takes from an event to the local log and to a webhook on this host.
///
/// Runs the engine of `xmc demo` for some seconds, with an alert for each of its fires. Exit code 1
/// if either took longer than is aimed at (p99: 10 ms to the log, 100 ms to the webhook).
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    /// How long it runs.
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// What the simulated world follows from.
    #[arg(long, value_name = "SEED", default_value_t = 42)]
    seed: u64,
    /// Where the record goes, which must not be there yet; it stays. By default a folder below the
    /// system's temporary one that goes again.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// When something arrived: its identity, from when, until when.
type Arrivals = Mutex<Vec<(u64, u64)>>;

pub fn run(args: &MeasureArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let record = args.record.clone();
    let directory = record.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("xmc-alert-{}-{}", std::process::id(), now_ns()))
    });
    fs::create_dir(&directory).map_err(CliError::could_not_run)?;
    let measured = measure(args, &directory);
    if record.is_none() {
        let _ = fs::remove_dir_all(&directory);
    }
    let [log, webhook] = measured?;
    let rows = [("log", &log, AIMS_MS[0]), ("webhook", &webhook, AIMS_MS[1])];
    let ms =
        |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
    let is_met = |(_, histogram, aim): &(&str, &Histogram<u64>, f64)| {
        !histogram.is_empty() && ms(histogram, 0.99) <= *aim
    };
    if out.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let (sink, histogram, aim) = row;
                json!({
                    "sink": sink, "count": histogram.len(), "p50_ms": ms(histogram, 0.5),
                    "p99_ms": ms(histogram, 0.99), "max_ms": ms(histogram, 1.0),
                    "aim_p99_ms": aim, "is_met": is_met(row),
                })
            })
            .collect();
        let body = json!({ "seconds": args.seconds, "seed": args.seed, "sinks": rows });
        out.json("xmc.alert.measure", 1, &body)?;
    } else {
        let columns = [
            ("sink", Left),
            ("alerts", Right),
            ("p50 ms", Right),
            ("p99 ms", Right),
            ("max ms", Right),
            ("aim p99 ms", Right),
        ];
        let mut table = Table::new("EVENT TO SINK (simulated venues, loopback)", &columns);
        for (sink, histogram, aim) in rows {
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| ms(histogram, quantile));
            table.row([
                sink.to_owned(),
                histogram.len().to_string(),
                format!("{p50:.3}"),
                format!("{p99:.3}"),
                format!("{max:.3}"),
                format!("{aim}"),
            ]);
        }
        table.write(out)?;
    }
    Ok(if rows.iter().all(is_met) { Exit::Ok } else { Exit::Finding })
}

/// Runs the engine and its receivers: how long it took to the log and to the webhook.
fn measure(args: &MeasureArgs, directory: &Path) -> Result<[Histogram<u64>; 2], CliError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(CliError::could_not_run)?;
    listener.set_nonblocking(true).map_err(CliError::could_not_run)?;
    let address = listener.local_addr().map_err(CliError::could_not_run)?;
    let url = directory.join("webhook.url");
    write_secret(&url, &format!("http://{address}/alerts")).map_err(CliError::could_not_run)?;
    let mut config = demo::configuration(Topology::OneCore)?;
    config.alerts = Some(alerts(SecretSource::File(url)));
    let venues = Venues::open(&config, args.seed, None).map_err(CliError::could_not_run)?;
    venues.address(&mut config);
    let secret = |row: usize| simulated::secret(&config, row);
    let wanted = Wanted {
        config: &config,
        directory,
        secret: &secret,
        show: Show { lang: Some(Lang::En), plain: true, ascii: true, ..Show::default() },
        seconds: Some(args.seconds),
        is_pinned: demo::has_cores(&config),
        goes_on: false,
        held: Vec::new(),
    };
    let log = alert::directory(directory).join(sink::LOG);
    let (is_over, logged, posted) =
        (AtomicBool::new(false), Arrivals::default(), Arrivals::default());
    let traded = std::thread::scope(|scope| {
        scope.spawn(|| follow(&log, &is_over, &logged));
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        scope.spawn(|| serve(stream, &is_over, &posted));
                    }
                    Err(_) => std::thread::sleep(NAP),
                }
            }
        });
        let mut silent = Report::new(io::sink(), true);
        let traded = trade::trade(&wanted, &mut silent, || Ok(None));
        is_over.store(true, Ordering::Relaxed);
        traded
    });
    traded?;
    venues.stop().map_err(CliError::could_not_run)?;
    [logged, posted].map(histogram).into_iter().collect::<Result<Vec<_>, _>>().and_then(|both| {
        <[_; 2]>::try_from(both).map_err(|_| CliError::could_not_run("there are two sinks"))
    })
}

fn alerts(url: SecretSource) -> Alerts {
    let sink = |name: &str, kind| AlertSink {
        name: name.to_owned(),
        kind,
        least: Severity::Info,
        after_s: 0,
        group_ms: 0,
        per_minute: 60_000,
        timeout_ms: 5_000,
        heartbeat_s: 0,
        proxy: None,
    };
    Alerts {
        tongue: crate::alert::message::Tongue::Both,
        repeat_s: 3_600,
        quiet_s: 600,
        outbox: 100_000,
        severities: [(Rule::Fired, Some(Severity::Page))].into(),
        limits: Default::default(),
        sinks: vec![
            sink("log", AlertSinkKind::Log { path: None }),
            sink("webhook", AlertSinkKind::Webhook { url, secret: None }),
        ],
    }
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Notes when lines of the log can be read by another thread.
fn follow(path: &Path, is_over: &AtomicBool, arrivals: &Arrivals) {
    let mut file: Option<BufReader<File>> = None;
    let mut line = String::new();
    loop {
        // Before reading: what was written until then is read.
        let was_over = is_over.load(Ordering::Relaxed);
        if file.is_none() {
            file = File::open(path).ok().map(BufReader::new);
        }
        let read = file.as_mut().map_or(0, |file| file.read_line(&mut line).unwrap_or(0));
        if line.ends_with('\n') {
            note(&serde_json::from_str(&line).unwrap_or_default(), arrivals);
            line.clear();
        } else if read == 0 && was_over {
            return;
        } else if read == 0 {
            std::thread::sleep(LOOK);
        }
    }
}

/// Answers requests of one connection, and notes when each was read whole.
fn serve(stream: TcpStream, is_over: &AtomicBool, arrivals: &Arrivals) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let Ok(mut answers) = stream.try_clone() else { return };
    let mut requests = BufReader::new(stream);
    while !is_over.load(Ordering::Relaxed) {
        let Ok(body) = request(&mut requests) else { return };
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        for item in message["alerts"].as_array().into_iter().flatten() {
            note(item, arrivals);
        }
        if answers.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// The body of a request.
fn request(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            _ if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn note(item: &Value, arrivals: &Arrivals) {
    let at_ns = now_ns();
    if item["code"].as_str() != Some(Rule::Fired.code()) {
        return;
    }
    let first = item["first"].as_str().and_then(|first| first.parse::<Timestamp>().ok());
    let first_ns = first.and_then(|first| u64::try_from(first.as_nanosecond()).ok());
    if let (Some(first_ns), Ok(mut arrivals)) = (first_ns, arrivals.lock()) {
        arrivals.push((first_ns, at_ns));
    }
}

fn histogram(arrivals: Arrivals) -> Result<Histogram<u64>, CliError> {
    let mut histogram = Histogram::new(3).map_err(CliError::could_not_run)?;
    for (from, until) in arrivals.into_inner().unwrap_or_default() {
        let took = until.saturating_sub(from);
        histogram.record(took).map_err(CliError::could_not_run)?;
    }
    Ok(histogram)
}
