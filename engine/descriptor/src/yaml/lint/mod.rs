//! The rules of a descriptor, one file each: message, help, explanation and, where it stands by itself, the check.

pub(super) mod alias;
pub(super) mod ambiguous_scalar;
pub(super) mod anchor;
pub(super) mod base_url_outside_api_origins;
pub(super) mod claims_without_sub;
pub(super) mod conflicting_keys;
pub(super) mod default_mismatch;
pub(super) mod duplicate_key;
pub(super) mod empty_file;
pub(super) mod encoding_with_get;
pub(super) mod explicit_port;
pub(super) mod file_too_large;
pub(super) mod inconsistent_values;
pub(super) mod insecure_url;
pub(super) mod invalid_header;
pub(super) mod invalid_id;
pub(super) mod invalid_name;
pub(super) mod invalid_path;
pub(super) mod invalid_pattern;
pub(super) mod invalid_template;
pub(super) mod invalid_url;
pub(super) mod loose_pattern;
pub(super) mod md5;
pub(super) mod merge_key;
pub(super) mod missing_client_authentication;
pub(super) mod missing_endpoint;
pub(super) mod missing_field;
pub(super) mod multiple_documents;
pub(super) mod not_supported_yet;
pub(super) mod null_name;
pub(super) mod restated_default;
pub(super) mod syntax;
pub(super) mod tag;
pub(super) mod too_complex;
pub(super) mod unconstrained_variable;
pub(super) mod unknown_field;
pub(super) mod unknown_value;
pub(super) mod unlisted_grant;
pub(super) mod unregistered_method;
pub(super) mod unregistered_name;
pub(super) mod unresolved_name;
pub(super) mod unstated_endpoint;
pub(super) mod unused_digest;
pub(super) mod unused_variable;
pub(super) mod wrong_type;

/// Declares [`Code`] from the table of lints.
macro_rules! codes {
    ($($module:ident: $code:ident = $text:literal, $summary:literal),+ $(,)?) => {
        /// The rule that a descriptor breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!($summary, ".")] $code,)+
        }

        impl Code {
            /// Every code, alphabetic.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The code as it is printed: `unknown-field`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text,)+ }
            }

            /// What the rule is, in a few words.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$code => $summary,)+ }
            }

            /// Why the rule is there.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$code => $module::EXPLANATION,)+ }
            }
        }
    };
}

codes! {
    alias: Alias = "alias", "An alias (`*name`)",
    ambiguous_scalar: AmbiguousScalar = "ambiguous-scalar", "A plain scalar that YAML versions read differently, where text is expected",
    anchor: Anchor = "anchor", "An anchor (`&name`)",
    base_url_outside_api_origins: BaseUrlOutsideApiOrigins = "base-url-outside-api-origins", "`requests.base_url` outside an explicit `requests.api_origins`",
    claims_without_sub: ClaimsWithoutSub = "claims-without-sub", "`userinfo.claims` without `sub`",
    conflicting_keys: ConflictingKeys = "conflicting-keys", "Two keys of which only one may be there",
    default_mismatch: DefaultMismatch = "default-mismatch", "A default that its variable does not admit",
    duplicate_key: DuplicateKey = "duplicate-key", "A key that stands twice in a mapping",
    empty_file: EmptyFile = "empty-file", "A file without content",
    encoding_with_get: EncodingWithGet = "encoding-with-get", "`encoding` in a request without a body",
    explicit_port: ExplicitPort = "explicit-port", "A catalog URL with an explicit port",
    file_too_large: FileTooLarge = "file-too-large", "A file over 256 KiB",
    inconsistent_values: InconsistentValues = "inconsistent-values", "Value tables of one variable with different entries",
    insecure_url: InsecureUrl = "insecure-url", "A URL that is not https, or holds credentials",
    invalid_header: InvalidHeader = "invalid-header", "A header name or value that HTTP does not allow",
    invalid_id: InvalidId = "invalid-id", "A file stem that is no identifier",
    invalid_name: InvalidName = "invalid-name", "A name that cannot be given",
    invalid_path: InvalidPath = "invalid-path", "A path that cannot be read",
    invalid_pattern: InvalidPattern = "invalid-pattern", "A pattern that is no regular expression",
    invalid_template: InvalidTemplate = "invalid-template", "A template that cannot be read",
    invalid_url: InvalidUrl = "invalid-url", "A URL that cannot be parsed",
    loose_pattern: LoosePattern = "loose-pattern", "A pattern that lets a variable leave its place in a URL",
    md5: Md5 = "md5", "MD5 outside `digests`",
    merge_key: MergeKey = "merge-key", "A merge key (`<<`)",
    missing_client_authentication: MissingClientAuthentication = "missing-client-authentication", "No client authentication method",
    missing_endpoint: MissingEndpoint = "missing-endpoint", "A grant or section without the endpoint that it calls",
    missing_field: MissingField = "missing-field", "A required field that is not there",
    multiple_documents: MultipleDocuments = "multiple-documents", "A second YAML document",
    not_supported_yet: NotSupportedYet = "not-supported-yet", "Vocabulary whose engine is not built yet",
    null_name: NullName = "null-name", "A request parameter that is renamed to nothing",
    restated_default: RestatedDefault = "restated-default", "A value that holds anyway",
    syntax: Syntax = "syntax", "A file that is not YAML",
    tag: Tag = "tag", "A YAML tag (`!!str`, `!name`)",
    too_complex: TooComplex = "too-complex", "A file that is nested too deeply or has too many values",
    unconstrained_variable: UnconstrainedVariable = "unconstrained-variable", "A variable without `pattern` or `values` where a forged value is dangerous",
    unknown_field: UnknownField = "unknown-field", "A field that the vocabulary does not have",
    unknown_value: UnknownValue = "unknown-value", "A value that is none of the allowed ones",
    unlisted_grant: UnlistedGrant = "unlisted-grant", "`exchange.after` names a grant that the provider does not have",
    unregistered_method: UnregisteredMethod = "unregistered-method", "A client authentication method that is not registered",
    unregistered_name: UnregisteredName = "unregistered-name", "A left-hand name that is not in the registry of its section",
    unresolved_name: UnresolvedName = "unresolved-name", "A template names something that is not there",
    unstated_endpoint: UnstatedEndpoint = "unstated-endpoint", "A catalog descriptor without its endpoints",
    unused_digest: UnusedDigest = "unused-digest", "A digest that no template names",
    unused_variable: UnusedVariable = "unused-variable", "A variable that no template names",
    wrong_type: WrongType = "wrong-type", "A value of another shape than expected",
}

impl Code {
    /// Whether a descriptor that breaks the rule still says clearly what to do, so that a resolved model exists.
    pub(super) const fn is_hygiene(self) -> bool {
        matches!(self, Self::ClaimsWithoutSub | Self::RestatedDefault | Self::UnusedDigest | Self::UnusedVariable)
    }
}
