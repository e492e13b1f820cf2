grantry::provider!("minimal.yaml");

fn main() {
    let client = minimal::Client::new("id", "secret");
    let _ = |token: grantry::Token| {
        let _ = client.refresh(&token);
    };
}
