//! The functions that random graphs are made of.

use std::fmt;
use std::sync::Arc;

/// What a function is to a graph.
pub(super) enum Kind<T> {
    Map(Arc<dyn Fn(T) -> T + Send + Sync>),
    Filter(Arc<dyn Fn(&T) -> bool + Send + Sync>),
    FlatMap(Arc<dyn Fn(T) -> Vec<T> + Send + Sync>),
    /// Makes the function with its state for one task.
    Sequential(Arc<dyn Fn() -> Box<dyn FnMut(T) -> T + Send> + Send + Sync>),
}

/// A function with its name.
pub(super) struct Function<T> {
    pub(super) name: Arc<str>,
    pub(super) kind: Kind<T>,
}

/// Joins two streams.
pub(super) type Join<T> = (Arc<str>, Arc<dyn Fn(T, T) -> T + Send + Sync>);

pub(super) struct Inner<T> {
    pub(super) functions: Vec<Function<T>>,
    pub(super) joins: Vec<Join<T>>,
}

/// Functions of yours that random graphs are made of; see [`graphs`](super::graphs).
///
/// ```
/// use millpond_testing::Functions;
///
/// let functions = Functions::new()
///     .map("half", |n: u64| n / 2)
///     .filter("odd", |n| n % 2 == 1)
///     .sequential("sum", || {
///         let mut sum = 0;
///         move |n| {
///             sum += n;
///             sum
///         }
///     })
///     .zip("max", u64::max);
/// ```
#[must_use = "functions are for random graphs"]
pub struct Functions<T>(pub(super) Arc<Inner<T>>);

impl<T> Clone for Functions<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Functions<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Functions<T> {
    /// None yet.
    pub fn new() -> Self {
        Self(Arc::new(Inner { functions: Vec::new(), joins: Vec::new() }))
    }

    fn with(mut self, name: &str, kind: Kind<T>) -> Self {
        let inner = Arc::get_mut(&mut self.0).expect("functions are put together before they are used");
        inner.functions.push(Function { name: name.into(), kind });
        self
    }

    /// One item in, one out.
    pub fn map(self, name: &str, function: impl Fn(T) -> T + Send + Sync + 'static) -> Self {
        self.with(name, Kind::Map(Arc::new(function)))
    }

    /// Keeps some of the items.
    pub fn filter(self, name: &str, function: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.with(name, Kind::Filter(Arc::new(function)))
    }

    /// One item in, any number out.
    pub fn flat_map(self, name: &str, function: impl Fn(T) -> Vec<T> + Send + Sync + 'static) -> Self {
        self.with(name, Kind::FlatMap(Arc::new(function)))
    }

    /// A function with state, which `make` makes anew for each task; one item in, one out, in order.
    pub fn sequential<F: FnMut(T) -> T + Send + 'static>(
        self,
        name: &str,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.with(name, Kind::Sequential(Arc::new(move || Box::new(make()))))
    }

    /// Makes one item of one each of two streams.
    ///
    /// # Panics
    /// When the functions are in use already.
    pub fn zip(mut self, name: &str, function: impl Fn(T, T) -> T + Send + Sync + 'static) -> Self {
        let inner = Arc::get_mut(&mut self.0).expect("functions are put together before they are used");
        inner.joins.push((name.into(), Arc::new(function)));
        self
    }
}

impl<T> fmt::Debug for Functions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.functions.iter().map(|function| &function.name);
        f.debug_list().entries(names.chain(self.0.joins.iter().map(|(name, _)| name))).finish()
    }
}
