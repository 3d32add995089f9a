//! An engine that is none: a process that does something else, and counters that say it is one.

use crate::config::{base, load};
use crate::journal::scratch::Scratch;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::Configuration;
use cross_market_connect::counters::file::Shown;
use cross_market_connect::counters::{CountersFile, Owner, OwnerKind, Placed, Run};
use cross_market_connect::guard::Places;
use cross_market_connect::guard::state::Process;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use xmc_hotpath::gateway::GatewayCounters;
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::stage::CoreCounters;

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is to be killed.
pub struct Victim(pub Child);

impl Victim {
    /// One that sleeps.
    pub fn new() -> Self {
        Self::of("sleep", &["600"])
    }

    /// A program.
    pub fn of(program: &str, words: &[&str]) -> Self {
        Self(Command::new(program).args(words).spawn().expect("it runs"))
    }

    /// The run of an engine that this process would be.
    pub fn run(&self, number: u16) -> Run {
        let identity = DeskIdentity { run: number, ..places(Path::new("")).identity };
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it lives");
        let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
        let began = rest.split_ascii_whitespace().nth(19).expect("field 22");
        Run {
            pid: self.0.id(),
            process_began: began.parse().expect("a number"),
            ..Run::beginning(identity, &EngineClock::start())
        }
    }

    /// Whether it lives.
    pub fn lives(&mut self) -> bool {
        self.0.try_wait().expect("it is ours").is_none()
    }

    /// Waits for its end, and says how long that took.
    pub fn wait(&mut self) -> Duration {
        let since = Instant::now();
        while self.lives() {
            assert!(since.elapsed() < PATIENCE, "it lives on");
            std::thread::sleep(Duration::from_millis(1));
        }
        since.elapsed()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A desk whose gateways are inside the engine, with a guard that has these keys.
pub fn config(guard: &str) -> Configuration {
    let config = load(&format!("{}\n[guard]\n{guard}\n", base()));
    config.unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

/// Where its files lie below a directory.
pub fn places(directory: &Path) -> Places {
    let record = directory.join("record");
    Places { leases: directory.join("leases"), ..Places::of(&config(""), Some(&record)) }
}

/// Counters of an engine with one hot core.
pub struct Engine {
    _shown: Shown,
    core: Placed<CoreCounters>,
    clock: EngineClock,
    /// Its process, as the guard knows it.
    pub process: Process,
    /// Where everything lies.
    pub places: Places,
}

impl Engine {
    /// The run `number` of `victim`, which has sent something.
    pub fn new(scratch: &Scratch, victim: &Victim, number: u16) -> Self {
        let places = places(&scratch.path(""));
        fs::create_dir_all(&places.leases).expect("it is ours");
        fs::create_dir_all(&places.guard).expect("it is ours");
        let clock = EngineClock::start();
        let mut run = victim.run(number);
        (run.scale, run.source) = (clock.scale(), clock.source());
        let (file, mut placer) = CountersFile::begin(&places.record, 1 << 16).expect("room");
        let owner = Owner { stages: vec!["desk".to_owned()], ..Owner::new(OwnerKind::Core, "1") };
        let core: Placed<CoreCounters> = placer.place(&owner);
        let gateway: Placed<GatewayCounters> = placer.place(&Owner::new(OwnerKind::Gateway, "cme"));
        gateway.sent.add(3);
        let shown = file.finish(placer, &run).expect("room");
        core.thread.set(victim.0.id().into());
        let engine = Self { _shown: shown, core, clock, process: Process::of(&run), places };
        engine.beat();
        engine
    }

    /// Its core comes round.
    pub fn beat(&self) {
        self.core.heartbeat.set(self.clock.ticks());
    }

    /// Its core comes round for so long.
    pub fn beat_for(&self, time: Duration) {
        let since = Instant::now();
        while since.elapsed() < time {
            self.beat();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
