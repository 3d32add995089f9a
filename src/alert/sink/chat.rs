//! Robots of group chats: DingTalk, Feishu (Lark) and WeCom.
//!
//! Each takes one JSON form and answers status 200 with a code in the body, which is 0 if it has
//! the message. Sources: open.dingtalk.com "Custom robot access"; open.feishu.cn "Custom bot usage
//! guide"; developer.work.weixin.qq.com "Group robot configuration"; rate limits as `ECOSYSTEM.md`
//! of the design has them.
//!
//! UNPROVEN: no message of ours was sent to the real robots. Codes of refusals for rate are from
//! their public pages; one that is not known is tried again.

use super::http::{Answer, Target};
use super::{SendError, Sink, sign};
use crate::alert::message::Message;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a robot is left alone that says that it was asked too often.
const AFTER_RATE: Duration = Duration::from_secs(60);

/// Whose robot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Robot {
    /// 钉钉.
    Dingtalk,
    /// 飞书.
    Feishu,
    /// 企业微信.
    Wecom,
}

impl Robot {
    /// Bytes of text that it takes at most.
    const fn most_bytes(self) -> usize {
        match self {
            // "Custom robot access": a body of 20 000 bytes at most.
            Self::Dingtalk => 18_000,
            // "Custom bot usage guide": a body of 20 kB at most.
            Self::Feishu => 18_000,
            // "Group robot configuration": markdown content of 4 096 bytes at most.
            Self::Wecom => 4_096,
        }
    }

    /// Its code for having been asked too often.
    const fn is_rate(self, code: i64) -> bool {
        match self {
            Self::Dingtalk => code == 130_101,
            Self::Feishu => code == 9_499 || code == 11_232,
            Self::Wecom => code == 45_009,
        }
    }
}

/// Writes into a group.
#[derive(Debug)]
pub struct Chat {
    robot: Robot,
    target: Target,
}

impl Chat {
    /// Writes through the robot at `target`.
    #[must_use]
    pub fn new(robot: Robot, target: Target) -> Self {
        Self { robot, target }
    }

    /// What the body of an answer says.
    fn judge(&self, answer: &Answer) -> Result<String, SendError> {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let code = ["errcode", "code", "StatusCode"].iter().find_map(|key| body[key].as_i64());
        let said = ["errmsg", "msg", "StatusMessage"].iter().find_map(|key| body[key].as_str());
        let said = said.unwrap_or_default();
        match code {
            Some(0) => Ok(format!("code 0 {said}").trim().to_owned()),
            Some(code) if self.robot.is_rate(code) => Err(SendError::Later {
                why: format!("asked too often: code {code} {said}"),
                after: Some(AFTER_RATE),
            }),
            Some(code) => Err(SendError::later(format!("refused: code {code} {said}"))),
            None => Err(SendError::later(format!("no code in its answer: {}", answer.words()))),
        }
    }
}

impl Sink for Chat {
    fn send(&mut self, message: &Message) -> Result<String, SendError> {
        let secret = self.target.secret();
        let secret = secret.map_err(|error| SendError::later(error.to_string()))?;
        let (title, text) = (message.title(), message.markdown(self.robot.most_bytes()));
        let (mut query, seconds) = (String::new(), message.at_ns / 1_000_000_000);
        let body = match self.robot {
            Robot::Dingtalk => {
                if let Some(secret) = &secret {
                    let ms = message.at_ns / 1_000_000;
                    let sign = sign::dingtalk(secret.reveal(), ms);
                    query = format!("&timestamp={ms}&sign={sign}");
                }
                json!({ "msgtype": "markdown", "markdown": { "title": title, "text": text } })
            }
            Robot::Feishu => {
                let element = json!({ "tag": "markdown", "content": text });
                let head = json!({ "title": { "tag": "plain_text", "content": title } });
                let mut body = json!({
                    "msg_type": "interactive",
                    "card": { "header": head, "elements": [element] },
                });
                if let (Value::Object(fields), Some(secret)) = (&mut body, &secret) {
                    let sign = sign::feishu(secret.reveal(), seconds);
                    fields.insert("timestamp".to_owned(), seconds.to_string().into());
                    fields.insert("sign".to_owned(), sign.into());
                }
                body
            }
            Robot::Wecom => json!({ "msgtype": "markdown", "markdown": { "content": text } }),
        };
        let answer = self.target.post(&query, &[], body.to_string().as_bytes())?;
        self.judge(&answer)
    }
}
