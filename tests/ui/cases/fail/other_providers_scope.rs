grantry::provider!("acme.yaml");
grantry::provider!("minimal.yaml");

fn main() {
    let client = minimal::Client::new("id", "secret");
    let _ = client.authorize().scopes([acme::Scope::Read]);
}
