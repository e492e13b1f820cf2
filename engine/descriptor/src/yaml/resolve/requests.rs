//! `requests`: how protected resources are called.

use super::scope::Scope;
use super::sources;
use super::url::{Kind, origin_text};
use crate::model::{Location, Placement, Requests, Template};
use crate::yaml::lint;
use crate::yaml::section::{Section, item_path, items};

const KEYS: [&str; 5] = ["base_url", "api_origins", "access_token", "parameters", "headers"];

impl Scope<'_> {
    pub(super) fn requests(&self, root: &Section<'_>) -> Requests {
        let section = root.section("requests", &[&KEYS]);
        Requests {
            base_url: self.url(&section, "base_url", &sources::RESOURCE_URL, Kind::Request),
            api_origins: self.api_origins(&section).into(),
            access_token: self.placement(&section),
            parameters: self.parameters(&section, &[], &[], &sources::REQUESTS).into(),
            headers: self.headers(&section, &[], &sources::REQUESTS).into(),
        }
    }

    fn api_origins(&self, section: &Section<'_>) -> Vec<Template> {
        let Some(entry) = section.entry("api_origins") else { return Vec::new() };
        let mut origins = Vec::new();
        for (index, node) in items(&entry.value) {
            let path = item_path(&section.at("api_origins"), index);
            if let Some(template) = self.template_at(&path, node, &sources::STATIC_URL) {
                self.check_url(&path, node.span, &template, Kind::Origin);
                origins.push(template);
            }
        }
        let base = section.entry("base_url").and_then(|entry| entry.value.text()).map(origin_text);
        if let Some(base) = base
            && !items(&entry.value).any(|(_, node)| node.text() == Some(base))
        {
            self.report.push(lint::base_url_outside_api_origins::finding(section.span_of("base_url"), base));
        }
        origins
    }

    fn placement(&self, requests: &Section<'_>) -> Placement {
        let section = requests.section("access_token", &[&["in", "name", "scheme"]]);
        let locations = [("header", Location::Header), ("query", Location::Query), ("form", Location::Form)];
        let location = section.choice("in", &locations, Location::Header);
        let usual = if location == Location::Header { "Authorization" } else { "access_token" };
        let name = section.text("name").unwrap_or(usual);
        if section.has("name") && name == usual {
            section.report_restated("name");
        }
        let usual = if location == Location::Header && name.eq_ignore_ascii_case("authorization") { "Bearer" } else { "" };
        let scheme = section.text("scheme").unwrap_or(usual);
        if section.has("scheme") && location != Location::Header {
            let why = "`scheme` belongs to a token in a header";
            self.report.push(lint::conflicting_keys::finding(section.span_of("scheme"), &section.path, why));
        } else if section.has("scheme") && scheme == usual {
            section.report_restated("scheme");
        }
        Placement { location, name: name.to_owned().into(), scheme: scheme.to_owned().into() }
    }
}
