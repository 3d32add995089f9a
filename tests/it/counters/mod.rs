//! The file of counters: what it says of itself, where its words lie, and what is refused.

mod damage;
mod table;

use crate::journal::scratch::Scratch;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::counters::Attached;
use cross_market_connect::engine::counters::Counters;
use std::path::Path;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};

pub fn configuration() -> Configuration {
    let config = config::load(Path::new("config/demo.toml"));
    config.unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

pub fn identity(run: u16) -> DeskIdentity {
    DeskIdentity { site: SiteId(1), desk: DeskId(1), run }
}

/// The counters of a run of the sample in a directory, as if an engine of this process had begun.
pub fn shown(directory: &Path, run: u16) -> Counters {
    let clock = EngineClock::start();
    let counters = Counters::shown(&configuration(), true, directory, identity(run), &clock);
    counters.expect("the directory can be written")
}

/// The value of a counter by its whole name.
pub fn value(attached: &Attached, name: &str) -> u64 {
    let table = attached.table();
    let place = table.rows.iter().position(|row| table.id(row) == name);
    let place = place.unwrap_or_else(|| panic!("no counter is called {name}"));
    attached.values().expect("it can be read")[place]
}

pub fn scratch(name: &str) -> (Scratch, std::path::PathBuf) {
    let scratch = Scratch::new(name);
    let record = scratch.path("record");
    std::fs::create_dir(&record).expect("a directory for the test");
    (scratch, record)
}
