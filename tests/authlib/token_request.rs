//! The request for a token.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantry_engine::{Client, Code, Credential, Descriptor, ErrorKind, Phase, Token, Transport};
use grantry_tests::NOW;
use grantry_tests::emulator::Received;
use grantry_tests::script::{Script, TestClock};

use crate::common::ACME;
use crate::sign_in::{OPENID, VERIFIER, acme, acme_by, granted, offline, online, pending, problems};

/// What one request of a client of the descriptor's was.
async fn sent(yaml: &str, credential: impl Into<Credential>, request: impl AsyncFnOnce(&Client)) -> Received {
    let script = Script::answers([granted()]);
    request(&online(yaml, credential, &script)).await;
    script.only()
}

async fn exchange(client: &Client) {
    client.exchange(pending(client), "/callback?code=a&state=st").await.unwrap();
}

// rows: 63
#[tokio::test]
async fn a_token_request_is_a_posted_form_that_wants_json() {
    let request = sent(ACME, "secret", exchange).await;
    assert_eq!((request.method.as_str(), request.target().as_str()), ("POST", "/token"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("accept"), Some("application/json"));
}

// rows: 64, 66, 76
#[tokio::test]
async fn the_code_grant_sends_code_verifier_and_redirect_uri_and_no_scope() {
    let request = sent(&acme("scopes:\n  default: [read]\n"), Credential::None, exchange).await;
    let mut form = request.form();
    form.sort();
    let expected = [
        ("client_id", "dev"),
        ("code", "a"),
        ("code_verifier", VERIFIER),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://app.example/callback"),
    ];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

// rows: 65
#[tokio::test]
async fn the_order_of_the_body_is_stable() {
    let request = sent(ACME, "secret", async |client: &Client| {
        let exchange = client.exchange(pending(client), "/callback?code=a&state=st");
        exchange.param("z", "1").param("audience", "2").await.unwrap();
    })
    .await;
    assert_eq!(
        request.body_text(),
        format!(
            "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&code=a&code_verifier={VERIFIER}\
             &z=1&audience=2"
        )
    );
}

// rows: 67, 68
#[tokio::test]
async fn the_password_grant_sends_the_scopes_of_the_call_else_the_default_ones() {
    let yaml = acme("scopes:\n  default: [read, write]\n");
    let request = sent(&yaml, "secret", async |client: &Client| {
        client.password("jane", "p w&d").await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=password&username=jane&password=p%20w%26d&scope=read%20write");
    let request = sent(&yaml, "secret", async |client: &Client| {
        client.password("jane", "pwd").scopes(["admin".into()]).await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=password&username=jane&password=pwd&scope=admin");
    let request = sent(&yaml, "secret", async |client: &Client| {
        client.client_credentials().scopes(["a".into(), "b".into()]).await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=client_credentials&scope=a%20b");
}

// rows: 69
#[tokio::test]
async fn client_credentials_are_a_grant_by_name() {
    let request = sent(ACME, "secret", async |client: &Client| {
        client.client_credentials().await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=client_credentials");
}

// rows: 70
#[tokio::test]
async fn no_parameter_makes_another_grant_of_a_request() {
    let request = sent(ACME, "secret", async |client: &Client| {
        let request = client.client_credentials().param("code", "c").param("username", "u").param("password", "p");
        request.await.unwrap();
    });
    assert_eq!(request.await.form_value("grant_type").as_deref(), Some("client_credentials"));
    let script = Script::answers([granted()]);
    let without = online(&ACME.replace("  - client_credentials\n", ""), "secret", &script);
    let error = without.client_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(script.received().is_empty());
}

// rows: 71
#[tokio::test]
async fn a_client_does_not_remember_the_grant_of_its_last_request() {
    let script = Script::answers([granted(), granted(), granted()]);
    let client = online(ACME, "secret", &script);
    exchange(&client).await;
    client.password("jane", "pwd").await.unwrap();
    client.client_credentials().await.unwrap();
    let grants: Vec<_> = script.received().iter().map(|request| request.form_value("grant_type").unwrap()).collect();
    assert_eq!(grants, ["authorization_code", "password", "client_credentials"]);
}

// rows: 72
#[tokio::test]
async fn any_grant_and_any_parameter_can_be_sent() {
    let request = sent(ACME, "secret", async |client: &Client| {
        let request = client.token_exchange("st-1").requested_token_type("urn:acme:t").param("audience", "api").param("x-y", "1");
        request.await.unwrap();
    })
    .await;
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=st-1";
    assert!(request.body_text().starts_with(grant), "{}", request.body_text());
    assert!(request.body_text().ends_with("&requested_token_type=urn%3Aacme%3At&audience=api&x-y=1"), "{}", request.body_text());
    let request = sent(ACME, "secret", async |client: &Client| {
        client.client_credentials().param("grant_type", "urn:acme:magic").param("spell", "abra").await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=urn%3Aacme%3Amagic&spell=abra");
}

// rows: 73
#[tokio::test]
async fn a_zero_is_sent() {
    let request = sent(ACME, "secret", async |client: &Client| {
        client.client_credentials().param("max", "0").param("empty", "").param("last", "false").await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=client_credentials&max=0&last=false");
}

// rows: 74, 75
#[tokio::test]
async fn a_parameter_can_repeat() {
    let request = sent(ACME, "secret", async |client: &Client| {
        client.client_credentials().resource("https://a.example").resource("b").param("r", "1").param("r", "1").await.unwrap();
    });
    assert_eq!(request.await.body_text(), "grant_type=client_credentials&resource=https%3A%2F%2Fa.example&resource=b&r=1&r=1");
}

/// The provider whose token requests are of this method, its endpoint having a query.
fn by_method(method: &str) -> String {
    acme(&format!("token:\n  method: {method}\n")).replace("https://acme.example/token", "https://acme.example/token?q=a")
}

// rows: 77, 78, 79
#[tokio::test]
async fn a_get_has_everything_in_its_query_and_no_body() {
    let request = sent(&by_method("GET"), Credential::None, async |client: &Client| {
        client.client_credentials().scopes(["s".into()]).await.unwrap();
    })
    .await;
    assert_eq!(request.method, "GET");
    assert_eq!(request.target(), "/token?q=a&grant_type=client_credentials&scope=s&client_id=dev");
    assert_eq!(request.body_text(), "");
    let posted = by_method("GET").replace("methods: [client_secret_basic, ", "methods: [");
    let request = sent(&posted, "secret", async |client: &Client| {
        client.client_credentials().await.unwrap();
    })
    .await;
    assert_eq!(request.target(), "/token?q=a&grant_type=client_credentials&client_id=dev&client_secret=secret");
    assert_eq!((request.body_text().as_str(), request.header("content-type")), ("", None));
}

// rows: 80
#[tokio::test]
async fn another_method_than_post_is_sent_as_it_is() {
    let request = sent(&by_method("PUT"), "secret", async |client: &Client| {
        client.client_credentials().await.unwrap();
    })
    .await;
    assert_eq!((request.method.as_str(), request.target().as_str()), ("PUT", "/token?q=a"));
    assert_eq!(request.body_text(), "grant_type=client_credentials");
}

// rows: 81
#[tokio::test]
async fn the_endpoint_is_the_descriptors_and_without_one_there_is_no_request() {
    let request = sent(&ACME.replace("acme.example/token", "id.acme.example/oauth/t"), "secret", exchange).await;
    assert_eq!(request.url.as_str(), "https://id.acme.example/oauth/t");
    let script = Script::answers([granted()]);
    let yaml =
        format!("name: Acme\ndocumentation: https://docs.acme.example/\ngrant_types_supported: [client_credentials]\n{OPENID}");
    let descriptor = Descriptor::from_yaml(&yaml, "acme.yaml").unwrap();
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), "dev", "secret").unwrap();
    let error = client.transport(script.transport()).client_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Token)));
    assert!(error.to_string().contains("token_endpoint"), "{error}");
    assert!(script.received().is_empty());
}

// rows: 82
#[tokio::test]
async fn options_of_the_transport_are_no_parameters() {
    let script = Script::answers([granted()]);
    let builder = script.transport_builder().user_agent("acme-app/1").timeout(Duration::from_secs(20));
    let client = online(ACME, "secret", &script).transport(builder.connect_timeout(Duration::from_secs(9)).build());
    client.client_credentials().await.unwrap();
    let request = script.only();
    assert_eq!(request.header("user-agent"), Some("acme-app/1"));
    assert_eq!((request.body_text().as_str(), request.target().as_str()), ("grant_type=client_credentials", "/token"));
    let hasty = script.transport_builder().timeout(Duration::ZERO).build();
    let error = online(ACME, "secret", &script).transport(hasty).client_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
}

// rows: 83
#[tokio::test]
async fn a_method_of_the_applications_replaces_the_clients() {
    for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt"] {
        let request = sent(&acme_by(method, ""), "0123456789abcdef0123456789abcdef", async |client: &Client| {
            let client = client.clone().authenticate_with(|mut request| async {
                let basic = format!("Basic {}", STANDARD.encode("other:pwd"));
                request.headers.insert("authorization", basic.parse().unwrap());
                Ok(request)
            });
            client.client_credentials().await.unwrap();
        })
        .await;
        assert_eq!(request.header("authorization"), Some("Basic b3RoZXI6cHdk"), "{method}");
        assert_eq!(request.body_text(), "grant_type=client_credentials", "{method}");
    }
}

// rows: 84
#[tokio::test]
async fn an_expired_token_is_in_nobodys_way() {
    let script = Script::answers([granted(), granted()]);
    let client = online(ACME, "secret", &script);
    let mut expired = Token::new("old");
    expired.expires_at = Some(NOW - 3600);
    expired.refresh_token = Some("rt".into());
    let session = client.session(expired.clone());
    session.refresh().await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "at");
    assert_eq!(client.refresh(&expired).await.unwrap().access_token.expose(), "at");
    let bodies: Vec<String> = script.received().iter().map(Received::body_text).collect();
    assert_eq!(bodies, ["grant_type=refresh_token&refresh_token=rt"; 2]);
}

// rows: 85
#[tokio::test]
async fn the_token_endpoint_is_https_unless_it_is_on_loopback_and_that_is_allowed() {
    let at = |endpoint: &str| ACME.replace("https://acme.example/token", endpoint);
    assert_eq!(problems(&at("http://acme.example/token")), [Code::InsecureUrl]);
    let answer = r#"{"access_token":"local","token_type":"bearer"}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = offline(&at(&format!("http://{}/token", listener.local_addr().unwrap())));
    let error = client.client_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Misuse, Some(Phase::Token)));
    assert!(error.to_string().contains("is not an https URL"), "{error}");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len()).unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let allowed = client.transport(Transport::builder().danger_allow_loopback_http().build());
    let session = allowed.client_credentials().await.unwrap();
    assert_eq!(session.current_token().unwrap().access_token.expose(), "local");
    assert!(server.join().unwrap().starts_with("POST /token HTTP/1.1\r\n"));
}

// rows: 86
#[tokio::test]
async fn the_typed_client_and_the_erased_one_send_the_same() {
    let script = Script::answers([granted(), granted()]);
    let typed = grantry::github::Client::new("dev", "secret").redirect_uri("https://app.example/callback").unwrap();
    let typed = typed.transport(script.transport()).clock(TestClock::default());
    let erased: Client = typed.clone().into();
    let callback = "/callback?code=a&state=st";
    let (_, started) = typed.authorize().state("st").code_verifier(VERIFIER).start().unwrap();
    typed.exchange(started, callback).await.unwrap();
    erased.exchange(pending(&erased), callback).await.unwrap();
    let received = script.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].form_value("code").as_deref(), Some("a"));
    let parts = |request: &Received| (request.method.clone(), request.url.clone(), request.headers.clone(), request.body.clone());
    assert_eq!(parts(&received[0]), parts(&received[1]));
}
