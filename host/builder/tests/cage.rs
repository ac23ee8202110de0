//! The cage, with real programs that try to get out (EXT-6: tenant code reaches nothing), at every level of this machine.

// A test may unwrap; clippy knows that of functions marked as tests only, not of what they call.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use millrace_builder::cage::{Cage, CageHelper, CageLevel, CageLimits, CagedCommand, ProcessStarter, limit_that_ended};
use std::{
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

fn helper() -> CageHelper {
    CageHelper { program: env!("CARGO_BIN_EXE_millrace-build-cage").into(), args: Vec::new() }
}

fn cage(level: CageLevel) -> Cage {
    Cage::at_level(helper(), level)
}

/// Levels that hold on this machine: the strongest and all below it.
fn levels() -> Vec<CageLevel> {
    let best = Cage::probe(helper()).unwrap().level();
    println!("the strongest level here: {}", best.name());
    CageLevel::ALL.into_iter().filter(|level| *level >= best).collect()
}

fn limits() -> CageLimits {
    CageLimits { wall_ms: 60_000, cpu_s: 30, memory_bytes: 256 << 20, ..CageLimits::default() }
}

struct Run {
    output: Output,
    folder: tempfile::TempDir,
}

impl Run {
    fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.output.stdout), String::from_utf8_lossy(&self.output.stderr))
    }
}

/// Runs a Perl script in the cage; Perl is part of every Debian system and reaches all system calls.
fn perl(level: CageLevel, limits: CageLimits, script: &str, args: &[&Path]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let caged = CagedCommand { limits, ..CagedCommand::new("/usr/bin/perl", folder.path()) };
    let caged = caged.args(["-e", script]).args(args.iter().map(|path| path.as_os_str().to_owned()));
    let output = cage(level).command(&caged).unwrap().stdin(Stdio::null()).output().unwrap();
    Run { output, folder }
}

#[test]
fn a_program_that_behaves_runs_and_its_exit_code_passes() {
    for level in levels() {
        let script = "open(F, '>', 'made') or die $!; print F 'x'; close F; print $ENV{TMPDIR}, join(',', sort keys %ENV); exit 7";
        let run = perl(level, limits(), script, &[]);
        assert_eq!(run.output.status.code(), Some(7), "{level:?}: {}", run.text());
        assert_eq!(run.text(), format!("{}TMPDIR", run.folder.path().display()), "{level:?}: the environment is empty");
        assert_eq!(std::fs::read_to_string(run.folder.path().join("made")).unwrap(), "x");
    }
}

#[test]
fn files_outside_are_neither_read_nor_written() {
    for level in levels().into_iter().filter(|level| *level <= CageLevel::Landlock) {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        let shadow = Path::new("/etc/shadow");
        let script = "for (@ARGV) { print open(F, '<', $_) ? 'read ' : 'no ', open(F, '>>', $_) ? 'written ' : 'no '; print unlink($_) ? 'gone ' : 'no ' }
            print open(F, '>', '/usr/made') ? 'made' : 'no'; print open(F, '<', '/proc/1/environ') && <F> =~ /PATH/ ? ' environ' : ' no'";
        let run = perl(level, limits(), script, &[&secret, shadow]);
        assert_eq!(run.text(), "no no no no no no no no", "{level:?}");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret");
    }
}

#[test]
fn what_is_named_can_be_read_but_not_written() {
    for level in levels().into_iter().filter(|level| *level <= CageLevel::Landlock) {
        let input = tempfile::tempdir().unwrap();
        let file = input.path().join("input");
        std::fs::write(&file, "input").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let caged = CagedCommand { limits: limits(), ..CagedCommand::new("/usr/bin/perl", folder.path()) };
        let script = "open(F, '<', $ARGV[0]) or die $!; print <F>, open(F, '>>', $ARGV[0]) ? ' written' : ' no', chmod(0777, $ARGV[0]) ? ' x' : ' no'";
        let caged = caged.args(["-e", script]).args([file.as_os_str()]).readable([input.path().to_owned()]);
        let output = cage(level).command(&caged).unwrap().output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        // Changing the mode of an own file is not a right that Landlock knows.
        let expected = if level == CageLevel::Namespaces { "input no no" } else { "input no x" };
        assert_eq!(said, expected, "{level:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn there_are_no_sockets() {
    for level in levels() {
        let script = "use Socket; print socket(S, $_, SOCK_STREAM, 0) ? 'socket ' : \"$! \" for (AF_INET, AF_INET6, AF_UNIX)";
        let run = perl(level, limits(), script, &[]);
        assert_eq!(run.text(), "Operation not permitted ".repeat(3), "{level:?}");
    }
}

#[test]
fn no_process_can_be_started_where_none_may() {
    for level in levels() {
        let run = perl(level, limits(), "defined(fork()) ? print 'forked' : print $!; print system('/bin/true')", &[]);
        assert_eq!(run.text(), "Operation not permitted-1", "{level:?}");
        let may = CageLimits { may_start_processes: true, ..limits() };
        assert_eq!(perl(level, may, "print system('/bin/true')", &[]).text(), "0", "{level:?}");
    }
}

#[test]
fn memory_ends_somewhere() {
    for level in levels() {
        let run = perl(level, limits(), "my @a; push @a, 'x' x (1 << 24) while 1", &[]);
        assert!(!run.output.status.success() && run.output.status.code() != Some(120), "{level:?}: {}", run.text());
    }
}

#[test]
fn each_limit_is_named() {
    for level in levels() {
        let endless = CageLimits { cpu_s: 1, ..limits() };
        let run = perl(level, endless, "1 while 1", &[]);
        assert_eq!(limit_that_ended(run.output.status), Some("takes more CPU time than it may"), "{level:?}: {}", run.text());
        let sleeper = CageLimits { wall_ms: 300, ..limits() };
        let run = perl(level, sleeper, "sleep 100", &[]);
        assert_eq!(limit_that_ended(run.output.status), Some("takes longer than it may"), "{level:?}: {}", run.text());
        let folder = CageLimits { folder_entries: 100, ..limits() };
        let run = perl(level, folder, "for (1 .. 1000) { open(F, '>', $_) } sleep 100", &[]);
        assert_eq!(limit_that_ended(run.output.status), Some("writes more files or bytes than it may"), "{level:?}: {}", run.text());
    }
}

#[test]
fn a_file_grows_to_its_limit_only() {
    for level in levels() {
        let small = CageLimits { file_bytes: 1 << 20, ..limits() };
        let run = perl(level, small, "open(F, '>', 'big'); syswrite(F, 'x' x 4096) or exit 9 while 1", &[]);
        // The first process of a namespace gets an error instead of a signal.
        let named = limit_that_ended(run.output.status) == Some("writes more files or bytes than it may");
        assert!(named || run.output.status.code() == Some(9), "{level:?}: {:?} {}", run.output.status, run.text());
        assert_eq!(std::fs::metadata(run.folder.path().join("big")).unwrap().len(), 1 << 20, "{level:?}");
    }
}

/// Whether any process has `mark` in its command line.
fn runs(mark: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| line.windows(mark.len()).any(|window| window == mark.as_bytes()))
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn killing_the_helper_ends_everything() {
    for level in levels() {
        let mark = format!("mark-of-{}-{}", level.name(), std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let caged = CagedCommand { limits: limits(), ..CagedCommand::new("/usr/bin/perl", folder.path()) };
        let caged = caged.args(["-e", "open(F, '>', 'up'); sleep 1000", mark.as_str()]);
        let mut child = cage(level).command(&caged).unwrap().spawn().unwrap();
        wait_until("the program runs", || folder.path().join("up").exists());
        assert!(runs(&mark));
        child.kill().unwrap();
        child.wait().unwrap();
        wait_until("nothing runs any more", || !runs(&mark));
    }
}

#[test]
fn a_namespace_takes_grandchildren_with_it_and_shows_no_other_process() {
    if !levels().contains(&CageLevel::Namespaces) {
        return;
    }
    let mark = format!("mark-of-grandchild-{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let limits = CageLimits { may_start_processes: true, ..limits() };
    let caged = CagedCommand { limits, ..CagedCommand::new("/usr/bin/perl", folder.path()) };
    let script = "if (!fork()) { fork(); open(F, '>', 'up'); sleep 1000 } opendir(D, '/proc'); print join(' ', grep /^[0-9]+$/, readdir D); sleep 1000";
    let mut child =
        cage(CageLevel::Namespaces).command(&caged.args(["-e", script, mark.as_str()])).unwrap().stdout(Stdio::piped()).spawn().unwrap();
    wait_until("the grandchild runs", || folder.path().join("up").exists());
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    wait_until("nothing runs any more", || !runs(&mark));
    assert!(output.stdout.len() < 20, "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn nothing_that_the_server_has_open_is_inherited() {
    for level in levels() {
        let run = perl(level, limits(), "for (3 .. 200) { print \"$_ \" if open(my $f, '<&=', $_) }", &[]);
        // Perl itself has the script's file open or not: whatever is there was opened after the cage was closed.
        assert!(run.text().split_whitespace().count() <= 1, "{level:?}: {}", run.text());
    }
}

#[test]
fn a_wrong_description_is_refused() {
    let relative = CagedCommand::new("/bin/true", "relative/folder");
    assert!(cage(CageLevel::Limits).command(&relative).is_err());
    let everything = CagedCommand::new("/bin/true", "/tmp").readable(["/".into()]);
    assert!(cage(CageLevel::Limits).command(&everything).is_err());
}
