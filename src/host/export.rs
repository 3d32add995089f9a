//! What the checks want, as files that the tools of a distribution keep over a boot.
//!
//! All of it, also what is so already: an export of a machine that was tuned by hand is its tuning.
//! What a tool has no place for is left out, and said in a comment.

use super::change::{Change, sysctl_key};
use super::cores::{Cores, list};
use super::{Check, Wanted};
use std::collections::BTreeMap;
use std::fmt::Write;

/// For whom it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// A profile of tuned: `/etc/tuned/xmc/tuned.conf`.
    Tuned,
    /// `/etc/sysctl.d/90-xmc.conf`.
    #[value(name = "sysctl.d")]
    SysctlD,
    /// `/etc/default/grub.d/90-xmc.cfg`.
    Grub,
    /// A unit that sets everything at boot: `/etc/systemd/system/xmc-host.service`.
    Systemd,
    /// Limits of the engine's own service: `/etc/systemd/system/xmc.service.d/host.conf`.
    Service,
}

/// The file for `target`.
#[must_use]
pub fn export(target: Target, checks: &[Check], wanted: &Wanted) -> String {
    let settings = Settings::of(checks);
    match target {
        Target::Tuned => settings.tuned(&wanted.hot),
        Target::SysctlD => settings.sysctl(),
        Target::Grub => settings.grub(),
        Target::Systemd => settings.unit(),
        Target::Service => service(wanted),
    }
}

/// All that is wanted, by kind.
struct Settings {
    sysctl: Vec<(String, String)>,
    files: Vec<(String, String)>,
    commands: Vec<String>,
    parameters: Vec<String>,
}

impl Settings {
    fn of(checks: &[Check]) -> Self {
        let mut all =
            Self { sysctl: Vec::new(), files: Vec::new(), commands: vec![], parameters: vec![] };
        for setting in checks.iter().flat_map(|check| &check.settings) {
            match setting {
                Change::Write { path, value } => match sysctl_key(path) {
                    Some(key) => all.sysctl.push((key, value.clone())),
                    None => all.files.push((path.clone(), value.clone())),
                },
                // Other commands are for a person to run once.
                Change::Run { command } => {
                    all.commands.extend(command.strip_prefix("sudo ethtool ").map(str::to_owned));
                }
                Change::Boot { parameter } => all.parameters.push(parameter.clone()),
                Change::Advice { .. } => {}
            }
        }
        all.parameters.dedup();
        all
    }

    fn sysctl(&self) -> String {
        let mut text = "# What an engine wants of the kernel: sudo sysctl --system\n".to_owned();
        for (key, value) in &self.sysctl {
            line(&mut text, &format!("{key} = {value}"));
        }
        text
    }

    fn grub(&self) -> String {
        let mut text = "# What an engine wants at boot: sudo update-grub, then reboot\n".to_owned();
        let own = self.parameters.join(" ");
        line(
            &mut text,
            &format!("GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT {own}\""),
        );
        text
    }

    /// Sections and their keys: `tuned.conf(5)`, `tuned-main.conf(5)`, and the plug-ins' own.
    fn tuned(&self, hot: &Cores) -> String {
        let mut text = "# What an engine wants: sudo tuned-adm profile xmc\n".to_owned();
        line(&mut text, "[main]\nsummary=Cores and network of a trading engine");
        line(&mut text, "\n[sysctl]");
        for (key, value) in &self.sysctl {
            // Keys have points here, and an interface with a point in its name has no key.
            let is_odd = key.contains('/');
            line(&mut text, &format!("{}{key}={value}", if is_odd { "# by hand: " } else { "" }));
        }
        line(&mut text, "\n[sysfs]");
        for (path, value) in self.files.iter().filter(|(path, _)| path.starts_with("/sys/")) {
            line(&mut text, &format!("{path}={value}"));
        }
        if !hot.is_empty() {
            line(&mut text, &format!("\n[scheduler]\nisolated_cores={}", list(hot)));
        }
        // A device belongs to one section only.
        let mut cards: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for (option, card, rest) in self.commands.iter().filter_map(|command| parts(command)) {
            cards.entry(card).or_default().entry(option).or_default().push(rest);
        }
        for (position, (card, options)) in cards.iter().enumerate() {
            line(&mut text, &format!("\n[net_{position}]\ntype=net\ndevices={card}"));
            for (option, values) in options {
                line(&mut text, &format!("{option}={}", values.join(" ")));
            }
        }
        line(&mut text, &format!("\n[bootloader]\ncmdline_xmc=+{}", self.parameters.join(" ")));
        text
    }

    fn unit(&self) -> String {
        let mut text = "# What an engine wants of the host: sudo systemctl enable --now xmc-host\n\
            [Unit]\nDescription=Cores and network of a trading engine\n\
            After=network.target\nBefore=xmc.service\n\n\
            [Service]\nType=oneshot\nRemainAfterExit=yes\n"
            .to_owned();
        for (key, value) in &self.sysctl {
            start(&mut text, &format!("sysctl -q -w \"{key}={value}\""));
        }
        for (path, value) in &self.files {
            start(&mut text, &format!("echo {value} > {path}"));
        }
        for command in &self.commands {
            start(&mut text, &format!("ethtool {command}"));
        }
        line(&mut text, "\n[Install]\nWantedBy=multi-user.target");
        text
    }
}

/// One command at boot; what is refused does not hold up the rest.
fn start(text: &mut String, command: &str) {
    // A unit's own signs are doubled: `systemd.service(5)`, command lines.
    let command = command.replace('%', "%%").replace('$', "$$");
    line(text, &format!("ExecStart=-/bin/sh -c '{command}'"));
}

/// `-K eth0 gro off` as the option of tuned's plug-in, the card, and the rest.
fn parts(command: &str) -> Option<(&'static str, &str, &str)> {
    let (option, rest) = command.split_once(' ')?;
    let (card, rest) = rest.split_once(' ')?;
    let option = match option {
        "-C" => "coalesce",
        "-K" => "features",
        "-A" => "pause",
        _ => return None,
    };
    Some((option, card, rest))
}

fn service(wanted: &Wanted) -> String {
    let mut text = "# What the service of an engine needs: sudo systemctl daemon-reload\n\
        [Service]\nLimitMEMLOCK=infinity\nLimitNOFILE=65536\n"
        .to_owned();
    if let Some(priority) = wanted.fifo {
        line(&mut text, &format!("LimitRTPRIO={priority}"));
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a text takes everything");
}
