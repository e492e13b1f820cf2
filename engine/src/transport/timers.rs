//! Timers that are used again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep, sleep_until};

/// As many wait for their next use.
const IDLE: usize = 32;

/// Timers that nobody needs any more, and that are not over. To put one off takes no lock of the runtime, to make and end one takes two.
#[derive(Clone, Default)]
pub(super) struct Timers(Arc<Mutex<Vec<Running>>>);

/// A timer belongs to the runtime on which it was made, and is over where that ends.
type Running = (Id, Pin<Box<Sleep>>);

/// A timer that begins to run where it is waited for.
pub(super) struct Timer {
    timers: Timers,
    running: Option<Running>,
}

impl Timers {
    pub(super) fn timer(&self) -> Timer {
        Timer { timers: self.clone(), running: None }
    }

    /// A timer of this runtime, one that waits for its next use or a new one. Those of others that come up are dropped, as are those that
    /// are over.
    fn get(&self, end: Instant) -> Running {
        let runtime = Handle::current().id();
        while let Some((of, mut timer)) = self.pop() {
            if of == runtime && !timer.is_elapsed() {
                timer.as_mut().reset(end);
                return (runtime, timer);
            }
        }
        (runtime, Box::pin(sleep_until(end)))
    }

    /// Nothing is dropped under the lock: a timer has the waker of its last task.
    fn pop(&self) -> Option<Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Takes a timer in, if there is room.
    fn put(&self, timer: &mut Option<Running>) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.extend(timer.take());
        }
    }
}

impl Timer {
    /// Waits until an instant, which is the same until it [`rests`](Self::rest).
    pub(super) fn poll(&mut self, end: Instant, context: &mut Context<'_>) -> Poll<()> {
        let (_, running) = self.running.get_or_insert_with(|| self.timers.get(end));
        running.as_mut().poll(context)
    }

    /// Nobody waits for it any more. The next time may be on another runtime.
    pub(super) fn rest(&mut self) {
        if self.running.is_some() {
            self.timers.put(&mut self.running);
            self.running = None;
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.rest();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    impl Timers {
        /// Those that wait for their next use.
        fn idle(&self) -> Vec<Id> {
            self.0.lock().unwrap().iter().map(|(runtime, _)| *runtime).collect()
        }

        async fn sleep(&self, duration: Duration) {
            let (mut timer, end) = (self.timer(), Instant::now() + duration);
            poll_fn(|context| timer.poll(end, context)).await;
        }

        /// Begins to wait, and does not.
        async fn begin(&self, duration: Duration) {
            assert_eq!(self.sleep(duration).now_or_never(), None);
        }
    }

    const SHORT: Duration = Duration::from_secs(1);
    const LONG: Duration = Duration::from_secs(100);

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_nobody_needs_is_used_again() {
        let timers = Timers::default();
        timers.begin(LONG).await;
        assert_eq!(timers.idle().len(), 1);
        for duration in [LONG, SHORT] {
            let started = Instant::now();
            let sleep = timers.sleep(duration);
            timers.begin(LONG).await;
            sleep.await;
            assert_eq!(started.elapsed(), duration);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_over_is_not() {
        let timers = Timers::default();
        timers.begin(SHORT).await;
        timers.sleep(LONG).await;
        timers.begin(SHORT).await;
        tokio::time::sleep(LONG).await;
        let started = Instant::now();
        timers.sleep(LONG).await;
        assert_eq!(started.elapsed(), LONG);
    }

    #[test]
    fn a_timer_ends_with_its_runtime() {
        let timers = Timers::default();
        let first = runtime();
        first.block_on(timers.begin(LONG));
        let second = runtime();
        second.block_on(timers.begin(LONG));
        assert_eq!(timers.idle(), [second.handle().id()]);
        drop((first, second));
        runtime().block_on(timers.sleep(LONG));
    }

    #[tokio::test(start_paused = true)]
    async fn few_are_kept() {
        let timers = Timers::default();
        join_all((0..3 * IDLE).map(|_| timers.sleep(SHORT))).now_or_never();
        assert_eq!(timers.idle().len(), IDLE);
    }
}
