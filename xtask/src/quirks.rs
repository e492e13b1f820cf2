//! `cargo xtask quirks [id]`.

use grantry_descriptor::Descriptor;

use crate::{Failure, workspace};

/// Prints where the providers depart from the standards.
pub(crate) fn run(id: Option<&str>) -> Result<(), Failure> {
    let ids = match id {
        Some(id) => vec![known(id)?],
        None => workspace::ids()?,
    };
    for id in ids {
        let text = workspace::read(&workspace::descriptor(&id))?;
        let descriptor = Descriptor::from_yaml(&text, &format!("{id}.yaml")).map_err(|problems| problems.to_string())?;
        println!("{} ({id})", descriptor.name());
        for deviation in descriptor.deviations() {
            println!("  {deviation}  [{}]", deviation.standard);
        }
    }
    Ok(())
}

/// The id, if the catalog has it.
pub(crate) fn known(id: &str) -> Result<String, Failure> {
    let ids = workspace::ids()?;
    match ids.iter().any(|known| known == id) {
        true => Ok(id.to_owned()),
        false => Err(Failure::Usage(format!("the catalog has no provider `{id}`; it has: {}", ids.join(", ")))),
    }
}
