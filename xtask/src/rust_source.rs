//! Rust source, as far as the rules of `tidy` need it: identifiers apart from string literals, without comments and tests.

/// What stands in a file's code.
#[derive(Default)]
pub(crate) struct Source {
    /// The code, each literal and comment a blank.
    code: String,
    /// The string literals, as they are written between their quotes.
    pub(crate) strings: Vec<String>,
}

impl Source {
    /// Reads a file; its `mod tests` is left out.
    pub(crate) fn of(text: &str) -> Self {
        let text = without_tests(text);
        let mut source = Self::default();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let (length, literal) = token(rest, first, &source.code);
            let (token, after) = rest.split_at(length);
            match literal {
                Literal::None => source.code.push_str(token),
                Literal::Blank => source.code.push(' '),
                Literal::Text(content) => {
                    source.code.push(' ');
                    source.strings.push(content.to_owned());
                }
            }
            rest = after;
        }
        source
    }

    /// Whether the code names an identifier.
    pub(crate) fn names(&self, identifier: &str) -> bool {
        self.after(identifier).next().is_some()
    }

    /// What of a crate the code names, `Client` for `reqwest::Client`; of another use of the crate's name the empty text.
    pub(crate) fn items_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.after(name).map(|rest| {
            let path = rest.strip_prefix("::").unwrap_or_default();
            path.split(|c: char| !is_word(c)).next().unwrap_or_default()
        })
    }

    /// The code behind each place where an identifier stands.
    fn after<'a>(&'a self, identifier: &'a str) -> impl Iterator<Item = &'a str> {
        self.code.match_indices(identifier).filter_map(move |(at, _)| {
            let (before, rest) = (&self.code[..at], &self.code[at + identifier.len()..]);
            (!before.ends_with(is_word) && !rest.starts_with(is_word)).then_some(rest)
        })
    }
}

enum Literal<'a> {
    None,
    Blank,
    Text(&'a str),
}

/// The length of what begins here, and what it is. `before` is the code up to here.
fn token<'a>(rest: &'a str, first: char, before: &str) -> (usize, Literal<'a>) {
    let up_to = |end: &str, from: usize| rest.get(from..).and_then(|tail| tail.find(end)).map_or(rest.len(), |at| from + at);
    if rest.starts_with("//") {
        return (up_to("\n", 0), Literal::Blank);
    }
    if rest.starts_with("/*") {
        return ((up_to("*/", 2) + 2).min(rest.len()), Literal::Blank);
    }
    let begins_word = !before.ends_with(is_word) || before.ends_with('b') || before.ends_with('c');
    let hashes = rest.get(1..).map_or(0, |tail| tail.chars().take_while(|c| *c == '#').count());
    if first == 'r' && begins_word && rest.get(1 + hashes..).is_some_and(|tail| tail.starts_with('"')) {
        let start = hashes + 2;
        let end = up_to(&format!("\"{}", "#".repeat(hashes)), start);
        return ((end + 1 + hashes).min(rest.len()), Literal::Text(&rest[start..end]));
    }
    match first {
        '"' => {
            let end = closing(rest, '"');
            ((end + 1).min(rest.len()), Literal::Text(&rest[1..end]))
        }
        // A character, not a lifetime.
        '\'' if rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'') => {
            ((closing(rest, '\'') + 1).min(rest.len()), Literal::Blank)
        }
        _ => (first.len_utf8(), Literal::None),
    }
}

/// Where the literal that begins here ends: at the next quote that is not escaped.
fn closing(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest.len()
}

/// The text without its module of tests, and with what stands behind it.
fn without_tests(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        let is_tests = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.starts_with("mod "));
        if is_tests {
            let is_block = lines.next().is_some_and(|module| module.ends_with('{'));
            while is_block && lines.next().is_some_and(|line| line != "}") {}
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn strings_are_apart_from_code() {
        let source =
            Source::of("let a = \"x \\\" // y\"; // \"comment\"\n/* \"other\" */ b('\"', r#\"raw \"z\"\"#, b\"bytes\", 'a)");
        assert_eq!(source.strings, ["x \\\" // y", "raw \"z\"", "bytes"]);
        assert!(source.names("a") && source.names("b"));
        assert!(!source.names("comment") && !source.names("other") && !source.names("y"));
    }

    #[test]
    fn a_string_of_several_lines_is_one() {
        assert_eq!(Source::of("f(\"one \\\n  two\", \"three\")").strings, ["one \\\n  two", "three"]);
    }

    #[test]
    fn tests_are_left_out_and_what_follows_them_is_not() {
        let source = Source::of("a\n#[cfg(test)]\nmod tests {\n    b\n}\nc\n#[cfg(test)]\nmod more;\nd\n");
        assert!(source.names("a") && source.names("c") && source.names("d"));
        assert!(!source.names("b") && !source.names("more"));
    }

    #[test]
    fn identifiers_are_whole() {
        assert!(!Source::of("into_reqwest()").names("reqwest"));
        assert!(Source::of("use {reqwest as http};").names("reqwest"));
        let source = Source::of("a::Client b(a::Body::new(), ba::C) use a::{D}; use a as b;");
        assert_eq!(source.items_of("a").collect::<Vec<_>>(), ["Client", "Body", "", ""]);
    }
}
