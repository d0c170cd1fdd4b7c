//! How do the documents of all files become one rule set?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::assemble::Assembling;
use super::budget::Budget;
use super::case::{ReadTest, TestCase};
use super::detection::{Detection, Expression};
use super::diagnostic::Findings;
use super::document::{self, Content, Document, Read};
use super::exception::Exception;
use super::filter::{self, Filter, FilterDocument, Filters};
use super::graph::{Directory, Graph};
use super::link::Linking;
use super::lists::Lists;
use super::reader::{Map, Spanned};
use super::roles::Roles;
use super::search::Search;
use super::selection::Reading;
use super::sources::Sources;
use super::yaml::{self, Node};
use super::{Body, RuleSet};
use crate::model::{FieldId, FieldTable, Mode};

/// A rule set with what the lints look at besides.
pub(super) struct Compiled {
    /// `None` if there were errors.
    pub set: Option<RuleSet>,
    pub facts: Vec<Facts>,
    pub lists: Lists,
}

/// What the lints look at while documents and bodies are both at hand, before any of it is used up.
pub(super) struct Inspection<'i, 'd> {
    pub documents: &'i [Document<'d>],
    pub filters: &'i [FilterDocument<'d>],
    /// One for each document; `None` if it has mistakes.
    pub bodies: Vec<Option<&'i Body>>,
    pub table: &'i FieldTable,
}

/// What the lints ask of one rule.
pub(super) struct Facts {
    pub name: Spanned,
    /// The last day of each exception, and where it is written.
    pub exceptions: Vec<(Spanned, Date)>,
    pub event_types: Vec<Spanned>,
    pub message: Option<Spanned>,
    pub group_by: Vec<String>,
    /// The figures it names, each with whether its condition reads it.
    pub values: Vec<(Spanned, bool)>,
    /// Paths of the fields it reads, or that the rules it takes read.
    pub reads: Vec<String>,
    pub has_runbook: bool,
    pub has_attack: bool,
    /// It raises alerts of its own, and is not off.
    pub alerts: bool,
    /// For each test of its file, whether it must alert.
    pub tested: Vec<bool>,
}

impl Facts {
    /// Of a filter, only the event types it names are looked at.
    fn of_filter(filter: &FilterDocument<'_>, event_types: &[Spanned]) -> Self {
        Self {
            name: filter.title.clone(),
            event_types: event_types.to_vec(),
            message: None,
            group_by: Vec::new(),
            values: Vec::new(),
            exceptions: Vec::new(),
            reads: Vec::new(),
            has_runbook: false,
            has_attack: false,
            alerts: false,
            tested: Vec::new(),
        }
    }
}

/// Reads and compiles every file; the mistakes are in `findings`. Fields that `table` has keep their
/// places.
pub(super) fn compile(sources: &Sources, table: FieldTable, findings: &mut Findings) -> Compiled {
    inspected(sources, table, findings, |_| ())
}

/// As [`compile`], with a look at what came of each document.
pub(super) fn inspected(
    sources: &Sources,
    mut table: FieldTable,
    findings: &mut Findings,
    inspect: impl FnOnce(&Inspection<'_, '_>),
) -> Compiled {
    let trees: Vec<Vec<Node>> =
        (0..).zip(sources.iter()).map(|(file, source)| yaml::parse(file, &source.text, findings)).collect();
    let (mut documents, filters, tests) = read(trees.iter().flatten(), findings);
    documents.sort_by(|left, right| left.name.text.cmp(&right.name.text));
    refuse_twins(&documents, &filters, findings);
    let directory = Directory::new(&documents);
    check_tests(&tests, &directory, findings);
    let mut lists = Lists::new(sources, findings);
    let mut compiler = Compiler {
        documents: &documents,
        directory: &directory,
        table: &mut table,
        lists: &mut lists,
        budget: Budget::default(),
        findings,
    };
    let roles = Roles::new(&documents, &directory);
    let graph = Graph::new(&documents, &directory, &roles, compiler.findings);
    let filtering = compiler.filters(&filters);
    let bodies = compiler.bodies(graph.as_ref(), &filtering);
    let mut facts = facts(&documents, &bodies, &tests, &directory, &roles);
    if let Some(graph) = &graph {
        add_reads(&mut facts, &bodies, graph, &table);
    }
    facts.extend(
        filters.iter().zip(&filtering.event_types).map(|(filter, types)| Facts::of_filter(filter, types)),
    );
    let compiled = bodies.iter().map(|body| body.as_ref().map(|compiling| &compiling.body)).collect();
    inspect(&Inspection { documents: &documents, filters: &filters, bodies: compiled, table: &table });
    let Some(graph) = graph.filter(|_| findings.errors() == 0) else {
        return Compiled { set: None, facts, lists };
    };
    let bodies =
        bodies.into_iter().flatten().map(|compiling| (compiling.body, compiling.exceptions)).collect();
    let tested = Tested { documents: &documents, filters: &filters, filtering: &filtering, graph: &graph };
    let tests = tested.cases(tests, sources);
    let assembling = Assembling { documents: &documents, graph: &graph, roles: &roles, sources, table };
    let set = RuleSet { tests, ..assembling.rule_set(bodies, findings) };
    Compiled { set: (findings.errors() == 0).then_some(set), facts, lists }
}

type AllRead<'n> = (Vec<Document<'n>>, Vec<FilterDocument<'n>>, Vec<ReadTest>);

fn read<'n>(nodes: impl Iterator<Item = &'n Node>, findings: &mut Findings) -> AllRead<'n> {
    let (mut documents, mut filters, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for node in nodes {
        let (read, found) = document::read(node, findings);
        match read {
            Some(Read::Rule(document)) => documents.push(*document),
            Some(Read::Filter(filter)) => filters.push(*filter),
            None => {}
        }
        tests.extend(found);
    }
    (documents, filters, tests)
}

/// What the tests of a file may be about.
struct Tested<'t, 'd> {
    documents: &'t [Document<'d>],
    filters: &'t [FilterDocument<'d>],
    filtering: &'t Filters,
    graph: &'t Graph,
}

impl Tested<'_, '_> {
    fn cases(&self, tests: Vec<ReadTest>, sources: &Sources) -> Vec<TestCase> {
        let mut known: BTreeMap<u32, Arc<[String]>> = BTreeMap::new();
        let cases = tests.into_iter().map(|read| {
            let file = read.span.file;
            let rules = known.entry(file).or_insert_with(|| {
                let documents = self.rules(file).into_iter().filter_map(|place| self.documents.get(place));
                documents.map(|document| document.name.text.clone()).collect()
            });
            TestCase {
                file: sources.get(read.span.file).map(|source| source.path.clone()).unwrap_or_default(),
                test: read.test,
                rules: Arc::clone(rules),
            }
        });
        cases.collect()
    }

    /// The rules of a file, and those that its filters change: the ones they go on, and every
    /// correlation that these lead to.
    fn rules(&self, file: u32) -> BTreeSet<usize> {
        let filters = self.filters.iter().zip(&self.filtering.rules);
        let filters = filters.filter(|(filter, _)| filter.title.span.file == file);
        let mut changed: BTreeSet<usize> = filters.flat_map(|(_, rules)| rules).copied().collect();
        for place in self.graph.order.iter().copied() {
            let children = self.graph.children.get(place).into_iter().flatten();
            if children.into_iter().any(|child| changed.contains(child)) {
                changed.insert(place);
            }
        }
        let own = (0..).zip(self.documents).filter(|(_, document)| document.name.span.file == file);
        changed.extend(own.map(|(place, _)| place));
        changed
    }
}

fn refuse_twins(documents: &[Document<'_>], filters: &[FilterDocument<'_>], findings: &mut Findings) {
    let of_rules = |word: fn(&Document<'_>) -> Spanned| {
        documents.iter().map(move |document| (word(document), document.title.clone(), "rule"))
    };
    let of_filters = |word: fn(&FilterDocument<'_>) -> Option<Spanned>| {
        let words = filters.iter().filter_map(move |filter| Some((word(filter)?, filter.title.text.clone())));
        words.map(|(word, title)| (word, title, "filter"))
    };
    let names = of_rules(|rule| rule.name.clone()).chain(of_filters(|filter| filter.name.clone()));
    let ids = of_rules(|rule| rule.id.clone()).chain(of_filters(|filter| filter.id.clone()));
    refuse_twice("name", "duplicate-name", names, findings);
    refuse_twice("id", "duplicate-id", ids, findings);
}

fn refuse_twice(
    what: &str,
    code: &'static str,
    words: impl Iterator<Item = (Spanned, String, &'static str)>,
    findings: &mut Findings,
) {
    let mut words: Vec<_> = words.collect();
    words.sort_by_key(|(word, ..)| (word.span.file, word.span.start));
    let mut seen = BTreeMap::new();
    for (word, title, kind) in &words {
        let (first, title, kind) = *seen.entry(word.text.as_str()).or_insert((word.span, title, kind));
        if first != word.span {
            let message = format!("the {what} `{}` is taken by the {kind} “{title}”", word.text);
            findings.error(word.span, code, message).related(first, "the first stands here");
        }
    }
}

fn check_tests(tests: &[ReadTest], directory: &Directory<'_>, findings: &mut Findings) {
    for word in tests.iter().flat_map(|test| &test.rules) {
        directory.find(word, findings);
    }
}

/// One compiled body with what it was compiled from.
struct Compiling {
    body: Body,
    exceptions: Vec<Exception>,
    event_types: Vec<Spanned>,
}

struct Compiler<'c, 'd> {
    documents: &'c [Document<'d>],
    directory: &'c Directory<'c>,
    table: &'c mut FieldTable,
    lists: &'c mut Lists,
    budget: Budget,
    findings: &'c mut Findings,
}

impl Compiler<'_, '_> {
    fn filters(&mut self, filters: &[FilterDocument<'_>]) -> Filters {
        let rules = filter::targets(filters, self.documents, self.directory, self.findings);
        let mut all = Filters { of_rule: vec![Vec::new(); self.documents.len()], ..Filters::default() };
        for (document, rules) in filters.iter().zip(&rules) {
            let (compiled, _, event_types) = self.read(|reading| document.compile(reading));
            let compiled = compiled.map(Arc::new);
            for place in rules {
                if let Some(of_rule) = all.of_rule.get_mut(*place) {
                    of_rule.extend(compiled.clone());
                }
            }
            all.event_types.push(event_types);
        }
        Filters { rules, ..all }
    }

    /// A body for each document that has none of the mistakes; detections are compiled even when
    /// the graph of the correlations is wrong, so that all mistakes are told at once.
    fn bodies(&mut self, graph: Option<&Graph>, filters: &Filters) -> Vec<Option<Compiling>> {
        let documents = self.documents;
        let bodies = documents.iter().enumerate().map(|(place, document)| {
            let (exceptions, mut excepted) = self.exceptions(document);
            let (body, mut event_types) = match &document.content {
                Content::Detection(node) => {
                    let filters = filters.of_rule.get(place).map(Vec::as_slice).unwrap_or_default();
                    self.detection(document, node, filters)?
                }
                Content::Correlation(correlation) => {
                    let children = graph?.children.get(place)?;
                    let directory = self.directory;
                    let linking = Linking { correlation, documents, directory, children };
                    let body = self.read(|reading| linking.link(reading)).0?;
                    (Body::Correlation(body), Vec::new())
                }
            };
            event_types.append(&mut excepted);
            Some(Compiling { body, exceptions, event_types })
        });
        bodies.collect()
    }

    /// The exceptions of a rule, with the event types they name. What they read is no evidence.
    fn exceptions(&mut self, document: &Document<'_>) -> (Vec<Exception>, Vec<Spanned>) {
        let (exceptions, _, event_types) = self.read(|reading| {
            let all = document.options.exceptions.iter();
            let read = all.filter_map(|exception| {
                let selection = reading.selection(exception.matches)?;
                Some(exception.with(selection))
            });
            read.collect()
        });
        (exceptions, event_types)
    }

    fn read<T>(&mut self, read: impl FnOnce(&mut Reading<'_>) -> T) -> (T, Vec<FieldId>, Vec<Spanned>) {
        let Self { table, lists, budget, findings, .. } = self;
        let mut reading =
            Reading { table, lists, budget, findings, reads: Vec::new(), event_types: Vec::new() };
        let result = read(&mut reading);
        (result, reading.reads, reading.event_types)
    }

    /// The rule's own condition is judged first, as most events end there.
    fn detection(
        &mut self,
        document: &Document<'_>,
        node: &Node,
        filters: &[Arc<Filter>],
    ) -> Option<(Body, Vec<Spanned>)> {
        let map = Map::of(node, "`detection`", self.findings)?;
        let (search, reads, event_types) = self.read(|reading| {
            let search = reading.search(&map, &[]);
            reading.shown(&document.fields);
            search
        });
        let Search { selections, condition } = search?;
        let filters = filters.iter().cloned().map(Expression::Filter);
        let condition = match filters.len() {
            0 => condition,
            _ => Expression::All(std::iter::once(condition).chain(filters).collect()),
        };
        let detection = Detection { selections, condition, reads, needs: Vec::new() };
        Some((Body::Detection(detection), event_types))
    }
}

fn facts(
    documents: &[Document<'_>],
    bodies: &[Option<Compiling>],
    tests: &[ReadTest],
    directory: &Directory<'_>,
    roles: &Roles,
) -> Vec<Facts> {
    let facts = documents.iter().zip(bodies).enumerate().map(|(place, (document, body))| {
        let options = &document.options;
        let of_file = tests.iter().filter(|test| test.span.file == document.name.span.file);
        let expects = |test: &ReadTest| {
            let named = |rule: &Option<String>| match rule {
                Some(word) => directory.get(word) == Some(place),
                None => true,
            };
            test.test.expect.iter().any(|expectation| named(&expectation.rule))
        };
        let (group_by, values) = match &document.content {
            Content::Correlation(correlation) => {
                let shown = correlation.shows().map(|group| group.text.clone());
                (shown.collect(), correlation.values())
            }
            Content::Detection(_) => (Vec::new(), Vec::new()),
        };
        let exceptions = options.exceptions.iter();
        Facts {
            name: document.name.clone(),
            exceptions: exceptions.map(|exception| (exception.written.clone(), exception.until)).collect(),
            event_types: body.as_ref().map(|body| body.event_types.clone()).unwrap_or_default(),
            message: options.message.clone(),
            group_by,
            values,
            reads: Vec::new(),
            has_runbook: options.runbook.as_ref().is_some_and(|runbook| !runbook.trim().is_empty()),
            has_attack: !document.attacks.is_empty(),
            alerts: roles.generates(place) && options.mode != Mode::Off,
            tested: of_file.map(expects).collect(),
        }
    });
    facts.collect()
}

fn add_reads(facts: &mut [Facts], bodies: &[Option<Compiling>], graph: &Graph, table: &FieldTable) {
    for place in graph.order.iter().copied() {
        let reads: Vec<String> = match bodies.get(place).and_then(|body| body.as_ref()) {
            Some(Compiling { body: Body::Detection(detection), .. }) => {
                detection.reads.iter().map(|field| table.path(*field).to_owned()).collect()
            }
            _ => {
                let children = graph.children.get(place).into_iter().flatten();
                let children = children.filter_map(|child| facts.get(*child));
                let reads: BTreeSet<&String> = children.flat_map(|child| &child.reads).collect();
                reads.into_iter().cloned().collect()
            }
        };
        if let Some(facts) = facts.get_mut(place) {
            facts.reads = reads;
        }
    }
}
