//! `token`, `refresh`, `exchange` and the grants that go without a browser.

use super::Shared;
use super::registry::Members;
use super::request::{self, Shape, inherited};
use super::scope::Scope;
use super::sources::{self, Sources};
use super::url::Kind;
use crate::model::{
    Authentication, DeviceAuthorization, Exchange, Grant, Lifetime, Method, Part, Phase, Refresh, Replay, Request, Rotation,
    Template, Token, Unit, Zero,
};
use crate::yaml::diagnostic::Span;
use crate::yaml::lint;
use crate::yaml::node::{Content, Node};
use crate::yaml::section::{self, Section, item_path, items};

type Sends = [(&'static str, Option<&'static str>)];

const TOKEN: &Sends = &[
    ("grant_type", Some("authorization_code")),
    ("code", Some("{code}")),
    ("redirect_uri", Some("{redirect_uri}")),
    ("code_verifier", Some("{code_verifier}")),
];
const REFRESH: &Sends = &[("grant_type", Some("refresh_token")), ("refresh_token", Some("{refresh_token}")), ("scope", None)];
const CLIENT_CREDENTIALS: &Sends = &[("grant_type", Some("client_credentials")), ("scope", Some("{scope}"))];
const PASSWORD: &Sends = &[("grant_type", Some("password")), ("username", None), ("password", None), ("scope", Some("{scope}"))];
const DEVICE: &Sends = &[("client_id", Some("{client_id}")), ("scope", Some("{scope}"))];
const DEVICE_TOKEN: &Sends = &[("grant_type", Some(Grant::DeviceCode.as_str())), ("device_code", None)];

impl Scope<'_> {
    pub(super) fn token(&self, root: &Section<'_>, shared: &Shared<'_>) -> Token {
        let section = root.section("token", &[request::KEYS, &["response", "lifetime"]]);
        let base = request::standard(Method::Post, Authentication::Client, &shared.names);
        Token {
            request: self.request(&section, &shared.shape(base, &sources::TOKEN, TOKEN)),
            response: self.response(&section, &shared.response, Members::Token),
            lifetime: self.lifetime(&section),
        }
    }

    pub(super) fn lifetime(&self, parent: &Section<'_>) -> Lifetime {
        let section = parent.section("lifetime", &[&["default", "unit", "zero"]]);
        Lifetime {
            default: section.whole("default"),
            unit: section.choice("unit", &[("seconds", Unit::Seconds), ("milliseconds", Unit::Milliseconds)], Unit::Seconds),
            zero: section.choice("zero", &[("expired", Zero::Expired), ("never", Zero::Never)], Zero::Expired),
        }
    }

    pub(super) fn refresh(&self, root: &Section<'_>, shared: &Shared<'_>, token: &Token, is_granted: bool) -> Refresh {
        let section = root.section("refresh", &[request::KEYS, &["url", "response", "rotation", "replay", "invalid_grant"]]);
        let shape = shared.shape(token.request.clone(), &sources::REFRESH, REFRESH);
        if is_granted {
            self.check_inherited(root, &section, &token.request);
        }
        let rotations = [("none", Rotation::None), ("rotating", Rotation::Rotating), ("reuse_detected", Rotation::ReuseDetected)];
        let rotation = section.chosen("rotation", &rotations).unwrap_or(Rotation::Unknown);
        let request = self.request(&section, &shape);
        Refresh {
            request: Request { url: self.url(&section, "url", &sources::REFRESH, Kind::Request), ..request },
            response: self.response(&section, &token.response, Members::Token),
            rotation,
            replay: self.replay(&section, rotation),
            invalid_grant: section.raws("invalid_grant").into(),
        }
    }

    /// `replay`: a word, or how long a refresh token that was used is taken again.
    fn replay(&self, refresh: &Section<'_>, rotation: Rotation) -> Replay {
        let stated = match refresh.entry("replay").map(|entry| &entry.value) {
            Some(node) if matches!(node.content, Content::Mapping(_)) => self.grace(refresh).map(Replay::Grace),
            Some(node) => self.replay_word(refresh, node.span),
            None => None,
        };
        match (rotation, stated) {
            (Rotation::None, Some(Replay::Safe)) => refresh.report_restated("replay"),
            (Rotation::None, Some(_)) => {
                self.report_conflict(refresh, "a refresh token that is not replaced may be used again at any time");
            }
            (Rotation::ReuseDetected, Some(Replay::Safe)) => {
                self.report_conflict(refresh, "where reuse is detected, a refresh token that was used is not safe to use again");
            }
            _ => {}
        }
        stated.unwrap_or(if rotation == Rotation::None { Replay::Safe } else { Replay::Unknown })
    }

    fn replay_word(&self, refresh: &Section<'_>, span: Option<Span>) -> Option<Replay> {
        match refresh.text("replay")? {
            "safe" => Some(Replay::Safe),
            "never" => Some(Replay::Never),
            other => {
                let known = ["safe", "never", "{ grace: <seconds> }"];
                self.report.push(lint::unknown_value::finding(span, &refresh.at("replay"), other, &known));
                None
            }
        }
    }

    fn grace(&self, refresh: &Section<'_>) -> Option<u64> {
        let section = refresh.section("replay", &[&["grace"]]);
        let grace = section.whole("grace");
        if grace == Some(0) {
            let known = ["a whole number of seconds from 1 on; for none at all, write `replay: never`"];
            self.report.push(lint::unknown_value::finding(section.span_of("grace"), &section.at("grace"), "0", &known));
        }
        grace
    }

    fn report_conflict(&self, refresh: &Section<'_>, why: &str) {
        self.report.push(lint::conflicting_keys::finding(refresh.span_of("replay"), "refresh", why));
    }

    /// Reports what `refresh` inherits but cannot fill in.
    fn check_inherited(&self, root: &Section<'_>, refresh: &Section<'_>, token: &Request) {
        let parameters = token.parameters.iter().filter_map(|parameter| Some((&*parameter.name, parameter.value.as_ref()?)));
        let headers = token.headers.iter().map(|(name, template)| (&**name, template));
        let inherited = parameters.map(|item| ("parameters", item)).chain(headers.map(|item| ("headers", item)));
        for (key, (name, template)) in inherited {
            let node = |section: &str| root.entry(section).and_then(|entry| entry.value.get(&[key, name]));
            if node("refresh").is_none()
                && let Some((name, why)) = self.first_unavailable(template, &sources::REFRESH)
            {
                let span = node("token").and_then(|node| node.span).or(refresh.span);
                let help = "`refresh` inherits this from `token`; set or drop it in `refresh`";
                self.report.push(lint::unresolved_name::finding(span, &format!("token.{key}"), &name, &why, help));
            }
        }
    }

    fn first_unavailable(&self, template: &Template, sources: &Sources) -> Option<(String, String)> {
        template.parts.iter().find_map(|part| match part {
            Part::Literal(_) => None,
            Part::Value(value) => {
                self.available(value, sources).err().map(|unresolved| (super::url::name_of(value), unresolved.why))
            }
        })
    }

    pub(super) fn client_credentials(&self, root: &Section<'_>, shared: &Shared<'_>, token: &Token) -> Phase {
        let section = root.section("client_credentials", &[request::KEYS, &["response"]]);
        self.direct_grant(&section, shared, token, &sources::DIRECT_GRANT, CLIENT_CREDENTIALS)
    }

    pub(super) fn password(&self, root: &Section<'_>, shared: &Shared<'_>, token: &Token) -> Phase {
        let section = root.section("password", &[request::KEYS, &["response"]]);
        self.direct_grant(&section, shared, token, &sources::DIRECT_GRANT, PASSWORD)
    }

    pub(super) fn device_authorization(&self, root: &Section<'_>, shared: &Shared<'_>, token: &Token) -> DeviceAuthorization {
        let section = root.section("device_authorization", &[request::KEYS, &["response", "token"]]);
        let polling = section.section("token", &[request::KEYS, &["response"]]);
        let shape = shared.shape(inherited(&token.request), &sources::DIRECT_GRANT, DEVICE);
        DeviceAuthorization {
            request: self.request(&section, &shape),
            response: self.response(&section, &shared.response, Members::Device),
            token: self.direct_grant(&polling, shared, token, &sources::DEVICE_TOKEN, DEVICE_TOKEN),
        }
    }

    fn direct_grant(
        &self,
        section: &Section<'_>,
        shared: &Shared<'_>,
        token: &Token,
        sources: &Sources,
        sends: &'static Sends,
    ) -> Phase {
        Phase {
            request: self.request(section, &shared.shape(inherited(&token.request), sources, sends)),
            response: self.response(section, &shared.response, Members::Token),
        }
    }

    pub(super) fn exchange(&self, root: &Section<'_>, shared: &Shared<'_>, token: &Token, grants: &[Grant]) -> Option<Exchange> {
        let section = root.section("exchange", &[request::KEYS, &["url", "response", "after"]]);
        if !section.present {
            return None;
        }
        if !section.has("url") {
            self.report.push(lint::missing_endpoint::finding(section.span, "`exchange`", "`exchange.url`"));
        }
        let shape: Shape<'_> = shared.shape(inherited(&token.request), &sources::EXCHANGE, &[]);
        let request = self.request(&section, &shape);
        Some(Exchange {
            request: Request { url: self.url(&section, "url", &sources::EXCHANGE, Kind::Request), ..request },
            response: self.response(&section, &shared.response, Members::Token),
            after: self.after(&section, grants).into(),
        })
    }

    fn after(&self, section: &Section<'_>, grants: &[Grant]) -> Vec<Grant> {
        let Some(entry) = section.entry("after") else { return vec![Grant::AuthorizationCode] };
        let mut after = Vec::new();
        for (index, node) in items(&entry.value) {
            let Some(grant) = self.grant(&item_path(&section.at("after"), index), node) else { continue };
            if !grants.contains(&grant) {
                self.report.push(lint::unlisted_grant::finding(node.span, grant.as_str()));
            }
            after.push(grant);
        }
        if after == [Grant::AuthorizationCode] {
            section.report_restated("after");
        }
        after
    }

    /// A registered grant type.
    pub(super) fn grant(&self, path: &str, node: &Node) -> Option<Grant> {
        let word = section::text(self.report, path, node)?;
        section::choose(self.report, path, node.span, word, &Grant::ALL.map(|grant| (grant.as_str(), grant)))
    }
}
