//! Parts of a sweep on many machines: full disks, two processes at once, parts that do not belong
//! together, and designs that are larger than any machine.

#[cfg(unix)]
use crate::program::on_a_full_disk;
use crate::program::{files, mandate, scenario};
use mandate::output::csv::hexadecimal;
use mandate::sweep::journal::Header;
use mandate::sweep::plan::sha256;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const GRID: &str = "design = \"grid\"\nreplicates = 2\n\
    [[factor]]\npath = \"fees.agency_query\"\nvalues = [3, 24]\n\
    [[factor]]\npath = \"supervision.audits_per_month\"\nvalues = [0, 4]\n";
const SMALL: [&str; 6] =
    ["--sample", "100", "--set", "calendar.burn_in_months=1", "--set", "calendar.months=2"];

/// A grid of as many points as the cube of this.
fn large_grid(values: u32) -> String {
    let values = (1..=values).collect::<Vec<_>>();
    let factor = |path: &str| format!("[[factor]]\npath = \"{path}\"\nvalues = {values:?}\n");
    let factors = ["fees.agency_query", "fees.direct_query", "supervision.audits_per_month"].map(factor);
    format!("design = \"grid\"\nreplicates = 1\n{}", factors.concat())
}

/// A folder with a sweep file `s.toml` over a shipped scenario.
fn folder(body: &str) -> TempDir {
    let here = tempfile::tempdir().expect("a temporary folder");
    write(here.path(), body);
    here
}

fn write(here: &Path, body: &str) {
    let base = scenario("december-deadline");
    fs::write(here.join("s.toml"), format!("base = {:?}\n{body}", base.to_str().unwrap())).unwrap();
}

fn sweep(here: &Path, more: &[&str]) -> assert_cmd::Command {
    let mut command = mandate(here);
    command.args(["sweep", "s.toml"]).args(SMALL).args(more);
    command
}

fn shard(here: &Path, out: &str, part: &str) {
    sweep(here, &["--out", out, "--shard", part]).assert().code(0).stderr(is_empty());
}

fn merge(here: &Path, folders: &[&str], out: &str) -> assert_cmd::Command {
    let mut command = mandate(here);
    command.arg("merge").args(folders).args(["--out", out]);
    command
}

/// Merging is refused with a message of all these parts, and writes nothing.
fn refused(here: &Path, folders: &[&str], parts: &[&str]) {
    let assert = merge(here, folders, "merged/deeper").assert().code(2).stdout(is_empty());
    let told = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    for part in parts {
        assert!(told.contains(part), "no {part:?} in\n{told}");
    }
    assert!(!here.join("merged").exists(), "nothing is written");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_worth_another_try_of_a_shard_only() {
    let here = folder(GRID);
    sweep(here.path(), &["--out", "whole"]).assert().code(0);
    shard(here.path(), "all", "1/1");
    let all = fs::read(here.path().join("all/shard-1-of-1.mandate")).unwrap();
    let header = all.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // Full in the middle of the header, right behind it, and between runs; in blocks of 512 bytes, or
    // 1024 where the shell counts so.
    let middle = header + (all.len() - header) / 2;
    let blocks = |bytes: usize| bytes.div_ceil(1024);
    let full_disk = |blocks, run: &[&str]| on_a_full_disk(here.path(), blocks, &[run, &SMALL[..]].concat());
    for (i, full) in [1, blocks(header), blocks(middle)].into_iter().enumerate() {
        let out = format!("s{i}");
        let run = ["sweep", "s.toml", "--out", &out, "--shard", "1/1"];
        let output = full_disk(full, &run);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{full} blocks: {said}");
        assert!(said.contains("shard-1-of-1.partial") && said.lines().count() == 1, "{said}");
        assert!(!here.path().join(&out).join("shard-1-of-1.mandate").exists(), "no part that is not whole");
        sweep(here.path(), &["--out", &out, "--missing", "--shards", "1"]).assert().code(0).stdout("1\n");
        merge(here.path(), &[&out], "m").assert().code(2).stderr(contains("holds no shard"));
        shard(here.path(), &out, "1/1");
        let kept = files(&here.path().join(&out));
        assert_eq!(kept.len(), 1, "{:?}", kept.keys());
        assert_eq!(kept["shard-1-of-1.mandate"], all);

        let out = format!("w{i}");
        let output = full_disk(full, &["sweep", "s.toml", "--out", &out]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{full} blocks: {said}");
        assert!(said.contains("sweep.partial"), "{said}");
        sweep(here.path(), &["--out", &out, "--resume"]).assert().code(0);
        assert_eq!(files(&here.path().join(&out)), files(&here.path().join("whole")));
    }
    // Tables that do not fit leave what has been run, and no half table.
    let full = blocks(all.len()) * 2;
    let output = full_disk(full, &["sweep", "s.toml", "--out", "t"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&here.path().join("t")).into_keys().collect::<Vec<_>>(), ["sweep.partial"]);
    sweep(here.path(), &["--out", "t", "--resume"]).assert().code(0);
    assert_eq!(files(&here.path().join("t")), files(&here.path().join("whole")));
}

#[test]
fn what_another_try_can_not_mend_is_not_tried_again() {
    let here = folder(GRID);
    let shard = |more: &[&str]| sweep(here.path(), &[&["--shard"], more].concat());
    for wrong in ["4/3", "0/3", "1/0", "1/1_000_001", "3", "x/3"] {
        shard(&[wrong, "--out", "o"]).assert().code(2).stderr(contains("--shard"));
    }
    shard(&["1/3", "--out", "o", "--set", "fees.direct_query=-1"]).assert().code(2);
    shard(&["1/3", "--out", "o", "--missing"]).assert().code(2);
    write(here.path(), &GRID.replace("agency_query", "agency_qurey"));
    shard(&["1/3", "--out", "o"]).assert().code(2).stderr(contains("did you mean fees.agency_query?"));
    fs::remove_file(here.path().join("s.toml")).unwrap();
    shard(&["1/3", "--out", "o"]).assert().code(2).stderr(contains("no such file"));
    assert_eq!(files(here.path()).len(), 0, "nothing is written");
    write(here.path(), GRID);
    fs::write(here.path().join("o"), "mine").unwrap();
    shard(&["1/3", "--out", "o"]).assert().code(1).stderr(contains("can't use o"));
    shard(&["1/3", "--out", "o/deeper"]).assert().code(1).stderr(contains("can't use o/deeper"));
    assert_eq!(fs::read_to_string(here.path().join("o")).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn two_processes_do_not_write_one_journal() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    // Far more runs than will be made, and fewer than fill a disk.
    let here = folder(&large_grid(20));
    for (out, shard, journal, code) in
        [("w", &[][..], "sweep.partial", 1), ("s", &["--shard", "2/2"], "shard-2-of-2.partial", 75)]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mandate"))
            .args(["sweep", "s.toml", "--out", out, "--threads", "1"])
            .args(SMALL)
            .args(shard)
            .current_dir(here.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let journal = here.path().join(out).join(journal);
        let lines = || fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count());
        let start = Instant::now();
        while lines() < 3 && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let second = |option: &[&str]| {
            sweep(here.path(), &[&["--out", out][..], shard, option].concat())
                .timeout(Duration::from_secs(60))
                .assert()
                .stdout(is_empty())
        };
        let busy = contains("another process is writing");
        if !shard.is_empty() {
            second(&[]).code(code).stderr(busy.clone());
        } else {
            second(&[]).code(2).stderr(contains("--resume"));
            second(&["--resume"]).code(code).stderr(busy.clone());
        }
        second(&["--force"]).code(code).stderr(busy);
        assert!(child.try_wait().unwrap().is_none(), "the first goes on");
        let before = lines();
        while lines() <= before + 1 && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(lines() > before + 1, "and under the same name");
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        // Nothing is damaged: every line is sound, so that none is run again.
        let kept = fs::read(&journal).unwrap();
        assert_eq!(kept.last(), Some(&b'\n'));
        let mut child = Command::new(env!("CARGO_BIN_EXE_mandate"))
            .args(["sweep", "s.toml", "--out", out, "--threads", "1"])
            .args(if shard.is_empty() { &["--resume"][..] } else { shard })
            .args(SMALL)
            .current_dir(here.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let grown = || fs::metadata(&journal).is_ok_and(|file| file.len() > kept.len() as u64 + 500);
        while !grown() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(fs::read(&journal).unwrap().starts_with(&kept), "it goes on behind the last sound line");
    }
}

#[test]
fn overlapping_shards_that_agree_make_the_whole() {
    let here = folder(GRID);
    sweep(here.path(), &["--out", "whole"]).assert().code(0);
    for part in ["1/2", "2/3", "3/3", "5/7", "100/100", "2/100"] {
        shard(here.path(), if part.len() == 3 { "a" } else { "b" }, part);
    }
    sweep(here.path(), &["--out", "c", "--shard", "2/100"]).assert().code(0).stdout(contains(": no runs"));
    merge(here.path(), &["b", "c", "a", "a"], "m").assert().code(0).stderr(is_empty());
    assert_eq!(files(&here.path().join("m")), files(&here.path().join("whole")));
}

fn checksum(identity: &str, body: &str) -> String {
    hexadecimal(&Sha256::digest([identity, body].concat())[..8])
}

/// Changes a part as another program could have written it: plan, and body of each line; all its checksums
/// are right.
fn forge(part: &Path, plan: impl Fn(&str) -> String, body: impl Fn(&str) -> String) {
    let text = fs::read_to_string(part).unwrap();
    let mut lines = text.lines();
    let mut header: Header = serde_json::from_str(lines.next().unwrap()).unwrap();
    header.plan = plan(&header.plan);
    header.identity = sha256(header.plan.as_bytes());
    let mut forged = serde_json::to_string(&header).unwrap() + "\n";
    for line in lines {
        let body = body(line.rsplit_once(' ').unwrap().0);
        forged += &format!("{body} {}\n", checksum(&header.identity, &body));
    }
    fs::write(part, forged).unwrap();
}

fn same(text: &str) -> String {
    text.to_string()
}

#[test]
fn parts_that_do_not_belong_together_are_named() {
    let here = folder(GRID);
    let (first, second) = ("a/shard-1-of-2.mandate", "a/shard-2-of-2.mandate");
    for part in ["1/2", "2/2"] {
        shard(here.path(), "a", part);
    }
    let (first, second) = (here.path().join(first), here.path().join(second));
    let [one, two] = [&first, &second].map(|part| fs::read(part).unwrap());
    let restore = || {
        fs::write(&first, &one).unwrap();
        fs::write(&second, &two).unwrap();
    };
    // A forger that changes nothing forges nothing.
    forge(&second, same, same);
    assert_eq!(fs::read(&second).unwrap(), two);

    // Results of one run that differ, each in itself sound.
    sweep(here.path(), &["--out", "b", "--shard", "2/3"]).assert().code(0);
    let overlapping = here.path().join("b/shard-2-of-3.mandate");
    forge(&overlapping, same, |body| body.replacen("4 ", "4 n1e0", usize::from(body.starts_with("4 "))));
    let parts = ["run 5 differs between", "a/shard-2-of-2.mandate", "b/shard-2-of-3.mandate"];
    refused(here.path(), &["a", "b"], &parts);
    fs::remove_dir_all(here.path().join("b")).unwrap();

    // Every place at which a part may have been cut short.
    for end in [0, 1, 20, two.len() / 2, two.len() - 1, two.len() - 20] {
        fs::write(&second, &two[..end]).unwrap();
        refused(here.path(), &["a"], &["a/shard-2-of-2.mandate"]);
        sweep(here.path(), &["--out", "a", "--missing", "--shards", "2"]).assert().code(0).stdout("2\n");
    }
    // A bit that has fallen over.
    let mut bytes = two.clone();
    let place = two.len() - 60;
    bytes[place] ^= 1;
    fs::write(&second, &bytes).unwrap();
    refused(here.path(), &["a"], &["a/shard-2-of-2.mandate", "damaged"]);
    bytes[place] = 0xff;
    fs::write(&second, &bytes).unwrap();
    refused(here.path(), &["a"], &["a/shard-2-of-2.mandate", "damaged"]);
    fs::write(&second, "point,replicate\n1,1\n").unwrap();
    refused(here.path(), &["a"], &["a/shard-2-of-2.mandate: its first line is not that of a sweep"]);
    // More than its runs.
    fs::write(&second, [&two[..], b"more\n"].concat()).unwrap();
    refused(here.path(), &["a"], &["a/shard-2-of-2.mandate", "goes on"]);

    // Another version of the program, of one part or of all, and one whose plans this one can't read.
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    let newer = |plan: &str| plan.replace(&version, "version = \"9.9.9\"");
    for parts in [vec![&first], vec![&second], vec![&first, &second]] {
        restore();
        parts.iter().for_each(|part| forge(part, newer, same));
        refused(here.path(), &["a"], &["shard-", "version", "9.9.9", env!("CARGO_PKG_VERSION")]);
    }
    restore();
    forge(&first, |plan| plan.replace("design = \"grid\"", "design = \"spiral\""), same);
    refused(here.path(), &["a"], &["a/shard-1-of-2.mandate", "another version"]);
    restore();

    // A sweep file that changed between the parts, and a mixture of sweeps.
    for (i, (from, to, said)) in [
        ("[3, 24]", "[3, 25]", "factors"),
        ("replicates = 2", "replicates = 3", "replicates is"),
        ("design", "seed = 7\ndesign", "seed"),
        ("design", "title = \"Other\"\ndesign", "title"),
    ]
    .into_iter()
    .enumerate()
    {
        write(here.path(), &GRID.replacen(from, to, 1));
        let out = format!("c{i}");
        shard(here.path(), &out, "2/2");
        refused(
            here.path(),
            &["a", &out],
            &[&format!("{out}/shard-2-of-2.mandate does not belong to a/"), said],
        );
        // The part that is there is not taken for one of the changed sweep.
        for more in [vec!["--shard", "2/2"], vec!["--missing", "--shards", "2"]] {
            let assert = sweep(here.path(), &["--out", "a"]).args(more).assert().code(2).stdout(is_empty());
            assert.stderr(contains("-of-2.mandate is of another sweep").and(contains(said)));
        }
    }
    write(here.path(), GRID);
    sweep(here.path(), &["--out", "d", "--shard", "2/2", "--set", "credit.tries=3"]).assert().code(0);
    refused(here.path(), &["a", "d"], &["d/shard-2-of-2.mandate", "credit.tries differs"]);
    refused(here.path(), &["nowhere"], &["nowhere: no such folder"]);
    merge(here.path(), &["a"], "m").assert().code(0);
}

#[test]
fn a_design_larger_than_any_machine_is_worked_on_part_by_part() {
    let here = folder(&large_grid(1000));
    mandate(here.path())
        .args(["check", "s.toml"])
        .assert()
        .code(0)
        .stdout(contains("1000000000 points, 1000000000 runs"));
    let tiny = ["--set", "calendar.burn_in_months=0", "--set", "calendar.months=1"];
    for (part, runs) in
        [("1/1_000_000", "runs 1 to 1000"), ("1000000/1000000", "runs 999999001 to 1000000000")]
    {
        let more = ["--out", "o", "--shard", part];
        sweep(here.path(), &more).args(tiny).assert().code(0).stdout(contains(runs));
    }
    let missing = ["--out", "o", "--missing", "--shards", "1000000"];
    sweep(here.path(), &missing).args(tiny).assert().code(0).stdout("2-999999\n");

    write(
        here.path(),
        "design = \"latin-hypercube\"\nreplicates = 1\npoints = 1_000_000\n\
         [[factor]]\npath = \"fees.agency_query\"\nlow = 1\nhigh = 9\n\
         [[factor]]\npath = \"fees.direct_query\"\nlow = 1\nhigh = 9\n",
    );
    sweep(here.path(), &["--out", "p", "--missing", "--shards", "3"]).assert().code(0).stdout("1-3\n");
    let more = ["--out", "p", "--shard", "1000000/1000000"];
    sweep(here.path(), &more).args(tiny).assert().code(0).stdout(contains("runs 1000000 to 1000000"));
}

#[test]
fn the_report_and_the_workbook_are_the_same_from_shards_and_whatever_the_threads() {
    let here = folder(GRID);
    let readers = ["--report", "--xlsx"];
    let whole = |threads: &str| {
        sweep(here.path(), &["--out", "whole", "--force", "--threads", threads])
            .args(readers)
            .assert()
            .code(0)
            .stdout(contains("workbook.xlsx, report.html, 4 tables"));
        files(&here.path().join("whole"))
    };
    let first = whole("1");
    assert_eq!(first, whole("3"));
    for part in ["1/2", "2/2"] {
        shard(here.path(), "a", part);
    }
    merge(here.path(), &["a"], "m").args(readers).assert().code(0);
    assert_eq!(files(&here.path().join("m")), first);
    let manifest: toml::Table = std::str::from_utf8(&first["manifest.toml"]).unwrap().parse().unwrap();
    let hash = |file: &str| {
        let listed = manifest["table"].as_array().unwrap();
        let entry = listed.iter().find(|entry| entry["file"].as_str() == Some(file)).expect("it is listed");
        entry["sha256"].as_str().unwrap().to_string()
    };
    assert_eq!(hash("report.html"), sha256(&first["report.html"]));

    merge(here.path(), &["a"], "m").args(readers).assert().code(2).stderr(contains("--force"));
    merge(here.path(), &["a"], "m").arg("--force").assert().code(0);
    assert!(!files(&here.path().join("m")).contains_key("report.html"), "no stale report beside new tables");
}
