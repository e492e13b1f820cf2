//! One simulation.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use grantry_engine::store::{MemoryStore, StoreKey, TokenStore as _};
use grantry_engine::{Client, Clock, Descriptor, Dynamic, Entropy, Error, ErrorKind, Hooks, Session, Token, Transport};
use tokio::time::Instant;

use super::faults::{Fault, Injector};
use super::provider::{GRACE, LIFETIME, Policy, Provider};
use super::random::Random;
use super::store::Faulty;
use super::{Cell, Ending};
use crate::NOW;

/// Callers of each replica.
const CALLERS: usize = 3;

/// The application's key.
const KEY: &str = "user-1";

/// Plays a cell with a seed. The error says what was lost.
///
/// # Errors
///
/// Where a refresh token was lost that could have been kept, or an error is not typed.
pub fn run(cell: Cell, seed: u64) -> Result<Ending, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(World::new(cell, seed).play())
}

struct World {
    cell: Cell,
    provider: Arc<Provider>,
    store: Arc<MemoryStore>,
    injector: Arc<Injector>,
    random: Arc<Random>,
    descriptor: Descriptor,
    started: Instant,
    /// Errors that sent a user to sign in again while the fault lasted.
    sign_outs: Arc<Mutex<Vec<String>>>,
}

/// A process's clock: the simulation's time, and what the fault adds.
struct ProcessClock {
    started: Instant,
    injector: Arc<Injector>,
    is_struck: bool,
}

impl Clock for ProcessClock {
    fn now(&self) -> u64 {
        let offset = if self.is_struck { self.injector.clock_offset.load(Ordering::Relaxed) } else { 0 };
        (NOW + self.started.elapsed().as_secs()).saturating_add_signed(offset)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

struct Shared(Arc<Random>);

impl Entropy for Shared {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.0.fill(bytes)
    }
}

impl World {
    fn new(cell: Cell, seed: u64) -> Self {
        let random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ cell.replicas as u64);
        Self {
            cell,
            provider: Arc::new(Provider::new(cell.policy)),
            store: Arc::new(MemoryStore::new()),
            injector: Arc::new(Injector::new(cell.fault, &random)),
            random: Arc::new(random),
            descriptor: descriptor(cell, seed),
            started: Instant::now(),
            sign_outs: Arc::default(),
        }
    }

    /// A process.
    fn client(&self, replica: usize) -> Client<Dynamic> {
        let (provider, injector, random) = (Arc::clone(&self.provider), Arc::clone(&self.injector), Arc::clone(&self.random));
        let transport = Transport::builder().timeout(Duration::from_secs(120)).danger_in_process(move |request| {
            let (provider, injector, random) = (Arc::clone(&provider), Arc::clone(&injector), Arc::clone(&random));
            async move { provider.answer(replica, request, &injector, &random).await }
        });
        let store = Faulty {
            replica,
            store: Arc::clone(&self.store),
            injector: Arc::clone(&self.injector),
            random: Arc::clone(&self.random),
        };
        let injector = Arc::clone(&self.injector);
        let (before, after, provider) = (Arc::clone(&injector), injector, Arc::clone(&self.provider));
        let hooks = Hooks::new()
            .refresh_token_request(move |request| {
                let panics = before.strikes_first(Fault::HookPanics, 1);
                async move {
                    assert!(!panics, "the hook panics");
                    Ok(request)
                }
            })
            .refresh_token_response(move |answer| {
                let panics = after.strikes_first(Fault::AnswerHookPanics, 1);
                if panics {
                    provider.lose();
                }
                async move {
                    assert!(!panics, "the hook panics");
                    Ok(answer)
                }
            });
        let clock = ProcessClock { started: self.started, injector: Arc::clone(&self.injector), is_struck: replica == 0 };
        let client = Client::from_descriptor(self.descriptor.clone(), BTreeMap::new(), "client", "secret").expect("a client");
        client
            .transport(transport.build())
            .hooks(hooks)
            .clock(clock)
            .danger_entropy(Shared(Arc::clone(&self.random)))
            .token_store(store)
    }

    async fn play(self) -> Result<Ending, String> {
        self.sign_in().await?;
        let mut processes: Vec<(usize, Client)> =
            (0..self.cell.replicas).map(|replica| (replica, self.client(replica))).collect();
        self.trouble(&processes).await;
        self.injector.end();
        self.injector.clock_offset.store(0, Ordering::Relaxed);
        processes.retain(|(replica, _)| !self.injector.is_dead(*replica));
        // A process that was started anew.
        processes.push((100, self.client(100)));
        if self.cell.fault == Fault::None && self.provider.token_calls() != 1 {
            return Err(format!("{} token calls instead of one", self.provider.token_calls()));
        }
        for wait in [60, LIFETIME + 120] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            if let Some(ending) = self.check(&processes).await? {
                return Ok(ending);
            }
        }
        match self.sign_outs.lock().unwrap().first() {
            // Who is stopped for so long is taken for dead, until it goes on.
            Some(error) if self.cell.fault != Fault::LongPause => {
                Err(format!("a caller was sent to sign in again, and the session lives: {error}"))
            }
            _ => Ok(Ending::Alive),
        }
    }

    /// The token that everybody starts with has expired.
    async fn sign_in(&self) -> Result<(), String> {
        let mut token = Token::new("at-0.");
        token.refresh_token = Some("rt-0.".into());
        token.expires_at = Some(NOW - 1);
        let client = Client::from_descriptor(self.descriptor.clone(), BTreeMap::new(), "client", "secret").expect("a client");
        let client = client.shared_token_store(Arc::clone(&self.store) as _).danger_entropy(Shared(Arc::clone(&self.random)));
        client.session(token).keep(KEY).await.map_err(|error| error.to_string())
    }

    /// Every caller makes a request, and the fault strikes.
    async fn trouble(&self, processes: &[(usize, Client)]) {
        let mut callers = tokio::task::JoinSet::new();
        for (_, client) in processes {
            for _ in 0..CALLERS {
                let client = client.clone();
                let delay = self.random.below(300);
                let patience = match self.cell.fault {
                    Fault::CallersGoAway => Duration::from_millis(self.random.below(1500)),
                    _ => Duration::from_secs(120),
                };
                let polls = match self.cell.fault {
                    Fault::CallersDropped => self.random.below(40) as usize,
                    _ => usize::MAX,
                };
                let sign_outs = Arc::clone(&self.sign_outs);
                callers.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                    let outcome = tokio::time::timeout(patience, at_most(polls, request(&client))).await;
                    if let Ok(Some(Err(Some(error)))) = outcome
                        && error.needs_login()
                    {
                        sign_outs.lock().unwrap().push(error.to_string());
                    }
                });
            }
        }
        let moment = Duration::from_millis(self.random.below(900));
        if let Some((_, first)) = processes.first() {
            tokio::time::sleep(moment).await;
            match self.cell.fault {
                Fault::ClockForward => self.injector.clock_offset.store(3600, Ordering::Relaxed),
                Fault::ClockBack => self.injector.clock_offset.store(-3600, Ordering::Relaxed),
                Fault::SignsOut => {
                    if let Ok(Some(session)) = first.session_for(KEY).await {
                        let _outcome = session.revoke().await;
                    }
                }
                Fault::Closes => {
                    if let Ok(Some(session)) = first.session_for(KEY).await {
                        session.close().await;
                    }
                }
                _ => {}
            }
        }
        // The dead never end.
        let _ended = tokio::time::timeout(Duration::from_secs(300), async { while callers.join_next().await.is_some() {} }).await;
    }

    /// Every process makes a request: it works, or says that it cannot and may not.
    async fn check(&self, processes: &[(usize, Client)]) -> Result<Option<Ending>, String> {
        let mut ended = None;
        for (replica, client) in processes {
            let Err(error) = request(client).await else { continue };
            let Some(error) = error else {
                match self.cell.fault {
                    Fault::SignsOut => {
                        ended = Some(Ending::SignedOut);
                        continue;
                    }
                    _ => return Err(format!("process {replica}: the store has no session any more")),
                }
            };
            ended = Some(self.excuse(&error).map_err(|reason| format!("process {replica}: {reason}: {error}"))?);
        }
        if ended.is_none() && self.cell.fault == Fault::SignsOut {
            return Err("the user signed out, and requests go on".to_owned());
        }
        Ok(ended)
    }

    /// Whether an error may be: what ended a session.
    fn excuse(&self, error: &Error) -> Result<Ending, String> {
        let is_typed = matches!(error.kind(), ErrorKind::RefreshOutcomeUnknown | ErrorKind::ReauthRequired);
        if self.cell.fault == Fault::SignsOut && is_typed {
            return Ok(Ending::SignedOut);
        }
        let is_known = self.provider.is_held_alive(&self.injector) || self.is_stored();
        let could_live =
            if self.provider.is_revoked() { !self.provider.has_lost() } else { is_known || !self.provider.has_lost() };
        match (is_typed, could_live) {
            (true, false) => Ok(Ending::Typed),
            (true, true) => Err("the session ended although the refresh token was to be had".to_owned()),
            (false, _) => Err("the error does not say that the user has to sign in again".to_owned()),
        }
    }

    /// Whether the store has the newest refresh token.
    fn is_stored(&self) -> bool {
        let key = StoreKey::new("sim", ["https://sim.example/token", "client", KEY]);
        let record = futures_now(self.store.load(&key));
        record.is_some_and(|record| record.content.expose().contains(&self.provider.refresh_token()))
    }
}

/// The future, dropped after so many polls.
async fn at_most<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// What is ready at once.
fn futures_now<T>(future: impl Future<Output = Result<Option<T>, grantry_engine::store::StoreError>>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result.ok().flatten(),
        std::task::Poll::Pending => None,
    }
}

/// A request with the session of the key, as an application makes it: what is retryable is tried again. `Err(None)`: no session.
async fn request(client: &Client) -> Result<(), Option<Error>> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(client).await {
            Err(Some(error)) if error.is_retryable() && tries < 20 => tokio::time::sleep(Duration::from_secs(3)).await,
            outcome => return outcome,
        }
    }
}

async fn attempt(client: &Client) -> Result<(), Option<Error>> {
    let session: Session = client.session_for(KEY).await.map_err(Some)?.ok_or(None)?;
    session.get("items").await.map(|_| ()).map_err(Some)
}

/// Every other seed's descriptor states the policy.
fn descriptor(cell: Cell, seed: u64) -> Descriptor {
    static DESCRIPTORS: OnceLock<Vec<(Stated, Descriptor)>> = OnceLock::new();
    let all = || {
        let policies = std::iter::once(None).chain(Policy::ALL.map(Some));
        let stated = policies.flat_map(|policy| [false, true].map(|has_follow_up| Stated { policy, has_follow_up }));
        stated.map(|stated| (stated, built(stated))).collect()
    };
    let policy = Some(cell.policy).filter(|_| seed % 2 == 1 && !is_forgotten(cell));
    let stated = Stated { policy, has_follow_up: matches!(cell.fault, Fault::FollowUpFails | Fault::DiesAtFollowUp) };
    let found = DESCRIPTORS.get_or_init(all).iter().find(|(known, _)| *known == stated);
    found.expect("a descriptor for every policy").1.clone()
}

/// What a descriptor says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stated {
    policy: Option<Policy>,
    /// A refresh takes two calls.
    has_follow_up: bool,
}

/// Whether nobody goes on before the time is over for which the provider admits a repetition. Then nothing is sent again, although
/// nothing was sent before: nobody can know that.
fn is_forgotten(cell: Cell) -> bool {
    cell.policy == Policy::Grace && cell.fault == Fault::DiesBeforeSending
}

fn built(stated: Stated) -> Descriptor {
    let descriptor = Descriptor::builder("sim");
    let descriptor = match stated.policy {
        None => descriptor,
        Some(Policy::None) => descriptor.set("refresh.rotation", "none"),
        Some(Policy::Rotation) => descriptor.set("refresh.rotation", "rotating"),
        Some(Policy::Grace) => descriptor.set("refresh.replay.grace", GRACE.as_secs()),
        Some(Policy::ReuseDetection) => descriptor.set("refresh.rotation", "reuse_detected"),
    };
    let descriptor = match stated.has_follow_up {
        false => descriptor,
        true => descriptor
            .set("exchange.url", "https://sim.example/exchange")
            .set("exchange.parameters.access_token", "{access_token}")
            .set("exchange.after", "refresh_token"),
    };
    descriptor
        .authorization_endpoint("https://sim.example/authorize")
        .token_endpoint("https://sim.example/token")
        .client_authentication_method("client_secret_post")
        .base_url("https://api.sim.example/")
        .set("endpoints.revocation_endpoint", "https://sim.example/revoke")
        .build()
        .expect("a descriptor")
}
