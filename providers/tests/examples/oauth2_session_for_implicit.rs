//! The example `oauth2_session_for_implicit`.

use grantry_tests::NOW;

use crate::common::{parameters, place, prepared};

#[path = "../../examples/oauth2_session_for_implicit.rs"]
#[allow(dead_code, unreachable_pub)] // its `main` is for people
mod example;

#[tokio::test]
async fn the_token_is_in_the_fragment() {
    let client = prepared(example::client().unwrap());
    let (url, pending) = example::login(&client).unwrap();
    assert_eq!(place(&url), "https://some-service.com/oauth/authorize");
    let asked = parameters(&url);
    assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("token", "Your client ID"));
    assert_eq!(asked["redirect_uri"], "https://example.com/cb");

    let fragment = format!("access_token=2..WpA&state={}&token_type=bearer&expires_in=3600", asked["state"]);
    let session = example::callback(&client, pending, &format!("https://example.com/cb#{fragment}")).await.unwrap();
    let token = session.current_token().unwrap();
    assert_eq!((token.access_token.expose(), token.token_type.as_str()), ("2..WpA", "Bearer"));
    assert_eq!(token.expires_at, Some(NOW + 3600));
}
