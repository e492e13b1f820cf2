//! One renewal at a time: whoever needs a new token waits for the one that is on its way.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::token::Token;

type Outcome = Result<Arc<Token>>;

/// A renewal that whoever wants may wait for.
pub(crate) type Running = Shared<BoxFuture<'static, Outcome>>;

/// The renewal that is under way, if any, and its task.
#[derive(Default)]
pub(crate) struct Renewal(Mutex<Option<(Running, AbortHandle)>>);

impl Renewal {
    /// Joins the renewal that is under way, or starts `renew` unless `is_done` tells that its work was done meanwhile. It is under way
    /// when this returns, awaited or not.
    ///
    /// It runs in a task of its own: a caller that is dropped or times out does not cancel it, and one that panics does not
    /// poison it. Its future, which is large, is made by that task only.
    pub(crate) fn run<F, R>(self: &Arc<Self>, is_done: impl FnOnce() -> Option<Arc<Token>>, renew: F) -> Running
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Outcome> + Send,
    {
        let mut slot = self.slot();
        if let Some(token) = is_done() {
            return ready(Ok(token)).boxed().shared();
        }
        if let Some(running) = under_way(&slot) {
            return running;
        }
        slot.insert(self.start(renew)).0.clone()
    }

    /// Whether a renewal is under way.
    pub(crate) fn is_running(&self) -> bool {
        under_way(&self.slot()).is_some()
    }

    /// Waits for the renewal that is under way, if any.
    pub(crate) async fn settled(&self) {
        let running = under_way(&self.slot());
        if let Some(running) = running {
            let _outcome = running.await;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<(Running, AbortHandle)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start<F, R>(self: &Arc<Self>, renew: F) -> (Running, AbortHandle)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Outcome> + Send,
    {
        let renewal = Arc::clone(self);
        let task = tokio::spawn(async move {
            let _done = Done(renewal);
            renew().await
        });
        let handle = task.abort_handle();
        (async move { task.await.unwrap_or_else(|error| Err(stopped(&error))) }.boxed().shared(), handle)
    }
}

/// A task that its runtime dropped before it ran has left nothing but its handle.
fn under_way(slot: &Option<(Running, AbortHandle)>) -> Option<Running> {
    slot.as_ref().filter(|(_, task)| !task.is_finished()).map(|(running, _)| running.clone())
}

/// Makes room for the next renewal, also when this one panics.
struct Done(Arc<Renewal>);

impl Drop for Done {
    fn drop(&mut self) {
        *self.0.slot() = None;
    }
}

fn stopped(error: &tokio::task::JoinError) -> Error {
    let what = if error.is_panic() { "a hook or callback panicked" } else { "the runtime is shutting down" };
    Error::new(ErrorKind::Misuse, format!("the renewal of the token did not end: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_renewal_that_its_runtime_never_ran_is_not_waited_for() {
        let renewal = Arc::<Renewal>::default();
        let renew = || async { Ok(Arc::new(Token::new("at"))) };
        runtime().block_on(async { drop(renewal.run(|| None, renew)) });
        assert!(!renewal.is_running());
        let token = runtime().block_on(async { renewal.run(|| None, renew).await }).unwrap();
        assert_eq!(token.access_token.expose(), "at");
        assert!(!renewal.is_running());
    }
}
