//! Patterns: regular expressions, always anchored.

use regex_lite::Regex;

use crate::yaml::lint;
use crate::yaml::section::Section;

/// The pattern under a key, anchored; reported where it is none.
pub(super) fn read(section: &Section<'_>, key: &str) -> Option<Regex> {
    let entry = section.entry(key)?;
    match anchored(entry.value.text()?) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let why = error.to_string();
            section.report.push(lint::invalid_pattern::finding(section.span_of(key), &section.at(key), &why));
            None
        }
    }
}

/// A pattern as the engine applies it.
pub(super) fn anchored(pattern: &str) -> Result<Regex, regex_lite::Error> {
    // Alone first, so that `a)|(b` cannot escape from the group.
    Regex::new(pattern)?;
    Regex::new(&format!("^(?:{pattern})$"))
}
