//! The graph as others see it: names, edges, and what is there already.

use std::fmt;
use std::panic::Location;

use millpond_graph::Dag;

use super::error::GraphError;
use super::graph::Graph;
use super::task::TaskId;

/// One task of a graph at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskReport {
    /// The task.
    pub id: TaskId,
    /// What it is called.
    pub name: String,
    /// Where it was added.
    pub location: &'static Location<'static>,
    /// Whether its value is remembered.
    pub has_value: bool,
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Graph<'_> {
    /// The graph as data, to be drawn and asked: layers, critical path, what needs what.
    ///
    /// An edge leads from a task to what waits for it, and from a choice to what it may pick; picks
    /// that lead back are left out. Takes time and memory by the size of the graph: tens of
    /// nanoseconds per task.
    ///
    /// # Errors
    /// [`GraphError::Cycle`].
    ///
    /// # Examples
    /// ```
    /// use millpond_values::Graph;
    ///
    /// let mut graph = Graph::new();
    /// let flour = graph.value("flour", 500);
    /// let dough = graph.task("dough", flour, |grams| grams + 300);
    /// graph.task("bread", dough, |grams| *grams);
    /// let drawing = graph.to_dag()?.draw(|_, task| task.to_string()).mermaid().to_string();
    /// assert!(drawing.contains("dough"));
    /// # Ok::<(), millpond_values::GraphError>(())
    /// ```
    pub fn to_dag(&mut self) -> Result<Dag<TaskReport>, GraphError> {
        self.check()?;
        let mut dag = Dag::with_capacity(self.len(), self.edges.len());
        let nodes: Vec<_> = (0..self.len() as u32)
            .map(|task| {
                dag.add_node(TaskReport {
                    id: TaskId { graph: self.key, index: task },
                    name: self.names.name(task).to_owned(),
                    location: self.names.added(task),
                    has_value: self.bodies.list()[task as usize].get().has_value(),
                })
            })
            .collect();
        for task in 0..self.len() as u32 {
            for input in self.edges.of(task) {
                dag.add_edge(nodes[input as usize], nodes[task as usize]).expect("the graph was checked for cycles");
            }
        }
        for (choice, targets) in self.choices.iter().filter_map(|choice| Some((choice, self.attributes.get(choice)?))) {
            for target in targets.branches.iter().flatten() {
                // A pick that leads back is refused, as it should be.
                let _ = dag.add_edge(nodes[*choice as usize], nodes[*target as usize]);
            }
        }
        Ok(dag)
    }
}
