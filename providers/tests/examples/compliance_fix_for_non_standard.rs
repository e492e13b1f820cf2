//! The example `compliance_fix_for_non_standard`.

use grantry::{Client, Token};
use grantry_tests::emulator::Sent;
use grantry_tests::script::Script;
use serde_json::json;

use crate::common::{at, parameters, place};

#[path = "../../examples/compliance_fix_for_non_standard.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

async fn linkedin_has_its_token_in_the_query(client: Client) {
    let script = Script::answers([Sent::json(200, json!({ "id": "1" }))]);
    let profile = example::profile(&at(&script, client), &Token::new("at+/=")).await.unwrap();
    assert_eq!(profile, json!({ "id": "1" }));
    let request = script.only();
    assert_eq!(request.url.as_str(), "https://api.linkedin.com/v1/people/~?oauth2_access_token=at%2B%2F%3D");
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn a_hook_moves_the_token_into_the_query() {
    linkedin_has_its_token_in_the_query(example::linkedin_with_a_hook().unwrap()).await;
}

#[tokio::test]
async fn a_descriptor_moves_the_token_into_the_query() {
    linkedin_has_its_token_in_the_query(example::linkedin_with_a_descriptor().unwrap()).await;
}

async fn slack_token(answer: serde_json::Value) -> (String, String) {
    let script = Script::answers([Sent::json(200, answer).header("content-type", "text/plain")]);
    let client = at(&script, example::slack_with_a_hook().unwrap());
    let (url, pending) = client.authorize().start().unwrap();
    let callback_url = format!("https://example.com/slack?code=c&state={}", parameters(&url)["state"]);
    let session = example::slack_callback(&client, pending, &callback_url).await.unwrap();
    assert_eq!(place(&script.only().url), "https://slack.com/api/oauth.v2.access");
    let token = session.current_token().unwrap();
    (token.access_token.expose().to_owned(), token.token_type.clone())
}

#[tokio::test]
async fn a_hook_mends_the_answer() {
    let bot = json!({ "ok": true, "access_token": "xoxb-1", "token_type": "bot" });
    assert_eq!(slack_token(bot).await, ("xoxb-1".into(), "Bearer".into()));
    let user = json!({ "ok": true, "authed_user": { "access_token": "xoxp-1", "token_type": "user" } });
    assert_eq!(slack_token(user).await, ("xoxp-1".into(), "Bearer".into()));
}
