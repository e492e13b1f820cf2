//! The YAML front end: text -> tree -> checked, resolved model.
