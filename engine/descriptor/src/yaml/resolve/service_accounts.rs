//! `service_accounts`: ways to a token without a user.

use super::Shared;
use super::registry::{KEY_FILE, Members};
use super::request::{self};
use super::scope::Scope;
use super::sources;
use super::url::Kind;
use super::variables::report_name;
use crate::Str;
use crate::model::{Authentication, Endpoint, Method, Path, Request, ServiceAccount};
use crate::yaml::lint;
use crate::yaml::node::Entry;
use crate::yaml::section::Section;

const KEYS: [&str; 6] = ["url", "response", "grant_type", "assertion", "key_file", "lifetime"];

impl Scope<'_> {
    pub(super) fn service_accounts(&self, root: &Section<'_>, shared: &Shared<'_>) -> Vec<ServiceAccount> {
        root.entries_of("service_accounts").iter().map(|entry| self.service_account(root, entry, shared)).collect()
    }

    fn service_account(&self, root: &Section<'_>, entry: &Entry, shared: &Shared<'_>) -> ServiceAccount {
        report_name(root, entry, "a service account");
        let section = root.named(format!("service_accounts.{}", entry.key), entry, &[request::KEYS, &KEYS].concat());
        let grant_type = self.grant_type(&section);
        let key_file = self.key_file(&section);
        let has_endpoint = section.has("url")
            || self.stated.contains(&Endpoint::Token)
            || key_file.iter().any(|(name, _)| name == Endpoint::Token.as_str());
        if grant_type.is_some() && !has_endpoint {
            let user = format!("`{}`", section.path);
            self.report.push(lint::missing_endpoint::finding(section.span, &user, "`endpoints.token_endpoint` or a `url`"));
        }
        let sends = [("grant_type", grant_type), ("assertion", None), ("scope", None)];
        let base = request::standard(Method::Post, Authentication::Client, &shared.names);
        let request = self.request(&section, &shared.shape(base, &sources::SERVICE_ACCOUNT, &sends));
        ServiceAccount {
            name: entry.key.clone().into(),
            request: Request { url: self.url(&section, "url", &sources::SERVICE_ACCOUNT, Kind::Request), ..request },
            response: self.response(&section, &shared.response, Members::Token),
            grant_type: grant_type.map(|grant| grant.to_owned().into()),
            assertion: section.has("assertion").then(|| self.assertion(&section)),
            key_file: key_file.into(),
            lifetime: self.lifetime(&section),
        }
    }

    /// Must be written: `null` where the assertion itself is the token.
    fn grant_type<'a>(&self, section: &Section<'a>) -> Option<&'a str> {
        match section.entry("grant_type") {
            None => {
                section.report_missing("grant_type");
                None
            }
            Some(entry) if entry.value.is_null() => None,
            Some(_) => section.text("grant_type"),
        }
    }

    fn key_file(&self, section: &Section<'_>) -> Vec<(Str, Path)> {
        let at = section.at("key_file");
        let entries = section.entries_of("key_file").iter();
        entries
            .filter_map(|Entry { key, span, value, .. }| {
                if !KEY_FILE.contains(&key.as_str()) {
                    self.report.push(lint::unregistered_name::finding(*span, &at, key, KEY_FILE));
                }
                Some((key.clone().into(), self.path(&format!("{at}.{key}"), value)?))
            })
            .collect()
    }
}
