//! The words of the page: all of `words`, by language, kind and code.

use super::words::{Refusal, Said};
use crate::capital::Stage;
use crate::control::verb::Verb;
use crate::monitor::words::{Label, Lang, Worded};
use crate::port::interface::LinkState;
use serde_json::{Map, Value, json};
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{
    AlertKind, ChannelState, Denial, Gate, Intent, Obstacle, OrderEventKind, PositionEffect,
    QuoteQuality, RepairWay, SafeState, SessionState, Side,
};

/// Every word in both languages, and the language to begin with.
pub fn catalogue(begin_with: Lang) -> Value {
    json!({
        "schema": "xmc.words",
        "version": 1,
        "lang": if begin_with == Lang::Zh { "zh" } else { "en" },
        "en": words(Lang::En),
        "zh": words(Lang::Zh),
    })
}

fn words(lang: Lang) -> Value {
    let mut labels = kind(Label::ALL, Label::name, lang);
    if let (Value::Object(all), Value::Object(more)) =
        (&mut labels, kind(Said::ALL, Said::name, lang))
    {
        all.extend(more);
    }
    let verbs: Vec<_> = Verb::WORDS.iter().map(|(_, verb)| *verb).collect();
    json!({
        "label": labels,
        "command": kind(&verbs, Verb::word, lang),
        "denial": kind(Denial::ALL, Denial::word, lang),
        "refusal": kind(Refusal::ALL, Refusal::code, lang),
        "side": kind(Side::ALL, Side::word, lang),
        "effect": kind(PositionEffect::ALL, PositionEffect::word, lang),
        "intent": kind(Intent::ALL, Intent::word, lang),
        "pair": kind(SpreadState::ALL, SpreadState::word, lang),
        "safe": kind(SafeState::ALL, SafeState::word, lang),
        "channel": kind(ChannelState::ALL, ChannelState::word, lang),
        "interface": kind(LinkState::ALL, LinkState::word, lang),
        "session": kind(SessionState::ALL, SessionState::word, lang),
        "quality": kind(QuoteQuality::ALL, QuoteQuality::word, lang),
        "order": kind(OrderEventKind::ALL, OrderEventKind::word, lang),
        "repair": kind(RepairWay::ALL, RepairWay::word, lang),
        "obstacle": kind(Obstacle::ALL, Obstacle::word, lang),
        "alert": kind(AlertKind::ALL, AlertKind::word, lang),
        "gate": kind(Gate::ALL, Gate::word, lang),
        "stage": kind(&Stage::ALL, Stage::word, lang),
    })
}

fn kind<T: Worded, C: Into<String>>(all: &[T], code: impl Fn(T) -> C, lang: Lang) -> Value {
    let row = |worded: &T| (code(*worded).into(), worded.word_in(lang).into());
    Value::Object(all.iter().map(row).collect::<Map<_, _>>())
}
