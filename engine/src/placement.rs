//! Where the access token stands in a request (RFC 6750 section 2, and what providers do instead).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantry_descriptor::model::{Location, Placement};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::http::{Body, HttpRequest};
use crate::phase::encode;
use crate::phase::request::header_value;
use crate::token::Token;

/// Puts the token into a request, where the provider takes it.
pub(crate) fn place(config: &Config, token: &Token, request: &mut HttpRequest) -> Result<()> {
    check_type(config, token)?;
    put(&config.model().requests.access_token, token, request)
}

/// Refuses a token of a type that the client cannot use (RFC 6749 section 7.1): one from storage, or from a token exchange.
pub(crate) fn check_type(config: &Config, token: &Token) -> Result<()> {
    let any = config.model().token.response.names.iter().any(|member| member.name == "token_type" && member.paths.is_empty());
    if any || token.token_type.eq_ignore_ascii_case("bearer") {
        return Ok(());
    }
    Err(Error::misuse(format!("the token is of type {:?}, and the engine sends bearer tokens only", token.token_type)))
}

/// Puts the token in; never twice.
fn put(placement: &Placement, token: &Token, request: &mut HttpRequest) -> Result<()> {
    let secret = token.access_token.expose();
    if secret.is_empty() {
        return Err(Error::misuse("the session has no access token: none was asked for at sign-in"));
    }
    match placement.location {
        Location::Header => {
            let (name, value) = header(placement, secret)?;
            request.headers.insert(name, value);
        }
        Location::Query => {
            refuse_second(request.url.query(), placement)?;
            encode::append_query(&mut request.url, &[(placement.name.as_ref(), secret)]);
        }
        Location::Form => append_to_form(placement, secret, request)?,
    }
    Ok(())
}

/// Name and value of the header that carries a token.
pub(crate) fn header(placement: &Placement, token: &str) -> Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(placement.name.as_bytes())
        .map_err(|_| Error::misuse(format!("{:?} is no header name", placement.name)))?;
    let value = match placement.scheme.as_ref() {
        "" => header_value(&placement.name, token),
        "Basic" => header_value(&placement.name, ["Basic ", &STANDARD.encode(format!("{token}:"))].concat()),
        scheme => header_value(&placement.name, [scheme, " ", token].concat()),
    };
    Ok((name, value?))
}

fn append_to_form(placement: &Placement, token: &str, request: &mut HttpRequest) -> Result<()> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let is_form = request.headers.get(CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(FORM.as_bytes()));
    let body = request.body.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).filter(|_| is_form);
    let Some(body) = body else {
        return Err(Error::misuse(
            "the provider takes the access token in a form body, and this request has a body of another kind",
        ));
    };
    refuse_second(Some(body), placement)?;
    let added = encode::form(&[(placement.name.as_ref(), token)]);
    let body = if body.is_empty() { added } else { format!("{body}&{added}") };
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    request.body = Body::from(body);
    Ok(())
}

fn refuse_second(parameters: Option<&str>, placement: &Placement) -> Result<()> {
    let taken =
        encode::parse_form(parameters.unwrap_or_default()).unwrap_or_default().iter().any(|(name, _)| *name == placement.name);
    if taken {
        return Err(Error::misuse(format!(
            "the request has a parameter `{}` already; the engine puts the access token there",
            placement.name
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> HttpRequest {
        HttpRequest::new(http::Method::GET, url.parse().unwrap())
    }

    fn placement(location: Location, name: &'static str, scheme: &'static str) -> Placement {
        Placement { location, name: name.into(), scheme: scheme.into() }
    }

    fn placed(placement: &Placement, request: &mut HttpRequest) -> Result<()> {
        put(placement, &Token::new("t0ken"), request)
    }

    #[test]
    fn in_a_header_with_any_scheme() {
        for (name, scheme, value) in
            [("Authorization", "Bearer", "Bearer t0ken"), ("X-Token", "", "t0ken"), ("Authorization", "Basic", "Basic dDBrZW46")]
        {
            let mut request = request("https://api.example/x");
            placed(&placement(Location::Header, name, scheme), &mut request).unwrap();
            let header = request.headers.get(name).unwrap();
            assert_eq!(header, value);
            assert!(header.is_sensitive());
        }
    }

    #[test]
    fn in_the_query_without_touching_it() {
        let mut request = request("https://api.example/x?projection=(id,name)");
        placed(&placement(Location::Query, "oauth2_access_token", ""), &mut request).unwrap();
        assert_eq!(request.url.as_str(), "https://api.example/x?projection=(id,name)&oauth2_access_token=t0ken");
    }

    #[test]
    fn never_twice() {
        let mut request = request("https://api.example/x?access_token=mine");
        assert!(placed(&placement(Location::Query, "access_token", ""), &mut request).is_err());
    }

    #[test]
    fn in_a_form_and_only_in_a_form() {
        let form = placement(Location::Form, "access_token", "");
        let mut empty = request("https://api.example/x");
        placed(&form, &mut empty).unwrap();
        assert_eq!(empty.body.as_bytes(), Some(&b"access_token=t0ken"[..]));
        let mut json = request("https://api.example/x");
        json.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        json.body = Body::from("{}");
        assert!(placed(&form, &mut json).is_err());
        let mut stream = request("https://api.example/x");
        stream.body = Body::stream(futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"a=1"))]));
        assert!(placed(&form, &mut stream).is_err());
    }
}
