//! The table in the crate's README says what the state machine does.

use millpond_sync::{WaiterEvent, WaiterState, Wakes};
use std::collections::BTreeMap;

const README: &str = include_str!("../../README.md");

/// `NotifiedOne` as the table writes it: `notified-one`.
fn kebab(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[test]
fn the_table_of_states_in_the_readme_is_the_state_machine() {
    let begin = README.find("| from | event | to | who | wakes |").expect("the README has the table of states");
    let rows: BTreeMap<(String, String), (String, String)> = README[begin..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            let [from, event, to, _who, wakes] = cells.try_into().expect("a row has five cells");
            ((from, event), (to, wakes))
        })
        .collect();
    let mut expected = BTreeMap::new();
    for from in WaiterState::ALL {
        for event in WaiterEvent::ALL {
            if let Some((to, wakes)) = from.after(event) {
                let wakes = match wakes {
                    Wakes::Nobody => "nobody",
                    Wakes::Waiter => "the waiter",
                    Wakes::Next => "the first in the list",
                };
                let key = (kebab(&format!("{from:?}")), kebab(&format!("{event:?}")));
                expected.insert(key, (kebab(&format!("{to:?}")), wakes.to_owned()));
            }
        }
    }
    assert_eq!(rows, expected);
}
