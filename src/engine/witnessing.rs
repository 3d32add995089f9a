//! Signs the journal while it is written, and sees to it that witnesses keep that.
//!
//! A follower of the journal's files, on a thread of its own: it hashes the records again, so what
//! it signs is what can be read, and it signs only what is safe from power loss, because a journal
//! that is shorter than what a witness has seen is one that was cut off. Each witness has a thread
//! besides, so that one that hangs holds up neither the others nor this, and nothing here ever
//! holds up the writer.
//!
//! A witness that does not answer is asked again, and counted; one that refuses has seen another
//! journal than this. Trading does not stop for either: the record is whole without them, and who
//! looks on is told. Called by `live`, once there is a journal.

use crate::audit::checkpoint::Checkpoint;
use crate::audit::evidence::{Evidence, Trust};
use crate::audit::key::{self, KeyFileError};
use crate::audit::note::{Purpose, SignerKey, VerifierKey};
use crate::audit::witness::{
    CONTRADICTS, FileWitness, HttpWitness, Post, Request, Witness, WitnessError,
};
use crate::audit::{CouldNotRun, prove};
use crate::config::{Checkpoints, WitnessPlace};
use crate::journal::Durable;
use crate::journal::disk;
use crate::journal::tail::Tail;
use crate::journal::tree::{Growth, Tree, leaf_hash};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::recording;

/// What HTTP witnesses signed lies in the journal's directory under this name.
const COPY: &str = "cosigned.checkpoints";
/// Blocks that are read before answers are looked at again.
const BLOCKS_A_POLL: usize = 256;
/// How long the thread that signs sleeps when there is nothing new.
const NAP: Duration = Duration::from_millis(10);
/// How long witnesses are waited for when the journal has ended.
const AT_THE_END: Duration = Duration::from_secs(3);
/// Until a witness that did not answer is asked again, at least.
const BEFORE_RETRY: Duration = Duration::from_secs(1);
/// Until one that refused is.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// What has become of one witness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WitnessFigures {
    /// Its name in the configuration.
    pub name: String,
    /// Records of the last checkpoint that it kept.
    pub records: u64,
    /// Checkpoints that it kept.
    pub kept: u64,
    /// Requests that came to nothing.
    pub failures: u64,
    /// What is wrong with it now, as a word; `null` if nothing is.
    pub trouble: Option<&'static str>,
    /// In words.
    pub text: Option<String>,
}

/// What has become of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Records of the journal that are safe and hashed.
    pub records: u64,
    /// Each witness.
    pub witnesses: Vec<WitnessFigures>,
    /// Why nothing is signed any more.
    pub fault: Option<String>,
}

impl Figures {
    /// Whether anything is wrong: an alert.
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        self.troubles().next().is_some()
    }

    /// Whether what is written is not what was signed, or a witness has seen another journal.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        let refuses = |one: &WitnessFigures| one.trouble == Some(CONTRADICTS);
        self.fault.is_some() || self.witnesses.iter().any(refuses)
    }

    /// What is wrong, each in a sentence that stays the same while it lasts.
    pub fn troubles(&self) -> impl Iterator<Item = String> {
        let of = |witness: &WitnessFigures| {
            let text = witness.text.as_ref()?;
            Some(format!("{}: {text}", witness.name))
        };
        self.fault.clone().into_iter().chain(self.witnesses.iter().filter_map(of))
    }

    /// Records that some witness has seen.
    #[must_use]
    pub fn witnessed_records(&self) -> u64 {
        self.witnesses.iter().map(|witness| witness.records).max().unwrap_or(0)
    }
}

/// What the thread that signs tells the others, and they it.
#[derive(Debug, Default)]
pub struct Published {
    figures: Mutex<Option<Figures>>,
    /// The journal's writer has ended: nothing more will be safe.
    has_ended: AtomicBool,
}

impl Published {
    /// The body of the thread that signs: until `end`, and then a little longer for the witnesses.
    /// `durable` says how much of the journal is safe now.
    pub fn run(&self, mut witnessing: Witnessing, durable: impl Fn() -> Durable) {
        let publish = |figures| *self.lock() = Some(figures);
        while !self.has_ended.load(Ordering::Acquire) {
            let has_more = witnessing.poll(&durable());
            publish(witnessing.figures());
            if !has_more {
                std::thread::sleep(NAP);
            }
        }
        witnessing.finish(&durable(), AT_THE_END);
        publish(witnessing.figures());
    }

    /// The journal's writer has ended. Releases what it published before: see `run`.
    pub fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }

    /// How things stand; `None` if nothing is signed.
    #[must_use]
    pub fn figures(&self) -> Option<Figures> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Figures>> {
        self.figures.lock().expect("nobody panics with it")
    }
}

/// Signs one journal.
#[derive(Debug)]
pub struct Witnessing {
    directory: PathBuf,
    keys: Vec<SignerKey>,
    /// The name of the first key.
    origin: String,
    interval: Duration,
    every_records: u64,
    members: Vec<Member>,
    segment: u64,
    follower: Option<Follower>,
    /// Records that are safe: no more are signed.
    safe_records: u64,
    fault: Option<String>,
}

/// Where it is in the journal.
#[derive(Debug)]
struct Follower {
    tail: Tail,
    tree: Tree,
}

/// A witness and what it has seen.
#[derive(Debug)]
struct Member {
    post: Post,
    /// From what it saw last to now.
    growth: Option<Growth>,
    /// From what it is being asked to keep to now.
    asked: Option<Growth>,
    /// It was asked again for its own size: a second time is an error of its.
    has_corrected: bool,
    sent: Option<Instant>,
    not_before: Option<Instant>,
    figures: WitnessFigures,
}

impl Witnessing {
    /// Reads the keys and starts the threads of the witnesses of `config`, for the journal in
    /// `directory`.
    ///
    /// # Errors
    /// `KeyFileError`, if there is no key or others may read it.
    pub fn open(config: &Checkpoints, directory: &Path) -> Result<Self, KeyFileError> {
        let mut keys = vec![key::read(&config.key, Purpose::Log)?];
        if let Some(old) = &config.old_key {
            keys.push(key::read(old, Purpose::Log)?);
        }
        let origin = keys.first().map(|key| key.verifier().name().to_owned()).unwrap_or_default();
        let copy = directory.join(COPY);
        let start = |witness: &crate::config::Witness| {
            let kept: Box<dyn Witness> = match &witness.place {
                WitnessPlace::Directory(path) => Box::new(FileWitness::new(path, &origin)),
                WitnessPlace::Http { url, key, timeout_ms } => {
                    let timeout = Duration::from_millis((*timeout_ms).into());
                    Box::new(HttpWitness::new(url, (**key).clone(), timeout, Some(&copy)))
                }
            };
            let figures = WitnessFigures { name: witness.name.clone(), ..Default::default() };
            let post = Post::start(&witness.name, kept)?;
            Ok(Member {
                post,
                growth: None,
                asked: None,
                has_corrected: false,
                sent: None,
                not_before: None,
                figures,
            })
        };
        let members: io::Result<Vec<_>> = config.witnesses.iter().map(start).collect();
        let in_directory = |source| KeyFileError::Io { path: directory.to_owned(), source };
        Ok(Self {
            directory: directory.to_owned(),
            keys,
            origin,
            interval: Duration::from_millis(config.interval_ms.into()),
            every_records: config.every_records.into(),
            members: members.map_err(in_directory)?,
            segment: 1,
            follower: None,
            safe_records: 0,
            fault: None,
        })
    }

    /// Follows the journal from segment `number` on, which need not be there yet.
    #[must_use]
    pub fn from_segment(self, number: u64) -> Self {
        Self { segment: number, ..self }
    }

    /// The public half of the key that signs.
    #[must_use]
    pub fn verifier(&self) -> Option<VerifierKey> {
        self.keys.first().map(SignerKey::verifier)
    }

    /// How things stand.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            records: self.follower.as_ref().map_or(0, |follower| follower.tree.size()),
            witnesses: self.members.iter().map(|member| member.figures.clone()).collect(),
            fault: self.fault.clone(),
        }
    }

    /// Reads what is safe of the journal, takes answers, and asks those whose turn it is. Whether
    /// there is more to read.
    pub fn poll(&mut self, durable: &Durable) -> bool {
        self.step(durable).unwrap_or_else(|error| {
            self.fault.get_or_insert_with(|| error.to_string());
            false
        })
    }

    /// Has witnesses keep the journal as it is at the end, for as long as `patience`.
    pub fn finish(&mut self, durable: &Durable, patience: Duration) {
        let until = Instant::now() + patience;
        while self.poll(durable) && Instant::now() < until {}
        for at in 0..self.members.len() {
            // What is under way, what it says it has, and the end.
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                if let Some(member) = self.members.get_mut(at)
                    && let Some(answer) = member.post.wait(left)
                {
                    self.answered(at, answer);
                }
                if self.fault.is_some() || !self.ask(at, true) {
                    break;
                }
            }
        }
    }

    fn step(&mut self, durable: &Durable) -> io::Result<bool> {
        if self.fault.is_some() {
            return Ok(false);
        }
        let has_more = self.read(durable)?;
        for at in 0..self.members.len() {
            if let Some(answer) = self.members.get_mut(at).and_then(|member| member.post.answer()) {
                self.answered(at, answer);
            }
            self.ask(at, false);
        }
        Ok(has_more)
    }

    /// Hashes what is safe and not hashed yet, up to some blocks; whether there is more.
    fn read(&mut self, durable: &Durable) -> io::Result<bool> {
        let follower = match &mut self.follower {
            Some(follower) => follower,
            none => {
                let Some(path) = disk::find(&self.directory, self.segment)? else {
                    return Ok(false);
                };
                let tree = recording::start_tree(&path)?;
                // What was there before the run was made safe before it began.
                self.safe_records = tree.size();
                for member in &mut self.members {
                    // As after a clean end: it has seen all that was there.
                    member.growth = Some(Growth::since(tree.clone()));
                }
                none.insert(Follower { tail: Tail::new(&self.directory, self.segment), tree })
            }
        };
        self.safe_records = self.safe_records.max(durable.tree_size);
        for _ in 0..BLOCKS_A_POLL {
            if follower.tree.size() >= durable.tree_size {
                break;
            }
            let Some(payload) = follower.tail.next_block()? else {
                return Ok(false);
            };
            for record in prove::split(payload) {
                let leaf = leaf_hash(record);
                follower.tree.push(leaf);
                let growths = self.members.iter_mut();
                growths
                    .flat_map(|member| member.growth.iter_mut().chain(&mut member.asked))
                    .for_each(|growth| growth.push(leaf));
            }
        }
        let (size, root) = (follower.tree.size(), follower.tree.root());
        if size == durable.tree_size && size > 0 && root != durable.root {
            return Err(io::Error::other(format!(
                "the first {size} records of the journal's files are not those that its writer \
                 wrote: run `xmc audit verify`"
            )));
        }
        Ok(size < durable.tree_size)
    }

    /// Asks a witness to keep the journal as it is now, if it is time; whether it was asked.
    fn ask(&mut self, at: usize, is_last: bool) -> bool {
        let Some((follower, member)) = self.follower.as_ref().zip(self.members.get_mut(at)) else {
            return false;
        };
        let now = Instant::now();
        let Some(growth) = member.growth.as_ref().filter(|_| member.post.is_idle()) else {
            return false;
        };
        let (old_size, size) = (growth.old().size(), follower.tree.size());
        let new_records = size.saturating_sub(member.figures.records.max(old_size));
        let is_due = is_last
            || new_records >= self.every_records
            || member.sent.is_none_or(|sent| now.duration_since(sent) >= self.interval);
        let may = member.not_before.is_none_or(|not_before| now >= not_before);
        // Nothing new, and it is known to have it.
        let is_kept = member.figures.kept > 0 && member.figures.records == size;
        if size == 0 || size > self.safe_records || is_kept || !is_due || !may {
            return false;
        }
        let checkpoint =
            Checkpoint { origin: self.origin.clone(), size, root: follower.tree.root() };
        let keys: Vec<_> = self.keys.iter().collect();
        let (note, proof) = (checkpoint.sign(&keys), growth.proof());
        member.asked = Some(Growth::since(follower.tree.clone()));
        member.sent = Some(now);
        member.post.send(Request { old_size, proof, note, checkpoint });
        true
    }

    /// What a witness said.
    fn answered(&mut self, at: usize, answer: crate::audit::witness::Answer) {
        let Some(member) = self.members.get_mut(at) else { return };
        let asked = member.asked.take();
        match answer {
            Ok(_) => {
                member.figures.records = asked.as_ref().map_or(0, |asked| asked.old().size());
                member.figures.kept += 1;
                (member.figures.trouble, member.figures.text) = (None, None);
                member.growth = asked;
                (member.has_corrected, member.not_before) = (false, None);
            }
            Err(WitnessError::Has(size)) if !member.has_corrected => {
                member.has_corrected = true;
                member.sent = None;
                match self.growth_since(size) {
                    Ok(growth) => {
                        if let Some(member) = self.members.get_mut(at) {
                            member.growth = Some(growth);
                        }
                    }
                    Err(error) => self.trouble(at, &error, AFTER_REFUSAL),
                }
            }
            Err(error) => {
                let is_refusal = !matches!(error, WitnessError::Unreachable(_));
                member.has_corrected = false;
                let wait = if is_refusal { AFTER_REFUSAL } else { self.interval.max(BEFORE_RETRY) };
                self.trouble(at, &error, wait);
            }
        }
    }

    fn trouble(&mut self, at: usize, error: &WitnessError, wait: Duration) {
        if let Some(member) = self.members.get_mut(at) {
            member.figures.failures += 1;
            member.figures.trouble = Some(error.word());
            member.figures.text = Some(error.to_string());
            member.not_before = Some(Instant::now() + wait);
        }
    }

    /// The journal as it grew since it had `size` records, from its files.
    fn growth_since(&self, size: u64) -> Result<Growth, WitnessError> {
        let now = self.follower.as_ref().map_or_else(Tree::new, |follower| follower.tree.clone());
        if size > now.size() {
            return Err(WitnessError::Contradicts(format!(
                "it has seen {size} records, and the journal has {}: it was taken back",
                now.size()
            )));
        }
        if size == 0 {
            return Ok(Growth::since(Tree::new()));
        }
        let gone = || {
            WitnessError::Contradicts(format!(
                "it has seen {size} records, and the journal's files no longer reach back so far"
            ))
        };
        // The last segment that starts before.
        let segments = disk::segments(&self.directory)?;
        let mut found = None;
        for (at, segment) in segments.iter().enumerate().rev() {
            let tree = recording::start_tree(&segment.path)?;
            if tree.size() <= size {
                found = Some((at, tree));
                break;
            }
        }
        let (at, tree) = found.ok_or_else(gone)?;
        let mut growth = Growth::since(tree);
        prove::walk(segments.get(at..).unwrap_or_default(), &mut |record| {
            let has = growth.tree().size();
            if has == size {
                growth = Growth::since(growth.tree().clone());
            }
            if has < now.size() {
                growth.push(leaf_hash(record));
            }
        })?;
        if growth.tree().size() == size {
            growth = Growth::since(growth.tree().clone());
        }
        if growth.tree() == &now { Ok(growth) } else { Err(gone()) }
    }
}

/// What the witnesses of `config` kept of the journal in `directory`, as far as it can be read
/// here; `None` if none of it can.
///
/// # Errors
/// `KeyFileError` if the key cannot be read, `CouldNotRun` if a file cannot.
pub fn evidence(
    config: &Checkpoints,
    directory: &Path,
) -> Result<Option<Evidence>, Box<dyn std::error::Error + Send + Sync>> {
    let read = |source| key::read(source, Purpose::Log).map(|key| key.verifier());
    let mut trust = Trust { current: vec![read(&config.key)?], ..Trust::default() };
    trust.retired = config.old_key.iter().map(read).collect::<Result<_, _>>()?;
    let mut paths = Vec::new();
    for witness in &config.witnesses {
        if let WitnessPlace::Directory(path) = &witness.place {
            paths.push(path.clone());
        }
    }
    if paths.is_empty() {
        // Of those that answer over HTTP there is what they signed.
        let keys = config.witnesses.iter().filter_map(|witness| match &witness.place {
            WitnessPlace::Http { key, .. } => Some((**key).clone()),
            WitnessPlace::Directory(_) => None,
        });
        trust.witnesses = keys.collect();
        paths.push(directory.join(COPY));
    }
    paths.retain(|path| path.exists());
    if paths.is_empty() {
        return Ok(None);
    }
    let read: Result<_, CouldNotRun> = Evidence::read(&paths, &trust);
    Ok(Some(read?))
}
