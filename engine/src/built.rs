//! What a client builds once, because nothing but its settings decides it.

use std::sync::OnceLock;

use url::Url;

/// URLs of the descriptor, filled in. A client with other settings begins without them.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) base_url: OnceLock<Url>,
    pub(crate) token_endpoint: OnceLock<Url>,
}

impl Clone for Built {
    fn clone(&self) -> Self {
        Self::default()
    }
}
