//! Commands on quotas.

use super::session::Session;
use crate::client::{Column, encode};
use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

const QUOTAS: &[Column] = &[("QUOTA", "name"), ("USED", "used"), ("ALLOWED", "allowed")];

const PROJECT_QUOTAS: &[Column] =
    &[("QUOTA", "name"), ("USED", "used"), ("ALLOWED", "allowed"), ("TENANT USES", "tenant_used"), ("TENANT MAY", "tenant_allowed")];

/// On quotas.
#[derive(Subcommand)]
pub(crate) enum QuotaCommand {
    /// List what the tenant, or with `--project` the project, has and may have
    List,
    /// Say how much the tenant may have (administrators of the platform), or with `--project` the project (administrators
    /// of the tenant)
    Set {
        /// `storage_bytes`, `jobs`, `instances`, `slots`, `memory_bytes`, `fuel_per_second`, `uploads`
        quota: String,
        /// A number, for bytes also with KiB, MiB, GiB or TiB behind it; for a project also `unlimited`: as much as the tenant
        allowed: String,
    },
}

pub(crate) async fn run(session: &Session, command: QuotaCommand) -> anyhow::Result<()> {
    let of_project = session.project_name().is_ok();
    let quotas = if of_project { format!("{}/quotas", session.project()?) } else { format!("{}/quotas", session.tenant()?) };
    match command {
        QuotaCommand::List => {
            let found = session.client.get(&quotas).await?;
            let columns = if of_project { PROJECT_QUOTAS } else { QUOTAS };
            session.output.list(found["items"].as_array().map_or(&[], Vec::as_slice), columns);
        }
        QuotaCommand::Set { quota, allowed } => {
            let allowed = if of_project && allowed == "unlimited" { Value::Null } else { amount(&allowed)?.into() };
            let set = session.client.put(&format!("{quotas}/{}", encode(&quota)), &json!({ "allowed": allowed }), None).await?;
            let text = |name: &str| set.get(name).map(Value::to_string).unwrap_or_default();
            session.output.done(&format!("`{quota}`: {} of {} used", text("used"), text("allowed")), &set);
        }
    }
    Ok(())
}

/// `2GiB`, `500 MiB`, `1000`.
fn amount(text: &str) -> anyhow::Result<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let shift = match text.get(digits.len()..).unwrap_or_default().trim() {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        unit => anyhow::bail!("`{text}`: the unit is `{unit}`, expected KiB, MiB, GiB, TiB or none"),
    };
    let number: i64 = digits.parse().with_context(|| format!("`{text}`: expected a number such as 2GiB"))?;
    number.checked_mul(1 << shift).with_context(|| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_have_units() {
        assert_eq!(amount("1000").unwrap(), 1000);
        assert_eq!(amount("2GiB").unwrap(), 2 << 30);
        assert_eq!(amount("500 MiB").unwrap(), 500 << 20);
        assert!(amount("5 GB").unwrap_err().to_string().contains("the unit is `GB`"));
        assert!(amount("many").is_err() && amount("9999999999TiB").is_err());
    }
}
