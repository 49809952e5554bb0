#!/usr/bin/env bash
# Runs the tests of simulated pools, random graphs for many seeds, and the suites of the pool in
# simulations.
#
#     SEEDS=1000000 MINUTES=20 ci/test-simulation.sh      (10,000 seeds by default, and as long as they take)
#
# A seed that fails is printed with the smallest graph and the shortest schedule that fail, and the
# last steps. The same again: `MILLPOND_SEED=… MILLPOND_SEEDS=1 cargo test -p millpond-pool
# --release --features simulation --test properties simulated`.
source "$(dirname "$0")/environment.sh"

export CARGO_TERM_COLOR=never RUST_BACKTRACE=0
# Compiled for speed, but not for long.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export MILLPOND_SEEDS=${SEEDS:-10000} MILLPOND_SEED_THREADS=${SEED_THREADS:-$(nproc)}
[ -z "${MINUTES:-}" ] || export MILLPOND_MINUTES=$MINUTES
log=$target/ci/simulation.log
mkdir -p "$(dirname "$log")"
: >"$log"
status=0

counted "$log" cargo test --release --package millpond-sync --features simulation --test it
counted "$log" cargo test --release --package millpond-simulation
counted "$log" cargo test --release --package millpond-pool --features simulation --lib --test simulation
counted "$log" cargo test --release --package millpond-testing
# The examples in the documentation of what is there with these features only.
counted "$log" cargo test --release --package millpond-pool --features simulation --doc -- simulat
counted "$log" cargo test --release --package millpond-pool --features simulation --test properties -- simulated --nocapture
# The same where helpers are threads of the system's, of which one runs at a time: each switch takes
# longer.
MILLPOND_SEEDS=$(((${SEEDS:-10000} + 19) / 20)) MILLPOND_ON_THREADS=1 \
    counted "$log" cargo test --release --package millpond-pool --features simulation --test properties -- simulated --nocapture

# The suites of the pool. Left out is what cannot be in a simulation: functions that wait for each
# other by means of std's (a lock that is held during a read, a barrier, a channel), or that ask
# which thread of the system they run on; reads that another thread of the system awaits while the
# simulation's own does not read; what goes by the system's clock, or waits for a pool's alarm; and
# what takes too long.
left_out=(
    apply::the_caller_takes_part_and_another_thread_too
    awaiting::a_job_goes_on_that_was_parked_while_a_helper_had_its_last_data_in_hand
    awaiting::an_awaited_read_goes_on_whatever_size_the_pool_gets
    awaiting::an_awaited_read_says_that_its_pool_is_gone
    cancel::a_dropped_iteration_stops_its_helpers_in_the_middle_of_a_chunk
    cancel::a_function_stops_at_the_next_item_when_its_reader_goes
    cancel::a_wait_before_another_call_ends_when_nobody_can_read_the_result
    capacity::a_branch_that_is_dropped_is_waited_for_no_more
    capacity::a_branch_that_is_read_by_way_of_the_waiting_read_alone_is_told
    capacity::a_read_that_awaits_alone_is_told_and_loses_nothing
    capacity::a_thread_that_reads_the_other_branch_is_waited_for
    capacity::two_reads_that_await_are_both_told
    contract::a_read_by_chunks_whose_time_is_up_stops_between_two
    lazy_joints::read_ahead_is_kept_full_between_reads_whatever_the_window
    nested::functions_may_read_several_levels_deep
    overlap::slow_calls_overlap_in_every_operator_and_form_of_read
    reader_only::helpers_take_part_in_what_comes_after_the_source
    turning::a_failure_stops_the_workers_that_are_behind_it
    turning::a_source_is_left_between_two_items_when_the_time_is_up
    turning::a_time_out_is_looked_at_between_the_readers_own_items
    turning::an_interrupt_is_told_before_others_can_go_on
    turning::items_in_front_of_one_that_turns_slow_come_out
    turning::what_a_group_still_needs_is_made_by_all_workers
    turning::what_is_left_of_a_chunk_is_begun_however_much_of_it_waits_to_be_read
    turning::what_is_left_of_a_chunk_that_turns_slow_is_for_every_worker
)
for workers in simulation simulation-on-threads; do
    export MILLPOND_TEST_WORKERS=$workers
    counted "$log" cargo test --release --package millpond-pool --features simulation --test it -- "${left_out[@]/#/--skip=}"
done

summarize "$log"
echo "$summary"
exit $status
