//! The configuration: the samples are sound, and every way to be wrong is refused by name.

mod corpus;
mod decimal;
mod governance;
mod internal;
pub mod mutation;
mod rendering;
mod rules;
mod sections;
mod terms;
mod trigger;
mod venue;

use cross_market_connect::config::{self, Configuration, Invalid, Recovery, SecretSource};
use cross_market_connect::engine::inputs;
use cross_market_connect::venue::cme::ilink3::parties::{
    ClearingAccount, OrderSource, PartyDetails, SelfMatchCancels,
};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{BreakerAction, Control, Detailing, Gate};
use xmc_hotpath::time::{Span, UnixNs};
use xmc_hotpath::venue::esunny::dstar::layout::ReqIdMode;

/// A sample of the project.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

/// The sample that the tests break, as one text: what it includes takes the include's place.
pub fn base() -> String {
    let text = std::fs::read_to_string(sample("replay_calendar.toml")).expect("the sample");
    let topology = std::fs::read_to_string(sample("topology_one_core.toml")).expect("its topology");
    let include = "include = [\"topology_one_core.toml\"]\n";
    assert!(text.contains(include));
    text.replace(include, "") + "\n" + &topology
}

/// What a counter asks for before the sample's two instruments can be traded there.
pub const COUNTER_WORDS: [(&str, &str); 3] = [
    ("security_id = 411873", "security_id = 411873\noffset_rule = \"close\""),
    ("security_id = 336491", "security_id = 336491\noffset_rule = \"close\""),
    ("max_units = 5", "hedge_flag = \"speculate\"\nmax_units = 5"),
];

/// `base` with the first of each pair replaced by the second, wherever it occurs first.
pub fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = base();
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?} to replace");
        text = text.replacen(find, replace, 1);
    }
    text
}

/// Loads a text as if it were a file of this name.
pub fn load(text: &str) -> Result<Configuration, Invalid> {
    config::load_text(Path::new("test.toml"), text)
}

#[test]
fn the_samples_are_sound() {
    for name in ["replay_calendar.toml", "generated.toml", "demo.toml"] {
        config::load(&sample(name)).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    }
    load(&base()).unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let demo = std::fs::read_to_string(sample("demo.toml")).expect("the sample");
    let include = "\"demo_limits.toml\"]";
    assert!(demo.contains(include));
    let guarded = demo.replace(include, "\"demo_limits.toml\", \"guard_demo.toml\"]");
    let guarded = config::load_text(&sample("demo.toml"), &guarded);
    let guarded = guarded.unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    // What the sample says is what an empty section means, but for the session.
    let written = guarded.guard.expect("it has a guard");
    assert_eq!(written.sessions.len(), 1);
    let empty = load(&(base() + "\n[guard]\n")).map(|config| config.guard);
    let empty = empty.ok().flatten().expect("it may be empty");
    assert_eq!(config::Guard { sessions: Vec::new(), ..written }, empty);
    let other_topology =
        base_with_topology("topology_two_cores.toml", "the two-core topology fits the same engine");
    assert_eq!(other_topology.executors[0].core.value, 1);
}

fn base_with_topology(topology: &str, why: &str) -> Configuration {
    let text = std::fs::read_to_string(sample("replay_calendar.toml")).expect("the sample");
    let text = text.replace("topology_one_core.toml", topology);
    config::load_text(&sample("replay_calendar.toml"), &text)
        .unwrap_or_else(|invalid| panic!("{why}: {}", invalid.render(false)))
}

#[test]
fn what_is_written_is_what_is_read() {
    let configuration = load(&base()).expect("the sample");
    assert_eq!(configuration.engine.record_ring_bytes, 1 << 24);
    assert_eq!(configuration.feeds[0].line_b.to_string(), "224.0.32.64:15340");
    let instrument = &configuration.instruments[1];
    assert_eq!(instrument.security_id.value, 336_491);
    assert_eq!((instrument.tick_e9, instrument.multiplier_e9), (250_000_000, 50_000_000_000));
    let spread = &configuration.spreads[0];
    let weights: Vec<_> = spread.legs.iter().map(|leg| leg.weight_q32).collect();
    assert_eq!(weights, [1 << 32, -(1 << 32)], "a sold leg weighs against the spread");
    assert_eq!(spread.triggers.buy_open_e9.as_ref().map(|level| level.value), Some(-1_750_000_000));
    assert_eq!(spread.project, "replay", "the engine's project is inherited");
    assert_eq!(spread.cool_down_ms, 10, "[defaults] is inherited");
    assert_eq!(configuration.limits.instruments.len(), 2);
}

#[test]
fn the_digest_is_of_the_text() {
    let digest = |text: &str| load(text).expect("sound").digest();
    assert_eq!(digest(&base()), digest(&base()));
    assert_ne!(digest(&base()), digest(&edited(&[("cool_down_ms = 10", "cool_down_ms = 11")])));
}

/// What the two markets of a live engine need beyond the sample.
#[test]
fn recovery_and_logon_are_read_as_written() {
    let group = |line: u8| format!("{{ group = \"224.0.33.{line}\", port = 20000 }}");
    let loops = format!(
        "join = \"recover\"\nchannel_id = 340\nreplay = \"tcp://192.0.2.3:9020\"\n\
         replay_user = \"CME\"\nreplay_password_credential = \"REPLAY\"\ndefinitions_a = {}\n\
         snapshots_a = {}\nsnapshots_b = {}",
        group(1),
        group(2),
        group(3)
    );
    let ilink3 = "protocol = \"cme/ilink3\"\naddress = \"192.0.2.1:9000\"\nsession = \"ABC\"\n\
        firm = \"007\"\nsender_id = \"me\"\nlocation = \"HK\"\naccess_key_id = \"K1\"\n\
        key_file = \"secrets/cme\"\nparty_details_id = 41\nparties = { \
        executing_firm = \"560\", customer_account = \"77001\", operator = \"desk-1\", \
        customer_type = 2, clearing_account = \"firm\", order_source = \"algo_engine\", \
        self_match_id = 9, service_address = \"192.0.2.4:9000\" }\n\
        week = { time_zone = \"America/Chicago\", ends_on = \"friday\", ends_at = \"17:00\", \
        begins_on = \"sunday\", begins_at = \"15:30\" }";
    let config = load(&edited(&[
        ("join = \"assume_empty\"", &loops),
        ("protocol = \"paper\"", ilink3),
        ("feed = \"cme\"", "symbol = \"ZCZ6\"\nfeed = \"cme\""),
    ]))
    .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let groups: Vec<_> = config.feeds[0].recovery.groups().map(|(key, _)| key).collect();
    assert_eq!(groups, ["definitions_a", "snapshots_a", "snapshots_b"]);
    let Recovery::Loops(loops) = &config.feeds[0].recovery else { panic!("MDP 3.0 has loops") };
    assert_eq!(loops.channel_id, Some(340));
    let replay = loops.replay.as_ref().expect("it is written");
    assert_eq!(
        (replay.address.to_string(), &replay.user[..]),
        ("192.0.2.3:9020".to_owned(), "CME")
    );
    assert_eq!(replay.password, SecretSource::Credential("REPLAY".to_owned()));
    let session = config.gateways[0].session.as_ref().expect("an iLink 3 session");
    assert_eq!(session.key, SecretSource::File("secrets/cme".into()));
    assert_eq!((&*session.access_key_id, session.keep_alive_ms), ("K1", 5_000));
    let parties = PartyDetails {
        executing_firm: "560".to_owned(),
        customer_account: "77001".to_owned(),
        operator: "desk-1".to_owned(),
        customer_type: 2,
        clearing_account: ClearingAccount::Firm,
        order_source: Some(OrderSource::AlgoEngine),
        self_match: Some((9, SelfMatchCancels::Oldest)),
    };
    assert_eq!((session.party_details_id, &session.parties), (41, &Some(parties)));
    let service = session.service_address.expect("it is written");
    assert_eq!(service.to_string(), "192.0.2.4:9000");
    let week = session.week.as_ref().expect("it is written");
    // Saturday 2026-11-21, noon in UTC: Friday 17:00 was 23:00, Sunday 15:30 will be 21:30.
    let (friday, sunday) = (1_795_215_600, 1_795_383_000);
    let pause = week.pause(UnixNs(1_795_262_400_000_000_000)).expect("there is one each week");
    assert_eq!((pause.from.0, pause.until.0), (friday * 1_000_000_000, sunday * 1_000_000_000));
    let symbols = config.instruments.iter().map(|instrument| &*instrument.symbol);
    assert_eq!(symbols.collect::<Vec<_>>(), ["ZCZ6", "s336491"], "the name unless written");

    let smdp = "protocol = \"shfe/smdp\"\ntopic = 1001\nmdqp = \"tcp://192.0.2.1:8000\"\n\
        mdqp_user = \"u\"\nmdqp_password_credential = \"MDQP\"";
    let dstar = "protocol = \"esunny/dstar\"\nrequest_address = \"192.0.2.1:9001\"\n\
        answer_address = \"192.0.2.1:9000\"\naccount_no = \"88001\"\npassword_credential = \"P\"\n\
        request_ids = \"consecutive\"\nclose_today_code = \"J\"";
    let config = load(&edited(&[
        ("join = \"assume_empty\"", "join = \"recover\""),
        ("protocol = \"cme/mdp3\"", smdp),
        ("protocol = \"paper\"", dstar),
        ("security_id = 411873", "security_id = 411873\noffset_rule = \"close_today\""),
        ("security_id = 336491", "security_id = 336491\noffset_rule = \"close\""),
        ("max_units = 5", "hedge_flag = \"hedge\"\nmax_units = 5"),
    ]))
    .unwrap_or_else(|invalid| panic!("{}", invalid.render(false)));
    let Recovery::Query(query) = &config.feeds[0].recovery else { panic!("SMDP is asked") };
    assert_eq!((query.topic, query.address.to_string().as_str()), (1001, "192.0.2.1:8000"));
    assert_eq!(query.login.password, Some(SecretSource::Credential("MDQP".to_owned())));
    let counter = config.gateways[0].counter.as_ref().expect("an account");
    assert_eq!(
        (counter.request_ids, counter.close_today_code),
        (ReqIdMode::Consecutive, Some(b'J'))
    );
}

#[test]
fn details_are_left_out_by_name() {
    let leaves = |words: &str| {
        let line = format!("record_leaves_out = [{words}]\ndesk_id = 1");
        let config = load(&edited(&[("desk_id = 1", &line)])).expect("known words");
        let told: Vec<_> = inputs::controls(&config).0.into_iter().take(1).collect();
        let details = config.engine.record_details;
        assert_eq!(told == [Control::Detailing(details)], details != Detailing::ALL);
        details
    };
    assert_eq!(load(&base()).expect("the sample").engine.record_details, Detailing::ALL);
    assert_eq!(leaves(""), Detailing::ALL);
    let two = leaves("\"in_flight\", \"instrument\"");
    assert_eq!(two.left_out().collect::<Vec<_>>(), ["in_flight", "instrument"]);
    let most = leaves("\"refusals\", \"endings\"");
    assert!(most.has_refusal(Gate::Passed) && !most.endings);
    assert_eq!(most.left_out().count(), Gate::ALL.len(), "the ends, and all gates but `passed`");
}

#[test]
fn what_follows_from_a_finding_is_configured() {
    for (written, stops) in [("no_new", true), ("alert", false)] {
        let line = format!("audit_difference = \"{written}\"\ndesk_id = 1");
        let config = load(&edited(&[("desk_id = 1", &line)])).expect("a known word");
        assert_eq!(config.engine.differences_stop, stops);
    }
    let engine = load(&base()).expect("the sample").engine;
    assert!(engine.differences_stop, "if nothing is written");
    assert_eq!((engine.clock_step_us, engine.clock_steps_stop), (100, false));
    let line = "clock_step = \"no_new\"\nclock_step_us = 50\ndesk_id = 1";
    let engine = load(&edited(&[("desk_id = 1", line)])).expect("known words").engine;
    assert_eq!((engine.clock_step_us, engine.clock_steps_stop), (50, true));
}

#[test]
fn what_the_breakers_of_a_spread_watch_is_configured() {
    let told = |breakers: &str| {
        let config = load(&edited(&[("[[spread.leg]]", breakers)])).expect("breakers");
        let mut controls = inputs::controls(&config).0.into_iter();
        controls.find_map(|control| match control {
            Control::Breakers(breakers) => Some(breakers),
            _ => None,
        })
    };
    assert_eq!(told("[[spread.leg]]"), None, "none that nobody asked for");
    let all = "[[spread.breaker]]\non = \"slippage\"\nthen = \"repair\"\n\n\
         [[spread.breaker]]\non = \"latency\"\nratio = \"0.5\"\nof = 4\nthen = \"alert\"\n\n\
         [[spread.breaker]]\non = \"rejects\"\nthen = \"halt\"\n\n\
         [[spread.breaker]]\non = \"unfilled\"\nratio = \"0.2\"\nof = 10\nthen = \"reduce\"\n\n\
         [[spread.leg]]";
    let breakers = told(all).expect("four of them");
    assert_eq!((breakers.slippage_e9, breakers.latency), (5_000_000, Span(100_000_000)));
    let rules = breakers.rules.map(|rule| (rule.most, rule.of, rule.action));
    let [slippage, latency, rejects, unfilled] = rules;
    assert_eq!((slippage, latency), ((0, 1, BreakerAction::Repair), (2, 4, BreakerAction::Alert)));
    // Three percent of 64 is one; two are more than that.
    assert_eq!((rejects, unfilled), ((1, 64, BreakerAction::Halt), (2, 10, BreakerAction::Reduce)));
}

#[test]
fn how_much_is_opened_with_one_line_is_configured() {
    assert_eq!(load(&base()).expect("the sample").logic.single_line_clip_percent, 100);
    for (percent, clip, units) in [(50, 5, 2), (5, 20, 1), (1, 1, 1), (99, 100, 99), (33, 3, 1)] {
        let line = format!("single_line_clip_percent = {percent}\nack_timeout_ms");
        let config = load(&edited(&[("ack_timeout_ms", &line)])).expect("a part");
        let told = inputs::controls(&config).0;
        let [Control::Sizing(sizing), ..] = told[..] else { panic!("{told:?}") };
        assert_eq!(sizing.clip_units(clip), units, "{percent} % of {clip}");
    }
}
