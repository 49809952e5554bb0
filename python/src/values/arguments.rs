//! The arguments of a call that is to be made, in which values stand for what they will be.
//!
//! Values are found in the arguments themselves and in containers, at any depth up to [`DEEPEST`]. Lists, tuples and dictionaries of
//! exactly these types are followed here; what other types are, and how they are made again, `_containers.py` says. What holds no
//! value is passed on as it is.
//!
//! When a call is declared [`Call::check`] refuses a value in what cannot be made again. So later a container that contains itself, or
//! lies too deep, holds none, and is a leaf; plain lists and dictionaries may have been changed since, and are looked at again.

use std::collections::{HashMap, HashSet};

use pyo3::exceptions::PyRecursionError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::value::Value;
use crate::interpreter::{call, call_method};

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

    /// Refuses values in what cannot be made again with what they will be.
    ///
    /// # Errors
    /// `TypeError`, with the container and its place.
    pub(super) fn check(&self, py: Python<'_>, task: &Bound<'_, PyString>) -> PyResult<()> {
        let (arguments, keywords) = (self.arguments.bind(py), self.keywords.as_ref().map(|keywords| keywords.bind(py)));
        let holds_others = holds_others(arguments, 0)?
            || match keywords {
                Some(keywords) => holds_others(keywords, 0)?,
                None => false,
            };
        if holds_others {
            let check = py.import("millpond._containers")?.getattr("check")?;
            call(&check, &(task, arguments, keywords).into_pyobject(py)?, None)?;
        }
        Ok(())
    }

    /// Shows `found` each value among the arguments.
    pub(super) fn find<'py>(&self, py: Python<'py>, found: &mut dyn FnMut(&Bound<'py, Value>)) -> PyResult<Shape> {
        let mut count = 0_usize;
        let mut found = |value: &Bound<'py, Value>| {
            count += 1;
            found(value);
        };
        let mut search = Search { seen: HashSet::new(), found: &mut found };
        search.look_into(self.arguments.bind(py), 0, false)?;
        if let Some(keywords) = &self.keywords {
            search.look_into(keywords.bind(py), 0, false)?;
        }
        Ok(if count == 0 { Shape::Plain } else { Shape::Holding })
    }

    /// The arguments with what their values have become, all of which are there.
    pub(super) fn filled<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
        let arguments = self.arguments.bind(py);
        let mut filling = Filling::default();
        let arguments = match filling.fill(arguments, 0, false)? {
            Some(filled) => filled.cast_into()?,
            None => arguments.clone(),
        };
        let keywords = match &self.keywords {
            Some(keywords) => match filling.fill(keywords.bind(py), 0, false)? {
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

/// What an argument is, or a part of one.
enum Part<'a, 'py> {
    Value(&'a Bound<'py, Value>),
    Tuple(&'a Bound<'py, PyTuple>),
    List(&'a Bound<'py, PyList>),
    Dict(&'a Bound<'py, PyDict>),
    /// A container of another type, and what `_containers.py` says about it.
    Other(Bound<'py, PyAny>),
    Leaf,
}

impl<'a, 'py> Part<'a, 'py> {
    fn of(item: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(value) = item.cast_exact::<Value>() {
            Ok(Part::Value(value))
        } else if item.is_exact_instance_of::<PyInt>()
            || item.is_exact_instance_of::<PyString>()
            || item.is_none()
            || item.is_exact_instance_of::<PyFloat>()
            || item.is_exact_instance_of::<PyBool>()
            || item.is_exact_instance_of::<PyBytes>()
        {
            Ok(Part::Leaf)
        } else if let Ok(tuple) = item.cast_exact::<PyTuple>() {
            Ok(Part::Tuple(tuple))
        } else if let Ok(list) = item.cast_exact::<PyList>() {
            Ok(Part::List(list))
        } else if let Ok(dict) = item.cast_exact::<PyDict>() {
            Ok(Part::Dict(dict))
        } else {
            static KIND_OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let py = item.py();
            let kind = call(
                KIND_OF.import(py, "millpond._containers", "kind_of")?,
                &(item.get_type(),).into_pyobject(py)?,
                None,
            )?;
            Ok(if kind.is_none() { Part::Leaf } else { Part::Other(kind) })
        }
    }
}

/// Whether a container of exactly the types that are followed here holds one of another type, or one as the key of a dictionary.
fn holds_others(container: &Bound<'_, PyAny>, depth: usize) -> PyResult<bool> {
    let is_other = |item: &Bound<'_, PyAny>| -> PyResult<bool> {
        match Part::of(item)? {
            Part::Other(_) => Ok(true),
            Part::Value(_) | Part::Leaf => Ok(false),
            Part::Tuple(_) | Part::List(_) | Part::Dict(_) => Ok(depth < DEEPEST && holds_others(item, depth + 1)?),
        }
    };
    let any = |items: &mut dyn Iterator<Item = Bound<'_, PyAny>>| -> PyResult<bool> {
        for item in items {
            if is_other(&item)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match Part::of(container)? {
        Part::Tuple(tuple) => any(&mut tuple.iter()),
        Part::List(list) => any(&mut list.iter()),
        Part::Dict(dict) => {
            for (key, item) in dict {
                let is_plain = matches!(Part::of(&key)?, Part::Leaf);
                if !is_plain || is_other(&item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Part::Value(_) | Part::Other(_) | Part::Leaf => Ok(false),
    }
}

/// Looks for values.
struct Search<'a, 'py> {
    /// The containers of other types, and what is in these: where it was looked already.
    seen: HashSet<usize>,
    found: &'a mut dyn FnMut(&Bound<'py, Value>),
}

impl<'py> Search<'_, 'py> {
    /// Looks through a container; `is_within` says whether it is in one of another type.
    fn look_into(&mut self, container: &Bound<'py, PyAny>, depth: usize, is_within: bool) -> PyResult<()> {
        let items: &mut dyn Iterator<Item = Bound<'py, PyAny>> = match Part::of(container)? {
            Part::Value(_) | Part::Leaf => return Ok(()),
            Part::Other(kind) => return self.look_into_other(container, &kind, depth),
            Part::Tuple(tuple) => &mut tuple.iter(),
            Part::List(list) => &mut list.iter(),
            Part::Dict(dict) => &mut dict.iter().map(|(_, item)| item),
        };
        for item in items {
            self.look(&item, depth, is_within)?;
        }
        Ok(())
    }

    fn look_into_other(
        &mut self,
        container: &Bound<'py, PyAny>,
        kind: &Bound<'py, PyAny>,
        depth: usize,
    ) -> PyResult<()> {
        if depth > DEEPEST || !self.seen.insert(container.as_ptr() as usize) || is_closed(kind)? {
            return Ok(());
        }
        for item in parts(kind, container)? {
            self.look(&item, depth, true)?;
        }
        Ok(())
    }

    fn look(&mut self, item: &Bound<'py, PyAny>, depth: usize, is_within: bool) -> PyResult<()> {
        match Part::of(item)? {
            Part::Value(value) => (self.found)(value),
            Part::Leaf => {}
            Part::Other(kind) => self.look_into_other(item, &kind, depth + 1)?,
            Part::Tuple(_) | Part::List(_) | Part::Dict(_) => {
                if !is_within {
                    check_depth(depth + 1)?;
                } else if depth >= DEEPEST || !self.seen.insert(item.as_ptr() as usize) {
                    return Ok(());
                }
                self.look_into(item, depth + 1, is_within)?;
            }
        }
        Ok(())
    }
}

/// Whether nothing can be put into such a container: then it holds no value.
fn is_closed(kind: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(kind.getattr(pyo3::intern!(kind.py(), "remade"))?.is_none())
}

/// What is in a container.
fn parts<'py>(kind: &Bound<'py, PyAny>, container: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let parts = call_method(kind, pyo3::intern!(kind.py(), "parts"), (container,))?;
    Ok(parts.cast_into::<PyList>()?.iter().collect())
}

/// Puts in what values have become.
#[derive(Default)]
struct Filling<'py> {
    /// What became of containers of other types, and of what is in these; nothing where it stays, or is not known yet.
    made: HashMap<usize, Option<Bound<'py, PyAny>>>,
}

impl<'py> Filling<'py> {
    /// The same with its values filled in; `None` where there are none, so that what was given stays the very object.
    fn fill(&mut self, item: &Bound<'py, PyAny>, depth: usize, is_within: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = item.py();
        let part = Part::of(item)?;
        let is_other = matches!(part, Part::Other(_));
        match part {
            Part::Value(value) => return Ok(Some(value.get().result(py)?.into_bound(py))),
            Part::Leaf => return Ok(None),
            _ if !is_other && !is_within => {
                check_depth(depth)?;
                return self.fill_container(item, part, depth, false);
            }
            _ => {}
        }
        if depth > DEEPEST {
            return Ok(None);
        }
        let address = item.as_ptr() as usize;
        if let Some(made) = self.made.get(&address) {
            return Ok(made.clone());
        }
        self.made.insert(address, None);
        let made = self.fill_container(item, part, depth, true)?;
        self.made.insert(address, made.clone());
        Ok(made)
    }

    fn fill_container(
        &mut self,
        item: &Bound<'py, PyAny>,
        part: Part<'_, 'py>,
        depth: usize,
        is_within: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = item.py();
        match part {
            Part::Value(_) | Part::Leaf => Ok(None),
            Part::Dict(dict) => {
                let mut copy: Option<Bound<'py, PyDict>> = None;
                for (key, item) in dict {
                    if let Some(filled) = self.fill(&item, depth + 1, is_within)? {
                        if copy.is_none() {
                            copy = Some(dict.copy()?);
                        }
                        if let Some(copy) = &copy {
                            copy.set_item(key, filled)?;
                        }
                    }
                }
                Ok(copy.map(Bound::into_any))
            }
            Part::Tuple(tuple) => {
                let filled = self.fill_all(tuple.iter().collect(), depth, is_within)?;
                filled.map(|filled| PyTuple::new(py, filled).map(Bound::into_any)).transpose()
            }
            Part::List(list) => {
                let filled = self.fill_all(list.iter().collect(), depth, is_within)?;
                filled.map(|filled| PyList::new(py, filled).map(Bound::into_any)).transpose()
            }
            Part::Other(kind) => {
                if is_closed(&kind)? {
                    return Ok(None);
                }
                let filled = self.fill_all(parts(&kind, item)?, depth, is_within)?;
                let remade = pyo3::intern!(py, "remade");
                filled.map(|filled| call_method(&kind, remade, (item, PyList::new(py, filled)?))).transpose()
            }
        }
    }

    /// All of them, filled in; `None` where none changes.
    fn fill_all(
        &mut self,
        items: Vec<Bound<'py, PyAny>>,
        depth: usize,
        is_within: bool,
    ) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
        let mut is_changed = false;
        let mut filled = Vec::with_capacity(items.len());
        for item in items {
            filled.push(match self.fill(&item, depth + 1, is_within)? {
                Some(filled) => {
                    is_changed = true;
                    filled
                }
                None => item,
            });
        }
        Ok(is_changed.then_some(filled))
    }
}
