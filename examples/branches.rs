//! A graph and not only a line: items are copied to branches, sent by a key, merged and paired.

use std::error::Error;

use millpond::Pool;
use millpond::graph::Label;

/// Grades measurements in several branches and draws the graph.
pub fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(2);
    let measured = pool.source([3.5_f64, 41.0, 7.25, 39.5, 12.0, 58.0]).named("measured");

    // Every branch of a tee gets every item.
    let [all, copies] = measured.tee(2).try_into().map_err(|_| "two branches")?;

    // A partition sends each item to one part.
    let parts = copies.partition(2, |value| usize::from(*value > 20.0));
    let [low, high] = parts.try_into().map_err(|_| "two parts")?;
    let low = low.map(|value| format!("{value} is fine")).named("accept");
    let high = high.map(|value| format!("{value} is hot")).named("warn");

    // A merge gives items as they come, a zip pairs them in order.
    let remarks = pool.merge([low, high]).named("remarks");
    let mut numbered = all.enumerate().zip(remarks).named("numbered");
    assert_eq!(numbered.read(1)?.len(), 1);
    let rest = numbered.read_all()?;
    assert_eq!(rest.len(), 5);
    for ((number, value), remark) in rest {
        println!("{number}: {value:>5}, and as it came: {remark}");
    }

    let drawing = pool.graph().draw(|_, task| Label::new(&*task.name).note(format!("{} items", task.items)));
    print!("{}", drawing.text());
    assert_eq!(pool.graph().layers().len(), pool.graph().critical_path(|_, _| 1_u32).nodes.len());
    Ok(())
}
