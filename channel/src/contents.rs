//! A look at the items in a channel, which takes none.

use std::fmt;

use crate::channel::{Channel, with_core};
use crate::reader::Reader;

/// Shows the items in a channel, to a garbage collector say. No end of it: the channel closes as if
/// this were not there.
///
/// ```
/// let (writer, reader) = millpond_channel::unbounded();
/// writer.write_from(1..=3)?;
/// let contents = reader.contents();
/// reader.read(1)?;
/// let mut seen = Vec::new();
/// contents.visit(&mut |item| seen.push(*item));
/// assert_eq!((seen, reader.len()), (vec![2, 3], 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Contents<T>(Channel<T>);

impl<T> Contents<T> {
    /// Shows `visitor` each item, in order, while readers wait. The visitor must be short and must
    /// not use the channel.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    pub fn visit(&self, visitor: &mut dyn FnMut(&T)) {
        with_core!(&self.0, core => core.visit(visitor));
    }
}

impl<T> Reader<T> {
    /// A look at the items in the channel.
    pub fn contents(&self) -> Contents<T> {
        Contents(self.channel.share())
    }
}

impl<T> fmt::Debug for Contents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("Contents", f)
    }
}
