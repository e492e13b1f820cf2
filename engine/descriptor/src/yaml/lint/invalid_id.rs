use super::super::diagnostic::Finding;
use super::Code;

pub(super) const EXPLANATION: &str = "\
The stem of the file is the id, the module and the snapshot name: a lower-case Rust identifier that is no keyword.";

pub(in crate::yaml) fn finding(id: &str) -> Finding {
    let message = format!("`{}` cannot be the id of a provider", id.escape_debug());
    let help = "name the file by lower-case letters, digits and underscores, beginning with a letter, and not by a Rust keyword";
    Finding { code: Code::InvalidId, span: None, message, help: help.to_owned() }
}

/// Whether an id can name a module.
pub(in crate::yaml) fn is_valid(id: &str) -> bool {
    is_identifier(id) && !KEYWORDS.contains(&id)
}

/// Lower-case letters, digits and underscores, beginning with a letter.
pub(in crate::yaml) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Strict and reserved keywords of every edition.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut",
    "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn ids_are_lower_case_identifiers() {
        assert!(["acme", "box_com", "a1"].into_iter().all(is_valid));
        assert!(!["", "box", "Acme", "1a", "_a", "a-b", "a b", "\u{e4}b"].into_iter().any(is_valid));
    }
}
