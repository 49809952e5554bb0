// The graphs of the group `values` on oneTBB's flow graph: continue nodes, as its documentation has it for dependency
// graphs. Built and driven by benches/src/bin/values/onetbb.rs:
//
//   onetbb SHAPE TASKS NANOSECONDS REPEATS THREADS
//
// where a body takes NANOSECONDS, prints `tasks N` (how many bodies one run calls, counted once) and answers each line of
// its input: `run` with the nanoseconds per task of REPEATS runs of a built graph, `build` with those of building, running
// once and destroying, `bytes` with the resident bytes per task that a built graph takes.

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using Node = tbb::flow::continue_node<tbb::flow::continue_msg>;
using Edge = std::pair<std::uint32_t, std::uint32_t>;

struct Plan {
    std::uint32_t tasks;
    std::vector<Edge> edges;
};

static std::uint32_t root_of(std::uint32_t tasks) {
    std::uint32_t side = 1;
    while ((side + 1) * (side + 1) <= tasks) ++side;
    return side;
}

// The same shapes, edge by edge, as in benches/src/bin/values/shape.rs.
static Plan plan_of(const std::string &shape, std::uint32_t tasks) {
    Plan plan{tasks, {}};
    if (shape == "chain") {
        for (std::uint32_t task = 1; task < tasks; ++task) plan.edges.emplace_back(task - 1, task);
    } else if (shape == "tree") {
        for (std::uint32_t task = 1; task < tasks; ++task) plan.edges.emplace_back((task - 1) / 2, task);
    } else if (shape == "wave") {
        std::uint32_t side = root_of(tasks);
        for (std::uint32_t row = 0; row < side; ++row)
            for (std::uint32_t column = 0; column < side; ++column) {
                std::uint32_t task = row * side + column;
                if (row > 0) plan.edges.emplace_back(task - side, task);
                if (column > 0) plan.edges.emplace_back(task - 1, task);
            }
    } else if (shape == "level") {
        std::uint32_t side = root_of(tasks);
        std::uint64_t state = 12345;
        for (std::uint32_t level = 1; level < side; ++level)
            for (std::uint32_t place = 0; place < side; ++place)
                for (int edge = 0; edge < 4; ++edge) {
                    state = state * 6364136223846793005u + 1442695040888963407u;
                    std::uint32_t from = std::uint32_t((state >> 33) % side);
                    plan.edges.emplace_back((level - 1) * side + from, level * side + place);
                }
    }
    return plan;
}

__attribute__((noinline)) static void spin(std::uint64_t rounds) {
    std::uint64_t state = 1;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        state = state * 6364136223846793005u + round;
        asm volatile("" : "+r"(state));
    }
}

// How many rounds take so many nanoseconds.
static std::uint64_t rounds_of(double nanoseconds) {
    const std::uint64_t sample = 1000000;
    std::vector<double> times;
    for (int time = 0; time < 21; ++time) {
        auto begin = std::chrono::steady_clock::now();
        spin(sample);
        std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
        times.push_back(spent.count());
    }
    std::sort(times.begin(), times.end());
    return std::uint64_t(nanoseconds * double(sample) / times[times.size() / 2]);
}

struct Built {
    tbb::flow::graph graph;
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<Node *> sources;

    template <class Body> Built(const Plan &plan, Body body) {
        nodes.reserve(plan.tasks);
        for (std::uint32_t task = 0; task < plan.tasks; ++task) nodes.push_back(std::make_unique<Node>(graph, body));
        std::vector<bool> waits(plan.tasks);
        for (auto [from, to] : plan.edges) {
            tbb::flow::make_edge(*nodes[from], *nodes[to]);
            waits[to] = true;
        }
        for (std::uint32_t task = 0; task < plan.tasks; ++task)
            if (!waits[task]) sources.push_back(nodes[task].get());
    }

    void run() {
        for (Node *source : sources) source->try_put(tbb::flow::continue_msg());
        graph.wait_for_all();
    }
};

static double resident_bytes() {
    std::ifstream status("/proc/self/statm");
    double total = 0, resident = 0;
    status >> total >> resident;
    return resident * double(sysconf(_SC_PAGESIZE));
}

int main(int count, char **words) {
    if (count != 6) {
        std::fprintf(stderr, "usage: onetbb SHAPE TASKS NANOSECONDS REPEATS THREADS\n");
        return 2;
    }
    Plan plan = plan_of(words[1], std::uint32_t(std::stoul(words[2])));
    std::uint64_t rounds = rounds_of(std::stod(words[3]));
    int repeats = std::stoi(words[4]), threads = std::stoi(words[5]);
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism, std::size_t(threads));

    std::atomic<std::uint64_t> ran{0};
    std::function<std::unique_ptr<Built>()> build = [&] {
        auto empty = [](const tbb::flow::continue_msg &message) { return message; };
        auto spinning = [rounds](const tbb::flow::continue_msg &message) {
            spin(rounds);
            return message;
        };
        return rounds > 0 ? std::make_unique<Built>(plan, spinning) : std::make_unique<Built>(plan, empty);
    };
    {
        Built counting(plan, [&ran](const tbb::flow::continue_msg &message) {
            ran.fetch_add(1, std::memory_order_relaxed);
            return message;
        });
        counting.run();
    }
    std::cout << "tasks " << ran.load() << std::endl;

    std::unique_ptr<Built> built;
    // What was weighed stays, so that the next one does not get pages that are there already.
    std::vector<std::unique_ptr<Built>> kept;
    auto timed = [&](auto work, double tasks) {
        auto begin = std::chrono::steady_clock::now();
        work();
        std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
        std::cout << spent.count() / tasks << std::endl;
    };
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "run") {
            if (!built) built = build();
            timed([&] { for (int repeat = 0; repeat < repeats; ++repeat) built->run(); }, double(plan.tasks) * repeats);
        } else if (line == "build") {
            timed([&] { build()->run(); }, double(plan.tasks));
        } else if (line == "bytes") {
            double before = resident_bytes();
            kept.push_back(build());
            std::cout << (resident_bytes() - before) / double(plan.tasks) << std::endl;
        }
    }
}
