use std::fmt;
use std::sync::Arc;

use crate::model::Model;
use crate::{Deviation, Str};

/// What Grantry knows about one provider. Valid by construction, cheap to clone.
#[derive(Clone)]
pub struct Descriptor {
    repr: Repr,
}

#[derive(Clone)]
enum Repr {
    Compiled(&'static Model),
    Loaded(Arc<Model>),
}

impl Descriptor {
    /// Used by generated code.
    #[doc(hidden)]
    pub const fn __compiled(model: &'static Model) -> Self {
        Self { repr: Repr::Compiled(model) }
    }

    /// Used by the engine, for what discovery has filled in.
    #[doc(hidden)]
    pub fn __loaded(model: Model) -> Self {
        Self { repr: Repr::Loaded(Arc::new(model)) }
    }

    /// Used by the engine and by the code generator.
    #[doc(hidden)]
    pub fn __model(&self) -> &Model {
        match &self.repr {
            Repr::Compiled(model) => model,
            Repr::Loaded(model) => model,
        }
    }

    /// The provider's id: `github`.
    pub fn id(&self) -> &str {
        &self.__model().id
    }

    /// The provider's name: `GitHub`.
    pub fn name(&self) -> &str {
        &self.__model().name
    }

    /// The provider's own documentation.
    pub fn documentation(&self) -> &str {
        &self.__model().documentation
    }

    /// Whether the provider is in service.
    pub fn status(&self) -> &Status {
        &self.__model().status
    }

    /// The scopes that are asked for where the application names none.
    pub fn default_scopes(&self) -> impl Iterator<Item = &str> {
        self.__model().scopes.default.iter().map(AsRef::as_ref)
    }

    /// The scopes that the descriptor knows, with their meaning.
    pub fn known_scopes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.__model().scopes.known.iter().map(|(scope, meaning)| (scope.as_ref(), meaning.as_ref()))
    }

    /// Where the provider departs from the standards, in document order.
    pub fn deviations(&self) -> &[Deviation] {
        &self.__model().deviations
    }
}

impl PartialEq for Descriptor {
    fn eq(&self, other: &Self) -> bool {
        self.__model() == other.__model()
    }
}

impl Eq for Descriptor {}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor").field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Whether a provider is in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// In service.
    Active,
    /// Works, but the provider advises against it; the reason.
    Deprecated(Str),
    /// No longer in service; the reason.
    Retired(Str),
}
