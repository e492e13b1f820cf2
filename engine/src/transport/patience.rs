//! How long an exchange may take.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::Options;
use super::timers::{Timer, Timers};
use crate::error::{Error, ErrorKind, Result};

/// The time between two reads, and for the whole of a protocol request. One timer runs at a time, and none where what is read is
/// there already: then nothing looks at the clock.
pub(super) struct Patience {
    read: Duration,
    whole: Option<Whole>,
    /// What is waited for now has time until then.
    wait: Option<Wait>,
    timer: Timer,
}

struct Whole {
    timeout: Duration,
    /// Known from when the request first waits.
    end: Option<Option<Instant>>,
}

#[derive(Clone, Copy)]
struct Wait {
    /// Without one it may last for ever.
    end: Option<Instant>,
    /// The time for the whole request, where its end is meant.
    whole: Option<Duration>,
}

impl Patience {
    /// For a whole protocol request.
    pub(super) fn for_all(options: &Options, timers: &Timers) -> Self {
        let whole = Whole { timeout: options.timeout, end: None };
        Self { whole: Some(whole), ..Self::for_each_read(options, timers) }
    }

    /// For a protected request, which may take as long as something comes.
    pub(super) fn for_each_read(options: &Options, timers: &Timers) -> Self {
        Self { read: options.read_timeout, whole: None, wait: None, timer: timers.timer() }
    }

    /// Polls for the next of what the provider sends. The time that it has begins when it is first waited for.
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        next: impl FnOnce(&mut Context<'_>) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let polled = next(context);
        if polled.is_ready() {
            self.rest();
            return polled;
        }
        let wait = match self.wait {
            Some(wait) => wait,
            None => *self.wait.insert(Wait::begin(self.read, self.whole.as_mut())),
        };
        let Some(end) = wait.end else { return Poll::Pending };
        self.timer.poll(end, context).map(|()| {
            self.rest();
            Err(late(wait.whole))
        })
    }

    /// Nothing is waited for any more: what is next has its time anew.
    pub(super) fn rest(&mut self) {
        self.wait = None;
        self.timer.rest();
    }
}

impl Wait {
    fn begin(read: Duration, whole: Option<&mut Whole>) -> Self {
        let now = Instant::now();
        let read = now.checked_add(read);
        let whole = whole.map(|whole| (whole.timeout, *whole.end.get_or_insert_with(|| now.checked_add(whole.timeout))));
        match whole {
            Some((timeout, Some(end))) if read.is_none_or(|read| end <= read) => Self { end: Some(end), whole: Some(timeout) },
            _ => Self { end: read, whole: None },
        }
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
    use std::future::{pending, poll_fn, ready};
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::transport::TransportBuilder;

    const READ: &str = "the provider did not answer in time";

    /// The default limits: 10 s for a read, 30 s for a whole request.
    fn options() -> Options {
        TransportBuilder::default().options
    }

    fn for_all() -> Patience {
        Patience::for_all(&options(), &Timers::default())
    }

    fn for_each_read() -> Patience {
        Patience::for_each_read(&options(), &Timers::default())
    }

    async fn next<T>(patience: &mut Patience, what: impl Future<Output = T>) -> Result<T> {
        let mut what = pin!(what);
        poll_fn(|context| patience.poll(context, |context| what.as_mut().poll(context).map(Ok))).await
    }

    async fn after<T>(seconds: u64, what: T) -> T {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        what
    }

    /// The message of the error of one that waits for ever, and after how many seconds it came.
    async fn failure(patience: &mut Patience) -> (String, u64) {
        let started = Instant::now();
        let error = next(patience, pending::<()>()).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Network && error.is_retryable() && !error.is_unsent(), "{error:?}");
        (error.to_string(), started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_read() {
        assert_eq!(failure(&mut for_each_read()).await, (READ.to_owned(), 10));
        assert_eq!(failure(&mut for_all()).await, (READ.to_owned(), 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_protocol_request_that_trickles_ends_as_a_whole() {
        let mut patience = for_all();
        for _ in 0..3 {
            assert_eq!(next(&mut patience, after(8, "a piece")).await.unwrap(), "a piece");
        }
        assert_eq!(failure(&mut patience).await, ("no answer within 30s".to_owned(), 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_protected_request_may_trickle_for_ever() {
        let mut patience = for_each_read();
        for _ in 0..100 {
            assert_eq!(next(&mut patience, after(9, "a piece")).await.unwrap(), "a piece");
        }
        assert_eq!(failure(&mut patience).await, (READ.to_owned(), 10));
    }

    #[tokio::test(start_paused = true)]
    async fn the_application_sets_the_limits() {
        let builder = TransportBuilder::default().read_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(3));
        let mut patience = Patience::for_all(&builder.options, &Timers::default());
        assert_eq!(failure(&mut patience).await, (READ.to_owned(), 2));
        assert_eq!(failure(&mut patience).await, ("no answer within 3s".to_owned(), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_is_taken_after_the_end_too() {
        let mut patience = for_all();
        assert_eq!(next(&mut patience, after(1, "a piece")).await.unwrap(), "a piece");
        after(60, ()).await;
        assert_eq!(next(&mut patience, ready("a piece")).await.unwrap(), "a piece");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_again_has_the_time_again() {
        let mut patience = for_each_read();
        assert_eq!(failure(&mut patience).await, (READ.to_owned(), 10));
        assert_eq!(failure(&mut patience).await, (READ.to_owned(), 10));
        assert!(next(&mut patience, pending::<()>()).now_or_never().is_none());
        patience.rest();
        after(60, ()).await;
        assert_eq!(failure(&mut patience).await, (READ.to_owned(), 10));
    }

    #[test]
    fn each_wait_is_on_the_runtime_that_waits() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let mut patience = for_each_read();
        let (first, second) = (runtime(), runtime());
        first.block_on(next(&mut patience, after(1, ()))).unwrap();
        assert_eq!(second.block_on(failure(&mut patience)), (READ.to_owned(), 10));
        drop((first, second));
        assert_eq!(runtime().block_on(failure(&mut patience)), (READ.to_owned(), 10));
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_is_too_long() {
        let builder = TransportBuilder::default().read_timeout(Duration::MAX).timeout(Duration::MAX);
        let mut patience = Patience::for_all(&builder.options, &Timers::default());
        assert_eq!(next(&mut patience, after(1_000_000, "a piece")).await.unwrap(), "a piece");
    }
}
