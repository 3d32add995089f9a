//! CME iLink 3: the cases O1 to O32.
//!
//! What a client has to do is CME's: the pages of its client systems wiki are named by their
//! numbers. What is not written there, or was read in a copy only, is UNPROVEN and says so.

mod alone;
mod logons;
mod orders;
mod sequences;

use super::case::Needs::{Order, Script, Session};
use super::case::{Case, Needs, Outcome, Scenario};
use super::ground::Ground;

const fn on(
    needs: Needs,
    name: &'static str,
    looks_at: &'static str,
    run: fn(&Ground<'_>) -> Outcome,
) -> Scenario {
    Scenario { name, looks_at, needs, run }
}

/// All of them.
pub const CASES: &[Case] = &[
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
        scenarios: &[on(
            Script,
            "what happened before the weeks first logon is asked for by it",
            "an order that was cancelled while nobody was logged on is over here as well",
            sequences::what_happened_before_the_weeks_first_logon,
        )],
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
    Case {
        number: "O17",
        title: "A number that has been used",
        rule: "The session is ended, and people have to look before there is another one.",
        source: "CME wiki 46440124 Terminate, code 11",
        scenarios: &[on(
            Script,
            "a number that was used before stops the session for people",
            "the session is down and nobody logs on",
            sequences::a_number_that_was_used_before,
        )],
        note: "",
    },
    Case {
        number: "O18",
        title: "NotApplied",
        rule: "Orders that the exchange has not applied are told as not sent and are never sent \
               again by themselves; their numbers are passed over by a Sequence.",
        source: "CME wiki 457640161 Not Applied",
        scenarios: &[on(
            Script,
            "orders that never arrived are said not to have been sent",
            "five orders, two lost on the way: their fates, and how many the gateway took",
            sequences::orders_that_never_arrived,
        )],
        note: "UNPROVEN: that the message which shows the gap is applied.",
    },
    Case {
        number: "O19",
        title: "Terminate by the exchange, and by us",
        rule: "It is answered. Ends that mend themselves are followed by another session, all \
               others are left to people.",
        source: "CME wiki 46440124 Terminate",
        scenarios: &[
            on(
                Script,
                "an end in order is followed by another session",
                "codes 0 and 20",
                sequences::an_end_in_order,
            ),
            on(
                Script,
                "an end that no logon mends is left to people",
                "codes 8, 9, 18 and 77: the desk is told, and nobody logs on",
                logons::an_end_that_no_logon_mends,
            ),
            on(
                Session,
                "an engine that leaves is answered",
                "our Terminate is answered and no session follows",
                alone::an_engine_that_leaves_is_answered,
            ),
        ],
        note: "",
    },
    Case {
        number: "O20",
        title: "Bytes that are no message",
        rule: "The session is ended with its code, and the next one tells everything.",
        source: "CME wiki 46113078 Message Header; 46440124 Terminate, codes 18 and 19",
        scenarios: &[
            on(
                Script,
                "bytes that are no message end the session and the next one has all",
                "why the session was lost, and orders against the ledger",
                sequences::bytes_that_are_no_message,
            ),
            on(
                Script,
                "messages in pieces are read whole",
                "all messages come in pieces of seven bytes",
                sequences::messages_in_pieces_are_read_whole,
            ),
        ],
        note: "",
    },
    Case {
        number: "O21",
        title: "From the primary gateway to the backup",
        rule: "The backup goes on with the UUID and the numbers of the primary.",
        source: "CME wiki 714604582 Session Layer - Transferring",
        scenarios: &[on(
            Script,
            "the backup address goes on with the sequence",
            "nobody listens at the primary; numbers rise over both connections",
            logons::the_backup_address_goes_on,
        )],
        note: "The simulated gateway is one gateway at two addresses.",
    },
    Case {
        number: "O22",
        title: "A second connection of the same session",
        rule: "It is refused, and the first one stands.",
        source: "CME wiki 46440124 Terminate, code 4",
        scenarios: &[on(
            Script,
            "a second connection is refused and the first stands",
            "the code that the second is told, and an order on the first",
            logons::a_second_connection_is_refused,
        )],
        note: "Not run at somebody else's gateway: there it may end the first.",
    },
    Case {
        number: "O23",
        title: "Silence while an order is under way",
        rule: "Nothing stays open: what the next session tells decides.",
        source: "CME wiki 46211220 Sequence",
        scenarios: &[on(
            Script,
            "a session that falls silent with an order under way leaves nothing open",
            "five orders and 3.5 s of silence, then orders against the ledger",
            sequences::a_session_that_falls_silent,
        )],
        note: "",
    },
    Case {
        number: "O24",
        title: "Too many messages",
        rule: "Refused messages are news of their orders; the end at the second threshold is left \
               to people. The engine keeps below both by itself.",
        source: "CME wiki 46924210 Messaging Controls",
        scenarios: &[on(
            Script,
            "too many messages are refused and many more end the session",
            "orders refused, messages counted, and why the session was lost",
            orders::too_many_messages,
        )],
        note: "UNPROVEN: the code of the refusal.",
    },
    Case {
        number: "O25",
        title: "Cancel on disconnect",
        rule: "The exchange cancels a lost session's orders; what it says of them is asked for. A \
               cancel of ours may be too late for that.",
        source: "CME wiki, Cancel on Disconnect; CME wiki 46113078",
        scenarios: &[
            on(
                Script,
                "the cancels of a lost connection are heard after it",
                "four resting orders, cancelled 400 ms after the line breaks",
                orders::the_cancels_of_a_lost_connection,
            ),
            on(
                Script,
                "a cancel that meets the exchanges own ends each order once",
                "the line breaks while three cancels are under way",
                orders::a_cancel_that_meets_the_exchanges_own,
            ),
            on(
                Order,
                "the cancel of a line that breaks here is heard after it",
                "one resting order and this side's broken line",
                alone::the_cancel_of_a_line_that_breaks_here,
            ),
        ],
        note: "",
    },
    Case {
        number: "O26",
        title: "An order's life, and a fill while it is cancelled",
        rule: "A cancel or a change that comes too late is refused and changes nothing.",
        source: "CME wiki 457324354 Futures and Options Reject Codes, 2045",
        scenarios: &[
            on(
                Script,
                "an order that is filled while it is cancelled is filled",
                "ten FAK orders, each with a cancel right behind it",
                orders::an_order_that_is_filled_while_it_is_cancelled,
            ),
            on(
                Script,
                "an order that is changed and cancelled cannot be changed any more",
                "what the desk is told of each step, and the ledger",
                orders::an_order_that_is_changed_and_cancelled,
            ),
            on(
                Order,
                "an order rests and is cancelled once",
                "accepted, cancelled, and a second cancel refused",
                alone::an_order_rests_and_is_cancelled,
            ),
        ],
        note: "",
    },
    Case {
        number: "O27",
        title: "Partial fills, trade cancel, trade correction",
        rule: "Each execution counts once; one that is taken back or corrected is told, once, \
               whatever order it is of.",
        source: "CME wiki 46113385 Execution Report - Trade Addendum Outright",
        scenarios: &[
            on(
                Script,
                "an order in parts is filled to the last lot",
                "60 lots in several executions; 10,000 that are filled whole or not at all",
                orders::an_order_in_parts,
            ),
            on(
                Script,
                "a fill that is taken back is told once",
                "order, lots and side of the trade cancel, which is lost at first",
                orders::a_fill_that_is_taken_back,
            ),
            on(
                Script,
                "a fill that is corrected is told with its new price",
                "order, lots, side and price of the correction, which is lost at first",
                orders::a_fill_that_is_corrected,
            ),
        ],
        note: "UNPROVEN: which of a trade's names a real 548 repeats.",
    },
    Case {
        number: "O28",
        title: "Cancels that nobody asked for",
        rule: "They end the order, and the reason is kept.",
        source: "CME schema 8, ExecReason (tag 378); CME wiki 46472406 Business Reject, 102",
        scenarios: &[
            on(
                Script,
                "a cancel that nobody asked for ends the order",
                "reasons 100, 104, 105, 106, 110 and 111, two orders each",
                orders::a_cancel_that_nobody_asked_for,
            ),
            on(
                Script,
                "an order behind the kill switch is refused with its code",
                "the reason that the desk is told",
                orders::an_order_behind_the_kill_switch,
            ),
        ],
        note: "",
    },
    Case {
        number: "O29",
        title: "Self-match prevention, and an id that is not registered",
        rule: "The order that the exchange names ends, with its reason; the other goes on. A \
               message that names an unknown party details id is refused whole.",
        source: "CME schema 8, ExecReason 103 and 107; CME wiki 46472406 Business Reject, 1",
        scenarios: &[
            on(
                Script,
                "the older of two own orders is cancelled",
                "reason 103 and the ledger",
                orders::the_older_of_two_own_orders_is_cancelled,
            ),
            on(
                Script,
                "the newer of two own orders is cancelled",
                "reason 107; the older one works on",
                orders::the_newer_of_two_own_orders_is_cancelled,
            ),
            on(
                Script,
                "an order that would meet an own is rejected",
                "the newer one is rejected, the older one works on",
                orders::an_order_that_would_meet_an_own_is_rejected,
            ),
            on(
                Script,
                "an id that is not registered is refused",
                "two orders and a cancel under another party details id: code 1",
                orders::an_id_that_is_not_registered,
            ),
        ],
        note: "UNPROVEN: the code with which CME rejects an order for self-match (here 7000).",
    },
    Case {
        number: "O30",
        title: "Orders outside the open market",
        rule: "They are rejected, and the reason is kept.",
        source: "CME wiki 457324354 Futures and Options Reject Codes, 1003",
        scenarios: &[on(
            Script,
            "orders outside the open market are rejected",
            "halted, closed, and open again",
            orders::orders_outside_the_open_market,
        )],
        note: "Orders before the opening are not simulated.",
    },
    Case {
        number: "O31",
        title: "The key",
        rule: "It may be changed while the session stands: each logon reads it anew. A wrong one \
               is tried once.",
        source: "CME wiki 308838401 Secure Logon",
        scenarios: &[on(
            Script,
            "a key is changed while the session stands",
            "a logon with the next key, then one with the old key: refused, and not repeated",
            logons::a_key_is_changed,
        )],
        note: "An expired key is refused with the same code as a wrong one.",
    },
    Case {
        number: "O32",
        title: "Reconciliation",
        rule: "Of every order the exchange's own account says what the news said.",
        source: "RTS 6, article 17",
        scenarios: &[
            on(
                Script,
                "the ledger says of every order what the news said",
                "some 80 orders and cancels against the ledger, asked over TCP",
                orders::the_ledger_says_what_the_news_said,
            ),
            on(
                Script,
                "the ledger says so after lost connections",
                "two lost connections with reports missing before each",
                orders::the_ledger_says_so_after_lost_connections,
            ),
        ],
        note: "Against the simulated venue's ledger: a drop copy session is not spoken.",
    },
];
