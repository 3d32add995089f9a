//! The network stack: polling, buffers, groups, filters, drops, order sessions.

use super::change::Want;
use super::draft::Draft;
use super::measured::{self, NOT_MEASURED};
use super::{Area, Change, Check, Survey, Weight};

const CORE: &str = "/proc/sys/net/core";
const IPV4: &str = "/proc/sys/net/ipv4";

/// Microseconds of `tuned`'s profile network-latency.
const BUSY_POLL_US: i64 = 50;

pub(super) fn checks(survey: &Survey<'_>) -> [Check; 8] {
    [
        busy_polling(survey),
        buffers(survey),
        groups(survey),
        reverse_path(survey),
        drops(survey),
        sessions(survey),
        compiler(survey),
        tracking(survey),
    ]
}

fn busy_polling(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (42, "busy polling", Area::Network),
        Weight::Plain,
        "busy_read and busy_poll at least 50, or busy_poll_us of each feed",
        "a receive looks at the card itself and does not wait for its interrupt, 2 to 20 us",
    );
    if survey.wanted.is_busy_polled {
        draft.saw("busy_poll_us of the configuration", "given for each feed");
        return draft.done();
    }
    for name in ["busy_read", "busy_poll"] {
        draft.knob(&format!("{CORE}/{name}"), &Want::AtLeast(BUSY_POLL_US));
    }
    draft.done()
}

fn buffers(survey: &Survey<'_>) -> Check {
    let asked = survey.wanted.receive_buffer_bytes;
    let mut draft = Draft::new(
        survey,
        (43, "socket buffers", Area::Network),
        Weight::Grave,
        match asked {
            Some(bytes) => format!("rmem_max at least {bytes}, which the configuration asks for"),
            None => "rmem_max at least what the configuration asks for".to_owned(),
        },
        "the kernel gives less without a word, and a burst that does not fit is lost",
    );
    let path = format!("{CORE}/rmem_max");
    match asked.and_then(|bytes| i64::try_from(bytes).ok()) {
        Some(bytes) => draft.knob(&path, &Want::AtLeast(bytes)),
        None => {
            if let Some(now) = draft.read(&path) {
                draft.tell(format!("rmem_max is {now}; --config FILE says what is needed"));
            }
        }
    }
    for name in ["rmem_default", "netdev_max_backlog", "netdev_budget", "netdev_budget_usecs"] {
        draft.read(&format!("{CORE}/{name}"));
    }
    draft.done()
}

fn groups(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (44, "multicast groups", Area::Network),
        Weight::Grave,
        match survey.wanted.groups {
            Some(count) => format!("at least {count}, the groups of the configuration"),
            None => "at least the groups of the configuration".to_owned(),
        },
        "a socket that has joined 20 (the default) is refused the next one, late and at one feed",
    );
    let path = format!("{IPV4}/igmp_max_memberships");
    match survey.wanted.groups.and_then(|count| i64::try_from(count).ok()) {
        Some(count) => draft.knob(&path, &Want::AtLeast(count)),
        None => {
            if let Some(now) = draft.read(&path) {
                draft.tell(format!("at most {now}; --config FILE says how many are needed"));
            }
        }
    }
    draft.read(&format!("{IPV4}/igmp_max_msf"));
    draft.done()
}

fn reverse_path(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (45, "reverse-path filter", Area::Network),
        Weight::Grave,
        "0 or 2 on cards of feeds (the larger of all and the card counts)",
        "1 drops multicast from a sender that has no route back through the card, without a word",
    );
    let all_path = format!("{IPV4}/conf/all/rp_filter");
    let value = |path: &str| survey.tree.text(path).and_then(|value| value.parse::<u8>().ok());
    let Some(all) = value(&all_path) else { return draft.done() };
    draft.saw(&all_path, &all.to_string());
    for name in &survey.wanted.interfaces {
        let path = format!("{IPV4}/conf/{name}/rp_filter");
        let Some(own) = value(&path) else { continue };
        draft.saw(&path, &own.to_string());
        if all.max(own) == 1 {
            draft.fault(format!("{name} filters strictly"));
            // Loose, of this card alone: others keep their filter.
            draft.write(&path, "2");
        } else {
            draft.keep(Change::Write { path, value: own.to_string() });
        }
    }
    draft.done()
}

fn drops(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (46, "drops", Area::Network),
        Weight::Grave,
        "none while it is measured",
        "a packet that the machine loses is a gap, and the channel is suspect until it is filled",
    );
    let snmp = survey.tree.text("/proc/net/snmp").unwrap_or_default();
    if let Some(count) = measured::udp_dropped(&snmp) {
        draft.saw("/proc/net/snmp Udp RcvbufErrors", &count.to_string());
    }
    for name in &survey.wanted.interfaces {
        for field in measured::CARD_DROPS {
            let path = format!("/sys/class/net/{name}/statistics/{field}");
            if let Some(count) = survey.tree.text(&path) {
                draft.saw(&path, &count);
            }
        }
    }
    match survey.measured {
        None => draft.tell(NOT_MEASURED),
        Some(measured) => {
            for (place, by) in measured.grown("drops ") {
                draft.fault(format!("{by} more: {}", place.trim_start_matches("drops ")));
                draft.advise("larger buffers, or fewer others on the cores that take interrupts");
            }
            for (place, by) in measured.grown("squeezes ") {
                draft.tell(format!("{by} times the kernel stopped early: {place}"));
            }
        }
    }
    draft.done()
}

fn sessions(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (48, "TCP of order sessions", Area::Network),
        Weight::Plain,
        "tcp_slow_start_after_idle 0, tcp_autocorking 0 (TCP_NODELAY is set by the port)",
        "an order after a quiet second goes out in pieces, or waits for one that is on its way",
    );
    draft.knob(&format!("{IPV4}/tcp_slow_start_after_idle"), &Want::Is("0"));
    draft.knob(&format!("{IPV4}/tcp_autocorking"), &Want::Is("0"));
    draft.done()
}

fn compiler(survey: &Survey<'_>) -> Check {
    let mut draft = Draft::new(
        survey,
        (49, "BPF compiled", Area::Network),
        Weight::Slight,
        "bpf_jit_enable at least 1",
        "a program at the card that is interpreted costs ten times as much for each packet",
    );
    draft.knob(&format!("{CORE}/bpf_jit_enable"), &Want::AtLeast(1));
    draft.done()
}

fn tracking(survey: &Survey<'_>) -> Check {
    const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
    let mut draft = Draft::new(
        survey,
        (50, "no connection tracking", Area::Network),
        Weight::Plain,
        "not loaded, or not for the packets of feeds",
        "each packet is looked up in a table, some 100 to 500 ns, and lost when that is full",
    );
    if let Some(count) = draft.read(COUNT) {
        draft.fault(format!("it is on ({count} connections)"));
        draft.run("sudo iptables -t raw -A PREROUTING -d 224.0.0.0/4 -j NOTRACK");
    }
    draft.done()
}
