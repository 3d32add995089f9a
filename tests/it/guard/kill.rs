//! Whom the guard kills: the process of the run, and nobody who has its number.

use super::rig::Victim;
use cross_market_connect::counters::Run;
use cross_market_connect::guard::kill::{Killed, kill};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_process_that_has_the_number_of_a_dead_one_is_left_alone() {
    let mut victim = Victim::new();
    let run = victim.run(1);
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
    assert_eq!(kill(&victim.run(1), PATIENCE), Ok(Killed::Ended));
    assert!(since.elapsed() < PATIENCE, "it was waited for");
    assert!(!victim.lives());
}
