//! First in, first out; removal anywhere; against a model.

use crate::counting_waker::Count;
use millpond_sync::{Left, Ticket, WaitList, WaiterState};
use proptest::prelude::*;
use std::sync::Arc;
use std::task::Waker;

#[test]
fn the_waiter_that_came_first_is_notified_first() {
    let list = WaitList::new();
    let waiters: Vec<_> = (0..5).map(|_| Count::waker()).collect();
    let tickets: Vec<_> = waiters.iter().map(|(_, waker)| list.enter(waker)).collect();
    assert_eq!(list.waiting(), 5);
    assert_eq!(list.notify_one(), 1);
    assert_eq!(list.notify(2), 2);
    let counts: Vec<_> = waiters.iter().map(|(count, _)| count.get()).collect();
    assert_eq!(counts, [1, 1, 1, 0, 0]);
    assert_eq!(list.notify(10), 2, "only two were left");
    assert_eq!(list.notify(10), 0);
    for ticket in tickets {
        assert_eq!(list.leave(ticket), Left::NotifiedOne);
    }
}

#[test]
fn one_that_leaves_from_the_middle_is_passed_over() {
    let list = WaitList::new();
    let waiters: Vec<_> = (0..3).map(|_| Count::waker()).collect();
    let mut tickets: Vec<_> = waiters.iter().map(|(_, waker)| list.enter(waker)).collect();
    assert_eq!(list.leave(tickets.remove(1)), Left::Waiting);
    assert_eq!(list.notify_all(), 2);
    let counts: Vec<_> = waiters.iter().map(|(count, _)| count.get()).collect();
    assert_eq!(counts, [1, 0, 1]);
    for ticket in tickets {
        assert_eq!(list.leave(ticket), Left::NotifiedAll);
    }
}

#[test]
fn more_waiters_than_one_batch_are_all_woken() {
    let list = WaitList::new();
    let waiters: Vec<_> = (0..100).map(|_| Count::waker()).collect();
    let tickets: Vec<_> = waiters.iter().map(|(_, waker)| list.enter(waker)).collect();
    assert_eq!(list.notify_all(), 100);
    assert!(waiters.iter().all(|(count, _)| count.get() == 1));
    for ticket in tickets {
        assert_eq!(list.cancel(ticket), Left::NotifiedAll);
    }
    assert!(waiters.iter().all(|(count, _)| count.get() == 1), "a notification for all is not passed on");
}

#[test]
#[should_panic(expected = "is not of this list; use it with the list that gave it")]
fn a_ticket_of_another_list_is_refused() {
    let (list, other) = (WaitList::new(), WaitList::new());
    let ticket = other.enter(Waker::noop());
    let _left = list.leave(ticket);
}

#[derive(Clone, Debug)]
enum Step {
    Enter,
    Notify(usize),
    NotifyAll,
    Leave(usize),
    Cancel(usize),
    Update(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Enter),
        3 => (0..4_usize).prop_map(Step::Notify),
        1 => Just(Step::NotifyAll),
        2 => (0..64_usize).prop_map(Step::Leave),
        2 => (0..64_usize).prop_map(Step::Cancel),
        1 => (0..64_usize).prop_map(Step::Update),
    ];
    prop::collection::vec(step, 1..200)
}

/// A waiter as the model sees it, in order of entry.
struct Modelled {
    ticket: Option<Ticket>,
    count: Arc<Count>,
    state: WaiterState,
}

/// Notifies the first `count` that wait, in the model.
fn notify(model: &mut [Modelled], count: usize, state: WaiterState) -> usize {
    let waiting = model.iter_mut().filter(|waiter| waiter.state == WaiterState::Waiting);
    waiting.take(count).map(|waiter| waiter.state = state).count()
}

proptest! {
    #[test]
    fn the_list_does_what_a_plain_queue_would(steps in steps()) {
        let list = WaitList::new();
        let mut model: Vec<Modelled> = Vec::new();
        for step in steps {
            match step {
                Step::Enter => {
                    let (count, waker) = Count::waker();
                    model.push(Modelled { ticket: Some(list.enter(&waker)), count, state: WaiterState::Waiting });
                }
                Step::Notify(count) => {
                    prop_assert_eq!(list.notify(count), notify(&mut model, count, WaiterState::NotifiedOne));
                }
                Step::NotifyAll => {
                    prop_assert_eq!(list.notify_all(), notify(&mut model, usize::MAX, WaiterState::NotifiedAll));
                }
                Step::Update(index) if index < model.len() => {
                    let waiter = &mut model[index];
                    let (count, waker) = Count::waker();
                    let state = list.update(waiter.ticket.as_ref().unwrap(), &waker);
                    prop_assert_eq!(state, waiter.state);
                    if state == WaiterState::Waiting {
                        prop_assert_eq!(waiter.count.get(), 0);
                        waiter.count = count;
                    }
                }
                Step::Leave(index) | Step::Cancel(index) if index < model.len() => {
                    let mut waiter = model.remove(index);
                    let ticket = waiter.ticket.take().unwrap();
                    let cancels = matches!(step, Step::Cancel(_));
                    let left = if cancels { list.cancel(ticket) } else { list.leave(ticket) };
                    let expected = match waiter.state {
                        WaiterState::NotifiedOne => Left::NotifiedOne,
                        WaiterState::NotifiedAll => Left::NotifiedAll,
                        _ => Left::Waiting,
                    };
                    prop_assert_eq!(left, expected);
                    if cancels && left == Left::NotifiedOne {
                        notify(&mut model, 1, WaiterState::NotifiedOne);
                    }
                }
                _ => {}
            }
            let waiting = model.iter().filter(|waiter| waiter.state == WaiterState::Waiting).count();
            prop_assert_eq!(list.waiting(), waiting);
            for waiter in &model {
                prop_assert_eq!(waiter.count.get(), usize::from(waiter.state != WaiterState::Waiting));
            }
        }
    }
}
