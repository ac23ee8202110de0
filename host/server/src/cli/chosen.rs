//! Which instance a command means that is given the name of a job.
//!
//! Invariant: what changes an instance never guesses: it takes the only one that it can mean, or refuses and names those that
//! there are. What runs in production is touched only when that is said.

use super::{paths, session::Session};
use crate::client::encode;
use anyhow::{Context, bail};
use serde_json::Value;
use std::{collections::HashMap, fmt::Write};

/// Whether `instance` runs, or is on its way to or from it.
pub(crate) fn is_active(instance: &Value) -> bool {
    matches!(text(instance, "state"), "starting" | "running" | "restarting" | "stopping")
}

/// The instances of a job, newest first.
pub(crate) async fn instances_of(session: &Session, project: &str, job: &str) -> anyhow::Result<Vec<Value>> {
    Ok(session.client.list(&format!("{project}/instances?job={}", encode(job))).await?)
}

/// Path of the instance of this id; for the name of a job, of the one that runs or else of the newest. For commands that only
/// look.
pub(crate) async fn to_look_at(session: &Session, project: &str, name: &str) -> anyhow::Result<String> {
    if name.starts_with("ins_") {
        return Ok(paths::below(project, "instances", name));
    }
    let there = instances_of(session, project, name).await?;
    let chosen = there.iter().find(|i| is_active(i)).or_else(|| there.first());
    let chosen = chosen.with_context(|| format!("job `{name}` has no instance; next: millrace instance start {name}"))?;
    if there.iter().filter(|i| is_active(i)).count() > 1 {
        // For people, beside the answer.
        eprintln!("job `{name}` has several instances that run; this is {} `{}`", text(chosen, "kind"), text(chosen, "id"));
    }
    Ok(paths::below(project, "instances", text(chosen, "id")))
}

/// Path of the instance of this id; for the name of a job, of the only one that runs.
///
/// # Errors
/// None runs, several do, or the only one is in production and `production` does not say that it may be.
pub(crate) async fn to_change(session: &Session, project: &str, name: &str, production: bool) -> anyhow::Result<String> {
    if name.starts_with("ins_") {
        return Ok(paths::below(project, "instances", name));
    }
    let there = instances_of(session, project, name).await?;
    let id = only_active(name, &there, production)?;
    Ok(paths::below(project, "instances", id))
}

fn only_active<'a>(job: &str, there: &'a [Value], production: bool) -> anyhow::Result<&'a str> {
    let wanted = |instance: &&Value| is_active(instance) && (!production || text(instance, "kind") == "production");
    let active: Vec<&Value> = there.iter().filter(wanted).collect();
    match *active.as_slice() {
        [] => {
            let which = if production { "production instance" } else { "instance" };
            match there.first() {
                None => bail!("job `{job}` has no instance; next: millrace instance start {job}"),
                Some(newest) => {
                    bail!("no {which} of job `{job}` runs; the newest instance `{}` is {}", text(newest, "id"), text(newest, "state"))
                }
            }
        }
        [only] if text(only, "kind") == "production" && !production => bail!(
            "the only instance of job `{job}` that runs is in production: `{}`\n  next: give its id, or --production, if you mean it",
            text(only, "id")
        ),
        [only] => Ok(text(only, "id")),
        _ => {
            let mut list = String::new();
            for instance in &active {
                // Writing to a string cannot fail.
                let _ = write!(list, "\n  {}  {}  {}", text(instance, "id"), text(instance, "kind"), text(instance, "state"));
            }
            bail!("job `{job}` has {} instances that run:{list}\n  next: give the id of the one that you mean", active.len())
        }
    }
}

/// Adds the names of jobs to instances that have their ids.
pub(crate) async fn with_job_names(session: &Session, project: &str, instances: &mut [Value]) -> anyhow::Result<()> {
    let jobs = session.client.list(&format!("{project}/jobs")).await?;
    let names: HashMap<&str, &str> = jobs.iter().map(|job| (text(job, "id"), text(job, "name"))).collect();
    for instance in instances {
        // A removed job has no name any more.
        let name = names.get(text(instance, "job")).copied().unwrap_or(text(instance, "job")).to_owned();
        instance["job_name"] = name.into();
    }
    Ok(())
}

/// The savepoints of an instance, or of all instances of a job: newest first, each with its instance.
pub(crate) async fn savepoints(session: &Session, project: &str, name: &str) -> anyhow::Result<Vec<Value>> {
    let instances = if name.starts_with("ins_") {
        vec![name.to_owned()]
    } else {
        let there = instances_of(session, project, name).await?;
        // One that was never started has none.
        there.iter().filter(|i| i["run"].as_i64() != Some(0)).map(|i| text(i, "id").to_owned()).collect()
    };
    let mut found = Vec::new();
    for id in instances {
        let mut of_one = session.client.list(&format!("{}/savepoints", paths::below(project, "instances", &id))).await?;
        for savepoint in &mut of_one {
            savepoint["instance"] = id.as_str().into();
        }
        found.extend(of_one);
    }
    // Ids are ordered by time.
    found.sort_by(|a, b| text(b, "id").cmp(text(a, "id")));
    Ok(found)
}

/// Path of the instance that has taken a savepoint.
pub(crate) async fn owner_of(session: &Session, project: &str, name: &str, savepoint: &str) -> anyhow::Result<String> {
    if name.starts_with("ins_") {
        return Ok(paths::below(project, "instances", name));
    }
    let there = savepoints(session, project, name).await?;
    let found = there.iter().find(|s| text(s, "id") == savepoint);
    let found =
        found.with_context(|| format!("no instance of job `{name}` has a savepoint `{savepoint}`; see: millrace savepoint list {name}"))?;
    Ok(paths::below(project, "instances", text(found, "instance")))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_only_active_one_is_meant_and_production_only_when_it_is_said() {
        let made = |id: &str, kind: &str, state: &str| json!({ "id": id, "kind": kind, "state": state });
        let [old, test, other, live] = [
            made("ins_old", "test", "stopped"),
            made("ins_test", "test", "running"),
            made("ins_other", "test", "restarting"),
            made("ins_live", "production", "running"),
        ];
        type Expected<'a> = Result<&'a str, &'a [&'a str]>;
        let cases: &[(&[&Value], bool, Expected<'_>)] = &[
            (&[&old, &test], false, Ok("ins_test")),
            (&[&live, &old], true, Ok("ins_live")),
            (&[&live, &old, &test], true, Ok("ins_live")),
            (&[&live, &old], false, Err(&["in production: `ins_live`", "--production"])),
            (
                &[&live, &test],
                false,
                Err(&["2 instances that run", "ins_live  production  running", "ins_test  test  running", "give the id"]),
            ),
            (&[&test, &other], false, Err(&["2 instances that run", "ins_other  test  restarting"])),
            (&[&old], false, Err(&["no instance of job `job` runs", "`ins_old` is stopped"])),
            (&[&test], true, Err(&["no production instance of job `job` runs"])),
            (&[], false, Err(&["has no instance", "instance start job"])),
        ];
        for (there, production, expected) in cases {
            let there: Vec<Value> = there.iter().map(|i| (*i).clone()).collect();
            match (only_active("job", &there, *production), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, *expected),
                (Err(error), Err(parts)) => {
                    for part in *parts {
                        assert!(error.to_string().contains(part), "{error}: {part}");
                    }
                }
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }
}
