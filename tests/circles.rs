//! No files of a crate use each other in a circle, but for those that are listed here with the reason.
//!
//! A file uses another one when it names something that is defined there, by a path that begins with `crate`, `self` or `super`. A name
//! that a module hands on (`pub use self::lane::Lane`) counts as what it is in the file that defines it; handing on is no use. Code for tests
//! within a file does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Files that use each other in a circle, and why they may. At most three.
const KNOWN: [(&str, &[&str], &str); 3] = [
    (
        "pool",
        &[
            "core",
            "head",
            "injected",
            "interrupt",
            "lane",
            "lane/admit",
            "lane/fire",
            "lane/firing",
            "lane/header",
            "lane/land",
            "lane/one",
            "lane/room",
            "lane/sequence",
            "lane/state",
            "lend",
            "registry",
            "stage",
            "walk",
        ],
        "a lane's head reads from lanes; what all lanes share, who lets go of them and jobs are still one file",
    ),
    (
        "values",
        &["body", "branching", "graph", "inputs", "plan", "records"],
        "a body may hold a graph, and a graph holds bodies",
    ),
    (
        "values",
        &["careful", "session"],
        "the general loop needs its run, and a run of tasks with attributes holds that loop",
    ),
];

/// The crates' folders that hold Rust.
const CRATES: [&str; 9] = ["graph", "sync", "channel", "workers", "simulation", "values", "pool", "testing", "proof"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A module of a crate that is a file.
#[derive(Default)]
struct Module {
    /// Names that it hands on, each with the path that they have for it.
    handed_on: BTreeMap<String, Vec<String>>,
    /// The paths that it names.
    named: Vec<Vec<String>>,
}

/// The modules of a crate by their paths; the crate itself is the empty one.
type Modules = BTreeMap<Vec<String>, Module>;

fn modules(folder: &Path) -> Modules {
    let mut found = Modules::new();
    let mut folders = vec![(folder.to_owned(), Vec::new())];
    while let Some((folder, path)) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let stem = entry.file_stem().expect("a name").to_string_lossy().into_owned();
            let inner = || [path.clone(), vec![stem.clone()]].concat();
            if entry.is_dir() {
                // Programs in `src/bin` are crates of their own.
                if stem != "bin" {
                    folders.push((entry, inner()));
                }
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let own = if ["lib", "main", "mod"].contains(&&*stem) { path.clone() } else { inner() };
                found.insert(own.clone(), module(&entry, &own));
            }
        }
    }
    found
}

fn module(file: &Path, path: &[String]) -> Module {
    let text = fs::read_to_string(file).expect("a file");
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("tokens of `{}`: {error}", file.display()));
    let mut module = Module::default();
    read(tokens, path, &mut module);
    module
}

/// Takes down what a stretch of code in the module `within` names.
fn read(tokens: TokenStream, within: &[String], module: &mut Module) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut is_handed_on = false;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            // An attribute: code for tests is left out with what follows.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if let Some(TokenTree::Group(group)) = tokens.get(at) {
                    let text: String = group.stream().to_string().split_whitespace().collect();
                    at += 1;
                    if text == "cfg(test)" || text.starts_with("cfg(all(test,") {
                        at = end_of_item(&tokens, at);
                    }
                }
            }
            TokenTree::Group(group) => read(group.stream(), within, module),
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "pub" => {
                    is_handed_on = true;
                    if matches!(tokens.get(at), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
                    {
                        at += 1;
                    }
                    continue;
                }
                "use" => {
                    let end = end_of_item(&tokens, at);
                    let mut paths = Vec::new();
                    tree(&tokens[at..end], &mut Vec::new(), &mut paths);
                    for (alias, path) in paths {
                        let Some(path) = absolute(&path, within, is_handed_on) else { continue };
                        if is_handed_on {
                            module.handed_on.insert(alias, path);
                        } else {
                            module.named.push(path);
                        }
                    }
                    at = end;
                }
                "mod" => {
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(group))) =
                        (tokens.get(at), tokens.get(at + 1))
                    {
                        let inner = [within, &[name.to_string()]].concat();
                        read(group.stream(), &inner, module);
                        at += 2;
                    }
                }
                "crate" | "self" | "super" => {
                    let mut path = vec![word.to_string()];
                    while let [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Ident(next), ..] =
                        &tokens[at..]
                        && (first.as_char(), second.as_char()) == (':', ':')
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if path.len() > 1 {
                        module.named.extend(absolute(&path, within, false));
                    }
                }
                _ => {}
            },
            _ => {}
        }
        is_handed_on = false;
    }
}

/// Where the item ends that begins here: behind its `;`, or behind its braces.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    let is_use = matches!(&tokens[from..], [TokenTree::Ident(word), ..] if word == "use")
        || from.checked_sub(1).is_some_and(|before| matches!(&tokens[before], TokenTree::Ident(word) if word == "use"));
    let ends = |token: &TokenTree| is_end(token) && !(is_use && matches!(token, TokenTree::Group(_)));
    tokens[from..].iter().position(ends).map_or(tokens.len(), |place| from + place + 1)
}

/// The paths of a `use`, each with the name that it has from then on.
fn tree(tokens: &[TokenTree], before: &mut Vec<String>, paths: &mut Vec<(String, Vec<String>)>) {
    let mut path = before.clone();
    let mut alias = None;
    let mut at = 0;
    let mut finish = |path: &mut Vec<String>, alias: &mut Option<String>| {
        if path.len() > before.len() {
            let name = alias.take().or_else(|| path.last().cloned()).unwrap_or_default();
            paths.push((name, path.clone()));
        }
        path.clone_from(before);
    };
    let mut inner = Vec::new();
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Ident(word) if word == "as" => {
                alias = tokens.get(at).map(ToString::to_string);
                at += 1;
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
            TokenTree::Punct(punct) if [',', ';'].contains(&punct.as_char()) => finish(&mut path, &mut alias),
            TokenTree::Group(group) => {
                inner.push((group.stream().into_iter().collect::<Vec<_>>(), path.clone()));
                path.clone_from(before);
            }
            _ => {}
        }
    }
    finish(&mut path, &mut alias);
    for (tokens, mut before) in inner {
        tree(&tokens, &mut before, paths);
    }
}

/// A path from the crate's root; `None` for one into another crate.
fn absolute(path: &[String], within: &[String], is_handed_on: bool) -> Option<Vec<String>> {
    let mut path = path.iter().map(String::as_str).peekable();
    let mut place = match *path.peek()? {
        "crate" => Vec::new(),
        "self" | "super" => within.to_vec(),
        // A name of a child, without `self`.
        _ if is_handed_on => within.to_vec(),
        _ => return None,
    };
    for part in path {
        match part {
            "crate" | "self" => {}
            "super" => drop(place.pop()),
            name => place.push(name.to_owned()),
        }
    }
    Some(place)
}

/// The file that defines what a path names.
fn file_of(modules: &Modules, path: &[String]) -> Option<Vec<String>> {
    let mut path = path.to_vec();
    // Names may be handed on several times.
    for _ in 0..8 {
        let depth = (0..=path.len()).rev().find(|depth| modules.contains_key(&path[..*depth]))?;
        let (module, rest) = path.split_at(depth);
        let handed_on = rest.first().and_then(|name| {
            let names = &modules[module].handed_on;
            names.get(name).or_else(|| {
                let globs = names.values().filter(|path| path.last().is_some_and(|last| last == "*"));
                let mut globs: Vec<_> = globs.collect();
                (globs.len() == 1).then(|| globs.remove(0))
            })
        });
        match handed_on {
            Some(to) => {
                let to = if to.last().is_some_and(|last| last == "*") {
                    [&to[..to.len() - 1], &rest[..1]].concat()
                } else {
                    to.clone()
                };
                let next = [to, rest[1..].to_vec()].concat();
                if next == path {
                    return Some(module.to_vec());
                }
                path = next;
            }
            None => return Some(module.to_vec()),
        }
    }
    None
}

/// Which files each file of a crate uses.
fn uses(modules: &Modules) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    modules
        .iter()
        .map(|(own, module)| {
            let used = module.named.iter().filter_map(|path| file_of(modules, path)).filter(|used| used != own);
            (own.clone(), used.collect())
        })
        .collect()
}

/// Everything that can be reached from a file.
fn reached(uses: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>, from: &[String]) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_vec()];
    while let Some(file) = open.pop() {
        for used in uses.get(&file).into_iter().flatten() {
            if found.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    found
}

/// The circles of a crate's files: each as large as it is, with every file in one.
fn circles(modules: &Modules) -> Vec<BTreeSet<String>> {
    let uses = uses(modules);
    let reached: BTreeMap<_, _> = uses.keys().map(|file| (file.clone(), reached(&uses, file))).collect();
    let mut found: BTreeSet<BTreeSet<Vec<String>>> = BTreeSet::new();
    for file in uses.keys().filter(|file| reached[*file].contains(*file)) {
        let with: BTreeSet<_> = reached[file].iter().filter(|other| reached[*other].contains(file)).cloned().collect();
        found.insert(with);
    }
    let name = |path: &Vec<String>| if path.is_empty() { "lib".to_owned() } else { path.join("/") };
    found.into_iter().map(|circle| circle.iter().map(name).collect()).collect()
}

fn sources(of: &str) -> PathBuf {
    root().join(of).join("src")
}

#[test]
fn files_use_each_other_in_no_circle_that_is_not_listed_with_its_reason() {
    assert!(KNOWN.len() <= 3, "at most three circles are let be");
    let mut known: BTreeMap<(String, BTreeSet<String>), &str> = KNOWN
        .iter()
        .map(|(of, files, reason)| (((*of).to_owned(), files.iter().map(|&file| file.to_owned()).collect()), *reason))
        .collect();
    let mut unknown = Vec::new();
    for of in CRATES.into_iter().filter(|of| sources(of).exists()) {
        for circle in circles(&modules(&sources(of))) {
            match known.remove(&(of.to_owned(), circle.clone())) {
                Some(reason) => println!("{of}: {circle:?}: {reason}"),
                None => unknown.push(format!("{of}: {} files: {circle:?}", circle.len())),
            }
        }
    }
    assert!(unknown.is_empty(), "files use each other in circles:\n{}", unknown.join("\n"));
    assert!(known.is_empty(), "these circles are listed and not there: {:?}", known.keys());
}

#[test]
fn a_circle_is_seen_through_names_that_are_handed_on_and_not_in_tests() {
    let module_of = |path: &[&str], text: &str| {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        let mut module = Module::default();
        read(text.parse().expect("tokens"), &path, &mut module);
        (path, module)
    };
    let two = |second: &str| -> Modules {
        [
            module_of(&[], "mod a; mod b; pub use a::A; pub(crate) use self::b::{B, c::D as E};"),
            module_of(&["a"], "use crate::{B, other}; struct A;"),
            module_of(&["b"], second),
        ]
        .into()
    };
    let circle = |second: &str| circles(&two(second));
    let both = vec![BTreeSet::from(["a".to_owned(), "b".to_owned()])];
    assert_eq!(circle("fn f() { super::A::new() }"), both);
    assert_eq!(circle("mod inner { use super::super::a::A; }"), both);
    assert_eq!(circle("use std::fmt; use crate::a::{self, A};"), both);
    assert_eq!(circle("#[cfg(test)] mod tests { use crate::A; } struct B;"), Vec::<BTreeSet<String>>::new());
    assert_eq!(circle("#[cfg(test)] use crate::A; struct B;"), Vec::<BTreeSet<String>>::new());
    assert_eq!(circle("struct B; impl B { fn f() -> Self { Self::new() } }"), Vec::<BTreeSet<String>>::new());
}
