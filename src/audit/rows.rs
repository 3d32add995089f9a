//! Tables by the row numbers that records name.
//!
//! A number in a damaged or foreign record may be anything, so a table grows only as far as one of
//! a real record could. Called by whoever remembers what records said of rows.

/// Rows that no table of a real record exceeds.
pub(super) const MAX_ROWS: u32 = 1 << 17;

/// Puts `what` into its row; rows of numbers that no real record has are not made.
pub(super) fn put<T: Clone>(rows: &mut Vec<Option<T>>, row: u32, what: T) {
    if row >= MAX_ROWS {
        return;
    }
    let row = row as usize;
    if rows.len() <= row {
        rows.resize(row + 1, None);
    }
    rows[row] = Some(what);
}
