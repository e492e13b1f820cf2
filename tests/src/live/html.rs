//! As much of HTML as sign-in pages have: forms, inputs, buttons, links.

use std::collections::BTreeMap;

/// The attributes of a tag.
pub(super) type Attributes = BTreeMap<String, String>;

/// A form, and the buttons of the page that submit it.
pub(super) struct Form {
    pub(super) action: String,
    pub(super) inputs: Vec<Attributes>,
    pub(super) buttons: Vec<Attributes>,
}

impl Form {
    /// The first form of a page.
    pub(super) fn first(page: &str) -> Option<Self> {
        let head = tags(page, "form").next()?;
        let (_, rest) = page.split_once("<form")?;
        let (content, _) = rest.split_once("</form>")?;
        let id = head.get("id").filter(|id| !id.is_empty());
        let within = tags(content, "button");
        let outside = tags(page, "button").filter(|button| id.is_some() && button.get("form") == id);
        Some(Self {
            action: head.get("action").cloned().unwrap_or_default(),
            inputs: tags(content, "input").collect(),
            buttons: within.chain(outside).collect(),
        })
    }
}

/// Where the links of a page lead.
pub(super) fn links(page: &str) -> impl Iterator<Item = String> {
    tags(page, "a").filter_map(|mut link| link.remove("href"))
}

/// What people read on a page.
pub(super) fn text(page: &str) -> String {
    let body = page.split_once("</head>").map_or(page, |(_, body)| body);
    let words = body.split('<').flat_map(|part| part.split_once('>').map_or(part, |(_, text)| text).split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

/// The attributes of every tag of that name.
fn tags<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = Attributes> + 'a {
    html.split('<').skip(1).filter_map(move |part| {
        let tag = part.strip_prefix(name)?.split('>').next()?;
        (tag.is_empty() || tag.starts_with(char::is_whitespace)).then(|| attributes(tag))
    })
}

fn attributes(tag: &str) -> Attributes {
    let mut attributes = Attributes::new();
    let mut rest = tag.trim_matches(['/', ' ', '\n', '\r', '\t']);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        attributes.insert(name.to_ascii_lowercase(), unescape(value));
        rest = after.trim_start();
    }
    attributes
}

/// A value at the beginning of a text, and what stands after it.
fn value(text: &str) -> (&str, &str) {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split_once(quote).unwrap_or((&text[1..], "")),
        _ => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    }
}

fn unescape(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{Form, links, text};

    #[test]
    fn a_form_has_the_buttons_inside_and_those_that_name_it() {
        let page = "<h1>x</h1><form id=\"f\" method=post action='/a?b=1&amp;c'><input type=\"hidden\" name=\"n\" value=\"&quot;v&quot;\"/>\
                    <input required name=login><button>go</button></form><button form=\"f\" name=\"abort\" value=yes>x</button>\
                    <button form=\"g\">y</button><a href=\"/away\">z</a><abbr href=\"/no\">";
        let form = Form::first(page).unwrap();
        assert_eq!(form.action, "/a?b=1&c");
        assert_eq!(form.inputs.iter().map(|input| input["name"].as_str()).collect::<Vec<_>>(), ["n", "login"]);
        assert_eq!(form.inputs[0]["value"], "\"v\"");
        assert!(form.inputs[1].contains_key("required"));
        assert_eq!(form.buttons.len(), 2);
        assert_eq!((form.buttons[1]["name"].as_str(), form.buttons[1]["value"].as_str()), ("abort", "yes"));
        assert_eq!(links(page).collect::<Vec<_>>(), ["/away"]);
        assert!(Form::first("<p>no form</p>").is_none());
    }
    #[test]
    fn the_text_of_a_page() {
        assert_eq!(text("<head><style>p {}</style></head><body><h1>a  b</h1>\n<p class=\"x\">c</p></body>"), "a b c");
        assert_eq!(text("plain"), "plain");
    }
}
