//! What ends a run before its time: kills and Ctrl-C at any moment, full disks, folders that may not be
//! written, links, closed pipes, files that vanish, two processes at once. Whatever it is, no table under a
//! final name is torn, no older result is damaged, and the next attempt ends in the bytes of an undisturbed
//! run.
#![cfg(unix)]

use crate::draws::Draws;
use crate::program::{files, mandate, on_a_full_disk, scenario};
use mandate::sweep::plan::sha256;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Fixes the moments at which processes are killed. A failure names the kill, which with this seed has the
/// same moment, measured in undisturbed runs.
const SEED: u64 = 20_221_201;

const SMALL: [&str; 6] =
    ["--sample", "300", "--set", "calendar.burn_in_months=1", "--set", "calendar.months=6"];

const GRID: &str = "design = \"grid\"\nreplicates = 2\n\
    [[factor]]\npath = \"fees.agency_query\"\nvalues = [3, 6, 12, 24]\n\
    [[factor]]\npath = \"supervision.audits_per_month\"\nvalues = [0, 2, 4]\n";

type Files = BTreeMap<String, Vec<u8>>;

fn folder() -> TempDir {
    let here = tempfile::tempdir().expect("a temporary folder");
    let base = scenario("december-deadline");
    let text = |body: &str| format!("base = {:?}\n{body}", base.to_str().unwrap());
    fs::write(here.path().join("s.toml"), text(GRID)).unwrap();
    let mine = format!("title = \"Mine\"\nextends = {:?}\n", base.to_str().unwrap());
    fs::write(here.path().join("mine.toml"), mine).unwrap();
    here
}

/// The program in `here`, as a process that can be killed.
fn program(here: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mandate"));
    command.args(arguments).current_dir(here).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// Undisturbed, to the end.
fn whole(here: &Path, arguments: &[&str], out: &str) -> (Files, Duration) {
    let start = Instant::now();
    let output = program(here, arguments).args(["--out", out]).output().unwrap();
    let took = start.elapsed();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    (files(&here.join(out)), took)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Signal {
    Kill,
    Interrupt,
}

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after it has begun to put files under final names.
    WhileRenaming(Duration),
}

/// Starts the program and ends it at this moment. What it had said until then.
fn disturbed(command: &mut Command, target: &Path, signal: Signal, moment: Moment) -> Output {
    let seen = || -> Vec<(std::ffi::OsString, u64)> {
        use std::os::unix::fs::MetadataExt;
        let entries = fs::read_dir(target).into_iter().flatten().flatten();
        let mut seen: Vec<_> = entries
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with(".mandate-"))
            .filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?.ino())))
            .collect();
        seen.sort();
        seen
    };
    let before = seen();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    match moment {
        Moment::After(time) => std::thread::sleep(time),
        Moment::WhileRenaming(time) => {
            while seen() == before && child.try_wait().unwrap().is_none() {}
            // A thread that sleeps wakes too late for this.
            let start = Instant::now();
            while start.elapsed() < time {}
        }
    }
    match signal {
        Signal::Kill => child.kill().unwrap(),
        Signal::Interrupt => {
            // A process that has ended gets no signal.
            let id = child.id().to_string();
            Command::new("kill").args(["-INT", &id]).stderr(Stdio::null()).status().unwrap();
        }
    }
    child.wait_with_output().unwrap()
}

/// The process ended as one does that gets this signal, or had ended before; says whether it was stopped.
fn ended_well(output: &Output, signal: Signal, what: &str) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(0) {
        assert_eq!(said, "", "{what}");
        return false;
    }
    match signal {
        Signal::Kill => assert_eq!(output.status.signal(), Some(9), "{what}: {said}"),
        // Before it listens, the system ends it.
        Signal::Interrupt if output.status.signal() == Some(2) => assert_eq!(said, "", "{what}"),
        Signal::Interrupt => {
            assert_eq!(output.status.code(), Some(130), "{what}: {said}");
            assert!(said.starts_with("interrupted") && said.lines().count() == 1, "{what}: {said}");
        }
    }
    true
}

/// Nothing torn: each file is one of `states`, and a manifest agrees with all files there are.
fn sound(target: &Path, states: &[&Files], what: &str) {
    if !target.exists() {
        return;
    }
    let mut there = Files::new();
    for entry in fs::read_dir(target).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with(".mandate-") || name.ends_with(".partial") {
            continue;
        }
        there.insert(name, fs::read(entry.path()).unwrap());
    }
    for (name, bytes) in &there {
        let known = states.iter().any(|state| state.get(name) == Some(bytes));
        assert!(known, "{what}: {name}, {} bytes, is none of any undisturbed run", bytes.len());
    }
    if let Some(manifest) = there.get("manifest.toml") {
        agrees(manifest, &there, what);
    }
}

/// A manifest lists all files that are there beside it, with their checksums.
fn agrees(manifest: &[u8], there: &Files, what: &str) {
    let manifest: toml::Table = std::str::from_utf8(manifest).unwrap().parse().unwrap();
    let listed = manifest["table"].as_array().unwrap();
    for entry in listed {
        let file = entry["file"].as_str().unwrap();
        let bytes = there.get(file).unwrap_or_else(|| panic!("{what}: {file} is in the manifest only"));
        assert_eq!(entry["sha256"].as_str().unwrap(), sha256(bytes), "{what}: {file} is not the manifest's");
    }
    assert_eq!(listed.len() + 1, there.len(), "{what}: a file is not in the manifest");
}

/// Folders that processes write in before they rename.
fn left_behind(target: &Path) -> usize {
    let entries = fs::read_dir(target).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".mandate-")).count()
}

/// The moment of a kill: any, or for every other one that in which files get their names.
fn moment(draws: &mut Draws, kill: u32, took: Duration) -> Moment {
    if kill.is_multiple_of(2) {
        Moment::After(took.mul_f64(draws.share() * 0.95))
    } else {
        Moment::WhileRenaming(Duration::from_micros((draws.share() * 250.0) as u64))
    }
}

/// Not too few of the kills must meet a process that is still at work.
fn enough(stopped: u32, kills: u32) {
    eprintln!("{stopped} of {kills} kills met a process at work");
    assert!(stopped * 4 > kills, "only {stopped} of {kills} kills met a process at work");
}

/// Two commands in turn write into one folder, and are killed again and again.
fn survives(test: u64, kills: u32, commands: [&[&str]; 2]) {
    let here = folder();
    let a = whole(here.path(), commands[0], "a").0;
    let b = whole(here.path(), commands[1], "b").0;
    // Now that the program is in memory.
    let took = whole(here.path(), commands[0], "c").1.min(whole(here.path(), commands[1], "d").1);
    assert_ne!(a, b);
    let target = here.path().join("out/deeper");
    let mut draws = Draws::of(SEED, test);
    let mut stopped = 0;
    for kill in 0..kills {
        let signal = if draws.share() < 0.5 { Signal::Kill } else { Signal::Interrupt };
        let moment = moment(&mut draws, kill, took);
        let what = format!("test {test}, seed {SEED}, kill {kill} ({signal:?}, {moment:?})");
        let mut command = program(here.path(), commands[(kill % 2) as usize]);
        command.args(["--out", "out/deeper", "--force"]);
        let output = disturbed(&mut command, &target, signal, moment);
        stopped += u32::from(ended_well(&output, signal, &what));
        sound(&target, &[&a, &b], &what);
        if signal == Signal::Interrupt && output.status.code() == Some(130) {
            assert_eq!(left_behind(&target), 0, "{what}");
        }
        // What kills have left behind is taken away by the next one that is let live.
        if kill % 10 == 9 {
            assert_eq!(
                whole(here.path(), &[commands[0], &["--force"][..]].concat(), "out/deeper").0,
                a,
                "{what}"
            );
        }
    }
    enough(stopped, kills);
}

#[test]
fn kills_of_runs() {
    survives(1, 110, [&run("1"), &run("2")]);
}

#[test]
fn kills_of_comparisons() {
    let compare = ["compare", "mine.toml", "--vary", "fees.agency_query=6", "--replicates", "2", "--report"];
    let other = [&compare[..], &SMALL, &["--xlsx"]].concat();
    survives(2, 70, [&[&compare[..], &SMALL, &["--seed", "3"]].concat(), &other]);
}

#[test]
fn kills_of_merges() {
    // Both commands merge the same parts, to tables that differ in their dialect.
    let here = folder();
    for part in ["1/3", "2/3", "3/3"] {
        whole(here.path(), &[&["sweep", "s.toml", "--shard", part][..], &SMALL].concat(), "shards");
    }
    let shards = here.path().join("shards");
    let merge = ["merge", shards.to_str().unwrap()];
    survives(3, 80, [&merge, &[&merge[..], &["--csv-dialect", "excel-eu", "--report"]].concat()]);
}

#[test]
fn kills_of_sweeps() {
    let here = folder();
    let sweep = [&["sweep", "s.toml", "--threads", "2"][..], &SMALL].concat();
    let (all, _) = whole(here.path(), &sweep, "whole");
    let took = whole(here.path(), &sweep, "again").1;
    let target = here.path().join("out");
    let mut draws = Draws::of(SEED, 4);
    let (mut stopped, mut finished, kills) = (0, 0, 100);
    let mut fresh = true;
    for kill in 0..kills {
        let signal = if draws.share() < 0.5 { Signal::Kill } else { Signal::Interrupt };
        let moment = moment(&mut draws, kill, took.mul_f64(0.7));
        let what = format!("test 4, seed {SEED}, kill {kill} ({signal:?}, {moment:?})");
        let mut command = program(here.path(), &sweep);
        command.args(["--out", "out"]).args(if fresh { &[][..] } else { &["--resume"] });
        let output = disturbed(&mut command, &target, signal, moment);
        if ended_well(&output, signal, &what) {
            stopped += 1;
            sound(&target, &[&all], &what);
            fresh = false;
        }
        // Every few kills it is let go on to the end, and begins anew.
        if output.status.code() == Some(0) || kill % 6 == 5 {
            let resumed = whole(here.path(), &[&sweep[..], &["--resume"]].concat(), "out").0;
            assert_eq!(resumed, all, "{what}");
            fs::remove_dir_all(&target).unwrap();
            (fresh, finished) = (true, finished + 1);
        }
    }
    assert!(finished >= 10);
    enough(stopped, kills);
}

/// The status, and one line that names these; nothing else was said.
fn told(output: &Output, status: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    assert!(!said.contains(".mandate-") && !said.contains("panicked"), "{said}");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{said}");
}

fn replicates<'a>(replicates: &'a str, seed: &'a str) -> Vec<&'a str> {
    [&["run", "mine.toml", "--replicates", replicates, "--seed", seed][..], &SMALL].concat()
}

fn run(seed: &str) -> Vec<&str> {
    replicates("2", seed)
}

#[test]
fn full_disks() {
    let here = folder();
    let (old, _) = whole(here.path(), &run("1"), "out");
    let readers = [&run("2")[..], &["--xlsx", "--report"]].concat();
    let (new, _) = whole(here.path(), &readers, "new");
    // Full at each of the sizes at which one more file does not fit; in blocks of 512 bytes.
    let mut sizes: Vec<usize> = new.values().map(|bytes| (bytes.len() - 1) / 512).collect();
    sizes.sort();
    sizes.dedup();
    assert!(sizes.len() > 5);
    for blocks in sizes {
        let into_new = [&readers[..], &["--out", "fresh"]].concat();
        told(&on_a_full_disk(here.path(), blocks, &into_new), 1, &["can't write fresh"]);
        assert!(!here.path().join("fresh").exists(), "what was made on the way is taken away");
        let over_old = [&readers[..], &["--out", "out", "--force"]].concat();
        told(&on_a_full_disk(here.path(), blocks, &over_old), 1, &["can't write out/"]);
        assert_eq!(files(&here.path().join("out")), old, "{blocks} blocks");
    }
    whole(here.path(), &[&readers[..], &["--force"]].concat(), "out");
    assert_eq!(files(&here.path().join("out")), new);

    for part in ["1/2", "2/2"] {
        whole(here.path(), &[&["sweep", "s.toml", "--shard", part][..], &SMALL].concat(), "shards");
    }
    let merge = ["merge", "shards", "--out", "merged"];
    for blocks in [0, 2, 4] {
        told(&on_a_full_disk(here.path(), blocks, &merge), 1, &["can't write merged"]);
        assert!(!here.path().join("merged").exists());
    }
    // Standard output may be a full disk too; then the tables are there.
    if Path::new("/dev/full").exists() {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(here.path(), &run("2")).args(["--out", "said"]).stdout(full).output().unwrap();
        told(&output, 1, &["can't write to standard output"]);
        let there = files(&here.path().join("said"));
        agrees(&there["manifest.toml"], &there, "a full standard output");
    }
}

/// Whether root may write all the same.
fn is_root(here: &Path) -> bool {
    let locked = here.join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    let root = fs::create_dir(locked.join("in")).is_ok();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&locked).unwrap();
    root
}

#[test]
fn folders_that_may_not_be_written() {
    let here = folder();
    let (old, _) = whole(here.path(), &run("1"), "out");
    let root = is_root(here.path());
    let copy = here.path().join("mandate");
    if root {
        // Another user runs a copy of the program that it may read.
        fs::copy(env!("CARGO_BIN_EXE_mandate"), &copy).unwrap();
        fs::set_permissions(here.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let run_by_user = |out: &str, force: bool| {
        let mut command = if root { Command::new(&copy) } else { program(here.path(), &[]) };
        if root {
            command.uid(65534).gid(65534).current_dir(here.path()).stdin(Stdio::null());
        }
        command.args(run("2")).args(["--out", out]).args(force.then_some("--force")).output()
    };
    let set = |mode| fs::set_permissions(here.path().join("out"), fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    let Ok(refused) = run_by_user("out", true) else {
        eprintln!("skipped: no process can be started as another user");
        return;
    };
    if String::from_utf8_lossy(&refused.stderr).contains("mine.toml") {
        eprintln!("skipped: another user may not read the project");
        return;
    }
    told(&refused, 1, &["can't write out", "ermission denied"]);
    told(&run_by_user("out", false).unwrap(), 2, &["out holds results", "--force"]);
    told(&run_by_user("out/deeper", false).unwrap(), 1, &["can't write out/deeper"]);
    set(0o755);
    assert_eq!(files(&here.path().join("out")), old);
    // A folder that may be entered and not listed.
    if root {
        let blind = here.path().join("blind");
        fs::create_dir(&blind).unwrap();
        std::os::unix::fs::chown(&blind, Some(65534), Some(65534)).unwrap();
        fs::set_permissions(&blind, fs::Permissions::from_mode(0o333)).unwrap();
        assert_eq!(run_by_user("blind", false).unwrap().status.code(), Some(0));
        let (new, _) = whole(here.path(), &run("2"), "new");
        assert_eq!(files(&blind), new);
    }
}

#[test]
fn links_and_files_in_the_way() {
    let here = folder();
    let at = |name: &str| here.path().join(name);
    let (new, _) = whole(here.path(), &run("1"), "new");
    // A link to a folder leads there, and stays a link.
    fs::create_dir(at("real")).unwrap();
    symlink("real", at("link")).unwrap();
    assert_eq!(whole(here.path(), &run("1"), "link").0, new);
    assert!(at("link").is_symlink());
    assert_eq!(files(&at("real")), new);
    let again = program(here.path(), &run("2")).args(["--out", "link"]).output().unwrap();
    told(&again, 2, &["link holds results"]);

    symlink("nowhere", at("dangling")).unwrap();
    fs::write(at("file"), "mine").unwrap();
    symlink("file", at("link-to-file")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for (out, said) in [
        ("dangling", "dangling is a link to something that is not there"),
        ("dangling/deeper", "can't write dangling/deeper"),
        ("file", "file is a file, not a folder"),
        ("file/deeper", "can't write file/deeper"),
        ("link-to-file", "link-to-file is a file, not a folder"),
        ("loop", "loop is a link"),
    ] {
        for force in [&[][..], &["--force"]] {
            let output = program(here.path(), &run("1")).args(["--out", out]).args(force).output().unwrap();
            told(&output, 1, &[said]);
        }
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
    assert!(!at("nowhere").exists() && at("dangling").is_symlink());

    // A table that is a link is replaced; what it leads to is not written through.
    fs::create_dir(at("linked")).unwrap();
    symlink("../file", at("linked/months.csv")).unwrap();
    let output = program(here.path(), &run("1")).args(["--out", "linked"]).output().unwrap();
    told(&output, 2, &["linked holds results (months.csv)"]);
    assert_eq!(whole(here.path(), &[&run("1")[..], &["--force"]].concat(), "linked").0, new);
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
    assert!(!at("linked/months.csv").is_symlink());

    // A folder under the name of a table is not taken away, and no manifest claims that all is well.
    fs::create_dir_all(at("odd/months.csv")).unwrap();
    let odd = [&run("1")[..], &["--out", "odd", "--force"]].concat();
    told(&program(here.path(), &odd).output().unwrap(), 1, &["can't write odd/months.csv"]);
    assert!(at("odd/months.csv").is_dir() && !at("odd/manifest.toml").exists());
    assert_eq!(left_behind(&at("odd")), 0);
}

#[test]
fn readers_that_leave_early() {
    let here = folder();
    let (new, _) = whole(here.path(), &run("1"), "new");
    let shell = "\"$@\" | head -c 1 >/dev/null; echo \"${PIPESTATUS[0]}\"";
    for (out, close) in
        [("piped", shell), ("closed", "\"$@\" >&-; echo $?"), ("mute", "\"$@\" 2>&- | true; echo 0")]
    {
        let mut bash = Command::new("bash");
        bash.args(["-c", close, "bash", env!("CARGO_BIN_EXE_mandate")]);
        let output = bash.args(run("1")).args(["--out", out]).current_dir(here.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0", "{out}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{out}");
        assert_eq!(files(&here.path().join(out)), new, "{out}");
    }
    // Nobody reads the list of parameters to its end.
    mandate(here.path()).arg("parameters").assert().code(0);
    let mut bash = Command::new("bash");
    bash.args(["-c", shell, "bash", env!("CARGO_BIN_EXE_mandate"), "parameters"]);
    assert_eq!(bash.output().unwrap().stdout, b"0\n");
}

#[test]
fn files_that_vanish_meanwhile() {
    let here = folder();
    let long = replicates("20", "1");
    let (new, _) = whole(here.path(), &long, "new");
    let mut child = program(here.path(), &long)
        .args(["--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while left_behind(&here.path().join("out")) == 0 && child.try_wait().unwrap().is_none() {}
    fs::remove_file(here.path().join("mine.toml")).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert_eq!(files(&here.path().join("out")), new);

    // The folder of results itself is taken away: the run says that it can't write there.
    let mut child = program(here.path(), &[&["sweep", "s.toml"][..], &SMALL, &["--out", "gone"]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !here.path().join("gone/sweep.partial").exists() && child.try_wait().unwrap().is_none() {}
    fs::remove_dir_all(here.path().join("gone")).unwrap();
    let output = child.wait_with_output().unwrap();
    told(&output, 1, &["gone"]);
    assert!(!here.path().join("gone").join("manifest.toml").exists());
}

#[test]
fn two_runs_into_one_folder_at_once() {
    let here = folder();
    let [(a, _), (b, _)] = ["1", "2"].map(|seed| whole(here.path(), &run(seed), seed));
    let target = here.path().join("out");
    let mut refused = 0;
    for round in 0..12 {
        let start = |seed: &'static str| {
            let mut command = program(here.path(), &run(seed));
            // Without `--force`, nobody writes over what the other one has just written.
            command.args(["--out", "out"]).args((round % 2 == 0).then_some("--force"));
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let outputs = [start("1"), start("2")].map(|child| child.wait_with_output().unwrap());
        for output in &outputs {
            match output.status.code() {
                Some(0) => {}
                Some(1) => {
                    told(output, 1, &["another process is writing results into out"]);
                    refused += 1;
                }
                _ => told(output, 2, &["out holds results"]),
            }
        }
        assert!(outputs.iter().any(|output| output.status.success()), "round {round}: nobody wrote");
        let there = files(&target);
        assert!(there == a || there == b, "round {round}: {:?}", there.keys());
        fs::remove_dir_all(&target).unwrap();
    }
    eprintln!("{refused} of 12 second runs were refused while the first was at work");

    // One that is at work for long is never taken for dead.
    let large = ["run", "mine.toml", "--sample", "20_000", "--replicates", "1000", "--out", "long"];
    let mut first =
        program(here.path(), &large).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let long = here.path().join("long");
    while left_behind(&long) == 0 && first.try_wait().unwrap().is_none() {}
    std::thread::sleep(Duration::from_millis(100));
    for force in [&[][..], &["--force"]] {
        let second = program(here.path(), &run("1")).args(["--out", "long"]).args(force).output().unwrap();
        told(&second, 1, &["another process is writing results into long"]);
        assert_eq!(left_behind(&long), 1);
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(left_behind(&long), 1, "SIGKILL leaves it");
    assert_eq!(whole(here.path(), &run("1"), "long").0, a, "and the next run takes it away");
}
