//! Small files that are replaced as a whole: a crash leaves the old one or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Puts `bytes` where `path` is; they are on the disk when this returns.
///
/// # Errors
/// Whatever the file system says.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Of the whole name: files that differ in their extension alone do not share it.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = path.with_file_name(name);
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(directory) if directory.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
