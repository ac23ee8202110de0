//! HiveServer2 with a metastore in memory, on local files.

use crate::{
    ServerError, cache,
    hbase::OPENED,
    port::free_ports,
    spawned::{Place, Spawned, listens},
};
use std::{fs, path::PathBuf, process::Command, time::Duration};

const SERVER: &str = "hive";
const VERSION: &str = "4.0.1";
const READY_MAX: Duration = Duration::from_secs(240);
const LOG4J: &str = "log4j.rootLogger=WARN,c\nlog4j.appender.c=org.apache.log4j.ConsoleAppender\n\
                     log4j.appender.c.layout=org.apache.log4j.PatternLayout\nlog4j.appender.c.layout.ConversionPattern=%p %c{1}: %m%n\n";

/// A server.
pub struct HiveServer {
    port: u16,
    _server: Spawned,
}

impl HiveServer {
    /// Starts a server that takes every user, and waits until it listens. The first start on a machine downloads its jars.
    ///
    /// # Errors
    /// No JDK or Maven, no registry, or a server that does not listen within four minutes.
    pub fn start() -> Result<Self, ServerError> {
        let jars = jars()?;
        let place = Place::make(SERVER)?;
        let [port] = free_ports().map_err(place.failed("find a free port"))?;
        place.write("log4j.properties", LOG4J)?;
        place.write("hive-site.xml", &site(&place, port))?;
        let mut classes = place.path().as_os_str().to_owned();
        classes.push(":");
        classes.push(jars.join("*"));
        let mut command = Command::new("java");
        command.arg("-Xmx768m").args(OPENED.iter().flat_map(|opened| ["--add-opens".to_owned(), format!("{opened}=ALL-UNNAMED")]));
        command.arg(format!("-Dderby.stream.error.file={}", place.path().join("derby.log").display()));
        command.arg("-cp").arg(classes).arg("org.apache.hive.service.server.HiveServer2").current_dir(place.path());
        Ok(Self { port, _server: place.start(command, READY_MAX, || listens(port))? })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn jars() -> Result<PathBuf, ServerError> {
    let failed = |e: std::io::Error| ServerError { server: SERVER, message: format!("cannot sort the jars: {e}") };
    cache::folder(SERVER, &format!("hive-{VERSION}"), |work| {
        let jars = work.join("jars");
        let pom = work.join("pom.xml");
        fs::write(&pom, pom_text()).map_err(failed)?;
        let mut command = Command::new("mvn");
        command.args(["-q", "-B", "-f"]).arg(&pom).args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
        cache::run(SERVER, "fetch Hive", command.arg(format!("-DoutputDirectory={}", jars.display())))?;
        // Two bindings of one logging interface would call each other without end.
        for jar in fs::read_dir(&jars).map_err(failed)?.flatten() {
            let name = jar.file_name().to_string_lossy().into_owned();
            if name.starts_with("slf4j-log4j12") || name.starts_with("log4j-slf4j-impl") {
                fs::remove_file(jar.path()).map_err(failed)?;
            }
        }
        Ok(jars)
    })
}

/// Hive's published dependencies name artifacts that no registry has any more, and leave out some that it needs.
fn pom_text() -> String {
    let left_out: String = ["org.pac4j", "org.opensaml", "net.shibboleth.tool", "org.pentaho", "org.glassfish", "net.hydromatic"]
        .iter()
        .chain(&["org.apache.directory.server", "org.apache.hbase"])
        .map(|group| format!("<exclusion><groupId>{group}</groupId><artifactId>*</artifactId></exclusion>"))
        .collect();
    let needed: String = [
        ("org.apache.hadoop", "hadoop-common", "3.3.6"),
        ("org.apache.hadoop", "hadoop-mapreduce-client-core", "3.3.6"),
        ("org.apache.hadoop", "hadoop-mapreduce-client-jobclient", "3.3.6"),
        ("org.apache.hadoop", "hadoop-hdfs", "3.3.6"),
        ("org.apache.hadoop", "hadoop-client-runtime", "3.3.6"),
        ("org.apache.tez", "tez-dag", "0.10.4"),
        ("org.datanucleus", "datanucleus-api-jdo", "5.2.8"),
        ("org.datanucleus", "datanucleus-rdbms", "5.2.10"),
        ("org.datanucleus", "datanucleus-core", "5.2.10"),
        ("org.datanucleus", "javax.jdo", "3.2.0-release"),
    ]
    .iter()
    .map(|(group, name, version)| {
        format!("<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>")
    })
    .collect();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId>\
         <artifactId>hive</artifactId><version>1</version><packaging>pom</packaging><dependencies>\
         <dependency><groupId>org.apache.hive</groupId><artifactId>hive-service</artifactId><version>{VERSION}</version>\
         <exclusions>{left_out}</exclusions></dependency>{needed}</dependencies></project>"
    )
}

fn site(place: &Place, port: u16) -> String {
    let folder = |name: &str| place.path().join(name).display().to_string();
    let text = |value: &str| value.to_owned();
    let settings = [
        ("javax.jdo.option.ConnectionURL", text("jdbc:derby:memory:metastore;create=true")),
        ("javax.jdo.option.ConnectionDriverName", text("org.apache.derby.jdbc.EmbeddedDriver")),
        ("datanucleus.schema.autoCreateAll", text("true")),
        ("hive.metastore.schema.verification", text("false")),
        ("hive.metastore.warehouse.dir", folder("warehouse")),
        ("hive.metastore.warehouse.external.dir", folder("external")),
        ("hive.exec.scratchdir", folder("scratch")),
        ("hive.exec.local.scratchdir", folder("local-scratch")),
        ("hive.execution.engine", text("mr")),
        ("mapreduce.framework.name", text("local")),
        ("hive.server2.thrift.bind.host", text("127.0.0.1")),
        ("hive.server2.thrift.port", port.to_string()),
        ("hive.server2.webui.port", text("-1")),
        ("hive.server2.authentication", text("NONE")),
        ("hive.server2.enable.doAs", text("false")),
        ("hive.stats.autogather", text("false")),
        ("hive.support.concurrency", text("false")),
        ("hive.txn.manager", text("org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager")),
        ("hive.metastore.event.db.notification.api.auth", text("false")),
        ("hive.notification.event.poll.interval", text("0s")),
        ("hive.server2.materializedviews.registry.impl", text("DUMMY")),
        ("hive.scheduled.queries.executor.enabled", text("false")),
    ];
    let lines: String = settings.iter().map(|(n, v)| format!("<property><name>{n}</name><value>{v}</value></property>\n")).collect();
    format!("<configuration>\n{lines}</configuration>\n")
}
