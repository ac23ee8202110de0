//! The lives of a job: it is started, checkpointed, killed and restored at another parallelism, again and again, until its
//! input has ended.
//!
//! Each life has a Tokio runtime of its own, and to kill is to drop it: every future of the run is gone at whatever it
//! was waiting for, as if the process had died. What survives is the checkpoint store and the [`World`].
//!
//! [`World`]: crate::world::World

use crate::{
    case::Row,
    run::{CaseJob, PATIENCE, RunOptions, until_finished},
    world::{Place, WHOLE_INPUT},
};
use anyhow::{Context, Result, anyhow, bail};
use millrace_checkpoint::latest;
use millrace_engine::{EngineError, ExecutionState, JobHandle, StartFrom};
use millrace_model::ids::{InstanceId, SavepointId};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::future::Future;
use tokio::runtime::{Builder, Runtime};

/// One life.
#[derive(Debug, Clone)]
pub struct Life {
    /// How the job is run.
    pub options: RunOptions,
    /// Checkpoints are taken when so many thousandths of the input are read.
    pub checkpoints: Vec<u32>,
    /// How far the input may be read then.
    pub then: u32,
    /// How the life ends.
    pub end: End,
    /// The checkpoint at which it ends is not begun before the input is read so far; else the two race, and the cut lies
    /// anywhere between.
    pub is_settled: bool,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Killed when the input is read so far; what is under way between subtasks is lost.
    BetweenRows,
    /// Killed at this place of a checkpoint.
    At(Place),
    /// Stopped with a savepoint, from which another instance goes on.
    Savepoint,
    /// The input ends.
    Input,
}

/// Lives with random kills and checkpoints; the last one sees the end of the input.
pub fn random_lives(seed: u64, kills: usize, source_parallelism: u16) -> Vec<Life> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut parallelisms = [1, 2, 4, 3];
    parallelisms.shuffle(&mut random);
    let places = [Place::Prepare, Place::Manifest, Place::Commit, Place::Committed].map(End::At);
    let mut ends: Vec<End> = places.into_iter().chain([End::BetweenRows, End::Savepoint]).collect();
    ends.shuffle(&mut random);
    let mut done = 0;
    let mut lives = Vec::new();
    for life in 0..=kills {
        let end = if life == kills { End::Input } else { ends[life % ends.len()] };
        let options = RunOptions {
            parallelism: parallelisms[life % parallelisms.len()],
            rows_per_batch_max: *[1, 2, 3, 1_024].get(random.random_range(0..4)).unwrap_or(&1),
            source_parallelism,
            keeps_pauses: false,
        };
        // Room is left for the lives to come.
        let most = done + (WHOLE_INPUT - done) * 2 / 3;
        let mut checkpoints: Vec<u32> = (0..random.random_range(0..=2)).map(|_| random.random_range(done..=most)).collect();
        checkpoints.sort_unstable();
        done = checkpoints.last().copied().unwrap_or(done);
        let then = match end {
            End::Input => WHOLE_INPUT,
            _ if random.random_ratio(1, 8) => WHOLE_INPUT,
            _ => random.random_range(done..=most),
        };
        if end != End::BetweenRows && then < WHOLE_INPUT {
            done = then;
        }
        lives.push(Life { options, checkpoints, then, end, is_settled: false });
    }
    lives
}

/// Lives through `lives`; answers all that has become visible. `between` may look at (or spoil) what the end of each
/// life has left.
///
/// # Errors
/// The job fails, or does not get anywhere.
pub fn live(job: &CaseJob<'_>, lives: &[Life], mut between: impl FnMut(&Runtime, &Left) -> Result<()>) -> Result<Vec<Row>> {
    let mut left = Left { instance: "life-0".into(), savepoint: None };
    for (number, life) in lives.iter().enumerate() {
        let runtime = runtime()?;
        let ended = runtime.block_on(one(job, life, number, &left));
        runtime.shutdown_timeout(PATIENCE);
        left = ended.with_context(|| format!("life {number}: {life:?}"))?;
        between(&self::runtime()?, &left)?;
    }
    Ok(job.world.visible())
}

/// A runtime for one life.
///
/// # Errors
/// The system has no threads left.
pub fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Where the next life goes on.
#[derive(Debug, Clone)]
pub struct Left {
    /// The instance.
    pub instance: String,
    /// The savepoint that it started from; it goes on from there as long as it has no checkpoint of its own.
    pub savepoint: Option<String>,
}

impl Left {
    /// What the next life starts from.
    async fn from(&self, job: &CaseJob<'_>) -> Result<StartFrom> {
        let own = latest(&job.store, &InstanceId::new(&self.instance)).await?.latest;
        Ok(match (&self.savepoint, own) {
            (Some(location), None) => StartFrom::Savepoint { location: location.clone(), allow_partial: false },
            _ => StartFrom::LatestCheckpoint,
        })
    }
}

async fn one(job: &CaseJob<'_>, life: &Life, number: usize, left: &Left) -> Result<Left> {
    let world = &job.world;
    world.new_run(life.checkpoints.first().copied().unwrap_or(0));
    let handle = job.start(life.options, &left.instance, left.from(job).await?).await?.handle;
    for (count, &at) in life.checkpoints.iter().enumerate() {
        world.open_gate(at);
        let taken = async {
            world.all_read().await;
            handle.savepoint(&SavepointId::new(format!("checkpoint-{number}-{count}"))).await
        };
        if unless_finished(&handle, taken).await?.is_none() {
            return Ok(left.clone());
        }
    }
    let savepoint = SavepointId::new(format!("last-{number}"));
    match life.end {
        End::Input => {
            world.open_gate(WHOLE_INPUT);
            until_finished(&handle).await?;
        }
        End::BetweenRows => {
            world.open_gate(life.then);
            unless_ended(&handle, world.all_read()).await?;
        }
        End::At(place) => {
            world.hold(place);
            world.open_gate(life.then);
            if life.is_settled {
                unless_ended(&handle, world.all_read()).await?;
            }
            let checkpointing = handle.clone();
            tokio::spawn(async move { checkpointing.savepoint(&savepoint).await });
            unless_ended(&handle, world.held()).await?;
        }
        End::Savepoint => {
            world.open_gate(life.then);
            if let Some(Some(stopped)) = unless_finished(&handle, handle.stop(Some(&savepoint))).await? {
                return Ok(Left { instance: format!("life-{}", number + 1), savepoint: Some(stopped.location) });
            }
        }
    }
    Ok(left.clone())
}

/// Waits for `condition`; `None` if the input has ended before.
async fn unless_ended<T>(handle: &JobHandle, condition: impl Future<Output = T>) -> Result<Option<T>> {
    tokio::select! {
        biased;
        met = condition => Ok(Some(met)),
        state = handle.ended() => match state {
            ExecutionState::Finished | ExecutionState::Stopped => Ok(None),
            ExecutionState::Failed(failure) => Err(anyhow!(failure.message)),
            ExecutionState::Running => bail!("ended while it runs"),
        },
        () = tokio::time::sleep(PATIENCE) => bail!("nothing happened for {PATIENCE:?}"),
    }
}

/// As [`unless_ended`] for a request; one that was refused because the input has ended is none.
async fn unless_finished<T>(handle: &JobHandle, request: impl Future<Output = Result<T, EngineError>>) -> Result<Option<T>> {
    match unless_ended(handle, request).await? {
        Some(Err(EngineError::NotRunning)) => {
            unless_ended(handle, std::future::pending::<()>()).await?;
            Ok(None)
        }
        Some(Err(error)) => Err(error.into()),
        Some(Ok(answer)) => Ok(Some(answer)),
        None => Ok(None),
    }
}
