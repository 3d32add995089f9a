//! Operators with keys, a configuration that knows them, and commands of theirs.

use crate::journal::scratch::Scratch;
use cross_market_connect::audit::note::{Note, Purpose, SignerKey};
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::control::judge::Judge;
use cross_market_connect::control::kept::Kept;
use cross_market_connect::control::scope::{Named, Register};
use cross_market_connect::control::text::Text;
use cross_market_connect::control::verb::Verb;
use std::path::Path;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};

/// When everything happens, in seconds since 1970: 2026-11-22T12:00:00Z.
pub const NOW_S: u64 = 1795348800;

pub const US: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 7 };

pub fn key(name: &str) -> SignerKey {
    let seed = name.bytes().chain([0; 32]).take(32).collect::<Vec<_>>();
    SignerKey::new(name, Purpose::Log, &seed.try_into().expect("32 bytes")).expect("a name")
}

/// Alice and bob may order everything and sign second, carol stops one spread and signs nothing of
/// others.
pub fn operators() -> String {
    let all = "commands = [\"kill\", \"no_new\", \"disable\", \"remove\", \"arm\", \"enable\", \
               \"clear_halt\", \"clear_doubt\", \"limit\"]";
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| key(name).verifier());
    format!(
        "\n[control]\n\n[[operator]]\nname = \"alice\"\nid = 11\nkey = \"{alice}\"\n{all}\n\
         second = true\n\n[[operator]]\nname = \"bob\"\nid = 12\nkey = \"{bob}\"\n{all}\n\
         second = true\n\n\
         [[operator]]\nname = \"carol\"\nid = 13\nkey = \"{carol}\"\n\
         commands = [\"kill\", \"disable\"]\nscopes = [\"spread=calendar\"]\n"
    )
}

pub fn configuration() -> Configuration {
    let path = Path::new("config/replay_calendar.toml");
    let text = std::fs::read_to_string(path).expect("a sample") + &operators();
    let read = config::load_text(path, &text);
    read.unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

/// A judge who remembers in `scratch`.
pub fn judge(scratch: &Scratch) -> Judge {
    let directory = scratch.path("kept");
    std::fs::create_dir_all(&directory).expect("a directory");
    let config = configuration();
    let control = config.control.as_ref().expect("it is configured");
    let kept = Kept::open(&directory).expect("it reads");
    let operators = control.operators.clone();
    Judge::new(US, operators, Register::of(&config), control.valid_seconds.into(), kept)
}

/// A command of alice that all is right with.
pub fn text(counter: u64, verb: Verb, scope: &str) -> Text {
    Text {
        audience: US,
        operator: "alice".to_owned(),
        counter,
        issued_s: NOW_S,
        expires_s: NOW_S + 120,
        verb,
        scope: scope.parse::<Named>().expect("a scope"),
        change: None,
        difference: None,
        alert: None,
        reason: "the feed looks wrong".to_owned(),
    }
}

/// The text as a request, signed by those.
pub fn signed(text: &str, by: &[&str]) -> String {
    let signatures = by.iter().map(|name| key(name).sign(text, 0)).collect();
    Note { text: text.to_owned(), signatures }.to_string()
}

/// The command as a request, signed by those.
pub fn request(text: &Text, by: &[&str]) -> String {
    signed(&text.to_string(), by)
}
