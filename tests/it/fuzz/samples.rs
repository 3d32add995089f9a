//! What is changed: real captures and vectors where they are shared, and what the simulated venues
//! send.

use super::bodies::{EARLIER, SESSION, part};
use crate::feed::kit;
use crate::venue::cme::ilink3::{golden, peer};
use crate::venue::cme::simulated::settings;
use crate::venue::shfe::smdp::{kit as smdp, vectors};
use cross_market_connect::port::capture::{LinkType, Writer};
use cross_market_connect::venue::cme::mdp3::replay::text::message;
use cross_market_connect::venue::cme::simulated::{ConnectionId, Datagram, Group, Venue};
use cross_market_connect::venue::shfe::smdp::message::{Frame, Message};
use cross_market_connect::venue::shfe::smdp::mirp::MirpBuilder;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::layout::{Block, Terminate};
use xmc_hotpath::venue::shfe::smdp::layout::{LevelEvent, LevelSide, PriceKind};
use xmc_hotpath::wire::U64Le;

/// Packets in one input.
const PACKETS: usize = 6;

const MS: u64 = 1_000_000;

/// What the simulated CME sends in so many milliseconds.
fn cme(ms: u64) -> Vec<Datagram> {
    let mut venue = Venue::new(settings(5));
    let mut sent = Vec::new();
    for at in 0..ms {
        venue.poll(MonoNs(at * MS));
        sent.extend(std::iter::from_fn(|| venue.take_datagram()));
    }
    sent
}

/// Inputs of `PACKETS` parts each.
fn grouped(parts: &[Vec<u8>]) -> impl Iterator<Item = Vec<u8>> {
    parts.chunks(PACKETS).map(<[_]>::concat)
}

pub fn mdp3_packets() -> Vec<Vec<u8>> {
    let line = |line| u8::from(line == Line::B);
    let mut parts = Vec::new();
    for Datagram { group, bytes } in cme(1_500) {
        if let Group::Incremental(of) = group {
            parts.push(part(line(of), 1, &bytes));
        }
    }
    parts.truncate(60 * PACKETS);
    let mut samples: Vec<_> = grouped(&parts).collect();
    if let Some(shots) = kit::capture() {
        let shots = shots.iter().step_by(7).take(60 * PACKETS);
        let parts: Vec<_> = shots.map(|shot| part(line(shot.line), 1, &shot.payload)).collect();
        samples.extend(grouped(&parts));
    }
    // The first byte says which view.
    samples
        .iter()
        .zip([0_u8, 1].into_iter().cycle())
        .map(|(one, view)| [&[view], &one[..]].concat())
        .collect()
}

pub fn mdp3_recovery() -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for Datagram { group, bytes } in cme(4_000) {
        let kind = match group {
            Group::Definitions(_) => 0,
            Group::Snapshots(_) => 1,
            Group::Incremental(Line::A) => 2,
            Group::Incremental(Line::B) => 3,
        };
        // The lines say much more than the loops, and not all of it is wanted here.
        if kind < 2 || parts.len() % 3 == 0 {
            parts.push(part(kind, 0, &bytes));
        }
    }
    parts.truncate(1_200);
    let whole: Vec<_> = parts.chunks(60).map(<[_]>::concat).collect();
    let small: Vec<_> = grouped(&parts).take(60).collect();
    [whole, small].concat()
}

/// What the simulated exchange answers to a request for packets 2 to 6, and the request.
pub fn mdp3_replay() -> Vec<Vec<u8>> {
    let mut venue = Venue::new(settings(5));
    let at = MonoNs(1_500 * MS);
    venue.poll(at);
    let id = ConnectionId(1);
    venue.replay_connect(id);
    let logon = message(&[(35, "A"), (553, "CME"), (554, "CME")]);
    let range = [(35, "V"), (1180, "340"), (262, "1"), (1182, "2"), (1183, "6")];
    let asked = message(&range);
    venue.replay_receive(at, id, &[&logon[..], &asked].concat());
    let (answer, is_over) = venue.replay_take_bytes(id);
    assert!(is_over && answer.len() > 200, "it answers");
    let text = [part(1, 0, &logon), part(1, 0, &asked)].concat();
    let cut = |len: usize| answer.chunks(len).map(|piece| part(0, 1, piece)).collect::<Vec<_>>();
    [1 << 12, 100, 7].into_iter().map(|len| [cut(len).concat(), text.clone()].concat()).collect()
}

pub fn smdp_packets() -> Vec<Vec<u8>> {
    let level = |event, side, place, offset| smdp::level(event, side, place, offset, 7);
    let packet = |number: i32| {
        let of = MirpBuilder::new(smdp::mark(number)).instrument(number % 4, number.into());
        match number % 5 {
            0 => return smdp::mark(number - 1).heartbeat(),
            1 => of.level(&level(LevelEvent::Add, LevelSide::Bid, 1, i64::from(number % 3) - 2)),
            2 => of.level(&level(LevelEvent::Modify, LevelSide::Ask, 1, 1)),
            3 => of.trade([1, 2, 3, 4]).price(PriceKind::UpperLimit, 144).level(&level(
                LevelEvent::Delete,
                LevelSide::Bid,
                1,
                0,
            )),
            _ => of.level(&level(LevelEvent::Add, LevelSide::Ask, 2, 3)),
        }
        .finish(number % 2 == 0)
    };
    let mut parts: Vec<_> =
        (1..=60).flat_map(|number| [0, 1].map(|line| part(line, 3, &packet(number)))).collect();
    if let Some(vectors) = vectors::all() {
        parts.push(part(0, 1, &vectors[vectors::MIRP]));
    }
    grouped(&parts).collect()
}

pub fn mdqp_stream() -> Vec<Vec<u8>> {
    let login = Message::LoginResponse {
        outcome: bytemuck::Zeroable::zeroed(),
        session: Some(bytemuck::Zeroable::zeroed()),
    };
    let login = Frame::new(1, login).encode();
    let snapshot: Vec<u8> =
        smdp::snapshot(3, 5, 40).frames(2).iter().flat_map(Frame::encode).collect();
    let mut samples = vec![
        [part(0, 1, &login), part(0, 1, &snapshot), part(1, 1, &login)].concat(),
        [part(0, 1, &login[..20]), part(0, 1, &login[20..]), part(0, 200, &snapshot)].concat(),
    ];
    if let Some(vectors) = vectors::all() {
        let parts = vectors.values().map(|bytes| part(0, 1, bytes));
        samples.push(parts.collect::<Vec<_>>().concat());
        samples.extend(
            vectors.values().map(|bytes| {
                [part(0, 1, &login), part(0, 1, bytes), part(1, 1, &snapshot)].concat()
            }),
        );
    }
    samples
}

pub fn captures() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for link in [LinkType::ETHERNET, LinkType::RAW_IP, LinkType(113)] {
        let mut writer = Writer::new(Vec::new(), link).expect("memory has room");
        let ip = [
            0x45, 0, 0, 36, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 224, 0, 31, 1, 0x38, 0x26,
            0x38, 0x26, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        let mut ether = vec![1, 0, 0x5e, 0, 31, 1, 2, 2, 2, 2, 2, 2, 0x81, 0, 0, 5, 8, 0];
        ether.extend(ip);
        for frame in [&ip[..], &ether, &ether[..12]] {
            writer.frame(UnixNs(1), frame).expect("memory has room");
        }
        samples.push(writer.into_inner());
    }
    let shared = ["mdp3_v6_ch340_20161112.pcapng", "mdp3_v9_book46.pcap"];
    for name in shared {
        if let Some(path) = crate::shared::data(&format!("captures/cme/{name}")) {
            let mut bytes = std::fs::read(path).expect("the shared capture can be read");
            bytes.truncate(4_096);
            samples.push(bytes);
        }
    }
    samples
}

pub fn config_xml() -> Vec<Vec<u8>> {
    let mut samples = vec![crate::venue::cme::channels::SMALL.as_bytes().to_vec()];
    if let Some(text) = crate::shared::text("schemas/cme/config_prod_2016.xml") {
        // Its first channel, closed.
        if let Some((channel, _)) = text.split_once("</channel>") {
            samples.push(format!("{channel}</channel></configuration>").into_bytes());
        }
    }
    samples
}

/// An exchange that loses, repeats, refuses and ends, and one that says everything golden.
pub fn ilink3_sessions() -> Vec<Vec<u8>> {
    let talk = |messages: &[Vec<u8>]| -> Vec<u8> {
        let kinds = [1_u8, 2, 3, 4, 0].into_iter().cycle();
        let parts = messages.iter().zip(kinds).map(|(message, kind)| part(kind, 7, message));
        parts.collect::<Vec<_>>().concat()
    };
    let terminate = Terminate { uuid: U64Le::new(SESSION), ..Terminate::BLANK };
    let lost: Vec<_> = [1, 4, 5, 9].map(peer::live).into_iter().collect();
    let again = |from: u32, count: u16| {
        let numbers = from..from + u32::from(count);
        [vec![peer::granted(from, count)], numbers.map(peer::again).collect()].concat()
    };
    let earlier = [3, 4].map(|number| peer::report(EARLIER, number, true));
    let mut samples = vec![
        talk(&[&earlier[..], &lost, &again(2, 2), &again(6, 3)].concat()),
        talk(&[&lost[..], &[peer::refused(3), peer::refused(0)], &again(2, 2)].concat()),
        talk(&[peer::live(1), peer::not_applied(1, 3), peer::sequence(2, true), peer::live(2)]),
        talk(&[peer::sequence(40, false), peer::framed(terminate), peer::live(1)]),
    ];
    if let Some(golden) = golden::load() {
        let of_session = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            if let Some(uuid) = bytes.get_mut(16..24) {
                uuid.copy_from_slice(&SESSION.to_le_bytes());
            }
            bytes
        };
        let messages: Vec<_> = golden.iter().map(|one| of_session(&one.bytes)).collect();
        samples.extend(messages.chunks(PACKETS).map(talk));
    }
    samples
}

pub fn calendar_files() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/calendars");
    let files = std::fs::read_dir(folder).expect("the project has calendars");
    let mut files: Vec<_> = files.map(|file| file.expect("it is there").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a calendar can be read")).collect()
}
