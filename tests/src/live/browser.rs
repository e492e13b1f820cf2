//! The user and the browser: follows redirects, keeps cookies, fills in forms.

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use url::{Url, form_urlencoded};

use super::Failure;
use super::html::{Attributes, Form, links, text};

/// Most pages and redirects on the way to where the browser stops.
const MAX_HOPS: usize = 20;

/// Where the browser stops.
#[derive(Debug)]
pub(super) enum Landed {
    /// Another site was to be called: the application's.
    Away(Url),
    /// A form was to be posted to another site: its body.
    Posted(String),
    /// A page without a form, or one that tells of an error: its status and text.
    Page(String),
}

/// What the user decides where there is a choice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Allow,
    Deny,
}

/// A browser with its cookies.
pub(super) struct Browser {
    http: reqwest::Client,
    cookies: Vec<Cookie>,
}

struct Cookie {
    path: String,
    name: String,
    value: String,
}

/// What is called next.
struct Step {
    url: Url,
    /// The form that is posted.
    form: Option<String>,
    /// Whether it tells that the user denies: whatever page comes then is the last one.
    is_denial: bool,
}

impl Browser {
    /// A browser that was nowhere yet.
    pub(super) fn new() -> Result<Self, Failure> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { http, cookies: Vec::new() })
    }

    /// Opens a URL and goes on, form by form, until it leads away or there is nothing left to do. `typed` are the texts of the user
    /// by the name of their field.
    pub(super) async fn open(&mut self, url: &Url, typed: &[(&str, &str)], decision: Decision) -> Result<Landed, Failure> {
        let mut step = Step { url: url.clone(), form: None, is_denial: false };
        for _ in 0..MAX_HOPS {
            let (here, is_denied) = (step.url.clone(), step.is_denial);
            let (status, headers, page) = self.call(step).await?;
            if let Some(location) = headers.get(LOCATION).filter(|_| (300..400).contains(&status)) {
                let there = here.join(location.to_str()?)?;
                if there.origin() != here.origin() {
                    return Ok(Landed::Away(there));
                }
                step = Step { url: there, form: None, is_denial: is_denied };
                continue;
            }
            let Some(form) = Form::first(&page).filter(|_| status < 400 && !is_denied) else {
                return Ok(Landed::Page(format!("HTTP {status}: {}", text(&page))));
            };
            let action = here.join(&form.action)?;
            let (body, is_denial) = filled_in(&form, typed, decision);
            if action.origin() != here.origin() {
                return Ok(Landed::Posted(body));
            }
            let way_out = links(&page).find(|link| decision == Decision::Deny && link.ends_with("/abort"));
            step = match way_out {
                Some(link) => Step { url: here.join(&link)?, form: None, is_denial: true },
                None => Step { url: action, form: Some(body), is_denial },
            };
        }
        Err(format!("{MAX_HOPS} pages, and no end").into())
    }

    /// What stands at a URL.
    pub(super) async fn read(&mut self, url: &str) -> Result<String, Failure> {
        Ok(self.call(Step { url: url.parse()?, form: None, is_denial: false }).await?.2)
    }

    async fn call(&mut self, step: Step) -> Result<(u16, HeaderMap, String), Failure> {
        let path = step.url.path().to_owned();
        let request = match step.form {
            None => self.http.get(step.url),
            Some(form) => self.http.post(step.url).header("content-type", "application/x-www-form-urlencoded").body(form),
        };
        let response = request.header(COOKIE, self.cookies_for(&path)).send().await?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            self.keep(cookie.to_str()?);
        }
        Ok((response.status().as_u16(), response.headers().clone(), response.text().await?))
    }

    fn cookies_for(&self, path: &str) -> String {
        let fits = |cookie: &&Cookie| {
            path.strip_prefix(&cookie.path)
                .is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/'))
        };
        let pairs: Vec<String> =
            self.cookies.iter().filter(fits).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        pairs.join("; ")
    }

    /// Keeps a cookie, or forgets it: the server deletes one by emptying it.
    fn keep(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let path = parts.find_map(|part| part.strip_prefix("path=")).unwrap_or("/");
        self.cookies.retain(|known| (known.path.as_str(), known.name.as_str()) != (path, name));
        if !value.is_empty() {
            self.cookies.push(Cookie { path: path.to_owned(), name: name.to_owned(), value: value.to_owned() });
        }
    }
}

/// The body of a form: what the user types, what is there already, and the button. Whether that denies.
fn filled_in(form: &Form, typed: &[(&str, &str)], decision: Decision) -> (String, bool) {
    let name = |tag: &Attributes| tag.get("name").filter(|name| !name.is_empty()).cloned();
    let value = |tag: &Attributes| tag.get("value").cloned().unwrap_or_default();
    let mut body = form_urlencoded::Serializer::new(String::new());
    for input in &form.inputs {
        let Some(name) = name(input) else { continue };
        let typed = typed.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        body.append_pair(&name, &typed.unwrap_or_else(|| value(input)));
    }
    let denies = |button: &Attributes| button.get("name").is_some_and(|name| name == "abort");
    let button = form.buttons.iter().find(|button| denies(button) == (decision == Decision::Deny));
    if let Some((name, button)) = button.and_then(|button| Some((name(button)?, button))) {
        body.append_pair(&name, &value(button));
    }
    (body.finish(), button.is_some_and(denies))
}
