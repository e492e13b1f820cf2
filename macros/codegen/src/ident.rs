//! Text of a descriptor -> Rust identifiers.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};

/// `read:user` -> `ReadUser`, `Microsoft Entra ID` -> `MicrosoftEntraId`.
pub(crate) fn upper_camel(text: &str) -> String {
    words(text).iter().map(|word| capitalized(word)).collect()
}

/// `user-scope` -> `user_scope`.
pub(crate) fn snake(text: &str) -> String {
    words(text).join("_").to_ascii_lowercase()
}

/// A scope that is a URL is called by the last segment of its path: the rest is the same for every scope.
pub(crate) fn scope_tail(scope: &str) -> &str {
    let Some((_, rest)) = scope.split_once("://") else { return scope };
    rest.trim_end_matches('/').rsplit('/').next().unwrap_or(rest)
}

/// Runs of letters and digits, cut where the case says so: `OAuth2Scope`, `ID token` -> `O Auth2 Scope`, `ID token`.
fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, &char) in chars.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|at| chars.get(at));
        let next = chars.get(at + 1);
        let hump = char.is_ascii_uppercase()
            && (previous.is_some_and(|c| !c.is_ascii_uppercase()) || next.is_some_and(char::is_ascii_lowercase));
        if (hump || !char.is_ascii_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if char.is_ascii_alphanumeric() {
            word.push(char);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn capitalized(word: &str) -> String {
    let (head, tail) = word.split_at(1);
    head.to_ascii_uppercase() + &tail.to_ascii_lowercase()
}

/// The names of one namespace: hands out each only once.
pub(crate) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    pub(crate) fn new(reserved: &[&str]) -> Self {
        Self { taken: reserved.iter().map(|&name| name.to_owned()).collect() }
    }

    /// The first of `candidates` that is free and not empty, else the last one with a number.
    pub(crate) fn claim(&mut self, candidates: &[String]) -> Ident {
        let last = candidates.iter().rfind(|name| !name.is_empty()).map_or("Unnamed", String::as_str);
        let numbered = (2_u32..).map(|number| format!("{last}{number}"));
        let named = candidates.iter().filter(|name| !name.is_empty()).cloned();
        let name = named.chain(numbered).find(|name| !self.taken.contains(name)).unwrap_or_default();
        let ident = ident(&name);
        self.taken.insert(name);
        ident
    }
}

/// An identifier: keywords raw where that is allowed, else with an underscore behind; a leading digit gets one before it.
pub(crate) fn ident(name: &str) -> Ident {
    let span = Span::call_site();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ident::new(&format!("_{name}"), span);
    }
    if matches!(name, "self" | "Self" | "super" | "crate" | "_" | "") {
        return Ident::new(&format!("{name}_"), span);
    }
    // syn takes the keyword of edition 2024 for a name.
    match syn::parse_str::<Ident>(name) {
        Ok(_) if name != "gen" => Ident::new(name, span),
        _ => Ident::new_raw(name, span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_upper_camel() {
        let cases = [
            ("GitHub", "GitHub"),
            ("Microsoft Entra ID", "MicrosoftEntraId"),
            ("LinkedIn (v1 REST API)", "LinkedInV1RestApi"),
            ("box.com", "BoxCom"),
            ("QQ", "Qq"),
            ("Café", "Caf"),
        ];
        for (name, expected) in cases {
            assert_eq!(upper_camel(name), expected, "{name}");
        }
    }

    #[test]
    fn scopes_are_upper_camel() {
        let cases = [
            ("read:user", "ReadUser"),
            ("User.ReadBasic.All", "UserReadBasicAll"),
            ("AaaServer.profile.READ", "AaaServerProfileRead"),
            ("instagram_business_basic", "InstagramBusinessBasic"),
        ];
        for (scope, expected) in cases {
            assert_eq!(upper_camel(scope), expected, "{scope}");
        }
    }

    #[test]
    fn url_scopes_are_called_by_their_last_segment() {
        assert_eq!(scope_tail("https://api.example/auth/calendar.readonly"), "calendar.readonly");
        assert_eq!(scope_tail("https://mail.example/"), "mail.example");
        assert_eq!(scope_tail("read/write"), "read/write");
    }

    #[test]
    fn names_do_not_collide() {
        let mut names = Names::new(&["Other"]);
        let mut claim = |name: &str| names.claim(&[upper_camel(name)]).to_string();
        assert_eq!(claim("read"), "Read");
        assert_eq!(claim("READ"), "Read2");
        assert_eq!(claim("other"), "Other2");
        assert_eq!(claim("名前"), "Unnamed2");
    }

    #[test]
    fn keywords_and_digits_become_identifiers() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("gen").to_string(), "r#gen");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(ident("Self").to_string(), "Self_");
        assert_eq!(ident("2fa").to_string(), "_2fa");
    }
}
