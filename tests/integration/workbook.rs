//! What a spreadsheet finds in the workbooks that the program writes.

use crate::program::{Table, mandate, scenario};
use calamine::{Data, Reader, Xlsx, open_workbook};
use std::fs;
use std::path::Path;

fn rows(file: &Path, sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = open_workbook(file).expect("the workbook opens");
    book.worksheet_range(sheet).expect("the sheet is there").rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn a_grid_of_two_factors_has_heat_maps_of_the_means_in_its_summary() {
    let here = tempfile::tempdir().unwrap();
    let base = scenario("december-deadline");
    let text = format!(
        "base = '{}'\ndesign = \"grid\"\nreplicates = 2\n\
         [[factor]]\npath = \"fees.agency_query\"\nvalues = [6, 24]\n\
         [[factor]]\npath = \"supervision.audits_per_month\"\nvalues = [0, 2, 8]\n",
        base.display()
    );
    fs::write(here.path().join("grid.toml"), text).unwrap();
    let small = ["--sample", "300", "--set", "calendar.burn_in_months=6", "--set", "calendar.months=24"];
    mandate(here.path()).args(["sweep", "grid.toml", "--out", "out", "--xlsx"]).args(small).assert().code(0);

    let out = here.path().join("out");
    let summary = Table::read(&out.join("sweep_summary.csv"), b',');
    let map = rows(&out.join("workbook.xlsx"), "Heat maps");
    let title = |row: &Vec<Data>| row[0].to_string().starts_with("approval_rate_creditworthy_mean");
    let start = map.iter().position(title).expect("approval has a heat map");
    assert_eq!(map[start + 2][1..4], [Data::Float(0.0), Data::Float(2.0), Data::Float(8.0)]);
    for (down, fee) in ["6", "24"].iter().enumerate() {
        for (across, audits) in ["0", "2", "8"].iter().enumerate() {
            let expected = summary.rows.iter().find(|row| {
                row["outcome"] == "approval_rate_creditworthy_mean"
                    && row["fees.agency_query"] == *fee
                    && row["supervision.audits_per_month"] == *audits
            });
            let expected: f64 = expected.unwrap()["mean"].parse().unwrap();
            let Data::Float(shown) = map[start + 3 + down][across + 1] else { panic!("no number") };
            assert!((shown - expected).abs() < 1e-12, "{fee} {audits}: {shown} {expected}");
        }
    }
    let runs = rows(&out.join("workbook.xlsx"), "Runs");
    assert!(runs.len() >= 12, "a row a run");
}
