//! Patterns: regular expressions, always anchored.

use regex_lite::{Error, Regex, RegexBuilder};

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
pub(super) fn anchored(pattern: &str) -> Result<Regex, Error> {
    // Alone first, so that `a)|(b` cannot escape from the group.
    compile(pattern)?;
    compile(&format!("^(?:{pattern})$"))
}

/// Patterns also come from other people's files; a small one is matched quickly.
fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(64 * 1024).build()
}

#[cfg(test)]
mod tests {
    use super::anchored;

    #[test]
    fn patterns_hold_for_the_whole_text() {
        let regex = anchored("a|b+").unwrap();
        assert!(regex.is_match("a") && regex.is_match("bb"));
        assert!(!regex.is_match("ab") && !regex.is_match("a\n"));
    }

    #[test]
    fn a_pattern_cannot_escape_from_its_anchors() {
        assert!(anchored("a)|(b").is_err());
    }
}
