//! What goes wrong with a simulated venue's order sessions: each `[[fault]]` with `what = "order"`.
//!
//! Where it strikes (`at`) and when: at the `nth` message there, at `per_mille` of them, or
//! `after_ms`, to every session that stands. What does not fit together is refused.

use super::super::section::Section;
use super::super::value::{whole, word};
use super::faults::{DAY_MS, refuse};
use crate::venue::cme::simulated::{OrderFault, OrderRate, OrderTrouble, Spot};
use xmc_hotpath::time::Span;

/// One fault, by what decides when it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderEvent {
    Once(OrderFault),
    Rate(OrderRate),
    Planned(Span, OrderTrouble),
}

#[derive(Clone, Copy)]
struct Where(Spot);

impl Default for Where {
    fn default() -> Self {
        Self(Spot::Report)
    }
}

const SPOTS: &[(&str, Where)] = &[
    ("negotiate", Where(Spot::Negotiate)),
    ("establish", Where(Spot::Establish)),
    ("request", Where(Spot::Request)),
    ("retransmit_request", Where(Spot::RetransmitRequest)),
    ("report", Where(Spot::Report)),
    ("resent", Where(Spot::Resent)),
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Does {
    #[default]
    Drop,
    Torn,
    Lost,
    Twice,
    Renumbered,
    Stranger,
    Garbage,
    Split,
    Silence,
    Late,
    End,
    Refused,
}

const DEEDS: &[(&str, Does)] = &[
    ("drop", Does::Drop),
    ("torn", Does::Torn),
    ("lost", Does::Lost),
    ("twice", Does::Twice),
    ("renumbered", Does::Renumbered),
    ("stranger", Does::Stranger),
    ("garbage", Does::Garbage),
    ("split", Does::Split),
    ("silence", Does::Silence),
    ("late", Does::Late),
    ("end", Does::End),
    ("refused", Does::Refused),
];

fn trouble(section: &Section<'_>) -> OrderTrouble {
    let bytes = || section.required("bytes", whole(1..=u16::MAX)).value;
    let code = || section.required("code", whole(0..=u16::MAX)).value;
    let span = || Span(section.required("for_ms", whole(1..=DAY_MS)).value * 1_000_000);
    match section.required("does", word(DEEDS)).value {
        Does::Drop => OrderTrouble::Drop,
        Does::Torn => OrderTrouble::Torn(bytes()),
        Does::Lost => OrderTrouble::Lost,
        Does::Twice => OrderTrouble::Twice,
        Does::Renumbered => {
            OrderTrouble::Renumbered(section.required("by", whole(-1_000_000..=1_000_000)).value)
        }
        Does::Stranger => OrderTrouble::Stranger,
        Does::Garbage => OrderTrouble::Garbage,
        Does::Split => OrderTrouble::Split(bytes()),
        Does::Silence => OrderTrouble::Silence(span()),
        Does::Late => OrderTrouble::Late(span()),
        Does::End => OrderTrouble::End(code()),
        Does::Refused => OrderTrouble::Refused(code()),
    }
}

/// Whether a fault of this kind shows at all.
fn shows(spot: Option<Spot>, what: OrderTrouble) -> bool {
    let is_said = matches!(spot, Some(Spot::Report | Spot::Resent));
    match what {
        OrderTrouble::Drop
        | OrderTrouble::Split(_)
        | OrderTrouble::Silence(_)
        | OrderTrouble::Late(_)
        | OrderTrouble::End(_) => true,
        OrderTrouble::Lost => spot.is_some(),
        OrderTrouble::Torn(_)
        | OrderTrouble::Twice
        | OrderTrouble::Renumbered(_)
        | OrderTrouble::Stranger
        | OrderTrouble::Garbage => is_said,
        OrderTrouble::Refused(_) => spot.is_some() && !is_said,
    }
}

/// Reads one; `None` if it cannot be, which is reported.
pub(super) fn read(section: &Section<'_>) -> Option<OrderEvent> {
    let what = trouble(section);
    let after = section.optional("after_ms", whole(1..=DAY_MS)).map(|after| after.value);
    let rate = section.optional("per_mille", whole(1..=1_000)).map(|rate| rate.value);
    let nth = section.optional("nth", whole(1..=u64::from(u32::MAX))).map(|nth| nth.value);
    let spot = match after {
        Some(_) => None,
        None => Some(section.required("at", word(SPOTS)).value.0),
    };
    if section.is_broken() {
        return None;
    }
    if !shows(spot, what) {
        refuse(
            section,
            format!("{} would never show", section.title()),
            "nothing is said or asked there that it could happen to",
            "reports and what is resent can be damaged; requests and logons can be refused",
        );
        return None;
    }
    match (spot, after, rate, nth) {
        (Some(spot), None, None, nth) => {
            Some(OrderEvent::Once(OrderFault { spot, nth: nth.unwrap_or(1), what }))
        }
        (Some(spot), None, Some(per_mille), None) => {
            Some(OrderEvent::Rate(OrderRate { spot, per_mille, what }))
        }
        (None, Some(after), None, None) => Some(OrderEvent::Planned(Span(after * 1_000_000), what)),
        _ => {
            refuse(
                section,
                format!("{} strikes in two ways", section.title()),
                "it is not clear when",
                "write one of `nth`, `per_mille` and `after_ms`",
            );
            None
        }
    }
}
