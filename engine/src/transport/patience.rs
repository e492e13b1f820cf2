//! How long an exchange may take.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Options;
use crate::error::{Error, ErrorKind, Result};

/// The time between two reads, and for the whole of a protocol request. One timer runs at a time, and none where what is read is
/// there already.
pub(super) struct Patience {
    read: Duration,
    whole: Option<Whole>,
}

struct Whole {
    timeout: Duration,
    end: Option<Instant>,
}

impl Patience {
    /// For a whole protocol request, from now on.
    pub(super) fn for_all(options: &Options) -> Self {
        let whole = Whole { timeout: options.timeout, end: Instant::now().checked_add(options.timeout) };
        Self { read: options.read_timeout, whole: Some(whole) }
    }

    /// For a protected request, which may take as long as something comes.
    pub(super) const fn for_each_read(options: &Options) -> Self {
        Self { read: options.read_timeout, whole: None }
    }

    /// Waits for the next piece of an answer, which is often there already: then nothing looks at the clock.
    pub(super) async fn with_piece<F: Future>(&self, reading: F) -> Result<F::Output> {
        let mut reading = pin!(reading);
        match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
            Poll::Ready(piece) => Ok(piece),
            Poll::Pending => self.with_read(reading).await,
        }
    }

    /// Waits for the next of what the provider sends.
    pub(super) async fn with_read<F: Future>(&self, reading: F) -> Result<F::Output> {
        let read = Instant::now().checked_add(self.read);
        let end = self.whole.as_ref().and_then(|whole| whole.end);
        let first = read.into_iter().chain(end).min();
        match until(first, reading).await {
            Some(read) => Ok(read),
            None if first == end => Err(self.late_for_all()),
            None => Err(late("the provider did not answer in time".to_owned())),
        }
    }

    fn late_for_all(&self) -> Error {
        let seconds = self.whole.as_ref().map_or(0, |whole| whole.timeout.as_secs());
        late(format!("no answer within {seconds} s"))
    }
}

/// `None`: the time is over. Without an end there is no timer.
async fn until<F: Future>(end: Option<Instant>, work: F) -> Option<F::Output> {
    match end {
        Some(end) => timeout_at(end, work).await.ok(),
        None => Some(work.await),
    }
}

fn late(message: String) -> Error {
    Error::new(ErrorKind::Network, message)
}
