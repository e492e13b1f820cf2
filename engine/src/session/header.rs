//! The header that carries a token, made once for each token.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{HeaderName, HeaderValue};

/// Places at which clones of a header are counted. Cores that count at the same place wait for each other's cache, which can take more
/// than all the rest of a read.
const PLACES: usize = 4;

/// A header that many threads clone.
pub(crate) struct Prepared {
    name: HeaderName,
    value: HeaderValue,
    /// The value for threads that count elsewhere, each made by the first of them: an idle session has none.
    copies: [OnceLock<HeaderValue>; PLACES - 1],
}

impl Prepared {
    pub(super) fn new((name, value): (HeaderName, HeaderValue)) -> Self {
        Self { name, value, copies: Default::default() }
    }

    /// Its name and its value.
    pub(crate) fn pair(&self) -> (HeaderName, HeaderValue) {
        let copy = PLACE.with(|place| place.checked_sub(1)).and_then(|place| self.copies.get(place));
        let value = copy.map_or(&self.value, |copy| copy.get_or_init(|| copied(&self.value)));
        (self.name.clone(), value.clone())
    }
}

/// The same value in memory of its own.
fn copied(value: &HeaderValue) -> HeaderValue {
    let mut copy = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    copy.set_sensitive(value.is_sensitive());
    copy
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Where this thread counts.
    static PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % PLACES;
}

#[cfg(test)]
mod tests {
    use std::thread;

    use http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn every_thread_gets_the_same_sensitive_header() {
        let mut value = HeaderValue::from_static("Bearer at-1");
        value.set_sensitive(true);
        let prepared = Prepared::new((AUTHORIZATION, value.clone()));
        let places = thread::scope(|scope| {
            let threads: Vec<_> = (0..PLACES).map(|_| scope.spawn(|| (prepared.pair(), PLACE.with(|place| *place)))).collect();
            let read = threads.into_iter().map(|thread| thread.join().unwrap());
            read.map(|(pair, place)| {
                assert!(pair == (AUTHORIZATION, value.clone()) && pair.1.is_sensitive());
                place
            })
            .collect::<Vec<_>>()
        });
        let made = prepared.copies.iter().filter(|copy| copy.get().is_some()).count();
        assert_eq!(made, (1..PLACES).filter(|place| places.contains(place)).count());
    }
}
