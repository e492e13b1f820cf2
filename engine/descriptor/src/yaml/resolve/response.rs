//! The response shape that every phase shares.

use super::path;
use super::registry::Members;
use super::request::put;
use super::scope::Scope;
use crate::Str;
use crate::model::{Format, Member, Path, Response, Segment};
use crate::yaml::lint;
use crate::yaml::node::{Entry, Node};
use crate::yaml::section::{self, Section, item_path, items};

const KEYS: [&str; 5] = ["format", "content_type", "root", "names", "success"];

/// A response without any deviation.
pub(super) fn standard() -> Response {
    Response { format: Format::Json, content_type: JSON.into(), root: None, names: Vec::new().into(), success: Vec::new().into() }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Scope<'_> {
    /// Reads the `response` of a section over an inherited one.
    pub(super) fn response(&self, parent: &Section<'_>, base: &Response, members: Members) -> Response {
        let section = parent.section("response", &[&KEYS]);
        let format = section.choice("format", &[("json", Format::Json), ("form", Format::Form)], base.format);
        let usual: Str = match format {
            _ if format == base.format => base.content_type.clone(),
            Format::Json => JSON.into(),
            Format::Form => FORM.into(),
        };
        Response {
            format,
            content_type: content_type(&section, usual),
            root: self.root(&section, base.root.as_ref()),
            names: self.members(&section, &base.names, &members.names()).into(),
            success: self.success(&section, &base.success).into(),
        }
    }

    fn root(&self, section: &Section<'_>, base: Option<&Path>) -> Option<Path> {
        let Some(entry) = section.entry("root") else { return base.cloned() };
        let root = match entry.value.is_null() {
            true => None,
            false => self.path(&section.at("root"), &entry.value),
        };
        if root.as_ref() == base {
            section.report_restated("root");
        }
        root
    }

    fn members(&self, section: &Section<'_>, base: &[Member], registry: &[&str]) -> Vec<Member> {
        let mut members = base.to_vec();
        let at = section.at("names");
        for Entry { key, span, value, .. } in section.entries_of("names") {
            if !registry.contains(&key.as_str()) {
                self.report.push(lint::unregistered_name::finding(*span, &at, key, registry));
            }
            let member = Member { name: key.clone().into(), paths: self.paths(&format!("{at}.{key}"), value).into() };
            let known = members.iter().position(|other| other.name == *key);
            let restated = match known.and_then(|index| members.get(index)) {
                Some(before) => *before == member,
                None => is_standard(&member),
            };
            if restated {
                self.report.push(lint::restated_default::finding(*span, &format!("{at}.{key}"), "it stands there anyway"));
            }
            put(&mut members, known, member);
        }
        members.retain(|member| !is_standard(member));
        members
    }

    /// A path, several of which the first present one counts, or none.
    fn paths(&self, at: &str, node: &Node) -> Vec<Path> {
        if node.is_null() {
            return Vec::new();
        }
        items(node).filter_map(|(index, item)| self.path(&item_path(at, index), item)).collect()
    }

    fn success(&self, section: &Section<'_>, base: &[Str]) -> Vec<Str> {
        if !section.has("success") {
            return base.to_vec();
        }
        let values = section.raws("success");
        if values == base {
            section.report_restated("success");
        }
        values
    }

    /// The path in a node.
    pub(super) fn path(&self, at: &str, node: &Node) -> Option<Path> {
        let text = section::text(self.report, at, node)?;
        match path::parse(text) {
            Ok(path) => Some(path),
            Err(why) => {
                self.report.push(lint::invalid_path::finding(node.span, text, why));
                None
            }
        }
    }
}

fn content_type(section: &Section<'_>, usual: Str) -> Str {
    let Some(text) = section.text("content_type") else { return usual };
    if text == usual {
        section.report_restated("content_type");
    }
    text.to_owned().into()
}

/// Whether a member stands where the standard says.
fn is_standard(member: &Member) -> bool {
    match &*member.paths {
        [Path { segments }] => matches!(&**segments, [Segment::Key(key)] if *key == member.name),
        _ => false,
    }
}
