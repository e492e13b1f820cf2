use std::fmt;

use super::lint::Code;
use super::render;

/// Where something stands in a descriptor's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// One problem of a descriptor.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostic {
    code: Code,
    message: String,
    help: String,
    position: Option<Position>,
    rendered: String,
}

impl Diagnostic {
    /// Which rule was broken.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// Where it stands. `None` where the problem is the whole file's, or a descriptor's that was written in Rust.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

impl fmt::Display for Diagnostic {
    /// Message, position, the line with the place marked, and help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

/// Every problem of a descriptor, in the order of its file; never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The problems, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    /// Every problem as it is rendered, with a blank line between two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fmt::Display::fmt(diagnostic, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}

/// A stretch of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: Position,
    /// Characters; 0 is drawn as 1.
    pub(super) width: usize,
}

/// A problem before it is rendered.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) span: Option<Span>,
    pub(super) message: String,
    pub(super) help: String,
}

/// The file that findings are about.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As it shall appear in messages.
    pub file_name: &'a str,
    /// The bytes that were parsed.
    pub text: &'a str,
}

impl Source<'_> {
    /// Orders findings by their place and renders them.
    pub(super) fn diagnostics(self, mut findings: Vec<Finding>) -> Diagnostics {
        findings.sort_by_key(|finding| finding.span);
        Diagnostics(findings.into_iter().map(|finding| self.diagnostic(finding)).collect())
    }

    fn diagnostic(self, finding: Finding) -> Diagnostic {
        let rendered = render::render(self, &finding);
        let Finding { code, span, message, help } = finding;
        Diagnostic { code, message, help, position: span.map(|span| span.start), rendered }
    }
}
