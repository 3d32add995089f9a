//! The sample of a resync's configuration, beside the markets of the demonstration.

use cross_market_connect::config::{self, ResyncSource, StatementPlace, VenueWins};
use std::net::SocketAddr;
use std::path::Path;

#[test]
fn the_sample_says_what_its_comments_say() {
    let demo = std::fs::read_to_string("config/demo.toml").expect("a sample");
    let resync = std::fs::read_to_string("config/resync.toml").expect("a sample");
    let read = config::load_text(Path::new("config/demo.toml"), &(demo + &resync));
    let config = read.unwrap_or_else(|bad| panic!("{}", bad.render(false)));
    let resync = config.resync.expect("it is there");
    assert_eq!((resync.every_s, resync.settle_ms, resync.is_required), (30, 2_000, true));
    assert_eq!(resync.venue_wins, VenueWins::Adopt);
    let [broker, clearing] = &resync.sources[..] else { panic!("{:?}", resync.sources) };
    let file = StatementPlace::File("statements/broker.json".into());
    assert_eq!((&broker.place, broker.tolerance_e9, broker.gateway), (&file, 10_000_000, 0));
    let address: SocketAddr = "127.0.0.1:19400".parse().expect("an address");
    let expected = ResyncSource {
        name: "clearing".to_owned(),
        gateway: 1,
        account: "XMC".to_owned(),
        venue: "cme".to_owned(),
        place: StatementPlace::Stream(address),
        max_age_s: 20,
        tolerance_e9: 0,
    };
    assert_eq!(*clearing, expected);
}
