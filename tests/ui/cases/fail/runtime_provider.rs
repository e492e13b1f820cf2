fn main() {
    let _: grantry::Client = grantry::Client::new("id", "secret");
}
