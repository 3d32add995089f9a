//! MDP 3.0 against the exchange's XML, a real capture and generated packets.

use super::sbe_schema::{Schema, check};
use xmc_hotpath::venue::cme::sbe::MessageHeader;

/// The root of the heartbeat is empty: a message may be a header and nothing else.
#[test]
fn a_heartbeat_is_a_header_and_nothing_else() {
    let Some(schema) = Schema::load("mdp3_v13.xml") else { return };
    check!(schema, "AdminHeartbeat12", [u8; 0] {});
    assert_eq!(size_of::<MessageHeader>(), 8);
}
