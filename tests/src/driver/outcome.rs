use serde_json::Value;
use url::Url;

use crate::emulator::Record;

/// What a conversation came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Where the application sent the user.
    pub authorization_url: Option<Url>,
    /// The steps that were taken, in order.
    pub steps: Vec<Step>,
    /// What the browser refuses: the wire does not carry a fragment.
    pub refused_by_browser: Vec<String>,
}

/// One step of a conversation.
#[derive(Debug)]
pub struct Step {
    /// `authorization`, `token`, `account <profile>`, `grant <name>`, `profile`, ..., or the name of a resource's exchange.
    pub name: String,
    /// What went over the wire.
    pub records: Vec<Record>,
    /// What the engine made of it, secrets included; or its error.
    pub result: Result<Value, String>,
    /// What the engine warned of.
    pub drift: Vec<String>,
}

impl Outcome {
    /// The step of that name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Everything that went over the wire, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.steps.iter().flat_map(|step| &step.records)
    }

    /// Every reason why a request was refused.
    pub fn refusals(&self) -> Vec<String> {
        let refused = self.records().filter(|record| !record.refusal.is_empty());
        let on_the_wire = refused.map(|record| {
            let request = &record.request;
            format!("{} {} ({}): {}", request.method, request.url, record.exchange, record.refusal.join("; "))
        });
        self.refused_by_browser.iter().cloned().chain(on_the_wire).collect()
    }

    /// What two runs of the same conversation have in common: everything that the application sees, secrets included.
    ///
    /// Requests are not part of it, nor the tokens that the application signs itself: what they must hold is the provider's to say.
    /// Of an id token it has only what it says: its signature differs from run to run.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            // The callback is the emulator's, not the engine's.
            let result =
                if step.name == "authorization" { step.result.as_ref().map(|_| &Value::Null) } else { step.result.as_ref() };
            text.push_str(&format!("{} {result:?} {:?}\n", step.name, step.drift));
        }
        for (name, secret) in self.records().flat_map(|record| &record.secrets) {
            match name.as_str() {
                "id_token" => text = text.replace(secret, secret.rsplit_once('.').map_or("", |(content, _)| content)),
                "jwt" => text = text.replace(secret, "<jwt>"),
                _ => {}
            }
        }
        text
    }
}
