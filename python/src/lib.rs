//! The native module of the Python package `millpond`: the facade's types as Python classes.

mod crew;
mod object;
mod pool;
mod reader;
mod threads;

use pyo3::prelude::*;

/// `millpond._native`.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::crew::Crew;
    #[pymodule_export]
    use crate::pool::Pool;
    #[pymodule_export]
    use crate::reader::PoolReader;
}
