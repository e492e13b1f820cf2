//! Variables that are learned: a shop from the callback, an API host from the token answer.

use grantry_descriptor::model::Value;

use crate::config::{Config, check_value};
use crate::error::{Error, ErrorKind, Result};
use crate::phase::template::Values;

/// Where a value is learned from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Callback,
    Token,
    IdToken,
    Userinfo,
}

/// The variables that a source gives, each checked: it must be one that the variable can take, and the one that the application set.
pub(crate) fn learn(config: &Config, source: Source, values: &Values<'_>) -> Result<Vec<(String, String)>> {
    let mut learned = Vec::new();
    for variable in config.model().variables.iter() {
        let Some(from) = variable.from.as_ref().filter(|from| is_from(from, source)) else { continue };
        let Some(value) = values.value(from)? else { continue };
        check_value(variable, &value).map_err(|error| refused(source, error.to_string()))?;
        if config.setting(&variable.name).is_some_and(|set| set != value) {
            return Err(refused(source, format!("`{}` is another than the one that the application set", variable.name)));
        }
        learned.push((variable.name.to_string(), value.into_owned()));
    }
    Ok(learned)
}

const fn is_from(value: &Value, source: Source) -> bool {
    match value {
        Value::Callback(_) => matches!(source, Source::Callback),
        Value::Token(_) => matches!(source, Source::Token),
        Value::IdToken(_) => matches!(source, Source::IdToken),
        Value::Userinfo(_) => matches!(source, Source::Userinfo),
        _ => false,
    }
}

fn refused(source: Source, message: String) -> Error {
    match source {
        Source::Callback => Error::callback(message),
        _ => Error::new(ErrorKind::InvalidResponse, message),
    }
}
