//! The native module of the Python package `millpond`: the facade's types as Python classes.
//!
//! The Python files of the package hold what users see: names, options and their checks, documentation. This module holds what
//! takes part in the work: items, calls of functions, threads, waits.

mod adding;
mod channel;
mod context;
mod crew;
mod dispatch;
mod division;
mod errors;
mod function;
mod greenlets;
mod interpreter;
mod iteration;
mod keeper;
mod object;
mod operation;
mod place;
mod pool;
mod pulling;
mod reader;
mod reading;
mod retrying;
mod seat;
mod simulation;
mod source;
mod sync;
mod threads;
mod values;
mod waiting;
mod window;
mod writing;

use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// The end of the program: no thread of a pool attaches any more, and those that can are waited for, `seconds` at the most. Says how
/// many are left behind.
#[pyfunction]
fn _end(py: Python<'_>, seconds: f64) -> usize {
    let deadline = Instant::now() + Duration::from_secs_f64(seconds.max(0.0));
    let left_behind = py.detach(|| threads::end_all(deadline));
    interpreter::leave();
    left_behind
}

/// The end of the program begins, in the calling thread: others that use a pool end in silence.
#[pyfunction]
fn _end_here() {
    errors::end_here();
}

/// For threads of the pool's that Python has started; see [`threads::wake_on_time`].
#[pyfunction]
fn _wake_on_time() {
    threads::wake_on_time();
}

/// Says of an exception what Python says of those that nobody can be given, `of` being where it comes from.
#[pyfunction]
fn _report(error: Bound<'_, PyAny>, of: &Bound<'_, PyAny>) {
    PyErr::from_value(error).write_unraisable(of.py(), Some(of));
}

/// `millpond._native`.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::{_end, _end_here, _report, _wake_on_time};
    #[pymodule_export]
    use crate::adding::{
        _awaiting, _batch, _channel, _division, _enumerate, _expansion, _join, _operation, _pulling, _skip, _source,
        _take, _take_over, _take_while, _tee, _zip,
    };
    #[pymodule_export]
    use crate::channel::{ChannelWriter, Opened};
    #[pymodule_export]
    use crate::crew::Crew;
    #[pymodule_export]
    use crate::greenlets::_expect_greenlets;
    #[pymodule_export]
    use crate::iteration::Iteration;
    #[pymodule_export]
    use crate::pool::Pool;
    #[pymodule_export]
    use crate::pulling::Pulled;
    #[pymodule_export]
    use crate::reader::{Added, PoolReader};
    #[pymodule_export]
    use crate::reading::{Ahead, Reading};
    #[pymodule_export]
    use crate::retrying::CallWaits;
    #[pymodule_export]
    use crate::simulation::{
        _current_report, _current_seed, _last_report, _note, _now, _shrink, _sleep, _spawn, _yield_now, Report,
        Simulation, Thread,
    };
    #[pymodule_export]
    use crate::sync::{
        _current_unit, _forked, _ident_of, _is_turn_over, _set_checkpoints, CountdownEvent, Event, Flush, Hub, Limiter,
        Lock, Queue, RLock, RWLock, Ready, Semaphore, Wait,
    };
    #[pymodule_export]
    use crate::threads::Idle;
    #[pymodule_export]
    use crate::values::{_copy_context, _get_values, Value, ValueTask};
    #[pymodule_export]
    use crate::window::Window;
    #[pymodule_export]
    use crate::writing::Writing;

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods as _;
        crate::interpreter::check_is_main(module.py())?;
        crate::errors::load(module.py());
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        millpond::sync::host::set_process_host(&crate::interpreter::Interpreter);
        Ok(())
    }
}
