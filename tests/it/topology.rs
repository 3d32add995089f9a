//! The topology: what a machine must have for it. Rules that hold anywhere are in `config`.

use crate::config::{edited, load};
use cross_market_connect::config::{Configuration, Rule};
use cross_market_connect::topology::host::{self, Host};
use cross_market_connect::topology::{Idle, Link, LinkKind, Stage};

fn machine(online: &[u16], allowed: &[u16]) -> Host {
    let set = |cores: &[u16]| cores.iter().copied().collect();
    Host { online: set(online), allowed: set(allowed) }
}

fn configured(edits: &[(&str, &str)]) -> Configuration {
    load(&edited(edits)).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)))
}

fn rules(configuration: &Configuration, host: &Host) -> Vec<Rule> {
    match host::check(configuration, host) {
        Ok(()) => Vec::new(),
        Err(invalid) => invalid.problems.iter().map(|problem| problem.rule).collect(),
    }
}

const HOT_SPINS_ON_1: [(&str, &str); 2] =
    [("core = 0", "core = 1"), ("idle = \"yield\"", "idle = \"spin\"")];

#[test]
fn a_yielding_core_is_enough() {
    assert_eq!(rules(&configured(&[]), &machine(&[0], &[0])), []);
}

#[test]
fn spinning_leaves_a_core_to_the_machine() {
    let configuration = configured(&[("idle = \"yield\"", "idle = \"spin\"")]);
    assert_eq!(rules(&configuration, &machine(&[0], &[0])), [Rule::TooManySpinning]);
    assert_eq!(rules(&configuration, &machine(&[0, 1], &[0, 1])), []);
}

#[test]
fn a_core_must_be_online_and_allowed() {
    let configuration = configured(&HOT_SPINS_ON_1);
    assert_eq!(rules(&configuration, &machine(&[0, 1], &[0, 1])), []);
    assert_eq!(rules(&configuration, &machine(&[0, 2], &[0, 2])), [Rule::CoreAbsent]);
    let invalid = host::check(&configuration, &machine(&[0, 1, 2, 3], &[0, 2, 3])).unwrap_err();
    assert!(invalid.problems[0].message.contains("affinity mask"), "{invalid}");
    assert!(invalid.render(false).contains("cores here: 0,2-3"), "{}", invalid.render(false));
}

#[test]
fn real_time_spinning_needs_a_core_left_over() {
    let edits = [HOT_SPINS_ON_1[0], ("idle = \"yield\"", "sched = \"fifo:50\"\nidle = \"spin\"")];
    let configuration = configured(&edits);
    assert_eq!(rules(&configuration, &machine(&[0, 1], &[0, 1])), []);
    let both_spin = [edits[0], edits[1], ("idle = \"sleep\"", "idle = \"spin\"")];
    let configuration = configured(&both_spin);
    let found = rules(&configuration, &machine(&[0, 1], &[0, 1]));
    assert!(found.contains(&Rule::FifoOnHousekeeping), "{found:?}");
    assert!(found.contains(&Rule::TooManySpinning), "{found:?}");
    assert_eq!(rules(&configuration, &machine(&[0, 1, 2], &[0, 1, 2])), []);
}

#[test]
fn a_real_time_thread_that_yields_is_no_better_than_one_that_spins() {
    // It yields to its like alone: on a machine of one core nothing else would run.
    let edits = [("idle = \"yield\"", "sched = \"fifo:50\"\nidle = \"yield\"")];
    let apart = [HOT_SPINS_ON_1[0], edits[0]];
    assert_eq!(rules(&configured(&apart), &machine(&[0, 1], &[0, 1])), []);
    let alone = rules(&configured(&apart), &machine(&[1], &[1]));
    assert!(alone.contains(&Rule::FifoOnHousekeeping), "{alone:?}");
}

#[test]
fn a_real_time_thread_shares_its_core_with_nobody_who_sleeps() {
    let rivals = |idle: &str| {
        let idle = format!("sched = \"fifo:50\"\nidle = \"{idle}\"");
        load(&edited(&[("idle = \"yield\"", &idle)]))
    };
    for idle in ["spin", "yield"] {
        let invalid = rivals(idle).expect_err("the journal is on the same core");
        let found: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
        assert_eq!(found, [Rule::FifoOnHousekeeping], "{idle}");
    }
    assert!(rivals("sleep").is_ok());
}

/// Nor with one of a lower priority, whatever that one does while it waits.
#[test]
fn a_real_time_thread_that_polls_starves_whoever_comes_after_it() {
    let found = |hot: (&str, &str), journal: (&str, &str)| {
        let of = |(sched, idle): (&str, &str)| format!("sched = \"{sched}\"\nidle = \"{idle}\"");
        let (hot, journal) = (of(hot), of(journal));
        let places = [("idle = \"yield\"", "HOT"), ("idle = \"sleep\"", "JOURNAL")];
        let edits = [places[0], places[1], ("HOT", &hot), ("JOURNAL", &journal)];
        match load(&edited(&edits)) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.problems.iter().map(|problem| problem.rule).collect(),
        }
    };
    let starves = [Rule::FifoOnHousekeeping];
    assert_eq!(found(("fifo:50", "yield"), ("other", "yield")), starves);
    assert_eq!(found(("fifo:50", "spin"), ("fifo:10", "sleep")), starves);
    assert_eq!(found(("fifo:50", "spin"), ("fifo:50", "sleep")), starves, "it gives way to nobody");
    assert_eq!(found(("fifo:10", "sleep"), ("fifo:50", "yield")), starves);
    // Those of one priority that yield take turns, and one that sleeps leaves time to the others.
    assert_eq!(found(("fifo:50", "yield"), ("fifo:50", "yield")), []);
    assert_eq!(found(("fifo:50", "sleep"), ("other", "yield")), []);
    assert_eq!(found(("other", "yield"), ("other", "sleep")), []);
}

#[test]
fn isolated_cores_can_be_used_though_they_are_missing_from_the_mask() {
    // What `here` reads is a set of both; a core that is neither is refused.
    let configuration = configured(&HOT_SPINS_ON_1);
    assert_eq!(rules(&configuration, &machine(&[0, 1], &[0])), [Rule::CoreAbsent]);
    let host = Host::of("0-3", "0-1", "2-3").expect("lists");
    assert_eq!(host, machine(&[0, 1, 2, 3], &[0, 1, 2, 3]));
    assert_eq!(Host::of("0-1", "0-1", "").expect("lists"), machine(&[0, 1], &[0, 1]));
    assert!(Host::of("", "0", "").is_err(), "no machine is without a core");
}

#[test]
fn this_machine_can_be_read() {
    let host = Host::here().expect("the kernel says which cores there are");
    assert!(!host.online.is_empty());
    assert!(host.allowed.iter().any(|core| host.online.contains(core)));
}

#[test]
fn stages_and_links_are_read_in_order() {
    let configuration = configured(&[]);
    let hot = &configuration.executors[0];
    let stages: Vec<_> = hot.stages.iter().map(|stage| stage.value).collect();
    assert_eq!(stages, [Stage::Feed(0), Stage::Desk, Stage::Gateway(0)]);
    assert_eq!(hot.idle.value, Idle::Yield);
    let names: Vec<_> = stages.iter().map(|stage| configuration.stage_name(*stage)).collect();
    assert_eq!(names, ["feed_cme", "desk", "gateway_cme"]);
    let ends: Vec<_> =
        configuration.links.iter().map(|link| (link.kind, link.from, link.to)).collect();
    assert_eq!(
        ends,
        [
            (LinkKind::Quotes, Stage::Feed(0), Stage::Desk),
            (LinkKind::Orders, Stage::Desk, Stage::Gateway(0)),
            (LinkKind::Events, Stage::Gateway(0), Stage::Desk),
        ]
    );
    assert!(configuration.links.iter().map(Link::bytes).all(|bytes| bytes > 0));
}
