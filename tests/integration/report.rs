//! The report in a real browser: it renders, complains of nothing and asks for nothing.

use crate::browser::{asked_for, browse, chromium, quiet};
use crate::common::shipped;
use crate::program::{mandate, scenario};
use mandate::output::report::report;
use mandate::results::{Gatherer, Results};
use mandate::run::{Plan, RunId, run};
use mandate::scenario::Scenario;
use mandate::summary::SummaryRow;
use mandate::tables::{Reporting, RunRows};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The page that compares shipped scenarios, run small.
fn page(names: &[&str], sample: &str, replicates: u32) -> String {
    let small = [sample, "calendar.burn_in_months=12"];
    let scenarios: Vec<Scenario> = names.iter().map(|name| shipped(name, &small)).collect();
    let mut gatherer = Gatherer::new(scenarios.len());
    let plan =
        Plan { scenarios: &scenarios, replicates, seed: 1, threads: 2, reporting: Reporting::default() };
    let sink = |id: RunId, rows: RunRows| {
        gatherer.run(id.scenario, &rows, &SummaryRow::of(&scenarios[id.scenario], &rows));
        Ok::<(), Infallible>(())
    };
    run(plan, &AtomicBool::new(false), |_| {}, sink).unwrap_or_else(|error| panic!("{error}"));
    let differences = Scenario::differing(&scenarios.iter().collect::<Vec<_>>());
    report(&Results {
        command: "compare",
        reproduce: format!("mandate compare {}", names.join(" ")),
        run_id: "a1b2c3d4".into(),
        seed: 1,
        replicates,
        scenarios: &scenarios,
        differences: &differences,
        summaries: gatherer.summaries(),
        months_mean: gatherer.months_mean(),
        comparison: gatherer.comparison(),
        winners: gatherer.winners(),
    })
}

#[test]
fn a_browser_renders_the_report_and_asks_for_nothing() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let html = page(&["december-deadline", "strict-oversight"], "users.sample=2000", 4);
    fs::write(&file, &html).unwrap();
    // Kept, so that one can look at what was tested.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html"), &html).unwrap();

    let log = folder.path().join("net.json");
    let log_option = format!("--log-net-log={}", log.display());
    let profile = folder.path().join("profile");
    let output = browse(&chromium, &profile, &file, &["--dump-dom", &log_option]);
    let (dom, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(dom.contains("<h1>Strict oversight against December deadline</h1>"), "{said}");
    assert_eq!(dom.matches("<figure>").count(), 6 + 1, "six figures of the story and one of who wins");
    assert_eq!(dom.matches("<svg").count(), html.matches("<svg").count());
    quiet(&said);
    assert_eq!(asked_for(&log), None, "the page asks for something on the network");

    // The same eyes see what another page asks for.
    let other = folder.path().join("other.html");
    fs::write(&other, "<img src=\"http://example.invalid/\">").unwrap();
    browse(&chromium, &profile, &other, &["--dump-dom", &log_option]);
    assert!(asked_for(&log).is_some_and(|request| request.contains("example.invalid")));

    let shot = folder.path().join("page.png");
    let shot_option = format!("--screenshot={}", shot.display());
    let output = browse(&chromium, &profile, &file, &[&shot_option, "--window-size=1200,2000"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::metadata(&shot).is_ok_and(|shot| shot.len() > 50_000), "the page is not blank");
}

#[test]
fn a_browser_renders_six_scenarios() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let names = [
        "december-deadline",
        "fee-cap",
        "neutral-agency",
        "strict-oversight",
        "pushed-back",
        "public-utility",
    ];
    let html = page(&names, "users.sample=500", 3);
    fs::write(&file, &html).unwrap();
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-six.html"), &html).unwrap();
    let output = browse(&chromium, &folder.path().join("profile"), &file, &["--dump-dom"]);
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(dom.contains("<h1>Alternatives to December deadline</h1>"));
    assert_eq!(dom.matches("<figure>").count(), 6 + 5);
}

/// The pages of small sweeps of two kinds, one of them over several scenarios.
fn sweeps(folder: &Path) -> Vec<(PathBuf, usize)> {
    let base = scenario("december-deadline");
    let fee = "[[factor]]\npath = \"fees.agency_query\"\n";
    let audits = "[[factor]]\npath = \"supervision.audits_per_month\"\n";
    let grid = format!("design = \"grid\"\n{fee}values = [1, 12, 48]\n{audits}values = [0, 2, 8, 16]\n");
    let others = ["strict-oversight", "fee-cap"].map(|name| scenario(name).to_str().unwrap().to_string());
    let ranked = format!(
        "scenarios = {others:?}\ndesign = \"sobol\"\npoints = 8\n[[factor]]\npath = \"fees.direct_query\"\nlow = 1\nhigh = 48\nscale = \"log\"\n\
         [[factor]]\npath = \"behaviour.own_stake\"\nlow = 0.0\nhigh = 2.0\n"
    );
    // Bars and a table an outcome; bars and a panel a factor an outcome, and rankings.
    [("grid", grid, 8 * 2), ("ranked", ranked, 8 * 3 + 9)]
        .into_iter()
        .map(|(name, text, charts)| {
            let file = folder.join(format!("{name}.toml"));
            fs::write(&file, format!("title = \"Sweep <{name}>\"\nbase = {base:?}\nreplicates = 2\n{text}"))
                .unwrap();
            let mut command = mandate(folder);
            command.arg("sweep").arg(&file).args(["--sample", "500", "--report", "--out", name]);
            command.args(["--set", "calendar.burn_in_months=6"]).assert().code(0);
            let page = folder.join(name).join("report.html");
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}.html"));
            fs::copy(&page, kept).unwrap();
            (page, charts)
        })
        .collect()
}

#[test]
fn a_browser_renders_the_report_of_a_sweep_and_asks_for_nothing() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (page, charts) in sweeps(folder.path()) {
        let log = folder.path().join("net.json");
        let log_option = format!("--log-net-log={}", log.display());
        let output = browse(&chromium, &folder.path().join("profile"), &page, &["--dump-dom", &log_option]);
        let (dom, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}");
        assert!(dom.contains("<h1>Sweep &lt;"), "{dom}");
        // An outcome that never changes has no chart.
        let drawn = dom.matches("<svg").count();
        assert!((charts / 2..=charts).contains(&drawn), "{drawn} of {charts} charts");
        for part in ["role=\"img\"", "<title id=", "<desc id="] {
            assert_eq!(dom.matches(part).count(), drawn, "every chart has its {part}");
        }
        quiet(&said);
        assert_eq!(asked_for(&log), None, "the page asks for something on the network");
        assert!(!dom.contains("NaN") && !dom.contains("inf"), "numbers are numbers");
    }
}
