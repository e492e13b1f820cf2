use super::diagnostic::Span;

/// A value of a descriptor's YAML tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub(super) content: Content,
    pub(super) span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Raw text, and whether it was written without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Mapping(Vec<Entry>),
    /// What the parser has already reported; nothing more is said about it.
    Reported,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Whether the key was written without quotes.
    pub(super) plain: bool,
    pub(super) span: Option<Span>,
    pub(super) value: Node,
}

impl Node {
    /// `null`: absent.
    pub fn null() -> Self {
        Self::plain("null")
    }

    /// An empty mapping.
    pub fn mapping() -> Self {
        Self { content: Content::Mapping(Vec::new()), span: None }
    }

    /// The node under a path of keys; a list's elements are named by their index.
    pub fn get(&self, path: &[impl AsRef<str>]) -> Option<&Self> {
        let mut node = self;
        for step in path {
            node = node.child(step.as_ref())?;
        }
        Some(node)
    }

    /// Puts a node under a path of keys, making mappings on the way. What is replaced keeps its position.
    pub fn set(&mut self, path: &[impl AsRef<str>], value: impl Into<Self>) {
        let value = value.into();
        let Some((step, rest)) = path.split_first() else {
            self.content = value.content;
            return;
        };
        match self.child_mut(step.as_ref()) {
            Some(child) => child.set(rest, value),
            None => {
                let mut child = Self::mapping();
                child.set(rest, value);
                self.insert(step.as_ref(), child);
            }
        }
    }

    /// Takes the node under a path of keys away, and the collections that this empties; whether there was one.
    pub fn remove(&mut self, path: &[impl AsRef<str>]) -> bool {
        let Some((step, rest)) = path.split_first() else { return false };
        let step = step.as_ref();
        if !rest.is_empty() {
            let Some(child) = self.child_mut(step) else { return false };
            let removed = child.remove(rest);
            if !removed || !child.is_empty_collection() {
                return removed;
            }
        }
        match &mut self.content {
            Content::Mapping(entries) => {
                let before = entries.len();
                entries.retain(|entry| entry.key != step);
                entries.len() < before
            }
            Content::List(items) => match step.parse() {
                Ok(index) if index < items.len() => {
                    items.remove(index);
                    true
                }
                _ => false,
            },
            Content::Scalar { .. } | Content::Reported => false,
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether this is a plain `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if text == "null")
    }

    pub(super) const fn is_list(&self) -> bool {
        matches!(self.content, Content::List(_))
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { content: Content::Scalar { text: text.into(), plain: true }, span: None }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    fn child(&self, step: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(_) => self.entry(step).map(|entry| &entry.value),
            Content::List(items) => items.get(step.parse::<usize>().ok()?),
            Content::Scalar { .. } | Content::Reported => None,
        }
    }

    fn child_mut(&mut self, step: &str) -> Option<&mut Self> {
        match &mut self.content {
            Content::Mapping(entries) => entries.iter_mut().find(|entry| entry.key == step).map(|entry| &mut entry.value),
            Content::List(items) => items.get_mut(step.parse::<usize>().ok()?),
            Content::Scalar { .. } | Content::Reported => None,
        }
    }

    fn insert(&mut self, key: &str, value: Self) {
        let entry = Entry { key: key.to_owned(), plain: false, span: None, value };
        match &mut self.content {
            Content::Mapping(entries) => entries.push(entry),
            Content::List(items) => items.push(entry.value),
            other => *other = Content::Mapping(vec![entry]),
        }
    }

    fn is_empty_collection(&self) -> bool {
        match &self.content {
            Content::Mapping(entries) => entries.is_empty(),
            Content::List(items) => items.is_empty(),
            Content::Scalar { .. } | Content::Reported => false,
        }
    }
}

impl From<&str> for Node {
    /// Text, as if quoted.
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self { content: Content::Scalar { text, plain: false }, span: None }
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::plain(flag.to_string())
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::plain(number.to_string())
    }
}

impl From<i32> for Node {
    /// So that a literal needs no suffix.
    fn from(number: i32) -> Self {
        Self::plain(number.to_string())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Node {
    fn from(items: Vec<T>) -> Self {
        Self { content: Content::List(items.into_iter().map(Into::into).collect()), span: None }
    }
}
