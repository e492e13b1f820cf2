//! Which claims a scope asks for (OpenID Connect Core section 5.4).

/// Scopes and their claims.
const CLAIMS: [(&str, &[&str]); 5] = [
    ("openid", &["sub"]),
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Whether one of the scopes, which a space separates, asks for a claim.
pub(super) fn ask_for(scopes: &str, claim: &str) -> bool {
    let is_asked = |scope: &str| CLAIMS.iter().any(|(known, claims)| *known == scope && claims.contains(&claim));
    scopes.split(' ').any(is_asked)
}
