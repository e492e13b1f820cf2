//! What goes wrong, once in a simulation.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use super::random::Random;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: [Self; [$(stringify!($name)),+].len()] = [$(Self::$name),+];
        }
    };
}

faults! {
    /// Nothing.
    None,
    /// The connection for a token request fails.
    ConnectFails,
    /// A token request is lost on the way.
    RequestLost,
    /// The answer to a token request is lost on the way.
    AnswerLost,
    /// Two answers in a row are lost.
    AnswersLost,
    /// The answer comes after the time limit.
    AnswerTooLate,
    /// The answer takes longer than a lease.
    AnswerSlow,
    /// The provider is busy and says for how long (503).
    Busy,
    /// The provider has had too many requests (429).
    Throttled,
    /// The provider fails (500) before it does anything.
    FailsBefore,
    /// The provider fails (500) after it has rotated.
    FailsAfter,
    /// Something between answers with a page, after the provider has rotated.
    Page,
    /// The answer is cut off.
    CutOff,
    /// The provider refreshes in two calls, and is busy (503) at the second one, twice.
    FollowUpFails,
    /// A process dies while it waits for the second call's answer.
    DiesAtFollowUp,
    /// A read of the store fails.
    LoadFails,
    /// A write fails and has no effect.
    WriteFails,
    /// A write fails and has its effect.
    WriteSucceedsAndFails,
    /// The store is down from some moment on, for half a minute.
    StoreDown,
    /// Taking a lease fails.
    LeaseFails,
    /// Giving a lease back fails.
    ReleaseFails,
    /// Everything of one process stops for longer than a lease, after the provider has answered it.
    Pause,
    /// The same for so long that another process takes over before it goes on.
    LongPause,
    /// Callers go away at any moment.
    CallersGoAway,
    /// Callers are dropped after any number of polls: at each await.
    CallersDropped,
    /// A hook panics before the request is sent.
    HookPanics,
    /// A hook panics over the answer, which is lost by that.
    AnswerHookPanics,
    /// A process dies before it sends.
    DiesBeforeSending,
    /// A process dies when the answer has arrived.
    DiesAfterAnswer,
    /// A process dies after it has stored the token.
    DiesAfterStoring,
    /// One process's clock jumps an hour forward.
    ClockForward,
    /// One process's clock jumps an hour back.
    ClockBack,
    /// The API refuses the access token of everybody at once.
    Unauthorized,
    /// The user signs out in one process while others renew.
    SignsOut,
    /// One process closes its session in the middle.
    Closes,
}

/// The moment of a fault, and what it has done so far.
pub(super) struct Injector {
    pub(super) fault: Fault,
    /// Which call of the kind in question it is that goes wrong.
    at: usize,
    calls: AtomicUsize,
    is_over: AtomicBool,
    dead: Mutex<Option<usize>>,
    paused: Mutex<Option<(usize, tokio::time::Instant)>>,
    down_until: Mutex<Option<tokio::time::Instant>>,
    pub(super) clock_offset: AtomicI64,
}

impl Injector {
    pub(super) fn new(fault: Fault, random: &Random) -> Self {
        Self {
            fault,
            at: random.below(3) as usize,
            calls: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            dead: Mutex::new(None),
            paused: Mutex::new(None),
            down_until: Mutex::new(None),
            clock_offset: AtomicI64::new(0),
        }
    }

    /// Whether this call of the fault's kind is the one that goes wrong.
    pub(super) fn strikes(&self, fault: Fault) -> bool {
        self.fault == fault && !self.is_over() && self.calls.fetch_add(1, Ordering::Relaxed) == self.at
    }

    /// Whether the first so many calls of the fault's kind go wrong.
    pub(super) fn strikes_first(&self, fault: Fault, count: usize) -> bool {
        self.fault == fault && !self.is_over() && self.calls.fetch_add(1, Ordering::Relaxed) < count
    }

    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn kill(&self, replica: usize) {
        *self.dead.lock().unwrap() = Some(replica);
    }

    pub(super) fn is_dead(&self, replica: usize) -> bool {
        *self.dead.lock().unwrap() == Some(replica)
    }

    pub(super) fn pause(&self, replica: usize, duration: Duration) {
        *self.paused.lock().unwrap() = Some((replica, tokio::time::Instant::now() + duration));
    }

    pub(super) fn take_down(&self, duration: Duration) {
        self.down_until.lock().unwrap().get_or_insert(tokio::time::Instant::now() + duration);
    }

    pub(super) fn is_down(&self) -> bool {
        self.down_until.lock().unwrap().is_some_and(|until| tokio::time::Instant::now() < until)
    }

    /// What every step of a replica's goes through: the dead take no step, the paused take it later.
    pub(super) async fn step(&self, replica: usize) {
        if self.is_dead(replica) {
            std::future::pending::<()>().await;
        }
        let until = self.paused.lock().unwrap().filter(|(paused, _)| *paused == replica).map(|(_, until)| until);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}
