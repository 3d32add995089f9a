//! `xmc govern attach`: what a proposed configuration came to in a backtest, and on which data.

use super::{Signing, appended, governed, of, proposal_of};
use crate::audit;
use crate::cli::backtest::{capture, is_journal};
use crate::cli::replay::capture::{Loaded, load};
use crate::cli::{CliError, Exit, Report};
use crate::config::{Configuration, FeedProtocol};
use crate::engine::recording::Segments;
use crate::governance::entry::{Evidence, PairResult, Sample, What};
use crate::governance::lineage::{self, Lineage, Quality};
use crate::hex;
use crate::sim::backtest::source::Source;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use xmc_hotpath::venue::cme::mdp3::decode;

/// Attach backtests and the lineage of their data to a proposed configuration.
///
/// A report is what `xmc backtest .. --config CONFIG --json` wrote. One that was split has both
/// periods; else one of the days that settings were chosen on and one of days after those. The data
/// are looked at again: their digests must be those that the reports name, and how good they are is
/// counted. Evidence comes before the first approval.
#[derive(Debug, clap::Args)]
pub struct AttachArgs {
    /// The configuration as it was proposed.
    config: PathBuf,
    /// A report of a backtest with --split.
    #[arg(long, value_name = "FILE", required_unless_present_all = ["in_sample", "out_of_sample"],
          conflicts_with_all = ["in_sample", "out_of_sample"])]
    report: Option<PathBuf>,
    /// A report of the days that settings were chosen on, without --split.
    #[arg(long, value_name = "FILE", requires = "out_of_sample")]
    in_sample: Option<PathBuf>,
    /// A report of the days that tell, without --split.
    #[arg(long, value_name = "FILE", requires = "in_sample")]
    out_of_sample: Option<PathBuf>,
    /// What the reports were played on: a journal or a capture; may be repeated.
    #[arg(long, value_name = "PATH", required = true)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

/// What is read of a report; the rest is known by the digest of its file.
#[derive(Debug, Deserialize)]
struct Backtest {
    schema: String,
    version: u32,
    commit: String,
    command: String,
    config_digest: Option<String>,
    source_digest: Option<String>,
    begin_utc_ns: Option<u64>,
    split_utc_ns: Option<u64>,
    end_utc_ns: Option<u64>,
    seed: u64,
    pairs: Vec<Pair>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    name: String,
    currency: String,
    all: Counts,
    in_sample: Option<Counts>,
    out_of_sample: Option<Counts>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Counts {
    fires: u64,
    profit_e9: i128,
    drawdown_e9: i128,
}

/// Which part of a report.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    InSample,
    OutOfSample,
}

pub fn run(args: &AttachArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, register) = governed(&args.config)?;
    let register = register.sound().map_err(of)?;
    let case = proposal_of(&config, &register, &args.config)?;
    let read = |path: &PathBuf, part| sample(path, part, &config.digest());
    let (in_sample, out_of_sample) = match (&args.report, &args.in_sample, &args.out_of_sample) {
        (Some(path), ..) => (read(path, Part::InSample)?, read(path, Part::OutOfSample)?),
        (None, Some(one), Some(other)) => (read(one, Part::Whole)?, read(other, Part::Whole)?),
        _ => return Err(CliError::usage("give --report, or --in-sample and --out-of-sample")),
    };
    let lineage = args.data.iter().map(|path| lineage_of(path, &config));
    let lineage = lineage.collect::<Result<Vec<_>, CliError>>()?;
    let mut words = format!(
        "evidence for version {} (entry {}), configuration {}\n",
        case.proposal.version, case.entry, case.proposal.configuration
    );
    let evidence = Evidence {
        proposal: case.entry,
        configuration: case.proposal.configuration.clone(),
        in_sample,
        out_of_sample,
        lineage,
    };
    words.push_str(&super::show::evidence_text(register.fold.count() + 1, &evidence));
    let what = What::Evidence(evidence);
    let register = args.signing.append(&register, |_| what.clone(), &words, out)?;
    appended(&register, out)
}

/// What a report says of a part of its time, if it is of that configuration.
fn sample(path: &Path, part: Part, configuration: &str) -> Result<Sample, CliError> {
    let wrong = |why: String| CliError::usage(format!("{}: {why}", path.display()));
    let bytes = fs::read(path)
        .map_err(|error| CliError::could_not_run(format!("{}: {error}", path.display())))?;
    let read: Backtest = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("no report of `xmc backtest --json`: {error}")))?;
    if (read.schema.as_str(), read.version) != ("xmc.backtest", 1) {
        let (schema, version) = (&read.schema, read.version);
        return Err(wrong(format!("{schema} version {version}, and xmc.backtest 1 is read")));
    }
    if read.config_digest.as_deref() != Some(configuration) {
        let found = read.config_digest.as_deref().unwrap_or("no configuration");
        return Err(CliError::refused(format!(
            "refused (other_digest): {} is a backtest of {found}, and the proposal is of \
             {configuration}: run `xmc backtest` with --config and that file",
            path.display()
        )));
    }
    let unknown = || wrong("nobody knows when its market was, or on which data".to_owned());
    let (begin_ns, end_ns) = (read.begin_utc_ns, read.end_utc_ns);
    let (from_ns, until_ns) = match part {
        Part::Whole if read.split_utc_ns.is_some() => {
            return Err(wrong("it is split: give it as --report, or play it whole".to_owned()));
        }
        Part::Whole => (begin_ns, end_ns),
        Part::InSample | Part::OutOfSample if read.split_utc_ns.is_none() => {
            return Err(wrong("it is not split: play it with --split TIME|SHARE".to_owned()));
        }
        Part::InSample => (begin_ns, read.split_utc_ns),
        Part::OutOfSample => (read.split_utc_ns, end_ns),
    };
    let pairs = read.pairs.into_iter().map(|pair| {
        let counts = match part {
            Part::Whole => Some(pair.all),
            Part::InSample => pair.in_sample,
            Part::OutOfSample => pair.out_of_sample,
        };
        let counts = counts.ok_or_else(unknown)?;
        Ok(PairResult {
            name: pair.name,
            currency: pair.currency,
            fires: counts.fires,
            profit_e9: counts.profit_e9,
            drawdown_e9: counts.drawdown_e9,
        })
    });
    let pairs = pairs.collect::<Result<Vec<_>, CliError>>()?;
    Ok(Sample {
        report: hex::show(&Sha256::digest(&bytes)),
        command: read.command,
        commit: read.commit,
        seed: read.seed,
        from_ns: from_ns.ok_or_else(unknown)?,
        until_ns: until_ns.ok_or_else(unknown)?,
        source: read.source_digest.ok_or_else(unknown)?,
        pairs,
    })
}

/// Where data came from and how good they are.
fn lineage_of(path: &Path, config: &Configuration) -> Result<Lineage, CliError> {
    let unreadable =
        |error| CliError::could_not_run(format!("cannot read {}: {error}", path.display()));
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let (digest, files) = lineage::digest(path).map_err(unreadable)?;
    let mut quality = Quality::default();
    let (kind, span, venues) = if is_journal(path)? {
        let audited = audit::verify(path).map_err(CliError::could_not_run)?;
        if audited.finding.is_some() {
            return Err(CliError::refused(format!(
                "the journal is not whole: run `xmc audit verify {}` for the place",
                path.display()
            )));
        }
        let segments = Segments::open(path).map_err(unreadable)?;
        let market = Source::of_blocks(segments.payloads()).map_err(CliError::could_not_run)?;
        let streams = quality.count(&market).map_err(CliError::could_not_run)?;
        ("journal", lineage::span_ns(&market), lineage::venues(config, &streams))
    } else {
        let loaded = load(path, config)?;
        quality.packets = Some(loaded.packets.len() as u64);
        quality.decode_errors = decode_errors(&loaded, config);
        quality.damage = loaded.damage.clone();
        let tape = capture::record(&loaded, config)?;
        let market = Source::of_blocks([&tape[..]]).map_err(CliError::could_not_run)?;
        let streams = quality.count(&market).map_err(CliError::could_not_run)?;
        ("capture", lineage::span_ns(&market), lineage::venues(config, &streams))
    };
    let [from_ns, until_ns] = span.unwrap_or_default();
    let kind = kind.to_owned();
    Ok(Lineage { name, kind, digest, files, venues, from_ns, until_ns, quality })
}

/// Packets of a capture, and messages in them, that do not decode; `None` if it has packets that
/// are none of CME's, which this does not decode.
fn decode_errors(loaded: &Loaded, config: &Configuration) -> Option<u64> {
    let mut errors = 0;
    for packet in &loaded.packets {
        if config.feeds[packet.feed].protocol != FeedProtocol::CmeMdp3 {
            return None;
        }
        errors += match decode::packet(&packet.payload) {
            Err(_) => 1,
            Ok(packet) => {
                packet.messages().filter(|message| message.decode().is_err()).count() as u64
            }
        };
    }
    Some(errors)
}
