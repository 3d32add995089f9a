//! Capture files: built by hand from the format's text, and the shared ones.

use cross_market_connect::port::capture::{Capture, CaptureError, Frame, LinkType, Writer};
use proptest::prelude::*;
use xmc_hotpath::time::UnixNs;

use crate::shared;

/// A classic file of one Ethernet frame per item: (seconds, fraction, bytes, original length).
fn classic(magic: u32, is_big_endian: bool, frames: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
    let u32s = |out: &mut Vec<u8>, words: &[u32]| {
        for word in words {
            out.extend(if is_big_endian { word.to_be_bytes() } else { word.to_le_bytes() });
        }
    };
    let mut out = Vec::new();
    u32s(&mut out, &[magic]);
    for half in [2_u16, 4] {
        out.extend(if is_big_endian { half.to_be_bytes() } else { half.to_le_bytes() });
    }
    u32s(&mut out, &[0, 0, 65_535, 1]);
    for &(seconds, fraction, bytes, original_len) in frames {
        u32s(&mut out, &[seconds, fraction, bytes.len() as u32, original_len]);
        out.extend(bytes);
    }
    out
}

/// A pcapng file under construction, in one byte order.
struct Ng {
    is_big_endian: bool,
    out: Vec<u8>,
}

impl Ng {
    fn new(is_big_endian: bool) -> Self {
        Self { is_big_endian, out: Vec::new() }.section(is_big_endian)
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn block(mut self, kind: u32, body: &[&[u8]]) -> Self {
        let mut body = body.concat();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = self.u32(body.len() as u32 + 12);
        let kind = self.u32(kind);
        self.out.extend([&kind[..], &len, &body, &len].concat());
        self
    }

    /// Begins a section of unstated length, perhaps in the other byte order.
    fn section(mut self, is_big_endian: bool) -> Self {
        self.is_big_endian = is_big_endian;
        let (magic, major, minor) = (self.u32(0x1a2b_3c4d), self.u16(1), self.u16(0));
        self.block(0x0a0d_0d0a, &[&magic, &major, &minor, &[0xff; 8]])
    }

    /// Describes an interface; options are (code, value).
    fn interface(self, link: u16, snap_len: u32, options: &[(u16, &[u8])]) -> Self {
        let (link, snap_len) = (self.u16(link), self.u32(snap_len));
        let mut encoded = Vec::new();
        for (code, value) in options {
            encoded.extend(self.u16(*code));
            encoded.extend(self.u16(value.len() as u16));
            encoded.extend(*value);
            encoded.resize(encoded.len().next_multiple_of(4), 0);
        }
        self.block(1, &[&link, &[0, 0], &snap_len, &encoded])
    }

    fn packet(self, interface: u32, units: u64, bytes: &[u8], original_len: u32) -> Self {
        let words =
            [interface, (units >> 32) as u32, units as u32, bytes.len() as u32, original_len]
                .map(|word| self.u32(word));
        self.block(6, &[words.as_flattened(), bytes])
    }

    fn simple(self, original_len: u32, bytes: &[u8]) -> Self {
        let original_len = self.u32(original_len);
        self.block(3, &[&original_len, bytes])
    }
}

/// All frames, owned, and the error they ended with.
type Read = (Vec<(u64, u64, u16, Vec<u8>, u32)>, Option<CaptureError>);

fn read(file: Vec<u8>) -> Read {
    let capture = match Capture::from_bytes(file) {
        Ok(capture) => capture,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut frames = Vec::new();
    let mut items = capture.frames();
    for item in &mut items {
        match item {
            Ok(Frame { number, captured, link, bytes, original_len }) => {
                frames.push((number, captured.0, link.0, bytes.to_vec(), original_len));
            }
            Err(error) => {
                assert!(items.next().is_none(), "an error ends the frames");
                return (frames, Some(error));
            }
        }
    }
    (frames, None)
}

fn whole(file: Vec<u8>) -> Vec<(u64, u64, u16, Vec<u8>, u32)> {
    let (frames, error) = read(file);
    assert!(error.is_none(), "{}", error.unwrap());
    frames
}

#[test]
fn classic_files_are_read_in_both_units_and_byte_orders() {
    for is_big_endian in [false, true] {
        for (magic, unit_ns) in [(0xa1b2_c3d4, 1_000), (0xa1b2_3c4d, 1)] {
            let frames = [(1_478_961_025, 999_999, &b"abc"[..], 3), (u32::MAX, 0, &b""[..], 60)];
            let read = whole(classic(magic, is_big_endian, &frames));
            let first_ns = 1_478_961_025_000_000_000 + 999_999 * unit_ns;
            assert_eq!(read[0], (1, first_ns, 1, b"abc".to_vec(), 3));
            assert_eq!(read[1], (2, 4_294_967_295_000_000_000, 1, vec![], 60));
            assert_eq!(read.len(), 2);
        }
    }
}

#[test]
fn a_frame_shorter_than_on_the_wire_says_so() {
    let file = classic(0xa1b2_c3d4, false, &[(0, 0, b"abcd", 60), (0, 0, b"abcd", 4)]);
    let capture = Capture::from_bytes(file).unwrap();
    let truncated: Vec<bool> =
        capture.frames().map(|frame| frame.unwrap().is_truncated()).collect();
    assert_eq!(truncated, [true, false]);
}

#[test]
fn what_the_writer_writes_is_read_back() {
    let mut writer = Writer::new(Vec::new(), LinkType::RAW_IP).unwrap();
    writer.frame(UnixNs(1_478_961_025_968_272_358), b"one").unwrap();
    writer.frame(UnixNs(u64::from(u32::MAX) * 1_000_000_000 + 999_999_999), &[7; 262_144]).unwrap();
    assert!(writer.frame(UnixNs(u64::MAX), b"2554").is_err());
    assert!(writer.frame(UnixNs(0), &[7; 262_145]).is_err());
    let read = whole(writer.into_inner());
    assert_eq!(read[0], (1, 1_478_961_025_968_272_358, 101, b"one".to_vec(), 3));
    assert_eq!(read[1], (2, 4_294_967_295_999_999_999, 101, vec![7; 262_144], 262_144));
    assert_eq!(read.len(), 2);
}

#[test]
fn damaged_classic_files_give_the_frames_before_the_damage() {
    let frames = [(5, 6, &b"first"[..], 5), (7, 8, &b"second"[..], 6)];
    let file = classic(0xa1b2_c3d4, false, &frames);
    let second = 24 + 16 + 5;
    for len in 0..file.len() {
        let (frames, error) = read(file[..len].to_vec());
        match error {
            None => assert!([24, second].contains(&len), "cut at {len} is not noticed"),
            Some(CaptureError::Cut { offset, left, .. }) => {
                let begin = if len < 24 {
                    0
                } else if len < second {
                    24
                } else {
                    second
                };
                assert_eq!((offset, left), (begin as u64, (len - begin) as u64));
            }
            Some(error) => assert!(len < 4, "cut at {len}: {error}"),
        }
        assert_eq!(frames.len(), usize::from(len >= second));
    }
    for (at, value, rule) in [(8, 262_145_u32, "262144"), (4, 1_000_000_000, "one second")] {
        let mut file = file.clone();
        file[second + at..][..4].copy_from_slice(&value.to_le_bytes());
        let (frames, error) = read(file);
        let error = error.expect("the damage is noticed").to_string();
        assert_eq!(frames.len(), 1);
        assert!(error.contains(rule) && error.contains("byte 45"), "{error}");
    }
}

#[test]
fn other_files_are_refused_with_what_to_do() {
    for (file, word) in [
        (&b""[..], "empty"),
        (b"\x1f\x8b\x08\x00...", "copy the file again"),
        (b"\x28\xb5\x2f\xfd", "copy the file again"),
        (b"\xfd7zXZ\0", "xz -d"),
        (b"hello world", "editcap"),
        (b"\xd4\xc3", "editcap"),
    ] {
        let error = read(file.to_vec()).1.expect("not a capture").to_string();
        assert!(error.contains(word), "{error}");
    }
    let error = Capture::open("no/such/file.pcap".as_ref()).err().expect("no file").to_string();
    assert!(error.contains("no/such/file.pcap"), "{error}");
}

#[test]
fn pcapng_interfaces_have_their_own_link_and_clock() {
    for is_big_endian in [false, true] {
        let offset_s = 3_i64;
        let offset_s = if is_big_endian { offset_s.to_be_bytes() } else { offset_s.to_le_bytes() };
        let file = Ng::new(is_big_endian)
            .interface(1, 0, &[(2, b"eth0"), (9, &[9])])
            .interface(101, 0, &[])
            .interface(113, 0, &[(9, &[0x80 | 10]), (14, &offset_s)])
            .interface(276, 0, &[(9, &[12])])
            .packet(0, 1_478_961_025_968_272_358, b"ns", 2)
            .packet(1, 1_478_961_025_968_272, b"us", 64)
            .block(5, &[&[0; 12]])
            .packet(2, 1_536, b"1.5s", 4)
            .packet(3, 1_999, b"ps", 2)
            .block(0x0bad, &[b"a custom block"])
            .out;
        let expected = [
            (1, 1_478_961_025_968_272_358, 1, b"ns".to_vec(), 2),
            (2, 1_478_961_025_968_272_000, 101, b"us".to_vec(), 64),
            (3, 4_500_000_000, 113, b"1.5s".to_vec(), 4),
            (4, 1, 276, b"ps".to_vec(), 2),
        ];
        assert_eq!(whole(file), expected, "big-endian: {is_big_endian}");
    }
}

#[test]
fn pcapng_sections_forget_interfaces_and_may_turn_the_byte_order() {
    let file = Ng::new(false)
        .interface(1, 0, &[])
        .packet(0, 1, b"first", 5)
        .section(true)
        .interface(101, 4, &[])
        .packet(0, 2, b"second", 6)
        .simple(3, b"abc")
        .simple(9, b"cut by the snap length");
    let frames = whole(file.out);
    assert_eq!(frames[0], (1, 1_000, 1, b"first".to_vec(), 5));
    assert_eq!(frames[1], (2, 2_000, 101, b"second".to_vec(), 6));
    assert_eq!(frames[2], (3, 0, 101, b"abc".to_vec(), 3));
    assert_eq!(frames[3], (4, 0, 101, b"cut ".to_vec(), 9));

    let (frames, error) =
        read(Ng::new(false).interface(1, 0, &[]).section(false).packet(0, 1, b"lost", 4).out);
    assert!(frames.is_empty());
    assert!(error.unwrap().to_string().contains("interface"));
}

#[test]
fn damaged_pcapng_files_give_the_frames_before_the_damage() {
    let good = Ng::new(false).interface(1, 0, &[]).packet(0, 1, b"good", 4);
    let begin = good.out.len();
    let file = good.packet(0, 2, b"bad!", 4).out;
    for len in begin + 1..file.len() {
        let (frames, error) = read(file[..len].to_vec());
        let Some(CaptureError::Cut { offset, left, .. }) = error else {
            panic!("cut at {len}: {error:?}");
        };
        assert_eq!((frames.len(), offset, left), (1, begin as u64, (len - begin) as u64));
    }
    let last = file.len() - 4;
    for (at, value) in [
        (begin + 4, 6_u32),
        (begin + 4, 38),
        (begin + 8, 1),
        (begin + 20, 4_096),
        (begin + 20, u32::MAX),
        (last, 32),
    ] {
        let mut file = file.clone();
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let (frames, error) = read(file);
        assert_eq!(frames.len(), 1);
        let error = error.expect("the damage is noticed").to_string();
        assert!(error.contains(&format!("damaged at byte {begin}")), "{error}");
    }
    // An obsolete packet block shorter than its own words, and one that says more than it has.
    for body in [&[0; 12][..], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]] {
        let obsolete = Ng::new(false).interface(1, 0, &[]).block(2, &[body]).out;
        let error = read(obsolete).1.expect("the damage is noticed").to_string();
        assert!(error.contains("what its lengths say"), "{error}");
    }
}

#[test]
fn obsolete_packet_blocks_are_read_as_enhanced_ones_are() {
    for is_big_endian in [false, true] {
        let file = Ng::new(is_big_endian)
            .interface(1, 0, &[])
            .interface(101, 0, &[(9, &[9])])
            .packet(1, 1_478_961_025_968_272_358, b"enhanced", 60);
        let (interface, drops) = (file.u16(1), file.u16(3));
        let units = 1_478_961_025_968_272_359_u64;
        let words = [(units >> 32) as u32, units as u32, 5, 60].map(|word| file.u32(word));
        let file = file.block(2, &[&interface, &drops, words.as_flattened(), b"older"]).out;
        let read = whole(file);
        assert_eq!(read[1], (2, 1_478_961_025_968_272_359, 101, b"older".to_vec(), 60));
        assert_eq!(read.len(), 2);
    }
}

/// One file holds nanoseconds although its magic says microseconds; in another the microseconds
/// have run over the second by a little.
#[test]
fn sub_second_parts_beyond_a_second_are_told_apart() {
    for is_big_endian in [false, true] {
        let times = |fractions: [u32; 2]| {
            let frames = fractions.map(|fraction| (1_700_000_000, fraction, &b"abc"[..], 3));
            let capture =
                Capture::from_bytes(classic(0xa1b2_c3d4, is_big_endian, &frames)).unwrap();
            let times = capture.frames().map(|frame| frame.unwrap().captured.0 % 10_000_000_000);
            (times.collect::<Vec<_>>(), capture.note().map(str::to_owned))
        };
        let (sound, note) = times([1, 999_999]);
        assert_eq!((sound, note), (vec![1_000, 999_999_000], None));
        let (carried, note) = times([999_999, 1_000_001]);
        assert_eq!(carried, [999_999_000, 1_000_001_000]);
        assert!(note.unwrap().contains("carried over"));
        let (misnamed, note) = times([123, 123_456_789]);
        assert_eq!(misnamed, [123, 123_456_789]);
        assert!(note.unwrap().contains("has nanoseconds"));
    }
}

/// A length that is wrong leads among the bytes of frames, which look like times now and then.
#[test]
fn one_odd_time_behind_damage_does_not_change_the_unit() {
    let odd: Vec<u8> = [5_u32, 123_456_789, 9, 9, 0].iter().flat_map(|w| w.to_le_bytes()).collect();
    let frames = [(1_700_000_000, 5, &b"abc"[..], 3), (1_700_000_000, 7, &odd[..], 20)];
    let mut file = classic(0xa1b2_c3d4, false, &frames);
    // The first frame says that it is as long as the header of the second one besides.
    file[24 + 8] = 3 + 16;
    let capture = Capture::from_bytes(file).unwrap();
    assert_eq!(capture.note(), None);
    let first = capture.frames().next().expect("there is one").expect("it is whole");
    assert_eq!(first.captured.0 % 1_000_000_000, 5_000);
}

proptest! {
    /// Whatever is done to a file, it is read to an end without a panic, and numbered from 1.
    #[test]
    fn no_file_can_panic_the_reader(
        is_ng in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = if is_ng {
            Ng::new(false)
                .interface(1, 96, &[(9, &[9])])
                .packet(0, 1, b"one", 3)
                .simple(5, b"three")
                .packet(0, 2, b"two", 3)
                .out
        } else {
            classic(0xa1b2_c3d4, false, &[(1, 2, b"one", 3), (3, 4, b"two", 3)])
        };
        for (at, byte) in edits {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let (frames, _) = read(file);
        for (index, frame) in frames.iter().enumerate() {
            prop_assert_eq!(frame.0, index as u64 + 1);
        }
    }
}

#[test]
fn the_shared_captures_are_read_whole() {
    let Some(path) = shared::data("captures/cme/mdp3_v6_ch340_20161112.pcapng") else { return };
    let capture = Capture::open(&path).unwrap();
    let frames: Vec<_> = capture.frames().map(Result::unwrap).collect();
    assert_eq!(frames.len(), 10_000);
    assert_eq!(frames[0].captured.0, 1_478_961_025_968_272_358);
    assert!(frames.iter().all(|frame| frame.link == LinkType::ETHERNET && !frame.is_truncated()));
    assert_eq!(frames.last().unwrap().number, 10_000);

    let Some(path) = shared::data("captures/cme/mdp3_v9_book46.pcap") else { return };
    let capture = Capture::open(&path).unwrap();
    let frames: Vec<_> = capture.frames().map(Result::unwrap).collect();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].bytes.len(), 1_238);
    // The words at bytes 24 and 28 of the file, microseconds.
    assert_eq!(frames[0].captured.0, 1_536_760_535_000_000_000 + 0x000a_5e6a * 1_000);
}
