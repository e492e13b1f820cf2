//! `cargo xtask new-provider <id>`.

use std::fs;

use crate::{codegen, workspace};

/// Writes the skeleton of a descriptor and of its wire fixture.
pub(crate) fn run(id: &str) -> Result<(), String> {
    let is_id = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
    if !is_id {
        return Err(format!("`{id}` is no id: it becomes a module, so it is lower-case letters, digits and `_`, a letter first"));
    }
    let files = [
        (format!("providers/catalog/{id}.yaml"), DESCRIPTOR.replace("ID", id)),
        (format!("tests/wire/{id}.yaml"), FIXTURE.replace("ID", id)),
    ];
    if let Some((file, _)) = files.iter().find(|(file, _)| workspace::path(file).exists()) {
        return Err(format!("{file} is there already"));
    }
    for (file, text) in files {
        fs::write(workspace::path(&file), text).map_err(|error| format!("{file}: {error}"))?;
        println!("wrote {file}");
    }
    codegen::run()?;
    println!("next: fill both in, then `cargo xtask check providers/catalog/{id}.yaml` and `cargo xtask accept {id}`");
    Ok(())
}

const DESCRIPTOR: &str = "\
name: ID
documentation: https://ID.example/docs/oauth # the page that the facts below are from
endpoints:
  authorization_endpoint: https://ID.example/oauth/authorize
  token_endpoint: https://ID.example/oauth/token
client_authentication:
  method: client_secret_basic
requests:
  base_url: https://api.ID.example/
";

const FIXTURE: &str = r#"# What the provider expects and answers, from its documentation: see README.md in this folder.
application:
  client_id: my-client
  client_secret: my-secret
  redirect_uri: https://app.example/callback
  scopes: []

exchanges:
  authorization:
    source: { page: https://ID.example/docs/oauth, date: 2026-01-01 }
    request:
      method: GET
      url: https://ID.example/oauth/authorize
      query:
        response_type: code
        client_id: "${client_id}"
        redirect_uri: "${redirect_uri}"
        state: "${state}"
        code_challenge: "${code_challenge}"
        code_challenge_method: S256
    response:
      callback: query
      parameters: { code: the-code, state: "${state}" }
    variants:
      denied:
        inferred: "RFC 6749 section 4.1.2.1"
        response:
          callback: query
          parameters: { error: access_denied, state: "${state}" }
  token:
    source: { page: https://ID.example/docs/oauth, date: 2026-01-01 }
    request:
      method: POST
      url: https://ID.example/oauth/token
      headers: { Authorization: "${basic}" }
      form:
        grant_type: authorization_code
        code: the-code
        redirect_uri: "${redirect_uri}"
        code_verifier: "${code_verifier}"
    response:
      status: 200
      content_type: application/json
      body: '{"access_token":"the-token","token_type":"Bearer","expires_in":3600}'
    variants:
      bad_code:
        inferred: "RFC 6749 section 5.2"
        response:
          status: 400
          content_type: application/json
          body: '{"error":"invalid_grant"}'
  resource:
    source: { page: https://ID.example/docs/api, date: 2026-01-01 }
    call: { method: GET, path: me }
    request:
      method: GET
      url: https://api.ID.example/me
      headers: { Authorization: Bearer the-token }
    response:
      status: 200
      content_type: application/json
      body: '{"id":"1"}'
    variants:
      bad_token:
        inferred: "RFC 6750 section 3.1"
        response:
          status: 401
          content_type: application/json
          body: '{"error":"invalid_token"}'
"#;
