grantry::provider!("acme.yaml");

fn main() {
    let _ = acme::Client::new("id", "secret");
}
