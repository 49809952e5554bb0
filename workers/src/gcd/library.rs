//! libdispatch, loaded at run time: all of the crate's unsafe code, behind safe functions.
//!
//! The library is looked for once it is needed, so that one build works with and without it; once
//! loaded it stays for the life of the process, since its threads run its code. Only entry points
//! in plain C are used, so neither blocks nor the blocks runtime are needed, and they are the same
//! on every system: only the library's name differs.
//!
//! Contexts cross to C as pointers in two ways: an [`Arc`] given away by [`Queue::start`] and taken
//! back by the one call that it causes, and a reference lent for the time of
//! [`GlobalQueue::apply`], which returns after the last use.
//!
//! No panic crosses C frames: a panic in a function given to the library ends the process with a
//! message. Who runs code that may panic and wants to go on catches it first.
//!
//! Does not know what runs, nor how many at once.

use std::error::Error as _;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::{Arc, OnceLock};
use std::{env, process};

use super::error::{Attempt, LibdispatchMissing, PATH_VARIABLE};
use crate::QualityOfService;
use crate::fork::Process;

/// Where the library may be, first to last.
#[cfg(target_vendor = "apple")]
const USUAL_PLACES: &[&str] = &["/usr/lib/system/libdispatch.dylib", "/usr/lib/libSystem.B.dylib"];

/// Where the library may be, first to last: the loader's own search path, Debian's package, a Swift
/// toolchain, and what an installation from source makes of it.
#[cfg(not(target_vendor = "apple"))]
const USUAL_PLACES: &[&str] = &[
    "libdispatch.so",
    "/usr/libexec/swift/lib/swift/linux/libdispatch.so",
    "/usr/lib/swift/linux/libdispatch.so",
    "/usr/local/lib/libdispatch.so",
];

/// Any dispatch object, as C sees it.
type Object = *mut c_void;
/// `dispatch_function_t`.
type Work = unsafe extern "C" fn(*mut c_void);
/// The body of `dispatch_apply_f`.
type IndexedWork = unsafe extern "C" fn(*mut c_void, usize);

/// Something to be called once on a thread of the library.
pub(super) trait Run: Send + Sync + 'static {
    /// Does the work. The process ends if this panics.
    fn run(self: Arc<Self>);
}

/// The loaded library.
pub(super) struct Library {
    /// The path or name that it was loaded by.
    path: String,
    /// The process that loaded it; see [`Library::is_usable`].
    process: Process,
    apply: unsafe extern "C" fn(usize, Object, *mut c_void, IndexedWork),
    start: unsafe extern "C" fn(Object, *mut c_void, Work),
    create_queue: unsafe extern "C" fn(*const c_char, Object) -> Object,
    global_queue: unsafe extern "C" fn(isize, usize) -> Object,
    queue_attribute: unsafe extern "C" fn(Object, c_uint, c_int) -> Object,
    release: unsafe extern "C" fn(Object),
}

impl Library {
    /// The process's one copy of the library, loaded by the first call that succeeds.
    pub(super) fn get() -> Result<&'static Self, LibdispatchMissing> {
        static LOADED: OnceLock<Library> = OnceLock::new();
        match LOADED.get() {
            Some(library) => Ok(library),
            None => Self::search().map(|library| LOADED.get_or_init(|| library)),
        }
    }

    fn search() -> Result<Self, LibdispatchMissing> {
        let named = env::var_os(PATH_VARIABLE).map(|path| path.to_string_lossy().into_owned());
        let places = match &named {
            Some(path) => vec![path.as_str()],
            None => USUAL_PLACES.to_vec(),
        };
        let mut attempts = Vec::new();
        for path in places {
            match Self::load(path) {
                Ok(library) => return Ok(library),
                Err(error) => {
                    let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                    attempts.push(Attempt { path: path.to_owned(), reason });
                }
            }
        }
        Err(LibdispatchMissing { named: named.is_some(), attempts })
    }

    fn load(path: &str) -> Result<Self, libloading::Error> {
        // SAFETY: loading runs the library's initialisers. A file at the usual places, or one that
        // the user names for this purpose, is libdispatch, whose initialisers may run on any thread
        // at any time.
        let library = unsafe { libloading::Library::new(path) }?;
        let loaded = Self {
            path: path.to_owned(),
            process: Process::current(),
            // SAFETY: the type is C's `void dispatch_apply_f(size_t, dispatch_queue_t, void *,
            // void (*)(void *, size_t))`.
            apply: *unsafe { library.get("dispatch_apply_f") }?,
            // SAFETY: the type is C's `void dispatch_async_f(dispatch_queue_t, void *,
            // dispatch_function_t)`.
            start: *unsafe { library.get("dispatch_async_f") }?,
            // SAFETY: the type is C's `dispatch_queue_t dispatch_queue_create(const char *,
            // dispatch_queue_attr_t)`.
            create_queue: *unsafe { library.get("dispatch_queue_create") }?,
            // SAFETY: the type is C's `dispatch_queue_global_t dispatch_get_global_queue(intptr_t,
            // uintptr_t)`.
            global_queue: *unsafe { library.get("dispatch_get_global_queue") }?,
            // SAFETY: the type is C's `dispatch_queue_attr_t
            // dispatch_queue_attr_make_with_qos_class( dispatch_queue_attr_t, dispatch_qos_class_t,
            // int)`.
            queue_attribute: *unsafe { library.get("dispatch_queue_attr_make_with_qos_class") }?,
            // SAFETY: the type is C's `void dispatch_release(dispatch_object_t)`.
            release: *unsafe { library.get("dispatch_release") }?,
        };
        // The functions must outlive every thread of the library: it is never unloaded.
        std::mem::forget(library);
        Ok(loaded)
    }

    /// The path or name that the library was loaded by.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the library works in this process: not in a child forked from the one that loaded
    /// it, which has the library's memory but none of its threads.
    pub(super) fn is_usable(&self) -> bool {
        self.process.is_current()
    }

    /// A new queue that runs one thing at a time, first come first served.
    ///
    /// Such queues get a thread of their own while they have work, even when there are more of them
    /// than processors (up to a limit of the library, 255 elsewhere than on Apple systems); the
    /// queues that run several things at once do not.
    pub(super) fn serial_queue(&'static self, label: &CStr, quality: QualityOfService) -> Queue {
        // SAFETY: null is the attribute of a serial queue (`DISPATCH_QUEUE_SERIAL`), and the class
        // is a valid one. The attribute that comes back is static.
        let attribute = unsafe { (self.queue_attribute)(ptr::null_mut(), class(quality), 0) };
        // SAFETY: the label is a C string, which is copied; the attribute was made by the library.
        let queue = unsafe { (self.create_queue)(label.as_ptr(), attribute) };
        let queue = NonNull::new(queue).expect("libdispatch makes a queue of any attribute that it made itself");
        Queue { queue, library: self }
    }

    /// The system's queue for work of one class, which runs as much at once as there are
    /// processors.
    pub(super) fn global_queue(&'static self, quality: QualityOfService) -> GlobalQueue {
        // SAFETY: a valid class and no flags.
        let queue = unsafe { (self.global_queue)(class(quality) as isize, 0) };
        let queue = NonNull::new(queue).expect("libdispatch has a global queue for every class");
        GlobalQueue { queue, library: self }
    }
}

/// The `qos_class_t` of a quality of service.
fn class(quality: QualityOfService) -> c_uint {
    match quality {
        QualityOfService::Background => 0x09,
        QualityOfService::Utility => 0x11,
        QualityOfService::Default => 0x15,
        QualityOfService::UserInitiated => 0x19,
        QualityOfService::UserInteractive => 0x21,
    }
}

/// A serial queue of our own, released on drop. What has been started still runs: the library keeps
/// a queue that has work.
pub(super) struct Queue {
    queue: NonNull<c_void>,
    library: &'static Library,
}

// SAFETY: dispatch objects may be used and released on any thread; their reference counts are
// atomic.
unsafe impl Send for Queue {}
// SAFETY: `dispatch_async_f`, the one thing done through a shared reference, may be called by
// several threads at once.
unsafe impl Sync for Queue {}

impl Queue {
    /// Calls `runner.run()` once, on a thread of the library, after what was started on this queue
    /// before.
    ///
    /// Never blocks for long: the library may allocate and start a thread.
    pub(super) fn start<R: Run>(&self, runner: Arc<R>) {
        let context = Arc::into_raw(runner).cast_mut().cast();
        // SAFETY: the queue is alive until `self` is dropped. The context is an `Arc<R>` given
        // away, which `run::<R>` takes back in its one call, on whichever thread: `R` is `Send`,
        // `Sync` and `'static`.
        unsafe { (self.library.start)(self.queue.as_ptr(), context, run::<R>) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.library.is_usable() {
            // SAFETY: the reference that `dispatch_queue_create` gave us, released once; the queue
            // is not suspended.
            unsafe { (self.library.release)(self.queue.as_ptr()) }
        }
    }
}

/// One of the system's queues, which are never released.
pub(super) struct GlobalQueue {
    queue: NonNull<c_void>,
    library: &'static Library,
}

// SAFETY: a global queue is static and may be used on any thread.
unsafe impl Send for GlobalQueue {}
// SAFETY: as above; `dispatch_apply_f` may be called by several threads at once.
unsafe impl Sync for GlobalQueue {}

impl GlobalQueue {
    /// Calls `body(0)`, …, `body(count - 1)`, each once, on this thread and as many of the
    /// library's as come to help, and returns when all have returned. The process ends if `body`
    /// panics.
    pub(super) fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        // The pointer that goes through C is thin: it points to the reference, which has two words.
        let context = ptr::from_ref(&body).cast_mut().cast();
        // SAFETY: the queue is static. The context is read in calls of `run_indexed` only, which
        // `dispatch_apply_f` waits for before it returns, so the reference and the body outlive
        // them; `body` is `Sync`.
        unsafe { (self.library.apply)(count, self.queue.as_ptr(), context, run_indexed) }
    }
}

/// What a [`Queue`] calls.
///
/// # Safety
/// `context` is an `Arc<R>` that nobody else takes back.
unsafe extern "C" fn run<R: Run>(context: *mut c_void) {
    // SAFETY: by the contract of this function, established by `Queue::start`.
    let runner = unsafe { Arc::from_raw(context.cast_const().cast::<R>()) };
    end_process_on_panic(|| runner.run());
}

/// What a [`GlobalQueue`] calls.
///
/// # Safety
/// `context` points to a reference to the body, both valid during this call.
unsafe extern "C" fn run_indexed(context: *mut c_void, index: usize) {
    // SAFETY: by the contract of this function, established by `GlobalQueue::apply`.
    let body = unsafe { *context.cast::<&(dyn Fn(usize) + Sync)>() };
    end_process_on_panic(|| body(index));
}

/// Calls `work`, which the library called us for and which must not unwind into it.
fn end_process_on_panic(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        // The panic's own message has been printed by the panic hook. No `panic!` here, and no
        // failure if there is no standard error any more.
        let _ = writeln!(io::stderr(), "a panic cannot pass through libdispatch: ending the process");
        process::abort();
    }
}
