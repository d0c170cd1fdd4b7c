//! Which lists are there, and what stands in them?
//!
//! A list is read when the first rule names it, so that a file nobody asks for costs nothing; `check`
//! reads all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::diagnostic::Findings;
use super::expand::Listed;
use super::list_file::{self, Value};
use super::network;
use super::reader::Spanned;
use super::sources::{ListSource, Sources, Span};
use crate::model::ListInfo;
use crate::text::nearest;

/// Digits of a list's digest that alerts show.
const DIGEST_DIGITS: usize = 16;

/// The lists of a run by name.
pub(super) struct Lists {
    sources: Arc<[ListSource]>,
    /// Their places among the sources.
    files: BTreeMap<String, usize>,
    /// The number of the first list's file.
    first: u32,
    /// Those that were read; `None` if there were mistakes.
    read: BTreeMap<String, Option<Arc<List>>>,
    /// What uses of lists stand for, by what they mean: rules that say the same share it.
    pub(super) listed: BTreeMap<String, Arc<Listed>>,
}

/// One list.
#[derive(Debug)]
pub(super) struct List {
    pub info: Arc<ListInfo>,
    pub values: Vec<Value>,
    /// Its values as networks, if every one is an address or a network.
    pub networks: Option<Vec<IpNet>>,
}

/// Whether `%…%` can hold the name: what other Sigma tools take for one.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Lists {
    /// The lists among the sources. Of one name, that of the last rule path counts.
    pub(super) fn new(sources: &Sources, findings: &mut Findings) -> Self {
        let (first, sources) = sources.lists();
        let mut lists =
            Self { sources, files: BTreeMap::new(), first, read: BTreeMap::new(), listed: BTreeMap::new() };
        for place in 0..lists.sources.len() {
            lists.add(place, findings);
        }
        lists
    }

    fn add(&mut self, place: usize, findings: &mut Findings) {
        let Some(list) = self.sources.get(place) else { return };
        let name = stem(list);
        let other = self.files.get(&name).and_then(|other| self.sources.get(*other));
        if let Some(other) = other.filter(|other| other.rank == list.rank && other.digest != list.digest) {
            let message = format!("the list `{name}` is also in {}", other.source.path.display());
            let finding = findings.error(self.whole(place), "duplicate-list", message);
            finding.help("Of several lists of one name, that of a later rule path is taken.");
        } else if other.is_none_or(|other| other.rank <= list.rank) {
            self.files.insert(name, place);
        }
    }

    /// The beginning of a list's file.
    fn whole(&self, place: usize) -> Span {
        let file = self.first.saturating_add(u32::try_from(place).unwrap_or(u32::MAX));
        Span { file, ..Span::default() }
    }

    /// The list of a name; an error if there is none, or if it cannot be read.
    pub(super) fn find(&mut self, name: &Spanned, findings: &mut Findings) -> Option<Arc<List>> {
        if !self.files.contains_key(&name.text) {
            let near = findings.guess(|| nearest(&name.text, self.files.keys().map(String::as_str)));
            let message = format!("no list `{}`", name.text);
            findings.error(name.span, "unknown-list", message).suggest(near, || {
                format!("It is the file lists/{0}.txt or lists/{0}.csv beside or under the rules.", name.text)
            });
            return None;
        }
        self.list(&name.text, findings)
    }

    /// Reads the lists that no rule named, so that every mistake is told.
    pub(super) fn check(&mut self, findings: &mut Findings) {
        let names: Vec<(String, usize)> =
            self.files.iter().map(|(name, place)| (name.clone(), *place)).collect();
        for (name, place) in names {
            if !is_name(&name) {
                let message = format!("no rule can name the list `{name}`");
                let finding = findings.warning(self.whole(place), "list-name", message);
                finding.help("The name of a list has letters, digits and underscores only.");
            }
            self.list(&name, findings);
        }
    }

    fn list(&mut self, name: &str, findings: &mut Findings) -> Option<Arc<List>> {
        if let Some(read) = self.read.get(name) {
            return read.clone();
        }
        let place = *self.files.get(name)?;
        let list = read(name, self.whole(place).file, self.sources.get(place)?, findings).map(Arc::new);
        self.read.insert(name.to_owned(), list.clone());
        list
    }
}

fn stem(list: &ListSource) -> String {
    let stem = list.source.path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn read(name: &str, file: u32, source: &ListSource, findings: &mut Findings) -> Option<List> {
    if let Some(at) = source.broken_at {
        let span = Span { file, start: at, end: at };
        findings.error(span, "list-text", "the list is not UTF-8 text from here on");
        return None;
    }
    let before = findings.errors();
    let text = &source.source.text;
    let is_table = source.source.path.extension().is_some_and(|extension| extension == "csv");
    let values = match is_table {
        true => list_file::table(text, file, findings),
        false => list_file::lines(text, file, findings),
    };
    let digest = source.digest.chars().take(DIGEST_DIGITS).collect();
    let info = ListInfo { name: Arc::from(name), digest, entries: values.len() };
    let networks = values.iter().map(|value| network::parse(&value.text)).collect();
    (findings.errors() == before).then_some(List { info: Arc::new(info), values, networks })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listed, told_listed as told};

    const RULE: &str = "sel: {actor.alternateId|expand: '%vip%'}\ncondition: sel";

    #[test]
    fn an_unknown_list_is_told_with_a_guess() {
        let found = listed(RULE, &[("vips.txt", "ana")]).unwrap_err();
        assert_eq!((found[0].code, found[0].message.as_str()), ("unknown-list", "no list `vip`"));
        assert_eq!(found[0].help.as_deref(), Some("did you mean `vips`?"));
        assert_eq!((found[0].at.line, found[0].at.column), (7, 36));
        let far = listed(RULE, &[("countries.txt", "PT")]).unwrap_err();
        assert!(far[0].help.as_deref().unwrap().contains("lists/vip.txt"));
    }

    #[test]
    fn a_mistake_in_a_list_is_told_with_the_list_s_own_place() {
        let found = listed(RULE, &[("vip.csv", "key,name\nana,Ana\n\"ben,Ben\n")]).unwrap_err();
        let place = (found[0].at.file.to_str().unwrap(), found[0].at.line, found[0].at.column);
        assert_eq!((found[0].code, place), ("list-csv", ("vip.csv", 3, 1)));
    }

    #[test]
    fn two_lists_of_one_name_are_refused_unless_they_are_the_same() {
        assert_eq!(told(RULE, &[("vip.txt", "ana"), ("vip.csv", "key\nana")])[0].0, "duplicate-list");
        assert_eq!(told(RULE, &[("a/vip.txt", "ana"), ("b/vip.txt", "ana")]), []);
    }

    #[test]
    fn an_empty_list_is_a_warning_and_says_what_it_is_worth() {
        let found = told(RULE, &[("vip.txt", "# nobody yet\n")]);
        assert_eq!(found, [("empty-list", "the list `vip` is empty: it matches nothing".to_owned())]);
    }

    #[test]
    fn the_list_of_a_later_path_goes_before() {
        let folder = tempfile::tempdir().unwrap();
        let rule = super::super::testing::document("one", RULE, "");
        for (name, text) in [
            ("shipped/one.yml", rule.as_str()),
            ("shipped/lists/vip.txt", "ana"),
            ("own/lists/vip.txt", "ben\ncy"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let entries = |paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(|path| folder.path().join(path)).collect();
            super::super::load(&paths).unwrap().rules[0].info.lists[0].entries
        };
        assert_eq!(
            (entries(&["shipped"]), entries(&["shipped", "own"]), entries(&["own", "shipped"])),
            (1, 2, 1)
        );
    }

    #[test]
    fn the_digest_is_of_the_file_s_bytes() {
        let of = |text| {
            let set = listed(RULE, &[("vip.txt", text)]).unwrap();
            (set.rules[0].info.lists[0].digest.clone(), set.rules[0].info.digest.clone())
        };
        let (ana, ben) = (of("ana"), of("ben"));
        assert_eq!(Some(ana.0.as_str()), format!("{:032x}", xxhash_rust::xxh3::xxh3_128(b"ana")).get(..16));
        assert_ne!(ana.0, ben.0);
        assert_eq!(ana.1, ben.1, "what stands in a list is no part of the rule's meaning");
    }
}
