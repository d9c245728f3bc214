//! Where the points of a sweep lie: one row a point, one column a factor.
//!
//! A grid's columns are numbers of levels. All other designs lie in the unit cube, where 0 to 1 is the
//! whole range of a factor, and are pure functions of their sizes and a seed: they use no function
//! that machines may round differently.

use crate::random::{Key, Purpose};

/// Most factors of a Sobol design: that many dimensions have direction numbers.
pub const SOBOL_FACTORS: usize = 256;
/// Most points of a Sobol design: the length of the sequence.
pub const SOBOL_POINTS: usize = 1 << 16;
/// Most factors of a Saltelli design, which takes two dimensions of the sequence for each.
pub const SALTELLI_FACTORS: usize = SOBOL_FACTORS / 2;
/// Levels of a factor in a Morris design unless said otherwise (Morris 1991).
pub const MORRIS_LEVELS: usize = 4;

/// The parts of the drawing of designs. They take the month's place in the key, so that no two share
/// a draw.
const SCRAMBLE: u32 = 0;
const PERMUTATION: u32 = 1;
const JITTER: u32 = 2;
const TRAJECTORY: u32 = 3;

/// The key of all designs of a seed.
fn design_key(seed: u64) -> Key {
    Key::new(seed, 0)
}

/// A number in 0..`count` of 32 random bits, each equally likely but for count / 2^32.
fn below(word: u32, count: usize) -> usize {
    ((u64::from(word) * count as u64) >> 32) as usize
}

/// How many points the full factorial of that many levels a factor has; `None` beyond 64 bits.
pub fn grid_size(levels: &[usize]) -> Option<u64> {
    if levels.contains(&0) {
        return Some(0);
    }
    levels.iter().try_fold(1u64, |size, &count| size.checked_mul(count as u64))
}

/// The levels of point `index` of the full factorial, in which the last factor varies fastest.
///
/// # Panics
/// If the factorial has no such point.
pub fn grid_point(levels: &[usize], index: u64) -> Vec<usize> {
    let mut rest = index;
    let mut point = vec![0; levels.len()];
    for (level, &count) in point.iter_mut().zip(levels).rev() {
        assert!(count > 0, "a factor without levels has no points");
        *level = (rest % count as u64) as usize;
        rest /= count as u64;
    }
    assert!(rest == 0, "point {index} is beyond the grid");
    point
}

/// A Latin hypercube (McKay, Beckman and Conover 1979): of `points` equal strata of each factor, every
/// one holds one point, anywhere within it.
pub fn latin_hypercube(factors: usize, points: usize, seed: u64) -> Vec<Vec<f64>> {
    let key = design_key(seed);
    let mut rows = vec![vec![0.0; factors]; points];
    for factor in 0..factors {
        let strata =
            permutation(points, |i| key.draw(Purpose::Design, factor as u32, PERMUTATION, i as u32)[0]);
        for (i, (row, stratum)) in rows.iter_mut().zip(strata).enumerate() {
            let within = key.uniform(Purpose::Design, factor as u32, JITTER, i as u32);
            row[factor] = (stratum as f64 + within) / points as f64;
        }
    }
    rows
}

/// A random order of 0..`count` (Fisher and Yates), given 32 random bits for each position.
fn permutation(count: usize, word: impl Fn(usize) -> u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(word(last), last + 1));
    }
    order
}

/// The first points of a Sobol sequence with Owen's scrambling (Owen 1995; Burley 2020), each seed with
/// a scramble of its own. The strata of every factor are filled evenly where `points` is a power of 2.
///
/// Coordinates are multiples of 2^-24 at the finest.
///
/// # Panics
/// Beyond [`SOBOL_FACTORS`] or [`SOBOL_POINTS`].
pub fn sobol(factors: usize, points: usize, seed: u64) -> Vec<Vec<f64>> {
    assert!(factors <= SOBOL_FACTORS, "{factors} factors are more than the sequence's dimensions");
    assert!(points <= SOBOL_POINTS, "{points} points are more than the sequence's length");
    let scramble = design_key(seed).draw(Purpose::Design, 0, SCRAMBLE, 0)[0];
    let coordinate = |point, factor| f64::from(sobol_burley::sample(point, factor, scramble));
    (0..points as u32)
        .map(|point| (0..factors as u32).map(|factor| coordinate(point, factor)).collect())
        .collect()
}

/// Trajectories of Morris (1991): each starts at a random point of the grid of `levels` equally spaced
/// levels from 0 to 1 and moves every factor once, in random order, by `levels / (2 (levels - 1))` up or
/// down. Of `trajectories * (factors + 1)` rows, those of a trajectory follow each other.
///
/// # Panics
/// Unless `levels` is even and positive: only then are all levels equally likely.
pub fn morris(factors: usize, trajectories: usize, levels: usize, seed: u64) -> Vec<Vec<f64>> {
    assert!(levels > 0 && levels.is_multiple_of(2), "an even number of levels, not {levels}");
    let key = design_key(seed);
    let mut rows = Vec::with_capacity(trajectories * (factors + 1));
    for trajectory in 0..trajectories {
        let draw = |factor: usize| key.draw(Purpose::Design, trajectory as u32, TRAJECTORY, factor as u32);
        let order = permutation(factors, |factor| draw(factor)[2]);
        let step = levels / 2;
        let value = |level: usize| level as f64 / (levels - 1) as f64;
        // Where each factor starts and ends: the lower of both is one of the lower half of the levels.
        let ends: Vec<[usize; 2]> = (0..factors)
            .map(|factor| {
                let [low, direction, ..] = draw(factor);
                let low = below(low, step);
                if below(direction, 2) == 0 { [low, low + step] } else { [low + step, low] }
            })
            .collect();
        let mut row: Vec<f64> = ends.iter().map(|[start, _]| value(*start)).collect();
        rows.push(row.clone());
        for factor in order {
            row[factor] = value(ends[factor][1]);
            rows.push(row.clone());
        }
    }
    rows
}

/// The design of Saltelli and others (2010) for Sobol' indices: `base * (factors + 2)` rows, for each
/// base sample A, then A with each factor in turn from B, then B. A and B are the two halves of a point
/// of [`sobol`] of twice the factors; `base` is best a power of 2.
///
/// # Panics
/// Beyond [`SALTELLI_FACTORS`], or [`SOBOL_POINTS`] base samples.
pub fn saltelli(factors: usize, base: usize, seed: u64) -> Vec<Vec<f64>> {
    assert!(factors <= SALTELLI_FACTORS, "{factors} factors are more than half the sequence's dimensions");
    let mut rows = Vec::with_capacity(base * (factors + 2));
    for point in sobol(2 * factors, base, seed) {
        let (a, b) = point.split_at(factors);
        rows.push(a.to_vec());
        for factor in 0..factors {
            let mut row = a.to_vec();
            row[factor] = b[factor];
            rows.push(row);
        }
        rows.push(b.to_vec());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of `count` equal strata of [0, 1) a coordinate is in.
    fn stratum(coordinate: f64, count: usize) -> usize {
        assert!((0.0..1.0).contains(&coordinate), "{coordinate} is outside of [0, 1)");
        (coordinate * count as f64) as usize
    }

    /// Whether every stratum of every factor holds one point.
    fn one_point_a_stratum(rows: &[Vec<f64>]) -> bool {
        (0..rows[0].len()).all(|factor| {
            let mut strata: Vec<usize> = rows.iter().map(|row| stratum(row[factor], rows.len())).collect();
            strata.sort_unstable();
            strata.into_iter().eq(0..rows.len())
        })
    }

    #[test]
    fn the_last_factor_of_a_grid_varies_fastest() {
        let points: Vec<Vec<usize>> = (0..6).map(|index| grid_point(&[2, 1, 3], index)).collect();
        assert_eq!(points, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]);
        assert_eq!(grid_point(&[2, 1, 3], 4), [1, 0, 1]);
        assert_eq!(grid_point(&[10, 10, 10], 507), [5, 0, 7]);
    }

    #[test]
    fn grids_are_counted_without_overflow() {
        assert_eq!(grid_size(&[2, 1, 3]), Some(6));
        assert_eq!(grid_size(&[]), Some(1), "one point, without coordinates");
        assert_eq!(grid_point(&[], 0), [0; 0]);
        assert_eq!(grid_size(&[4, 0]), Some(0));
        assert_eq!(grid_size(&[1 << 21, 1 << 21, 1 << 21]), Some(1 << 63));
        assert_eq!(grid_size(&[1 << 21, 1 << 21, 1 << 21, 2]), None);
        assert_eq!(grid_size(&[1 << 21, 1 << 21, 1 << 21, 2, 0]), Some(0));
    }

    #[test]
    #[should_panic(expected = "beyond the grid")]
    fn a_grid_ends() {
        grid_point(&[2, 3], 6);
    }

    #[test]
    fn a_latin_hypercube_has_one_point_a_stratum() {
        for points in [1, 2, 7, 100, 1000] {
            assert!(one_point_a_stratum(&latin_hypercube(4, points, 5)), "{points} points");
        }
        assert!(latin_hypercube(3, 0, 5).is_empty());
        let independent = latin_hypercube(2, 1000, 5);
        let product: f64 = independent.iter().map(|row| (row[0] - 0.5) * (row[1] - 0.5)).sum();
        // The sd of the mean product is (1 / 12) / sqrt(1000).
        assert!((product / 1000.0).abs() < 4.0 / 12.0 / 1000f64.sqrt(), "factors move together");
    }

    #[test]
    fn a_sobol_design_fills_strata_of_one_and_of_two_factors() {
        assert!(one_point_a_stratum(&sobol(SOBOL_FACTORS, 64, 8)));
        // The first two dimensions are a (0, m, 2)-net: every 4 x 16 and 8 x 8 box holds one of 64.
        for (wide, high) in [(4, 16), (8, 8), (32, 2)] {
            let mut boxes: Vec<usize> = sobol(2, 64, 8)
                .iter()
                .map(|row| stratum(row[0], wide) * high + stratum(row[1], high))
                .collect();
            boxes.sort_unstable();
            assert!(boxes.into_iter().eq(0..64), "{wide} x {high}");
        }
    }

    /// The mean over the unit cube of the product of (1 + (x - 1/2)) over factors is 1.
    fn integration_error(rows: &[Vec<f64>]) -> f64 {
        let values = rows.iter().map(|row| row.iter().map(|x| 0.5 + x).product::<f64>());
        (values.sum::<f64>() / rows.len() as f64 - 1.0).abs()
    }

    #[test]
    fn a_sobol_design_integrates_better_than_chance() {
        let (factors, points, seeds) = (5, 1024, 20);
        let mean_error = |design: &dyn Fn(u64) -> Vec<Vec<f64>>| {
            (0..seeds).map(|seed| integration_error(&design(seed))).sum::<f64>() / seeds as f64
        };
        let random = mean_error(&|seed| {
            let key = Key::new(seed, 1);
            let row = |i| (0..factors).map(|f| key.uniform(Purpose::Traits, i, 0, f as u32)).collect();
            (0..points as u32).map(row).collect()
        });
        let latin = mean_error(&|seed| latin_hypercube(factors, points, seed));
        let sobol = mean_error(&|seed| sobol(factors, points, seed));
        assert!(latin < random / 2.0, "{latin} against {random}");
        assert!(sobol < random / 20.0, "{sobol} against {random}");
    }

    #[test]
    fn a_trajectory_moves_each_factor_once_by_delta() {
        for levels in [2, 4, 8] {
            let delta = levels as f64 / (2.0 * (levels as f64 - 1.0));
            let rows = morris(6, 50, levels, 3);
            assert_eq!(rows.len(), 50 * 7);
            for trajectory in rows.chunks(7) {
                let mut moved: Vec<usize> = Vec::new();
                for step in trajectory.windows(2) {
                    let changes: Vec<usize> = (0..6).filter(|&f| step[0][f] != step[1][f]).collect();
                    assert_eq!(changes.len(), 1);
                    assert!(((step[1][changes[0]] - step[0][changes[0]]).abs() - delta).abs() < 1e-15);
                    moved.extend(changes);
                }
                moved.sort_unstable();
                assert_eq!(moved, [0, 1, 2, 3, 4, 5]);
            }
        }
    }

    #[test]
    fn trajectories_use_all_levels_directions_and_orders() {
        let rows = morris(3, 2000, MORRIS_LEVELS, 3);
        for level in 0..4 {
            let starts = rows.chunks(4).filter(|t| (t[0][1] * 3.0 - f64::from(level)).abs() < 1e-9).count();
            // 500 expected with an sd of 19.4; as many in each direction of each level.
            assert!(starts.abs_diff(500) < 80, "{starts} start at level {level}");
        }
        let first = rows.chunks(4).filter(|t| t[0][2] != t[1][2]).count();
        assert!(first.abs_diff(667) < 85, "{first} of 2000 move the last of three factors first");
        assert!(rows.iter().flatten().any(|&x| x == 1.0), "the range's upper end is a level");
    }

    #[test]
    fn a_base_sample_is_a_then_a_with_each_factor_from_b_then_b() {
        let rows = saltelli(3, 8, 4);
        assert_eq!(rows.len(), 8 * 5);
        for (block, point) in rows.chunks(5).zip(sobol(6, 8, 4)) {
            let [a0, a1, a2, b0, b1, b2] = point[..] else { panic!("six coordinates") };
            assert_eq!(block, [[a0, a1, a2], [b0, a1, a2], [a0, b1, a2], [a0, a1, b2], [b0, b1, b2]]);
        }
        assert_eq!(saltelli(SALTELLI_FACTORS, 1, 4).len(), SALTELLI_FACTORS + 2);
    }

    #[test]
    fn designs_follow_from_their_seed() {
        type Design = fn(u64) -> Vec<Vec<f64>>;
        let designs: [Design; 4] = [
            |seed| latin_hypercube(3, 20, seed),
            |seed| sobol(3, 20, seed),
            |seed| morris(3, 20, MORRIS_LEVELS, seed),
            |seed| saltelli(3, 20, seed),
        ];
        for design in designs {
            assert_eq!(design(1), design(1));
            assert_ne!(design(1), design(2));
            assert_ne!(design(1), design(1 + (1 << 32)), "the upper half of a seed matters");
        }
    }

    /// Pins the numbers themselves: published sweeps depend on them.
    #[test]
    fn designs_are_stable() {
        assert_eq!(
            latin_hypercube(2, 3, 1),
            [
                [0.23765746174224964, 0.3235244615546738],
                [0.6543514430134868, 0.44965993989414227],
                [0.6787004670671498, 0.8166473471016312]
            ]
        );
        assert_eq!(
            sobol(2, 3, 1),
            [
                [0.8494056463241577, 0.13916361331939697],
                [0.37123095989227295, 0.9419987201690674],
                [0.19710493087768555, 0.3212888240814209]
            ]
        );
        assert_eq!(morris(2, 1, 4, 1), [[0.0, 2.0 / 3.0], [2.0 / 3.0, 2.0 / 3.0], [2.0 / 3.0, 0.0]]);
    }
}
