//! The one function that renders a request shape.

use std::borrow::Cow;

use grantry_descriptor::model::{Authentication, Encoding, Method, Parameter, Request};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::encode::{self, Pair};
use super::template::Values;
use crate::client_authentication;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::hooks::OnRequest;
use crate::http::{Body, HttpRequest, set_header};
use crate::placement;

/// Renders a request: the engine's parameters, authentication, the descriptor's cells, the caller's parameters, in this order.
pub(crate) fn render<'a>(
    shape: &Request,
    url: Url,
    mut pairs: Vec<Pair<'a>>,
    extra: Vec<Pair<'static>>,
    values: &Values<'a>,
) -> Result<HttpRequest> {
    let mut request = HttpRequest::new(method(shape.method), url);
    match shape.authentication {
        Authentication::None => {}
        // The application's own method comes last, when the request is whole.
        _ if own_method(values.config, shape).is_some() => {}
        Authentication::Client => client_authentication::apply(None, &mut pairs, &mut request.headers, values)?,
        Authentication::Method(method) => client_authentication::apply(Some(method), &mut pairs, &mut request.headers, values)?,
        Authentication::AccessToken => {
            let requests = &values.config.model().requests;
            set_parameters(&mut pairs, &requests.parameters, values)?;
            set_headers(&mut request.headers, &requests.headers, values)?;
        }
    }
    set_parameters(&mut pairs, &shape.parameters, values)?;
    override_with(&mut pairs, extra);
    rename(&mut pairs, &shape.names);
    pairs.retain(|(_, value)| !value.is_empty());
    carry(&mut request, shape, &pairs);
    set_headers(&mut request.headers, &shape.headers, values)?;
    if shape.authentication == Authentication::AccessToken {
        let token = values.token.ok_or_else(|| Error::misuse("there is no access token"))?;
        placement::place(values.config, token, &mut request)?;
    }
    Ok(request)
}

/// The application's own method, where the client proves itself by this request: also where the descriptor names a method.
pub(crate) fn own_method<'c>(config: &'c Config, shape: &Request) -> Option<&'c OnRequest> {
    let is_clients = matches!(shape.authentication, Authentication::Client | Authentication::Method(_));
    config.own_method.as_ref().filter(|_| is_clients)
}

/// Sets and drops what the descriptor says, in place where the parameter is there already.
pub(crate) fn set_parameters(pairs: &mut Vec<Pair<'_>>, parameters: &[Parameter], values: &Values<'_>) -> Result<()> {
    for parameter in parameters {
        let value = match &parameter.value {
            Some(template) => values.text(template)?,
            None => None,
        };
        let at = pairs.iter().position(|(name, _)| *name == parameter.name);
        match (value, at.and_then(|at| pairs.get_mut(at))) {
            (Some(value), Some(pair)) => pair.1 = value.into(),
            (Some(value), None) => pairs.push((parameter.name.clone(), value.into())),
            (None, _) => pairs.retain(|(name, _)| *name != parameter.name),
        }
    }
    Ok(())
}

/// The descriptor's headers; one whose template names something that is not there is left out.
pub(crate) fn set_headers(
    headers: &mut HeaderMap,
    templates: &[(Cow<'static, str>, grantry_descriptor::model::Template)],
    values: &Values<'_>,
) -> Result<()> {
    for (name, template) in templates {
        if let Some(value) = values.text(template)? {
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::misuse(format!("{name:?} is no header name")))?;
            set_header(headers, header, header_value(name, &value)?);
        }
    }
    Ok(())
}

/// The caller's parameters: they replace others of their name, and may repeat.
pub(crate) fn override_with(pairs: &mut Vec<Pair<'_>>, extra: Vec<Pair<'static>>) {
    if !extra.is_empty() {
        pairs.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        pairs.extend(extra);
    }
}

/// Puts the provider's names in place of the standard ones.
pub(crate) fn rename(pairs: &mut [Pair<'_>], names: &[(Cow<'static, str>, Cow<'static, str>)]) {
    for (name, _) in pairs {
        if let Some((_, provider)) = names.iter().find(|(standard, _)| standard == name) {
            *name = provider.clone();
        }
    }
}

/// Puts the parameters where the encoding says.
fn carry(request: &mut HttpRequest, shape: &Request, pairs: &[Pair<'_>]) {
    match shape.encoding {
        _ if shape.method == Method::Get => encode::append_query(&mut request.url, pairs),
        Encoding::Query => encode::append_query(&mut request.url, pairs),
        _ if pairs.is_empty() => {}
        Encoding::Form => {
            set_body(request, const { HeaderValue::from_static("application/x-www-form-urlencoded") }, encode::form(pairs));
        }
        Encoding::Json => set_body(request, const { HeaderValue::from_static("application/json") }, encode::json(pairs)),
    }
}

fn set_body(request: &mut HttpRequest, media_type: HeaderValue, body: String) {
    set_header(&mut request.headers, CONTENT_TYPE, media_type);
    request.body = Body::from(body);
}

/// A header's value, marked sensitive: it may hold a secret.
pub(crate) fn header_value(name: &str, value: impl TryInto<HeaderValue>) -> Result<HeaderValue> {
    let mut value = value
        .try_into()
        .map_err(|_| Error::misuse(format!("the value of the header {name} has characters that no header can hold")))?;
    value.set_sensitive(true);
    Ok(value)
}

const fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}
