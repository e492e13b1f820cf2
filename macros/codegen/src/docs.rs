//! The documentation of a generated module.

use std::fmt::Write;

use grantry_descriptor::Status;
use grantry_descriptor::model::{Authentication, AuthenticationMethod, Model, ServiceAccount};

use crate::capability::{self, CAPABILITIES};
use crate::names::{Names, Setting};

/// Where the module stands: its example is a test in the catalog, and must be none in a user's crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Catalog,
    UsersCrate,
}

/// Markdown for the module: what it is, what it can do, an example, scopes, variables and deviations.
pub(crate) fn module(model: &Model, names: &Names<'_>, place: Place) -> String {
    let kind = if model.openid.is_some() { "OpenID Connect" } else { "OAuth 2.0" };
    let mut docs = format!("{}: a typed {kind} client.\n\n", text(&model.name));
    match &model.status {
        Status::Active => {}
        Status::Deprecated(reason) => docs += &format!("**Deprecated by the provider**: {}\n\n", text(reason)),
        Status::Retired(reason) => docs += &format!("**No longer in service**: {}\n\n", text(reason)),
    }
    docs += &format!("[Documentation of the provider]({})\n\n", model.documentation);
    docs += &methods(model, names);
    docs += &example(model, names, place);
    docs += &scopes(model, names);
    docs += &variables(names);
    docs += &deviations(model);
    docs.trim_end().to_owned()
}

/// One line on a variable, for its method and its row.
pub(crate) fn setting(setting: &Setting<'_>) -> String {
    let variable = setting.variable;
    let mut line = match &variable.description {
        Some(description) => sentence(description),
        None => format!("The variable {}.", code(&variable.name)),
    };
    if let Some(default) = &variable.default {
        line += &format!(" Default: {}.", code(default));
    }
    if let Some(pattern) = &variable.pattern {
        line += &format!(" Pattern: {}.", code(pattern));
    }
    if variable.from.is_some() {
        line += " Learned from the provider where it is not set.";
    }
    line
}

/// How a service account gets its token.
pub(crate) fn account(account: &ServiceAccount) -> &'static str {
    match (&account.grant_type, &account.assertion, account.request.authentication) {
        (None, ..) => "a token that it signs itself",
        (Some(_), None, _) => "client credentials",
        (Some(_), Some(_), Authentication::Method(AuthenticationMethod::PrivateKeyJwt)) => {
            "client credentials and a signed assertion"
        }
        (Some(_), Some(_), _) => "a signed assertion",
    }
}

/// Markdown that shows `text` as it is.
pub(crate) fn text(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        match char {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => escaped.extend(['\\', char]),
            '\n' => escaped.push(' '),
            _ => escaped.push(char),
        }
    }
    escaped
}

/// Markdown that shows `code` as code, in a table too.
pub(crate) fn code(code: &str) -> String {
    let code = code.replace('|', "\\|").replace('\n', " ");
    if code.contains('`') { format!("`` {code} ``") } else { format!("`{code}`") }
}

fn sentence(description: &str) -> String {
    let mut sentence = text(description);
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

fn methods(model: &Model, names: &Names<'_>) -> String {
    let supported = CAPABILITIES.iter().filter(|capability| (capability.is_supported)(model));
    let api = [("call the API", "Session::request")];
    let rows = [("make a client", capability::constructor(model))]
        .into_iter()
        .chain(supported.flat_map(|capability| capability.methods.iter().copied()))
        .chain(api.into_iter().filter(|_| capability::calls_an_api(model)))
        .chain([("go on with a stored token", "Client::session")]);
    let accounts =
        names.accounts.iter().map(|name| format!("| authorize a machine by {} | [`{}`] |\n", account(name.account), name.alias));
    let rows: String = rows.map(|(purpose, method)| format!("| {purpose} | [`{method}`] |\n")).chain(accounts).collect();
    format!("| to | call |\n|---|---|\n{rows}\n")
}

fn example(model: &Model, names: &Names<'_>, place: Place) -> String {
    let (fence, krate) = match place {
        Place::Catalog => ("no_run", "grantry"),
        Place::UsersCrate => ("text", "crate"),
    };
    let id = &model.id;
    let constructor = capability::constructor(model);
    let mut arguments = Vec::new();
    if !["Client::new", "Client::discover"].contains(&constructor) {
        arguments.push(format!("{id}::{}", variables_expression(names)));
    }
    arguments.extend(["\"client id\"".to_owned(), credential(model).to_owned()]);
    if ["Client::with_hooks", "Client::discover_with"].contains(&constructor) {
        arguments.push("grantry::Hooks::new()".to_owned());
    }
    let fallible = match constructor {
        "Client::new" => "",
        "Client::discover" | "Client::discover_with" => ".await?",
        _ => "?",
    };
    let mut lines = format!("```{fence}\nuse {krate}::{id};\n\n");
    if place == Place::Catalog {
        lines += "# async fn example() -> grantry::Result<()> {\n";
    }
    let arguments = arguments.join(", ");
    let redirect = if is_supported(model, "SignIn") { ".redirect_uri(\"https://app.example/callback\")?" } else { "" };
    let _ = writeln!(lines, "let client = {id}::{constructor}({arguments}){fallible}{redirect};");
    if !is_supported(model, "AuthorizationCode") && is_supported(model, "ClientCredentials") {
        lines += "let session = client.client_credentials().await?;\n";
    }
    if is_supported(model, "AuthorizationCode") {
        lines += "let (url, pending) = client.authorize().start()?;\n";
        lines += "// Keep `pending`, send the user to `url`. Then, in the callback:\n";
        lines += "let session = client.exchange(pending, \"https://app.example/callback?code=..&state=..\").await?;\n";
        if is_supported(model, "UserInfo") {
            lines += "let profile = session.profile().await?;\n";
        }
        if capability::calls_an_api(model) {
            lines += "let answer = session.get(\"path/below/the/base/url\").send().await?;\n";
        }
    }
    if place == Place::Catalog {
        lines += "# Ok(())\n# }\n";
    }
    format!("# Example\n\n{lines}```\n\n")
}

fn is_supported(model: &Model, name: &str) -> bool {
    CAPABILITIES.iter().any(|capability| capability.name == name && (capability.is_supported)(model))
}

fn credential(model: &Model) -> &'static str {
    if is_supported(model, "ClientSecret") {
        "\"client secret\""
    } else if is_supported(model, "PrivateKey") {
        "grantry::SigningKey::from_pem(\"-----BEGIN PRIVATE KEY-----...\")?.key_id(\"key id\")"
    } else {
        "grantry::Credential::None"
    }
}

fn variables_expression(names: &Names<'_>) -> String {
    let id = |setting: &Setting<'_>| match &setting.choices {
        Some(choices) => match choices.variants.first() {
            Some((variant, _)) => format!("{}::{variant}", choices.name),
            None => choices.name.to_string(),
        },
        None => format!("\"{}\"", setting.variable.name),
    };
    let arguments: Vec<String> = names.required().map(id).collect();
    format!("Variables::new({})", arguments.join(", "))
}

fn scopes(model: &Model, names: &Names<'_>) -> String {
    let default: Vec<String> = model.scopes.default.iter().map(|scope| code(scope)).collect();
    let mut docs = String::new();
    if !default.is_empty() {
        docs += &format!("Asked for by default: {}.\n\n", default.join(", "));
    }
    if !names.scopes.is_empty() {
        let rows = names.scopes.iter();
        let rows: String =
            rows.map(|row| format!("| [`Scope::{}`] | {} | {} |\n", row.variant, code(row.scope), text(row.meaning))).collect();
        docs += &format!("| | scope | meaning |\n|---|---|---|\n{rows}\n");
    }
    section("Scopes", docs)
}

fn variables(names: &Names<'_>) -> String {
    let rows: String = names.settings.iter().map(|row| variable_row(row)).collect();
    let rows = if rows.is_empty() { rows } else { format!("| variable | | meaning |\n|---|---|---|\n{rows}\n") };
    section("Variables", rows)
}

fn variable_row(row: &Setting<'_>) -> String {
    let method = if row.required { "new".to_owned() } else { row.name.to_string() };
    let need = if row.required { "required" } else { "" };
    let path = format!("[{}](Variables::{method})", code(&row.variable.name));
    format!("| {path} | {need} | {} |\n", setting(row))
}

fn deviations(model: &Model) -> String {
    let rows = model.deviations.iter();
    let rows: String =
        rows.map(|deviation| format!("- {} ({})\n", code(&deviation.to_string()), text(&deviation.standard))).collect();
    section("Where it departs from the standards", rows)
}

fn section(title: &str, content: String) -> String {
    if content.is_empty() { content } else { format!("# {title}\n\n{}\n\n", content.trim_end()) }
}
