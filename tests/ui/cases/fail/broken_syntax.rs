grantry::provider!("syntax.yaml");

fn main() {
    let _ = syntax::Client::new("id", "secret");
}
