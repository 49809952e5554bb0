//! What ARCHITECTURE.md says of the layers, the folders and the unsafe code is what the disk says.
//!
//! The tables are read as tables: the one whose first column is headed `level` gives each crate's level, the workspace
//! crates that it may use and the files that may hold unsafe code; the one headed `folder` gives the folders of the
//! checkout; DESIGN.md's, headed `crate`, the dependencies. A row that is missing, too much or out of date fails, in
//! either direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use toml::{Table, Value};

/// A source file has at most so many lines.
const SOURCE_LINES: usize = 800;
/// A file of tests has at most so many lines.
const TEST_LINES: usize = 600;

/// A row of the table of layers.
#[derive(Debug)]
struct Layer {
    level: u32,
    /// The crate's folder.
    folder: String,
    /// The folders of the crates that it may use; `None` stands for all.
    may_use: Option<BTreeSet<String>>,
    /// The files that may hold unsafe code, from the root of the checkout.
    unsafe_files: BTreeSet<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("reading `{}` failed: {error}", path.display()))
}

/// What a text puts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the first table of a page whose first column has this heading, cell by cell.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let rows: Vec<_> = page
        .lines()
        .skip_while(|line| !(line.starts_with('|') && cells(line)[0] == heading))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "the page has a table whose first column is headed `{heading}`");
    rows
}

/// The table of layers.
fn layers() -> Vec<Layer> {
    let folder_of = |name: &str| name.trim_end_matches('/').to_owned();
    table(&read("ARCHITECTURE.md"), "level")
        .iter()
        .map(|cells| {
            let [level, folder, _, may_use, unsafe_files] = cells.as_slice() else {
                panic!("the row {cells:?} of the table of layers has 5 cells");
            };
            let folder = folder_of(quoted(folder).next().expect("a folder in backticks"));
            let named = quoted(may_use).map(folder_of).collect();
            Layer {
                level: level.parse().unwrap_or_else(|_| panic!("`{level}` is a level")),
                may_use: if may_use == "all" { None } else { Some(named) },
                unsafe_files: quoted(unsafe_files).map(|file| format!("{folder}/{file}")).collect(),
                folder,
            }
        })
        .collect()
}

/// The manifest of each crate of the workspace by its folder; the facade's is `src`.
fn manifests() -> BTreeMap<String, Table> {
    let parse = |path: &str| read(path).parse::<Table>().unwrap_or_else(|error| panic!("`{path}`: {error}"));
    let workspace = parse("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("a list of members").clone();
    let mut manifests = BTreeMap::from([("src".to_owned(), workspace)]);
    for member in members {
        let folder = member.as_str().expect("a folder").to_owned();
        let manifest = parse(&format!("{folder}/Cargo.toml"));
        manifests.insert(folder, manifest);
    }
    manifests
}

/// The names of all packages that a manifest depends on, for whatever purpose and target.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let for_targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    for section in for_targets.filter_map(Value::as_table).chain([manifest]) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, dependency) in section.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let package = dependency.get("package").and_then(Value::as_str);
                names.insert(package.unwrap_or(name).to_owned());
            }
        }
    }
    names
}

/// All files below a folder of the checkout with a name that ends so, from its root; build results aside.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_symlink() || is_result(&path) {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) || extension.is_empty() {
                found.push(path.strip_prefix(root()).expect("below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Whether a path is what tools made, or keep for themselves, and no part of the project.
fn is_result(path: &Path) -> bool {
    let name = path.file_name().expect("a name").to_string_lossy();
    ["target", ".git", ".venv", "__pycache__"].contains(&&*name)
        || name.ends_with("_cache")
        || path.join("CACHEDIR.TAG").exists()
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Whether the keyword `unsafe` is among the tokens: not in comments, strings or longer names.
fn has_unsafe(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_unsafe(group.stream()),
        TokenTree::Ident(word) => word == "unsafe",
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn source_has_unsafe(source: &str) -> bool {
    has_unsafe(source.parse().unwrap_or_else(|error| panic!("tokens of Rust: {error}")))
}

#[test]
fn every_crate_has_a_row_and_every_row_a_crate() {
    let rows: Vec<_> = layers().into_iter().map(|layer| layer.folder).collect();
    let distinct: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(distinct.len(), rows.len(), "each crate has one row");
    assert_eq!(distinct, manifests().into_keys().collect());
}

#[test]
fn a_crate_uses_only_those_that_its_row_allows() {
    let manifests = manifests();
    let folders: BTreeMap<_, _> = manifests
        .iter()
        .map(|(folder, manifest)| (manifest["package"]["name"].as_str().expect("a name"), folder.as_str()))
        .collect();
    for layer in layers() {
        let used: BTreeSet<_> = dependencies(&manifests[&layer.folder])
            .iter()
            .filter_map(|package| folders.get(package.as_str()))
            .map(|&folder| folder.to_owned())
            .collect();
        if let Some(may_use) = &layer.may_use {
            assert!(used.is_subset(may_use), "`{}` uses {used:?} and may use {may_use:?}", layer.folder);
        }
    }
}

#[test]
fn every_dependency_has_its_reason_in_the_table_of_dependencies_and_the_other_way_round() {
    let in_table: BTreeSet<_> =
        table(&read("DESIGN.md"), "crate").into_iter().map(|mut cells| cells.swap_remove(0)).collect();
    let manifests = manifests();
    let in_manifests: BTreeSet<_> = manifests
        .iter()
        .filter(|(folder, _)| *folder != "benches")
        .flat_map(|(_, manifest)| dependencies(manifest))
        .filter(|package| !package.starts_with("millpond"))
        .collect();
    assert_eq!(in_table, in_manifests);
}

#[test]
fn what_a_row_allows_is_in_a_row_above_of_a_lower_level() {
    let mut above: BTreeMap<String, u32> = BTreeMap::new();
    let mut last = 0;
    for layer in layers() {
        assert!(layer.level >= last, "the rows are in the order of their levels, and `{}` is not", layer.folder);
        last = layer.level;
        for used in layer.may_use.iter().flatten() {
            let level =
                above.get(used).unwrap_or_else(|| panic!("`{}` may use `{used}`, which is not above it", layer.folder));
            assert!(*level < layer.level, "`{}` may use `{used}`, which is on the same level", layer.folder);
        }
        above.insert(layer.folder, layer.level);
    }
}

#[test]
fn unsafe_code_is_only_in_the_files_that_the_rows_name() {
    let allowed: BTreeSet<_> = layers().into_iter().flat_map(|layer| layer.unsafe_files).collect();
    let found: BTreeSet<_> =
        files(root(), "rs").iter().filter(|path| source_has_unsafe(&read(path))).map(|path| slashed(path)).collect();
    let unexpected: Vec<_> = found.difference(&allowed).collect();
    let outdated: Vec<_> = allowed.difference(&found).collect();
    assert!(unexpected.is_empty(), "unsafe code in {unexpected:?}, which no row of ARCHITECTURE.md names");
    assert!(outdated.is_empty(), "ARCHITECTURE.md names {outdated:?}, which are not there or have no unsafe code");
}

#[test]
fn the_search_for_unsafe_code_sees_the_keyword_and_nothing_else() {
    for source in ["unsafe { f() }", "mod m { impl T { unsafe fn f() {} } }", "m!(unsafe)"] {
        assert!(source_has_unsafe(source), "{source}");
    }
    for source in [
        "#![forbid(unsafe_code)]",
        "// unsafe",
        "/// unsafe\nfn f() {}",
        "\"unsafe {}\"",
        "r#\"unsafe\"#",
        "/* unsafe */",
    ] {
        assert!(!source_has_unsafe(source), "{source}");
    }
}

#[test]
fn every_folder_of_the_checkout_is_in_the_table_of_folders_and_the_other_way_round() {
    let on_disk: BTreeSet<_> = files(root(), "")
        .iter()
        .filter(|path| path.components().count() > 1)
        .map(|path| format!("{}/", path.iter().next().expect("a first folder").to_string_lossy()))
        .collect();
    let in_table: BTreeSet<_> = table(&read("ARCHITECTURE.md"), "folder")
        .iter()
        .flat_map(|cells| quoted(&cells[0]).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(in_table, on_disk);
}

#[test]
fn every_path_that_a_page_names_exists() {
    for page in ["README.md", "ARCHITECTURE.md", "DESIGN.md"] {
        let text = read(page);
        let outside_code: String = text.split("```").step_by(2).collect();
        let links = outside_code.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links
            .filter(|link| !link.contains("://") && !link.starts_with('#'))
            .map(|link| link.split('#').next().unwrap_or(link));
        let paths = quoted(&outside_code).filter(|text| {
            let is_path =
                text.ends_with('/') || text.ends_with(".rs") || text.ends_with(".md") || text.ends_with(".sh");
            is_path && !text.contains([' ', '*', '<', '…']) && !text.starts_with("target/")
        });
        for path in links.chain(paths) {
            let is_there = root().join(path).exists()
                || layers().iter().any(|layer| root().join(&layer.folder).join(path).exists());
            assert!(is_there, "{page} names `{path}`, which is not there");
        }
    }
}

#[test]
fn no_file_is_longer_than_it_may_be() {
    for path in files(root(), "rs") {
        let is_test = path.iter().any(|part| part == "tests");
        let most = if is_test { TEST_LINES } else { SOURCE_LINES };
        let lines = read(&path).lines().count();
        assert!(lines <= most, "`{}` has {lines} lines and may have {most}", path.display());
    }
}
