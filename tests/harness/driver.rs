//! The driver plays grants without a browser, for clients of every kind.

#![allow(missing_docs)]

use grantry_descriptor::Descriptor;
use grantry_tests::driver::{Outcome, Stage};
use grantry_tests::fixture::{Fixture, Scenario};

const DESCRIPTOR: &str = "
name: Made up
documentation: https://provider.example/docs
endpoints:
  token_endpoint: https://provider.example/token
  device_authorization_endpoint: https://provider.example/device
grant_types_supported: [\"urn:ietf:params:oauth:grant-type:device_code\"]
client_authentication: { method: METHOD }
";

const FIXTURE: &str = r#"
application: { client_id: me, CREDENTIAL scopes: [read] }
exchanges:
  device_authorization:
    inferred: made up
    request:
      method: POST
      url: https://provider.example/device
      HEADERS
      form: { client_id: me, FORM scope: read }
    response:
      status: 200
      content_type: application/json
      body: '{"device_code":"d3vice","user_code":"AB-CD","verification_uri":"https://provider.example/go","expires_in":60}'
  device_token:
    inferred: made up
    grant: device_code
    request:
      method: POST
      url: https://provider.example/token
      HEADERS
      form: { POLL device_code: d3vice, grant_type: "urn:ietf:params:oauth:grant-type:device_code" }
    response: { status: 200, content_type: application/json, body: '{"access_token":"t0ken","token_type":"bearer"}' }
    variants:
      pending: { inferred: made up, response: { status: 400, content_type: application/json, body: '{"error":"slow_down"}' } }
"#;

struct Client {
    method: &'static str,
    credential: &'static str,
    headers: &'static str,
    form: &'static str,
    poll: &'static str,
}

async fn play(client: &Client, scenario: &Scenario) -> Outcome {
    let descriptor = DESCRIPTOR.replace("METHOD", client.method);
    let fixture = FIXTURE
        .replace("CREDENTIAL", client.credential)
        .replace("HEADERS", client.headers)
        .replace("FORM", client.form)
        .replace("POLL", client.poll);
    let descriptor = Descriptor::from_yaml(&descriptor, "made_up.yaml").unwrap_or_else(|problems| panic!("{problems}"));
    Stage::new(Fixture::parse("made_up", &fixture).unwrap()).run(&descriptor, scenario).await
}

const POST: Client = Client {
    method: "client_secret_post",
    credential: "client_secret: s3cret,",
    headers: "headers: {}",
    form: "client_secret: s3cret,",
    poll: "client_id: me, client_secret: s3cret,",
};

#[tokio::test]
async fn a_device_names_its_client_once() {
    let basic =
        Client { method: "client_secret_basic", headers: "headers: { Authorization: \"${basic}\" }", form: "", poll: "", ..POST };
    let public = Client { credential: "", headers: "headers: {}", poll: "client_id: me,", ..basic };
    let none = Client { method: "none", ..public };
    for client in [POST, basic, public, none] {
        let outcome = play(&client, &Scenario::AsWritten).await;
        assert_eq!(outcome.refusals(), [""; 0], "{}", client.method);
        let token = outcome.step("grant device_code").unwrap().result.as_ref().unwrap();
        assert_eq!(token["access_token"], "t0ken", "{}", client.method);
    }
}

#[tokio::test]
async fn a_device_that_waits_has_no_session() {
    let scenario = Scenario::Variant { exchange: "device_token".into(), variant: "pending".into() };
    let outcome = play(&POST, &scenario).await;
    let waits = outcome.step("grant device_code").unwrap().result.as_ref().unwrap();
    assert_eq!(waits.to_string(), r#"{"interval":10,"pending":true}"#);
}
