//! Laziness: P1, and P8 for calls.

use millpond_pool::ReadError;
use millpond_sync::Parker;
use proptest::prelude::*;

use crate::build::Builder;
use crate::model::{Span, interpret};
use crate::output::compare_calls;
use crate::plan::{Flavour, Plan, plans};
use crate::watch::Watch;
use crate::{SIZES, config, workers};

/// One finite read.
#[derive(Debug, Clone, Copy)]
struct Part {
    count: usize,
    is_async: bool,
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let count = prop_oneof![4 => 1..9_usize, 3 => 9..200_usize, 1 => 200..3_000_usize];
    prop::collection::vec((count, any::<bool>()).prop_map(|(count, is_async)| Part { count, is_async }), 1..5)
}

fn run(plan: &Plan, parts: &[Part], size: usize) -> Result<(), TestCaseError> {
    let _watch = Watch::over(&(plan, parts, size));
    let model = interpret(plan, &mut 0);
    let pool = workers::pool(size);
    let mut builder = Builder::new(&pool, plan);
    let mut reader = builder.build(plan);
    let ledger = builder.ledger;
    let slack = plan.slack() - if size == 0 { plan.read_ahead() } else { 0 };
    let (mut asked, mut got) = (0_usize, 0);
    for part in parts {
        let read = loop {
            let read =
                if part.is_async { Parker::block_on(reader.read_async(part.count)) } else { reader.read(part.count) };
            // Nothing is lost by it, and the call is made again.
            if !matches!(read, Err(ReadError::Interrupted { .. })) {
                break read;
            }
        };
        asked += part.count;
        match read {
            Ok(items) => {
                got += items.len();
                if items.len() < part.count {
                    asked = usize::MAX;
                }
            }
            Err(_) => asked = usize::MAX,
        }
        compare_calls(&ledger, &model, Span::exactly(asked), slack)?;
        if asked == usize::MAX {
            break;
        }
        prop_assert_eq!(got, asked);
    }
    // What was not needed is not made later either.
    drop(reader);
    drop(pool);
    compare_calls(&ledger, &model, Span::exactly(asked), slack)
}

proptest! {
    #![proptest_config(config(150, "tests/properties/regressions/calls.txt"))]

    /// P1 and P8: after reads of n items in all, each function was called exactly as often, and with the items, that n items take.
    ///
    /// Bounds instead of an exact number are asserted above an operator that has ended early (`take_while`, `scan`, the longer
    /// input of a zip, a failure): up to the demand, since nobody could know. `min_count` adds up to `min_count - 1` items per
    /// operator.
    #[test]
    fn a_read_calls_no_function_more_often_than_it_needs(
        plan in plans(Flavour { is_open: false, has_limits: false, has_read_ahead: false, ..Flavour::ALL }),
        parts in parts(),
    ) {
        for size in SIZES {
            run(&plan, &parts, size).map_err(|error| TestCaseError::fail(format!("size {size}: {error}")))?;
        }
    }

    /// P1 with merges, unordered tasks, limits and read-ahead: never more than the demand, the read-ahead and the rounding up.
    #[test]
    fn a_read_with_limits_and_read_ahead_stays_within_them(plan in plans(Flavour::ALL), parts in parts()) {
        for size in SIZES {
            run(&plan, &parts, size).map_err(|error| TestCaseError::fail(format!("size {size}: {error}")))?;
        }
    }
}
