//! A document: one file on its way from bytes on the disk to text.
//!
//! Three steps, each a function of its own so that each can be a task of its own:
//! [`RawDocument::read`] takes the bytes from the disk, [`RawDocument::decompress`] unpacks what
//! ends in `.gz`, [`RawDocument::into_text`] checks that they are UTF-8. Which files are documents
//! at all is told from the name alone ([`is_document`]), before one is opened.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::markup::Markup;

/// Names that end so are sources or documentation.
///
/// JavaScript and JSON are left out: nearly all that documentation brings of them are search
/// indexes.
const EXTENSIONS: &[&str] = &[
    "adoc", "c", "cc", "cpp", "css", "go", "h", "hpp", "htm", "html", "java", "md", "proto", "py", "pyi", "rs", "rst",
    "s", "sh", "toml", "ts", "txt", "xml", "yaml", "yml",
];

/// Names without an extension that are documentation.
const NAMES: &[&str] = &["authors", "changelog", "copying", "copyright", "license", "news", "readme"];

/// Whether a file of this name is a source or documentation, compressed or not.
#[must_use]
pub fn is_document(path: &Path) -> bool {
    match extension(path).as_deref() {
        Some(extension) => EXTENSIONS.binary_search(&extension).is_ok() || is_manual_section(extension),
        None => path.file_stem().is_some_and(|name| {
            let name = name.to_string_lossy().to_ascii_lowercase();
            NAMES.iter().any(|known| name.starts_with(known))
        }),
    }
}

/// What a file's name ends in, in lower case, `.gz` aside.
fn extension(path: &Path) -> Option<String> {
    let path = if is_compressed(path) { &path.with_extension("") } else { path };
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}

/// Whether a manual page's name may end in this: `1` to `8`, and then letters, as in `3pm`.
fn is_manual_section(extension: &str) -> bool {
    let mut characters = extension.chars();
    characters.next().is_some_and(|first| ('1'..='8').contains(&first))
        && characters.all(|character| character.is_ascii_lowercase())
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// A file's bytes, not yet known to be text.
#[derive(Debug)]
pub struct RawDocument {
    /// Where it was read from.
    path: PathBuf,
    /// What is in it; packed while `is_packed`.
    bytes: Vec<u8>,
    /// Whether `bytes` are still gzip's.
    is_packed: bool,
}

impl RawDocument {
    /// Reads a file whole.
    ///
    /// # Errors
    /// [`DocumentError::Unreadable`] when the operating system refuses.
    pub fn read(path: PathBuf) -> Result<Self, DocumentError> {
        match fs::read(&path) {
            Ok(bytes) => Ok(Self { is_packed: is_compressed(&path), bytes, path }),
            Err(cause) => Err(DocumentError::Unreadable { path, cause }),
        }
    }

    /// Unpacks a file that ends in `.gz`, of one gzip member or several; others pass untouched.
    ///
    /// # Errors
    /// [`DocumentError::NotGzip`] when the bytes are not what the name promises.
    pub fn decompress(mut self) -> Result<Self, DocumentError> {
        if self.is_packed {
            let mut bytes = Vec::new();
            if let Err(cause) = MultiGzDecoder::new(self.bytes.as_slice()).read_to_end(&mut bytes) {
                return Err(DocumentError::NotGzip { path: self.path, cause });
            }
            self.bytes = bytes;
            self.is_packed = false;
        }
        Ok(self)
    }

    /// Makes text of the bytes, without copying them.
    ///
    /// # Errors
    /// [`DocumentError::NotUtf8`] when they are none.
    ///
    /// # Panics
    /// When a compressed document has not been [decompressed](Self::decompress).
    #[track_caller]
    pub fn into_text(self) -> Result<Document, DocumentError> {
        assert!(!self.is_packed, "making text of `{}`: it must be decompressed first", self.path.display());
        match String::from_utf8(self.bytes) {
            Ok(text) => Ok(Document { path: self.path, text }),
            Err(error) => {
                Err(DocumentError::NotUtf8 { path: self.path, valid_up_to: error.utf8_error().valid_up_to() })
            }
        }
    }
}

/// A file's text.
#[derive(Debug)]
pub struct Document {
    /// Where it was read from.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl Document {
    /// The path's file as text, in one go.
    ///
    /// # Errors
    /// Whatever [`RawDocument`]'s steps give.
    pub fn read(path: PathBuf) -> Result<Self, DocumentError> {
        RawDocument::read(path)?.decompress()?.into_text()
    }

    /// What of the text is not for people to read.
    #[must_use]
    pub fn markup(&self) -> Markup {
        match extension(&self.path).as_deref() {
            Some("html" | "htm" | "xml") => Markup::Tags,
            Some(section) if is_manual_section(section) => Markup::Escapes,
            _ => Markup::None,
        }
    }
}

/// A file that gave no text. All of these are expected among the files of a real machine: the file
/// is rejected and reported, the rest goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum DocumentError {
    /// The operating system refused to give the bytes.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The name ends in `.gz` and the bytes are not gzip's, or are cut off.
    NotGzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        cause: io::Error,
    },
    /// The bytes are not text, or text in another encoding.
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// How many bytes are UTF-8 before the first that is not.
        valid_up_to: usize,
    },
}

impl DocumentError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::NotGzip { path, .. } | Self::NotUtf8 { path, .. } => path,
        }
    }

    /// What is wrong, in the words of a report that counts such files.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::NotGzip { .. } => "not gzip",
            Self::NotUtf8 { .. } => "not UTF-8",
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, cause } => write!(f, "reading `{}` failed: {cause}", path.display()),
            Self::NotGzip { path, cause } => write!(f, "decompressing `{}` failed: {cause}", path.display()),
            Self::NotUtf8 { path, valid_up_to } => {
                write!(f, "reading `{}` as text failed: not UTF-8 after {valid_up_to} bytes", path.display())
            }
        }
    }
}

impl std::error::Error for DocumentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } | Self::NotGzip { cause, .. } => Some(cause),
            Self::NotUtf8 { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    fn read(name: &str, bytes: &[u8]) -> (PathBuf, Result<Document, DocumentError>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        (path.clone(), Document::read(path))
    }

    #[test]
    fn the_table_of_extensions_is_sorted_so_that_it_can_be_searched() {
        assert!(EXTENSIONS.is_sorted());
    }

    #[test]
    fn documents_are_known_by_their_names() {
        for name in
            ["a.rs", "B.HTML", "x.tar.md", "README", "LICENSE-MIT", "ls.1", "ls.1.gz", "open.3pm.gz", "a.txt.gz"]
        {
            assert!(is_document(Path::new(name)), "{name}");
        }
        for name in
            ["a.rlib", "x.tar.gz", "cargo", "a.woff2", ".cargo-ok", "a.9", "a.10", "photo.png", "x.gz", "index.js"]
        {
            assert!(!is_document(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn plain_and_compressed_files_give_the_same_text() {
        let (_, plain) = read("a.txt", "schön".as_bytes());
        let (_, compressed) = read("a.txt.gz", &packed("schön"));
        assert_eq!(plain.expect("text").text, "schön");
        assert_eq!(compressed.expect("text").text, "schön");
    }

    #[test]
    fn every_member_of_a_compressed_file_is_read() {
        let (_, text) = read("a.txt.gz", &[packed("one "), packed("two")].concat());
        assert_eq!(text.expect("text").text, "one two");
    }

    #[test]
    fn a_file_that_is_not_there_is_unreadable() {
        let path = PathBuf::from("/nowhere/at all.txt");
        let error = Document::read(path).expect_err("no such file");
        assert_eq!(error.kind(), "unreadable");
        assert_eq!(error.to_string(), "reading `/nowhere/at all.txt` failed: No such file or directory (os error 2)");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_rejected_with_their_place() {
        let (path, text) = read("a.txt", b"sch\xf6n");
        let error = text.expect_err("Latin-1");
        assert_eq!(error.kind(), "not UTF-8");
        assert_eq!(error.to_string(), format!("reading `{}` as text failed: not UTF-8 after 3 bytes", path.display()));
    }

    #[test]
    fn a_compressed_file_that_is_cut_off_is_rejected() {
        let whole = packed(&"text ".repeat(100));
        let (path, text) = read("a.txt.gz", &whole[..whole.len() - 10]);
        let error = text.expect_err("cut off");
        assert_eq!(error.kind(), "not gzip");
        assert!(error.to_string().starts_with(&format!("decompressing `{}` failed: ", path.display())), "{error}");
    }

    #[test]
    #[should_panic(expected = "making text of `a.gz`: it must be decompressed first")]
    fn text_cannot_be_made_of_packed_bytes() {
        let raw = RawDocument { path: "a.gz".into(), bytes: Vec::new(), is_packed: true };
        let _ = raw.into_text();
    }
}
