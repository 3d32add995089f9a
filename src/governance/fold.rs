//! The rules: entries of a register in their order, each taken or refused, and what follows.
//!
//! People are those of the configuration that governs when an entry is signed: the last version
//! that has been in effect by then; until the first has been, the first that was approved of by
//! enough people, from that approval on. Until then a proposal is judged by its own. Whose
//! configuration is the first to be approved of says by that who governs.
//!
//! A version begins only where what it was compared with is in effect, and ends whatever was in
//! effect before it for good: when it is over itself, nothing is in effect.

use super::entry::{Approval, Entry, Evidence, NOTHING, Proposal, Said, Sample, What, Withdrawal};
use super::item;
use super::person::{ItemKind, Person, Role, same_people};
use super::refusal::{Refusal, one_of};
pub use super::standing::Standing;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Approvals that a proposal asks for.
pub const APPROVALS: usize = 2;

/// Somebody has approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// In which entry.
    pub entry: u64,
    /// Who.
    pub by: String,
    /// With which roles.
    pub roles: Vec<Role>,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Option<Timestamp>,
    key: [u8; 32],
}

impl Approved {
    fn has_begun(&self, at: Timestamp) -> bool {
        self.from <= at
    }

    fn has_ended(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= at)
    }
}

/// Somebody has withdrawn it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// In which entry.
    pub entry: u64,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A proposal and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its entry.
    pub entry: u64,
    /// Who proposed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What.
    pub proposal: Proposal,
    /// What was attached, with the entry of each.
    pub evidence: Vec<(u64, Evidence)>,
    /// Who has approved of it.
    pub approvals: Vec<Approved>,
    /// Who has withdrawn it, if somebody has.
    pub withdrawn: Option<Withdrawn>,
    /// When it first comes into effect, or did, as far as the entries so far say.
    began: Option<Timestamp>,
    key: [u8; 32],
}

impl Case {
    /// The roles that its changes ask for among those who approve.
    #[must_use]
    pub fn asks_for(&self) -> BTreeSet<Role> {
        self.proposal.changed().map(|item| item.kind.asks_for()).collect()
    }

    /// People and roles that are missing where only those have approved that `counts`.
    fn missing(&self, counts: impl Fn(&Approved) -> bool) -> (usize, Vec<Role>) {
        let counted: Vec<_> = self.approvals.iter().filter(|one| counts(one)).collect();
        let roles = self.asks_for().into_iter();
        let roles = roles.filter(|role| !counted.iter().any(|one| one.roles.contains(role)));
        (APPROVALS.saturating_sub(counted.len()), roles.collect())
    }

    fn is_enough(&self, counts: impl Fn(&Approved) -> bool) -> bool {
        let (people, roles) = self.missing(counts);
        people == 0 && roles.is_empty()
    }

    fn is_whole(&self, counts: impl Fn(&Approved) -> bool) -> bool {
        self.withdrawn.is_none() && self.is_enough(counts)
    }

    /// Whether it has been in effect by a moment, be it withdrawn since or over.
    fn has_begun(&self, at: Timestamp) -> bool {
        self.began.is_some_and(|began| began <= at)
    }

    fn is_in_effect(&self, at: Timestamp) -> bool {
        self.is_whole(|one| one.has_begun(at) && !one.has_ended(at))
    }

    /// As `is_in_effect`, of a moment that may be before it was withdrawn.
    fn was_in_effect(&self, at: Timestamp) -> bool {
        self.withdrawn.as_ref().is_none_or(|withdrawn| withdrawn.at > at)
            && self.is_enough(|one| one.has_begun(at) && !one.has_ended(at))
    }

    /// The approvals that are worth something at a moment.
    pub fn approvals_at(&self, at: Timestamp) -> impl Iterator<Item = &Approved> {
        self.approvals.iter().filter(move |one| one.has_begun(at) && !one.has_ended(at))
    }

    /// How it stands by itself at a moment.
    fn standing(&self, at: Timestamp) -> Standing {
        if let Some(Withdrawn { by, at, .. }) = &self.withdrawn {
            return Standing::Withdrawn { by: by.clone(), at: *at };
        }
        let (people, roles) = self.missing(|_| true);
        if people > 0 || !roles.is_empty() {
            return Standing::Waiting { people, roles };
        }
        // Where it changes: whenever an approval begins or ends.
        let begins = self.approvals.iter().map(|one| one.from);
        let mut changes: Vec<_> =
            begins.chain(self.approvals.iter().filter_map(|one| one.until)).collect();
        changes.sort_unstable();
        if self.is_in_effect(at) {
            let earlier = changes.iter().rev().filter(|change| **change <= at);
            let from = earlier.take_while(|change| self.is_in_effect(**change)).last();
            let until = changes.iter().filter(|change| **change > at);
            let until = until.copied().find(|change| !self.is_in_effect(*change));
            return Standing::InEffect { from: from.copied().unwrap_or(at), until };
        }
        let next = changes.iter().find(|change| **change > at && self.is_in_effect(**change));
        if let Some(from) = next {
            return Standing::NotYet { from: *from };
        }
        let ended = changes.iter().rev().find(|change| **change <= at);
        Standing::Ended { until: ended.copied().unwrap_or(at) }
    }
}

/// What the entries so far come to.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    count: u64,
    head: Option<String>,
    last: Option<Timestamp>,
    cases: Vec<Case>,
    /// The place of the first that was approved of by enough people.
    founder: Option<usize>,
    /// Lines of items by their digest.
    texts: BTreeMap<String, Vec<String>>,
}

impl Fold {
    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The hash of the last one's line.
    #[must_use]
    pub fn head(&self) -> &str {
        self.head.as_deref().unwrap_or(NOTHING)
    }

    /// The proposals, in order.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The proposal in an entry.
    #[must_use]
    pub fn case(&self, entry: u64) -> Option<&Case> {
        self.cases.iter().find(|case| case.entry == entry)
    }

    /// The lines of an item by their digest.
    #[must_use]
    pub fn lines(&self, digest: Option<&str>) -> &[String] {
        digest.and_then(|digest| self.texts.get(digest)).map_or(&[], Vec::as_slice)
    }

    /// The last proposal that has been in effect by a moment, be it over since.
    fn governing(&self, at: Timestamp) -> Option<&Case> {
        self.cases.iter().rev().find(|case| case.has_begun(at))
    }

    /// The proposal that is in effect at a moment, and what one of that moment is compared with.
    /// Where the last one is over, none is: what it took the place of does not come back.
    #[must_use]
    pub fn in_effect(&self, at: Timestamp) -> Option<&Case> {
        self.governing(at).filter(|case| case.is_in_effect(at))
    }

    /// How a proposal stands at a moment.
    #[must_use]
    pub fn standing(&self, case: &Case, at: Timestamp) -> Standing {
        let standing = case.standing(at);
        if !matches!(standing, Standing::InEffect { .. } | Standing::NotYet { .. }) {
            return standing;
        }
        match (self.governing(at), case.began, standing) {
            (Some(later), ..) if later.entry > case.entry => {
                Standing::Superseded { by: later.proposal.version }
            }
            (_, None, _) => Standing::Overtaken { base: case.proposal.base },
            (_, Some(began), _) if began > at => Standing::NotYet { from: began },
            (_, Some(began), Standing::InEffect { from, until }) => {
                Standing::InEffect { from: from.max(began), until }
            }
            (.., standing) => standing,
        }
    }

    /// Who governs at a moment; those of `founding` while nothing was ever approved of. Somebody
    /// who withdraws it, or waits until it ends, gives nobody else the say by that.
    #[must_use]
    pub fn people<'p>(&'p self, at: Timestamp, founding: &'p [Person]) -> &'p [Person] {
        let founder = self.founder.map(|founder| &self.cases[founder]);
        let governing = self.governing(at).or(founder);
        governing.map_or(founding, |case| &case.proposal.people)
    }

    /// Whoever is approved of first governs from that on, whenever it comes into effect. What
    /// others have approved of meanwhile, by their own say, they have not.
    fn found(&mut self, at: usize) {
        if self.founder.is_some() || !self.cases[at].is_enough(|_| true) {
            return;
        }
        self.founder = Some(at);
        let people = self.cases[at].proposal.people.clone();
        let governs = |one: &Approved| {
            let person = people.iter().find(|person| person.name == one.by);
            person.is_some_and(|person| {
                person.roles == one.roles
                    && person.verifier().is_some_and(|key| key.bytes() == one.key)
            })
        };
        self.cases.iter_mut().for_each(|case| case.approvals.retain(governs));
    }

    /// When each that has not begun by `now` does: only where its base is in effect then.
    fn settle(&mut self, now: Timestamp) {
        for at in 0..self.cases.len() {
            let (earlier, case) = (&self.cases[..at], &self.cases[at]);
            if case.has_begun(now) {
                continue;
            }
            let follows = |from: &Timestamp| {
                let before = earlier.iter().rev().find(|case| case.has_begun(*from));
                let before = before.filter(|case| case.was_in_effect(*from));
                before.map(|case| case.entry) == case.proposal.base
            };
            let mut begins: Vec<_> = case.approvals.iter().map(|one| one.from).collect();
            begins.sort_unstable();
            let began = begins.into_iter().find(|from| case.is_in_effect(*from) && follows(from));
            self.cases[at].began = began;
        }
    }

    /// The version that an item has if it changes now.
    #[must_use]
    pub fn next_version(&self, kind: ItemKind, name: &str) -> u64 {
        let items = self.cases.iter().flat_map(|case| &case.proposal.items);
        let versions = items.filter(|item| item.kind == kind && item.name == name);
        versions.map(|item| item.version).max().unwrap_or(0) + 1
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// The first rule that it breaks; then nothing has changed.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Refusal> {
        let said = &entry.said;
        if said.entry != self.count + 1 {
            return Err(Refusal::Order { found: said.entry, wanted: self.count + 1 });
        }
        if said.previous != self.head() {
            let (found, wanted) = (said.previous.clone(), self.head().to_owned());
            return Err(Refusal::Chain { found, wanted });
        }
        if let Some(before) = self.last.filter(|before| said.at < *before) {
            return Err(Refusal::Backwards { found: said.at, before });
        }
        match &said.what {
            What::Proposal(proposal) => self.propose(entry, proposal)?,
            What::Evidence(evidence) => self.attach(entry, evidence)?,
            What::Approval(approval) => self.approve(entry, approval)?,
            What::Withdrawal(withdrawal) => self.withdraw(entry, withdrawal)?,
        }
        self.settle(said.at);
        self.count = said.entry;
        self.head = Some(entry.hash.clone());
        self.last = Some(said.at);
        Ok(())
    }

    /// Who has signed, if it is one of those who govern and has one of these roles.
    fn signer(
        &self,
        entry: &Entry,
        founding: &[Person],
        (what, asked): (&'static str, &[Role]),
    ) -> Result<(Person, [u8; 32]), Refusal> {
        let Said { by, at, .. } = &entry.said;
        let people = self.people(*at, founding);
        let person = people.iter().find(|person| person.name == *by).ok_or_else(|| {
            let known: Vec<_> = people.iter().map(|person| person.name.as_str()).collect();
            Refusal::Person { name: by.clone(), known: known.join(", ") }
        })?;
        let forged = || Refusal::Forged { name: by.clone() };
        let key = person.verifier().filter(|key| entry.is_signed_by(key)).ok_or_else(forged)?;
        if !asked.iter().any(|role| person.has(*role)) {
            let (name, has) = (by.clone(), person.roles_in_words());
            return Err(Refusal::WrongRole { name, has, what, asked: one_of(asked) });
        }
        Ok((person.clone(), key.bytes()))
    }

    /// The place of the proposal that an entry is about, if it names the proposal's configuration
    /// and nobody has withdrawn it.
    fn subject(&self, entry: u64, configuration: &str) -> Result<usize, Refusal> {
        let at = self.cases.iter().position(|case| case.entry == entry);
        let at = at.ok_or(Refusal::NoProposal(entry))?;
        let case = &self.cases[at];
        if case.proposal.configuration != configuration {
            return Err(Refusal::OtherDigest {
                proposal: entry,
                found: configuration.to_owned(),
                wanted: case.proposal.configuration.clone(),
            });
        }
        if let Some(Withdrawn { by, at, .. }) = &case.withdrawn {
            return Err(Refusal::Withdrawn { proposal: entry, by: by.clone(), at: *at });
        }
        Ok(at)
    }

    fn propose(&mut self, entry: &Entry, proposal: &Proposal) -> Result<(), Refusal> {
        let asked = ("a proposal", &[Role::Proposer][..]);
        let (person, key) = self.signer(entry, &proposal.people, asked)?;
        let wanted = self.cases.len() as u64 + 1;
        if proposal.version != wanted {
            return Err(Refusal::Version { found: proposal.version, wanted });
        }
        let base = self.in_effect(entry.said.at);
        let wanted = base.map(|case| case.entry);
        if proposal.base != wanted {
            return Err(Refusal::Overtaken { found: proposal.base, wanted });
        }
        self.check_items(proposal, base)?;
        self.check_people(proposal)?;
        for item in &proposal.items {
            if let (Some(digest), Some(lines)) = (&item.after, &item.lines) {
                self.texts.insert(digest.clone(), lines.clone());
            }
        }
        self.cases.push(Case {
            entry: entry.said.entry,
            by: person.name,
            at: entry.said.at,
            reason: entry.said.reason.clone(),
            proposal: proposal.clone(),
            evidence: Vec::new(),
            approvals: Vec::new(),
            withdrawn: None,
            began: None,
            key,
        });
        Ok(())
    }

    /// That those whom it says govern are those whom its `[[operator]]` items say.
    fn check_people(&self, proposal: &Proposal) -> Result<(), Refusal> {
        let operators = proposal
            .items
            .iter()
            .filter(|item| item.kind == ItemKind::Limit && item.name.starts_with("operator "));
        let lines = operators
            .filter(|item| item.after.is_some())
            .map(|item| item.lines.as_deref().unwrap_or_else(|| self.lines(item.after.as_deref())));
        // One that does not read is nobody, whom the proposal cannot name either.
        let people: Vec<_> = lines.filter_map(Person::of_lines).collect();
        same_people(&proposal.people, &people)
    }

    /// That each item follows from the base, and none of the base is left out.
    fn check_items(&self, proposal: &Proposal, base: Option<&Case>) -> Result<(), Refusal> {
        let known = base.into_iter().flat_map(|case| &case.proposal.items);
        let mut known: BTreeMap<_, _> = known
            .filter(|item| item.after.is_some())
            .map(|item| ((item.kind, item.name.as_str()), item))
            .collect();
        let mut last = None;
        for item in &proposal.items {
            let which = (item.kind, item.name.as_str());
            let wrong = |why| {
                let item = format!("{} of {}", item.kind.word(), item.name);
                Err(Refusal::Item { item, why })
            };
            if last.replace(which).is_some_and(|last| last >= which) {
                return wrong("items stand in the order of kind and name, each once");
            }
            let before = known.remove(&which);
            if item.before != before.and_then(|before| before.after.clone()) {
                return wrong("its digest before is not that of the base");
            }
            let is_changed = item.before != item.after;
            let version = match before {
                Some(before) if !is_changed => before.version,
                _ => self.next_version(item.kind, &item.name),
            };
            if item.version != version {
                return wrong("its version is not the next");
            }
            match (&item.after, &item.lines) {
                (None, None) if is_changed => {}
                (Some(after), Some(lines)) if is_changed && item::digest(lines) == *after => {}
                (Some(_), None) if !is_changed => {}
                _ => return wrong("its lines do not give its digest"),
            }
        }
        match known.first_key_value() {
            None => Ok(()),
            Some(((kind, name), _)) => {
                let item = format!("{} of {name}", kind.word());
                Err(Refusal::Item { item, why: "the base has it, and it is not said to be gone" })
            }
        }
    }

    fn attach(&mut self, entry: &Entry, evidence: &Evidence) -> Result<(), Refusal> {
        let at = self.subject(evidence.proposal, &evidence.configuration)?;
        let case = &self.cases[at];
        self.signer(entry, &case.proposal.people, ("evidence", &[Role::Proposer]))?;
        if let Some(first) = case.approvals.first() {
            return Err(Refusal::LateEvidence { by: first.by.clone() });
        }
        check_samples(evidence)?;
        self.cases[at].evidence.push((entry.said.entry, evidence.clone()));
        Ok(())
    }

    fn approve(&mut self, entry: &Entry, approval: &Approval) -> Result<(), Refusal> {
        let at = self.subject(approval.proposal, &approval.configuration)?;
        let case = &self.cases[at];
        let asked = ("an approval", &Role::APPROVING[..]);
        let (person, key) = self.signer(entry, &case.proposal.people, asked)?;
        // By key as well: two names of one key are one person.
        if case.by == person.name || case.key == key {
            return Err(Refusal::OwnProposal(person.name));
        }
        let is_again = |one: &&Approved| one.by == person.name || one.key == key;
        if let Some(before) = case.approvals.iter().find(is_again) {
            return Err(Refusal::Twice { name: person.name, before: before.entry });
        }
        if let Some(item) = case.proposal.changed().next()
            && case.evidence.is_empty()
        {
            let item = format!("{} of {}", item.kind.word(), item.name);
            return Err(Refusal::NoEvidence(item));
        }
        let Approval { from, until, .. } = *approval;
        if from < entry.said.at {
            return Err(Refusal::Backdated { from, at: entry.said.at });
        }
        if let Some(until) = until.filter(|until| *until <= from) {
            return Err(Refusal::Expired { until, from });
        }
        // A later one that is approved of, or what is in effect when this begins.
        let mut later = self.cases.iter().skip(at + 1).rev();
        let later = later.find(|case| case.began.is_some() || case.is_whole(|_| true));
        let base = later.or_else(|| self.in_effect(from)).map(|base| base.entry);
        if case.proposal.base != base && base != Some(case.entry) {
            return Err(Refusal::Overtaken { found: case.proposal.base, wanted: base });
        }
        let (by, roles) = (person.name, person.roles);
        let approved = Approved { entry: entry.said.entry, by, roles, from, until, key };
        self.cases[at].approvals.push(approved);
        self.found(at);
        Ok(())
    }

    fn withdraw(&mut self, entry: &Entry, withdrawal: &Withdrawal) -> Result<(), Refusal> {
        let at = self.subject(withdrawal.proposal, &withdrawal.configuration)?;
        // It stops something: whoever has any role may.
        let roles: Vec<_> = Role::WORDS.iter().map(|(_, role)| *role).collect();
        let asked = ("a withdrawal", &roles[..]);
        let (person, _) = self.signer(entry, &self.cases[at].proposal.people, asked)?;
        self.cases[at].withdrawn =
            Some(Withdrawn { entry: entry.said.entry, by: person.name, at: entry.said.at });
        Ok(())
    }
}

/// That in sample and out of sample are apart, in that order, on data whose lineage is there.
fn check_samples(evidence: &Evidence) -> Result<(), Refusal> {
    let Evidence { in_sample, out_of_sample, lineage, .. } = evidence;
    for (word, sample) in [("in sample", in_sample), ("out of sample", out_of_sample)] {
        let Sample { from_ns, until_ns, source, .. } = sample;
        if *from_ns == 0 || from_ns >= until_ns {
            return Err(Refusal::NoTime(word));
        }
        let data = lineage.iter().find(|data| data.digest == *source);
        let data =
            data.ok_or_else(|| Refusal::NoLineage { sample: word, digest: source.clone() })?;
        if *from_ns < data.from_ns || *until_ns > data.until_ns {
            return Err(Refusal::OutsideData { sample: word });
        }
    }
    if out_of_sample.until_ns <= in_sample.from_ns {
        let (out_until, in_from) = (moment(out_of_sample.until_ns), moment(in_sample.from_ns));
        return Err(Refusal::BeforeSample { out_until, in_from });
    }
    if out_of_sample.from_ns < in_sample.until_ns {
        let (in_until, out_from) = (moment(in_sample.until_ns), moment(out_of_sample.from_ns));
        return Err(Refusal::Overlap { in_until, out_from });
    }
    Ok(())
}

/// A moment of nanoseconds since 1970; they end in 2554, which a timestamp reaches.
#[must_use]
pub fn moment(utc_ns: u64) -> Timestamp {
    Timestamp::from_nanosecond(utc_ns.into()).unwrap_or(Timestamp::MAX)
}
