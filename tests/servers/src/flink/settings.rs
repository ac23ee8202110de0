//! Settings of a small session cluster that answers only on 127.0.0.1.

use std::path::Path;

/// Slots of the one TaskManager, and with it how many queries run at once.
pub(super) const SLOTS: u16 = 8;

/// Heap of a TaskManager that is not its tasks'.
pub(super) const FRAMEWORK_HEAP_MIB: u32 = 128;

/// Ports of one cluster.
pub(super) struct Ports {
    pub(super) rpc: u16,
    pub(super) rest: u16,
    pub(super) gateway: u16,
}

/// `config.yaml`. The memory of a TaskManager that no start script sized must be named piece by piece.
pub(super) fn cluster(ports: &Ports, folder: &Path, heap_mib: u32) -> String {
    let Ports { rpc, rest, gateway } = ports;
    let folder = folder.display();
    format!(
        "jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: 127.0.0.1
jobmanager.memory.process.size: 1gb
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
sql-gateway.endpoint.rest.address: 127.0.0.1
sql-gateway.endpoint.rest.bind-address: 127.0.0.1
sql-gateway.endpoint.rest.port: {gateway}
metrics.fetcher.update-interval: 100
web.upload.dir: {folder}/upload
io.tmp.dirs: {folder}/tmp
parallelism.default: 1
state.backend.type: hashmap
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: {SLOTS}
taskmanager.cpu.cores: 2.0
taskmanager.memory.task.heap.size: {heap_mib}mb
taskmanager.memory.task.off-heap.size: 0
taskmanager.memory.managed.size: 128mb
taskmanager.memory.network.min: 64mb
taskmanager.memory.network.max: 64mb
taskmanager.memory.framework.heap.size: {FRAMEWORK_HEAP_MIB}mb
taskmanager.memory.framework.off-heap.size: 128mb
taskmanager.memory.jvm-metaspace.size: 256mb
taskmanager.memory.jvm-overhead.min: 192mb
taskmanager.memory.jvm-overhead.max: 192mb
"
    )
}

/// `log4j.properties`: warnings to the process's own output.
pub(super) const LOG4J: &str = "rootLogger.level = WARN
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
";

/// Packages of the JDK that Flink reaches into.
pub(super) const OPENED: [&str; 12] = [
    "java.lang",
    "java.net",
    "java.io",
    "java.nio",
    "sun.nio.ch",
    "java.lang.reflect",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
];
