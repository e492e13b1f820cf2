//! `endpoints`, `grant_types_supported` and what needs which endpoint.

use super::scope::Scope;
use super::sources::{self, Sources};
use super::url::Kind;
use crate::model::{Endpoint, Endpoints, Grant};
use crate::yaml::lint;
use crate::yaml::section::{Section, item_path, items};

/// The endpoints that are written, before their URLs are read.
pub(super) fn stated(root: &Section<'_>) -> Vec<Endpoint> {
    let entries = root.entry("endpoints").map_or(&[][..], |entry| entry.value.entries());
    Endpoint::ALL.into_iter().filter(|endpoint| entries.iter().any(|entry| entry.key == endpoint.as_str())).collect()
}

impl Scope<'_> {
    pub(super) fn endpoints(&self, root: &Section<'_>) -> Endpoints {
        let section = root.section("endpoints", &[&Endpoint::ALL.map(Endpoint::as_str)]);
        let get = |endpoint: Endpoint| {
            let kind = match endpoint {
                Endpoint::Authorization | Endpoint::EndSession => Kind::Browser,
                _ => Kind::Request,
            };
            self.url(&section, endpoint.as_str(), sources_of(endpoint), kind)
        };
        Endpoints {
            authorization_endpoint: get(Endpoint::Authorization),
            token_endpoint: get(Endpoint::Token),
            userinfo_endpoint: get(Endpoint::Userinfo),
            revocation_endpoint: get(Endpoint::Revocation),
            introspection_endpoint: get(Endpoint::Introspection),
            device_authorization_endpoint: get(Endpoint::DeviceAuthorization),
            end_session_endpoint: get(Endpoint::EndSession),
            registration_endpoint: get(Endpoint::Registration),
            pushed_authorization_request_endpoint: get(Endpoint::PushedAuthorizationRequest),
            jwks_uri: get(Endpoint::JwksUri),
        }
    }

    /// The grants, and what they and the sections lack to work.
    pub(super) fn grants(&self, root: &Section<'_>) -> Vec<Grant> {
        let written = root.entry("grant_types_supported").map(|entry| &entry.value);
        let browserless = !self.stated.contains(&Endpoint::Authorization) && !self.stated.contains(&Endpoint::Token);
        let grants: Vec<Grant> = match written {
            Some(node) => {
                items(node).filter_map(|(index, node)| self.grant(&item_path("grant_types_supported", index), node)).collect()
            }
            // Nothing but service accounts.
            None if browserless && root.has("service_accounts") && !self.has_openid => Vec::new(),
            None => DEFAULT_GRANTS.to_vec(),
        };
        if written.is_some() && grants == DEFAULT_GRANTS {
            root.report_restated("grant_types_supported");
        }
        // What is discovered is checked when it is there.
        let is_discovered = browserless && (self.has_openid || root.has("discovery"));
        if !is_discovered {
            self.check_grants(root, &grants);
        }
        self.check_sections(root);
        grants
    }

    fn check_grants(&self, root: &Section<'_>, grants: &[Grant]) {
        let span = root.entry("grant_types_supported").map_or(root.span_of("endpoints"), |entry| entry.span);
        let mut missing: Vec<(Endpoint, &str)> = Vec::new();
        for grant in grants {
            for endpoint in endpoints_of(*grant) {
                let by_url = *grant == Grant::RefreshToken && has(root, "refresh", "url");
                if !by_url && !self.stated.contains(endpoint) && !missing.iter().any(|(other, _)| other == endpoint) {
                    missing.push((*endpoint, grant.as_str()));
                }
            }
        }
        for (endpoint, grant) in missing {
            let needed = format!("`endpoints.{}`", endpoint.as_str());
            self.report.push(lint::missing_endpoint::finding(span, &format!("the grant `{grant}`"), &needed));
        }
    }

    fn check_sections(&self, root: &Section<'_>) {
        let sections = [
            ("device_authorization", Endpoint::DeviceAuthorization),
            ("introspection", Endpoint::Introspection),
            ("revocation", Endpoint::Revocation),
        ];
        for (section, endpoint) in sections {
            if let Some(entry) = root.entry(section)
                && !self.stated.contains(&endpoint)
            {
                let needed = format!("`endpoints.{}`", endpoint.as_str());
                self.report.push(lint::missing_endpoint::finding(entry.span, &format!("`{section}`"), &needed));
            }
        }
    }
}

const DEFAULT_GRANTS: [Grant; 2] = [Grant::AuthorizationCode, Grant::RefreshToken];

const fn endpoints_of(grant: Grant) -> &'static [Endpoint] {
    match grant {
        Grant::AuthorizationCode => &[Endpoint::Authorization, Endpoint::Token],
        Grant::Implicit => &[Endpoint::Authorization],
        Grant::DeviceCode => &[Endpoint::DeviceAuthorization, Endpoint::Token],
        Grant::Password | Grant::ClientCredentials | Grant::RefreshToken | Grant::JwtBearer | Grant::TokenExchange => {
            &[Endpoint::Token]
        }
    }
}

const fn sources_of(endpoint: Endpoint) -> &'static Sources {
    match endpoint {
        Endpoint::Userinfo => &sources::RESOURCE_URL,
        Endpoint::Revocation | Endpoint::Introspection => &sources::TOKEN_MANAGEMENT_URL,
        _ => &sources::STATIC_URL,
    }
}

fn has(root: &Section<'_>, section: &str, key: &str) -> bool {
    root.entry(section).is_some_and(|entry| entry.value.get(&[key]).is_some())
}
