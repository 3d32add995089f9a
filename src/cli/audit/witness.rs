//! `xmc audit witness`: keeps the checkpoints of engines elsewhere, and signs what it saw.

use crate::audit::key::{self, KeyFileError};
use crate::audit::note::Purpose;
use crate::audit::witness::keep::Kept;
use crate::audit::witness::serve::Server;
use crate::cli::{CliError, Exit, Report};
use crate::config::SecretSource;
use crate::interrupt;
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Keep the checkpoints of engines on other machines, and sign what was seen, with the time.
///
/// Speaks C2SP `tlog-witness` over HTTP (`POST …/add-checkpoint`), until Ctrl-C. A checkpoint that
/// does not follow the one before is refused: a journal that was cut off or changed is found out
/// within its interval. What is kept is the file that `xmc audit verify --witness` reads. Run it
/// where the engine's operators cannot write.
#[derive(Debug, clap::Args)]
pub struct WitnessArgs {
    /// Where it listens, as in `0.0.0.0:7443`.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The file of its own key (`xmc audit keygen --witness`).
    #[arg(long, value_name = "FILE")]
    own_key: PathBuf,
    /// The key of a log that is kept (`NAME+ID+BASE64`, or its file).
    #[arg(long, value_name = "KEY", required = true)]
    log: Vec<String>,
    /// The file to which checkpoints are appended; it should end with `.checkpoints`.
    #[arg(long, value_name = "FILE")]
    keep: PathBuf,
}

pub fn run(args: &WitnessArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    interrupt::watch();
    let own = key::read(&SecretSource::File(args.own_key.clone()), Purpose::Witness);
    let own = own.map_err(CliError::could_not_run)?;
    let logs = args.log.iter().map(|text| key::public(text, Purpose::Log));
    let logs: Result<Vec<_>, KeyFileError> = logs.collect();
    let logs = logs.map_err(CliError::usage)?;
    let in_file =
        |error| CliError::could_not_run(format!("cannot keep in {}: {error}", args.keep.display()));
    let public = own.verifier();
    let kept = Kept::open(&args.keep, Some(own)).map_err(in_file)?;
    let on_socket =
        |error| CliError::could_not_run(format!("cannot listen on {}: {error}", args.listen));
    let mut server = Server::bind(args.listen, kept, logs).map_err(on_socket)?;
    let address = server.address().map_err(on_socket)?;
    let url = format!("http://{address}/");
    if out.is_json() {
        let told = json!({ "url": url, "keeps_in": args.keep, "key": public.to_string() });
        out.json("xmc.audit.witness", 1, &told)?;
    } else {
        writeln!(out, "{url} keeps in {}", args.keep.display())?;
        writeln!(out, "{public}")?;
    }
    out.flush()?;
    server.run(interrupt::is_asked).map_err(on_socket)?;
    Ok(Exit::Ok)
}
