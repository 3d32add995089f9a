//! Whether an engine may start, and what lies beside its record of that.

use super::rig::{Rig, at};
use cross_market_connect::governance::admission::{Admitted, Barred, admit};
use cross_market_connect::governance::beside;
use cross_market_connect::governance::draft::draft;
use cross_market_connect::governance::entry::What;
use std::path::PathBuf;

const LESS: [(&str, &str); 1] = [("max_position_lots = 20", "max_position_lots = 19")];

/// The word for why not.
fn word(barred: &Barred) -> &'static str {
    match barred {
        Barred::Register(_) => "register",
        Barred::Io { .. } => "io",
        Barred::Ungoverned { .. } => "ungoverned",
        Barred::RegisterChanged { .. } => "changed",
        Barred::NotProposed { .. } => "not proposed",
        Barred::Misproposed { .. } => "misproposed",
        Barred::NotInEffect { standing, .. } => standing.word(),
    }
}

struct Stand {
    rig: Rig,
    record: PathBuf,
}

impl Stand {
    fn new(name: &str) -> Self {
        let rig = Rig::new(name);
        let record = rig.scratch.path("record");
        std::fs::create_dir(&record).expect("a directory");
        Self { rig, record }
    }

    fn admit(&self, minutes: i64, edits: &[(&str, &str)]) -> Result<Admitted, String> {
        let config = self.rig.config(edits);
        match admit(&config, &self.record, at(minutes)) {
            Ok(admitted) => Ok(admitted.expect("it is governed")),
            Err(barred) => Err(format!("{}: {barred}", word(&barred))),
        }
    }

    /// Why not, which says the command that mends it.
    fn barred(&self, minutes: i64, edits: &[(&str, &str)], word: &str, command: &str) {
        let why = self.admit(minutes, edits).expect_err("it must not start");
        assert!(why.starts_with(&format!("{word}: ")), "{word}: {why}");
        assert!(why.contains(command), "{command}: {why}");
    }
}

#[test]
fn an_engine_starts_with_what_is_in_effect_and_with_nothing_else() {
    let stand = Stand::new("govern_admit");
    let rig = &stand.rig;
    stand.barred(0, &[], "not proposed", "xmc govern propose governed.toml --key");
    let proposal = rig.tried(0, &rig.config(&[]));
    stand.barred(1, &[], "waiting", "xmc govern approve governed.toml");
    stand.barred(
        1,
        &[],
        "waiting",
        "2 more people with the roles owner, risk, compliance among them",
    );
    for by in ["olga", "rita"] {
        rig.approve(by, 2, proposal).expect("it is approved of");
    }
    stand.barred(2, &[], "waiting", "somebody with the role compliance");
    rig.approve_from("carl", 3, proposal, (10, Some(60))).expect("it is approved of");
    stand.barred(9, &[], "not yet", "start it then");
    let admitted = stand.admit(10, &[]).expect("it starts");
    let governed = &admitted.governed;
    assert_eq!((governed.version, governed.proposal, governed.entries), (1, 1, 5));
    let names: Vec<_> = governed.approved_by.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["olga", "rita", "carl"]);
    assert_eq!((governed.from, governed.until), (at(10), Some(at(60))));
    stand.barred(60, &[], "ended", "xmc govern propose");
    // One lot less in one limit is another configuration.
    stand.barred(10, &LESS, "not proposed", "xmc govern propose");
    let second = rig.approved(11, &rig.config(&LESS));
    stand.barred(13, &[], "superseded", "xmc govern list");
    assert_eq!(stand.admit(13, &LESS).expect("it starts").governed.proposal, second);
    rig.withdraw("carl", 14, second).expect("one is enough");
    stand.barred(14, &LESS, "withdrawn", "xmc govern propose");
    stand.barred(14, &[], "superseded", "xmc govern list");
}

#[test]
fn a_register_that_is_not_whole_lets_nobody_start() {
    let stand = Stand::new("govern_broken");
    stand.rig.approved(0, &stand.rig.config(&[]));
    stand.admit(3, &[]).expect("it starts");
    let text = std::fs::read_to_string(&stand.rig.register).expect("it is there");
    std::fs::write(&stand.rig.register, text.replacen("a test", "a jest", 1)).expect("it is ours");
    stand.barred(3, &[], "register", "xmc govern verify");
    std::fs::write(&stand.rig.register, &text[..text.len() - 1]).expect("it is ours");
    stand.barred(3, &[], "register", "has no end");
}

/// The digest is right and what people were shown is not: an engine looks at its own files.
#[test]
fn a_proposal_that_hides_a_change_lets_nobody_start() {
    let stand = Stand::new("govern_hidden");
    let rig = &stand.rig;
    rig.approved(0, &rig.config(&[]));
    let config = rig.config(&LESS);
    let mut proposal = draft(&rig.read().fold, &config, at(10)).expect("TOML");
    // The limit is said to be as it was.
    let item = proposal.items.iter_mut().find(|item| item.before != item.after);
    let item = item.expect("one changes");
    (item.after, item.lines) = (item.before.clone(), None);
    item.version = 1;
    rig.say("pat", 10, What::Proposal(proposal)).expect("it follows from the entries");
    let entry = rig.read().fold.count();
    for by in ["olga", "carl"] {
        rig.approve(by, 11, entry).expect("nothing seems to change");
    }
    stand.barred(12, &LESS, "misproposed", "limit of limit scope=instrument instrument=s411873");
}

/// What a run has seen of the register must be in it at the next.
#[test]
fn a_record_remembers_the_register_that_it_was_governed_by() {
    let stand = Stand::new("govern_remembers");
    let rig = &stand.rig;
    let config = rig.config(&[]);
    rig.approved(0, &config);
    let admitted = stand.admit(3, &[]).expect("it starts");
    beside::keep(&stand.record, 1, &admitted).expect("it is written");
    let kept = beside::read(&stand.record).expect("it reads");
    assert_eq!((kept.len(), kept[0].run, kept[0].entries), (1, 1, 5));
    let text = std::fs::read_to_string(&rig.register).expect("it is there");
    let copy = stand.record.join(format!("register.{}.jsonl", &kept[0].head[..16]));
    assert_eq!(std::fs::read_to_string(copy).expect("it is kept"), text);
    stand.admit(4, &[]).expect("nothing has changed");
    // The list of runs was cut off while it was written: at its end, within a line.
    let list = stand.record.join("governed.jsonl");
    let whole = std::fs::read(&list).expect("it is there");
    for bytes in [1, 30] {
        std::fs::write(&list, &whole[..whole.len() - bytes]).expect("it is ours");
        stand.barred(4, &[], "io", "remove that line");
        let checked = beside::check(&stand.record, &[1]).expect("it is a finding, and no error");
        let finding = checked[0].finding.as_deref().expect("a finding");
        assert!(finding.contains("line 1") && finding.contains("remove that line"), "{finding}");
    }
    // A name in it would steer the screen of whoever audits.
    let steered = String::from_utf8_lossy(&whole).replacen("\"olga\"", "\"ol\\u001b[2Kga\"", 1);
    std::fs::write(&list, steered).expect("it is ours");
    let checked = beside::check(&stand.record, &[1]).expect("a finding");
    let finding = checked[0].finding.as_deref().expect("a finding");
    assert!(finding.contains("control character"), "{finding}");
    std::fs::write(&list, whole).expect("it is ours");
    // A line less; another register; none; no governance.
    let shorter: String = text.split_inclusive('\n').take(4).collect();
    std::fs::write(&rig.register, shorter).expect("it is ours");
    stand.barred(4, &[], "changed", "fewer entries");
    std::fs::remove_file(&rig.register).expect("it is ours");
    stand.barred(4, &[], "changed", "fewer entries");
    rig.approved(1, &config);
    stand.barred(4, &[], "changed", "written anew");
    std::fs::write(&rig.register, text).expect("it is ours");
    stand.admit(4, &[]).expect("it is as it was");
    let bare = crate::config::load(&crate::config::base()).expect("the sample");
    let barred = admit(&bare, &stand.record, at(4)).expect_err("it was governed");
    assert_eq!(word(&barred), "ungoverned");
    // Elsewhere nobody asks.
    let elsewhere = rig.scratch.path("elsewhere");
    assert!(admit(&bare, &elsewhere, at(4)).expect("nothing is governed").is_none());
}
