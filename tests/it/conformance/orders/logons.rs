//! Sessions that begin, end, and begin again.

super::scenarios! { CmeIlink3:
    o01_a_week_begins_with_another_session_and_number_one =
        "O1" "a week begins with another session and number one";
    o01_a_week_ends_as_planned_and_the_next_one_begins =
        "O1" "a week ends as planned and the next one begins";
    o01_a_session_that_the_exchange_ends_between_two_weeks_is_not_followed_by_another =
        "O1" "a session that the exchange ends between two weeks is not followed by another";
    o01_an_order_that_outlives_its_week_does_not_keep_the_next_one_waiting =
        "O1" "an order that outlives its week does not keep the next one waiting";
    o01_a_session_is_negotiated_and_established =
        "O1" "a session is negotiated and established";
    o02_a_second_session_of_the_week_follows_the_first =
        "O2" "a second session of the week follows the first";
    o04_an_establish_without_an_answer_is_said_again =
        "O4" "an establish without an answer is said again";
    o05_every_negotiation_reject_is_mapped =
        "O5" "every negotiation reject is mapped";
    o05_a_wrong_key_is_refused =
        "O5" "a wrong key is refused";
    o06_every_establishment_reject_is_mapped =
        "O6" "every establishment reject is mapped";
    o06_an_interval_that_cannot_be_kept_is_refused =
        "O6" "an interval that cannot be kept is refused";
    o07_a_reject_that_a_terminate_follows_is_survived =
        "O7" "a reject that a terminate follows is survived";
    o08_a_lost_connection_comes_back_under_its_number =
        "O8" "a lost connection comes back under its number";
    o08_a_line_that_breaks_here_is_established_again =
        "O8" "a line that breaks here is established again";
    o10_signs_of_life_keep_a_quiet_session =
        "O10" "signs of life keep a quiet session";
    o10_two_silent_intervals_end_a_session_and_the_next_one_is_whole =
        "O10" "two silent intervals end a session and the next one is whole";
    o19_an_end_that_no_logon_mends_is_left_to_people =
        "O19" "an end that no logon mends is left to people";
    o19_an_engine_that_leaves_is_answered =
        "O19" "an engine that leaves is answered";
    o21_the_backup_address_goes_on_with_the_sequence =
        "O21" "the backup address goes on with the sequence";
    o22_a_second_connection_is_refused_and_the_first_stands =
        "O22" "a second connection is refused and the first stands";
    o31_a_key_is_changed_while_the_session_stands =
        "O31" "a key is changed while the session stands";
    o31_a_key_that_is_about_to_expire_is_told =
        "O31" "a key that is about to expire is told";
}
