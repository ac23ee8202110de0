//! Ends a server and removes its folder when the test process is gone.
//!
//! A parent-death signal would not do: it follows the *thread* that forked, and each test has a thread of its own; and
//! it leaves the folder. So a shell waits on a pipe whose other end only this process holds: the kernel closes it
//! however the process ends.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The last line tells which process group to kill (empty: none); at the end of the pipe the folder goes.
const SCRIPT: &str = r#"
group=
while read -r line; do group=$line; done
if [ -n "$group" ]; then kill -s KILL -- "-$group"; fi
# A dying server may still make files: again until the folder stays away.
tries=0
while rm -rf -- "$1" 2>/dev/null; [ -e "$1" ] || kill -s 0 -- "-$group" 2>/dev/null; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then break; fi
  sleep 0.05
done
"#;

/// See the module: watches over one folder and at most one process group.
pub struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Watches over `folder` from now on.
    ///
    /// # Errors
    /// The shell cannot be started.
    pub fn of(folder: &Path) -> std::io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own group: an interrupt from the terminal must not end the guardian before its ward.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// Names the process group to kill; `None` once it has ended, so that a reused number is never killed.
    ///
    /// # Errors
    /// The shell has gone.
    pub fn watch(&mut self, group: Option<u32>) -> std::io::Result<()> {
        let line = group.map(|g| g.to_string()).unwrap_or_default();
        match self.shell.stdin.as_mut() {
            Some(pipe) => writeln!(pipe, "{line}"),
            None => Ok(()),
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nobody can be told in a destructor; the shell ends by itself once the pipe is closed.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn the_ward_is_killed_and_its_folder_removed_when_the_pipe_closes() {
        let folder = tempfile::tempdir().unwrap().keep();
        // Makes files as long as it lives.
        let script = "while :; do echo x 2>/dev/null > \"$0/x\"; done";
        let mut ward = Command::new("/bin/sh").args(["-c", script]).arg(&folder).stderr(Stdio::null()).process_group(0).spawn().unwrap();
        let mut guardian = Guardian::of(&folder).unwrap();
        guardian.watch(Some(ward.id())).unwrap();
        drop(guardian.shell.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(20);
        while ward.try_wait().unwrap().is_none() || folder.exists() {
            assert!(Instant::now() < deadline, "the ward or its folder is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
