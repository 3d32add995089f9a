//! A receiver of our own form: the message as JSON, signed if there is a secret.
//!
//! `X-XMC-Signature` is the HMAC-SHA256 of the whole body in hexadecimal digits. `Idempotency-Key`
//! is the same for the same notices; each notice has its `id` besides, because what waits together
//! may be more when it is sent again after a restart.

use super::http::Target;
use super::{SendError, Sink, sign};
use crate::alert::message::Message;

/// Posts JSON.
#[derive(Debug)]
pub struct Webhook {
    target: Target,
}

impl Webhook {
    /// Posts to `target`.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self { target }
    }
}

impl Sink for Webhook {
    fn send(&mut self, message: &Message) -> Result<String, SendError> {
        let body = message.json().to_string();
        let mut headers = vec![("Idempotency-Key", message.key())];
        let secret = self.target.secret();
        let secret = secret.map_err(|error| SendError::later(error.to_string()))?;
        if let Some(secret) = secret {
            let signature = sign::webhook(secret.reveal(), body.as_bytes());
            headers.push(("X-XMC-Signature", signature));
        }
        self.target.post("", &headers, body.as_bytes()).map(|answer| answer.words())
    }
}
