use grantry_descriptor::Descriptor;
use grantry_descriptor::tree::{self, Cell, Node, Source};
use grantry_tests::driver::Stage;
use grantry_tests::fixture::{Fixture, Scenario};
use libtest_mimic::Failed;

use crate::{block_on, source};

/// Values that some cell or other takes: for cells that cannot be deleted.
const REPLACEMENTS: [&str; 19] = [
    "client_secret_basic",
    "client_secret_post",
    "none",
    "form",
    "json",
    "query",
    "header",
    "GET",
    "POST",
    "S256",
    "plain",
    "raw",
    "sub",
    "another",
    "/another",
    "RS256",
    "PS256",
    "PS512",
    "3",
];

/// Proves every cell of the descriptor: without it, some conversation of the fixture goes differently.
pub(crate) fn test(id: &str) -> Result<(), Failed> {
    let text = source(id)?;
    let file_name = format!("{id}.yaml");
    let authored = tree::parse(&text, &file_name).map_err(|problems| problems.to_string())?;
    let descriptor = Descriptor::from_yaml(&text, &file_name).map_err(|problems| problems.to_string())?;
    let cells = tree::cells(&authored);
    let unproven = block_on(async {
        let trial = Trial::new(id, text, &descriptor).await?;
        let mut unproven = Vec::new();
        for cell in &cells {
            if let Err(reason) = trial.prove(&authored, cell).await {
                unproven.push(format!("{}={}: {reason}", cell.path.join("."), cell.value));
            }
        }
        Ok::<_, Failed>(unproven)
    })??;
    println!("{id}: {} cells, {} proven", cells.len(), cells.len() - unproven.len());
    match unproven.as_slice() {
        [] => Ok(()),
        unproven => Err(format!("{} of {} cells are not proven:\n{}", unproven.len(), cells.len(), unproven.join("\n")).into()),
    }
}

/// The provider, and how its conversations go with the descriptor as it is.
struct Trial {
    id: String,
    text: String,
    stage: Stage,
    fingerprints: Vec<(Scenario, String)>,
}

impl Trial {
    async fn new(id: &str, text: String, descriptor: &Descriptor) -> Result<Self, Failed> {
        let stage = Stage::new(Fixture::of(id)?);
        let mut fingerprints = Vec::new();
        for scenario in stage.fixture().scenarios() {
            let outcome = stage.run(descriptor, &scenario).await;
            if let Some(refusal) = outcome.refusals().first() {
                return Err(format!("nothing can be proven while the emulator refuses: [{scenario}] {refusal}").into());
            }
            fingerprints.push((scenario, outcome.fingerprint()));
        }
        Ok(Self { id: id.to_owned(), text, stage, fingerprints })
    }

    /// Whether the conversations go differently without the cell; else why that is not shown.
    async fn prove(&self, authored: &Node, cell: &Cell) -> Result<(), String> {
        let deleted = self.resolve(&without(authored, cell));
        let problem = match deleted.or_else(|problem| self.resolve(&without_uses(authored, cell)).map_err(|_| problem)) {
            Ok(mutant) if self.differs(&mutant).await => return Ok(()),
            Ok(_) => return Err("deleting it changes nothing".to_owned()),
            Err(problem) => problem,
        };
        self.prove_by_replacement(authored, cell)
            .await
            .map_err(|reason| format!("{reason}; deleted, it is no descriptor:\n{problem}"))
    }

    /// For a cell without a default: every other value that the model takes must make a difference.
    async fn prove_by_replacement(&self, authored: &Node, cell: &Cell) -> Result<(), String> {
        let mut tried = 0;
        for mutant in replaced(authored, cell) {
            let Ok(descriptor) = self.resolve(&mutant) else { continue };
            if !self.differs(&descriptor).await {
                let value = mutant.get(&cell.path).and_then(Node::text).unwrap_or("another");
                return Err(format!("replacing it by `{value}` changes nothing"));
            }
            tried += 1;
        }
        if tried == 0 { Err("it can be neither deleted nor replaced".to_owned()) } else { Ok(()) }
    }

    async fn differs(&self, mutant: &Descriptor) -> bool {
        for (scenario, fingerprint) in &self.fingerprints {
            let outcome = self.stage.run(mutant, scenario).await;
            if !outcome.refusals().is_empty() || outcome.fingerprint() != *fingerprint {
                return true;
            }
        }
        false
    }

    fn resolve(&self, node: &Node) -> Result<Descriptor, String> {
        let (model, problems) = tree::resolve(node, &self.id, Source { file_name: &self.id, text: &self.text });
        model.map(tree::descriptor).ok_or_else(|| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

fn without(authored: &Node, cell: &Cell) -> Node {
    let mut mutant = authored.clone();
    mutant.remove(&cell.path);
    mutant
}

/// Without a named call and without the claims that it fills.
fn without_uses(authored: &Node, cell: &Cell) -> Node {
    let mut mutant = without(authored, cell);
    if let [section, list, name] = cell.path.as_slice()
        && section == "userinfo"
        && list == "additional"
    {
        let uses = tree::cells(authored).into_iter().filter(|other| other.value.starts_with(&format!("{name}.")));
        for other in uses.collect::<Vec<_>>().iter().rev() {
            mutant.remove(&other.path);
        }
    }
    mutant
}

/// The descriptor with every other value in the cell's place: of a named thing, in that of the key that is its value.
fn replaced(authored: &Node, cell: &Cell) -> impl Iterator<Item = Node> {
    let mut path = cell.path.clone();
    if authored.get(&path).and_then(Node::text).is_none() {
        path.push("claim".to_owned());
    }
    let others = match is_unsent_grant_type(authored, cell) {
        true => vec![Node::null()],
        false => REPLACEMENTS.iter().filter(|value| **value != cell.value).map(|value| Node::from(*value)).collect(),
    };
    others.into_iter().map(move |other| {
        let mut mutant = authored.clone();
        mutant.set(&path, other);
        if let Some(url) = endpoint_of(cell) {
            mutant.set(&url, "https://another.example/token");
        }
        mutant
    })
}

/// Where the endpoint stands that a service account of self-signed tokens needs as soon as it has a grant type.
fn endpoint_of(cell: &Cell) -> Option<Vec<String>> {
    let (last, account) = cell.path.split_last()?;
    (last == "grant_type" && cell.value == "null").then(|| account.iter().cloned().chain(["url".to_owned()]).collect())
}

/// The grant type of a service account whose request drops it: whether there is one says that there is a request, and which one
/// says nothing more.
fn is_unsent_grant_type(authored: &Node, cell: &Cell) -> bool {
    let [section, profile, key] = cell.path.as_slice() else { return false };
    let parameter = || authored.get(&[section, profile, "parameters", "grant_type"]);
    section == "service_accounts" && key == "grant_type" && parameter().is_some_and(Node::is_null)
}
