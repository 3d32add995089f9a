//! Orders on a session that stands, or does not.

super::scenarios! { CmeIlink3:
    o10_a_quiet_session_is_kept =
        "O10" "a quiet session is kept";
    o24_too_many_messages_are_refused_and_many_more_end_the_session =
        "O24" "too many messages are refused and many more end the session";
    o25_the_cancels_of_a_lost_connection_are_heard_after_it =
        "O25" "the cancels of a lost connection are heard after it";
    o25_a_cancel_that_meets_the_exchanges_own_ends_each_order_once =
        "O25" "a cancel that meets the exchanges own ends each order once";
    o25_the_cancel_of_a_line_that_breaks_here_is_heard_after_it =
        "O25" "the cancel of a line that breaks here is heard after it";
    o26_an_order_that_is_filled_while_it_is_cancelled_is_filled =
        "O26" "an order that is filled while it is cancelled is filled";
    o26_an_order_that_is_changed_and_cancelled_cannot_be_changed_any_more =
        "O26" "an order that is changed and cancelled cannot be changed any more";
    o26_an_order_rests_and_is_cancelled_once =
        "O26" "an order rests and is cancelled once";
    o27_an_order_in_parts_is_filled_to_the_last_lot =
        "O27" "an order in parts is filled to the last lot";
    o27_a_fill_that_is_taken_back_is_told_once =
        "O27" "a fill that is taken back is told once";
    o27_a_fill_that_is_corrected_is_told_with_its_new_price =
        "O27" "a fill that is corrected is told with its new price";
    o28_a_cancel_that_nobody_asked_for_ends_the_order =
        "O28" "a cancel that nobody asked for ends the order";
    o28_an_order_behind_the_kill_switch_is_refused_with_its_code =
        "O28" "an order behind the kill switch is refused with its code";
    o29_the_older_of_two_own_orders_is_cancelled =
        "O29" "the older of two own orders is cancelled";
    o29_the_newer_of_two_own_orders_is_cancelled =
        "O29" "the newer of two own orders is cancelled";
    o29_an_order_that_would_meet_an_own_is_rejected =
        "O29" "an order that would meet an own is rejected";
    o29_an_id_that_is_not_registered_is_refused =
        "O29" "an id that is not registered is refused";
    o29_parties_are_registered_before_the_first_order =
        "O29" "parties are registered before the first order";
    o29_parties_that_are_refused_are_left_to_people =
        "O29" "parties that are refused are left to people";
    o30_orders_outside_the_open_market_are_rejected =
        "O30" "orders outside the open market are rejected";
    o32_the_ledger_says_of_every_order_what_the_news_said =
        "O32" "the ledger says of every order what the news said";
    o32_the_ledger_says_so_after_lost_connections =
        "O32" "the ledger says so after lost connections";
}
