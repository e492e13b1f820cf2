grantry::provider!("minimal.yaml");

fn main() {
    let _ = |session: minimal::Session| {
        let _ = session.profile();
    };
}
