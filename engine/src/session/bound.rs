//! Sessions that are kept in a store: one renewal for all who share it.
//!
//! The order of the steps is what makes it safe. Who renews holds the lease of the key, so that others wait; it writes down that it
//! begins before it sends, so that a crash does not go unnoticed; it writes the new token down before anybody uses it. The version of
//! the record fences: whoever lost the lease without knowing it cannot overwrite what came after.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, select};
use tokio::task::JoinHandle;

use super::kept::key_of;
use super::outcome::Outcome;
use super::rotation::{Failed, is_reuse_harmless};
use super::state::{SessionInner, Source, nothing_to_renew_with};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::grant::refresh_token::{Keep, Renewed};
use crate::revocation;
use crate::store::{Begun, Entry, Record, StoreKey, TokenStore};
use crate::token::Token;

/// How long a lease lasts unless it is prolonged.
const LEASE: Duration = Duration::from_secs(10);

/// How often it is prolonged.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long whoever begins after a lease has run out waits for the one before, which may only have been stopped for a while: using the
/// refresh token a second time would end the session with a provider that detects reuse. With the lease it is less than the half
/// minute for which many providers take a used refresh token again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Most waits for another's lease: about two minutes.
const WAITS: u32 = 130;

/// Most waits of whoever signs out for another's lease: a little longer than a lease lasts that nobody prolongs.
const SIGN_OUT_WAITS: u32 = 15;

/// Most waits for a store that does not take a token: some seconds.
const LATE_WAITS: u32 = 10;

/// Longest wait between two looks at another's lease, in milliseconds; the first is short, and each the double of the one before.
const LONGEST_WAIT: u64 = 1000;

/// How long whoever closes a session waits for a store that takes nothing.
const LATE: Duration = Duration::from_secs(60);

/// Most times that a write is tried again when the record changed under it.
const CONFLICTS: u32 = 8;

/// Where a session is kept.
pub(crate) struct Binding {
    store: Arc<dyn TokenStore>,
    key: StoreKey,
    /// Names this process's renewals in leases and records. There is one at a time: what an earlier one left is known to be over.
    holder: String,
    /// Whether what the holder has begun may have used the refresh token up.
    is_lost: AtomicBool,
    /// The version of the record that was read or written last; 0 if none was.
    known: AtomicU64,
    /// Whether another process has taken the lease during a renewal.
    is_lease_lost: AtomicBool,
    /// Held while a failing store has yet to take a write.
    late: Arc<tokio::sync::Mutex<()>>,
}

impl Binding {
    fn new(config: &Config, key: StoreKey) -> Result<Arc<Self>> {
        let store = config.store.as_ref().ok_or_else(|| {
            Error::misuse("the client has no token store").with_hint("set one with `client.token_store(MemoryStore::new())`")
        })?;
        let holder = entropy::token(config.entropy.as_ref())?;
        Ok(Arc::new(Self {
            store: Arc::clone(store),
            key,
            holder,
            is_lost: AtomicBool::default(),
            known: AtomicU64::default(),
            is_lease_lost: AtomicBool::default(),
            late: Arc::default(),
        }))
    }

    pub(super) fn key(&self) -> &StoreKey {
        &self.key
    }

    /// Waits for a write that is late, if any, for a while: the store may be gone for good.
    pub(super) async fn settled(&self, clock: &dyn Clock) {
        if let Either::Right(_) = select(pin!(self.late.lock()), clock.sleep(LATE)).await {
            tracing::error!(target: "grantry::store", "a token in use is not stored: the store takes nothing");
        }
    }

    fn is_late(&self) -> bool {
        self.late.try_lock().is_err()
    }

    async fn load(&self) -> Result<Option<(u64, Entry)>> {
        match self.store.load(&self.key).await? {
            Some(record) => Ok(Some((record.version, Entry::decode(&record.content)?))),
            None => Ok(None),
        }
    }

    /// The version of what is there. What nobody can read any more makes room.
    async fn version(&self) -> Result<Option<u64>> {
        match self.store.load(&self.key).await {
            Ok(record) => Ok(record.map(|record| record.version)),
            Err(error) if error.is_corrupt() => {
                self.store.delete(&self.key).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is a record. What nobody can read is none, what others seal with a newer key is.
    async fn is_there(&self) -> Result<bool> {
        match self.store.load(&self.key).await {
            Ok(record) => Ok(record.is_some()),
            Err(error) if error.is_corrupt() => Ok(error.is_key_missing()),
            Err(error) => Err(error.into()),
        }
    }

    async fn write(&self, expected: Option<u64>, version: u64, entry: &Entry) -> Result<bool> {
        let record = Record::new(version, entry.encode()?);
        let is_written = self.store.compare_and_swap(&self.key, expected, &record).await?;
        if is_written {
            self.known.store(version, Ordering::Relaxed);
        }
        Ok(is_written)
    }

    /// Whether the next session of the key needs to know how the last one ended.
    pub(super) fn has_something_to_tell(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed) || self.is_late()
    }

    pub(super) fn has_lost_lease(&self) -> bool {
        self.is_lease_lost.load(Ordering::Relaxed)
    }
}

/// The session of a key, if the store has one.
pub(crate) async fn session_for(config: &Arc<Config>, key: &str) -> Result<Option<Arc<SessionInner>>> {
    let key = key_of(config, key);
    if let Some(known) = config.sessions.get(&key) {
        return Ok(looked_after(&known).await.then_some(known));
    }
    let binding = match config.sessions.binding(&key) {
        Some(binding) => binding,
        None => Binding::new(config, key)?,
    };
    let Some((version, entry)) = binding.load().await? else { return Ok(None) };
    binding.known.store(version, Ordering::Relaxed);
    let inner = SessionInner::new(Arc::clone(config), Some(entry.token), Source::User, None, None);
    let _new = inner.binding.set(Arc::clone(&binding));
    Ok(Some(config.sessions.get_or_insert(binding, inner)))
}

/// Takes what another process may have put in place. Whether the session is still there; one that the store does not tell about is.
async fn looked_after(inner: &Arc<SessionInner>) -> bool {
    // Whoever renews the token looks for itself, and may put a newer one in place than is read here.
    let Ok(_nobody_renews) = inner.alone.try_lock() else { return true };
    let Some(binding) = inner.binding.get().filter(|binding| !binding.is_late()) else { return true };
    let turn = Turn { inner, binding };
    match turn.load().await {
        Ok((_, entry)) => {
            let _newer = turn.adopted(entry);
            true
        }
        Err(signed_out) if signed_out.needs_login() => {
            inner.config.sessions.forget(&binding.key);
            false
        }
        Err(_known_all_the_same) => true,
    }
}

/// Keeps a session under a key, in place of what was there.
pub(super) async fn keep(inner: &Arc<SessionInner>, key: &str) -> Result<()> {
    let key = key_of(&inner.config, key);
    if let Some(known) = inner.binding.get()
        && known.key == key
        && known.is_there().await?
    {
        // Another process may have renewed what is there.
        return Ok(());
    }
    // The token that is kept is the one that is renewed from then on.
    let _nobody_renews = inner.alone.lock().await;
    let binding = match inner.binding.get() {
        Some(known) if known.key != key => {
            return Err(Error::misuse("the session is kept under another key; two keys would renew one token"));
        }
        Some(known) => Arc::clone(known),
        None => Binding::new(&inner.config, key)?,
    };
    let token = inner.token().ok_or_else(|| Error::misuse("the session has no token to keep"))?;
    let lost_at = inner.lost_at();
    let begun = lost_at.map(|at| Begun { by: binding.holder.clone(), at });
    let entry = Entry { token: Token::clone(&token), begun };
    for _ in 0..CONFLICTS {
        let version = binding.version().await?;
        let next = next_version(&inner.config, version)?;
        if binding.write(version, next, &entry).await? {
            binding.is_lost.store(lost_at.is_some(), Ordering::Relaxed);
            inner.config.sessions.replace(Arc::clone(&binding), inner);
            let _known = inner.binding.set(binding);
            return Ok(());
        }
    }
    Err(changes_too_fast())
}

fn changes_too_fast() -> Error {
    Error::store("the session changes faster than it can be written")
}

/// Deletes a session's record; the token that it held.
pub(super) async fn take(inner: &Arc<SessionInner>, binding: &Arc<Binding>) -> Result<Option<Token>> {
    let turn = Turn { inner, binding };
    // What another process is renewing would be older than what that gets.
    turn.alone().await;
    // What cannot be read is deleted all the same.
    let stored = binding.load().await.ok().flatten().map(|(_, entry)| entry.token);
    let deleted = binding.store.delete(&binding.key).await;
    turn.release().await;
    deleted?;
    inner.config.sessions.forget(&binding.key);
    let own = inner.token().map(|token| Token::clone(&token));
    // As long as a write is late, what the store has is the older one.
    Ok(if binding.is_late() { own.or(stored) } else { stored.or(own) })
}

/// The next version; the first one is random, so that a record that was deleted and written anew has another.
fn next_version(config: &Config, version: Option<u64>) -> Result<u64> {
    match version {
        Some(version) => Ok(version.saturating_add(1)),
        None => Ok(entropy::below(config.entropy.as_ref(), 1 << 40).saturating_add(1)),
    }
}

/// Renews the token of a session that is kept; `is_asked`: as the application wants it.
pub(super) async fn renew(inner: &Arc<SessionInner>, is_asked: bool) -> Result<Outcome> {
    let Some(binding) = inner.binding.get() else { return Err(Error::misuse("the session is not kept")) };
    let turn = Turn { inner, binding };
    for waits in 0..WAITS {
        // What the store has is older than the session's token as long as a write is late.
        if binding.is_late() {
            if waits >= LATE_WAITS {
                return Err(Error::store("the store does not take the newest token, which is not renewed before it is stored"));
            }
        } else {
            // Another may have renewed it.
            if let Some(token) = turn.adopt().await? {
                return Ok(Outcome::Adopted(token));
            }
            if turn.lease().await? {
                let renewed = turn.renew(is_asked).await;
                turn.release().await;
                match renewed? {
                    Some(outcome) => return Ok(outcome),
                    // The record changed: look again.
                    None => continue,
                }
            }
        }
        turn.wait(waits).await;
    }
    Err(Error::store("another process has been renewing the session for too long"))
}

/// One renewal.
struct Turn<'a> {
    inner: &'a Arc<SessionInner>,
    binding: &'a Arc<Binding>,
}

impl Turn<'_> {
    fn signed_out() -> Error {
        Error::new(ErrorKind::ReauthRequired, "the session was deleted from the store").in_phase(Phase::Refresh)
    }

    /// What the store has. One that has lost its last writes, as a replica that takes over or a backup may have, gets the session's newer
    /// token again: the refresh token that it still has is used up.
    async fn load(&self) -> Result<(u64, Entry)> {
        for _ in 0..CONFLICTS {
            let Some((version, entry)) = self.binding.load().await? else { return Err(Self::signed_out()) };
            let known = self.binding.known.load(Ordering::Relaxed);
            let is_newer = |own: &Arc<Token>| own.issued_at > entry.token.issued_at && !own.has_secrets_of(&entry.token);
            let Some(own) = self.inner.token().filter(|own| version < known && is_newer(own)) else {
                self.binding.known.store(version, Ordering::Relaxed);
                return Ok((version, entry));
            };
            tracing::error!(target: "grantry::store", "the store has lost what was written to it; the newest token is written again");
            let is_lost = self.binding.is_lost.load(Ordering::Relaxed);
            let at = own.issued_at.unwrap_or_default();
            let begun = is_lost.then(|| Begun { by: self.binding.holder.clone(), at });
            let mended = Entry { token: Token::clone(&own), begun };
            let next = known.saturating_add(1);
            if self.binding.write(Some(version), next, &mended).await? {
                return Ok((next, mended));
            }
        }
        Err(changes_too_fast())
    }

    /// The store's token, where it is another than the session's and needs no renewal.
    async fn adopt(&self) -> Result<Option<Arc<Token>>> {
        let (_, entry) = self.load().await?;
        match self.inner.ended() {
            // The provider has refused this very token for good.
            Some(error) if self.inner.token().is_some_and(|token| token.has_secrets_of(&entry.token)) => Err(error),
            _ => Ok(self.adopted(entry)),
        }
    }

    fn adopted(&self, entry: Entry) -> Option<Arc<Token>> {
        let config = &self.inner.config;
        let is_another = self.inner.token().is_none_or(|token| entry.token.is_renewal_of(&token));
        let is_due = entry.token.is_due(config.clock.now(), config.refreshing.leeway);
        (is_another && !is_due).then(|| self.inner.publish(entry.token))
    }

    async fn lease(&self) -> Result<bool> {
        let is_mine = self.binding.store.lease(&self.binding.key, &self.binding.holder, LEASE).await?;
        self.binding.is_lease_lost.store(!is_mine, Ordering::Relaxed);
        Ok(is_mine)
    }

    /// Gets the lease, or goes without it after a while: whoever has it may hang, and so may the store.
    async fn alone(&self) {
        for waits in 0..SIGN_OUT_WAITS {
            if self.lease().await.unwrap_or(true) {
                break;
            }
            self.wait(waits).await;
        }
    }

    /// A lease that cannot be given back runs out, or serves this process's next renewal. A write that is late keeps it until it is done.
    async fn release(&self) {
        if self.binding.is_late() {
            return;
        }
        let _runs_out = self.binding.store.release(&self.binding.key, &self.binding.holder).await;
    }

    async fn wait(&self, waits: u32) {
        let doubled = 50_u64.saturating_mul(1 << waits.min(6)).min(LONGEST_WAIT);
        let jitter = entropy::below(self.inner.config.entropy.as_ref(), doubled / 2);
        self.inner.config.clock.sleep(Duration::from_millis((doubled / 2).saturating_add(jitter))).await;
    }

    /// Renews under the lease. `None`: the record changed meanwhile.
    async fn renew(&self, is_asked: bool) -> Result<Option<Outcome>> {
        let _heartbeat = self.heartbeat();
        let (version, mut entry) = self.load().await?;
        let is_reuse_harmless = is_reuse_harmless(&self.inner.config.model().refresh);
        if self.is_begun_by_another(&entry) && !is_reuse_harmless {
            self.inner.config.clock.sleep(PATIENCE).await;
            // This process may have been stopped meanwhile, and a third one have begun.
            if self.load().await?.0 != version || !self.lease().await? {
                return Ok(None);
            }
        }
        if let Some(token) = self.adopted(entry.clone()) {
            return Ok(Some(Outcome::Adopted(token)));
        }
        if !is_asked && !self.inner.can_renew(&entry.token) {
            return Err(nothing_to_renew_with());
        }
        self.inner.remind(&mut entry.token);
        if !is_asked {
            self.inner.enter()?;
        }
        let is_begun_by_another = self.is_begun_by_another(&entry);
        let lost_at = self.lost_at(&entry);
        let at = lost_at.unwrap_or_else(|| self.inner.config.clock.now());
        let begun = Entry { begun: Some(Begun { by: self.binding.holder.clone(), at }), token: entry.token.clone() };
        let next = version.saturating_add(1);
        if !self.binding.write(Some(version), next, &begun).await? {
            return Ok(None);
        }
        let previous = self.inner.token();
        let stored = Stored { turn: self, record: Mutex::new((next, entry.token.clone())) };
        let obtained = self.obtain(&entry.token, lost_at, &stored).await;
        let (version, token) = stored.record.into_inner().unwrap_or_else(PoisonError::into_inner);
        match obtained {
            Ok(renewed) => self.persist(version, &token, previous, renewed).await,
            Err(failed) => {
                // What was kept before the answer was known to be another user's is not used on.
                let was_there = |now: &Arc<Token>| previous.as_ref().is_some_and(|before| before.has_secrets_of(now));
                if self.inner.token().is_some_and(|now| !was_there(&now)) {
                    self.inner.publish(entry.token.clone());
                }
                if is_begun_by_another && is_reuse_harmless && failed.error.kind() == ErrorKind::RefreshOutcomeUnknown {
                    // The other may have used the token, and be about to write the new one down.
                    self.inner.config.clock.sleep(PATIENCE).await;
                }
                self.failed(version, &token, entry.token, failed).await
            }
        }
    }

    fn is_begun_by_another(&self, entry: &Entry) -> bool {
        entry.begun.as_ref().is_some_and(|begun| begun.by != self.binding.holder)
    }

    /// When the refresh was sent that may have used the token up: another process's, or an earlier one of this process.
    fn lost_at(&self, entry: &Entry) -> Option<u64> {
        let is_lost = &self.binding.is_lost;
        let is_in_doubt = self.is_begun_by_another(entry) || is_lost.load(Ordering::Relaxed);
        let lost_at = entry.begun.as_ref().filter(|_| is_in_doubt).map(|begun| begun.at);
        is_lost.store(lost_at.is_some(), Ordering::Relaxed);
        lost_at
    }

    /// Gets the new token. From its sending on it is in doubt what became of the old one, until that is known.
    async fn obtain(&self, token: &Token, lost_at: Option<u64>, stored: &Stored<'_>) -> Result<Renewed, Failed> {
        self.binding.is_lost.store(true, Ordering::Relaxed);
        let obtained = self.inner.obtain(Some(token), lost_at, stored).await;
        if obtained.as_ref().is_err_and(|failed| failed.lost_at.is_none()) {
            self.binding.is_lost.store(false, Ordering::Relaxed);
        }
        obtained
    }

    /// Prolongs the lease as long as the renewal lasts.
    fn heartbeat(&self) -> Heartbeat {
        let binding = Arc::clone(self.binding);
        Heartbeat(tokio::spawn(async move {
            loop {
                // By the store's time, whatever the application's clock says.
                tokio::time::sleep(HEARTBEAT).await;
                // A store that hangs is asked again.
                let lease = binding.store.lease(&binding.key, &binding.holder, LEASE);
                if let Ok(Ok(false)) = tokio::time::timeout(HEARTBEAT, lease).await {
                    binding.is_lease_lost.store(true, Ordering::Relaxed);
                }
            }
        }))
    }

    /// Writes the new token down, then puts it in place. Where the store fails, the token is used all the same, and written later. `None`:
    /// another has renewed the token, and its result counts.
    async fn persist(
        &self,
        version: u64,
        old: &Token,
        previous: Option<Arc<Token>>,
        renewed: Renewed,
    ) -> Result<Option<Outcome>> {
        let Renewed { token: new, problem } = renewed;
        let is_persisted = match write_over(self.binding, version, old, &new).await {
            Ok(Written::New) => true,
            Ok(Written::Other) => return Ok(None),
            Ok(Written::Deleted) => {
                // The user signed out while the token was on its way: it must not live on.
                let _best_effort = revocation::revoke(&self.inner.config, &new, None, Vec::new()).await;
                return Err(Self::signed_out());
            }
            Err(error) => {
                tracing::error!(target: "grantry::store", %error, "a new token is in use and not yet stored; it will be written again");
                self.write_later(version, old.clone(), new.clone()).await;
                false
            }
        };
        let token = self.inner.publish(new);
        Ok(Some(Outcome::Renewed { token, previous, is_persisted, problem }))
    }

    /// Writes a token until the store takes it, keeping others from renewing the old one.
    async fn write_later(&self, version: u64, old: Token, new: Token) {
        let binding = Arc::clone(self.binding);
        let late = Arc::clone(&binding.late).lock_owned().await;
        let config = Arc::clone(&self.inner.config);
        tokio::spawn(async move {
            loop {
                config.clock.sleep(Duration::from_millis(500)).await;
                let _others_wait = binding.store.lease(&binding.key, &binding.holder, LEASE).await;
                let Ok(written) = write_over(&binding, version, &old, &new).await else { continue };
                let _runs_out = binding.store.release(&binding.key, &binding.holder).await;
                if let Written::Deleted = written {
                    let _best_effort = revocation::revoke(&config, &new, None, Vec::new()).await;
                }
                break;
            }
            drop(late);
        });
    }

    /// After a failure: another may have succeeded; else what was begun is written back where it is certain that nothing happened.
    async fn failed(&self, version: u64, stored: &Token, old: Token, failed: Failed) -> Result<Option<Outcome>> {
        if !stored.has_secrets_of(&old) {
            return self.put_back(version, stored, old, failed.error).await;
        }
        if failed.error.needs_login() {
            let Some((_, entry)) = self.binding.load().await? else { return Err(Self::signed_out()) };
            if !entry.token.has_secrets_of(stored) {
                return Ok(None);
            }
        }
        if failed.lost_at.is_none() {
            let _later = self.binding.write(Some(version), version.saturating_add(1), &Entry::of(old)).await;
        }
        Err(failed.error)
    }

    /// Writes the token as it was: the answer turned out to be another user's after its refresh token had been kept. No process may go on
    /// with that.
    async fn put_back(&self, version: u64, kept: &Token, old: Token, error: Error) -> Result<Option<Outcome>> {
        match write_over(self.binding, version, kept, &old).await {
            Ok(Written::New) => Err(error),
            Ok(Written::Other) => Ok(None),
            Ok(Written::Deleted) => Err(Self::signed_out()),
            Err(_) => {
                self.write_later(version, kept.clone(), old).await;
                Err(error)
            }
        }
    }
}

/// What the store has while a renewal is under way: the version of the record, and its token.
struct Stored<'a> {
    turn: &'a Turn<'a>,
    record: Mutex<(u64, Token)>,
}

impl Stored<'_> {
    fn record(&self) -> MutexGuard<'_, (u64, Token)> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keep for Stored<'_> {
    /// If the store fails, the refresh token is written with what comes at the end.
    fn keep(&self, token: Token) -> BoxFuture<'_, ()> {
        let Turn { inner, binding } = self.turn;
        async move {
            let (version, old) = self.record().clone();
            if let Ok(Written::New) = write_over(binding, version, &old, &token).await {
                *self.record() = (binding.known.load(Ordering::Relaxed), token.clone());
            }
            inner.publish(token);
        }
        .boxed()
    }
}

/// Ends with the renewal.
struct Heartbeat(JoinHandle<()>);

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

enum Written {
    New,
    /// Another has renewed the token.
    Other,
    Deleted,
}

/// Writes `new` in place of `old`, whoever has begun to renew `old` meanwhile.
async fn write_over(binding: &Binding, version: u64, old: &Token, new: &Token) -> Result<Written> {
    let mut version = version;
    for _ in 0..CONFLICTS {
        if binding.write(Some(version), version.saturating_add(1), &Entry::of(new.clone())).await? {
            return Ok(Written::New);
        }
        match binding.load().await? {
            None => return Ok(Written::Deleted),
            Some((_, entry)) if entry.token.has_secrets_of(new) => return Ok(Written::New),
            Some((now, entry)) if entry.token.has_secrets_of(old) => version = now,
            Some(_) => return Ok(Written::Other),
        }
    }
    Err(changes_too_fast())
}
