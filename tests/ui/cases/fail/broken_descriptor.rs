// Each problem of the file is one error, and what uses the module adds none.
grantry::provider!("broken.yaml");

fn main() {
    let client = broken::Client::new("id", "secret");
    let _ = client.authorize().scopes([broken::Scope::Read]).start();
    let _ = broken::DESCRIPTOR.id();
}
