//! Templates: `https://{shop}/admin`, with `{{` and `}}` for literal braces.

use super::scope::Scope;
use super::sources::Sources;
use crate::model::{Part, Template};
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::node::Node;
use crate::yaml::section::{self, Section};

impl Scope<'_> {
    /// The template under a key.
    pub(super) fn template(&self, section: &Section<'_>, key: &str, sources: &Sources) -> Option<Template> {
        let node = &section.entry(key)?.value;
        self.template_at(&section.at(key), node, sources)
    }

    /// The template in a node.
    pub(super) fn template_at(&self, path: &str, node: &Node, sources: &Sources) -> Option<Template> {
        let text = section::text(self.report, path, node)?;
        Some(self.resolve(path, node.span, text, sources))
    }

    /// Reads a template and resolves its names; what cannot be resolved is reported and left out.
    pub(super) fn resolve(&self, path: &str, span: Option<Span>, text: &str, sources: &Sources) -> Template {
        let mut parts = Vec::new();
        match split(text) {
            Err(why) => self.report.push(lint::invalid_template::finding(span, path, why)),
            Ok(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => parts.push(Part::Literal(text.into())),
                        Piece::Name(name) => parts.extend(self.value(path, span, name, sources).map(Part::Value)),
                    }
                }
            }
        }
        Template { parts: parts.into() }
    }
}

/// A template that is only text.
pub(super) fn literal(text: &str) -> Template {
    let part = (!text.is_empty()).then(|| Part::Literal(text.to_owned().into()));
    Template { parts: part.into_iter().collect::<Vec<_>>().into() }
}

#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    Literal(String),
    Name(&'a str),
}

/// The literals and names of a template; the error says why it cannot be read.
pub(super) fn split(text: &str) -> Result<Vec<Piece<'_>>, &'static str> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at_checked(brace).ok_or("it is cut inside a character")?;
        literal.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else {
            let inside = from.strip_prefix('{').ok_or("a `}` closes nothing")?;
            let (name, after) = inside.split_once('}').ok_or("a `{` is not closed")?;
            if name.is_empty() || name.contains('{') {
                return Err("a `{` is not followed by a name and `}`");
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Name(name));
            rest = after;
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece<'static> {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn literals_names_and_escaped_braces() {
        assert_eq!(split(""), Ok(vec![]));
        assert_eq!(split("plain"), Ok(vec![text("plain")]));
        assert_eq!(split("https://{shop}/a"), Ok(vec![text("https://"), Piece::Name("shop"), text("/a")]));
        assert_eq!(split("{a}{token.b[c=d].e}"), Ok(vec![Piece::Name("a"), Piece::Name("token.b[c=d].e")]));
        assert_eq!(split("{{me {{id}}}}"), Ok(vec![text("{me {id}}")]));
        assert_eq!(split("{{{a}}}"), Ok(vec![text("{"), Piece::Name("a"), text("}")]));
    }

    #[test]
    fn unbalanced_braces_are_errors() {
        for text in ["{", "}", "{}", "{a", "a}", "{a{b}}", "{{a}"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
