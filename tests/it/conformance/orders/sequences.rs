//! Numbers: what is missing on either side, and what is not ours.

super::scenarios! { CmeIlink3:
    o02_a_new_session_within_the_week_asks_the_last_one_for_what_it_did_not_deliver =
        "O2" "a new session within the week asks the last one for what it did not deliver";
    o03_what_happened_before_the_weeks_first_logon_is_asked_for_by_it =
        "O3" "what happened before the weeks first logon is asked for by it";
    o03_what_was_filled_before_the_weeks_first_logon_is_told_by_it =
        "O3" "what was filled before the weeks first logon is told by it";
    o09_a_message_of_another_session_ends_this_one_and_is_asked_for_again =
        "O9" "a message of another session ends this one and is asked for again";
    o11_missing_reports_are_asked_for =
        "O11" "missing reports are asked for";
    o11_reports_of_the_last_session_are_sent_again =
        "O11" "reports of the last session are sent again";
    o12_what_is_missing_in_a_retransmission_is_asked_for_again =
        "O12" "what is missing in a retransmission is asked for again";
    o13_live_messages_come_between_those_that_come_again =
        "O13" "live messages come between those that come again";
    o14_a_sequence_that_is_ahead_shows_a_gap =
        "O14" "a sequence that is ahead shows a gap";
    o15_a_refused_retransmission_does_not_stop_the_session =
        "O15" "a refused retransmission does not stop the session";
    o16_what_was_said_to_nobody_is_asked_for_after_the_logon =
        "O16" "what was said to nobody is asked for after the logon";
    o16_a_connection_that_is_lost_within_a_message_misses_nothing =
        "O16" "a connection that is lost within a message misses nothing";
    o17_a_number_that_was_used_before_stops_the_session_for_people =
        "O17" "a number that was used before stops the session for people";
    o18_orders_that_never_arrived_are_said_not_to_have_been_sent =
        "O18" "orders that never arrived are said not to have been sent";
    o19_an_end_in_order_is_followed_by_another_session =
        "O19" "an end in order is followed by another session";
    o20_bytes_that_are_no_message_end_the_session_and_the_next_one_has_all =
        "O20" "bytes that are no message end the session and the next one has all";
    messages_in_pieces_are_read_whole =
        "O20" "messages in pieces are read whole";
    o23_a_session_that_falls_silent_with_an_order_under_way_leaves_nothing_open =
        "O23" "a session that falls silent with an order under way leaves nothing open";
}
