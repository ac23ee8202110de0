//! HBase: master, region server and ZooKeeper in one JVM, on local files.

use crate::{
    ServerError, cache,
    port::free_ports,
    spawned::{Place, Spawned, listens},
};
use std::{path::PathBuf, process::Command, time::Duration};

const SERVER: &str = "hbase";
const VERSION: &str = "2.6.1";
const READY_MAX: Duration = Duration::from_secs(180);
const LOG4J: &str = "log4j.rootLogger=WARN,c\nlog4j.appender.c=org.apache.log4j.ConsoleAppender\n\
                     log4j.appender.c.layout=org.apache.log4j.PatternLayout\nlog4j.appender.c.layout.ConversionPattern=%p %c{1}: %m%n\n";
/// What HBase reaches into on Java 17.
pub(crate) const OPENED: &[&str] = &[
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.regex",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.util.random",
    "java.base/sun.nio.ch",
    "java.sql/java.sql",
];

/// A cluster of one process.
pub struct HBaseServer {
    master: u16,
    region_server: u16,
    _server: Spawned,
}

impl HBaseServer {
    /// Starts a cluster and waits until master and region server listen. The first start on a machine downloads its jars.
    ///
    /// # Errors
    /// No JDK or Maven, no registry, or a cluster that does not listen within three minutes.
    pub fn start() -> Result<Self, ServerError> {
        let jars = jars()?;
        let place = Place::make(SERVER)?;
        let [master, region_server, zookeeper] = free_ports().map_err(place.failed("find free ports"))?;
        place.write("log4j.properties", LOG4J)?;
        place.write("hbase-site.xml", &site(&place, master, region_server, zookeeper))?;
        let mut classes = place.path().as_os_str().to_owned();
        classes.push(":");
        classes.push(jars.join("*"));
        let mut command = Command::new("java");
        command.arg("-Xmx512m").args(OPENED.iter().flat_map(|opened| ["--add-opens".to_owned(), format!("{opened}=ALL-UNNAMED")]));
        command.arg("-cp").arg(classes).args(["org.apache.hadoop.hbase.master.HMaster", "start"]).current_dir(place.path());
        let server = place.start(command, READY_MAX, || listens(master) && listens(region_server))?;
        Ok(Self { master, region_server, _server: server })
    }

    /// Port of the master on 127.0.0.1.
    pub fn master(&self) -> u16 {
        self.master
    }

    /// Port of the region server on 127.0.0.1.
    pub fn region_server(&self) -> u16 {
        self.region_server
    }
}

fn jars() -> Result<PathBuf, ServerError> {
    cache::folder(SERVER, &format!("hbase-{VERSION}"), |work| {
        let jars = work.join("jars");
        cache::maven(SERVER, &[format!("org.apache.hbase:hbase-server:{VERSION}")], false, work, &jars)?;
        Ok(jars)
    })
}

fn site(place: &Place, master: u16, region_server: u16, zookeeper: u16) -> String {
    let folder = |name: &str| place.path().join(name).display().to_string();
    let text = |value: &str| value.to_owned();
    let settings = [
        ("hbase.rootdir", format!("file://{}", folder("data"))),
        ("hbase.tmp.dir", folder("tmp")),
        ("hbase.cluster.distributed", text("false")),
        ("hbase.unsafe.stream.capability.enforce", text("false")),
        ("hbase.wal.provider", text("filesystem")),
        ("hbase.zookeeper.property.clientPort", zookeeper.to_string()),
        ("hbase.zookeeper.property.dataDir", folder("zk")),
        ("hbase.zookeeper.quorum", text("127.0.0.1")),
        ("hbase.master.hostname", text("127.0.0.1")),
        ("hbase.regionserver.hostname", text("127.0.0.1")),
        ("hbase.master.ipc.address", text("127.0.0.1")),
        ("hbase.regionserver.ipc.address", text("127.0.0.1")),
        ("hbase.localcluster.assign.random.ports", text("false")),
        ("hbase.master.port", master.to_string()),
        ("hbase.regionserver.port", region_server.to_string()),
        ("hbase.master.info.port", text("-1")),
        ("hbase.regionserver.info.port", text("-1")),
        ("hbase.regionserver.handler.count", text("6")),
    ];
    let lines: String = settings.iter().map(|(n, v)| format!("<property><name>{n}</name><value>{v}</value></property>\n")).collect();
    format!("<configuration>\n{lines}</configuration>\n")
}
