//! Whether a command is taken.
//!
//! In this order: the form, the signatures and whose they are, for which engine it is, when it was
//! written, whether the person may give it, whether a second one has signed where that is needed,
//! what it names, which figures; its number comes last, and is remembered on the disk before
//! anything is done. So what is refused here uses up no number, and what is taken is taken once.
//! Only what stops is done whether or not the disk takes it.
//!
//! Everything is decided from the text, the configuration and the clock that the caller reads. What
//! only the desk can say (the figure that a limit has now, whether a spread is halted) it says when
//! it is told.

use super::kept::Kept;
use super::scope::{Named, Register};
use super::text::{MOST_BYTES, Text};
use super::verb::Verb;
use crate::audit::note::Note;
use crate::config::Operator;
use sha2::{Digest, Sha256};
use xmc_hotpath::message::{Denial, DeskIdentity, Instruction, SafeState, Scope};

/// How far ahead of this host's clock that of whoever writes commands may be.
const AHEAD_S: u64 = 5;

/// Numbers that a command may leave out: one far ahead would shut its operator out for good.
const MOST_AHEAD: u64 = 1_000;

/// A command that is taken.
#[derive(Clone, Debug)]
pub struct Granted {
    /// What was signed.
    pub text: Text,
    /// What it is about at the desk.
    pub scope: Scope,
    /// As it is recorded.
    pub instruction: Instruction,
    /// It is done and could not be kept: why, and what to do. Only of one that stops.
    pub unkept: Option<String>,
}

/// A command that is not.
#[derive(Clone, Debug)]
pub struct Denied {
    /// As it is recorded.
    pub instruction: Instruction,
    /// What is wrong, and what to do.
    pub why: String,
}

/// What is known of who asks, as far as reading has come.
#[derive(Clone, Copy, Default)]
struct Known {
    operator: u32,
    second: u32,
    counter: u64,
    digest: [u8; 32],
}

impl Known {
    fn instruction(self, denial: Denial) -> Instruction {
        let Self { operator, second, counter, digest } = self;
        let inputs = u8::from(denial == Denial::Taken);
        Instruction { operator, second, counter, digest, inputs, denial, untold: 0 }
    }
}

/// Something that was asked and could not even be read, by the bytes that came.
#[must_use]
pub fn unread(bytes: &[u8], denial: Denial, why: &str) -> Denied {
    let known = Known { digest: Sha256::digest(bytes).into(), ..Known::default() };
    Denied { instruction: known.instruction(denial), why: why.to_owned() }
}

/// Who decides.
#[derive(Debug)]
pub struct Judge {
    audience: DeskIdentity,
    operators: Vec<Operator>,
    register: Register,
    valid_s: u64,
    kept: Kept,
}

type Objection = (Denial, String);

impl Judge {
    /// For the engine `audience`, whose `operators` give commands that are valid for at most
    /// `valid_s` seconds.
    #[must_use]
    pub fn new(
        audience: DeskIdentity,
        operators: Vec<Operator>,
        register: Register,
        valid_s: u64,
        kept: Kept,
    ) -> Self {
        Self { audience, operators, register, valid_s, kept }
    }

    /// What is remembered.
    #[must_use]
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The names that commands use.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// For which engine.
    #[must_use]
    pub fn audience(&self) -> DeskIdentity {
        self.audience
    }

    /// Who may ask.
    #[must_use]
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// For how long a command may be valid, in seconds.
    #[must_use]
    pub fn valid_s(&self) -> u64 {
        self.valid_s
    }

    /// Decides about a request that came at `now_s`, in seconds since 1970, while the desk is in
    /// `state`. What is granted has used up its number.
    ///
    /// # Errors
    /// `Denied`: nothing has changed.
    pub fn decide(
        &mut self,
        request: &[u8],
        now_s: u64,
        state: SafeState,
    ) -> Result<Granted, Box<Denied>> {
        let mut known = Known { digest: Sha256::digest(request).into(), ..Known::default() };
        let decided = self.check(request, now_s, state, &mut known);
        let decided = decided.and_then(|(text, scope)| {
            let signed = String::from_utf8_lossy(request);
            let unkept = match self.kept.take(known.operator, &text, &signed) {
                Ok(()) => None,
                Err(error) if text.verb.only_stops() => Some(format!(
                    "{error}: it is done, and the next run does not know of it; see to the disk \
                     before that, or stop it again"
                )),
                Err(error) => {
                    let why = format!("{error}: the command was not done; see to the disk");
                    return Err((Denial::Disk, why));
                }
            };
            Ok((text, scope, unkept))
        });
        match decided {
            Ok((text, scope, unkept)) => {
                Ok(Granted { text, scope, instruction: known.instruction(Denial::Taken), unkept })
            }
            Err((denial, why)) => {
                Err(Box::new(Denied { instruction: known.instruction(denial), why }))
            }
        }
    }

    fn check(
        &self,
        request: &[u8],
        now_s: u64,
        state: SafeState,
        known: &mut Known,
    ) -> Result<(Text, Scope), Objection> {
        let text = self.signed(request, known)?;
        let (first, second) = (self.of_number(known.operator)?, known.second);
        self.for_us(&text)?;
        self.in_time(&text, now_s)?;
        self.by_right(first, &text)?;
        if text.needs_two() && second == 0 {
            let others = self.operators.iter().filter(|one| one.may_second && one.id != first.id);
            let others: Vec<_> = others.map(|one| one.name.as_str()).collect();
            let why = format!(
                "{} lets more happen than before, and {} alone has signed it: prepare it with \
                 --out FILE and have it signed with `xmc control sign FILE` by one of {}",
                text.verb,
                text.operator,
                others.join(", ")
            );
            return Err((Denial::SecondPerson, why));
        }
        let scope = self.named(&text.scope)?;
        if let Some(change) = &text.change {
            change.check(scope, &self.register)?;
        }
        // What was signed for a restart must not be used up before it.
        if matches!(text.verb, Verb::Arm | Verb::Enable) && state == SafeState::Halt {
            let why = "the desk is in HALT, which this run does not leave: see to orders and \
                       positions, start the engine again, and arm that run and enable its spreads; \
                       it waits for both";
            return Err((Denial::State, why.to_owned()));
        }
        self.by_number(first, &text)?;
        Ok((text, scope))
    }

    /// The text, if it reads and every signature under it is right and of another operator: first
    /// that of the one who gives it.
    fn signed(&self, request: &[u8], known: &mut Known) -> Result<Text, Objection> {
        let form = |why: String| (Denial::Form, why);
        if request.len() > MOST_BYTES {
            return Err(form(format!("a command has at most {MOST_BYTES} bytes")));
        }
        let request = std::str::from_utf8(request);
        let request = request.map_err(|error| form(format!("a command is UTF-8: {error}")))?;
        let note = Note::parse(request).map_err(|error| form(error.to_string()))?;
        if note.to_string() != request {
            return Err(form("the signatures are not written as they are".to_owned()));
        }
        let text = Text::parse(&note.text).map_err(|error| form(error.to_string()))?;
        known.digest = text.digest();
        let wrong = |why: String| (Denial::Signature, why);
        if note.signatures.len() > 2 {
            return Err(wrong("a command has one signature, or two".to_owned()));
        }
        let mut signers = Vec::new();
        for line in &note.signatures {
            let is_named = |operator: &&Operator| {
                operator.key.name() == line.name() && operator.key.id() == line.key_id()
            };
            let Some(operator) = self.operators.iter().find(is_named) else {
                let why = format!(
                    "{}+{:08x} is no operator of this desk: see [[operator]] in its configuration",
                    line.name(),
                    line.key_id()
                );
                return Err((Denial::Operator, why));
            };
            let one = Note { text: note.text.clone(), signatures: vec![line.clone()] };
            let right = one.signed_by(std::slice::from_ref(&operator.key));
            right.map_err(|error| wrong(error.to_string()))?;
            signers.push(operator);
        }
        let first = signers.first().filter(|first| first.name == text.operator);
        let Some(first) = first else {
            let why = format!("it is given by {}, who has not signed it first", text.operator);
            return Err(wrong(why));
        };
        // Only now is it known that it is theirs.
        (known.operator, known.counter) = (first.id, text.counter);
        if let Some(second) = signers.get(1) {
            if second.id == first.id {
                return Err(wrong(format!("{} has signed it twice", first.name)));
            }
            known.second = second.id;
            if !second.may_second {
                let why = format!(
                    "{} may not be the second to sign: `second = true` is not in the configuration",
                    second.name
                );
                return Err((Denial::Right, why));
            }
        }
        Ok(text)
    }

    fn of_number(&self, id: u32) -> Result<&Operator, Objection> {
        let known = self.operators.iter().find(|operator| operator.id == id);
        known.ok_or_else(|| (Denial::Operator, "nobody knows who gives it".to_owned()))
    }

    fn for_us(&self, text: &Text) -> Result<(), Objection> {
        let say =
            |of: DeskIdentity| format!("site {} desk {} run {}", of.site.0, of.desk.0, of.run);
        if text.audience == self.audience {
            return Ok(());
        }
        let (theirs, ours) = (say(text.audience), say(self.audience));
        let why = format!("it is for {theirs}, and this is {ours}: write it anew for this run");
        Err((Denial::Audience, why))
    }

    fn in_time(&self, text: &Text, now_s: u64) -> Result<(), Objection> {
        let Text { issued_s, expires_s, .. } = *text;
        let why = if issued_s > now_s.saturating_add(AHEAD_S) {
            let ahead = issued_s - now_s;
            format!("it was written {ahead} s from now: set the clock of that host")
        } else if expires_s <= issued_s {
            "it ends before it was written".to_owned()
        } else if expires_s - issued_s > self.valid_s {
            let asked = expires_s - issued_s;
            format!("it is meant to be valid for {asked} s, and at most {} s are", self.valid_s)
        } else if now_s >= expires_s {
            format!("it ended {} s ago: write it anew", now_s - expires_s)
        } else {
            return Ok(());
        };
        Err((Denial::Time, why))
    }

    fn by_right(&self, operator: &Operator, text: &Text) -> Result<(), Objection> {
        if !operator.commands.contains(&text.verb) {
            let words: Vec<_> = operator.commands.iter().map(|verb| verb.word()).collect();
            let why = format!(
                "{} may not give {}, but {}: ask somebody who may",
                operator.name,
                text.verb,
                words.join(", ")
            );
            return Err((Denial::Right, why));
        }
        let mut scopes = operator.scopes.iter();
        if !scopes.any(|scope| self.register.is_within(&text.scope, scope)) {
            let scopes: Vec<_> = operator.scopes.iter().map(ToString::to_string).collect();
            let why = format!(
                "{} may give commands about {}, and this is about {}",
                operator.name,
                scopes.join(", "),
                text.scope
            );
            return Err((Denial::Right, why));
        }
        Ok(())
    }

    fn named(&self, scope: &Named) -> Result<Scope, Objection> {
        self.register.resolve(scope).ok_or_else(|| {
            let list = match scope {
                Named::All => String::new(),
                Named::Of(kind, _) => self.register.list(*kind),
            };
            (Denial::Scope, format!("there is no {scope} at this desk; there are: {list}"))
        })
    }

    fn by_number(&self, operator: &Operator, text: &Text) -> Result<(), Objection> {
        let last = self.kept.counter(operator.id);
        if text.counter > last.saturating_add(MOST_AHEAD) {
            let why = format!(
                "{} has used number {last}, and number {} would leave none for later: write it \
                 anew",
                operator.name, text.counter
            );
            return Err((Denial::Counter, why));
        }
        if text.counter > last {
            return Ok(());
        }
        let why = format!(
            "{} has used number {last} already, and this is number {}: no command is done twice; \
             write it anew",
            operator.name, text.counter
        );
        Err((Denial::Counter, why))
    }
}
