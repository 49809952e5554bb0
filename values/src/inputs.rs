//! What a task may take as its inputs: handles, tuples of up to twelve of them, arrays and slices.

use std::fmt;
use std::ops::Index;

use super::cells::Source;
use super::error::GraphError;
use super::records::BodyRef;
use super::task::{Task, TaskId};

/// Inputs of a task: a [`Task`], a tuple of 0 to 12 inputs, an array or a slice of tasks with
/// values of one type.
///
/// The function of the task is called with [`Values`]: a reference for a handle, a tuple for a
/// tuple, an array of references for an array, [`Several`] for a slice or vector. Tuples nest. The
/// trait is sealed.
pub trait Inputs: sealed::Gather {}

impl<I: sealed::Gather> Inputs for I {}

/// What a task's function is called with, for inputs `I`.
pub type Values<'a, I> = <<I as sealed::Gather>::Sources as sealed::Read>::Values<'a>;

/// What a get of the targets `I` returns: references, in the shape of the targets.
pub type Found<'a, I> = <<I as sealed::Gather>::Sources as sealed::Read>::Found<'a>;

pub(super) use self::sealed::{Gather, Link, Read};

mod sealed {
    use super::{BodyRef, GraphError};

    /// Turns handles into addresses, noting each as an edge of the graph.
    pub struct Link<'link, 'env> {
        pub(crate) graph: std::num::NonZeroU64,
        pub(crate) bodies: &'link [BodyRef<'env>],
        /// The edges: every input's number is pushed.
        pub(crate) inputs: &'link mut Vec<u32>,
    }

    /// Handles.
    pub trait Gather {
        /// What the task keeps of its inputs.
        type Sources: Read;

        /// Finds the sources; an error when a handle is of another graph.
        fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError>;
    }

    /// The addresses of the inputs' values.
    pub trait Read: Send + Sync + 'static {
        /// What a function is called with.
        type Values<'a>;
        /// What the owner of the graph gets.
        type Found<'a>;

        /// Contract: called by the task's worker.
        fn values(&self) -> Self::Values<'_>;
        /// Contract: called by the graph's owner, which stays borrowed for `'a`.
        fn found<'a>(&self) -> Self::Found<'a>;
    }
}

impl Link<'_, '_> {
    #[inline]
    fn source<T>(&mut self, id: TaskId) -> Result<Source<T>, GraphError> {
        if id.graph != self.graph {
            return Err(GraphError::OtherGraph { task: id });
        }
        self.inputs.push(id.index);
        Ok(self.bodies[id.index as usize].source())
    }
}

impl<T: Send + Sync + 'static> Gather for Task<T> {
    type Sources = Source<T>;

    #[inline]
    fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError> {
        link.source(self.id)
    }
}

impl<T: Send + Sync + 'static> Read for Source<T> {
    type Values<'a> = &'a T;
    type Found<'a> = &'a T;

    #[inline]
    fn values(&self) -> Self::Values<'_> {
        self.get()
    }

    fn found<'a>(&self) -> Self::Found<'a> {
        self.get()
    }
}

/// The values of a slice of inputs, in its order.
pub struct Several<'a, T> {
    sources: &'a [Source<T>],
}

impl<'a, T> Several<'a, T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The value at `position`, if there are that many.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&'a T> {
        self.sources.get(position).map(|source| source.get())
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a T> + DoubleEndedIterator + use<'a, T> {
        self.sources.iter().map(|source| source.get())
    }
}

impl<T> Clone for Several<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Several<'_, T> {}

impl<T> Index<usize> for Several<'_, T> {
    type Output = T;

    fn index(&self, position: usize) -> &T {
        self.sources[position].get()
    }
}

impl<T> fmt::Debug for Several<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Several").field("len", &self.len()).finish()
    }
}

impl<T: Send + Sync + 'static> Gather for &[Task<T>] {
    type Sources = Box<[Source<T>]>;

    fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError> {
        self.iter().map(|task| link.source(task.id)).collect()
    }
}

impl<T: Send + Sync + 'static> Gather for &Vec<Task<T>> {
    type Sources = Box<[Source<T>]>;

    fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError> {
        self.as_slice().link(link)
    }
}

impl<T: Send + Sync + 'static> Gather for Vec<Task<T>> {
    type Sources = Box<[Source<T>]>;

    fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError> {
        self.as_slice().link(link)
    }
}

impl<T: Send + Sync + 'static> Read for Box<[Source<T>]> {
    type Values<'a> = Several<'a, T>;
    type Found<'a> = Vec<&'a T>;

    fn values(&self) -> Self::Values<'_> {
        Several { sources: self }
    }

    fn found<'a>(&self) -> Self::Found<'a> {
        self.iter().map(|source| source.get()).collect()
    }
}

impl<T: Send + Sync + 'static, const N: usize> Gather for [Task<T>; N] {
    type Sources = [Source<T>; N];

    fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError> {
        for task in self {
            link.source::<T>(task.id)?;
        }
        Ok(self.map(|task| link.bodies[task.id.index as usize].source()))
    }
}

impl<T: Send + Sync + 'static, const N: usize> Read for [Source<T>; N] {
    type Values<'a> = [&'a T; N];
    type Found<'a> = [&'a T; N];

    fn values(&self) -> Self::Values<'_> {
        self.map(Source::get)
    }

    fn found<'a>(&self) -> Self::Found<'a> {
        self.map(Source::get)
    }
}

macro_rules! gather_tuple {
    ($($input:ident $place:tt),*) => {
        #[allow(clippy::unused_unit, unused_variables, reason = "the empty tuple has nothing to do")]
        impl<$($input: Gather),*> Gather for ($($input,)*) {
            type Sources = ($($input::Sources,)*);

            #[inline]
            fn link(&self, link: &mut Link<'_, '_>) -> Result<Self::Sources, GraphError> {
                Ok(($(self.$place.link(link)?,)*))
            }
        }

        #[allow(clippy::unused_unit, reason = "the empty tuple has nothing to do")]
        impl<$($input: Read),*> Read for ($($input,)*) {
            type Values<'a> = ($($input::Values<'a>,)*);
            type Found<'a> = ($($input::Found<'a>,)*);

            #[inline]
            fn values(&self) -> Self::Values<'_> {
                ($(self.$place.values(),)*)
            }

            fn found<'a>(&self) -> Self::Found<'a> {
                ($(self.$place.found(),)*)
            }
        }
    };
}

gather_tuple!();
gather_tuple!(A 0);
gather_tuple!(A 0, B 1);
gather_tuple!(A 0, B 1, C 2);
gather_tuple!(A 0, B 1, C 2, D 3);
gather_tuple!(A 0, B 1, C 2, D 3, E 4);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
