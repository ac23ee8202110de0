//! Commands on approvals: the inbox and decisions.

use super::session::Session;
use crate::client::encode;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List requests; those that wait for a decision of the caller's unless said otherwise
    List {
        /// Which
        #[arg(long, value_enum, default_value_t = View::Waiting)]
        view: View,
        /// Only of this kind: table_publish, database_publish, table_permission, …
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// Only about test or production
        #[arg(long, value_name = "ENVIRONMENT")]
        environment: Option<String>,
        /// Only in this state: pending, approved, rejected, withdrawn, expired
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only those of which half the time is over
        #[arg(long)]
        due_soon: bool,
    },
    /// How many wait, how many of them soon expire, and how many of one's own have
    Count,
    /// Show a request with its history
    Show {
        /// Request number or id
        request: String,
    },
    /// Agree
    Approve(Decision),
    /// Do not agree
    Reject(Decision),
    /// Take back a request of one's own
    Withdraw(Decision),
}

#[derive(clap::Args)]
pub(crate) struct Decision {
    /// Request number or id
    request: String,
    /// What to say to it; needed to reject
    #[arg(long, short = 'm', default_value = "", value_name = "TEXT")]
    opinion: String,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum View {
    /// To be decided by the caller
    Waiting,
    /// Decided by the caller
    Decided,
    /// Asked for by the caller
    Requested,
    /// All that the caller may see
    All,
}

pub(crate) async fn run(session: &Session, command: ApprovalsCommand) -> anyhow::Result<()> {
    let approvals = format!("{}/approvals", session.tenant()?);
    match command {
        ApprovalsCommand::Count => {
            let counts = session.client.get(&format!("{}/approval-counts", session.tenant()?)).await?;
            session.output.item(&counts);
        }
        ApprovalsCommand::List { view, kind, environment, state, due_soon } => {
            let mut filters = Vec::new();
            match view {
                View::Waiting => filters.push("view=waiting_for_me".to_owned()),
                View::Decided => filters.push("view=decided_by_me".to_owned()),
                View::Requested => filters.push("view=requested_by_me".to_owned()),
                View::All => {}
            }
            filters.extend(kind.map(|kind| format!("kind={}", encode(&kind))));
            filters.extend(environment.map(|environment| format!("environment={}", encode(&environment))));
            filters.extend(state.map(|state| format!("state={}", encode(&state))));
            filters.extend(due_soon.then(|| "reminded=true".to_owned()));
            let mut listed = session.client.list(&format!("{approvals}?{}", filters.join("&"))).await?;
            say_for_whom(session, &mut listed).await?;
            let columns = [
                ("NUMBER", "number"),
                ("KIND", "kind"),
                ("SUBJECT", "subject_name"),
                ("ENVIRONMENT", "environment"),
                ("FOR", "for"),
                ("APPLICANT", "applicant_name"),
                ("STATE", "state"),
                ("YOU CAN", "allowed_actions"),
                ("REASON", "reason"),
            ];
            session.output.list(&listed, &columns);
        }
        ApprovalsCommand::Show { request } => {
            session.output.item(&session.client.get(&format!("{approvals}/{}", encode(&request))).await?);
        }
        ApprovalsCommand::Approve(decision) => decide(session, &approvals, "approve", decision).await?,
        ApprovalsCommand::Reject(decision) => decide(session, &approvals, "reject", decision).await?,
        ApprovalsCommand::Withdraw(decision) => decide(session, &approvals, "withdraw", decision).await?,
    }
    Ok(())
}

/// Tells requests of a project and of a person apart.
async fn say_for_whom(session: &Session, requests: &mut [Value]) -> anyhow::Result<()> {
    let is_of_project = |request: &Value| request["for_project"].is_string();
    // Who may not list the projects sees their ids.
    let projects = match requests.iter().any(is_of_project) {
        true => session.client.list(&format!("{}/projects", session.tenant()?)).await.unwrap_or_default(),
        false => Vec::new(),
    };
    for request in requests {
        let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
        let told = if is_of_project(request) {
            let id = text("for_project");
            let found = projects.iter().find(|project| project["id"] == id.as_str());
            format!("project {}", found.and_then(|project| project["name"].as_str()).unwrap_or(&id))
        } else {
            format!("person {}", text("applicant_name"))
        };
        request["for"] = told.into();
    }
    Ok(())
}

async fn decide(session: &Session, approvals: &str, what: &str, decision: Decision) -> anyhow::Result<()> {
    let path = format!("{approvals}/{}/{what}", encode(&decision.request));
    let ended = session.client.post(&path, &json!({"opinion": decision.opinion})).await?;
    let state = ended["state"].as_str().unwrap_or_default();
    session.output.done(&format!("request {} is {state}", decision.request), &ended);
    Ok(())
}
