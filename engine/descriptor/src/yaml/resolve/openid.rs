//! `openid`: how id tokens are verified.

use super::authorization::owned;
use super::pattern;
use super::registry::ALGORITHMS;
use super::scope::Scope;
use super::sources::{self, Sources};
use super::template::{Piece, literal, split};
use super::url::Kind;
use crate::Str;
use crate::model::{AtHash, IssuerClaim, Nonce, OpenId, Part, Path, Segment, Template, Value};
use crate::yaml::lint;
use crate::yaml::node::Entry;
use crate::yaml::section::{self, Section, item_path, items};

const KEYS: [&str; 7] =
    ["issuer", "issuer_aliases", "issuer_claims", "required_claims", "nonce", "at_hash", "id_token_signing_alg_values_supported"];

impl Scope<'_> {
    pub(super) fn openid(&self, root: &Section<'_>) -> Option<OpenId> {
        let section = root.section("openid", &[&KEYS]);
        if !section.present {
            return None;
        }
        let issuer_claims = self.issuer_claims(&section);
        Some(OpenId {
            issuer: self.issuer(&section, &issuer_claims),
            issuer_aliases: owned(section.texts("issuer_aliases")).into(),
            issuer_claims: issuer_claims.into(),
            required_claims: self.templates(&section, "required_claims", &sources::REQUIRED_CLAIM).into(),
            nonce: section.choice("nonce", &[("required", Nonce::Required), ("absent", Nonce::Absent)], Nonce::Required),
            at_hash: section.choice("at_hash", &[("verify", AtHash::Verify), ("ignore", AtHash::Ignore)], AtHash::Verify),
            id_token_signing_alg_values_supported: self.algorithms(&section).into(),
        })
    }

    fn issuer_claims(&self, section: &Section<'_>) -> Vec<IssuerClaim> {
        section.entries_of("issuer_claims").iter().map(|entry| self.issuer_claim(section, entry)).collect()
    }

    fn issuer_claim(&self, openid: &Section<'_>, entry: &Entry) -> IssuerClaim {
        let section = openid.named(format!("openid.issuer_claims.{}", entry.key), entry, &["claim", "pattern", "equals"]);
        let equals = section.text("equals");
        if let Some(variable) = equals
            && !self.use_variable(variable)
        {
            let help = "declare it in `variables`, or correct the name";
            let span = section.span_of("equals");
            self.report.push(lint::unresolved_name::finding(span, &section.at("equals"), variable, "names no variable", help));
        }
        if self.variable(&entry.key).is_some() {
            let why = "a variable has the same name";
            self.report.push(lint::invalid_name::finding(entry.span, "a placeholder", &entry.key, why));
        }
        pattern::read(&section, "pattern");
        IssuerClaim {
            placeholder: entry.key.clone().into(),
            claim: section.required_text("claim").to_owned().into(),
            pattern: section.required_text("pattern").to_owned().into(),
            equals: equals.map(|variable| variable.to_owned().into()),
        }
    }

    /// The issuer, whose placeholders the id token's claims fill.
    fn issuer(&self, section: &Section<'_>, claims: &[IssuerClaim]) -> Template {
        let text = section.required_text("issuer");
        let span = section.entry("issuer").and_then(|entry| entry.value.span);
        for claim in claims.iter().filter(|claim| !text.contains(&format!("{{{}}}", claim.placeholder))) {
            let help = format!("remove it, or use it in `openid.issuer` as `{{{}}}`", claim.placeholder);
            let why = "is not in the issuer";
            self.report.push(lint::unresolved_name::finding(
                section.span_of("issuer_claims"),
                "openid.issuer_claims",
                &claim.placeholder,
                why,
                &help,
            ));
        }
        let Ok(pieces) = split(text) else { return self.resolve("openid.issuer", span, text, &ISSUER) };
        let parts = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(Part::Literal(text.into())),
            Piece::Name(name) => Some(Part::Value(match claims.iter().find(|claim| claim.placeholder == name) {
                Some(claim) => Value::IdToken(Path { segments: vec![Segment::Key(claim.claim.clone())].into() }),
                None => self.value("openid.issuer", span, name, &ISSUER)?,
            })),
        });
        let issuer = Template { parts: parts.collect::<Vec<_>>().into() };
        if issuer == literal("") {
            return issuer;
        }
        self.check_url("openid.issuer", span, &issuer, Kind::Request);
        issuer
    }

    fn algorithms(&self, section: &Section<'_>) -> Vec<Str> {
        let key = "id_token_signing_alg_values_supported";
        let Some(entry) = section.entry(key) else { return vec![Str::from("RS256")] };
        let options = ALGORITHMS.map(|name| (name, name));
        let algorithms: Vec<Str> = items(&entry.value)
            .filter_map(|(index, node)| {
                let path = item_path(&section.at(key), index);
                let word = section::text(self.report, &path, node)?;
                section::choose(self.report, &path, node.span, word, &options).map(Str::from)
            })
            .collect();
        if algorithms == ["RS256"] {
            section.report_restated(key);
        }
        algorithms
    }
}

const ISSUER: Sources = Sources { place: "an issuer", ..sources::STATIC_URL };
