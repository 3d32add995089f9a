//! Esunny DSTAR, version 3: the cases O1 to O32, as far as a counter has anything of the kind.
//!
//! The counter that is simulated imitates what is public of one and makes up the rest, its stream
//! among it: what passes here says nothing of a vendor's counter beyond the datagrams. The cases
//! keep CME's numbers, so that both lists can be laid side by side.

mod orders;

use super::case::Needs::{Order, Script, Session};
use super::case::{Case, Scenario};

const HEADERS: &str = "vendor's public headers, DSTAR_API_PROTOCOL_VERSION 3";
const NOT_PUBLIC: &str = "nothing public: the stream is inside the vendor's library";

/// A case that the protocol has nothing of.
const fn none(number: &'static str, title: &'static str, note: &'static str) -> Case {
    Case { number, title, rule: "", source: NOT_PUBLIC, scenarios: &[], note }
}

const NO_SESSION: &str = "The stream has no numbers, no signs of life and no end of its own that \
                          would be public.";
const NO_RESEND: &str = "Messages of the stream are not numbered: a counter tells all again at the \
                         next logon (O8).";

/// All of them.
pub const CASES: &[Case] = &[
    Case {
        number: "O1",
        title: "Logon",
        rule: "The account is logged on over TCP, its contracts are read, and UdpAuth makes our \
               socket known.",
        source: HEADERS,
        scenarios: &[Scenario {
            name: "an account is logged on and its contracts are read",
            looks_at: "the session is up, and the contracts of the configuration are among them",
            needs: Session,
            run: orders::an_account_is_logged_on,
        }],
        note: "",
    },
    none("O2", "Another session within the week", NO_SESSION),
    none("O3", "What happened before the week's first session", NO_SESSION),
    none("O4", "A logon without an answer", NO_SESSION),
    Case {
        number: "O5",
        title: "A logon that is refused",
        rule: "It is tried once, and people are told the code.",
        source: NOT_PUBLIC,
        scenarios: &[Scenario {
            name: "a wrong password is refused",
            looks_at: "one logon with a password that is not the account's, and its code",
            needs: Session,
            run: orders::a_wrong_password_is_refused,
        }],
        note: "",
    },
    none("O6", "EstablishmentReject", NO_SESSION),
    none("O7", "A reject that is followed by Terminate", NO_SESSION),
    Case {
        number: "O8",
        title: "Reconnecting",
        rule: "A lost connection is told at once, and what is sent without one is given back. The \
               next logon says how many replies were read: the counter repeats the others.",
        source: NOT_PUBLIC,
        scenarios: &[
            Scenario {
                name: "a lost connection is told and what is sent without one comes back",
                looks_at: "the session's state and the fate of an order behind it",
                needs: Order,
                run: orders::a_lost_connection_is_told,
            },
            Scenario {
                name: "another logon is told again what the last one was told",
                looks_at: "news of an order of the last session",
                needs: Script,
                run: orders::another_logon_is_told_again,
            },
        ],
        note: "",
    },
    none("O9", "A UUID that is not ours", NO_SESSION),
    none("O10", "Signs of life", NO_SESSION),
    none("O11", "A gap in what the counter says", NO_RESEND),
    none("O12", "A gap inside a retransmission", NO_RESEND),
    none("O13", "Live messages between those that come again", NO_RESEND),
    none("O14", "Sequence as gap fill", NO_RESEND),
    none("O15", "RetransmitReject", NO_RESEND),
    none("O16", "A gap that the logon shows", NO_RESEND),
    none("O17", "A number that has been used", NO_RESEND),
    Case {
        number: "O18",
        title: "A request that does not arrive",
        rule: "The last ClientReqId is asked for over TCP. A request that the counter does not \
               have may be late: its order is told as unknown, and never sent again by itself.",
        source: HEADERS,
        scenarios: &[Scenario {
            name: "a request that is lost is found out and not sent again",
            looks_at: "three orders, the second one's datagram is lost on the way; the ledger",
            needs: Order,
            run: orders::a_request_that_is_lost,
        }],
        note: "",
    },
    none("O19", "Terminate", NO_SESSION),
    none("O20", "Bytes that are no message", NO_SESSION),
    none("O21", "From the primary gateway to the backup", NO_SESSION),
    none("O22", "A second connection of the same session", NO_SESSION),
    none("O23", "Silence while an order is under way", NO_SESSION),
    none("O24", "Too many messages", "Limits are the futures company's; the engine has its own."),
    none("O25", "Cancel on disconnect", "Nothing is known of a counter that cancels for us."),
    Case {
        number: "O26",
        title: "An order's life",
        rule: "A cancel that comes too late is told as the order's state, unchanged, and an error.",
        source: HEADERS,
        scenarios: &[Scenario {
            name: "an order rests and is cancelled once",
            looks_at: "accepted, cancelled, and a second cancel that changes nothing",
            needs: Order,
            run: orders::an_order_rests_and_is_cancelled,
        }],
        note: "",
    },
    Case {
        number: "O27",
        title: "Partial fills",
        rule: "Each execution counts once, by its SerialId.",
        source: HEADERS,
        scenarios: &[Scenario {
            name: "an order in parts is filled to the last lot",
            looks_at: "500 lots in several executions, and the ledger",
            needs: Script,
            run: orders::an_order_in_parts,
        }],
        note: "Trades that are taken back or corrected: nothing of the kind is in the headers.",
    },
    none("O28", "Cancels that nobody asked for", "The states of an order do not say who asked."),
    Case {
        number: "O29",
        title: "Orders of one account that meet",
        rule: "The one that comes is rejected, the one that rests goes on.",
        source: "UNPROVEN: how SHFE and INE are remembered to do it",
        scenarios: &[Scenario {
            name: "an order that would meet an own is rejected",
            looks_at: "the newer one is rejected, the older one works on",
            needs: Script,
            run: orders::an_order_that_would_meet_an_own_is_rejected,
        }],
        note: "",
    },
    Case {
        number: "O30",
        title: "Orders outside the open market",
        rule: "They are rejected.",
        source: HEADERS,
        scenarios: &[Scenario {
            name: "orders outside the open market are rejected",
            looks_at: "halted, closed, and open again",
            needs: Script,
            run: orders::orders_outside_the_open_market,
        }],
        note: "",
    },
    none("O31", "The key", "There is a password instead, see O5."),
    Case {
        number: "O32",
        title: "Reconciliation",
        rule: "Of every order the exchange's own account says what the news said.",
        source: "RTS 6, article 17",
        scenarios: &[Scenario {
            name: "the ledger says of every order what the news said",
            looks_at: "some 40 orders and cancels against the ledger, asked over TCP",
            needs: Script,
            run: orders::the_ledger_says_what_the_news_said,
        }],
        note: "",
    },
];
