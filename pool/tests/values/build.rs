//! The builder: inputs of every shape, edges, misuse.

use millpond_pool::Pool;
use millpond_pool::values::{Graph, GraphError, RunError};

use crate::{pools, workers};

#[test]
fn inputs_come_in_every_shape() {
    for pool in pools() {
        let mut graph = Graph::new();
        let none = graph.task("none", (), |()| 1_u64);
        let one = graph.task("one", none, |none| none + 1);
        let tuple = graph.task("tuple", (none, one), |(none, one)| format!("{none} {one}"));
        let array = graph.task("array", [none, one], |[none, one]| none * 10 + one);
        let slice = graph.task("slice", &[none, one, array][..], |all| all.iter().sum::<u64>() + all[2]);
        let vector = graph.task("vector", vec![none; 100], |all| all.len() as u64 + *all.get(99).unwrap());
        let nested = graph.task("nested", (tuple, (array, &[slice, vector][..])), |(text, (array, rest))| {
            format!("{text} {array} {:?}", rest.iter().collect::<Vec<_>>())
        });
        assert_eq!(pool.get(&mut graph, nested).unwrap(), "1 2 12 [27, 101]");
    }
}

#[test]
fn twelve_inputs_of_different_types_are_taken() {
    let mut graph = Graph::new();
    let a = graph.value("a", 1_u8);
    let b = graph.value("b", 2_u16);
    let c = graph.value("c", 3_u32);
    let d = graph.value("d", 4_u64);
    let e = graph.value("e", 5_i8);
    let f = graph.value("f", 6_i16);
    let g = graph.value("g", 7_i32);
    let h = graph.value("h", 8_i64);
    let i = graph.value("i", 9_usize);
    let j = graph.value("j", 10_isize);
    let k = graph.value("k", 'k');
    let l = graph.value("l", String::from("l"));
    let all = graph.task("all", (a, b, c, d, e, f, g, h, i, j, k, l), |(a, b, c, d, e, f, g, h, i, j, k, l)| {
        format!("{a}{b}{c}{d}{e}{f}{g}{h}{i}{j}{k}{l}")
    });
    assert_eq!(Pool::serial().get(&mut graph, all).unwrap(), "12345678910kl");
}

#[test]
fn functions_may_borrow_what_outlives_the_graph() {
    let words = [String::from("mill"), String::from("pond")];
    let mut graph = Graph::new();
    let length = graph.task("length", (), |()| words.iter().map(String::len).sum::<usize>());
    assert_eq!(*workers::pool(2).get(&mut graph, length).unwrap(), 8);
}

#[test]
fn an_ordering_edge_runs_the_earlier_task_first() {
    for pool in pools() {
        let log = parking_lot::Mutex::new(Vec::new());
        let mut graph = Graph::new();
        let late = graph.control("late", || log.lock().push("late"));
        let early = graph.control("early", || log.lock().push("early"));
        let middle = graph.control("middle", || log.lock().push("middle"));
        graph.before(early, middle);
        graph.after(late, middle);
        pool.get(&mut graph, late).unwrap();
        drop(graph);
        assert_eq!(log.into_inner(), ["early", "middle", "late"]);
    }
}

#[test]
fn a_cycle_is_named_before_anything_runs() {
    for pool in pools() {
        let mut graph = Graph::new();
        let egg = graph.control("egg", || panic!("nothing may run"));
        let hen = graph.control("hen", || panic!("nothing may run"));
        let nest = graph.control("nest", || panic!("nothing may run"));
        graph.before(egg, hen);
        graph.before(hen, nest);
        graph.before(nest, egg);
        let error = graph.check().unwrap_err();
        let GraphError::Cycle { names } = &error else { panic!("{error}") };
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(sorted, ["egg", "hen", "nest"]);
        let turn = names.iter().position(|name| name == "egg").unwrap();
        let turned: Vec<_> = (0..3).map(|step| names[(turn + step) % 3].as_str()).collect();
        assert_eq!(turned, ["egg", "hen", "nest"]);
        assert!(matches!(pool.run(&mut graph), Err(RunError::Graph(GraphError::Cycle { .. }))));
        assert!(matches!(pool.get(&mut graph, hen), Err(RunError::Graph(GraphError::Cycle { .. }))));
    }
}

#[test]
fn a_cycle_elsewhere_does_not_hinder_a_get() {
    let mut graph = Graph::new();
    let a = graph.control("a", || ());
    let b = graph.control("b", || ());
    let c = graph.task("c", (), |()| 3);
    graph.before(a, b);
    graph.before(b, a);
    assert_eq!(*Pool::serial().get(&mut graph, c).unwrap(), 3);
}

#[test]
fn the_message_of_a_cycle_goes_round() {
    let mut graph = Graph::new();
    let a = graph.control("a", || ());
    assert_eq!(
        graph.order(a, a).unwrap_err().to_string(),
        "ordering tasks closed a cycle: `a` -> `a`: remove one of these edges, or make it a choice"
    );
}

#[test]
fn a_handle_of_another_graph_is_refused() {
    let mut other = Graph::new();
    other.value("zero", 0);
    let stranger = other.value("stranger", 1);
    let mut graph = Graph::new();
    let own = graph.value("own", 1);
    let message = "using task number `1` of another graph: a handle is good in the graph whose method returned it";
    assert_eq!(graph.order(own, stranger).unwrap_err().to_string(), message);
    assert_eq!(graph.forget(stranger).unwrap_err().to_string(), message);
    assert_eq!(graph.set(stranger, 1).unwrap_err().to_string(), message);
    assert_eq!(graph.peek(stranger).unwrap_err().to_string(), message);
    assert_eq!(graph.take(stranger), None);
    assert_eq!(Pool::serial().get(&mut graph, stranger).unwrap_err().to_string(), message);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| graph.task("x", stranger, |n| n + 1)));
    assert_eq!(panic.unwrap_err().downcast_ref::<String>().unwrap(), message);
    // The refused task left nothing behind.
    let next = graph.task("next", own, |own| own + 1);
    assert_eq!((graph.len(), *Pool::serial().get(&mut graph, next).unwrap()), (2, 2));
}

#[test]
fn an_input_must_be_set_before_what_needs_it() {
    for pool in pools() {
        let mut graph = Graph::new();
        let input = graph.input::<u32>("width");
        let twice = graph.task("twice", input, |width| width * 2);
        let other = graph.task("other", (), |()| 1);
        let message = "running a graph whose input `width` has no value: set it first";
        assert_eq!(pool.get(&mut graph, twice).unwrap_err().to_string(), message);
        assert_eq!(pool.run(&mut graph).unwrap_err().to_string(), message);
        assert_eq!(*pool.get(&mut graph, other).unwrap(), 1);
        graph.set(input, 4).unwrap();
        assert_eq!(*pool.get(&mut graph, twice).unwrap(), 8);
        graph.set(input, 5).unwrap();
        assert_eq!(graph.peek(twice).unwrap(), None);
        assert_eq!(*pool.get(&mut graph, twice).unwrap(), 10);
        assert_eq!(
            graph.set(twice, 3).unwrap_err().to_string(),
            "setting the value of `twice`, which computes it: declare it with `input` or `value`"
        );
    }
}

#[test]
fn debug_shows_counts() {
    let mut graph = Graph::new();
    let a = graph.value("a", 1);
    let b = graph.task("b", a, |a| a + 1);
    assert_eq!(format!("{graph:?}"), "Graph { tasks: 2, edges: 1, .. }");
    assert!(format!("{b:?}").starts_with("Task(1 of graph "));
}

#[test]
fn a_graph_becomes_data_that_can_be_drawn() {
    let mut graph = Graph::new();
    let a = graph.value("a", 1);
    let b = graph.task("b", a, |a| a + 1);
    let again = graph.choice("again", b, |_| 1);
    let end = graph.control("end", || ());
    graph.branches(again, [b.id(), end.id()]).unwrap();
    let dag = graph.to_dag().unwrap();
    let name = |node| dag.get(node).unwrap().name.clone();
    let mut edges: Vec<_> = dag.edges().map(|(from, to)| (name(from), name(to))).collect();
    edges.sort();
    let expected = [("a", "b"), ("again", "end"), ("b", "again")];
    assert_eq!(edges, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    let with_values: Vec<_> = dag.iter().filter(|(_, task)| task.has_value).map(|(_, task)| task.id).collect();
    assert_eq!(with_values, [a.id()]);
}
