//! Streams beside their rivals: what an item costs, how much two workers help, what is held in
//! memory.
//!
//! How the cases are made is in the modules of [`millpond_benches::stream`].

use millpond_benches::harness::Group;
use millpond_benches::heap::Heap;
use millpond_benches::stream::{bodies, changing, joints, maps, memory, scaling};

#[global_allocator]
static HEAP: Heap = Heap::new();

fn main() {
    let mut group = Group::new("stream");
    maps::serial(&mut group);
    maps::itemwise(&mut group);
    maps::two_workers(&mut group);
    maps::read_ten(&mut group);
    bodies::bodies(&mut group);
    changing::changing(&mut group);
    scaling::scaling(&mut group);
    joints::joints(&mut group);
    memory::memory(&mut group, &HEAP);
    group.finish();
}
