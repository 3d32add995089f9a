//! `xmc top`: what an engine does just now, seen from another process.

mod lines;

use super::counted::{Place, could_not};
use super::{CliError, Exit, Report};
use crate::config::Configuration;
use crate::counters::{Attached, Look, Looker, Picture, ReadError};
use crate::interrupt;
use crate::monitor::Lang;
use crate::monitor::terminal::{self, Look as Style, Text, Tty, watch_signals};
use std::io::Write;
use std::time::{Duration, Instant};

/// Watch an engine from outside: cores and threads, rings, feeds, gateways, ports, record.
///
/// Reads the file that the engine keeps beside its record ring, and asks the engine nothing: it may
/// be held still, or dead. `q` or Ctrl-C ends it. With --once exit code 1: the engine is gone
/// without having ended, is held still, or a core or thread has shown no sign of life for 100 ms.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Between two looks.
    #[arg(long, value_name = "MS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(50..=60_000))]
    interval: u64,
    /// Show one picture, of two looks an interval apart, and end.
    #[arg(long)]
    once: bool,
    /// Borders of `-`, for terminals that draw lines two cells wide.
    #[arg(long)]
    ascii: bool,
}

/// How long a key is waited for at most before the end is looked for.
const NAP: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = args.place.configuration()?;
    let mut watched = Watched::open(args, config)?;
    let interval = Duration::from_millis(args.interval);
    if args.once {
        std::thread::sleep(interval);
        let picture = watched.look().map_err(could_not)?;
        show(&picture, out)?;
        return Ok(if picture.is_finding() { Exit::Finding } else { Exit::Ok });
    }
    watch_signals();
    if !out.is_json() && terminal::is_possible() {
        return on_screen(&mut watched, interval, args.ascii);
    }
    loop {
        let until = Instant::now() + interval;
        while Instant::now() < until {
            if interrupt::is_asked() {
                return Ok(Exit::Ok);
            }
            std::thread::sleep(NAP.min(interval));
        }
        show(&watched.look().map_err(could_not)?, out)?;
        if !out.is_json() {
            writeln!(out)?;
        }
        out.flush()?;
    }
}

fn show(picture: &Picture, out: &mut Report<'_>) -> Result<(), CliError> {
    if out.is_json() {
        return Ok(out.json("xmc.top", 1, picture)?);
    }
    for line in lines::picture(picture, WIDE, None, &style(true)) {
        writeln!(out, "{}", line.plain())?;
    }
    Ok(())
}

/// Cells of lines that go into a pipe.
const WIDE: usize = 140;

fn style(is_ascii: bool) -> Style {
    let style = Style::of_environment(Lang::En);
    Style { is_ascii: is_ascii || style.is_ascii, ..style }
}

/// What is watched, whichever run it is of.
struct Watched<'a> {
    args: &'a Args,
    config: Option<Configuration>,
    looker: Looker,
    attached: Attached,
    last: Look,
}

impl<'a> Watched<'a> {
    fn open(args: &'a Args, config: Option<Configuration>) -> Result<Self, CliError> {
        let attached = args.place.open(config.as_ref())?;
        let looker = Looker::default();
        let last = looker.look(&attached).map_err(could_not)?;
        Ok(Self { args, config, looker, attached, last })
    }

    /// What has happened since the last look. If another run has begun since, it is that one's.
    fn look(&mut self) -> Result<Picture, ReadError> {
        let mut before = Some(&self.last);
        // Until the next run's counters stand whole, those of the last one are shown.
        if self.attached.is_replaced()
            && let Ok(attached) = self.args.place.open(self.config.as_ref())
        {
            self.attached = attached;
            before = None;
        }
        let now = self.looker.look(&self.attached)?;
        let picture = Picture::of(&self.attached, &now, before);
        self.last = now;
        Ok(picture)
    }
}

fn on_screen(
    watched: &mut Watched<'_>,
    interval: Duration,
    is_ascii: bool,
) -> Result<Exit, CliError> {
    let style = style(is_ascii);
    let mut tty = Tty::open()?;
    let mut picture = Picture::of(&watched.attached, &watched.last, None);
    let mut next = Instant::now() + interval;
    loop {
        draw(&mut tty, &picture, &style)?;
        loop {
            let rest = next.saturating_duration_since(Instant::now());
            let (is_end, has_changed) = tty.keys(rest.min(NAP), |_| {})?;
            if is_end {
                return Ok(Exit::Ok);
            }
            if has_changed || rest.is_zero() {
                break;
            }
        }
        if Instant::now() >= next {
            next = Instant::now() + interval;
            picture = watched.look().map_err(could_not)?;
        }
    }
}

fn draw(tty: &mut Tty, picture: &Picture, style: &Style) -> Result<(), CliError> {
    tty.draw(|area, buffer| {
        let (cells, rows) = (usize::from(area.width), usize::from(area.height));
        let mut shown = lines::picture(picture, cells, Some(rows.saturating_sub(1)), style);
        shown.resize(rows.saturating_sub(1), Text::new());
        let mut keys = Text::new();
        keys.put("q ends it", style.label());
        shown.push(keys);
        for (line, row) in shown.into_iter().zip(area.y..area.bottom()) {
            buffer.set_line(area.x, row, &line.line(), area.width);
        }
    })?;
    Ok(())
}
