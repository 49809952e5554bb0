//! Tokens, of which each borrower has at most one: the part that waits. Who the borrowers are,
//! Python knows.

use std::sync::Arc;

use millpond::sync::{BorrowError, Borrower, Limiter as Core};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::ask::{Asking, Ended};
use super::blocking::block;
use super::semaphore::number;
use super::time::Patience;
use super::wait::Wait;
use crate::interpreter::staying;

/// What capacity limiters are made of. A borrower is a number.
#[pyclass(frozen, module = "millpond._native", name = "_Limiter")]
pub(crate) struct Limiter(Arc<Core<u64>>);

fn end(result: Result<Borrower<u64>, Borrower<u64>>) -> Ended {
    match result {
        Ok(borrower) if borrower.is_refused() => Ended::Refused,
        Ok(_) => Ended::Had,
        Err(_) => Ended::Late,
    }
}

fn total(tokens: &Bound<'_, PyAny>) -> PyResult<usize> {
    number(tokens, "total_tokens", 0).map(|total| usize::try_from(total).unwrap_or(usize::MAX))
}

#[pymethods]
impl Limiter {
    #[new]
    fn new(tokens: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(Arc::new(Core::new(total(tokens)?))))
    }

    /// Borrows a token if there is one. Checks the time-out.
    #[pyo3(signature = (borrower, timeout=None))]
    fn take_now(&self, borrower: u64, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Patience::new(timeout)?;
        match staying(|| self.0.try_take(borrower)) {
            Ok(()) => Ok(true),
            Err(BorrowError::Already) => Err(super::ask::refused()),
            Err(_) => Ok(false),
        }
    }

    #[pyo3(signature = (borrower, blocking, timeout))]
    fn take(
        slf: &Bound<'_, Self>,
        borrower: u64,
        blocking: bool,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let patience = Patience::blocking(blocking, timeout, "blocking")?;
        let is_taken = slf.get().take_now(borrower, None)?;
        if is_taken || patience == Patience::None {
            return Ok(is_taken);
        }
        staying(|| block(slf.py(), Self::asking(slf, borrower), patience))?.extract(slf.py())
    }

    fn ask(slf: &Bound<'_, Self>, borrower: u64) -> Wait {
        Wait::new(Self::asking(slf, borrower))
    }

    fn give_back(&self, borrower: u64) -> PyResult<()> {
        staying(|| self.0.give_back(&borrower))
            .map_err(|_| PyRuntimeError::new_err("giving back a token that was not borrowed; acquire it first"))
    }

    fn has_borrowed(&self, borrower: u64) -> bool {
        self.0.has_borrowed(&borrower)
    }

    #[getter]
    fn total(&self) -> usize {
        self.0.total()
    }

    fn set_total(&self, tokens: &Bound<'_, PyAny>) -> PyResult<()> {
        let total = total(tokens)?;
        staying(|| self.0.set_total(total));
        Ok(())
    }

    #[getter]
    fn borrowed(&self) -> usize {
        self.0.borrowed()
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

impl Limiter {
    fn asking(slf: &Bound<'_, Self>, borrower: u64) -> Box<dyn super::ask::Ask> {
        Asking::boxed(Arc::clone(&slf.get().0), Core::wish(borrower), end, slf.as_any().clone().unbind())
    }
}
