//! The same cases at the simulated counter, as far as it has anything of the kind.

super::scenarios! { EsunnyDstar:
    o01_an_account_is_logged_on_and_its_contracts_are_read =
        "O1" "an account is logged on and its contracts are read";
    o05_a_wrong_password_is_refused =
        "O5" "a wrong password is refused";
    o08_a_lost_connection_is_told_and_what_is_sent_without_one_comes_back =
        "O8" "a lost connection is told and what is sent without one comes back";
    o08_another_logon_is_told_again_what_the_last_one_was_told =
        "O8" "another logon is told again what the last one was told";
    o18_a_request_that_is_lost_is_found_out_and_not_sent_again =
        "O18" "a request that is lost is found out and not sent again";
    o26_an_order_rests_and_is_cancelled_once =
        "O26" "an order rests and is cancelled once";
    o27_an_order_in_parts_is_filled_to_the_last_lot =
        "O27" "an order in parts is filled to the last lot";
    o29_an_order_that_would_meet_an_own_is_rejected =
        "O29" "an order that would meet an own is rejected";
    o30_orders_outside_the_open_market_are_rejected =
        "O30" "orders outside the open market are rejected";
    o32_the_ledger_says_of_every_order_what_the_news_said =
        "O32" "the ledger says of every order what the news said";
}
