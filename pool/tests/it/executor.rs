//! A small executor: polls futures on this thread and sleeps in between.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// The numbers of the futures that want to be polled, and the thread that polls them.
struct Queue {
    ready: Mutex<VecDeque<usize>>,
    thread: Thread,
}

/// Wakes one future.
struct Alarm {
    queue: Arc<Queue>,
    number: usize,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.queue.ready.lock().unwrap().push_back(self.number);
        self.queue.thread.unpark();
    }
}

/// Runs all futures to their ends on this thread; each is polled when it was woken only.
pub(crate) fn run_all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let ready = Mutex::new((0..futures.len()).collect());
    let queue = Arc::new(Queue { ready, thread: std::thread::current() });
    while futures.iter().any(Option::is_some) {
        let next = queue.ready.lock().unwrap().pop_front();
        let Some(number) = next else {
            std::thread::park();
            continue;
        };
        let waker = Waker::from(Arc::new(Alarm { queue: Arc::clone(&queue), number }));
        if let Some(future) = &mut futures[number]
            && let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            results[number] = Some(result);
            futures[number] = None;
        }
    }
    results.into_iter().map(|result| result.expect("every future has ended")).collect()
}

/// Runs one future to its end.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    run_all([future]).remove(0)
}

/// Polls a future once, to see whether it is ready.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// The next item of a stream.
pub(crate) fn next<S: futures_core::Stream + Unpin>(stream: &mut S) -> impl Future<Output = Option<S::Item>> {
    std::future::poll_fn(move |context| Pin::new(&mut *stream).poll_next(context))
}
