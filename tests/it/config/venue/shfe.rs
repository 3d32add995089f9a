//! The file of a simulated SHFE: the sample is sound, and every way to be wrong is refused.

use super::sample;
use cross_market_connect::config::venue::{ShfeVenue, load_shfe, shfe_text};
use cross_market_connect::config::{Invalid, Rule, SecretSource};
use cross_market_connect::port::udp::Reach;
use std::path::Path;
use xmc_hotpath::message::AccountId;

fn load(edits: &[(&str, &str)]) -> Result<ShfeVenue, Invalid> {
    let mut text = std::fs::read_to_string(sample("venue_shfe.toml")).expect("the sample");
    for (find, replace) in edits {
        assert!(text.contains(find), "the sample has no {find:?} to replace");
        text = text.replacen(find, replace, 1);
    }
    shfe_text(Path::new("venue.toml"), &text)
}

#[test]
fn what_is_written_is_what_is_read() {
    let venue = load_shfe(&sample("venue_shfe.toml")).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!((venue.world_seed, venue.seed, venue.maturity), (42, 1, (2026, 9)));
    assert_eq!(venue.addresses.topics.len(), 1);
    let (topic, [a, b]) = venue.addresses.topics[0];
    let lines = format!("{topic} {a} {b}");
    assert_eq!(lines, "1001 239.192.21.1:14210 239.192.21.2:14211");
    let addresses = &venue.addresses;
    let ports = [addresses.query, addresses.counter, addresses.requests, addresses.ledger];
    assert_eq!(ports.map(|address| address.port()), [19_212, 19_210, 19_211, 19_213]);
    assert_eq!((venue.reach, venue.close_today_code), (Reach::Host, Some(b'T')));
    let [account] = &venue.accounts[..] else { panic!("{:?}", venue.accounts) };
    assert_eq!((&*account.account_no, account.account), ("88001", AccountId(10)));
    assert_eq!((&account.password, venue.readers.len()), (&None, 0));

    let more = "account = 10\npassword_credential = \"P\"\n\
                [[account]]\naccount_no = \"2\"\naccount = 11\n\
                [[reader]]\nuser_id = \"u\"\nparticipant_id = \"p\"\npassword_file = \"f\"\n";
    let venue = load(&[("account = 10\n", more), ("close_today_code = \"T\"\n", "")]);
    let venue = venue.unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!(venue.accounts[0].password, Some(SecretSource::Credential("P".to_owned())));
    assert_eq!((venue.accounts[1].account, venue.close_today_code), (AccountId(11), None));
    assert_eq!(venue.readers[0].password, Some(SecretSource::File("f".into())));
}

#[test]
fn each_mistake_is_shown_at_its_place_and_alone() {
    let account = |no: &str, account: u32| {
        format!("account = 10\n[[account]]\naccount_no = \"{no}\"\naccount = {account}\n")
    };
    let (same_account, same_no) = (account("2", 10), account("88001", 11));
    let cases: &[(&str, &str, Rule, &str)] = &[
        ("topic = 1001", "topic = 0", Rule::OutOfBounds, "topic = 0"),
        ("topic = 1001\n", "", Rule::MissingKey, "[feed]"),
        ("line_a = {", "# {", Rule::MissingKey, "[feed]"),
        ("239.192.21.2\", port = 14211", "239.192.21.1\", port = 14210", Rule::Lines, "[feed]"),
        ("127.0.0.1:19212", "127.0.0.1:19210", Rule::Address, "answer_address"),
        ("127.0.0.1:19212", "127.0.0.1:19213", Rule::Address, "query_address"),
        ("127.0.0.1:19211", "127.0.0.1", Rule::Address, "request_address"),
        ("query_address = \"127.0.0.1:19212\"\n", "", Rule::MissingKey, "[venue]"),
        ("code = \"T\"", "code = \"TT\"", Rule::Identity, "TT"),
        ("code = \"T\"", "code = \"O\"", Rule::Identity, "\"O\""),
        ("account_no = \"88001\"\n", "", Rule::MissingKey, "[[account]]"),
        ("account = 10", "account = 0", Rule::OutOfBounds, "account = 0"),
        ("account = 10\n", &same_account, Rule::AccountTwice, "account = 10"),
        ("account = 10\n", &same_no, Rule::NameTwice, "account = 11"),
        ("account = 10\n", "account = 10\npassword = \"hunter2\"\n", Rule::SecretInText, ""),
        ("account = 10\n", "account = 10\n[[reader]]\nuser_id = \"u\"\n", Rule::MissingKey, "read"),
        ("[feed]", "[[feed]]", Rule::WrongType, "[[feed]]"),
        ("[feed]", "[[session]]\n[feed]", Rule::UnknownKey, "[[session]]"),
    ];
    for (find, replace, rule, line) in cases {
        let loaded = load(&[(*find, *replace)]);
        let invalid = loaded.err().unwrap_or_else(|| panic!("{find} -> {replace} is sound"));
        let [problem] = &invalid.problems[..] else { panic!("not alone:\n{invalid}") };
        assert_eq!(problem.rule, *rule, "{find} -> {replace}:\n{invalid}");
        let shown = problem.place.as_ref().map_or("", |place| {
            let (line, _) = invalid.sources.line_and_column(place);
            invalid.sources.file(place).text.lines().nth(line - 1).unwrap_or("")
        });
        assert!(shown.contains(line), "{replace}: shown at {shown:?}");
        assert!(!invalid.render(false).contains("hunter2"));
    }
}
