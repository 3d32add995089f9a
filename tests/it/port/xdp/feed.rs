//! The real feed stage over AF_XDP: lines A and B on two cables, and both under fire.

use super::super::garbage::{FeedRig, RATE, near_packets, packet};
use super::{
    A, B, ModeChoice, NATIVE, attach, attached, beside, cabled, eventually, far_sender, named, on,
    prepared,
};
use crate::garbage::{Barrage, Target};
use cross_market_connect::port::xdp::receive::XdpSettings;
use cross_market_connect::port::xdp::socket::Drops;
use xmc_hotpath::port::TxPort;
use xmc_hotpath::stage::Stage;

/// Each line loses every third packet, never the same; the feed has all of them, in order.
#[test]
fn a_feed_of_two_cables_has_every_packet() {
    const COUNT: u32 = 5_000;
    beside(|namespace, beside| {
        namespace.cable(beside, ("near0", "10.78.1.1/24"), ("far0", "10.78.1.2/24"), 1);
        namespace.cable(beside, ("near1", "10.79.1.1/24"), ("far1", "10.79.1.2/24"), 1);
        let settings = XdpSettings { mode: NATIVE, ..XdpSettings::default() };
        let mut port = prepared([on(A, "near0"), on(B, "near1")], settings).expect("it may");
        attach(&mut port);
        let (counted, watch) = (port.counters(), port.drop_watch());
        let [mut a, mut b] =
            [(A, "far0"), (B, "far1")].map(|(group, name)| far_sender(beside, group, name));
        FeedRig::run(port, |rig| {
            for seq_no in 1..=COUNT {
                if seq_no % 3 != 0 {
                    a.send(&packet(seq_no)).expect("the cable has room");
                }
                if seq_no % 3 != 1 {
                    b.send(&packet(seq_no)).expect("the cable has room");
                }
                eventually("the packet", || {
                    rig.stage.poll();
                    (rig.counters.applied.get() == u64::from(seq_no)).then_some(())
                });
                assert_eq!(rig.newest_lots(), i64::from(seq_no));
            }
            assert_eq!(rig.counters.divergent.get() + rig.counters.sequence_breaks.get(), 0);
            assert_eq!(watch.drops().expect("it is open"), Some(Drops::default()));
        });
        assert_eq!(counted.by_socket.get() + counted.foreign.get() + counted.malformed.get(), 0);
    });
}

/// Both lines under fire while packets go on: all are applied, all garbage is refused. What is
/// longer than a frame comes in fragments, through the kernel, and may be too long for a feed.
#[test]
fn a_feed_past_the_kernel_under_a_barrage_applies_what_is_good() {
    cabled(1, |_, beside| {
        let port = attached(ModeChoice::Best);
        let (counted, watch) = (port.counters(), port.drop_watch());
        let sockets = port.sockets().counters();
        let mut senders = [A, B].map(|group| far_sender(beside, group, "far0"));
        let targets = [A, B].map(|group| Target::Link(group, named("far0")));
        FeedRig::run(port, |rig| {
            let barrage = beside.within(|_| Barrage::start(near_packets(11), &targets, RATE));
            let send = |packet: &[u8]| {
                for sender in &mut senders {
                    sender.send(packet).expect("the cable has room");
                }
            };
            rig.withstand(barrage, send, || sockets.oversize());
            assert!(counted.by_socket.get() > 20, "fragments were put together");
            assert_eq!(watch.drops().expect("it is open"), Some(Drops::default()));
        });
    });
}
