//! The arguments of a call that is to be made, in which values stand for what they will be.
//!
//! Values are found in the arguments themselves and in lists, tuples and dictionaries (as their values) of exactly these types, at any
//! depth up to [`DEEPEST`]. What holds none is passed on as it is.

use pyo3::exceptions::PyRecursionError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::value::Value;

/// How deep values are looked for.
const DEEPEST: usize = 200;

/// The arguments as they were given.
pub(super) struct Call {
    pub(super) arguments: Py<PyTuple>,
    pub(super) keywords: Option<Py<PyDict>>,
}

/// Whether there is anything to fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No values: the arguments are passed as they are.
    Plain,
    /// Values.
    Holding,
}

impl Call {
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            arguments: self.arguments.clone_ref(py),
            keywords: self.keywords.as_ref().map(|keywords| keywords.clone_ref(py)),
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.arguments)?;
        visit.call(&self.keywords)
    }

    /// Shows `found` each value among the arguments.
    pub(super) fn find<'py>(&self, py: Python<'py>, found: &mut dyn FnMut(&Bound<'py, Value>)) -> PyResult<Shape> {
        let mut count = 0_usize;
        let mut found = |value: &Bound<'py, Value>| {
            count += 1;
            found(value);
        };
        find_in(self.arguments.bind(py), 0, &mut found)?;
        if let Some(keywords) = &self.keywords {
            find_in(keywords.bind(py), 0, &mut found)?;
        }
        Ok(if count == 0 { Shape::Plain } else { Shape::Holding })
    }

    /// The arguments with what their values have become, all of which are there.
    pub(super) fn filled<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
        let arguments = self.arguments.bind(py);
        let arguments = match fill(arguments, 0)? {
            Some(filled) => filled.cast_into()?,
            None => arguments.clone(),
        };
        let keywords = match &self.keywords {
            Some(keywords) => match fill(keywords.bind(py), 0)? {
                Some(filled) => Some(filled.cast_into()?),
                None => Some(keywords.bind(py).clone()),
            },
            None => None,
        };
        Ok((arguments, keywords))
    }
}

fn check_depth(depth: usize) -> PyResult<()> {
    if depth > DEEPEST {
        let message = format!("looking for values in an argument nested deeper than `{DEEPEST}`: pass it as a value");
        return Err(PyRecursionError::new_err(message));
    }
    Ok(())
}

fn find_in<'py>(
    container: &Bound<'py, PyAny>,
    depth: usize,
    found: &mut dyn FnMut(&Bound<'py, Value>),
) -> PyResult<()> {
    let mut look = |item: &Bound<'py, PyAny>| {
        if let Ok(value) = item.cast_exact::<Value>() {
            found(value);
            Ok(())
        } else if is_container(item) {
            check_depth(depth + 1)?;
            find_in(item, depth + 1, found)
        } else {
            Ok(())
        }
    };
    if let Ok(tuple) = container.cast_exact::<PyTuple>() {
        tuple.iter().try_for_each(|item| look(&item))
    } else if let Ok(list) = container.cast_exact::<PyList>() {
        list.iter().try_for_each(|item| look(&item))
    } else if let Ok(dict) = container.cast_exact::<PyDict>() {
        dict.iter().try_for_each(|(_, item)| look(&item))
    } else {
        Ok(())
    }
}

fn is_container(item: &Bound<'_, PyAny>) -> bool {
    item.is_exact_instance_of::<PyList>()
        || item.is_exact_instance_of::<PyTuple>()
        || item.is_exact_instance_of::<PyDict>()
}

/// The same with its values filled in; `None` where there are none, so that what was given stays the very object.
fn fill<'py>(item: &Bound<'py, PyAny>, depth: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = item.py();
    if let Ok(value) = item.cast_exact::<Value>() {
        return Ok(Some(value.get().result(py)?.into_bound(py)));
    }
    if !is_container(item) {
        return Ok(None);
    }
    check_depth(depth)?;
    if let Ok(dict) = item.cast_exact::<PyDict>() {
        let mut copy: Option<Bound<'py, PyDict>> = None;
        for (key, item) in dict {
            if let Some(filled) = fill(&item, depth + 1)? {
                if copy.is_none() {
                    copy = Some(dict.copy()?);
                }
                if let Some(copy) = &copy {
                    copy.set_item(key, filled)?;
                }
            }
        }
        return Ok(copy.map(Bound::into_any));
    }
    let items: Vec<Bound<'py, PyAny>> = match item.cast_exact::<PyTuple>() {
        Ok(tuple) => tuple.iter().collect(),
        Err(_) => item.cast_exact::<PyList>()?.iter().collect(),
    };
    let mut is_changed = false;
    let mut filled = Vec::with_capacity(items.len());
    for item in items {
        filled.push(match fill(&item, depth + 1)? {
            Some(filled) => {
                is_changed = true;
                filled
            }
            None => item,
        });
    }
    if !is_changed {
        return Ok(None);
    }
    Ok(Some(if item.is_exact_instance_of::<PyTuple>() {
        PyTuple::new(py, filled)?.into_any()
    } else {
        PyList::new(py, filled)?.into_any()
    }))
}
