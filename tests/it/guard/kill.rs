//! Whom the guard kills: the process of the run, and nobody who has its number.

use cross_market_connect::clock::EngineClock;
use cross_market_connect::counters::Run;
use cross_market_connect::guard::kill::{Killed, kill};
use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};

const PATIENCE: Duration = Duration::from_secs(20);

struct Victim(Child);

impl Victim {
    fn new() -> Self {
        Self(Command::new("sleep").arg("600").spawn().expect("sleep runs"))
    }

    /// The run of an engine that this process would be.
    fn run(&self) -> Run {
        let identity = DeskIdentity { site: SiteId(1), desk: DeskId(1), run: 1 };
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it lives");
        let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
        let began = rest.split_ascii_whitespace().nth(19).expect("field 22");
        Run {
            pid: self.0.id(),
            process_began: began.parse().expect("a number"),
            ..Run::beginning(identity, &EngineClock::start())
        }
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("it is ours").is_none()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_has_the_number_of_a_dead_one_is_left_alone() {
    let mut victim = Victim::new();
    let run = victim.run();
    let earlier = Run { process_began: run.process_began - 1, ..run };
    assert_eq!(kill(&earlier, PATIENCE), Ok(Killed::WasGone));
    let other_boot = Run { boot: run.boot ^ 1, ..run };
    assert_eq!(kill(&other_boot, PATIENCE), Ok(Killed::WasGone));
    assert!(victim.lives(), "it is another process");
    assert_eq!(kill(&run, PATIENCE), Ok(Killed::Ended));
    assert!(!victim.lives());
    // Its number is nobody's now.
    assert_eq!(kill(&run, PATIENCE), Ok(Killed::WasGone));
}

#[test]
fn a_process_that_is_held_still_is_killed_like_another() {
    let mut victim = Victim::new();
    let pid = victim.0.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().expect("kill runs").success());
    let since = Instant::now();
    assert_eq!(kill(&victim.run(), PATIENCE), Ok(Killed::Ended));
    assert!(since.elapsed() < PATIENCE, "it was waited for");
    assert!(!victim.lives());
}
