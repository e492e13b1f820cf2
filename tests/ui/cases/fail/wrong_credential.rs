grantry::provider!("public.yaml");

fn main() {
    let _ = public::Client::new("id", "secret");
}
