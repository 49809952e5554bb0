#!/usr/bin/env bash
# The slow checkers, all of them, before it says whether one failed. Each is bounded in time.
source "$(dirname "$0")/environment.sh"

status=0
run timeout 20m ci/loom.sh || status=1
run timeout 20m ci/sanitize.sh thread || status=1
run timeout 20m ci/sanitize.sh address || status=1
exit $status
