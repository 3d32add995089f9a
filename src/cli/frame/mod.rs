//! `xmc frame`: bytes of a wire as fields, and fields as bytes.
//!
//! For people who compare what they see with what an exchange documents, and for programs that
//! check this one against another. Nothing is sent; secrets that a frame holds are shown as they
//! are, so give it no logon of a real session.

mod mdp3;
mod smdp;

use super::{CliError, Exit, Report};
use crate::hex;
use crate::venue::cme::ilink3::plain;
use crate::venue::esunny::dstar::plain as dstar;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

/// Show frames as fields in JSON, or write them from fields.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Decode(DecodeArgs),
    Encode(EncodeArgs),
    List(ListArgs),
}

/// Frames as JSON: one object a line.
///
/// A frame is hexadecimal digits, spaces allowed; without any on the command line they are read
/// from standard input, one a line, also as the "hex" of a JSON object. Exit code 1 if one cannot
/// be read: the reason stands in its place.
#[derive(Debug, clap::Args)]
struct DecodeArgs {
    /// What they are written in.
    protocol: Protocol,
    /// The bytes of a frame, as often as wanted.
    hex: Vec<String>,
}

/// Whose frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Protocol {
    /// CME iLink 3: order entry over TCP.
    Ilink3,
    /// Esunny DSTAR: order datagrams to a counter.
    Dstar,
    /// CME MDP 3.0: a packet of market data.
    Mdp3,
    /// SHFE and INE SMDP: a MIRP datagram of market data.
    Smdp,
}

/// Bytes from fields: JSON objects, one a line, as frames in hexadecimal.
///
/// {"template": 516, "fields": {"orderID": 7, ..}} of iLink 3, as `decode` tells it: prices are
/// `price.mantissa` in units of 1e-9 (or `price` in decimals), codes `Buy:1` or a number, groups an
/// array of objects; optional fields may be left out. {"message": "insert", "version": 3,
/// "fields": {..}} of DSTAR. Exit code 1 if an object cannot be written, or has a "hex" that
/// differs.
#[derive(Debug, clap::Args)]
struct EncodeArgs {
    /// What to write.
    protocol: Written,
    /// The file of JSON lines; by default standard input.
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Written {
    /// CME iLink 3, schema version 9.
    Ilink3,
    /// Esunny DSTAR, version 2 or 3.
    Dstar,
}

/// The messages that can be written and read, with their fields.
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Of what.
    protocol: Listed,
    /// Only this message: its number or its name.
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Listed {
    /// CME iLink 3.
    Ilink3,
}

/// Runs the command.
///
/// # Errors
/// `CouldNotRun` if a file cannot be read, `Usage` if there is no such message, `Output` if the
/// report cannot be written.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.action {
        Action::Decode(args) => decode(args, out),
        Action::Encode(args) => encode(args, out),
        Action::List(args) => list(args, out),
    }
}

fn decode(args: &DecodeArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let mut is_sound = true;
    let mut one = |text: &str| -> Result<(), CliError> {
        let told = bytes(text).and_then(|bytes| told(args.protocol, &bytes));
        is_sound &= told.is_ok();
        for told in told.unwrap_or_else(|why| vec![json!({ "error": why }).to_string()]) {
            writeln!(out, "{told}")?;
        }
        Ok(())
    };
    if args.hex.is_empty() {
        lines(None, |line| one(line))?;
    } else {
        args.hex.iter().try_for_each(|hex| one(hex))?;
    }
    Ok(if is_sound { Exit::Ok } else { Exit::Finding })
}

/// A line's bytes: digits, or the `hex` of an object.
fn bytes(line: &str) -> Result<Vec<u8>, String> {
    let object: Option<Value> = serde_json::from_str(line).ok().filter(Value::is_object);
    let digits = match &object {
        Some(object) => object["hex"].as_str().ok_or("the object has no \"hex\"")?,
        None => line,
    };
    let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = digits.strip_prefix("0x").unwrap_or(&digits);
    hex::read(digits).ok_or_else(|| "not an even number of hexadecimal digits".to_owned())
}

/// What bytes say, an object a line.
fn told(protocol: Protocol, bytes: &[u8]) -> Result<Vec<String>, String> {
    let values = match protocol {
        Protocol::Ilink3 => return ilink3(bytes),
        Protocol::Dstar => dstar::read(bytes).map_err(|error| error.to_string())?,
        Protocol::Mdp3 => vec![mdp3::read(bytes)?],
        Protocol::Smdp => vec![smdp::read(bytes)?],
    };
    Ok(values.iter().map(Value::to_string).collect())
}

/// The frames of a stream, one after the other.
fn ilink3(mut bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    while !bytes.is_empty() || told.is_empty() {
        let (frame, rest) = plain::read(bytes).map_err(|error| error.to_string())?;
        told.push(serde_json::to_string(&frame).map_err(|error| error.to_string())?);
        bytes = rest;
    }
    Ok(told)
}

fn encode(args: &EncodeArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let mut is_sound = true;
    let mut number = 0_u64;
    lines(args.file.as_ref(), |line| {
        number += 1;
        let written = written(args.protocol, line);
        is_sound &= written.is_ok();
        match written {
            Ok(hex) if out.is_json() => {
                let body = json!({ "line": number, "length": hex.len() / 2, "hex": hex });
                out.json("xmc.frame.encode", 1, &body)?;
            }
            Ok(hex) => writeln!(out, "{hex}")?,
            Err(why) if out.is_json() => {
                out.json("xmc.frame.encode", 1, &json!({ "line": number, "error": why }))?;
            }
            Err(why) => {
                // A line for a line: what stands on stdout stays beside what it is of.
                writeln!(out)?;
                eprintln!("line {number}: {why}");
            }
        }
        Ok(())
    })?;
    Ok(if is_sound { Exit::Ok } else { Exit::Finding })
}

/// A line's frame in hexadecimal.
fn written(protocol: Written, line: &str) -> Result<String, String> {
    let json: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
    let bytes = match protocol {
        Written::Ilink3 => plain::write(&json).map_err(|error| error.to_string())?,
        Written::Dstar => dstar::write(&json).map_err(|error| error.to_string())?,
    };
    let hex = hex::show(&bytes);
    match json.get("hex").and_then(Value::as_str) {
        Some(given) if !given.eq_ignore_ascii_case(&hex) => {
            let same =
                given.bytes().zip(hex.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b));
            Err(format!("its \"hex\" differs from byte {} on: {hex} is written", same.count() / 2))
        }
        _ => Ok(hex),
    }
}

/// The lines of a file or of standard input that are not empty.
fn lines(
    file: Option<&PathBuf>,
    mut each: impl FnMut(&str) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let unreadable = |error: io::Error| {
        let name = file.map_or("standard input".into(), |file| file.display().to_string());
        CliError::could_not_run(format!("cannot read {name}: {error}"))
    };
    match file {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(unreadable)?;
            text.lines().filter(|line| !line.trim().is_empty()).try_for_each(each)
        }
        None => io::stdin().lock().lines().try_for_each(|line| {
            let line = line.map_err(unreadable)?;
            if line.trim().is_empty() { Ok(()) } else { each(&line) }
        }),
    }
}

fn list(args: &ListArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Listed::Ilink3 = args.protocol;
    let wanted = |spec: &&plain::Spec| match &args.message {
        None => true,
        Some(message) => {
            let number = message.parse().ok();
            let found = number.map_or_else(|| plain::Spec::named(message), plain::Spec::find);
            found.is_some_and(|found| found.template_id == spec.template_id)
        }
    };
    let specs: Vec<_> = plain::SPECS.iter().filter(wanted).collect();
    if specs.is_empty() {
        let message = args.message.as_deref().unwrap_or_default();
        return Err(CliError::usage(format!(
            "there is no message {message:?}: `xmc frame list ilink3` names them all"
        )));
    }
    let is_one = args.message.is_some();
    for spec in specs {
        if out.is_json() {
            out.json("xmc.frame.list", 1, &listed(spec))?;
            continue;
        }
        writeln!(out, "{} {} {} bytes", spec.template_id, spec.name, spec.root.blank.len())?;
        if is_one {
            fields(&spec.root, "", out)?;
            for (name, entries) in &spec.groups {
                writeln!(out, "  {} {} bytes each", plain::key(name), entries.blank.len())?;
                fields(entries, "  ", out)?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn fields(table: &plain::Table, indent: &str, out: &mut impl Write) -> io::Result<()> {
    for field in &table.fields {
        let name = plain::key(field.name);
        let (offset, len, tag) = (field.offset, field.len, field.tag);
        writeln!(out, "{indent}{offset:>6} {len:>4}  {name} ({tag})")?;
    }
    Ok(())
}

fn listed(spec: &plain::Spec) -> Value {
    let fields = |table: &plain::Table| -> Vec<Value> {
        let field = |field: &xmc_hotpath::venue::cme::ilink3::layout::Field| {
            json!({
                "name": plain::key(field.name), "tag": field.tag,
                "offset": field.offset, "len": field.len,
            })
        };
        table.fields.iter().map(field).collect()
    };
    let groups = spec.groups.iter().map(|(name, entries)| {
        json!({
            "name": plain::key(name),
            "block_length": entries.blank.len(),
            "fields": fields(entries),
        })
    });
    json!({
        "template": spec.template_id,
        "name": spec.name,
        "block_length": spec.root.blank.len(),
        "fields": fields(&spec.root),
        "groups": groups.collect::<Vec<_>>(),
    })
}
