//! The same service account from the catalog: Google's key file is all that it needs.

use std::error::Error;

use grantry::google::{self, Scope, ServiceAccount};

/// The account of a key file, for one scope.
pub fn with_scope(account: ServiceAccount) -> ServiceAccount {
    account.scopes([Scope::from("https://www.googleapis.com/auth/analytics.readonly")])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let session: google::Session = with_scope(ServiceAccount::from_file("MyProject-1234.json")?).session()?;
    println!("{}", session.get("analytics/v3/management/accounts").await?.text().await?);
    Ok(())
}
