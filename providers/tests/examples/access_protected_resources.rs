//! The example `access_protected_resources`.

use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::at;

#[path = "../../examples/access_protected_resources.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

#[tokio::test]
async fn a_stored_token_opens_the_api() {
    for stored in [
        r#"{ "access_token": "e..ad", "token_type": "bearer", "scope": "user:email" }"#.to_owned(),
        grantry::Token::new("e..ad").expose_for_storage().expose().to_owned(),
    ] {
        let script = Script::answers([Sent::json(200, json!({ "login": "octocat" }))]);
        let session = example::restore(&at(&script, example::client()), &stored).unwrap();
        assert_eq!(example::account(&session).await.unwrap(), json!({ "login": "octocat" }));
        let request = script.only();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", "https://api.github.com/user"));
        assert_eq!(request.header("authorization"), Some("Bearer e..ad"));
    }
}
