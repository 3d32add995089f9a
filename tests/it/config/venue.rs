//! The file of a simulated venue: the sample is sound, and every way to be wrong is refused.

mod agree;
mod faults;
mod shfe;

use super::sample;
use cross_market_connect::config::venue::{CmeVenue, cme_text, load_cme};
use cross_market_connect::config::{Invalid, Rule, SecretSource};
use cross_market_connect::port::udp::Reach;
use std::path::Path;
use xmc_hotpath::message::AccountId;

fn base() -> String {
    std::fs::read_to_string(sample("venue_cme.toml")).expect("the sample")
}

fn load(edits: &[(&str, &str)]) -> Result<CmeVenue, Invalid> {
    let mut text = base();
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?} to replace");
        text = text.replacen(find, replace, 1);
    }
    cme_text(Path::new("venue.toml"), &text)
}

/// A session beside the one of the sample.
fn second(lines: &str) -> String {
    format!(
        "account = 77\n[[session]]\nsession = \"XM2\"\nfirm = \"XMC\"\naccess_key_id = \"other\"\n\
         {lines}\n"
    )
}

#[test]
fn what_is_written_is_what_is_read() {
    let venue = load_cme(&sample("venue_cme.toml")).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!((venue.world_seed, venue.seed, venue.maturity), (42, 2, (2026, 9)));
    assert_eq!(venue.addresses.incremental[1].to_string(), "239.192.31.2:14311");
    assert_eq!(venue.addresses.snapshots[0].to_string(), "239.192.33.1:14330");
    assert_eq!(venue.addresses.orders.to_string(), "127.0.0.1:19310");
    assert_eq!((venue.reach, venue.channel), (Reach::Host, 360));
    let [session] = &venue.sessions[..] else { panic!("{:?}", venue.sessions) };
    assert_eq!((&*session.session, session.account, &session.key), ("XM1", AccountId(77), &None));

    let edits = [
        ("store = \"xmc-venue-cme.jsonl\"\n", ""),
        ("reach = \"host\"\n", "reach = \"link\"\n"),
        ("account = 77", &*second("account = 78\nkey_credential = \"XMC_KEY\"")),
    ];
    let venue = load(&edits).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!((venue.store, venue.reach), (None, Reach::Link));
    assert_eq!(venue.sessions[1].key, Some(SecretSource::Credential("XMC_KEY".to_owned())));
}

#[test]
fn each_mistake_is_shown_at_its_place_and_alone() {
    let twice = second("account = 77");
    let (same, plain) = (twice.replace("XM2", "XM1").replace("= 77\n[", "= 78\n["), "key = \"x\"");
    let cases: &[(&str, &str, Rule, &str)] = &[
        ("[feed]", "[fed]\n[feed]", Rule::UnknownKey, "[fed]"),
        ("seed = 2\n", "seed = 2\nsede = 3\n", Rule::UnknownKey, "sede = 3"),
        ("port = 14310", "port = 14310, interface = \"lo\"", Rule::UnknownKey, "14310"),
        ("world_seed = 42\n", "", Rule::MissingKey, "[venue]"),
        ("line_b = {", "#", Rule::MissingKey, "[feed]"),
        ("seed = 2\n", "seed = \"2\"\n", Rule::WrongType, "seed = \"2\""),
        ("seed = 2\n", "seed = -1\n", Rule::OutOfBounds, "seed = -1"),
        ("contract_month = 9", "contract_month = 13", Rule::OutOfBounds, "= 13"),
        ("contract_year = 2026", "contract_year = 26", Rule::OutOfBounds, "= 26"),
        ("account = 77", "account = 0", Rule::OutOfBounds, "account = 0"),
        ("account = 77", "account = 4026531840", Rule::OutOfBounds, "4026531840"),
        ("port = 14310", "port = 0", Rule::OutOfBounds, "port = 0"),
        ("channel = 360", "channel = 0", Rule::OutOfBounds, "channel = 0"),
        ("reach = \"host\"", "reach = \"far\"", Rule::UnknownWord, "far"),
        ("session = \"XM1\"", "session = \"XM\"", Rule::Identity, "\"XM\""),
        ("239.192.31.2\", port = 14311", "239.192.31.1\", port = 14310", Rule::Lines, "[feed]"),
        ("group = \"239.192.33.1\"", "group = \"10.0.0.1\"", Rule::Lines, "10.0.0.1"),
        ("127.0.0.1:19310", "127.0.0.1:0", Rule::Address, ":0"),
        ("127.0.0.1:19310", "127.0.0.1:19311", Rule::Address, "order_address"),
        ("interface = \"127.0.0.1\"", "interface = \"224.0.0.1\"", Rule::Address, "224.0.0.1"),
        ("account = 77", &twice, Rule::AccountTwice, "account = 77"),
        ("account = 77", &same, Rule::NameTwice, "account = 77"),
        ("account = 77", plain, Rule::SecretInText, ""),
        ("[feed]", "[[feed]]", Rule::WrongType, "[[feed]]"),
        ("[venue]", "[venue", Rule::Syntax, "[venue"),
    ];
    for (find, replace, rule, line) in cases {
        let edits: &[_] = match *rule {
            // The account is still there, so the secret is all that is wrong.
            Rule::SecretInText => &[("account = 77", "account = 77\nkey = \"hunter2\"")],
            _ => &[(*find, *replace)],
        };
        let invalid = load(edits).err().unwrap_or_else(|| panic!("{find} -> {replace} is sound"));
        let [problem] = &invalid.problems[..] else { panic!("not alone:\n{invalid}") };
        assert_eq!(problem.rule, *rule, "{find} -> {replace}:\n{invalid}");
        let shown = problem.place.as_ref().map_or("", |place| {
            let (line, _) = invalid.sources.line_and_column(place);
            invalid.sources.file(place).text.lines().nth(line - 1).unwrap_or("")
        });
        assert!(shown.contains(line), "{replace}: shown at {shown:?}");
        assert!(!invalid.render(false).contains("hunter2"));
        assert!(invalid.render(false).contains(rule.code()));
    }
}

#[test]
fn a_file_that_is_not_there_or_not_a_venues_is_refused() {
    assert!(load_cme(Path::new("no/such.toml")).is_err());
    let invalid = load_cme(&sample("replay_calendar.toml")).unwrap_err();
    assert!(invalid.problems.iter().any(|problem| problem.rule == Rule::UnknownKey), "{invalid}");
    let many: String = (0..17)
        .map(|index| {
            format!(
                "[[session]]\nsession = \"X{index:02}\"\nfirm = \"XMC\"\naccess_key_id = \"k\"\n\
                 account = {}\n",
                100 + index
            )
        })
        .collect();
    let invalid = cme_text(Path::new("venue.toml"), &(base() + &many)).unwrap_err();
    let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Rule::TooMany]);
}

/// Every line of the sample left out, and every value replaced: nothing panics, and what is
/// accepted is what people may choose freely.
#[test]
fn any_single_slip_is_refused_or_harmless() {
    let base = base();
    let lines: Vec<_> = base.lines().collect();
    let (mut refused, mut accepted) = (0, Vec::new());
    for (place, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        for value in ["0", "-1", "1.5", "\"\"", "\"x\"", "true", "[]", "{}", "9223372036854775807"]
        {
            let mut edited = lines.clone();
            let slip = format!("{key} = {value}");
            edited[place] = &slip;
            match cme_text(Path::new("venue.toml"), &edited.join("\n")) {
                Ok(_) => accepted.push(slip),
                Err(invalid) => {
                    refused += 1;
                    assert!(!invalid.problems.is_empty() && !invalid.render(false).is_empty());
                }
            }
        }
    }
    println!("{refused} refused; accepted {accepted:?}");
    let free = ["world_seed", "seed", "store", "firm", "access_key_id", "interface"];
    assert!(
        accepted.iter().all(|slip| free.iter().any(|key| slip.starts_with(key))),
        "{accepted:?}"
    );
    assert!(refused > 120, "{refused}");
}
