//! Merges of many inputs, and of inputs that others read from, too.

use millpond_pool::Branches;

in_every_mode! {
    fn a_merge_of_thousands_gives_each_item_once(pool) {
        const INPUTS: u64 = 3_000;
        let merged = || pool.merge((0..INPUTS).map(|input| pool.source(input * 3..input * 3 + input % 4).map(|n| n)));
        let mut expected: Vec<_> = (0..INPUTS).flat_map(|input| input * 3..input * 3 + input % 4).collect();
        expected.sort_unstable();
        let sorted = |mut items: Vec<u64>| {
            items.sort_unstable();
            items
        };
        assert_eq!(sorted(merged().read_all().unwrap()), expected);
        assert_eq!(sorted(merged().map(|n| n).by_ref().map(Result::unwrap).collect()), expected);
        for count in [1, 70, 5_000] {
            let (mut reader, mut items) = (merged(), Vec::new());
            loop {
                let some = reader.read(count).unwrap();
                if some.is_empty() {
                    break;
                }
                items.extend(some);
            }
            assert_eq!(sorted(items), expected, "{count} at once");
        }
    }

    fn an_input_of_two_merges_gives_each_item_to_one_of_them(pool) {
        let shared = pool.source(0..500_u64).map(|n| n);
        let mut first = pool.merge([shared.clone(), pool.source(1_000..1_100)]);
        let mut second = pool.merge([pool.source(2_000..2_100), shared.clone()]);
        let mut direct = shared;
        let mut items = Vec::new();
        for count in (1..10).cycle() {
            let before = items.len();
            for reader in [&mut first, &mut direct, &mut second] {
                items.extend(reader.read(count).unwrap());
            }
            if items.len() == before {
                break;
            }
        }
        items.sort_unstable();
        assert!(items.into_iter().eq((0..500).chain(1_000..1_100).chain(2_000..2_100)));
    }

    fn branches_of_one_tee_meet_in_a_merge(pool) {
        let branches = pool.source(0..300_u64).map(|n| n).tee(Branches::new(5));
        let mut merged = pool.merge(branches);
        let mut items = merged.read(7).unwrap();
        items.extend(merged.read_all().unwrap());
        items.sort_unstable();
        assert!(items.into_iter().eq((0..1_500).map(|n| n / 5)));
    }

    fn items_that_come_back_to_an_input_are_given(pool) {
        let shared = pool.source(0..40_u64).map(|n| n);
        let mut merged = pool.merge([shared.clone(), pool.source(100..105)]);
        let mut shared = shared;
        let mut taken: Vec<_> = Iterator::take(shared.by_ref(), 3).map(Result::unwrap).collect();
        // What it has taken of a chunk and not given.
        drop(shared);
        taken.extend(merged.read_all().unwrap());
        taken.sort_unstable();
        assert!(taken.into_iter().eq((0..40).chain(100..105)));
    }

    fn an_input_that_is_removed_ends_for_the_merge(pool) {
        let endless = pool.source(0_u64..);
        let id = endless.task_id();
        let mut merged = pool.merge([endless, pool.source(0..3)]);
        let mut items = merged.read(20).unwrap();
        pool.remove_task(id).unwrap();
        items.extend(merged.read_all().unwrap());
        items.sort_unstable();
        let of_the_first = items.len() as u64 - 3;
        assert!(of_the_first >= 17);
        assert!(items.into_iter().eq([0, 0, 1, 1, 2, 2].into_iter().chain(3..of_the_first)));
        assert!(merged.read(1).unwrap().is_empty());
    }
}
