enum Mine {}

impl grantry::Provider for Mine {
    type Scope = String;
    type Variables = grantry::NoVariables;
}

impl grantry::Compiled for Mine {
    fn descriptor() -> &'static grantry::Descriptor {
        loop {}
    }
}

fn main() {}
