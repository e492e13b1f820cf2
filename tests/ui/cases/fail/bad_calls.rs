// One error each.
grantry::provider!();
grantry::provider!(acme);
grantry::provider!(concat!("ac", "me.yaml"));
grantry::provider!("acme.yaml", "minimal.yaml");

fn main() {}
