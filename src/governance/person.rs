//! Who may do what about a configuration, and which kinds of change ask for whom.

use super::refusal::Refusal;
use crate::audit::note::VerifierKey;
use crate::config::{Configuration, Operator};
use serde::{Deserialize, Serialize};

/// What a person may do with a register. Somebody may have several.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Proposes changes, and attaches evidence to them.
    #[default]
    Proposer,
    /// Answers for formulas and targets.
    Owner,
    /// Answers for limits.
    Risk,
    /// Answers for models.
    Compliance,
}

impl Role {
    /// Every one, with its word.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("proposer", Self::Proposer),
        ("owner", Self::Owner),
        ("risk", Self::Risk),
        ("compliance", Self::Compliance),
    ];

    /// Those that approve.
    pub const APPROVING: [Self; 3] = [Self::Owner, Self::Risk, Self::Compliance];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, role)| *role == self).map_or("", |(word, _)| word)
    }
}

/// What a part of a configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// What the engine takes the world for: markets, contracts, wiring, assumptions.
    Model,
    /// How prices become one value.
    Formula,
    /// What is aimed at: levels, sizes, times between.
    Target,
    /// What may never be exceeded, and who may lift it.
    Limit,
}

impl ItemKind {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Model, Self::Formula, Self::Target, Self::Limit];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Formula => "formula",
            Self::Target => "target",
            Self::Limit => "limit",
        }
    }

    /// The role that one of those has who approve of a change of it.
    #[must_use]
    pub const fn asks_for(self) -> Role {
        match self {
            Self::Model => Role::Compliance,
            Self::Formula | Self::Target => Role::Owner,
            Self::Limit => Role::Risk,
        }
    }
}

/// Somebody who signs entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name, which the key bears too.
    pub name: String,
    /// The public key, `NAME+ID+BASE64`.
    pub key: String,
    /// What the person may do, in the order of the file.
    pub roles: Vec<Role>,
}

impl Person {
    /// Those people of a configuration who have a role, in its order.
    #[must_use]
    pub fn of(config: &Configuration) -> Vec<Self> {
        let operators = config.control.iter().flat_map(|control| &control.operators);
        let person = |operator: &Operator| Self {
            name: operator.name.clone(),
            key: operator.key.to_string(),
            roles: operator.roles.iter().map(|role| role.value).collect(),
        };
        operators.filter(|operator| !operator.roles.is_empty()).map(person).collect()
    }

    /// The person whom the lines of an `[[operator]]` item say (`item::divide`); `None` if they say
    /// none, or one without a role.
    #[must_use]
    pub fn of_lines(lines: &[String]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Written {
            name: String,
            key: String,
            #[serde(default)]
            roles: Vec<Role>,
        }
        let known = ["name = ", "key = ", "roles = "];
        let is_known = |line: &&String| known.iter().any(|known| line.starts_with(known));
        let lines: Vec<_> = lines.iter().filter(is_known).map(String::as_str).collect();
        let Written { name, key, roles } = toml::from_str(&lines.join("\n")).ok()?;
        let key = VerifierKey::parse(&key).ok()?.to_string();
        (!roles.is_empty()).then_some(Self { name, key, roles })
    }

    /// The person in words: name, roles, key.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{} ({}) {}", self.name, self.roles_in_words(), self.key)
    }

    /// Whether the person has a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the person may approve of something.
    #[must_use]
    pub fn may_approve(&self) -> bool {
        Role::APPROVING.iter().any(|role| self.has(*role))
    }

    /// The key as one that checks; `None` if it is none.
    #[must_use]
    pub fn verifier(&self) -> Option<VerifierKey> {
        VerifierKey::parse(&self.key).ok().filter(|key| key.name() == self.name)
    }

    /// What the person may do, in words.
    #[must_use]
    pub fn roles_in_words(&self) -> String {
        words(&self.roles)
    }
}

/// That a proposal names these people, in whatever order.
///
/// # Errors
/// `People`, with whom it names and whom it does not.
pub fn same_people(said: &[Person], found: &[Person]) -> Result<(), Refusal> {
    let sorted = |people: &[Person]| {
        let mut people: Vec<_> = people.iter().map(Person::in_words).collect();
        people.sort_unstable();
        people
    };
    let (said, found) = (sorted(said), sorted(found));
    if said == found {
        return Ok(());
    }
    let only = |these: &[String], others: &[String]| {
        let these: Vec<_> = these.iter().filter(|one| !others.contains(one)).cloned().collect();
        if these.is_empty() { "nobody else".to_owned() } else { these.join(", ") }
    };
    Err(Refusal::People { said: only(&said, &found), found: only(&found, &said) })
}

/// Roles as a list.
#[must_use]
pub fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")
}
