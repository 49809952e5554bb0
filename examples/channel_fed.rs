//! A source that another thread writes to: demand for what is not written yet waits, and occupies
//! no worker.

use std::error::Error;
use std::thread;
use std::time::Duration;

use millpond::{Pool, channel};

/// Reads what a thread writes, at the reader's pace.
pub fn main() -> Result<(), Box<dyn Error>> {
    // At most 4 items wait in the channel: a writer that is quicker than the reader blocks.
    let (writer, reader) = channel::bounded(4);
    let pool = Pool::new(2);
    let mut lines = pool.channel(reader).named("feed").map(|number: u32| format!("line {number}"));

    // Nothing has been written: a read gives up in time, and nothing is lost by that.
    let error = lines.read_timeout(1, Duration::from_millis(1)).expect_err("an empty channel");
    println!("{error}");
    assert!(error.is_timed_out());

    let feeder = thread::spawn(move || {
        for number in 0..1_000 {
            writer.write(number)?;
        }
        // Dropping the last writer closes the channel, which is the source's end.
        Ok::<(), channel::WriteError<u32>>(())
    });
    assert_eq!(lines.read(2)?, ["line 0", "line 1"]);
    assert_eq!(lines.by_ref().take(100).count(), 100);
    println!("read as much as was wanted");

    // Without a reader the channel is closed to the writer too, which gets its item back.
    drop(lines);
    let error = feeder.join().expect("no panic").expect_err("nobody reads any more");
    println!("the feeder stopped: {error}");
    Ok(())
}
