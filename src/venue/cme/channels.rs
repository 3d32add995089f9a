//! The exchange's `config.xml`: every market-data channel with its groups, ports and senders.
//!
//! CME publishes the file for each environment; it says where channels are, and a slip in copying
//! one address is a book that is never seen. Read whole and checked: a channel without both lines
//! of its incremental feed, or with two of one kind, is refused with the line of the file. Kinds of
//! feeds that nobody here knows are kept by their name. It opens no socket. Called by `xmc config`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use roxmltree::{Document, Node, ParsingOptions};
use xmc_hotpath::port::Line;

/// A larger file is no configuration: that of production has 270 KB.
const MAX_BYTES: usize = 16 << 20;
/// Elements and texts that such a file may have: that of production has 30,000.
const MAX_NODES: u32 = 4_000_000;

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ChannelsError {
    /// Not XML.
    #[error("not well-formed XML: {0}; take the file from the exchange again")]
    Xml(#[from] roxmltree::Error),
    /// Larger than any such file.
    #[error("{bytes} bytes, and at most {MAX_BYTES} are read: is this the exchange's config.xml?")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// Another kind of file.
    #[error("line {line}: <{found}> where <configuration> begins the exchange's file")]
    Root {
        /// Where.
        line: u32,
        /// What is there.
        found: String,
    },
    /// Something that must be there is not.
    #[error("line {line}: {of} has no {what}; take the file from the exchange again")]
    Missing {
        /// Where the element begins.
        line: u32,
        /// The element, and which one.
        of: String,
        /// What it lacks.
        what: &'static str,
    },
    /// A value that is none.
    #[error("line {line}: {what} is {value:?}, and must be {wanted}")]
    Value {
        /// Where.
        line: u32,
        /// Of what.
        what: &'static str,
        /// What is there.
        value: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// Two where there may be one.
    #[error("line {line}: {what} is there a second time; the first is in line {first}")]
    Twice {
        /// Where.
        line: u32,
        /// What.
        what: String,
        /// Where before.
        first: u32,
    },
}

/// All channels of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// `Production`.
    pub environment: String,
    /// When it was made, as the exchange writes it.
    pub updated: String,
    /// In the order of the file.
    pub channels: Vec<Channel>,
}

/// One market-data channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its number: tag 1180.
    pub id: u16,
    /// What it carries, for people.
    pub label: String,
    /// Its products.
    pub products: Vec<Product>,
    /// Its feeds.
    pub connections: Vec<Connection>,
    /// Where it begins in the file.
    pub line: u32,
}

/// A product and the group of instruments in which a channel carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Tag 6937 of its instruments.
    pub code: String,
    /// Tag 1151.
    pub group: String,
}

/// What is sent on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// `I`: every change.
    Incremental,
    /// `S`: books by price, in a loop.
    Snapshot,
    /// `SMBO`: books by order, in a loop.
    SnapshotByOrder,
    /// `N`: definitions of instruments, in a loop.
    Definitions,
    /// `H`: packets again, on request.
    Replay,
    /// What nobody here knows, by the exchange's code.
    Other(String),
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incremental => "incremental",
            Self::Snapshot => "snapshot",
            Self::SnapshotByOrder => "snapshot by order",
            Self::Definitions => "definitions",
            Self::Replay => "replay",
            Self::Other(code) => code,
        })
    }
}

/// How it is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Multicast over UDP, to this group and port.
    Group(SocketAddrV4),
    /// TCP, to this port of each host.
    Stream(u16),
}

/// One feed on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The exchange's name for it: `310IA`.
    pub id: String,
    /// What is sent.
    pub kind: FeedKind,
    /// On which line.
    pub side: Line,
    /// How.
    pub carried: Carried,
    /// Who sends; over TCP, who answers.
    pub hosts: Vec<Ipv4Addr>,
    /// Where it begins in the file.
    pub line: u32,
}

impl Channel {
    /// The connection of a kind on a line.
    #[must_use]
    pub fn connection(&self, kind: &FeedKind, side: Line) -> Option<&Connection> {
        self.connections.iter().find(|one| one.kind == *kind && one.side == side)
    }
}

/// Reads the exchange's file.
///
/// # Errors
/// See `ChannelsError`: the first thing that is wrong.
pub fn read(text: &str) -> Result<Channels, ChannelsError> {
    if text.len() > MAX_BYTES {
        return Err(ChannelsError::TooLarge { bytes: text.len() });
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)?;
    let root = document.root_element();
    if root.tag_name().name() != "configuration" {
        let found = root.tag_name().name().to_owned();
        return Err(ChannelsError::Root { line: line(root), found });
    }
    let mut channels: Vec<Channel> = Vec::new();
    for node in children(root, "channel") {
        let channel = channel(node)?;
        if let Some(first) = channels.iter().find(|known| known.id == channel.id) {
            let what = format!("channel {}", channel.id);
            return Err(ChannelsError::Twice { line: channel.line, what, first: first.line });
        }
        channels.push(channel);
    }
    if channels.is_empty() {
        let of = "<configuration>".to_owned();
        return Err(ChannelsError::Missing { line: line(root), of, what: "<channel>" });
    }
    let attribute = |name| root.attribute(name).unwrap_or_default().to_owned();
    Ok(Channels { environment: attribute("environment"), updated: attribute("updated"), channels })
}

fn channel(node: Node<'_, '_>) -> Result<Channel, ChannelsError> {
    let id = attribute(node, "id")?;
    let number = id.parse::<u16>().ok().filter(|number| *number > 0);
    let id = number.ok_or_else(|| value(node, "the id of a channel", id, "from 1 to 65535"))?;
    let mut products = Vec::new();
    for product in children(node, "products").flat_map(|all| children(all, "product")) {
        let code = attribute(product, "code")?;
        for group in children(product, "group") {
            let group = attribute(group, "code")?.to_owned();
            products.push(Product { code: code.to_owned(), group });
        }
    }
    let mut connections: Vec<Connection> = Vec::new();
    for one in children(node, "connections").flat_map(|all| children(all, "connection")) {
        let connection = connection(one)?;
        let is_same = |known: &&Connection| {
            known.id == connection.id
                || (known.kind == connection.kind && known.side == connection.side)
        };
        if let Some(first) = connections.iter().find(is_same) {
            let side = connection.side.letter();
            let what = format!("{} on line {side} of channel {id}", connection.kind);
            return Err(ChannelsError::Twice { line: connection.line, what, first: first.line });
        }
        connections.push(connection);
    }
    let label = node.attribute("label").unwrap_or_default().to_owned();
    let channel = Channel { id, label, products, connections, line: line(node) };
    for (side, what) in
        [(Line::A, "incremental feed on line A"), (Line::B, "incremental feed on line B")]
    {
        if channel.connection(&FeedKind::Incremental, side).is_none() {
            let of = format!("channel {id}");
            return Err(ChannelsError::Missing { line: channel.line, of, what });
        }
    }
    Ok(channel)
}

fn connection(node: Node<'_, '_>) -> Result<Connection, ChannelsError> {
    let id = attribute(node, "id")?.to_owned();
    let kind = match attribute(child(node, "type")?, "feed-type")? {
        "I" => FeedKind::Incremental,
        "S" => FeedKind::Snapshot,
        "SMBO" => FeedKind::SnapshotByOrder,
        "N" => FeedKind::Definitions,
        "H" => FeedKind::Replay,
        other => FeedKind::Other(other.to_owned()),
    };
    let side = child(node, "feed")?;
    let side = match content(side) {
        "A" => Line::A,
        "B" => Line::B,
        other => return Err(value(side, "the line of a connection", other, "A or B")),
    };
    let port: u16 = parsed(child(node, "port")?, "a port", "from 1 to 65535")?;
    if port == 0 {
        return Err(value(child(node, "port")?, "a port", "0", "from 1 to 65535"));
    }
    let protocol = child(node, "protocol")?;
    let carried = match content(protocol) {
        "UDP/IP" => {
            let group = child(node, "ip")?;
            let wanted = "a multicast group of IPv4";
            let address: Ipv4Addr = parsed(group, "the address of a group", wanted)?;
            if !address.is_multicast() {
                return Err(value(group, "the address of a group", content(group), wanted));
            }
            Carried::Group(SocketAddrV4::new(address, port))
        }
        "TCP/IP" => Carried::Stream(port),
        other => return Err(value(protocol, "the protocol", other, "UDP/IP or TCP/IP")),
    };
    let hosts = children(node, "host-ip").map(|host| parsed(host, "a host", "an IPv4 address"));
    let hosts = hosts.collect::<Result<_, _>>()?;
    Ok(Connection { id, kind, side, carried, hosts, line: line(node) })
}

fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// The first child of this name.
fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Result<Node<'a, 'i>, ChannelsError> {
    children(node, name).next().ok_or_else(|| missing(node, name))
}

fn attribute<'a>(node: Node<'a, '_>, name: &'static str) -> Result<&'a str, ChannelsError> {
    node.attribute(name).filter(|text| !text.is_empty()).ok_or_else(|| missing(node, name))
}

fn content<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

fn parsed<T: FromStr>(
    node: Node<'_, '_>,
    what: &'static str,
    wanted: &'static str,
) -> Result<T, ChannelsError> {
    content(node).parse().map_err(|_| value(node, what, content(node), wanted))
}

/// The line of the file that an element begins in.
fn line(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

fn missing(node: Node<'_, '_>, what: &'static str) -> ChannelsError {
    let (tag, id) = (node.tag_name().name(), node.attribute("id").unwrap_or_default());
    let of = if id.is_empty() { format!("<{tag}>") } else { format!("<{tag} id={id:?}>") };
    ChannelsError::Missing { line: line(node), of, what }
}

fn value(
    node: Node<'_, '_>,
    what: &'static str,
    value: &str,
    wanted: &'static str,
) -> ChannelsError {
    ChannelsError::Value { line: line(node), what, value: value.to_owned(), wanted }
}
