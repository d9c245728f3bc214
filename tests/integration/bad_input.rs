//! Wrong input is told in one pass: file, line, key, value, what is allowed, the nearest name.

use mandate::scenario::load;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PLATFORMS: &str = "\
id,name,reach,credit_weight,shopping,payments,travel,local_services,social,finance,skill,waits_for,goodwill,source
ant,Ant,0.75,0.4,0.35,0.6,0.05,0.15,0,0.5,1,0.6,0.1,assumed
jd,JD,0.4,0.09,0.45,0.2,0,0.05,0,0.3,0.9,0.5,0,assumed
";
const BANKS: &str = "\
class,count,deposit_share,partnership_weight,information_precision,waits_for,source
state,6,0.6,0.3,0.9,0.8,assumed
rural,100,0.4,0.7,0.25,0.8,assumed
";
const AGENCIES: &str = "\
id,name,operator,opens,capability,capability_ceiling,capability_learning,fee_query,fee_rule,unit_cost,fixed_cost,revenue_share,payout,regulator_appoints_management,records_loans,source
pudao,Pudao,licensed,2021-01,0.55,0.9,0.02,,fixed,1,5000000,,0.5,0,true,assumed
";
const STAKES: &str = "\
agency,holder,stake,source
pudao,jd,0.25,published
pudao,outside:Others,0.75,published
";
const BASE: &str = "\
title = \"Base\"
[rosters]
platforms = \"platforms.csv\"
banks = \"banks.csv\"
agencies = \"agencies.csv\"
stakes = \"stakes.csv\"
";

/// A folder with small rosters, a scenario `base.toml`, and whatever a test adds.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(TempDir::new().unwrap());
        for (name, text) in [
            ("platforms.csv", PLATFORMS),
            ("banks.csv", BANKS),
            ("agencies.csv", AGENCIES),
            ("stakes.csv", STAKES),
            ("base.toml", BASE),
        ] {
            folder.write(name, text);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Folder {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// The problems of a file, rendered, without the folder's own path.
    fn told(&self, name: &str, sets: &[&str]) -> String {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        let problems = load(&self.path(name), &sets, None).expect_err("the input is wrong");
        problems.render(false).replace(&format!("{}/", self.0.path().display()), "")
    }

    /// The problems of a scenario on top of the base, whose body starts in line 3.
    fn told_of(&self, body: &str) -> String {
        self.write("x.toml", format!("title = \"X\"\nextends = \"base.toml\"\n{body}"));
        self.told("x.toml", &[])
    }

    fn loads(&self, name: &str, sets: &[&str]) -> mandate::scenario::Scenario {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        load(&self.path(name), &sets, None).unwrap_or_else(|problems| panic!("{problems}"))
    }
}

/// Asserts that there is one problem, with each of these parts.
#[track_caller]
fn assert_one(told: &str, parts: &[&str]) {
    let problems = told.lines().filter(|line| !line.starts_with("  ")).count();
    assert_eq!(problems, 1, "one problem expected:\n{told}");
    assert_parts(told, parts);
}

#[track_caller]
fn assert_parts(told: &str, parts: &[&str]) {
    for part in parts {
        assert!(told.contains(part), "{part:?} expected in:\n{told}");
    }
}

#[test]
fn the_small_base_is_right() {
    let folder = Folder::new();
    let scenario = folder.loads("base.toml", &[]);
    assert_eq!(scenario.name, "base");
    assert_eq!(scenario.parameters.platforms.len(), 2);
    assert_eq!(scenario.parameters.stakes[0].len(), 2);
    assert!(scenario.warnings.is_empty());
}

#[test]
fn unknown_keys_at_any_depth() {
    let folder = Folder::new();
    let cases: [(&str, &[&str]); 12] = [
        (
            "[fees]\nagency_qurey = 3",
            &[
                "x.toml:4: fees.agency_qurey = 3",
                "in fees: agency_query, ",
                "did you mean fees.agency_query?",
            ],
        ),
        ("[rules]\ndetection = 0.5", &["x.toml:4: rules.detection", "did you mean supervision.detection?"]),
        ("agency_query = 3", &["x.toml:3: agency_query", "did you mean fees.agency_query?"]),
        ("[fee]\nagency_query = 3", &["x.toml:3: fee ", "did you mean fees?"]),
        ("tittle = \"x\"", &["x.toml:3: tittle", "did you mean title?"]),
        ("[platforms]\nwaitsfor = 0", &["x.toml:4: platforms.waitsfor", "platforms.waits_for?"]),
        ("[platforms.ant]\nwait_for = 0", &["x.toml:4: platforms.ant.wait_for", "platforms.ant.waits_for?"]),
        ("[platforms.amt]\nwaits_for = 0", &["x.toml:4: platforms.amt.waits_for", "did you mean ant?"]),
        ("[platforms.amt]", &["x.toml:3: platforms.amt"]),
        ("[fees.agency_query]\nhigh = 3", &["x.toml:4: fees.agency_query.high", "fees.agency_query?"]),
        ("[agencies.pudao.stakes]\nlufax = 0.1", &["x.toml:4: agencies.pudao.stakes.lufax", "ant, jd"]),
        (
            "[banks.rurl]\ncount = 4",
            &["x.toml:4: banks.rurl.count = 4", "state, rural", "did you mean rural?"],
        ),
    ];
    for (body, parts) in cases {
        assert_one(&folder.told_of(body), parts);
    }
}

#[test]
fn wrong_types_and_values_out_of_range() {
    let folder = Folder::new();
    let cases: [(&str, &[&str]); 15] = [
        (
            "[fees]\nagency_query = \"3\"",
            &["fees.agency_query = \"3\"", "wrong type: text", "without quotes"],
        ),
        ("[fees]\nagency_query = -1", &["= -1", "out of range", "from 0 to 1,000,000,000 (CNY per query)"]),
        ("[fees]\nagency_query = nan", &["fees.agency_query = NaN", "a number from 0"]),
        ("[fees]\nagency_query = 1e400", &["fees.agency_query = inf", "a number from 0"]),
        ("[costs]\ncompliance_increase_max = 8", &["did you give a percentage?"]),
        ("[credit]\ntries = 1.5", &["not a whole number", "a whole number from 1 to 20 (lenders)"]),
        ("[credit]\ntries = [1]", &["wrong type: a list"]),
        ("[rules]\nconsent = \"opt_in\"", &["\"none\" or \"opt-out\" or \"opt-in\"", "did you mean opt-in?"]),
        ("[rules]\ndomains = [\"shoping\"]", &["out of shopping, payments", "did you mean shopping?"]),
        ("[rules]\ndeliver_to = [\"pudoa\"]", &["rules.deliver_to", "\"pudoa\"", "did you mean pudao?"]),
        ("[rules]\ndeliver_to = \"pudao\"", &["not one of the choices", "ids stand in a list: [\"pudao\"]"]),
        ("[rules]\ndeliver_to = []", &["rules.deliver_to = []", "names no agency"]),
        ("fees = 3", &["x.toml:3: fees = 3", "[fees]"]),
        ("[[fees]]\nagency_query = 3", &["x.toml:3: fees", "[fees]"]),
        ("[platforms]\nant = 0.3", &["x.toml:4: platforms.ant = 0.3", "a row of the roster"]),
    ];
    for (body, parts) in cases {
        assert_one(&folder.told_of(body), parts);
    }
}

#[test]
fn months_that_do_not_exist() {
    let folder = Folder::new();
    let cases: [(&str, &[&str]); 5] = [
        (
            "[rules]\norder = \"2022-13\"",
            &["x.toml:4: rules.order = \"2022-13\"", "not a month", "no such month"],
        ),
        ("[rules]\norder = 2022-12-01", &["rules.order = 2022-12-01", "in quotes, without a day"]),
        ("[rules]\norder = 2022-12", &["x.toml:4", "a month is written in quotes"]),
        ("[calendar]\nstart = \"never\"", &["calendar.start = \"never\"", "a month \"YYYY-MM\""]),
        ("[rules]\norder = \"soon\"", &["a month \"YYYY-MM\" or \"never\""]),
    ];
    for (body, parts) in cases {
        assert_one(&folder.told_of(body), parts);
    }
}

#[test]
fn deadline_before_order() {
    let folder = Folder::new();
    let told = folder.told_of("[rules]\norder = \"2022-02\"\ndeadline = \"2022-01\"");
    assert_one(&told, &["x.toml:5: rules.deadline = \"2022-01\"", "before the order, 2022-02"]);

    folder.write("early.toml", "title = \"E\"\nextends = \"base.toml\"\n[rules]\ndeadline = \"2022-01\"\n");
    folder.write("late.toml", "title = \"L\"\nextends = \"early.toml\"\n[rules]\norder = \"2022-02\"\n");
    assert_one(&folder.told("late.toml", &[]), &["late.toml:4: rules.order = \"2022-02\""]);
    assert_one(&folder.told("early.toml", &["rules.order=2022-02"]), &["--set: rules.order = \"2022-02\""]);

    let told = folder.told_of(
        "[rules]\norder = \"2022-02\"\ndeadline = \"2022-12\"\n[[amendment]]\nfrom = \"2022-03\"\n\
         set = { \"rules.deadline\" = \"2022-01\" }",
    );
    assert_one(&told, &["x.toml:8: amendment.1.set.rules.deadline = \"2022-01\"", "before the order"]);

    folder.write("fine.toml", "title = \"F\"\nextends = \"early.toml\"\n[rules]\norder = \"never\"\n");
    folder.loads("fine.toml", &[]);
}

#[test]
fn amendments() {
    let folder = Folder::new();
    let cases: [(&str, &[&str]); 17] = [
        (
            "from = \"2022-01\"\nset = { \"fees.agency_qurey\" = 3 }",
            &["x.toml:5: amendment.1.set.fees.agency_qurey = 3", "did you mean fees.agency_query?"],
        ),
        (
            "from = \"2022-01\"\nset = { \"fees.agency_query\" = -3 }",
            &["x.toml:5: amendment.1.set.fees.agency_query = -3", "from 0 to 1,000,000,000"],
        ),
        (
            "from = \"2022-01\"\nset.supervision.detection = 50",
            &["x.toml:5: amendment.1.set.supervision.detection = 50", "percentage"],
        ),
        (
            "from = \"2022-01\"\nset = { \"platforms.amt.waits_for\" = 0 }",
            &["amendment.1.set.platforms.amt.waits_for", "did you mean ant?"],
        ),
        (
            "from = \"2020-12\"\nset = { \"fees.agency_query\" = 3 }",
            &["x.toml:4: amendment.1.from = \"2020-12\"", "from 2021-01 on"],
        ),
        (
            "from = \"2022-01\"\nset = { \"users.population\" = 10 }",
            &["x.toml:5: amendment.1.set.users.population", "no amendment can change it"],
        ),
        ("from = \"2022-01\"", &["x.toml:3: amendment.1.set", "must set something"]),
        ("from = \"2022-01\"\nset = {}", &["x.toml:5: amendment.1.set", "must set something"]),
        ("set = { \"fees.agency_query\" = 3 }", &["x.toml:3: amendment.1", "either from"]),
        (
            "from = \"2022-01\"\nwhen = { indicator = \"audits\", above = 1 }\nset = { \"fees.agency_query\" = 3 }",
            &["x.toml:3: amendment.1", "both from and when"],
        ),
        (
            "when = { indicator = \"defaults_rate_annual\", above = 1 }\nset = { \"fees.agency_query\" = 3 }",
            &["x.toml:4: amendment.1.when.indicator", "did you mean default_rate_annual?"],
        ),
        (
            "when = { indicator = \"delivered_share\", below = 1 }\nset = { \"fees.agency_query\" = 3 }",
            &["nobody can observe", "delivered_share_reported"],
        ),
        (
            "when = { indicator = \"audits\" }\nset = { \"fees.agency_query\" = 3 }",
            &["x.toml:4: amendment.1.when", "below, above or both"],
        ),
        (
            "when = { indicator = \"audits\", above = 1, for_month = 2 }\nset = { \"fees.agency_query\" = 3 }",
            &["amendment.1.when.for_month = 2", "did you mean for_months?"],
        ),
        (
            "when = { indicator = \"audits\", above = 1, for_months = 0 }\nset = { \"fees.agency_query\" = 3 }",
            &["amendment.1.when.for_months = 0", "a whole number from 1"],
        ),
        (
            "form = \"2022-01\"\nfrom = \"2022-01\"\nset = { \"fees.agency_query\" = 3 }",
            &["x.toml:4: amendment.1.form", "note, from, when, set", "did you mean from?"],
        ),
        (
            "from = \"2022-01\"\nset = { \"agencies.pudao.stakes.jd\" = 0.5 }",
            &["x.toml:5: amendment.1.set.agencies.pudao.stakes = 1.25", "at most 1", "jd 0.5"],
        ),
    ];
    for (body, parts) in cases {
        assert_one(&folder.told_of(&format!("[[amendment]]\n{body}\n")), parts);
    }
    let told = folder.told_of(
        "[[amendment]]\nform = 1\nset = { \"agencies.pudao.stakes.jd\" = 0.5, fees = 3, users.sample = 5 }\n",
    );
    let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("  ")).collect();
    assert_eq!(
        lines,
        [
            "x.toml:3: amendment.1",
            "x.toml:4: amendment.1.form = 1",
            "x.toml:5: amendment.1.set.fees = 3",
            "x.toml:5: amendment.1.set.users.sample = 5",
            "x.toml:5: amendment.1.set.agencies.pudao.stakes = 1.25"
        ]
    );
    assert_one(&folder.told_of("[amendment]\nfrom = \"2022-01\""), &["x.toml:3: amendment", "[[amendment]]"]);
}

#[test]
fn stakes_are_summed_with_amendments_in_file_order() {
    let folder = Folder::new();
    let sells = "[[amendment]]\nfrom = \"2022-01\"\nset = { \"agencies.pudao.stakes.jd\" = 0 }\n";
    let buys = "[[amendment]]\nfrom = \"2022-01\"\nset = { \"agencies.pudao.stakes.ant\" = 0.25 }\n";
    let write = |body: String| format!("title = \"X\"\nextends = \"base.toml\"\n{body}");
    folder.write("x.toml", write(format!("{sells}{buys}")));
    assert_eq!(folder.loads("x.toml", &[]).amendments.len(), 2);
    folder.write("x.toml", write(format!("{buys}{sells}")));
    assert_one(&folder.told("x.toml", &[]), &["x.toml:5: amendment.1.set.agencies.pudao.stakes = 1.25"]);
}

#[test]
fn rosters() {
    let replaced = |file: &str, from: &str, to: &str| {
        let folder = Folder::new();
        let text = fs::read_to_string(folder.path(file)).unwrap();
        assert!(text.contains(from), "{from} stands in {file}");
        folder.write(file, text.replacen(from, to, 1));
        folder.told("base.toml", &[])
    };
    let cases: [(&str, &str, &str, &[&str]); 28] = [
        (
            "base.toml",
            "platforms.csv",
            "platfroms.csv",
            &["base.toml:3: rosters.platforms", "platforms.csv?"],
        ),
        ("base.toml", "platforms.csv", ".", &["base.toml:3: rosters.platforms", "a folder"]),
        ("base.toml", "stakes = \"stakes.csv\"", "", &["rosters.stakes", "no roster is named"]),
        ("platforms.csv", "0.75", "high", &["platforms.csv:2: platforms.ant.reach = high", "not a number"]),
        ("platforms.csv", "0.75", "75%", &["platforms.ant.reach = 75%", "8 % is 0.08"]),
        ("platforms.csv", "0.75", "75", &["platforms.ant.reach = 75", "from 0 to 1", "percentage"]),
        ("platforms.csv", "0.75", "", &["platforms.csv:2: platforms.ant.reach", "empty cell"]),
        ("platforms.csv", "0.75", "NaN", &["platforms.ant.reach = NaN", "from 0 to 1"]),
        ("platforms.csv", "\njd,", "\nant,", &["platforms.csv:3: id = ant", "stands twice: first in line 2"]),
        ("platforms.csv", "\nant,", "\n=ant,", &["platforms.csv:2: id = =ant", "lower-case letters"]),
        (
            "platforms.csv",
            "\nant,",
            "\n-ant,",
            &["platforms.csv:2: id = -ant", "starting with a letter or digit"],
        ),
        ("platforms.csv", "\nant,", "\nan.t,", &["platforms.csv:2: id = an.t", "not an id"]),
        (
            "platforms.csv",
            "\nant,",
            &format!("\n{},", "a".repeat(65)),
            &["platforms.csv:2: id = aaa", "up to 64"],
        ),
        ("platforms.csv", "\nant,", "\nwaits_for,", &["id = waits_for", "another meaning"]),
        ("platforms.csv", ",Ant,", ",@Ant,", &["platforms.csv:2: platforms.ant.name", "none of = + - @"]),
        ("platforms.csv", "0.1,assumed", "0.1,", &["platforms.csv:2: platforms.ant.source", "empty cell"]),
        ("platforms.csv", ",reach,", ",raech,", &["platforms.csv:1: reach", "missing column", "raech"]),
        ("platforms.csv", ",reach,", ",name,", &["platforms.csv:1: name", "the column stands twice"]),
        (
            "platforms.csv",
            "0.1,assumed",
            "0.1,assumed,of us",
            &["platforms.csv:2", "15 cells, the header 14"],
        ),
        ("platforms.csv", PLATFORMS, "", &["platforms.csv: \n", "the file is empty"]),
        ("platforms.csv", PLATFORMS, "a;b;c\n", &["platforms.csv:1", "not separated by commas"]),
        ("banks.csv", "0.6,0.3", "0.5,0.3", &["banks.csv:1: banks.deposit_share = 0.9", "a sum of 1"]),
        ("banks.csv", "0.6,0.3", "0.6,0.2", &["banks.csv:1: banks.partnership_weight = 0.9", "a sum of 1"]),
        ("banks.csv", "rural,100", "rural,60000", &["banks.count = 60006", "60000 at most"]),
        ("agencies.csv", "2021-01", "Jan-21", &["agencies.csv:2: agencies.pudao.opens = Jan-21", "as text"]),
        ("agencies.csv", "0.9", "0.5", &["agencies.csv:2: agencies.pudao.capability_ceiling = 0.5", "0.55"]),
        ("stakes.csv", "0.75", "0.85", &["stakes.csv:3: agencies.pudao.stakes = 1.1", "at most 1"]),
        ("stakes.csv", "0.25", "-0.25", &["stakes.csv:2: agencies.pudao.stakes.jd = -0.25", "from 0 to 1"]),
    ];
    for (file, from, to, parts) in cases {
        let told = replaced(file, from, to);
        let told = told.replace(":\n", ": \n");
        assert!(parts.iter().all(|part| told.contains(part)), "{file}: {to:?}: {parts:?} in\n{told}");
        let known_twofold = to == "," || from == ",reach,";
        assert!(known_twofold || told.lines().filter(|line| !line.starts_with("  ")).count() == 1, "{told}");
    }
}

#[test]
fn rosters_have_at_least_one_platform_and_not_too_many() {
    let folder = Folder::new();
    let (header, _) = PLATFORMS.split_once('\n').unwrap();
    folder.write("platforms.csv", header);
    assert_one(
        &folder.told("base.toml", &[]),
        &["platforms.csv:1: platforms", "has 0 rows", "1 to 128 rows"],
    );
    let rows: String = (0..129).map(|i| format!("p{i},P,0.1,1,0,0,0,0,0,0,1,0,0,assumed\n")).collect();
    folder.write("platforms.csv", format!("{header}\n{rows}"));
    assert_one(&folder.told("base.toml", &[]), &["platforms.csv:1: platforms", "has 129 rows"]);

    let folder = Folder::new();
    let header_of = |text: &str| text.split_once('\n').unwrap().0.to_string();
    folder.write("agencies.csv", header_of(AGENCIES)).write("stakes.csv", header_of(STAKES));
    assert!(folder.loads("base.toml", &[]).parameters.agencies.is_empty());

    let folder = Folder::new();
    folder.write("banks.csv", BANKS.replace("state", "ant"));
    assert_one(&folder.told("base.toml", &[]), &["banks.csv:2: class = ant", "a platform has the same id"]);
}

#[test]
fn stakes_name_known_agencies_and_holders() {
    let cases = [
        ("pudoa,jd,0.1,x", "stakes.csv:2: agency = \"pudoa\"", "did you mean pudao?"),
        ("pudao,didi,0.1,x", "stakes.csv:2: holder = \"didi\"", "\"outside:NAME\", or a platform: ant, jd"),
        ("pudao,outside:,0.1,x", "stakes.csv:2: holder = \"outside:\"", "no name"),
        ("pudao,outside:=x,0.1,x", "stakes.csv:2: holder", "none of = + - @"),
        ("pudao,jd,0.1,x\npudao,jd,0.2,x", "stakes.csv:3: agencies.pudao.stakes.jd", "stands twice"),
    ];
    for (row, place, part) in cases {
        let folder = Folder::new();
        folder.write("stakes.csv", format!("agency,holder,stake,source\n{row}\n"));
        assert_one(&folder.told("base.toml", &[]), &[place, part]);
    }
}

#[test]
fn overrides_that_break_sums_are_told_where_they_stand() {
    let folder = Folder::new();
    let told = folder.told_of("[banks.rural]\ndeposit_share = 0.5");
    assert_one(&told, &["x.toml:4: banks.deposit_share = 1.1"]);
    let told = folder.told_of("[agencies.pudao.stakes]\nant = 0.25");
    assert_one(&told, &["x.toml:4: agencies.pudao.stakes = 1.25"]);
    assert_one(
        &folder.told("base.toml", &["users.population=1000"]),
        &["--set: users.sample = 100000", "1000"],
    );
    let told = folder.told_of("[calendar]\nstart = \"9999-01\"\nmonths = 24");
    assert_one(&told, &["calendar.months = 24", "12 at most"]);
    let told = folder.told_of("[calendar]\nstart = \"1000-01\"");
    assert_one(&told, &["calendar.burn_in_months = 36", "0 at most"]);
}

#[test]
fn targets_and_seeds() {
    let folder = Folder::new();
    folder.write(
        "targets.csv",
        "target,metric,statistic,month,published,source\nloans,defaults_,levels,2021-13,many,\n\
         twice,defaults,level,2022-12,1,recalled\ntwice,defaults,level,2022-11,2,recalled\n",
    );
    folder.write("seeds.csv", "replicate,seed\n1,5\n3,5\n3,x\n");
    let told = folder.told_of("[rosters]\ntargets = \"targets.csv\"\nreplicate_seeds = \"seeds.csv\"\n");
    assert_parts(
        &told,
        &[
            "targets.csv:2: metric = defaults_",
            "did you mean defaults?",
            "targets.csv:2: statistic = levels",
            "allowed: level or growth_of_year or mean_of_year",
            "did you mean level?",
            "targets.csv:2: month = 2021-13",
            "targets.csv:2: published = many",
            "targets.csv:2: source",
            "targets.csv:4: target = twice\n  the target stands twice",
            "seeds.csv:3: replicate = 3\n  replicates must be numbered in order\n  allowed: 2 in this row",
            "seeds.csv:3: seed = 5\n  the seed stands twice",
            "seeds.csv:4: seed = x",
        ],
    );
}

#[test]
fn chains_of_files() {
    let folder = Folder::new();
    folder.write("a.toml", "title = \"A\"\nextends = \"b.toml\"\n");
    folder.write("b.toml", "title = \"B\"\n\nextends = \"c.toml\"\n");
    folder.write("c.toml", "title = \"C\"\nextends = \"a.toml\"\n");
    let told = folder.told("a.toml", &[]);
    assert_one(&told, &["c.toml:2: extends = \"a.toml\"", "a.toml -> b.toml -> c.toml -> a.toml"]);
    folder.write("self.toml", "title = \"S\"\nextends = \"./self.toml\"\n");
    assert_one(&folder.told("self.toml", &[]), &["self.toml:2: extends", "extends itself"]);
    folder.write("lost.toml", "title = \"L\"\nextends = \"bsae.toml\"\n");
    let told = folder.told("lost.toml", &[]);
    assert_one(&told, &["lost.toml:2: extends = ", "bsae.toml", "no such file", "did you mean base.toml?"]);
    folder.write("number.toml", "title = \"N\"\nextends = 3\n");
    let told = folder.told("number.toml", &[]);
    assert_parts(&told, &["number.toml:2: extends = 3", "the path of a file"]);
}

#[test]
fn problems_of_two_files_come_together_with_their_lines() {
    let folder = Folder::new();
    folder.write("below.toml", BASE.replace("[rosters]", "[fees]\nagency_query = -1\n[rosters]"));
    folder.write("above.toml", "title = \"A\"\nextends = \"below.toml\"\n\n[credit]\ntries = 99\nx = 1\n");
    let told = folder.told("above.toml", &["credit.trys=2"]);
    let places: Vec<&str> = told.lines().filter(|line| !line.starts_with("  ")).collect();
    assert_eq!(
        places,
        [
            "above.toml:5: credit.tries = 99",
            "above.toml:6: credit.x = 1",
            "below.toml:3: fees.agency_query = -1",
            "--set: credit.trys = 2"
        ]
    );
}

#[test]
fn files_that_are_no_scenario() {
    let folder = Folder::new();
    folder.write("prose.toml", "hello, this is prose\n");
    assert_one(&folder.told("prose.toml", &[]), &["prose.toml:1: hello, this is prose", "not TOML"]);
    folder.write("broken.toml", format!("a = \"x\n{BASE}[fees]\nagency_query = = 3\ndirect_query = -1\n"));
    let told = folder.told("broken.toml", &[]);
    assert_parts(&told, &["broken.toml:1", "broken.toml:9", "broken.toml:10: fees.direct_query = -1"]);
    folder.write("twice.toml", format!("{BASE}[fees]\ndirect_query = 1\ndirect_query = 2\n"));
    assert_one(&folder.told("twice.toml", &[]), &["twice.toml:9: direct_query = 2", "duplicate key"]);
    folder.write("bytes.toml", b"title = \"x\"\nabout = \"\xff\"\n");
    assert_one(&folder.told("bytes.toml", &[]), &["bytes.toml:2", "not UTF-8", "byte 21"]);
    folder.write("bytes.csv", b"id\n\xe9\n");
    folder.write("latin.toml", BASE.replace("platforms.csv", "bytes.csv"));
    assert_one(&folder.told("latin.toml", &[]), &["bytes.csv:2", "not UTF-8"]);
    for (name, text) in [("empty.toml", ""), ("blank.toml", " \n\n"), ("comment.toml", "# nothing\n")] {
        folder.write(name, text);
        assert_one(&folder.told(name, &[]), &[name, "the file is empty", "mandate new"]);
    }
    fs::create_dir(folder.path("folder.toml")).unwrap();
    assert_one(&folder.told("folder.toml", &[]), &["folder.toml", "this is a folder"]);
    assert_one(&folder.told("bsae.toml", &[]), &["bsae.toml", "no such file", "did you mean base.toml?"]);
    folder.write("untitled.toml", "extends = \"base.toml\"\n");
    assert_one(&folder.told("untitled.toml", &[]), &["untitled.toml:1: title", "must have a title"]);
    folder.write("numbers.toml", "1\n".repeat(100_000));
    let told = folder.told("numbers.toml", &[]);
    assert_parts(&told, &["numbers.toml:20", "99980 more lines are not TOML"]);
    assert!(!told.contains("numbers.toml:21"), "{told}");
    folder.write("large.toml", vec![b'#'; (16 << 20) + 1]);
    assert_one(&folder.told("large.toml", &[]), &["large.toml", "larger than 16 MiB"]);
    folder.write("sweep.toml", "base = \"base.toml\"\ndesign = \"grid\"\n");
    assert_parts(&folder.told("sweep.toml", &[]), &["sweep.toml:1: base", "sweep files"]);
}

#[test]
fn names_that_a_spreadsheet_would_take_for_formulas() {
    let folder = Folder::new();
    for bad in ["=1+1", "+1", "-1", "@x", "\\tx", "\\rx"] {
        folder.write("x.toml", BASE.replace("\"Base\"", &format!("\"{bad}\"")));
        assert_one(&folder.told("x.toml", &[]), &["x.toml:1: title", "none of = + - @"]);
        let note = format!("note = \"{bad}\"\nfrom = \"2022-01\"\nset = {{ \"fees.agency_query\" = 3 }}");
        let told = folder.told_of(&format!("[[amendment]]\n{note}"));
        assert_one(&told, &["x.toml:4: amendment.1.note", "none of = + - @"]);
    }
    assert_one(&folder.told_of("about = \"=x\""), &["x.toml:3: about"]);
    assert_one(&folder.told_of("[platforms.ant]\nname = \"=x\""), &["x.toml:4: platforms.ant.name"]);
    assert_one(&folder.told_of("about = \"a\\u0007\""), &["x.toml:3: about", "U+0007"]);
    for name in ["=x.toml", "-x.toml", ".toml", "..toml", "a:b.toml"] {
        folder.write(name, BASE);
        assert_one(&folder.told(name, &[]), &["the file's name can't name a scenario"]);
    }
}

#[test]
fn options() {
    let folder = Folder::new();
    let cases: [(&str, &[&str]); 6] = [
        ("fees.agency_qurey=3", &["--set: fees.agency_qurey = 3", "did you mean fees.agency_query?"]),
        ("fees.agency_query", &["--set: fees.agency_query", "there is no '='", "PATH=VALUE"]),
        ("fees.agency_query=dear", &["--set: fees.agency_query = \"dear\"", "a number from 0"]),
        ("title=x", &["--set: title", "no such key"]),
        ("=3", &["--set: ", "no such key"]),
        ("rosters.platforms=nowhere/p.csv", &["--set: rosters.platforms", "there is no folder nowhere"]),
    ];
    for (set, parts) in cases {
        assert_one(&folder.told("base.toml", &[set]), parts);
    }
    let problems = load(&folder.path("base.toml"), &[], Some(0)).unwrap_err();
    assert_one(&problems.to_string(), &["--sample: users.sample = 0", "a whole number from 1"]);
    assert_eq!(load(&folder.path("base.toml"), &[], Some(500)).unwrap().parameters.users.sample, 500);
}

#[test]
fn what_spreadsheets_write_is_read() {
    let folder = Folder::new();
    let excel = |text: &str| format!("\u{feff}{}\r\n,,,\r\n\r\n", text.trim_end().replace('\n', "\r\n"));
    for name in ["platforms.csv", "banks.csv", "agencies.csv", "stakes.csv"] {
        let text = fs::read_to_string(folder.path(name)).unwrap().replace(",true,", ",TRUE,");
        folder.write(name, excel(&text));
    }
    folder.write("base.toml", format!("\u{feff}{}", BASE.replace('\n', "\r\n")));
    let scenario = folder.loads("base.toml", &[]);
    assert_eq!(scenario.parameters.platforms[1].row.name, "JD");
    assert!(scenario.parameters.agencies[0].row.records_loans);

    folder.write("platforms.csv", excel(&format!("\n{}", PLATFORMS.replace("0.4,0.09", "4,0.09"))));
    assert_one(&folder.told("base.toml", &[]), &["platforms.csv:4: platforms.jd.reach = 4"]);
}

#[test]
fn an_agency_that_never_opens_is_warned_of() {
    let folder = Folder::new();
    folder.write(
        "x.toml",
        format!("{BASE}[agencies]\nopens = \"2030-01\"\n[rules]\ndeliver_to = [\"pudao\"]\n"),
    );
    let warnings = folder.loads("x.toml", &[]).warnings;
    assert_eq!(warnings.len(), 1);
    let text = warnings[0].to_string();
    assert_parts(&text, &["x.toml:10: rules.deliver_to = \"pudao\"", "opens in 2030-01"]);
    assert!(Path::new(&warnings[0].file).ends_with("x.toml"));
}

#[test]
fn twenty_thousand_amendments_load() {
    let folder = Folder::new();
    let one = "[[amendment]]\nfrom = \"2022-01\"\nset = { \"agencies.pudao.stakes.jd\" = 0.1 }\n";
    folder.write("x.toml", format!("title = \"X\"\nextends = \"base.toml\"\n{}", one.repeat(20_000)));
    assert_eq!(folder.loads("x.toml", &[]).amendments.len(), 20_000);
}
