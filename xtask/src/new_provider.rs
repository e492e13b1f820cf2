//! `cargo xtask new-provider <id>`.

use std::fs;

use grantry_descriptor::{Code, Descriptor};

use crate::{Failure, codegen, workspace};

/// Writes the skeleton of a descriptor and of its wire fixture.
pub(crate) fn run(id: &str) -> Result<(), Failure> {
    if !is_valid(id) {
        let rule = "lower-case letters, digits and `_`, a letter first, and no Rust keyword";
        return Err(Failure::Usage(format!("`{}` cannot be an id, which is the name of a module: {rule}", id.escape_debug())));
    }
    let files = [
        (format!("providers/catalog/{id}.yaml"), filled_in(DESCRIPTOR, id)),
        (format!("tests/wire/{id}.yaml"), filled_in(FIXTURE, id)),
    ];
    if let Some((file, _)) = files.iter().find(|(file, _)| workspace::path(file).exists()) {
        return Err(Failure::Usage(format!("{file} is there already")));
    }
    for (file, text) in files {
        fs::write(workspace::path(&file), text).map_err(|error| format!("{file}: {error}"))?;
        println!("wrote {file}");
    }
    codegen::run()?;
    println!(
        "next: fill both in, then `cargo xtask check providers/catalog/{id}.yaml` and `cargo xtask accept {id}`; README.md has an example"
    );
    Ok(())
}

/// What the front end says of the id, and `catalog`, the one module of `grantry` that is no provider.
fn is_valid(id: &str) -> bool {
    let problems = Descriptor::from_yaml(&filled_in(DESCRIPTOR, "acme"), &format!("{id}.yaml")).err();
    let is_invalid = problems.is_some_and(|problems| problems.iter().any(|problem| problem.code() == Code::InvalidId));
    !is_invalid && !id.contains(['/', '\\']) && id != "catalog"
}

/// A skeleton for an id. A host has no underscores.
fn filled_in(skeleton: &str, id: &str) -> String {
    skeleton.replace("HOST", &format!("{}.example", id.trim_end_matches('_').replace('_', "-"))).replace("ID", id)
}

const DESCRIPTOR: &str = "\
name: \"ID\"
documentation: https://HOST/docs/oauth # the page that the facts below are from
endpoints:
  authorization_endpoint: https://HOST/oauth/authorize
  token_endpoint: https://HOST/oauth/token
client_authentication:
  method: client_secret_basic
requests:
  base_url: https://api.HOST/
";

const FIXTURE: &str = r#"# What the provider expects and answers, from its documentation: see README.md in this folder.
application:
  client_id: my-client
  client_secret: my-secret
  redirect_uri: https://app.example/callback
  scopes: []

exchanges:
  authorization:
    source: { page: https://HOST/docs/oauth, date: 2026-01-01 }
    request:
      method: GET
      url: https://HOST/oauth/authorize
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
    source: { page: https://HOST/docs/oauth, date: 2026-01-01 }
    request:
      method: POST
      url: https://HOST/oauth/token
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
    source: { page: https://HOST/docs/api, date: 2026-01-01 }
    call: { method: GET, path: me }
    request:
      method: GET
      url: https://api.HOST/me
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

#[cfg(test)]
mod tests {
    use grantry_descriptor::Descriptor;
    use grantry_descriptor::tree::{self, Source};

    use super::{DESCRIPTOR, filled_in, is_valid, run};
    use crate::{Failure, workspace};

    #[test]
    fn a_skeleton_has_no_problems() {
        for id in ["acme", "box_com_", "no", "a1"] {
            let (text, file_name) = (filled_in(DESCRIPTOR, id), format!("{id}.yaml"));
            assert!(Descriptor::from_yaml(&text, &file_name).is_ok(), "{id}");
            let node = tree::parse(&text, &file_name).unwrap();
            assert_eq!(tree::catalog_lints(&node, Source { file_name: &file_name, text: &text }), []);
        }
    }

    #[test]
    fn what_cannot_be_a_module_is_no_id() {
        assert!(["acme", "box_com"].into_iter().all(is_valid));
        assert!(!["", "type", "Acme", "1a", "_a", "a-b", "a.b", "../a", "a/b", "catalog"].into_iter().any(is_valid));
    }

    #[test]
    fn an_existing_provider_is_left_alone() {
        let id = workspace::ids().unwrap().remove(0);
        assert!(matches!(run(&id), Err(Failure::Usage(problem)) if problem.ends_with("is there already")));
    }
}
