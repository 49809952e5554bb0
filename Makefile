# What can be done here. Each target is a script in ci/, so that people and machines run the same.

.PHONY: help setup demo test test-python test-python-versions test-freethreaded bench lint check docs test-simulation mutants soak fuzz

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile
setup: ## get what is missing to build (nothing to do on a machine with Rust)
	@ci/setup.sh
demo: setup ## count the words of all sources and documents on this machine; ARGS="folder …" for others
	@ci/demo.sh $(ARGS)
test: setup ## all tests, in Rust and Python, and the examples in the documentation
	@ci/test.sh
test-python: setup ## the tests of the Python package alone
	@ci/python.sh test
test-python-versions: setup ## these tests on every CPython from 3.9 on that pyenv has
	@ci/python-versions.sh
test-freethreaded: setup ## these tests on a CPython without its lock, built from Debian's source (10 minutes)
	@ci/freethreaded.sh
test-gcd: setup ## the tests of the pool on libdispatch; MILLPOND_REQUIRE_GCD=1 fails where it is missing
	@ci/test-gcd.sh
mutants: setup ## bugs on purpose in a copy of the checkout, each of which tests must find
	@ci/mutants.sh
soak: setup ## random graphs with faults for MINUTES=10, in all modes: lost 0, doubled 0, memory flat; ONLY=n for one case
	@ci/soak.sh
fuzz: setup ## random programs over the public interface, guided by coverage, for MINUTES=5
	@ci/fuzz.sh
test-simulation: setup ## simulated pools: 10,000 seeds of random graphs, and the pool's suites; SEEDS=n for more
	@ci/test-simulation.sh
bench: setup ## millpond beside its rivals; ONLY=group for one group
	@ci/bench.sh $(ONLY)
lint: setup ## formatting and lints
	@ci/lint.sh
check: setup ## the slow checkers: loom, shuttle, a million seeds, sanitizers, valgrind and 3,000 programs for Python, other systems, packages
	@ci/check.sh
docs: setup ## the API's documentation, in target/doc
	@ci/docs.sh
