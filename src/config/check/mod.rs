//! Rules that need more than one section: what may be written alone and not together.
//!
//! Runs on what could be read; a section with a mistake in it is passed over, since its mistake
//! is reported already.

mod limit;
mod loose;
mod spread;

use super::error::{Problem, Report, Rule};
use super::limit::Limits;
use super::market::{
    Feed, FeedLine, Gateway, Instrument, Join, PortChoice, RequestPort, Venue, VenueIndex,
};
use super::source::Place;
use super::spread::{Leg, Spread};
use crate::port::interface::InterfaceChoice;
use crate::port::xdp::ModeChoice;
use std::collections::HashMap;

/// What could be read, each at the position its name has.
pub(crate) struct Read<'r> {
    pub venues: &'r [Option<Venue>],
    pub feeds: &'r [Option<Feed>],
    pub gateways: &'r [Option<Gateway>],
    pub instruments: &'r [Option<Instrument>],
    pub spreads: &'r [Option<Spread>],
    pub limits: Option<&'r Limits>,
    pub report: &'r Report,
}

impl Read<'_> {
    pub(crate) fn check(&self) {
        self.streams();
        self.ports();
        for instrument in self.instruments.iter().flatten() {
            self.instrument(instrument);
        }
        self.securities();
        for spread in self.spreads.iter().flatten() {
            self.spread(spread);
        }
        if let Some(limits) = self.limits {
            self.limits(limits);
        }
    }

    fn streams(&self) {
        let feeds = self.feeds.iter().flatten().map(|feed| &feed.stream_id);
        let gateways = self.gateways.iter().flatten().map(|gateway| &gateway.stream_id);
        let mut first_use: HashMap<u16, &Place> = HashMap::new();
        for stream_id in feeds.chain(gateways) {
            if let Some(first) = first_use.insert(stream_id.value, &stream_id.place) {
                let message = format!("stream id {} is used twice", stream_id.value);
                self.report.add(
                    Problem::new(
                        Rule::StreamTwice,
                        message,
                        stream_id.place.clone(),
                        "used again here",
                    )
                    .also(first, "first used here")
                    .help("records tell streams apart by this id"),
                );
            }
        }
    }

    /// An interface has one program, and each of its queues the sockets of feeds, which that tells
    /// apart, or the socket of the requests of a gateway.
    fn ports(&self) {
        let gateways = self.gateways.iter().flatten().filter_map(|gateway| {
            let RequestPort::Xdp(interface) = &gateway.request_port else { return None };
            let who = format!("gateway \"{}\"", gateway.name.value);
            let help = "write request_port = \"socket\", or another request_interface";
            Some((who, &gateway.name.place, vec![interface], help, None))
        });
        let feeds = self.feeds.iter().flatten().filter(|of| of.port.value != PortChoice::Socket);
        let feeds = feeds.map(|feed| {
            let who = format!("feed \"{}\"", feed.name.value);
            let lines = [&feed.line_a, &feed.line_b];
            let interfaces = lines.into_iter().filter_map(|line| line.interface.as_ref());
            let help = "write port = \"socket\", or receive it on another interface";
            (who, &feed.port.place, interfaces.collect(), help, Some(feed))
        });
        let mut known: Vec<(&InterfaceChoice, usize, &Place, Option<&Feed>)> = Vec::new();
        for (index, (who, here, interfaces, help, feed)) in gateways.chain(feeds).enumerate() {
            for interface in interfaces {
                let mut others =
                    known.iter().filter(|(of, other, ..)| *of == interface && *other != index);
                let contradiction = others.find_map(|(.., place, other)| {
                    let (message, is_taken) = match feed.zip(*other) {
                        None => (
                            format!("{who} is the second user of {interface} by AF_XDP"),
                            "its queues belong to another",
                        ),
                        Some((feed, other)) => {
                            let is_taken = contradicts(feed, other, interface)?;
                            (format!("{who} cannot share {interface} by AF_XDP"), is_taken)
                        }
                    };
                    Some((*place, message, is_taken))
                });
                known.push((interface, index, here, feed));
                if let Some((place, message, is_taken)) = contradiction {
                    self.report.add(
                        Problem::new(Rule::InterfaceTwice, message, here.clone(), is_taken)
                            .also(place, "to this one")
                            .help(help),
                    );
                    break;
                }
            }
        }
    }

    fn instrument(&self, instrument: &Instrument) {
        let feed = self.feeds.get(instrument.feed).and_then(Option::as_ref);
        let gateway = instrument.gateway.and_then(|index| self.gateways.get(index)?.as_ref());
        let ends = [
            ("feed", feed.map(|feed| (&feed.name, feed.venue))),
            ("gateway", gateway.map(|gateway| (&gateway.name, gateway.venue))),
        ];
        for (kind, end) in ends {
            let Some((name, venue)) = end else { continue };
            if !self.serves(venue, instrument.venue) {
                self.report.add(
                    Problem::new(
                        Rule::VenueMismatch,
                        format!(
                            "instrument \"{}\" is of another venue than its {kind} \"{}\"",
                            instrument.name.value, name.value
                        ),
                        instrument.name.place.clone(),
                        "this instrument",
                    )
                    .also(&name.place, format!("its {kind}"))
                    .help("venues that share their system say so by the same `platform`"),
                );
            }
        }
    }

    /// Whether what belongs to `one` venue serves the `other`.
    fn serves(&self, one: VenueIndex, other: VenueIndex) -> bool {
        let venue = |index: VenueIndex| self.venues.get(index).and_then(Option::as_ref);
        match (venue(one), venue(other)) {
            (Some(one), Some(other)) => one.name.value == other.name.value || one.is_beside(other),
            // What could not be read is reported already.
            _ => true,
        }
    }

    fn securities(&self) {
        let mut first_use: HashMap<(usize, i32), &Place> = HashMap::new();
        for instrument in self.instruments.iter().flatten() {
            let id = &instrument.security_id;
            if let Some(first) = first_use.insert((instrument.feed, id.value), &id.place) {
                let message = format!("security id {} is used twice on one feed", id.value);
                self.report.add(
                    Problem::new(Rule::SecurityTwice, message, id.place.clone(), "again here")
                        .also(first, "first used here"),
                );
            }
        }
    }

    /// The legs that are traded and whose instruments could be read.
    fn traded<'s>(&'s self, spread: &'s Spread) -> impl Iterator<Item = (&'s Leg, &'s Instrument)> {
        let traded = spread.legs.iter().filter(|leg| leg.is_traded);
        traded.filter_map(|leg| Some((leg, self.instruments.get(leg.instrument.value)?.as_ref()?)))
    }

    fn both(&self, rule: Rule, message: String, here: (&Place, &str), there: (&Place, &str)) {
        let problem = Problem::new(rule, message, here.0.clone(), here.1);
        self.report.add(problem.also(there.0, there.1));
    }
}

/// Only a paper engine may take books to be empty.
pub(crate) fn joins(feeds: &[Option<Feed>], is_paper: bool, report: &Report) {
    for feed in feeds.iter().flatten() {
        if feed.join.value == Join::AssumeEmpty && !is_paper {
            report.add(
                Problem::new(
                    Rule::AssumeEmpty,
                    format!("feed \"{}\" would take its books to be empty", feed.name.value),
                    feed.join.place.clone(),
                    "only in paper mode",
                )
                .help("write join = \"recover\""),
            );
        }
    }
}

/// Why two feeds cannot be received on one interface past the kernel, if they cannot.
fn contradicts(one: &Feed, other: &Feed, interface: &InterfaceChoice) -> Option<&'static str> {
    if let (PortChoice::Xdp(ModeChoice::Only(mode)), PortChoice::Xdp(ModeChoice::Only(wanted))) =
        (one.port.value, other.port.value)
        && mode != wanted
    {
        return Some("its program stands in another mode (xdp_mode)");
    }
    let are_same = |line: &FeedLine, known: &FeedLine| {
        let is_here = |line: &FeedLine| line.interface.as_ref() == Some(interface);
        let are_apart = line.source.zip(known.source).is_some_and(|(one, two)| one != two);
        is_here(line) && is_here(known) && line.group == known.group && !are_apart
    };
    let known = [&other.line_a, &other.line_b];
    let is_known = |line: &FeedLine| known.iter().any(|known| are_same(line, known));
    let is_any = is_known(&one.line_a) || is_known(&one.line_b);
    is_any.then_some("its frames go to another feed: same group")
}
