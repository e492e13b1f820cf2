//! Reading a mapping: typed getters that report whatever does not fit and go on.

use std::cell::RefCell;

use super::diagnostic::{Finding, Span};
use super::lint;
use super::node::{Content, Entry, Node};
use crate::Str;

/// Collects findings.
#[derive(Debug, Default)]
pub(super) struct Report(RefCell<Vec<Finding>>);

impl Report {
    pub(super) fn push(&self, finding: Finding) {
        self.0.borrow_mut().push(finding);
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.0.into_inner()
    }
}

/// A mapping with a closed set of keys. An absent one reads like an empty one.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    pub(super) report: &'a Report,
    /// Dotted; empty for the document itself.
    pub(super) path: String,
    /// Where the section is named.
    pub(super) span: Option<Span>,
    pub(super) present: bool,
    entries: &'a [Entry],
}

impl<'a> Section<'a> {
    /// The document itself.
    pub(super) fn root(report: &'a Report, node: &'a Node, keys: &[&str]) -> Self {
        let section =
            Self { report, path: String::new(), span: None, present: true, entries: mapping(report, "the document", node) };
        section.report_unknown(keys);
        section
    }

    /// The section under a key.
    pub(super) fn section(&self, key: &str, keys: &[&[&str]]) -> Self {
        match self.entry(key) {
            Some(entry) => self.named(self.at(key), entry, &keys.concat()),
            None => Self { report: self.report, path: self.at(key), span: self.span, present: false, entries: &[] },
        }
    }

    /// The section that a key of a free mapping names: `variables.shop`.
    pub(super) fn named(&self, path: String, entry: &'a Entry, keys: &[&str]) -> Self {
        self.of_node(path, entry.span, &entry.value, keys)
    }

    /// The section in a node.
    pub(super) fn of_node(&self, path: String, span: Option<Span>, node: &'a Node, keys: &[&str]) -> Self {
        let entries = mapping(self.report, &format!("`{path}`"), node);
        let section = Self { report: self.report, path, span, present: true, entries };
        if matches!(&node.content, Content::Mapping(entries) if entries.is_empty()) {
            self.report.push(lint::restated_default::finding(span, &section.path, "it is empty"));
        }
        section.report_unknown(keys);
        section
    }

    /// The dotted path of a key.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Where a key stands, else where its section does.
    pub(super) fn span_of(&self, key: &str) -> Option<Span> {
        self.entry(key).map_or(self.span, |entry| entry.span)
    }

    /// The entries of a mapping whose keys the author chooses.
    pub(super) fn entries_of(&self, key: &str) -> &'a [Entry] {
        let Some(entry) = self.entry(key) else { return &[] };
        let entries = mapping(self.report, &format!("`{}`", self.at(key)), &entry.value);
        for entry in entries.iter().filter(|entry| entry.plain) {
            report_ambiguous(self.report, entry.span, &entry.key);
        }
        entries
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        text(self.report, &self.at(key), &self.entry(key)?.value)
    }

    /// Text that must be there and not be blank; reported and empty otherwise.
    pub(super) fn required_text(&self, key: &str) -> &'a str {
        let blank =
            |entry: &Entry| matches!(&entry.value.content, Content::Scalar { text, plain: false } if text.trim().is_empty());
        if self.entry(key).is_none_or(blank) {
            self.report_missing(key);
        }
        self.text(key).unwrap_or_default()
    }

    /// A list of text, or one text.
    pub(super) fn texts(&self, key: &str) -> Vec<&'a str> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let path = self.at(key);
        items(&entry.value).filter_map(|(index, node)| text(self.report, &item_path(&path, index), node)).collect()
    }

    /// Values as they are written, numbers too: what an answer is compared with.
    pub(super) fn raws(&self, key: &str) -> Vec<Str> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let path = self.at(key);
        let values = items(&entry.value).filter_map(|(index, node)| raw(self.report, &item_path(&path, index), node));
        values.map(|text| text.to_owned().into()).collect()
    }

    /// One of a closed set of words. The default may not be restated.
    pub(super) fn choice<T: Copy + PartialEq>(&self, key: &str, options: &[(&str, T)], default: T) -> T {
        match self.chosen(key, options) {
            Some(value) => {
                if value == default {
                    self.report_restated(key);
                }
                value
            }
            None => default,
        }
    }

    /// One of a closed set of words.
    pub(super) fn chosen<T: Copy>(&self, key: &str, options: &[(&str, T)]) -> Option<T> {
        let entry = self.entry(key)?;
        choose(self.report, &self.at(key), entry.value.span.or(entry.span), self.text(key)?, options)
    }

    /// A whole number.
    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        let node = &self.entry(key)?.value;
        let number = number(node);
        if number.is_none() {
            self.report_type(key, node, "a whole number");
        }
        number
    }

    /// `true` or `false`. The default may not be restated.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        let Some(entry) = self.entry(key) else { return default };
        let flag = match &entry.value.content {
            Content::Scalar { text, plain: true } => text.parse().ok(),
            _ => None,
        };
        match flag {
            None => self.report_type(key, &entry.value, "`true` or `false`"),
            Some(flag) if flag == default => self.report_restated(key),
            Some(_) => {}
        }
        flag.unwrap_or(default)
    }

    pub(super) fn report_missing(&self, key: &str) {
        let section = if self.path.is_empty() { "the document".to_owned() } else { format!("`{}`", self.path) };
        self.report.push(lint::missing_field::finding(self.span_of(key), &section, key));
    }

    pub(super) fn report_restated(&self, key: &str) {
        self.report.push(lint::restated_default::finding(self.span_of(key), &self.at(key), "it holds anyway"));
    }

    fn report_type(&self, key: &str, node: &Node, expected: &str) {
        report_type(self.report, &format!("`{}`", self.at(key)), node, expected);
    }

    fn report_unknown(&self, keys: &[&str]) {
        let name = if self.path.is_empty() { "the document".to_owned() } else { format!("`{}`", self.path) };
        for entry in self.entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            self.report.push(lint::unknown_field::finding(entry.span, &name, &entry.key, keys));
        }
    }
}

/// The elements of a list with their index; anything else counts as its only element.
pub(super) fn items(node: &Node) -> impl Iterator<Item = (Option<usize>, &Node)> {
    let (list, single) = match &node.content {
        Content::List(items) => (items.as_slice(), None),
        _ => (&[][..], Some((None, node))),
    };
    list.iter().enumerate().map(|(index, node)| (Some(index), node)).chain(single)
}

/// The dotted path of a list's element.
pub(super) fn item_path(path: &str, index: Option<usize>) -> String {
    index.map_or_else(|| path.to_owned(), |index| format!("{path}.{index}"))
}

/// A whole number, unquoted, that every YAML version reads alike.
pub(super) fn number(node: &Node) -> Option<u64> {
    match &node.content {
        Content::Scalar { text, plain: true } if !text.starts_with(['0', '+']) || text == "0" => text.parse().ok(),
        _ => None,
    }
}

/// Text, quoted or unmistakable.
pub(super) fn text<'a>(report: &Report, path: &str, node: &'a Node) -> Option<&'a str> {
    match &node.content {
        Content::Scalar { text, plain } => {
            if *plain {
                report_ambiguous(report, node.span, text);
            }
            Some(text)
        }
        _ => {
            report_type(report, &format!("`{path}`"), node, "text");
            None
        }
    }
}

/// Text or a plain number, as it is written.
pub(super) fn raw<'a>(report: &Report, path: &str, node: &'a Node) -> Option<&'a str> {
    if node.text().is_none() {
        report_type(report, &format!("`{path}`"), node, "text");
    }
    node.text()
}

/// A word among options.
pub(super) fn choose<T: Copy>(report: &Report, path: &str, span: Option<Span>, word: &str, options: &[(&str, T)]) -> Option<T> {
    let found = options.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
        report.push(if word.to_ascii_lowercase().contains("md5") && !names.contains(&"md5") {
            lint::md5::finding(span, path)
        } else {
            lint::unknown_value::finding(span, path, word, &names)
        });
    }
    found
}

pub(super) fn report_type(report: &Report, what: &str, node: &Node, expected: &str) {
    let found = match &node.content {
        Content::Scalar { plain: true, text } if text.is_empty() => "empty",
        Content::Scalar { plain: true, text } if text == "null" => "null",
        Content::Scalar { .. } => "text",
        Content::List(_) => "a list",
        Content::Mapping(_) => "a mapping",
        Content::Reported => return,
    };
    report.push(lint::wrong_type::finding(node.span, what, expected, found));
}

fn report_ambiguous(report: &Report, span: Option<Span>, text: &str) {
    if let Some(kind) = lint::ambiguous_scalar::kind(text) {
        report.push(lint::ambiguous_scalar::finding(span, text, kind));
    }
}

fn mapping<'a>(report: &Report, what: &str, node: &'a Node) -> &'a [Entry] {
    match &node.content {
        Content::Mapping(entries) => entries,
        _ => {
            report_type(report, what, node, "a mapping");
            &[]
        }
    }
}
