//! Random programs that do more than random bytes would: first sources, then tasks, then reads among them.

use proptest::prelude::*;

/// An instruction whose code is one of these, of a thread that is one of those.
fn instructions(codes: impl Strategy<Value = u8>, threads: std::ops::Range<u8>) -> impl Strategy<Value = [u8; 4]> {
    (codes, threads, 0..64_u8, any::<u8>(), prop_oneof![3 => Just(0_u8), 1 => any::<u8>()])
        .prop_map(|(code, thread, stream, first, second)| [code, thread << 6 | stream, first, second])
}

/// Bytes of programs, each of whose instructions can be left out.
pub fn programs() -> impl Strategy<Value = Vec<u8>> {
    let sources = || instructions(prop_oneof![3 => Just(0_u8), 1 => Just(1)], 0..1);
    let tasks = prop_oneof![4 => instructions(2..20_u8, 0..1), 2 => instructions(20..43_u8, 0..1), 1 => sources()];
    let reads = std::rc::Rc::new(prop_oneof![2 => instructions(0..43_u8, 1..4), 4 => instructions(20..43_u8, 1..4)]);
    let setup = prop::collection::vec(tasks, 0..16);
    let threads = prop_oneof![1 => Just(0_usize), 2 => 1..40_usize]
        .prop_flat_map(move |most| prop::collection::vec(std::rc::Rc::clone(&reads), 0..=most));
    (any::<[u8; 4]>(), prop::collection::vec(sources(), 1..4), setup, threads).prop_map(
        |(header, sources, setup, threads)| {
            header.into_iter().chain(sources.into_iter().chain(setup).chain(threads).flatten()).collect()
        },
    )
}
