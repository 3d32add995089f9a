//! "Did you mean": the known word nearest to a misspelt one.

/// The word of `known` that `word` was probably meant to be, if one is near enough.
///
/// Near is at most a third of the word's letters changed, so that short keys do not attract
/// everything.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let most = word.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(changes, _)| *changes <= most)
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// Letters inserted, removed, replaced, or swapped with their neighbour to turn one into the other.
fn distance(source: &str, target: &str) -> usize {
    let (source, target) = (letters(source), letters(target));
    let width = target.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (i, from) in source.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, to) in target.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(from != to);
            let mut best = replaced.min(row[j] + 1).min(rows[i][j + 1] + 1);
            if i > 0 && j > 0 && source[i - 1] == *to && target[j - 1] == *from {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row[j + 1] = best;
        }
        rows.push(row);
    }
    rows[source.len()][target.len()]
}

fn letters(word: &str) -> Vec<char> {
    word.chars().map(|letter| if letter == '-' { '_' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_slip_of_a_finger_and_nothing_far() {
        let keys = ["max_units", "clip_units", "tick_size"];
        assert_eq!(nearest("max_unist", keys), Some("max_units"));
        assert_eq!(nearest("tick-size", keys), Some("tick_size"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn counts_each_kind_of_slip_once() {
        assert_eq!(distance("core", "core"), 0);
        assert_eq!(distance("core", "cores"), 1);
        assert_eq!(distance("core", "cor"), 1);
        assert_eq!(distance("core", "cote"), 1);
        assert_eq!(distance("core", "croe"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
