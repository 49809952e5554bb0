//! Reads of every kind, each judged by the model.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream as _;
use millpond_pool::ReadError;
use millpond_sync::Parker;

use super::instruction::Operation;
use super::stream::{Asked, Came, Stream, Wrong};
use super::world::World;

impl World {
    /// What a read of `least` to `most` items may come to.
    pub(super) fn asked(&self, least: usize, most: usize) -> Asked {
        Asked { least, most, may_time_out: false, may_be_busy: self.may_be_busy(), may_be_gone: false }
    }

    /// Reads once and judges it.
    fn judged(
        &self,
        stream: &mut Stream,
        asked: Asked,
        read: impl FnOnce(&mut Stream) -> Result<Vec<u64>, ReadError>,
    ) -> Result<Came, Wrong> {
        let alone = stream.is_alone();
        let result = read(stream);
        let came = stream.judge(&result, asked, alone)?;
        self.note(|tally| {
            tally.reads += 1;
            match (&result, came) {
                (_, Came::Items(count)) => tally.items += count as u64,
                (Err(ReadError::TimedOut { .. }), _) => tally.timed_out += 1,
                (Err(ReadError::SerialBusy { .. }), _) => tally.busy += 1,
                _ => {}
            }
        });
        Ok(came)
    }

    /// Reads all that is left.
    pub(super) fn drain(&self, stream: &mut Stream) -> Result<(), Wrong> {
        let all = self.asked(usize::MAX, usize::MAX);
        loop {
            match self.judged(stream, all, |stream| stream.reader().read_all())? {
                Came::End => return Ok(()),
                Came::Unread(unread) => {
                    let asked = self.asked(unread, unread);
                    self.judged(stream, asked, |stream| stream.reader().read(unread))?;
                }
                Came::Items(_) | Came::Nothing => {}
            }
        }
    }

    /// A task on a further reader, which reads so many items and is dropped: it must leave the others all the rest.
    fn visit(&self, stream: &mut Stream, count: usize) -> Result<(), Wrong> {
        const MARK: u64 = 0x5555_5555_5555_5555;
        stream.join();
        let witness = self.witness();
        let mut visitor = stream.reader().clone().map(move |item| {
            witness();
            item ^ MARK
        });
        let mut missing = count;
        let mut turn = count;
        while missing > 0 {
            turn += 1;
            let count = if turn % 4 == 1 { missing.min(5) } else { missing };
            let read = |_: &mut Stream| -> Result<Vec<u64>, ReadError> {
                let items = match turn % 4 {
                    0 => visitor.read_timeout(count, Duration::from_micros(turn as u64 % 50)),
                    1 => Parker::block_on(visitor.read_async(count)),
                    2 => {
                        let poll = pin!(visitor.read_async(count)).poll(&mut Context::from_waker(Waker::noop()));
                        let Poll::Ready(items) = poll else {
                            return Err(ReadError::NotYet { task: "given up".into() });
                        };
                        items
                    }
                    _ => visitor.read(count),
                };
                Ok(items?.into_iter().map(|item| item ^ MARK).collect())
            };
            let asked = Asked { may_time_out: true, ..self.asked(count, count) };
            match self.judged(stream, asked, read)? {
                Came::Items(some) => missing -= some,
                Came::Nothing => self.yield_now(),
                // What the task has made of the shared items, nobody else can read.
                Came::Unread(unread) => missing = missing.min(unread),
                Came::End => break,
            }
        }
        drop(visitor);
        stream.leave();
        self.note(|tally| tally.dropped += 1);
        Ok(())
    }

    /// Iterates over up to `count` items by `next`.
    fn iterate(
        &self,
        stream: &mut Stream,
        count: usize,
        mut next: impl FnMut(&mut Stream) -> Option<Result<u64, ReadError>>,
    ) -> Result<(), Wrong> {
        stream.iterates();
        for _ in 0..count {
            let mut is_over = false;
            let asked = self.asked(1, 1);
            let came = self.judged(stream, asked, |stream| match next(stream) {
                Some(item) => item.map(|item| vec![item]),
                None => {
                    is_over = true;
                    Ok(Vec::new())
                }
            });
            // An iteration gives an error once and then nothing, which is not its stream's end.
            if is_over {
                // What a reader that shared the items had taken ahead may have come back since: that is there for reads.
                if std::mem::replace(&mut stream.is_iterated_out, true) {
                    return Ok(());
                }
                return if stream.is_alone() && stream.group.lock().left.is_empty() { Ok(()) } else { came.map(drop) };
            }
            match came? {
                Came::Items(_) => {}
                // Whatever error it was, the iteration is over by it.
                Came::Nothing => {
                    stream.is_iterated_out = true;
                    break;
                }
                Came::Unread(_) | Came::End => break,
            }
        }
        Ok(())
    }

    /// Does what is a read, or goes by one.
    pub(super) fn read(&self, stream: &mut Stream, operation: Operation) -> Result<(), Wrong> {
        let micros = Duration::from_micros;
        let timed = |asked: Asked| Asked { may_time_out: true, ..asked };
        match operation {
            Operation::Read(count) => {
                self.judged(stream, self.asked(count, count), |stream| stream.reader().read(count))?;
            }
            Operation::ReadAll => {
                self.judged(stream, self.asked(usize::MAX, usize::MAX), |stream| stream.reader().read_all())?;
            }
            Operation::ReadSome(most) => {
                stream.iterates();
                self.judged(stream, self.asked(most.min(1), most), |stream| stream.reader().read_some(most))?;
            }
            Operation::TryRead(count) => {
                let alone = stream.is_alone();
                if let Some(result) = stream.reader().try_read(count).transpose() {
                    stream.judge(&result, self.asked(count.min(1), count), alone)?;
                    let items = result.map_or(0, |items| items.len());
                    self.note(|tally| tally.items += items as u64);
                }
            }
            Operation::ReadTimeout(count, time) => {
                let read = |stream: &mut Stream| stream.reader().read_timeout(count, micros(time));
                self.judged(stream, timed(self.asked(count, count)), read)?;
            }
            Operation::ReadAllTimeout(time) => {
                let read = |stream: &mut Stream| stream.reader().read_all_timeout(micros(time));
                self.judged(stream, timed(self.asked(usize::MAX, usize::MAX)), read)?;
            }
            Operation::ReadSomeTimeout(most, time) => {
                let read = |stream: &mut Stream| stream.reader().read_some_timeout(most, micros(time));
                self.judged(stream, timed(self.asked(most.min(1), most)), read)?;
            }
            Operation::ReadSomeAsync(most) => {
                stream.iterates();
                let read = |stream: &mut Stream| Parker::block_on(stream.reader().read_some_async(most));
                self.judged(stream, self.asked(most.min(1), most), read)?;
            }
            Operation::Iterate(count) => self.iterate(stream, count, |stream| stream.reader().next())?,
            Operation::NextNow(count) => {
                stream.iterates();
                for _ in 0..count {
                    let alone = stream.is_alone();
                    let Some(item) = stream.reader().next_now() else { break };
                    stream.judge(&Ok(vec![item]), self.asked(1, 1), alone)?;
                    self.note(|tally| tally.items += 1);
                }
            }
            Operation::ReadAsync(count) => {
                let read = |stream: &mut Stream| Parker::block_on(stream.reader().read_async(count));
                self.judged(stream, self.asked(count, count), read)?;
            }
            Operation::Stream(count) => {
                self.iterate(stream, count, |stream| {
                    Parker::block_on(poll_fn(|context| Pin::new(&mut *stream.reader()).poll_next(context)))
                })?;
            }
            Operation::Abandon(count) => {
                stream.iterates();
                let asked = self.asked(count, count);
                let alone = stream.is_alone();
                let poll = pin!(stream.reader().read_async(count)).poll(&mut Context::from_waker(Waker::noop()));
                match poll {
                    Poll::Ready(result) => {
                        stream.judge(&result, asked, alone)?;
                        let items = result.map_or(0, |items| items.len());
                        self.note(|tally| tally.items += items as u64);
                    }
                    Poll::Pending => self.note(|tally| tally.abandoned += 1),
                }
            }
            Operation::Unread(count) => {
                stream.iterates();
                let alone = stream.is_alone();
                let result = stream.reader().read(count);
                stream.judge(&result, self.asked(count, count), alone)?;
                if let Ok(items) = result {
                    stream.uncross(&items);
                    stream.reader().unread(items);
                }
            }
            Operation::GiveBack => stream.reader().give_back_ahead(),
            Operation::Visit(count) if !stream.is_rounded => self.visit(stream, count)?,
            Operation::Visit(_) => {}
            _ => unreachable!("only reads"),
        }
        Ok(())
    }
}
