//! Says a deviation in words, where there are words for it.

use grantry_engine::Deviation;

/// The deviations, at most `most` of them spelled out.
pub(super) fn list(deviations: &[Deviation], most: usize) -> String {
    let mut phrases: Vec<String> = Vec::new();
    for deviation in deviations {
        let phrase = phrase(deviation, deviations);
        if !phrases.contains(&phrase) {
            phrases.push(phrase);
        }
    }
    // What has words first; the rest keeps its order.
    phrases.sort_by_key(|phrase| phrase.contains('='));
    match phrases.len() {
        0 => "no deviation from the standards".to_owned(),
        count if count <= most => phrases.join("; "),
        count => format!("{}; and {} more", phrases[..most].join("; "), count - most),
    }
}

fn phrase(deviation: &Deviation, all: &[Deviation]) -> String {
    let value = deviation.value.as_ref();
    let of = |path: &str| all.iter().find(|other| other.path == path).map(|other| other.value.as_ref());
    let (section, rest) = deviation.path.split_once('.').unwrap_or((&deviation.path, ""));
    match (section, rest) {
        ("authorization", "code_challenge_method") if value == "none" => "no PKCE".to_owned(),
        ("authorization", "fragment") => format!("authorization URL ends in #{value}"),
        ("callback", rest) if rest.starts_with("signature") => "callback signed by the provider".to_owned(),
        ("client_authentication", rest) if rest.starts_with("assertion") => "client secret generated as a JWT".to_owned(),
        ("client_authentication", "method") => format!("client authenticates by {value}"),
        ("exchange", _) => "short-lived token exchanged for a long-lived one".to_owned(),
        ("requests", "access_token.in" | "access_token.name") => {
            let place = of("requests.access_token.in").unwrap_or("header");
            let name = of("requests.access_token.name").map(|name| format!(" as {name}")).unwrap_or_default();
            format!("access token in the {place}{name}")
        }
        ("requests", "access_token.scheme") => format!("access token under the scheme {value:?}"),
        ("scopes", "separator") => format!("scopes joined by {value:?}"),
        (_, "encoding") => format!("{section} request in {value}"),
        (_, "method") => format!("{section} request by {value}"),
        (_, "response.content_type") | ("response", "content_type") => format!("answers sent as {value}"),
        _ => deviation.to_string(),
    }
}
