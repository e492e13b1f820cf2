use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
YAML 1.1 reads `no` as false, `1.10` as 1.1, `010` as 8 and `~` as null; YAML 1.2 reads some of them as text. Where a \
descriptor expects text, such a scalar must be quoted; where it expects true, false or null, exactly these words must \
stand there.";

pub(in crate::yaml) fn finding(span: Option<Span>, text: &str, kind: &str) -> Finding {
    let written = if text.is_empty() { "an empty value" } else { &format!("`{text}`") };
    let help = match text {
        "" | "~" => "write `null` where a member is absent, `\"\"` for empty text".to_owned(),
        _ => format!("quote it: `\"{text}\"`"),
    };
    let message = format!("{written} may be read as {kind}, but text is expected");
    Finding { code: Code::AmbiguousScalar, span, message, help }
}

/// What some YAML version makes of a plain scalar other than text.
pub(in crate::yaml) fn kind(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "" | "~" | "null" => return Some("null"),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" => return Some("a boolean"),
        ".inf" | "-.inf" | "+.inf" | ".nan" => return Some("a number"),
        _ => {}
    }
    if is_number(text) {
        Some("a number")
    } else if is_date(text) {
        Some("a date")
    } else {
        None
    }
}

/// Decimal, with a fraction, an exponent, underscores or colons (base 60), or with a base prefix.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(rest) = digits.strip_prefix("0x") {
        return !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit() || c == '_');
    }
    if let Some(rest) = digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0b")) {
        return !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '_');
    }
    let starts = digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit());
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    starts
        && mantissa.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | '.' | ':'))
        && mantissa.matches('.').count() <= 1
        && !mantissa.ends_with(':')
        && !exponent.is_empty()
        && exponent.chars().all(|c| c.is_ascii_digit())
}

/// `2022-11-28`, with or without a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, least: usize| {
        part.is_some_and(|part| (least..=4).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit()))
    };
    let (year, month) = (parts.next(), parts.next());
    let day = parts.next().map(|rest| rest.split(['T', 't', ' ']).next().unwrap_or(rest));
    digits(year, 4) && digits(month, 1) && digits(day, 1)
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn what_another_yaml_version_reads_differently() {
        for text in
            ["no", "On", "TRUE", "y", "~", "", "null", "1.10", "010", "0x1F", "1e3", "1_000", "12:30", ".5", ".inf", "2022-11-28"]
        {
            assert!(kind(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_every_yaml_version_reads_as_text() {
        for text in
            ["none", "v22.0", "1.2.3", "ten", "e3", "user.id", "2022-11", "a:1", "-", "1-2", "https://a.example", "10 days"]
        {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}
