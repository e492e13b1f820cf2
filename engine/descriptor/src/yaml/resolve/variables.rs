//! `variables` and `digests`.

use super::pattern;
use super::scope::{Declared, DeclaredDigest, Scope, Unresolved};
use super::sources::{self, Document, Need};
use super::template::literal;
use crate::model::{Digest, DigestAlgorithm, Endpoint, EngineValue, Part, Value, Variable, VariableValue};
use crate::yaml::lint;
use crate::yaml::node::{Content, Entry};
use crate::yaml::section::{self, Section};

const VARIABLE: [&str; 6] = ["default", "values", "pattern", "from", "optional", "description"];
const DIGEST: [&str; 3] = ["algorithm", "key", "message"];

/// Values of one variable; each is tried in each URL.
pub(super) const MAX_VALUES: usize = 256;

/// Reads `variables`, but for `from`, which needs the scope that they make.
pub(super) fn variables(root: &Section<'_>) -> Vec<Declared<Variable>> {
    root.entries_of("variables").iter().map(|entry| Declared { span: entry.span, value: variable(root, entry) }).collect()
}

fn variable(root: &Section<'_>, entry: &Entry) -> Variable {
    report_name(root, entry, "a variable");
    let section = root.named(format!("variables.{}", entry.key), entry, &VARIABLE);
    let variable = Variable {
        name: entry.key.clone().into(),
        default: section.text("default").map(|text| text.to_owned().into()),
        values: values(&section, &entry.key).into(),
        pattern: section.text("pattern").map(|text| text.to_owned().into()),
        from: None,
        optional: section.flag("optional", false),
        description: section.text("description").map(|text| text.to_owned().into()),
    };
    if let Some(regex) = pattern::read(&section, "pattern")
        && let Some(default) = &variable.default
        && !regex.is_match(default)
    {
        let finding =
            lint::default_mismatch::finding(section.span_of("default"), &entry.key, default, "does not match its pattern");
        section.report.push(finding);
    }
    if let Some(default) = &variable.default
        && !variable.values.is_empty()
        && !variable.values.iter().any(|(name, _)| name == default)
    {
        let finding =
            lint::default_mismatch::finding(section.span_of("default"), &entry.key, default, "is not one of its values");
        section.report.push(finding);
    }
    variable
}

fn values(section: &Section<'_>, variable: &str) -> Vec<(crate::Str, VariableValue)> {
    let path = section.at("values");
    let entries = section.entries_of("values");
    if let Some(entry) = entries.get(MAX_VALUES) {
        section.report.push(lint::too_complex::values(entry.span));
    }
    let values: Vec<_> = entries
        .iter()
        .filter_map(|entry| {
            value(section, &format!("{path}.{}", entry.key), entry).map(|value| (entry.key.clone().into(), value))
        })
        .collect();
    let mut shapes = values.iter().map(|(name, value): &(crate::Str, _)| (name, keys(value)));
    if let Some((first, shape)) = shapes.next()
        && let Some((other, _)) = shapes.find(|(_, other)| *other != shape)
    {
        let difference = format!("`{first}` and `{other}` have different entries");
        section.report.push(lint::inconsistent_values::finding(section.span_of("values"), variable, &difference));
    }
    values
}

fn value(section: &Section<'_>, path: &str, entry: &Entry) -> Option<VariableValue> {
    let Content::Mapping(table) = &entry.value.content else {
        return section::text(section.report, path, &entry.value).map(|text| VariableValue::Text(text.to_owned().into()));
    };
    let rows = table.iter().filter_map(|row| {
        let text = section::text(section.report, &format!("{path}.{}", row.key), &row.value)?;
        Some((row.key.clone().into(), text.to_owned().into()))
    });
    Some(VariableValue::Table(rows.collect::<Vec<_>>().into()))
}

/// The sorted names of a value's entries; none for text.
fn keys(value: &VariableValue) -> Option<Vec<&str>> {
    match value {
        VariableValue::Text(_) => None,
        VariableValue::Table(table) => {
            let mut keys: Vec<&str> = table.iter().map(|(key, _)| key.as_ref()).collect();
            keys.sort_unstable();
            Some(keys)
        }
    }
}

/// Reads `from` of every variable. What is learned comes from outside, so it is bound.
pub(super) fn learned(scope: &mut Scope<'_>, root: &Section<'_>) {
    let mut learned = Vec::new();
    for (index, entry) in root.entries_of("variables").iter().enumerate() {
        let Some(from) = entry.value.entry("from") else { continue };
        let path = format!("variables.{}.from", entry.key);
        let Some(text) = section::text(scope.report, &path, &from.value) else { continue };
        let (document, rest) = text.split_once('.').unwrap_or((text, ""));
        match scope.member(document, rest).and_then(learnable) {
            Ok(value) => learned.push((index, value)),
            Err(unresolved) => {
                let span = from.value.span;
                scope.report.push(lint::unresolved_name::finding(span, &path, text, &unresolved.why, &unresolved.help));
            }
        }
    }
    for (index, value) in learned {
        if let Some(variable) = scope.variables.get_mut(index) {
            variable.value.from = Some(value);
            let name = variable.value.name.to_string();
            scope.require_binding(&name, "it is learned from outside");
        }
    }
}

/// The claims of an access token are verified for the profile only, when everything else is learned.
fn learnable(value: Value) -> Result<Value, Unresolved> {
    match value {
        Value::AccessToken(_) => Err(Unresolved::new("is not learned from", "begin with token, callback, id_token or userinfo")),
        value => Ok(value),
    }
}

/// Reads `digests`. Each may name those above it which name none themselves, so that evaluating one stays cheap.
pub(super) fn digests(scope: &mut Scope<'_>, root: &Section<'_>) {
    for entry in root.entries_of("digests") {
        report_name(root, entry, "a digest");
        let section = root.named(format!("digests.{}", entry.key), entry, &DIGEST);
        let value = digest(scope, &section, &entry.key);
        let parts: Vec<&Part> = value.key.iter().chain([&value.message]).flat_map(|template| template.parts.iter()).collect();
        let mut needs = Vec::new();
        let mut is_nested = false;
        for part in parts {
            match part {
                Part::Literal(_) => {}
                Part::Value(Value::Digest(name)) => {
                    is_nested = true;
                    if let Some(inner) = scope.declared_digest(name) {
                        if inner.is_nested {
                            let (why, help) = ("is itself made from a digest", "digests nest only once");
                            scope.report.push(lint::unresolved_name::finding(
                                entry.span,
                                &section.path,
                                &format!("digest.{name}"),
                                why,
                                help,
                            ));
                        }
                        needs.extend(inner.needs.iter().copied());
                    }
                }
                Part::Value(value) => needs.extend(Need::of(value)),
            }
            needs.dedup();
        }
        scope.digests.push(DeclaredDigest { span: entry.span, value, needs, is_nested });
    }
}

fn digest(scope: &Scope<'_>, section: &Section<'_>, name: &str) -> Digest {
    let options =
        [("hmac-sha256", DigestAlgorithm::HmacSha256), ("sha256", DigestAlgorithm::Sha256), ("md5", DigestAlgorithm::Md5)];
    let algorithm = section.chosen("algorithm", &options);
    let keyed = algorithm == Some(DigestAlgorithm::HmacSha256);
    for (key, required) in [("algorithm", true), ("key", keyed), ("message", true)] {
        if required && !section.has(key) {
            section.report_missing(key);
        }
    }
    if algorithm.is_some() && !keyed && section.has("key") {
        let why = "`key` belongs to `hmac-sha256`";
        section.report.push(lint::conflicting_keys::finding(section.span_of("key"), &section.path, why));
    }
    Digest {
        name: name.to_owned().into(),
        algorithm: algorithm.unwrap_or(DigestAlgorithm::Sha256),
        key: scope.template(section, "key", &sources::DIGEST),
        message: scope.template(section, "message", &sources::DIGEST).unwrap_or_else(|| literal("")),
    }
}

/// Names are identifiers, and a template must be able to tell them from its other sources.
pub(super) fn report_name(root: &Section<'_>, entry: &Entry, kind: &str) {
    let name = entry.key.as_str();
    let taken = name == "digest"
        || EngineValue::ALL.iter().any(|value| value.as_str() == name)
        || Endpoint::ALL.iter().any(|endpoint| endpoint.as_str() == name)
        || Document::ALL.iter().any(|document| document.as_str() == name);
    let why = if !lint::invalid_id::is_identifier(name) {
        "it is no lower-case identifier"
    } else if kind == "a variable" && taken || kind == "a call" && Document::ALL.iter().any(|document| document.as_str() == name)
    {
        "templates and paths know it as something else"
    } else {
        return;
    };
    root.report.push(lint::invalid_name::finding(entry.span, kind, name, why));
}
