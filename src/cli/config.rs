//! `xmc config`: what an exchange publishes about its channels, as configuration of this engine.
//!
//! It prints and writes nothing else. What the engine has no key for is printed as a comment, so
//! that nothing of the exchange's file is lost.

use super::plan::table::Align::{Left, Right};
use super::plan::table::Table;
use super::{CliError, Exit, Report};
use crate::port::interface::InterfaceChoice;
use crate::venue::cme::channels::{self, Carried, Channel, Channels, Connection, FeedKind};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use xmc_hotpath::port::Line;

/// Turn an exchange's own channel configuration into feed sections.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    of: Of,
}

/// Whose file it is.
#[derive(Debug, clap::Subcommand)]
enum Of {
    Cme(Cme),
}

/// CME's config.xml: all channels in a table, or those asked for as [[feed]] sections.
///
/// Exit code 3 if the file is not what it should be, or has no such channel.
#[derive(Debug, clap::Args)]
struct Cme {
    /// The exchange's config.xml.
    file: PathBuf,
    /// A channel to print, as often as wanted; without it, a table of all.
    #[arg(long, value_name = "ID")]
    channel: Vec<u16>,
    /// The [[venue]] that the feeds are of.
    #[arg(long, value_name = "NAME", default_value = "cme")]
    venue: String,
    /// Where line A arrives: the name or address of a network interface.
    #[arg(long, value_name = "INTERFACE")]
    interface_a: Option<InterfaceChoice>,
    /// Where line B arrives.
    #[arg(long, value_name = "INTERFACE")]
    interface_b: Option<InterfaceChoice>,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if the file cannot be read, `Usage` if it is wrong or has no such channel.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Of::Cme(args) = &args.of;
    let all = read(&args.file)?;
    let wanted = args.channel.iter().map(|id| {
        all.channels.iter().find(|channel| channel.id == *id).ok_or_else(|| {
            let known: Vec<_> = all.channels.iter().map(|known| known.id.to_string()).collect();
            let (file, known) = (args.file.display(), known.join(", "));
            CliError::usage(format!("{file} has no channel {id}; it has {known}"))
        })
    });
    let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
    if out.is_json() {
        let shown = if wanted.is_empty() { all.channels.iter().collect() } else { wanted };
        out.json("xmc.config.cme", 1, &as_json(&all, &shown))?;
    } else if wanted.is_empty() {
        table(&all, out)?;
    } else {
        writeln!(out, "# {}, as of {}.", all.environment, all.updated)?;
        wanted.iter().try_for_each(|channel| feed(channel, args, out))?;
    }
    Ok(Exit::Ok)
}

fn read(path: &Path) -> Result<Channels, CliError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::could_not_run(format!("cannot read {shown}: {error}")))?;
    channels::read(&text).map_err(|error| CliError::usage(format!("{shown}: {error}")))
}

fn table(all: &Channels, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}, as of {}", all.environment, all.updated)?;
    let columns = [
        ("id", Right),
        ("label", Left),
        ("products", Right),
        ("line A", Left),
        ("line B", Left),
        ("feeds", Right),
    ];
    let mut table = Table::new("CHANNELS", &columns);
    for channel in &all.channels {
        let group = |side| {
            let one = channel.connection(&FeedKind::Incremental, side);
            one.map_or_else(String::new, address)
        };
        let mut products: Vec<_> = channel.products.iter().map(|one| &one.code).collect();
        products.sort();
        products.dedup();
        table.row([
            channel.id.to_string(),
            channel.label.clone(),
            products.len().to_string(),
            group(Line::A),
            group(Line::B),
            channel.connections.len().to_string(),
        ]);
    }
    table.write(out)
}

fn address(connection: &Connection) -> String {
    match connection.carried {
        Carried::Group(group) => group.to_string(),
        Carried::Stream(port) => {
            let hosts: Vec<_> =
                connection.hosts.iter().map(|host| format!("{host}:{port}")).collect();
            hosts.join(", ")
        }
    }
}

/// Kinds that a [[feed]] has keys for, with the key without its line.
const KEYS: [(FeedKind, &str); 3] = [
    (FeedKind::Incremental, "line"),
    (FeedKind::Definitions, "definitions"),
    (FeedKind::Snapshot, "snapshots"),
];

/// One section, ready to be included.
fn feed(channel: &Channel, args: &Cme, out: &mut impl Write) -> io::Result<()> {
    let id = channel.id;
    writeln!(out, "\n# {}", channel.label)?;
    writeln!(out, "[[feed]]\nname = \"cme_{id}\"\nvenue = {:?}", args.venue)?;
    writeln!(out, "protocol = \"cme/mdp3\"\nstream_id = {id}\nchannel_id = {id}")?;
    for (kind, key) in &KEYS {
        for (side, letter, interface) in
            [(Line::A, 'a', &args.interface_a), (Line::B, 'b', &args.interface_b)]
        {
            let Some(connection) = channel.connection(kind, side) else {
                continue;
            };
            let Carried::Group(group) = connection.carried else {
                continue;
            };
            let (ip, port) = (group.ip(), group.port());
            let interface = interface.as_ref().map(|one| format!(", interface = \"{one}\""));
            let interface = interface.unwrap_or_default();
            writeln!(out, "# {} sent by {}", connection.id, senders(connection))?;
            writeln!(out, "{key}_{letter} = {{ group = \"{ip}\", port = {port}{interface} }}")?;
        }
    }
    // Values for a network that is well: a packet more than 64 early or 1 ms late is lost.
    writeln!(out, "reorder_packets = 64\nreorder_ns = 1_000_000\nstale_after_ms = 60_000")?;
    writeln!(out, "join = \"recover\"")?;
    let is_used = |one: &&Connection| {
        KEYS.iter().any(|(kind, _)| *kind == one.kind) && matches!(one.carried, Carried::Group(_))
    };
    for unused in channel.connections.iter().filter(|one| !is_used(one)) {
        let side = unused.side.letter();
        writeln!(
            out,
            "# not read: {} {}, line {side}: {}",
            unused.id,
            unused.kind,
            address(unused)
        )?;
    }
    Ok(())
}

fn senders(connection: &Connection) -> String {
    let hosts: Vec<_> = connection.hosts.iter().map(ToString::to_string).collect();
    if hosts.is_empty() { "nobody who is named".to_owned() } else { hosts.join(" or ") }
}

fn as_json(all: &Channels, channels: &[&Channel]) -> Value {
    let connection = |one: &Connection| {
        json!({
            "id": one.id,
            "kind": one.kind.to_string(),
            "line": one.side.letter().to_string(),
            "group": match one.carried {
                Carried::Group(group) => Some(group.to_string()),
                Carried::Stream(_) => None,
            },
            "port": match one.carried {
                Carried::Group(group) => group.port(),
                Carried::Stream(port) => port,
            },
            "hosts": one.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let channel = |channel: &&Channel| {
        let products = channel.products.iter();
        json!({
            "id": channel.id,
            "label": channel.label,
            "products": products
                .map(|one| json!({ "code": one.code, "group": one.group }))
                .collect::<Vec<_>>(),
            "connections": channel.connections.iter().map(connection).collect::<Vec<_>>(),
        })
    };
    json!({
        "environment": all.environment,
        "updated": all.updated,
        "channels": channels.iter().map(channel).collect::<Vec<_>>(),
    })
}
