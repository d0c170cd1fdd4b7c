//! Is a database file of the kind it was configured as, and whole?
//!
//! Records are tried: the first of the file, and those of addresses spread evenly over IPv4. Trying
//! all of them would take longer than reading the file.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use maxminddb::{LookupResult, MaxMindDbError, Reader};

use super::database::{answers, damaged};
use super::layout::{Anonymous, Answer};
use crate::error::Failure;
use crate::model::{Asn, Geo};

/// Records tried from the start of the file.
const FIRST: usize = 1024;

/// Addresses tried, spread over IPv4.
const SPREAD: u32 = 4096;

/// Passes a file that has an answer of the kind `A` among the records that are tried.
///
/// # Errors
/// A damaged record among them, or no answer; then the failure names the key the file may be for.
pub(super) fn check<A: Answer>(reader: &Reader<Vec<u8>>, path: &Path) -> Result<(), Failure> {
    let found = tried::<A>(reader).map_err(|error| damaged::<A>(path, &error))?;
    if found > 0 { Ok(()) } else { Err(wrong_kind::<A>(reader, path)) }
}

/// How many of the tried records answer.
fn tried<A: Answer>(reader: &Reader<Vec<u8>>) -> Result<usize, MaxMindDbError> {
    let mut found = 0;
    for network in reader.networks(Default::default())?.take(FIRST) {
        found += usize::from(answers::<A>(&network?)?);
    }
    for step in 0..SPREAD {
        let address = Ipv4Addr::from(step * (u32::MAX / SPREAD));
        let result: LookupResult<'_, _> = reader.lookup(IpAddr::V4(address))?;
        found += usize::from(answers::<A>(&result)?);
    }
    Ok(found)
}

fn wrong_kind<A: Answer>(reader: &Reader<Vec<u8>>, path: &Path) -> Failure {
    let kind = &reader.metadata().database_type;
    let failure = Failure::new(format!("{} holds no {} database: {}", A::KEY, A::KIND, path.display()))
        .detail(format!("Its type is `{kind}`, and no record of it says what such a database says."));
    let others = [fits::<Geo>(reader), fits::<Asn>(reader), fits::<Anonymous>(reader)];
    match others.into_iter().flatten().next() {
        Some(key) => failure.hint(format!("It looks right for {key}.")),
        None => failure.hint(format!("Set {} to another file, or leave it out.", A::KEY)),
    }
}

/// The key under which the file would pass.
fn fits<A: Answer>(reader: &Reader<Vec<u8>>) -> Option<&'static str> {
    tried::<A>(reader).is_ok_and(|found| found > 0).then_some(A::KEY)
}
