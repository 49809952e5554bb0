//! `dispatch_apply_f` called directly, from the library that the pool has loaded.

#![allow(unsafe_code, reason = "the library is called through C")]

use std::ffi::c_void;
use std::ptr;

use libloading::Library;

/// What the library that is loaded already goes by.
const NAME: &str = if cfg!(target_vendor = "apple") { "/usr/lib/libSystem.B.dylib" } else { "libdispatch.so" };

type Object = *mut c_void;
type Body = unsafe extern "C" fn(*mut c_void, usize);

/// The library's parallel-for on the global queue of the default quality.
pub(crate) struct Dispatch {
    apply: unsafe extern "C" fn(usize, Object, *mut c_void, Body),
    queue: Object,
    /// Keeps the functions above where they are.
    _library: Library,
}

impl Dispatch {
    /// The library, which a pool has loaded before.
    ///
    /// # Panics
    /// If it cannot be loaded by its name.
    pub(crate) fn loaded() -> Self {
        // SAFETY: a pool has loaded libdispatch before, so no initialiser runs.
        let library = unsafe { Library::new(NAME) };
        let library =
            library.unwrap_or_else(|error| panic!("loading `{NAME}` failed: {error}; put it on the loader's path"));
        // SAFETY: the type is C's `void dispatch_apply_f(size_t, dispatch_queue_t, void *, void
        // (*)(void *, size_t))`.
        let apply = *unsafe { library.get("dispatch_apply_f") }.expect("libdispatch has it");
        // SAFETY: the type is C's `dispatch_queue_global_t dispatch_get_global_queue(intptr_t,
        // uintptr_t)`.
        let global_queue =
            *unsafe { library.get::<unsafe extern "C" fn(isize, usize) -> Object>("dispatch_get_global_queue") }
                .expect("libdispatch has it");
        // SAFETY: the default class (0x15) and no flags.
        let queue = unsafe { global_queue(0x15, 0) };
        Self { apply, queue, _library: library }
    }

    /// Calls `body(0)`, …, `body(count - 1)`; the process ends if one panics.
    pub(crate) fn apply<F: Fn(usize) + Sync>(&self, count: usize, body: &F) {
        /// # Safety
        /// `context` points to an `F` that is valid during the call.
        unsafe extern "C" fn call<F: Fn(usize)>(context: *mut c_void, index: usize) {
            // SAFETY: by the contract of this function, established below.
            let body = unsafe { &*context.cast::<F>() };
            body(index);
        }
        let context = ptr::from_ref(body).cast_mut().cast();
        // SAFETY: the queue is static. The context is used by calls that `dispatch_apply_f` waits
        // for, and `F` is `Sync`.
        unsafe { (self.apply)(count, self.queue, context, call::<F>) }
    }
}
