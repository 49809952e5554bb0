//! The sizes that the README states, and items of other sizes.

use millpond_channel::{Reader, Writer};

#[test]
fn the_ends_are_as_small_as_the_readme_says() {
    assert_eq!((size_of::<Writer<u64>>(), size_of::<Reader<u64>>()), (16, 56));
}

fn go_through<T: Clone + PartialEq + std::fmt::Debug>(item: T) {
    let (writer, reader) = millpond_channel::unbounded();
    for count in [1, 31, 32, 100] {
        let items = vec![item.clone(); count];
        items.iter().for_each(|item| writer.write(item.clone()).unwrap());
        writer.write_all(items.clone()).unwrap();
        assert_eq!(reader.read_one().as_ref(), Ok(&item));
        assert_eq!(reader.read(count - 1).unwrap(), items[1..]);
        assert_eq!(reader.read(count).unwrap(), items);
        assert!(reader.is_empty());
    }
}

#[test]
fn items_of_any_size_go_through() {
    go_through(());
    go_through(7_u8);
    go_through([7_u64; 3]);
    go_through([7_u8; 5000]);
    go_through(String::from("item"));
}
