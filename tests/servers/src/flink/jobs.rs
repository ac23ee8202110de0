//! What the cluster says about its jobs (REST, version 1).

use super::{FlinkCluster, error, failed};
use crate::{ServerError, http};
use serde_json::Value;

impl FlinkCluster {
    /// State of a job: `RUNNING`, `FINISHED`, `FAILED`, …
    ///
    /// # Errors
    /// A cluster that does not answer, or knows no such job.
    pub fn job_state(&self, job: &str) -> Result<String, ServerError> {
        let answer = self.ask(&format!("/jobs/{job}"))?;
        answer["state"].as_str().map(str::to_owned).ok_or_else(|| error(format!("job {job} has no state: {answer}")))
    }

    /// Records that a job has read, on average over its sources; a tenth of a second old at most.
    ///
    /// # Errors
    /// A cluster that does not answer, or knows no such job.
    pub fn records_read(&self, job: &str) -> Result<f64, ServerError> {
        let answer = self.ask(&format!("/jobs/{job}"))?;
        let vertices = answer["vertices"].as_array().map_or(&[][..], Vec::as_slice);
        let sources = vertices.iter().filter(|vertex| vertex["name"].as_str().is_some_and(|name| name.starts_with("Source:")));
        let (mut count, mut records) = (0.0_f64, 0.0);
        for id in sources.filter_map(|vertex| vertex["id"].as_str()) {
            count += 1.0;
            let metrics = format!("/jobs/{job}/vertices/{id}/subtasks/metrics");
            let known = self.ask(&metrics)?;
            let known = known.as_array().map_or(&[][..], Vec::as_slice);
            let is_wanted = |id: &&str| id.starts_with("Source__") && id.ends_with(".numRecordsIn");
            // Not there before the source has started.
            let Some(name) = known.iter().filter_map(|metric| metric["id"].as_str()).find(is_wanted) else { continue };
            let values = self.ask(&format!("{metrics}?get={name}&agg=sum"))?;
            records += values[0]["sum"].as_f64().unwrap_or_default();
        }
        Ok(records / count.max(1.0))
    }

    /// What brought a job down, as far as Flink says it.
    ///
    /// # Errors
    /// A cluster that does not answer, or knows no such job.
    pub fn job_failure(&self, job: &str) -> Result<String, ServerError> {
        let answer = self.ask(&format!("/jobs/{job}/exceptions"))?;
        let text = answer["exceptionHistory"]["entries"][0]["stacktrace"].as_str().unwrap_or("no reason given");
        Ok(text.lines().filter(|line| !line.trim_start().starts_with("at ")).collect::<Vec<_>>().join("\n"))
    }

    fn ask(&self, path: &str) -> Result<Value, ServerError> {
        let (status, body) = http::request(self.ports.rest, "GET", path, "").map_err(failed("ask the cluster"))?;
        if status >= 300 {
            return Err(error(format!("GET {path} is answered with {status}: {body}")));
        }
        serde_json::from_str(&body).map_err(|e| error(format!("GET {path} is answered with {body}: {e}")))
    }
}
