use super::super::diagnostic::{Finding, Span};
use super::Code;

pub(super) const EXPLANATION: &str = "\
A variable in the host admits host labels only, one that is a whole origin an https URL without user name, query and \
fragment. Otherwise a forged value could end the host and send the client secret elsewhere. The pattern is tried with \
texts that do so.";

pub(in crate::yaml) fn finding(span: Option<Span>, variable: &str, place: Place, probe: &str) -> Finding {
    let (place, help) = match place {
        Place::Host => ("a host", "admit host labels only, for example `[a-z0-9-]+`"),
        Place::Origin => ("an origin", "admit https URLs of known hosts only, for example `https://[a-z0-9-]+\\.example\\.com`"),
    };
    let message = format!("the pattern of variable `{variable}`, which stands for {place}, admits `{probe}`");
    Finding { code: Code::LoosePattern, span, message, help: help.to_owned() }
}

/// Where in a URL a variable is dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::yaml) enum Place {
    /// The URL begins with it.
    Origin,
    /// Inside the host.
    Host,
}

/// A text that the pattern must not admit, but does.
pub(in crate::yaml) fn admitted(pattern: &regex_lite::Regex, place: Place) -> Option<&'static str> {
    let probes: &[&str] = match place {
        Place::Host => &[
            "evil.example/a",
            "evil.example?a",
            "evil.example#a",
            "a@evil.example",
            "evil.example:1",
            "evil.example\\a",
            "a b",
            "%2f",
            "",
        ],
        Place::Origin => &[
            "http://evil.example",
            "https://a@evil.example",
            "https://evil.example?a",
            "https://evil.example/?a",
            "https://evil.example#a",
            "https://evil.example/#a",
            "https://evil.example\\a",
            "evil.example",
            "javascript:a",
            "",
        ],
    };
    probes.iter().find(|probe| pattern.is_match(probe)).copied()
}

#[cfg(test)]
mod tests {
    use super::{Place, admitted};

    fn regex(pattern: &str) -> regex_lite::Regex {
        regex_lite::Regex::new(&format!("^(?:{pattern})$")).unwrap()
    }

    #[test]
    fn a_host_label_cannot_end_the_host() {
        assert_eq!(admitted(&regex("[a-z0-9.-]+"), Place::Host), None);
        for pattern in [".*", ".+", "[^/]+", "[a-z.@]+", r"\S+", "[a-z.]+(:[0-9]+)?"] {
            assert!(admitted(&regex(pattern), Place::Host).is_some(), "{pattern}");
        }
    }

    #[test]
    fn an_origin_is_https() {
        assert_eq!(admitted(&regex(r"https://[a-z0-9.-]+(/api/v3)?"), Place::Origin), None);
        for pattern in [".*", "https?://[a-z.]+", "https://.+", "[a-z.]+"] {
            assert!(admitted(&regex(pattern), Place::Origin).is_some(), "{pattern}");
        }
    }
}
