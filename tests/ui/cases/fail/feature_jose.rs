grantry::provider!("keyed.yaml");

fn main() {}
