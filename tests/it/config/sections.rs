//! Fault 47 in what stands around the pairs: breakers, repairs and losses, operators, alerts, the
//! guard, the resync, compliance, capital. A slip in any single setting is refused, or is on the
//! list of harmless ones with what still stands between it and a loss.

use super::mutation::{accepted_by, listed};
use super::terms::live_text;
use super::{load, sample};
use crate::control::rig::operators;

const FIRST_SPREAD: &str = "repair_max_cost = \"5000\"\nmax_loss = \"20000\"\n\
                            max_loss_stress = \"0.01\"\n\n\
                            [[spread.breaker]]\non = \"slippage\"\nworse_by = \"0.005\"\n\
                            ratio = \"0\"\nof = 1\nthen = \"repair\"\n\n\
                            [[spread.breaker]]\non = \"latency\"\nslower_than_ms = 100\n\
                            ratio = \"0.25\"\nof = 8\nthen = \"alert\"\n\n\
                            [[spread.breaker]]\non = \"rejects\"\nratio = \"0.03\"\nof = 64\n\
                            then = \"halt\"\n\n\
                            [[spread.breaker]]\non = \"unfilled\"\nratio = \"0.5\"\nof = 20\n\
                            then = \"reduce\"\n";

const ALERTS: &str = r#"
[alert]
lang = "both"
repeat_s = 3_600
quiet_s = 600
outbox = 5_000

[[alert.rule]]
code = "XMC-A070"
limit = 1_500
severity = "page"

[[alert.sink]]
name = "local"
kind = "log"

[[alert.sink]]
name = "desk_chat"
kind = "dingtalk"
url_file = "secrets/dingtalk.url"
secret_file = "secrets/dingtalk.key"
least = "warning"
per_minute = 18

[[alert.sink]]
name = "head"
kind = "command"
argv = ["/usr/local/bin/siren"]
least = "critical"
after_s = 300

[[alert.sink]]
name = "prometheus"
kind = "alertmanager"
url_credential = "alertmanager_url"
heartbeat_s = 60
"#;

const CAPITAL: &str = r#"
[capital]
terms = "demo_capital.toml"
book = "book.json"
look_ms = 20
book_hours = 24
"#;

/// The live sample with all of it.
fn text() -> String {
    let repaired = "repair_within_ms = 1_500\n";
    let live = live_text();
    assert!(live.contains(repaired));
    let mut text = live.replacen(repaired, &format!("{repaired}{FIRST_SPREAD}"), 1);
    for name in ["compliance_demo.toml", "guard_demo.toml", "resync.toml"] {
        let sample = std::fs::read_to_string(sample(name)).expect("a sample");
        // Without what is said behind values.
        for line in sample.lines() {
            text += line.split(" #").next().unwrap_or(line).trim_end();
            text += "\n";
        }
    }
    let mut legs = String::new();
    for instrument in ["cu", "bc", "au", "sc", "hg", "gc", "cl"] {
        legs += &format!(
            "\n[[capital.leg]]\ninstrument = \"{instrument}\"\naccount = \"home\"\n\
             contract = \"{instrument}\"\n"
        );
    }
    text + &operators().replace("spread=calendar", "spread=cu_bc") + ALERTS + CAPITAL + &legs
}

const HARMLESS: &[(&str, &[&str], &str)] = &[
    ("alert.lang", &["key removed"], "both languages, as without it"),
    (
        "alert.outbox",
        &["key removed", "times 10"],
        "less or more may wait for a sink; what does not fit is told as lost",
    ),
    (
        "alert.quiet_s",
        &["key removed", "times 10", "times 100"],
        "how soon what comes again is new; it is told the first time",
    ),
    (
        "alert.repeat_s",
        &["key removed", "times 10"],
        "how often it is told again; it is told the first time",
    ),
    (
        "alert.rule.limit",
        &["key removed", "times 10", "times 100"],
        "one alert comes later, or at its own figure; no gate of the desk asks it",
    ),
    ("alert.rule.severity", &["key removed"], "the severity that the rule has by itself"),
    (
        "alert.sink.after_s",
        &["key removed", "times 10", "times 100", "zero"],
        "sooner or later an escalation: the other sinks have told it",
    ),
    (
        "alert.sink.heartbeat_s",
        &["key removed", "times 10", "zero"],
        "another pace of the heartbeat: whoever waits for it says that it is missing",
    ),
    ("alert.sink.least", &["key removed"], "what a sink is told by itself, which is more"),
    ("alert.sink.name", &["misspelt"], "a label"),
    (
        "alert.sink.per_minute",
        &["key removed", "times 10", "times 100"],
        "more at once, or what a robot takes by itself; the rest goes together",
    ),
    (
        "alert.sink.secret_file",
        &["key removed", "misspelt"],
        "not signed: a robot that refuses it is a sink that fails, which is told",
    ),
    ("alert.sink.url_credential", &["misspelt"], "refused at the start: it is not there"),
    ("alert.sink.url_file", &["misspelt"], "refused at the start: it is not there"),
    ("capital.book", &["misspelt"], "refused at the start: it is not there"),
    (
        "capital.book_hours",
        &["key removed", "times 10"],
        "an older book is used; rates have an age of their own, fills are added to it",
    ),
    (
        "capital.leg.account",
        &["blank", "empty", "misspelt"],
        "refused at the start, against the terms",
    ),
    (
        "capital.leg.contract",
        &["blank", "empty", "misspelt"],
        "refused at the start, against the terms and the instrument's size",
    ),
    ("capital.look_ms", &["key removed"], "as often as without it"),
    ("capital.terms", &["misspelt"], "refused at the start: it is not there"),
    ("compliance.filed.as_of", &["misspelt"], "a label for people"),
    (
        "compliance.filed.messages_per_second",
        &["times 10", "times 100"],
        "more than was reported, which no program sees: windows of messages hold",
    ),
    ("compliance.filed.source", &["misspelt"], "a label for people"),
    ("compliance.group.name", &["misspelt"], "a label"),
    ("compliance.order_fee.as_of", &["misspelt"], "a label for people"),
    ("compliance.order_fee.currency", &["misspelt"], "a label"),
    (
        "compliance.order_fee.fee",
        &["times 10", "times 100", "times 10^6"],
        "people are warned of fees sooner",
    ),
    (
        "compliance.order_fee.free_messages",
        &["key removed", "times 10", "times 100", "times 10^6", "zero"],
        "warned of fees sooner or later; counts of messages have thresholds of their own",
    ),
    ("compliance.order_fee.source", &["misspelt"], "a label for people"),
    ("compliance.order_fee.venue", &["key removed"], "of every exchange: people are warned sooner"),
    ("compliance.threshold.as_of", &["misspelt"], "another date beside the figure"),
    (
        "compliance.threshold.limit",
        &["times 10", "times 100", "times 10^6"],
        "nobody is warned by this one: limits of messages and positions hold all the same",
    ),
    ("compliance.threshold.source", &["misspelt"], "another word beside the figure"),
    ("compliance.threshold.venue", &["key removed"], "of every exchange: people are warned sooner"),
    ("compliance.warn_percent", &["key removed"], "80 percent, as without it"),
    ("guard.act", &["key removed"], "it acts, as without it"),
    (
        "guard.again_s",
        &["key removed", "times 10"],
        "another pause between attempts that were not confirmed",
    ),
    (
        "guard.answer_ms",
        &["key removed", "times 10"],
        "a venue is asked again later; all that is asked for goes out at once",
    ),
    ("guard.desk_ms", &["key removed", "times 10"], "it acts later, 10 s at most"),
    ("guard.ending_ms", &["key removed", "times 10"], "an end may take longer"),
    ("guard.hot_core_ms", &["key removed", "times 10"], "it acts later, 10 s at most"),
    ("guard.look_ms", &["key removed", "times 10"], "it looks less often"),
    (
        "guard.main_ms",
        &["key removed", "times 10"],
        "it acts later when commands are not read; the desk is watched apart",
    ),
    ("guard.maintenance_s", &["key removed", "zero"], "as without it, or none"),
    (
        "guard.session.access_key_id",
        &["misspelt"],
        "a logon that is refused, which is told; the engine's session is taken over",
    ),
    ("guard.session.key_credential", &["misspelt"], "refused at the start: it is not there"),
    ("guard.session.location", &["misspelt"], "a logon that is refused, which is told"),
    ("guard.session.sender_id", &["misspelt"], "a logon that is refused, which is told"),
    ("guard.session.session", &["misspelt"], "a logon that is refused, which is told"),
    ("guard.start_ms", &["key removed", "times 10"], "a start may take longer"),
    (
        "guard.starved_most_ms",
        &["key removed", "times 10"],
        "a starved thread has longer, so many times its limit at most",
    ),
    ("guard.starved_times", &["key removed"], "three times, as without it"),
    (
        "guard.writer_ms",
        &["key removed", "times 10"],
        "it acts later when the journal hangs; the ring's room is a gate by then",
    ),
    ("operator.id", &["times 10", "times 100"], "another number in records, still unique"),
    (
        "operator.scopes",
        &["key removed"],
        "every scope: her commands are as few, and what allows more takes two",
    ),
    (
        "resync.every_s",
        &["key removed", "times 10", "times 100"],
        "cycles are rarer; each logon begins one by itself",
    ),
    ("resync.required", &["key removed"], "it is required, as without it"),
    ("resync.settle_ms", &["key removed"], "as without it"),
    (
        "resync.source.account",
        &[
            "beyond 64 bits",
            "comma",
            "exponent",
            "infinite",
            "misspelt",
            "nan",
            "negative",
            "ten decimals",
            "times 10",
            "times 100",
            "times 10^6",
            "words",
            "zero",
        ],
        "statements are of another account: refused, and nothing is opened",
    ),
    (
        "resync.source.max_age_s",
        &["key removed", "times 10", "times 100"],
        "an older statement is waited for longer; it is read twice all the same",
    ),
    (
        "resync.source.money_tolerance",
        &["key removed", "times 10", "times 100", "times 10^6", "zero"],
        "more or less money may differ; lots and orders may not",
    ),
    ("resync.source.name", &["misspelt"], "a label"),
    (
        "resync.source.path",
        &["misspelt"],
        "no statement comes: nothing is opened, and that is told",
    ),
    (
        "resync.source.venue",
        &["key removed", "misspelt"],
        "statements are of another venue: refused, and nothing is opened",
    ),
    (
        "resync.venue_wins",
        &["key removed"],
        "a difference is told and closes the pair, as without it",
    ),
    ("spread.breaker.of", &["key removed", "times 10"], "among more or fewer of the last ones"),
    (
        "spread.breaker.ratio",
        &["key removed", "times 10", "zero"],
        "it trips later, or at the first one: max_loss and limits bound each fire",
    ),
    (
        "spread.breaker.slower_than_ms",
        &["key removed", "times 10", "times 100"],
        "it trips later: ack_timeout_ms ends each fire",
    ),
    (
        "spread.breaker.worse_by",
        &["key removed", "times 10", "times 100", "zero"],
        "it trips later, or at once: limit prices bound each fill",
    ),
    (
        "spread.max_loss",
        &["times 10", "times 100", "zero"],
        "more may be lost by a fire, which its size and prices bound; zero: nothing is fired",
    ),
    (
        "spread.max_loss_stress",
        &["times 10", "zero"],
        "a smaller move is reckoned with, or a larger one",
    ),
    (
        "spread.repair_max_cost",
        &["key removed", "times 10", "times 100", "zero"],
        "a repair may cost more, bounded by lots and collars; zero: only what costs nothing",
    ),
    ("spread.repair_within_ms", &["times 10"], "repairs may take longer, so many tries at most"),
];

#[test]
fn a_slip_around_the_pairs_is_refused_or_listed_as_harmless() {
    let sections = [
        "spread.breaker",
        "control",
        "operator",
        "alert",
        "guard",
        "resync",
        "compliance",
        "capital",
    ];
    let is_wanted = |name: &str| {
        let is_of =
            |section: &str| name.strip_prefix(section).is_some_and(|more| more.starts_with('.'));
        sections.iter().any(|section| is_of(section))
            || name.starts_with("spread.repair_")
            || name.starts_with("spread.max_loss")
    };
    if let Err(invalid) = load(&text()) {
        panic!("{}", invalid.render(false));
    }
    let found = accepted_by(|text| load(text).is_ok(), &text(), is_wanted, 1_000);
    assert_eq!(found, listed(HARMLESS), "{found:#?}");
}
