//! What the client of a well-known Python library does, row by row, and what Grantry does: `rows.txt` lists the rows, and
//! `cargo xtask score authlib` counts them. Each test names its rows in a comment `// rows: 1, 2` above it, five at most.
//! `same`: as described; `improved`: as the description advises; `different`: otherwise, on purpose; `framework`: about web frameworks only.

mod common;
mod sign_in;

mod assertion_session;
mod authorization_url;
mod callback;
mod client_assertion;
mod client_authentication;
mod discovery;
mod forged;
mod hooks;
mod id_token;
mod logout;
mod metadata;
mod peers;
mod processes;
mod protected_request;
mod refresh;
mod registry;
mod revocation;
mod signing;
mod state;
mod token_request;
mod token_response;
mod urls;
mod userinfo;
