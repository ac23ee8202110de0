//! Tools of the machine that fetch and prepare what builds need, held to a time.
//!
//! Invariant: a tool that waits for a network that does not answer is ended; whoever started it goes on.

use std::{
    io::{self, Read},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Longest time of one tool: a download of 100 MB over a slow line, not one that hangs.
pub(crate) const TOOL_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// How long the rest of what a tool wrote may take when it has ended.
const REST_MAX: Duration = Duration::from_secs(10);
/// Time between two looks at a tool.
const LOOK_MIN: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(100);

/// Runs a tool without input; none if it was ended for its time.
///
/// # Errors
/// It cannot be started or waited for.
pub(crate) fn output(command: &mut Command, time_max: Duration) -> io::Result<Option<Output>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let Some(status) = wait(&mut child, time_max)? else {
        // Not waited for what it wrote: something that it has started may hold its streams open.
        child.kill()?;
        child.wait()?;
        return Ok(None);
    };
    // Something that it has left behind may hold them open, too.
    let (stdout, stderr) = (stdout.recv_timeout(REST_MAX).unwrap_or_default(), stderr.recv_timeout(REST_MAX).unwrap_or_default());
    Ok(Some(Output { status, stdout, stderr }))
}

fn wait(child: &mut Child, time_max: Duration) -> io::Result<Option<std::process::ExitStatus>> {
    let (started, mut look) = (Instant::now(), LOOK_MIN);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() >= time_max {
            return Ok(None);
        }
        thread::sleep(look);
        look = (look * 2).min(LOOK_MAX);
    }
}

/// Reads a stream to its end on a thread of its own: a tool waits for ever on a full pipe.
fn read_all(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (done, read) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = done.send(bytes);
    });
    read
}

/// A time as messages say it.
pub(crate) fn shown(time: Duration) -> String {
    if time < Duration::from_secs(60) { format!("{} s", time.as_secs()) } else { format!("{} min", time.as_secs() / 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_tool_that_hangs_is_ended() {
        let started = Instant::now();
        assert!(output(&mut shell("echo begun; sleep 60"), Duration::from_millis(100)).unwrap().is_none());
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_a_tool_writes_is_read_whole() {
        let found = output(&mut shell("head -c 300000 /dev/zero; echo no >&2; exit 3"), TOOL_TIME_MAX).unwrap().unwrap();
        assert_eq!((found.status.code(), found.stdout.len(), found.stderr.as_slice()), (Some(3), 300_000, b"no\n".as_slice()));
    }
}
