//! The exchange's `config.xml`: against a count that knows nothing of XML, and against damage.

use crate::shared;
use cross_market_connect::config;
use cross_market_connect::venue::cme::channels::{
    Carried, Channel, Channels, ChannelsError, Connection, FeedKind, read,
};
use std::path::Path;
use std::process::Command;
use xmc_hotpath::port::Line;

const FILE: &str = "schemas/cme/config_prod_2016.xml";

/// A channel as small as one can be.
pub const SMALL: &str = r#"<configuration environment="Test" updated="now">
<channel id="7" label="Seven">
<products><product code="ES"><group code="EZ"/></product></products>
<connections>
<connection id="7IA"><type feed-type="I"/><protocol>UDP/IP</protocol>
<ip>224.0.31.1</ip><host-ip>192.0.2.1</host-ip><port>14310</port><feed>A</feed></connection>
<connection id="7IB"><type feed-type="I"/><protocol>UDP/IP</protocol>
<ip>224.0.32.1</ip><port>15310</port><feed>B</feed></connection>
<connection id="7H"><type feed-type="H"/><protocol>TCP/IP</protocol>
<host-ip>192.0.2.9</host-ip><port>10000</port><feed>A</feed></connection>
<connection id="7XA"><type feed-type="X9"/><protocol>UDP/IP</protocol>
<ip>224.0.33.1</ip><port>16310</port><feed>A</feed></connection>
</connections></channel></configuration>"#;

/// One connection as text: channel, id, kind, protocol, group, hosts, port, line.
type Row = [String; 8];

/// The connections by the lines of the file alone: the exchange writes an element on each.
fn by_lines(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = Row::default();
    let between = |line: &str, from: &str, to: &str| {
        line.split_once(from).and_then(|(_, rest)| Some(rest.split_once(to)?.0.to_owned()))
    };
    for line in text.lines() {
        if let Some(id) = between(line, "<channel id=\"", "\"") {
            row[0] = id;
        } else if let Some(id) = between(line, "<connection id=\"", "\"") {
            row = [
                std::mem::take(&mut row[0]),
                id,
                "".into(),
                "".into(),
                "".into(),
                "".into(),
                "".into(),
                "".into(),
            ];
        } else if let Some(host) = between(line, "<host-ip>", "</") {
            row[5].push_str(&host);
            row[5].push(' ');
        } else if line.contains("</connection>") {
            rows.push(row.clone());
        }
        for (index, from) in
            [(2, "feed-type=\""), (3, "<protocol>"), (4, "<ip>"), (6, "<port>"), (7, "<feed>")]
        {
            let to = if index == 2 { "\"" } else { "</" };
            if let Some(text) = between(line, from, to) {
                row[index] = text;
            }
        }
    }
    rows
}

fn as_rows(all: &Channels) -> Vec<Row> {
    let connections = all.channels.iter().flat_map(|channel| {
        channel.connections.iter().map(move |connection| (channel, connection))
    });
    let row = |(channel, one): (&Channel, &Connection)| {
        let (protocol, group, port) = match one.carried {
            Carried::Group(group) => ("UDP/IP", group.ip().to_string(), group.port()),
            Carried::Stream(port) => ("TCP/IP", String::new(), port),
        };
        let kind = match &one.kind {
            FeedKind::Incremental => "I",
            FeedKind::Snapshot => "S",
            FeedKind::SnapshotByOrder => "SMBO",
            FeedKind::Definitions => "N",
            FeedKind::Replay => "H",
            FeedKind::Other(code) => code,
        };
        let hosts = one.hosts.iter().map(|host| format!("{host} ")).collect();
        let side = one.side.letter().to_string();
        [
            channel.id.to_string(),
            one.id.clone(),
            kind.to_owned(),
            protocol.to_owned(),
            group,
            hosts,
            port.to_string(),
            side,
        ]
    };
    connections.map(row).collect()
}

#[test]
fn every_connection_of_production_is_read() {
    let Some(text) = shared::text(FILE) else { return };
    let all = read(&text).expect("the exchange's own file");
    let rows = by_lines(&text);
    assert_eq!(rows.len(), 356);
    assert_eq!(as_rows(&all), rows);
    assert_eq!((all.environment.as_str(), all.channels.len()), ("Production", 40));
    let products: usize = all.channels.iter().map(|channel| channel.products.len()).sum();
    assert_eq!(products, text.matches("<group code=").count());
}

#[test]
fn a_channel_becomes_a_feed_that_the_engine_takes() {
    let Some(path) = shared::data(FILE) else { return };
    let printed = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
            .args(["config", "cme"])
            .arg(&path)
            .args(args)
            .output()
            .expect("xmc runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/replay_calendar.toml");
    let base = std::fs::read_to_string(&sample).expect("the sample");
    let written = config::load(&sample).expect("the sample is right");
    let (before, rest) = base.split_once("[[feed]]").expect("its feed");
    let after = &rest[rest.find("[[gateway]]").expect("its gateway")..];
    let all = read(&shared::text(FILE).expect("there")).expect("right");
    for channel in &all.channels {
        let id = channel.id.to_string();
        let args = ["--channel", &id, "--venue", "cbot", "--interface-a", "eth1"];
        let section = printed(&[&args[..], &["--interface-b", "192.0.2.7"]].concat());
        // Names of stages and of the feed of instruments follow that of the feed.
        let section = section.replace(&format!("\"cme_{id}\""), "\"cme\"");
        let text = format!("{before}{section}\n{after}");
        let loaded = config::load_text(&sample, &text).unwrap_or_else(|error| panic!("{error}"));
        let feed = &loaded.feeds[0];
        assert_eq!(feed.stream_id.value, channel.id);
        let groups = feed.recovery.groups().count();
        let kinds = [FeedKind::Definitions, FeedKind::Snapshot];
        let is_loop = |kind: &FeedKind| kinds.contains(kind);
        let loops = channel.connections.iter().filter(|one| is_loop(&one.kind)).count();
        assert_eq!(groups, loops, "channel {id}");
        if channel.id == 340 {
            // The same that was written by hand for the capture of this channel.
            assert_eq!(feed.line_a.group, written.feeds[0].line_a.group);
            assert_eq!(feed.line_b.group, written.feeds[0].line_b.group);
            assert!(section.contains("# not read: 340H2A replay, line A: 205.209.222.72:10000"));
        }
    }
    assert!(printed(&[]).contains("CHANNELS"));
    let json: serde_json::Value = serde_json::from_str(&printed(&["--json"])).expect("JSON");
    assert_eq!(json["channels"].as_array().map(Vec::len), Some(40));
}

#[test]
fn a_channel_that_is_not_there_is_named_with_those_that_are() {
    let Some(path) = shared::data(FILE) else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    let output =
        command.args(["config", "cme", "--channel", "999"]).arg(&path).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("has no channel 999; it has 310, 311"), "{stderr}");
    let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["config", "cme", "config/none.xml"])
        .output()
        .expect("xmc runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let small = read(SMALL).expect("right");
    let channel = &small.channels[0];
    assert_eq!(
        channel.connection(&FeedKind::Other("X9".into()), Line::A).map(|one| one.line),
        Some(11)
    );
    for (from, to, line, part) in [
        ("<channel id=\"7\"", "<channel id=\"0\"", 2, "the id of a channel is \"0\""),
        ("<channel id=\"7\"", "<channel", 2, "<channel> has no id"),
        ("224.0.31.1", "192.0.2.1", 6, "must be a multicast group"),
        ("224.0.31.1", "224.0.31.256", 6, "must be a multicast group"),
        ("<port>14310</port>", "<port>0</port>", 6, "a port is \"0\""),
        ("<port>14310</port>", "<port>70000</port>", 6, "a port is \"70000\""),
        ("<port>14310</port>", "", 5, "<connection id=\"7IA\"> has no port"),
        ("<feed>B</feed>", "<feed>A</feed>", 7, "incremental on line A of channel 7 is there"),
        ("<feed>B</feed>", "<feed>C</feed>", 8, "the line of a connection is \"C\""),
        (
            "feed-type=\"I\"/><protocol>UDP/IP</protocol>\n<ip>224.0.32.1",
            "feed-type=\"Z\"/><protocol>UDP/IP</protocol>\n<ip>224.0.32.1",
            2,
            "channel 7 has no incremental feed on line B",
        ),
        ("TCP/IP", "SCTP", 9, "the protocol is \"SCTP\""),
        ("192.0.2.9", "nine", 10, "a host is \"nine\""),
        ("id=\"7XA\"", "id=\"7H\"", 11, "is there a second time; the first is in line 9"),
        ("<configuration", "<configurations", 1, "not well-formed"),
    ] {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from:?} is not there");
        let error = read(&text).expect_err(to).to_string();
        let is_at =
            error.starts_with(&format!("line {line}: ")) || error.contains("not well-formed");
        assert!(is_at && error.contains(part), "{from:?} -> {to:?}: {error}");
    }
    let twice = SMALL.replace("</configuration>", "<channel id=\"7\"><connections>")
        + SMALL.split_once("<connections>").expect("there").1;
    assert!(matches!(read(&twice), Err(ChannelsError::Twice { first: 2, .. })));
    assert!(matches!(read("<a/>"), Err(ChannelsError::Root { line: 1, .. })));
    assert!(matches!(read("<configuration/>"), Err(ChannelsError::Missing { .. })));
    let large = " ".repeat((16 << 20) + 1);
    assert!(matches!(read(&large), Err(ChannelsError::TooLarge { .. })));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"x\">]><a>&b;</a>";
    assert!(matches!(read(bomb), Err(ChannelsError::Xml(_))));
}

#[test]
fn no_truncation_and_no_flipped_byte_panics() {
    for cut in 0..SMALL.len() {
        let _ = SMALL.get(..cut).map(read);
    }
    let deep = "<a>".repeat(200_000);
    assert!(read(&deep).is_err());
    let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
    assert!(matches!(read(&deep), Err(ChannelsError::Root { .. })));
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).expect("64 bits")
    };
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut bytes = SMALL.as_bytes().to_vec();
        for _ in 0..=random() % 3 {
            let index = random() % bytes.len();
            bytes[index] = u8::try_from(random() % 256).expect("a byte");
        }
        refused += usize::from(read(&String::from_utf8_lossy(&bytes)).is_err());
    }
    assert!((10_000..20_000).contains(&refused), "{refused} refused");
    let Some(text) = shared::text(FILE) else { return };
    for _ in 0..40 {
        let cut = random() % text.len();
        if let Some(part) = text.get(..cut) {
            assert!(read(part).is_err(), "cut at {cut}");
        }
    }
}
