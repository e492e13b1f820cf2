grantry::provider!("hooked.yaml");

fn main() {
    let _ = hooked::Client::new("id", "secret");
}
