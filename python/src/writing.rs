//! Writes that await, polled as reads are; see `reading.rs`.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use millpond::channel::Writer;
use pyo3::prelude::*;

use crate::channel::closed;
use crate::object::Object;
use crate::reading::Waking;
use crate::simulation::told;

type Pending = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A write that is under way.
#[pyclass(frozen, module = "millpond._native", name = "_Writing")]
pub(crate) struct Writing {
    /// Until it is done or given up. Whether the item was written is what comes of it.
    future: Mutex<Option<Pending>>,
    waking: Arc<Waking>,
}

impl Writing {
    /// The channel stays open for this write, though the program lose the writer meanwhile.
    pub(crate) fn new(writer: Writer<Object>, item: Object) -> Self {
        let future = Box::pin(async move { writer.write_async(item).await.is_ok() });
        Self { future: Mutex::new(Some(future)), waking: Arc::default() }
    }

    fn take(&self) -> Option<Pending> {
        self.future.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Writing {
    /// Whether it is written: `True`, or `None` when there is no room yet. Then `callback` is called, once and from any thread, when it is
    /// worth asking again.
    fn poll(&self, callback: Py<PyAny>) -> PyResult<Option<bool>> {
        self.waking.call_next(Some(callback));
        let Some(mut future) = self.take() else { return Ok(None) };
        let waker = Waker::from(Arc::clone(&self.waking));
        match told(|| Ok(future.as_mut().poll(&mut Context::from_waker(&waker))))? {
            Poll::Pending => {
                *self.future.lock().unwrap_or_else(PoisonError::into_inner) = Some(future);
                Ok(None)
            }
            Poll::Ready(is_written) => {
                self.waking.call_next(None);
                if is_written { Ok(Some(true)) } else { Err(closed()) }
            }
        }
    }

    /// Gives it up; nothing has been written.
    fn cancel(&self) {
        drop(self.take());
        self.waking.call_next(None);
    }
}
