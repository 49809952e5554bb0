//! Being told when to try again.

use crate::setup::Wakes;
use millpond_channel::{TryReadError, bounded, unbounded};

#[test]
fn a_listener_is_told_of_an_item_and_accepts() {
    let (writer, reader) = unbounded();
    let (wakes, waker) = Wakes::waker();
    assert_eq!(reader.try_read(8), Err(TryReadError::Empty));
    let listening = reader.listen(&waker);
    assert_eq!(reader.try_read(8), Err(TryReadError::Empty));
    writer.write_all(vec![1, 2]).unwrap();
    assert_eq!(wakes.count(), 1);
    assert!(listening.accept());
    assert_eq!(reader.try_read(8).unwrap(), [1, 2]);
}

#[test]
fn a_listener_is_told_of_the_close() {
    let (writer, reader) = unbounded::<u8>();
    let (wakes, waker) = Wakes::waker();
    let listening = reader.listen(&waker);
    drop(writer);
    assert_eq!(wakes.count(), 1);
    assert!(listening.accept());
}

#[test]
fn a_dropped_listener_passes_on_and_an_accepting_one_does_not() {
    for accepts in [true, false] {
        let (writer, reader) = unbounded();
        let ((_, first_waker), (second, second_waker)) = (Wakes::waker(), Wakes::waker());
        let first = reader.listen(&first_waker);
        let other = reader.listen(&second_waker);
        writer.write(1).unwrap();
        if accepts {
            assert!(first.accept());
        } else {
            drop(first);
        }
        assert_eq!(second.count(), usize::from(!accepts));
        assert_eq!(other.accept(), !accepts);
    }
}

#[test]
fn a_renewed_listener_wakes_the_new_waker() {
    let (writer, reader) = unbounded();
    let ((old, old_waker), (new, new_waker)) = (Wakes::waker(), Wakes::waker());
    let mut listening = reader.listen(&old_waker);
    assert!(!listening.renew(&new_waker));
    writer.write(1).unwrap();
    assert_eq!((old.count(), new.count()), (0, 1));
    assert!(listening.renew(&old_waker), "it has been told already");
}

#[test]
fn a_listening_writer_is_told_of_room() {
    let (writer, reader) = bounded(1);
    writer.try_write(1).unwrap();
    let (wakes, waker) = Wakes::waker();
    let listening = writer.listen(&waker);
    assert!(writer.try_write(2).is_err());
    reader.try_read_one().unwrap();
    assert_eq!(wakes.count(), 1);
    assert!(listening.accept());
    writer.try_write(2).unwrap();
}
