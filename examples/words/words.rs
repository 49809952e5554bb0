//! Words and how often they occur.
//!
//! A word is a run of letters, digits and underscores that begins with a letter, in lower case, of
//! 2 to [`WORD_MAX`] bytes; longer runs are data and not words. ASCII goes through a table of 256
//! entries, the rest through Unicode's own.
//!
//! [`WordCounts`] keeps all its words in one string, one after the other, and a hash table of
//! places in it: two allocations for a document of any size, 16 bytes and the word itself for each
//! distinct word.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::markup::Markup;

/// A word has at most so many bytes.
pub const WORD_MAX: usize = 40;

/// What a byte is to the tokeniser.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Ends a word.
    Other,
    /// A digit or an underscore: goes on with a word, begins none.
    Digit,
    /// A lower-case letter.
    Lower,
    /// An upper-case letter.
    Upper,
    /// Part of a character outside ASCII.
    Wide,
}

/// What each byte is.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            b'0'..=b'9' | b'_' => Class::Digit,
            128..=255 => Class::Wide,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// How often each word occurs. See the [module documentation](self).
#[derive(Default, Clone)]
pub struct WordCounts {
    /// All words, one after the other.
    text: String,
    /// Where each word is in `text`.
    places: HashTable<Place>,
    /// What `places` is hashed with.
    hasher: DefaultHashBuilder,
    /// The sum of all counts.
    total: u64,
}

/// One distinct word.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    length: u8,
    count: u64,
}

impl Place {
    fn word(self, text: &str) -> &str {
        let start = self.start as usize;
        &text[start..start + usize::from(self.length)]
    }
}

impl WordCounts {
    /// Counts the words of a text without its markup.
    #[must_use]
    pub fn of(text: &str, markup: Markup) -> Self {
        let mut counts = Self::default();
        for stretch in markup.stretches(text) {
            counts.count(stretch);
        }
        counts
    }

    /// Counts the words of `text` too.
    pub fn count(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut lower = [0_u8; WORD_MAX];
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            let mut is_wide = false;
            let mut is_mixed = false;
            while let Some(&byte) = bytes.get(at) {
                match CLASSES[usize::from(byte)] {
                    Class::Other => break,
                    Class::Upper => is_mixed = true,
                    Class::Wide => is_wide = true,
                    Class::Digit | Class::Lower => {}
                }
                at += 1;
            }
            let run = &text[start..at];
            at += 1;
            if is_wide {
                self.count_wide(run);
                continue;
            }
            let word = run.trim_start_matches(|first: char| first.is_ascii_digit() || first == '_');
            if !(2..=WORD_MAX).contains(&word.len()) {
                continue;
            }
            if is_mixed {
                let lower = &mut lower[..word.len()];
                lower.copy_from_slice(word.as_bytes());
                lower.make_ascii_lowercase();
                self.add(std::str::from_utf8(lower).expect("ASCII in lower case is ASCII"), 1);
            } else {
                self.add(word, 1);
            }
        }
    }

    /// Counts the words in a run that has characters outside ASCII, which may be letters or not.
    #[cold]
    fn count_wide(&mut self, run: &str) {
        for word in run.split(|character: char| !(character.is_alphanumeric() || character == '_')) {
            let word = word.trim_start_matches(|first: char| !first.is_alphabetic());
            if (2..=WORD_MAX).contains(&word.len()) {
                let lower = word.to_lowercase();
                if lower.len() <= WORD_MAX {
                    self.add(&lower, 1);
                }
            }
        }
    }

    /// Adds what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for place in &other.places {
            self.add(place.word(&other.text), place.count);
        }
    }

    /// # Panics
    /// When the distinct words together are longer than 4 GiB.
    fn add(&mut self, word: &str, count: u64) {
        let Self { text, places, hasher, total } = self;
        *total += count;
        let entry = places.entry(
            hasher.hash_one(word),
            |place| place.word(text) == word,
            |place| hasher.hash_one(place.word(text)),
        );
        match entry {
            Entry::Occupied(mut place) => place.get_mut().count += count,
            Entry::Vacant(free) => {
                let start = u32::try_from(text.len()).expect("counting words: at most 4 GiB of distinct words");
                let length = u8::try_from(word.len()).expect("a word has at most WORD_MAX bytes");
                free.insert(Place { start, length, count });
                text.push_str(word);
            }
        }
    }

    /// How many words were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of them are distinct.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.places.len()
    }

    /// A number that is the same for the same words with the same counts, and hardly ever for
    /// others.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let of_one = |place: &Place| {
            BuildHasherDefault::<DefaultHasher>::default().hash_one((place.word(&self.text), place.count))
        };
        self.places.iter().map(of_one).fold(0, u64::wrapping_add)
    }

    /// The `n` words that occur most often with their counts, the most frequent first, equals in
    /// alphabetical order.
    #[must_use]
    pub fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut best = BinaryHeap::with_capacity(n.min(self.distinct()) + 1);
        for place in &self.places {
            best.push(Reverse((place.count, Reverse(place.word(&self.text)))));
            if best.len() > n {
                best.pop();
            }
        }
        best.into_sorted_vec().into_iter().map(|Reverse((count, Reverse(word)))| (word, count)).collect()
    }
}

/// Whether the same words were counted equally often, in whatever order.
impl PartialEq for WordCounts {
    fn eq(&self, other: &Self) -> bool {
        self.total == other.total
            && self.distinct() == other.distinct()
            && self.top(self.distinct()) == other.top(other.distinct())
    }
}

impl Eq for WordCounts {}

impl fmt::Debug for WordCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordCounts").field("total", &self.total).field("distinct", &self.distinct()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn counted(text: &str) -> Vec<(String, u64)> {
        let counts = WordCounts::of(text, Markup::None);
        counts.top(counts.distinct()).into_iter().map(|(word, count)| (word.to_owned(), count)).collect()
    }

    /// The same rule, written for clarity.
    fn counted_slowly(text: &str) -> Vec<(String, u64)> {
        let mut counts = HashMap::<String, u64>::new();
        for run in text.split(|character: char| !(character.is_alphanumeric() || character == '_')) {
            let word = run.trim_start_matches(|first: char| !first.is_alphabetic());
            let lower = word.to_lowercase();
            if (2..=WORD_MAX).contains(&word.len()) && lower.len() <= WORD_MAX {
                *counts.entry(lower).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        counts
    }

    #[test]
    fn words_are_counted_whatever_their_case() {
        assert_eq!(
            counted("The mill, the MILL and_the pond"),
            [("mill", 2), ("the", 2), ("and_the", 1), ("pond", 1)].map(|(word, count)| (word.to_owned(), count))
        );
    }

    #[test]
    fn digits_and_underscores_begin_no_word() {
        assert_eq!(
            counted("__x1y 42 7z9 u64"),
            [("u64", 1), ("x1y", 1), ("z9", 1)].map(|(word, count)| (word.to_owned(), count))
        );
    }

    #[test]
    fn single_letters_and_endless_runs_are_no_words() {
        assert_eq!(
            counted(&format!("a b {} {}", "x".repeat(WORD_MAX + 1), "y".repeat(WORD_MAX))),
            [("y".repeat(WORD_MAX), 1)]
        );
    }

    #[test]
    fn letters_outside_ascii_count_and_other_signs_end_a_word() {
        assert_eq!(
            counted("Schön—schÖn “mill”"),
            [("schön", 2), ("mill", 1)].map(|(word, count)| (word.to_owned(), count))
        );
    }

    #[test]
    fn the_top_is_cut_off_after_the_most_frequent() {
        let counts = WordCounts::of("aa bb bb cc cc dd dd dd", Markup::None);
        assert_eq!(counts.top(2), [("dd", 3), ("bb", 2)]);
        assert_eq!(counts.top(0), []);
        assert_eq!(counts.total(), 8);
        assert_ne!(counts.fingerprint(), WordCounts::of("aa aa bb cc cc dd dd dd", Markup::None).fingerprint());
        assert_eq!(counts.distinct(), 4);
    }

    proptest! {
        #[test]
        fn counting_agrees_with_the_slow_way(text in "[a-cA-C0-2_ é—ßİ<&;]{0,80}") {
            prop_assert_eq!(counted(&text), counted_slowly(&text));
        }

        #[test]
        fn merging_parts_gives_what_counting_the_whole_gives(parts in prop::collection::vec("[ab ]{0,20}", 0..8)) {
            let mut merged = WordCounts::default();
            for part in &parts {
                merged.merge(&WordCounts::of(part, Markup::None));
            }
            let whole = WordCounts::of(&parts.join(" "), Markup::None);
            prop_assert_eq!(merged.fingerprint(), whole.fingerprint());
            prop_assert_eq!(merged, whole);
        }
    }
}
