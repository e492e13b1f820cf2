//! YAML text -> [`Node`] tree. The only file that names the YAML crate.
//!
//! The tree is built from parser events, so that every key and value keeps its position and its raw text and nothing is ever
//! expanded. Anchors, aliases, merge keys, tags, duplicate keys and second documents are reported and reading goes on; only
//! syntax errors and exceeded limits stop it.

use std::collections::HashMap;

use serde_yaml::granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as YamlSpan, options};

use super::diagnostic::{Finding, Position, Span};
use super::lint;
use super::node::{Content, Entry, Node};

/// Bytes of a file.
pub(super) const MAX_BYTES: usize = 256 * 1024;
/// Collections inside collections.
pub(super) const MAX_DEPTH: usize = 32;
/// Scalars and collections of a file.
pub(super) const MAX_NODES: usize = 20_000;

/// The tree of a file, unless nothing can be read, and what is wrong with its YAML.
pub(super) fn parse(text: &str) -> (Option<Node>, Vec<Finding>) {
    let mut tree = Tree::default();
    if text.len() > MAX_BYTES {
        return (None, vec![lint::file_too_large::finding(text.len())]);
    }
    if let Err(finding) = read(text, &mut tree) {
        tree.findings.push(finding);
        return (None, tree.findings);
    }
    if tree.root.is_none() && tree.findings.is_empty() {
        tree.findings.push(lint::empty_file::finding());
    }
    (tree.root, tree.findings)
}

fn read(text: &str, tree: &mut Tree) -> Result<(), Finding> {
    let options = options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH.saturating_mul(2),
        block_nesting_limit: MAX_DEPTH.saturating_mul(2),
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        if !tree.event(event, &span)? {
            break;
        }
    }
    Ok(())
}

/// The collections that are open, innermost last.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
    nodes: usize,
    documents: usize,
    findings: Vec<Finding>,
}

enum Open {
    List { span: Span, items: Vec<Node> },
    Mapping { span: Span, entries: Vec<Entry>, lines: HashMap<String, usize>, key: Key },
}

/// What a mapping waits for.
enum Key {
    /// A key.
    Awaited,
    /// The value of this key.
    Read(Entry),
    /// The value of a key that was reported.
    Reported,
}

impl Tree {
    /// Takes one event; `false` ends the reading.
    fn event(&mut self, event: Event<'_>, yaml: &YamlSpan) -> Result<bool, Finding> {
        let span = span(yaml);
        match event {
            Event::DocumentStart(..) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    self.findings.push(lint::multiple_documents::finding(span));
                    return Ok(false);
                }
            }
            Event::Scalar(text, style, _, tag) => {
                self.tag(tag.is_some(), yaml);
                let plain = style == ScalarStyle::Plain;
                self.node(Content::Scalar { text: text.into_owned(), plain }, span)?;
            }
            Event::SequenceStart(_, _, tag) => {
                self.tag(tag.is_some(), yaml);
                self.push(Open::List { span, items: Vec::new() })?;
            }
            Event::MappingStart(_, _, tag) => {
                self.tag(tag.is_some(), yaml);
                self.push(Open::Mapping { span, entries: Vec::new(), lines: HashMap::new(), key: Key::Awaited })?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { span, items }) => self.attach(Node { content: Content::List(items), span: Some(span) }),
                Some(Open::Mapping { span, entries, .. }) => {
                    self.attach(Node { content: Content::Mapping(entries), span: Some(span) });
                }
                None => {}
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.findings.push(lint::alias::finding(span));
                self.node(Content::Reported, span)?;
            }
            Event::Anchor(..) => self.findings.push(lint::anchor::finding(span)),
            _ => {}
        }
        Ok(true)
    }

    fn tag(&mut self, tagged: bool, yaml: &YamlSpan) {
        if tagged {
            let at = yaml.tag_span().map_or_else(|| span(yaml), |tag| span(&tag));
            self.findings.push(lint::tag::finding(at));
        }
    }

    fn push(&mut self, open: Open) -> Result<(), Finding> {
        let (Open::List { span, .. } | Open::Mapping { span, .. }) = &open;
        if self.open.len() >= MAX_DEPTH {
            return Err(lint::too_complex::depth(*span));
        }
        self.count(*span)?;
        self.open.push(open);
        Ok(())
    }

    fn node(&mut self, content: Content, span: Span) -> Result<(), Finding> {
        self.count(span)?;
        self.attach(Node { content, span: Some(span) });
        Ok(())
    }

    fn count(&mut self, span: Span) -> Result<(), Finding> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES { Err(lint::too_complex::nodes(span)) } else { Ok(()) }
    }

    /// Gives a complete node to the innermost open collection.
    fn attach(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, lines, key, .. }) => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => *key = read_key(node, lines, &mut self.findings),
                Key::Read(entry) => entries.push(Entry { value: node, ..entry }),
                Key::Reported => {}
            },
        }
    }
}

fn read_key(node: Node, lines: &mut HashMap<String, usize>, findings: &mut Vec<Finding>) -> Key {
    let span = node.span;
    let finding = match node.content {
        Content::Scalar { text, plain: true } if text == "<<" => Some(lint::merge_key::finding(span)),
        Content::Scalar { text, plain } => {
            let line = span.map_or(0, |span| span.start.line);
            match lines.get(&text) {
                Some(first) => Some(lint::duplicate_key::finding(span, &text, *first)),
                None => {
                    lines.insert(text.clone(), line);
                    return Key::Read(Entry { key: text, plain, span, value: Node::null() });
                }
            }
        }
        Content::List(_) | Content::Mapping(_) => Some(lint::wrong_type::finding(span, "a key", "text", "a collection")),
        Content::Reported => None,
    };
    findings.extend(finding);
    Key::Reported
}

fn syntax(error: &ScanError) -> Finding {
    let (span, problem) = (Span { start: position(error.marker()), width: 1 }, error.kind().to_string());
    // The parser's own limit of nesting is reached before ours in flow style.
    if problem.contains("recursion limit") { lint::too_complex::depth(span) } else { lint::syntax::finding(span, &problem) }
}

fn span(span: &YamlSpan) -> Span {
    let one_line = span.start.line() == span.end.line();
    let width = if one_line { span.end.col().saturating_sub(span.start.col()) } else { usize::MAX };
    Span { start: position(&span.start), width }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col().saturating_add(1) }
}
