//! Tells the crate what it is built for: `Py_GIL_DISABLED` where the interpreter has no lock.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
