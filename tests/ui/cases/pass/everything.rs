//! What a provider can do compiles: in functions, several in a module, with every kind of credential.

grantry::provider!("acme.yaml");
grantry::provider!(pub(crate) "minimal.yaml");

mod nested {
    grantry::provider!("hooked.yaml");
}

fn main() {
    grantry::provider!("public.yaml");

    let variables = acme::Variables::new("tenant").region(acme::Region::Us);
    let acme = acme::Client::with(variables, "id", "secret").unwrap();
    let acme = acme.redirect_uri("https://app.example/callback").unwrap();
    let _ = acme.authorize().scopes([acme::Scope::Read, "other".into()]).start();
    let _ = |session: acme::Session| drop(session.profile());

    let minimal = minimal::Client::new("id", String::from("secret"));
    let erased: grantry::Client = minimal.into();
    let _ = public::Client::new("id", grantry::Credential::None);
    let _ = nested::hooked::Client::with_hooks(Default::default(), "id", "secret", grantry::Hooks::new());
    drop(erased);
}
