//! Codes of refusal: all that are listed are mapped, and what is not listed is fatal.

use cross_market_connect::venue::cme::ilink3::logon::LogonError;
use cross_market_connect::venue::cme::ilink3::refused::{
    BUSINESS, ESTABLISHMENT, Meaning, NEGOTIATION, ORDER, Outlook, RETRANSMIT, TERMINATE, meaning,
};
use cross_market_connect::venue::cme::ilink3::resume::{self, Course};

/// The codes of the exchange's pages, written down apart from the tables.
const LISTED: [(&str, &[Meaning], &[u16]); 6] = [
    (
        "business",
        BUSINESS,
        &[
            0, 1, 2, 3, 5, 6, 8, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
            113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123,
        ],
    ),
    (
        "order",
        ORDER,
        &[
            1003, 1011, 1012, 1013, 1014, 2013, 2019, 2045, 2046, 2047, 2048, 2051, 2058, 2059,
            2060, 2061, 2115, 2130, 2137, 2179, 2311, 2500, 2501, 4999, 7000, 7024, 7027, 7028,
            7029, 7613,
        ],
    ),
    ("negotiation", NEGOTIATION, &[0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 27, 28]),
    ("establishment", ESTABLISHMENT, &[0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17]),
    ("retransmit", RETRANSMIT, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    (
        "terminate",
        TERMINATE,
        &[0, 2, 3, 4, 6, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28],
    ),
];

#[test]
fn every_listed_code_is_mapped_and_no_other_is_retryable() {
    for (name, table, listed) in LISTED {
        for code in listed {
            let found = table.iter().filter(|meaning| meaning.code == *code).count();
            assert_eq!(found, 1, "{name} {code}");
        }
        for code in 0..=u16::MAX {
            let meaning = meaning(table, code);
            assert_eq!(meaning.code, code);
            assert!(!meaning.words.is_empty());
            let is_known = table.iter().any(|known| known.code == code);
            assert!(is_known || meaning.outlook == Outlook::Fatal, "{name} {code}");
        }
    }
}

/// What speaks of the moment may be asked again; what speaks of the order never.
#[test]
fn only_refusals_of_the_moment_are_retryable() {
    let retryable = |table: &[Meaning]| -> Vec<u16> {
        let codes = table.iter().filter(|meaning| meaning.outlook == Outlook::Retryable);
        codes.map(|meaning| meaning.code).collect()
    };
    assert_eq!(retryable(BUSINESS), [4, 7, 8, 112, 114, 117]);
    assert_eq!(retryable(ORDER), [1003, 2130, 2500, 7027]);
    assert_eq!(retryable(NEGOTIATION), [1, 2, 3, 15, 16, 17, 27, 28]);
    assert_eq!(retryable(ESTABLISHMENT), [1, 3, 15, 16, 17]);
    assert_eq!(retryable(RETRANSMIT), [3]);
    assert_eq!(retryable(TERMINATE), [0, 20, 24, 26, 28]);
}

/// What the table calls retryable is tried again, and nothing else is.
#[test]
fn a_refused_logon_is_tried_again_as_its_table_says() {
    for (what, table) in [("negotiation", NEGOTIATION), ("establishment", ESTABLISHMENT)] {
        for known in table {
            let refused = LogonError::Refused { what, code: known.code, reason: String::new() };
            let is_tried = resume::after_refusal(Course::Same, &refused) != Course::Stop;
            assert_eq!(is_tried, known.outlook == Outlook::Retryable, "{what} {}", known.code);
        }
    }
}
