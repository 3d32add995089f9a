//! Where packets come from and go to: the edge of the engine, behind the port traits of the hot
//! path (`xmc_hotpath::port`).
//!
//! Nothing here knows a venue's protocol. `capture` reads and writes capture files, `datagram`
//! finds the UDP payload in a captured or raw frame, `memory` lends datagrams that are already
//! here.

pub mod capture;
pub mod datagram;
pub mod memory;
