//! What the harness reports.

use millpond_benches::harness::{Case, Group, Measured, Row, Unit, median};
use std::cell::RefCell;

fn group() -> Group {
    Group::with("test", 5, Vec::new())
}

#[test]
fn the_median_is_the_middle_value() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
}

#[test]
fn sides_alternate_and_the_first_round_is_not_counted() {
    let order = RefCell::new(String::new());
    let mut values = [100.0, 1.0, 2.0, 3.0, 4.0, 5.0].into_iter();
    let mut group = group();
    Case::new("alternation", Unit::cost("bytes"))
        .ours_measured(|| {
            order.borrow_mut().push('a');
            Measured { value: values.next().unwrap(), result: 1 }
        })
        .rival_measured("other", || {
            order.borrow_mut().push('b');
            Measured { value: 6.0, result: 1 }
        })
        .run(&mut group);
    assert_eq!(*order.borrow(), "abababababab");
    assert_eq!(
        group.rows(),
        [Row {
            group: "test".into(),
            case: "alternation".into(),
            ours: 3.0,
            rival: Some(("other".into(), 6.0, 2.0)),
            unit: "bytes".into(),
            runs: 5
        }]
    );
}

#[test]
fn a_rate_is_better_when_it_is_more() {
    assert_eq!(Unit::rate("items/s").ratio(10.0, 5.0), 2.0);
    assert_eq!(Unit::nanoseconds_per("item", 3).ratio(10.0, 5.0), 0.5);
}

#[test]
fn rows_are_json_with_the_fields_of_the_contract() {
    let mut group = group();
    Case::new("cost", Unit::cost("ns/item"))
        .ours_measured(|| Measured { value: 1.94, result: () })
        .rival_measured("iterator", || Measured { value: 0.4, result: () })
        .run(&mut group);
    Case::new("alone", Unit::cost("bytes")).ours_measured(|| Measured { value: 120.0, result: () }).run(&mut group);
    assert_eq!(
        group.json(),
        concat!(
            "[\n",
            r#"{"group": "test", "case": "cost", "ours": 1.94, "rival": "iterator", "theirs": 0.4, "ratio": 0.2062, "unit": "ns/item", "runs": 5},"#,
            "\n",
            r#"{"group": "test", "case": "alone", "ours": 120, "rival": "none", "unit": "bytes", "runs": 5}"#,
            "\n]\n",
        )
    );
}

#[test]
#[should_panic(expected = "comparing the results of `sum`: ours gave `1`, `other` gave `2` in round 0")]
fn sides_that_disagree_are_refused() {
    Case::new("sum", Unit::milliseconds()).ours(|| 1).rival("other", || 2).run(&mut group());
}

#[test]
fn cases_that_are_not_selected_do_not_run() {
    let mut group = Group::with("test", 5, vec!["chosen".into()]);
    Case::new("other", Unit::milliseconds()).ours(|| panic!("it must not run")).run(&mut group);
    Case::new("the-chosen-one", Unit::milliseconds()).ours(|| ()).run(&mut group);
    let cases: Vec<_> = group.rows().iter().map(|row| row.case.as_str()).collect();
    assert_eq!(cases, ["the-chosen-one"]);
}
