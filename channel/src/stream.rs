//! The reader as a stream.

use crate::channel::{OwnedList, Side, with_core};
use crate::reader::Reader;
use futures_core::Stream;
use millpond_sync::Waiter;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Ends when the channel is closed and empty. A reader that is pending as a stream and then dropped, or never polled
/// again, keeps nobody waiting once it is dropped.
impl<T> Stream for Reader<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { channel, stream } = self.get_mut();
        let waiter = stream.get_or_insert_with(|| Waiter::new(OwnedList::new(channel.share(), Side::Readers)));
        let item = ready!(waiter.poll(context, || with_core!(channel, core => core.attempt_read_one())));
        Poll::Ready(item.ok())
    }
}

impl<T> Unpin for Reader<T> {}
