//! A look at the items in a channel, beside whoever writes and reads them.

use loom::thread;
use millpond_channel::fault::Fault;
use millpond_channel::{Contents, unbounded};
use millpond_sync::fault;

use crate::Kept;

const ITEMS: [u32; 3] = [1, 2, 3];

fn seen(contents: &Contents<u32>) -> Vec<u32> {
    let mut seen = Vec::new();
    contents.visit(&mut |item| seen.push(*item));
    seen
}

/// ```text
/// writer   push   push   next segment   push
/// visitor       look … look
/// ```
#[test]
fn a_look_beside_a_writer_shows_what_has_come_so_far() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let contents = reader.contents();
        let write = thread::spawn(move || {
            ITEMS.into_iter().for_each(|item| writer.try_write(item).unwrap());
            writer
        });
        let first = seen(&contents);
        assert!(ITEMS.starts_with(&first), "{first:?}");
        let writer = write.join().unwrap();
        assert_eq!(seen(&contents), ITEMS);
        assert_eq!(reader.try_read(3).unwrap(), ITEMS);
        assert!(seen(&contents).is_empty());
        drop(writer);
    });
}

/// ```text
/// reader   pop   pop   segment goes back   pop
/// visitor      look
/// ```
#[test]
fn a_look_beside_a_reader_shows_what_is_left() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let contents = reader.contents();
        ITEMS.into_iter().for_each(|item| writer.try_write(item).unwrap());
        let read = thread::spawn(move || {
            let items: Vec<u32> = (0..3).map(|_| reader.try_read_one().unwrap()).collect();
            (items, reader)
        });
        let left = seen(&contents);
        assert!(ITEMS.ends_with(&left), "{left:?}");
        let (items, reader) = read.join().unwrap();
        assert_eq!(items, ITEMS);
        assert!(seen(&contents).is_empty());
        drop((writer, reader));
    });
}

/// ```text
/// reader   take the batch whole: its buffer leaves the segment
/// visitor      look
/// writer           push
/// ```
#[test]
fn a_look_at_a_batch_shows_all_of_it_or_none() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let contents = reader.contents();
        writer.write_all(vec![1, 2]).unwrap();
        let read = thread::spawn(move || (reader.read(2).unwrap(), reader));
        let write = thread::spawn(move || {
            writer.try_write(3).unwrap();
            writer
        });
        let there = seen(&contents);
        assert!([&[][..], &[1, 2], &[1, 2, 3], &[3]].contains(&&there[..]), "{there:?}");
        let (items, reader) = read.join().unwrap();
        assert_eq!(items, [1, 2]);
        let writer = write.join().unwrap();
        assert_eq!(seen(&contents), [3]);
        drop((writer, reader));
    });
}

/// ```text
/// writer    item into its slot   count
/// visitor                             count   item in its slot
/// ```
#[test]
#[should_panic(expected = "Causality violation")]
fn a_look_at_an_item_that_is_counted_before_it_is_there_is_found() {
    fault::set(Fault::EarlyPublication);
    loom::model(|| {
        let (writer, reader) = unbounded();
        let (writer, reader) = (Kept::new(writer), Kept::new(reader));
        let contents = Kept::new(reader.contents());
        writer.try_write(1).unwrap();
        let write = thread::spawn(move || writer.try_write(2).unwrap());
        assert!(!seen(&contents).is_empty());
        write.join().unwrap();
    });
}
