//! `xmc audit serve`: the same answers over HTTP, for auditors elsewhere, read-only.
//!
//! A process of its own that opens the journal's files and the index, and nothing else: no ring, no
//! control socket, no connection of its own. It answers GET alone, asks for a token, and speaks TLS
//! unless it is reached from this host only. One thread takes a bounded number of connections, one
//! after the other, each with a deadline.

mod answer;
mod request;

use super::query::indexed;
use crate::cli::{CliError, Exit, Report};
use crate::config::SecretSource;
use crate::interrupt;
use crate::secret::Secret;
use answer::Answers;
use request::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection may take, all in all.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two looks whether somebody came or the end was asked for.
const NAP: Duration = Duration::from_millis(20);

/// Answer outside auditors over HTTP: receipts, stories of orders, days. Read-only.
///
/// GET /v1/journal, /v1/receipts?pair=..&after=..&limit=.., /v1/orders/ID and
/// /v1/days/2026-11-21?zone=8, each with `Authorization: Bearer TOKEN`; answers are JSON. Runs
/// until it is interrupted. Without --tls-cert it listens on this host only: anything else is
/// refused with exit code 4.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The journal's directory.
    path: PathBuf,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8470")]
    listen: SocketAddr,
    /// The file with the token, which its owner alone may read.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The certificate and those above it, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM, which its owner alone may read.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The index's file; by default `index.redb` beside the journal. It is kept open.
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// `Refused` of an address that others reach without TLS, `CouldNotRun` if a file cannot be read or
/// the address not be had.
pub fn run(args: &ServeArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let tls = tls(args)?;
    if tls.is_none() && !args.listen.ip().is_loopback() {
        return Err(CliError::refused(format!(
            "{} is reached from other hosts, and the token would go there in the clear: give \
             --tls-cert and --tls-key, or listen on 127.0.0.1",
            args.listen
        )));
    }
    let token = Secret::read(&SecretSource::File(args.token_file.clone()))
        .map_err(CliError::could_not_run)?;
    let (index, updated) = indexed(&args.path, args.index.as_deref(), None)?;
    let failed = |error: io::Error| {
        CliError::could_not_run(format!("cannot listen on {}: {error}", args.listen))
    };
    let listener = TcpListener::bind(args.listen).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}/v1/journal");
    match out.is_json() {
        true => {
            let told = json!({ "url": url, "records": updated.records });
            out.json("xmc.audit.serve", 1, &told)?;
        }
        false => writeln!(out, "{url}: {} records, read-only", updated.records)?,
    }
    out.flush()?;
    let answers = Answers { path: args.path.clone(), index, token };
    interrupt::watch();
    while !interrupt::is_asked() {
        match listener.accept() {
            // One that hangs or lies costs its deadline, and nobody else anything but time.
            Ok((stream, _)) => {
                let _ = serve(stream, tls.as_ref(), &answers);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(NAP),
            Err(_) => std::thread::sleep(NAP),
        }
    }
    Ok(Exit::Ok)
}

fn tls(args: &ServeArgs) -> Result<Option<Arc<ServerConfig>>, CliError> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let wrong = |path: &PathBuf, error: &dyn std::fmt::Display| {
        CliError::could_not_run(format!("{}: {error}", path.display()))
    };
    let mode = std::fs::metadata(key).map_err(|error| wrong(key, &error))?.mode();
    if mode & 0o077 != 0 {
        return Err(wrong(key, &"is open to others: let its owner alone read it (chmod 600)"));
    }
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(certificate, &error))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| wrong(certificate, &error))?;
    Ok(Some(Arc::new(config)))
}

fn serve(stream: TcpStream, tls: Option<&Arc<ServerConfig>>, answers: &Answers) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let mut stream = Deadlined { stream, until: Instant::now() + DEADLINE };
    match tls {
        None => exchange(&mut stream, answers),
        Some(config) => {
            let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            let mut secure = StreamOwned::new(connection, stream);
            exchange(&mut secure, answers)?;
            secure.conn.send_close_notify();
            secure.flush()
        }
    }
}

fn exchange(stream: &mut (impl Read + Write), answers: &Answers) -> io::Result<()> {
    let (status, body) = match Request::read(stream)? {
        Ok(request) => answers.answer(&request),
        Err(status) => (status, answer::error(status, "see `xmc audit serve --help`")),
    };
    let reason = answer::reason(status);
    let length = body.len();
    let challenge = if status == 401 { "WWW-Authenticate: Bearer\r\n" } else { "" };
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: \
         {length}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'\r\n{challenge}Connection: close\r\n\r\n"
    )?;
    stream.write_all(&body)?;
    stream.flush()
}

/// A stream that is over when its time is, however slowly it drips.
struct Deadlined {
    stream: TcpStream,
    until: Instant,
}

impl Deadlined {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Deadlined {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(bytes)
    }
}

impl Write for Deadlined {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
