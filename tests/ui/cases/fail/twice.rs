grantry::provider!("minimal.yaml");
grantry::provider!("minimal.yaml");

fn main() {}
