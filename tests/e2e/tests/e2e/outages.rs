//! What the job depends on goes away and comes back: a topic, the broker, the disk. Each is said clearly, and nothing
//! is lost.

use crate::kafka;
use millrace_e2e::{Kafka, Pipeline, PipelineOptions, Server, ServerOptions, SmallDisk, until};
use millrace_test_servers::KafkaBroker;
use serde_json::{Value, json};

/// Waits until the status of the instance says something that contains one of `texts`, in any letter case.
async fn await_complaint(pipeline: &Pipeline, texts: &[&str], seconds: u64) -> Value {
    let found = until("the status names the failure", seconds, async || {
        let status = pipeline.status().await.map_err(|e| e.to_string())?;
        let text = status.to_string().to_lowercase();
        if texts.iter().any(|t| text.contains(&t.to_lowercase())) { Ok(status) } else { Err(text) }
    });
    found.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_not_there_is_named_and_used_once_it_is() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let mut pipeline = Pipeline::make(&server.api().unwrap(), &kafka(), PipelineOptions::default()).await.unwrap();
    pipeline.kafka.delete_topic(&pipeline.input).await.unwrap();
    pipeline.launch(json!({"from": "fresh"}), json!({})).await.unwrap();
    let status = await_complaint(&pipeline, &[&pipeline.input], 60).await;
    assert_ne!(status["state"], "running", "{status}");
    pipeline.kafka.create_topic(&pipeline.input, 2).await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 0..1_000, 2).unwrap();
    // A missing topic is the user's to mend: if the instance gave up, it is started again by hand.
    if pipeline.status().await.unwrap()["state"] == "failed" {
        pipeline.project.start_instance(&pipeline.instance, None).await.unwrap();
    }
    pipeline.await_output(1_000, 60).await.unwrap();
    pipeline.check_output(1_000).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_away_and_comes_back_costs_nothing() {
    let mut broker = tokio::task::spawn_blocking(KafkaBroker::start).await.unwrap().unwrap();
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let kafka = Kafka::at(broker.bootstrap());
    let mut pipeline = Pipeline::make(&server.api().unwrap(), &kafka, PipelineOptions::default()).await.unwrap();
    pipeline.launch_fresh().await.unwrap();
    let producing = pipeline.kafka.produce(&pipeline.input, 0, 2, 2_000).unwrap();
    for round in 0..2 {
        // The job is in the middle of its work, not before its start, when the broker goes.
        let before = pipeline.metric("events", "numRecordsIn").await.unwrap_or(0.0);
        until("rows flow", 120, async || match pipeline.metric("events", "numRecordsIn").await {
            Some(n) if n > before + 500.0 || (n < before && n > 500.0) => Ok(()),
            n => Err(format!("{n:?} records, {before} before")),
        })
        .await
        .unwrap();
        broker = tokio::task::spawn_blocking(move || {
            // Once as a crash, once as an orderly stop.
            let ended = if round == 0 { broker.kill() } else { broker.stop() };
            ended.and_then(|()| broker.restart()).map(|()| broker)
        })
        .await
        .unwrap()
        .unwrap();
    }
    let sent = producing.finish().unwrap();
    pipeline.await_output(sent, 180).await.unwrap();
    pipeline.stop_with_savepoint(120).await.unwrap();
    pipeline.check_output(sent).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_for_checkpoints_is_said_and_nothing_is_lost() {
    let disk = SmallDisk::mount(2_048).expect("this test needs the right to mount a small file system (run it as root)");
    let arguments = vec!["--checkpoints".to_owned(), disk.path().join("checkpoints").display().to_string()];
    let server = Server::start(ServerOptions { arguments, ..ServerOptions::default() }).await.unwrap();
    let mut pipeline = Pipeline::make(&server.api().unwrap(), &kafka(), PipelineOptions::default()).await.unwrap();
    pipeline.launch_fresh().await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 0..1_000, 2).unwrap();
    pipeline.await_output(1_000, 60).await.unwrap();

    disk.fill().unwrap();
    pipeline.kafka.send_events(&pipeline.input, 1_000..2_000, 2).unwrap();
    let status = await_complaint(&pipeline, &["no space left for checkpoints"], 60).await;
    assert!(status.to_string().contains("free space"), "the status says what to do: {status}");
    // Not committed: what is not durable here must not be visible there.
    assert!(pipeline.check_output(2_000).is_err());

    disk.free().unwrap();
    pipeline.await_output(2_000, 60).await.unwrap();
    pipeline.stop_with_savepoint(60).await.unwrap();
    pipeline.check_output(2_000).unwrap();
}

/// RUN-4: what a job has committed is not written once more because its checkpoints have gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_that_are_gone_never_mean_that_a_job_begins_anew() {
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let mut pipeline = Pipeline::make(&server.api().unwrap(), &kafka(), PipelineOptions::default()).await.unwrap();
    pipeline.launch_fresh().await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 0..2_000, 2).unwrap();
    pipeline.await_output(2_000, 60).await.unwrap();
    until("a complete checkpoint is known", 30, async || {
        let status = pipeline.status().await.map_err(|e| e.to_string())?;
        if status["checkpoint"].is_object() { Ok(()) } else { Err(status.to_string()) }
    })
    .await
    .unwrap();
    server.kill().unwrap();
    std::fs::remove_dir_all(server.data_dir().join("checkpoints")).unwrap();
    server.restart().await.unwrap();
    let status = await_complaint(&pipeline, &["are gone: checkpoint"], 60).await;
    assert_eq!((&status["state"], &status["last_failure"]["class"]), (&json!("failed"), &json!("external")), "{status}");
    pipeline.check_output(2_000).unwrap();
}

/// The process does not outlive its end because a broker does not answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_in_time_without_its_broker() {
    let mut broker = tokio::task::spawn_blocking(KafkaBroker::start).await.unwrap().unwrap();
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let kafka = Kafka::at(broker.bootstrap());
    let mut pipeline = Pipeline::make(&server.api().unwrap(), &kafka, PipelineOptions::default()).await.unwrap();
    pipeline.launch_fresh().await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 0..1_000, 2).unwrap();
    pipeline.await_output(1_000, 60).await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 1_000..2_000, 2).unwrap();
    let _gone = tokio::task::spawn_blocking(move || broker.kill().map(|()| broker)).await.unwrap().unwrap();
    let began = std::time::Instant::now();
    server.stop().await.unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(40), "it took {:?}", began.elapsed());
}
