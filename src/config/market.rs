//! `[[venue]]`, `[[feed]]`, `[[gateway]]` and `[[instrument]]`: what there is to trade, and where.

use super::access::{self, CounterAccount, SessionIdentity};
use super::decimal::show_e9;
use super::error::{Problem, Rule};
use super::names::Registry;
use super::recovery::{self, Recovery};
use super::section::{Section, Written};
use super::value::{
    boolean, decimal_e9, endpoint, identity, interface, line, multicast, name, one_of, sender,
    whole, word,
};
use crate::port::interface::InterfaceChoice;
use crate::port::xdp::{Mode, ModeChoice};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use xmc_hotpath::message::{CloseFirst, OffsetRule};
use xmc_hotpath::risk::RATE_MAX;

/// Position in `Configuration::venues`.
pub type VenueIndex = usize;
/// Position in `Configuration::feeds`.
pub type FeedIndex = usize;
/// Position in `Configuration::gateways`.
pub type GatewayIndex = usize;
/// Position in `Configuration::instruments`.
pub type InstrumentIndex = usize;

/// An exchange.
#[derive(Clone, Debug)]
pub struct Venue {
    /// How the configuration refers to it.
    pub name: Written<String>,
    /// Market identifier code of ISO 10383.
    pub mic: String,
    /// The system that it shares with others, as COMEX and NYMEX share Globex: there one feed and
    /// one gateway serve all of them.
    pub platform: Option<String>,
}

impl Venue {
    /// Whether feeds and gateways of one serve the other.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.platform.is_some() && self.platform == other.platform
    }
}

/// What a feed speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedProtocol {
    /// CME MDP 3.0, one channel's incremental feed.
    #[default]
    CmeMdp3,
    /// SHFE and INE SMDP 2.0, one topic by MIRP.
    ShfeSmdp,
}

/// How a feed comes to know the books that stood before it listened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// Through the venue's snapshots: no book is used before it is complete.
    #[default]
    Recover,
    /// Books start empty and are made of increments alone, as the replay of a capture without
    /// snapshots must. Paper only.
    AssumeEmpty,
}

/// One line of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLine {
    /// Group and port.
    pub group: SocketAddrV4,
    /// Where its packets arrive; `None` for a feed that is only replayed.
    pub interface: Option<InterfaceChoice>,
    /// The only sender that is listened to; `None` for any.
    pub source: Option<Ipv4Addr>,
}

impl FeedLine {
    /// What stands for a line that could not be read.
    pub(super) const NOWHERE: Self =
        Self { group: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), interface: None, source: None };
}

impl fmt::Display for FeedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.group.fmt(f)?;
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        match &self.interface {
            Some(interface) => write!(f, " on {interface}"),
            None => Ok(()),
        }
    }
}

/// By what a feed's datagrams are received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortChoice {
    /// Ordinary sockets.
    #[default]
    Socket,
    /// AF_XDP, past the kernel's network stack.
    Xdp(ModeChoice),
}

impl fmt::Display for PortChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket => f.write_str("socket"),
            Self::Xdp(ModeChoice::Best) => f.write_str("xdp (native, else generic)"),
            Self::Xdp(ModeChoice::Only(mode)) => write!(f, "xdp ({})", mode.word()),
        }
    }
}

/// One market-data channel with its two lines.
#[derive(Clone, Debug)]
pub struct Feed {
    /// How the configuration refers to it; its stage is `feed_<name>`.
    pub name: Written<String>,
    /// The venue.
    pub venue: VenueIndex,
    /// What it speaks.
    pub protocol: FeedProtocol,
    /// Its identity in every record.
    pub stream_id: Written<u16>,
    /// Line A.
    pub line_a: FeedLine,
    /// Line B, which carries the same packets.
    pub line_b: FeedLine,
    /// By what they are received.
    pub port: Written<PortChoice>,
    /// The receive buffer that each line's socket asks for; with AF_XDP also the frames of each
    /// queue.
    pub receive_buffer_bytes: usize,
    /// How long a receive polls the network card; `None` leaves that to the system.
    pub busy_poll_us: Option<u32>,
    /// Packets kept while a gap may still be filled by the other line.
    pub reorder_packets: u16,
    /// How long a gap may stay open before the channel is suspect.
    pub reorder_ns: u32,
    /// Silence, heartbeats included, after which the channel is stale.
    pub stale_after_ms: u32,
    /// A channel that is heard and has not moved for so long may be frozen: see `feed::pulse`.
    pub frozen_after_ms: u32,
    /// How it joins.
    pub join: Written<Join>,
    /// Where it learns the books that stood before.
    pub recovery: Recovery,
}

/// What a gateway speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GatewayProtocol {
    /// The simulated venue of this process.
    #[default]
    Paper,
    /// CME iLink 3.
    CmeIlink3,
    /// Esunny DSTAR, version 3: a futures company's counter.
    EsunnyDstar,
}

/// Where the other side of a gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One TCP connection for everything.
    Stream(SocketAddrV4),
    /// Requests leave as UDP datagrams, answers come over TCP.
    Pair {
        /// Where requests go.
        requests: SocketAddrV4,
        /// Where answers come from.
        answers: SocketAddrV4,
    },
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(address) => write!(f, "tcp {address}"),
            Self::Pair { requests, answers } => write!(f, "udp {requests}, tcp {answers}"),
        }
    }
}

/// By what the datagrams of a gateway leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RequestPort {
    /// An ordinary socket.
    #[default]
    Socket,
    /// AF_XDP, on this interface.
    Xdp(InterfaceChoice),
}

impl fmt::Display for RequestPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket => f.write_str("socket"),
            Self::Xdp(interface) => write!(f, "xdp on {interface}"),
        }
    }
}

/// Messages that may be sent in any window of a certain length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub messages: u16,
    /// The window's length.
    pub window_ms: u32,
}

/// One order-entry session.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// How the configuration refers to it; its stage is `gateway_<name>`.
    pub name: Written<String>,
    /// The venue.
    pub venue: VenueIndex,
    /// What it speaks.
    pub protocol: GatewayProtocol,
    /// Its identity in every record.
    pub stream_id: Written<u16>,
    /// Where the venue is; `None` for paper.
    pub endpoint: Option<Endpoint>,
    /// By what requests leave that are datagrams of their own.
    pub request_port: RequestPort,
    /// Where else the venue is, should a session be lost; `None` for nowhere.
    pub backup: Option<SocketAddrV4>,
    /// Who it is; `None` for paper and for counters that know accounts instead.
    pub session: Option<SessionIdentity>,
    /// Who it is at a counter that knows accounts.
    pub counter: Option<CounterAccount>,
    /// What the venue lets it send.
    pub rate: Rate,
}

/// Something with a price; what is traded has a gateway as well.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// How the configuration refers to it.
    pub name: Written<String>,
    /// The venue.
    pub venue: VenueIndex,
    /// The venue's id for it: CME's tag 48. SHFE numbers its instruments anew each day and tells
    /// the numbers by `symbol`, so there it is only a number of our own.
    pub security_id: Written<i32>,
    /// What the venue calls it: `cu2609`, `HGU6`. The name unless written.
    pub symbol: String,
    /// Where its quotes come from.
    pub feed: FeedIndex,
    /// Where its orders go; `None` for one that only prices.
    pub gateway: Option<GatewayIndex>,
    /// Smallest price step, units of 1e-9 of the quoted unit.
    pub tick_e9: i64,
    /// Order quantities are multiples of this.
    pub lot_step: u32,
    /// Money per lot when the quoted price moves by 1, units of 1e-9 of the currency.
    pub multiplier_e9: i64,
    /// Currency of that money.
    pub currency: String,
    /// Fee of one lot bought or sold, units of 1e-9 of the currency.
    pub fee_per_lot_e9: i64,
    /// Fee as a part of the value that is traded, units of 1e-9.
    pub fee_fraction_e9: i64,
    /// What the quoted price counts, for people: `US cents per bushel`.
    pub quote_unit: String,
    /// What a screen multiplies the price with, units of 1e-9.
    pub display_factor_e9: i64,
    /// No price below is sane; units of 1e-9 of the quoted unit, may be negative.
    pub min_price_e9: i64,
    /// No price above is sane.
    pub max_price_e9: i64,
    /// What the market asks about open and close.
    pub offset_rule: OffsetRule,
    /// What is closed first where today's and yesterday's lots are told apart.
    pub close_first: CloseFirst,
}

/// Words of `offset_rule`.
const OFFSET_RULES: &[(&str, OffsetRule)] = &[
    ("net", OffsetRule::Net),
    ("close", OffsetRule::Close),
    ("close_today", OffsetRule::CloseToday),
];
/// Words of `close_first`.
const CLOSE_FIRST: &[(&str, CloseFirst)] =
    &[("yesterday", CloseFirst::Yesterday), ("today", CloseFirst::Today)];

/// What a line's socket asks for if nothing is written: as `port::udp` does.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// Exchanges and trading floors of futures, by ISO 10383: a slip in one must not name another.
const MICS: &[&str] = &[
    "XSGE", "XINE", "XDCE", "XZCE", "CCFX", "XCBT", "XCME", "XNYM", "XCEC", "IFUS", "IFEU", "IFSG",
    "NDEX", "XLME", "XEUR", "XHKF", "XSES", "XOSE", "XTKT", "XKRX", "XNSE",
];
/// Currencies of ISO 4217 that futures are quoted in; CNH is the market's code for yuan abroad.
pub(crate) const CURRENCIES: &[&str] = &[
    "CNY", "CNH", "USD", "EUR", "GBP", "HKD", "JPY", "SGD", "AUD", "CAD", "CHF", "NZD", "KRW",
    "TWD", "MYR", "INR", "THB", "IDR", "BRL", "MXN", "ZAR", "SEK", "NOK", "DKK",
];

const FEED_PROTOCOLS: &[(&str, FeedProtocol)] =
    &[("cme/mdp3", FeedProtocol::CmeMdp3), ("shfe/smdp", FeedProtocol::ShfeSmdp)];
const GATEWAY_PROTOCOLS: &[(&str, GatewayProtocol)] = &[
    ("paper", GatewayProtocol::Paper),
    ("cme/ilink3", GatewayProtocol::CmeIlink3),
    ("esunny/dstar", GatewayProtocol::EsunnyDstar),
];
const PORTS: &[(&str, PortChoice)] =
    &[("socket", PortChoice::Socket), ("xdp", PortChoice::Xdp(ModeChoice::Best))];
const XDP_MODES: &[(&str, ModeChoice)] = &[
    (Mode::Native.word(), ModeChoice::Only(Mode::Native)),
    (Mode::Generic.word(), ModeChoice::Only(Mode::Generic)),
];
const JOINS: &[(&str, Join)] = &[("recover", Join::Recover), ("assume_empty", Join::AssumeEmpty)];

impl FeedProtocol {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        super::word_for(FEED_PROTOCOLS, self)
    }
}

impl GatewayProtocol {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        super::word_for(GATEWAY_PROTOCOLS, self)
    }
}

impl Join {
    /// The word in the file.
    pub fn word(self) -> &'static str {
        super::word_for(JOINS, self)
    }
}

pub(crate) fn venue(section: Section<'_>) -> Option<Venue> {
    let venue = Venue {
        name: section.required("name", name),
        mic: section.required("mic", one_of(MICS)).value,
        platform: section.optional("platform", name).map(|platform| platform.value),
    };
    section.finish(venue)
}

pub(crate) fn feed(section: Section<'_>, names: &Registry) -> Option<Feed> {
    let protocol = section.required("protocol", word(FEED_PROTOCOLS)).value;
    let feed = Feed {
        name: section.required("name", name),
        venue: names.venues.resolve(&section, "venue").value,
        protocol,
        stream_id: section.required("stream_id", whole(1..=u16::MAX)),
        line_a: line_at(&section, "line_a"),
        line_b: line_at(&section, "line_b"),
        port: port_of(&section),
        receive_buffer_bytes: section
            .optional("receive_buffer_bytes", whole(4_096..=1 << 30))
            .map_or(RECEIVE_BUFFER_BYTES, |bytes| bytes.value),
        // Above a millisecond a poll of one line would delay the other one.
        busy_poll_us: section.optional("busy_poll_us", whole(1..=1_000)).map(|us| us.value),
        reorder_packets: section.required("reorder_packets", whole(1..=4_096)).value,
        // Lines differ by microseconds; a second is recovery's business.
        reorder_ns: section.required("reorder_ns", whole(1_000..=1_000_000_000)).value,
        stale_after_ms: section.required("stale_after_ms", whole(1..=300_000)).value,
        frozen_after_ms: section
            .optional("frozen_after_ms", whole(500..=300_000))
            .map_or(frozen_after_ms(protocol), |after| after.value),
        join: section.required("join", word(JOINS)),
        recovery: recovery::recovery(&section, protocol),
    };
    recovery::check_groups(&section, &feed.recovery, [&feed.line_a, &feed.line_b]);
    section.finish(feed)
}

/// The port of a feed; its mode is a key of AF_XDP alone.
fn port_of(section: &Section<'_>) -> Written<PortChoice> {
    let Some(port) = section.optional("port", word(PORTS)) else {
        return Written { value: PortChoice::Socket, place: section.place().clone() };
    };
    let mode = match port.value {
        PortChoice::Socket => None,
        PortChoice::Xdp(_) => section.optional("xdp_mode", word(XDP_MODES)),
    };
    Written { value: mode.map_or(port.value, |mode| PortChoice::Xdp(mode.value)), ..port }
}

/// The pause from which on a channel may be frozen. SMDP sends what has changed every half second
/// while its market trades, and three such slices without any change are too many for a topic. MDP
/// 3.0 sends what happens when it happens: less than this is no pause.
const fn frozen_after_ms(protocol: FeedProtocol) -> u32 {
    match protocol {
        FeedProtocol::CmeMdp3 => 5_000,
        FeedProtocol::ShfeSmdp => 1_500,
    }
}

pub(super) fn line_at(section: &Section<'_>, key: &'static str) -> FeedLine {
    let Some(line) = section.table(key) else {
        if !section.has(key) {
            section.fail(Problem::new(
                Rule::MissingKey,
                format!("{} has no `{key}`", section.title()),
                section.place().clone(),
                format!("`{key}` is required: {{ group = \"224.0.31.1\", port = 14310 }}"),
            ));
        }
        return FeedLine::NOWHERE;
    };
    let group = line.required("group", multicast).value.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let port = line.required("port", whole(1..=u16::MAX)).value;
    let read = FeedLine {
        group: SocketAddrV4::new(group, port),
        interface: line.optional("interface", interface).and_then(|written| written.value),
        source: line.optional("source", sender).and_then(|written| written.value),
    };
    line.finish(read).unwrap_or_else(|| {
        section.spoil();
        FeedLine::NOWHERE
    })
}

pub(crate) fn gateway(section: Section<'_>, names: &Registry) -> Option<Gateway> {
    let protocol = section.required("protocol", word(GATEWAY_PROTOCOLS)).value;
    let session = (protocol == GatewayProtocol::CmeIlink3).then(|| access::session(&section));
    let counter = (protocol == GatewayProtocol::EsunnyDstar).then(|| access::counter(&section));
    let gateway = Gateway {
        name: section.required("name", name),
        venue: names.venues.resolve(&section, "venue").value,
        protocol,
        stream_id: section.required("stream_id", whole(1..=u16::MAX)),
        endpoint: endpoint_of(&section, protocol),
        request_port: match protocol {
            GatewayProtocol::EsunnyDstar => request_port(&section),
            GatewayProtocol::Paper | GatewayProtocol::CmeIlink3 => RequestPort::Socket,
        },
        backup: (protocol == GatewayProtocol::CmeIlink3)
            .then(|| section.optional("backup", endpoint))
            .flatten()
            .and_then(|written| written.value),
        session,
        counter,
        rate: rate(&section, RATE_MAX),
    };
    section.finish(gateway)
}

/// Where a gateway of this protocol connects to.
fn endpoint_of(section: &Section<'_>, protocol: GatewayProtocol) -> Option<Endpoint> {
    let address = |key| {
        let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        section.required(key, endpoint).value.unwrap_or(nowhere)
    };
    match protocol {
        GatewayProtocol::Paper => None,
        GatewayProtocol::CmeIlink3 => Some(Endpoint::Stream(address("address"))),
        GatewayProtocol::EsunnyDstar => Some(Endpoint::Pair {
            requests: address("request_address"),
            answers: address("answer_address"),
        }),
    }
}

/// The port of a gateway's datagrams; its interface is a key of AF_XDP alone.
fn request_port(section: &Section<'_>) -> RequestPort {
    let port = section.optional("request_port", word(PORTS));
    match port.map_or(PortChoice::Socket, |port| port.value) {
        PortChoice::Socket => RequestPort::Socket,
        PortChoice::Xdp(_) => {
            let on = section.required("request_interface", interface);
            RequestPort::Xdp(on.value.unwrap_or(InterfaceChoice::LOOPBACK))
        }
    }
}

/// The two keys of a message rate; `most` is what the desk can count in one window.
pub(crate) fn rate(section: &Section<'_>, most: u16) -> Rate {
    Rate {
        messages: section.required("rate_messages", whole(1..=most)).value,
        window_ms: section.required("rate_window_ms", whole(1..=60_000)).value,
    }
}

pub(crate) fn instrument(section: Section<'_>, names: &Registry) -> Option<Instrument> {
    let tick = section.required("tick_size", decimal_e9("0.000001", "10000"));
    let min_price = section.required("min_price", decimal_e9("-1000000", "1000000"));
    let max_price = section.required("max_price", decimal_e9("-1000000", "1000000"));
    let written = section.required("name", name);
    // As long as the longest field that it has to match: SMDP's, with its last NUL.
    let symbol = section.optional("symbol", identity(1..=30));
    let instrument = Instrument {
        symbol: symbol.map_or_else(|| written.value.clone(), |symbol| symbol.value),
        name: written,
        venue: names.venues.resolve(&section, "venue").value,
        security_id: section.required("security_id", whole(1..=i32::MAX)),
        feed: names.feeds.resolve(&section, "feed").value,
        gateway: section
            .has("gateway")
            .then(|| names.gateways.resolve(&section, "gateway").value)
            .or_else(|| section.absent("gateway")),
        tick_e9: tick.value,
        lot_step: section.required("lot_step", whole(1..=1_000)).value,
        multiplier_e9: section.required("multiplier", decimal_e9("0.000001", "1000000")).value,
        currency: section.required("currency", one_of(CURRENCIES)).value,
        fee_per_lot_e9: section
            .optional("fee_per_lot", decimal_e9("0", "100000"))
            .map_or(0, |fee| fee.value),
        // Five percent is more than any futures exchange asks for.
        fee_fraction_e9: section
            .optional("fee_fraction", decimal_e9("0", "0.05"))
            .map_or(0, |fee| fee.value),
        quote_unit: section.required("quote_unit", line(40)).value,
        display_factor_e9: section
            .required("display_factor", decimal_e9("0.000000001", "1000"))
            .value,
        min_price_e9: min_price.value,
        max_price_e9: max_price.value,
        offset_rule: section
            .optional("offset_rule", word(OFFSET_RULES))
            .map_or(OffsetRule::Net, |rule| rule.value),
        close_first: section
            .optional("close_first", word(CLOSE_FIRST))
            .map_or(CloseFirst::Yesterday, |first| first.value),
    };
    check_prices(&section, &tick, &min_price, &max_price);
    section.finish(instrument)
}

fn check_prices(
    section: &Section<'_>,
    tick: &Written<i64>,
    min_price: &Written<i64>,
    max_price: &Written<i64>,
) {
    let is_signed = section.optional("negative_prices", boolean).is_some_and(|signed| signed.value);
    if section.is_broken() {
        return;
    }
    for price in [min_price, max_price] {
        if price.value % tick.value != 0 {
            section.fail(
                Problem::new(
                    Rule::OffTick,
                    format!("a price bound of {} is not a multiple of its tick", section.title()),
                    price.place.clone(),
                    "off the grid",
                )
                .also(&tick.place, "the grid"),
            );
        }
    }
    if min_price.value <= 0 && !is_signed {
        section.fail(
            Problem::new(
                Rule::NegativePrices,
                format!(
                    "the lowest sane price of {} is {}",
                    section.title(),
                    show_e9(min_price.value)
                ),
                min_price.place.clone(),
                "zero or below",
            )
            .help("raise it, or write negative_prices = true"),
        );
    }
    // A hundred steps are the least that any market moves in.
    if max_price.value - min_price.value < tick.value.saturating_mul(100) {
        section.fail(
            Problem::new(
                Rule::PriceBounds,
                format!("the price bounds of {} leave no room", section.title()),
                max_price.place.clone(),
                "must be at least 100 ticks above the lowest price",
            )
            .also(&min_price.place, "the lowest sane price"),
        );
    }
}
