//! Output and calls of whole runs: P2, P3, P5, P6 and P8.

use proptest::prelude::*;

use crate::build::Builder;
use crate::ledger::Ledger;
use crate::model::{Node, Span, interpret};
use crate::plan::{Flavour, Plan, plans};
use crate::reading::{Outcome, Reading, exhaust, readings};
use crate::watch::Watch;
use crate::{SIZES, config, workers};

/// Compares an outcome with the model's: the same items in the same order (in any order where that is open), the same end.
pub(crate) fn compare(outcome: &Outcome, model: &Node) -> Result<(), TestCaseError> {
    if model.is_open {
        let (mut got, mut wanted) = (outcome.items.clone(), model.items.clone());
        got.sort_unstable();
        wanted.sort_unstable();
        prop_assert_eq!(got, wanted, "not the same items");
    } else {
        let differs = outcome.items.iter().zip(&model.items).position(|(got, wanted)| got != wanted);
        prop_assert_eq!(
            (outcome.items.len(), differs),
            (model.items.len(), None),
            "length of the output and the first item that differs"
        );
    }
    prop_assert_eq!(&outcome.end, &model.end);
    Ok(())
}

/// Compares the calls of all operators with what a demand takes.
pub(crate) fn compare_calls(ledger: &Ledger, model: &Node, demand: Span, slack: usize) -> Result<(), TestCaseError> {
    let mut all = Vec::new();
    model.expect(demand, slack, &mut all);
    for expected in all {
        let (count, sum) = ledger.calls(expected.operator);
        let Span { least, most } = expected.calls;
        prop_assert!(
            (least..=most).contains(&count),
            "operator {} got {count} calls where {least} to {most} are needed for {demand:?}",
            expected.operator
        );
        if let Some(wanted) = expected.sum {
            prop_assert_eq!(sum, wanted, "operator {} was not called with the right items", expected.operator);
        }
    }
    Ok(())
}

fn run(plan: &Plan, readings: &[Reading], size: usize) -> Result<(), TestCaseError> {
    let _watch = Watch::over(&(plan, readings, size));
    let model = interpret(plan, &mut 0);
    let pool = workers::pool(size);
    let mut builder = Builder::new(&pool, plan);
    let mut reader = builder.build(plan);
    let ledger = builder.ledger;
    prop_assert!(ledger.all().iter().all(|calls| calls.0 == 0), "adding tasks ran some");
    let outcome = exhaust(&mut reader, readings);
    compare(&outcome, &model)?;
    compare_calls(&ledger, &model, Span::ALL, plan.slack())
}

proptest! {
    #![proptest_config(config(120, "tests/properties/regressions/output.txt"))]

    /// P2, P3, P5, P6, P8: whatever the graph and however it is read, in every mode: the items of the model in its order, then its
    /// end or the error with its task and index; every function called with each of its items exactly once.
    #[test]
    fn every_graph_gives_what_the_model_gives(plan in plans(Flavour::ALL), readings in readings()) {
        for size in SIZES {
            run(&plan, &readings, size).map_err(|error| TestCaseError::fail(format!("size {size}: {error}")))?;
        }
    }
}
