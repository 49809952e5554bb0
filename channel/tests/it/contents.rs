//! A look at what is in a channel, which takes nothing.

use millpond_channel::{Contents, Reader, Writer, bounded, serial, unbounded};

fn seen(contents: &Contents<String>) -> Vec<String> {
    let mut seen = Vec::new();
    contents.visit(&mut |item| seen.push(item.clone()));
    seen
}

fn names(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

fn shows_what_is_there_at_any_time((writer, reader): (Writer<String>, Reader<String>)) {
    let contents = reader.contents();
    assert!(seen(&contents).is_empty());
    let (mut first, mut next) = (0, 0);
    // One by one, in small batches and in such as go by their buffer; over many segments, some of
    // them used again.
    for (written, read) in
        [(1, 0), (1, 2), (40, 3), (200, 150), (1, 88), (500, 500), (500, 250), (3, 250), (0, 3), (700, 701)]
    {
        let items = names(next..next + written);
        next += written;
        if written == 40 {
            items.into_iter().for_each(|item| writer.write(item).unwrap());
        } else {
            writer.write_all(items).unwrap();
        }
        assert_eq!(seen(&contents), names(first..next));
        let read = read.min(next - first);
        assert_eq!(reader.read(read as usize).unwrap(), names(first..first + read));
        first += read;
        assert_eq!(seen(&contents), names(first..next));
    }
    writer.write("left".to_owned()).unwrap();
    drop(writer);
    assert_eq!(seen(&contents), ["left"]);
    assert!(reader.is_closed());
    drop(reader);
    assert!(seen(&contents).is_empty());
}

#[test]
fn the_contents_of_an_unbounded_channel_are_what_is_there() {
    shows_what_is_there_at_any_time(unbounded());
}

#[test]
fn the_contents_of_a_bounded_channel_are_what_is_there() {
    shows_what_is_there_at_any_time(bounded(2000));
}

#[test]
fn the_contents_of_a_serial_channel_are_what_is_there() {
    shows_what_is_there_at_any_time(serial());
}

#[test]
fn a_look_keeps_no_channel_open() {
    let (writer, reader) = unbounded::<String>();
    let contents = reader.contents();
    drop(reader);
    assert!(writer.write("1".to_owned()).is_err());
    assert!(seen(&contents).is_empty());
}
