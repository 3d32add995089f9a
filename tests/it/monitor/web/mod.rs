//! The screen for browsers, over real sockets: figures, order, viewers that are slow or too many,
//! who is refused, words, and the page itself in a browser where there is one.

mod accessible;
mod api;
mod browser;
pub mod chromium;
pub mod client;
mod page;
mod refusals;
mod stream;
mod viewers;

use super::rig::Rig;
use cross_market_connect::monitor::web::{Place, Web};
use cross_market_connect::monitor::{Lang, View};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use xmc_hotpath::time::Span;

/// How long a test waits for what must come, on a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(60);

/// Any free port of this machine, and nobody else.
const PLACE: Place = Place {
    address: SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    is_open_to_others: false,
    lang: Lang::En,
};

/// A screen that nobody has shown anything yet.
fn web() -> Web {
    Web::open(PLACE, || {}).expect("a port is free")
}

/// Two markets that have traded for some seconds.
fn lively() -> View {
    let mut rig = Rig::new(7);
    rig.run(Span(6_000_000_000));
    rig.view()
}

/// What stands behind `token=` in the address.
fn token(web: &Web) -> String {
    web.url().rsplit_once('=').expect("the address has a token").1.to_owned()
}
