//! `authorization`, `callback` and `scopes`.

use super::registry;
use super::scope::Scope;
use super::sources;
use crate::Str;
use crate::model::{Authorization, Callback, CallbackSignature, CodeChallengeMethod, Scopes};
use crate::yaml::lint;
use crate::yaml::node::Entry;
use crate::yaml::section::{self, Section, item_path, items};

const AUTHORIZATION: [&str; 5] = ["names", "parameters", "code_challenge_method", "fragment", "iss_parameter"];
const CALLBACK: [&str; 3] = ["names", "signature", "access_denied"];
const SCOPES: [&str; 3] = ["separator", "default", "known"];

/// What the engine sends, with the values that are fixed.
const SENDS: [(&str, Option<&str>); 8] = [
    ("response_type", Some("code")),
    ("client_id", Some("{client_id}")),
    ("redirect_uri", Some("{redirect_uri}")),
    ("scope", Some("{scope}")),
    ("state", Some("{state}")),
    ("code_challenge", Some("{code_challenge}")),
    ("code_challenge_method", None),
    ("nonce", Some("{nonce}")),
];

impl Scope<'_> {
    pub(super) fn authorization(&self, root: &Section<'_>, names: &[(Str, Str)]) -> Authorization {
        let section = root.section("authorization", &[&AUTHORIZATION]);
        self.report_conflicts(&section);
        let methods =
            [("S256", CodeChallengeMethod::S256), ("plain", CodeChallengeMethod::Plain), ("none", CodeChallengeMethod::None)];
        Authorization {
            names: self.names(&section, names, registry::AUTHORIZATION).into(),
            parameters: self.parameters(&section, &[], &SENDS, &sources::AUTHORIZATION).into(),
            code_challenge_method: section.choice("code_challenge_method", &methods, CodeChallengeMethod::S256),
            fragment: section.text("fragment").map(|text| text.to_owned().into()),
            iss_parameter: section.flag("iss_parameter", false),
        }
    }

    pub(super) fn callback(&self, root: &Section<'_>) -> Callback {
        let section = root.section("callback", &[&CALLBACK]);
        Callback {
            names: self.callback_names(&section).into(),
            signature: section.chosen("signature", &[("hmac", CallbackSignature::Hmac)]),
            access_denied: owned(section.texts("access_denied")).into(),
        }
    }

    fn callback_names(&self, section: &Section<'_>) -> Vec<(Str, crate::List<Str>)> {
        let at = section.at("names");
        let mut names = Vec::new();
        for Entry { key, span, value, .. } in section.entries_of("names") {
            if !registry::CALLBACK.contains(&key.as_str()) {
                self.report.push(lint::unregistered_name::finding(*span, &at, key, registry::CALLBACK));
            }
            let path = format!("{at}.{key}");
            let texts: Vec<&str> =
                items(value).filter_map(|(index, node)| section::text(self.report, &item_path(&path, index), node)).collect();
            if texts == [key.as_str()] {
                self.report.push(lint::restated_default::finding(*span, &path, "it is called so anyway"));
            }
            names.push((key.clone().into(), owned(texts).into()));
        }
        names
    }

    pub(super) fn scopes(&self, root: &Section<'_>) -> Scopes {
        let section = root.section("scopes", &[&SCOPES]);
        let separator = section.text("separator").unwrap_or(" ");
        if section.has("separator") && separator == " " {
            section.report_restated("separator");
        }
        let known = section.entries_of("known").iter().filter_map(|Entry { key, value, .. }| {
            let meaning = section::text(self.report, &format!("scopes.known.{key}"), value)?;
            Some((key.clone().into(), meaning.to_owned().into()))
        });
        Scopes {
            separator: separator.to_owned().into(),
            default: owned(section.texts("default")).into(),
            known: known.collect::<Vec<_>>().into(),
        }
    }
}

pub(super) fn owned(texts: Vec<&str>) -> Vec<Str> {
    texts.into_iter().map(|text| text.to_owned().into()).collect()
}
