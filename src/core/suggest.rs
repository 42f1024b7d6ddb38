//! Finds the word a user probably meant.
//!
//! Holds one measure of nearness for keys, names, options and roles alike, so that every message suggests in the same
//! way. Knows nothing of where the words come from.

/// Finds the word of `known` that `word` is most likely a misspelling of.
///
/// Near means: at most one edit in three characters (an edit inserts, deletes, replaces or swaps neighbours), case not
/// counted; of two characters one may be missing. Of equally near words the first wins. None when nothing is near; never
/// an empty word.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let limit = (word.len() / 3).max(1);
    known
        .filter(|candidate| !candidate.is_empty())
        .filter_map(|candidate| {
            let length = candidate.chars().count();
            let limit = limit.min(length.max(word.len()) / 3);
            let edits = (length.abs_diff(word.len()) <= limit).then(|| distance(&word, candidate));
            Some((edits.filter(|edits| *edits <= limit)?, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The number of edits between two words: the "optimal string alignment" distance, which counts a swap as one.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut edits = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                edits = edits.min(before_last[j - 2] + 1);
            }
            row.push(edits);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expect: Option<&str>) {
        let known = ["cmd", "deps", "outs", "params", "metrics", "always_changed"];
        assert_eq!(nearest(word, known.into_iter()), expect, "{word}");
    }

    #[test]
    fn finds_what_was_meant() {
        check("dep", Some("deps"));
        check("dpes", Some("deps"));
        check("Outs", Some("outs"));
        check("parms", Some("params"));
        check("alway_changd", Some("always_changed"));
        check("cdm", Some("cmd"));
    }

    #[test]
    fn stays_silent_when_nothing_is_near() {
        check("wdir", None);
        check("image", None);
        check("", None);
    }

    #[test]
    fn a_short_word_is_near_to_few() {
        let near = |word: &str, known: &'static str| nearest(word, [known].into_iter());
        assert_eq!(near("x", "y"), None);
        assert_eq!(near("x", ""), None);
        assert_eq!(near("x", "xy"), None);
        assert_eq!(near("", ""), None);
        assert_eq!(near("lr", "mu"), None);
        assert_eq!(near("lr", "lm"), None);
        assert_eq!(near("X", "x"), Some("x"));
        assert_eq!(near("cm", "cmd"), Some("cmd"));
    }

    #[test]
    fn prefers_the_nearest() {
        assert_eq!(
            nearest("train", ["trains", "train", "brain"].into_iter()),
            Some("train")
        );
    }
}
