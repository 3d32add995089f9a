//! Who may say what: roles, one's own proposal, twice, what is asked for, who governs next.

use super::rig::{Rig, at, evidence, key, seed};
use cross_market_connect::audit::note::{Purpose, SignerKey};
use cross_market_connect::governance::draft::draft;
use cross_market_connect::governance::entry::{Approval, Entry, Said, What};
use cross_market_connect::governance::fold::Standing;
use cross_market_connect::governance::item;
use cross_market_connect::governance::person::{Person, Role};
use cross_market_connect::governance::refusal::Refusal;
use cross_market_connect::governance::register::Register;

/// The word of the rule that stands in the way.
fn why<T: std::fmt::Debug>(said: Result<T, Refusal>) -> &'static str {
    said.expect_err("it is refused").rule()
}

const LIMIT: [(&str, &str); 1] = [("max_position_lots = 20", "max_position_lots = 19")];
const TARGET: [(&str, &str); 1] = [("buy_open = \"-1.75\"", "buy_open = \"-1.8\"")];
const FORMULA: [(&str, &str); 1] = [("pay_up_ticks = 1", "pay_up_ticks = 2")];
const MODEL: [(&str, &str); 1] = [("min_price = \"300\"", "min_price = \"299\"")];

#[test]
fn roles_are_asked_for() {
    let rig = Rig::new("govern_roles");
    let config = rig.config(&[]);
    for by in ["olga", "rita", "carl"] {
        assert_eq!(why(rig.propose(by, 0, &config)), "wrong_role", "{by}");
    }
    assert_eq!(rig.lines(), Vec::<String>::new(), "of what is refused nothing is written");
    let proposal = rig.propose("pat", 0, &config).expect("pat proposes");
    assert_eq!(why(rig.attach("carl", 1, proposal)), "wrong_role");
    assert_eq!(why(rig.approve("olga", 1, proposal)), "no_evidence");
    rig.attach("eve", 1, proposal).expect("another proposer attaches");
    assert_eq!(why(rig.approve("pat", 2, proposal)), "wrong_role");
    rig.approve("olga", 2, proposal).expect("olga approves");
    assert_eq!(why(rig.approve("olga", 3, proposal)), "twice");
    assert_eq!(why(rig.attach("pat", 3, proposal)), "late_evidence");
}

#[test]
fn nobody_approves_of_what_is_their_own() {
    let rig = Rig::new("govern_own");
    let proposal = rig.propose("eve", 0, &rig.config(&[])).expect("eve proposes");
    rig.attach("eve", 1, proposal).expect("evidence");
    assert_eq!(why(rig.approve("eve", 2, proposal)), "own_proposal");
    // Under another name the key gives it away. No configuration that loads has a key twice.
    let mut first = rig.read().fold.cases()[0].proposal.clone();
    let eva = SignerKey::new("eva", Purpose::Log, &seed("eve")).expect("a name");
    let roles = vec![Role::Owner, Role::Risk];
    let (name, verifier) = ("eva".to_owned(), eva.verifier().to_string());
    let place = first.items.iter().position(|item| item.name == "operator eve");
    let place = place.expect("eve has an item");
    let lines = ["id = 9".into(), format!("key = {verifier:?}"), "name = \"eva\"".into()];
    let lines = [&lines[..], &["roles = [\"owner\", \"risk\"]".to_owned()]].concat();
    let mut operator = first.items[place].clone();
    operator.name = "operator eva".to_owned();
    (operator.after, operator.lines) = (Some(item::digest(&lines)), Some(lines));
    first.items.insert(place, operator);
    first.people.push(Person { name, key: verifier, roles });
    let mut register = Register::of_text(rig.register.clone(), String::new());
    let sign = |register: &Register, by: &SignerKey, minutes, what| {
        let said = Said {
            entry: register.fold.count() + 1,
            previous: register.fold.head().to_owned(),
            at: at(minutes),
            by: by.verifier().name().to_owned(),
            reason: "a test".to_owned(),
            what,
        };
        Entry::sign(said, by).expect("it can be written")
    };
    let configuration = first.configuration.clone();
    let found = sign(&register, &key("eve"), 0, What::Proposal(first));
    register.fold.take(&found).expect("it is proposed");
    let tried = What::Evidence(evidence(1, &configuration, [100, 200, 200, 300]));
    let tried = sign(&register, &key("eve"), 1, tried);
    register.fold.take(&tried).expect("evidence");
    let approval = Approval { proposal: 1, configuration, from: at(2), until: None };
    let approved = sign(&register, &eva, 2, What::Approval(approval));
    assert_eq!(why(register.fold.take(&approved)), "own_proposal");
}

/// Each kind of change asks for somebody: two others are not enough.
#[test]
fn each_kind_of_change_asks_for_its_role() {
    for (name, edits, role, others, one) in [
        ("limit", LIMIT, Role::Risk, ["olga", "carl"], "rita"),
        ("target", TARGET, Role::Owner, ["rita", "carl"], "olga"),
        ("formula", FORMULA, Role::Owner, ["rita", "carl"], "eve"),
        ("model", MODEL, Role::Compliance, ["olga", "rita"], "carl"),
    ] {
        let rig = Rig::new(&format!("govern_asks_{name}"));
        rig.approved(0, &rig.config(&[]));
        let proposal = rig.tried(10, &rig.config(&edits));
        let standing = |minutes| {
            let register = rig.read();
            let case = register.fold.case(proposal).expect("it is there").clone();
            let changed: Vec<_> = case.proposal.changed().map(|item| item.kind.word()).collect();
            assert_eq!(changed, [name]);
            register.fold.standing(&case, at(minutes))
        };
        let waits = |people| Standing::Waiting { people, roles: vec![role] };
        assert_eq!(standing(12), waits(2));
        rig.approve(others[0], 12, proposal).expect("one");
        assert_eq!(standing(12), waits(1));
        rig.approve(others[1], 13, proposal).expect("two");
        assert_eq!(standing(13), waits(0), "two people, and not that role");
        rig.approve(one, 14, proposal).expect("three");
        assert_eq!(standing(14), Standing::InEffect { from: at(14), until: None });
        assert!(matches!(standing(13), Standing::NotYet { .. }), "not before");
    }
}

/// Who is named by a configuration governs once that is in effect, and not before.
#[test]
fn people_are_those_of_the_configuration_that_governs() {
    let rig = Rig::new("govern_people");
    rig.approved(0, &rig.config(&[]));
    // Rita goes, dora comes with her role.
    let dora = key("dora").verifier().to_string();
    let rita = key("rita").verifier().to_string();
    let edits = [("name = \"rita\"", "name = \"dora\""), (&rita[..], &dora[..])];
    let config = rig.config(&edits);
    let proposal = rig.tried(10, &config);
    assert_eq!(why(rig.approve("dora", 12, proposal)), "person", "not by her own say");
    rig.approve_from("rita", 12, proposal, (30, None)).expect("those who govern approve");
    rig.approve_from("carl", 12, proposal, (30, None)).expect("as they do");
    let next = rig.propose("pat", 20, &rig.config(&[&edits[..], &LIMIT[..]].concat()));
    let next = next.expect("it is proposed before that is in effect");
    rig.attach("pat", 21, next).expect("evidence");
    assert_eq!(why(rig.approve("dora", 29, next)), "person", "her time has not come");
    assert_eq!(why(rig.approve("rita", 31, next)), "person", "hers is over");
    assert_eq!(why(rig.approve("dora", 31, next)), "overtaken", "it was compared with the first");
    let next = rig.tried(32, &rig.config(&[&edits[..], &LIMIT[..]].concat()));
    rig.approve("dora", 34, next).expect("now it is hers");
}

/// What somebody does to those who govern.
type Edit<'e> = &'e dyn Fn(&mut Vec<Person>);

/// Whom a proposal says to govern are those whom its own items say.
#[test]
fn nobody_is_left_out_of_those_who_govern() {
    let rig = Rig::new("govern_hidden_people");
    let honest = |minutes| draft(&rig.read().fold, &rig.config(&LIMIT), at(minutes)).expect("TOML");
    let mallory = key("mallory").verifier().to_string();
    let eve = key("eve").verifier().to_string();
    let tamper = |minutes: i64| {
        let mut others = Vec::new();
        let edits: [Edit<'_>; 5] = [
            &|people| people.retain(|one| one.name == "pat" || one.name == "eve"),
            &|people| people[0].roles.push(Role::Risk),
            &|people| people[1].key.clone_from(&mallory),
            &|people| people.push(people[2].clone()),
            &|people| {
                let roles = vec![Role::Owner, Role::Risk, Role::Compliance];
                people.push(Person { name: "mallory".to_owned(), key: mallory.clone(), roles });
            },
        ];
        for edit in edits {
            let mut proposal = honest(minutes);
            assert!(proposal.people.iter().any(|one| one.key == eve), "eve is one of them");
            edit(&mut proposal.people);
            others.push(proposal);
        }
        others
    };
    for proposal in tamper(0) {
        let line = rig.forge("pat", 0, What::Proposal(proposal.clone()));
        assert_eq!(rig.broken(&[line]), Some((1, "people")), "written by hand");
        assert_eq!(why(rig.say("pat", 0, What::Proposal(proposal))), "people");
    }
    // Nor where the people's own items do not change.
    rig.approved(0, &rig.config(&[]));
    for proposal in tamper(10) {
        assert_eq!(why(rig.say("pat", 10, What::Proposal(proposal))), "people");
    }
    rig.say("pat", 10, What::Proposal(honest(10))).expect("as it is");
}

/// Who has approved first governs, though it comes into effect only later.
#[test]
fn the_first_that_is_approved_of_governs_before_its_time() {
    let rig = Rig::new("govern_monday");
    let [dora, rita, mallory, pat] =
        ["dora", "rita", "mallory", "pat"].map(|name| key(name).verifier().to_string());
    let theirs = rig.config(&[("name = \"rita\"", "name = \"dora\""), (&rita, &dora)]);
    // Before that, whoever proposes is judged by their own.
    let early = rig.tried(0, &theirs);
    rig.approve("dora", 2, early).expect("by its own people");
    let first = rig.tried(3, &rig.config(&[]));
    for by in ["olga", "rita", "carl"] {
        rig.approve_from(by, 5, first, (600, None)).expect("it is approved of");
    }
    // What dora has approved of by her own say nobody has.
    let register = rig.read();
    let standing = register.fold.standing(register.fold.case(early).expect("it is there"), at(6));
    assert!(matches!(standing, Standing::Waiting { people: 2, .. }), "{standing:?}");
    assert_eq!(why(rig.approve("dora", 6, early)), "person");
    let late = rig.tried(10, &theirs);
    assert_eq!(why(rig.approve("dora", 12, late)), "person");
    let own = [("name = \"pat\"", "name = \"mallory\""), (&pat[..], &mallory[..])];
    assert_eq!(why(rig.propose("mallory", 13, &rig.config(&own))), "person");
    assert_eq!(rig.read().fold.in_effect(at(600)).map(|case| case.entry), Some(first));
}

/// What is shown could hide what is signed.
#[test]
fn nothing_in_an_entry_steers_a_screen() {
    let rig = Rig::new("govern_control");
    let good = draft(&rig.read().fold, &rig.config(&[]), at(0)).expect("TOML");
    for text in ["a\u{1b}[2Kb", "a\nb", "a\rb", "a\tb", "a\u{7f}b", "a\u{9b}b", "a\u{202e}b"] {
        let mut proposal = good.clone();
        proposal.files[0].name = text.to_owned();
        let line = rig.forge("pat", 0, What::Proposal(proposal.clone()));
        assert_eq!(rig.broken(&[line]), Some((1, "form")), "{text:?}");
        assert_eq!(why(rig.say("pat", 0, What::Proposal(proposal))), "form", "{text:?}");
    }
    let mut proposal = good;
    proposal.files[0].name = "a \"quoted\" \\name\\u001b \u{4e2d}.toml".to_owned();
    rig.say("pat", 0, What::Proposal(proposal)).expect("it is plain");
    let configuration = rig.read().fold.cases()[0].proposal.configuration.clone();
    let mut tried = evidence(1, &configuration, [100, 200, 200, 300]);
    tried.in_sample.command.push('\u{8}');
    assert_eq!(why(rig.say("pat", 1, What::Evidence(tried))), "form");
}

/// One who withdraws everything cannot put people of their own in the place of those who govern.
#[test]
fn withdrawing_gives_nobody_else_the_say() {
    let rig = Rig::new("govern_coup");
    let first = rig.approved(0, &rig.config(&[]));
    rig.withdraw("pat", 10, first).expect("one is enough");
    let [dora, rita] = ["dora", "rita"].map(|name| key(name).verifier().to_string());
    let config = rig.config(&[("name = \"rita\"", "name = \"dora\""), (&rita, &dora)]);
    let coup = rig.tried(11, &config);
    assert_eq!(why(rig.approve("dora", 13, coup)), "person");
    rig.approve("rita", 13, coup).expect("who governed governs");
    // Nor what was approved of and withdrawn before its time.
    let other = Rig::new("govern_never_begun");
    let proposal = other.tried(0, &other.config(&[]));
    for by in ["olga", "rita", "carl"] {
        other.approve_from(by, 2, proposal, (30, None)).expect("it is approved of");
    }
    other.withdraw("pat", 10, proposal).expect("before its time");
    let next = [("name = \"rita\"", "name = \"dora\""), (&rita[..], &dora[..])];
    let next = other.tried(31, &other.config(&next));
    assert_eq!(why(other.approve("dora", 33, next)), "person", "who approved of it governs");
    other.approve("rita", 33, next).expect("she did");
}

#[test]
fn an_entry_about_something_else_is_refused() {
    let rig = Rig::new("govern_about");
    let first = rig.tried(0, &rig.config(&[]));
    let digest = rig.read().fold.cases()[0].proposal.configuration.clone();
    let approval = |proposal, configuration: &str| {
        What::Approval(Approval {
            proposal,
            configuration: configuration.to_owned(),
            from: at(2),
            until: None,
        })
    };
    let other = "00".repeat(32);
    assert_eq!(why(rig.say("olga", 2, approval(first, &other))), "other_digest");
    assert_eq!(why(rig.say("olga", 2, approval(2, &digest))), "no_proposal");
    assert_eq!(why(rig.say("olga", 2, approval(9, &digest))), "no_proposal");
    let elsewhere = evidence(first, &other, [100, 200, 200, 300]);
    assert_eq!(why(rig.say("pat", 2, What::Evidence(elsewhere))), "other_digest");
    // Signed rightly and put there by hand, it is found as well.
    let lines = [rig.lines(), vec![rig.forge("olga", 2, approval(first, &other))]].concat();
    assert_eq!(rig.broken(&lines), Some((3, "other_digest")));
    // Somebody else's key under a name that governs.
    let mut line = rig.forge("mallory", 2, approval(first, &digest));
    assert_eq!(rig.broken(&[rig.lines(), vec![line.clone()]].concat()), Some((3, "person")));
    line = line.replace("\"by\":\"mallory\"", "\"by\":\"olga\"");
    assert_eq!(rig.broken(&[rig.lines(), vec![line]].concat()), Some((3, "forged")));
}

#[test]
fn time_goes_forward() {
    let rig = Rig::new("govern_backwards");
    let first = rig.tried(10, &rig.config(&[]));
    assert_eq!(why(rig.approve("olga", 10, first)), "ahead", "the clock of this host is behind");
    let digest = rig.read().fold.cases()[0].proposal.configuration.clone();
    let what = What::Approval(Approval {
        proposal: first,
        configuration: digest,
        from: at(10),
        until: None,
    });
    let lines = [rig.lines(), vec![rig.forge("olga", 10, what)]].concat();
    assert_eq!(rig.broken(&lines), Some((3, "backwards")));
}
