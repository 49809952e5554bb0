//! Channels: queues with a writer end and a reader end that can be closed.
//!
//! Three flavours, [`unbounded`], [`bounded`] and [`serial`], with the same two types at their ends, [`Writer`] and
//! [`Reader`]. Closing, by either end or by dropping all ends of one kind, wakes every waiter; what is in the channel can
//! still be read. Every wait comes in one grammar: `try_x` never waits, `x` blocks the thread, `x_timeout` and
//! `x_deadline` block until then, `x_async` awaits, on no particular runtime. A read that times out or is cancelled has
//! taken nothing.
//!
//! [`ReadItems`] and [`WriteItems`] are what code that takes any reader or writer needs; [`IteratorReader`] makes a reader of any
//! iterator, [`CallbackReader`] and [`CallbackWriter`] look at what passes.
//!
//! [`Queue`] is the other kind: both ends in one object, for queues that are looked into, counted, ordered by priority or
//! bounded by weight.
//!
//! Not for: broadcasting (each item goes to one reader), rendezvous (a capacity of 0), selecting over several channels.
//! Queues can be selected over, with [`millpond_sync::Select`].
//!
//! # Examples
//!
//! ```
//! let (writer, reader) = millpond_channel::bounded(4);
//! std::thread::spawn(move || writer.write_from(1..=10).expect("the reader is there"));
//! assert_eq!(reader.read(3).unwrap(), [1, 2, 3]);
//! assert_eq!(reader.read_all().unwrap(), [4, 5, 6, 7, 8, 9, 10]);
//! ```

mod between;
mod callback_reader;
mod callback_writer;
mod channel;
mod contents;
mod core;
mod ends;
mod error;
#[expect(unsafe_code, reason = "the one place where a value is reached behind a gate")]
mod exclusive;
#[doc(hidden)]
pub mod fault;
mod iterator_reader;
mod iterators;
mod listening;
mod patience;
mod queue;
mod queues;
mod read_future;
mod read_items;
#[expect(unsafe_code, reason = "the readers' end of the segments")]
mod read_side;
mod reader;
#[expect(unsafe_code, reason = "buffers that two threads use, each its own part")]
mod segment;
mod stream;
mod write_future;
mod write_items;
#[expect(unsafe_code, reason = "the writers' end of the segments")]
mod write_side;
mod writer;

pub use callback_reader::{AfterRead, BeforeRead, CallbackReader};
pub use callback_writer::{BeforeWrite, CallbackWriter};
pub use contents::Contents;
pub use ends::{bounded, serial, unbounded};
pub use error::{ReadError, ReadTimeoutError, TryReadError, TryWriteError, WriteError, WriteTimeoutError};
pub use iterator_reader::IteratorReader;
pub use iterators::{Iter, TryIter};
pub use listening::Listening;
pub use queues::{
    Asked, DoneTooOften, Fifo, Get, GetError, GetFuture, GetManyFuture, Item, Lifo, LifoQueue, Priority, PriorityQueue,
    Put, PutError, PutFuture, Queue, State, Store,
};
pub use read_future::{ReadFuture, ReadOneFuture};
pub use read_items::{AnyReader, ReadItems};
pub use reader::Reader;
pub use write_future::{WriteAllFuture, WriteFuture};
pub use write_items::WriteItems;
pub use writer::Writer;
