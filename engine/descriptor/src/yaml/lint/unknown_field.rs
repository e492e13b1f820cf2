use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A misspelt field must not be ignored: the deviation that it was meant for would be lost.";

pub(in crate::yaml) fn finding(span: Option<Span>, section: &str, key: &str, known: &[&str]) -> Finding {
    let message = format!("unknown field `{}` in {section}", key.escape_debug());
    let help = match closest(key, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known fields: {}", known.join(", ")),
    };
    Finding { code: Code::UnknownField, span, message, help }
}

/// The known name that a misspelt one was probably meant to be.
pub(super) fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(64).collect();
    let limit = name.len().div_ceil(3);
    known
        .iter()
        .map(|candidate| (distance(&name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn distance(left: &[char], right: &str) -> usize {
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (index, character) in right.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index.saturating_add(1);
        for (slot, other) in row.iter_mut().skip(1).zip(left) {
            let replaced = diagonal.saturating_add(usize::from(character != *other));
            diagonal = *slot;
            before = replaced.min(before.saturating_add(1)).min(diagonal.saturating_add(1));
            *slot = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{closest, distance};

    #[test]
    fn the_distance_counts_edits() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("kitten"), "sitting"), 3);
        assert_eq!(distance(&chars(""), "abc"), 3);
        assert_eq!(distance(&chars("same"), "same"), 0);
    }

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        assert_eq!(closest("toekn", &["token", "refresh"]), Some("token"));
        assert_eq!(closest("something", &["token", "refresh"]), None);
    }
}
