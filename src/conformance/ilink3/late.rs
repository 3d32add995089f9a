//! O17 to O32: ends, refusals, and orders.

use super::super::case::Case;
use super::super::case::Needs::{Order, Script, Session};
use super::{alone, logons, on, orders, parties, sequences};

pub(super) const CASES: [Case; 16] = [
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
        source: "CME client systems, Cancel on Disconnect; its delays are UNPROVEN",
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
            on(
                Script,
                "parties are registered before the first order",
                "a gateway that knows only what is registered; a lost connection, a new week",
                parties::parties_are_registered_before_the_first_order,
            ),
            on(
                Script,
                "parties that are refused are left to people",
                "another set under the same id, and a set that a new session may not register",
                parties::parties_that_are_refused_are_left_to_people,
            ),
        ],
        note: "UNPROVEN: the code with which CME rejects an order for self-match (here 7000); that \
               party details are registered over the order session (CME wiki 457324477 names the \
               Order Entry Service Gateway).",
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
        scenarios: &[
            on(
                Script,
                "a key is changed while the session stands",
                "a logon with the next key, then one with the old key: refused, and not repeated",
                logons::a_key_is_changed,
            ),
            on(
                Script,
                "a key that is about to expire is told",
                "what is told of it when nothing is said, three days are left, and a year is",
                logons::a_key_that_is_about_to_expire,
            ),
        ],
        note: "An expired key is refused with the same code as a wrong one; before, tag 39022 of \
               the logon's answer says how many days it is good for.",
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
