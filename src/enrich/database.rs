//! Which files does a database consist of, can they be read, and did they change?
//!
//! A path is a file, or a folder of which every `*.mmdb` counts, in the order of the names, so
//! that a vendor's separate files for IPv4 and IPv6 make one database: the first file that has an
//! answer gives it. Files are read into memory: one that is replaced or cut short while it is in
//! use does no harm.

use std::fs;
use std::io::Read as _;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use maxminddb::{LookupResult, MaxMindDbError, Reader};

use super::cache::Cache;
use super::layout::Answer;
use super::probe;
use crate::error::Failure;

/// Decoded records by file and offset: networks share records, and so their decoded form.
pub(super) type Records<A> = Cache<(usize, usize), Option<Arc<A>>>;

/// One database of one kind.
#[derive(Debug)]
pub(super) struct Database<A> {
    files: Vec<File>,
    path: PathBuf,
    kind: PhantomData<A>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    stamp: Stamp,
    reader: Reader<Vec<u8>>,
}

/// What is known of one database file, for alerts and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// The configuration's key: `geoip.city`, `geoip.asn` or `geoip.anonymous`.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What it calls itself: `GeoLite2-City`.
    pub database_type: String,
    /// When it was built, seconds since the epoch.
    pub build_epoch: u64,
    /// Nodes of its tree.
    pub nodes: u32,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

impl<A: Answer> Database<A> {
    /// Reads the file, or every file of the folder.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or holds another kind of database.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let files = files(path).map_err(|error| unreadable::<A>(path, error))?;
        if files.is_empty() {
            return Err(Failure::new(format!(
                "{} is a folder without databases: {}",
                A::KEY,
                path.display()
            ))
            .detail("No file in it ends in .mmdb.")
            .hint("Name the file, or put the files into the folder."));
        }
        let files = files.into_iter().map(|path| File::open::<A>(path)).collect::<Result<_, _>>()?;
        Ok(Self { files, path: path.to_owned(), kind: PhantomData })
    }

    /// What the database says of an address. A record that cannot be decoded counts as none: it
    /// shows as a missed address.
    pub fn find(&self, address: IpAddr, records: &mut Records<A>) -> Option<Arc<A>> {
        let mut files = self.files.iter().enumerate();
        files.find_map(|(index, file)| {
            let found = file.reader.lookup(address).ok()?;
            let key = (index, found.offset()?);
            if let Some(answer) = records.get(&key) {
                return answer.clone();
            }
            let answer = A::read(&found).ok().flatten().map(Arc::new);
            records.insert(key, answer.clone());
            answer
        })
    }

    /// Each file, in their order.
    pub fn infos(&self) -> impl Iterator<Item = DatabaseInfo> {
        self.files.iter().map(|file| {
            let metadata = file.reader.metadata();
            DatabaseInfo {
                key: A::KEY,
                path: file.path.clone(),
                database_type: metadata.database_type.clone(),
                build_epoch: metadata.build_epoch,
                nodes: metadata.node_count,
            }
        })
    }

    /// Whether what stands at the path now is something else than what was read.
    pub fn changed(&self) -> bool {
        let Ok(now) = files(&self.path) else { return true };
        let stamp = |path: &Path| fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
        let same = |(file, path): (&File, &PathBuf)| file.path == *path && stamp(path) == Some(file.stamp);
        now.len() != self.files.len() || !self.files.iter().zip(&now).all(same)
    }
}

impl File {
    fn open<A: Answer>(path: PathBuf) -> Result<Self, Failure> {
        let (stamp, bytes) = read(&path).map_err(|error| unreadable::<A>(&path, error))?;
        let reader = Reader::from_source(bytes).map_err(|error| damaged::<A>(&path, &error))?;
        probe::check::<A>(&reader, &path)?;
        Ok(Self { path, stamp, reader })
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { modified: metadata.modified().ok(), size: metadata.len(), inode: inode(metadata) }
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &fs::Metadata) -> u64 {
    0
}

/// The file itself, or the folder's databases in the order of their names.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mmdb") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The content with the stamp of the very file it was read from, whatever replaces it meanwhile.
fn read(path: &Path) -> std::io::Result<(Stamp, Vec<u8>)> {
    let mut file = fs::File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok((stamp, bytes))
}

fn unreadable<A: Answer>(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(format!("cannot read the {} database {} ({})", A::KIND, path.display(), A::KEY))
        .detail(format!("{error}."))
        .hint(format!("Set {} to a file in MaxMind format or a folder of them, or leave it out.", A::KEY))
}

/// The failure of a file that is no database, or one that broke off.
pub(super) fn damaged<A: Answer>(path: &Path, error: &MaxMindDbError) -> Failure {
    Failure::new(format!("{} is not a usable database: {}", A::KEY, path.display()))
        .detail(format!("{error}."))
        .hint("It may be cut short or still being written; MaxMind format (.mmdb) is needed, unpacked.")
}

/// The answer of a record, for [`probe`].
pub(super) fn answers<A: Answer>(found: &LookupResult<'_, Vec<u8>>) -> Result<bool, MaxMindDbError> {
    A::read(found).map(|answer| answer.is_some())
}
