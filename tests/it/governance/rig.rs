//! People with keys, a configuration that knows them, and a register in a directory of its own.

use crate::config::base;
use crate::journal::scratch::Scratch;
use cross_market_connect::audit::note::{Purpose, SignerKey};
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::governance::draft::draft;
use cross_market_connect::governance::entry::{
    Approval, Entry, Evidence, PairResult, Said, Sample, What, Withdrawal,
};
use cross_market_connect::governance::lineage::{Lineage, Quality};
use cross_market_connect::governance::refusal::Refusal;
use cross_market_connect::governance::register::{Register, RegisterError};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// When the first entry is signed.
pub const NOON: &str = "2026-11-22T12:00:00Z";

/// Who there is, with their roles. Eve has several.
pub const PEOPLE: [(&str, &str); 5] = [
    ("pat", "\"proposer\""),
    ("olga", "\"owner\""),
    ("rita", "\"risk\""),
    ("carl", "\"compliance\""),
    ("eve", "\"proposer\", \"owner\", \"risk\""),
];

pub fn seed(name: &str) -> [u8; 32] {
    let seed = name.bytes().chain([7; 32]).take(32).collect::<Vec<_>>();
    seed.try_into().expect("32 bytes")
}

pub fn key(name: &str) -> SignerKey {
    SignerKey::new(name, Purpose::Log, &seed(name)).expect("a name")
}

/// The section, with the people that it needs.
pub fn section(register: &Path) -> String {
    let mut text = format!(
        "\n[governance]\nregister = \"{}\"\nmodel_owner = \"olga\"\nformula_owner = \"olga\"\n\
         target_owner = \"eve\"\nlimit_owner = \"eve\"\n\n[control]\n",
        register.display()
    );
    for ((name, roles), id) in PEOPLE.into_iter().zip(1..) {
        let key = key(name).verifier();
        text.push_str(&format!(
            "\n[[operator]]\nname = \"{name}\"\nid = {id}\nkey = \"{key}\"\nroles = [{roles}]\n"
        ));
    }
    text
}

/// A moment so many minutes after noon.
pub fn at(minutes: i64) -> Timestamp {
    let noon: Timestamp = NOON.parse().expect("a time");
    Timestamp::from_second(noon.as_second() + 60 * minutes).expect("a time")
}

/// A register that nobody has written yet.
pub struct Rig {
    pub scratch: Scratch,
    pub register: PathBuf,
}

impl Rig {
    pub fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let register = scratch.path("register.jsonl");
        Self { scratch, register }
    }

    /// The sample under governance, with the first of each pair replaced by the second.
    pub fn text(&self, edits: &[(&str, &str)]) -> String {
        let mut text = base() + &section(&self.register);
        for (find, replace) in edits {
            assert!(text.contains(find), "the sample has no {find:?} to replace");
            text = text.replacen(find, replace, 1);
        }
        text
    }

    pub fn config(&self, edits: &[(&str, &str)]) -> Configuration {
        let read = config::load_text(Path::new("governed.toml"), &self.text(edits));
        read.unwrap_or_else(|bad| panic!("{}", bad.render(false)))
    }

    pub fn read(&self) -> Register {
        Register::read_if_there(&self.register).expect("it reads")
    }

    /// What `by` says, so many minutes after noon.
    pub fn say(&self, by: &str, minutes: i64, what: What) -> Result<Register, Refusal> {
        let told = Register::append::<RegisterError>(
            &self.register,
            &key(by),
            at(minutes),
            "a test",
            |_| Ok(what),
        );
        told.map_err(|error| match error {
            RegisterError::Refused(refusal) => refusal,
            other => panic!("{other}"),
        })
    }

    pub fn propose(&self, by: &str, minutes: i64, config: &Configuration) -> Result<u64, Refusal> {
        let proposal = draft(&self.read().fold, config, at(minutes)).expect("TOML");
        self.say(by, minutes, What::Proposal(proposal)).map(|register| register.fold.count())
    }

    pub fn attach(&self, by: &str, minutes: i64, proposal: u64) -> Result<Register, Refusal> {
        let evidence = evidence(proposal, &self.digest(proposal), [100, 200, 200, 300]);
        self.say(by, minutes, What::Evidence(evidence))
    }

    pub fn approve(&self, by: &str, minutes: i64, proposal: u64) -> Result<Register, Refusal> {
        self.approve_from(by, minutes, proposal, (minutes, None))
    }

    /// An approval that is worth something from so many minutes after noon on, until so many.
    pub fn approve_from(
        &self,
        by: &str,
        minutes: i64,
        proposal: u64,
        (from, until): (i64, Option<i64>),
    ) -> Result<Register, Refusal> {
        let approval = Approval {
            proposal,
            configuration: self.digest(proposal),
            from: at(from),
            until: until.map(at),
        };
        self.say(by, minutes, What::Approval(approval))
    }

    pub fn withdraw(&self, by: &str, minutes: i64, proposal: u64) -> Result<Register, Refusal> {
        let configuration = self.digest(proposal);
        self.say(by, minutes, What::Withdrawal(Withdrawal { proposal, configuration }))
    }

    /// A proposal of pat's with evidence, in the minute given and the next.
    pub fn tried(&self, minutes: i64, config: &Configuration) -> u64 {
        let proposal = self.propose("pat", minutes, config).expect("it is proposed");
        self.attach("pat", minutes + 1, proposal).expect("it has evidence");
        proposal
    }

    /// The same, approved of by olga, rita and carl in the third.
    pub fn approved(&self, minutes: i64, config: &Configuration) -> u64 {
        let proposal = self.tried(minutes, config);
        for by in ["olga", "rita", "carl"] {
            self.approve(by, minutes + 2, proposal).expect("it is approved of");
        }
        proposal
    }

    fn digest(&self, proposal: u64) -> String {
        let register = self.read();
        register
            .fold
            .case(proposal)
            .map_or_else(String::new, |case| case.proposal.configuration.clone())
    }

    /// The lines of the register.
    pub fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.register).expect("it is there");
        text.lines().map(str::to_owned).collect()
    }

    /// The first bad entry once the register has these lines.
    pub fn broken(&self, lines: &[String]) -> Option<(u64, &'static str)> {
        let text = lines.iter().map(|line| format!("{line}\n")).collect();
        let register = Register::of_text(self.register.clone(), text);
        register.broken.map(|(entry, refusal)| (entry, refusal.rule()))
    }

    /// A line behind those that are there, whatever the rules say of it.
    pub fn forge(&self, by: &str, minutes: i64, what: What) -> String {
        let register = self.read();
        let said = Said {
            entry: register.fold.count() + 1,
            previous: register.fold.head().to_owned(),
            at: at(minutes),
            by: by.to_owned(),
            reason: "a test".to_owned(),
            what,
        };
        Entry::sign(said, &key(by)).and_then(|entry| entry.line()).expect("it can be written")
    }
}

/// Evidence of two samples on one journal: when each begins and ends, seconds since 1970. The data
/// are of the seconds 50 to 1000.
pub fn evidence(proposal: u64, configuration: &str, times: [u64; 4]) -> Evidence {
    const SECOND: u64 = 1_000_000_000;
    let [in_from, in_until, out_from, out_until] = times.map(|second| second * SECOND);
    let digest = "ab".repeat(32);
    let sample = |from_ns, until_ns| Sample {
        report: "cd".repeat(32),
        command: "xmc backtest day --seed 1 --split 50%".to_owned(),
        commit: "0123456".to_owned(),
        seed: 1,
        from_ns,
        until_ns,
        source: digest.clone(),
        pairs: vec![PairResult {
            name: "calendar".to_owned(),
            currency: "USD".to_owned(),
            fires: 3,
            profit_e9: -5_000_000_000,
            drawdown_e9: 7_000_000_000,
        }],
    };
    Evidence {
        proposal,
        configuration: configuration.to_owned(),
        in_sample: sample(in_from, in_until),
        out_of_sample: sample(out_from, out_until),
        lineage: vec![Lineage {
            name: "day".to_owned(),
            kind: "journal".to_owned(),
            digest: digest.clone(),
            files: Vec::new(),
            venues: vec!["cbot".to_owned()],
            from_ns: 50 * SECOND,
            until_ns: 1000 * SECOND,
            quality: Quality::default(),
        }],
    }
}
