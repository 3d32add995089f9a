//! Exports, and that the tools they are for take them.

use super::Machine;
use cross_market_connect::host::export::{Target, export};
use cross_market_connect::host::{Profile, Wanted};
use std::fs;
use std::process::{Command, Output};

fn exported(name: &str, target: Target) -> String {
    let machine = Machine::new(name);
    export(target, &machine.checks(Profile::Colo), &machine.wanted(Profile::Colo))
}

/// Runs a tool on `text` in a file, if it is installed.
fn judged(tool: &str, args: &[&str], name: &str, text: &str) -> Option<Output> {
    let folder = Machine::new("small-vm");
    let file = folder.root.join(name);
    fs::write(&file, text).expect("a file for the test");
    match Command::new(tool).args(args).arg(&file).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: {tool} does not run here ({error})");
            None
        }
    }
}

#[test]
fn an_export_holds_also_what_is_so_already() {
    // Nothing of it is a finding there.
    let text = exported("tuned-intel", Target::SysctlD);
    assert!(text.contains("\nvm.swappiness = 10\n"), "{text}");
    assert!(text.contains("\nnet.ipv4.conf.eth0.rp_filter = 2\n"), "{text}");
    let text = exported("tuned-intel", Target::Grub);
    assert!(text.contains(" isolcpus=managed_irq,domain,2-15 nohz_full=2-15 "), "{text}");
}

#[test]
fn sysctl_reads_what_is_written_for_it() {
    let text = exported("stock-ubuntu", Target::SysctlD);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(" = ").expect("a key and a value");
        assert!(!key.contains(char::is_whitespace) && !value.is_empty(), "{line}");
    }
    let Some(output) = judged("sysctl", &["--dry-run", "-e", "-p"], "90-xmc.conf", &text) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("invalid") && !said.contains("syntax"), "{said}");
}

#[test]
fn systemd_takes_the_units() {
    let unit = exported("stock-ubuntu", Target::Systemd);
    assert!(unit.contains("'echo performance > /sys/devices/system/cpu/cpu7/cpufreq/"), "{unit}");
    let machine = Machine::new("stock-ubuntu");
    let wanted = Wanted { fifo: Some(50), ..machine.wanted(Profile::Colo) };
    let limits = export(Target::Service, &[], &wanted);
    assert!(limits.contains("\nLimitMEMLOCK=infinity\n") && limits.contains("LimitRTPRIO=50"));
    let service = format!("{limits}ExecStart=/bin/true\n");
    for (name, text) in [("xmc-host.service", &unit), ("xmc.service", &service)] {
        let Some(output) = judged("systemd-analyze", &["verify"], name, text) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains(name), "{said}");
    }
}

#[test]
fn a_shell_takes_what_is_for_grub() {
    let text = exported("stock-ubuntu", Target::Grub);
    let shown =
        format!("GRUB_CMDLINE_LINUX_DEFAULT=quiet\n{text}echo $GRUB_CMDLINE_LINUX_DEFAULT\n");
    let output = judged("sh", &[], "grub.cfg", &shown).expect("a shell is everywhere");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.starts_with("quiet isolcpus=managed_irq,domain,1-7 nohz_full=1-7"), "{said}");
}

#[test]
fn a_profile_of_tuned_has_each_card_in_one_section() {
    let text = exported("stock-ubuntu", Target::Tuned);
    let sections: Vec<_> = text.lines().filter(|line| line.starts_with('[')).collect();
    let unique: std::collections::BTreeSet<_> = sections.iter().collect();
    assert_eq!(sections.len(), unique.len(), "{sections:?}");
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
        assert!(line.contains('='), "{line}");
    }
    // The plug-in of files takes those of /sys alone.
    assert!(!text.contains("\n/proc/"), "{text}");
    assert!(text.contains("\nisolated_cores=1-7\n"), "{text}");
}
