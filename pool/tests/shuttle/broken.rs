//! The engine broken on purpose: each way is found by a body that the engine as it is passes.

use millpond_pool::fault::Fault;
use millpond_pool::values::fault::Fault as Values;

use crate::setup::finds;
use crate::{awaiting, live, reads, values};

/// How a lost wake-up shows: everybody sleeps.
const DEADLOCK: &[&str] = &["deadlock"];

/// ```text
/// reader                                       helper
///                                              walks in vain
/// lists its job, tick, the helper is counted
///                                              counts itself out, goes
/// sleeps for ever
/// ```
#[test]
fn a_helper_that_leaves_without_looking_again_is_found() {
    finds(Fault::HelperLeavesBlindly, DEADLOCK, awaiting::awaited_item_by_item);
}

/// ```text
/// reader                                       helper
///                                              walks: all that is wanted is there
/// takes it, asks for more: its job is listed
///                                              takes the job off
/// sleeps for ever
/// ```
#[test]
fn a_job_that_is_dropped_early_is_found() {
    finds(Fault::JobDroppedEarly, DEADLOCK, awaiting::awaited_item_by_item);
}

/// ```text
/// reader                                       helper
/// sleeps at the lane
///                                              lands
/// sleeps for ever
/// ```
#[test]
fn a_lost_wakeup_is_found() {
    finds(Fault::LandsInSilence, DEADLOCK, awaiting::awaited_item_by_item);
}

/// ```text
/// reader a                                     reader b, in serial mode
/// sleeps until the channel tells it
///                                              takes that back, finds the end
/// sleeps for ever
/// ```
#[test]
fn an_end_that_another_thread_finds_in_serial_mode_and_does_not_tell_is_found() {
    finds(Fault::SerialInSilence, DEADLOCK, awaiting::an_end_that_two_await_in_serial_mode);
}

/// ```text
/// helper a                                     helper b
///                                              walks in vain: the head is out
/// releases the head, uncounted
///                                              nothing has changed: goes
/// ```
#[test]
fn a_change_that_is_not_counted_is_found() {
    finds(Fault::ChangeNotCounted, DEADLOCK, live::awaited_while_resized);
}

/// ```text
/// reader                                       helper
/// walks: the head is out
///                                              lands: nobody waits
/// enters the waiters, sleeps for ever
/// ```
#[test]
fn a_walker_that_sleeps_without_looking_again_is_found() {
    finds(Fault::SleepsWithoutLooking, DEADLOCK, reads::counted_reads);
}

/// ```text
/// reader                                       helper
/// grants 1: the head is out
/// asks for a helper
///                                              walks: the head is out … goes
/// makes it, is in it for ever
/// ```
#[test]
fn a_helper_that_is_asked_for_while_the_head_is_out_is_found() {
    finds(Fault::LendsBeforeMade, DEADLOCK, reads::an_item_that_waits_for_the_next);
}

/// A demand that is one too low leaves the reader waiting for the last item, which nobody makes.
#[test]
fn a_demand_off_by_one_is_found() {
    finds(Fault::DemandShort, &["deadlock", "max_steps", "waits for the output"], reads::counted_reads);
}

/// ```text
/// reader                                       other reader
/// gives items back
///                                              takes them off the list
/// nothing came back: takes what comes next
///                                              puts them in front
/// ```
#[test]
fn items_that_come_back_late_are_found() {
    finds(Fault::ReturnedInTheOpen, &["the order of items that came back"], reads::a_rest_that_comes_back);
}

/// ```text
/// reader                                       helper
/// makes the last item that is missing
///                                              it is not there: makes one more
/// lands
/// ```
#[test]
fn a_demand_that_is_counted_as_met_after_landing_instead_of_before_is_found() {
    finds(Fault::MadeNotCounted, &["calls of round"], reads::counted_reads);
}

/// ```text
/// worker a                                     worker b
/// two are awaited
///                                              two are awaited: one left
/// one left: nobody runs the task
/// ```
#[test]
fn two_arrivals_that_are_counted_as_one_are_found() {
    finds(Values::ArrivalsLost, &["an input is there before its consumer runs", "NotReached"], values::trees);
}
