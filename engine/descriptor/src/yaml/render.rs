use std::fmt::Write;

use super::diagnostic::{Finding, Source, Span};

/// Characters of a line that are shown; a longer one is cut around the place.
const WINDOW: usize = 120;

/// A finding as rustc would print it.
pub(super) fn render(source: Source<'_>, finding: &Finding) -> String {
    let mut out = format!("error[{}]: {}\n", finding.code.as_str(), printable(&finding.message));
    let gutter = finding.span.map_or(1, |span| span.start.line.to_string().len());
    // Writing to a String cannot fail.
    let _ = match finding.span {
        None => writeln!(out, "{:gutter$}--> {}", "", source.file_name),
        Some(span) => {
            writeln!(out, "{:gutter$}--> {}:{}:{}", "", source.file_name, span.start.line, span.start.column)
        }
    };
    if let Some((line, offset, width)) = finding.span.and_then(|span| excerpt(source.text, span)) {
        let number = finding.span.map_or(0, |span| span.start.line);
        let _ = writeln!(out, "{:gutter$} |\n{number} | {line}\n{:gutter$} | {:offset$}{}", "", "", "", "^".repeat(width));
    }
    let _ = write!(out, "{:gutter$} = help: {}", "", printable(&finding.help));
    out
}

/// The line of a span, the characters before the place and the width of the mark.
fn excerpt(text: &str, span: Span) -> Option<(String, usize, usize)> {
    let line = text.strip_prefix('\u{feff}').unwrap_or(text).lines().nth(span.start.line.checked_sub(1)?)?;
    let length = line.chars().count();
    let column = span.start.column.saturating_sub(1).min(length);
    let first = if length > WINDOW { column.saturating_sub(WINDOW / 2) } else { 0 };
    let shown = printable(&line.chars().skip(first).take(WINDOW).collect::<String>());
    let offset = column.saturating_sub(first);
    let width = span.width.min(shown.chars().count().saturating_sub(offset)).max(1);
    Some((shown.trim_end().to_owned(), offset, width))
}

/// Control characters must not reach a terminal; a tab would shift the mark.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            '\n' => '\n',
            control if control.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;
    use crate::yaml::lint::Code;

    fn rendered(text: &str, line: usize, column: usize, width: usize) -> String {
        let span = Some(Span { start: Position { line, column }, width });
        let finding = Finding { code: Code::Syntax, span, message: "message".to_owned(), help: "help".to_owned() };
        render(Source { file_name: "dir/acme.yaml", text }, &finding)
    }

    #[test]
    fn a_place_is_marked_under_its_line() {
        let expected = "\
error[syntax]: message
 --> dir/acme.yaml:2:4
  |
2 | b: cde
  |    ^^^
  = help: help";
        assert_eq!(rendered("a: b\r\nb: cde\r\n", 2, 4, 3), expected);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));
        let out = rendered(&text, 1, 1001, 1);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[3].find('X'), lines[4].find('^'));
        assert!(lines[3].len() < 200);
    }

    #[test]
    fn a_mark_outside_of_the_text_is_clamped() {
        assert!(rendered("ab", 1, 90, 400).contains("|   ^"));
        assert!(rendered("ab", 9, 1, 1).ends_with("acme.yaml:9:1\n  = help: help"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert!(!rendered("a: \u{1b}[31m", 1, 1, 1).contains('\u{1b}'));
    }
}
