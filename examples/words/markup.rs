//! What of a text is not for people to read, and the rest of it.
//!
//! Not a parser, but a handful of rules that are right for nearly all pages and quick for all of
//! them:
//!
//! | markup | from | to |
//! |---|---|---|
//! | tag | `<` and a letter, `/`, `!` or `?` | the next `>` |
//! | script, style | `<script`, `<style` | `</script>`, `</style>` |
//! | character reference | `&` and a letter or `#` | a `;` close by |
//! | escape of a manual page | `\` | as many bytes as the escape has: `\-`, `\(bu`, `\fB`, `\f(CW`, `\f[B]` |

use memchr::{memchr, memchr2, memmem};

/// A character reference is at most so long: `&CounterClockwiseContourIntegral;` and the like are
/// not worth a search.
const REFERENCE_MAX: usize = 12;

/// What of a text is not for people to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Everything is.
    None,
    /// Tags and character references, as in HTML and XML.
    Tags,
    /// Escapes, as in manual pages.
    Escapes,
}

/// The stretches of a text that are not markup, in order.
#[derive(Debug, Clone)]
#[must_use = "the text is searched when the stretches are iterated"]
pub struct Stretches<'text> {
    rest: &'text str,
    markup: Markup,
}

impl Markup {
    /// What is left of `text` without markup.
    pub fn stretches(self, text: &str) -> Stretches<'_> {
        Stretches { rest: text, markup: self }
    }

    /// Where the next markup may begin.
    fn find(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Tags => memchr2(b'<', b'&', bytes),
            Self::Escapes => memchr(b'\\', bytes),
        }
    }

    /// How many bytes the markup that `bytes` may begin with is long; 0 when it is none. Ends
    /// between characters.
    fn length(self, bytes: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Tags => length_of_tag(bytes),
            Self::Escapes => length_of_escape(bytes),
        }
    }
}

impl<'text> Iterator for Stretches<'text> {
    type Item = &'text str;

    fn next(&mut self) -> Option<&'text str> {
        let mut from = 0;
        while !self.rest.is_empty() {
            let bytes = self.rest.as_bytes();
            let Some(at) = self.markup.find(&bytes[from..]).map(|at| from + at) else {
                return Some(std::mem::take(&mut self.rest));
            };
            match self.markup.length(&bytes[at..]) {
                0 => from = at + 1,
                length => {
                    let stretch = &self.rest[..at];
                    self.rest = &self.rest[at + length..];
                    from = 0;
                    if !stretch.is_empty() {
                        return Some(stretch);
                    }
                }
            }
        }
        None
    }
}

fn length_of_tag(bytes: &[u8]) -> usize {
    match bytes {
        [b'<', b's', b'c', b'r', b'i', b'p', b't', ..] => length_to(bytes, "</script>"),
        [b'<', b's', b't', b'y', b'l', b'e', ..] => length_to(bytes, "</style>"),
        [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'!' | b'?', ..] => length_to(bytes, ">"),
        [b'&', b'a'..=b'z' | b'A'..=b'Z' | b'#', ..] => {
            memchr(b';', &bytes[..bytes.len().min(REFERENCE_MAX)]).map_or(0, |end| end + 1)
        }
        _ => 0,
    }
}

fn length_of_escape(bytes: &[u8]) -> usize {
    let length = match bytes {
        [_, b'f', b'[', ..] => return length_to(bytes, "]"),
        [_, b'f', b'(', ..] => 5,
        [_, b'f', ..] => 3,
        [_, b'(', ..] => 4,
        _ => 2,
    };
    // A character outside ASCII is not part of an escape.
    bytes.iter().take(length).take_while(|byte| byte.is_ascii()).count()
}

/// How many bytes there are up to the `end`, which counts, or to the end of all.
fn length_to(bytes: &[u8], end: &str) -> usize {
    memmem::find(bytes, end.as_bytes()).map_or(bytes.len(), |at| at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_tags(text: &str) -> Vec<&str> {
        Markup::Tags.stretches(text).collect()
    }

    #[test]
    fn a_text_without_markup_is_one_stretch() {
        assert_eq!(Markup::None.stretches("a < b").collect::<Vec<_>>(), ["a < b"]);
        assert_eq!(Markup::None.stretches("").count(), 0);
        assert_eq!(without_tags("plain"), ["plain"]);
        assert_eq!(without_tags("").len(), 0);
    }

    #[test]
    fn tags_and_references_are_left_out() {
        assert_eq!(without_tags("<!DOCTYPE html><p class=\"x\">one<br/>two</p>"), ["one", "two"]);
        assert_eq!(without_tags("Vec&lt;u8&gt;&#39;s"), ["Vec", "u8", "s"]);
    }

    #[test]
    fn signs_that_begin_no_markup_stay() {
        assert_eq!(without_tags("1 < 2 & 3 &amp 4 <= 5"), ["1 < 2 & 3 &amp 4 <= 5"]);
        assert_eq!(without_tags("<"), ["<"]);
        assert_eq!(without_tags("é<é&é"), ["é<é&é"]);
    }

    #[test]
    fn scripts_and_styles_are_left_out_whole() {
        assert_eq!(without_tags("one<script src=x>if (a < b) {}</script>two<style>p > b</style>"), ["one", "two"]);
    }

    #[test]
    fn escapes_of_manual_pages_are_left_out() {
        let text = r"\fBcp\fR \-a\(bu\f(CWmono\f[B]bold\f[R]\né\é \";
        let stretches: Vec<_> = Markup::Escapes.stretches(text).collect();
        assert_eq!(stretches, ["cp", " ", "a", "mono", "bold", "é", "é "]);
    }

    #[test]
    fn a_tag_that_never_ends_takes_the_rest() {
        assert_eq!(without_tags("one <two three"), ["one "]);
    }
}
