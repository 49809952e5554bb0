//! Errors are never silent: a task stops at them, or calls again, or sends what it cannot take to a
//! reader of its own.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millpond::{Pool, ReadError, Retry};

const LINES: [&str; 5] = ["12", "7", "many", "0", "3"];

/// Parses lines, one of which is no number, under each policy.
pub fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(2);

    // Stop: a read that wants more than there is before the failing item gets the error, which
    // names the task, the place and the item, and how many items a smaller read can still get.
    let mut numbers = pool.source(LINES).try_map(str::parse::<u32>).named("parse");
    let error = numbers.read_all().expect_err("the third line is no number");
    println!("{error}");
    let failed = error.as_task_error().ok_or("a task failed")?;
    assert_eq!((failed.task(), failed.index(), failed.unread()), ("parse", 2, 2));
    assert_eq!(numbers.read(2)?, [12, 7]);

    // Reject: the rest goes on, and what failed can be read with its error.
    let (mut numbers, mut rejected) = pool.source(LINES).try_map_or_reject(Retry::NEVER, |line| line.parse::<u32>());
    assert_eq!(numbers.read_all()?, [12, 7, 0, 3]);
    for rejected in rejected.read_all()? {
        println!("rejected `{}`: {rejected}", rejected.item);
    }

    // Retry: up to three more calls per item, with a wait that doubles.
    let calls = AtomicU32::new(0);
    let unreliable = move |line: &&str| match calls.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Err("the line was busy"),
        _ => Ok(line.len()),
    };
    let retry = Retry::times(3).wait(Duration::from_micros(10)).doubling();
    let lengths = pool.source(LINES).concurrency(1).retry_map(retry, unreliable);
    assert_eq!(lengths.fold(0, |sum, length| sum + length)?, 9);

    // A panic is an error like any other, and the pool goes on.
    let mut inverse = pool.source([4_u32, 2, 0]).map(|number| 100 / number).named("divide");
    let outcome: Result<Vec<u32>, ReadError> = inverse.by_ref().collect();
    println!("{}", outcome.expect_err("a division by 0"));
    assert_eq!(pool.source([1, 2]).read_all()?, [1, 2]);
    Ok(())
}
