//! Where alerts go: one form each, over one seam.
//!
//! A sink is told one message at a time, says within its deadline whether it has it, and keeps
//! nothing: what was not taken is the outbox's. Sinks that are robots of chats answer status 200
//! also when they refuse, so their answers are read.

mod alertmanager;
mod chat;
mod command;
mod http;
mod log;
pub mod sign;
mod webhook;

pub use alertmanager::Alertmanager;
pub use chat::{Chat, Robot};
pub use command::Command;
pub use http::{Target, TargetError};
pub use log::Log;
pub use webhook::Webhook;

use super::message::Message;
use crate::config::{AlertSink, AlertSinkKind};
use std::path::Path;
use std::time::Duration;

/// The local log's name in the directory of alerts.
pub const LOG: &str = "alerts.jsonl";

/// Why a sink has not taken a message. None of these shows a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may take it later.
    #[error("{why}")]
    Later {
        /// Why not now.
        why: String,
        /// How long it asks to be left alone; `None`: it does not say.
        after: Option<Duration>,
    },
    /// It takes this message never.
    #[error("{0}")]
    Refused(String),
}

impl SendError {
    /// It may take it later, when it is asked again.
    #[must_use]
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }
}

/// Something that takes messages.
pub trait Sink: Send {
    /// Hands over a message; what the sink said to it, in a few words.
    ///
    /// # Errors
    /// It was not taken.
    fn send(&mut self, message: &Message) -> Result<String, SendError>;
}

/// The sink that `config` describes, of the alerts in `directory`.
///
/// # Errors
/// What it needs of secrets is not there, or no address.
pub fn open(config: &AlertSink, directory: &Path) -> Result<Box<dyn Sink>, TargetError> {
    let timeout = Duration::from_millis(config.timeout_ms.into());
    let target = |url| Target::open(&config.name, url, config.proxy.as_deref(), timeout);
    Ok(match &config.kind {
        AlertSinkKind::Log { path } => {
            Box::new(Log::new(&path.clone().unwrap_or_else(|| directory.join(LOG))))
        }
        AlertSinkKind::Command { argv } => Box::new(Command::new(argv, timeout)),
        AlertSinkKind::Webhook { url, secret } => {
            Box::new(Webhook::new(target(url)?.with_secret(secret.as_ref())?))
        }
        AlertSinkKind::Alertmanager { url } => {
            let beat = Duration::from_secs(config.heartbeat_s.into());
            Box::new(Alertmanager::new(target(url)?, beat))
        }
        AlertSinkKind::Dingtalk { url, secret } => {
            Box::new(Chat::new(Robot::Dingtalk, target(url)?.with_secret(secret.as_ref())?))
        }
        AlertSinkKind::Feishu { url, secret } => {
            Box::new(Chat::new(Robot::Feishu, target(url)?.with_secret(secret.as_ref())?))
        }
        AlertSinkKind::Wecom { url } => Box::new(Chat::new(Robot::Wecom, target(url)?)),
    })
}
