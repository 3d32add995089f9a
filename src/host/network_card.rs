//! The cards that packets arrive on: link, interrupts, rings, queues, offloads, polling, pauses.

use super::draft::Draft;
use super::kernel::Count;
use super::{Area, Change, Check, Survey, Weight};

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 7] {
    [
        link(survey),
        coalescing(survey),
        rings(survey),
        queues(survey),
        offloads(survey),
        polling(survey),
        pauses(survey),
    ]
}

fn link(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (36, "link", Area::Network),
        Weight::Grave,
        "up, full duplex, all lanes of the slot, no power saving of PCIe",
        "a link at half its lanes or that sleeps loses packets in bursts",
    );
    for name in &survey.wanted.interfaces {
        let folder = format!("/sys/class/net/{name}");
        let of = |field: &str| survey.tree.text(&format!("{folder}/{field}"));
        let Some(state) = of("operstate") else {
            draft.fault(format!("there is no interface {name}"));
            draft.advise("name one that `ip link` shows in the configuration");
            continue;
        };
        let speed = of("speed").filter(|speed| !speed.starts_with('-'));
        let speed = speed.map_or(String::new(), |speed| format!(", {speed} Mbit/s"));
        let mtu = of("mtu").map_or(String::new(), |mtu| format!(", mtu {mtu}"));
        draft.saw(&folder, &format!("{state}{speed}{mtu}"));
        // What has no carrier to watch, as loopback, is unknown.
        if state != "up" && state != "unknown" {
            draft.fault(format!("{name} is {state}"));
            draft.run(format!("sudo ip link set {name} up"));
        }
        if of("duplex").as_deref() == Some("half") {
            draft.fault(format!("{name} is half duplex"));
            draft.run(format!("sudo ethtool -s {name} duplex full"));
        }
        for what in ["width", "speed"] {
            let now = of(&format!("device/current_link_{what}"));
            let most = of(&format!("device/max_link_{what}"));
            if let (Some(now), Some(most)) = (now, most)
                && now != most
                && now != "0"
            {
                draft.fault(format!("{name}: PCIe {what} {now} of {most}"));
                draft.advise(format!("put the card of {name} into a slot that is wired for it"));
            }
        }
    }
    const ASPM: &str = "/sys/module/pcie_aspm/parameters/policy";
    if let Some(policy) = draft.read(ASPM)
        && policy.contains("[powersave]")
    {
        draft.fault("PCIe links sleep");
        draft.write(ASPM, "performance");
    }
    draft.done()
}

/// Asks each card, and notes what it says.
fn each<T: Clone>(
    survey: &Survey<'_>,
    draft: &mut Draft<'_>,
    option: &str,
    question: impl Fn(&super::kernel::Card) -> &super::kernel::Answer<T>,
    mut judge: impl FnMut(&mut Draft<'_>, &str, &str, T),
) {
    for name in &survey.wanted.interfaces {
        let asked = format!("ethtool {option} {name}");
        match survey.kernel.card(name, &question) {
            Err(why) => draft.silent(&asked, &why),
            Ok(answer) => judge(draft, name, &asked, answer),
        }
    }
}

fn coalescing(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (37, "interrupt coalescing", Area::Network),
        Weight::Plain,
        "adaptive off, rx-usecs 0",
        "the card waits for more packets before it tells of the first",
    );
    each(
        survey,
        &mut draft,
        "-c",
        |card| &card.coalesce,
        |draft, name, asked, coalesce| {
            let adaptive = if coalesce.is_adaptive { "adaptive" } else { "not adaptive" };
            draft.saw(asked, &format!("rx-usecs {}, {adaptive}", coalesce.rx_us));
            let command = format!("sudo ethtool -C {name} adaptive-rx off rx-usecs 0");
            if coalesce.is_adaptive || coalesce.rx_us > 0 {
                draft.fault(format!("{name} waits {} us, {adaptive}", coalesce.rx_us));
                draft.run(command);
            } else {
                draft.keep(Change::Run { command });
            }
        },
    );
    draft.done()
}

/// Of so many, so many.
fn of(count: Count) -> String {
    format!("{} of {}", count.now, count.most)
}

fn rings(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (38, "receive rings", Area::Network),
        Weight::Slight,
        "as large as the largest burst, and no larger",
        "a packet that finds no slot is lost; more slots than the cache holds make all slow",
    );
    let mut known = Vec::new();
    each(
        survey,
        &mut draft,
        "-g",
        |card| &card.ring,
        |draft, name, asked, ring| {
            draft.saw(asked, &of(ring));
            known.push(format!("{name} has {} slots", of(ring)));
        },
    );
    if !known.is_empty() {
        draft.tell(known.join(", "));
    }
    draft.done()
}

fn queues(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (39, "queues", Area::Network),
        Weight::Slight,
        "with sockets any; with XDP one of its own for each thread",
        "packets of one group must come to one queue, and its interrupt to a core that is not hot",
    );
    let mut known = Vec::new();
    each(
        survey,
        &mut draft,
        "-l",
        |card| &card.queues,
        |draft, name, asked, queues| {
            draft.saw(asked, &of(queues));
            known.push(format!("{name} has {}", of(queues)));
        },
    );
    if !known.is_empty() {
        draft.tell(known.join(", "));
    }
    draft.done()
}

fn offloads(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (40, "offloads", Area::Network),
        Weight::Plain,
        "GRO and LRO off on cards of feeds",
        "the kernel or the card holds a packet back to join it with the next",
    );
    each(
        survey,
        &mut draft,
        "-k",
        |card| &card.offloads,
        |draft, name, asked, offloads| {
            let word = |is_on| if is_on { "on" } else { "off" };
            draft.saw(
                asked,
                &format!(
                    "gro {}, lro {}, ntuple {}",
                    word(offloads.gro),
                    word(offloads.lro),
                    word(offloads.ntuple)
                ),
            );
            for (is_on, what) in [(offloads.gro, "gro"), (offloads.lro, "lro")] {
                let command = format!("sudo ethtool -K {name} {what} off");
                if is_on {
                    draft.fault(format!("{name}: {what} is on"));
                    draft.run(command);
                } else {
                    draft.keep(Change::Run { command });
                }
            }
        },
    );
    draft.done()
}

fn polling(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (41, "interrupts deferred (NAPI)", Area::Network),
        Weight::Slight,
        "with sockets 0; with XDP and busy polling napi_defer_hard_irqs and gro_flush_timeout",
        "a thread that polls the card has no use for its interrupts, one that sleeps has",
    );
    let mut known = Vec::new();
    for name in &survey.wanted.interfaces {
        let fields = ["napi_defer_hard_irqs", "gro_flush_timeout", "threaded"];
        let read = fields.map(|field| {
            let value = survey.tree.text(&format!("/sys/class/net/{name}/{field}"))?;
            Some(format!("{field} {value}"))
        });
        let read: Vec<_> = read.into_iter().flatten().collect();
        if !read.is_empty() {
            draft.saw(&format!("/sys/class/net/{name}"), &read.join(", "));
            known.push(format!("{name}: {}", read.join(", ")));
        }
    }
    if !known.is_empty() {
        draft.tell(known.join("; "));
    }
    draft.done()
}

fn pauses(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (47, "pause frames", Area::Network),
        Weight::Plain,
        "off",
        "one slow receiver makes the switch stop the sender, and so everybody's packets",
    );
    each(
        survey,
        &mut draft,
        "-a",
        |card| &card.pause,
        |draft, name, asked, is_on| {
            draft.saw(asked, if is_on { "on" } else { "off" });
            let command = format!("sudo ethtool -A {name} rx off tx off");
            if is_on {
                draft.fault(format!("{name} sends or heeds them"));
                draft.run(command);
            } else {
                draft.keep(Change::Run { command });
            }
        },
    );
    draft.done()
}
