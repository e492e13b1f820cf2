//! `userinfo`: the profile, its further calls and its claims.

use super::Shared;
use super::path;
use super::pattern;
use super::registry::{CLAIMS, Members};
use super::request;
use super::scope::{Scope, Unresolved};
use super::sources::{self, Document};
use super::url::Kind;
use super::variables::report_name;
use crate::Str;
use crate::model::{
    Additional, Authentication, Claim, ClaimDocument, ClaimSource, Endpoint, Method, Path, Request, Segment, Userinfo,
};
use crate::yaml::lint;
use crate::yaml::node::{Content, Entry, Node};
use crate::yaml::section::{self, Section, item_path, items};

impl Scope<'_> {
    pub(super) fn userinfo(&self, root: &Section<'_>, shared: &Shared<'_>) -> Option<Userinfo> {
        let section = root.section("userinfo", &[request::KEYS, &["response", "additional", "claims"]]);
        if !section.present && !self.has_openid && !self.stated.contains(&Endpoint::Userinfo) {
            return None;
        }
        let base = request::standard(Method::Get, Authentication::AccessToken, &shared.names);
        Some(Userinfo {
            request: self.request(&section, &shared.shape(base, &sources::REQUESTS, &[])),
            response: self.response(&section, &shared.response, Members::Errors),
            additional: section.entries_of("additional").iter().map(|entry| self.additional(&section, entry, shared)).collect(),
            claims: self.claims(&section).into(),
        })
    }

    fn additional(&self, userinfo: &Section<'_>, entry: &Entry, shared: &Shared<'_>) -> Additional {
        report_name(userinfo, entry, "a call");
        let keys = [request::KEYS, &["url", "response", "when_missing"]].concat();
        let section = userinfo.named(format!("userinfo.additional.{}", entry.key), entry, &keys);
        if !section.has("url") {
            let path = format!("`{}`", section.path);
            self.report.push(lint::missing_endpoint::finding(section.span, &path, "`url`"));
        }
        let base = request::standard(Method::Get, Authentication::AccessToken, &shared.names);
        let request = self.request(&section, &shared.shape(base, &sources::ADDITIONAL, &[]));
        let when_missing = section.text("when_missing");
        if let Some(claim) = when_missing.filter(|claim| !CLAIMS.contains(claim)) {
            let span = section.span_of("when_missing");
            self.report.push(lint::unregistered_name::finding(span, &section.at("when_missing"), claim, &CLAIMS));
        }
        Additional {
            name: entry.key.clone().into(),
            request: Request { url: self.url(&section, "url", &sources::ADDITIONAL, Kind::Request), ..request },
            response: self.response(&section, &shared.response, Members::Errors),
            when_missing: when_missing.map(|claim| claim.to_owned().into()),
        }
    }

    /// Explicit claims. Beside an OpenID userinfo endpoint the others map to themselves, so all are listed then.
    fn claims(&self, section: &Section<'_>) -> Vec<Claim> {
        let entries = section.entries_of("claims");
        let has_standard = self.has_openid && self.stated.contains(&Endpoint::Userinfo);
        let additional = section.entry("additional").map_or(&[][..], |entry| entry.value.entries());
        let calls: Vec<&str> = additional.iter().map(|call| call.key.as_str()).collect();
        let mut claims = Vec::new();
        for entry in entries {
            if !CLAIMS.contains(&entry.key.as_str()) {
                self.report.push(lint::unregistered_name::finding(entry.span, "userinfo.claims", &entry.key, &CLAIMS));
            }
            let claim = self.claim(section, entry, &calls);
            if has_standard && claim == standard(&entry.key) {
                let path = format!("userinfo.claims.{}", entry.key);
                self.report.push(lint::restated_default::finding(entry.span, &path, "OpenID Connect has it there"));
            }
            claims.push(claim);
        }
        if entries.is_empty() {
            return claims;
        }
        if has_standard {
            let others = CLAIMS.into_iter().filter(|name| !entries.iter().any(|entry| entry.key == *name));
            claims.extend(others.map(standard).collect::<Vec<_>>());
        } else if !entries.iter().any(|entry| entry.key == "sub") {
            self.report.push(lint::claims_without_sub::finding(section.span_of("claims")));
        }
        claims
    }

    fn claim(&self, section: &Section<'_>, entry: &Entry, calls: &[&str]) -> Claim {
        let at = format!("userinfo.claims.{}", entry.key);
        let sources = items(&entry.value)
            .filter_map(|(index, node)| self.claim_source(section, &item_path(&at, index), node, calls))
            .collect::<Vec<_>>();
        Claim { name: entry.key.clone().into(), sources: sources.into() }
    }

    fn claim_source(&self, parent: &Section<'_>, at: &str, node: &Node, calls: &[&str]) -> Option<ClaimSource> {
        let (text, span, pattern) = match &node.content {
            Content::Mapping(_) => {
                let section = parent.of_node(at.to_owned(), node.span, node, &["from", "pattern"]);
                (section.required_text("from"), section.span_of("from"), claim_pattern(&section))
            }
            _ => (section::text(self.report, at, node)?, node.span, None),
        };
        let path = match path::parse(text) {
            Ok(path) => path,
            Err(why) => {
                self.report.push(lint::invalid_path::finding(span, text, why));
                return None;
            }
        };
        let (document, path) = split(path, calls);
        if let Err(unresolved) = self.readable(&document) {
            self.report.push(lint::unresolved_name::finding(span, at, text, &unresolved.why, &unresolved.help));
        }
        Some(ClaimSource { document, path, pattern })
    }

    /// Whether the descriptor obtains a document, and can verify it.
    fn readable(&self, document: &ClaimDocument) -> Result<(), Unresolved> {
        match document {
            ClaimDocument::IdToken => self.verifiable(Document::IdToken),
            ClaimDocument::AccessToken => self.verifiable(Document::AccessToken),
            ClaimDocument::Userinfo if !self.stated.contains(&Endpoint::Userinfo) => Err(Unresolved::new(
                "is read from the userinfo answer, which nothing asks for",
                "state `endpoints.userinfo_endpoint`",
            )),
            _ => Ok(()),
        }
    }
}

/// A pattern with one group.
fn claim_pattern(section: &Section<'_>) -> Option<Str> {
    let regex = pattern::read(section, "pattern")?;
    if regex.captures_len() != 2 {
        let why = "it needs exactly one group";
        section.report.push(lint::invalid_pattern::finding(section.span_of("pattern"), &section.at("pattern"), why));
    }
    section.text("pattern").map(|text| text.to_owned().into())
}

/// The document that the first segment names, and the rest; else the userinfo answer.
fn split(path: Path, calls: &[&str]) -> (ClaimDocument, Path) {
    let (first, rest) = match path.segments.split_first() {
        Some((Segment::Key(first), rest)) if !rest.is_empty() => (first, rest),
        _ => return (ClaimDocument::Userinfo, path),
    };
    let document = match Document::ALL.into_iter().find(|document| document.as_str() == first) {
        Some(Document::Token) => ClaimDocument::Token,
        Some(Document::Callback) => ClaimDocument::Callback,
        Some(Document::IdToken) => ClaimDocument::IdToken,
        Some(Document::AccessToken) => ClaimDocument::AccessToken,
        Some(Document::Userinfo) => ClaimDocument::Userinfo,
        None if calls.contains(&first.as_ref()) => ClaimDocument::Additional(first.clone()),
        None => return (ClaimDocument::Userinfo, path),
    };
    (document, Path { segments: rest.to_vec().into() })
}

/// A claim where OpenID Connect has it.
fn standard(name: &str) -> Claim {
    let path = Path { segments: vec![Segment::Key(name.to_owned().into())].into() };
    Claim {
        name: name.to_owned().into(),
        sources: vec![ClaimSource { document: ClaimDocument::Userinfo, path, pattern: None }].into(),
    }
}
