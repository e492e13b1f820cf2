// One error each.
grantry::provider!("absent.yaml");
grantry::provider!("../outside.yaml");
grantry::provider!("");
grantry::provider!("src");
grantry::provider!("empty.yaml");
grantry::provider!("latin1.yaml");
grantry::provider!("huge.yaml");
grantry::provider!("match.yaml");
grantry::provider!("2fast.yaml");

fn main() {
    let _ = absent::Client::new("id", "secret");
}
