//! The two lines of a feed.

use xmc_hotpath::port::Line;

#[test]
fn both_lines_have_their_letters_in_order() {
    assert_eq!(Line::BOTH.map(Line::letter), ['A', 'B']);
    assert!(Line::A < Line::B);
}
