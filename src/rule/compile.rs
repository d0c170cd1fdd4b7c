//! How do the documents of all files become one rule set?

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::assemble::Assembling;
use super::case::{ReadTest, TestCase};
use super::condition::{self, Names, Place};
use super::detection::{Detection, Expression};
use super::diagnostic::Findings;
use super::document::{self, Content, Document};
use super::exception::Exception;
use super::graph::{Directory, Graph};
use super::link::Linking;
use super::lists::Lists;
use super::reader::{Map, Spanned};
use super::roles::Roles;
use super::selection::Reading;
use super::sources::Sources;
use super::yaml::{self, Kind, Node};
use super::{Body, RuleSet};
use crate::model::{FieldId, FieldTable, Mode};

/// A rule set with what the lints look at besides.
pub(super) struct Compiled {
    /// `None` if there were errors.
    pub set: Option<RuleSet>,
    pub facts: Vec<Facts>,
    pub lists: Lists,
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

/// Reads and compiles every file; the mistakes are in `findings`. Fields that `table` has keep their
/// places.
pub(super) fn compile(sources: &Sources, mut table: FieldTable, findings: &mut Findings) -> Compiled {
    let mut documents = Vec::new();
    let mut tests = Vec::new();
    let trees: Vec<Vec<Node>> =
        (0..).zip(sources.iter()).map(|(file, source)| yaml::parse(file, &source.text, findings)).collect();
    for node in trees.iter().flatten() {
        let (document, found) = document::read(node, findings);
        documents.extend(document);
        tests.extend(found);
    }
    documents.sort_by(|left, right| left.name.text.cmp(&right.name.text));
    refuse_twins(&documents, findings);
    let directory = Directory::new(&documents);
    check_tests(&tests, &directory, findings);
    let mut lists = Lists::new(sources, findings);
    let mut compiler = Compiler {
        documents: &documents,
        directory: &directory,
        table: &mut table,
        lists: &mut lists,
        findings,
    };
    let graph = Graph::new(&documents, &directory, compiler.findings);
    let bodies = compiler.bodies(graph.as_ref());
    let roles = Roles::new(&documents, &directory);
    let mut facts = facts(&documents, &bodies, &tests, &directory, &roles);
    if let Some(graph) = &graph {
        add_reads(&mut facts, &bodies, graph, &table);
    }
    let Some(graph) = graph.filter(|_| findings.errors() == 0) else {
        return Compiled { set: None, facts, lists };
    };
    let bodies =
        bodies.into_iter().flatten().map(|compiling| (compiling.body, compiling.exceptions)).collect();
    let assembling = Assembling { documents: &documents, graph: &graph, roles: &roles, sources, table };
    let set = assembling.rule_set(bodies, findings);
    let set = RuleSet { tests: cases(tests, &documents, sources), ..set };
    Compiled { set: (findings.errors() == 0).then_some(set), facts, lists }
}

fn cases(tests: Vec<ReadTest>, documents: &[Document<'_>], sources: &Sources) -> Vec<TestCase> {
    let cases = tests.into_iter().map(|read| {
        let of_file = documents.iter().filter(|document| document.name.span.file == read.span.file);
        TestCase {
            file: sources.get(read.span.file).map(|source| source.path.clone()).unwrap_or_default(),
            test: read.test,
            rules: of_file.map(|document| document.name.text.clone()).collect(),
        }
    });
    cases.collect()
}

fn refuse_twins(documents: &[Document<'_>], findings: &mut Findings) {
    for (what, code) in [("name", "duplicate-name"), ("id", "duplicate-id")] {
        let mut seen = BTreeMap::new();
        for document in documents {
            let word = if what == "id" { &document.id } else { &document.name };
            if let Some(other) = seen.insert(word.text.as_str(), &document.title) {
                let message = format!("the {what} `{}` is taken by the rule “{other}”", word.text);
                findings.error(word.span, code, message);
            }
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
    findings: &'c mut Findings,
}

impl Compiler<'_, '_> {
    /// A body for each document that has none of the mistakes; detections are compiled even when
    /// the graph of the correlations is wrong, so that all mistakes are told at once.
    fn bodies(&mut self, graph: Option<&Graph>) -> Vec<Option<Compiling>> {
        let documents = self.documents;
        let bodies = documents.iter().enumerate().map(|(place, document)| {
            let (exceptions, mut excepted) = self.exceptions(document);
            let (body, mut event_types) = match &document.content {
                Content::Detection(node) => self.detection(document, node)?,
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
        let (table, lists, findings) = (&mut *self.table, &mut *self.lists, &mut *self.findings);
        let mut reading = Reading { table, lists, findings, reads: Vec::new(), event_types: Vec::new() };
        let result = read(&mut reading);
        (result, reading.reads, reading.event_types)
    }

    fn detection(&mut self, document: &Document<'_>, node: &Node) -> Option<(Body, Vec<Spanned>)> {
        let map = Map::of(node, "`detection`", self.findings)?;
        map.require("condition", self.findings);
        let (selections, mut reads, event_types) = self.read(|reading| {
            let entries = map.entries.iter().filter(|entry| entry.key != "condition");
            let read: Vec<_> =
                entries.map(|entry| (&entry.key, entry.key_span, reading.selection(&entry.value))).collect();
            read
        });
        let (_, shown, _) = self.read(|reading| {
            let ids: Vec<_> =
                document.fields.iter().filter_map(|field| reading.field(field, false)).collect();
            reading.reads.extend(ids);
        });
        reads.extend(shown.into_iter().filter(|field| !reads.contains(field)).collect::<Vec<_>>());
        let mut names = Names::new(selections.iter().map(|(name, _, _)| name.as_str()).collect());
        let condition = self.condition(map.get("condition")?, &mut names);
        if condition.is_some() {
            for place in names.unused() {
                let Some((name, span, _)) = selections.get(place) else { continue };
                if !name.starts_with('_') {
                    let message = format!("no condition uses the selection `{name}`");
                    self.findings.warning(*span, "unused-selection", message);
                }
            }
        }
        let selections: Vec<_> = selections.into_iter().map(|(_, _, selection)| selection).collect();
        let selections = selections.into_iter().collect::<Option<Vec<_>>>()?;
        let detection = Detection { selections, condition: condition?, reads };
        Some((Body::Detection(detection), event_types))
    }

    /// One condition, or a list of which one must hold.
    fn condition(&mut self, node: &Node, names: &mut Names<'_>) -> Option<Expression> {
        match &node.kind {
            Kind::Scalar(scalar) => {
                let place = Place { span: node.span, base: scalar.base };
                condition::parse(&scalar.text, place, names, self.findings)
            }
            Kind::List(items) if !items.is_empty() => {
                let parts: Vec<_> = items.iter().map(|item| self.condition(item, names)).collect();
                parts.into_iter().collect::<Option<_>>().map(Expression::Any)
            }
            _ => {
                self.findings.error(node.span, "wrong-type", "`condition` is text, or a list of texts");
                None
            }
        }
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
