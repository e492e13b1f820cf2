//! How long an exchange may take.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Either;
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

    /// Waits for the next piece of an answer, which is often there already: then nothing looks at the clock, and no room is made for a
    /// timer.
    pub(super) async fn with_piece<F: Future>(&self, reading: F) -> Result<F::Output> {
        let mut reading = pin!(reading);
        match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
            Poll::Ready(piece) => Ok(piece),
            Poll::Pending => Box::pin(self.with_read(reading)).await,
        }
    }

    /// Waits for the next of what the provider sends, from now on.
    pub(super) fn with_read<F: Future>(&self, reading: F) -> impl Future<Output = Result<F::Output>> + use<F> {
        let read = Instant::now().checked_add(self.read);
        let whole = self.whole.as_ref().filter(|whole| whole.end.is_some_and(|end| read.is_none_or(|read| end <= read)));
        let whole_timeout = whole.map(|whole| whole.timeout);
        let reading = until(whole.map_or(read, |whole| whole.end), reading);
        reading.map(move |read| read.ok_or_else(|| late(whole_timeout)))
    }
}

/// `None`: the time is over. Without an end there is no timer.
fn until<F: Future>(end: Option<Instant>, work: F) -> impl Future<Output = Option<F::Output>> {
    match end {
        Some(end) => Either::Left(timeout_at(end, work).map(Result::ok)),
        None => Either::Right(work.map(Some)),
    }
}

/// The time between two reads is over, or that for the whole request.
fn late(whole: Option<Duration>) -> Error {
    let message = match whole {
        None => "the provider did not answer in time".to_owned(),
        Some(timeout) => format!("no answer within {timeout:?}"),
    };
    Error::new(ErrorKind::Network, message)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::transport::TransportBuilder;

    const READ: &str = "the provider did not answer in time";

    /// The default limits: 10 s for a read, 30 s for a whole request.
    fn options() -> Options {
        TransportBuilder::default().options
    }

    async fn after<T>(seconds: u64, what: T) -> T {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        what
    }

    /// The message of the error, and after how many seconds it came.
    async fn failure<T: std::fmt::Debug>(waiting: impl Future<Output = Result<T>>) -> (String, u64) {
        let started = Instant::now();
        let error = waiting.await.unwrap_err();
        assert!(error.kind() == ErrorKind::Network && error.is_retryable() && !error.is_unsent(), "{error:?}");
        (error.to_string(), started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_read() {
        for limits in [Patience::for_each_read, Patience::for_all] {
            assert_eq!(failure(limits(&options()).with_read(pending::<()>())).await, (READ.to_owned(), 10));
            assert_eq!(failure(limits(&options()).with_piece(pending::<()>())).await, (READ.to_owned(), 10));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_protocol_request_that_trickles_ends_as_a_whole() {
        let patience = Patience::for_all(&options());
        for _ in 0..3 {
            assert_eq!(patience.with_piece(after(8, "a piece")).await.unwrap(), "a piece");
        }
        assert_eq!(failure(patience.with_piece(pending::<()>())).await, ("no answer within 30s".to_owned(), 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_protected_request_may_trickle_for_ever() {
        let patience = Patience::for_each_read(&options());
        for _ in 0..100 {
            assert_eq!(patience.with_piece(after(9, "a piece")).await.unwrap(), "a piece");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_application_sets_the_limits() {
        let builder = TransportBuilder::default().read_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(3));
        let patience = Patience::for_all(&builder.options);
        assert_eq!(failure(patience.with_read(pending::<()>())).await, (READ.to_owned(), 2));
        assert_eq!(failure(patience.with_read(pending::<()>())).await, ("no answer within 3s".to_owned(), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_is_taken_after_the_end_too() {
        let patience = Patience::for_all(&options());
        after(60, ()).await;
        assert_eq!(patience.with_piece(ready("a piece")).await.unwrap(), "a piece");
    }
}
