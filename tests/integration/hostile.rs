//! Input that is made to exhaust memory, time or the stack: told in bounded time, in less than a gibibyte.
#![cfg(target_os = "linux")]

use crate::program::scenario;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The longest that any of them may take, in any build on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);

/// `mandate check` of a file, with no more memory than a gibibyte; its status and what it says.
fn check(here: &Path, what: &str, text: &str, sets: &[&str]) -> (i32, String) {
    fs::write(here.join("x.toml"), text).unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args([
        "-c",
        "ulimit -v 1048576; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_mandate"),
        "check",
        "x.toml",
    ]);
    for set in sets {
        shell.args(["--set", set]);
    }
    let start = Instant::now();
    let output = shell.current_dir(here).output().unwrap();
    let (took, told) = (start.elapsed(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(took < LONGEST, "{what} took {took:?}");
    let head: String = told.chars().take(300).collect();
    let code = output.status.code().unwrap_or_else(|| panic!("{what}: {:?} {head}", output.status));
    assert!(!told.contains("panicked"), "{what}: {head}");
    assert!(told.len() < 500_000, "{what}: {} bytes are said", told.len());
    (code, told)
}

fn extending(more: &str) -> String {
    format!("title = \"x\"\nextends = {:?}\n{more}", scenario("december-deadline").to_str().unwrap())
}

fn sweeping(more: &str) -> String {
    format!("base = {:?}\n{more}", scenario("december-deadline").to_str().unwrap())
}

fn rows(row: &str, count: usize) -> String {
    row.repeat(count)
}

#[test]
fn hostile_files_are_refused_in_bounded_time_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let refused = |what: &str, text: &str, said: &str| {
        let (code, told) = check(here, what, text, &[]);
        let head: String = told.chars().take(300).collect();
        assert_eq!(code, 2, "{what}: {head}");
        assert!(told.contains(said), "{what}: no {said:?} in {head}");
    };
    // The stack.
    refused("brackets", &extending(&format!("x = {}{}", rows("[", 100_000), rows("]", 100_000))), "not TOML");
    refused("tables", &extending(&format!("x = {}1{}", rows("{a=", 50_000), rows("}", 50_000))), "not TOML");
    refused("dots", &extending(&format!("{}a = 1", rows("a.", 100_000))), "not TOML");
    // Time and memory.
    let keys: String = (0..100_000).map(|i| format!("key{i} = 1\n")).collect();
    refused("unknown keys", &extending(&keys), "no more of them are told");
    refused("empty amendments", &extending(&rows("[[amendment]]\n", 1_000_000)), "no more of them are told");
    refused("one long key", &extending(&format!("{} = 1", rows("k", 1 << 20))), "no such key");
    refused("one long line", &extending(&rows("\"", 1 << 20)), "not TOML");
    refused("nothing but zeros", &rows("\0", 1 << 20), "not TOML");
    refused("more than is read", &rows("# \n", 6_000_000), "larger than 16 MiB");
    let factors = ["fees.agency_query", "fees.direct_query", "behaviour.learn", "behaviour.review_rate"]
        .map(|path| format!("[[factor]]\npath = \"{path}\"\nlow = 0.1\nhigh = 0.2\nlevels = 10000\n"));
    let sampled = factors.concat().replace("levels = 10000\n", "");
    let design = format!("design = \"latin-hypercube\"\npoints = 10_000_000\n{sampled}");
    check(here, "the largest design", &sweeping(&design), &[]);
    let six = format!(
        "{sampled}{}",
        sampled
            .replace("fees.", "supervision.")
            .replace("agency_query", "detection")
            .replace("direct_query", "tolerance")
            .replace("learn", "own_stake")
            .replace("review_rate", "neutrality")
    );
    refused(
        "points times factors",
        &sweeping(&format!("design = \"latin-hypercube\"\npoints = 10_000_000\n{six}")),
        "too many to be held",
    );
    refused(
        "a grid beyond numbers",
        &sweeping(&format!("design = \"grid\"\n{}", factors.concat())),
        "too many points",
    );
    // Factors that something must hold between, at a trillion points.
    let banks = ["state", "city", "rural"].map(|class| {
        let values: Vec<String> = (1..=10_000).map(|count| count.to_string()).collect();
        format!("[[factor]]\npath = \"banks.{class}.count\"\nvalues = [{}]\n", values.join(","))
    });
    refused(
        "a grid of what is checked",
        &sweeping(&format!("design = \"grid\"\nreplicates = 1\n{}", banks.concat())),
        "at more points than can be checked",
    );
    let rosters = |roster: &str| extending(&format!("[rosters]\n{roster} = \"x.csv\"\n"));
    fs::write(here.join("x.csv"), format!("agency,holder,stake,source\n{}", rows("x,y,2,\n", 1_000_000)))
        .unwrap();
    refused("a million wrong stakes", &rosters("stakes"), "no more of them are told");
    fs::write(here.join("x.csv"), format!("id\n{}", rows("x\n", 5_000_000))).unwrap();
    refused("five million rows", &rosters("platforms"), "too many rows");
    fs::write(here.join("x.csv"), rows("id,", 3_000_000)).unwrap();
    refused("three million columns", &rosters("banks"), "too many columns");
    fs::write(here.join("x.csv"), "\"".repeat(1 << 20)).unwrap();
    for roster in ["platforms", "banks", "agencies", "stakes", "targets", "replicate_seeds"] {
        refused("quotes", &rosters(roster), "x.csv");
    }
    let points = sweeping("design = \"points\"\nfile = \"x.csv\"\n");
    fs::write(here.join("x.csv"), format!("fees.agency_query\n{}", rows("x\n", 1_000_000))).unwrap();
    refused("a million wrong points", &points, "no more of them are told");
    fs::write(here.join("x.csv"), format!("fees.agency_query\n{}", rows("3\n", 200_000))).unwrap();
    assert_eq!(check(here, "many points", &points, &[]).0, 0);
    for endless in ["/dev/zero", "/dev/urandom"] {
        refused(endless, &extending(&format!("[rosters]\nbanks = {endless:?}\n")), "larger than 16 MiB");
    }
    // Many are no fault.
    let amendment = "[[amendment]]\nfrom = \"2022-01\"\nset = { \"fees.agency_query\" = 3 }\n";
    assert_eq!(check(here, "many amendments", &extending(&rows(amendment, 100_000)), &[]).0, 0);
}

#[test]
fn numbers_beyond_all_measure() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in
        ["nan", "inf", "-inf", "1e400", "-1e-300", "99999999999999999999", "0x7fffffffffffffff", "1e10"]
    {
        let set = format!("fees.agency_query={wrong}");
        let (code, told) = check(folder.path(), wrong, &extending(""), &[&set]);
        assert!(code == 2 && told.contains("out of range"), "{told}");
        let (code, told) =
            check(folder.path(), wrong, &extending(&format!("[fees]\nagency_query = {wrong}\n")), &[]);
        assert!(code == 2 && told.contains("x.toml:4: fees.agency_query"), "{told}");
    }
    assert_eq!(check(folder.path(), "-0.0", &extending("[fees]\nagency_query = -0.0\n"), &[]).0, 0);
    for set in [
        "calendar.months=1000000000",
        "users.sample=1000000000000000",
        "calendar.months=0",
        "calendar.start=9999-13",
    ] {
        assert_eq!(check(folder.path(), set, &extending(""), &[set]).0, 2, "{set}");
    }
    let deep = format!("{}a=1", "a.".repeat(50_000));
    assert_eq!(check(folder.path(), "a deep key", &extending(""), &[&deep]).0, 2);
    for id in ["../x", "..", "/etc/passwd", "a b", "аnt", "ant\u{202e}", "ANT", "-x", "x/y"] {
        let platforms =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/platforms.csv")).unwrap();
        let changed = platforms.replacen("\nant,", &format!("\n{id},"), 1);
        assert_ne!(platforms, changed);
        fs::write(folder.path().join("x.csv"), changed).unwrap();
        let (code, told) = check(folder.path(), id, &extending("[rosters]\nplatforms = \"x.csv\"\n"), &[]);
        assert!(code == 2 && told.contains("not an id") && !told.contains('\u{202e}'), "{told}");
    }
}
