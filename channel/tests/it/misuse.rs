//! Items whose own code uses the channel.

use millpond_channel::{Reader, Writer, serial, unbounded};
use std::sync::{Arc, Mutex};

/// Writes to a channel when it is dropped.
struct WritesOnDrop(Arc<Mutex<Option<Writer<WritesOnDrop>>>>, Arc<Mutex<usize>>);

impl Drop for WritesOnDrop {
    fn drop(&mut self) {
        *self.1.lock().unwrap() += 1;
        let writer = self.0.lock().unwrap().take();
        if let Some(writer) = writer {
            // Closed by now: it comes back, and is dropped here.
            let back = writer.write(WritesOnDrop(Arc::clone(&self.0), Arc::clone(&self.1)));
            assert!(back.is_err());
        }
    }
}

fn dropping_the_reader_runs_items_that_write((writer, reader): (Writer<WritesOnDrop>, Reader<WritesOnDrop>)) {
    let (shared, drops) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(0)));
    assert!(writer.write(WritesOnDrop(Arc::clone(&shared), Arc::clone(&drops))).is_ok());
    *shared.lock().unwrap() = Some(writer);
    drop(reader);
    assert_eq!(*drops.lock().unwrap(), 2);
}

#[test]
fn an_item_may_use_the_channel_while_it_is_dropped_by_it() {
    dropping_the_reader_runs_items_that_write(unbounded());
    dropping_the_reader_runs_items_that_write(serial());
}

#[test]
fn an_iterator_may_use_the_channel_that_it_is_written_to() {
    for (writer, reader) in [unbounded(), serial()] {
        writer.write(0).unwrap();
        let again = std::iter::from_fn(|| reader.try_read_one().ok().filter(|&item| item < 3).map(|item| item + 1));
        assert_eq!(writer.write_from(again), Ok(1), "an iterator that has ended is not asked again");
        assert_eq!(reader.try_read(usize::MAX).unwrap(), [1]);
    }
}
