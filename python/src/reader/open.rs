//! What a reader consists of, before it has a Python object and after it has lost that to another task.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use crate::keeper::Keeper;
use crate::place::Place;
use crate::pool::{Pool, Reader};

/// A task that was added, before it has a Python object for its reader.
#[pyclass(frozen, module = "millpond._native", name = "_Added")]
pub(crate) struct Added(Mutex<Option<Open>>);

/// What an open reader consists of.
pub(crate) struct Open {
    pub(crate) reader: Reader,
    pub(crate) pool: Py<Pool>,
    pub(crate) place: Arc<Place>,
    /// Who answers for what the task and those upstream hold.
    pub(crate) keeper: Option<Py<Keeper>>,
    /// How many items it gives in all, where that is known.
    pub(crate) length: Option<usize>,
}

impl Open {
    /// What helpers hold while they work for the reader is its keeper.
    pub(crate) fn new(
        reader: Reader,
        pool: Py<Pool>,
        place: Arc<Place>,
        keeper: Py<Keeper>,
        length: Option<usize>,
    ) -> Self {
        let reader = reader.helped_within(keeper.get().hold());
        Self { reader, pool, place, keeper: Some(keeper), length }
    }
}

impl Added {
    pub(crate) fn new(open: Open) -> Self {
        Self(Mutex::new(Some(open)))
    }

    /// What it consists of, for the one reader that there is.
    pub(super) fn take(&self) -> Option<Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
