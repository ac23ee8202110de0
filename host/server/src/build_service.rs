//! The build service of this server: the strongest cage that the machine allows, and the compilers in it.
//!
//! Invariant: where no cage holds that is strong enough, nothing is built, and the API says why.

use crate::config::{BuildCageMin, Settings};
use millrace_builder::{
    cage::{Cage, CageHelper, CageLevel},
    jvm::{JvmBuilderFactory, JvmLimits},
    service::{BuildService, ServiceConfig, queue::QueueLimits},
};
use std::{path::PathBuf, sync::Arc};

/// Sets the service up, or says why there is none.
pub(crate) async fn start(settings: &Settings, work: PathBuf) -> Result<BuildService, String> {
    let weakest = match settings.build_cage_min {
        BuildCageMin::Namespaces => CageLevel::Namespaces,
        BuildCageMin::Landlock => CageLevel::Landlock,
        BuildCageMin::Limits => CageLevel::Limits,
        BuildCageMin::None => return Err("building online code is switched off by the server's settings (`build-cage-min`)".into()),
    };
    // The link, not the path behind it: it still leads to this program when the file has been replaced by a newer build.
    let helper = CageHelper { program: "/proc/self/exe".into(), args: vec![crate::BUILD_CAGE.into()] };
    let probed = tokio::task::spawn_blocking(move || Cage::probe(helper)).await.map_err(|error| error.to_string())?;
    let cage = probed.map_err(|error| error.to_string())?;
    let level = cage.level();
    if level > weakest {
        let (found, expected) = (level.name(), weakest.name());
        return Err(format!("this machine holds builds by `{found}` only, the server's settings ask for `{expected}` (`build-cage-min`)"));
    }
    tracing::info!(cage = level.name(), meaning = level.meaning(), "online code is built in a cage");
    // What a server that was killed has left there.
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work).map_err(|error| format!("the folder for builds cannot be made: {error}"))?;
    let queue = QueueLimits { running_max: settings.builds_max, ..QueueLimits::default() };
    let factory = JvmBuilderFactory::new(Arc::new(cage), work, JvmLimits::default());
    Ok(BuildService::new(Arc::new(factory), level, ServiceConfig { queue, ..ServiceConfig::default() }))
}
