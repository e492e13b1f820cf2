grantry::provider!("minimal.yaml");

fn main() {
    let _ = minimal::Scope::Reed;
}
