//! Encryption of what a store keeps.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{Record, StoreError, StoreKey, StoreTask, TokenStore};
use crate::entropy::{Entropy as _, SystemEntropy};

/// The version of the envelope's form.
const FORM: &str = "v1.";

/// What text is sealed with, and what it may have been sealed with.
///
/// Keys change in two steps: a new one is added behind the old one, then, when every process has it, put in front. The next write of a
/// record seals it with the new one; the old ones are kept as long as there are records of theirs. A process without the new key cannot
/// read what others have sealed with it, and takes those sessions for damaged. A key is good for 2^32 writes (NIST SP 800-38D section 8.3). Their memory is overwritten when they are
/// dropped.
///
/// ```
/// # use grantry_engine::store::SealingKeys;
/// # let (key, old_key) = ([1; 32], [2; 32]);
/// SealingKeys::new("2026-07", key).and("2026-01", old_key);
/// ```
#[derive(Clone)]
pub struct SealingKeys {
    first: SealingKey,
    others: Vec<SealingKey>,
}

#[derive(Clone)]
struct SealingKey {
    id: String,
    // In a box: a key that is moved leaves no copy behind.
    bytes: Box<Zeroizing<[u8; 32]>>,
}

impl SealingKeys {
    /// Seals and opens with this key. The id tells it from others; it is no secret.
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Self {
        Self { first: SealingKey::new(id.into(), key), others: Vec::new() }
    }

    /// Opens with this key too what it has sealed.
    #[must_use]
    pub fn and(mut self, id: impl Into<String>, key: [u8; 32]) -> Self {
        self.others.push(SealingKey::new(id.into(), key));
        self
    }

    /// The envelope of a record's content: `v1.<key id>.<base64url of nonce and ciphertext>`.
    fn seal(&self, key: &StoreKey, record: &Record) -> Result<Record, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        SystemEntropy
            .fill(&mut nonce)
            .map_err(|error| StoreError::new(format!("the random number generator failed: {error}")))?;
        let content = record.content.expose();
        let mut bytes = Zeroizing::new(content.as_bytes().to_vec());
        let failed = |_| StoreError::new("a record could not be sealed");
        let aad = self.first.aad(key, record.version);
        let tag = self.first.cipher().and_then(|cipher| cipher.seal_in_place_separate_tag(Nonce::from(&nonce), aad, &mut bytes));
        let sealed = [&nonce[..], &bytes, tag.map_err(failed)?.as_ref()].concat();
        Ok(Record::new(record.version, format!("{FORM}{}.{}", self.first.id, URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// The record in an envelope.
    fn open(&self, key: &StoreKey, sealed: &Record) -> Result<Record, StoreError> {
        let envelope = sealed.content.expose().strip_prefix(FORM).and_then(|envelope| envelope.rsplit_once('.'));
        let (id, text) = envelope.ok_or_else(|| StoreError::corrupt(format!("the record of {key} is not sealed")))?;
        let keys = || std::iter::once(&self.first).chain(&self.others).filter(|sealing| sealing.id == id);
        if keys().next().is_none() {
            return Err(StoreError::key_missing(format!("the record of {key} is sealed with a key that is not there")));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let content = bytes.and_then(|bytes| keys().find_map(|sealing| sealing.open(key, sealed.version, &bytes)));
        match content {
            Some(content) => Ok(Record::new(sealed.version, content)),
            None => Err(StoreError::corrupt(format!("the record of {key} was changed since it was sealed, or moved"))),
        }
    }
}

impl SealingKey {
    fn new(id: String, key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        bytes.copy_from_slice(&*key);
        Self { id, bytes }
    }

    fn cipher(&self) -> Result<LessSafeKey, aws_lc_rs::error::Unspecified> {
        UnboundKey::new(&AES_256_GCM, &self.bytes[..]).map(LessSafeKey::new)
    }

    /// What the record belongs to. A key's text has no `.`, and the id is the last: no two are one.
    fn aad(&self, key: &StoreKey, version: u64) -> Aad<String> {
        Aad::from(format!("{FORM}{key}.{version}.{}", self.id))
    }

    fn open(&self, key: &StoreKey, version: u64, bytes: &[u8]) -> Option<String> {
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let opened = self.cipher().ok()?.open_in_place(Nonce::from(nonce), self.aad(key, version), &mut bytes).ok()?;
        std::str::from_utf8(opened).ok().map(str::to_owned)
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys(..)")
    }
}

/// A store whose records are encrypted with AES-256-GCM. Keys, versions and leases stay as they are.
///
/// Whoever can write to the store below cannot change a record, nor move it to another key or version: it no longer opens
/// ([`StoreError::is_corrupt`]). Such a record has to be deleted, as has one that was written before the store was sealed. What cannot
/// be seen is that a record was put back as it was before.
#[derive(Clone, Debug)]
pub struct Sealed<S> {
    store: S,
    keys: SealingKeys,
}

impl<S: TokenStore> Sealed<S> {
    /// Seals what goes into a store, and opens what comes from it.
    pub fn new(store: S, keys: SealingKeys) -> Self {
        Self { store, keys }
    }
}

impl<S: TokenStore> TokenStore for Sealed<S> {
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, Option<Record>> {
        Box::pin(async move {
            match self.store.load(key).await? {
                Some(sealed) => self.keys.open(key, &sealed).map(Some),
                None => Ok(None),
            }
        })
    }

    fn compare_and_swap<'a>(&'a self, key: &'a StoreKey, expected: Option<u64>, record: &'a Record) -> StoreTask<'a, bool> {
        Box::pin(async move {
            let sealed = self.keys.seal(key, record)?;
            self.store.compare_and_swap(key, expected, &sealed).await
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> StoreTask<'a, ()> {
        self.store.delete(key)
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, holder: &'a str, ttl: Duration) -> StoreTask<'a, bool> {
        self.store.lease(key, holder, ttl)
    }

    fn release<'a>(&'a self, key: &'a StoreKey, holder: &'a str) -> StoreTask<'a, ()> {
        self.store.release(key, holder)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{Entry, MemoryStore, conformance};
    use super::*;
    use crate::token::Token;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn key() -> StoreKey {
        StoreKey::new("acme", ["user"])
    }

    fn sealed(content: &str) -> Record {
        SealingKeys::new("old", OLD).seal(&key(), &Record::new(7, content)).unwrap()
    }

    fn open(keys: &SealingKeys, content: &str) -> Result<String, StoreError> {
        keys.open(&key(), &Record::new(7, content)).map(|record| record.content.expose().to_owned())
    }

    #[tokio::test]
    async fn it_conforms() {
        let store = Sealed::new(MemoryStore::new(), SealingKeys::new("new", NEW));
        conformance::check(&store, "1").await.unwrap();
    }

    #[test]
    fn the_store_below_sees_no_content() {
        let [one, two] = [sealed("hunter2"), sealed("hunter2")].map(|record| record.content.expose().to_owned());
        let (head, text) = one.rsplit_once('.').unwrap();
        assert_eq!(head, "v1.old");
        // A nonce of 12 bytes, the content, a tag of 16.
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        assert_eq!(bytes.len(), 12 + 7 + 16);
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
        assert_ne!(one, two, "a nonce was used twice");
    }

    #[test]
    fn the_first_key_seals_and_any_opens() {
        let keys = SealingKeys::new("new", NEW).and("old", OLD);
        let old = sealed("hunter2");
        assert_eq!(open(&keys, old.content.expose()).unwrap(), "hunter2");
        let new = keys.seal(&key(), &Record::new(7, "hunter3")).unwrap();
        assert!(new.content.expose().starts_with("v1.new."));
        assert_eq!(open(&SealingKeys::new("new", NEW), new.content.expose()).unwrap(), "hunter3");
        // Keys of one id are told apart by trying them; an id may be any text.
        assert_eq!(open(&SealingKeys::new("old", NEW).and("old", OLD), old.content.expose()).unwrap(), "hunter2");
        let dotted = SealingKeys::new("a.b", NEW);
        let record = dotted.seal(&key(), &Record::new(7, "hunter4")).unwrap();
        assert_eq!(open(&dotted, record.content.expose()).unwrap(), "hunter4");
    }

    #[test]
    fn what_was_not_sealed_so_is_corrupt() {
        let keys = SealingKeys::new("old", OLD).and("other", OLD);
        let record = sealed("hunter2");
        let text = record.content.expose();
        let elsewhere = [(StoreKey::new("acme", ["another"]), 7), (key(), 8)];
        for (key, version) in elsewhere {
            let error = keys.open(&key, &Record::new(version, text)).unwrap_err();
            assert!(error.is_corrupt(), "{key} {version}: {error}");
        }
        let foreign = [SealingKeys::new("new", NEW), SealingKeys::new("old", NEW)];
        let plain = ["hunter2", "", "v1.", "v1.old", "v1.old.", "{\"access_token\":\"v1.old.x\"}"];
        let mut results: Vec<_> =
            foreign.iter().map(|keys| open(keys, text)).chain(plain.map(|text| open(&keys, text))).collect();
        results.push(open(&keys, &text.replacen(".old.", ".other.", 1)));
        results.extend((0..text.len()).map(|length| open(&keys, &text[..length])));
        for at in 0..text.len() {
            for bit in [0x01, 0x02, 0x04, 0x10, 0x20] {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= bit;
                results.push(open(&keys, std::str::from_utf8(&bytes).unwrap()));
            }
        }
        for result in results {
            let error = result.unwrap_err();
            assert!(error.is_corrupt() && !error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_record_that_was_put_in_another_place_is_refused_by_the_store() {
        let below = MemoryStore::new();
        let keys = SealingKeys::new("old", OLD);
        for (key, record) in [(key(), sealed("hunter2")), (StoreKey::new("acme", ["another"]), sealed("hunter2"))] {
            assert!(below.compare_and_swap(&key, None, &record).await.unwrap());
        }
        let store = Sealed::new(below, keys);
        assert_eq!(store.load(&key()).await.unwrap().unwrap().content.expose(), "hunter2");
        assert!(store.load(&StoreKey::new("acme", ["another"])).await.unwrap_err().is_corrupt());
    }

    #[test]
    fn a_deep_token_survives_its_envelope() {
        let mut token = Token::new("at");
        token.refresh_token = Some("rt".into());
        token.extra.insert("deep".to_owned(), (0..31).fold(Value::Null, |value, _| Value::Array(vec![value])));
        let keys = SealingKeys::new("old", OLD);
        let record = Record::new(7, Entry::of(token.clone()).encode().unwrap());
        let opened = keys.open(&key(), &keys.seal(&key(), &record).unwrap()).unwrap();
        let back = Entry::decode(&opened.content).unwrap().token;
        assert_eq!(back.expose_for_storage().expose(), token.expose_for_storage().expose());
    }

    #[test]
    fn debug_shows_nothing() {
        let keys = SealingKeys::new("old", *b"hunter2 hunter2 hunter2 hunter2 ");
        assert_eq!(format!("{keys:?}"), "SealingKeys(..)");
        assert_eq!(format!("{:?}", Sealed::new(MemoryStore::new(), keys)).matches("SealingKeys(..)").count(), 1);
    }
}
