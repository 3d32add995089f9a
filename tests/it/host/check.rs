//! Each check against machines that have it, have it otherwise, or do not have it at all.

use super::{Machine, numbered, with};
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::host::kernel::{
    Answer, Card, Coalesce, Count, Kernel, Offloads, Silence, Stamps, TimeStatus,
};
use cross_market_connect::host::measured::Measured;
use cross_market_connect::host::{self, Profile, Survey, Verdict, Wanted};
use std::path::Path;

fn demo() -> Configuration {
    config::load(Path::new("config/demo.toml")).expect("the sample is right")
}

#[test]
fn every_check_is_made_once_and_says_what_it_wants() {
    for name in ["tuned-intel", "tuned-amd", "stock-ubuntu", "small-vm"] {
        for profile in [Profile::Lab, Profile::Colo, Profile::Ci] {
            let checks = Machine::new(name).checks(profile);
            let numbers: Vec<_> = checks.iter().map(|check| check.number).collect();
            assert_eq!(numbers, (1..=57).collect::<Vec<u8>>(), "{name}");
            for check in &checks {
                assert!(!check.want.is_empty() && !check.why.is_empty(), "{check:?}");
                // A finding without a way out is a complaint.
                let is_helpful = !check.said.is_empty() && !check.changes.is_empty();
                assert!(!check.verdict.is_finding() || is_helpful, "{name}: {check:?}");
            }
        }
    }
}

#[test]
fn a_tuned_machine_has_no_findings_even_beside_the_exchange() {
    let checks = Machine::new("tuned-intel").checks(Profile::Colo);
    let found: Vec<_> = checks.iter().filter(|check| check.verdict.is_finding()).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(with(&checks, Verdict::Absent), [50, 53, 54]);
    // What only system calls tell is not guessed.
    assert_eq!(with(&checks, Verdict::Unknown), [24, 27, 28, 37, 38, 39, 40, 47, 56]);
    assert_eq!(numbered(&checks, 1).verdict, Verdict::Ok);
    assert_eq!(numbered(&checks, 45).verdict, Verdict::Ok);
}

#[test]
fn a_stock_machine_is_told_what_to_do() {
    let machine = Machine::new("stock-ubuntu");
    let checks = machine.checks(Profile::Colo);
    for number in [
        1, 2, 3, 4, 6, 7, 8, 12, 13, 15, 17, 18, 20, 21, 23, 29, 32, 33, 34, 36, 42, 45, 48, 50, 52,
    ] {
        let check = numbered(&checks, number);
        // No hot thread is real-time here; mitigations are the site's.
        let is_told = matches!(number, 13 | 18);
        assert_eq!(check.verdict.is_finding(), !is_told && number != 18, "{check:#?}");
    }
    let commands = |number: u8| -> Vec<String> {
        numbered(&checks, number).changes.iter().map(host::Change::command).collect()
    };
    assert_eq!(commands(1), ["at boot: isolcpus=managed_irq,domain,1-7"]);
    // NVMe's own interrupt is not touched, the card's is moved off the hot cores only.
    assert_eq!(
        commands(4),
        [
            "echo 1 | sudo tee /proc/irq/default_smp_affinity",
            "echo 0 | sudo tee /proc/irq/40/smp_affinity_list"
        ]
    );
    assert_eq!(commands(6), ["sudo systemctl disable --now irqbalance"]);
    assert_eq!(commands(17), ["sudo sysctl -w kernel.printk=\"4 4 1 7\""]);
    assert_eq!(commands(42), ["sudo sysctl -w net.core.busy_read=50"]);
    assert_eq!(commands(45), ["sudo sysctl -w net.ipv4.conf.eth0.rp_filter=2"]);
    assert_eq!(
        commands(29),
        ["echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"]
    );
    assert_eq!(commands(21).len(), 14);
    assert_eq!(commands(52), ["ulimit -n 1024"]);
    let said = &numbered(&checks, 8).said;
    assert!(said.iter().any(|said| said == "core 4 shares its core with 0, online"), "{said:?}");
    assert!(said.iter().any(|said| said == "core 1 shares its core with 5, hot as well"));
    // The first core is never taken away, and here it is all that others have.
    assert_eq!(commands(8), ["give each executor a core of its own: choose other cores"]);
    let wanted = Wanted { hot: [1, 2].into(), ..machine.wanted(Profile::Colo) };
    let few = machine.checks_for(&wanted);
    let taken: Vec<_> = numbered(&few, 8).changes.iter().map(host::Change::command).collect();
    assert_eq!(
        taken,
        [5, 6].map(|core| format!("echo 0 | sudo tee /sys/devices/system/cpu/cpu{core}/online"))
    );
    assert_eq!(numbered(&checks, 23).said, ["C10 (230 us) on cores 1-7"]);
}

#[test]
fn profiles_weigh_the_same_findings_differently() {
    let machine = Machine::new("stock-ubuntu");
    let verdicts = |number| {
        [Profile::Colo, Profile::Lab, Profile::Ci]
            .map(|profile| numbered(&machine.checks(profile), number).verdict)
    };
    // Lost packets, a longer tail, a matter of taste.
    assert_eq!(verdicts(45), [Verdict::Bad, Verdict::Bad, Verdict::Warn]);
    assert_eq!(verdicts(1), [Verdict::Bad, Verdict::Warn, Verdict::Info]);
    assert_eq!(verdicts(15), [Verdict::Warn, Verdict::Info, Verdict::Info]);
}

#[test]
fn a_partition_isolates_as_a_parameter_does_and_groups_of_caches_are_seen() {
    let machine = Machine::new("tuned-amd");
    let mut wanted = machine.wanted(Profile::Colo);
    wanted.hot = (8..16).collect();
    let checks = machine.checks_for(&wanted);
    assert_eq!(numbered(&checks, 1).verdict, Verdict::Ok);
    // The kernel has no set of its own where it was not started with one.
    assert_eq!(numbered(&checks, 2).verdict, Verdict::Bad);
    assert_eq!(numbered(&checks, 3).verdict, Verdict::Ok, "rcu_nocbs=all");
    assert_eq!(numbered(&checks, 9).said, ["nodes 0, 1 are used (enp1s0f0 is on node 0)"]);
    assert_eq!(
        numbered(&checks, 10).said,
        ["hot cores lie in 2 of them: 12-15,28-31 | 8-11,24-27"]
    );
    assert_eq!(numbered(&checks, 14).verdict, Verdict::Ok);
    assert_eq!(numbered(&checks, 15).verdict, Verdict::Ok, "120 is better than 10");
    assert_eq!(numbered(&checks, 23).verdict, Verdict::Ok, "the deep state is off");
    assert_eq!(numbered(&checks, 26).said, ["it is hpet"]);
    assert_eq!(numbered(&checks, 36).said, ["enp1s0f0: PCIe width 4 of 16"]);
    // Without the partition nothing is isolated.
    machine.set("/sys/fs/cgroup/hot/cpuset.cpus.partition", "member\n");
    assert_eq!(numbered(&machine.checks_for(&wanted), 1).verdict, Verdict::Bad);
}

#[test]
fn real_time_threads_ask_for_more() {
    let machine = Machine::new("stock-ubuntu");
    let mut wanted = machine.wanted(Profile::Lab);
    assert_eq!(numbered(&machine.checks_for(&wanted), 13).verdict, Verdict::Info);
    wanted.fifo = Some(50);
    let checks = machine.checks_for(&wanted);
    assert_eq!(numbered(&checks, 13).verdict, Verdict::Warn);
    let said = &numbered(&checks, 51).said;
    assert_eq!(*said, ["the configuration wants fifo:50, which would be refused"]);
    let tuned = Machine::new("tuned-intel");
    let checks = tuned.checks_for(&Wanted { fifo: Some(50), ..tuned.wanted(Profile::Lab) });
    assert_eq!(numbered(&checks, 13).verdict, Verdict::Ok);
    assert_ne!(numbered(&checks, 51).verdict, Verdict::Warn, "the limit allows 50");
}

#[test]
fn a_configuration_says_how_many_groups_and_how_much_room_there_must_be() {
    let machine = Machine::new("stock-ubuntu");
    let wanted = Wanted::of_config(&demo(), Profile::Lab);
    assert_eq!(wanted.hot, [1].into());
    assert_eq!(wanted.interfaces, [""; 0], "loopback has no settings");
    let groups = wanted.groups.expect("a configuration says");
    assert!(groups >= 4, "two lines of two feeds");
    let checks = machine.checks_for(&wanted);
    assert_eq!(numbered(&checks, 44).verdict, Verdict::Ok);
    let checks = machine.checks_for(&Wanted { groups: Some(21), ..wanted.clone() });
    assert_eq!(numbered(&checks, 44).said, ["igmp_max_memberships is 20, wanted at least 21"]);
    let asked = wanted.receive_buffer_bytes.expect("a configuration says");
    assert_eq!(numbered(&checks, 43).verdict.is_finding(), asked > 212_992);
    let checks = machine.checks_for(&Wanted { is_busy_polled: true, ..wanted });
    assert_eq!(numbered(&checks, 42).verdict, Verdict::Ok);
}

#[test]
fn an_engine_that_runs_is_looked_at() {
    let machine = Machine::new("small-vm");
    let checks = machine.checks(Profile::Lab);
    assert_eq!(numbered(&checks, 53).said, ["thread 701 of core 1 may run on 0-1"]);
    assert_eq!(numbered(&checks, 34).said, ["the engine 700 has not locked its memory"]);
    machine.set(
        "/proc/700/task/701/status",
        "Name:\txmc-core-1\nCpus_allowed_list:\t1\nnonvoluntary_ctxt_switches:\t8\n",
    );
    machine.set("/proc/700/status", "Name:\txmc\nVmLck:\t  81920 kB\n");
    let checks = machine.checks(Profile::Lab);
    assert_eq!(numbered(&checks, 53).verdict, Verdict::Ok);
    assert_ne!(numbered(&checks, 34).verdict, Verdict::Warn);
}

#[test]
fn what_a_machine_does_not_have_is_absent_and_no_finding() {
    let checks = Machine::new("small-vm").checks(Profile::Colo);
    for number in [2, 5, 14, 21, 22, 25, 29, 30, 31, 49, 50] {
        assert_eq!(numbered(&checks, number).verdict, Verdict::Absent, "{number}");
    }
    assert_eq!(numbered(&checks, 19).said, ["this is a virtual machine"]);
    let commands: Vec<_> =
        numbered(&checks, 26).changes.iter().map(host::Change::command).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands[0].starts_with("echo tsc | sudo tee "), "{commands:?}");
}

#[test]
fn a_file_that_says_something_strange_is_unknown_and_not_fine() {
    let machine = Machine::new("tuned-intel");
    machine.set("/proc/sys/vm/stat_interval", "often\n");
    machine.remove("/sys/kernel/mm/ksm/run");
    std::fs::create_dir(machine.root.join("sys/kernel/mm/ksm/run")).expect("a folder");
    let checks = machine.checks(Profile::Colo);
    for number in [15, 31] {
        assert_eq!(numbered(&checks, number).verdict, Verdict::Unknown, "{number}");
    }
}

/// A card as a driver would answer for it.
fn card() -> Card {
    Card {
        driver: Ok(("ice".to_owned(), "4.50".to_owned())),
        coalesce: Ok(Coalesce { rx_us: 0, is_adaptive: false }),
        ring: Ok(Count { now: 512, most: 4096 }),
        queues: Ok(Count { now: 2, most: 64 }),
        offloads: Ok(Offloads { gro: false, lro: false, ntuple: true }),
        pause: Ok(false),
        stamps: Ok(Stamps { rx: true, any: true, clock: Some(0) }),
    }
}

fn kernel(card: Card) -> Kernel {
    let time =
        TimeStatus { is_synchronised: true, most_error_us: 900, error_us: 12, tai_seconds: 37 };
    Kernel { cards: [("eth0".to_owned(), card)].into(), time: Ok(time), latency_us: Ok(0) }
}

#[test]
fn what_drivers_answer_is_judged() {
    let machine = Machine::new("tuned-intel");
    let wanted = machine.wanted(Profile::Colo);
    let judged =
        |kernel: &Kernel, number| numbered(&machine.checks_with(&wanted, kernel), number).verdict;
    let good = kernel(card());
    for number in [27, 28, 37, 40, 47] {
        assert_eq!(judged(&good, number), Verdict::Ok, "{number}");
    }
    let answers: [(u8, Card); 4] = [
        (28, Card { stamps: Ok(Stamps { rx: true, any: false, clock: None }), ..card() }),
        (37, Card { coalesce: Ok(Coalesce { rx_us: 50, is_adaptive: true }), ..card() }),
        (40, Card { offloads: Ok(Offloads { gro: true, lro: false, ntuple: false }), ..card() }),
        (47, Card { pause: Ok(true), ..card() }),
    ];
    for (number, card) in answers {
        assert!(judged(&kernel(card), number).is_finding(), "{number}");
    }
    let none: Answer<bool> = Err(Silence::Unsupported);
    assert_eq!(judged(&kernel(Card { pause: none, ..card() }), 47), Verdict::Absent);
    let lost = TimeStatus { is_synchronised: false, ..good.time.clone().expect("above") };
    assert_eq!(judged(&Kernel { time: Ok(lost), ..good.clone() }, 27), Verdict::Bad);
    let late = TimeStatus { error_us: 101, ..good.time.clone().expect("above") };
    assert_eq!(judged(&Kernel { time: Ok(late), ..good }, 27), Verdict::Bad);
}

#[test]
fn what_grows_while_it_is_measured_is_found() {
    let (before, after) = (Machine::new("tuned-intel"), Machine::new("tuned-intel"));
    let interrupts = std::fs::read_to_string(after.root.join("proc/interrupts")).expect("it is");
    let quiet = "800000          0          0";
    assert!(interrupts.contains(quiet));
    after.set("/proc/interrupts", &interrupts.replace(quiet, "800000          0          3"));
    let snmp = std::fs::read_to_string(after.root.join("proc/net/snmp")).expect("it is");
    after.set("/proc/net/snmp", &snmp.replace("1000 0 0", "1000 5 0"));
    after.set("/proc/stat", "cpu  1000 0 500 90000 10 0 5 42 0 0\n");
    let wanted = before.wanted(Profile::Colo);
    let asked = (&wanted.hot, wanted.interfaces.as_slice());
    let judged = |after: &Machine| {
        let measured = Measured::of(&before.tree(), &after.tree(), asked, Vec::new());
        let (tree, kernel) = (after.tree(), Kernel::elsewhere());
        let mut survey = Survey::new(&tree, &kernel, &wanted);
        survey.measured = Some(&measured);
        host::checks(&survey)
    };
    let checks = judged(&after);
    assert_eq!(numbered(&checks, 4).said, ["40 (eth0-rx-0) on core 2 came 3x"]);
    assert_eq!(numbered(&checks, 46).said, ["5 more: /proc/net/snmp RcvbufErrors"]);
    assert_eq!(numbered(&checks, 19).said, ["42 ticks of 10 ms were stolen while it was measured"]);
    let checks = judged(&before);
    for number in [4, 19, 46] {
        assert_eq!(numbered(&checks, number).verdict, Verdict::Ok, "{number}");
    }
}

#[test]
fn this_machine_can_be_checked_without_any_privilege() {
    let tree = cross_market_connect::host::Tree::new(Path::new("/"));
    let mut wanted = Wanted::of_machine(&tree, Profile::Ci);
    wanted.interfaces = vec!["lo".to_owned()];
    let kernel = Kernel::here(&wanted.interfaces);
    let driver = kernel.card("lo", |card| &card.stamps);
    assert!(driver.is_ok(), "loopback says that it has no clock: {driver:?}");
    assert!(kernel.time.is_ok(), "{:?}", kernel.time);
    let checks = host::checks(&Survey::new(&tree, &kernel, &wanted));
    assert_eq!(checks.len(), 57);
    assert!(!numbered(&checks, 26).read.is_empty());
}
