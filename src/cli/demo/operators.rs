//! Two people who command the demonstration's engine. They are SIMULATED: their keys are made when
//! it starts and kept nowhere. What they sign goes through the socket and the checks of any other
//! command.

use crate::audit::key::{self, KeyFileError};
use crate::audit::note::{Note, Purpose, SignerKey};
use crate::config::{self, Configuration};
use crate::control::client::{self, ClientError};
use crate::control::reply::Status;
use crate::control::scope::{Kind, Named};
use crate::control::text::Text;
use crate::control::verb::Verb;
use crate::engine::controlling::socket_path;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};

/// For how long what they sign is valid, seconds.
const VALID_S: u32 = 30;

/// Both.
#[derive(Debug)]
pub(super) struct Operators {
    keys: [SignerKey; 2],
    socket: PathBuf,
}

impl Operators {
    /// Lets two people command the engine of `config`, if nobody may yet.
    pub fn appoint(
        config: &mut Configuration,
        directory: &Path,
    ) -> Result<Option<Self>, KeyFileError> {
        if config.control.is_some() {
            return Ok(None);
        }
        let names = ["demo_risk", "demo_desk"];
        let [one, two] = names.map(|name| key::generate(name, Purpose::Log));
        let keys = [one?, two?];
        let operator = |(key, id): (&SignerKey, u32)| config::Operator {
            name: key.verifier().name().to_owned(),
            id,
            key: key.verifier().clone(),
            commands: Verb::WORDS.iter().map(|(_, verb)| *verb).collect(),
            scopes: vec![Named::All],
            may_second: true,
            roles: Vec::new(),
        };
        let operators = keys.iter().zip(1..).map(operator).collect();
        let control = config::Control { socket: None, valid_seconds: VALID_S, operators };
        let socket = socket_path(&control, directory);
        config.control = Some(control);
        Ok(Some(Self { keys, socket }))
    }

    /// Lets every pair fire again that something has stopped or left closing only, whatever comes
    /// of each; how many there were.
    pub fn let_fire(&self, why: &str) -> Result<usize, ClientError> {
        let stopped = |status: &Status, state: SpreadState| -> Vec<String> {
            let rows = status.spreads.iter().filter(|row| row.state == state.word());
            rows.map(|row| row.names.name.clone()).collect()
        };
        let mut status = client::status(&self.socket)?;
        let halted = stopped(&status, SpreadState::Halted);
        for spread in &halted {
            self.give(&status, Verb::ClearHalt, spread, why)?;
            status = client::status(&self.socket)?;
        }
        let closing = stopped(&status, SpreadState::Reducing);
        for spread in halted.iter().chain(&closing) {
            self.give(&status, Verb::Enable, spread, why)?;
            status = client::status(&self.socket)?;
        }
        Ok(halted.len() + closing.len())
    }

    /// Signs a command about one pair, both of them, and gives it.
    fn give(
        &self,
        status: &Status,
        verb: Verb,
        spread: &str,
        why: &str,
    ) -> Result<(), ClientError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let name = self.keys[0].verifier().name().to_owned();
        let row = status.operators.iter().find(|row| row.name == name);
        let text = Text {
            audience: DeskIdentity {
                site: SiteId(status.site),
                desk: DeskId(status.desk),
                run: status.run,
            },
            operator: name,
            counter: row.map_or(1, |row| row.counter.saturating_add(1)),
            issued_s: now,
            expires_s: now + u64::from(VALID_S),
            verb,
            scope: Named::Of(Kind::Spread, spread.to_owned()),
            change: None,
            difference: None,
            alert: None,
            reason: why.to_owned(),
        };
        let text = text.to_string();
        let signatures = self.keys.iter().map(|key| key.sign(&text, 0)).collect();
        client::give(&self.socket, &Note { signatures, text }.to_string()).map(|_| ())
    }
}
