//! Renders what the fixture answers.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::record::Sent;
use super::values::{Captured, Values, callback_signature};
use crate::fixture::{Answer, Application, Callback, CallbackMode, Response};

/// A response, and the values that the emulator made for it, by name.
pub(super) struct Reply {
    pub(super) sent: Sent,
    pub(super) secrets: Vec<(String, String)>,
}

/// The fixture's response in this conversation.
pub(super) fn reply(
    exchange: &str,
    response: &Response,
    application: &Application,
    captured: &Captured,
) -> Result<Reply, String> {
    let values = Values::new(application, captured);
    match response {
        Response::Callback(callback) => {
            let uri = match exchange {
                "end_session" => &application.post_logout_redirect_uri,
                _ => &application.redirect_uri,
            };
            let uri = uri.as_ref().ok_or("the application has no URI to come back to")?;
            Ok(call_back(callback, uri, &values))
        }
        Response::Answer(content) => answer(content, values),
    }
}

/// The refusal of a request.
pub(super) fn refusal(reasons: &[String]) -> Sent {
    let list: Vec<String> = reasons.iter().map(|reason| format!("- {reason}\n")).collect();
    let body = format!("The emulator refuses this request:\n{}", list.concat());
    Sent { status: 418, headers: vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())], body }
}

fn answer(answer: &Answer, mut values: Values<'_>) -> Result<Reply, String> {
    values.id_token = answer.id_token.as_ref().map(|id_token| values.sign(id_token)).transpose()?;
    let content_type = answer.content_type.iter().map(|value| ("content-type".to_owned(), value.clone()));
    let headers = answer.headers.iter().filter_map(|(name, text)| Some((name.to_lowercase(), values.render(text)?)));
    let headers = content_type.chain(headers).collect();
    let body = values.render(&answer.body).ok_or("the body names a value that the authorization request did not carry")?;
    let secrets = values.id_token.take().map(|id_token| ("id_token".to_owned(), id_token));
    Ok(Reply { sent: Sent { status: answer.status, headers, body }, secrets: secrets.into_iter().collect() })
}

fn call_back(callback: &Callback, uri: &str, values: &Values<'_>) -> Reply {
    let mut parameters: Vec<(String, String)> =
        callback.parameters.iter().filter_map(|(name, text)| Some((name.to_owned(), values.render(text)?))).collect();
    let signature =
        callback.signature.as_ref().map(|name| (name.clone(), callback_signature(&parameters, values.client_secret())));
    parameters.extend(signature.clone());
    let code = parameters.iter().filter(|(name, _)| name == "code").cloned();
    let secrets = signature.into_iter().chain(code).collect();
    let sent = match callback.mode {
        CallbackMode::Query => {
            let location = with_query(uri, &parameters);
            Sent { status: 302, headers: vec![("location".to_owned(), location)], body: String::new() }
        }
        CallbackMode::FormPost => {
            let headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
            Sent { status: 200, headers, body: form_post(uri, &parameters) }
        }
    };
    Reply { sent, secrets }
}

fn with_query(redirect_uri: &str, parameters: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}{}", pairs.join("&"))
}

/// OAuth 2.0 Form Post Response Mode, section 2.
fn form_post(redirect_uri: &str, parameters: &[(String, String)]) -> String {
    let input = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\"/>\n", escape(name), escape(value))
    };
    let inputs: String = parameters.iter().map(input).collect();
    format!(
        "<html><body onload=\"document.forms[0].submit()\">\n<form method=\"post\" action=\"{}\">\n{inputs}</form>\n</body></html>\n",
        escape(redirect_uri)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
