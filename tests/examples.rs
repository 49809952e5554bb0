//! Every example in `examples/` runs; what it shows it asserts. The larger one, `words`, has tests of its own.

#![allow(unreachable_pub, missing_docs, reason = "examples are programs, whose items nobody sees from outside")]

macro_rules! examples {
    ($($name:ident: $file:literal,)*) => {
        $(#[path = $file] mod $name;)*

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        mod each_example_runs {
            $(#[test] fn $name() {
                super::$name::main().expect("an example that succeeds");
            })*
        }
    };
}

examples! {
    awaiting: "../examples/awaiting.rs",
    branches: "../examples/branches.rs",
    channel_fed: "../examples/channel_fed.rs",
    errors: "../examples/errors.rs",
    laziness: "../examples/laziness.rs",
    resizing: "../examples/resizing.rs",
    scoped: "../examples/scoped.rs",
}

#[test]
fn no_example_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, NAMES);
}
