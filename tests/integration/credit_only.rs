//! Credit alone, as `benches/credit_only.toml` has it, against its exact expectations and variances.

use crate::common::{mean, read, repository, run, variance};
use mandate::agents::users::quality;
use mandate::screening::{LendingTerms, monthly_hazard};

const MONTHS: usize = 36;
const SAMPLE: f64 = 20_000.0;
const SEEDS: u32 = 200;
const APPLIES: f64 = 0.05;
const TERM: usize = 12;

/// Probabilities of a person's applying, being approved and defaulting, by month.
///
/// The lender's error on a person does not change, so that a person of quality z is acceptable for good with
/// probability A(z), or never. Those who never are apply in every month with the same probability; the others
/// are free, or have paid some months of a loan, or have defaulted.
fn expected(terms: &LendingTerms) -> [[f64; MONTHS]; 3] {
    let [mut applications, mut approvals, mut defaults] = [[0.0; MONTHS]; 3];
    let screen = terms.screen(1.0, 0);
    for rank in 0..=u16::MAX {
        let z = quality(rank);
        let (acceptable, hazard) = (screen.approval(z), monthly_hazard(terms.pd(z, 0.0)));
        // Free persons, and borrowers by months paid, out of those who are acceptable.
        let (mut free, mut borrowers) = (1.0, [0.0; TERM]);
        for month in 0..MONTHS {
            defaults[month] += acceptable * hazard * borrowers.iter().sum::<f64>() / 65_536.0;
            borrowers.iter_mut().for_each(|share| *share *= 1.0 - hazard);
            free += borrowers[TERM - 1];
            borrowers.rotate_right(1);
            borrowers[0] = free * APPLIES;
            free -= borrowers[0];
            approvals[month] += acceptable * borrowers[0] / 65_536.0;
            applications[month] += (acceptable * borrowers[0] + (1.0 - acceptable) * APPLIES) / 65_536.0;
        }
    }
    [applications, approvals, defaults]
}

#[test]
fn counts_are_binomial_with_their_exact_probabilities() {
    let sets = ["users.sample=20000", "users.population=20000"];
    let scenario = read(&repository("benches/credit_only.toml"), &sets);
    let terms = LendingTerms::new(&scenario.parameters.credit);
    let expected = expected(&terms);
    // The reference model's first application is approved with probability 0.58924.
    assert!((expected[1][0] / expected[0][0] - 0.589_24).abs() < 1e-5);

    let runs = run(&scenario, SEEDS);
    for (metric, probabilities) in ["applications", "approvals", "defaults"].into_iter().zip(expected) {
        let mut ratios = Vec::new();
        let mut squares = 0.0;
        for (month, p) in probabilities.into_iter().enumerate().filter(|(_, p)| *p > 0.0) {
            let counts: Vec<f64> =
                runs.iter().map(|rows| rows.months[month].metric(metric).unwrap()).collect();
            let of_one = SAMPLE * p * (1.0 - p);
            let z = (mean(&counts) - SAMPLE * p) / (of_one / f64::from(SEEDS)).sqrt();
            assert!(z.abs() < 4.5, "{metric} of month {month}: {z} standard errors off");
            squares += z * z;
            ratios.push(variance(&counts) / of_one);
        }
        let months = ratios.len() as f64;
        println!(
            "{metric}: squared standardised errors {:.2} a month, variance {:.3} of the binomial one",
            squares / months,
            mean(&ratios)
        );
        // Months are not independent, so the bounds are those of a third as many.
        assert!(squares / months < 1.0 + 4.0 * (2.0 / (months / 3.0)).sqrt(), "{metric}: {squares}");
        let error = (2.0 / f64::from(SEEDS - 1) / (months / 3.0)).sqrt();
        assert!((mean(&ratios) - 1.0).abs() < 4.0 * error, "{metric}: variance {}", mean(&ratios));
    }
}
