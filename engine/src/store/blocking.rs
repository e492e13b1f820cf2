//! Work that blocks, beside the tasks that must not.

use super::{StoreError, StoreTask};

/// Does blocking work on a thread for it. Once begun it is done, whoever still waits.
pub(super) fn run<'a, T: Send + 'static>(work: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> StoreTask<'a, T> {
    Box::pin(async move {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::new("its work was broken off")),
        }
    })
}
