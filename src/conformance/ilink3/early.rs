//! O1 to O16: logons, signs of life, and what is missing of what the exchange says.

use super::super::case::Case;
use super::super::case::Needs::{Order, Script, Session};
use super::{alone, logons, on, sequences};

pub(super) const CASES: [Case; 16] = [
    Case {
        number: "O1",
        title: "Negotiate and Establish at the beginning of the week",
        rule: "A new UUID, above the last one, begins a session; both sides number from 1.",
        source: "CME wiki 46440193, 714145834 Session Layer",
        scenarios: &[
            on(
                Script,
                "a week begins with another session and number one",
                "the number of the first report after the gateway has begun a week",
                logons::a_week_begins,
            ),
            on(
                Script,
                "a week ends as planned and the next one begins",
                "nothing new is sent, what rests is waited for, and the numbers of the next week",
                logons::a_week_ends_as_planned,
            ),
            on(
                Script,
                "a session that the exchange ends between two weeks is not followed by another",
                "no logon before the next week",
                logons::a_session_that_ends_in_the_pause,
            ),
            on(
                Script,
                "an order that outlives its week does not keep the next one waiting",
                "what people are told",
                logons::an_order_that_outlives_its_week,
            ),
            on(
                Session,
                "a session is negotiated and established",
                "both answers name our request, the session is up, and its end is answered",
                alone::a_session_is_negotiated_and_established,
            ),
        ],
        note: "",
    },
    Case {
        number: "O2",
        title: "Another session within the week",
        rule: "The answer to Establish names the last session and its last number; what of it was \
               not delivered is asked for under LastUUID.",
        source: "CME wiki 46473057 Retransmit Request, 46440321 Establishment Acknowledgment",
        scenarios: &[
            on(
                Script,
                "a new session within the week asks the last one for what it did not deliver",
                "orders against the ledger, and how many messages were sent again",
                sequences::a_new_session_asks_the_last_one,
            ),
            on(
                Session,
                "a second session of the week follows the first",
                "its UUID is above the first one's",
                alone::a_second_session_of_the_week_follows_the_first,
            ),
        ],
        note: "",
    },
    Case {
        number: "O3",
        title: "What happened before the week's first session",
        rule: "Messages of a week that had no session yet have UUID 0 and are asked for so.",
        source: "CME wiki 46473057 Retransmit Request",
        scenarios: &[
            on(
                Script,
                "what happened before the weeks first logon is asked for by it",
                "an order that was cancelled while nobody was logged on is over here as well",
                sequences::what_happened_before_the_weeks_first_logon,
            ),
            on(
                Script,
                "what was filled before the weeks first logon is told by it",
                "an order that was filled while nobody was logged on: its fill, once",
                sequences::what_was_filled_before_the_weeks_first_logon,
            ),
        ],
        note: "The engine sends day and FAK orders only; the order that outlives the week here is \
               one whose cancel comes late.",
    },
    Case {
        number: "O4",
        title: "A logon without an answer",
        rule: "After two intervals without an answer the logon may be sent again.",
        source: "CME wiki 46440193 Session Layer",
        scenarios: &[on(
            Script,
            "an establish without an answer is said again",
            "one attempt fails, the next one stands, and an order is filled on it",
            logons::an_establish_without_an_answer,
        )],
        note: "",
    },
    Case {
        number: "O5",
        title: "NegotiationReject, every code",
        rule: "Codes that speak of the moment are tried again; all others, and those that nobody \
               knows, are left to people, who are told the code.",
        source: "CME wiki 457227444 Negotiation Reject; code 2 UNPROVEN",
        scenarios: &[
            on(
                Script,
                "every negotiation reject is mapped",
                "for each code: another session, or none and the code in the error",
                logons::every_negotiation_reject_is_mapped,
            ),
            on(
                Session,
                "a wrong key is refused",
                "one logon with a key that is not the session's: code 0, once",
                logons::a_wrong_key_is_refused,
            ),
        ],
        note: "",
    },
    Case {
        number: "O6",
        title: "EstablishmentReject, every code",
        rule: "As O5.",
        source: "CME wiki 46439924 Establishment Reject, read up to code 17",
        scenarios: &[
            on(
                Script,
                "every establishment reject is mapped",
                "for each code: another session, or none and the code in the error",
                logons::every_establishment_reject_is_mapped,
            ),
            on(
                Session,
                "an interval that cannot be kept is refused",
                "one logon that asks for a keep-alive interval of 0 ms: code 11",
                logons::an_interval_that_cannot_be_kept_is_refused,
            ),
        ],
        note: "",
    },
    Case {
        number: "O7",
        title: "A reject that is followed by Terminate",
        rule: "Both are taken for what they say, and the next attempt begins anew.",
        source: "CME wiki 46440124 Terminate",
        scenarios: &[on(
            Script,
            "a reject that a terminate follows is survived",
            "the session that comes after both fills an order",
            logons::a_reject_that_a_terminate_follows,
        )],
        note: "",
    },
    Case {
        number: "O8",
        title: "Reconnecting",
        rule: "A connection that is lost comes back under the same UUID, and numbers go on.",
        source: "CME wiki 714145834 Session Layer",
        scenarios: &[
            on(
                Script,
                "a lost connection comes back under its number",
                "three lost connections: numbers rise, and orders agree with the ledger",
                logons::a_lost_connection_comes_back,
            ),
            on(
                Session,
                "a line that breaks here is established again",
                "this side's socket is closed twice; the session comes back under its UUID",
                alone::a_line_that_breaks_here,
            ),
        ],
        note: "",
    },
    Case {
        number: "O9",
        title: "A UUID that is not ours",
        rule: "A message that names another session ends this one; nothing of it is believed.",
        source: "CME wiki 46440124 Terminate, code 13",
        scenarios: &[on(
            Script,
            "a message of another session ends this one and is asked for again",
            "why the session was lost, and orders against the ledger",
            sequences::a_message_of_another_session,
        )],
        note: "",
    },
    Case {
        number: "O10",
        title: "Signs of life",
        rule: "A Sequence each interval; an interval without one is answered by one that says so; \
               after two the session is over.",
        source: "CME wiki 46211220 Sequence",
        scenarios: &[
            on(
                Script,
                "signs of life keep a quiet session",
                "no session is lost in four intervals, and an order is filled after them",
                logons::signs_of_life_keep_a_quiet_session,
            ),
            on(
                Script,
                "two silent intervals end a session and the next one is whole",
                "the gateway falls silent: one session lost, the next one tells everything",
                logons::two_silent_intervals_end_a_session,
            ),
            on(
                Session,
                "a quiet session is kept",
                "no session is lost in two and a half intervals of the configuration",
                alone::a_quiet_session_is_kept,
            ),
        ],
        note: "",
    },
    Case {
        number: "O11",
        title: "A gap in what the exchange says",
        rule: "Missing messages are asked for, at most 2,500 at a time and one request after the \
               other; the desk opens nothing until they are here.",
        source: "CME wiki 46473057 Retransmit Request",
        scenarios: &[
            on(
                Script,
                "missing reports are asked for",
                "the desk is told of the gap, one message is sent again, orders agree",
                sequences::missing_reports_are_asked_for,
            ),
            on(
                Order,
                "reports of the last session are sent again",
                "the engine forgets what a session told, and the next one asks for all of it",
                alone::reports_of_the_last_session_are_sent_again,
            ),
        ],
        note: "",
    },
    Case {
        number: "O12",
        title: "A gap inside a retransmission",
        rule: "What is missing of what was asked for is asked for again.",
        source: "CME wiki 46440167 Retransmission",
        scenarios: &[on(
            Script,
            "what is missing in a retransmission is asked for again",
            "orders against the ledger; the session is not lost",
            sequences::what_is_missing_in_a_retransmission,
        )],
        note: "",
    },
    Case {
        number: "O13",
        title: "Live messages between those that come again",
        rule: "Messages that are sent again and live ones may come in any order.",
        source: "CME wiki 46440167 Retransmission",
        scenarios: &[on(
            Script,
            "live messages come between those that come again",
            "orders against the ledger while one message each 20 ms is sent again",
            sequences::live_messages_come_between,
        )],
        note: "",
    },
    Case {
        number: "O14",
        title: "Sequence as gap fill",
        rule: "A Sequence whose NextSeqNo is ahead shows a gap although no report follows.",
        source: "CME wiki 46211220 Sequence, 714604582",
        scenarios: &[on(
            Script,
            "a sequence that is ahead shows a gap",
            "both reports of an order are lost and nothing follows but signs of life",
            sequences::a_sequence_that_is_ahead,
        )],
        note: "The other direction, our own gap filled by a Sequence, is O18.",
    },
    Case {
        number: "O15",
        title: "RetransmitReject",
        rule: "A refusal does not stop the session; one that is final leaves the gap told.",
        source: "CME wiki 46179074 Retransmit Reject",
        scenarios: &[on(
            Script,
            "a refused retransmission does not stop the session",
            "refused twice for the moment and once for good",
            sequences::a_refused_retransmission,
        )],
        note: "",
    },
    Case {
        number: "O16",
        title: "A gap that the logon shows",
        rule: "The answer to Establish says how far the exchange has come; the rest is asked for.",
        source: "CME wiki 46440321 Establishment Acknowledgment",
        scenarios: &[
            on(
                Script,
                "what was said to nobody is asked for after the logon",
                "reports that were lost with the connection are told by the next one",
                sequences::what_was_said_to_nobody,
            ),
            on(
                Script,
                "a connection that is lost within a message misses nothing",
                "torn after 0, 1, 11, 30 and 200 bytes of a report",
                sequences::a_connection_that_is_lost_within_a_message,
            ),
        ],
        note: "",
    },
];
